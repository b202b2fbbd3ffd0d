"""Spaces requests to one upstream over all processes that share a store."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.store.base import Store, prolonged

_POLLS = 20  # during a pause: each is a command, of which a database has so many a month
_LEAST_POLL_SECONDS = 0.05


@asynccontextmanager
async def passing(store: Store, gate: str, seconds: float) -> AsyncIterator[None]:
    """Wait until a request may pass the `gate` (its key); other processes then wait until `seconds` after the block.

    A `core.sources.client.Gate`. Raises `StoreError`.
    """
    token = secrets.token_hex(8)
    # Another process may hold the gate
    while not await store.acquire(gate, token, seconds):  # noqa: ASYNC110
        await asyncio.sleep(max(seconds / _POLLS, _LEAST_POLL_SECONDS))
    try:
        async with prolonged(store, gate, token, seconds):
            yield
    finally:
        # From the end of this request: a slow answer or connection does not shorten the pause
        await store.acquire(gate, token, seconds)
