"""The preview of a feed's rules: how many and which entries they select from the stored days, why, and what a vote
would change.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from core.model.bands import Reach, reach_of
from core.model.entries import best_first, choose
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.query import Query
from core.model.votes import Votes, make_vote

SHOWN = (5, 3, 3)  # entries of the newest day with entries, of the previous one, and so on
NEAR = 5  # papers just below the threshold
RATES = (5, 10, 20, 40)  # entries a day for which a threshold is proposed
USUAL_RATE = 10  # of these, the one that is marked in the histogram
MOST_BARS = 30
_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # points from one bar to the next
MOST_MOVED = 5  # papers that a vote moves most, in each direction
_LEAST_MOVED = 0.005  # points


@dataclass(frozen=True, slots=True)
class DayYield:
    """The yield of a date: how many of its `papers` reach the threshold, and how many of these are shown."""

    date: date
    state: str
    papers: int
    found: int
    shown: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A minimum score, and the number of entries a day that reach it."""

    min_score: float
    a_day: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The number of papers from `start` points on, below the next bar's; whether these reach the threshold."""

    start: float
    papers: int
    reaches: bool


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many papers of the complete days have how many points, from above 0 on.

    `step` is the width of a bar; the first one starts at `step` × a whole number. `usual` is the least score that about
    `USUAL_RATE` papers of a day reach, None where fewer have points.
    """

    bars: tuple[Bar, ...] = ()
    step: float = 1.0
    usual: float | None = None

    @property
    def most(self) -> int:
        """The number of papers of the highest bar."""
        return max((bar.papers for bar in self.bars), default=0)

    def place(self, score: float) -> float:
        """Returns where a score is from left to right, from 0 to 1."""
        if not self.bars:
            return 0.0
        return min(max((score - self.bars[0].start) / (self.step * len(self.bars)), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class VoteEffect:
    """What a first vote on `paper` would change: the papers that it moves most, each with its points, and those that
    would come into the feed and leave it.
    """

    paper: Entry
    sign: int
    rises: tuple[tuple[Entry, float], ...]
    falls: tuple[tuple[Entry, float], ...]
    enters: tuple[Entry, ...]
    leaves: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a keyword does: in how many papers it is, how many of these are selected, and how many of those would not
    be without it.
    """

    label: str
    papers: int
    selected: int
    alone: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The selection by rules. `a_day` and the proposed `thresholds` are over the complete days, else over all days.

    `best` pairs each of the newest days with entries with its best ones; `keywords` pairs each keyword with the number
    of papers that contain it, at any score; `effects` say what each does. `near` are the best papers below the
    threshold. `reach` is what scores are compared with, and `histogram` how they are distributed.
    """

    days: tuple[DayYield, ...]
    a_day: float
    thresholds: tuple[Threshold, ...]
    best: tuple[tuple[date, tuple[Entry, ...]], ...]
    keywords: tuple[tuple[str, int], ...]
    effects: tuple[Effect, ...]
    near: tuple[Entry, ...]
    reach: Reach
    histogram: Histogram

    @property
    def most(self) -> int:
        """The maximal number of entries of a day that reach the threshold."""
        return max((day.found for day in self.days), default=0)

    @property
    def total(self) -> int:
        """The number of entries shown of all days."""
        return sum(day.shown for day in self.days)

    @property
    def unused(self) -> tuple[str, ...]:
        """The keywords that no paper contains."""
        return tuple(label for label, count in self.keywords if not count)


def make_preview(
    feed: Feed,
    entries: Sequence[Entry],
    records: Sequence[BatchRecord],
    others: Mapping[date, int] = MappingProxyType({}),
) -> Preview:
    """Returns the preview of `feed` over its `entries`, with any score, and the `records`, newest first.

    `others` are papers of the feed's announce types that have no points: how many there are of each date. They are
    no entries; so `min_score` has to be above 0 if there are any.
    """
    of_type = [entry for entry in entries if entry.type in feed.announce_types]
    found = choose(feed, of_type, Query(), capped=False)
    shown = sorted(choose(feed, of_type, Query(), capped=True), key=best_first)
    counts, shown_counts = (Counter(entry.announced for entry in some) for some in (found, shown))
    days = tuple(
        DayYield(record.date, record.state, record.total, counts[record.date], shown_counts[record.date])
        for record in records
    )
    whole = [day for day in days if day.state in ("complete", "unconfirmed")] or list(days)
    dates = {day.date for day in whole}
    scores = [entry.score for entry in of_type if entry.announced in dates]
    scores += [0.0] * sum(count for day, count in others.items() if day in dates)
    matched = Counter(label for entry in of_type for label in entry.matched)
    return Preview(
        days,
        sum(day.shown for day in whole) / max(len(whole), 1),
        _thresholds(scores, len(whole), feed) if feed.keywords else (),
        _best(shown, [day.date for day in days if day.shown]),
        tuple((label, matched[label]) for label in feed.labels),
        _effects(feed, of_type, matched),
        tuple(sorted(_below(feed, of_type), key=_nearest)[:NEAR]),
        reach_of(feed, of_type),
        _histogram(scores, len(whole), feed) if feed.keywords else Histogram(),
    )


def try_vote(feed: Feed, entries: Sequence[Entry], paper: str, sign: int) -> VoteEffect | None:
    """Returns what a first vote on a paper would change; None if no entry has it, or if nothing can be learned.

    It takes about a second for a few thousand entries.
    """
    from core.ranking.learning import Known, learn  # only when it is asked for

    of_type = [entry for entry in entries if entry.type in feed.announce_types]
    voted = next((entry for entry in of_type if entry.id == paper), None)
    if voted is None:
        return None
    vote = make_vote(voted.id, sign, "", voted.paper.title, voted.paper.abstract)
    learned = learn(feed, Votes((vote,)), [Known(entry.paper, entry.score) for entry in of_type])
    if learned is None:
        return None
    moved = [(entry, round(sum(one.points for one in learned.reasons(entry.paper)), 2)) for entry in of_type]
    others = [(entry, points) for entry, points in moved if entry.id != paper and entry.score > 0]
    rising = sorted(others, key=lambda pair: (-pair[1], pair[0].id))
    falling = sorted(others, key=lambda pair: (pair[1], pair[0].id))
    return VoteEffect(
        voted,
        sign,
        tuple(pair for pair in rising[:MOST_MOVED] if pair[1] > _LEAST_MOVED),
        tuple(pair for pair in falling[:MOST_MOVED] if pair[1] < -_LEAST_MOVED),
        tuple(entry for entry, points in others if entry.score < feed.min_score <= entry.score + points),
        tuple(entry for entry, points in others if entry.score >= feed.min_score > entry.score + points),
    )


def _effects(feed: Feed, entries: Iterable[Entry], matched: Mapping[str, int]) -> tuple[Effect, ...]:
    selected: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for entry in entries:
        if entry.score < feed.min_score:
            continue
        points: Counter[str] = Counter()
        for reason in entry.reasons:
            points[reason.rule] += reason.points  # type: ignore[assignment]
        for label in entry.matched:
            selected[label] += 1
            alone[label] += entry.score - points[label] < feed.min_score
    return tuple(Effect(label, matched[label], selected[label], alone[label]) for label in feed.labels)


def _below(feed: Feed, entries: Iterable[Entry]) -> Iterable[Entry]:
    return (entry for entry in entries if 0 < entry.score < feed.min_score)


def _nearest(entry: Entry) -> tuple[float, float, str]:
    return -entry.score, -entry.announced.toordinal(), entry.id


def _best(shown: Iterable[Entry], dates: Sequence[date]) -> tuple[tuple[date, tuple[Entry, ...]], ...]:
    by_date: dict[date, list[Entry]] = {day: [] for day in dates[: len(SHOWN)]}
    for entry in shown:
        if entry.announced in by_date:
            by_date[entry.announced].append(entry)
    return tuple((day, tuple(best[:count])) for (day, best), count in zip(by_date.items(), SHOWN, strict=False))


def _thresholds(scores: Sequence[float], days: int, feed: Feed) -> tuple[Threshold, ...]:
    """Returns the closest threshold for each of `RATES` that the feed allows, from most entries to fewest."""
    a_day: dict[float, float] = {}
    reached = 0
    for score, count in sorted(Counter(scores).items(), reverse=True):
        reached += count
        a_day[score] = reached / days
    rates = [rate for rate in RATES if a_day and rate <= (feed.max_entries or max(RATES))]
    nearest = {min(a_day, key=lambda score: (abs(a_day[score] - rate), -score)) for rate in rates}
    return tuple(Threshold(score, a_day[score]) for score in sorted(nearest) if score != feed.min_score)


def _histogram(scores: Sequence[float], days: int, feed: Feed) -> Histogram:
    scored = sorted((score for score in scores if score > 0), reverse=True)
    if not scored or not days:
        return Histogram()
    most = scored[0]
    step = next((step for step in _STEPS if most / step < MOST_BARS), most / MOST_BARS + 1)
    first = math.floor(min(scored[-1], max(feed.min_score, 0.0)) / step)
    counts = Counter(math.floor(score / step) for score in scored)
    bars = tuple(
        Bar(place * step, counts[place], place * step >= feed.min_score)
        for place in range(first, math.floor(most / step) + 1)
    )
    wanted = USUAL_RATE * days
    return Histogram(bars, step, scored[wanted - 1] if len(scored) >= wanted else None)
