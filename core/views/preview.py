"""What a feed's rules would have selected from the stored days: how much, what, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from core.model.entries import best_first, choose
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.query import Query

SHOWN = (5, 3, 3)  # entries of the newest day that has some, of the one before, and so on
RATES = (5, 10, 20, 40)  # entries a day for which a threshold is proposed


@dataclass(frozen=True, slots=True)
class DayYield:
    """What a date yields: how many of its `papers` reach the threshold, and how many of these are shown."""

    date: date
    state: str
    papers: int
    found: int
    shown: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A least score, and how many entries a day would reach it."""

    min_score: float
    a_day: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules select. `a_day` and the proposed `thresholds` are over the complete days, if there is one.

    `best` pairs each of the newest days that have entries with its best ones; `keywords` each keyword with the number
    of papers in which it was found, whatever their score.
    """

    days: tuple[DayYield, ...]
    a_day: float
    thresholds: tuple[Threshold, ...]
    best: tuple[tuple[date, tuple[Entry, ...]], ...]
    keywords: tuple[tuple[str, int], ...]

    @property
    def most(self) -> int:
        """The most entries that reach the threshold on one day."""
        return max((day.found for day in self.days), default=0)

    @property
    def total(self) -> int:
        """The entries that are shown of all days."""
        return sum(day.shown for day in self.days)

    @property
    def unused(self) -> tuple[str, ...]:
        """The keywords that were found nowhere."""
        return tuple(label for label, count in self.keywords if not count)


def make_preview(feed: Feed, entries: Sequence[Entry], records: Sequence[BatchRecord]) -> Preview:
    """What `feed` shows of its `entries`, whatever their score, over the stored `records`, newest first."""
    of_type = [entry for entry in entries if entry.type in feed.announce_types]
    found = choose(feed, of_type, Query(), capped=False)
    shown = sorted(choose(feed, of_type, Query(), capped=True), key=best_first)
    counts, shown_counts = (Counter(entry.announced for entry in some) for some in (found, shown))
    days = tuple(
        DayYield(record.date, record.state, record.total, counts[record.date], shown_counts[record.date])
        for record in records
    )
    whole = [day for day in days if day.state == "complete"] or list(days)
    dates = {day.date for day in whole}
    scores = [entry.score for entry in of_type if entry.announced in dates]
    matched = Counter(label for entry in of_type for label in entry.matched)
    return Preview(
        days,
        sum(day.shown for day in whole) / max(len(whole), 1),
        _thresholds(scores, len(whole), feed) if feed.keywords else (),
        _best(shown, [day.date for day in days if day.shown]),
        tuple((label, matched[label]) for label in feed.labels),
    )


def _best(shown: Iterable[Entry], dates: Sequence[date]) -> tuple[tuple[date, tuple[Entry, ...]], ...]:
    by_date: dict[date, list[Entry]] = {day: [] for day in dates[: len(SHOWN)]}
    for entry in shown:
        if entry.announced in by_date:
            by_date[entry.announced].append(entry)
    return tuple((day, tuple(best[:count])) for (day, best), count in zip(by_date.items(), SHOWN, strict=False))


def _thresholds(scores: Sequence[float], days: int, feed: Feed) -> tuple[Threshold, ...]:
    """For each of `RATES` that the feed allows the score that comes next to it, from the most entries to the fewest."""
    a_day: dict[float, float] = {}
    reached = 0
    for score, count in sorted(Counter(scores).items(), reverse=True):
        reached += count
        a_day[score] = reached / days
    rates = [rate for rate in RATES if a_day and rate <= (feed.max_entries or max(RATES))]
    nearest = {min(a_day, key=lambda score: (abs(a_day[score] - rate), -score)) for rate in rates}
    return tuple(Threshold(score, a_day[score]) for score in sorted(nearest) if score != feed.min_score)
