"""The read path: from stored batches and scores to the entries of a feed, decoded once and kept by fingerprint."""

import asyncio

from core.domain.batch import Batch
from core.domain.feed import Entry, Feed
from core.domain.manifest import Manifest
from core.domain.selection import make_entries
from core.matching import score_batch
from core.memory import Memory
from core.store import keys
from core.store.codec import decode, encode, scores_from_plain, scores_to_plain
from core.store.protocol import Store

Days = Memory[tuple[Entry, ...]]  # the entries of a feed's day, by the fingerprints they come from
PAPERS_IN_MEMORY = 60_000  # entries: some 30 days of 500 papers for four feeds


async def read_entries(store: Store, memory: Days, manifest: Manifest, feed: Feed) -> list[Entry]:
    """All entries of a feed over all stored batches, newest date first, whatever their score and type.

    Days that are not in memory are read in two round trips; scores that are not stored (the feed's rules changed) are
    made from the batches, and stored for the next instance.
    """
    identity = (feed.name, feed.scoring_fingerprint)
    days = {record.date: memory.get((*identity, record.hash)) for record in manifest.stored}
    missing = [record for record in manifest.stored if days[record.date] is None]
    if missing:
        batches = await store.get_many([keys.batch(record.date, record.hash) for record in missing])
        scores = await store.get_many([keys.scores(feed.scoring_fingerprint, record.hash) for record in missing])
        for record, batch, stored in zip(missing, batches, scores, strict=True):
            if batch is None:  # expired, or lost by the store: nothing to show of that day
                continue
            entries, made = await asyncio.to_thread(_entries_of, feed, batch, stored)
            if made is not None:
                await store.put(keys.scores(feed.scoring_fingerprint, record.hash), made, ttl=keys.SCORES_SECONDS)
            memory.put((*identity, record.hash), entries, max(len(entries), 1))
            days[record.date] = entries
    return [entry for record in manifest.stored for entry in days[record.date] or ()]


def _entries_of(feed: Feed, batch_data: bytes, scores_data: bytes | None) -> tuple[tuple[Entry, ...], bytes | None]:
    """A day's entries, and the scores as bytes to store if they had to be made."""
    batch = Batch.from_plain(decode(batch_data))
    if scores_data is None:
        scores = score_batch(feed, batch)
        return make_entries(feed, batch, scores), encode(scores_to_plain(feed, scores))
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    return make_entries(feed, batch, scores_from_plain(feed, papers, decode(scores_data))), None


def batch_summaries(manifest: Manifest) -> list[dict[str, object]]:
    """What is known of each date, newest first, as JSON values."""
    return [
        {"date": r.date.isoformat(), "state": r.state, "papers": r.total, "counts": r.counts}
        | ({"reason": r.reason} if r.reason else {})
        for r in sorted(manifest.records.values(), key=lambda r: r.date, reverse=True)
    ]
