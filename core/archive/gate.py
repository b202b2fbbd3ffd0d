"""Spacing requests to one upstream over all processes that share a store."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.store import keys
from core.store.base import Store, prolonged

GATE_SECONDS = 3.0
_POLL_SECONDS = 0.1


class Gate:
    """One request to arXiv at a time, and a pause after each, over all processes: a `core.sources.client.Gate`."""

    def __init__(self, store: Store, seconds: float = GATE_SECONDS) -> None:
        self._store = store
        self._seconds = seconds

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Wait until a request may be sent, and hold the gate during it. The pause begins when the request ends.

        Raises `StoreError`.
        """
        token = secrets.token_hex(8)
        # Another process may hold the gate
        while not await self._store.acquire(keys.ARXIV_GATE, token, self._seconds):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        try:
            async with prolonged(self._store, keys.ARXIV_GATE, token, self._seconds):
                yield
        finally:
            # From the end of this request, so that slow answers and slow connections cannot shorten the pause
            await self._store.acquire(keys.ARXIV_GATE, token, self._seconds)
