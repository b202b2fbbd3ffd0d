"""A feed's day as columns: all that selects, orders and counts its entries, without their texts.

A month of them is small, and is decoded without the papers' records. Each column is a table of its different values,
and for each entry, best first, a number in it: most values of a day are few.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from core.model.batch import Batch
from core.model.entries import Day
from core.model.feed import Entry, Feed
from core.model.lazy import LazyDay, LazyReasons, is_liked, lazy_paper

PART = 16  # entries with their texts in one stored value
_FIRST = 64  # entries that have parts where every entry is one of the best
_MOST = 192  # and where fewer are: what comes after these is seldom asked for, and is in the batch

_COLUMNS = (
    "categories", "published", "updated", "upvotes", "withdrawn", "code", "type", "score", "matched", "mentions",
    "learned", "vote", "late", "relisted", "liked",
)  # fmt: skip


def index_to_plain(feed: Feed, batch: Batch, day: Day) -> dict[str, Any]:
    """Returns the columns of a whole day as JSON values."""
    numbers = {label: number for number, label in enumerate(feed.labels)}
    rows = [_row(entry, batch, numbers) for entry in day.entries]
    columns = (
        {name: _column(values) for name, values in zip(_COLUMNS, zip(*rows, strict=True), strict=True)} if rows else {}
    )
    return {"of": batch.hash, "ids": " ".join(e.paper.versioned for e in day.entries), "columns": columns}


def _row(entry: Entry, batch: Batch, numbers: Mapping[str, int]) -> tuple[Any, ...]:
    paper, (withdrawn, code) = entry.paper, batch.marks[entry.paper.versioned]
    return (
        paper.categories, paper.published[:10], paper.updated[:10], paper.upvotes, withdrawn, code, entry.type,
        entry.score, tuple(numbers[label] for label in entry.matched), entry.mentions, entry.learned, entry.vote,
        entry.late, entry.relisted, is_liked(entry),
    )  # fmt: skip


def _column(values: Sequence[Any]) -> list[list[Any]]:
    table: dict[Any, int] = {}
    at = [table.setdefault((type(value), value), len(table)) for value in values]
    return [[value for _, value in table], at if len(table) > 1 else []]


def day_from_index(lazy: LazyDay, plain: Mapping[str, Any], *, whole: bool, paper: str = "") -> Day:
    """Returns the day of columns, with entries without texts: all of them if `whole`, else the best (`Day.best`).

    `lazy` is where their texts will be. With the identifier of a `paper`, a day without it is empty.

    Raises `LookupError`, `TypeError` or `ValueError` if they are of another batch, or damaged.
    """
    feed = lazy.feed
    if plain["of"] != lazy.record.hash:
        raise ValueError("an index of another batch")
    if f" {paper}v" not in f" {plain['ids']}" and paper:
        return Day(())
    ids = plain["ids"].split()
    columns = _columns(plain["columns"], len(ids), feed) if ids else dict.fromkeys(_COLUMNS, ())
    best = _best(feed, ids, columns)
    lazy.places = {name: place for place, name in enumerate(ids)}
    lazy.parts = _stored(feed, (lazy.places[name] for name in best))
    rows = zip(ids, range(len(ids)), *columns.values(), strict=True)
    entries = tuple(_entry(lazy, *row) for row in rows if whole or row[0] in best)
    return Day(entries, frozenset() if whole else frozenset(ids).difference(best))


def _columns(plain: Mapping[str, Any], count: int, feed: Feed) -> dict[str, list[Any]]:
    labels = feed.labels
    convert: dict[str, Callable[[Any], Any]] = {
        "categories": tuple,
        "published": _day,
        "updated": _day,
        "matched": lambda numbers: tuple(labels[number] for number in numbers),
    }
    columns = {}
    for name in _COLUMNS:
        table, at = plain[name]
        values = list(map(convert[name], table)) if name in convert else table
        columns[name] = [values[number] for number in at] if at else values * count
        if len(columns[name]) != count:
            raise ValueError(f"the column {name} has another length")
    return columns


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _by_words(score: float, learned: float) -> float:
    """Returns the points by keywords alone: see `Entry.words`."""
    return round(score - learned, 4) if learned else score


def _best(feed: Feed, ids: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> frozenset[str]:
    """Returns the entries of `Day.best`."""
    judged: set[str] = set()
    if feed.screened:
        types = feed.announce_types
        fitting = (
            name
            for name, kind, gone in zip(ids, columns["type"], columns["withdrawn"], strict=True)
            if kind in types and not gone
        )
        judged.update(name for name, _ in zip(fitting, range(feed.screened), strict=False))
    return frozenset(
        name
        for name, score, learned in zip(ids, columns["score"], columns["learned"], strict=True)
        if max(score, _by_words(score, learned)) >= feed.min_score or name in judged
    )


def _stored(feed: Feed, places: Iterable[int]) -> frozenset[int]:
    """Returns the numbers of the parts that are stored, from the places of the best entries.

    They hold consecutive places, so that they do not depend on `min_score`; how many there are may.
    """
    if feed.min_score > 0:
        return frozenset(place // PART for place in places if place < max(_MOST, feed.max_entries))
    return frozenset(place // PART for place in range(feed.max_entries or _FIRST))


def _entry(
    day: LazyDay, versioned: str, rank: int, categories: tuple[str, ...], published: date | None, updated: date | None,
    upvotes: int | None, withdrawn: bool, code: bool, kind: str, score: float, matched: tuple[str, ...], mentions: int,
    learned: float, vote: int, late: str, relisted: bool, liked: bool,
) -> Entry:  # fmt: skip
    paper = lazy_paper(day, versioned, categories, upvotes, published, updated, withdrawn, code)
    return Entry(
        day.feed.name, paper, day.record.date, kind, score, LazyReasons(day, versioned, liked=liked), matched,
        mentions, rank, None, None, upvotes, None, None, late, learned, vote, relisted,
    )  # fmt: skip


def in_parts(feed: Feed, day: Day) -> Iterator[tuple[int, tuple[Entry, ...]]]:
    """Yields the parts in which the best entries of a whole day are stored, with their numbers."""
    best = {entry.paper.versioned for entry in day.best(feed).entries}
    numbers = _stored(feed, (place for place, entry in enumerate(day.entries) if entry.paper.versioned in best))
    for number in sorted(numbers):
        if entries := day.entries[number * PART : (number + 1) * PART]:
            yield number, entries
