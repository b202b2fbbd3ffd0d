"""The entries of feeds: read from the archive, decoded, combined into lists, and cached.

`EntryCache` holds all entries in memory, within bounds in bytes: decoded immutable values of the archive, and the list
of each feed for the present manifest. Rendered documents are in `api.resource.ResponseCache`.
"""

import asyncio
import gc
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from core.archive import Archive
from core.archive.days import (
    Indexed,
    Stored,
    day_of_scores,
    encoded_month,
    indexed,
    make_day,
    month_name,
    score_days,
    some_entries,
    stored_analysis,
    stored_batch,
    stored_batch_as_texts,
    stored_index,
    stored_month,
    stored_part,
    stored_scores,
    stored_some,
    stored_texts,
)
from core.archive.index import PART
from core.model.analysis import Analysis, annotated, names_of
from core.model.batch import Batch
from core.model.entries import Day, choose, dates_in_hold, first_announced, hold_back, merge
from core.model.errors import QueryError
from core.model.feed import Entry, Feed
from core.model.lazy import LazyDay, LazyPaper, Wanted, with_texts
from core.model.manifest import BatchRecord, Manifest
from core.model.pagination import Page, cut_page, paginate, ranked
from core.model.query import Query
from core.model.texts import BatchTexts
from core.ranking.scan import Scanned, scan
from core.util.caches import LRUCache, SingleFlight, uncollected

T = TypeVar("T")

CUSTOM_SECONDS = 8.0  # of the processor, for scoring all days by the rules of a request
_MOST_PARTS = 12  # of a day; its batch is as large as so many
_MOST_ALONE = 100  # entries of a day that are made without the others
# Of the newest days, how many parts are read with the indexes: most pages need no others
_AHEAD = (3, 3, 3, 3, 1, 1, 1, 1)
_FEW = 4  # days of which the indexes are read one by one; more come with the feed's month
_BOTH = (True, False)
# Limits of memory in bytes, about: a month of 1,000 papers a day for two feeds, and less for rules in requests
OWN_BYTES, CUSTOM_BYTES = 80_000_000, 24_000_000
_LAZY, _SCORED, _WHOLE = 700, 1500, 2700  # bytes of an entry without texts, of one with reasons, and of a paper


@dataclass(frozen=True, slots=True, eq=False)
class FeedEntries:
    """The entries of a feed, newest date first, and the number of entries held back until they have summaries.

    They never change. So what was made of them last is remembered: a page is rendered twice, without and with texts.
    """

    entries: list[Entry]
    held: int = 0
    _made: dict[str, tuple[Hashable, Any]] = field(default_factory=dict, init=False)

    def once(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """Returns what `make` makes of the entries for `key`, the last result if that had the same one."""
        known = self._made.get(name)
        if known is None or known[0] != key:
            known = self._made[name] = key, make()
        made: T = known[1]
        return made


class _List(NamedTuple):
    """The entries of a feed, with their inputs: the version of the manifest, and the values that it names."""

    version: tuple[int, str]
    sources: tuple[object, ...]
    made: FeedEntries


class _Memory(LRUCache[Any]):
    """Decoded values by name, and lists by feed. Entries weigh twice with their list, which may outlive their days."""

    def keep(self, key: Hashable, value: Any, count: int, each: int) -> None:
        """Remember a value of `count` parts, of so many bytes each."""
        self.put(key, value, max(count * each, 1))
        gc.freeze()  # values have no cycles, and a collection over a month of them takes 200 ms


def _each(entries: Sequence[Entry]) -> int:
    """Returns how many bytes each of the entries takes in memory, about."""
    return _LAZY if entries and isinstance(entries[0].paper, LazyPaper) else _SCORED


class EntryCache:
    """The entries of this wire's own feeds, and of custom feeds, whose rules are in a request."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._own, self._custom = _Memory(OWN_BYTES), _Memory(CUSTOM_BYTES)
        self._loading: SingleFlight[FeedEntries] = SingleFlight()
        self._encoded: dict[str, bytes | None] = {}  # what was read ahead, for the next loading

    def put_month(self, name: str, data: bytes | None) -> None:
        """Keep a feed's encoded month, None if it is not stored, for the next `get`."""
        self._encoded[name] = data

    async def prefetch(self, manifest: Manifest, feeds: Sequence[Feed], paper: str = "") -> None:
        """Read the months of several feeds of this wire in one round trip, unless they are in memory; see `get`.

        Raises `StoreError`.
        """
        wanted: list[str] = []
        for feed in feeds if len(feeds) > 1 else ():
            loading = self._loading_of(self._own, manifest, feed, whole=True, own=True, texts=False, paper=paper)
            wanted += loading.to_prefetch()
        if wanted:
            self._encoded |= await self._archive.days.read_encoded(wanted)

    def _loading_of(
        self, memory: _Memory, manifest: Manifest, feed: Feed, *, whole: bool, own: bool, texts: bool, paper: str
    ) -> "_Loading":
        # Ranks by points, and what is held back, depend on all entries
        paper = "" if texts or feed.judging or dates_in_hold(feed, manifest) else paper
        return _Loading(
            self._archive, self._own, memory, manifest, feed, whole, own, texts, paper, encoded=self._encoded
        )

    async def get(
        self, manifest: Manifest, feed: Feed, *, whole: bool, own: bool, texts: bool, paper: str = ""
    ) -> FeedEntries:
        """Returns the entries of a feed over all stored batches. The list is shared: do not change it.

        `whole`: with all scores; else at least those from the feed's `min_score` on, which are far fewer. `own`: the
        feed belongs to this wire. Without `texts`, those of entries may still have to be read (`core.model.lazy`). With
        the identifier of a `paper`, entries of dates that do not have it may be left out.
        Concurrent callers share one read of the store. Raises `StoreError`.
        """
        memory = self._own if own else self._custom
        texts = texts or not own
        version = (manifest.version, manifest.updated)
        whole = whole or feed.min_score <= 0
        key = (feed.name, feed.fingerprint, whole or texts, texts)
        for other in (key, (*key[:2], True, True)):
            known: _List | None = memory.get(other)
            if known and known.version == version:
                return known.made
        loading = self._loading_of(memory, manifest, feed, whole=key[2], own=own, texts=texts, paper=paper)
        return await self._loading.get((key, version, own, loading.paper), partial(loading.entries, key, version))

    async def read(self, wanted: Iterable[Wanted]) -> bool:
        """Read the texts of entries, in one round trip if the store has their parts, in two if it has only the batches.

        Returns whether all were there. Raises `StoreError`.
        """
        by_day: dict[LazyDay, list[str]] = {}
        for day, versioned in wanted:
            if versioned not in day.known:
                by_day.setdefault(day, []).append(versioned)
        await self._read_some(by_day)
        by_feed: dict[str, list[LazyDay]] = {}
        for day in (day for day, names in by_day.items() if not day.known.keys() >= set(names)):
            by_feed.setdefault(day.feed.name, []).append(day)
        for days in by_feed.values():
            await self._read_days(days)
        return all(day.known.keys() >= set(names) for day, names in by_day.items())

    async def _read_some(self, by_day: Mapping[LazyDay, Sequence[str]]) -> None:
        """Read entries, from parts or else from batches and scores, without the other entries of the day."""
        parts: dict[Stored, tuple[LazyDay, int]] = {}
        batches: dict[LazyDay, tuple[Stored, Stored]] = {}
        for day, names in by_day.items():
            numbers = {day.places[name] // PART for name in names}
            if numbers <= day.parts and len(numbers) <= _MOST_PARTS:
                parts |= {stored_part(day, number): (day, number) for number in numbers}
            elif len(names) <= _MOST_ALONE:
                batches[day] = stored_some(day, names)
        ahead = {part.name: day.encoded.pop(number, None) for part, (day, number) in parts.items()}
        found = await self._archive.days.read([*parts, *(one for pair in batches.values() for one in pair)], ahead)
        for part, (day, _) in parts.items():
            if part.name in found:
                day.keep(found[part.name].entries)
        for day, (batch, scores) in batches.items():
            if batch.name in found and scores.name in found:
                day.keep(await asyncio.to_thread(some_entries, day, found[batch.name], found[scores.name]))

    async def read_searched(self, every: Iterable[FeedEntries]) -> bool:
        """Read what searches look in, of all days of entries, in one round trip if it is stored, in two if it
        has to be made. Returns whether it was there.

        Raises `StoreError`.
        """
        days = frozenset[LazyDay]().union(
            *(found.once("days", None, partial(_days_of, found.entries)) for found in every)
        )
        if lacking := [day for day in days if day.texts is None]:
            found = await self._texts_of([day.record for day in lacking])
            for day in lacking:
                if (texts := found.get(day.record.hash)) and day.places.keys() <= set(texts.names):
                    day.texts = texts
        return all(day.texts is not None for day in days)

    async def scan(self, manifest: Manifest, feed: Feed) -> Scanned:
        """Returns what the rules of a request find in the stored days, as far as these can be read.

        The feed has a `min_score` above 0, and nothing is learned for it. Raises `StoreError`, and `QueryError` if the
        rules take too long.
        """
        records = manifest.of(feed.source)
        texts = await self._texts_of(records)
        days = [texts[record.hash] for record in records if record.hash in texts]
        hashes = tuple(record.hash for record in records if record.hash in texts)
        key = "found", feed.source, feed.scoring_fingerprint, feed.announce_types, hashes
        found: Scanned | None = self._custom.get(key)  # of the same rules with another threshold
        if found is None:
            found = await within(CUSTOM_SECONDS, partial(scan, feed, days))
            self._custom.keep(key, found, len(found.entries), _WHOLE)
        return found

    async def _texts_of(self, records: Iterable[BatchRecord]) -> dict[str, BatchTexts]:
        """Returns the texts of batches by their hash, without lost ones; what has to be made of a batch is stored."""
        wanted = {record.hash: record for record in records}
        found = {name: texts for name in wanted if (texts := self._own.get(("texts", name))) is not None}
        for stored in (stored_texts, stored_batch_as_texts):
            lacking = {name: stored(record) for name, record in wanted.items() if name not in found}
            read = await self._archive.days.read(lacking.values()) if lacking else {}
            for name, one in lacking.items():
                if (texts := read.get(one.name)) is not None:
                    if stored is stored_batch_as_texts:
                        texts, values = texts
                        await self._archive.pending.put(values)
                    self._own.keep(("texts", name), texts, texts.size, 1)
                    found[name] = texts
        return found

    async def _read_days(self, days: Sequence[LazyDay]) -> None:
        """Read whole days of a feed, from batches and scores."""
        loading = self._loading_of(self._own, Manifest(), days[0].feed, whole=True, own=True, texts=True, paper="")
        await loading.load([day.record for day in days])
        for day in days:
            if read := loading.days.get(day.record.hash):
                day.keep(read.entries)

    def put_days(self, batch: Batch, days: Iterable[tuple[Feed, Day]]) -> None:
        """Remember a batch that this process has just stored, and the feeds' days over it."""
        record = BatchRecord(batch.date, "complete", hash=batch.hash)
        self._own.keep(stored_batch(record).name, batch, len(batch.announcements), _WHOLE)
        for feed, day in days:
            self._own.keep((feed.name, stored_scores(feed, record).name), day, len(day.entries), _SCORED)


@dataclass(slots=True)
class _Loading:
    """Makes the list of a feed, and reads the values that are not cached, in one round trip if possible.

    Days that are not stored, because the feed's rules changed, are made from the batches, in one more round trip, and
    stored for other instances. For a custom feed (not `own`) only batches are read, and nothing is stored: encoding
    takes twice as long as scoring.
    """

    archive: Archive
    batches: _Memory  # shared by own and custom feeds
    memory: _Memory
    manifest: Manifest
    feed: Feed
    whole: bool
    own: bool
    texts: bool
    paper: str
    analyses: dict[str, Analysis] = field(default_factory=dict)
    unread: list[Stored] = field(default_factory=list)  # analyses, added to the first read
    days: dict[str, Day] = field(default_factory=dict)  # by the hash of their batch
    encoded: dict[str, bytes | None] = field(default_factory=dict)  # what was read ahead; it is taken from here

    async def entries(self, key: object, version: tuple[int, str]) -> FeedEntries:
        """Returns the list, and caches it under `key`."""
        feed, records = self.feed, self.manifest.of(self.feed.source)
        named = names_of(self.manifest, feed) if self.own else {}
        analyses = {r.date: stored_analysis(feed.name, r.date, named[r.date]) for r in records if r.date in named}
        hold = dates_in_hold(feed, self.manifest) if self.own else frozenset[date]()
        sources = (*(record.hash for record in records), *(one.name for one in analyses.values()), *sorted(hold))
        known: _List | None = self.memory.get(key)
        made = known.made if known and known.sources == sources else None
        if made is None:
            for one in analyses.values():
                if (rows := self.memory.get(one.name)) is None:
                    self.unread.append(one)
                else:
                    self.analyses[one.name] = rows
            await self.load(records)
            rows_by_day = {day: self.analyses[one.name] for day, one in analyses.items()}
            days = [self.days[record.hash] for record in records if record.hash in self.days]
            made = await asyncio.to_thread(_entries, feed, days, rows_by_day, hold)
        if not self.paper:
            self.memory.keep(key, _List(version, sources, made), len(made.entries), _each(made.entries))
        return made

    async def load(self, records: list[BatchRecord]) -> None:
        """Get the days of the records, and the analyses, without days whose batch the store has lost."""
        missing = [record for record in records if not self._recall(record, self._whole_name(record))]
        if not self.texts:
            missing = await self._load_indexes(missing)
        if missing:
            await self._make(missing)
        await self._read(())

    async def _load_indexes(self, records: list[BatchRecord]) -> list[BatchRecord]:
        """Get days without texts. Returns the records that have no index."""
        missing = [record for record in records if not self._recall(record, self._index_name(record))]
        if not missing:
            return []
        days = {record.hash: self._lazy_day(record) for record in missing}
        month, more = await self._read_month(days) if len(missing) > _FEW else ({}, {})
        alone = {
            record.hash: self._stored_index(days[record.hash])
            for record in missing
            if record.hash not in month and record.hash not in more
        }
        if alone:
            parts = {} if any(day.encoded for day in days.values()) else self._parts_ahead(days)
            read = await self._read([*alone.values(), *parts])
            _keep_parts(parts, read)
            more |= {name: read[one.name] for name, one in alone.items() if one.name in read}
        found = {**more, **month}
        if more and len(missing) > _FEW:  # the next process finds them in the month
            indexes = [found[record.hash] for record in missing if record.hash in found]
            self.archive.pending.add(await asyncio.to_thread(encoded_month, self.feed, indexes))
        for record in missing:
            if (indexed := found.get(record.hash)) is not None:
                if indexed.day.entries or not self.paper:
                    self._keep(record.hash, self._index_name(record), indexed.day)
                self.days[record.hash] = indexed.day
        return [record for record in missing if record.hash not in self.days]

    async def _read_month(self, days: Mapping[str, LazyDay]) -> tuple[Mapping[str, Indexed], dict[str, Indexed]]:
        """Returns the indexes of the feed's month, by the hash of their batch, and what it lacks of the newest date.

        The parts of texts that most requests use are read along, unless the month was read already.
        """
        month = stored_month(self.feed, days, whole=self.whole, paper=self.paper)
        newest = next(iter(days))
        index = self._stored_index(days[newest])
        parts = self._parts_ahead(days)
        every = (month, index, *parts)
        known = {one.name: self.encoded.pop(one.name) for one in every if one.name in self.encoded}
        found = await self._read([one for one in every if known.get(one.name) or not known], known)
        _keep_parts(parts, found)
        of_month: Mapping[str, Indexed] = found.get(month.name, {})
        is_younger = newest not in of_month and index.name in found
        return of_month, {newest: found[index.name]} if is_younger else {}

    def _stored_index(self, day: LazyDay) -> Stored:
        return stored_index(day, whole=self.whole, paper=self.paper)

    def _parts_ahead(self, days: Mapping[str, LazyDay]) -> "_Parts":
        return {
            Stored(stored_part(day, number).name, bytes): (day, number)
            for day, count in zip(days.values(), _AHEAD, strict=False)
            for number in range(0 if day.known or self.paper else count)
        }

    def to_prefetch(self) -> list[str]:
        """Returns the names of what a load would read first, for reading it with that of other feeds."""
        records = self.manifest.of(self.feed.source)
        unknown = [
            one
            for one in records
            if not any(map(self.memory.get, (self._whole_name(one), *map(partial(self._index_of, one), _BOTH))))
        ]
        if len(unknown) <= _FEW or month_name(self.feed) in self.encoded:
            return []
        newest = LazyDay(self.feed, unknown[0])
        parts = [] if self.paper else [stored_part(newest, number).name for number in range(_AHEAD[0])]
        return [month_name(self.feed), self._stored_index(newest).name, *parts]

    def _lazy_day(self, record: BatchRecord) -> LazyDay:
        """Returns where the texts of a day are, for all lists of the feed."""
        name = ("texts", self.feed.name, self.feed.scoring_fingerprint, record.hash)
        day: LazyDay = self.memory.get(name) or LazyDay(self.feed, record)
        self.memory.put(name, day)
        return day

    def _whole_name(self, record: BatchRecord) -> Hashable:
        return self.feed.name, stored_scores(self.feed, record).name

    def _index_name(self, record: BatchRecord) -> Hashable:
        return self._index_of(record, self.whole)

    def _index_of(self, record: BatchRecord, whole: bool) -> Hashable:
        best = None if whole else (self.feed.min_score, self.feed.screened, self.feed.announce_types)
        return "index", self.feed.name, self.feed.scoring_fingerprint, record.hash, best

    def _recall(self, record: BatchRecord, name: Hashable) -> bool:
        """Take the day from memory. Returns whether it was there."""
        if (day := self.memory.get(name)) is not None:
            self.days[record.hash] = day
        return day is not None

    def _keep(self, batch_hash: str, name: Hashable, day: Day) -> None:
        self.days[batch_hash] = day
        self.memory.keep(name, day, len(day.entries), _each(day.entries))

    async def _read(
        self, wanted: Iterable[Stored], known: Mapping[str, bytes | None] = MappingProxyType({})
    ) -> Mapping[str, Any]:
        """Returns the stored values by name, with the analyses that are still to be read; `known` are read already."""
        also, self.unread = self.unread, []
        found = await self.archive.days.read((*wanted, *also), known)
        for one in also:
            rows = self.analyses[one.name] = found.get(one.name, {})
            if one.name in found:
                self.memory.keep(one.name, rows, len(rows), _SCORED)
        return found

    async def _make(self, records: list[BatchRecord]) -> None:
        """Get whole days, from stored scores or by scoring them."""
        wanted = [one for record in records if self.batches.get((one := stored_batch(record)).name) is None]
        wanted += [stored_scores(self.feed, record) for record in records if self.own]
        if self.own and self.feed.learned and self.feed.lessons is None:
            models = await self.archive.learning.models((self.feed.learned,))
            self.feed = replace(self.feed, lessons=models.get(self.feed.learned))
        found = await self._read(wanted)
        batches: dict[str, Batch] = {}
        for record in records:
            stored = stored_batch(record)
            if (batch := found.get(stored.name) or self.batches.get(stored.name)) is not None:
                self.batches.keep(stored.name, batch, len(batch.announcements), _WHOLE)
                batches[record.hash] = batch
        here = [record for record in records if record.hash in batches]
        if self.own:
            days = [await self._day(batches[record.hash], found, stored_scores(self.feed, record)) for record in here]
        else:
            days = await score_custom(self.feed, list(batches.values()))
        for record, day in zip(here, days, strict=True):
            self._keep(record.hash, self._whole_name(record), day)

    async def _day(self, batch: Batch, found: Mapping[str, Any], scores: Stored) -> Day:
        """Returns a day of a feed of this wire, from stored scores if possible; what is made is stored."""
        if scores.name in found:
            known = await asyncio.to_thread(day_of_scores, self.feed, batch, found[scores.name])
            if known is not None:
                if not self.texts:
                    self.archive.pending.add(await asyncio.to_thread(indexed, self.feed, batch, known))
                return known
        day, values = await asyncio.to_thread(make_day, self.feed, batch)
        self.archive.pending.add(values)
        return day


_Parts = Mapping[Stored, tuple[LazyDay, int]]  # parts of texts that are read ahead, with their days and numbers


def _keep_parts(parts: _Parts, found: Mapping[str, Any]) -> None:
    for part, (day, number) in parts.items():
        if part.name in found:
            day.encoded[number] = found[part.name]


async def score_custom(feed: Feed, batches: Sequence[Batch], seconds: float = CUSTOM_SECONDS) -> list[Day]:
    """Score days of a custom feed. Raises `QueryError` after `seconds` of the processor: some rules take minutes."""
    return await within(seconds, partial(score_days, feed, batches))


async def within(seconds: float, work: Callable[[float], T]) -> T:
    """Returns the result of `work` over what is stored, in a thread. Raises `QueryError` after so many seconds of the
    processor, which `work` takes.
    """
    try:
        return await asyncio.to_thread(work, seconds)
    except TimeoutError:
        message = f"these rules take longer than {seconds:g} s over what is stored; make some of them simpler"
        raise QueryError("keywords", message) from None


def _days_of(entries: Iterable[Entry]) -> frozenset[LazyDay]:
    """Returns the days of the entries whose texts may have to be read."""
    return frozenset(entry.paper.day for entry in entries if isinstance(entry.paper, LazyPaper))


def _entries(feed: Feed, days: list[Day], analyses: Mapping[date, Analysis], hold: frozenset[date]) -> FeedEntries:
    with uncollected():
        return _listed(feed, days, analyses, hold)


def _listed(feed: Feed, days: list[Day], analyses: Mapping[date, Analysis], hold: frozenset[date]) -> FeedEntries:
    entries = first_announced(days)
    if analyses:
        entries = annotated(feed, entries, analyses)
    return FeedEntries(*hold_back(feed, entries, analyses, hold)) if hold else FeedEntries(entries)


def select_page(loaded: Iterable[tuple[Feed, FeedEntries]], query: Query, *, capped: bool) -> Page:
    """Returns the page of `query` over feeds, each with its own thresholds unless the query sets them."""
    listed = list(loaded)
    if len(listed) == 1:
        ((feed, found),) = listed
        key = feed.fingerprint, query.selection, capped
        chosen = found.once("page", key, lambda: ranked(choose(feed, found.entries, query, capped=capped), query))
    else:
        query = query.over_feeds
        chosen = ranked([e for feed, found in listed for e in choose(feed, found.entries, query, capped=capped)], query)
    return _with_texts(cut_page(chosen, query))


def _with_texts(page: Page) -> Page:
    return replace(page, entries=with_texts(page.entries))


def select_merged(loaded: Iterable[tuple[Feed, FeedEntries]], query: Query) -> Page:
    """Returns the page of `query` over merged feeds, each with its own thresholds, and each paper once."""
    query = replace(query, conditions=tuple(one for one in query.conditions if one.field != "feed")).over_feeds
    chosen = [entry for feed, found in loaded for entry in choose(feed, found.entries, query, capped=True)]
    return _with_texts(paginate(merge(chosen), query))


def batch_summaries(manifest: Manifest) -> list[dict[str, object]]:
    """Returns the records of all dates, newest first, as JSON values."""
    return [
        {"date": r.date.isoformat(), "state": r.state, "papers": r.total, "counts": r.counts}
        | ({"reason": r.reason} if r.reason else {})
        for r in sorted(manifest.records.values(), key=lambda r: r.date, reverse=True)
    ]


def batch_to_plain(record: BatchRecord) -> dict[str, object]:
    """Returns the record of a date as JSON values, with the state and the ledger line of each category."""
    plain: dict[str, object] = {"date": record.date.isoformat(), "state": record.state, "papers": record.total}
    more = {"reason": record.reason, "fetched": record.fetched, "late": record.late, "rejected": len(record.rejected)}
    categories = {
        name: {key: value for key, value in state._asdict().items() if value}
        | (record.ledger[name]._asdict() if name in record.ledger else {})
        | ({"read": record.read[name]} if name in record.read else {})
        | ({"page": record.pages[name].outcome} if name in record.pages else {})
        for name, state in sorted(record.categories.items())
    }
    more["corrections"] = [one._asdict() for one in record.corrections]
    plain |= {name: value for name, value in more.items() if value}
    return plain | ({"categories": categories} if categories else {})
