"""What readers of a feed learn of days that are missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.model.feed import Feed
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.notice import notice_of
from tests.support.invented import FRIDAY, THURSDAY
from tests.support.tables import each_row

NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
DUE = datetime(2026, 3, 6, 5, 20, tzinfo=UTC)
FEED = Feed("main", "Main", ("cs.LG",))
WHOLE = BatchRecord(THURSDAY, "complete", hash="a", categories={"cs.LG": CategoryState("complete")})


def record(state: str, day: date = FRIDAY, **categories: CategoryState) -> BatchRecord:
    """A record of a date in a state; names of categories have _ for their point."""
    states = {name.replace("_", "."): value for name, value in categories.items()}
    return BatchRecord(day, state, "it is so", "b" if state in ("complete", "partial") else "", categories=states)


def told(friday: BatchRecord | None, now: datetime = NOON, feed: Feed = FEED) -> list[str]:
    """What is said where Thursday is whole, and Friday is so."""
    records = {THURSDAY: WHOLE} | ({FRIDAY: friday} if friday else {})
    notice = notice_of(Manifest(records=records), feed, now)
    return [f"{day}: {reason}" for day, reason in notice.dates] if notice else []


OK, DOWN = CategoryState("complete"), CategoryState("failed", "HTTP 503")
STATES = [
    (None, ["2026-03-06: its announcements were not fetched yet"]),
    (record("complete", cs_LG=OK), []),
    (record("complete", cs_LG=CategoryState("quiet")), []),
    (record("failed", cs_LG=DOWN), ["2026-03-06: cs.LG is failed: HTTP 503"]),
    (record("waiting"), ["2026-03-06: it is so"]),
    (record("quiet"), ["2026-03-06: it is so"]),
    (record("partial", cs_LG=OK, cs_CL=DOWN), []),  # a category that this feed does not have
    (record("partial", cs_LG=DOWN, cs_CL=OK), ["2026-03-06: cs.LG is failed: HTTP 503"]),
    (record("failed", cs_LG=DOWN, cs=DOWN), ["2026-03-06: cs.LG, cs are failed: HTTP 503"]),
    (record("quiet", cs_LG=CategoryState("quiet", "nothing", source="api")), []),
    (record("partial", cs=DOWN), ["2026-03-06: cs is failed: HTTP 503"]),  # fetched as a whole archive
]


@each_row(("friday", "expected"), STATES)
def test_what_is_told(friday: BatchRecord | None, expected: list[str]) -> None:
    """A feed tells of its due day if one of its own categories is not settled, with the reason."""
    assert expected == told(friday)


@pytest.mark.parametrize(
    ("friday", "starting"),
    [(None, False), (record("failed", cs_LG=DOWN), False), (record("complete", cs_CL=OK), True)],
)
def test_a_feed_of_new_categories(friday: BatchRecord | None, starting: bool) -> None:
    """A feed whose categories were never fetched is at its start; one that lacks what failed is not."""
    notice = notice_of(Manifest(records={THURSDAY: WHOLE} | ({FRIDAY: friday} if friday else {})), FEED, NOON)
    assert notice is not None
    assert starting is notice.starting


def test_a_feed_of_an_archive() -> None:
    """A feed of a whole archive is concerned by each of its categories."""
    everything = replace(FEED, categories=("cs",))
    assert ["2026-03-06: cs.CL is failed: HTTP 503"] == told(record("partial", cs_LG=OK, cs_CL=DOWN), feed=everything)


@pytest.mark.parametrize(("minutes", "expected"), [(0, 0), (59, 0), (60, 1), (600, 1)])
def test_an_hour_of_grace(minutes: int, expected: int) -> None:
    """Nothing is said in the first hour after the batch was due: arXiv is often late."""
    assert expected == len(told(record("waiting"), DUE + timedelta(minutes=minutes)))


def test_past_days() -> None:
    """Days of the last week that are not whole are named too, older ones are not."""
    days = [date(2026, 2, 26), date(2026, 3, 2), date(2026, 3, 4)]
    records = {day: record("failed", day, cs_LG=DOWN) for day in days} | {FRIDAY: record("complete", cs_LG=OK)}
    notice = notice_of(Manifest(records=records), FEED, NOON)
    assert notice is not None
    assert days[:0:-1] == [day for day, _ in notice.dates]
    assert "not complete for 2026-03-04, 2026-03-02" in notice.title
    assert notice.time <= NOON


def test_weekends_and_holidays() -> None:
    """Where the calendar has nothing due, nothing is missing."""
    sunday = datetime(2026, 3, 8, 17, tzinfo=UTC)
    assert [] == told(record("complete", cs_LG=OK), sunday)


@pytest.mark.parametrize(
    ("picks", "expected"),
    [
        ({}, "Hugging Face was not asked yet; the next refresh does that"),
        ({FRIDAY: BatchRecord(FRIDAY, "failed", "HTTP 500")}, "HTTP 500"),
        ({FRIDAY: BatchRecord(FRIDAY, "complete", hash="c")}, ""),
        ({FRIDAY: BatchRecord(FRIDAY, "quiet", "none")}, ""),
    ],
)
def test_picks(picks: dict[date, BatchRecord], expected: str) -> None:
    """A feed of Hugging Face tells that it was not asked, or did not deliver, and nothing of arXiv."""
    daily = replace(FEED, source="huggingface", categories=())
    notice = notice_of(Manifest(picks=picks, records={FRIDAY: record("failed", cs_LG=DOWN)}), daily, NOON)
    assert expected == (notice.dates[0][1] if notice else "")
