"""The part of the step *enrich* that asks the sources beside arXiv: RSS and Atom feeds, bioRxiv and medRxiv.

Each feed and each server fails for itself, and says so in the state of its dates. One request is sent at a time.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from time import monotonic
from urllib.parse import urlsplit

from core.archive import Archive, Draft
from core.config.overrides import Rules
from core.jobs.upstreams import Upstreams
from core.model.batch import Batch
from core.model.elsewhere import (
    Came,
    Works,
    days_to_ask,
    dois_of,
    file_entries,
    file_posted,
    without_origins,
    work_title,
)
from core.model.errors import FetchError, SourceError
from core.model.manifest import BatchRecord, Manifest
from core.model.paper import Paper
from core.model.sources import ARXIV, NAMES, PREPRINTS, RSS, Origin, due_day, due_time, origins_of
from core.sources.biorxiv import Posted, fetch_posted
from core.sources.syndicated import fetch_entries

_AGAIN_DAYS = 2  # newest due days of a preprint server that are asked for again
_LOOK_BACK = 5  # days that are asked for if they were missed
_LEAST_SECONDS = 1.0


@dataclass(slots=True)
class Elsewhere:
    """The result: how many sources answered, how many papers are new, and the problems."""

    asked: int = 0
    found: int = 0
    problems: list[str] = field(default_factory=list)


async def fetch_elsewhere(
    archive: Archive, upstreams: Upstreams, rules: Rules, *, now: datetime, end: float, report: Elsewhere
) -> None:
    """Ask all sources beside arXiv and Hugging Face that the feeds use, until `end` (`time.monotonic`).

    Raises `StoreError`.
    """
    if upstreams.is_sample:
        return
    for server in PREPRINTS:
        if server in rules.sources:
            await _fetch_preprints(archive, upstreams, rules, server, now, end, report)
    if RSS in rules.sources:
        await _fetch_feeds(archive, upstreams, rules, now, end, report)


async def _fetch_feeds(
    archive: Archive, upstreams: Upstreams, rules: Rules, now: datetime, end: float, report: Elsewhere
) -> None:
    origins = origins_of(url for feed in rules.of(RSS) for url in feed.urls)
    manifest = (await archive.state()).manifest
    known = manifest.all_of(RSS)
    newest = known[max(known)] if known else BatchRecord(now.date(), "quiet")
    came: list[Came] = []
    # Those that have waited longest come first: a run may have no time for all
    for origin in sorted(origins, key=lambda one: (one.key in newest.categories, origins.index(one))):
        if end - monotonic() < _LEAST_SECONDS:
            report.problems.append("there was no time for all RSS feeds; the others are asked next time")
            break
        came.append(await _ask(upstreams, origin, newest.validators.get(origin.key)))
    report.asked += sum(1 for one in came if not one.problem)
    report.problems += [f"{one.origin.name}: {one.problem}" for one in came if one.problem]
    works = await _works(archive, manifest, [paper for one in came for paper in one.papers])
    async with archive.drafting() as draft:
        records = draft.manifest.all_of(RSS)
        batches = await archive.days.batches(records.values())
        by_day = {record.date: batches[record.hash] for record in records.values() if record.hash in batches}
        oldest = now.date() - archive.retention
        filed, changed = await asyncio.to_thread(file_entries, records, by_day, came, works, now=now, oldest=oldest)
        keys = {origin.key for origin in origins}
        filed[now.date()] = without_origins(filed[now.date()], keys)
        report.found += sum(len(batch.announcements) for batch in changed) - sum(
            len(by_day[batch.date].announcements) for batch in changed if batch.date in by_day
        )
        await _commit(draft, RSS, filed, changed, rules, now)


async def _ask(upstreams: Upstreams, origin: Origin, validators: Mapping[str, str] | None) -> Came:
    """Ask one feed. arXiv's own feeds go through arXiv's gate, as all requests to it do."""
    is_of_arxiv = f".{urlsplit(origin.url).hostname}".endswith(".arxiv.org")
    try:
        found = await fetch_entries(upstreams.get if is_of_arxiv else upstreams.get_outside, origin, validators or None)
    except SourceError as error:
        return Came(origin, problem=error.reason if isinstance(error, FetchError) else str(error))
    damage = ({"reason": found.broken, "excerpt": ""},) if found.broken else ()
    rejected = tuple({**row, "id": origin.name} for row in (*damage, *found.rejected))
    validators = {} if found.broken else found.answer.validators  # what is damaged is read again
    return Came(origin, found.papers, rejected, "", found.answer.body is None, validators)


async def _works(archive: Archive, manifest: Manifest, papers: Iterable[Paper]) -> Works:
    """Returns the stored papers of other sources that may be the same works as `papers`."""
    works, wanted = Works(), set[str]()
    for paper in papers:
        wanted |= {paper.id, *dois_of(paper), work_title(paper)}
    wanted.discard("")
    if not wanted:
        return works
    for source in (*PREPRINTS, ARXIV):  # the last one counts
        for record in reversed(manifest.of(source)):  # one at a time: a month of arXiv takes much memory
            batches = await archive.days.batches([record])
            await asyncio.to_thread(_add_wanted, works, batches.get(record.hash), wanted)
    return works


def _add_wanted(works: Works, batch: Batch | None, wanted: set[str]) -> None:
    for item in batch.announcements if batch else ():
        paper = item.paper
        if paper.id in wanted or (paper.doi and not wanted.isdisjoint(dois_of(paper))) or work_title(paper) in wanted:
            works.add(paper)


async def _fetch_preprints(
    archive: Archive, upstreams: Upstreams, rules: Rules, server: str, now: datetime, end: float, report: Elsewhere
) -> None:
    loop, known = asyncio.get_running_loop(), (await archive.state()).manifest.all_of(server)
    oldest = now.date() - archive.retention
    found: dict[date, Posted] = {}
    failed: dict[date, str] = {}
    for day in days_to_ask(known, due_day(server, now), _AGAIN_DAYS, _LOOK_BACK, oldest):
        if (left := end - monotonic()) < _LEAST_SECONDS:
            break
        deadline = loop.time() + left
        try:
            found[day] = await fetch_posted(
                upstreams.get_biorxiv, upstreams.biorxiv_url, server, day, deadline=deadline
            )
        except SourceError as error:
            failed[day] = f"{NAMES[server]}: {error.reason if isinstance(error, FetchError) else error}"
            break  # it is down, or limits requests
        if found[day].problem:
            report.problems.append(f"{NAMES[server]}: {day}: {found[day].problem}")
            break
    report.asked += bool(found)
    report.problems += failed.values()
    async with archive.drafting() as draft:
        records = dict(draft.manifest.all_of(server))
        batches = await archive.days.batches(records[day] for day in found if day in records)
        changed: list[Batch] = []
        for day, posted in found.items():
            record = records.get(day)
            before = batches.get(record.hash) if record else None
            records[day], batch = await asyncio.to_thread(
                file_posted, day, record, before, posted.papers, problem=posted.problem, rejected=posted.rejected,
                over=now >= due_time(server, day), now=now,
            )  # fmt: skip
            if batch:
                changed.append(batch)
                report.found += len(batch.announcements) - (len(before.announcements) if before else 0)
        for day, reason in failed.items():
            if day not in records or not records[day].hash:
                records[day] = BatchRecord(day, "failed", reason)
            else:
                records[day] = replace(records[day], state="partial", reason=reason)
        await _commit(draft, server, records, changed, rules, now)


async def _commit(
    draft: Draft, source: str, records: Mapping[date, BatchRecord], changed: list[Batch], rules: Rules, now: datetime
) -> None:
    """Commit the records and batches of a source, unless nothing is new."""
    if dict(draft.manifest.all_of(source)) == dict(records) and not changed:
        return
    for batch in changed:  # in a thread: each is scored for all its feeds
        await asyncio.to_thread(draft.put_batch, batch, rules.of(source))
    draft.manifest = draft.manifest.with_all_of(source, records)
    draft.change_records((), now)
    await draft.commit()
