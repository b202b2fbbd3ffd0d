"""Repairs of the manifest: after the store has lost values, and after a process with a clock that was ahead.

What lacks becomes pending again, and the state of its date says so meanwhile.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from core.model.calendar import EASTERN, before, due_date
from core.model.ledger import HELD
from core.model.manifest import BatchRecord, CategoryState, Manifest, rfc3339
from core.model.reconcile import restated
from core.model.sources import ARXIV, SOURCES

LEDGER = "ledger"
LOST = "the store has lost its batch; it is being fetched again"
_AHEAD = timedelta(minutes=10)  # tolerance for the clocks of several processes
_FAR_AHEAD = timedelta(days=1)  # a change that lies in the near future is soon true


class Lost(NamedTuple):
    """What the store has lost: the batch of a source's date, its ledger (`LEDGER`), or the analysis of a feed's date
    (`analysis`).
    """

    name: str
    date: date
    analysis: bool = False


def without_lost(
    manifest: Manifest, lost: Iterable[Lost], now: datetime, retention: timedelta, sources: Collection[str]
) -> Manifest:
    """Returns the manifest without lost values; the same object if nothing is lost.

    Dates that are older than the retention, or of a source that no feed uses, are not fetched again, but dropped.
    """
    lost = tuple(lost)
    if not lost:
        return manifest
    oldest = due_date(now) - retention
    by_source = {source: dict(manifest.all_of(source)) for source in (*SOURCES, *manifest.elsewhere)}
    records = by_source[ARXIV]
    analyses = {feed: dict(rows) for feed, rows in manifest.analyses.items()}
    for one in lost:
        if one.analysis:
            del analyses[one.name][one.date.isoformat()]
            continue
        if one.name == LEDGER:
            continue
        of_source = by_source[one.name]
        record = of_source.pop(one.date)
        if one.date >= oldest and one.name in sources:
            of_source[one.date] = _lost(record, rfc3339(now))
    days = {day for one in lost if one.name == ARXIV and not one.analysis for day in _submitted_for(one.date)}
    days |= {one.date for one in lost if one.name == LEDGER and not one.analysis}
    records |= {day: replace(records[day], read={}) for day in days if day in records}  # the API is asked again
    changed = manifest.under(manifest.rules, now)
    kept = {feed: rows for feed, rows in analyses.items() if rows}
    for source, dates in by_source.items():
        changed = changed.with_all_of(source, dates) if dates != manifest.all_of(source) else changed
    return replace(changed, analyses=kept)


def _lost(record: BatchRecord, at: str) -> BatchRecord:
    states = dict.fromkeys(record.categories, CategoryState("failed", LOST))
    empty = BatchRecord(record.date, "failed", LOST, categories=record.categories)
    return restated(empty, states, at) if states else empty


def _submitted_for(day: date) -> list[date]:
    """Returns the dates for which the papers of `day` may have been submitted."""
    days = [day]
    while len(days) <= HELD:
        days.append(before(days[-1]))
    return days


def without_future(manifest: Manifest, now: datetime) -> Manifest:
    """Returns the manifest without the conclusions of a process whose clock was ahead; the same object without any.

    Dates after tomorrow without a batch are dropped; what arXiv itself has dated is kept, because it may be this clock
    that is wrong. So are answers of the API and of catch-up pages that lie in the future: they are asked again.
    """
    tomorrow, limit = now.astimezone(EASTERN).date() + timedelta(days=1), rfc3339(now + _AHEAD)
    records = {d: _read_until(record, limit) for d, record in manifest.records.items() if record.hash or d <= tomorrow}
    picks = {day: record for day, record in manifest.picks.items() if record.hash or day <= tomorrow}
    elsewhere = {
        source: {day: record for day, record in dates.items() if record.hash or day <= tomorrow}
        for source, dates in manifest.elsewhere.items()
    }
    updated = rfc3339(now) if manifest.updated > rfc3339(now + _FAR_AHEAD) else manifest.updated
    own = manifest.records, manifest.picks, manifest.elsewhere, manifest.updated
    if (records, picks, elsewhere, updated) == own:
        return manifest
    kept = replace(manifest, records=records, picks=picks, elsewhere=elsewhere)
    return replace(kept, version=manifest.version + 1, updated=updated)


def _read_until(record: BatchRecord, limit: str) -> BatchRecord:
    read = {name: at for name, at in record.read.items() if at <= limit}
    pages = {name: note for name, note in record.pages.items() if note.at <= limit}
    same = len(read) == len(record.read) and len(pages) == len(record.pages)
    return record if same else replace(record, read=read, pages=pages)
