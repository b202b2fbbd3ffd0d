"""Completing the papers that feeds show: comments, DOI, journal reference and times, which arXiv's RSS leaves out.

Most come with the windows of the API (`core.windows`); here are the others, by their identifiers: papers that were
held, cross-lists, replacements, and picks of Hugging Face. Each is asked for once.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.day import Made, batch_values, score_day
from core.domain.batch import Batch
from core.domain.manifest import BatchRecord, Manifest
from core.domain.paper import Paper, complete
from core.domain.query import Query
from core.domain.selection import choose
from core.refresh import read_batches
from core.rules import Rules
from core.sources.api import fetch_by_id
from core.sources.fetch import Get
from core.state import changing, read_state
from core.store import keys
from core.store.codec import decode, encode
from core.store.protocol import Store

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
