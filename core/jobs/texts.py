"""The full texts that an analysis reads: fetched one at a time, ahead of their readers, while models answer."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from core.model.errors import StoreError
from core.model.fulltext import FullText
from core.model.paper import Paper
from core.sources.client import Get
from core.sources.fulltext import fetch_text
from core.util.caches import LRUCache, SingleFlight

_TEXT_CHARS = 10_000_000  # of texts in memory, because several feeds may need the same paper
_MOST_AHEAD = 12  # texts that are fetched before they are read


@dataclass(slots=True)
class Texts:
    """Full texts of papers from arXiv at `pdf_url`, fetched one at a time until `deadline`, kept during the run.

    Texts that are needed soon are fetched ahead, while models answer: not more than `room`, the number of questions
    that can still be answered, because a text that is not read when the run ends has to be fetched again.
    """

    get: Get
    pdf_url: str
    deadline: float
    room: Callable[[], int] = lambda: _MOST_AHEAD
    _kept: LRUCache[FullText] = field(default_factory=lambda: LRUCache(limit=_TEXT_CHARS))
    _failed: dict[str, FullText] = field(default_factory=dict)  # fetched ahead: the next reader learns it
    _fetching: SingleFlight[FullText] = field(default_factory=SingleFlight)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ahead: deque[Paper] = field(default_factory=deque)
    _unused: set[str] = field(default_factory=set)  # fetched ahead, and not read yet
    _read: set[str] = field(default_factory=set)
    _fetcher: asyncio.Task[None] | None = None

    async def read(self, paper: Paper, begin: Callable[[], None]) -> FullText:
        """Returns the text of a paper; calls `begin` before it is fetched. Raises `StoreError`."""
        try:
            return await self._get(paper, begin)
        finally:
            self._failed.pop(paper.versioned, None)
            self._unused.discard(paper.versioned)
            self._read.add(paper.versioned)
            self._go_on()

    def fetch_ahead(self, papers: Iterable[Paper]) -> None:
        """Begin to fetch the texts of these papers, in this order, a few more than were read."""
        known = self._unused | {paper.versioned for paper in self._ahead}
        self._ahead.extend({paper.versioned: paper for paper in papers if paper.versioned not in known}.values())
        self._go_on()

    async def close(self) -> None:
        """Stop fetching."""
        self._ahead.clear()
        if self._fetcher:
            self._fetcher.cancel()
            await asyncio.wait([self._fetcher])
        await self._fetching.stop()

    def _go_on(self) -> None:
        if self._ahead and (self._fetcher is None or self._fetcher.done()):
            self._fetcher = asyncio.create_task(self._fetch_ahead())

    async def _fetch_ahead(self) -> None:
        with suppress(StoreError):  # the reader of that text gets the error
            while self._ahead and len(self._unused) < min(_MOST_AHEAD, self.room()):
                paper = self._ahead.popleft()
                if paper.versioned in self._read:
                    continue
                self._unused.add(paper.versioned)
                text = await self._get(paper, lambda: None)
                if text.again:
                    self._failed[paper.versioned] = text

    async def _get(self, paper: Paper, begin: Callable[[], None]) -> FullText:
        name = paper.versioned
        if text := self._kept.get(name) or self._failed.get(name):
            return text

        async def fetch() -> FullText:
            async with self._one_by_one:
                begin()
                text = await fetch_text(self.get, paper, pdf_url=self.pdf_url, deadline=self.deadline)
            if not text.again:
                self._kept.put(name, text, len(text.text) + 1)
            return text

        return await self._fetching.get(name, fetch)
