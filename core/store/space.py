"""The part of a store that belongs to one wire: its keys have a prefix, and it makes room in a full database.

Several wires can share one database, as a deployment and its previews do. Their keys are apart but for the gates: an
upstream's limit of requests applies to all machines of one person.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from core.model.errors import StoreFull, StoreRefused
from core.store import keys
from core.store.base import Store

log = logging.getLogger("paperwire")

T = TypeVar("T")
_Values = Mapping[str, tuple[bytes, float | None]]


class Space:
    """A `Store` on a part of another one, the `whole`. `prefix` comes before every key, with a colon; "" for none.

    If the database is full, values that can be made again are removed (`keys.DISPENSABLE`, in this order) until a write
    succeeds: what strangers' requests caused to be stored never keeps the owner's values out.
    """

    def __init__(self, whole: Store, prefix: str = "") -> None:
        self.whole = whole
        self._refused: dict[str, StoreRefused] = {}  # by operation
        self._prefix = f"{prefix}:" if prefix else ""

    @property
    def refused(self) -> StoreRefused | None:
        """Why the last write was refused, None if it succeeded. A commit may be refused where small values are not."""
        return next(iter(self._refused.values()), None)

    async def get(self, key: str) -> bytes | None:
        """See `Store`, as for all methods of it."""
        return await self.whole.get(self._own(key))

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self.whole.get_many([self._own(key) for key in keys])

    async def digests(self, keys: Sequence[str]) -> list[str]:
        return await self.whole.digests([self._own(key) for key in keys])

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:
        await self._noted([key], lambda: self.whole.put(self._own(key), value, ttl))

    async def put_many(self, values: _Values) -> None:
        await self._noted(values, lambda: self.whole.put_many(self._all_own(values)))

    async def delete(self, key: str) -> None:
        await self.whole.delete(self._own(key))

    async def clear(self, prefix: str) -> int:
        return await self.whole.clear(self._prefix + prefix)

    async def acquire(self, name: str, token: str, ttl: float) -> bool:
        return await self._noted([name], lambda: self.whole.acquire(self._own(name), token, ttl))

    async def prolong(self, name: str, token: str, ttl: float) -> bool:
        return await self.whole.prolong(self._own(name), token, ttl)

    async def commit(self, name: str, token: str, values: _Values, *, release: bool = False) -> None:
        own = self._all_own(values)
        await self._noted(
            [name, *values], lambda: self.whole.commit(self._own(name), token, own, release=release), "commit"
        )

    async def release(self, name: str, token: str) -> None:
        await self.whole.release(self._own(name), token)

    async def take(self, name: str, amount: int, limit: int, ttl: float) -> bool:
        return await self._noted([name], lambda: self.whole.take(self._own(name), amount, limit, ttl))

    async def entries(self, prefix: str = keys.PREFIX) -> AsyncIterator[tuple[str, bytes, float | None]]:
        async for key, value, left in self.whole.entries(self._prefix + prefix):
            yield key.removeprefix(self._prefix), value, left

    async def close(self) -> None:
        await self.whole.close()

    def _own(self, key: str) -> str:
        return key if key.startswith(keys.COMMON) else self._prefix + key

    def _all_own(self, values: _Values) -> _Values:
        return {self._own(key): value for key, value in values.items()} if self._prefix else values

    async def _noted(self, names: Sequence[str] | _Values, write: Callable[[], Awaitable[T]], what: str = "write") -> T:
        """Returns the result of `write`, and remembers whether the last one was refused."""
        try:
            done = await self._with_room(names, write)
        except StoreRefused as error:
            self._refused[what] = error
            raise
        self._refused.pop(what, None)
        return done

    async def _with_room(self, names: Sequence[str] | _Values, write: Callable[[], Awaitable[T]]) -> T:
        """Returns the result of `write`; if the database is full, after making room. Raises `StoreError`.

        A refused write has changed nothing, so that it can be sent again. No room is made for dispensable values.
        """
        try:
            return await write()
        except StoreFull as error:
            if all(name.startswith(keys.DISPENSABLE) for name in names):
                raise
            full = error
        for prefix in keys.DISPENSABLE:
            if removed := await self.clear(prefix):
                log.warning("the database is full: %d values that can be made again were removed", removed)
                try:
                    return await write()
                except StoreFull as error:
                    full = error
        raise full
