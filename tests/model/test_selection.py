"""Feeds' days: what is left out of the best entries changes nothing for those who ask for these only."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import Announcement, make_batch
from core.model.entries import Day, first_announced, make_entries, merge, reaches_below
from core.model.feed import Entry, Feed
from core.model.paper import Paper
from core.model.query import parse_query
from core.model.scoring import make_score
from tests.support.tables import each_row

MONDAY = date(2026, 3, 2)


def make_days(scores: list[dict[int, float]]) -> list[Day]:
    """Days, newest first, of papers with these numbers and scores."""
    days = []
    for back, of_day in enumerate(scores):
        ranked = sorted(of_day.items(), key=lambda item: (-item[1], item[0]))
        days.append(
            Day(
                tuple(
                    Entry("main", make_paper(number), MONDAY - timedelta(back), "new", score, rank=rank)
                    for rank, (number, score) in enumerate(ranked)
                )
            )
        )
    return days


def make_paper(number: int) -> Paper:
    return Paper(id=f"2603.{number:05}", version=1, title="T", abstract="", authors=(), categories=("cs.LG",))


@given(
    st.lists(st.dictionaries(st.integers(1, 9), st.sampled_from([0.0, 1.0, 2.5, 4.0])), max_size=5),
    st.sampled_from([1.0, 2.5, 4.0]),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_best_days_are_as_good_as_whole_ones(scores: list[dict[int, float]], floor: float, whole: list[bool]) -> None:
    """From a score on, the same entries come of whole days, of their best, and of any mixture; also of a paper that is
    announced on several days, with a score of its own on each.
    """
    days = make_days(scores)
    feed = replace(Feed("main", "Main"), min_score=floor)
    mixed = [day if keep else day.best(feed) for day, keep in zip(days, whole, strict=False)]
    expected = [entry for entry in first_announced(days) if entry.score >= floor]
    assert expected == first_announced([day.best(feed) for day in days])
    assert expected == [entry for entry in first_announced(mixed) if entry.score >= floor]


@each_row(
    ("query", "below"),
    [
        ("", False),
        ("category=cs.DC", False),
        ("score>=2.5", False),
        ("score>2.5", False),
        ("score>=10", False),
        ("score=3", False),
        ("score=3,4", False),
        ("score=3,1", True),
        ("score>=2", True),
        ("score>2.4", True),
        ("score>=0", True),
        ("score<=10", True),
        ("score<10&score>=3", False),
        ("score!=3", True),
        ("score>=1&score>=3", False),
    ],
)
def test_reaches_below(query: str, below: bool) -> None:
    """A query is about entries below the feed's threshold if its own conditions on the score let them through."""
    feed = Feed("main", "Main", ("cs.LG",), min_score=2.5)
    assert below == reaches_below(feed, parse_query(query))


@pytest.mark.parametrize(("source", "type_"), [("arxiv", "cross"), ("huggingface", "new")])
def test_entries_of_picked_papers(source: str, type_: str) -> None:
    """An entry has its paper's upvotes; what Hugging Face picked is new, in whatever version and categories."""
    paper = replace(make_paper(1), version=2, categories=("math.CO",), upvotes=7)
    feed = Feed("main", "Main", ("cs.LG",), source=source)
    batch = make_batch(MONDAY, [Announcement(paper, "new")])
    (entry,) = make_entries(feed, batch, {"2603.00001v2": make_score(())})
    assert (type_, 7) == (entry.type, entry.upvotes)


def test_merged_feeds_have_each_paper_once() -> None:
    """As the feed shows it that gives it most points; by date, then by score, ranked again within each date."""
    first, second = make_days([{1: 2.0, 2: 5.0}, {3: 1.0}]), make_days([{1: 9.0, 4: 5.0}, {}])
    own = [entry for day in first for entry in day.entries]
    other = [replace(entry, feed="other") for day in second for entry in day.entries]
    merged = merge([*own, *other])
    assert [("2603.00001", 9.0, 0), ("2603.00002", 5.0, 1), ("2603.00004", 5.0, 2), ("2603.00003", 1.0, 0)] == [
        (entry.id, entry.score, entry.rank) for entry in merged
    ]
    assert {"all"} == {entry.feed for entry in merged}
    assert merged == merge([*other, *own])
