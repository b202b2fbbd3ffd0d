"""What the owner teaches a feed: votes, a library, words to leave out, and keywords."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.app import Paperwire
from core.config.overrides import with_keyword
from core.model.errors import UnknownName
from core.model.votes import LibraryReport, Reference, VoteReport, Votes


@dataclass(frozen=True, slots=True)
class Teaching:
    """Changes what the feeds of a wire learn from. The next answer of a feed has the new scores.

    All methods raise `UnknownName` for the name of no feed, and `StoreError`.
    """

    wire: Paperwire

    async def votes(self, name: str) -> Votes:
        """Returns the votes and the library of a feed."""
        await self.wire.snapshot()
        return await self.wire.archive.learning.votes(self._row(name))

    async def vote(self, name: str, wanted: Mapping[str, int]) -> VoteReport:
        """Like (1), dislike (-1) or take back (0) papers by identifier. Raises `InvalidInput` and `Conflict`."""
        from core.jobs.learn import find_papers

        wire = self.wire
        manifest, feed = await wire.manifest(), wire.feed(name)
        return await self.change(name, await find_papers(wire.archive, manifest, feed, wanted, wire.clock()))

    async def change(self, name: str, make: Callable[[Votes], Votes]) -> VoteReport:
        """Change the votes or the library of a feed, and learn from it. Raises `Conflict` and the errors of `make`."""
        from core.jobs.learn import change_votes, changes_between  # not at a cold start

        wire = self.wire
        state = (await wire.snapshots.get(confirmed=True)).state
        await wire.snapshot()
        changed, learned = await change_votes(wire.archive, wire.rules, wire.feed(name), make, state.manifest)
        wire.snapshots.put(replace(state, learned=learned, manifest=replace(state.manifest)))
        await wire.snapshot()
        wire.changed.set()
        return VoteReport(changed.votes, changes_between(changed.before, changed.votes), changed.before)

    async def undo(self, name: str) -> VoteReport:
        """Put back the votes and the library of before the last change. Raises `UnknownName` without one."""
        await self.wire.snapshot()
        before = await self.wire.archive.learning.before(self._row(name))
        if before is None:
            raise UnknownName("change of votes", f"before the present votes of {name}")
        return await self.change(name, lambda _: before)

    async def add_library(self, name: str, references: Sequence[Reference]) -> tuple[VoteReport, LibraryReport]:
        """Add references to the library of a feed, and learn from them. Raises `Conflict`."""
        from core.jobs.library import complete_library, replacing

        wire = self.wire
        manifest, feed = await wire.manifest(), wire.feed(name)
        usable, report = await complete_library(wire.archive, wire.settings, manifest, feed, references)
        return await self.change(name, replacing(usable)), report

    async def lessons(self, name: str) -> Mapping[str, Any]:
        """Returns what was learned for a feed, in words and with suggested keywords, as JSON values."""
        from core.ranking.lessons import lessons_to_plain

        votes, feed = await self.votes(name), self.wire.feed(name)
        models = await self.wire.archive.learning.models((feed.learned,))
        return await asyncio.to_thread(lessons_to_plain, feed, votes, models.get(feed.learned))

    async def accept_keyword(self, name: str, keyword: str, weight: float | None) -> None:
        """Add a keyword to a feed, or remove it if `weight` is None: an override that the owner can undo.

        Raises `Refused`, `FeedError`, `Conflict` and `TooMuch`.
        """
        wire = self.wire
        await wire.snapshot()
        saved = (await wire.snapshots.get(confirmed=True)).state.saved
        wire.feed(name)
        await wire.change(
            saved.version, lambda known, _: with_keyword(wire.settings.feeds, known, name, keyword, weight)
        )

    def _row(self, name: str) -> str:
        return self.wire.rules.row(self.wire.feed(name).name)[0]
