"""Announce types as a feed sees them, and batches: merged, hashed, written down."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import ANNOUNCE_TYPES, Announcement, Batch, announce_type, is_relisted, make_batch
from core.model.paper import Author, Paper
from tests.support.invented import FRIDAY, THURSDAY, announce, make_paper
from tests.support.tables import each_row

texts = st.text(max_size=12)
papers = st.builds(
    Paper,
    id=st.sampled_from(["2601.00001", "2601.00002", "2512.9999", "2512.10000", "math/0601001"]),
    version=st.integers(1, 3),
    title=texts,
    abstract=texts,
    authors=st.lists(st.builds(Author, texts, texts), max_size=3).map(tuple),
    categories=st.lists(st.sampled_from(["cs.LG", "cs.CL", "stat.ML"]), max_size=3, unique=True).map(tuple),
    title_tex=texts,
    abstract_tex=texts,
    licence=texts,
    doi=texts,
    journal_ref=texts,
    comment=texts,
    published=texts,
    updated=texts,
    repo=texts,
    upvotes=st.none() | st.integers(0, 3),
)
announcements = st.lists(st.builds(Announcement, papers, st.sampled_from(ANNOUNCE_TYPES)), max_size=8)


@each_row(
    ("served", "version", "categories", "feed", "expected"),
    [
        ("new", 1, ("cs.LG",), ("cs.LG",), "new"),
        ("new", 1, ("cs.LG", "cs.CL"), ("cs.LG", "cs.CL"), "new"),
        ("new", 1, ("cs.LG", "cs.CL"), ("cs.CL",), "cross"),
        ("new", 1, ("cs.LG", "stat.ML"), ("cs",), "new"),
        ("new", 1, ("stat.ML", "cs.LG"), ("cs",), "cross"),
        ("cross", 1, ("cs.LG", "cs.CL"), ("cs.LG",), "new"),
        ("cross", 1, ("cs.LG", "cs.CL"), ("cs.CL",), "cross"),
        ("new", 1, ("eess.SY",), ("cs.SY",), "new"),
        ("new", 1, ("math-ph", "math.AP"), ("math",), "new"),
        ("cross", 2, ("cs.LG", "cs.CL"), ("cs.LG",), "cross"),
        ("new", 3, ("cs.LG", "cs.CL"), ("cs.LG",), "cross"),
        ("replace", 2, ("cs.LG", "cs.CL"), ("cs.LG",), "replace"),
        ("replace", 2, ("cs.LG", "cs.CL"), ("cs.CL",), "replace-cross"),
        ("replace-cross", 2, ("cs.LG", "cs.CL"), ("cs.LG",), "replace"),
        ("replace-cross", 2, ("cs.LG", "cs.CL"), ("cs.CL",), "replace-cross"),
        ("replace", 1, ("cs.LG",), ("cs.LG",), "replace"),
        ("new", 1, ("cs.LG",), ("math",), "cross"),
        ("new", 1, (), ("cs.LG",), "new"),
    ],
)
def test_announce_type_per_feed(
    served: str, version: int, categories: tuple[str, ...], feed: tuple[str, ...], expected: str
) -> None:
    """The type depends on the paper's primary category and version and on the feed, not on how it was requested."""
    announcement = announce(1, categories=categories, served=served, version=version)
    assert expected == announce_type(announcement, feed)


@each_row(
    ("served", "expected"),
    [
        (("new",), "new"),
        (("new", "cross"), "new"),
        (("replace", "replace-cross"), "replace"),
        (("new", "replace"), "replace"),
        (("cross", "replace"), "replace"),
        (("cross", "replace-cross"), "replace-cross"),
        (("cross", "replace-cross", "new", "replace"), "replace"),
    ],
)
def test_types_of_a_paper_served_twice(served: tuple[str, ...], expected: str) -> None:
    """A paper that several requests served is a replacement if any said so, else new before cross."""
    for order in (served, served[::-1]):
        batch = make_batch(FRIDAY, [announce(1, served=kind, version=2) for kind in order])
        assert [expected] == [item.served for item in batch.announcements]


def test_versions_are_different_announcements() -> None:
    """Two versions of a paper on one day are two announcements, in the order of identifiers, then versions."""
    made = make_batch(FRIDAY, [announce(2), announce(1, version=2, served="replace"), announce(1)])
    assert [a.paper.versioned for a in made.announcements] == ["2601.00001v1", "2601.00001v2", "2601.00002v1"]


@given(announcements, st.randoms(use_true_random=False))
def test_hash_is_independent_of_order(items: list[Announcement], shuffle: random.Random) -> None:
    """The same announcements give the same batch in whatever order and however often they come."""
    items = list({(item.paper.id, item.paper.version): item for item in items}.values())
    other = [*items, *items]
    shuffle.shuffle(other)
    assert make_batch(FRIDAY, items) == make_batch(FRIDAY, other)
    assert make_batch(FRIDAY, items).hash == make_batch(FRIDAY, other).hash


def test_hash_is_stable_over_processes() -> None:
    """The hash is made from one fixed spelling of the content: what one process stored, another one finds."""
    written = (
        '["batch",{"announcements":[{"abstract":"An abstract.","authors":[["First Sample","Institut für Beispiele"]],'
        '"categories":["cs.CL","cs.LG"],"id":"2601.00001","title":"A Title","type":"cross","version":1}],'
        '"date":"2026-03-06"}]'
    )
    authors = (Author("First Sample", "Institut für Beispiele"),)
    made = make_batch(FRIDAY, [announce(1, "cs.CL", "cs.LG", served="cross", authors=authors)])
    assert hashlib.sha256(written.encode()).hexdigest()[:16] == made.hash


@each_row(
    "other",
    [
        [],
        [announce(2)],
        [announce(1), announce(2)],
        [announce(1, served="cross")],
        [announce(1, version=2)],
        [announce(1, "cs.LG", "cs.CL")],
        [announce(1, title="Another Title")],
        [announce(1, authors=(Author("First Sample", "Sample Institute"), Author("Second Sample")))],
        [announce(1, doi="10.0000/sample.1")],
        [announce(1, comment="10.0000/sample.1")],
        [announce(1, repo="https://github.com/sample/tool")],
        [announce(1, upvotes=0)],
    ],
)
def test_hash_tells_batches_apart(other: list[Announcement]) -> None:
    """Any difference in content gives another hash."""
    assert make_batch(FRIDAY, [announce(1)]).hash != make_batch(FRIDAY, other).hash


def test_hash_depends_on_the_date() -> None:
    """The same announcements on another date are another batch."""
    assert make_batch(FRIDAY, [announce(1)]).hash != make_batch(THURSDAY, [announce(1)]).hash


def test_plain_form_leaves_out_what_is_empty() -> None:
    """Only what a paper has is written down, and an author without affiliation is a plain string."""
    authors = (Author("First Sample", "Sample Institute"), Author("Second Sample"))
    plain: dict[str, Any] = make_batch(FRIDAY, [announce(1, authors=authors)]).to_plain()
    expected = {
        "id": "2601.00001",
        "version": 1,
        "type": "new",
        "authors": [["First Sample", "Sample Institute"], "Second Sample"],
        "categories": ["cs.LG"],
        "title": "A Title",
        "abstract": "An abstract.",
    }
    assert {"date": "2026-03-06", "announcements": [expected]} == plain


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (("cs.LG",), {"cs.LG": {"new": 1, "cross": 1, "replace": 1}}),
        (("cs.CL",), {"cs.CL": {"new": 1, "cross": 1}}),
        (("cs",), {"cs": {"new": 2, "replace": 1}}),
        (("stat", "cs.RO"), {"stat": {"replace-cross": 1}, "cs.RO": {}}),
        ((), {}),
    ],
)
def test_counts(categories: Iterable[str], expected: dict[str, dict[str, int]]) -> None:
    """Announcements are counted in each category they are listed in, by the type seen from there."""
    batch = make_batch(
        FRIDAY,
        [
            announce(1, "cs.LG", "cs.CL"),
            announce(2, "cs.CL", "cs.LG"),
            Announcement(make_paper(3, "cs.LG", "stat.ML", version=2), "replace"),
        ],
    )
    assert expected == batch.counts(categories)


@each_row(
    ("served", "number", "categories", "asked", "expected"),
    [
        ("new", "2512.40001", ("cs.LG", "cs.AI"), ("cs.LG", "cs.AI"), "new"),
        ("cross", "2512.40001", ("cs.LG", "cs.AI"), ("cs.AI",), "new"),  # its primary category was not asked for
        ("cross", "2512.00002", ("cs.LG", "cs.AI"), ("cs.LG", "cs.AI"), "cross"),
        ("cross", "2408.00002", ("cs.LG", "cs.AI"), ("cs.AI",), "cross"),
        ("cross", "2512.00002", ("eess.SY", "cs.AI"), ("cs.SY",), "cross"),
        ("cross", "2512.40001", ("math-ph", "math.AP"), ("math",), "new"),
        ("cross", "2408.00002", ("math-ph", "math.AP"), ("math",), "cross"),
        ("new", "2408.00002", ("cs.LG", "cs.AI"), ("cs.LG",), "cross"),
        ("cross", "math/9912001", ("math.AG", "cs.LG"), ("cs.LG",), "cross"),
        ("new", "2512.00002", ("cs.LG",), ("cs.LG",), "new"),
        ("replace", "2408.00002", ("cs.LG",), ("cs.LG",), "replace"),
    ],
)
def test_what_is_listed_in_one_category_more_is_no_new_paper(
    served: str, number: str, categories: tuple[str, ...], asked: tuple[str, ...], expected: str
) -> None:
    """Whatever categories a feed has: what arXiv served, and the month of the identifier, tell."""
    paper = replace(announce(1, categories=categories).paper, id=number)
    item = Announcement(paper, served)
    item = replace(item, relisted=is_relisted(item, asked, date(2025, 12, 30)))
    assert expected == announce_type(item, (*categories, "cs.CL"))
    batch = Batch(date(2025, 12, 30), (item,))
    assert batch == Batch.from_plain(batch.to_plain())


def test_papers_of_the_last_day_of_a_month_are_new_on_the_first_of_the_next() -> None:
    """Identifiers are of the month before then."""
    item = Announcement(replace(announce(1).paper, id="2512.24001"), "new")
    assert not is_relisted(item, ("cs.LG",), date(2026, 1, 5))
