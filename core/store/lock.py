"""Holding a lock of the store for as long as the work takes, however long that is."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from core.domain.errors import StoreError
from core.store.protocol import Store

LOCK_SECONDS = 6.0  # what a process that was killed makes its successor wait


@asynccontextmanager
async def holding(store: Store, name: str) -> AsyncIterator[str | None]:
    """Hold the lock `name` and yield the token to commit with, or yield None at once if another holds it.

    The lock lives for a few seconds and is prolonged while this process does: one that was killed blocks nobody for
    long, one that slept past its end is stopped by the fence of `Store.commit`.
    """
    token = secrets.token_hex(8)
    if not await store.acquire(name, token, LOCK_SECONDS):
        yield None
        return
    beat = asyncio.create_task(_prolong(store, name, token))
    try:
        yield token
    finally:
        beat.cancel()
        with suppress(asyncio.CancelledError):
            await beat
        with suppress(StoreError):  # it ends by itself
            await store.release(name, token)


async def _prolong(store: Store, name: str, token: str) -> None:
    while True:
        await asyncio.sleep(LOCK_SECONDS / 3)
        with suppress(StoreError):  # the next beat may succeed; if none does, the fence holds
            await store.acquire(name, token, LOCK_SECONDS)
