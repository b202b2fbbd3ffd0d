"""Memory of a process: bounded caches, shared running work, and values of one event loop."""

import asyncio
import gc
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LRUCache(Generic[T]):
    """Keeps values up to a total weight of `limit`, in the caller's unit; drops the least recently used."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._epoch = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    @property
    def used(self) -> int:
        """The total weight of the kept values."""
        return self._used

    def get(self, key: Hashable) -> T | None:
        """Returns the value, which becomes the most recently used, or None."""
        if (found := self._values.get(key)) is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: T, weight: int = 1) -> None:
        """Keep `value`, and drop the least recently used beyond the limit; a heavier value than that is not kept."""
        self._used -= self._values.pop(key, (None, 0))[1]
        if weight > self._limit:
            return
        self._values[key] = (value, weight)
        self._used += weight
        while self._used > self._limit:
            self._used -= self._values.popitem(last=False)[1][1]

    def enter(self, epoch: int) -> None:
        """Drop all values if `epoch` is later than the last one."""
        if epoch > self._epoch:
            self._epoch = epoch
            self._values.clear()
            self._used = 0


class _Pause:
    """Pauses of the collection of garbage, in all threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running = 0

    def begin(self) -> None:
        with self._lock:
            self._running += 1
            gc.disable()

    def end(self) -> None:
        with self._lock:
            self._running -= 1
            if not self._running:
                gc.enable()


_PAUSE = _Pause()


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collection of garbage while tens of thousands of values without cycles are made.

    It would go over all of them again and again, which takes as long as making them.
    """
    _PAUSE.begin()
    try:
        yield
    finally:
        _PAUSE.end()


class PerLoop(Generic[T]):
    """A value that belongs to the event loop in which it was made: a client's connections, a semaphore, a task.

    Tests and serverless platforms run several loops in one process, one after the other. A value of a loop that has
    ended is unusable, so each loop gets its own.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[asyncio.AbstractEventLoop, T] | None = None

    def get(self) -> T:
        """Returns the value of the running loop, made on first use."""
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] is not loop:
            self._made = loop, self._make()
        return self._made[1]

    def pop(self) -> T | None:
        """Remove and return the value of the running loop, None if it has none."""
        made, self._made = self._made, None
        return made[1] if made and made[0] is asyncio.get_running_loop() else None


class SingleFlight(Generic[T]):
    """Work by key that runs once for all concurrent callers.

    If a caller is cancelled, the work continues for the others.
    """

    def __init__(self) -> None:
        self._tasks: PerLoop[dict[Hashable, asyncio.Task[T]]] = PerLoop(dict)

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> "asyncio.Task[T]":
        """Returns the running task of the key, or a new one that does `work`."""
        tasks = self._tasks.get()
        if (task := tasks.get(key)) is None:
            task = tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: _forget(tasks, key, done))
        return task

    async def get(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Returns the result of the running task of the key, or of `work`."""
        return await asyncio.shield(self.start(key, work))

    async def stop(self) -> None:
        """Cancel all running tasks, and wait for their end."""
        if tasks := list((self._tasks.pop() or {}).values()):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _forget(tasks: "dict[Hashable, asyncio.Task[T]]", key: Hashable, task: "asyncio.Task[T]") -> None:
    tasks.pop(key, None)
    if not task.cancelled():
        task.exception()  # marks it as retrieved: without callers, asyncio would log it
