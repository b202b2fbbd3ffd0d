"""Holding a lock of the store for as long as the work takes, however long that is.

Locks live for a few seconds and are prolonged while their process does: one that was killed blocks nobody for long, one
that slept past the end of its lock is stopped by the fence of `Store.commit`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from core.domain.errors import StoreError
from core.store.protocol import Store

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
