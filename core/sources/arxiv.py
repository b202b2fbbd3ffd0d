"""arXiv's RSS and Atom feeds and its API: from bytes to announcements and papers.

A feed is one announcement date. An item that cannot be read is set aside with its reason; the others go on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from core.domain.batch import ANNOUNCE_TYPES, Announcement
from core.domain.calendar import EASTERN
from core.domain.errors import ParseError
from core.domain.paper import Author, Paper, parse_id
from core.sources.authors import split_authors
from core.sources.tex import decode_accents, decode_name
from core.sources.xml import Document, read_items

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"

_DESCRIPTION = re.compile(
    r"\s*(?:arXiv:(?P<id>\S+))?\s*(?:Announce Type:\s*(?P<type>[\w-]+))?\s*(?:Abstract:\s*)?(?P<abstract>.*)", re.DOTALL
)
_PARAGRAPH = re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n|[^\S\n]+)\s*")  # arXiv: an indented line begins a paragraph
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z][A-Za-z-]*)?")


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a feed held. `date` is None if it does not say; see `core.sources.xml.Document` for the rest."""

    date: date | None
    announcements: tuple[Announcement, ...]
    rejected: tuple[Mapping[str, str], ...] = ()
    broken: str = ""

    @property
    def served(self) -> int:
        """How many items the feed had, readable or not."""
        return len(self.announcements) + len(self.rejected)


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page of API results: papers, and how many there are in all by arXiv's count, which it does not always keep."""

    papers: tuple[Paper, ...]
    total: int
    rejected: tuple[Mapping[str, str], ...] = ()
    broken: str = ""


def parse_feed(body: bytes) -> ParsedFeed:
    """Read an RSS or Atom feed of announcements. Raises `ParseError` if it is none, or one that reports an error."""
    atom = b"<feed" in body[:1024]
    document = (
        read_items(body, f"{_ATOM}entry", f"{_ATOM}feed", _atom_entry)
        if atom
        else read_items(body, "item", "channel", _rss_item)
    )
    title = document.head.get(f"{_ATOM}title" if atom else "title", "")
    if title.startswith("Feed error"):
        raise ParseError(f"arXiv answered with an error feed: {title}")
    if not document.head and not document.values:
        raise ParseError("the answer is XML, but not a feed")
    return ParsedFeed(
        _feed_date(document, atom=atom), tuple(document.values), tuple(document.rejected), document.broken
    )


def parse_api(body: bytes) -> ParsedPage:
    """Read a page of API results. Raises `ParseError` if it is none, or reports an error in its only entry."""
    document = read_items(body, f"{_ATOM}entry", f"{_ATOM}feed", _api_entry)
    total = document.head.get(f"{_OPENSEARCH}totalResults", "")
    return ParsedPage(
        tuple(document.values),
        int(total) if total.isdigit() else len(document.values),
        tuple(document.rejected),
        document.broken,
    )


def _rss_item(item: etree._Element) -> Announcement:
    description = _DESCRIPTION.fullmatch(item.findtext("description") or "")
    paper_id = item.findtext("guid") or (description and description["id"]) or item.findtext("link") or ""
    return _announcement(
        item, paper_id, description, item.findtext("title"), [category.text or "" for category in item.iter("category")]
    )


def _atom_entry(entry: etree._Element) -> Announcement:
    description = _DESCRIPTION.fullmatch(entry.findtext(f"{_ATOM}summary") or "")
    categories = [category.get("term", "") for category in entry.iter(f"{_ATOM}category")]
    return _announcement(
        entry, entry.findtext(f"{_ATOM}id") or "", description, entry.findtext(f"{_ATOM}title"), categories
    )


def _announcement(
    element: etree._Element,
    paper_id: str,
    description: re.Match[str] | None,
    title: str | None,
    categories: list[str],
) -> Announcement:
    parsed = parse_id(paper_id)
    if parsed.version is None:
        raise ValueError(f"{parsed.id}: no version in {paper_id!r}")
    served = (element.findtext(f"{_ARXIV}announce_type") or (description and description["type"]) or "").strip()
    if served not in ANNOUNCE_TYPES:
        raise ValueError(f"{parsed}: unknown announce type {served!r}")
    creator = element.findtext(f"{_DC}creator") or element.findtext(f"{_ATOM}author/{_ATOM}name") or ""
    paper = _paper(
        str(parsed),
        title or "",
        description["abstract"] if description else "",
        split_authors(creator),
        categories,
        licence=(element.findtext(f"{_DC}rights") or element.findtext(f"{_ATOM}rights") or "").strip(),
        doi=(element.findtext(f"{_ARXIV}DOI") or "").strip(),
        journal_ref=" ".join((element.findtext(f"{_ARXIV}journal_reference") or "").split()),
    )
    return Announcement(paper, served)


def _api_entry(entry: etree._Element) -> Paper:
    url = (entry.findtext(f"{_ATOM}id") or "").strip()
    if "/api/errors" in url:
        raise ParseError(f"arXiv's API answered: {entry.findtext(f'{_ATOM}summary')}")
    primary = entry.find(f"{_ARXIV}primary_category")
    categories = [category.get("term", "") for category in entry.iter(f"{_ATOM}category")]
    authors = [
        Author(
            decode_name(author.findtext(f"{_ATOM}name") or ""), (author.findtext(f"{_ARXIV}affiliation") or "").strip()
        )
        for author in entry.iter(f"{_ATOM}author")
    ]
    return _paper(
        url,
        entry.findtext(f"{_ATOM}title") or "",
        entry.findtext(f"{_ATOM}summary") or "",
        tuple(author for author in authors if author.name),
        [primary.get("term", ""), *categories] if primary is not None else categories,
        doi=(entry.findtext(f"{_ARXIV}doi") or "").strip(),
        journal_ref=" ".join((entry.findtext(f"{_ARXIV}journal_ref") or "").split()),
        comment=" ".join((entry.findtext(f"{_ARXIV}comment") or "").split()),
        published=(entry.findtext(f"{_ATOM}published") or "").strip(),
        updated=(entry.findtext(f"{_ATOM}updated") or "").strip(),
    )


def _paper(
    paper_id: str, title: str, abstract: str, authors: tuple[Author, ...], categories: list[str], **more: str
) -> Paper:
    """A paper from raw strings. Raises `ValueError` that names the paper if it lacks what it cannot do without."""
    parsed = parse_id(paper_id)
    title = " ".join(title.split())
    if not title:
        raise ValueError(f"{parsed}: no title")
    # Old papers also list ACM and MSC classes, which are no categories: "90C59", "G.1.6"
    known = tuple(dict.fromkeys(name for c in categories if _CATEGORY.fullmatch(name := c.strip())))
    if not known:
        raise ValueError(f"{parsed}: no category")
    parts = _PARAGRAPH.split(abstract.strip()) if "\n" in abstract else (abstract,)
    paragraphs = "\n".join(" ".join(part.split()) for part in parts)
    readable, readable_abstract = decode_accents(title), decode_accents(paragraphs)
    return Paper(
        id=parsed.id,
        version=parsed.version or 1,
        title=readable,
        abstract=readable_abstract,
        authors=authors,
        categories=known,
        title_tex=title if title != readable else "",
        abstract_tex=paragraphs if paragraphs != readable_abstract else "",
        **more,
    )


def _feed_date(document: Document, *, atom: bool) -> date | None:
    """The announcement date: the day in US Eastern time of the channel's own date, which is midnight there."""
    for tag in (f"{_ATOM}updated",) if atom else ("pubDate", "lastBuildDate"):
        try:
            text = document.head[tag]
            moment = datetime.fromisoformat(text) if atom else parsedate_to_datetime(text)
            return moment.astimezone(EASTERN).date()
        except (KeyError, ValueError):
            continue
    return None
