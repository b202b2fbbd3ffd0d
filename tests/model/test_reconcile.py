"""What a fetch means: every state of a batch, and that a worse answer never replaces a better one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.model.batch import Announcement, Batch, announce_type, make_batch
from core.model.manifest import BATCH_STATES, BatchRecord, CategoryState
from core.model.reconcile import FetchedDate, seen_in, settle
from tests.support.invented import FRIDAY, THURSDAY, announce
from tests.support.tables import each_row

BOTH = ("cs.LG", "cs.CL")
DOWN = "HTTP 503"
UNREADABLE = {"id": "oai:arXiv.org:2601.00099v1", "reason": "no title", "excerpt": "<item/>"}
YESTERDAY = make_batch(THURSDAY, [announce(n, "cs.LG") for n in (1, 2, 3)] + [announce(n, "cs.CL") for n in (4, 5)])

LG = [announce(11, "cs.LG"), announce(12, "cs.LG")]
CL = [announce(21, "cs.CL")]


def outcome(
    items: Sequence[Announcement] = (), failures: Mapping[str, str] | None = None, day: date = FRIDAY, **more: Any
) -> FetchedDate:
    return FetchedDate(day, tuple(items), failures or {}, **more)


class Wire:
    """A date over several fetches: what one made of it, the next one is given."""

    def __init__(self, categories: Sequence[str] = BOTH, previous: Batch | None = YESTERDAY) -> None:
        self.categories = categories
        self.previous = previous
        self.record = BatchRecord(FRIDAY, "expected")
        self.batch: Batch | None = None

    def fetched(self, *args: Any, **more: Any) -> "Wire":
        self.record, self.batch = settle(
            outcome(*args, **more), self.categories, self.record, self.batch, self.previous
        )
        return self

    @property
    def state(self) -> tuple[str, str]:
        return self.record.state, self.record.reason

    @property
    def announcements(self) -> tuple[Announcement, ...]:
        return self.batch.announcements if self.batch else ()

    @property
    def ids(self) -> list[int]:
        return numbers(self.batch)


def numbers(batch: Batch | None) -> list[int]:
    return [int(item.paper.id[5:]) for item in batch.announcements] if batch else []


def test_complete() -> None:
    """All categories delivered: complete, counted, and named by its hash."""
    wire = Wire().fetched([*LG, *CL])
    assert wire.batch == make_batch(FRIDAY, [*LG, *CL])
    assert BatchRecord(
        FRIDAY,
        "unconfirmed",
        hash=wire.batch.hash,
        total=3,
        counts={"cs.LG": {"new": 2}, "cs.CL": {"new": 1}},
        categories=dict.fromkeys(BOTH, CategoryState("unconfirmed")),
        last="2601.00021",
    ) == (wire.record)


def test_complete_without_a_batch_before() -> None:
    """The very first batch is compared with nothing."""
    assert Wire(previous=None).fetched([*LG, *CL]).state == ("unconfirmed", "")


def test_a_category_may_be_empty() -> None:
    """A category without announcements on a day does not make the batch partial."""
    wire = Wire().fetched(LG)
    assert (wire.state, wire.record.counts["cs.CL"]) == (("unconfirmed", ""), {})


def test_partial() -> None:
    """What came is kept when a category failed, and the reason names the category."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN})
    assert (wire.state, wire.ids) == (("partial", "cs.CL: HTTP 503"), [11, 12])


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ({"cs.CL": DOWN, "cs.AI": DOWN}, "cs.CL, cs.AI: HTTP 503"),
        ({"cs.CL": DOWN, "cs.AI": "time-out", "cs.DC": DOWN}, "cs.CL, cs.DC: HTTP 503; cs.AI: time-out"),
    ],
)
def test_reasons_name_categories_together(failures: Mapping[str, str], reason: str) -> None:
    """Categories that failed for the same reason are named together."""
    assert ("partial", reason) == Wire(("cs.LG", *failures)).fetched(LG, failures).state


def test_failed() -> None:
    """Nothing came and something failed: failed, with the reason and without a batch."""
    wire = Wire().fetched([], dict.fromkeys(BOTH, DOWN))
    assert (wire.state, wire.batch) == (("failed", "cs.LG, cs.CL: HTTP 503"), None)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (FRIDAY, "holiday"),
        (date(2026, 3, 7), "weekends"),
        (date(2026, 3, 8), "weekends"),
    ],
)
def test_quiet(day: date, words: str) -> None:
    """A valid empty feed is quiet at the weekend; on a working day it may be late."""
    record, batch = settle(outcome(day=day), BOTH, BatchRecord(day, "expected"), None, YESTERDAY)
    assert (day, "waiting" if day == FRIDAY else "quiet", None) == (record.date, record.state, batch)
    assert words in record.reason


def test_waiting() -> None:
    """All that came is the batch of the day before, under today's date: waiting, and nothing is stored."""
    wire = Wire().fetched(YESTERDAY.announcements)
    assert (wire.state, wire.batch) == (("waiting", "cs.LG, cs.CL: still shows the batch of 2026-03-05"), None)


def test_waiting_while_another_category_fails() -> None:
    """An old batch in one category and a failure in the other: waiting, with both reasons."""
    old = [item for item in YESTERDAY.announcements if item.paper.primary == "cs.LG"]
    state, reason = Wire().fetched(old, {"cs.CL": DOWN}).state
    assert (state, reason) == ("waiting", "cs.LG: still shows the batch of 2026-03-05; cs.CL: HTTP 503")


def test_one_stale_category() -> None:
    """A category that still shows the batch before makes today's partial, and its old papers are left out."""
    old = [item for item in YESTERDAY.announcements if item.paper.primary == "cs.LG"]
    wire = Wire().fetched([*old, *CL])
    assert wire.state == ("partial", "cs.LG: still shows the batch of 2026-03-05")
    assert wire.ids == [21]


def test_part_of_the_old_batch_is_stale_too() -> None:
    """A category is stale also if it shows only some of what the batch before had."""
    wire = Wire().fetched([YESTERDAY.announcements[0], *CL])
    assert wire.state == ("partial", "cs.LG: still shows the batch of 2026-03-05")


def test_news_among_repetitions() -> None:
    """A paper of the day before among more new ones is no sign of an old batch."""
    wire = Wire().fetched([YESTERDAY.announcements[0], *LG, *CL])
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [1, 11, 12, 21])


def test_news_that_is_also_in_a_stale_category() -> None:
    """A new paper stays although one of its categories still shows the batch before."""
    old = [item for item in YESTERDAY.announcements if item.paper.primary == "cs.LG"]
    wire = Wire().fetched([*old, announce(22, "cs.CL", "cs.LG"), *CL])
    assert (wire.state, wire.ids) == (("partial", "cs.LG: still shows the batch of 2026-03-05"), [21, 22])


@pytest.mark.parametrize(
    "again",
    [
        announce(1, "cs.LG", version=2, served="replace"),
        announce(1, "cs.LG", "cs.CL", served="cross"),
    ],
    ids=["a new version", "a new category"],
)
def test_the_same_paper_may_be_news(again: Announcement) -> None:
    """A paper of the day before is news as a new version, or in a category that it was not in."""
    wire = Wire().fetched([again, *LG, *CL])
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [1, 11, 12, 21])


@pytest.mark.parametrize("order", [("cs.LG", "cs.CL"), ("cs.CL", "cs.LG")])
def test_a_replacement_that_is_listed_in_one_more_category(order: tuple[str, str]) -> None:
    """Two deployments in one store, each with its category: one feed has the paper as replaced, the other as listed."""
    items = {
        "cs.LG": announce(5, "cs.LG", "cs.CL", version=2, served="replace"),
        "cs.CL": announce(5, "cs.LG", "cs.CL", version=2, served="cross"),
    }
    wire = Wire()
    for name in order:
        wire.categories = (name,)
        wire.fetched([items[name], announce(22, name)])
    (found,) = [item for item in wire.announcements if item.paper.id == items["cs.LG"].paper.id]
    assert ("replace", 2, ("cs.CL",)) == (found.served, found.paper.version, found.into)
    assert ["replace", "cross"] == [announce_type(found, (name,)) for name in ("cs.LG", "cs.CL")]


def test_a_day_of_old_papers_in_a_new_category() -> None:
    """Papers of the day before that are only now in a category are that category's news, not an old batch."""
    wire = Wire().fetched([announce(n, "cs.LG", "cs.CL", served="cross") for n in (1, 2)])
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [1, 2])


def test_a_category_less_is_no_news() -> None:
    """Papers of the day before are old also where they are in fewer categories than they were."""
    both = make_batch(THURSDAY, [announce(n, "cs.LG", "cs.CL") for n in (1, 2)])
    wire = Wire(previous=both).fetched([announce(n, "cs.LG") for n in (1, 2)])
    assert ("waiting", "still shows the batch of 2026-03-05") == wire.record.of("cs.LG")[:2]


def test_archives_as_categories() -> None:
    """A whole archive is stale when its categories show the batch before."""
    wire = Wire(("cs", "math"))
    wire.fetched([*YESTERDAY.announcements, announce(31, "math.CO")])
    assert (wire.state, wire.ids) == (("partial", "cs: still shows the batch of 2026-03-05"), [31])


@pytest.mark.parametrize(
    ("first", "before"),
    [
        (outcome(YESTERDAY.announcements), "waiting"),
        (outcome(), "waiting"),
        (outcome((), dict.fromkeys(BOTH, DOWN)), "failed"),
        (outcome(LG, {"cs.CL": DOWN}), "partial"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_late_answers(first: FetchedDate, before: str) -> None:
    """A whole answer that comes late settles the date, and nothing is left of the earlier reason."""
    wire = Wire().fetched(first.announcements, first.failures)
    assert before == wire.record.state
    assert wire.record.reason
    wire.fetched([*LG, *CL])
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [11, 12, 21])
    assert Wire().fetched([*LG, *CL]).record == wire.record


def test_states_of_categories() -> None:
    """Each category has a state of its own, with its reason, and the time since when."""
    both = (*BOTH, "cs.DC", "cs.AI")
    wire = Wire(both).fetched([*LG, *YESTERDAY.announcements[3:]], {"cs.AI": DOWN}, at="05:30")
    assert {
        "cs.LG": CategoryState("unconfirmed", "", "05:30"),
        "cs.CL": CategoryState("waiting", "still shows the batch of 2026-03-05", "05:30"),
        "cs.DC": CategoryState("unconfirmed", "", "05:30"),
        "cs.AI": CategoryState("failed", DOWN, "05:30"),
    } == wire.record.categories
    wire.fetched([*LG, *CL], {"cs.AI": "time-out"}, at="06:00")
    assert {
        "cs.LG": CategoryState("unconfirmed", "", "05:30"),
        "cs.CL": CategoryState("unconfirmed", "", "06:00"),
        "cs.DC": CategoryState("unconfirmed", "", "05:30"),
        "cs.AI": CategoryState("failed", "time-out", "05:30"),
    } == wire.record.categories


def test_late_announcements() -> None:
    """What comes after readers were shown the date is marked with its time, and stays so; what was there is not."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}, at="05:30").fetched([*LG, *CL], at="06:00")
    assert wire.batch is not None
    assert ["", "", "06:00"] == [item.late for item in wire.batch.announcements]
    assert 1 == wire.record.late
    wire.fetched([*LG, *CL], at="07:00")
    assert ["", "", "06:00"] == [item.late for item in wire.batch.announcements]


def test_a_date_that_is_over_comes_late() -> None:
    """Where another date is due already, all that comes is late."""
    assert 2 == Wire().fetched(LG, at="06:00", over=True).record.late


def test_what_was_learnt_of_a_paper_stays() -> None:
    """A feed that is fetched again takes away nothing that the API gave, of a paper or of the date."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}, at="05:30")
    assert wire.batch is not None
    told = replace(LG[0], paper=replace(LG[0].paper, comment="Ten pages", published="2026-03-04T12:00:00Z"))
    only = replace(announce(31, "cs.CL"), source="api", late="05:40")
    wire.batch = make_batch(FRIDAY, [told, LG[1], only])
    wire.record = replace(wire.record, hash=wire.batch.hash)
    wire.fetched([*LG, *CL], at="06:00")
    assert {11: "Ten pages", 12: "", 21: "", 31: ""} == {
        int(item.paper.id[5:]): item.paper.comment for item in wire.batch.announcements
    }
    assert ["rss", "rss", "rss", "api"] == [item.source for item in wire.batch.announcements]


def test_quiet_after_failure() -> None:
    """A valid empty feed after a failure says that the day is quiet, or that it is late."""
    assert Wire().fetched([], dict.fromkeys(BOTH, DOWN)).fetched().record.state == "waiting"


def test_correction() -> None:
    """A later whole answer adds to the first one: it may be short, and takes nothing away."""
    wire = Wire().fetched([*LG, *CL])
    before = wire.record
    wire.fetched([LG[0], announce(13, "cs.LG"), *CL])
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [11, 12, 13, 21])
    assert before.hash != wire.record.hash


def test_the_same_answer_changes_nothing() -> None:
    """The same answer again gives the same record and the same batch."""
    wire = Wire().fetched([*LG, *CL])
    before = (wire.record, wire.batch)
    assert before == (wire.fetched([*CL, *LG]).record, wire.batch)


@each_row(
    "worse",
    [
        outcome((), dict.fromkeys(BOTH, DOWN)),
        outcome(LG, {"cs.CL": DOWN}),
        outcome([announce(14, "cs.LG")], {"cs.CL": DOWN}),
        outcome(YESTERDAY.announcements),
        outcome([*YESTERDAY.announcements[:3], *CL]),
        outcome(),
    ],
)
def test_the_last_good_batch_stays(worse: FetchedDate) -> None:
    """A complete batch is not touched by an answer that lacks something."""
    wire = Wire().fetched([*LG, *CL])
    before = (wire.record, wire.batch)
    assert before == (wire.fetched(worse.announcements, worse.failures).record, wire.batch)


def test_partial_stays_when_all_fails() -> None:
    """What a partial batch has stays when the next answer is a failure, with the newer reason."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}).fetched([], dict.fromkeys(BOTH, "time-out"))
    assert (wire.state, wire.ids) == (("partial", "cs.CL: time-out"), [11, 12])


def test_partial_stays_when_the_feed_is_empty() -> None:
    """An empty feed takes nothing from a partial batch."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}).fetched()
    assert (wire.record.state, wire.ids) == ("partial", [11, 12])


def test_union_of_partials() -> None:
    """Partial answers add up: a date is complete when each of its categories has come once."""
    wire = Wire((*BOTH, "cs.DC")).fetched(LG, {"cs.CL": DOWN, "cs.DC": DOWN})
    wire.fetched(CL, {"cs.LG": DOWN, "cs.DC": "time-out"})
    assert (wire.state, wire.ids) == (("partial", "cs.DC: time-out"), [11, 12, 21])
    wire = Wire().fetched(LG, {"cs.CL": DOWN}).fetched(CL, {"cs.LG": DOWN})
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [11, 12, 21])
    assert wire.record.counts == {"cs.LG": {"new": 2}, "cs.CL": {"new": 1}}
    assert (wire.fetched([*LG, *CL]).state, wire.ids) == (("unconfirmed", ""), [11, 12, 21])


def test_a_newer_announcement_in_a_union() -> None:
    """Of a paper that both the stored and the new part have, the new answer's text is taken."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN})
    wire.fetched([announce(11, "cs.LG", title="A Corrected Title")], {"cs.CL": DOWN})
    assert wire.batch is not None
    assert [item.paper.title for item in wire.batch.announcements] == ["A Corrected Title", "A Title"]


def test_an_added_category_that_fails() -> None:
    """A category that the owner adds makes a complete date partial until it has come; what was there stays."""
    wire = Wire(("cs.LG",)).fetched(LG)
    wire.categories = BOTH
    assert (wire.fetched([], {"cs.CL": DOWN}).state, wire.ids) == (("partial", "cs.CL: HTTP 503"), [11, 12])
    assert (wire.fetched([*LG, *CL]).state, wire.ids) == (("unconfirmed", ""), [11, 12, 21])


def test_nothing_changed() -> None:
    """Where the upstream says that nothing has changed, nothing changes."""
    wire = Wire().fetched([*LG, *CL])
    before = (wire.record, wire.batch)
    assert before == (wire.fetched(unchanged=BOTH).record, wire.batch)


def test_one_category_unchanged() -> None:
    """Unchanged categories keep their papers while another one is corrected."""
    wire = Wire().fetched([*LG, *CL]).fetched([announce(22, "cs.CL")], unchanged=("cs.LG",))
    assert (wire.state, wire.ids) == (("unconfirmed", ""), [11, 12, 22])


@pytest.mark.parametrize(
    ("failures", "state"),
    [
        ({}, ("unconfirmed", "1 item(s) could not be read")),
        ({"cs.CL": DOWN}, ("partial", "cs.CL: HTTP 503; 1 item(s) could not be read")),
    ],
)
def test_rejected_items_are_told(failures: Mapping[str, str], state: tuple[str, str]) -> None:
    """Items that could not be read are counted in the reason and kept in the record."""
    wire = Wire().fetched(LG, failures, rejected=(UNREADABLE,))
    assert (state, (UNREADABLE,)) == (wire.state, wire.record.rejected)


def test_rejected_items_are_not_forgotten_when_nothing_changed() -> None:
    """An unchanged feed still holds the item that could not be read: the record goes on to say so."""
    wire = Wire().fetched([*LG, *CL], rejected=(UNREADABLE,))
    before = wire.record
    assert before == wire.fetched(unchanged=BOTH).record


def test_rejected_items_are_not_forgotten_in_a_union() -> None:
    """The part of a batch that stays keeps its note of the item that could not be read."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}, rejected=(UNREADABLE,)).fetched(CL, {"cs.LG": DOWN})
    assert wire.record.rejected == (UNREADABLE,)


@pytest.mark.parametrize(
    "other",
    [UNREADABLE | {"reason": "no abstract"}, UNREADABLE | {"id": "oai:arXiv.org:2601.00098v1"}, UNREADABLE],
    ids=["another reason", "another identifier", "alike"],
)
def test_every_rejected_item_of_a_fetch_is_counted(other: dict[str, str]) -> None:
    """Items of one fetch that could not be read count one by one, even if their beginnings are alike."""
    wire = Wire().fetched([*LG, *CL], rejected=(UNREADABLE, other))
    assert wire.state == ("unconfirmed", "2 item(s) could not be read")


def test_rejected_items_are_counted_once_over_two_fetches() -> None:
    """An item that could not be read in two fetches is one item."""
    wire = Wire().fetched(LG, {"cs.CL": DOWN}, rejected=(UNREADABLE,))
    wire.fetched(LG, {"cs.CL": DOWN}, rejected=(UNREADABLE,))
    assert wire.record.rejected == (UNREADABLE,)


def test_rejected_items_are_forgotten_when_mended() -> None:
    """A whole answer without unreadable items clears the note."""
    wire = Wire().fetched(LG, rejected=(UNREADABLE,)).fetched([*LG, *CL])
    assert (wire.state, wire.record.rejected) == (("unconfirmed", ""), ())


def test_what_is_noted_elsewhere_stays() -> None:
    """Validators and the time of fetching are not this module's: they stay as they were."""
    known = BatchRecord(FRIDAY, "waiting", "late", fetched="2026-03-06T05:30:00Z", validators={"u": {"etag": "e"}})
    record, _ = settle(outcome(LG), BOTH, known, None, YESTERDAY)
    assert (known.fetched, known.validators) == (record.fetched, record.validators)


def test_a_partial_answer_when_the_store_has_lost_the_batch() -> None:
    """If a complete batch is gone from the store, what a partial answer brings is kept and told as partial."""
    complete = Wire().fetched([*LG, *CL]).record
    record, batch = settle(outcome(LG, {"cs.CL": DOWN}), BOTH, complete, None, YESTERDAY)
    assert (record.state, numbers(batch)) == ("partial", [11, 12])


def test_nothing_changed_when_the_store_has_lost_the_batch() -> None:
    """If a complete batch is gone from the store and the feed is unchanged, the day is not called quiet."""
    complete = Wire().fetched([*LG, *CL]).record
    record, batch = settle(outcome(unchanged=BOTH), BOTH, complete, None, YESTERDAY)
    assert batch is None
    assert record.state not in ("quiet", "complete")


@pytest.mark.parametrize(
    ("previous", "now", "failures", "ids"),
    [
        (None, [11, 12], {}, [11, 12]),
        (None, [11, 12], {"cs.CL": DOWN}, [11, 12]),
        (None, [6, 11], {}, [6, 7, 8, 11]),
        (YESTERDAY, [11, 12], {"cs.CL": DOWN}, [6, 7, 8, 11, 12]),
    ],
    ids=["a later batch", "a later one in part", "only short", "in part, after a known date"],
)
def test_a_stale_batch_that_was_not_known(
    previous: Batch | None, now: list[int], failures: Mapping[str, str], ids: list[int]
) -> None:
    """A later batch under the same date takes the place of a stale one, and the correction is recorded; what may be
    right stays.
    """
    wire = Wire(previous=previous).fetched([announce(n) for n in (6, 7, 8)], failures)
    wire.fetched([announce(n) for n in now], failures)
    assert ids == wire.ids
    assert [3] * (6 not in ids) == [len(one.papers) for one in wire.record.corrections]


failing = st.dictionaries(st.sampled_from(BOTH), st.sampled_from([DOWN, "time-out"]), max_size=2)
answers = st.lists(
    st.builds(
        announce,
        st.integers(1, 9),
        st.sampled_from(BOTH),
        version=st.integers(1, 2),
        served=st.sampled_from(["new", "cross", "replace"]),
    ),
    max_size=6,
)


# One paper in the place of another one is no proof that the first answer was stale
@example(
    [
        ([announce(1), announce(1), announce(1, version=2)], {}),
        ([announce(2, version=2)], {"cs.CL": DOWN}),
    ]
)
@example([([announce(6)], {}), ([announce(7)], {"cs.CL": DOWN})])
@given(st.lists(st.tuples(answers, failing), max_size=5))
def test_nothing_good_is_lost(fetches: list[tuple[list[Announcement], dict[str, str]]]) -> None:
    """Over any fetches: record and batch agree, failures never take papers away nor make a date complete."""
    wire = Wire()
    came: set[str] = set()
    for items, failures in fetches:
        record, batch = wire.record, wire.batch
        wire.fetched(items, failures)
        assert wire.record.state in BATCH_STATES
        assert (wire.batch.hash if wire.batch else "") == wire.record.hash
        assert len(wire.ids) == wire.record.total
        assert not batch or wire.batch
        if failures:
            assert set(numbers(batch)) <= set(wire.ids)
            assert (record.state == "unconfirmed") <= (wire.record.state == "unconfirmed")
        came |= {name for name in BOTH if name not in failures} if wire.batch and (items or failures) else set()
        assert (wire.record.state == "unconfirmed") <= (came == set(BOTH) or record.state == "unconfirmed")
        if wire.record.state not in ("unconfirmed", "expected"):
            assert wire.record.reason
        assert replace(wire.record, date=FRIDAY) == wire.record


def test_what_a_stale_category_repeats_is_no_news_beside_it() -> None:
    """A paper of yesterday that a stale category repeats stays yesterday's, though it is in a fresh category too."""
    both = announce(6, "cs.CL", "cs.LG")
    wire = Wire(previous=make_batch(THURSDAY, [*YESTERDAY.announcements, both]))
    wire.fetched([*LG, announce(4, "cs.CL"), announce(5, "cs.CL"), both])
    assert [11, 12] == wire.ids
    assert ("waiting", "unconfirmed") == (wire.record.of("cs.CL").state, wire.record.of("cs.LG").state)


def test_a_category_that_was_added_is_not_late() -> None:
    """Readers were not shown the date in a category that was added since; in one that had failed they were."""
    wire = Wire(["cs.LG"]).fetched(LG)
    wire.categories = BOTH
    assert ["", "", ""] == [item.late for item in wire.fetched([*LG, *CL], at="2026-03-06T12:00:00Z").announcements]
    late = Wire().fetched(LG, {"cs.CL": DOWN}).fetched([*LG, *CL], at="2026-03-06T12:00:00Z")
    assert ["", "", "2026-03-06T12:00:00Z"] == [item.late for item in late.announcements]


def test_the_numbers_of_a_shared_store() -> None:
    """Each deployment sees the number of its own announcements, of those in several of its categories each once."""
    wire = Wire(["cs.LG"]).fetched([*LG, announce(13, "cs.LG", "cs.CL")])
    assert (3, {}) == (wire.record.total, wire.record.overlaps)
    wire.categories = ["cs.CL", "cs.AI"]
    wire.fetched([*CL, announce(13, "cs.LG", "cs.CL"), announce(31, "cs.AI", "cs.CL")])
    assert 5 == wire.record.total
    own = [seen_in(wire.record, names) for names in (["cs.LG"], ["cs.CL", "cs.AI"], ["cs.AI"])]
    assert [3, 3, 1] == [record.total for record in own]
    assert {"cs.LG"} == own[0].counts.keys()
    assert 5 == seen_in(wire.record, ["cs.LG", "cs.CL", "cs.AI"]).total
