"""A bounded memory: the least recently used is forgotten.

Work that several requests want at the same time, done once."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Keeps values up to a total `weight`, in whatever unit the caller weighs them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._epoch = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    @property
    def used(self) -> int:
        """The weight of all that is kept."""
        return self._used

    def get(self, key: Hashable) -> T | None:
        """The value, which is now the most recently used, or None."""
        if (found := self._values.get(key)) is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def enter(self, epoch: int) -> None:
        """Forget everything if `epoch` is a later one: nothing is asked for that was made in those before."""
        if epoch > self._epoch:
            self._epoch = epoch
            self._values.clear()
            self._used = 0

    def put(self, key: Hashable, value: T, weight: int = 1) -> None:
        """Keep `value`, and forget what no longer fits; a value heavier than the limit is not kept."""
        self._used -= self._values.pop(key, (None, 0))[1]
        if weight > self._limit:
            return
        self._values[key] = (value, weight)
        self._used += weight
        while self._used > self._limit:
            self._used -= self._values.popitem(last=False)[1][1]


class Shared(Generic[T]):
    """Running work by key. One that is cancelled while it waits leaves the work to the others."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}

    async def get(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` comes to; if the same key is being worked on, what that comes to."""
        task = self._running.get(key)
        # One that belongs to an event loop of the past never ends
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = self._running[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: Hashable, task: "asyncio.Task[T]") -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # those who waited have it; if none is left, nobody has to be told
