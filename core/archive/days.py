"""A feed's day: a batch scored by the feed's rules, and what is stored of that."""

import asyncio
from collections.abc import Iterable
from datetime import date
from math import inf

from core.model.batch import Batch
from core.model.entries import Day, make_entries
from core.model.feed import Feed
from core.model.manifest import BatchRecord
from core.ranking.matching import score_batch
from core.store import keys
from core.store.base import Store, Values
from core.store.codec import day_to_plain, decode, decode_as, encode, scores_to_plain

Made = Values


def score_day(feed: Feed, batch: Batch, until: float = inf) -> Day:
    """A feed's day, of which nothing is to be stored. Raises `TimeoutError` at `until` (`time.monotonic`)."""
    return Day(make_entries(feed, batch, score_batch(feed, batch, until)))


def make_day(feed: Feed, batch: Batch, ttl: float) -> tuple[Day, Made]:
    """A feed's day scored anew, and what is to be stored of it for `ttl` seconds: its scores, and its best entries."""
    scores = score_batch(feed, batch)
    day = Day(make_entries(feed, batch, scores))
    made: Made = {
        keys.scores(feed.scoring_fingerprint, batch.hash): (encode(scores_to_plain(feed, scores)), ttl),
    }
    if feed.min_score > 0:
        key = keys.entries(feed.scoring_fingerprint, feed.min_score, batch.hash)
        made[key] = (encode(day_to_plain(feed, batch, day.best(feed.min_score))), ttl)
    return day, made


def batch_values(batch: Batch, feeds: Iterable[Feed], ttl: float) -> Made:
    """What is to be stored of a batch for `ttl` seconds: itself, and what it is to each of the `feeds`."""
    values: Made = {keys.batch(batch.date, batch.hash): (encode(batch.to_plain()), ttl)}
    for feed in feeds:
        values |= make_day(feed, batch, ttl)[1]
    return values


async def read_batches(store: Store, records: Iterable[BatchRecord | None]) -> dict[str, Batch]:
    """The batches that the records name, by hash, in one round trip; without those that the store has lost."""
    named = [record for record in records if record and record.hash]
    found = await store.get_many([keys.batch(record.date, record.hash) for record in named]) if named else []
    return {
        record.hash: await asyncio.to_thread(decode_as, Batch.from_plain, data)
        for record, data in zip(named, found, strict=True)
        if data
    }


async def read_confirmed(store: Store, dates: Iterable[date]) -> dict[date, frozenset[str]]:
    """The identifiers of each date that the API has confirmed so far, in one round trip."""
    wanted = list(dates)
    found = await store.get_many([keys.ledger(day) for day in wanted]) if wanted else []
    return {day: frozenset(decode(data)) for day, data in zip(wanted, found, strict=True) if data}


class Days:
    """Batches, their scores by feed, and the ledger, in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def batches(self, records: Iterable[BatchRecord | None]) -> dict[str, Batch]:
        """The batches that the records name, by hash, in one round trip; without those that the store has lost."""
        return await read_batches(self._store, records)

    async def confirmed(self, dates: Iterable[date]) -> dict[date, frozenset[str]]:
        """The identifiers of each date that the API has confirmed so far, in one round trip."""
        return await read_confirmed(self._store, dates)
