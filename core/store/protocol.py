"""The port to the store: a small key-value protocol that Redis, Upstash and SQLite can all keep."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol


class Store(Protocol):
    """Values are bytes under text keys; times to live are in seconds, None means until retention or for ever.

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
        """Every key of Paperwire with its value and the seconds it still lives (None: for ever). For dumps only."""

    async def close(self) -> None:
        """Free connections; the store is not used afterwards."""
