"""The step *backfill*: asks other witnesses for what arXiv's feed announced, and for what it did not, newest first.

The catch-up pages say what was announced on a date, with types. A page is entered in one commit.

The API confirms what the feed announced, and has what the feed left out. A window of submissions is read in slices;
each is stored, and the next run continues after the last one. A complete window is entered in one commit.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from time import monotonic

from core.archive import Archive, Draft
from core.archive.windows import Begun
from core.config.overrides import Rules
from core.jobs.upstreams import Upstreams
from core.model.batch import Batch
from core.model.calendar import submission_window
from core.model.errors import FetchError, SourceError
from core.model.ledger import Entered, Window, WindowReading, affected_dates, enter, windows_to_read
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.pages import (
    PageKey,
    PageReading,
    enter_absent,
    enter_page,
    pages_to_read,
    unknown_versions,
    with_versions,
)
from core.sources.api import fetch_by_id, fetch_slice
from core.sources.catchup import fetch_catchup
from core.util.log import Progress

MOST_TRIES = 3  # refreshes in which a slice may be short before the window is entered as it is
LEAST_SECONDS = 5.0  # no request starts with less time left
_NO_SUCH_PAGE = frozenset({"not-found", "refused"})  # states of `FetchError`


@dataclass(slots=True)
class Backfilled:
    """The result of the step: the number of windows and pages read and of papers found late, the windows and pages that
    are pending, and the problems. `is_down`: the API failed in this run and is not asked again; so `site_is_down`.
    """

    windows: int = 0
    pages: int = 0
    late: int = 0
    pending: tuple[Window, ...] = ()
    pending_pages: tuple[PageKey, ...] = ()
    problems: list[str] = field(default_factory=list)
    is_down: bool = False
    site_is_down: bool = False
    tried: set[Window | PageKey] = field(default_factory=set)  # each once in a run, though it may be pending again
    batches: dict[str, Batch] = field(default_factory=dict)  # by hash: immutable, and needed for each page


def pending_windows(
    manifest: Manifest, upstreams: Upstreams, rules: Rules, archive: Archive, now: datetime
) -> tuple[Window, ...]:
    """Returns the windows that the API has not been asked for yet, empty without an API."""
    return tuple(windows_to_read(manifest, rules.categories, now, archive.retention)) if upstreams.api_url else ()


def still_pending_pages(
    manifest: Manifest, upstreams: Upstreams, rules: Rules, archive: Archive, now: datetime
) -> tuple[PageKey, ...]:
    """Returns the catch-up pages that are still to be read, empty without arXiv's site."""
    return tuple(pages_to_read(manifest, rules.categories, now, archive.retention)) if upstreams.site_url else ()


async def read_pages(
    archive: Archive,
    upstreams: Upstreams,
    rules: Rules,
    *,
    now: datetime,
    end: float,
    wanted: Callable[[date], bool],
    report: Backfilled,
    progress: Progress,
) -> None:
    """Read the pending catch-up pages of the dates that `wanted` accepts, newest first, until `end` or a failure.

    arXiv's site is asked every 15 s, so that a refresh of a minute reads a few.

    Results are added to `report`. Raises `StoreError`.
    """
    while not report.site_is_down:
        manifest = (await archive.state()).manifest
        report.pending_pages = still_pending_pages(manifest, upstreams, rules, archive, now)
        todo = [key for key in report.pending_pages if wanted(key.date) and key not in report.tried]
        if not todo or end - monotonic() <= LEAST_SECONDS + upstreams.site_seconds:
            return
        key = todo[0]
        report.tried.add(key)
        progress(f"reading arXiv's catch-up page of {key.category} for {key.date}, {len(todo)} to go", 0, 1)
        reading = await _read_page(upstreams, key, now, report)
        if reading is None:
            return
        if reading.mentions is None:
            absent = report.pending_pages if report.site_is_down else (key,)
            await _enter_absent(archive, absent, now)
            continue
        if unknown := unknown_versions(reading, await _batch_of(archive, manifest.get(key.date), report)):
            reading = await _with_versions(upstreams, reading, unknown, report)
        entered = await _enter_page(archive, reading, rules, now, report)
        report.pages += 1
        report.late += entered.added


async def _read_page(upstreams: Upstreams, key: PageKey, now: datetime, report: Backfilled) -> PageReading | None:
    """Read a catch-up page. Returns None if that failed; it is asked again in another run."""
    try:
        mentions = await fetch_catchup(upstreams.get_site, upstreams.site_url, key.category, key.date)
    except FetchError as error:
        if error.state in _NO_SUCH_PAGE:
            report.site_is_down = error.state == "not-found"  # it has no catch-up pages at all; 400 is for one page
            return PageReading(key, None, rfc3339(now))
        report.problems.append(f"catch-up page: {error.reason}")
        report.site_is_down = True
        return None
    except SourceError as error:
        report.problems.append(str(error))
        report.site_is_down = True
        return None
    return PageReading(key, mentions, rfc3339(now))


async def _with_versions(
    upstreams: Upstreams, reading: PageReading, unknown: list[str], report: Backfilled
) -> PageReading:
    """Returns the reading with versions that the API knows."""
    if not upstreams.api_url or report.is_down:
        return reading
    found = await fetch_by_id(upstreams.get, upstreams.api_url, unknown)
    if found.problem:
        report.problems.append(found.problem)
    return with_versions(reading, found.papers)


async def _enter_absent(archive: Archive, keys: tuple[PageKey, ...], now: datetime) -> None:
    """Note that arXiv has no such pages."""
    async with archive.drafting() as draft:
        records = enter_absent(draft.manifest, keys, now, archive.retention)
        draft.change_records(records.values(), now)
        await draft.commit()


async def _batch_of(archive: Archive, record: BatchRecord, report: Backfilled) -> Batch | None:
    return (await _batches_of(archive, [record], report)).get(record.hash)


async def _batches_of(archive: Archive, records: list[BatchRecord], report: Backfilled) -> dict[str, Batch]:
    """Returns batches by hash, each decoded once in a run."""
    missing = [record for record in records if record.hash and record.hash not in report.batches]
    report.batches |= await archive.days.batches(missing)
    return report.batches


async def _enter_page(
    archive: Archive, reading: PageReading, rules: Rules, now: datetime, report: Backfilled
) -> Entered:
    """Enter a catch-up page: batches, records and scores in one commit."""
    async with archive.drafting() as draft:
        manifest = draft.manifest
        known = await _batches_of(archive, manifest.stored, report)
        by_date = {record.date: known[record.hash] for record in manifest.stored if record.hash in known}
        # In a thread: comparing and hashing days takes tens of milliseconds
        entered = await asyncio.to_thread(enter_page, manifest, by_date, reading, now, archive.retention)
        await asyncio.to_thread(put_entered, draft, entered, rules, now)
        await draft.commit()
    report.batches |= {batch.hash: batch for batch in entered.batches.values()}
    return entered


async def backfill(
    archive: Archive,
    upstreams: Upstreams,
    rules: Rules,
    *,
    now: datetime,
    end: float,
    wanted: Callable[[Window], bool],
    report: Backfilled,
    progress: Progress,
) -> None:
    """Read the pending windows that `wanted` accepts, newest first, until `end` (`time.monotonic`) or a failed request.

    Results are added to `report`. Raises `StoreError`.
    """
    while not report.is_down:
        manifest = (await archive.state()).manifest
        report.pending = pending_windows(manifest, upstreams, rules, archive, now)
        todo = [window for window in report.pending if wanted(window) and window not in report.tried]
        if not todo or end - monotonic() <= LEAST_SECONDS:
            return
        report.tried.add(todo[0])
        begun = await archive.windows.begin(todo[0], now)
        if await _read(archive, upstreams, begun, end, len(todo), report, progress):
            entered = await _enter(archive, begun, rules, now)
            report.windows += 1
            report.late += entered.added


async def _read(
    archive: Archive, upstreams: Upstreams, begun: Begun, end: float, left: int, report: Backfilled, progress: Progress
) -> bool:
    """Read the next slices of a window. Returns whether the window is complete."""
    last, total = False, 0
    while not last and end - monotonic() > LEAST_SECONDS:
        progress(f"asking arXiv's API for {begun.window.date}, {left} dates to go", begun.start, max(total, 1))
        try:
            total, last, short = await _read_slice(archive, upstreams, begun)
        except SourceError as error:
            report.problems.append(error.reason if isinstance(error, FetchError) else str(error))
            report.is_down = True
            return False
        if short:
            report.problems.append(short)
            break
    return last


async def _read_slice(archive: Archive, upstreams: Upstreams, begun: Begun) -> tuple[int, bool, str]:
    """Read the next slice of a window, and store it.

    Returns the number of papers in the window, whether this was its last slice, and why the slice is short, "" if it is
    complete; a short one is requested again in another run. Raises `SourceError` if the request fails.
    """
    window = begun.window
    span = submission_window(window.date)
    found = await fetch_slice(upstreams.get, upstreams.api_url, window.categories, span, start=begun.start)
    begun.tries = begun.tries + 1 if found.short else 0
    if found.short and begun.tries < MOST_TRIES:
        await archive.windows.put(begun)
        return found.total, False, found.short
    begun.papers += found.papers
    if found.next_start is None:
        return found.total, True, ""
    begun.start = found.next_start
    await archive.windows.put(begun)
    return found.total, False, ""


async def _enter(archive: Archive, begun: Begun, rules: Rules, now: datetime) -> Entered:
    """Enter a complete window: batches, records, ledger and scores in one commit."""
    reading = WindowReading(begun.window, tuple(begun.papers), begun.at)
    async with archive.drafting() as draft:
        manifest = draft.manifest
        dates = affected_dates(manifest, reading, now, archive.retention)
        batches = await archive.days.batches([manifest.records.get(day) for day in dates])
        by_date = {day: batches[manifest.get(day).hash] for day in dates if manifest.get(day).hash in batches}
        confirmed = await archive.days.confirmed(dates)
        entered = enter(manifest, by_date, confirmed, reading, rules.categories, now, archive.retention)
        put_entered(draft, entered, rules, now)
        draft.drop_window(begun.window.date)
        await draft.commit()
    return entered


def put_entered(draft: Draft, entered: Entered, rules: Rules, now: datetime) -> None:
    """Put the entered papers into a draft. The version of the manifest changes if the visible content does."""
    for day, papers in entered.confirmed.items():
        draft.put_confirmed(day, papers)
    for batch in entered.batches.values():
        draft.put_batch(batch, rules.of("arxiv"))
    manifest = draft.manifest
    is_same = all(
        (record.hash, record.state, record.reason) == (known.hash, known.state, known.reason)
        for day, record in entered.records.items()
        for known in [manifest.get(day)]
    )
    if is_same:
        draft.manifest = replace(manifest, records={**manifest.records, **entered.records})
    else:
        draft.change_records(entered.records.values(), now)
