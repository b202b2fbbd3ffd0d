"""Freshness: how long answers are valid, and the answer while nothing is stored."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from core.model.analysis import is_unread
from core.model.calendar import announcement_days, due_at, due_date, next_due
from core.model.entries import next_release
from core.model.errors import NothingYet
from core.model.feed import Feed
from core.model.manifest import LACKING, SETTLED, BatchRecord, Manifest, rfc3339
from core.model.notice import GRACE, LOOK_BACK
from core.model.reconcile import seen_in
from core.model.sources import ARXIV, due_day, due_time, leading_source, next_due_time

UNSETTLED_SECONDS = 60  # how long answers stay fresh while the due batch is missing
GAP_SECONDS = 900  # and while an earlier one is
UNCONFIRMED_SECONDS = 30  # and while the store does not answer
_SOONEST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long an answer is fresh, in seconds, and a warning for its client."""

    seconds: int
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """The `date` whose batch should be available, when the `following` one is due, and from when feeds carry a `notice`
    if the batch is missing.
    """

    date: date
    following: datetime
    notice: datetime


def due_of(now: datetime, sources: Collection[str] = (ARXIV,)) -> Due:
    """Returns what is due at `now` for feeds of these sources: arXiv's batch, or that of another if none uses arXiv."""
    if ARXIV in sources:
        day = due_date(now)
        return Due(day, next_due(now), due_at(day) + GRACE)
    source = leading_source(sources)
    day = due_day(source, now)
    return Due(day, next_due_time(source, now), due_time(source, day) + GRACE)


def due_record(manifest: Manifest, due: Due, sources: Collection[str]) -> BatchRecord:
    """Returns the record of the date that is due for feeds of these sources."""
    if ARXIV in sources:
        return manifest.get(due.date)
    return manifest.all_of(leading_source(sources)).get(due.date) or BatchRecord(due.date, "expected")


def is_settled(record: BatchRecord, categories: Collection[str]) -> bool:
    """Returns whether a due date is settled in these categories; without categories it is one of another source."""
    return record.settled(categories) if categories else record.state in SETTLED


@dataclass(frozen=True, slots=True)
class Validity:
    """How long answers from a `manifest` are valid while `due` is due.

    `settled`: the due batch is stored; `gaps`: an earlier one of the last days is incomplete, or papers are still to be
    read; `release`: when held
    entries are shown in any case, and `releases` whether that time has passed. All of this is valid `until` a time at
    which answers change.
    """

    manifest: Manifest
    due: Due
    settled: bool
    gaps: bool
    release: datetime | None
    releases: bool
    until: datetime

    def freshness(self, now: datetime) -> Freshness:
        """Returns the freshness: until the next change; shorter if the due batch or an earlier one is missing."""
        if not self.settled:
            return Freshness(UNSETTLED_SECONDS)
        end = min(self.due.following, self.release) if self.release else self.due.following
        left = max(int((end - now).total_seconds()), UNSETTLED_SECONDS)
        return Freshness(min(left, GAP_SECONDS) if self.gaps else left)


def validity_of(
    manifest: Manifest, now: datetime, categories: Collection[str], feeds: Iterable[Feed], *, reads: bool = False
) -> Validity:
    """Returns the validity at `now` for feeds that need these categories of arXiv. `reads`: models read the papers."""
    feeds = tuple(feeds)
    sources = {feed.source for feed in feeds}
    due = due_of(now, sources)
    settled = is_settled(due_record(manifest, due, sources), categories)
    gaps = (ARXIV in sources and has_gaps(manifest, due.date, categories)) or (reads and is_unread(manifest, feeds))
    release = next_release(feeds, manifest)
    until = min([due.following, *(moment for moment in (due.notice, release) if moment and moment > now)])
    return Validity(manifest, due, settled, gaps, release, release is not None and release <= now, until)


def has_gaps(manifest: Manifest, due: date, categories: Collection[str]) -> bool:
    """Returns whether a date of the last days is incomplete: its content changes when it is backfilled."""
    days = announcement_days(due - LOOK_BACK, due)
    return any(seen_in(manifest.get(day), categories).state in LACKING for day in days)


def nothing_yet(record: BatchRecord, due: Due, pause: float, *, failed: bool) -> NothingYet:
    """Returns the error while nothing is stored: it describes the due `record`, which is fetched in `pause` seconds."""
    if record.reason:
        text = (
            f"There are no announcements yet. The batch of {record.date} is {record.state}: {record.reason}. "
            f"The next one is due at {rfc3339(due.following)}."
        )
    elif failed:
        text = "There are no announcements yet, and fetching them failed; the log of the service has the details."
    else:
        text = f"The announcements of {record.date} are being fetched for the first time; try again soon."
    return NothingYet(text, max(int(pause) + 1, _SOONEST_SECONDS))
