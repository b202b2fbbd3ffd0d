"""When which announcement date is due: around midnight in New York, over weekends and clock changes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import due_date, is_announcement_day, midnight, next_due, submission_window
from tests.domain import law

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
    # the same moments told by clocks elsewhere
    ("2026-03-06T05:19:59+00:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-06T05:20:00+00:00", "2026-03-06", "2026-03-09T04:20:00"),
    ("2026-03-06T14:19:59+09:00", "2026-03-05", "2026-03-06T05:20:00"),
    ("2026-03-09T17:20:00+13:00", "2026-03-09", "2026-03-10T04:20:00"),
    # over the turn of a year
    ("2025-12-31T23:00:00-05:00", "2025-12-31", "2026-01-01T05:20:00"),
    ("2026-01-01T05:20:00+00:00", "2026-01-01", "2026-01-02T05:20:00"),
]

moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(("now", "due", "following"), MOMENTS)
def test_what_is_due(now: str, due: str, following: str) -> None:
    """A batch is due twenty minutes after midnight in New York, Monday to Friday."""
    moment = datetime.fromisoformat(now)
    assert date.fromisoformat(due) == due_date(moment)
    assert datetime.fromisoformat(following).replace(tzinfo=UTC) == next_due(moment)
    assert timedelta(0) == next_due(moment).utcoffset()


@law
@given(moments)
def test_next_due_is_when_due_date_changes(now: datetime) -> None:
    """What is due stays the same until the next batch is due, and is another announcement day from then on."""
    following = next_due(now)
    assert now < following <= now + timedelta(days=3, hours=1)
    assert due_date(now) == due_date(following - timedelta(microseconds=1))
    assert due_date(now) < due_date(following)
    assert is_announcement_day(due_date(now))
    assert is_announcement_day(due_date(following))


@law
@given(moments, moments)
def test_due_date_never_goes_back(one: datetime, other: datetime) -> None:
    """The later it is, the later (or equal) the date that is due."""
    assert due_date(min(one, other)) <= due_date(max(one, other))


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-03-06", "2026-03-06T00:00:00-05:00"), ("2026-03-09", "2026-03-09T00:00:00-04:00")],
)
def test_midnight(day: str, expected: str) -> None:
    """A batch's time is midnight in New York, in winter and in summer."""
    assert expected == midnight(date.fromisoformat(day)).isoformat()


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-03-02", "2026-02-26T19:00", "2026-02-27T19:00"),  # Monday: Thursday 14:00 to Friday 14:00
        ("2026-03-03", "2026-02-27T19:00", "2026-03-02T19:00"),  # Tuesday: the weekend too
        ("2026-03-04", "2026-03-02T19:00", "2026-03-03T19:00"),
        ("2026-03-06", "2026-03-04T19:00", "2026-03-05T19:00"),
        ("2026-03-10", "2026-03-06T19:00", "2026-03-09T18:00"),  # the clocks went forward in between
    ],
)
def test_submission_window(day: str, first: str, last: str) -> None:
    """A date announces what was submitted since the deadline of the date before, 14:00 in New York."""
    window = submission_window(date.fromisoformat(day))
    assert (first, last) == tuple(f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}" for moment in window)


def test_submission_windows_have_no_gaps() -> None:
    """Every moment belongs to one announcement date."""
    days = [day for n in range(400) if is_announcement_day(day := date(2025, 12, 1) + timedelta(days=n))]
    windows = [submission_window(day) for day in days]
    assert [last for _, last in windows[:-1]] == [first for first, _ in windows[1:]]
