"""The part of the step *enrich* that makes the dates of the source "again": papers that are notable since their day.

They are derived from the batches that are stored: a later version, with the code or the journal that it names, a place
in a journal's feed, and upvotes on Hugging Face. Each date has the papers of which it brought news, and what that is.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from core.archive import Archive
from core.config.overrides import Rules
from core.model.again import NOTABLE_UPVOTES, News, news_between, written_news
from core.model.batch import Announcement, Batch, make_batch
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.paper import Paper
from core.model.sources import AGAIN, ARXIV, HUGGINGFACE, RSS
from core.util.signing import fingerprint

_WITNESSES = (ARXIV, HUGGINGFACE, RSS)


async def look_again(archive: Archive, rules: Rules, *, now: datetime) -> int:
    """Make the dates of the second look, if what they follow from has changed. Returns how many have changed.

    Raises `StoreError`.
    """
    if AGAIN not in rules.sources:
        return 0
    manifest = (await archive.state()).manifest
    inputs = _inputs(manifest)
    known = manifest.all_of(AGAIN)
    if known and known[max(known)].last == inputs:
        return 0
    batches = await _second_looks(archive, manifest)
    async with archive.drafting() as draft:
        records = dict(draft.manifest.all_of(AGAIN))
        changed = [batch for batch in batches if _hash(records.get(batch.date)) != batch.hash]
        days = {batch.date for batch in batches}
        kept = {day: record for day, record in records.items() if day in days}
        for batch in changed:
            kept[batch.date] = BatchRecord(
                batch.date, "complete", hash=batch.hash, total=len(batch.announcements), fetched=rfc3339(now)
            )
            await asyncio.to_thread(draft.put_batch, batch, rules.of(AGAIN))
        newest = max(kept, default=now.date())
        marked = kept.get(newest) or BatchRecord(newest, "quiet", "no paper is notable again so far")
        kept = {day: replace(record, last="") for day, record in kept.items()} | {newest: replace(marked, last=inputs)}
        draft.manifest = draft.manifest.with_all_of(AGAIN, kept)
        draft.change_records((), now)
        await draft.commit()
    return len(changed)


def _hash(record: BatchRecord | None) -> str:
    return record.hash if record else ""


def _inputs(manifest: Manifest) -> str:
    """Returns the fingerprint of all that second looks follow from."""
    return fingerprint("again", 1, [[record.hash for record in manifest.of(source)] for source in _WITNESSES])


async def _second_looks(archive: Archive, manifest: Manifest) -> list[Batch]:
    """Returns the dates with news of earlier papers. One batch is in memory at a time: a month takes much of it."""
    seen: dict[str, tuple[date, Paper]] = {}  # the first date of a paper, and it as it was known last, without texts
    found: dict[date, dict[str, tuple[Paper, list[News]]]] = {}
    dates = sorted(
        (record.date, _WITNESSES.index(source), record) for source in _WITNESSES for record in manifest.of(source)
    )
    for day, at, record in dates:
        batch = (await archive.days.batches([record])).get(record.hash)
        if batch is not None:
            await asyncio.to_thread(_compare, day, _WITNESSES[at], batch.announcements, seen, found)
    return [
        make_batch(day, (Announcement(replace(p, news=written_news(news)), "new") for p, news in papers.values()))
        for day, papers in sorted(found.items())
    ]


def _compare(
    day: date,
    source: str,
    items: Iterable[Announcement],
    seen: dict[str, tuple[date, Paper]],
    found: Mapping[date, dict[str, tuple[Paper, list[News]]]],
) -> None:
    """Add to `found` what a source's date says of papers that were there before."""
    for item in items:
        paper = item.paper
        if not paper.is_arxiv:
            continue
        if source != HUGGINGFACE:  # arXiv's batches get upvotes later, whatever their date
            paper = replace(paper, upvotes=None)
        first = seen.get(paper.id)
        if first is None:
            if not item.replaces:  # what is first seen as a replacement has nothing to be compared with
                seen[paper.id] = (day, _slim(paper))
            continue
        news = news_between(first[1], paper) if source != HUGGINGFACE else _voted(first[1], paper)
        if news and day > first[0]:
            papers = found.setdefault(day, {})  # type: ignore[attr-defined]
            _, before = papers.get(paper.id, (paper, []))
            papers[paper.id] = (paper, [*before, *news])
        seen[paper.id] = (first[0], _slim(_latest(first[1], paper)))


def _voted(before: Paper, after: Paper) -> list[News]:
    votes = after.upvotes or 0
    return [News("upvotes", str(votes))] if votes >= NOTABLE_UPVOTES > (before.upvotes or 0) else []


def _latest(before: Paper, after: Paper) -> Paper:
    """Returns what is known of a paper after a date that may say less of it than an earlier one did."""
    return replace(
        after,
        version=max(before.version, after.version),
        doi=after.doi or before.doi,
        journal_ref=after.journal_ref or before.journal_ref,
        repo=after.links.get("code", "") or before.repo,
        upvotes=max(before.upvotes or 0, after.upvotes or 0),
    )


def _slim(paper: Paper) -> Paper:
    code = paper.links.get("code", "")
    return replace(paper, title="", abstract="", title_tex="", abstract_tex="", authors=(), comment="", repo=code)
