"""The read path: from stored batches, scores and analyses to the entries of a feed, decoded once and kept by
fingerprint.


What a process remembers of feeds' entries: each is read from the store once, whoever asks."""

import asyncio
import gc
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from time import monotonic
from typing import NamedTuple

from core.archive.days import Made, make_day, score_day
from core.archive.pending import PendingWrites
from core.config.overrides import Rules
from core.model.analysis import Analysis, annotated, from_plain, names_of
from core.model.batch import Batch
from core.model.entries import Day, dates_in_hold, first_announced, hold_back, make_entries
from core.model.errors import QueryError, StoreError
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord, Manifest
from core.store import keys
from core.store.base import Store
from core.store.codec import day_from_plain, decode_as, scores_from_plain
from core.util.caches import LRUCache, SingleFlight

GUEST_SECONDS = 8.0  # in which rules that came with a request have to have scored everything; readers give up after 20
log = logging.getLogger("paperwire")


class Shown(NamedTuple):
    """The entries of a feed, and how many more are held back until their summaries are there."""

    entries: list[Entry]
    held: int = 0


@dataclass(frozen=True, slots=True)
class Library:
    """What a process remembers decoded: batches by hash, a feed's days by the fingerprints of both, its analyses by
    their names, and all entries of a feed by all of these.

    The limits count papers and entries: a month of 500 papers a day, for six feeds.
    """

    batches: LRUCache[Batch] = field(default_factory=lambda: LRUCache(limit=30_000))
    days: LRUCache[Day] = field(default_factory=lambda: LRUCache(limit=100_000))
    feeds: LRUCache[Shown] = field(default_factory=lambda: LRUCache(limit=100_000))
    analyses: LRUCache[Analysis] = field(default_factory=lambda: LRUCache(limit=20_000))

    def put_batch(self, batch: Batch) -> None:
        """Remember a batch."""
        self.batches.put(batch.hash, batch, max(len(batch.announcements), 1))
        gc.freeze()  # values without cycles: walking over a month of them would stop everything for 200 ms

    def put_day(self, feed: Feed, batch_hash: str, day: Day, *, whole: bool = True) -> None:
        """Remember a feed's day, `whole` or from its `min_score` on."""
        self.days.put(_identity(feed, batch_hash, whole=whole), day, max(len(day.entries), 1))
        gc.freeze()

    def day(self, feed: Feed, batch_hash: str, *, whole: bool) -> Day | None:
        """A feed's day, if it is remembered; a whole one serves for both."""
        if day := self.days.get(_identity(feed, batch_hash, whole=True)):
            return day
        return None if whole else self.days.get(_identity(feed, batch_hash, whole=False))


@dataclass(slots=True)
class _Reader:
    """Reads for a feed, and with whatever is read first the analyses that are not in the library yet."""

    store: Store
    library: Library
    names: list[str]  # the keys of those that are not there
    analyses: dict[str, Analysis] = field(default_factory=dict)  # those that are

    async def get(self, wanted: Iterable[str]) -> dict[str, bytes | None]:
        """The values of the keys, in one round trip, or in none if there is nothing to read."""
        also, self.names = self.names, []
        every = [*wanted, *also]
        found = dict(zip(every, await self.store.get_many(every), strict=True)) if every else {}
        for key in also:
            analysis = self.analyses[key] = await asyncio.to_thread(_analysis, key, found[key])
            self.library.analyses.put(key, analysis, max(len(analysis), 1))
        return found


async def read_entries(
    store: Store, library: Library, manifest: Manifest, feed: Feed, *, whole: bool, own: bool = True
) -> tuple[Shown, Made]:
    """The entries of a feed over all stored batches, newest date first: a shared list.

    `whole`: whatever their score; else at least those from the feed's `min_score` on, which are far less to read. Days
    and analyses that are not in the library are read in one round trip. What is not stored (the feed's rules changed)
    is made from the batches, in one more; it comes second, to be stored for the next instance. Of a feed that is not
    this wire's `own` nothing is looked for in the store but batches, and nothing is made for it: encoding takes twice
    as long as scoring.
    """
    records = manifest.of(feed.source)
    whole = whole or feed.min_score <= 0
    named = names_of(manifest, feed) if own else {}
    names = {r.date: keys.analysis(feed.name, r.date, named[r.date]) for r in records if r.date in named}
    hold = dates_in_hold(feed, manifest) if own else frozenset[date]()
    identity = (
        whole, feed.name, feed.scoring_fingerprint, feed.min_score, *(record.hash for record in records),
        *names.values(), feed.fingerprint if hold else "", *sorted(hold),
    )  # fmt: skip
    shown = library.feeds.get(identity)
    made: Made = {}
    if shown is None:
        known = {key: analysis for key in names.values() if (analysis := library.analyses.get(key)) is not None}
        reader = _Reader(store, library, [key for key in names.values() if key not in known], known)
        if not whole:
            await _read_best(reader, records, feed)
        missing = [record for record in records if library.day(feed, record.hash, whole=whole) is None]
        days = {record.hash: library.day(feed, record.hash, whole=whole) for record in records}
        if missing:
            read, made = await _read_whole(reader, missing, feed, own=own)
            days |= read
        await reader.get(())
        analyses = {day: reader.analyses[key] for day, key in names.items()}
        kept = [day for record in records if (day := days[record.hash])]
        shown = await asyncio.to_thread(_shown, feed, kept, analyses, hold)
        library.feeds.put(identity, shown, max(len(shown.entries), 1))
    return shown, made


def _shown(feed: Feed, days: list[Day], analyses: Mapping[date, Analysis], hold: frozenset[date]) -> Shown:
    entries = first_announced(days)
    if analyses:
        entries = annotated(feed, entries, analyses)
    return Shown(*hold_back(feed, entries, analyses, hold)) if hold else Shown(entries)


def _analysis(key: str, data: bytes | None) -> Analysis:
    """A stored analysis; one that is not there, or cannot be read, says nothing."""
    try:
        return decode_as(from_plain, data) if data else {}
    except StoreError as error:
        log.warning("%s is of no use: %s", key, error)
        return {}


async def _read_best(reader: _Reader, records: list[BatchRecord], feed: Feed) -> None:
    """Bring days into the library that are stored from the feed's `min_score` on."""
    missing = [record for record in records if reader.library.day(feed, record.hash, whole=False) is None]
    wanted = {keys.entries(feed.scoring_fingerprint, feed.min_score, record.hash): record for record in missing}
    found = await reader.get(wanted)
    for key, record in wanted.items():
        if data := found[key]:
            day = await asyncio.to_thread(decode_as, partial(day_from_plain, feed), data)
            reader.library.put_day(feed, record.hash, day, whole=False)


async def _read_whole(
    reader: _Reader, records: list[BatchRecord], feed: Feed, *, own: bool
) -> tuple[dict[str, Day | None], Made]:
    """Whole days by the hash of their batch, None where the store has lost it; and what had to be made for them."""
    library = reader.library
    unknown = [record for record in records if library.batches.get(record.hash) is None]
    wanted = [keys.batch(record.date, record.hash) for record in unknown]
    wanted += [keys.scores(feed.scoring_fingerprint, record.hash) for record in records if own]
    found = await reader.get(wanted)
    days: dict[str, Day | None] = {}
    made: Made = {}
    until = monotonic() + GUEST_SECONDS
    for record in records:
        days[record.hash] = None
        batch = library.batches.get(record.hash)
        if batch is None and (data := found[keys.batch(record.date, record.hash)]):
            batch = await asyncio.to_thread(decode_as, Batch.from_plain, data)
        if batch is None:
            continue
        library.put_batch(batch)
        key = keys.scores(feed.scoring_fingerprint, record.hash)
        if data := found.get(key):
            day = await asyncio.to_thread(_scored_day, feed, batch, data)
        elif not own:
            day = await _score_for_guest(feed, batch, until)
        else:
            day, values = await asyncio.to_thread(make_day, feed, batch, keys.SCORES_SECONDS)
            made |= values
        library.put_day(feed, record.hash, day)
        days[record.hash] = day
    return days, made


async def _score_for_guest(feed: Feed, batch: Batch, until: float) -> Day:
    """A day of a feed whose rules came with a request: anybody can send rules that take for ever."""
    try:
        return await asyncio.to_thread(score_day, feed, batch, until)
    except TimeoutError:
        message = f"these rules take longer than {GUEST_SECONDS:g} s over what is stored; make some of them simpler"
        raise QueryError("keywords", message) from None


def _scored_day(feed: Feed, batch: Batch, scores: bytes) -> Day:
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    return Day(make_entries(feed, batch, decode_as(partial(scores_from_plain, feed, papers), scores)))


def _identity(feed: Feed, batch_hash: str, *, whole: bool) -> tuple[str, str, str]:
    return feed.name, feed.scoring_fingerprint, batch_hash if whole else f"{batch_hash} {feed.min_score:g}"


def batch_summaries(manifest: Manifest) -> list[dict[str, object]]:
    """What is known of each date, newest first, as JSON values."""
    return [
        {"date": r.date.isoformat(), "state": r.state, "papers": r.total, "counts": r.counts}
        | ({"reason": r.reason} if r.reason else {})
        for r in sorted(manifest.records.values(), key=lambda r: r.date, reverse=True)
    ]


def batch_to_plain(record: BatchRecord) -> dict[str, object]:
    """All that is known of a date as JSON values: with the state of each category, and its line of the ledger."""
    plain: dict[str, object] = {"date": record.date.isoformat(), "state": record.state, "papers": record.total}
    more = {"reason": record.reason, "fetched": record.fetched, "late": record.late, "rejected": len(record.rejected)}
    categories = {
        name: {key: value for key, value in state._asdict().items() if value}
        | (record.ledger[name]._asdict() if name in record.ledger else {})
        | ({"read": record.read[name]} if name in record.read else {})
        for name, state in sorted(record.categories.items())
    }
    plain |= {name: value for name, value in more.items() if value}
    return plain | ({"categories": categories} if categories else {})


GUEST_ENTRIES = 40_000  # remembered of feeds whose rules came with a request


class Shelf:
    """The entries of this wire's own feeds, and of guests: feeds whose rules came with a request."""

    def __init__(self, store: Store, pending: PendingWrites) -> None:
        self._store, self._pending = store, pending
        self._own = Library()
        self._guests = Library(self._own.batches, LRUCache(limit=GUEST_ENTRIES), LRUCache(limit=GUEST_ENTRIES))
        self._loading: SingleFlight[Shown] = SingleFlight()

    async def shown(self, manifest: Manifest, feed: Feed, *, whole: bool, own: bool) -> Shown:
        """See `core.views.entries.read_entries`. Concurrent callers share one reading of the store."""
        key = (feed.name, feed.fingerprint, manifest.version, whole)
        return await self._loading.get(key, partial(self._read, manifest, feed, whole=whole, own=own))

    async def _read(self, manifest: Manifest, feed: Feed, *, whole: bool, own: bool) -> Shown:
        library = self._own if own else self._guests
        shown, made = await read_entries(self._store, library, manifest, feed, whole=whole, own=own)
        if own:
            self._pending.add(made)
        return shown

    def learn(self, batch: Batch | None, days: Mapping[str, Day], rules: Rules) -> None:
        """Keep what a refresh has made, a batch and each feed's day over it: they need not be read again."""
        if batch:
            self._own.put_batch(batch)
            for feed in rules.of("arxiv"):
                self._own.put_day(feed, batch.hash, days[feed.name])
