"""Batches, and a feed's days: a batch scored by the feed's rules, and what is stored of that."""

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
    """A value that may be stored, which never changes: its `name`, which caches use too, and how it is decoded."""

    name: str
    decode: Callable[[bytes], Any]


def stored_batch(record: BatchRecord) -> Stored:
    """The batch of a record; decodes to a `Batch`."""
    return Stored(keys.batch(record.date, record.hash), partial(decode_as, Batch.from_plain))


def stored_best(feed: Feed, record: BatchRecord) -> Stored:
    """A feed's day from its `min_score` on, which is far less to read than the batch; decodes to a `Day`."""
    name = keys.entries(feed.scoring_fingerprint, feed.min_score, record.hash)
    return Stored(name, partial(decode_as, partial(day_from_plain, feed)))


def stored_scores(feed: Feed, record: BatchRecord) -> Stored:
    """A feed's scores over a batch; stays bytes, for `day_of_scores`."""
    return Stored(keys.scores(feed.scoring_fingerprint, record.hash), bytes)


def stored_analysis(feed: Feed, day: date, name: str) -> Stored:
    """The analysis of a feed's day by its name in the manifest; one that cannot be read decodes to an empty one."""
    key = keys.analysis(feed.name, day, name)
    return Stored(key, partial(_analysis, key))


def _analysis(key: str, data: bytes) -> Analysis:
    try:
        return decode_as(from_plain, data)
    except StoreError as error:
        log.warning("%s cannot be used: %s", key, error)
        return {}


def day_of_scores(feed: Feed, batch: Batch, scores: bytes) -> Day:
    """A feed's whole day of a batch and of its stored scores."""
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    return Day(make_entries(feed, batch, decode_as(partial(scores_from_plain, feed, papers), scores)))


def score_day(feed: Feed, batch: Batch, until: float = inf) -> Day:
    """A feed's day, of which nothing is to be stored. Raises `TimeoutError` at `until` (`time.monotonic`)."""
    return Day(make_entries(feed, batch, score_batch(feed, batch, until)))


def make_day(feed: Feed, batch: Batch, ttl: float = keys.SCORES_SECONDS) -> tuple[Day, Values]:
    """A feed's day scored anew, and what is to be stored of it for `ttl` seconds: its scores, and its best entries."""
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

    async def read(self, wanted: Iterable[Stored]) -> Mapping[str, Any]:
        """The decoded values that are stored, by name, in one round trip; in none if nothing is wanted."""
        stored = list(wanted)
        found = await self._store.get_many([one.name for one in stored]) if stored else []
        return {
            one.name: await asyncio.to_thread(one.decode, data)
            for one, data in zip(stored, found, strict=True)
            if data is not None
        }

    async def batches(self, records: Iterable[BatchRecord | None]) -> dict[str, Batch]:
        """The batches that the records name, by hash, in one round trip; without those that the store has lost."""
        named = {record.hash: stored_batch(record) for record in records if record and record.hash}
        found = await self.read(named.values())
        return {name: found[one.name] for name, one in named.items() if one.name in found}

    async def confirmed(self, dates: Iterable[date]) -> dict[date, frozenset[str]]:
        """The identifiers of each date that the API has confirmed so far, in one round trip."""
        wanted = {day: keys.ledger(day) for day in dates}
        found = await self.read(Stored(name, decode) for name in wanted.values())
        return {day: frozenset(found[name]) for day, name in wanted.items() if name in found}
