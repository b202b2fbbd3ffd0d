"""The snapshot of a process, against a store that answers late."""

import asyncio
from collections.abc import Sequence

from core.archive import Archive
from core.archive.state import State
from core.model.manifest import Manifest
from core.views.snapshot import Snapshots


class LateStore:
    """A store that has nothing, and says so when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        self.asked.set()
        await self.may_answer.wait()
        return [None for _ in keys]


def test_what_was_written_meanwhile_is_newer() -> None:
    """A reading that began before this process wrote does not put the older state in the place of the written one."""

    async def main() -> None:
        store = LateStore()
        snapshots = Snapshots(Archive(store), seconds=10)  # type: ignore[arg-type]
        reading = asyncio.create_task(snapshots.get())
        await store.asked.wait()
        snapshots.put(State(Manifest(version=7), {}))
        store.may_answer.set()
        assert 7 == (await reading).state.manifest.version
        assert 7 == (await snapshots.get()).state.manifest.version

    asyncio.run(main())
