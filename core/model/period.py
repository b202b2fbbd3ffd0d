"""Weeks and months of a feed: what its days add up to, the best papers, and which keywords came more or less often."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from core.model.digest import Digest, make_digest
from core.model.entries import choose
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.query import Query
from core.model.rubric import BANDS

MOST_BEST = 25
MOST_TRENDS = 12
COMPARED = timedelta(days=28)  # trends compare with the four weeks before
_DAY = timedelta(days=1)
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_NUMBERS = ("collected", "prioritised", "screened", "unscreened", "deep", "passed", "analysed", "awaiting")


class Period(NamedTuple):
    """A week (ISO 8601: "2026-W20") or a month ("2026-05") by its name, from its `first` day to its `last`."""

    name: str
    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        """Whether a date is in it."""
        return isinstance(day, date) and self.first <= day <= self.last


def parse_period(text: str) -> Period | None:
    """Returns the period of that name, None if it names none."""
    try:
        if match := _WEEK.fullmatch(text):
            first = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return Period(text, first, first + 6 * _DAY)
        if match := _MONTH.fullmatch(text):
            first = date(int(match[1]), int(match[2]), 1)
            return Period(text, first, (first + 31 * _DAY).replace(day=1) - _DAY)
    except ValueError:  # the 54th week, or the 13th month
        return None
    return None


def week_of(day: date) -> Period:
    """Returns the week of a date."""
    year, week, weekday = day.isocalendar()
    first = day - (weekday - 1) * _DAY
    return Period(f"{year}-W{week:02}", first, first + 6 * _DAY)


class Trend(NamedTuple):
    """A keyword: in how many papers of the period it was found, and how many it would have been `before`, at the rate
    of the four weeks before.
    """

    keyword: str
    papers: int
    before: float


@dataclass(frozen=True, slots=True)
class PeriodDigest:
    """A feed's week or month: the digests of its `days`, oldest first, and the best papers, each once.

    `trends` are empty where nothing of the four weeks before is stored; `compared` is the number of their stored days.
    `saved` are the papers of the period on the owner's reading list, empty where the reader is not the owner.
    """

    feed: Feed
    period: Period
    days: tuple[Digest, ...]
    best: tuple[Entry, ...]
    papers: int
    trends: tuple[Trend, ...]
    compared: int
    saved: tuple[Entry, ...]
    language: str

    @property
    def numbers(self) -> dict[str, int]:
        """The sums of the days' statistics."""
        return {name: sum(getattr(day.statistics, name) for day in self.days) for name in _NUMBERS}

    @property
    def bands(self) -> dict[str, int]:
        """The number of papers in each band, summed over the days."""
        return {band: sum(day.statistics.count(band) for day in self.days) for band in BANDS}

    def to_plain(self) -> dict[str, Any]:
        """All but the papers as JSON values."""
        return {
            "feed": self.feed.name,
            "period": self.period.name,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "language": self.language,
            "papers": self.papers,
            "statistics": self.numbers | {"bands": self.bands},
            "days": [
                {"date": day.record.date.isoformat(), "state": day.record.state, "prioritised": len(day.entries)}
                for day in self.days
            ],
            "compared_days": self.compared,
            "trends": [trend._asdict() for trend in self.trends],
        }


def make_period(
    feed: Feed,
    period: Period,
    records: Iterable[BatchRecord],
    entries: Sequence[Entry],
    *,
    language: str = "",
    owner: bool = False,
    saved: Collection[str] = (),
) -> PeriodDigest:
    """Returns the digest of a period from the `records` and `entries` of a feed over all stored dates.

    For the `owner`, liked papers come first in their band, and `saved` ones are listed; nobody else learns of either.
    """
    known = list(records)
    days = [make_digest(feed, record, entries, language=language) for record in known if record.date in period]
    days.sort(key=lambda day: day.record.date)
    once: dict[str, Entry] = {}
    for entry in sorted((e for day in days for e in day.entries), key=lambda e: _best_first(e, owner=owner)):
        once.setdefault(entry.id, entry)
    before = [record.date for record in known if period.first - COMPARED <= record.date < period.first]
    listed = tuple(entry for entry in once.values() if owner and entry.id in saved)
    return PeriodDigest(
        feed, period, tuple(days), tuple(once.values())[:MOST_BEST], len(once),
        trends(feed, entries, [day.record.date for day in days], before), len(before), listed,
        language or feed.language,
    )  # fmt: skip


def trends(feed: Feed, entries: Sequence[Entry], days: Sequence[date], before: Sequence[date]) -> tuple[Trend, ...]:
    """Returns the keywords whose numbers changed most, first those that came more often."""
    if not (days and before):
        return ()
    shown = choose(feed, [e for e in entries if e.announced in {*days, *before}], Query(), capped=False)
    now = Counter(label for e in shown if e.announced in set(days) for label in set(e.matched))
    then = Counter(label for e in shown if e.announced in set(before) for label in set(e.matched))
    found = [Trend(label, now[label], round(then[label] / len(before) * len(days), 1)) for label in now | then]
    changed = [trend for trend in found if trend.papers != trend.before]
    changed.sort(key=lambda trend: (trend.before - trend.papers, trend.keyword))
    half = MOST_TRENDS // 2
    return tuple(changed if len(changed) <= MOST_TRENDS else changed[:half] + changed[-half:])


def _best_first(entry: Entry, *, owner: bool) -> tuple[Any, ...]:
    """Sorts papers by band, then the owner's votes, then points and score."""
    band = BANDS.index(entry.band) if entry.band in BANDS else 1
    vote = -entry.vote if owner else 0
    return band, vote, -(entry.points or 0), -(entry.upvotes or 0), -entry.score, -entry.announced.toordinal(), entry.id
