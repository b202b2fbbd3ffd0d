"""When which announcement date is due: around midnight in New York, over weekends and clock changes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.calendar import (
    EASTERN,
    announced_on,
    announcement_days,
    due_at,
    due_date,
    is_announcement_day,
    next_due,
    submission_window,
    why_quiet,
)
from tests.support.tables import each_row

# In 2026 the clocks of New York go forward on Sunday, 8 March and back on Sunday, 1 November
MOMENTS = [
    # now, the date that is due, when the next one is (UTC)
    ("2026-03-05T12:00:00-05:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-05T23:59:59-05:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-06T00:00:00-05:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-06T00:19:59-05:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-06T00:20:00-05:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-06T23:59:59-05:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-07T00:20:00-05:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-08T01:59:59-05:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-08T03:00:00-04:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-09T00:19:59-04:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-09T00:20:00-04:00", "2026-03-09", "2026-03-10T04:20:00"),
    ("2026-10-30T00:20:00-04:00", "2026-10-30", "2026-11-02T05:20:00"),
    ("2026-11-01T01:30:00-04:00", "2026-10-30", "2026-11-02T05:20:00"),
    ("2026-11-01T01:30:00-05:00", "2026-10-30", "2026-11-02T05:20:00"),
    ("2026-11-02T00:19:00-05:00", "2026-10-30", "2026-11-02T05:20:00"),
    ("2026-11-02T00:20:00-05:00", "2026-11-02", "2026-11-03T05:20:00"),
    # the same moments by clocks elsewhere
    ("2026-03-06T05:19:59+00:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-06T05:20:00+00:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-06T14:19:59+09:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-09T17:20:00+13:00", "2026-03-09", "2026-03-10T04:20:00"),
    # over the turn of a year
    ("2025-12-31T23:00:00-05:00", "2025-12-31", "2026-01-01T05:20:00"),
    ("2026-01-01T05:20:00+00:00", "2026-01-01", "2026-01-05T05:20:00"),
]

moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


# around holidays: the date after an evening off is none
HOLIDAYS = [
    # (a date that is none, the holiday), (what is due at its noon, the next date)
    ("2025-07-07", "Independence Day", "2025-07-04", "2025-07-08"),  # a Sunday evening, by arXiv's list
    ("2023-06-15", "a deferred mailing", "2023-06-14", "2023-06-16"),  # no holiday, by arXiv's list
    ("2025-11-28", "Thanksgiving", "2025-11-27", "2025-12-01"),
    ("2025-12-26", "Christmas", "2025-12-25", "2025-12-29"),
    ("2026-01-02", "New Year's Day", "2026-01-01", "2026-01-05"),  # no list: by the rule
    ("2026-01-20", "Martin Luther King Day", "2026-01-19", "2026-01-21"),
    ("2026-09-08", "Labor Day", "2026-09-07", "2026-09-09"),
    ("2027-11-26", "Thanksgiving", "2027-11-25", "2027-11-29"),
]


@each_row(("day", "holiday", "due", "following"), HOLIDAYS)
def test_holidays(day: str, holiday: str, due: str, following: str) -> None:
    """On the date after an evening without announcement nothing is due, and the calendar says which holiday it was."""
    noon = datetime.fromisoformat(f"{day}T17:00:00Z")
    assert why_quiet(date.fromisoformat(day)).endswith(f"the evening of {holiday}")
    assert date.fromisoformat(due) == due_date(noon)
    assert due_at(date.fromisoformat(following)) == next_due(noon)


# Feed date, and between which times in New York the papers were submitted that it announces
WINDOWS = [
    ("2026-03-03", "2026-02-27T14:00", "2026-03-02T14:00"),  # a Tuesday has the weekend's
    ("2026-03-04", "2026-03-02T14:00", "2026-03-03T14:00"),
    ("2026-03-06", "2026-03-04T14:00", "2026-03-05T14:00"),
    ("2026-03-09", "2026-03-05T14:00", "2026-03-06T14:00"),  # a Monday has Friday's until the afternoon
    ("2025-12-29", "2025-12-24T14:00", "2025-12-26T14:00"),  # and what Christmas put off
]


@pytest.mark.parametrize(("day", "start", "end"), WINDOWS)
def test_submission_windows(day: str, start: str, end: str) -> None:
    """arXiv's table of deadlines: what was submitted until 14:00 of a working day is announced that evening."""
    expected = tuple(datetime.fromisoformat(time).replace(tzinfo=EASTERN).astimezone(UTC) for time in (start, end))
    assert expected == submission_window(date.fromisoformat(day))


@given(moments)
def test_a_submission_is_announced_once(submitted: datetime) -> None:
    """Every moment is in the window of just the date on which what was submitted then is announced."""
    day = announced_on(submitted)
    start, end = submission_window(day)
    assert is_announcement_day(day)
    assert start < submitted <= end
    assert end == submission_window(next(iter(announcement_days(day, day + timedelta(days=9)))))[0]


@each_row(("now", "due", "following"), MOMENTS)
def test_what_is_due(now: str, due: str, following: str) -> None:
    """A batch is due twenty minutes after midnight in New York, Monday to Friday."""
    moment = datetime.fromisoformat(now)
    assert date.fromisoformat(due) == due_date(moment)
    assert datetime.fromisoformat(following).replace(tzinfo=UTC) == next_due(moment)
    assert timedelta(0) == next_due(moment).utcoffset()


@given(moments)
def test_next_due_is_when_due_date_changes(now: datetime) -> None:
    """What is due stays the same until the next batch is due, and is another announcement day from then on."""
    following = next_due(now)
    assert now < following <= now + timedelta(days=4, hours=1)
    assert due_date(now) == due_date(following - timedelta(microseconds=1))
    assert due_date(now) < due_date(following)
    assert is_announcement_day(due_date(now))
    assert is_announcement_day(due_date(following))


@given(moments, moments)
def test_due_date_never_goes_back(one: datetime, other: datetime) -> None:
    """The later it is, the later (or equal) the date that is due."""
    assert due_date(min(one, other)) <= due_date(max(one, other))


@each_row(
    ("day", "expected"),
    [
        ("2026-03-02", True),
        ("2026-03-03", True),
        ("2026-03-04", True),
        ("2026-03-05", True),
        ("2026-03-06", True),
        ("2026-03-07", False),
        ("2026-03-08", False),
    ],
)
def test_announcement_days(day: str, expected: bool) -> None:
    """arXiv's feeds carry Mondays to Fridays."""
    assert expected is is_announcement_day(date.fromisoformat(day))
