"""RSS and Atom feeds of anybody: journals, societies, blogs, and aggregators that mix them with arXiv.

Read are RSS 2.0 (https://www.rssboard.org/rss-specification), RSS 1.0 with Dublin Core and PRISM, which publishers use
(https://web.resource.org/rss/1.0/spec), and Atom (RFC 4287). An entry without a title is rejected, and the others stay.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree

from core.model.errors import ParseError
from core.model.paper import Author, Paper, PaperId, doi_id, guid_id, parse_arxiv_id
from core.model.sources import Origin
from core.sources.client import Get, UpstreamAnswer
from core.sources.parse import capped, readable_texts, squeezed, utc_time
from core.sources.xml import read_items
from core.text.fold import has_text
from core.text.sanitize import plain

_MOST_SECONDS = 15.0
_MOST_BYTES = 8_000_000
_MOST_READ = 2000  # entries of a feed, as many as arXiv serves
_MOST_AUTHORS = 500
_LONGEST_HTML = 200_000  # characters of an entry's text
_LONGEST_LINK = 1000

_ATOM = "{http://www.w3.org/2005/Atom}"
_RSS1 = "{http://purl.org/rss/1.0/}"
_KINDS = (  # the beginning of a document, and the tags of its entries and of what holds the feed's title
    (re.compile(rb"<(?:\w+:)?RDF[\s>]"), f"{_RSS1}item", f"{_RSS1}channel"),
    (re.compile(rb"<(?:\w+:)?feed[\s>]"), f"{_ATOM}entry", f"{_ATOM}feed"),
    (re.compile(rb"<rss[\s>]"), "item", "channel"),
)
_HEAD = 4096  # bytes in which a document begins
# Elements by their local name: namespaces of PRISM have versions, and some feeds have none at all
_TEXTS = ("encoded", "description", "summary", "content", "abstract")
_TIMES = ("pubDate", "published", "date", "publicationDate", "issued", "updated", "modified")
_VENUES = ("publicationName", "source")
_DOI_IN_LINK = re.compile(r"/(?:doi/(?:(?:abs|full|pdf|epdf|epub|book)/)?|)(10\.\d{4,9}/[^?#\s]+)", re.IGNORECASE)
_DOI_TAIL = re.compile(
    r"/(?:abstract|full|pdf|epdf|meta|html|fulltext)\Z|\.(?:pdf|html|abstract|full)\Z", re.IGNORECASE
)
_ARXIV_TEXT = re.compile(r"\s*(?:arXiv:\S+)?\s*(?:Announce Type:\s*[\w-]+)?\s*(?:Abstract:\s*)?(.*)", re.DOTALL)
_MAIL_NAME = re.compile(r"\S+@\S+\s*\((.+)\)|(.+?)\s*[(<]\S+@\S+[)>]")  # "a@b.org (A. Name)", "A. Name (a@b.org)"
_BETWEEN_NAMES = re.compile(r"\s*;\s*|\s*,\s+(?!(?:Jr|Sr|I{2,3}|IV)\b)|\s+and\s+")
_GLOBAL = re.compile(r"(?:https?|tag|urn|oai|doi):", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "section", "sec", "title", "blockquote"})
_NO_TEXT = frozenset({"script", "style", "template", "noscript"})


@dataclass(frozen=True, slots=True)
class Entries:
    """What a feed has: its papers in its order, each once, and the entries that could not be read, with reasons.

    `answer` has its validators; its body is None where nothing has changed. `broken` says where the feed is damaged.
    """

    answer: UpstreamAnswer
    papers: tuple[Paper, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()
    broken: str = ""


async def fetch_entries(get: Get, origin: Origin, validators: Mapping[str, str] | None) -> Entries:
    """Fetch a feed, conditionally if `validators` are given. Raises `FetchError` or `ParseError`."""
    answer = await get(origin.url, validators, most_bytes=_MOST_BYTES, total_seconds=_MOST_SECONDS)
    return Entries(answer) if answer.body is None else await asyncio.to_thread(parse_entries, answer, origin)


def parse_entries(answer: UpstreamAnswer, origin: Origin) -> Entries:
    """Parse a feed. Raises `ParseError` if it is none, or if none of its entries can be read. It may be empty."""
    body = answer.body or b""
    found = ((item, holder) for begin, item, holder in _KINDS if begin.search(body[:_HEAD]))
    item, holder = next(found, ("item", "channel"))
    document = read_items(body, item, holder, lambda element: _Entry(element, origin).paper())
    if not document.head and not document.values and not document.rejected:
        raise ParseError("the answer is XML, but no RSS or Atom feed")
    title = next((text for tag, text in document.head.items() if etree.QName(tag).localname == "title"), "")
    venue = squeezed(text_of(title))[:200] or origin.name
    papers: dict[str, Paper] = {}
    for paper in document.values[:_MOST_READ]:
        papers.setdefault(paper.id, paper if paper.venue else replace(paper, venue=venue))
    rejected = document.rejected
    if len(document.values) > _MOST_READ:
        rejected.append(
            {"reason": f"{len(document.values) - _MOST_READ} more than {_MOST_READ} were not read", "excerpt": ""}
        )
    if rejected and not papers:
        raise ParseError(f"none of {len(rejected)} entries could be read; of the first one: {rejected[0]['reason']}")
    return Entries(answer, tuple(papers.values()), tuple(rejected), document.broken)


class _Entry:
    """One entry of a feed, by the local names of its elements."""

    def __init__(self, element: etree._Element, origin: Origin) -> None:
        self.origin = origin
        self.parts: dict[str, list[etree._Element]] = {}
        for child in element:
            if isinstance(child.tag, str):
                self.parts.setdefault(etree.QName(child).localname, []).append(child)
        about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about", "")
        self.guid = self._first("guid", "id") or about
        self.link = self._link()

    def _first(self, *names: str) -> str:
        texts = (_inner(child).strip() for name in names for child in self.parts.get(name, ()))
        return next((text for text in texts if text), "")

    def _link(self) -> str:
        """The address of the page: Atom's alternate, else the text of RSS's link, else a permanent guid."""
        links = self.parts.get("link", ())
        named = [e.get("href", "") for e in links if e.get("rel", "alternate") == "alternate" and e.get("href")]
        written = [text for e in links if (text := (e.text or "").strip())]
        for text in (*named, *written, self.guid):
            try:
                address = urljoin(self.origin.url, text.strip())
                parts = urlsplit(address)
            except ValueError:
                continue
            sound = parts.scheme in ("http", "https") and parts.hostname and not re.search(r'[\s<>"\x00-\x1f]', address)
            if text and sound and len(address) <= _LONGEST_LINK and (text is not self.guid or "://" in text):
                return address
        return ""

    def paper(self) -> Paper:
        """The paper. Raises `ValueError` without a title."""
        title = text_of(self._first("title"))
        if not has_text(title):
            raise ValueError("no title")
        found = self._identifier(title)
        published = next((time for time in map(_time, self._times()) if time), "")
        texts = max((text_of(_inner(e)) for name in _TEXTS for e in self.parts.get(name, ())), key=len, default="")
        try:
            parse_arxiv_id(found.id)
            match = _ARXIV_TEXT.match(texts)
            shown = readable_texts(title, match[1] if match else texts)
        except ValueError:
            shown = {"title": squeezed(capped(plain(title), "title")), "abstract": capped(plain(texts), "abstract")}
        return Paper(
            id=found.id,
            version=found.version or 1,
            authors=tuple(self._authors()),
            categories=(),
            published=published,
            link=self.link,
            venue=squeezed(text_of(self._venue()))[:200],
            **shown,
        )

    def _venue(self) -> str:
        texts = ((e.text or "").strip() for name in _VENUES for e in self.parts.get(name, ()) if not len(e))
        return next((text for text in texts if text and "://" not in text), "")

    def _times(self) -> Iterator[str]:
        return (self._first(name) for name in _TIMES)

    def _identifier(self, title: str) -> PaperId:
        """Its identifier at arXiv, else its DOI, else what the feed calls it."""
        named = [
            text.strip() for name in ("doi", "identifier") for e in self.parts.get(name, ()) if (text := _inner(e))
        ]
        for text in (self.link, self.guid, *named):
            try:
                return parse_arxiv_id(text)
            except ValueError:
                continue
        for text in (*named, self.guid):
            if found := doi_id(text):
                return PaperId(found)
        for text in (self.link, self.guid):
            match = _DOI_IN_LINK.search(text)
            if match and (found := doi_id(_DOI_TAIL.sub("", unquote(match[1]).rstrip("/")))):
                return PaperId(found)
        if self.guid:  # unique in the world if it is an address, else in its feed
            return PaperId(guid_id(self.guid) if _GLOBAL.match(self.guid) else guid_id(self.origin.key, self.guid))
        return PaperId(guid_id(self.link) if self.link else guid_id(self.origin.key, title))

    def _authors(self) -> Iterator[Author]:
        names = [_inner(e).strip() for e in self.parts.get("creator", ())]
        for element in self.parts.get("author", ()):
            inner = next((_inner(e) for e in element if isinstance(e.tag, str) and e.tag.endswith("name")), "")
            names.append(inner.strip() or (element.text or "").strip())
        listed = [name for text in names for name in (_BETWEEN_NAMES.split(text) if len(names) == 1 else [text])]
        for name in listed[:_MOST_AUTHORS]:
            match = _MAIL_NAME.fullmatch(name)
            name = squeezed(text_of((match[1] or match[2]) if match else name))
            if has_text(name) and "@" not in name:
                yield Author(capped(name, "name"))


def _inner(element: etree._Element) -> str:
    """Returns the text of an element, also of one that holds XHTML."""
    if not len(element):
        return element.text or ""
    return etree.tostring(element, encoding="unicode", with_tail=False)[:_LONGEST_HTML]


def text_of(html: str) -> str:
    """Returns the text of HTML, its blocks in lines of their own."""
    if "<" not in html and "&" not in html:
        return _lines(html)
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8")
    written = re.sub(r"<[\w.-]+:", "<", html[:_LONGEST_HTML]).encode("utf-8", "replace")
    root = etree.fromstring(b"<div>" + written + b"</div>", parser)
    if root is None:
        return ""
    pieces: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            pieces.append("\n" if element.tag in _BLOCKS else "")
            pieces.append("" if element.tag in _NO_TEXT else element.text or "")
        else:
            pieces.append("\n" if element.tag in _BLOCKS else "")
            pieces.append(element.tail or "")
    return _lines("".join(pieces))


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.replace("\r", "").split("\n"))
    return "\n".join(line for line in lines if line)


def _time(text: str) -> str:
    """Returns a time of RSS (RFC 822) or Atom (RFC 3339) in RFC 3339, "" for an invalid one."""
    if found := utc_time(text):
        return found
    try:
        moment = parsedate_to_datetime(text)
        return utc_time((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat())
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""
