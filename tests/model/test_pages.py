"""Catch-up pages entered into the batch of their date."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.model.batch import Announcement, Batch, announce_type, announced_in, make_batch
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.pages import Mention, PageKey, PageReading, enter_page, pages_to_read
from core.model.reconcile import recorded
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


RSS = CategoryState("unconfirmed")
AT = "2026-03-07T10:00:00Z"


def on_page(day: date, category: str, *mentions: Mention) -> PageReading:
    return PageReading(PageKey(day, category), mentions, AT)


def kinds(batch: Batch | None) -> list[tuple[str, str, tuple[str, ...]]]:
    """The announcements of a batch: identifier with version, type, and the categories of a late cross-list."""
    return [(item.paper.versioned, item.served, item.into) for item in (batch.announcements if batch else ())]


def test_what_only_a_further_page_of_a_missed_date_has_is_kept() -> None:
    """A date without a batch, whose first page was another category's: a new paper that has come to that one since."""
    paper = make_paper(5, "eess.SY", "math.NA")
    crossed = Announcement(paper, "cross", "", "rss+catchup", relisted=True, into=("math.NA",))
    found = read_pages(
        on_page(THURSDAY, "math.NA", Mention("cross", paper, 1)),
        on_page(THURSDAY, "eess.SY", Mention("new", paper, 1)),
        batches={FRIDAY: make_batch(FRIDAY, [crossed])},
        states={"math.NA": RSS},
    )
    assert [("2601.00005v1", "new", ())] == kinds(found.get(THURSDAY))
    assert [("2601.00005v1", "cross", ("math.NA",))] == kinds(found[FRIDAY])


def test_a_late_cross_list_into_the_only_other_category_is_kept() -> None:
    """The feed left it out, and nothing else. The page of the paper's only other category has it: it came into that."""
    old, two = make_paper(1, "stat.ML", "cs.LG"), make_paper(2, "stat.ML", "cs.LG", "cs.RO")
    batches = {
        THURSDAY: make_batch(THURSDAY, [Announcement(make_paper(5, "cs.LG"), "new")]),
        FRIDAY: make_batch(FRIDAY, [Announcement(make_paper(9, "cs.LG"), "new")]),
    }
    manifest = Manifest(records={day: recorded(BatchRecord(day, "expected"), batch, {"cs.LG": RSS}, AT)
                                 for day, batch in batches.items()})  # fmt: skip
    fresh = Mention("new", make_paper(9, "cs.LG"), 1)
    for paper, expected in ((old, ("2601.00001v1", "cross", ("cs.LG",))), (two, None)):
        reading = on_page(FRIDAY, "cs.LG", fresh, Mention("cross", paper, 1))
        entered = enter_page(manifest, batches, reading, NOW, timedelta(days=30))
        found = [item for item in kinds(entered.batches.get(FRIDAY, batches[FRIDAY])) if "00009" not in item[0]]
        assert ([expected] if expected else []) == found


@pytest.mark.parametrize("newest_first", [True, False])
def test_what_a_whole_feed_lacked_was_listed_later(*, newest_first: bool) -> None:
    """The page of Thursday has a paper that came into the category on Friday, and the feed of Thursday had not."""
    paper, known = make_paper(7, "cs.IT", "cs.LG", "physics.comp-ph"), make_paper(6, "cs.LG")
    batches = {
        THURSDAY: make_batch(THURSDAY, [Announcement(known, "new")]),
    }
    records = {THURSDAY: recorded(BatchRecord(THURSDAY, "expected"), batches[THURSDAY], {"cs.LG": RSS}, AT)}
    readings = [
        on_page(FRIDAY, "cs.LG", Mention("new", make_paper(9, "cs.LG"), 1), Mention("cross", paper, 1)),
        on_page(THURSDAY, "cs.LG", Mention("new", known, 1), Mention("cross", paper, 1)),
    ]
    manifest = Manifest(records=records)
    for reading in readings if newest_first else [*reversed(readings), readings[0]]:
        entered = enter_page(manifest, batches, reading, NOW, timedelta(days=30))
        manifest = Manifest(records={**manifest.records, **entered.records})
        batches = {**batches, **entered.batches}
    assert [("2601.00006v1", "new", ())] == kinds(batches[THURSDAY])
    assert ("2601.00007v1", "cross") in [item[:2] for item in kinds(batches[FRIDAY])]


def test_a_replacement_that_its_page_has_as_a_cross_list() -> None:
    """Friday's feed still had the replacement of Thursday, which was missed; on Friday it was listed in one more
    category. Its Friday is no replacement once Thursday's page has that; until then it stays one.
    """
    paper = replace(make_paper(1, "cs.CL", "cs.LG", "stat.ML"), version=2)
    fresh, states = make_paper(9, "cs.LG"), {"cs.CL": RSS, "cs.LG": RSS}
    of_friday = on_page(FRIDAY, "cs.LG", Mention("new", fresh, 1), Mention("cross", paper, 2))
    stale = {FRIDAY: make_batch(FRIDAY, [Announcement(paper, "replace"), Announcement(fresh, "new")])}
    found = read_pages(of_friday, batches=stale, states=states)
    assert ("2601.00001v2", "replace", ()) in kinds(found[FRIDAY])
    found = read_pages(
        of_friday, on_page(THURSDAY, "cs.LG", Mention("replace", paper, 2)), batches=stale, states=states
    )
    assert [("2601.00001v2", "replace", ())] == kinds(found[THURSDAY])
    assert "replace" not in [item[1] for item in kinds(found[FRIDAY])]


@pytest.mark.parametrize("replaced_first", [True, False])
def test_a_paper_that_is_replaced_and_listed_in_one_more_category_by_one_mailing(*, replaced_first: bool) -> None:
    """Whichever page is read first: it is a replacement in its old categories, and a cross-list in the new one."""
    paper = replace(make_paper(1, "cs.CL", "cs.LG"), version=2)
    pages = [
        on_page(FRIDAY, "cs.CL", Mention("new", make_paper(8, "cs.CL"), 1), Mention("replace", paper, 2)),
        on_page(FRIDAY, "cs.LG", Mention("new", make_paper(9, "cs.LG"), 1), Mention("cross", paper, 2)),
    ]
    before = make_batch(THURSDAY, [Announcement(make_paper(5, "cs.LG"), "new")])
    found = read_pages(*(pages if replaced_first else pages[::-1]), batches={THURSDAY: before}, states={"cs.LG": RSS})
    (item,) = [item for item in found[FRIDAY].announcements if item.paper.id == paper.id]
    assert ("replace", 2, ("cs.LG",)) == (item.served, item.paper.version, item.into)
    assert ["replace", "cross", "replace"] == [
        announce_type(item, names) for names in (("cs.CL",), ("cs.LG",), ("cs.CL", "cs.LG"))
    ]
    assert announced_in(item, ("cs.CL",))
    assert announced_in(item, ("cs.LG",))


def test_a_replacement_that_is_a_cross_list_too_was_not_in_that_category_before() -> None:
    """The page of the first announcement has the categories of now; the feed of the replacement says which one came."""
    paper = replace(make_paper(5, "cs.CV", "cs.CL"), version=2)
    listed = Announcement(paper, "replace", source="rss+catchup", into=("cs.CL",))
    found = read_pages(
        on_page(THURSDAY, "cs.CV", Mention("new", paper, 2)),
        on_page(THURSDAY, "cs.CL", Mention("new", make_paper(4, "cs.CL"), 1), Mention("cross", paper, 2)),
        batches={FRIDAY: make_batch(FRIDAY, [listed, Announcement(make_paper(9, "cs.CL"), "new")])},
        states={"cs.CL": RSS},
    )
    (first,) = [item for item in found[THURSDAY].announcements if item.paper.id == paper.id]
    assert ("new", 1, ("cs.CV",)) == (first.served, first.paper.version, first.paper.categories)


def test_a_feed_of_two_categories_says_not_which_one_is_new() -> None:
    """A paper of Thursday, which was missed, came on Friday into one of two categories: it was in the other before."""
    paper = make_paper(7, "math.ST", "cs.CV", "stat.ML")
    crossed = Announcement(paper, "cross", "", "rss+catchup", relisted=True, into=("cs.CV", "stat.ML"))
    states = {"cs.CV": RSS, "stat.ML": RSS}
    first = Mention("new", make_paper(6, "stat.ML"), 1)
    found = read_pages(
        on_page(THURSDAY, "stat.ML", first, Mention("cross", paper, 1)),
        on_page(THURSDAY, "cs.CV", Mention("cross", paper, 1)),
        batches={FRIDAY: make_batch(FRIDAY, [crossed])},
        states=states,
    )
    assert ("2601.00007v1", "cross", ()) in kinds(found.get(THURSDAY))
    assert ["2601.00007v1"] == [item[0] for item in kinds(found[FRIDAY])]


def test_categories_of_an_earlier_feed_are_not_new() -> None:
    """Thursday's feed had the paper in three categories, Friday's in four: it came into the fourth, also where
    witnesses of Thursday were asked since.
    """
    paper = make_paper(7, "quant-ph", "eess.SY", "cs.CL")
    later = replace(paper, categories=(*paper.categories, "math.NA"))
    batches = {
        THURSDAY: make_batch(THURSDAY, [Announcement(paper, "cross", "", "rss+catchup")]),
        FRIDAY: make_batch(FRIDAY, [Announcement(later, "cross", relisted=True, into=("eess.SY", "cs.CL", "math.NA"))]),
    }
    states = dict.fromkeys(("eess.SY", "cs.CL", "math.NA"), RSS)
    records = {
        day: replace(
            recorded(BatchRecord(day, "expected"), batch, states, AT), fetched=f"{day}T18:00:00Z", read={"cs.CL": AT}
        )
        for day, batch in batches.items()
    }
    reading = on_page(FRIDAY, "math.NA", Mention("cross", later, 1))
    entered = enter_page(Manifest(records=records), batches, reading, NOW, timedelta(days=30))
    assert [("2601.00007v1", "cross", ("math.NA",))] == kinds(entered.batches[FRIDAY])
