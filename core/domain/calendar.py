"""arXiv's calendar: which announcement date is due when.

arXiv announces Sunday to Thursday at 20:00 US Eastern; its feeds change soon after the following midnight and carry
that day's date, so feed dates are Monday to Friday (https://info.arxiv.org/help/availability.html).
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
PUBLISHED_AT = time(0, 20)  # "soon after midnight": asking earlier gets the batch of the day before
_SATURDAY = 5
_CLOSES_AT = time(14, 0)  # what is submitted later is announced a day later


def midnight(day: date) -> datetime:
    """The beginning of `day` in US Eastern time: the time that arXiv gives a batch."""
    return datetime.combine(day, time(), EASTERN)


def is_announcement_day(day: date) -> bool:
    """Whether arXiv's feeds may carry this date: Monday to Friday."""
    return day.weekday() < _SATURDAY


def announcement_days(after: date, before: date) -> list[date]:
    """The days between two dates, neither included, that arXiv's feeds may carry."""
    days = (after + timedelta(days=n) for n in range(1, (before - after).days))
    return [day for day in days if is_announcement_day(day)]


def submission_window(day: date) -> tuple[datetime, datetime]:
    """From when until when (UTC) the papers were submitted that are announced on `day`, a Monday to Friday.

    Submissions of Friday 14:00 to Monday 14:00 are announced on Tuesday, those of Thursday to Friday on Monday. Around
    holidays, which arXiv sets each year, and for papers that were on hold, it is wrong.
    """
    closed = _weekday_before(day)
    first, last = (datetime.combine(on, _CLOSES_AT, EASTERN) for on in (_weekday_before(closed), closed))
    return first.astimezone(UTC), last.astimezone(UTC)


def _weekday_before(day: date) -> date:
    return day - timedelta(days={0: 3, 6: 2}.get(day.weekday(), 1))


def due_date(now: datetime) -> date:
    """The newest announcement date whose batch should be there at `now`."""
    local = now.astimezone(EASTERN)
    day = local.date() if local.time() >= PUBLISHED_AT else local.date() - timedelta(days=1)
    while not is_announcement_day(day):
        day -= timedelta(days=1)
    return day


def next_due(now: datetime) -> datetime:
    """When, after `now`, the next batch is due (UTC)."""
    day = due_date(now) + timedelta(days=1)
    while not is_announcement_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, PUBLISHED_AT, EASTERN).astimezone(UTC)
