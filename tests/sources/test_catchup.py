"""arXiv's catch-up page: what it says is read whole, or not at all."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from core.model.errors import ParseError
from core.sources.catchup import PAGE_SIZE, catchup_url, fetch_catchup, parse_catchup
from core.sources.client import UpstreamAnswer
from tests.support.arxiv_format import Sheet
from tests.support.catchup_format import catchup
from tests.support.tables import each_row

DAY = date(2026, 1, 6)
SHEETS = [
    Sheet("2601.00001", title="Sparse things & $x<3$", comment="12 pages", creator="Ada Berg, Jürgen Müller"),
    Sheet("2601.00002", categories=("cs.CV", "cs.LG")),
    Sheet("2512.00003", version=3, categories=("cs.LG", "eess.SY")),
]
PAGE = catchup(SHEETS, "cs.LG", DAY)


class Site:
    """Answers with these pages in order."""

    def __init__(self, *pages: bytes) -> None:
        self.pages = list(pages)
        self.urls: list[str] = []

    async def get(self, url: str, _validators: Mapping[str, str] | None = None, **_: Any) -> UpstreamAnswer:
        """Returns the next page."""
        self.urls.append(url)
        return UpstreamAnswer(url, self.pages.pop(0), {})


def test_what_a_page_says() -> None:
    """Sections, identifiers, newest versions, texts, authors and categories are read; formulas stay in TeX."""
    page = parse_catchup(PAGE)
    assert (DAY, 3) == (page.date, page.total)
    first, second, third = page.mentions
    assert ("new", "2601.00001", 1) == (first.section, first.paper.id, first.newest)
    assert ("cross", "cs.CV") == (second.section, second.paper.primary)
    assert ("replace", 3, ("cs.LG", "eess.SY")) == (third.section, third.newest, third.paper.categories)
    assert ("12 pages", "Sparse things & $x<3$") == (first.paper.comment, first.paper.title_tex)
    assert ["Ada Berg", "Jürgen Müller"] == [author.name for author in first.paper.authors]


def test_no_updates() -> None:
    """A day without announcements is an empty answer, not an error."""
    page = parse_catchup(catchup([], "cs.LG", DAY))
    assert ((), 0) == (page.mentions, page.total)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.9, 0.99])
def test_a_page_that_is_cut_off_is_refused(share: float) -> None:
    """No beginning of a page passes for the page."""
    with pytest.raises(ParseError, match="catch-up page"):
        parse_catchup(PAGE[: int(len(PAGE) * share)])


@each_row(
    ("known", "other"),
    [
        (b"Catchup results", b"Results"),
        (b"New submissions (showing 1 of 1", b"News (1"),
        (b"showing 1 of 1 entries)</h3>", b"showing 2 of 2 entries)</h3>"),
        (b"Total of 3", b"Total of 4"),
        (b"06 Jan 2026</h1>", b"31 Feb 2026</h1>"),
        (b"06 Jan 2026</h1>", "06 Jän 2026</h1>".encode()),
        (b"<dd>", b"<div>"),
        (b'title="Abstract"', b'title="Paper"'),
        (b"list-subjects", b"subjects"),
        (b"<dl id='articles'>", b"<dl>"),
    ],
)
def test_a_page_that_has_changed_is_refused(known: bytes, other: bytes) -> None:
    """Another structure, or counts that do not agree, are a named error."""
    assert known in PAGE
    with pytest.raises(ParseError, match="catch-up page"):
        asyncio.run(fetch_catchup(Site(PAGE.replace(known, other), catchup([], "cs.LG", DAY, 2)).get, "", "cs.LG", DAY))


def test_pages_of_a_long_list() -> None:
    """More than 2,000 papers come on several pages, which have to have the total together."""
    many = [Sheet(f"2601.{number:05d}") for number in range(1, PAGE_SIZE + 3)]
    pages = [catchup(many, "cs.LG", DAY, number) for number in (1, 2)]
    site = Site(*pages)
    assert len(many) == len(asyncio.run(fetch_catchup(site.get, "https://arxiv.org", "cs.LG", DAY)))
    assert [catchup_url("https://arxiv.org", "cs.LG", DAY, number) for number in (1, 2)] == site.urls
    short = Site(pages[0], catchup(many[:-1], "cs.LG", DAY, 2))
    with pytest.raises(ParseError, match="papers"):
        asyncio.run(fetch_catchup(short.get, "", "cs.LG", DAY))


def test_aliases_are_asked_for_by_their_canonical_names() -> None:
    """The site redirects aliases, and letter case counts."""
    assert "/catchup/eess.SY/2026-01-06?abs=True&page=1" == catchup_url("", "cs.SY", DAY)
