"""The port to the store, a small key-value protocol that Redis, Upstash and SQLite can all keep, and its locks.

A lock lives for a few seconds and is prolonged while its process lives: a process that was killed blocks others for
seconds only, and one that slept past the end of its lock is stopped by the fence of `Store.commit`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from core.model.errors import StoreError

Values = dict[str, tuple[bytes, float | None]]  # by key, each with its time to live (s)


class Store(Protocol):
    """Values are bytes under text keys; times to live are in seconds, None means without an end.

    Every operation is atomic by itself, bounded in time, and raises `StoreError` if it could not be done. Expired keys
    are as absent as keys that never were.
    """

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of `keys`, in one round trip."""

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:
        """Set a value, whatever was there."""

    async def put_many(self, values: Mapping[str, tuple[bytes, float | None]]) -> None:
        """Set values with their ttl in one round trip, each for itself: if one fails, others may have been written."""

    async def delete(self, key: str) -> None:
        """Remove a key if it is there."""

    async def acquire(self, name: str, token: str, ttl: float) -> bool:
        """Take the lock `name` for `ttl` seconds, or prolong it if `token` holds it. False: another holds it."""

    async def prolong(self, name: str, token: str, ttl: float) -> bool:
        """Prolong the lock if `token` still holds it. Unlike `acquire`, never takes one that has ended.

        Who slept past the end of its lock must not get it back: a successor may have done the work meanwhile.
        """

    async def commit(
        self, name: str, token: str, values: Mapping[str, tuple[bytes, float | None]], *, release: bool = False
    ) -> None:
        """Write all `values` (with their ttl) if `token` still holds the lock `name`, else raise `LockLost`.

        All or none are written, in their order; with `release` the lock is given up in the same moment.

        The fence: a process that slept past the end of its lock cannot overwrite what its successor wrote.
        """

    async def release(self, name: str, token: str) -> None:
        """Give the lock up if `token` holds it."""

    async def take(self, name: str, amount: int, limit: int, ttl: float) -> bool:
        """Count `amount` against a budget of `limit` for `ttl` seconds from its first use; False: it does not fit.

        An amount below zero gives back, always, but never more than was taken.
        """

    def entries(self) -> AsyncIterator[tuple[str, bytes, float | None]]:
        """Every key of Paperwire with its value and the seconds it still lives (None: no end). For dumps only."""

    async def close(self) -> None:
        """Free connections; the store is not used afterwards."""


LOCK_SECONDS = 6.0  # what a process that was killed makes its successor wait


@dataclass(slots=True)
class Lock:
    """A lock that this process holds."""

    store: Store
    name: str
    token: str
    released: bool = False

    async def commit(self, values: Mapping[str, tuple[bytes, float | None]], *, release: bool = False) -> None:
        """`Store.commit` under this lock; with `release` nothing more can be written under it."""
        await self.store.commit(self.name, self.token, values, release=release)
        self.released = release


@asynccontextmanager
async def holding(store: Store, name: str) -> AsyncIterator[Lock | None]:
    """Hold the lock `name` and yield it to commit with, or yield None at once if another process holds it."""
    lock = Lock(store, name, secrets.token_hex(8))
    if not await store.acquire(name, lock.token, LOCK_SECONDS):
        yield None
        return
    try:
        async with prolonged(store, name, lock.token, LOCK_SECONDS):
            yield lock
    finally:
        if not lock.released:
            with suppress(StoreError):  # it ends by itself
                await store.release(name, lock.token)


@asynccontextmanager
async def prolonged(store: Store, name: str, token: str, seconds: float) -> AsyncIterator[None]:
    """Keep a lock that `token` holds for as long as the block lasts; it ends `seconds` after the process dies."""
    beat = asyncio.create_task(_beat(store, name, token, seconds))
    try:
        yield
    finally:
        beat.cancel()
        with suppress(asyncio.CancelledError):
            await beat


async def _beat(store: Store, name: str, token: str, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 3)
        with suppress(StoreError):  # the next beat may succeed; if none does, the fence holds
            if not await store.prolong(name, token, seconds):
                return
