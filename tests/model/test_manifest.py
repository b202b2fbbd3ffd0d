"""The manifest: what is known of which date."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import strategies as st

from core.model.calendar import EASTERN
from core.model.manifest import BATCH_STATES, BatchRecord, CategoryCount, CategoryState, Manifest, rfc3339
from tests.support.invented import FRIDAY, THURSDAY
from tests.support.tables import each_row

NOW = datetime(2026, 3, 6, 17, 30, 5, 999999, tzinfo=UTC)
MONTH = timedelta(days=30)

texts = st.text(max_size=10)
counts = st.dictionaries(texts, st.dictionaries(texts, st.integers(0, 999), max_size=2), max_size=2)
words = st.dictionaries(texts, texts, max_size=2)
records = st.builds(
    BatchRecord,
    date=st.dates(date(2026, 1, 1), date(2026, 2, 1)),
    state=st.sampled_from(BATCH_STATES),
    reason=texts,
    hash=texts,
    total=st.integers(0, 9999),
    counts=counts,
    fetched=texts,
    rejected=st.lists(words, max_size=2).map(tuple),
    validators=st.dictionaries(texts, words, max_size=2),
    categories=st.dictionaries(
        texts, st.builds(CategoryState, st.sampled_from(BATCH_STATES), texts, texts), max_size=2
    ),
    read=words,
    ledger=st.dictionaries(texts, st.builds(CategoryCount, *[st.integers(0, 999)] * 4), max_size=2),
    late=st.integers(0, 9),
)


def test_unknown_dates_are_expected() -> None:
    """A date that nothing is known of is "expected", without a batch."""
    assert BatchRecord(FRIDAY, "expected") == Manifest().get(FRIDAY)


def test_known_dates() -> None:
    """What is known of a date is found under it."""
    record = BatchRecord(FRIDAY, "partial", hash="abc")
    assert record == Manifest(records={FRIDAY: record}).get(FRIDAY)


def test_stored_are_those_with_a_batch_newest_first() -> None:
    """Records without a batch are not stored; the others come newest first."""
    first, second = BatchRecord(THURSDAY, "complete", hash="a"), BatchRecord(FRIDAY, "partial", hash="b")
    monday = BatchRecord(date(2026, 3, 9), "failed")
    assert [second, first] == Manifest(records={r.date: r for r in (first, monday, second)}).stored


@each_row("state", BATCH_STATES)
def test_what_is_settled(state: str) -> None:
    """Nothing more is expected of a batch whose category a witness had wholly."""
    record = BatchRecord(FRIDAY, "partial", hash="a", categories={"cs.LG": CategoryState(state)})
    assert (state in ("complete", "unconfirmed", "quiet")) is record.settled(("cs.LG",))


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2026, 3, 7), True), (date(2026, 1, 2), True), (FRIDAY, False)], ids=str
)
def test_quiet_days(day: date, expected: bool) -> None:
    """A weekend or holiday stays quiet; on a working day an empty feed may be a late one."""
    assert expected is BatchRecord(day, "quiet").settled(("cs.LG",))
    assert ("quiet" if expected else "expected") == Manifest().get(day).state
    assert expected is bool(Manifest().get(day).reason)


@pytest.mark.parametrize(
    ("categories", "expected"),
    [((), True), (("cs.LG",), True), (("cs.LG", "cs.CL"), True), (("cs.LG", "cs.RO"), False), (("cs.RO",), False)],
)
def test_settled_in_the_categories_it_was_fetched_for(categories: tuple[str, ...], expected: bool) -> None:
    """A complete batch is not settled in a category that was added after it was fetched."""
    states = {"cs.LG": CategoryState("complete"), "cs.CL": CategoryState("quiet")}
    record = BatchRecord(FRIDAY, "complete", hash="a", categories=states)
    assert expected is record.settled(categories)


def test_changes() -> None:
    """A change puts its records in place, counts the version up, and notes the time and the error."""
    old, kept = BatchRecord(FRIDAY, "waiting", "late"), BatchRecord(THURSDAY, "complete", hash="a")
    before = Manifest(7, "2026-03-05T05:30:00Z", {FRIDAY: old, THURSDAY: kept}, {"reason": "old error"})
    new = BatchRecord(FRIDAY, "complete", hash="b")
    error = {"time": "2026-03-06T17:30:05Z", "reason": "new error"}
    expected = Manifest(8, "2026-03-06T17:30:05Z", {FRIDAY: new, THURSDAY: kept}, error)
    assert expected == before.changed([new], now=NOW, retention=MONTH, error=error)
    assert {FRIDAY: old, THURSDAY: kept} == before.records


def test_error_is_forgotten_when_mended() -> None:
    """A change without an error clears the last one."""
    assert Manifest(error={"reason": "old error"}).changed([], now=NOW, retention=MONTH).error == {}


@pytest.mark.parametrize(
    ("updated", "expected"),
    [
        ("", "2026-03-06T17:30:05Z"),
        ("2026-03-06T05:20:00Z", "2026-03-06T17:30:05Z"),
        ("2026-03-06T17:30:05Z", "2026-03-06T17:30:06Z"),
        ("2026-03-07T00:00:00Z", "2026-03-07T00:00:01Z"),
    ],
)
def test_other_rules_are_a_change(updated: str, expected: str) -> None:
    """Under other rules a manifest is another version, changed now, and in any case later than it was."""
    before = Manifest(7, updated, {FRIDAY: BatchRecord(FRIDAY, "complete")}, {"reason": "error"}, "old rules")
    changed = before.under("new rules", NOW)
    assert changed == Manifest(8, expected, before.records, before.error, "new rules")
    assert changed.changed([], now=NOW, retention=MONTH).rules == "new rules"


@pytest.mark.parametrize(
    ("days", "kept"),
    [(0, [6]), (1, [5, 6]), (3, [3, 4, 5, 6]), (30, [2, 3, 4, 5, 6])],
)
def test_retention(days: int, kept: list[int]) -> None:
    """Dates that lie further before the newest one than the retention are forgotten."""
    known = {date(2026, 3, n): BatchRecord(date(2026, 3, n), "complete") for n in range(2, 6)}
    manifest = Manifest(records=known).changed(
        [BatchRecord(FRIDAY, "complete")], now=NOW, retention=timedelta(days=days)
    )
    assert [date(2026, 3, n) for n in kept] == sorted(manifest.records)


def test_nothing_is_forgotten_while_nothing_new_comes() -> None:
    """Retention counts from the newest known date, not from today: an old manifest stays whole."""
    known = {FRIDAY: BatchRecord(FRIDAY, "complete")}
    assert known == Manifest(records=known).changed([], now=NOW + timedelta(days=400), retention=MONTH).records


def test_plain_form_leaves_out_what_is_empty() -> None:
    """A record's empty fields are not written down."""
    plain = Manifest(1, "x", {FRIDAY: BatchRecord(FRIDAY, "waiting")}, rules="abc").to_plain()
    records = {"2026-03-06": {"state": "waiting"}}
    rest = {"error": {}, "rules": "abc", "picks": {}, "analyses": {}}
    assert plain == {"version": 1, "updated": "x", "records": records} | rest


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOW, "2026-03-06T17:30:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 3, 6, tzinfo=EASTERN), "2026-03-06T05:00:00Z"),
        (datetime(2026, 3, 9, tzinfo=EASTERN), "2026-03-09T04:00:00Z"),
    ],
)
def test_times_are_written_in_utc(moment: datetime, expected: str) -> None:
    """A moment is written as RFC 3339 in UTC, in whatever zone it came."""
    assert expected == rfc3339(moment)
