"""The overrides that the owner saves: changed under a lock, with a history for undo."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.archive.reading import read_value, twice
from core.model.errors import Conflict, TooMuch
from core.model.manifest import rfc3339
from core.model.saved import Change, Saved
from core.store import keys
from core.store.base import LOCK_SECONDS, Store, holding
from core.store.codec import encode

LONGEST_HISTORY = 20
MOST_BYTES = 200_000  # as stored; every instance reads it every few seconds
HISTORY_BYTES = 400_000
PATIENCE_SECONDS = LOCK_SECONDS + 1  # longer than the lock of a killed process lasts
_POLL_SECONDS = 0.2
_BOTH = (keys.SAVED, keys.copy(keys.SAVED))


class Overrides:
    """The saved overrides in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> tuple[Saved, tuple[Change, ...]]:
        """Returns the saved overrides, and their changes, newest first. Raises `StoreError`."""
        *both, history = await self._store.get_many((*_BOTH, keys.SAVED_HISTORY))
        found = (read_value(key, Saved.from_plain, data) for key, data in zip(_BOTH, both, strict=True))
        saved = next((one for one in found if one is not None), Saved())
        return saved, read_value(keys.SAVED_HISTORY, _changes, history) or ()

    async def change(
        self, expected: int, make: Callable[[Saved, tuple[Change, ...]], tuple[Saved, str]], now: datetime
    ) -> Saved:
        """Replace the overrides. `make` gets them and the history, and returns the new ones and a line for the history.

        Returns the new overrides. Raises `Conflict` if their version is not `expected` or they are locked for too long,
        `TooMuch` if they are too large, `StoreError`, and the errors of `make`.
        """
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while (changed := await self._try_change(expected, make, now)) is None:
            if asyncio.get_running_loop().time() > end:
                raise Conflict("Another change is being saved right now. Try again in a moment.")
            await asyncio.sleep(_POLL_SECONDS)
        return changed

    async def _try_change(
        self, expected: int, make: Callable[[Saved, tuple[Change, ...]], tuple[Saved, str]], now: datetime
    ) -> Saved | None:
        """Returns None if another change is being saved."""
        async with holding(self._store, keys.SAVED_LOCK) as lock:
            if lock is None:
                return None
            saved, history = await self.read()
            if saved.version != expected:
                raise Conflict("The feeds were changed meanwhile. Look at them as they are now, and save again.")
            changed, what = make(saved, history)
            # In a thread: a long history takes a while, in which the lock has to be prolonged
            values = await asyncio.to_thread(_encoded, changed, (Change(rfc3339(now), what, saved), *history))
            await lock.commit(values, release=True)
            return changed


def _encoded(saved: Saved, history: tuple[Change, ...]) -> dict[str, tuple[bytes, float | None]]:
    plain = encode(saved.to_plain())
    if len(plain) > MOST_BYTES:
        raise TooMuch(f"Together the feeds would take {len(plain):,} bytes in the store; {MOST_BYTES:,} are possible.")
    changes = [_to_plain(change) for change in history[:LONGEST_HISTORY]]
    return {
        keys.SAVED_HISTORY: (_newest(changes), None),
        **twice({keys.SAVED: (plain, None)}),
    }


def _newest(changes: list[dict[str, Any]]) -> bytes:
    """Returns the newest changes, encoded: as many as there is room for, at least one."""
    whole = encode(changes)
    if len(whole) <= HISTORY_BYTES:
        return whole
    count = bisect_right(range(1, len(changes)), HISTORY_BYTES, key=lambda number: len(encode(changes[:number])))
    return encode(changes[: max(count, 1)])


def _to_plain(change: Change) -> dict[str, Any]:
    return {"time": change.time, "what": change.what, "before": change.before.to_plain()}


def _changes(plain: list[Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(str(row["time"]), str(row["what"]), Saved.from_plain(row["before"])) for row in plain)
