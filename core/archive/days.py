"""Batches, and a feed's days: a batch scored by the feed's rules, and the stored values that result."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from math import inf
from typing import Any, NamedTuple

from core.model.analysis import Analysis, from_plain
from core.model.batch import Batch
from core.model.entries import Day, make_entries
from core.model.errors import StoreError
from core.model.feed import Feed
from core.model.manifest import BatchRecord
from core.ranking.matching import score_batch
from core.store import keys
from core.store.base import Store, Values
from core.store.codec import (
    day_from_plain,
    day_to_plain,
    decode,
    decode_as,
    encode,
    scores_from_plain,
    scores_to_plain,
)

log = logging.getLogger("paperwire")


class Stored(NamedTuple):
    """An immutable value that may be stored: its `name`, also for caches, and how to decode it."""

    name: str
    decode: Callable[[bytes], Any]


def stored_batch(record: BatchRecord) -> Stored:
    """Returns the stored batch of a record, which decodes to a `Batch`."""
    return Stored(keys.batch(record.date, record.hash), partial(decode_as, Batch.from_plain))


def stored_best(feed: Feed, record: BatchRecord) -> Stored:
    """Returns a feed's stored day from its `min_score` on, far smaller than the batch; it decodes to a `Day`."""
    name = keys.entries(feed.scoring_fingerprint, feed.min_score, record.hash)
    return Stored(name, partial(decode_as, partial(day_from_plain, feed)))


def stored_scores(feed: Feed, record: BatchRecord) -> Stored:
    """Returns a feed's stored scores over a batch, as bytes for `day_of_scores`."""
    return Stored(keys.scores(feed.scoring_fingerprint, record.hash), bytes)


def stored_analysis(feed: Feed, day: date, name: str) -> Stored:
    """Returns the stored analysis of a feed's day by its name in the manifest. An unreadable one decodes as empty."""
    key = keys.analysis(feed.name, day, name)
    return Stored(key, partial(_analysis, key))


def _analysis(key: str, data: bytes) -> Analysis:
    try:
        return decode_as(from_plain, data)
    except StoreError as error:
        log.warning("%s cannot be used: %s", key, error)
        return {}


def day_of_scores(feed: Feed, batch: Batch, scores: bytes) -> Day:
    """Returns a feed's whole day, from a batch and its stored scores."""
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    return Day(make_entries(feed, batch, decode_as(partial(scores_from_plain, feed, papers), scores)))


def score_day(feed: Feed, batch: Batch, until: float = inf) -> Day:
    """Score a feed's day without storing it. Raises `TimeoutError` at `until` (`time.monotonic`)."""
    return Day(make_entries(feed, batch, score_batch(feed, batch, until)))


def make_day(feed: Feed, batch: Batch, ttl: float = keys.SCORES_SECONDS) -> tuple[Day, Values]:
    """Score a feed's day. Returns it with the values to store for `ttl` seconds: its scores, and its best entries."""
    scores = score_batch(feed, batch)
    day = Day(make_entries(feed, batch, scores))
    made: Values = {
        keys.scores(feed.scoring_fingerprint, batch.hash): (encode(scores_to_plain(feed, scores)), ttl),
    }
    if feed.min_score > 0:
        key = keys.entries(feed.scoring_fingerprint, feed.min_score, batch.hash)
        made[key] = (encode(day_to_plain(feed, batch, day.best(feed.min_score))), ttl)
    return day, made


class Days:
    """Batches, their scores by feed, and the ledger, in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, requested: Iterable[Stored]) -> Mapping[str, Any]:
        """Returns the decoded values by name, without missing ones, in one round trip, or none for an empty request."""
        stored = list(requested)
        found = await self._store.get_many([one.name for one in stored]) if stored else []
        return {
            one.name: await asyncio.to_thread(one.decode, data)
            for one, data in zip(stored, found, strict=True)
            if data is not None
        }

    async def batches(self, records: Iterable[BatchRecord | None]) -> dict[str, Batch]:
        """Returns the batches of the records by hash, without lost ones, in one round trip."""
        named = {record.hash: stored_batch(record) for record in records if record and record.hash}
        found = await self.read(named.values())
        return {name: found[one.name] for name, one in named.items() if one.name in found}

    async def confirmed(self, dates: Iterable[date]) -> dict[date, frozenset[str]]:
        """Returns the identifiers of each date that the API confirms so far, in one round trip."""
        requested = {day: keys.ledger(day) for day in dates}
        found = await self.read(Stored(name, decode) for name in requested.values())
        return {day: frozenset(found[name]) for day, name in requested.items() if name in found}
