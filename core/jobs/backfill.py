"""The step *backfill*: asks arXiv's API for the submissions of each date that it has not confirmed, newest date first.

The API confirms what the feed announced, and has what the feed left out. A window of submissions is read in slices;
each is stored, and the next run continues after the last one. A complete window is entered in one commit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from core.archive import Archive, Draft
from core.archive.windows import Begun
from core.config.overrides import Rules
from core.jobs.upstreams import Upstreams
from core.model.calendar import submission_window
from core.model.errors import FetchError, SourceError
from core.model.ledger import Entered, Window, WindowReading, affected_dates, enter, windows_to_read
from core.model.manifest import Manifest
from core.sources.api import fetch_slice
from core.util.log import Progress

MOST_TRIES = 3  # refreshes in which a slice may be short before the window is entered as it is
LEAST_SECONDS = 5.0  # no request starts with less time left


@dataclass(slots=True)
class Backfilled:
    """The result of the step: the number of windows read and of papers found late, the windows that are `pending`, and
    the problems. `is_down`: the API failed in this run and is not asked again.
    """

    windows: int = 0
    late: int = 0
    pending: tuple[Window, ...] = ()
    problems: list[str] = field(default_factory=list)
    is_down: bool = False
    tried: set[Window] = field(default_factory=set)  # each is tried once in a run, though it may be pending again


def pending_windows(
    manifest: Manifest, upstreams: Upstreams, rules: Rules, archive: Archive, now: datetime
) -> tuple[Window, ...]:
    """Returns the windows that the API has not been asked for yet, empty without an API."""
    return tuple(windows_to_read(manifest, rules.categories, now, archive.retention)) if upstreams.api_url else ()


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
