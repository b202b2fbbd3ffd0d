"""The typed repository over the store: the only code that knows keys, codecs, times to live, locks and commits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from time import monotonic

from core.archive.analyses import Analyses
from core.archive.days import Days
from core.archive.draft import Draft
from core.archive.dump import Count, export_store, import_store
from core.archive.gate import passing
from core.archive.overrides import Overrides
from core.archive.pending import PendingWrites
from core.archive.rendered import Rendered
from core.archive.reviews import Reviews
from core.archive.spending import Spending
from core.archive.state import STATE_KEYS, State, decode_state
from core.archive.windows import Windows
from core.config.settings import GATE_SECONDS
from core.model.errors import StoreError
from core.model.manifest import Manifest
from core.store import keys
from core.store.base import Store, Values, holding

__all__ = ["Archive", "Draft", "State"]

_PATIENCE_SECONDS = 30.0  # how long a draft waits for another process's
RETENTION = timedelta(days=30)
PROBE_SECONDS = 60.0
_POLL_SECONDS = 0.2


class Archive:
    """All that Paperwire stores, by its parts. The state changes only by a draft that is committed.

    `retention` is how long batches are kept. Everything raises `StoreError` where the store fails.
    """

    def __init__(self, store: Store, *, retention: timedelta = RETENTION) -> None:
        self.store = store
        self.retention = retention
        self.days = Days(store)
        self.windows = Windows(store)
        self.overrides = Overrides(store)
        self.reviews = Reviews(store)
        self.analyses = Analyses(store)
        self.spending = Spending(store)
        self.pending = PendingWrites(store)
        self.rendered = Rendered(store, self.pending)

    def gate(self, seconds: float = GATE_SECONDS) -> AbstractAsyncContextManager[None]:
        """Space a request to arXiv, sent inside the block, from all others by so many seconds."""
        return passing(self.store, seconds) if seconds else nullcontext()

    async def refusal(self) -> str:
        """Why the store takes nothing that is written, in its own words and with the mend; "" if it does."""
        try:
            await self.store.put(keys.PROBE, b"1", PROBE_SECONDS)
        except StoreError as error:
            return str(error)
        return ""

    async def state(self) -> State:
        """The state as stored, in one round trip."""
        return decode_state(*(await self.encoded_state())[0])

    async def encoded_state(self, also: str = "") -> tuple[tuple[bytes | None, ...], bytes | None]:
        """The state for `decode_state`, and the value of the slot `also` (`rendered`), in one round trip."""
        found = await self.store.get_many([*STATE_KEYS, *([also] if also else [])])
        return tuple(found[: len(STATE_KEYS)]), found[-1] if also else None

    async def note_rules(self, rules: str, now: datetime) -> State | None:
        """Note in the manifest that its content is served under other `rules` from now on: clients see a change.

        The state after that; None if another process is writing.
        """
        return await self._note(lambda known: known if known.rules == rules else known.under(rules, now))

    async def note_time(self, end: datetime, now: datetime) -> State | None:
        """Note in the manifest that it is later than `end`: what waited for that moment is shown from now on.

        The state after that; None if another process is writing.
        """
        return await self._note(
            lambda known: known if datetime.fromisoformat(known.updated) >= end else known.under(known.rules, now)
        )

    async def _note(self, change: Callable[[Manifest], Manifest]) -> State | None:
        async with self.try_drafting() as draft:
            if draft is None:
                return None
            draft.manifest = change(draft.manifest)
            return await draft.commit()

    @asynccontextmanager
    async def try_drafting(self) -> AsyncIterator[Draft | None]:
        """A draft of the next state, or None at once while another process has one."""
        async with holding(self.store, keys.REFRESH_LOCK) as lock:
            if lock is None:
                yield None
            else:
                state = await self.state()
                yield Draft(state, self.retention, state.manifest, lock)

    @asynccontextmanager
    async def drafting(self) -> AsyncIterator[Draft]:
        """A draft of the next state; waits for another process's. Raises `StoreError` after half a minute."""
        end = monotonic() + _PATIENCE_SECONDS
        while monotonic() < end:
            async with self.try_drafting() as draft:
                if draft is not None:
                    yield draft
                    return
            await asyncio.sleep(_POLL_SECONDS)
        raise StoreError("another process has been refreshing for too long")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[bool]:
        """Be the one process that backfills and analyses; False at once if another one is."""
        async with holding(self.store, keys.CATCH_UP_LOCK) as lock:
            yield lock is not None

    async def contents(self) -> AsyncIterator[tuple[str, int]]:
        """The kind and the size in bytes of each value that is stored."""
        async for key, value, _ in self.store.entries():
            yield key.removeprefix(keys.PREFIX).partition(":")[0], len(value)

    def dump(self, now: float) -> AsyncIterator[str]:
        """The lines of a file with all that is stored, made at `now` (Unix time); see `core.archive.dump`."""
        return export_store(self.store, now)

    async def load(self, values: Values, loaded: Count = lambda _: None) -> None:
        """Store the values of such a file (`read_dump`); `loaded` gets the number of those that are stored so far.

        Raises `StoreError`, also if a refresh is running: then nothing was written.
        """
        await import_store(self.store, values, loaded)

    async def close(self) -> None:
        """Write what is pending, and free connections."""
        await self.pending.flush()
        await self.store.close()
