"""The read path: from stored batches and scores to the entries of a feed, decoded once and kept by fingerprint."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from core.domain.batch import Batch
from core.domain.feed import Entry, Feed
from core.domain.manifest import BatchRecord, Manifest
from core.domain.selection import first_announced, make_entries
from core.matching import score_batch
from core.memory import Memory
from core.store import keys
from core.store.codec import decode_as, encode, scores_from_plain, scores_to_plain
from core.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Library:
    """What a process remembers decoded: batches by hash, the entries of a feed's day by the fingerprints of both, and
    all entries of a feed by the hashes of all days.

    The limits count papers and entries: a month of 500 papers a day, for six feeds.
    """

    batches: Memory[Batch] = field(default_factory=lambda: Memory(limit=30_000))
    days: Memory[tuple[Entry, ...]] = field(default_factory=lambda: Memory(limit=100_000))
    feeds: Memory[list[Entry]] = field(default_factory=lambda: Memory(limit=100_000))


async def read_entries(store: Store, library: Library, manifest: Manifest, feed: Feed) -> list[Entry]:
    """All entries of a feed over all stored batches, newest date first, whatever their score and type: a shared list.

    Days that are not in the library are read in two round trips; scores that are not stored (the feed's rules changed)
    are made from the batches, and stored for the next instance.
    """
    records = manifest.stored
    identity = (feed.name, feed.scoring_fingerprint, *(record.hash for record in records))
    entries = library.feeds.get(identity)
    if entries is None:
        entries = first_announced(await _read_days(store, library, records, feed))
        library.feeds.put(identity, entries, max(len(entries), 1))
    return entries


async def _read_days(store: Store, library: Library, records: list[BatchRecord], feed: Feed) -> list[tuple[Entry, ...]]:
    """The entries of each date, in the order of `records`; empty for one whose batch the store has lost."""
    days = {record.hash: library.days.get(_identity(feed, record)) for record in records}
    missing = [record for record in records if days[record.hash] is None]
    if missing:
        batches = await _read_batches(store, library, missing)
        scores = await store.get_many([keys.scores(feed.scoring_fingerprint, record.hash) for record in missing])
        for record, stored in zip(missing, scores, strict=True):
            if (batch := batches.get(record.hash)) is None:
                continue
            entries, made = await asyncio.to_thread(_entries_of, feed, batch, stored)
            if made is not None:
                await store.put(keys.scores(feed.scoring_fingerprint, record.hash), made, ttl=keys.SCORES_SECONDS)
            library.days.put(_identity(feed, record), entries, max(len(entries), 1))
            days[record.hash] = entries
    return [days[record.hash] or () for record in records]


async def _read_batches(store: Store, library: Library, records: list[BatchRecord]) -> dict[str, Batch]:
    known = {record.hash: batch for record in records if (batch := library.batches.get(record.hash))}
    unknown = [record for record in records if record.hash not in known]
    stored = await store.get_many([keys.batch(record.date, record.hash) for record in unknown]) if unknown else []
    for record, data in zip(unknown, stored, strict=True):
        if data is not None:
            batch = await asyncio.to_thread(decode_as, Batch.from_plain, data)
            library.batches.put(record.hash, batch, max(len(batch.announcements), 1))
            known[record.hash] = batch
    return known


def _identity(feed: Feed, record: BatchRecord) -> tuple[str, str, str]:
    return feed.name, feed.scoring_fingerprint, record.hash


def _entries_of(feed: Feed, batch: Batch, scores_data: bytes | None) -> tuple[tuple[Entry, ...], bytes | None]:
    """A day's entries, and the scores as bytes to store if they had to be made."""
    if scores_data is None:
        scores = score_batch(feed, batch)
        return make_entries(feed, batch, scores), encode(scores_to_plain(feed, scores))
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    return make_entries(feed, batch, decode_as(partial(scores_from_plain, feed, papers), scores_data)), None


def batch_summaries(manifest: Manifest) -> list[dict[str, object]]:
    """What is known of each date, newest first, as JSON values."""
    return [
        {"date": r.date.isoformat(), "state": r.state, "papers": r.total, "counts": r.counts}
        | ({"reason": r.reason} if r.reason else {})
        for r in sorted(manifest.records.values(), key=lambda r: r.date, reverse=True)
    ]
