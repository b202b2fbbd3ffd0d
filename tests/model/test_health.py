"""Health: what is wrong, and whether its owner has to act."""

from datetime import UTC, date, datetime

import pytest

from core.model.freshness import due_of
from core.model.health import status_of, troubles
from core.model.ledger import Window
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.pages import PageKey
from tests.support.invented import FRIDAY, THURSDAY
from tests.support.tables import each_row

NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
MORNING = datetime(2026, 3, 6, 7, tzinfo=UTC)
WHOLE = {day: BatchRecord(day, "complete", hash="a") for day in (THURSDAY, FRIDAY)}
MONDAY_BEFORE = date(2026, 3, 2)


def friday(state: str) -> Manifest:
    """Thursday is whole, Friday is in a state."""
    return Manifest(records=WHOLE | {FRIDAY: BatchRecord(FRIDAY, state, "for a reason")})


def lacking(since: str) -> BatchRecord:
    """Monday before lacks a category, which is known since then."""
    states = {"cs.LG": CategoryState("complete"), "math.CO": CategoryState("partial", "not fetched", since=since)}
    return BatchRecord(MONDAY_BEFORE, "partial", hash="a", categories=states)


CASES = [
    # what there is, when, the status, the kinds of trouble
    (Manifest(records=WHOLE), NOON, "ok", []),
    (Manifest(), NOON, "degraded", ["empty"]),
    (Manifest(error={"reason": "HTTP 503", "time": "2026-03-06T06:00:00Z"}), NOON, "failing", ["empty"]),
    (friday("failed"), MORNING, "degraded", ["due"]),
    (friday("failed"), NOON, "failing", ["due"]),
    (friday("partial"), MORNING, "degraded", ["due"]),
    (friday("partial"), NOON, "failing", ["due"]),
    (friday("waiting"), MORNING, "degraded", ["due"]),
    (friday("quiet"), NOON, "degraded", ["due"]),
    (Manifest(records={THURSDAY: WHOLE[THURSDAY]}), MORNING, "degraded", ["due"]),
    (Manifest(records={MONDAY_BEFORE: BatchRecord(MONDAY_BEFORE, "complete", hash="a")}), NOON, "failing", ["asleep"]),
    (Manifest(records=WHOLE | {THURSDAY: BatchRecord(THURSDAY, "failed", "missed")}), NOON, "degraded", ["gap"]),
    (Manifest(records=WHOLE | {MONDAY_BEFORE: BatchRecord(MONDAY_BEFORE, "failed")}), NOON, "failing", ["gap"]),
    (Manifest(records=WHOLE | {MONDAY_BEFORE: lacking("2026-03-06T09:00:00Z")}), NOON, "failing", ["gap"]),
    (Manifest(records=WHOLE | {MONDAY_BEFORE: lacking("2026-03-06T16:00:00Z")}), NOON, "degraded", ["gap"]),
    (Manifest(records=WHOLE | {date(2026, 3, 1): BatchRecord(date(2026, 3, 1), "quiet")}), NOON, "ok", []),
    (
        Manifest(records=WHOLE, picks={FRIDAY: BatchRecord(FRIDAY, "failed", "HTTP 500")}),
        NOON,
        "degraded",
        ["huggingface"],
    ),
    (
        Manifest(records=WHOLE, picks={MONDAY_BEFORE: BatchRecord(MONDAY_BEFORE, "failed", "HTTP 500")}),
        NOON,
        "failing",
        ["huggingface"],
    ),
]


@each_row(("manifest", "now", "status", "kinds"), CASES)
def test_states(manifest: Manifest, now: datetime, status: str, kinds: list[str]) -> None:
    """What passes by itself degrades; what does not, or lasts too long, is for the owner."""
    found = troubles(manifest, [], now)
    assert (status, kinds) == (status_of(found), [trouble.kind for trouble in found])
    assert all(trouble.detail and (trouble.mend or trouble.kind == "empty") for trouble in found)


def test_what_is_owed() -> None:
    """That the API is still to be asked is said with the number of dates, and passes by itself."""
    (trouble,) = troubles(Manifest(records=WHOLE), [Window(FRIDAY, ("cs.LG",)), Window(THURSDAY, ("cs.LG",))], NOON)
    assert "2 dates, 2026-03-05 to 2026-03-06" in trouble.detail
    assert not trouble.act


def test_pages_that_are_still_to_be_read() -> None:
    """So is what the catch-up pages are still to be read for."""
    pending = [Window(FRIDAY, ("cs.LG",)), PageKey(THURSDAY, "cs.LG"), PageKey(THURSDAY, "cs.CL")]
    (trouble,) = troubles(Manifest(records=WHOLE), pending, NOON)
    assert "asked for 2026-03-06; its catch-up pages are still to be read for 2026-03-05" in trouble.detail


def test_the_store() -> None:
    """A store that does not answer comes first, and is for the owner; what it said is not shown."""
    found = troubles(friday("failed"), [], MORNING, store_error="redis://secret@host refused")
    assert ["store", "due"] == [trouble.kind for trouble in found]
    assert "failing" == status_of(found)
    assert "secret" not in "".join(trouble.detail + trouble.mend for trouble in found)


@pytest.mark.parametrize(
    ("picks", "status", "kinds"),
    [
        ({}, "degraded", ["empty"]),
        ({FRIDAY: BatchRecord(FRIDAY, "complete", hash="a")}, "ok", []),
        ({date(2026, 3, 1): BatchRecord(date(2026, 3, 1), "complete", hash="a")}, "failing", ["asleep"]),
    ],
)
def test_feeds_of_hugging_face_alone(picks: dict[date, BatchRecord], status: str, kinds: list[str]) -> None:
    """Where no feed is made of arXiv's announcements, only what Hugging Face lacks is wrong."""
    found = troubles(Manifest(picks=picks), [], NOON, sources={"huggingface"})
    assert (status, kinds) == (status_of(found), [trouble.kind for trouble in found])


@pytest.mark.parametrize(
    ("hour", "due", "following"),
    [(11, "2026-03-05", "2026-03-06T12:00:00+00:00"), (12, "2026-03-06", "2026-03-07T12:00:00+00:00")],
)
def test_picks_are_due_at_noon(hour: int, due: str, following: str) -> None:
    """Hugging Face's papers of a date are due from its noon on, also at weekends."""
    found = due_of(datetime(2026, 3, 6, hour, tzinfo=UTC), {"huggingface"})
    assert (due, following) == (found.date.isoformat(), found.following.isoformat())
