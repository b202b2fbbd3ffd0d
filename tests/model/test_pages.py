"""Catch-up pages entered into the batch of their date."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from core.model.batch import Announcement, Batch, make_batch
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.pages import Mention, PageKey, PageReading, enter_page, pages_to_read
from tests.support.invented import make_paper

FRIDAY = date(2026, 3, 6)
NOW = datetime(2026, 3, 7, 10, tzinfo=UTC)


def test_a_paper_that_is_new_on_its_page_is_no_late_cross_list() -> None:
    """A deployment with other categories saw it as a cross-list of old; its own category's page says that it is new."""
    paper = make_paper(7, "eess.SY", "cs.CV")
    batch = make_batch(FRIDAY, [Announcement(paper, "cross", "", "rss", relisted=True, into=("cs.CV",))])
    record = BatchRecord(FRIDAY, "complete", hash=batch.hash, categories={"cs.CV": CategoryState("complete")})
    reading = PageReading(PageKey(FRIDAY, "eess.SY"), (Mention("new", paper, 1),), "2026-03-07T10:00:00Z")
    entered = enter_page(Manifest(records={FRIDAY: record}), {FRIDAY: batch}, reading, NOW, timedelta(days=30))
    (found,) = entered.batches[FRIDAY].announcements
    assert ("new", False, (), "rss+catchup") == (found.served, found.relisted, found.into, found.source)


def test_an_empty_page_is_no_proof_however_often_it_is_read() -> None:
    """An empty page of a working day is asked for again, with growing pauses, until another witness agrees."""
    manifest, now = Manifest(), NOW
    for tries in range(1, 6):
        reading = PageReading(PageKey(FRIDAY, "cs.CV"), (), now.isoformat().replace("+00:00", "Z"))
        entered = enter_page(manifest, {}, reading, now, timedelta(days=30))
        manifest = Manifest(records={**manifest.records, **entered.records})
        note = manifest.get(FRIDAY).pages["cs.CV"]
        assert ("empty", tries) == (note.outcome, note.tries)
        assert "quiet" != manifest.get(FRIDAY).state
        asked = [PageKey(FRIDAY, "cs.CV") in pages_to_read(manifest, ["cs.CV"], now + pause, timedelta(days=30))
                 for pause in (timedelta(minutes=50), timedelta(days=4))]  # fmt: skip
        assert [False, True] == asked
        now += timedelta(days=4)


THURSDAY = date(2026, 3, 5)


def read_pages(
    *readings: PageReading, batches: dict[date, Batch], states: dict[str, CategoryState]
) -> dict[date, Batch]:
    """The batches after these readings, of dates of which arXiv's feed brought these categories."""
    records = {
        day: BatchRecord(day, "unconfirmed", hash=batch.hash, categories=states) for day, batch in batches.items()
    }
    manifest = Manifest(records=records)
    for reading in readings:
        entered = enter_page(manifest, batches, reading, NOW, timedelta(days=30))
        manifest = Manifest(records={**manifest.records, **entered.records})
        batches = {**batches, **entered.batches}
    return batches


def test_what_the_feed_showed_again_of_a_missed_day_is_removed() -> None:
    """A late cross-list and a replacement of Thursday, which was missed, and which Friday's stale feed had."""
    crossed, replaced = make_paper(1, "cs.RO", "cs.CV"), replace(make_paper(2, "cs.CV"), version=2)
    stale = [
        Announcement(crossed, "cross", "", "rss", relisted=True, into=("cs.CV",)),
        Announcement(replaced, "replace", "", "rss"),
    ]
    fresh = make_paper(9, "cs.CV")
    found = read_pages(
        PageReading(PageKey(FRIDAY, "cs.CV"), (Mention("new", fresh, 1),), "2026-03-07T10:00:00Z"),
        PageReading(
            PageKey(THURSDAY, "cs.CV"),
            (Mention("cross", crossed, 1), Mention("replace", replaced, 2)),
            "2026-03-07T10:00:15Z",
        ),
        batches={FRIDAY: make_batch(FRIDAY, stale)},
        states={"cs.CV": CategoryState("unconfirmed")},
    )
    ids = {day: [item.paper.id for item in batch.announcements] for day, batch in found.items()}
    assert {FRIDAY: [fresh.id], THURSDAY: [crossed.id, replaced.id]} == ids


def test_a_paper_was_not_in_a_category_before_it_was_listed_in_it() -> None:
    """Thursday's page has a paper that was listed in the category on Friday: it is of Friday alone."""
    paper = make_paper(5, "cs.RO", "cs.CV")
    mention = (Mention("cross", paper, 1),)
    found = read_pages(
        PageReading(PageKey(THURSDAY, "cs.CV"), mention, "2026-03-07T10:00:00Z"),
        PageReading(PageKey(FRIDAY, "cs.CV"), mention, "2026-03-07T10:00:15Z"),
        batches={FRIDAY: make_batch(FRIDAY, [Announcement(paper, "cross", "", "rss")])},
        states={"cs.CV": CategoryState("unconfirmed")},
    )
    assert () == found.get(THURSDAY, make_batch(THURSDAY, [])).announcements
    (item,) = found[FRIDAY].announcements
    assert (True, ("cs.CV",)) == (item.relisted, item.into)
