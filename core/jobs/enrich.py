"""Hugging Face's daily papers: fetched for the last days, kept as batches of their own, and noted in arXiv's.

A date's picks and upvotes change while people vote, so that the last days are asked for again in each refresh.


Completing the papers that feeds show: comments, DOI, journal reference and times, which arXiv's RSS leaves out.

Most come with the windows of the API (`core.jobs.backfill`); the others are fetched here by identifier: held papers,
 cross-lists, replacements, and picks of Hugging Face. Each is asked for once.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from core.archive.days import Made, batch_values, read_batches, score_day
from core.archive.state import changing, read_state
from core.config.overrides import Rules
from core.model.batch import Announcement, Batch, make_batch
from core.model.entries import choose
from core.model.errors import FetchError, SourceError
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.paper import Paper, complete, picked
from core.model.query import Query
from core.sources.api import fetch_by_id
from core.sources.client import Get
from core.sources.huggingface import Picks, fetch_daily
from core.store import keys
from core.store.base import Store
from core.store.codec import decode, encode

AGAIN_DAYS = 2  # of the last days each refresh asks again, because people still vote
LOOK_BACK = 5  # days that are asked for if they were missed
VOTED_DAYS = 10  # dates of arXiv whose papers are looked for among the picks


def wanted_days(manifest: Manifest, now: datetime) -> list[date]:
    """The dates to ask for, newest first: the last ones again, those before if they were missed."""
    today = now.date()
    days = [today - timedelta(days=n) for n in range(LOOK_BACK)]
    return [d for n, d in enumerate(days) if n < AGAIN_DAYS or manifest.picks.get(d, _MISSING).state == "failed"]


_MISSING = BatchRecord(date.min, "failed")


async def refresh_picks(
    store: Store, get: Get, hf_url: str, rules: Rules, now: datetime, retention: timedelta
) -> tuple[int, list[str]]:
    """Fetch the daily papers of the last days and store what they mean. How many dates came, and what went wrong.

    Raises `StoreError`.
    """
    found: dict[date, Picks] = {}
    failed: dict[date, str] = {}
    for day in wanted_days((await read_state(store)).manifest, now):
        try:
            found[day] = await fetch_daily(get, hf_url, day)
        except SourceError as error:
            failed[day] = f"Hugging Face: {error.reason if isinstance(error, FetchError) else error}"
            break  # it is down, or does not want to be asked
    async with changing(store) as (lock, state):
        manifest = state.manifest
        known = list(manifest.picks.values()) + manifest.stored[:VOTED_DAYS]
        batches = await read_batches(store, known)
        values, after = await asyncio.to_thread(
            _noted, manifest, batches, found, failed, rules, now, retention
        )  # scores every batch whose upvotes changed
        if after is not manifest:
            values[keys.MANIFEST] = (encode(after.to_plain()), None)
            await lock.commit(values, release=True)
    return len(found), list(dict.fromkeys(failed.values()))


def _noted(
    manifest: Manifest,
    batches: Mapping[str, Batch],
    found: Mapping[date, Picks],
    failed: Mapping[date, str],
    rules: Rules,
    now: datetime,
    retention: timedelta,
) -> tuple[Made, Manifest]:
    """The picks as batches, and the batches of arXiv whose papers were voted for; the manifest that names them."""
    ttl = (retention + timedelta(days=1)).total_seconds()
    values: Made = {}
    known = {item.paper.id: item.paper for batch in batches.values() for item in batch.announcements}
    picks = dict(manifest.picks)
    for day, came in found.items():
        before = manifest.picks.get(day)
        batch = make_batch(day, [Announcement(_filed(paper, known), "new") for paper in came.papers])
        picks[day] = _record(day, before, batch, came, now)
        if before is None or before.hash != picks[day].hash:
            values |= batch_values(batch, rules.of("huggingface"), ttl)
    for day, reason in failed.items():
        if not picks.get(day, _MISSING).hash:
            picks[day] = BatchRecord(day, "failed", reason)
    records = dict(manifest.records)
    votes = {paper.id: paper for came in found.values() for paper in came.papers}
    for day, batch in _voted(manifest, batches, votes):
        records[day] = replace(records[day], hash=batch.hash)
        values |= batch_values(batch, rules.of("arxiv"), ttl)
    if records == manifest.records and picks == manifest.picks:
        return values, manifest
    after = replace(manifest, picks=picks).changed(records.values(), now=now, retention=retention, error=manifest.error)
    return values, after


def _record(day: date, before: BatchRecord | None, batch: Batch, came: Picks, now: datetime) -> BatchRecord:
    """The record of a date's picks. A date that is not over may be empty yet; the last good picks stay."""
    if not came.papers:
        quiet = BatchRecord(day, "quiet", "Hugging Face has no papers of this date, or not yet")
        return before if before and before.hash else quiet
    unread = f"{len(came.rejected)} item(s) could not be read" if came.rejected else ""
    record = BatchRecord(day, "complete", unread, batch.hash, len(came.papers), rejected=came.rejected)
    fetched = before.fetched if before and before.hash == batch.hash else rfc3339(now)
    return replace(record, fetched=fetched)


def _filed(paper: Paper, known: Mapping[str, Paper]) -> Paper:
    """The pick with what arXiv announced of it, if this wire has that: categories, version, affiliations."""
    announced = known.get(paper.id)
    if announced is None or not announced.categories:
        return paper
    return replace(announced, upvotes=paper.upvotes, repo=paper.repo or announced.repo)


def _voted(
    manifest: Manifest, batches: Mapping[str, Batch], votes: Mapping[str, Paper]
) -> Iterable[tuple[date, Batch]]:
    """The batches of arXiv in which a paper has other upvotes than before, with these."""
    for record in manifest.stored[:VOTED_DAYS]:
        batch = batches.get(record.hash)
        if batch is None:
            continue
        items = [
            replace(item, paper=picked(item.paper, votes[item.paper.id])) if item.paper.id in votes else item
            for item in batch.announcements
        ]
        changed = Batch(record.date, tuple(items))
        if changed.hash != batch.hash:
            yield record.date, changed


DAYS = 4  # the newest dates of each source are completed
MOST = 200  # papers a refresh, in requests of a hundred
SOURCES = ("arxiv", "huggingface")


async def complete_shown(
    store: Store, get: Get, api_url: str, rules: Rules, now: datetime, retention: timedelta
) -> tuple[int, list[str]]:
    """Complete the papers that feeds show of the newest dates. How many were, and what went wrong.

    Raises `StoreError`.
    """
    manifest = (await read_state(store)).manifest
    batches = await read_batches(store, _newest(manifest))
    data = await store.get(keys.ASKED)
    asked = frozenset(decode(data)) if data else frozenset[str]()
    wanted = sorted(_lacking(manifest, batches, rules) - asked, reverse=True)[:MOST]
    if not wanted:
        return 0, []
    found = await fetch_by_id(get, api_url, wanted)
    if found.problem and not found.papers:
        return 0, [found.problem]
    async with changing(store) as (lock, state):
        batches = await read_batches(store, _newest(state.manifest))
        values, after, number = _completed(state.manifest, batches, found.papers, rules, now, retention)
        # Those that arXiv does not have are not asked for every day
        missing = () if found.problem else found.missing
        values[keys.ASKED] = (encode(sorted(asked | found.papers.keys() | set(missing))[-5000:]), None)
        values[keys.MANIFEST] = (encode(after.to_plain()), None)
        await lock.commit(values, release=True)
    return number, [found.problem] if found.problem else []


def _newest(manifest: Manifest) -> list[BatchRecord]:
    return [record for source in SOURCES for record in manifest.of(source)[:DAYS]]


def _lacking(manifest: Manifest, batches: Mapping[str, Batch], rules: Rules) -> set[str]:
    """The versioned identifiers of papers that a feed shows, and of which it is not known when they were submitted."""
    lacking: set[str] = set()
    for feed in rules.feeds.values():
        for record in manifest.of(feed.source)[:DAYS]:
            if batch := batches.get(record.hash):
                shown = choose(feed, score_day(feed, batch).entries, Query(), capped=True)
                lacking |= {e.paper.versioned for e in shown if not (e.paper.published and e.paper.categories)}
    return lacking


def _completed(
    manifest: Manifest,
    batches: Mapping[str, Batch],
    papers: Mapping[str, Paper],
    rules: Rules,
    now: datetime,
    retention: timedelta,
) -> tuple[Made, Manifest, int]:
    ttl = (retention + timedelta(days=1)).total_seconds()
    values: Made = {}
    number, records, picks = 0, dict(manifest.records), dict(manifest.picks)
    for source, target in (("arxiv", records), ("huggingface", picks)):
        for record in manifest.of(source)[:DAYS]:
            batch = batches.get(record.hash)
            items = [replace(i, paper=_filled(i.paper, papers)) for i in batch.announcements] if batch else []
            after = Batch(record.date, tuple(items))
            if batch is None or after.hash == batch.hash:
                continue
            number += sum(one != other for one, other in zip(items, batch.announcements, strict=True))
            target[record.date] = replace(record, hash=after.hash)
            values |= batch_values(after, rules.of(source), ttl)
    changed = replace(manifest, picks=picks)
    if values:
        changed = changed.changed(records.values(), now=now, retention=retention, error=manifest.error)
    return values, changed, number


def _filled(paper: Paper, papers: Mapping[str, Paper]) -> Paper:
    known = papers.get(paper.versioned)
    if known is None:
        return paper
    filled = complete(paper, known)
    return filled if filled.categories else replace(filled, categories=known.categories)
