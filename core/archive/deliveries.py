"""The logs of deliveries: what went out, claimed under a lock that a killed process holds for seconds only.

Each log is kept twice: without it, messages would go out again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.archive.reading import read_value, twice
from core.model.delivery import Log
from core.store import keys
from core.store.base import Lock, Store, holding
from core.store.codec import encode


class Sending:
    """One delivery, while this process holds its lock. `log` is as this process has written it last."""

    def __init__(self, lock: Lock, name: str, log: Log) -> None:
        self._lock = lock
        self._name = name
        self.log = log

    async def write(self, log: Log) -> None:
        """Write the log. Raises `LockLost` if another process has taken the lock over, and `StoreError`."""
        await self._lock.commit(twice({keys.delivered(self._name): (encode(log.to_plain()), None)}))
        self.log = log


class Deliveries:
    """The logs in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def log(self, name: str) -> Log:
        """Returns the log of a delivery, from its copy if it is lost or damaged; an empty one before the first unit."""
        key = keys.delivered(name)
        found = await self._store.get_many([key, keys.copy(key)])
        logs = (read_value(at, Log.from_plain, data) for at, data in zip((key, keys.copy(key)), found, strict=True))
        return next((log for log in logs if log is not None), Log())

    @asynccontextmanager
    async def sending(self, name: str) -> AsyncIterator[Sending | None]:
        """Hold the lock of a delivery during the block. Yields None at once if another process has it."""
        async with holding(self._store, keys.delivery_lock(name)) as lock:
            yield Sending(lock, name, await self.log(name)) if lock else None
