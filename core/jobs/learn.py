"""The step *learn*: from the votes and the library of each feed to word weights, which later scores include.

A command that changes votes calls it for its feed, so that a vote takes effect with the next answer; the write path
calls it for all feeds, which mends what a killed process left, and learns again where rules or papers have changed.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from core.archive import Archive
from core.archive.learning import VoteChange
from core.config.overrides import Rules
from core.model.errors import InvalidInput
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.paper import Paper
from core.model.sources import SOURCES
from core.model.votes import LearnedIndex, LearnedRow, Votes, make_vote
from core.ranking.learned import Learned
from core.ranking.learning import Known, inputs_of, learn
from core.ranking.matching import make_scorer
from core.util.signing import fingerprint

MOST_PAPERS = 3000  # of the archive, the newest, that votes are compared with
_AT_ONCE = 8  # batches in one round trip
_GROWTH = 2  # learned again when the archive holds so many times the papers


async def learn_all(archive: Archive, rules: Rules, manifest: Manifest) -> bool:
    """Learn what is not up to date for the feeds of `rules`. Returns whether anything was.

    Each feed's result is stored at once. Raises `StoreError`.
    """
    news = False
    models = await archive.learning.models({feed.learned for feed in rules.feeds.values()})
    for feed in rules.feeds.values():
        key, row = rules.row(feed.name)
        if is_outdated(feed, row, manifest) or (row.model and row.model not in models):
            news = await _learn_feed(archive, feed, key, row, manifest) is not None or news
    return news


async def taught(archive: Archive, rules: Rules) -> Rules:
    """Returns `rules` with the models of their feeds. Raises `StoreError`."""
    models = await archive.learning.models({feed.learned for feed in rules.feeds.values()})
    feeds = {name: replace(feed, lessons=models.get(feed.learned)) for name, feed in rules.feeds.items()}
    return replace(rules, feeds=feeds) if models else rules


def is_outdated(feed: Feed, row: LearnedRow, manifest: Manifest) -> bool:
    """Returns whether something is to be learned: votes, rules or the word table have changed, or the archive has grown
    to twice its size.
    """
    papers = _papers(manifest.of(feed.source))
    return row.inputs != inputs_of(feed, row.votes) or bool(row.inputs and papers >= _GROWTH * max(row.papers, 1))


async def change_votes(
    archive: Archive, rules: Rules, feed: Feed, make: Callable[[Votes], Votes], manifest: Manifest
) -> tuple[VoteChange, LearnedIndex]:
    """Change the votes of a feed, and learn from them. Returns the change, and the index in force then.

    A failure of learning leaves the votes stored; the write path learns from them later. Raises `StoreError`,
    `Conflict` and the errors of `make`.
    """
    key, _ = rules.row(feed.name)
    changed = await archive.learning.change(key, feed.name, make)
    row = changed.learned.rows[feed.name]
    index = await _learn_feed(archive, feed, feed.name, row, manifest, changed.votes)
    return changed, index or changed.learned


async def find_papers(
    archive: Archive, manifest: Manifest, feed: Feed, wanted: Mapping[str, int], now: datetime
) -> Callable[[Votes], Votes]:
    """Returns the change that these votes make. Raises `InvalidInput` for a paper that is not known."""
    found = await stored_papers(archive, manifest, feed, {paper for paper, sign in wanted.items() if sign})
    time = rfc3339(now)

    def make(votes: Votes) -> Votes:
        known = {vote.paper: (vote.title, vote.abstract) for vote in votes.votes}
        known |= {paper.id: (paper.title, paper.abstract) for paper in found.values()}
        lost = [paper for paper, sign in wanted.items() if sign and paper not in known]
        if lost:
            raise InvalidInput(f"no stored paper of this wire is {', '.join(lost[:10])}; nothing was changed")
        news = [make_vote(paper, sign, time, *known[paper]) for paper, sign in wanted.items() if sign]
        signs = votes.signs
        # A vote that is there already keeps its time and its place
        fresh = [vote for vote in news if signs.get(vote.paper) != vote.sign]
        return votes.voted(fresh, [paper for paper, sign in wanted.items() if not sign])

    return make


def changes_between(before: Votes, after: Votes) -> dict[str, int]:
    """Returns the votes that turn `before` into `after`, and 0 for those that are taken back."""
    old, new = before.signs, after.signs
    return {paper: new.get(paper, 0) for paper in {*old, *new} if old.get(paper, 0) != new.get(paper, 0)}


async def _learn_feed(
    archive: Archive, feed: Feed, key: str, row: LearnedRow, manifest: Manifest, votes: Votes | None = None
) -> LearnedIndex | None:
    """Learn for one feed, and store it. Returns the new index, None if the votes have changed meanwhile."""
    inputs, records = inputs_of(feed, row.votes), manifest.of(feed.source)
    papers = _papers(records)
    fits = row.expanded_inputs == inputs and papers < _GROWTH * max(row.expanded_papers, 1)
    if inputs and not row.votes and row.expanded and fits and await archive.learning.models({row.expanded}):
        return await archive.learning.put_model(
            key,
            row.votes,
            partial(_with_model, model=row.expanded, inputs=inputs, papers=row.expanded_papers),
            "",
            None,
        )
    learned: Learned | None = None
    name = ""
    if inputs:
        known = await _archive_of(archive, records)
        votes = await archive.learning.votes(key) if votes is None else votes
        learned = await asyncio.to_thread(_learn, feed, votes, known)
        name = fingerprint("model", inputs, [record.hash for record in records]) if learned else ""
    news = partial(_with_model, model=name, inputs=inputs, papers=papers)
    return await archive.learning.put_model(key, row.votes, news, name, learned)


def _with_model(row: LearnedRow, *, model: str, inputs: str, papers: int) -> LearnedRow:
    """Returns a row with another model, which is also that of the time before the first vote if there is none."""
    row = row._replace(model=model, inputs=inputs, papers=papers)
    return row if row.votes else row._replace(expanded=model, expanded_inputs=inputs, expanded_papers=papers)


def _learn(feed: Feed, votes: Votes, papers: Mapping[str, Paper]) -> Learned | None:
    score = make_scorer(feed)
    scored = [(paper, score(paper)) for paper in papers.values()]
    return learn(feed, votes, [Known(paper, found.total if found else 0.0) for paper, found in scored])


def _papers(records: list[BatchRecord]) -> int:
    return sum(record.total for record in records)


async def _archive_of(archive: Archive, records: list[BatchRecord]) -> dict[str, Paper]:
    """Returns the newest stored papers of the feed's source, each once, in the order of their identifiers."""
    chosen: list[BatchRecord] = []
    for record in records:
        if _papers(chosen) < MOST_PAPERS:
            chosen.append(record)
    batches = await archive.days.batches(chosen)
    papers = {item.paper.id: item.paper for batch in batches.values() for item in batch.announcements}
    return dict(sorted(papers.items()))


async def stored_papers(archive: Archive, manifest: Manifest, feed: Feed, wanted: set[str]) -> dict[str, Paper]:
    """Returns the wanted papers that are stored, by identifier, looking into the newest batches first."""
    found: dict[str, Paper] = {}
    of_feed = manifest.of(feed.source)
    others = [record for source in SOURCES if source != feed.source for record in manifest.of(source)]
    records = [*of_feed, *others]
    for at in range(0, len(records), _AT_ONCE):
        if wanted <= found.keys():
            break
        batches = await archive.days.batches(records[at : at + _AT_ONCE])
        for batch in batches.values():
            found |= {one.paper.id: one.paper for one in batch.announcements if one.paper.id in wanted}
    return found
