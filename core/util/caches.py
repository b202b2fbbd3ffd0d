"""What a process keeps in memory: bounded caches, work that is shared while it runs, and values of one event loop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LRUCache(Generic[T]):
    """Keeps values up to a total `weight`, in whatever unit the caller weighs them; drops the least recently used."""

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

    def put(self, key: Hashable, value: T, weight: int = 1) -> None:
        """Keep `value`, and drop what no longer fits; a value heavier than the limit is not kept."""
        self._used -= self._values.pop(key, (None, 0))[1]
        if weight > self._limit:
            return
        self._values[key] = (value, weight)
        self._used += weight
        while self._used > self._limit:
            self._used -= self._values.popitem(last=False)[1][1]

    def enter(self, epoch: int) -> None:
        """Drop everything if `epoch` is a later one."""
        if epoch > self._epoch:
            self._epoch = epoch
            self._values.clear()
            self._used = 0


class PerLoop(Generic[T]):
    """A value that belongs to the event loop it was made in: a client's connections, a semaphore, a task.

    Tests and serverless platforms run several loops in one process, one after the other. What belongs to a loop that
    has ended never answers, so that another loop gets a new value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[asyncio.AbstractEventLoop, T] | None = None

    def get(self) -> T:
        """The value of the running loop, made if there is none."""
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] is not loop:
            self._made = loop, self._make()
        return self._made[1]

    def pop(self) -> T | None:
        """The value of the running loop if there is one, for its end; in any case none is kept."""
        made, self._made = self._made, None
        return made[1] if made and made[0] is asyncio.get_running_loop() else None


class SingleFlight(Generic[T]):
    """Work by key that runs once for all that want it at the same time.

    A caller that is cancelled leaves the work to the others.
    """

    def __init__(self) -> None:
        self._tasks: PerLoop[dict[Hashable, asyncio.Task[T]]] = PerLoop(dict)

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> "asyncio.Task[T]":
        """The task that does `work`; the one that is running, if there is one for the same key."""
        tasks = self._tasks.get()
        if (task := tasks.get(key)) is None:
            task = tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: _forget(tasks, key, done))
        return task

    async def get(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, or of what is running for the same key."""
        return await asyncio.shield(self.start(key, work))

    async def stop(self) -> None:
        """Cancel what is running, and wait for its end."""
        if tasks := list((self._tasks.pop() or {}).values()):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _forget(tasks: "dict[Hashable, asyncio.Task[T]]", key: Hashable, task: "asyncio.Task[T]") -> None:
    tasks.pop(key, None)
    if not task.cancelled():
        task.exception()  # callers have it; without any, asyncio would log it
