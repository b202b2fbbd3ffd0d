"""The typed repository over the store: the only code that knows keys, codecs, times to live, locks and commits."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from core.archive.analyses import Analyses
from core.archive.days import Days
from core.archive.draft import Draft, kept_seconds
from core.archive.dump import Count, export_store, import_store
from core.archive.gate import passing
from core.archive.learning import Learning
from core.archive.marks import MarkStore
from core.archive.overrides import Overrides
from core.archive.pending import PendingWrites
from core.archive.rendered import Rendered
from core.archive.reviews import Reviews
from core.archive.spending import Spending
from core.archive.state import STATE_KEYS, State, decode_state
from core.archive.windows import Windows
from core.archive.work import Steps
from core.config.settings import GATE_SECONDS, SITE_PAUSES
from core.model.errors import StoreError, StoreRefused
from core.model.manifest import Manifest, rfc3339
from core.store import keys
from core.store.base import Store, Values, holding
from core.store.codec import encode
from core.store.space import Space

if TYPE_CHECKING:
    from core.archive.deliveries import Deliveries
    from core.archive.inventory import Inventory

__all__ = ["Archive", "Draft", "State"]

_PATIENCE_SECONDS = 30.0  # how long to wait for another process's draft
RETENTION = timedelta(days=30)
PROBE_SECONDS = 60.0
PROBED_SECONDS = 10.0  # how long the store is not asked again after a probe that it accepted
FAILURE_SECONDS = 7 * 86_400.0
_POLL_SECONDS = 0.2


class Archive:
    """All that Paperwire stores, by its parts. The state changes only when a draft is committed.

    `retention` is how long batches are kept. All methods raise `StoreError` if the store fails.
    """

    def __init__(self, store: Store, *, retention: timedelta = RETENTION) -> None:
        self.store = store = store if isinstance(store, Space) else Space(store)
        self._probed = -math.inf  # when the store last accepted a probe (`time.monotonic`)
        self.retention = retention
        self.days = Days(store)
        self.windows = Windows(store)
        self.overrides = Overrides(store)
        self.reviews = Reviews(store)
        self.learning = Learning(store)
        self.marks = MarkStore(store)
        self.analyses = Analyses(store)
        self.spending = Spending(store)
        self.work = Steps(store)
        self.pending = PendingWrites(store)
        self.rendered = Rendered(store, self.pending)

    def keep_for(self, retention: timedelta) -> None:
        """Keep batches for another time from now on."""
        self.retention = retention

    @property
    def inventory(self) -> "Inventory":
        """Whether the store still has what the manifest names."""
        from core.archive.inventory import Inventory  # not at a cold start

        return Inventory(self.store, kept_seconds(self.retention))

    @cached_property
    def deliveries(self) -> "Deliveries":
        """The logs of what was delivered."""
        from core.archive.deliveries import Deliveries  # not at a cold start

        return Deliveries(self.store)

    def gate(self, seconds: float = GATE_SECONDS) -> AbstractAsyncContextManager[None]:
        """Returns a block for one request to arXiv, which starts `seconds` after the last one at the earliest."""
        return passing(self.store, keys.ARXIV_GATE, seconds) if seconds else nullcontext()

    @asynccontextmanager
    async def site_gate(self, seconds: float = GATE_SECONDS) -> AsyncIterator[None]:
        """A block for one request to arXiv's site: `SITE_PAUSES` times as long after the last one there, and `seconds`
        after the last one to any other address of arXiv.
        """
        pause = passing(self.store, keys.SITE_GATE, SITE_PAUSES * seconds) if seconds else nullcontext()
        async with pause, self.gate(seconds):
            yield

    @property
    def refused(self) -> StoreRefused | None:
        """Why the store refused this process's last write, None if it did not."""
        return self.store.refused

    async def refusal(self) -> StoreError | None:
        """Returns the error of a store that refuses writes, None if it accepts them."""
        if monotonic() - self._probed > PROBED_SECONDS:
            try:
                await self.store.put(keys.PROBE, b"1", PROBE_SECONDS)
            except StoreError as error:
                return error
            self._probed = monotonic()
        return self.refused

    async def note_refusal(self, error: StoreRefused, now: datetime) -> None:
        """Note why the store refused the work of a refresh, for health in other processes.

        A store that takes nothing at all does not take this either; `refusal` then says why.
        """
        with suppress(StoreError):
            await self.store.put(keys.FAILURE, encode({"time": rfc3339(now), "reason": str(error)}), FAILURE_SECONDS)

    async def clear_refusal(self) -> None:
        """Remove the note of `note_refusal`, now that a refresh could store its work."""
        await self.store.delete(keys.FAILURE)

    async def state(self) -> State:
        """Returns the stored state, in one round trip."""
        return await self.decode_state((await self.encoded_state())[0])

    async def encoded_state(
        self, also: Sequence[str] = ()
    ) -> tuple[tuple[bytes | None, ...], Mapping[str, bytes | None]]:
        """Returns the values for `decode_state`, and those of the keys `also` by key, in one round trip."""
        found = await self.store.get_many([*STATE_KEYS, *also])
        return tuple(found[: len(STATE_KEYS)]), dict(zip(also, found[len(STATE_KEYS) :], strict=True))

    async def decode_state(self, values: Sequence[bytes | None]) -> State:
        """Returns the state of the values of `encoded_state`, without a round trip if none is missing or damaged."""
        return await decode_state(self.store, values)

    async def note_rules(self, rules: str, now: datetime) -> State | None:
        """Note new `rules` in the manifest, which changes the validators of all resources.

        Returns the new state, None if another process is writing.
        """
        return await self._note(lambda known: known if known.rules == rules else known.under(rules, now))

    async def note_time(self, end: datetime, now: datetime) -> State | None:
        """Note in the manifest that `end` has passed: entries that were held back until then are shown.

        Returns the new state, None if another process is writing.
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
        """Yields a draft of the next state, or None at once if another process has one."""
        async with holding(self.store, keys.REFRESH_LOCK) as lock:
            if lock is None:
                yield None
            else:
                state = await self.state()
                yield Draft(state, self.retention, state.manifest, lock)

    @asynccontextmanager
    async def drafting(self) -> AsyncIterator[Draft]:
        """Yields a draft of the next state, after waiting for another process's. Raises `StoreError` after 30 s."""
        end = monotonic() + _PATIENCE_SECONDS
        while monotonic() < end:
            async with self.try_drafting() as draft:
                if draft is not None:
                    yield draft
                    return
            await asyncio.sleep(_POLL_SECONDS)
        raise StoreError("another process has been refreshing for too long")

    async def contents(self) -> AsyncIterator[tuple[str, int]]:
        """Yields the kind and the size in bytes of each stored value."""
        async for key, value, _ in self.store.entries():
            yield key.removeprefix(keys.PREFIX).partition(":")[0], len(value)

    def dump(self, now: float) -> AsyncIterator[str]:
        """Yields the lines of a dump made at `now` (Unix time); see `core.archive.dump`."""
        return export_store(self.store, now)

    async def load(self, values: Values, loaded: Count = lambda _: None) -> None:
        """Store the values of a dump (`read_dump`). `loaded` receives the number of values stored so far.

        Raises `StoreError`, also if a refresh is running; nothing is written then.
        """
        await import_store(self.store, values, loaded)

    async def close(self) -> None:
        """Write pending values, and close connections."""
        await self.pending.flush()
        await self.store.close()
