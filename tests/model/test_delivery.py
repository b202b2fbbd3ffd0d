"""When deliveries are due, and the log that keeps each of them from going twice."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.model.calendar import due_at
from core.model.delivery import PAUSES, TRIES_AT_MOST, Delivery, Log, due_days, due_weeks
from core.model.manifest import rfc3339

FRIDAY = date(2026, 3, 6)
ZONES = ("UTC", "Europe/Berlin", "Asia/Seoul", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu")


def delivery(at: clock = clock(7), zone: str = "UTC", **more: object) -> Delivery:
    return Delivery("mail", ("main",), "MAIL_TO", at=at, zone=ZoneInfo(zone), **more)  # type: ignore[arg-type]


# Hour and zone, and the first time at which Friday's batch may go: arXiv's is due at 00:20 in New York
HOURS = {
    ("07:00", "UTC"): "2026-03-06T07:00",
    ("07:00", "Europe/Berlin"): "2026-03-06T06:00",
    ("05:00", "Europe/Berlin"): "2026-03-07T04:00",
    ("08:00", "Asia/Seoul"): "2026-03-06T23:00",
    ("00:10", "America/New_York"): "2026-03-07T05:10",
}


@pytest.mark.parametrize(("at", "expected"), HOURS.items())
def test_hours(at: tuple[str, str], expected: str) -> None:
    """A day is due at the first such hour, in the zone, after its batch was due; and for a day and a half."""
    one = delivery(clock.fromisoformat(at[0]), at[1])
    time = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert "2026-03-06" not in [unit.name for unit in due_days(one, ["arxiv"], time - timedelta(minutes=1))]
    assert "2026-03-06" in [unit.name for unit in due_days(one, ["arxiv"], time)]
    assert "2026-03-06" in [unit.name for unit in due_days(one, ["arxiv"], time + timedelta(hours=38))]
    assert "2026-03-06" not in [unit.name for unit in due_days(one, ["arxiv"], time + timedelta(hours=40))]


def test_picks_are_due_at_weekends_too() -> None:
    """arXiv has no days at weekends, Hugging Face has; with both, a day waits for the later one."""
    sunday = datetime(2026, 3, 8, 13, tzinfo=UTC)
    assert ["2026-03-06"] == [
        unit.name for unit in due_days(delivery(), ["arxiv"], datetime(2026, 3, 7, 13, tzinfo=UTC))
    ]
    assert "2026-03-08" in [unit.name for unit in due_days(delivery(clock(12, 30)), ["huggingface"], sunday)]
    both = due_days(delivery(clock(7)), ["arxiv", "huggingface"], datetime(2026, 3, 6, 13, tzinfo=UTC))
    assert "2026-03-06" not in [unit.name for unit in both]


@given(some.times(), some.sampled_from(ZONES), some.dates(date(2025, 1, 1), date(2027, 12, 31)))
def test_each_day_has_one_hour(at: clock, zone: str, day: date) -> None:
    """Whatever the hour, zone and date, also when clocks are put forward: within a day and an hour after it is due."""
    one = delivery(at.replace(second=0, microsecond=0, tzinfo=None), zone)
    due = due_at(day)
    assert due <= one.first_after(due) <= due + timedelta(hours=25)


def test_weeks() -> None:
    """A week is due from the Monday after it, at the hour; ISO 8601 names it, also at the turn of the year."""
    weekly = delivery(clock(8), "Europe/Berlin", when="weekly")
    assert [] == due_weeks(weekly, datetime(2026, 3, 9, 6, tzinfo=UTC))
    assert ["2026-W10"] == [unit.name for unit in due_weeks(weekly, datetime(2026, 3, 9, 7, tzinfo=UTC))]
    assert ["2026-W53"] == [unit.name for unit in due_weeks(weekly, datetime(2027, 1, 4, 8, tzinfo=UTC))]


def test_failures_are_tried_again_later_and_later() -> None:
    """After each failure the pause grows; after the last one it is over. What was sent is never open again."""
    now, log = datetime(2026, 3, 6, 12, tzinfo=UTC), Log()
    for tries in range(1, TRIES_AT_MOST + 1):
        assert log.is_open("2026-03-06", now)
        log = log.claimed("2026-03-06", now).failed("2026-03-06", "refused", now, again=True)
        assert tries == log.marks["2026-03-06"].tries
        if tries < TRIES_AT_MOST:
            pause = timedelta(seconds=PAUSES[min(tries, len(PAUSES)) - 1])
            assert not log.is_open("2026-03-06", now + pause - timedelta(seconds=1))
            now += pause
    assert ("failed", False) == (log.marks["2026-03-06"].state, log.is_open("2026-03-06", now + timedelta(days=9)))
    assert not Log().done("2026-03-06", "sent", now).is_open("2026-03-06", now + timedelta(days=9))


def test_a_claim_of_a_killed_process_is_open() -> None:
    """Nobody knows whether its message went out: it goes again."""
    now = datetime(2026, 3, 6, 12, tzinfo=UTC)
    log = Log().claimed("2026-03-06", now)
    assert log.is_open("2026-03-06", now)
    assert Log.from_plain(log.to_plain()) == log


def test_old_marks_are_forgotten() -> None:
    """The log does not grow for years."""
    start, log = datetime(2026, 3, 6, 12, tzinfo=UTC), Log()
    for day in range(400):
        now = start + timedelta(days=day)
        log = log.done(now.date().isoformat(), "sent", now)
    assert 122 > len(log.marks) > 100
    assert log.marks[now.date().isoformat()].at == rfc3339(now)
