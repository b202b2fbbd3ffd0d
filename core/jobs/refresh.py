"""The write path: fetch the announcements of the day, store them as a batch, score them for every feed.

Everything that a refresh changes is written in one commit under one lock: a process that is killed at any moment leaves
the store as it was or as it should be.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import uniform
from time import time
from typing import Any

from core.archive.days import Made, make_day, read_batches
from core.archive.state import State, read_state
from core.config.overrides import Rules
from core.model.batch import Batch
from core.model.calendar import EASTERN, announcement_days, due_date
from core.model.entries import Day, choose
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.query import Query
from core.model.reconcile import Outcome, settle
from core.model.saved import Saved
from core.sources.rss import Fetched, Get, Progress, fetch_announcements
from core.store import keys
from core.store.base import Store, holding
from core.store.codec import encode

# How long requests leave the upstream alone after a refresh that did not settle the due date, in seconds; doubled with
# every further try, up to an hour. The owner's own refreshes do not wait.
BACKOFF = {"failed": 60, "partial": 300, "waiting": 300, "quiet": 1800}
LONGEST_BACKOFF = 3600
JITTER = 0.2  # of a pause, so that not all copies of Paperwire ask arXiv in the same second
MISSED = "it was not fetched while arXiv's feed held it; the API has it"
REFRESH_SECONDS = 50.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a refresh did: the record of the date that it found, whether the batch is another one than before,
    how many upstream requests it took, and how many entries each feed shows of it.

    `state` is what is stored now, `batch` the batch of the record, `days` each feed's day over it: the process
    that made them need not read them again.
    """

    record: BatchRecord
    changed: bool
    requests: int
    kept: Mapping[str, int]
    error: str
    state: State
    batch: Batch | None
    days: Mapping[str, Day]

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


async def refresh(
    store: Store,
    get: Get,
    rules_of: Callable[[Saved], Rules],
    *,
    now: datetime,
    rss_url: str,
    retention: timedelta,
    on_demand: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Report | None:
    """Bring the store up to date with arXiv. None: another process is doing that right now.

    `now` decides which date is due; `rules_of` tells the rules in force, given what the owner saved. With `on_demand`,
    nothing is done (None) if another process has settled the due date, or tried to, before this one held the lock.
    Raises `StoreError`; what the upstream does wrong is told in the report.

    Six round trips where the upstream answers at once: the lock, the state, the batches, the gate before and after the
    request, the commit.
    """
    async with holding(store, keys.REFRESH_LOCK) as lock:
        if lock is None:
            return None
        state = await read_state(store)
        rules = rules_of(state.saved)
        manifest, categories, feeds = state.manifest, rules.categories, rules.of("arxiv")
        due = manifest.get(due_date(now))
        if on_demand and (due.settled(categories) or state.paused_until(due.date) > time()):
            return None
        batches = await read_batches(store, (due, _before(manifest, due.date)))
        fetched = await fetch_announcements(
            get,
            rss_url,
            categories,
            deadline=asyncio.get_running_loop().time() + REFRESH_SECONDS,
            validators=due.validators if due.settled(categories) and due.hash in batches else None,
            progress=progress,
        )
        progress("scoring", len(categories), len(categories))
        found = await _found(store, manifest, batches, fetched, categories, now)
        updated = _updated(manifest, found.record, now, retention, fetched.problem)
        if rules.fingerprint != updated.rules:
            new = rules.fingerprint
            updated = updated.under(new, now) if updated is manifest else replace(updated, rules=new)
        days, values = await asyncio.to_thread(_made, feeds, found, retention)
        if not updated.get(due.date).settled(categories):
            note = _backoff(state.backoff, updated.get(due.date))
            values[keys.BACKOFF] = (encode(note), note["until"] - time() + LONGEST_BACKOFF)  # outlives its pause
            state = replace(state, backoff=note)
        if updated is not manifest:
            values[keys.MANIFEST] = (encode(updated.to_plain()), None)  # last: it is what points at the others
        await lock.commit(values, release=True)
        progress("stored", len(categories), len(categories))
        changed = found.record.hash != manifest.get(found.record.date).hash
        kept = {
            feed.name: len(choose(feed, days[feed.name].entries if days else (), Query(), capped=True))
            for feed in feeds
        }
        return Report(
            found.record,
            changed,
            fetched.requests,
            kept,
            fetched.problem,
            replace(state, manifest=updated),
            found.batch,
            days,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The new record of the date that was served, its batch, and whether the store has that batch already."""

    record: BatchRecord
    batch: Batch | None
    stored: bool


def _before(manifest: Manifest, day: date) -> BatchRecord | None:
    """The newest record with a batch of a date before `day`."""
    return next((record for record in manifest.stored if record.date < day), None)


async def _found(
    store: Store,
    manifest: Manifest,
    batches: dict[str, Batch],
    fetched: Fetched,
    categories: tuple[str, ...],
    now: datetime,
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
        at=rfc3339(now),
        over=day < due_date(now),
    )
    known, before = manifest.get(day), _before(manifest, day)
    # Read already, unless the upstream shows another date than the one that is due
    missing = [record for record in (known, before) if record and record.hash and record.hash not in batches]
    batches = batches | await read_batches(store, missing)
    existing, previous = batches.get(known.hash), batches.get(before.hash) if before else None
    # Comparing and hashing a day takes tens of milliseconds
    record, batch = await asyncio.to_thread(settle, outcome, categories, known, existing, previous)
    if record.settled(categories) and not fetched.failures:
        record = replace(record, validators=fetched.validators)
    stored = batch is not None and existing is not None and batch.hash == known.hash
    return _Found(record if stored or not batch else replace(record, fetched=rfc3339(now)), batch, stored)


def _updated(manifest: Manifest, record: BatchRecord, now: datetime, retention: timedelta, error: str) -> Manifest:
    """The manifest after a refresh; the very same one where nothing but the time of looking is new."""
    records, due = [record], due_date(now)
    if record.date != due and not manifest.get(due).hash:
        if record.date < due:
            records.append(BatchRecord(due, "waiting", f"arXiv still shows {record.date}"))
        else:
            records.append(BatchRecord(due, "failed", f"arXiv's feed has gone on to {record.date}; {MISSED}"))
    if manifest.records:
        missed = announcement_days(max(manifest.records), min(record.date, due))
        records += [BatchRecord(day, "failed", MISSED) for day in missed]
    same_error = manifest.error.get("reason", "") == error
    if same_error and all(manifest.get(r.date) == r for r in records):
        return manifest
    if same_error and all(replace(manifest.get(r.date), validators=r.validators) == r for r in records):
        # A feed that was only built anew has other validators, which are nothing to readers
        return replace(manifest, records={**manifest.records, record.date: record})
    problem = {"time": rfc3339(now), "reason": error} if error else {}
    return manifest.changed(records, now=now, retention=retention, error=problem)


def _made(feeds: Sequence[Feed], found: _Found, retention: timedelta) -> tuple[dict[str, Day], Made]:
    """Each feed's day over the batch that was found; and what is to be stored of a batch that is new, for a day longer
    than the manifest lists it.
    """
    days: dict[str, Day] = {}
    values: Made = {}
    if (batch := found.batch) is None:
        return days, values
    ttl = (retention + timedelta(days=1)).total_seconds()
    values[keys.batch(batch.date, batch.hash)] = (encode(batch.to_plain()), ttl)
    for feed in feeds:
        days[feed.name], made = make_day(feed, batch, ttl)
        values |= made
    return days, {} if found.stored else values


def _backoff(before: Mapping[str, Any], due: BatchRecord) -> dict[str, Any]:
    """The note that keeps requests from asking the upstream again too soon, and counts the tries."""
    tries = before["tries"] + 1 if before.get("date") == due.date.isoformat() else 1
    pause = min(BACKOFF.get(due.state, BACKOFF["failed"]) * 2 ** min(tries - 1, 10), LONGEST_BACKOFF)
    pause *= uniform(1, 1 + JITTER)  # noqa: S311 - nothing secret
    return {"date": due.date.isoformat(), "tries": tries, "until": time() + pause}
