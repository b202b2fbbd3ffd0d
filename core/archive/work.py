"""The chain of steps (`core.model.work`), changed only by the process that holds the lock of the pending work."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

from core.archive.reading import read_value
from core.model.work import Chain
from core.store import keys
from core.store.base import Lock, Store, holding
from core.store.codec import encode


class Working:
    """One step, while this process holds the lock. `chain` is as this process has written it last."""

    def __init__(self, lock: Lock, chain: Chain) -> None:
        self._lock = lock
        self.chain = chain

    async def begin(self, by: str, day: date) -> None:
        """Count a step. Raises `StoreError`."""
        await self.change(lambda chain: chain.begun(by, day, secrets.token_hex(4)))

    async def change(self, change: Callable[[Chain], Chain]) -> None:
        """Write the changed chain. Raises `LockLost` if another process has taken the lock over, and `StoreError`."""
        chain = change(self.chain)
        await self._lock.commit({keys.CHAIN: (encode(chain.to_plain()), keys.CHAIN_SECONDS)})
        self.chain = chain


class Steps:
    """The chain in one store, at the key `slot`. All methods raise `StoreError` if the store fails."""

    slot = keys.CHAIN

    def __init__(self, store: Store) -> None:
        self._store = store

    async def chain(self) -> Chain:
        """Returns the stored chain; an empty one if there is none, or a damaged one."""
        return self.read(await self._store.get(self.slot))

    def read(self, value: bytes | None) -> Chain:
        """Returns the chain of a stored value."""
        return read_value(self.slot, Chain.from_plain, value) or Chain()

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Working | None]:
        """Hold the lock of the pending work during the block. Yields None at once if another process has it."""
        async with holding(self._store, keys.CATCH_UP_LOCK) as lock:
            yield Working(lock, await self.chain()) if lock else None
