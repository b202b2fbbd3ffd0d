"""What the announcements of several dates say of each other, where a witness is stale, short or empty."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.model.batch import Announcement, Batch, make_batch
from core.model.manifest import BatchRecord, CategoryState, Manifest, PageNote
from core.model.pages import Mention, PageKey, PageReading, enter_page
from core.model.reconcile import FetchedDate, recorded, settle
from tests.support.invented import FRIDAY, THURSDAY, make_paper

WEDNESDAY, MONDAY = date(2026, 3, 4), date(2026, 3, 2)
RSS = CategoryState("unconfirmed")
AT = "2026-03-07T10:00:00Z"
NEWS = Announcement(make_paper(90, "cs.CL"), "new")
Pages = Mapping[date, Mapping[str, PageNote]]


def read(
    batches: dict[date, Batch], *readings: PageReading, names: tuple[str, ...] = ("cs.CL",), pages: Pages | None = None
) -> dict[date, Batch]:
    """The batches after these pages; arXiv's feed brought `names` of all dates, and `pages` were read before."""
    states = dict.fromkeys(names, RSS)
    records = {day: recorded(BatchRecord(day, "expected"), batch, states, AT) for day, batch in batches.items()}
    for day, notes in (pages or {}).items():
        records[day] = replace(records[day], pages=notes)
    manifest, made = Manifest(records=records), dict(batches)
    for reading in readings:
        entered = enter_page(manifest, made, reading, datetime(2026, 3, 7, 10, tzinfo=UTC), timedelta(days=30))
        manifest = Manifest(records={**manifest.records, **entered.records})
        made |= entered.batches
    return made


def page(day: date, category: str, *mentions: Mention) -> PageReading:
    return PageReading(PageKey(day, category), mentions, AT)


def of(batch: Batch | None, number: int) -> list[tuple[str, int, tuple[str, ...], str]]:
    """What a batch has of a paper: type, version, categories of a late cross-list, witnesses."""
    found = [i for i in (batch.announcements if batch else ()) if i.paper.id == f"2601.{number:05}"]
    return [(i.served, i.paper.version, i.into, i.source) for i in found]


@pytest.mark.parametrize("is_empty", [False, True], ids=["short", "empty"])
def test_what_a_short_page_lacks_is_kept(*, is_empty: bool) -> None:
    """A late cross-list and a replacement, of papers that another page has as new, cross-listed or replaced before."""
    paper, twice = make_paper(1, "cs.CV", "cs.LG"), replace(make_paper(2, "cs.CL"), version=2)
    before = [
        Announcement(paper, "cross", source="rss+catchup"),
        Announcement(twice, "replace", source="rss+catchup"),
    ]
    crossed = replace(paper, categories=("cs.CV", "cs.LG", "cs.CL"))
    now = [
        NEWS,
        Announcement(crossed, "cross", relisted=True, into=("cs.LG", "cs.CL")),
        Announcement(replace(twice, version=3), "replace"),
    ]
    mentions = () if is_empty else (Mention("new", NEWS.paper, 1),)
    batches = {WEDNESDAY: make_batch(WEDNESDAY, before), FRIDAY: make_batch(FRIDAY, now)}
    found = read(batches, page(FRIDAY, "cs.CL", *mentions), names=("cs.LG", "cs.CL"))[FRIDAY]
    assert ["cross"] == [kind for kind, *_ in of(found, 1)]
    assert [("replace", 3, (), "rss")] == of(found, 2)


def test_a_version_of_before_is_of_a_stale_feed() -> None:
    """Pages have two replacements of earlier dates: a feed of version 3 is stale, though Friday's page is empty."""
    paper = replace(make_paper(1, "hep-th", "cs.CL"), version=3)
    found = read(
        {FRIDAY: make_batch(FRIDAY, [NEWS, Announcement(paper, "replace-cross")])},
        page(FRIDAY, "cs.CL"),
        page(THURSDAY, "cs.CL", Mention("replace", paper, 3)),
        page(MONDAY, "cs.CL", Mention("replace", paper, 3)),
    )
    assert [[("replace", 2, (), "catchup")], [("replace", 3, (), "catchup")], []] == [
        of(found.get(day), 1) for day in (MONDAY, THURSDAY, FRIDAY)
    ]


def test_the_feed_of_a_category_that_was_stale_proves_no_cross_list() -> None:
    """Friday's page lacks most of what the feed had. The paper, which it has, came into another category; it was new
    in this one on Thursday.
    """
    paper = make_paper(5, "cs.LG", "cs.CL", "cs.RO", "cs.AI")
    stale = [
        Announcement(make_paper(number, "cs.RO", "cs.CL"), "cross", relisted=True, into=("cs.CL",)) for number in (1, 2)
    ]
    stale += [Announcement(paper, "cross", relisted=True, into=("cs.CL",))]
    found = read(
        {FRIDAY: make_batch(FRIDAY, stale)},
        page(FRIDAY, "cs.CL", Mention("cross", paper, 1)),
        page(THURSDAY, "cs.CL", Mention("new", make_paper(4, "cs.CL"), 1), Mention("cross", paper, 1)),
    )
    assert [("cross", 1, (), "catchup")] == of(found[THURSDAY], 5)
    assert [("cross", 1, ("cs.CL",), "catchup")] == of(found[FRIDAY], 5)


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_paper_whose_first_page_lacks_it_came_into_the_category_later(*, newest_first: bool) -> None:
    """It was announced on Wednesday, by its identifier, and the page of that day, read then, has it not: the pages of
    Thursday and Friday have it as replaced and listed, and it came with the list.
    """
    paper = replace(make_paper(50, "cs.CV", "cs.CL", "stat.ML"), version=2)
    batches = {
        MONDAY: make_batch(MONDAY, [Announcement(make_paper(40, "cs.CL"), "new", source="rss+catchup")]),
        WEDNESDAY: make_batch(WEDNESDAY, [Announcement(make_paper(60, "cs.CL"), "new", source="rss+catchup")]),
    }
    known = {"cs.CL": PageNote("2026-03-04T10:00:00Z", "whole")}
    readings = (
        page(FRIDAY, "cs.CL", Mention("cross", paper, 2)),
        page(THURSDAY, "cs.CL", Mention("new", make_paper(70, "cs.CL"), 1), Mention("replace", paper, 2)),
    )
    tuesday = {date(2026, 3, 3): make_batch(date(2026, 3, 3), [])}
    pages = dict.fromkeys((*batches, *tuesday), known)
    found = read(batches | tuesday, *(readings if newest_first else readings[::-1]), pages=pages)
    assert [] == of(found[THURSDAY], 50)
    assert [("cross", 2, ("cs.CL",), "catchup")] == of(found[FRIDAY], 50)
    unknown = read(batches, *readings, pages={MONDAY: known, WEDNESDAY: {}})  # nothing says when it came
    assert [("replace", 2, (), "catchup")] == of(unknown[THURSDAY], 50)


@pytest.mark.parametrize("page_first", [True, False])
def test_a_stale_feed_makes_no_late_cross_list_new(*, page_first: bool) -> None:
    """Another deployment's page has the paper as a late cross-list; this one's feed still has it as new."""
    paper, older = make_paper(5, "cs.CL", "cs.RO", "cs.CV"), Announcement(make_paper(6, "cs.CV"), "new")
    thursday = make_batch(THURSDAY, [older])
    record = recorded(BatchRecord(THURSDAY, "expected"), thursday, {"cs.CV": RSS}, AT)
    stale = FetchedDate(FRIDAY, (Announcement(paper, "new"),), {}, at="2026-03-06T10:00:00Z", after=older.paper.id)
    of_page = page(FRIDAY, "cs.CV", Mention("cross", paper, 1))
    late = Announcement(paper, "cross", source="catchup", relisted=True, into=("cs.CV",))
    if page_first:
        batch = make_batch(FRIDAY, [late])
        known = recorded(BatchRecord(FRIDAY, "expected"), batch, {"cs.CV": RSS}, AT)
        _, found = settle(stale, ("cs.CL",), known, batch, thursday)
    else:
        known, batch_ = settle(stale, ("cs.CL",), BatchRecord(FRIDAY, "expected"), None, thursday)
        assert batch_ is not None
        manifest = Manifest(records={THURSDAY: record, FRIDAY: known})
        now = datetime(2026, 3, 6, 10, tzinfo=UTC)
        batches = {THURSDAY: thursday, FRIDAY: batch_}
        found = enter_page(manifest, batches, of_page, now, timedelta(days=30)).batches[FRIDAY]
    assert [("cross", 1, ("cs.CV",), "catchup")] == of(found, 5)


def test_a_feed_of_the_evening_adds_no_category() -> None:
    """The feed of Thursday, asked after Friday's mailing, has the category that the paper comes into on Friday."""
    paper = make_paper(5, "cs.CL", "cs.RO")
    morning = FetchedDate(THURSDAY, (Announcement(paper, "new"),), {}, at="2026-03-05T10:00:00Z")
    later = Announcement(replace(paper, categories=("cs.CL", "cs.RO", "cs.CV")), "new")
    evening = FetchedDate(THURSDAY, (later,), {}, at="2026-03-06T02:30:00Z")
    record, batch = settle(morning, ("cs.CL",), BatchRecord(THURSDAY, "expected"), None, None)
    _, batch = settle(evening, ("cs.CL",), record, batch, None)
    assert batch is not None
    assert [("cs.CL", "cs.RO")] == [item.paper.categories for item in batch.announcements]


def test_a_feed_that_has_what_the_page_of_the_date_before_has_is_stale() -> None:
    """A deployment begins on Friday, with the cross-lists of Thursday; Friday's page is empty, as nothing came."""
    papers = [make_paper(number, "cs.RO", "cs.CL", "cs.AI") for number in (1, 2)]
    stale = [Announcement(paper, "cross", relisted=True, into=("cs.CL",)) for paper in papers]
    fresh = Announcement(make_paper(91, "cs.LG"), "new")
    found = read(
        {FRIDAY: make_batch(FRIDAY, [*stale, fresh])},
        page(FRIDAY, "cs.CL"),
        page(THURSDAY, "cs.CL", *(Mention("cross", paper, 1) for paper in papers)),
        page(WEDNESDAY, "cs.CL", *(Mention("cross", paper, 1) for paper in papers)),
        names=("cs.LG", "cs.CL"),
    )
    assert [fresh] == list(found[FRIDAY].announcements)
    assert [[("cross", 1, ("cs.CL",), "catchup")]] * 2 == [of(found[THURSDAY], number) for number in (1, 2)]


@pytest.mark.parametrize("page_first", [True, False])
@pytest.mark.parametrize("kind", ["new", "cross"])
def test_a_feed_that_has_as_new_what_the_page_has_as_replaced_is_stale(kind: str, *, page_first: bool) -> None:
    """A paper was announced on Thursday, when nobody came, and replaced on Friday; Friday's feed has it as it was."""
    paper, older = make_paper(7, "cs.CL" if kind == "new" else "cs.CV", "cs.CL"), make_paper(6, "cs.CL")
    known = make_batch(WEDNESDAY, [Announcement(older, "new")])
    record = recorded(BatchRecord(WEDNESDAY, "expected"), known, {"cs.CL": RSS}, AT)
    stale = FetchedDate(FRIDAY, (Announcement(paper, kind),), {}, at="2026-03-06T10:00:00Z", after=older.id)
    replaced = Announcement(replace(paper, version=2), "replace", source="catchup")
    if page_first:
        batch = make_batch(FRIDAY, [replaced])
        entered = recorded(BatchRecord(FRIDAY, "expected"), batch, {"cs.CL": RSS}, AT)
        _, found = settle(stale, ("cs.CL",), entered, batch, known)
    else:
        fetched, batch_ = settle(stale, ("cs.CL",), BatchRecord(FRIDAY, "expected"), None, known)
        assert batch_ is not None
        manifest = Manifest(records={WEDNESDAY: record, FRIDAY: fetched})
        reading, now = (
            page(FRIDAY, "cs.CL", Mention("replace", replaced.paper, 2)),
            datetime(2026, 3, 6, 10, tzinfo=UTC),
        )
        found = enter_page(manifest, {WEDNESDAY: known, FRIDAY: batch_}, reading, now, timedelta(days=30)).batches[
            FRIDAY
        ]
    assert [("replace", 2, (), "catchup")] == of(found, 7)


def test_the_feed_adds_a_late_cross_list_to_what_the_page_has_as_replaced() -> None:
    """One mailing may have both; the page has one of them. What the feed has of them is kept beside it."""
    paper = replace(make_paper(7, "cs.CV", "cs.CL"), version=2)
    batch = make_batch(FRIDAY, [Announcement(replace(paper, version=3), "replace", source="catchup")])
    known = recorded(BatchRecord(FRIDAY, "expected"), batch, {"cs.CL": RSS}, AT)
    late = Announcement(paper, "cross", relisted=True, into=("cs.CL",))
    fetched = FetchedDate(FRIDAY, (late,), {}, at="2026-03-06T10:00:00Z")
    _, found = settle(fetched, ("cs.CL",), known, batch, None)
    assert [("replace", 2, ("cs.CL",), "rss+catchup")] == of(found, 7)


def test_a_replacement_has_a_later_version_than_those_of_pages_before_it() -> None:
    """Nobody came on Thursday, and Friday's feed is stale: it has the version that was announced on Thursday."""
    paper = replace(make_paper(7, "cs.CL"), version=2)
    newest = Mention("replace", replace(paper, version=3), 3)
    found = read(
        {FRIDAY: make_batch(FRIDAY, [NEWS, Announcement(paper, "replace")])},
        page(FRIDAY, "cs.CL", newest, Mention("new", NEWS.paper, 1)),
        page(THURSDAY, "cs.CL", newest),
    )
    assert [("replace", 2, (), "catchup")] == of(found[THURSDAY], 7)
    assert [("replace", 3, (), "rss+catchup")] == of(found[FRIDAY], 7)


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "short"])
@pytest.mark.parametrize("page_first", [True, False])
def test_what_a_whole_feed_lacks_came_into_another_category(*, page_first: bool, is_whole: bool) -> None:
    """A page has a late cross-list in all categories of the paper. What is first, page or feed, makes no difference."""
    paper = make_paper(7, "cs.CV", "cs.CL", "cs.AI")
    other, fed = Announcement(make_paper(91, "cs.CL"), "new"), [NEWS]
    fed += [other] if is_whole else []
    reading = page(FRIDAY, "cs.CL", *(Mention("new", i.paper, 1) for i in (NEWS, other)), Mention("cross", paper, 1))
    first = FetchedDate(FRIDAY, (NEWS,), {}, at="2026-03-06T09:00:00Z", after="2601.00080")
    record, batch = settle(first, ("cs.CL",), BatchRecord(FRIDAY, "expected"), None, None)
    assert batch is not None
    feed, now = (
        replace(first, announcements=tuple(fed), at="2026-03-06T11:00:00Z"),
        datetime(2026, 3, 6, 10, tzinfo=UTC),
    )
    for is_page in (page_first, not page_first):
        if is_page:
            entered = enter_page(Manifest(records={FRIDAY: record}), {FRIDAY: batch}, reading, now, timedelta(days=30))
            record, batch = entered.records[FRIDAY], {FRIDAY: batch, **entered.batches}[FRIDAY]
        else:
            record, batch = settle(feed, ("cs.CL",), record, batch, None)
        assert batch is not None
    assert ([] if is_whole else [("cross", 1, ("cs.CL",), "catchup")]) == of(batch, 7)


def test_the_stale_feed_of_another_deployment_does_not_make_this_one_short() -> None:
    """The feed of cs.RO, asked for by itself, lacked a paper; that of cs.CL has all of its page but a late list."""
    paper, robot = make_paper(7, "cs.CV", "cs.CL", "cs.AI"), make_paper(92, "cs.RO")
    late = Announcement(paper, "cross", source="catchup", relisted=True, into=("cs.CL",))
    known = replace(NEWS, source="rss+catchup")
    batch = make_batch(FRIDAY, [known, late, Announcement(robot, "new", source="catchup")])
    record = recorded(BatchRecord(FRIDAY, "expected"), batch, {"cs.RO": RSS}, AT)
    record = replace(record, pages=dict.fromkeys(("cs.CL", "cs.RO"), PageNote(AT, "whole")))
    feed = FetchedDate(FRIDAY, (NEWS,), {}, at="2026-03-07T11:00:00Z", after="2601.00080")
    found = settle(feed, ("cs.CL",), record, batch, None)[1]
    assert [] == of(found, 7)
    assert [("new", 1, (), "catchup")] == of(found, 92)
