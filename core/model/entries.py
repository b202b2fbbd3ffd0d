"""From a batch and its scores to entries, and which of them a feed shows.

A feed with `hold` shows an entry when its summary is there, or after some hours. Whether the hours are over is read off
the time of the manifest's last change, not off a clock: so what is derived from the manifest stays true until it
changes. `core.archive.Archive.note_time` changes it when the hours are over.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from math import inf
from typing import Any, NamedTuple

from core.model.analysis import Analysis
from core.model.batch import Announcement, Batch, announce_type
from core.model.errors import QueryError
from core.model.feed import Entry, Feed
from core.model.lazy import is_liked
from core.model.manifest import BatchRecord, Manifest
from core.model.paper import newest_first
from core.model.query import Condition, Query, select
from core.model.scoring import Score
from core.model.sources import ARXIV

ALL = "all"  # what the merged feed is called


def make_entries(feed: Feed, batch: Batch, scores: Mapping[str, Score | None]) -> tuple[Entry, ...]:
    """The batch as the feed shows it, best first: papers that have a score, which excluded ones have not.

    The type is as seen from the feed's categories; sources other than arXiv have one type for all.
    """
    scored = [(score, item) for item in batch.announcements if (score := scores.get(item.paper.versioned)) is not None]
    scored.sort(key=lambda pair: (-pair[0].total, -pair[0].mentions, *newest_first(pair[1].paper)))
    return tuple(
        Entry(
            feed=feed.name,
            paper=item.paper,
            announced=batch.date,
            type=type_in(feed, item),
            score=score.total,
            reasons=score.reasons,
            matched=score.matched,
            mentions=score.mentions,
            learned=score.learned,
            vote=score.vote,
            rank=rank,
            upvotes=item.paper.upvotes,
            late=item.late,
            relisted=item.relisted and not item.replaces,
        )
        for rank, (score, item) in enumerate(scored)
    )


def type_in(feed: Feed, item: Announcement) -> str:
    """Returns the announce type of an announcement as a feed has it."""
    return item.served if feed.source != ARXIV else announce_type(item, feed.categories)


def best_first(entry: Entry) -> tuple[Any, ...]:
    """What sorts entries by points, as far as they were judged, then by score; skipped ones come last.

    Ties: what speaks of the keywords more often, then the newer, then by identifier.
    """
    return -entry.standing, -entry.score, -entry.mentions, -entry.announced.toordinal(), *newest_first(entry.paper)


class Day(NamedTuple):
    """A feed over one batch: its `entries`, best first, and the versioned ids of those that are left out here."""

    entries: tuple[Entry, ...]
    others: frozenset[str] = frozenset()

    def best(self, feed: Feed) -> "Day":
        """The day with the entries that may be shown from the feed's `min_score` on, and those that models look at; of
        the others only the ids.
        """
        judged = {entry.paper.versioned for entry in screened(feed, self.entries)}
        kept = tuple(e for e in self.entries if max(e.score, e.words) >= feed.min_score or e.paper.versioned in judged)
        names = {entry.paper.versioned for entry in self.entries}
        return Day(kept, self.others | names.difference(entry.paper.versioned for entry in kept))


def screened(feed: Feed, entries: Iterable[Entry]) -> list[Entry]:
    """The best `entries` of a date by their score, as many as the feed's models look at.

    They are of the feed's announce types, and not withdrawn.
    """
    if not feed.screened:
        return []
    found = (e for e in entries if e.type in feed.announce_types and not e.paper.withdrawn)
    return sorted(found, key=lambda e: e.rank)[: feed.screened]


def first_announced(days: Sequence[Day]) -> list[Entry]:
    """The entries of all `days` (newest first), each announcement once: on the date on which the feed first had it.

    A late cross-list is an announcement of its own. Of a version that seems to be new twice, only the first is.
    """
    seen: set[str] = set()
    papers: set[str] = set()
    out: list[list[Entry]] = []
    for day in reversed(days):
        news = [
            entry
            for entry in day.entries
            if entry.relisted or (entry.paper.versioned not in seen and _is_news(entry, papers))
        ]
        had = day.others | {entry.paper.versioned for entry in news}
        seen |= had
        papers.update(versioned.rpartition("v")[0] for versioned in had)
        out.append(news)
    return [entry for day in reversed(out) for entry in day]


def _is_news(entry: Entry, papers: set[str]) -> bool:
    """Whether a feed that had `papers` has not had this one: a later version is news as a replacement only."""
    return entry.id not in papers or entry.type.startswith("replace")


def merge(entries: Iterable[Entry]) -> list[Entry]:
    """The entries of several feeds as those of one, `ALL`: each announcement once, as the feed shows it that gives it
    most points; newest date first, best score first.
    """
    best: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = entry.paper.versioned, entry.announced.isoformat() if entry.relisted else ""
        if entry.score > best.setdefault(key, entry).score:
            best[key] = entry
    ranks = Counter[date]()
    merged = []
    for entry in sorted(best.values(), key=lambda one: (-one.announced.toordinal(), -one.score, one.id)):
        merged.append(replace(entry, feed=ALL, rank=ranks[entry.announced]))
        ranks[entry.announced] += 1
    return merged


def feeds_of(feeds: Mapping[str, Feed], query: Query) -> list[Feed]:
    """Those of `feeds` that a query is about: all that meet its conditions on `feed`, without any the first one.

    Raises `QueryError` for an unknown feed.
    """
    conditions = [condition for condition in query.conditions if condition.field == "feed"]
    for condition in conditions:
        if unknown := [name for name in condition.values if name not in feeds]:
            raise QueryError(condition.token, f"there is no feed {unknown[0]!r}", tuple(feeds))
    fitting = [
        feed
        for feed in feeds.values()
        if all((feed.name in condition.values) == (condition.operator == "=") for condition in conditions)
    ]
    return fitting if conditions else fitting[:1]


def reaches_below(feed: Feed, query: Query) -> bool:
    """Whether a query may select entries below the `min_score` of a feed."""
    if query.names("words") or query.names("learned"):
        return True
    if not query.names("score"):
        return False
    floors = [min(c.values) for c in query.conditions if c.field == "score" and c.operator in (">=", ">", "=")]
    return max(floors, default=-inf) < feed.min_score


def choose(feed: Feed, entries: Sequence[Entry], query: Query, *, capped: bool) -> list[Entry]:
    """The entries of a feed that a query selects; its own thresholds hold where the query does not name the field.

    So `main.rss` shows papers from `min_score` on, and `main.rss?score>=1` shows more of them. Papers below it that a
    model found worth reading are shown too, where the feed has it look for them (`screen`). `capped`: no more than
    the feed's entries a day, unless the query says `per_day`.
    """
    conditions = list(query.conditions)
    usual = not any(map(query.names, _SCORES))
    if not query.names("type"):
        conditions.append(Condition("type", "=", feed.announce_types))
    floor = Condition("words" if feed.learned else "score", ">=", (feed.min_score,))
    found = select(entries, [*conditions, floor] if usual else conditions)
    if usual and feed.screened:
        known = {entry.paper.versioned for entry in found}
        promoted = [e for e in entries if e.is_promoted and e.paper.versioned not in known]
        found += select(promoted, conditions)
    per_day = query.per_day or (feed.max_entries if capped else 0)
    if feed.learned and usual:
        found += _found_by_learning(feed, entries, conditions, found, per_day)
    return best_of_each_day(found, per_day) if per_day else found


_SCORES = ("score", "words", "learned")  # fields of which each replaces the feed's own threshold
_SHARE = 3  # at most one of so many entries is found by learning alone


def _found_by_learning(
    feed: Feed, entries: Sequence[Entry], conditions: Sequence[Condition], by_words: Sequence[Entry], per_day: int
) -> list[Entry]:
    """The entries that have too few points by keywords but enough with the learned ones, for a word of liked papers:
    the best of each day, at most a third of all that the feed shows of it.
    """
    shown = Counter(entry.announced for entry in by_words)
    cap = per_day // _SHARE if per_day else len(entries)
    most = {day: min(count // (_SHARE - 1), cap) for day, count in shown.items()}
    known = {entry.paper.versioned for entry in by_words}
    found = [
        entry
        for entry in entries
        if entry.words < feed.min_score <= entry.score and entry.paper.versioned not in known and is_liked(entry)
    ]
    out = []
    for entry in sorted(select(found, conditions), key=best_first):
        if most.get(entry.announced, 0) > 0:
            most[entry.announced] -= 1
            out.append(replace(entry, by_learning=True))
    return out


def best_of_each_day(entries: list[Entry], count: int) -> list[Entry]:
    """The `count` best of each day; in no particular order."""
    taken: Counter[date] = Counter()
    out = []
    for entry in sorted(entries, key=best_first):
        taken[entry.announced] += 1
        if taken[entry.announced] <= count:
            out.append(entry)
    return out


def _end(feed: Feed, record: BatchRecord) -> datetime:
    """When nothing of the date is held any more: so many hours after its batch was fetched, or after the day itself.

    Batches that change every hour, as those of other sources do, are fetched again each time.
    """
    over = datetime.combine(record.date, clock(), UTC) + timedelta(days=1)
    return min(datetime.fromisoformat(record.fetched), over) + timedelta(hours=feed.hold_hours)


def _ends(feed: Feed, manifest: Manifest) -> dict[date, datetime]:
    """The ends that had not come when the manifest was changed last, by date."""
    if not (feed.hold and feed.summary and feed.summaries and manifest.updated):
        return {}
    ends = {record.date: _end(feed, record) for record in manifest.of(feed.source) if record.fetched}
    changed = datetime.fromisoformat(manifest.updated)
    return {day: end for day, end in ends.items() if end > changed}


def dates_in_hold(feed: Feed, manifest: Manifest) -> frozenset[date]:
    """The dates of which the feed holds back what has no summary."""
    return frozenset(_ends(feed, manifest))


def next_release(feeds: Iterable[Feed], manifest: Manifest) -> datetime | None:
    """When the next hold ends; None if there is none."""
    return min((end for feed in feeds for end in _ends(feed, manifest).values()), default=None)


def hold_back(
    feed: Feed, entries: Sequence[Entry], analyses: Mapping[date, Analysis], dates: frozenset[date]
) -> tuple[list[Entry], int]:
    """The entries without those that are held on these `dates`, and how many these are.

    Only what the feed shows can be held. What is beyond its number of entries a day does not move up meanwhile.
    """
    open_entries = [entry for entry in entries if entry.announced in dates]
    shown = choose(feed, open_entries, Query(), capped=True)
    held = {entry.paper.versioned for entry in shown if _is_held(entry, analyses)}
    if not held:
        return list(entries), 0
    kept = {entry.paper.versioned for entry in shown} - held
    left_out = {entry.paper.versioned for entry in choose(feed, open_entries, Query(), capped=False)} - kept
    out = [entry for entry in entries if entry.announced not in dates or entry.paper.versioned not in left_out]
    return out, len(held)


def _is_held(entry: Entry, analyses: Mapping[date, Analysis]) -> bool:
    if entry.paper.withdrawn:
        return False
    row = analyses.get(entry.announced, {}).get(entry.paper.versioned)
    return row is None or row.is_awaited
