"""Batches, and a feed's days: a batch scored by the feed's rules, and the stored values that result."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from math import inf
from time import thread_time
from types import MappingProxyType
from typing import Any, NamedTuple

from core.archive.index import PART, day_from_index, in_parts, index_to_plain
from core.archive.reading import attempt, read_copies
from core.model.analysis import from_plain
from core.model.batch import Batch
from core.model.entries import Day, make_entries
from core.model.feed import Entry, Feed
from core.model.lazy import LazyDay
from core.model.manifest import BatchRecord
from core.model.texts import BatchTexts, texts_to_plain
from core.ranking.matching import papers_of, score_batch
from core.store import keys
from core.store.base import Store, Values
from core.store.codec import (
    day_from_plain,
    decode_as,
    encode,
    entries_to_plain,
    scores_from_plain,
    scores_to_plain,
)
from core.util.caches import uncollected

log = logging.getLogger("paperwire")
_TEXTS_LEVEL = 1  # a quarter of the time of the usual one, for 5 % more bytes
_PART_LEVEL = 3  # of compression: a third of the time of the usual one, for 7 % more bytes


class Stored(NamedTuple):
    """An immutable value that may be stored: its `name`, also for caches, and how to decode it.

    `copied`: it has a copy. `decode` raises `StoreError` for damaged bytes.
    """

    name: str
    decode: Callable[[bytes], Any]
    copied: bool = False


def stored_batch(record: BatchRecord) -> Stored:
    """Returns the stored batch of a record, which decodes to a `Batch`."""

    def make(plain: dict[str, Any]) -> Batch:
        batch = Batch.from_plain(plain)
        if batch.date != record.date:
            raise ValueError("a batch of another date")
        return batch

    return Stored(keys.batch(record.date, record.hash), partial(decode_as, make), copied=True)


class Indexed(NamedTuple):
    """A feed's day without texts, and the columns that it was made of, as JSON values."""

    day: Day
    columns: Mapping[str, Any]


def stored_index(lazy: LazyDay, *, whole: bool, paper: str = "") -> Stored:
    """Returns a feed's stored day without texts, from its `min_score` on or `whole`; it decodes to an `Indexed`.

    With the identifier of a `paper`, the day is empty if it is not in it.
    """
    name = keys.index(lazy.feed.scoring_fingerprint, lazy.record.hash, str(PART))
    return Stored(name, partial(decode_as, partial(_indexed, lazy, whole=whole, paper=paper)))


def _indexed(lazy: LazyDay, plain: Mapping[str, Any], *, whole: bool, paper: str) -> Indexed:
    return Indexed(day_from_index(lazy, plain, whole=whole, paper=paper), plain)


def month_name(feed: Feed) -> str:
    """Returns the name of a feed's month. It does not depend on votes, so it is known before these are read."""
    return keys.month(feed.name, feed.rules_fingerprint)


def stored_month(feed: Feed, days: Mapping[str, LazyDay], *, whole: bool, paper: str = "") -> Stored:
    """Returns a feed's indexes as one stored value; it decodes to those of `days`, `Indexed` by hash of their batch.

    Days are missing in it if they are younger, or damaged.
    """

    def make(plain: Mapping[str, Any]) -> dict[str, Indexed]:
        found: dict[str, Indexed] = {}
        for columns in plain["days"] if plain["of"] == feed.scoring_fingerprint else ():
            if (lazy := days.get(columns["of"])) is not None:
                with suppress(ArithmeticError, LookupError, TypeError, ValueError):
                    found[columns["of"]] = _indexed(lazy, columns, whole=whole, paper=paper)
        return found

    return Stored(month_name(feed), partial(decode_as, make))


def encoded_month(feed: Feed, indexes: Iterable[Indexed]) -> Values:
    """Returns the value of `stored_month` over these days."""
    plain = {"of": feed.scoring_fingerprint, "days": [one.columns for one in indexes]}
    return {month_name(feed): (encode(plain), keys.SCORES_SECONDS)}


def stored_part(lazy: LazyDay, number: int) -> Stored:
    """Returns a part of a feed's best entries of a date, with their texts; it decodes to a `Day`."""
    feed, record = lazy.feed, lazy.record

    def make(plain: dict[str, Any]) -> Day:
        if plain["of"] != record.hash or plain["batch"]["date"] != record.date.isoformat():
            raise ValueError("entries of another batch")
        return day_from_plain(feed, plain)

    return Stored(keys.entries(feed.scoring_fingerprint, record.hash, str(PART), str(number)), partial(decode_as, make))


def stored_texts(record: BatchRecord) -> Stored:
    """Returns the stored texts of a record, which searches look in; they decode to `BatchTexts`."""

    def make(plain: dict[str, Any]) -> BatchTexts:
        if plain["of_batch"] != record.hash or plain["date"] != record.date.isoformat():
            raise ValueError("texts of another batch")
        return BatchTexts(plain)

    return Stored(keys.texts(record.hash), partial(decode_as, make))


def stored_batch_as_texts(record: BatchRecord) -> Stored:
    """Returns the stored batch of a record, which decodes to a pair: its `BatchTexts`, and the values to store them."""

    def make(plain: dict[str, Any]) -> tuple[BatchTexts, Values]:
        if plain["date"] != record.date.isoformat():
            raise ValueError("a batch of another date")
        texts = {**texts_to_plain(plain), "of_batch": record.hash}
        return BatchTexts(texts), {keys.texts(record.hash): (encode(texts, _TEXTS_LEVEL), keys.SCORES_SECONDS)}

    return Stored(stored_batch(record).name, partial(decode_as, make), copied=True)


def stored_some(day: LazyDay, wanted: Iterable[str]) -> tuple[Stored, Stored]:
    """Returns the stored batch and scores of a day, as values for `some_entries`: these papers of the batch alone."""
    names = frozenset(wanted)

    def some(plain: dict[str, Any]) -> Batch:
        chosen = [item for item in plain["announcements"] if f"{item['id']}v{item['version']}" in names]
        return Batch.from_plain({**plain, "announcements": chosen})

    return Stored(stored_batch(day.record).name, partial(decode_as, some)), stored_scores(day.feed, day.record)


def some_entries(day: LazyDay, batch: Batch, scores: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Returns entries of a day from the values of `stored_some`; none if these are of another day, or damaged."""
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    try:
        if batch.date != day.record.date:
            raise ValueError("a batch of another date")
        chosen = {name: scores[name] for name in papers}
        return make_entries(day.feed, batch, scores_from_plain(day.feed, papers, chosen))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.warning("the scores of %s over %s count as absent: %r", day.feed.name, day.record.date, error)
        return ()


def stored_scores(feed: Feed, record: BatchRecord) -> Stored:
    """Returns a feed's stored scores over a batch, as a value for `day_of_scores`."""
    return Stored(keys.scores(feed.scoring_fingerprint, record.hash), partial(decode_as, _mapping))


def stored_analysis(feed_name: str, day: date, name: str) -> Stored:
    """Returns the stored analysis of a feed's day by its name in the manifest."""
    return Stored(keys.analysis(feed_name, day, name), partial(decode_as, from_plain), copied=True)


def stored_ledger(day: date) -> Stored:
    """Returns the stored identifiers of a date that the API confirms."""
    return Stored(keys.ledger(day), partial(decode_as, _ids), copied=True)


def day_of_scores(feed: Feed, batch: Batch, scores: Mapping[str, Any]) -> Day | None:
    """Returns a feed's whole day, from a batch and its stored scores; None if they are damaged."""
    papers = {paper.versioned: paper for paper in papers_of(feed, batch)}
    key = keys.scores(feed.scoring_fingerprint, batch.hash)
    try:
        if scores.keys() != papers.keys():
            raise ValueError("they are of other papers")
        with uncollected():
            return Day(make_entries(feed, batch, scores_from_plain(feed, papers, scores)))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        log.warning("%s counts as absent: %r", key, error)
        return None


def score_day(feed: Feed, batch: Batch, until: float = inf) -> Day:
    """Score a feed's day without storing it. Raises `TimeoutError` at `until` (`time.thread_time`)."""
    with uncollected():
        return Day(make_entries(feed, batch, score_batch(feed, batch, until)))


def score_days(feed: Feed, batches: Iterable[Batch], seconds: float) -> list[Day]:
    """The same for several days. Raises `TimeoutError` if it takes more seconds of the processor in all.

    What others do on the machine does not count: whether rules are too costly must not depend on it.
    """
    until = thread_time() + seconds
    return [score_day(feed, batch, until) for batch in batches]


def make_day(feed: Feed, batch: Batch, ttl: float = keys.SCORES_SECONDS) -> tuple[Day, Values]:
    """Score a feed's day. Returns it with the values to store for `ttl` seconds: its scores, and its best entries."""
    scores = score_batch(feed, batch)
    day = Day(make_entries(feed, batch, scores))
    if feed.learned and feed.lessons is None:  # the store has lost it: these are the points of keywords alone
        return day, {}
    made: Values = {
        keys.scores(feed.scoring_fingerprint, batch.hash): (encode(scores_to_plain(feed, scores)), ttl),
    }
    return day, made | indexed(feed, batch, day, ttl)


def indexed(feed: Feed, batch: Batch, day: Day, ttl: float = keys.SCORES_SECONDS) -> Values:
    """Returns the values to store for `ttl` seconds that make a whole day quick to read: its index, and its best
    entries in parts.
    """
    name = keys.index(feed.scoring_fingerprint, batch.hash, str(PART))
    made: Values = {name: (encode(index_to_plain(feed, batch, day)), ttl)}
    items = {item.paper.versioned: item for item in batch.announcements}
    for number, entries in in_parts(feed, day):
        value = encode(entries_to_plain(feed, entries, items, batch), _PART_LEVEL)
        made[keys.entries(feed.scoring_fingerprint, batch.hash, str(PART), str(number))] = (value, ttl)
    return made


class Days:
    """Batches, their scores by feed, and the ledger, in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(
        self, requested: Iterable[Stored], ahead: Mapping[str, bytes | None] = MappingProxyType({})
    ) -> Mapping[str, Any]:
        """Returns the decoded values by name, without missing and damaged ones, in one round trip.

        There is none if all are in `ahead`, encoded values that were read before. If values lack that have copies,
        these are read in one more.
        """
        stored = list(requested)
        unread = [one.name for one in stored if ahead.get(one.name) is None]
        read = dict(zip(unread, await self._store.get_many(unread), strict=True)) if unread else {}
        data = [read[one.name] if one.name in read else ahead[one.name] for one in stored]
        found = await asyncio.to_thread(_decoded, stored, data) if stored else {}
        lacking = {one.name: (one.name, one.decode) for one in stored if one.copied and one.name not in found}
        return found | await read_copies(self._store, lacking)

    async def read_encoded(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Returns the stored bytes by name, None for missing ones, in one round trip; `read` takes them as `ahead`."""
        return dict(zip(names, await self._store.get_many(names), strict=True))

    async def batches(self, records: Iterable[BatchRecord | None]) -> dict[str, Batch]:
        """Returns the batches of the records by hash, without lost ones, in one round trip."""
        named = {record.hash: stored_batch(record) for record in records if record and record.hash}
        found = await self.read(named.values())
        return {name: found[one.name] for name, one in named.items() if one.name in found}

    async def confirmed(self, dates: Iterable[date]) -> dict[date, frozenset[str]]:
        """Returns the identifiers of each date that the API confirms so far, in one round trip."""
        requested = {day: stored_ledger(day) for day in dates}
        found = await self.read(requested.values())
        return {day: found[one.name] for day, one in requested.items() if one.name in found}


def _decoded(stored: Iterable[Stored], data: Iterable[bytes | None]) -> dict[str, Any]:
    """Returns the values that are there and can be decoded, by name."""
    with uncollected():
        made = ((one.name, attempt(one.name, one.decode, raw)) for one, raw in zip(stored, data, strict=True))
        return {name: value for name, value in made if value is not None}


def _mapping(plain: Any) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise TypeError("no object")
    return plain


def _ids(plain: list[Any]) -> frozenset[str]:
    return frozenset(map(str, plain))
