"""Hugging Face's daily papers: what is read of them, and what one bad element or answer does."""

import asyncio
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import FetchError, ParseError, SourceError
from core.model.paper import Author, Paper
from core.sources.client import Fetcher
from core.sources.huggingface import MOST_READ, Picks, daily_url, fetch_daily, parse_daily
from core.store import keys
from core.store.sqlite import SqliteStore
from tests.conftest import PATIENCE_SECONDS
from tests.support.arxiv_format import Sheet
from tests.support.hf_format import Picked, daily, item
from tests.support.tables import each_row
from tests.support.upstream import Upstream

DAY = date(2026, 3, 6)
SHEET = Sheet(
    id="2603.20001",
    title="Fast  caches for $O(n^2)$ &amp; more",
    abstract="We study caches.\n  A second\nparagraph, 90\\% new.",
    creator='J\\"org Example (Institute), Zo\\"e Sample',
)
FULL = Paper(
    id="2603.20001",
    version=1,
    title="Fast caches for O(n²) & more",
    abstract="We study caches.\nA second paragraph, 90% new.",
    authors=(Author("Jörg Example"), Author("Zoë Sample")),
    categories=(),
    title_tex="Fast caches for $O(n^2)$ &amp; more",
    abstract_tex="We study caches.\nA second paragraph, 90\\% new.",
    published="2026-03-06T00:00:00Z",
    repo="https://github.com/sample/caches",
    upvotes=42,
)


def _parse(*elements: Any) -> Picks:
    return parse_daily(json.dumps(elements).encode())


def _element(number: int = 1, upvotes: Any = 10, **paper: Any) -> dict[str, Any]:
    """An element as it is served, with `paper` in place of what its paper would say; ... removes a field."""
    sheet = Sheet(id=f"2603.2000{number}", title=f"Paper {number}")
    made = item(Picked(sheet, upvotes), DAY)
    made["paper"] |= paper
    made["paper"] = {name: value for name, value in made["paper"].items() if value is not ...}
    return made


def test_a_whole_paper() -> None:
    """Texts are read as they are from arXiv; upvotes and code come along; categories are not known."""
    picked = Picked(SHEET, 42, "https://github.com/sample/caches")
    assert Picks((FULL,)) == parse_daily(daily([picked], DAY))


def test_order() -> None:
    """The most upvoted paper comes first, of equal ones the lower identifier."""
    picks = _parse(_element(3, 5), _element(2, 5), _element(1, 0), _element(4, 7))
    assert [("2603.20004", 7), ("2603.20002", 5), ("2603.20003", 5), ("2603.20001", 0)] == [
        (paper.id, paper.upvotes) for paper in picks.papers
    ]


def test_duplicates() -> None:
    """A paper that is listed twice, in whatever spelling, counts once, with the most upvotes."""
    picks = _parse(_element(1, 3), _element(1, 9, id="arXiv:2603.20001"), _element(1, 4))
    assert [("2603.20001", 9)] == [(paper.id, paper.upvotes) for paper in picks.papers]
    assert () == picks.rejected


# what is there instead → what the paper has
FIELDS: list[tuple[str, Any, str, Any]] = [
    ("upvotes", ..., "upvotes", 0),
    ("upvotes", None, "upvotes", 0),
    ("upvotes", "12", "upvotes", 0),
    ("upvotes", True, "upvotes", 0),
    ("upvotes", -3, "upvotes", 0),
    ("upvotes", 2.5, "upvotes", 0),
    ("upvotes", 10**12, "upvotes", 1_000_000),
    ("upvotes", {"count": 3}, "upvotes", 0),
    ("githubRepo", ..., "repo", ""),
    ("githubRepo", None, "repo", ""),
    ("githubRepo", ["https://github.com/sample/a"], "repo", ""),
    ("githubRepo", "https://github.com/sample/a/", "repo", "https://github.com/sample/a"),
    ("githubRepo", "javascript:alert(1)", "repo", ""),
    ("githubRepo", "https://example.org/sample/a", "repo", ""),
    ("githubRepo", "https://github.com/" + "a" * 400, "repo", ""),
    ("publishedAt", ..., "published", ""),
    ("publishedAt", None, "published", ""),
    ("publishedAt", "yesterday", "published", ""),
    ("publishedAt", 1772755200, "published", ""),
    ("publishedAt", "0001-01-01T00:00:00+05:00", "published", ""),
    ("publishedAt", "2026-03-05", "published", "2026-03-05T00:00:00Z"),
    ("publishedAt", "2026-03-05T23:30:00.500-05:00", "published", "2026-03-06T04:30:00Z"),
    ("authors", ..., "authors", ()),
    ("authors", None, "authors", ()),
    ("authors", "First Sample", "authors", ()),
    ("authors", [None, "First", {"name": 3}, {"name": " "}, {}, {"name": "Second Sample"}], "authors", 1),
    ("authors", [{"name": "First", "hidden": True}, {"name": "Second", "hidden": False}], "authors", 1),
    ("authors", [{"name": "First Sample", "hidden": None}], "authors", 1),
    ("authors", [{"name": "x" * 5000}] * 6000, "authors", 5000),
    ("summary", ..., "abstract", "An abstract."),
    ("summary", 7, "abstract", "An abstract."),
    ("summary", "y" * 30_000, "abstract", "y" * 20_000),
    ("title", ..., "title", "Paper 1"),
    ("title", ["A"], "title", "Paper 1"),
    ("title", "z" * 2000, "title", "z" * 1000),
    ("title", "A\x00B\ud800C", "title", "ABC"),
    ("id", "2603.20001v3", "version", 3),
    ("ai_keywords", None, "id", "2603.20001"),
]


@each_row(("name", "value", "field", "expected"), FIELDS)
def test_fields_of_any_kind(name: str, value: Any, field: str, expected: Any) -> None:
    """Optional fields may be missing, null, of another type or absurd: the paper comes all the same."""
    picks = _parse(_element(1, **{name: value}))
    assert () == picks.rejected
    (paper,) = picks.papers
    found = getattr(paper, field)
    assert expected == (len(found) if isinstance(expected, int) and isinstance(found, tuple) else found)


BAD: list[tuple[Any, str]] = [
    (None, "no paper"),
    (7, "no paper"),
    ("2603.20009", "no paper"),
    ([], "no paper"),
    ({}, "no paper"),
    ({"paper": None, "title": "Outer"}, "no paper"),
    ({"paper": ["2603.20009"]}, "no paper"),
    (_element(9, id=...), "is not an arXiv identifier"),
    (_element(9, id=2603.2), "is not an arXiv identifier"),
    (_element(9, id="2603.20009'; --"), "is not an arXiv identifier"),
    (_element(9, title=" \x00 ") | {"title": None}, "2603.20009: no title"),
]


@each_row(("bad", "words"), BAD)
def test_one_bad_element(bad: Any, words: str) -> None:
    """An element that cannot be read is set aside with its reason; the others come."""
    picks = _parse(_element(1), bad, _element(2))
    assert ["2603.20001", "2603.20002"] == [paper.id for paper in picks.papers]
    (rejected,) = picks.rejected
    assert words in rejected["reason"]


def test_rejected_are_recognised() -> None:
    """What was set aside is named by what a person would recognise."""
    picks = _parse(_element(1), _element(2, id="nonsense\u202e"))
    assert ["nonsense Paper 2"] == [rejected["excerpt"] for rejected in picks.rejected]


def test_too_many() -> None:
    """What is beyond all measure is not read, and said."""
    elements = [_element(1, id=f"2603.{number:05}") for number in range(MOST_READ + 5)]
    picks = _parse(*elements)
    assert (MOST_READ, ["5 more than 1000 were not read"]) == (len(picks.papers), [r["reason"] for r in picks.rejected])


def test_nothing_is_a_valid_day() -> None:
    """An empty list is a date without papers, whatever white space or byte order mark it comes with."""
    assert [Picks(())] * 3 == [parse_daily(body) for body in (b"[]", b" [ ]\n", b"\xef\xbb\xbf[]")]


def test_bad_bytes_and_numbers_spoil_nothing() -> None:
    """A byte that is no UTF-8 costs a letter, a number of thousands of digits nothing."""
    body = daily([Picked(Sheet("2603.20001", title="A MARK"), 2)], DAY)
    body = body.replace(b"MARK", b"\xff").replace(b'"numComments":2', b'"numComments":' + b"9" * 5000)
    assert [("A ?", 2)] == [(paper.title, paper.upvotes) for paper in parse_daily(body).papers]


ANSWERS = {
    b"": "the answer is empty",
    b"Rate exceeded.": "not JSON: 'Rate exceeded.'",
    b"<!doctype html><html><body>Down</body></html>": "an HTML page, not JSON",
    b'{"error":"Internal Error"}': "Hugging Face answered: Internal Error",
    b'{"papers":[]}': "not a list of papers",
    b"null": "not a list of papers",
    b'"2603.20001"': "not a list of papers",
    b"[1, 2]": "none of 2 papers could be read; of the first one: no paper",
    daily([Picked(SHEET)], DAY)[:-2]: "not JSON",
    b"[" * 100_000: "not JSON",
}


@each_row("body", ANSWERS)
def test_what_is_no_list_of_papers(body: bytes) -> None:
    """An answer that is no list of papers is an error, never an empty day."""
    with pytest.raises(ParseError) as error:
        parse_daily(body)
    assert ANSWERS[body] in str(error.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("2603.20001"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["paper", "id", "title", "authors", "name", "upvotes"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=4))
def test_any_json(elements: list[Any]) -> None:
    """Any JSON is read or refused, and what is read has what it needs."""
    try:
        picks = _parse(*elements)
    except ParseError:
        return
    assert all(paper.id and paper.title and isinstance(paper.upvotes, int) for paper in picks.papers)
    assert len(picks.papers) + len(picks.rejected) <= len(elements)


# -- over HTTP


def _fetch(upstream: Upstream, path: Path, day: date = DAY) -> Picks:
    async def main() -> Picks:
        store = SqliteStore(path / "store.sqlite3")
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
            fetcher = Fetcher(client, user_agent="Paperwire/test")
            # Another process is at arXiv: that is nothing to Hugging Face, nor the other way round
            assert await store.acquire(keys.ARXIV_GATE, "other", 60)
            picks = await fetch_daily(fetcher.get, upstream.url, day)
            assert not await store.acquire(keys.ARXIV_GATE, "third", 60)
        await store.close()
        return picks

    return asyncio.run(main())


@pytest.fixture
def picking(upstream: Upstream) -> Upstream:
    upstream.picks = {DAY: [Picked(replace(sheet, creator="One Sample"), n) for n, sheet in enumerate(upstream.sheets)]}
    return upstream


def test_fetch(picking: Upstream, tmp_path: Path) -> None:
    """A date's papers are one polite request, outside of arXiv's gate; another date has others."""
    picks = _fetch(picking, tmp_path)
    assert list(range(39, -1, -1)) == [paper.upvotes for paper in picks.papers]
    assert [f"{picking.url}{target}" for target in picking.targets] == [daily_url(picking.url, DAY)]
    ((_, _, headers),) = picking.requests
    assert ("Paperwire/test", "application/json") == (headers["User-Agent"], headers["Accept"])
    assert Picks(()) == _fetch(picking, tmp_path, date(2026, 3, 7))


ERRORS: dict[str, tuple[type[SourceError], str]] = {
    "503": (FetchError, "status 503"),
    "bomb": (ParseError, "HTML page"),
    "error-object": (ParseError, "Internal Error"),
    "html": (ParseError, "HTML page"),
    "huge": (FetchError, "more than 8 MB"),
    "nothing": (ParseError, "empty"),
    "null": (ParseError, "not a list of papers"),
    "truncated": (ParseError, "not JSON"),
}


@pytest.mark.parametrize("fault", ERRORS)
def test_faults(picking: Upstream, tmp_path: Path, fault: str) -> None:
    """Whatever it answers instead is an error that says why."""
    picking.faults = [f"/api/daily_papers {fault}"]
    error, words = ERRORS[fault]
    with pytest.raises(error, match=words):
        _fetch(picking, tmp_path)
    assert 1 == len(picking.requests)
