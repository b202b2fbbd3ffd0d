"""An event loop whose time passes only while everything waits: a day of pauses takes as long as its work.

`install` replaces the clocks of the module `time` in this process, before what is to go by them is imported.
Threads and other processes work in real time, during which no time passes here.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

_T = TypeVar("_T")
_SETTLE_SECONDS = 0.0003  # in which bytes on loopback arrive, and threads report
_REAL_SECONDS = 0.05  # between looks at threads and processes that work
_MOST_SECONDS = 120.0  # without any event: then something waits that will never come


@dataclass
class Clock:
    """The time in this process (Unix seconds)."""

    now: float
    begun: float = 0.0

    def at(self) -> datetime:
        """The time (UTC)."""
        return datetime.fromtimestamp(self.now, UTC)


class _Selector(selectors.DefaultSelector):
    """Waits for events while there is real work, else lets time pass until the next timer."""

    def __init__(self, loop: "VirtualLoop") -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if events := super().select(_SETTLE_SECONDS):
            return events
        if self._loop.working or timeout is None:
            return self._wait(timeout is None)
        self._loop.clock.now += timeout
        return []

    def _wait(self, for_ever: bool) -> list[tuple[selectors.SelectorKey, int]]:
        begun = time.perf_counter()
        while not (events := super().select(_REAL_SECONDS)):
            if not for_ever and not self._loop.working:
                break
            if time.perf_counter() - begun > _MOST_SECONDS:
                raise AssertionError(f"nothing happened for {_MOST_SECONDS:g} s")
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. `working` counts the threads and processes that it waits for."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.working = clock, 0
        super().__init__(_Selector(self))
        self._clock_resolution = 1e-5  # of Unix times in a float

    def time(self) -> float:
        """The time of this loop in seconds."""
        return self.clock.now - self.clock.begun

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Run `func` in a thread, while no time passes."""
        future = super().run_in_executor(executor, func, *args)
        self._work(future)
        return future

    async def _make_subprocess_transport(self, *args: Any, **options: Any) -> Any:
        transport = await super()._make_subprocess_transport(*args, **options)  # type: ignore[misc]
        self._work(self.create_task(transport._wait()))
        return transport

    def _work(self, future: Any) -> None:
        self.working += 1
        future.add_done_callback(self._worked)

    def _worked(self, _: Any) -> None:
        self.working -= 1


def install(now: datetime) -> VirtualLoop:
    """Stop the clocks of this process at `now`, and return the loop that lets time pass."""
    clock = Clock(now.timestamp(), now.timestamp() - 1_000.0)
    time.time = lambda: clock.now
    time.monotonic = lambda: clock.now - clock.begun
    loop = VirtualLoop(clock)
    asyncio.set_event_loop(loop)
    return loop


def run(loop: VirtualLoop, main: Coroutine[Any, Any, _T]) -> _T:
    """Run `main` to its end."""
    return loop.run_until_complete(main)
