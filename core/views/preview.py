"""The preview of a feed's rules: how many and which entries they select from the stored days, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.model.entries import best_first, choose
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.query import Query

SHOWN = (5, 3, 3)  # entries of the newest day with entries, of the previous one, and so on
NEAR = 5  # papers just below the threshold
RATES = (5, 10, 20, 40)  # entries a day for which a threshold is proposed


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
    threshold.
    """

    days: tuple[DayYield, ...]
    a_day: float
    thresholds: tuple[Threshold, ...]
    best: tuple[tuple[date, tuple[Entry, ...]], ...]
    keywords: tuple[tuple[str, int], ...]
    effects: tuple[Effect, ...] = ()
    near: tuple[Entry, ...] = ()

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


def make_preview(feed: Feed, entries: Sequence[Entry], records: Sequence[BatchRecord]) -> Preview:
    """Returns the preview of `feed` over all its `entries`, with any score, and the `records`, newest first."""
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
    matched = Counter(label for entry in of_type for label in entry.matched)
    return Preview(
        days,
        sum(day.shown for day in whole) / max(len(whole), 1),
        _thresholds(scores, len(whole), feed) if feed.keywords else (),
        _best(shown, [day.date for day in days if day.shown]),
        tuple((label, matched[label]) for label in feed.labels),
        _effects(feed, of_type, matched),
        tuple(sorted(_below(feed, of_type), key=_nearest)[:NEAR]),
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
