"""Catch-up pages entered into the batch of their date."""

from datetime import UTC, date, datetime, timedelta

from core.model.batch import Announcement, make_batch
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.pages import Mention, PageKey, PageReading, enter_page
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
