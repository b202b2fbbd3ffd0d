"""Incomplete windows of arXiv's API: each slice is stored, and another process can continue from there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.archive.reading import read_value
from core.model.batch import Announcement, Batch
from core.model.ledger import Window
from core.model.manifest import rfc3339
from core.model.paper import Paper
from core.store import keys
from core.store.base import Store
from core.store.codec import encode


@dataclass(slots=True)
class Begun:
    """An incomplete window: when its reading began (`at`), where the next slice starts, how often the present slice was
    short, and the papers so far.
    """

    window: Window
    at: str
    start: int = 0
    tries: int = 0
    papers: list[Paper] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        papers = Batch(self.window.date, tuple(Announcement(paper, "new") for paper in self.papers))
        head = {"categories": self.window.categories, "at": self.at, "start": self.start, "tries": self.tries}
        return head | {"papers": papers.to_plain()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Begun":
        """The inverse of `to_plain`."""
        batch = Batch.from_plain(plain["papers"])
        window = Window(batch.date, tuple(plain["categories"]))
        papers = [item.paper for item in batch.announcements]
        return cls(window, str(plain["at"]), int(plain["start"]), int(plain["tries"]), papers)


class Windows:
    """The incomplete windows in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, window: Window, now: datetime) -> Begun:
        """Returns the stored progress of a window, or a new one."""
        data = await self._store.get(keys.window(window.date))
        begun = read_value(keys.window(window.date), Begun.from_plain, data or None)  # empty: just dropped by a commit
        return begun if begun and begun.window == window else Begun(window, rfc3339(now))

    async def put(self, begun: Begun) -> None:
        """Store the progress of a window."""
        await self._store.put(keys.window(begun.window.date), encode(begun.to_plain()), keys.WINDOW_SECONDS)

    async def asked(self) -> frozenset[str]:
        """Returns the papers that were requested from the API by identifier."""
        data = await self._store.get(keys.ASKED)
        return read_value(keys.ASKED, _ids, data) or frozenset()


def _ids(plain: list[Any]) -> frozenset[str]:
    return frozenset(map(str, plain))
