"""Entries that wait for their summaries: when a hold ends, and how long answers are true until then."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from core.model.entries import dates_in_hold, next_release
from core.model.feed import Feed
from core.model.freshness import validity_of
from core.model.manifest import BatchRecord, Manifest, rfc3339
from tests.support.tables import each_row

DAY = date(2026, 3, 6)
FETCHED = datetime(2026, 3, 6, 6, tzinfo=UTC)
FEED = Feed("main", "Main", ("cs.LG",), hold=True, hold_hours=5)


def manifest(updated: datetime, day: date = DAY) -> Manifest:
    """A manifest that was changed then, with a batch that was fetched at six."""
    record = BatchRecord(day, "complete", hash="abc", fetched=rfc3339(FETCHED))
    return Manifest(1, rfc3339(updated), {day: record})


@each_row(
    ("feed", "hours", "expected"),
    [
        (FEED, 0, True),
        (FEED, 4.9, True),
        (FEED, 5, False),
        (replace(FEED, hold_hours=6), 5, True),
        (replace(FEED, hold=False), 0, False),
        (replace(FEED, summary=""), 0, False),
        (replace(FEED, summaries=0), 0, False),
        (replace(FEED, source="huggingface"), 0, False),
    ],
)
def test_dates_in_hold(feed: Feed, hours: float, expected: bool) -> None:
    """A date is held for the hours from when its batch was fetched, as long as the manifest was not changed after."""
    known = manifest(FETCHED + timedelta(hours=hours))
    assert expected == (DAY in dates_in_hold(feed, known))
    end = FETCHED + timedelta(hours=feed.hold_hours)
    assert (end if expected else None) == next_release([feed], known)


def test_late_batches() -> None:
    """A date that was fetched days later is not held: its day is long over."""
    assert not dates_in_hold(FEED, manifest(FETCHED, DAY - timedelta(days=2)))


def test_freshness() -> None:
    """Answers are true until the hold ends."""
    validity = validity_of(manifest(FETCHED), FETCHED, (), [FEED])
    assert (True, 5 * 3600) == (validity.settled, replace(validity, gaps=False).freshness(FETCHED).seconds)
    assert [False, True] == [
        validity_of(manifest(FETCHED), FETCHED + timedelta(hours=hours), (), [FEED]).releases for hours in (4.9, 5)
    ]
