"""The write path: fetch the announcements of the day, store them as a batch, score them for every feed.

Everything that a refresh changes is written in one commit under one lock: a process that is killed at any moment leaves
the store as it was or as it should be.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import time
from typing import Any

from core.domain.batch import Batch
from core.domain.calendar import EASTERN, announcement_days, due_date
from core.domain.categories import merged
from core.domain.feed import Feed
from core.domain.manifest import BatchRecord, Manifest, rfc3339
from core.domain.query import Query
from core.domain.scoring import Score
from core.domain.selection import choose, make_entries
from core.domain.settle import Outcome, settle
from core.matching import score_batch
from core.sources.announcements import Fetched, Get, Progress, fetch_announcements
from core.store import keys
from core.store.codec import decode, decode_as, encode, scores_to_plain
from core.store.lock import holding
from core.store.protocol import Store

# How long requests leave the upstream alone after a refresh that did not settle the due date, in seconds; doubled with
# every further try, up to an hour. The owner's own refreshes do not wait.
BACKOFF = {"failed": 60, "partial": 300, "waiting": 300, "quiet": 1800}
LONGEST_BACKOFF = 3600
REFRESH_SECONDS = 50.0

Values = dict[str, tuple[bytes, float | None]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a refresh did: the record of the date that it found, whether the batch is another one than before,
    how many upstream requests it took, and how many entries each feed shows of it.
    """

    record: BatchRecord
    changed: bool
    requests: int
    kept: Mapping[str, int]
    error: str = ""

    def to_plain(self) -> dict[str, Any]:
        """The report as JSON values."""
        record = self.record
        return {
            "date": record.date.isoformat(),
            "state": record.state,
            "reason": record.reason,
            "papers": record.total,
            "changed": self.changed,
            "requests": self.requests,
            "feeds": dict(self.kept),
            "rejected": list(record.rejected),
            "error": self.error,
        }


async def read_manifest(store: Store) -> Manifest:
    """The manifest as stored; an empty one where nothing was stored yet."""
    data = await store.get(keys.MANIFEST)
    return decode_as(Manifest.from_plain, data) if data else Manifest()


async def read_batch(store: Store, record: BatchRecord) -> Batch | None:
    """The batch that a record names; None if it names none, or the store has lost it."""
    data = await store.get(keys.batch(record.date, record.hash)) if record.hash else None
    return decode_as(Batch.from_plain, data) if data else None


async def refresh(
    store: Store,
    get: Get,
    feeds: Sequence[Feed],
    *,
    now: datetime,
    rss_url: str,
    retention: timedelta,
    rules: str = "",
    progress: Progress = lambda _what, _done, _total: None,
) -> Report | None:
    """Bring the store up to date with arXiv. None: another process is doing that right now.

    `now` decides which date is due; `rules` is the fingerprint of the configuration. Raises `StoreError`; what the
    upstream does wrong is told in the report.
    """
    async with holding(store, keys.REFRESH_LOCK) as token:
        if token is None:
            return None
        manifest = await read_manifest(store)
        categories = all_categories(feeds)
        due = manifest.get(due_date(now))
        stored = due.settled(categories) and await read_batch(store, due) is not None
        fetched = await fetch_announcements(
            get,
            rss_url,
            categories,
            deadline=asyncio.get_running_loop().time() + REFRESH_SECONDS,
            validators=due.validators if stored else None,
            progress=progress,
        )
        progress("scoring", len(categories), len(categories))
        found = await _found(store, manifest, fetched, categories, now)
        scores = await asyncio.to_thread(_scores, feeds, found.batch)
        updated = _updated(manifest, found.record, now, retention, fetched.problem)
        if rules not in ("", updated.rules):
            updated = updated.under(rules, now) if updated is manifest else replace(updated, rules=rules)
        values: Values = {}
        if found.batch and not found.stored:
            values |= _batch_values(feeds, found.batch, scores, retention)
        if updated is not manifest:
            values[keys.MANIFEST] = (encode(updated.to_plain()), None)
        if not updated.get(due.date).settled(categories):
            values[keys.BACKOFF] = await _backoff(store, updated.get(due.date))
        await store.commit(keys.REFRESH_LOCK, token, values)
        progress("stored", len(categories), len(categories))
        changed = found.record.hash != manifest.get(found.record.date).hash
        return Report(found.record, changed, fetched.requests, _kept(feeds, found.batch, scores), fetched.problem)


@dataclass(frozen=True, slots=True)
class _Found:
    """The new record of the date that was served, its batch, and whether the store has that batch already."""

    record: BatchRecord
    batch: Batch | None
    stored: bool


def all_categories(feeds: Iterable[Feed]) -> tuple[str, ...]:
    """The categories that have to be fetched for `feeds`."""
    return merged(tuple(name for feed in feeds for name in feed.categories))


async def adopt_rules(store: Store, rules: str, now: datetime) -> None:
    """Note in the manifest that its content is served under other `rules` from now on: readers are told of a change."""
    async with holding(store, keys.REFRESH_LOCK) as token:
        manifest = await read_manifest(store)
        if token is not None and manifest.rules != rules:
            plain = manifest.under(rules, now).to_plain()
            await store.commit(keys.REFRESH_LOCK, token, {keys.MANIFEST: (encode(plain), None)})


async def _found(
    store: Store, manifest: Manifest, fetched: Fetched, categories: tuple[str, ...], now: datetime
) -> _Found:
    """What was fetched means for the newest date that was served (the due date, if nothing was)."""
    tomorrow = now.astimezone(EASTERN).date() + timedelta(days=1)
    plausible = {name: shown for name, shown in fetched.dates.items() if shown <= tomorrow}
    day = max(plausible.values(), default=due_date(now))
    odd = {
        name: f"says that it is for {d}" if d > tomorrow else f"still shows {d}" for name, d in fetched.dates.items()
    }
    outcome = Outcome(
        day,
        tuple(fetched.announcements.get(day, ())),
        fetched.failures | {name: reason for name, reason in odd.items() if fetched.dates[name] != day},
        tuple(fetched.unchanged),
        tuple(fetched.rejected),
    )
    before = next((r for r in manifest.stored if r.date < day), None)
    previous = await read_batch(store, before) if before else None
    existing = await read_batch(store, manifest.get(day))
    record, batch = settle(outcome, categories, manifest.get(day), existing, previous)
    if record.settled(categories) and not fetched.failures:
        record = replace(record, validators=fetched.validators)
    stored = batch is not None and existing is not None and batch.hash == existing.hash
    return _Found(record if stored or not batch else replace(record, fetched=rfc3339(now)), batch, stored)


def _updated(manifest: Manifest, record: BatchRecord, now: datetime, retention: timedelta, error: str) -> Manifest:
    """The manifest after a refresh; the very same one where nothing but the time of looking is new."""
    records, due = [record], due_date(now)
    if record.date != due and not manifest.get(due).hash:
        if record.date < due:
            records.append(BatchRecord(due, "waiting", f"arXiv still shows {record.date}"))
        else:
            gone = f"arXiv's feed has gone on to {record.date}, and this date was not fetched while it was there"
            records.append(BatchRecord(due, "failed", gone))
    if manifest.records:
        missed = announcement_days(max(manifest.records), min(record.date, due))
        records += [BatchRecord(day, "failed", "it was not fetched while arXiv's feed held it") for day in missed]
    same_error = manifest.error.get("reason", "") == error
    if same_error and all(manifest.get(r.date) == r for r in records):
        return manifest
    if same_error and all(replace(manifest.get(r.date), validators=r.validators) == r for r in records):
        # A feed that was only built anew has other validators, which are nothing to readers
        return replace(manifest, records={**manifest.records, record.date: record})
    problem = {"time": rfc3339(now), "reason": error} if error else {}
    return manifest.changed(records, now=now, retention=retention, error=problem)


def _scores(feeds: Sequence[Feed], batch: Batch | None) -> list[dict[str, Score | None]]:
    return [score_batch(feed, batch) for feed in feeds] if batch else []


def _kept(feeds: Sequence[Feed], batch: Batch | None, scores: Sequence[Mapping[str, Score | None]]) -> dict[str, int]:
    """How many entries each feed shows of the batch."""
    kept = {}
    for feed, of_feed in zip(feeds, scores, strict=False):
        entries = make_entries(feed, batch, of_feed) if batch else ()
        kept[feed.name] = len(choose(feed, entries, Query(), capped=True))
    return kept


def _batch_values(
    feeds: Sequence[Feed], batch: Batch, scores: Sequence[Mapping[str, Score | None]], retention: timedelta
) -> Values:
    """What is stored of a new batch: itself, and every feed's scores; a day longer than the manifest lists it."""
    ttl = (retention + timedelta(days=1)).total_seconds()
    values: Values = {keys.batch(batch.date, batch.hash): (encode(batch.to_plain()), ttl)}
    for feed, of_feed in zip(feeds, scores, strict=True):
        key = keys.scores(feed.scoring_fingerprint, batch.hash)
        values[key] = (encode(scores_to_plain(feed, of_feed)), ttl)
    return values


async def _backoff(store: Store, due: BatchRecord) -> tuple[bytes, float]:
    """A note that keeps requests from asking the upstream again too soon; it outlives its pause, to count the tries."""
    data = await store.get(keys.BACKOFF)
    before = decode(data) if data else {}
    tries = before["tries"] + 1 if before.get("date") == due.date.isoformat() else 1
    pause = min(BACKOFF.get(due.state, BACKOFF["failed"]) * 2 ** min(tries - 1, 10), LONGEST_BACKOFF)
    return encode({"date": due.date.isoformat(), "tries": tries, "until": time() + pause}), pause + LONGEST_BACKOFF
