"""The port to the store, a small key-value protocol that Redis, Upstash and SQLite implement, and its locks.

A lock lasts a few seconds and is prolonged while its process runs: a killed process blocks others for seconds only, and
a process that was suspended past the end of its lock cannot commit (`Store.commit`).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from core.model.errors import StoreError
from core.store.keys import PREFIX

Values = dict[str, tuple[bytes, float | None]]  # by key, each with its time to live (s)


class Store(Protocol):
    """Values are bytes under text keys. A time to live is in seconds; None means that the value does not expire.

    Every operation is atomic and bounded in time, and raises `StoreError` if it fails (`StoreFull`: no room is left).
    An expired key counts as absent, and so does what is not of Paperwire's making: a key of another type, a lock that
    never expires, a budget that is no number.
    """

    async def get(self, key: str) -> bytes | None:
        """Returns the value, None if the key is absent."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Returns the values in the order of `keys`, None for absent ones, in one round trip."""

    async def digests(self, keys: Sequence[str]) -> list[str]:
        """Returns a digest of each value in the order of `keys`, "" for absent ones, in one round trip.

        Equal values have equal digests. The values themselves are not transferred.
        """

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:
        """Set a value, and replace any previous one."""

    async def put_many(self, values: Mapping[str, tuple[bytes, float | None]]) -> None:
        """Set values with their ttl in one round trip. Not atomic: if it fails, some of them may have been written."""

    async def delete(self, key: str) -> None:
        """Remove a key, if present."""

    async def clear(self, prefix: str) -> int:
        """Remove every key that begins with `prefix`, not atomically. Returns their number."""

    async def acquire(self, name: str, token: str, ttl: float) -> bool:
        """Take the lock `name` for `ttl` seconds, or prolong it if `token` holds it. False if another one does."""

    async def prolong(self, name: str, token: str, ttl: float) -> bool:
        """Prolong the lock if `token` still holds it, else return False. Unlike `acquire`, never takes an expired lock.

        A process that was suspended past the end of its lock must not get it back: another may have done the work.
        """

    async def commit(
        self, name: str, token: str, values: Mapping[str, tuple[bytes, float | None]], *, release: bool = False
    ) -> None:
        """Write all `values` (with their ttl) if `token` still holds the lock `name`, else raise `LockLost`.

        All or none are written, in their order; with `release` the lock is given up in the same moment.

        A process that was suspended past the end of its lock cannot overwrite its successor's values.
        """

    async def release(self, name: str, token: str) -> None:
        """Release the lock if `token` holds it."""

    async def take(self, name: str, amount: int, limit: int, ttl: float) -> bool:
        """Count `amount` against a budget of `limit` for `ttl` seconds from its first use. False if it does not fit.

        A negative amount always succeeds; it returns at most what was taken.
        """

    def entries(self, prefix: str = PREFIX) -> AsyncIterator[tuple[str, bytes, float | None]]:
        """Yields every key that begins with `prefix`, by default all of Paperwire's, with its value and its remaining
        seconds (None: no expiry). For dumps only.
        """

    async def close(self) -> None:
        """Close all connections. The store must not be used afterwards."""


LOCK_SECONDS = 6.0  # how long the lock of a killed process still blocks others


@dataclass(slots=True)
class Lock:
    """A lock held by this process."""

    store: Store
    name: str
    token: str
    released: bool = False

    async def commit(self, values: Mapping[str, tuple[bytes, float | None]], *, release: bool = False) -> None:
        """`Store.commit` under this lock. After a commit with `release` the lock can no longer be used."""
        await self.store.commit(self.name, self.token, values, release=release)
        self.released = release


@asynccontextmanager
async def holding(store: Store, name: str) -> AsyncIterator[Lock | None]:
    """Hold the lock `name` during the block. Yields the lock, or None at once if another process holds it."""
    lock = Lock(store, name, secrets.token_hex(8))
    if not await store.acquire(name, lock.token, LOCK_SECONDS):
        yield None
        return
    try:
        async with prolonged(store, name, lock.token, LOCK_SECONDS):
            yield lock
    finally:
        if not lock.released:
            with suppress(StoreError):  # the lock expires
                await store.release(name, lock.token)


@asynccontextmanager
async def prolonged(store: Store, name: str, token: str, seconds: float) -> AsyncIterator[None]:
    """Prolong a lock that `token` holds during the block; it expires `seconds` after the process dies."""
    beat = asyncio.create_task(_beat(store, name, token, seconds))
    try:
        yield
    finally:
        beat.cancel()
        await asyncio.wait([beat])  # `await beat` would take a cancellation of this task for that of the beat


async def _beat(store: Store, name: str, token: str, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 3)
        with suppress(StoreError):  # the next one may succeed; else the fence of `commit` protects the values
            if not await store.prolong(name, token, seconds):
                return
