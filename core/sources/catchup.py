"""arXiv's catch-up pages: what was announced in one category on one of the last 90 days, with announce types.

https://arxiv.org/catchup/cs.LG/2026-01-06?abs=True&page=1 lists new submissions, cross-lists and replacements of one
mailing, 2,000 papers a page (https://info.arxiv.org/help/catchup.html; source: github.com/arXiv/arxiv-browse). The
page is for people, and may change: its counts have to agree with what was read, else the answer is not used.

Metadata and categories on it are of now, not of the date. It has versions only in links to HTML, the newest ones.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from core.model.categories import canonical
from core.model.errors import ParseError
from core.model.pages import Mention
from core.model.paper import Author, Paper, parse_arxiv_id
from core.sources.client import Get
from core.sources.parse import readable_texts, squeezed
from core.sources.xml import check_parts
from core.text.fold import has_text
from core.text.tex import decode_name

PAGE_SIZE = 2000
_MOST_PAGES = 10
CATCHUP_SECONDS = 40.0  # of one request; arXiv makes the page when it is asked for
_ACCEPT = "text/html, */*"
_SECTIONS = {"New submissions": "new", "Cross submissions": "cross", "Replacement submissions": "replace"}
_HEADING = re.compile(
    r"(?P<name>\w+ submissions) \((?:continued, )?showing (?:first |last )?(?P<shown>\d{1,6}) of (?P<all>\d{1,6}) entr"
)
_TOTAL = re.compile(r"Total of (\d{1,6}) entr")
_TITLE = re.compile(r"Catchup results for .* on \w{3}, (\d\d \w{3} \d{4})")
_NOTHING = re.compile(r"No (further )?updates for ")
_CATEGORY = re.compile(r"\(([a-z]+(?:-[a-z]+)*(?:\.[A-Za-z][A-Za-z-]*)?)\)\s*$")
_VERSION = re.compile(r"/html/[^\s?#]*?v([1-9]\d{0,3})$")
_CHANGED = "arXiv's catch-up page is not as it was"


@dataclass(frozen=True, slots=True)
class CatchupPage:
    """One page: its mentions of papers, the number of papers by section on all pages, and the total of all pages."""

    date: date
    mentions: tuple[Mention, ...]
    counts: Mapping[str, int]
    total: int


def catchup_url(base_url: str, category: str, day: date, page: int = 1) -> str:
    """Returns the URL of a page with abstracts. Aliases are redirected, so the canonical name is asked for."""
    return f"{base_url}/catchup/{canonical(category)}/{day.isoformat()}?abs=True&page={page}"


async def fetch_catchup(get: Get, base_url: str, category: str, day: date) -> tuple[Mention, ...]:
    """Fetch all pages of a category's date; empty if nothing was announced in it.

    Raises `FetchError`, and `ParseError` if the pages are not whole or not as they used to be.
    """
    found: list[Mention] = []
    total: int | None = None
    for number in range(1, _MOST_PAGES + 1):
        url = catchup_url(base_url, category, day, number)
        answer = await get(url, accept=_ACCEPT, total_seconds=CATCHUP_SECONDS)
        page = await asyncio.to_thread(parse_catchup, answer.body or b"")
        if page.date != day:
            raise ParseError(f"{_CHANGED}: it is of {page.date} instead of {day}")
        if total not in (page.total, None):
            raise ParseError(f"arXiv's catch-up pages say {total} and {page.total} papers")
        total = page.total
        found += page.mentions
        if len(found) >= page.total or not page.mentions:
            _check_whole(found, page)
            return tuple(found)
    raise ParseError(f"arXiv's catch-up page of {category} on {day} has more than {_MOST_PAGES} pages")


def _check_whole(found: Sequence[Mention], page: CatchupPage) -> None:
    counted = {name: sum(one.section == name for one in found) for name in _SECTIONS.values()}
    if len(found) != page.total or any(counted[name] != number for name, number in page.counts.items()):
        raise ParseError(f"arXiv's catch-up pages have {len(found)} of {page.total} papers")


def parse_catchup(body: bytes) -> CatchupPage:
    """Parse one page. Raises `ParseError` if it is cut off, or its structure is unknown."""
    check_parts(body)
    root = etree.fromstring(body, _parser()) if body.strip() else None
    heading = "" if root is None else squeezed("".join(_texts(root.find(".//h1"))))
    title = _TITLE.match(heading)
    day = _day(title[1]) if title else None
    if root is None or day is None:
        raise ParseError(f"{_CHANGED}: it has no heading 'Catchup results for … on Tue, 06 Jan 2026'")
    if not body.rstrip().lower().endswith(b"</html>"):
        raise ParseError("arXiv's catch-up page is cut off")
    text = squeezed(" ".join(_texts(root)))
    totals = {int(number) for number in _TOTAL.findall(text)} or {0}
    sections = [_section(one) for one in root.iter("dl") if one.get("id") == "articles"]
    if len(totals) > 1 or bool(sections) == bool(_NOTHING.search(text) and not sections):
        raise ParseError(f"{_CHANGED}: it has neither papers nor says that there are none")
    mentions = [mention for _, _, found in sections for mention in found]
    return CatchupPage(day, tuple(mentions), {name: number for name, number, _ in sections}, min(totals))


def _section(articles: etree._Element) -> tuple[str, int, list[Mention]]:
    """Returns a section's name, the number of its papers on all pages, and its mentions on this page."""
    heading = _HEADING.match(squeezed("".join(_texts(articles.find(".//h3")))))
    if heading is None or heading["name"] not in _SECTIONS:
        raise ParseError(f"{_CHANGED}: a section has no known heading")
    name = _SECTIONS[heading["name"]]
    try:
        found = [_mention(name, term, description) for term, description in _pairs(articles)]
    except ValueError as error:
        raise ParseError(f"{_CHANGED}: {error}") from error
    if len(found) != int(heading["shown"]):
        raise ParseError(f"arXiv's catch-up page shows {len(found)} of {heading['shown']} papers in a section")
    return name, int(heading["all"]), found


def _pairs(articles: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    terms = list(articles.iter("dt"))
    descriptions = list(articles.iter("dd"))
    if len(terms) != len(descriptions):
        raise ValueError(f"{len(terms)} papers have {len(descriptions)} descriptions")
    yield from zip(terms, descriptions, strict=True)


def _mention(section: str, term: etree._Element, description: etree._Element) -> Mention:
    links = list(term.iter("a"))
    address = next((str(a.get("href", "")) for a in links if a.get("title") == "Abstract"), "")
    parsed = parse_arxiv_id(address.removeprefix("/abs/"))
    versions = [int(match[1]) for a in links if (match := _VERSION.search(str(a.get("href", ""))))]
    newest = parsed.version or next(iter(versions), 0)
    parts = {cls: one for one in description.iter("div") for cls in str(one.get("class", "")).split()}
    title = _part(parts, "list-title")
    if not has_text(title):
        raise ValueError(f"{parsed.id} has no title")
    abstracts = [_lines(one) for one in description.iter("p") if "mathjax" in str(one.get("class", ""))]
    paper = Paper(
        id=parsed.id,
        version=newest or 1,
        authors=_authors(parts.get("list-authors")),
        categories=_categories(parsed.id, parts.get("list-subjects")),
        journal_ref=squeezed(_part(parts, "list-journal-ref")),
        comment=squeezed(_part(parts, "list-comments")),
        **readable_texts(title, "\n".join(abstracts)),
    )
    return Mention(section, paper, newest)


def _authors(element: etree._Element | None) -> tuple[Author, ...]:
    names = [] if element is None else [squeezed("".join(_texts(a))) for a in element.iter("a")]
    return tuple(Author(decode_name(name)) for name in names if has_text(name))


def _categories(paper: str, element: etree._Element | None) -> tuple[str, ...]:
    names = [] if element is None else [part.strip() for part in "".join(_texts(element)).split(";")]
    found = [match[1] for name in names if (match := _CATEGORY.search(name))]
    if not found:
        raise ValueError(f"{paper} has no subjects")
    return tuple(dict.fromkeys(found))


def _part(parts: Mapping[str, etree._Element], name: str) -> str:
    """Returns the text of a part without its label ("Title:"); "" if it is absent."""
    return "" if name not in parts else "".join(_texts(parts[name])).strip()


def _lines(element: etree._Element) -> str:
    return "".join(_texts(element)).strip()


def _texts(element: etree._Element | None) -> Iterator[str]:
    """Yields the text of an element without labels. arXiv prints every address as "this https URL": it is in href."""
    if element is None:
        return
    if element.tag == "br":
        yield "\n  "
    elif isinstance(element.tag, str) and "descriptor" not in str(element.get("class", "")):
        address = str(element.get("href", "")) if "link-external" in str(element.get("class", "")) else ""
        yield address or element.text or ""
        for child in () if address else element:
            yield from _texts(child)
            yield child.tail or ""


def _day(text: str) -> date | None:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    number, month, year = text.split()
    try:
        return date(int(year), months.index(month) + 1, int(number))
    except ValueError:
        return None


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        encoding="utf-8", no_network=True, recover=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
