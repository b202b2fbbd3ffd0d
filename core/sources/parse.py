"""Parses arXiv's RSS and Atom feeds and API results into announcements and papers.

A feed holds one announcement date. An unreadable item is rejected with its reason, and the others are kept. Titles,
abstracts and times are normalised.

In a feed, the authors are one string: names separated by commas, with affiliations in parentheses that may contain
commas, or with marks that are explained at the end.

    Kun-Woo Shin (Seoul National University, Korea), Jay H. Park (Samsung Electronics, Korea)
    A. Author (1), B. Writer (1 and 2) ((1) One Institute, (2) Another)
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

from core.model.batch import ANNOUNCE_TYPES, Announcement
from core.model.calendar import EASTERN
from core.model.errors import ParseError
from core.model.paper import Author, Paper, PaperId, find_dois, is_suffix, parse_arxiv_id
from core.sources.xml import XmlDocument, excerpt_of, read_items
from core.text.fold import has_text
from core.text.numbers import whole_number
from core.text.sanitize import plain
from core.text.tex import decode_name, to_readable

log = logging.getLogger("paperwire")

_MOST_QUOTED = 100  # characters of a wrong value
_YEARS = range(1900, 2200)
_PARAGRAPH = re.compile(r"\n(?:[^\S\n]+|\n)\s*")  # arXiv: an indented line begins a paragraph


# Characters of a text that are read, by field: several times the longest ones at arXiv
_LONGEST = {"title": 2_000, "abstract": 20_000, "authors": 1_000_000, "name": 500, "other": 5_000}
_MOST_CATEGORIES = 100


def capped(text: str, field: str) -> str:
    """Returns `text` without what goes beyond the limit of its field, which is then said at its end."""
    most = _LONGEST[field]
    if len(text) <= most:
        return text
    log.warning("a text of %d characters was cut to %d (%s): %.60r", len(text), most, field, text)
    return f"{text[:most].rstrip()} … [cut: {len(text):,} characters]"


def squeezed(text: str) -> str:
    """Returns `text` with every run of white space replaced by one space."""
    # The check is much faster than the replacement, which few texts need
    unclean = not text.isascii() or "  " in text or "\n" in text or "\t" in text or "\r" in text
    return " ".join(text.split()) if unclean or text[:1] == " " or text[-1:] == " " else text


def readable_texts(title: str, abstract: str) -> dict[str, Any]:
    """Returns a paper's `title` and `abstract`, and `title_tex` and `abstract_tex` where the served text differs."""
    title, abstract = squeezed(capped(title.strip(), "title")), capped(abstract.strip(), "abstract")
    paragraphs = _PARAGRAPH.split(abstract) if "\n" in abstract else [abstract]
    abstract = "\n".join(map(squeezed, paragraphs))
    readable, readable_abstract = to_readable(plain(title)), to_readable(plain(abstract))
    return {
        "title": readable,
        "abstract": readable_abstract,
        "title_tex": title if title != readable else "",
        "abstract_tex": abstract if abstract != readable_abstract else "",
    }


def utc_time(text: str) -> str:
    """Returns an RFC 3339 time in UTC, to the second; "" for an invalid one. A time without a zone is read as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return ""
    if moment.year not in _YEARS:  # no calendar reaches beyond the first and the last year
        return ""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


_SPECIAL = re.compile(
    r"[\\(){}~]|,\s*(?:[JjSs][Rr]\b|I[IV]|VI{0,3}\b|[Pp][Hh]\.?\s?[Dd]\b|[Mm]\.?[Dd]\b|[Ee]sq\b)|\bfor\b|behalf"
)  # commas are not enough
_SEPARATOR = re.compile(r"[,;:]|\s(?:and|&)\s")
_MARK = r"(?:\d{1,3}|[*†‡§¶#]+|[ivx]{2,4}|[a-z])"
_FOOTNOTE = re.compile(rf"\(({_MARK})\)\s*([^()]*(?:\([^()]*\)[^()]*)*?)\s*(?=[,;]?\s*\({_MARK}\)|$)")
_BARE_FOOTNOTE = re.compile(r"(?:^|[,;]\s*)(\d{1,2}|[a-z])(?:[:.)]\s*|\s+)(?=\S)")
_MARKS = re.compile(rf"{_MARK}(?:(?:[\s,;&]|and)+{_MARK})*[\s,;]*")
_MEMBER = re.compile(r"(?:(.*\S)\s+)?((?:for|on behalf of) the\s+(\S.*))")


def split_authors(text: str) -> tuple[Author, ...]:
    """Returns the authors of an author string, in order; marks are replaced by the affiliations that explain them."""
    text = capped(text, "authors")
    if not _SPECIAL.search(text):  # most strings; ten times faster
        parts = _SEPARATOR.split(text)
        return tuple([Author(capped(" ".join(part.split()), "name")) for part in parts if has_text(part)])
    names: list[tuple[str, list[str]]] = []
    footnotes: dict[str, str] = {}
    for part in _parts(" ".join(text.split())):
        name, groups = _name_and_groups(part)
        if not name and not groups:
            continue
        if not name:
            footnotes |= _footnotes(groups[-1])
        elif names and is_suffix(name):
            names[-1] = (f"{names[-1][0]} {name}", names[-1][1] + groups)
        else:
            if len(groups) > 1 and (found := _footnotes(groups[-1])):
                footnotes |= found
                groups.pop()
            names.append((name, groups))
    return tuple(
        _author(name, _affiliation(groups, footnotes)) for name, groups in names if has_text(decode_name(name))
    )


def _author(name: str, affiliation: str) -> Author:
    """Returns a person or a group. In "A. Author for the Sample Collaboration" the group is A. Author's affiliation."""
    name, affiliation = decode_name(capped(name, "name")), capped(affiliation, "other")
    member = _MEMBER.fullmatch(name)
    if member is None or not Author(member[3]).is_group:
        return Author(name, affiliation)
    return Author(member[1], affiliation or member[2]) if member[1] else Author(member[3], affiliation)


def _parts(text: str) -> Iterator[str]:
    """Split the string at separators outside parentheses; an unclosed parenthesis is ignored."""
    depth = start = at = 0
    last = text.rfind(")")
    while at < len(text):
        if text[at] == "(" and at < last:
            depth += 1
        elif text[at] == ")":
            depth = max(depth - 1, 0)
        elif depth == 0 and (match := _SEPARATOR.match(text, at)):
            yield text[start:at]
            start = at = match.end()
            continue
        at += 1
    yield text[start:]


def _name_and_groups(part: str) -> tuple[str, list[str]]:
    """Returns the text outside parentheses, and the text inside each outermost pair."""
    depth = 0
    name: list[str] = []
    groups: list[list[str]] = []
    for char in part:
        if char == ")":
            depth = max(depth - 1, 0)
        if depth == 0 and char not in "()":
            name.append(char)
        elif depth > 0:
            groups[-1].append(char)
        if char == "(":
            depth += 1
            if depth == 1:
                groups.append([])
    texts = (" ".join("".join(group).split()) for group in groups)
    return " ".join("".join(name).split()), [text for text in texts if text]


def _footnotes(group: str) -> dict[str, str]:
    """Returns the affiliation of each mark in "(1) One, (2) Another" or "1 One, 2 Another"; empty for other texts."""
    if group.startswith("("):
        return {mark: text.strip(" ,;") for mark, text in _FOOTNOTE.findall(group)}
    _, *rest = _BARE_FOOTNOTE.split(group)
    marks, texts = rest[::2], rest[1::2]
    ordered = (
        len(marks) > 1 and marks[0] in ("1", "a") and marks == sorted(set(marks), key=lambda mark: (len(mark), mark))
    )
    return {mark: text.strip(" ,;") for mark, text in zip(marks, texts, strict=True)} if ordered else {}


def _affiliation(groups: list[str], footnotes: dict[str, str]) -> str:
    """Returns the affiliations in `groups`, without marks that are not explained."""
    out = []
    for group in groups:
        marks = re.findall(_MARK, group.replace("and", " ")) if _MARKS.fullmatch(group) else []
        out += [footnotes[mark] for mark in marks if mark in footnotes] if marks else [group]
    return decode_name("; ".join(out))


def _short(text: str | None) -> str:
    """Returns a text of one line."""
    return squeezed(capped((text or "").strip(), "other"))


_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"

_DESCRIPTION = re.compile(
    r"\s*(?:arXiv:(?P<id>\S+))?\s*(?:Announce Type:\s*(?P<type>[\w-]+))?\s*(?:Abstract:\s*)?(?P<abstract>.*)", re.DOTALL
)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z][A-Za-z-]*)?")


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """The content of a feed. `date` is None if the feed has none; for the other fields see `XmlDocument`."""

    date: date | None
    announcements: tuple[Announcement, ...]
    rejected: tuple[Mapping[str, str], ...] = ()
    broken: str = ""

    @property
    def served(self) -> int:
        """Returns the number of items in the feed, readable or not."""
        return len(self.announcements) + len(self.rejected)


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page of API results: papers, and arXiv's count of all results, which may be wrong."""

    papers: tuple[Paper, ...]
    total: int
    rejected: tuple[Mapping[str, str], ...] = ()
    broken: str = ""


def parse_feed(body: bytes) -> ParsedFeed:
    """Parse an RSS or Atom feed of announcements. Raises `ParseError` for anything else, and for an error feed."""
    atom = b"<feed" in body[:1024]
    document = (
        read_items(body, f"{_ATOM}entry", f"{_ATOM}feed", _atom_entry)
        if atom
        else read_items(body, "item", "channel", _rss_item)
    )
    title = document.head.get(f"{_ATOM}title" if atom else "title", "")
    if title.startswith("Feed error"):
        raise ParseError(f"arXiv answered with an error feed: {excerpt_of(title.encode())}")
    if not document.head and not document.values:
        raise ParseError("the answer is XML, but not a feed")
    return ParsedFeed(
        _feed_date(document, atom=atom), tuple(document.values), tuple(document.rejected), document.broken
    )


def parse_api(body: bytes) -> ParsedPage:
    """Parse a page of API results. Raises `ParseError` for anything else, and for an error entry."""
    document = read_items(body, f"{_ATOM}entry", f"{_ATOM}feed", _api_entry)
    total = document.head.get(f"{_OPENSEARCH}totalResults")
    if total is None:
        raise ParseError("the answer is not a page of API results")
    return ParsedPage(
        tuple(document.values),
        _total(total),
        tuple(document.rejected),
        document.broken,
    )


def _total(text: str) -> int:
    if (total := whole_number(text)) is None:  # to take a page for all of them would lose the others
        raise ParseError(f"the number of results is no number: {excerpt_of(text.encode())!r}")
    return total


def _rss_item(item: etree._Element) -> Announcement:
    texts = _texts(item)
    description = _description(texts.get("description"))
    paper_id = texts.get("guid") or description["id"] or texts.get("link") or ""
    categories = [category.text or "" for category in item.iterchildren("category")]
    return _announcement(texts, paper_id, description, texts.get("title", ""), categories)


def _atom_entry(entry: etree._Element) -> Announcement:
    texts = _texts(entry)
    categories = [category.get("term", "") for category in entry.iterchildren(f"{_ATOM}category")]
    description = _description(texts.get(f"{_ATOM}summary"))
    return _announcement(texts, texts.get(f"{_ATOM}id", ""), description, texts.get(f"{_ATOM}title", ""), categories)


def _texts(element: etree._Element) -> dict[str, str]:
    """Returns the text of each child by tag; one walk is much faster than a search for each tag."""
    return {str(child.tag): child.text or "" for child in element}


def _description(text: str | None) -> re.Match[str]:
    match = _DESCRIPTION.fullmatch(text or "")
    assert match is not None  # noqa: S101 - every part is optional
    return match


def _announcement(
    texts: Mapping[str, str], paper_id: str, description: re.Match[str], title: str, categories: list[str]
) -> Announcement:
    parsed = parse_arxiv_id(paper_id)
    if parsed.version is None:
        raise ValueError(f"{parsed.id}: no version in {paper_id[:_MOST_QUOTED]!r}")
    served = (texts.get(f"{_ARXIV}announce_type") or description["type"] or "").strip()
    if served not in ANNOUNCE_TYPES:
        raise ValueError(f"{parsed}: unknown announce type {served[:_MOST_QUOTED]!r}")
    paper = _paper(
        parsed,
        title,
        description["abstract"],
        split_authors(texts.get(f"{_DC}creator", "")),
        categories,
        licence=_short(texts.get(f"{_DC}rights") or texts.get(f"{_ATOM}rights")),
        doi=" ".join(find_dois(_short(texts.get(f"{_ARXIV}DOI")))),
        journal_ref=_short(texts.get(f"{_ARXIV}journal_reference")),
    )
    return Announcement(paper, served)


def _api_entry(entry: etree._Element) -> Paper:
    texts = _texts(entry)
    url = texts.get(f"{_ATOM}id", "").strip()
    if "/api/errors" in url:
        raise ParseError(f"arXiv's API answered: {excerpt_of(texts.get(f'{_ATOM}summary', '').encode())}")
    terms = [child.get("term", "") for child in entry.iterchildren(f"{_ATOM}category")]
    primary = [child.get("term", "") for child in entry.iterchildren(f"{_ARXIV}primary_category")]
    return _paper(
        parse_arxiv_id(url),
        texts.get(f"{_ATOM}title", ""),
        texts.get(f"{_ATOM}summary", ""),
        _api_authors([_texts(author) for author in entry.iterchildren(f"{_ATOM}author")]),
        [*primary, *terms],
        doi=" ".join(find_dois(_short(texts.get(f"{_ARXIV}doi")))),
        journal_ref=_short(texts.get(f"{_ARXIV}journal_ref")),
        comment=_short(texts.get(f"{_ARXIV}comment")),
        published=utc_time(texts.get(f"{_ATOM}published", "")),
        updated=utc_time(texts.get(f"{_ATOM}updated", "")),
    )


def _api_authors(elements: list[dict[str, str]]) -> tuple[Author, ...]:
    """Returns the authors of an entry.

    The API also splits at commas within names: suffixes and affiliations are joined to their names again, unless the
    entry has affiliations of its own.
    """
    names = [author.get(f"{_ATOM}name", "") for author in elements]
    affiliations = [_short(author.get(f"{_ARXIV}affiliation")) for author in elements]
    if not any(affiliations) and _SPECIAL.search(", ".join(names)):
        return split_authors(", ".join(names))
    found = zip((decode_name(capped(name, "name")) for name in names), affiliations, strict=True)
    return tuple(Author(name, affiliation) for name, affiliation in found if has_text(name))


def _paper(
    parsed: PaperId, title: str, abstract: str, authors: tuple[Author, ...], categories: list[str], **more: Any
) -> Paper:
    """Make a paper from raw strings. Raises `ValueError` that names the paper if a required part is missing."""
    if not has_text(title):
        raise ValueError(f"{parsed}: no title")
    # Old papers also list ACM and MSC classes, which are not categories: "90C59", "G.1.6"
    known = tuple(dict.fromkeys(name for c in categories[:_MOST_CATEGORIES] if _CATEGORY.fullmatch(name := c.strip())))
    if not known:
        raise ValueError(f"{parsed}: no category")
    return Paper(
        id=parsed.id,
        version=parsed.version or 1,
        authors=authors,
        categories=known,
        **readable_texts(title, abstract),
        **more,
    )


def _feed_date(document: XmlDocument, *, atom: bool) -> date | None:
    """Returns the announcement date: the channel's date in US Eastern time, where it is midnight."""
    for tag in (f"{_ATOM}updated",) if atom else ("pubDate", "lastBuildDate"):
        try:
            text = document.head[tag]
            moment = datetime.fromisoformat(text) if atom else parsedate_to_datetime(text)
            return moment.astimezone(EASTERN).date()
        except (KeyError, ValueError, OverflowError):
            continue
    return None
