"""arXiv's calendar: which announcement date is due when, and which submissions it announces.

arXiv announces Sunday to Thursday at 20:00 US Eastern; its feeds change soon after the following midnight and carry
that day's date, so feed dates are Monday to Friday. Submissions until 14:00 of a working day are announced that
evening, those of Fridays on Sunday evening. On some evenings, mostly of holidays, there is no announcement; the next
one includes these papers (https://info.arxiv.org/help/availability.html).
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
PUBLISHED_AT = time(0, 20)  # "soon after midnight": an earlier request gets the previous batch
MAILED_AT = time(20)
DEADLINE = time(14)
_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5
PICKED_AFTER = timedelta(hours=12)  # of a date's beginning, Hugging Face has its papers
_DAY = timedelta(days=1)

# Evenings without an announcement, as arXiv listed them for the year; other years follow `_usual`. Errors lose nothing:
# an empty feed is quiet, and an unexpected date is accepted when it is served.
_LISTED: dict[int, dict[str, str]] = {
    2023: {
        "01-16": "Martin Luther King Day", "06-14": "a deferred mailing", "06-19": "Juneteenth",
        "07-04": "Independence Day", "09-04": "Labor Day", "11-23": "Thanksgiving", "12-25": "Christmas",
        "12-27": "a deferred mailing",
    },
    2025: {
        "01-01": "New Year's Day", "01-20": "Martin Luther King Day", "06-19": "Juneteenth",
        "07-06": "Independence Day", "09-01": "Labor Day", "11-27": "Thanksgiving", "12-25": "Christmas",
    },
}  # fmt: skip


@lru_cache(maxsize=4_096)  # planning a backfill asks for the days of a month again for each paper
def why_quiet(day: date) -> str:
    """Returns why arXiv's feeds are empty on `day`, in words; "" for an announcement day."""
    if day.weekday() >= _SATURDAY:
        return "arXiv announces nothing at weekends"
    holiday = _evenings_off(day.year).get(day - _DAY) or _evenings_off((day - _DAY).year).get(day - _DAY)
    return f"arXiv's holiday: no announcement in the evening of {holiday}" if holiday else ""


def is_announcement_day(day: date) -> bool:
    """Returns whether arXiv's feeds should carry this date: Monday to Friday, except for holidays."""
    return not why_quiet(day)


def announcement_days(after: date, before: date) -> list[date]:
    """Returns the announcement days between two dates, without both."""
    days = (after + timedelta(days=n) for n in range(1, (before - after).days))
    return [day for day in days if is_announcement_day(day)]


def due_date(now: datetime) -> date:
    """Returns the newest announcement date whose batch should be available at `now`."""
    local = now.astimezone(EASTERN)
    day = local.date() if local.time() >= PUBLISHED_AT else local.date() - _DAY
    return day if is_announcement_day(day) else before(day)


def mailed_at(day: date) -> datetime:
    """Returns the time (UTC) of the mailing of a date: in the evening before, hours before arXiv's feed shows it."""
    return datetime.combine(day - _DAY, MAILED_AT, EASTERN).astimezone(UTC)


def is_evening(now: datetime) -> bool:
    """Returns whether the next mailing may be out at `now`, while arXiv's feed still has the last one.

    Versions and categories are those of the next one then, everywhere.
    """
    local = now.astimezone(EASTERN).time()
    return local >= MAILED_AT or local < PUBLISHED_AT


def next_due(now: datetime) -> datetime:
    """Returns the time (UTC) of the next due batch after `now`."""
    day = due_date(now) + _DAY
    while not is_announcement_day(day):
        day += _DAY
    return due_at(day)


@lru_cache(maxsize=4_096)
def due_at(day: date) -> datetime:
    """Returns the time (UTC) at which the batch of an announcement day is due."""
    return datetime.combine(day, PUBLISHED_AT, EASTERN).astimezone(UTC)


def picks_due_date(now: datetime) -> date:
    """Returns the newest date whose daily papers Hugging Face should have at `now`: from noon (UTC) on, that day's."""
    return (now.astimezone(UTC) - PICKED_AFTER).date()


def picks_due_at(day: date) -> datetime:
    """Returns the time (UTC) from which Hugging Face should have the daily papers of a date."""
    return datetime.combine(day, time(), UTC) + PICKED_AFTER


@lru_cache(maxsize=4_096)
def before(day: date) -> date:
    """Returns the announcement day before `day`."""
    day -= _DAY
    while not is_announcement_day(day):
        day -= _DAY
    return day


def submission_window(day: date) -> tuple[datetime, datetime]:
    """Returns between which times (UTC) the papers of `day` were submitted, except for those that a moderator held.

    `day` has to be an announcement day.
    """
    return _deadline(before(day)), _deadline(day)


def announced_on(submitted: datetime) -> date:
    """Returns the announcement date of a paper by its time of submission, unless a moderator holds it."""
    day = submitted.astimezone(EASTERN).date()
    while not is_announcement_day(day) or _deadline(day) < submitted:
        day += _DAY
    return day


def _deadline(day: date) -> datetime:
    """Returns the deadline of submissions for an announcement day: 14:00 of the working day before it."""
    working = day - timedelta(days=3 if day.weekday() == _MONDAY else 1)
    return datetime.combine(working, DEADLINE, EASTERN).astimezone(UTC)


@cache
def _evenings_off(year: int) -> dict[date, str]:
    """Returns the evenings of a year without an announcement, with the holiday."""
    listed = _LISTED.get(year)
    if listed:
        return {date.fromisoformat(f"{year}-{day}"): name for day, name in listed.items()}
    return _usual(year)


def _usual(year: int) -> dict[date, str]:
    """Returns the expected evenings off of a year without a list: the holidays of the listed years."""
    return {
        date(year, 1, 1): "New Year's Day",
        _nth(year, 1, _MONDAY, 3): "Martin Luther King Day",
        date(year, 6, 19): "Juneteenth",
        date(year, 7, 4): "Independence Day",
        _nth(year, 9, _MONDAY, 1): "Labor Day",
        _nth(year, 11, _THURSDAY, 4): "Thanksgiving",
        date(year, 12, 25): "Christmas",
    }


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
