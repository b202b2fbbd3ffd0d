"""The step *enrich*: adds what arXiv's feed lacks to the papers that feeds show.

- Hugging Face's daily papers of the last days, as separate batches; their upvotes go into arXiv's batches. Votes
  continue for days, so each run requests the newest dates again.
- Comments, DOI, journal reference and times from arXiv's API, by identifier, for papers outside of all windows: held
  papers, cross-lists, replacements, and picks of Hugging Face. Each paper is requested once.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from core.archive import Archive, Draft
from core.archive.days import score_day
from core.config.overrides import Rules
from core.jobs.elsewhere import Elsewhere
from core.jobs.upstreams import Upstreams
from core.model.batch import Announcement, Batch, make_batch
from core.model.entries import choose
from core.model.errors import FetchError, SourceError
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.paper import Paper, complete, picked
from core.model.query import Query
from core.model.repair import LOST
from core.sources.api import fetch_by_id
from core.sources.huggingface import Picks, fetch_daily

AGAIN_DAYS = 2  # newest days that each refresh requests again, because votes continue
PICKS_LOOK_BACK = 5  # days that are requested if they were missed
MOST_LOST = 10  # dates whose picks the store has lost, requested in one refresh
VOTED_DAYS = 10  # dates of arXiv whose papers are matched with the picks


def wanted_days(manifest: Manifest, now: datetime) -> list[date]:
    """Returns the dates to request, newest first: the newest ones again, earlier ones if they were missed."""
    today = now.date()
    days = [today - timedelta(days=n) for n in range(PICKS_LOOK_BACK)]
    wanted = [d for n, d in enumerate(days) if n < AGAIN_DAYS or manifest.picks.get(d, _MISSING).state == "failed"]
    lost = [day for day, record in manifest.picks.items() if record.reason == LOST and day not in wanted]
    return wanted + sorted(lost, reverse=True)[:MOST_LOST]


_MISSING = BatchRecord(date.min, "failed")


@dataclass(slots=True)
class Enriched:
    """The result of the step: the dates fetched from Hugging Face, the papers completed, and the problems."""

    picks: int = 0
    completed: int = 0
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    problems: list[str] = field(default_factory=list)


async def fetch_picks(archive: Archive, upstreams: Upstreams, rules: Rules, *, now: datetime, report: Enriched) -> None:
    """Fetch the daily papers of the last days, and store them with their upvotes. Raises `StoreError`."""
    found: dict[date, Picks] = {}
    failed: dict[date, str] = {}
    for day in wanted_days((await archive.state()).manifest, now):
        try:
            found[day] = await fetch_daily(upstreams.get_picks, upstreams.hf_url, day)
        except SourceError as error:
            failed[day] = f"Hugging Face: {error.reason if isinstance(error, FetchError) else error}"
            break  # it is down, or limits requests
    async with archive.drafting() as draft:
        manifest = draft.manifest
        batches = await archive.days.batches([*manifest.picks.values(), *manifest.stored[:VOTED_DAYS]])
        # In a thread: it scores every batch whose upvotes changed
        await asyncio.to_thread(_put_picks, draft, batches, found, failed, rules, now)
        if draft.manifest is not manifest:
            await draft.commit()
    report.picks += len(found)
    report.problems += dict.fromkeys(failed.values())


def _put_picks(
    draft: Draft,
    batches: Mapping[str, Batch],
    found: Mapping[date, Picks],
    failed: Mapping[date, str],
    rules: Rules,
    now: datetime,
) -> None:
    """Put into the draft the picks as batches, and the batches of arXiv with changed upvotes."""
    manifest = draft.manifest
    known = {item.paper.id: item.paper for batch in batches.values() for item in batch.announcements}
    picks = dict(manifest.picks)
    for day, came in found.items():
        before = manifest.picks.get(day)
        batch = make_batch(day, [Announcement(_filed(paper, known), "new") for paper in came.papers])
        picks[day] = _record(day, before, batch, came, now)
        if before is None or before.hash != picks[day].hash:
            draft.put_batch(batch, rules.of("huggingface"))
    for day, reason in failed.items():
        if not picks.get(day, _MISSING).hash:
            picks[day] = BatchRecord(day, "failed", reason)
    records = dict(manifest.records)
    stored = (batches[record.hash] for record in reversed(manifest.of("huggingface")) if record.hash in batches)
    votes = {item.paper.id: item.paper for batch in stored for item in batch.announcements}
    votes |= {paper.id: paper for came in found.values() for paper in came.papers}
    for day, batch in _voted(manifest, batches, votes):
        records[day] = replace(records[day], hash=batch.hash)
        draft.put_batch(batch, rules.of("arxiv"))
    if records != manifest.records or picks != manifest.picks:
        draft.manifest = replace(manifest, picks=picks)
        draft.change_records(records.values(), now)


def _record(day: date, before: BatchRecord | None, batch: Batch, came: Picks, now: datetime) -> BatchRecord:
    """Returns the record of a date's picks. A date that is not over may be empty; the last good picks are kept."""
    if not came.papers:
        quiet = BatchRecord(day, "quiet", "Hugging Face has no papers of this date, or not yet")
        return before if before and before.hash else quiet
    unread = f"{len(came.rejected)} item(s) could not be read" if came.rejected else ""
    record = BatchRecord(day, "complete", unread, batch.hash, len(came.papers), rejected=came.rejected)
    fetched = before.fetched if before and before.hash == batch.hash else rfc3339(now)
    return replace(record, fetched=fetched)


def _filed(paper: Paper, known: Mapping[str, Paper]) -> Paper:
    """Returns the pick with categories, version and affiliations from its announcement, if that is stored."""
    announced = known.get(paper.id)
    if announced is None or not announced.categories:
        return paper
    return replace(announced, upvotes=paper.upvotes, repo=paper.repo or announced.repo)


def _voted(
    manifest: Manifest, batches: Mapping[str, Batch], votes: Mapping[str, Paper]
) -> Iterable[tuple[date, Batch]]:
    """Yields the batches of arXiv with changed upvotes, updated."""
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


_DAYS = 4  # the newest dates of each source are completed
MOST = 200  # papers a refresh, in requests of 100
COMPLETED_SOURCES = ("arxiv", "huggingface")


async def complete_shown(
    archive: Archive, upstreams: Upstreams, rules: Rules, *, now: datetime, report: Enriched
) -> None:
    """Complete the papers that feeds show of the newest dates. Raises `StoreError`."""
    manifest = (await archive.state()).manifest
    batches = await archive.days.batches(_newest(manifest))
    asked = await archive.windows.asked()
    wanted = sorted(_lacking(manifest, batches, rules) - asked, reverse=True)[:MOST]
    if not wanted:
        return
    found = await fetch_by_id(upstreams.get, upstreams.api_url, wanted)
    if found.problem:
        report.problems.append(found.problem)
        if not found.papers:
            return
    async with archive.drafting() as draft:
        batches = await archive.days.batches(_newest(draft.manifest))
        report.completed += _put_completed(draft, batches, found.papers, rules, now)
        # Papers that arXiv does not have are not requested every day
        missing = () if found.problem else found.missing
        draft.put_asked(asked | found.papers.keys() | set(missing))
        await draft.commit()


def _newest(manifest: Manifest) -> list[BatchRecord]:
    return [record for source in COMPLETED_SOURCES for record in manifest.of(source)[:_DAYS]]


def _lacking(manifest: Manifest, batches: Mapping[str, Batch], rules: Rules) -> set[str]:
    """Returns the versioned identifiers of the papers that a feed shows and whose time of submission is unknown."""
    lacking: set[str] = set()
    for feed in rules.feeds.values():
        for record in manifest.of(feed.source)[:_DAYS]:
            if batch := batches.get(record.hash):
                shown = choose(feed, score_day(feed, batch).entries, Query(), capped=True)
                lacking |= {e.paper.versioned for e in shown if not (e.paper.published and e.paper.categories)}
    return lacking


def _put_completed(
    draft: Draft, batches: Mapping[str, Batch], papers: Mapping[str, Paper], rules: Rules, now: datetime
) -> int:
    """Put the batches with completed papers into the draft. Returns the number of these papers."""
    manifest, number = draft.manifest, 0
    records = {"arxiv": dict(manifest.records), "huggingface": dict(manifest.picks)}
    for source in COMPLETED_SOURCES:
        for record in manifest.of(source)[:_DAYS]:
            batch = batches.get(record.hash)
            items = [replace(i, paper=_filled(i.paper, papers)) for i in batch.announcements] if batch else []
            after = Batch(record.date, tuple(items))
            if batch is None or after.hash == batch.hash:
                continue
            number += sum(one != other for one, other in zip(items, batch.announcements, strict=True))
            records[source][record.date] = replace(record, hash=after.hash)
            draft.put_batch(after, rules.of(source))
    if number:
        draft.manifest = replace(manifest, picks=records["huggingface"])
        draft.change_records(records["arxiv"].values(), now)
    return number


def _filled(paper: Paper, papers: Mapping[str, Paper]) -> Paper:
    known = papers.get(paper.versioned)
    if known is None:
        return paper
    filled = complete(paper, known)
    return filled if filled.categories else replace(filled, categories=known.categories)
