"""What is in a digest, in which order, and that its numbers add up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.digest import FRONT_MATTERS, GROUPS, group_of, make_digest, read_digest_options
from core.model.errors import QueryError
from core.model.rubric import Mark, Rubric, Scorecard
from tests.support.digests import ENTRIES, FEED, RECORD, RUBRIC, card, digest, entry
from tests.support.tables import each_row

points = st.one_of(st.integers(-1, 9).map(float), st.floats(-1, 9))
cards = st.builds(
    Scorecard,
    stage=st.sampled_from(["screened", "analysed"]),
    predicted=points,
    marks=st.lists(st.builds(Mark, criterion=st.just("a"), points=st.integers(0, 8), max=st.just(8))).map(tuple),
)
rubrics = st.builds(Rubric, st.just(RUBRIC.criteria), deep_at=points, must_read_at=points, review_at=points)


@given(st.lists(st.none() | cards, max_size=20), rubrics)
def test_numbers_add_up(scorecards: list[Scorecard | None], rubric: Rubric) -> None:
    """Whatever the scorecards and thresholds are, each paper is counted once at every stage."""
    entries = [entry(at + 1, 2, scorecard=scorecard) for at, scorecard in enumerate(scorecards)]
    made = make_digest(replace(FEED, rubric=rubric, max_entries=0), RECORD, entries)
    numbers = made.statistics
    assert len(entries) == numbers.prioritised == numbers.screened + numbers.unscreened
    assert numbers.screened == numbers.deep + numbers.passed
    assert numbers.deep == numbers.analysed + numbers.awaiting
    assert numbers.analysed == sum(card is not None and card.stage == "analysed" for card in scorecards)
    assert numbers.screened == sum(card is not None for card in scorecards)
    assert numbers.prioritised <= numbers.collected
    plain = numbers.to_plain()
    listed = [paper for rows in plain["bands"].values() for row in rows for paper in row["papers"]]
    assert sorted(listed) == sorted(e.id for e in entries if e.scorecard and e.scorecard.stage == "analysed")
    assert sorted(e.id for group in made.groups.values() for e in group) == sorted(e.id for e in entries)


def test_groups() -> None:
    """Each paper of the invented day stands where its scorecard puts it."""
    expected = {
        "must-read": [1, 2],
        "review": [3],
        "skip": [4],
        "awaiting": [5],
        "passed": [6],
        "unscreened": [7],
    }
    found = {name: [int(e.id[-1]) for e in entries] for name, entries in digest().groups.items()}
    assert expected == found
    assert list(GROUPS) == list(found)


@each_row(
    ("scorecard", "group"),
    [
        (None, "unscreened"),
        (card(3), "passed"),
        (card(4), "awaiting"),
        (card(8), "awaiting"),
        (card(1, 3, 2, 0), "must-read"),  # the threshold was lower when it was chosen
        (card(8, 0, 2, 0), "skip"),
        (card(4, 1, 1, 1), "review"),
    ],
)
def test_group_of(scorecard: Scorecard | None, group: str) -> None:
    """Thresholds are inclusive; what was analysed is judged by its final points alone."""
    assert group == group_of(entry(1, 1, scorecard=scorecard), RUBRIC)


def test_only_what_the_feed_shows() -> None:
    """A digest has the entries of its date from the feed's minimal score on, of its types, at most as many a day."""
    others = [
        entry(11, 0.5),
        entry(12, 9, type="replace"),
        replace(entry(13, 9), announced=RECORD.date - timedelta(days=1)),
    ]
    assert ENTRIES == make_digest(FEED, RECORD, [*others, *reversed(ENTRIES)]).entries
    assert ENTRIES[:3] == make_digest(replace(FEED, max_entries=3), RECORD, ENTRIES).entries


def test_order_of_upvotes() -> None:
    """Daily papers are in the order of their upvotes."""
    voted = [replace(e, upvotes=n) for n, e in enumerate(ENTRIES)]
    assert [e.id for e in reversed(ENTRIES)] == [e.id for e in make_digest(FEED, RECORD, voted).entries]


def test_defaults_are_the_feeds() -> None:
    """Style and language are the feed's, unless others are named."""
    feed = replace(FEED, digest="daily", language="zh")
    made, named = make_digest(feed, RECORD, ()), make_digest(feed, RECORD, (), style="list", language="ko")
    assert [("daily", "zh"), ("list", "ko")] == [(d.style, d.language) for d in (made, named)]


def test_a_batch_is_no_smaller_than_what_is_shown_of_it() -> None:
    """A record that lost its total does not make the digest say that more was shown than collected."""
    assert len(ENTRIES) == digest(total=0).statistics.collected


# --- what may be asked for

ASKED = {
    "": "",
    "style=staged": "style=staged",
    "language=ko&style=list": "style=list&language=ko",
    "&style%3Ddaily&": "style=daily",
    "front_matter=jekyll": "front_matter=jekyll",
}


@pytest.mark.parametrize(("raw", "canonical"), ASKED.items())
def test_queries(raw: str, canonical: str) -> None:
    """A query has one canonical spelling."""
    assert canonical == read_digest_options(raw).canonical


@each_row(
    ("raw", "token", "allowed"),
    [
        ("style=table", "style=table", ("list", "staged", "daily")),
        ("style=", "style=", ("list", "staged", "daily")),
        ("style", "style", ("style", "language", "front_matter")),
        ("language=fr", "language=fr", ("en", "ko", "zh")),
        ("front_matter=toml", "front_matter=toml", FRONT_MATTERS),
        ("colour=red", "colour=red", ("style", "language", "front_matter")),
        ("style>=list", "style>=list", ("style", "language", "front_matter")),
        ("style=list&style=list", "style=list", ()),
    ],
)
def test_wrong_queries(raw: str, token: str, allowed: tuple[str, ...]) -> None:
    """What is not understood is named, with what is allowed in its place."""
    with pytest.raises(QueryError) as caught:
        read_digest_options(raw)
    assert (token, allowed) == (caught.value.token, caught.value.allowed)
