"""From places to points; rules as they are written; which spellings a keyword has."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.feed import Keyword, Reason, parse_keyword
from core.model.paper import Author
from core.model.scoring import Hit, Score, field_text, same_keyword, tally
from core.text.english import spellings
from tests.support.invented import make_feed, make_paper
from tests.support.tables import each_row

PAPER = make_paper(1, "cs.LG", "cs.DC", title="KV cache for LLMs", abstract="An LLM with a KV cache and a cache.")


@each_row(
    ("written", "expected"),
    [
        ("LLM", Keyword("LLM", 2)),
        ("KV cache", Keyword("KV cache", 2)),
        ("  KV cache ", Keyword("KV cache", 2)),
        ("ti:quantization", Keyword("quantization", 2, "title")),
        ("ti: quantization", Keyword("quantization", 2, "title")),
        ("abs:cache", Keyword("cache", 2, "abstract")),
        ("au:First Sample", Keyword("First Sample", 2, "authors")),
        ("cat:cs.DC", Keyword("cs.DC", 2, "categories")),
        ("C:cache", Keyword("C:cache", 2)),
        ("TI:cache", Keyword("cache", 2, "title")),
        ("title:cache", Keyword("cache", 2, "title")),
        ("Author:First Sample", Keyword("First Sample", 2, "authors")),
        ('au:"First Sample"', Keyword("First Sample", 2, "authors")),
        ("category: cs.DC", Keyword("cs.DC", 2, "categories")),
        ('ti:"KV cache"', Keyword('"KV cache"', 2, "title")),
        ("ti:quantiz*", Keyword("quantiz*", 2, "title")),
        ("ti:LLM OR cache", Keyword("ti:LLM OR cache", 2)),
        ("ti:a:b", Keyword("a:b", 2, "title")),
    ],
)
def test_parse_keyword(written: str, expected: Keyword) -> None:
    """A rule is its text, with a field if it begins with a prefix, short or long."""
    assert expected == parse_keyword(written, 2)
    assert expected == parse_keyword(expected.label, 2)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("title", "A Title"),
        ("abstract", "An abstract."),
        ("authors", "First Sample, Second Sample"),
        ("categories", "cs.LG stat.ML"),
    ],
)
def test_field_text(field: str, expected: str) -> None:
    """Offsets refer to the title, the abstract, the names joined by ", " or the categories joined by a space."""
    authors = (Author("First Sample", "Sample Institute"), Author("Second Sample"))
    assert expected == field_text(make_paper(1, "cs.LG", "stat.ML", authors=authors), field)


def test_no_hits() -> None:
    """Where nothing was found there are no points and no reasons."""
    assert tally(make_feed("LLM"), PAPER, []) == Score(0, (), ())


def test_reasons_explain_the_score() -> None:
    """Each keyword has a reason at its first place, the bonus one of its own; the total is their sum."""
    feed = make_feed(Keyword("LLM", 2), Keyword("cache", 3))
    hits = [
        Hit(1, "abstract", 17, 22),
        Hit(0, "abstract", 3, 6),
        Hit(0, "title", 13, 17),
        Hit(1, "abstract", 29, 34),
    ]
    score = tally(feed, PAPER, hits)
    assert (
        Reason("LLM", 2, "title", 13, 17, "LLMs"),
        Reason("LLM", 1.0, "title", 13, 17, "LLMs", bonus=True),
        Reason("cache", 3, "abstract", 17, 22, "cache"),
    ) == score.reasons
    assert (score.total, score.matched) == (6.0, ("LLM", "cache"))


@each_row(
    ("keyword", "bonus", "field", "expected"),
    [
        (Keyword("cache"), 0.5, "title", 1.5),
        (Keyword("cache"), 0.5, "abstract", 1),
        (Keyword("cache", 3), 0.5, "title", 4.5),
        (Keyword("cache", 3), 0, "title", 3),
        (Keyword("cache", 3), 2, "title", 9),
        (Keyword("cache", -2), 0.5, "title", -3),
        (Keyword("cache", 3, "title"), 0.5, "title", 3),
        (Keyword("cache", 3, "abstract"), 0.5, "abstract", 3),
        (Keyword("cs.LG", 3, "categories"), 0.5, "categories", 3),
        (Keyword("cache", 0.1), 0.1, "title", 0.11),
    ],
)
def test_title_bonus(keyword: Keyword, bonus: float, field: str, expected: float) -> None:
    """A keyword that may match anywhere earns the bonus on its weight in the title; one with a prefix does not."""
    assert expected == tally(make_feed(keyword, title_bonus=bonus), PAPER, [Hit(0, field, 0, 2)]).total


hits = st.lists(
    st.builds(Hit, st.integers(0, 2), st.sampled_from(["title", "abstract"]), st.integers(0, 9), st.integers(10, 12))
)


@given(hits, st.randoms(use_true_random=False))
def test_order_and_number_of_hits_do_not_matter(found: list[Hit], shuffle: random.Random) -> None:
    """A keyword counts once at its first place, in whatever order and however often it is found."""
    feed = make_feed(Keyword("a", 1), Keyword("b", 2), Keyword("c", 4), title_bonus=0)
    places = {(hit.rule, hit.field, hit.start): hit for hit in found}  # one match at a place
    one, other = list(places.values()), [*places.values(), *places.values()]
    shuffle.shuffle(other)
    score = tally(feed, PAPER, one)
    assert score == tally(feed, PAPER, other)
    assert sum(2**rule for rule in {hit.rule for hit in one}) == score.total


@given(hits, st.lists(st.floats(-1000, 1000), min_size=3, max_size=3), st.floats(0, 10))
def test_total_is_the_sum_of_points(found: list[Hit], weights: list[float], bonus: float) -> None:
    """The total is the sum of the reasons' points, rounded to four places."""
    feed = make_feed(*(Keyword(name, weight) for name, weight in zip("abc", weights, strict=True)), title_bonus=bonus)
    score = tally(feed, PAPER, found)
    assert round(sum(reason.points for reason in score.reasons), 4) == score.total
    assert list(score.matched) == sorted(score.matched)


@each_row(
    ("keyword", "accepted"),
    [
        ("LLM", {"llm", "llms"}),
        ("LLMs", {"llm", "llms"}),
        ("KV cache", {"kv cache", "kv caches"}),
        ("KV-caches", {"kv cache", "kv caches"}),
        ("fine-tuning", {"fine tuning"}),
        ("batch", {"batch", "batches"}),
        ("loss", {"loss", "losses"}),
        ("index", {"index", "indexes"}),
        ("quiz", {"quiz", "quizes"}),
        ("mesh", {"mesh", "meshes"}),
        ("policy", {"policy", "policies"}),
        ("policies", {"policy", "policies"}),
        ("relay", {"relay", "relays"}),
        ("batches", {"batch", "batches"}),
        ("losses", {"loss", "losses"}),
        ("boxes", {"box", "boxes"}),
        ("meshes", {"mesh", "meshes"}),
        ("caches", {"cache", "caches"}),
        ("databases", {"database", "databases"}),
        ("sizes", {"size", "sizes"}),
        ("FP8", {"fp8"}),
        ("C++", {"c++"}),
        ("naïve", {"naive", "naives"}),
    ],
)
def test_spellings(keyword: str, accepted: set[str]) -> None:
    """A keyword stands for its singular and its plural, whichever of them the owner wrote."""
    assert accepted <= set(spellings(keyword))


@each_row(
    ("keyword", "other"),
    [
        ("loss", "los"),
        ("bus", "bu"),
        ("analysis", "analysi"),
        ("gas", "ga"),
        ("RL", "r"),
        ("FP8", "fp8s"),
        ("C++", "c++s"),
        ("attention", "attentio"),
    ],
)
def test_no_spelling(keyword: str, other: str) -> None:
    """Endings that only look like a plural stay on, and what does not end in a letter has no plural."""
    assert other not in spellings(keyword)


@each_row(
    ("one", "other", "expected"),
    [
        ("Framework", "framework", True),
        ("KV-cache", "KV cache", True),
        ("KV  cache", "kv–cache", True),
        ("naïve", "naive", True),
        ("ti:LLM", "ti:llm", True),
        ("ti:LLM", "LLM", False),
        ("ti:LLM", "abs:LLM", False),
        ("LLM", "LLMs", False),
        ("KV cache", "KVcache", False),
    ],
)
def test_same_keyword(one: str, other: str, expected: bool) -> None:
    """Case, accents, dashes and spaces do not make another keyword; a prefix does."""
    assert expected is (same_keyword(parse_keyword(one)) == same_keyword(parse_keyword(other)))


@each_row(
    ("change", "same"),
    [
        ({"name": "other", "title": "Other", "description": "Other"}, True),
        ({"min_score": 4.0, "max_entries": 9, "announce_types": ("new", "cross")}, True),
        ({"categories": ("cs.CL", "cs.LG")}, True),
        ({"exclude": ("review", "survey")}, True),
        ({"categories": ("cs.LG",)}, False),
        ({"exclude": ("survey",)}, False),
        ({"match": "substring"}, False),
        ({"title_bonus": 0.25}, False),
        ({"keywords": (Keyword("LLM", 2), Keyword("cache"))}, False),
        ({"keywords": (Keyword("LLM"),)}, False),
        ({"keywords": (Keyword("cache"), Keyword("LLM"))}, False),
        ({"keywords": (Keyword("LLM", field="title"), Keyword("cache"))}, False),
    ],
)
def test_scoring_fingerprint(change: dict[str, Any], same: bool) -> None:
    """The fingerprint of stored scores changes with what scores depend on, and with nothing else."""
    feed = make_feed("LLM", "cache", categories=("cs.LG", "cs.CL"), exclude=("survey", "review"))
    assert same is (feed.scoring_fingerprint == replace(feed, **change).scoring_fingerprint)
