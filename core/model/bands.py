"""A date over all feeds: each paper once, in bands by worth, with the reasons that distinguish it.

Scores of different feeds have different scales. Where they are compared, each is a share of its feed's best score, or
of the most points of its rubric.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from math import log
from operator import attrgetter
from typing import NamedTuple

from core.model.entries import choose
from core.model.feed import Entry, Feed
from core.model.query import Query

MUST, WORTH, REST = "must", "worth", "rest"
PLACES = (MUST, WORTH, REST)  # best first
_OF_RUBRIC = {"must-read": MUST, "review": WORTH, "skip": REST}
BEST = 5  # entries of a feed that no rubric judges, which are worth a look
MOST_REASONS = 3


class Reach(NamedTuple):
    """What a feed's scores are compared with: its best one, its number of entries, and how many have each keyword."""

    best: float
    entries: int
    matched: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A paper of a date, and the entries of the feeds that have it, the strongest first.

    `share` compares it with other papers: from 0 to 1. `reasons` are the strongest three: each the rule, what the paper
    has of it, and its points.
    """

    entries: tuple[tuple[Feed, Entry], ...]
    band: str
    share: float
    reasons: tuple[tuple[str, str, float], ...]

    @property
    def entry(self) -> Entry:
        """The strongest entry."""
        return self.entries[0][1]

    @property
    def feed(self) -> Feed:
        """The feed of the strongest entry."""
        return self.entries[0][0]

    @property
    def learned(self) -> float:
        """The points that the votes of its feeds gave, those that change the score most."""
        return max((entry.learned for _, entry in self.entries), key=abs)


def reach_of(feed: Feed, entries: Sequence[Entry]) -> Reach:
    """Returns what the scores of a feed are compared with: its `entries` of all dates that reach its threshold."""
    entries = choose(feed, entries, Query(), capped=False)
    matched = Counter(chain.from_iterable(map(attrgetter("matched"), entries)))
    return Reach(max((entry.score for entry in entries), default=0.0), len(entries), matched)


def shown_of(feed: Feed, entries: Sequence[Entry]) -> dict[date, list[Entry]]:
    """Returns the entries that a feed shows, by date, the best first."""
    days: dict[date, list[Entry]] = {}
    for entry in choose(feed, entries, Query(), capped=True):
        days.setdefault(entry.announced, []).append(entry)
    return {day: sorted(found, key=lambda entry: entry.rank) for day, found in days.items()}


def merge_day(found: Iterable[tuple[Feed, Sequence[Entry], Reach]]) -> list[Chosen]:
    """Returns the papers of a date, by band, the strongest first; `found` are each feed's entries of it, best first."""
    papers: dict[str, list[tuple[str, float, Feed, Entry, Reach]]] = {}
    for feed, entries, reach in found:
        is_judged = any(entry.band for entry in entries)
        for place, entry in enumerate(entries):
            band = _band(entry, place, is_judged=is_judged)
            papers.setdefault(entry.id, []).append((band, _share(feed, entry, reach), feed, entry, reach))
    chosen = [_chosen(rows) for rows in papers.values()]
    return sorted(chosen, key=lambda one: (PLACES.index(one.band), -one.share, one.entry.id))


def alone(feed: Feed, entry: Entry, reach: Reach) -> Chosen:
    """Returns an entry of one feed as a list of its own shows it."""
    band = _OF_RUBRIC.get(entry.band, REST) if entry.band else WORTH
    return Chosen(((feed, entry),), band, _share(feed, entry, reach), _strongest([(entry, reach)]))


def _band(entry: Entry, place: int, *, is_judged: bool) -> str:
    if entry.band:
        return _OF_RUBRIC.get(entry.band, REST)
    return WORTH if place < BEST and not is_judged and entry.score > 0 else REST


def _share(feed: Feed, entry: Entry, reach: Reach) -> float:
    if feed.rubric and entry.points is not None:
        return min(max(entry.points / max(feed.rubric.max, 1), 0.0), 1.0)
    return min(max(entry.score / reach.best, 0.0), 1.0) if reach.best > 0 else 0.0


def _chosen(rows: list[tuple[str, float, Feed, Entry, Reach]]) -> Chosen:
    rows = sorted(rows, key=lambda row: (PLACES.index(row[0]), -row[1]))
    band, share = rows[0][:2]
    entries = tuple((feed, entry) for _, _, feed, entry, _ in rows)
    return Chosen(entries, band, share, _strongest((entry, reach) for *_, entry, reach in rows))


def _strongest(rows: Iterable[tuple[Entry, Reach]]) -> tuple[tuple[str, str, float], ...]:
    """Returns the reasons with the most points × rarity: what half of all papers have says little about one."""
    found: dict[str, tuple[float, str, float]] = {}
    for entry, reach in rows:
        points: dict[str, float] = {}
        for reason in entry.reasons:
            if reason.learned:
                continue  # all of them are one chip
            points[reason.rule] = points.get(reason.rule, 0.0) + reason.points
        own = [reason for reason in reversed(entry.reasons) if not reason.learned]
        texts = {reason.rule: reason.rule if reason.of_upvotes else reason.text for reason in own}
        for rule, total in points.items():
            rarity = log((reach.entries + 1) / max(reach.matched.get(rule, 1), 1)) + 0.1
            found[rule] = max(found.get(rule, (0.0, "", 0.0)), (total * rarity, texts[rule], total))
    best = sorted((rule for rule in found if found[rule][0] > 0), key=lambda rule: (-found[rule][0], rule))
    return tuple((rule, *found[rule][1:]) for rule in best[:MOST_REASONS])
