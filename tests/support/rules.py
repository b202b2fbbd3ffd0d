"""The rules that validators and readers hold documents to. Each checker returns what is wrong, in words."""

import json
import re
from collections.abc import Iterator, Set
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from markdown_it import MarkdownIt
from markdown_it.token import Token

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff]"
)
LIKE_HTML = re.compile(r"<[A-Za-z/!?]|&(#|[A-Za-z]+;)")
URL = re.compile(r"https?://[a-z0-9.:-]+(/[!#-;=?-\[\]_a-z~]*)?")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                    r"\d\d:\d\d:\d\d ([+-]\d{4}|GMT)")  # fmt: skip
SAFE_TAGS = {"a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
             "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"}  # fmt: skip
SAFE_ATTRIBUTES = {"a": {"href"}, "div": {"lang"}, "ol": {"start"}}
# MathML Core without what loads, links or runs (https://www.w3.org/TR/mathml-core/#mathml-elements-and-attributes)
MATHML_TAGS = frozenset({
    "math", "menclose", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts",
    "mroot", "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder",
    "munderover", "none",
})  # fmt: skip
_MATHML_ATTRIBUTES = {
    "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence",
    "form", "height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "movablelimits",
    "notation", "rowlines", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "width",
}  # fmt: skip
VOID = {"br", "hr"}
READER = MarkdownIt("commonmark", {"html": True}).enable("table")


class _Html(HTMLParser):
    def __init__(self, html: str, tags: Set[str], hosts: re.Pattern[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.hosts = tags, hosts
        self.faults: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.tags:
            self.faults.append(f"tag {tag}")
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name not in (_MATHML_ATTRIBUTES if tag in MATHML_TAGS else SAFE_ATTRIBUTES.get(tag, set())):
                self.faults.append(f"attribute {name} of {tag}")
            if name == "href" and not (URL.fullmatch(value or "") and self.hosts.match(value or "")):
                self.faults.append(f"link to {value}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"no text: {data[:20]}")

    handle_decl = unknown_decl = handle_pi = handle_comment


def html_faults(html: str, *, tags: Set[str] = SAFE_TAGS, hosts: re.Pattern[str] = URL) -> list[str]:
    """HTML is balanced, with a few harmless tags, and links that are absolute, in ASCII and to these hosts."""
    return _Html(html, tags, hosts).faults + ([] if html.strip() else ["no content"])


def body_of(text: str) -> str:
    """Markdown without its front matter."""
    return text.split("---\n", 2)[2] if text.startswith("---\n") else text


def markdown_tokens(text: str) -> list[Token]:
    """All tokens of Markdown as CommonMark has it, those within lines too."""
    return [child for token in READER.parse(body_of(text)) for child in (token, *(token.children or ()))]


def markdown_faults(text: str, *, hosts: re.Pattern[str], marker: str) -> list[str]:
    """Markdown has no HTML but folds and the marker at its end, no Liquid, no foreign image, and links to hosts."""
    own = re.compile(rf"<details( markdown=\"1\")?>\n<summary>[^<>{{]*</summary>\n?|</details>\n?|{marker}\n?")
    faults = [f"liquid {match[0]}" for match in re.finditer(r"\{[{%:#]", body_of(text))]
    for token in markdown_tokens(text):
        if token.type in ("html_block", "html_inline") and not own.fullmatch(token.content.strip() + "\n"):
            faults.append(f"HTML {token.content}")
        if token.type == "image" and token.attrGet("src") != "https://vercel.com/button":
            faults.append("image")
        if token.type == "link_open" and not hosts.match(str(token.attrGet("href"))):
            faults.append(f"link to {token.attrGet('href')}")
    return faults


def rss_faults(body: bytes, url: str) -> list[str]:
    """RSS 2.0 as the best practices profile has it."""
    root = etree.fromstring(body)
    channel = root.find("channel")
    items = list(channel.iter("item"))
    guids = [item.find("guid") for item in items]
    image = channel.find("image")
    faults = [*_xml_faults(body), *_link_faults(channel.findall(f"{ATOM}link"), url, "application/rss+xml")]
    faults += _title_faults([channel.findtext("title"), channel.findtext("description")])
    faults += _title_faults([item.findtext("title") for item in items])
    faults += _url_faults([channel.findtext("link"), *(item.findtext("link") for item in items)])
    faults += [f"date {text}" for text in _dates(channel) if not RFC822.fullmatch(text)]
    faults += _time_faults([parsedate_to_datetime(item.findtext("pubDate")) for item in items])
    faults += [] if LANGUAGE.fullmatch(channel.findtext("language", "")) else ["language"]
    faults += _unique([guid.text for guid in guids], "guid")
    faults += ["guid is a permalink" for guid in guids if guid.get("isPermaLink") != "false"]
    faults += ["author" for item in items if item.find("author") is not None]
    faults += ["creators" for item in items if len([c for c in item.findall(f"{DC}creator") if _seen(c.text)]) != 1]
    if image is not None:
        same = [
            image.findtext("title") == channel.findtext("title"),
            image.findtext("link") == channel.findtext("link"),
        ]
        faults += _url_faults([image.findtext("url")]) + ([] if all(same) else ["image of something else"])
    return faults + [fault for item in items for fault in html_faults(item.findtext("description", ""))]


def atom_faults(body: bytes, url: str) -> list[str]:
    """Atom 1.0 (RFC 4287)."""
    root = etree.fromstring(body)
    entries = list(root.iter(f"{ATOM}entry"))
    names = [name.text for name in root.iter(f"{ATOM}name")]
    faults = [*_xml_faults(body), *_link_faults(root.findall(f"{ATOM}link"), url, "application/atom+xml")]
    faults += _title_faults([root.findtext(f"{ATOM}{tag}") for tag in ("title", "subtitle")])
    faults += _title_faults([*(entry.findtext(f"{ATOM}{tag}") for entry in entries for tag in ("title", "summary"))])
    faults += _title_faults(names)
    faults += [] if LANGUAGE.fullmatch(root.get(LANG, "")) else ["language"]
    ids = [root.findtext(f"{ATOM}id"), *(entry.findtext(f"{ATOM}id") for entry in entries)]
    faults += _unique(ids, "id") + _url_faults(ids)
    faults += _url_faults([icon.text for tag in ("icon", "logo") for icon in root.findall(f"{ATOM}{tag}")])
    faults += _time_faults([datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")) for entry in entries])
    for entry in entries:
        links = [(link.get("rel"), link.get("type")) for link in entry.findall(f"{ATOM}link")]
        faults += [] if links == [("alternate", "text/html")] else [f"links {links}"]
        faults += [] if entry.find(f"{ATOM}author") is not None else ["no author"]
        content = entry.find(f"{ATOM}content")
        faults += [] if content.get("type") == "html" else ["content type"]
        faults += html_faults(content.text or "")
    return faults


_FEED = {"version": str, "title": str, "home_page_url": str, "feed_url": str, "description": str, "language": str,
         "icon": str, "favicon": str, "next_url": str, "hubs": list, "items": list}  # fmt: skip
_ITEM = {"id": str, "url": str, "title": str, "summary": str, "content_html": str, "date_published": str,
         "date_modified": str, "authors": list, "tags": list}  # fmt: skip
_OPTIONAL = {"next_url", "hubs", "icon", "favicon"}


def jsonfeed_faults(body: bytes, url: str) -> list[str]:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    feed = json.loads(body, parse_constant=lambda name: f"{name} is no JSON")
    items = feed["items"]
    faults = [f"null in {path}" for path, value in _walk(feed) if value is None]
    faults += [f"character in {path}" for path, v in _walk(feed) if isinstance(v, str) and UNWANTED.search(v)]
    faults += _member_faults(feed, _FEED, _OPTIONAL) + [f for item in items for f in _member_faults(item, _ITEM, set())]
    faults += [] if feed.get("version") == "https://jsonfeed.org/version/1.1" else ["version"]
    faults += [] if feed.get("feed_url") == url else ["feed_url"]
    faults += ["next_url is feed_url"] if feed.get("next_url") == feed.get("feed_url") else []
    faults += [] if LANGUAGE.fullmatch(feed.get("language", "")) else ["language"]
    faults += _url_faults([feed[name] for name in ("home_page_url", "feed_url", "next_url", "icon") if name in feed])
    faults += [f"hub {hub}" for hub in feed.get("hubs", ()) if hub.keys() != {"type", "url"}]
    faults += _title_faults([feed.get("title"), *(item.get("title") for item in items)])
    faults += _unique([item.get("id") for item in items], "id")
    times = [datetime.fromisoformat(item["date_published"]) for item in items]
    faults += ["date without zone" for time in times if time.tzinfo is None]
    faults += _time_faults(times)
    for item in items:
        names = [author.get("name") for author in item["authors"]]
        faults += _title_faults(names) + _unique(item["tags"], "tag") + html_faults(item["content_html"])
        faults += _url_faults([item["url"]]) + ([] if names else ["no authors"])
    return faults


def opml_faults(body: bytes) -> list[str]:
    """OPML 2.0 as importers expect it."""
    root = etree.fromstring(body)
    faults = _xml_faults(body) + ([] if (root.tag, root.get("version")) == ("opml", "2.0") else ["version"])
    faults += ["docs"] if root.find("head/docs") is not None else []
    faults += _title_faults([root.findtext("head/title")])
    dates = [root.findtext(f"head/{tag}") for tag in ("dateCreated", "dateModified")]
    faults += [f"date {text}" for text in dates if text and not RFC822.fullmatch(text)]
    outlines = list(root.iterfind("body//outline"))
    for outline in outlines:
        faults += _title_faults([outline.get("text"), outline.get("title")])
        faults += _url_faults([outline.get("xmlUrl"), outline.get("htmlUrl")])
        faults += [] if outline.get("type") == "rss" else ["type"]
    return faults + ([] if outlines else ["empty"])


def _xml_faults(body: bytes) -> list[str]:
    text = body.decode()
    faults = (
        [] if text.startswith(("<?xml version='1.0' encoding='UTF-8'?>", '<?xml version="1.0"')) else ["declaration"]
    )
    faults += ["doctype"] if "<!DOCTYPE" in text else []
    faults += [f"character {match[0]!r}" for match in UNWANTED.finditer(text)]
    return faults + [f"reference {match[0]}" for match in re.finditer(r"&#\w+;", text)]


def _link_faults(links: list[Any], url: str, media_type: str) -> list[str]:
    by_rel: dict[str, list[str]] = {}
    for link in links:
        by_rel.setdefault(link.get("rel"), []).append(link.get("href"))
    faults = [] if by_rel.get("self") == [url] else [f"self {by_rel.get('self')}"]
    types = {link.get("type") for link in links if link.get("rel") in ("self", "next")}
    faults += [] if types == {media_type} else [f"types {types}"]
    faults += ["next is self"] if by_rel.get("next") == [url] else []
    return faults + _url_faults([href for hrefs in by_rel.values() for href in hrefs])


def _title_faults(texts: list[Any]) -> list[str]:
    """A title is one line that has something to show, and nothing that looks like HTML."""
    faults = [f"nothing in {text!r}" for text in texts if not _seen(text)]
    texts = [text or "" for text in texts]
    faults += [f"HTML in {text[:60]!r}" for text in texts if LIKE_HTML.search(text)]
    return faults + [f"lines in {text[:60]!r}" for text in texts if text != " ".join(text.split())]


def _url_faults(urls: list[Any]) -> list[str]:
    return [f"address {url!r}" for url in urls if not URL.fullmatch(url or "") or not urlsplit(url).hostname]


def _time_faults(times: list[datetime]) -> list[str]:
    """Times are distinct, in the order of the entries."""
    return [] if sorted(set(times), reverse=True) == times else ["times"]


def _unique(values: list[Any], name: str) -> list[str]:
    return [] if len(set(values)) == len(values) and all(map(_seen, values)) else [f"{name} is not unique"]


def _dates(channel: Any) -> list[str]:
    tags = ("pubDate", "lastBuildDate")
    return [element.text for tag in tags for element in channel.iter(tag)]


def _member_faults(plain: dict[str, Any], kinds: dict[str, type], optional: set[str]) -> list[str]:
    names = [name for name in plain if not name.startswith("_")]
    faults = [f"member {name}" for name in names if name not in kinds or not isinstance(plain[name], kinds[name])]
    return faults + [f"no {name}" for name in kinds if name not in plain and name not in optional]


def _seen(text: Any) -> bool:
    return isinstance(text, str) and any(char.isprintable() and not char.isspace() for char in text)


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inside:
        yield from _walk(child, f"{path}/{name}")
