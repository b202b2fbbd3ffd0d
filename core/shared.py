"""Work that several requests want at the same time, done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


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
