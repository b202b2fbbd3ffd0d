"""The queue of a server: its own scheduler begins the next step."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class LocalQueue:
    """Remembers steps until the scheduler takes them; a server that is restarted begins with one anyway."""

    most_delay: int = 24 * 3600
    most_links: int = 1_000
    _steps: dict[str, float] = field(default_factory=dict)  # key → the event loop's time
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def schedule(self, delay: int, key: str) -> None:
        """See `Queue`. Never raises."""
        self._steps.setdefault(key, asyncio.get_running_loop().time() + delay)
        self._changed.set()

    async def take(self) -> str:
        """Wait for the next step, and return its key."""
        while True:
            self._changed.clear()
            key, at = min(self._steps.items(), key=lambda step: step[1], default=("", None))
            left = None if at is None else at - asyncio.get_running_loop().time()
            if left is not None and left <= 0:
                del self._steps[key]
                return key
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                continue
