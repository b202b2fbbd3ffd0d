"""Finds the papers of stored days in which the rules of a request find anything, without making entries of the others.

Which papers these may be is read off the words of the days (`core.model.texts`); only they are scored, as everywhere.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from time import thread_time
from typing import NamedTuple

from core.model.batch import Batch
from core.model.categories import listed
from core.model.entries import Day, first_announced, make_entries, type_in
from core.model.feed import Entry, Feed
from core.model.paper import Paper
from core.model.scoring import Score
from core.model.sources import HUGGINGFACE
from core.model.texts import BatchTexts, Circumstances
from core.ranking.matching import Scorer, Signs, make_scorer, papers_of, signs_of
from core.text.names import comparable
from core.util.caches import uncollected


class Scanned(NamedTuple):
    """The entries of a feed in which its rules find anything, newest date first. `others` are its other papers of each
    date, of its announce types: how many. They have no points.
    """

    entries: list[Entry]
    others: Counter[date]


def scan(feed: Feed, days: Sequence[BatchTexts], seconds: float) -> Scanned:
    """Returns what a feed's rules find in days, newest first. Of the papers little more than the texts is known.

    Raises `TimeoutError` if it takes more seconds of the processor. What others do on the machine does not count:
    whether rules are too costly must not depend on it.
    """
    with uncollected():
        return _scan(feed, days, thread_time() + seconds)


def _scan(feed: Feed, days: Sequence[BatchTexts], until: float) -> Scanned:
    score, signs = make_scorer(feed), signs_of(feed)

    @cache
    def type_of(kind: Circumstances) -> str:
        item = kind.announcement()
        return type_in(feed, item) if any(papers_of(feed, Batch(date.min, (item,)))) else ""

    counts = Counter(_id(name) for texts in days for name in texts.names)
    twice = {name for name, count in counts.items() if count > 1}  # an entry once, also without any points
    others: Counter[date] = Counter()
    made = []
    for texts in days:
        types = list(map(type_of, texts.kinds))
        places = [place for place, number in enumerate(texts.of) if types[number]]
        if feed.source == HUGGINGFACE:
            places = [place for place in places if "upvotes" in texts.seldom.get(place, ())]
        again = {place for place, name in enumerate(texts.names) if _id(name) in twice} if twice else set[int]()
        possible = again | _possible(signs, texts)
        silent = Counter(types[texts.of[place]] for place in places)
        scores: dict[str, Score] = {}
        items = []
        for place, paper, result in _scored(score, texts, [place for place in places if place in possible], until):
            if result is None or result.reasons or place in again:
                silent[types[texts.of[place]]] -= 1
            if result and (result.reasons or place in again):
                items.append(texts.kinds[texts.of[place]].announcement(paper))
                scores[paper.versioned] = result
        others[texts.date] = sum(silent[kind] for kind in feed.announce_types)
        made.append(Day(make_entries(feed, Batch(texts.date, tuple(items)), scores)))
    entries = first_announced(made)
    others.update(entry.announced for entry in entries if not entry.reasons and entry.type in feed.announce_types)
    return Scanned([entry for entry in entries if entry.reasons], others)


def _id(versioned: str) -> str:
    return versioned.rpartition("v")[0]


def _possible(signs: Signs | None, texts: BatchTexts) -> set[int]:
    """Returns the places of the papers in which rules may find anything."""
    if signs is None:
        return set(range(len(texts)))
    kinds = {
        number
        for number, kind in enumerate(texts.kinds)
        if any(listed(name, (wanted,)) for name in kind.categories for wanted in signs.categories)
    }
    found = texts.with_any(signs.texts, lowered=signs.lowered) | {
        place for place, row in texts.seldom.items() if "upvotes" in row
    }
    found |= texts.with_author(signs.names, comparable) if signs.names else set()
    return found | {place for place, number in enumerate(texts.of) if number in kinds} if kinds else found


def _scored(
    score: Scorer, texts: BatchTexts, places: Sequence[int], until: float
) -> Iterator[tuple[int, Paper, Score | None]]:
    for place, paper in zip(places, texts.papers(places), strict=True):
        if thread_time() > until:
            raise TimeoutError
        yield place, paper, score(paper)
