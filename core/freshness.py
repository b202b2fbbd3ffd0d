"""How long answers stay true, and what is said where there is none yet."""

from dataclasses import dataclass
from datetime import date, datetime

from core.domain.calendar import announcement_days, due_at, due_date, next_due
from core.domain.errors import NothingYet
from core.domain.manifest import BatchRecord, Manifest, rfc3339
from core.domain.notice import GRACE, LOOK_BACK

UNSETTLED_SECONDS = 60  # how long answers stay fresh while the due batch is missing
GAP_SECONDS = 900  # and while an earlier one is
DOUBTFUL_SECONDS = 30  # and while the store does not answer
_SOONEST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long an answer stays true (s), and what its client should be warned of."""

    seconds: int
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """The `date` whose batch should be there, when the `following` one will be due, and when readers are `told` if it
    is not there.
    """

    date: date
    following: datetime
    told: datetime


def due_of(now: datetime) -> Due:
    """What is due at `now`."""
    day = due_date(now)
    return Due(day, next_due(now), due_at(day) + GRACE)


def freshness_of(due: Due, now: datetime, *, settled: bool, gaps: bool) -> Freshness:
    """Until the next batch is due; for a minute if one is missing, and for some if an earlier one is."""
    if not settled:
        return Freshness(UNSETTLED_SECONDS)
    left = max(int((due.following - now).total_seconds()), UNSETTLED_SECONDS)
    return Freshness(min(left, GAP_SECONDS) if gaps else left)


def has_gaps(manifest: Manifest, due: date) -> bool:
    """Whether a date of the last days is not whole: what is told of it changes when it is mended."""
    days = announcement_days(due - LOOK_BACK, due)
    return any(manifest.get(day).state in ("failed", "partial", "waiting") for day in days)


def nothing_yet(record: BatchRecord, due: Due, pause: float, *, failed: bool) -> NothingYet:
    """What is said while there is nothing to serve: of the due `record`, to be asked for again in `pause` seconds."""
    if record.reason:
        text = (
            f"There are no announcements yet. The batch of {record.date} is {record.state}: {record.reason}. "
            f"The next one is due at {rfc3339(due.following)}."
        )
    elif failed:
        text = "There are no announcements yet, and fetching them failed; the log of the service has the details."
    else:
        text = f"The announcements of {record.date} are being fetched from arXiv for the first time; try again soon."
    return NothingYet(text, max(int(pause) + 1, _SOONEST_SECONDS))
