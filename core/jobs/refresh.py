"""The step *today*: fetches what arXiv announces now, stores it as a batch, and scores it for every feed.

All changes are written in one commit under one lock: a killed process leaves the store either unchanged or complete.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import uniform
from time import time
from typing import Any

from core.archive import Archive, Draft
from core.archive.days import score_day
from core.config.overrides import Rules
from core.jobs.upstreams import Upstreams
from core.model.batch import Batch
from core.model.calendar import EASTERN, announcement_days, due_date
from core.model.categories import parts
from core.model.entries import Day, choose
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.query import Query
from core.model.reconcile import FetchedDate, announced_before, settle
from core.sources.rss import NO_TIME, Fetched, fetch_announcements
from core.util.log import Progress

# How long requests do not ask the upstream after a refresh that did not settle the due date, in seconds; doubled with
# every further try, up to an hour. The owner's own refreshes do not wait.
_BACKOFF = {"failed": 60, "partial": 300, "waiting": 300, "quiet": 1800}
LONGEST_BACKOFF = 3600
JITTER = 0.2  # of a pause, to spread the requests of all deployments
MISSED = "it was not fetched while arXiv's feed held it; the API has it"
REFRESH_SECONDS = 50.0


@dataclass(frozen=True, slots=True)
class Today:
    """The result of the step: the `record` of the date that arXiv shows, whether its batch has `changed`, the number of
    requests, the number of entries that each feed shows of it (`kept`), and the problem in words (`error`).

    `batch` belongs to the record, and `days` holds each feed's day over it, which this process need not read again.
    """

    record: BatchRecord
    changed: bool
    requests: int
    kept: Mapping[str, int]
    error: str
    batch: Batch | None
    days: Sequence[tuple[Feed, Day]]  # by the rules of this run, which the owner may have changed since

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
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


def is_due(draft: Draft, rules: Rules, now: datetime) -> bool:
    """Returns whether a request should fetch the due date: it is not settled, and the backoff is over."""
    due = draft.manifest.get(due_date(now))
    return not due.settled(rules.categories) and draft.state.paused_until(due.date) <= time()


async def fetch_today(
    archive: Archive, draft: Draft, upstreams: Upstreams, rules: Rules, now: datetime, progress: Progress
) -> Today:
    """Fetch what arXiv announces, score it, and put it into the draft. `now` determines the due date.

    The caller commits the draft. Failures of the upstream are in the result. Raises `StoreError`.
    """
    manifest, categories = draft.manifest, rules.categories
    due = manifest.get(due_date(now))
    batches = await archive.days.batches((due, _before(manifest, due.date)))
    is_begun = due.hash in batches
    fetched = await fetch_announcements(
        upstreams.get,
        upstreams.rss_url,
        categories,
        deadline=asyncio.get_running_loop().time() + REFRESH_SECONDS,
        validators=due.validators if due.settled(categories) and is_begun else None,
        first=[name for name in categories if is_begun and _is_begun(due, name)],
        had=due.parts,
        progress=progress,
    )
    progress("scoring", len(categories), len(categories))
    found = await _found(archive, manifest, batches, fetched, categories, now)
    _update(draft, found.record, rules, now, fetched.problem)
    feeds = rules.of("arxiv")
    days = await asyncio.to_thread(_score, draft, feeds, found)
    if not draft.manifest.get(due.date).settled(categories):
        note = _backoff(draft.state.backoff, draft.manifest.get(due.date))
        draft.put_backoff(note, note["until"] - time() + LONGEST_BACKOFF)  # kept longer than its pause
    changed = found.record.hash != manifest.get(found.record.date).hash
    shown = {feed.name: choose(feed, days[feed.name].entries if days else (), Query(), capped=True) for feed in feeds}
    kept = {name: len(entries) for name, entries in shown.items()}
    return Today(
        found.record,
        changed,
        fetched.requests,
        kept,
        fetched.problem,
        found.batch,
        [(feed, days[feed.name]) for feed in feeds if feed.name in days],
    )


def _is_begun(due: BatchRecord, category: str) -> bool:
    """Returns whether an earlier fetch of the due date came to a part of a category, or ended before it."""
    state = due.of(category)
    return not state.settled and (state.reason == NO_TIME or any(part in due.parts for part in parts(category)))


@dataclass(frozen=True, slots=True)
class _Found:
    """The new record of the served date, its batch, and whether the store has that batch already."""

    record: BatchRecord
    batch: Batch | None
    stored: bool


def _before(manifest: Manifest, day: date) -> BatchRecord | None:
    """Returns the newest record with a batch before `day`, None if there is none."""
    return next((record for record in manifest.stored if record.date < day), None)


async def _found(
    archive: Archive,
    manifest: Manifest,
    batches: dict[str, Batch],
    fetched: Fetched,
    categories: tuple[str, ...],
    now: datetime,
) -> _Found:
    """Reconcile the fetched announcements with the newest served date, or with the due date if nothing was served."""
    tomorrow = now.astimezone(EASTERN).date() + timedelta(days=1)
    plausible = {name: shown for name, shown in fetched.dates.items() if shown <= tomorrow}
    day = max(plausible.values(), default=due_date(now))
    odd = {
        name: f"says that it is for {d}" if d > tomorrow else f"still shows {d}" for name, d in fetched.dates.items()
    }
    came = fetched.skipped if day == due_date(now) else ()  # of another date they would be missing
    again = {fetched.archives[part]: NO_TIME for part in fetched.skipped if part not in came}
    after, follows = announced_before(manifest, day)
    outcome = FetchedDate(
        day,
        tuple(fetched.announcements.get(day, ())),
        fetched.failures | again | {name: reason for name, reason in odd.items() if fetched.dates[name] != day},
        (*fetched.unchanged, *came),
        tuple(fetched.rejected),
        at=rfc3339(now),
        over=day < due_date(now),
        after=after,
        follows=follows,
    )
    known, before = manifest.get(day), _before(manifest, day)
    # Read already, unless the upstream shows another date than the due one
    missing = [record for record in (known, before) if record and record.hash and record.hash not in batches]
    batches = batches | await archive.days.batches(missing)
    existing, previous = batches.get(known.hash), batches.get(before.hash) if before else None
    # In a thread: comparing and hashing a day takes tens of milliseconds
    record, batch = await asyncio.to_thread(settle, outcome, categories, known, existing, previous)
    whole = () if record.settled(categories) else tuple(sorted({*came, *fetched.whole}))
    record = replace(record, parts=whole)
    if record.settled(categories) and not fetched.failures:
        record = replace(record, validators={**record.validators, **fetched.validators})
    stored = batch is not None and existing is not None and batch.hash == known.hash
    return _Found(record if stored or not batch else replace(record, fetched=rfc3339(now)), batch, stored)


def _update(draft: Draft, record: BatchRecord, rules: Rules, now: datetime, error: str) -> None:
    """Update the draft's manifest after a refresh; its version stays if only the time of the check is new."""
    manifest = draft.manifest
    records = _records(manifest, record, due_date(now))
    same_error = manifest.error.get("reason", "") == error
    if same_error and all(manifest.get(r.date) == r for r in records):
        pass
    elif same_error and all(replace(manifest.get(r.date), validators=r.validators) == r for r in records):
        # A feed that was only rebuilt has other validators, which do not change the content
        draft.manifest = replace(manifest, records={**manifest.records, record.date: record})
    else:
        draft.change_records(records, now, {"time": rfc3339(now), "reason": error} if error else {})
    if rules.fingerprint != draft.manifest.rules:
        is_same = draft.manifest is manifest
        new = rules.fingerprint
        draft.manifest = manifest.under(new, now) if is_same else replace(draft.manifest, rules=new)


def _records(manifest: Manifest, record: BatchRecord, due: date) -> list[BatchRecord]:
    """Returns the found record, with records of the due date and of skipped dates that follow from it."""
    records = [record]
    if record.date != due and not manifest.get(due).hash:
        if record.date < due:
            records.append(BatchRecord(due, "waiting", f"arXiv still shows {record.date}"))
        else:
            records.append(BatchRecord(due, "failed", f"arXiv's feed has gone on to {record.date}; {MISSED}"))
    if manifest.records:
        missed = announcement_days(max(manifest.records), min(record.date, due))
        records += [BatchRecord(day, "failed", MISSED) for day in missed]
    return records


def _score(draft: Draft, feeds: Sequence[Feed], found: _Found) -> dict[str, Day]:
    """Returns each feed's day over the found batch, by name. A new batch is put into the draft."""
    if found.batch is None:
        return {}
    if found.stored:
        return {feed.name: score_day(feed, found.batch) for feed in feeds}
    return draft.put_batch(found.batch, feeds)


def _backoff(before: Mapping[str, Any], due: BatchRecord) -> dict[str, Any]:
    """Returns the note that delays the next request to the upstream, and counts the tries."""
    tries = before["tries"] + 1 if before.get("date") == due.date.isoformat() else 1
    pause = min(_BACKOFF.get(due.state, _BACKOFF["failed"]) * 2 ** min(tries - 1, 10), LONGEST_BACKOFF)
    pause *= uniform(1, 1 + JITTER)  # noqa: S311 - nothing secret
    return {"date": due.date.isoformat(), "tries": tries, "until": time() + pause}
