"""Hostile texts in documents: whatever a title, a name, an abstract, a model or an owner says is shown as text.

The checker knows nothing of how documents are made: it reads them with two parsers of its own, and has its own list
of what is harmless.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from lxml import etree
from lxml import html as lxml_html

from core.model.feed import Entry
from core.model.summary import Summary
from core.render.shapes import summary_html
from core.render.syndication import Outline, render_opml
from core.sources.parse import parse_api
from tests.api import TOKEN, base, make_settings, send
from tests.conftest import serving_app
from tests.render import UPDATED, channel, entries_of
from tests.render.documents import render_atom, render_jsonfeed, render_rss
from tests.support.arxiv_format import Sheet, api
from tests.support.upstream import Upstream, serving
from tests.support.vectors import HOST, TEXTS, VECTORS, hostile_feeds, hostile_sheets, hostile_texts

RENDER: dict[str, Callable[..., bytes]] = {"rss": render_rss, "atom": render_atom, "json": render_jsonfeed}
TAGS = {"a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
        "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}  # fmt: skip
ATTRIBUTES = {("a", "href"), ("div", "lang"), ("ol", "start")}
HOSTS = {"arxiv.org", "www.arxiv.org", "www.alphaxiv.org", "doi.org", "dx.doi.org"}
DECEPTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
WHOLE_TAG = re.compile(rf"</?(?:{'|'.join(TAGS)})(?: [a-z]+=\"[^\"<>]*\")*>")
MARKUP = re.compile(r"<[A-Za-z!?/]")
# The elements of each kind of XML, and the attributes of any
ELEMENTS = {
    "rss": {"rss", "channel", "title", "link", "description", "docs", "generator", "image", "url", "language",
            "lastBuildDate", "item", "guid", "pubDate", "category", "creator"},
    "atom": {"feed", "id", "title", "updated", "link", "generator", "icon", "logo", "subtitle", "entry", "author",
             "name", "content", "summary", "published", "category"},
    "opml": {"opml", "head", "title", "dateModified", "body", "outline"},
}  # fmt: skip
WIRE = "https://wire.example"  # where `channel` has it
# Parts of a document of Markdown
FRAMES = ("# {}", "> {}", "- {}", "1. {}", "| {} |\n|---|\n| {} |", "`{}`", "```\n{}\n```", "**{}**", "[{}]({})",
          "![{}]({})", "[x](https://arxiv.org/ '{}')", "<{}>", "[a]: {} '{}'\n\n[a]", "${}$", "$$\n{}\n$$")  # fmt: skip
XML_ATTRIBUTES = {
    "version", "href", "rel", "type", "isPermaLink", "lang", "term", "label", "text", "title", "xmlUrl", "htmlUrl",
    "description", "language",
}  # fmt: skip


class Tokens(HTMLParser):
    """What the parser of the standard library takes for anything but text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.others: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def tags_of(html: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Tags with their attributes as both parsers see them; what is no tag is one with a name of its own."""
    tokens = Tokens(html)
    yield from tokens.tags
    yield from (("!", []) for _ in tokens.others)
    document = lxml_html.document_fromstring(f"<!doctype html><html><head></head><body>{html}</body></html>")
    for element in document.iter():
        if not isinstance(element.tag, str):
            yield "!", []
        elif element.tag not in ("html", "head", "body") or element.attrib:
            yield element.tag, list(element.attrib.items())


def html_faults(html: str) -> list[str]:
    """Why a piece of HTML is not harmless."""
    if match := DECEPTIVE.search(html):
        return [f"character {match[0]!r}"]
    faults = ["an angle"] if "<" in WHOLE_TAG.sub("", html) else []
    for tag, attributes in tags_of(html):
        if tag not in TAGS:
            faults.append(f"<{tag}>")
        faults += [f"<{tag} {name}>" for name, _ in attributes if (tag, name) not in ATTRIBUTES]
        faults += [f"link to {value}" for name, value in attributes if name == "href" and not is_ours(value or "")]
    return faults


def is_ours(address: str) -> bool:
    """Whether an address is absolute, in plain characters, and of a place that papers may lead to."""
    plain = re.fullmatch(r"https?://[!#-;=?-\[\]_a-z~]+", address)
    url = urlsplit(address) if plain else None
    return url is not None and url.netloc in HOSTS


def title_faults(title: str) -> list[str]:
    """Why a title, name or line of text could be taken for anything but text: even as HTML, however often decoded."""
    faults = [f"character {match[0]!r}" for match in DECEPTIVE.finditer(title)]
    if unescape(title) != title:
        faults.append(f"a reference in {title!r}")
    return faults + [f"<{tag}>" for tag, _ in Tokens(title).tags] + (["markup"] if MARKUP.search(title) else [])


def xml_faults(kind: str, body: bytes, base: str) -> list[str]:
    """Why an XML document is not the right one: its elements, attributes and addresses."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False))
    faults = [] if root.getroottree().docinfo.doctype == "" else ["DOCTYPE"]
    for node in root.xpath("//node()[not(self::text())]"):
        if not isinstance(node.tag, str):
            faults.append(f"no element: {node.text}")
            continue
        name = etree.QName(node).localname
        faults += [] if name in ELEMENTS[kind] else [f"<{name}>"]
        faults += [f"<{name} {key}>" for key in node.attrib if etree.QName(key).localname not in XML_ATTRIBUTES]
        faults += list(_texts_faults(kind, node, name, base))
    return faults


def _texts_faults(kind: str, node: Any, name: str, base: str) -> Iterator[str]:
    text, parent = node.text or "", etree.QName(node.getparent()).localname if node.getparent() is not None else ""
    is_html = (kind, parent, name) in (("rss", "item", "description"), ("atom", "entry", "content"))
    yield from html_faults(text) if is_html else title_faults(text)
    yield from (fault for key in ("text", "title", "description", "label") for fault in title_faults(node.get(key, "")))
    addresses = [node.get(key) for key in ("href", "xmlUrl", "htmlUrl") if key in node.attrib]
    if name in ("id", "icon", "logo", "url", "guid") or (kind, name, node.prefix) == ("rss", "link", None):
        addresses.append(text)
    yield from (f"address {a!r}" for a in addresses if not a.startswith((f"{base}/", "https://arxiv.org/abs/2603.9")))


def json_faults(body: bytes) -> list[str]:
    """Why a JSON Feed is not harmless: its HTML, and its plain texts but for those of the paper itself."""
    feed = json.loads(body)
    faults = title_faults(feed["title"]) + title_faults(feed["description"])
    for item in feed["items"]:
        names = [author["name"] for author in item["authors"]]
        faults += html_faults(item["content_html"])
        faults += [fault for text in (item["title"], item["summary"], *names) for fault in title_faults(text)]
        faults += [f"address {link}" for link in item["_paperwire"]["links"].values() if not is_ours(link)]
        if "summary" in item["_paperwire"]:
            faults += html_faults(item["_paperwire"]["summary"]["html"])
    return faults


def faults_of(kind: str, body: bytes, base: str) -> list[str]:
    """Why a document is not harmless."""
    return json_faults(body) if kind == "json" else xml_faults(kind, body, base)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A wire all of whose papers and feeds are hostile."""
    with serving(Upstream(sheets=hostile_sheets())) as upstream:
        folder = tmp_path_factory.mktemp("xss")
        settings = make_settings(folder, arxiv_rss_url=upstream.url, feeds_toml=hostile_feeds())
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            yield client


def get(client: httpx.Client, target: str) -> bytes:
    answer = client.get(target)
    assert 200 == answer.status_code, answer.text
    return answer.content


def entry_of(text: str) -> Entry:
    """An entry all of whose texts are `text`."""
    (paper,) = parse_api(api([Sheet("2603.90001", text, text, text, more={"arxiv:comment": text})])).papers
    (entry,) = entries_of([Sheet("2603.90001")])
    return replace(entry, paper=paper)


def test_checkers_see_faults() -> None:
    """Whatever has markup in it would be found in HTML and in a title, if it came out as it went in."""
    marked = [text for text in TEXTS if MARKUP.search(text)]
    assert len(marked) > 250
    assert [] == [text for text in marked if not html_faults(text)]
    assert [] == [text for text in marked if not title_faults(text)]
    encoded = [vector.text for vector in VECTORS if vector.kind == "encoded" and "%" not in vector.text]
    assert [] == [text for text in encoded if not title_faults(text)]
    addresses = [vector.text for vector in VECTORS if vector.kind in ("address", "address elsewhere")]
    assert [] == [text for text in addresses if not html_faults(f'<p><a href="{text}">x</a></p>')]


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_checkers_see_faults_in_xml(kind: str) -> None:
    """An element, an attribute, an address, a comment or an instruction too many is seen."""
    body = RENDER[kind](channel(kind, hub=""), (entry_of("x"),))
    end = b"</channel>" if kind == "rss" else b"</feed>"
    assert [] == faults_of(kind, body, WIRE)
    for more in (b"<script/>", b"<title x='y'/>", b"<link href='//evil.example/'/>", b"<!-- x -->", b"<?x y?>"):
        assert faults_of(kind, body.replace(end, more + end), WIRE)


@pytest.mark.parametrize("kind", RENDER)
def test_papers(client: httpx.Client, kind: str) -> None:
    """Titles, abstracts, authors, notes, DOIs and the keywords that were found in them."""
    body = get(client, f"/api/feeds/main.{kind}?limit=500")
    assert len(TEXTS) == body.count(b'"_paperwire"' if kind == "json" else b"<item>" if kind == "rss" else b"<entry>")
    assert [] == faults_of(kind, body, base(client))


def test_nothing_is_lost(client: httpx.Client) -> None:
    """Every hostile paper is served by the API, as data."""
    answer = client.get("/api/papers?limit=500")
    assert "application/json; charset=utf-8" == answer.headers["Content-Type"]
    papers = answer.json()["papers"]
    assert {sheet.id for sheet in hostile_sheets()} == {paper["id"] for paper in papers}
    assert [] == [link for paper in papers for link in paper["links"].values() if not is_ours(link)]
    assert "unconfirmed" == client.get("/api/health").json()["state"]


@hostile_texts
@pytest.mark.parametrize("kind", RENDER)
def test_comments(kind: str, texts: tuple[str, ...]) -> None:
    """What arXiv's API adds, of which comments are free text."""
    entries = tuple(map(entry_of, filter(str.strip, texts)))
    assert all(entry.paper.comment for entry in entries)
    assert [] == faults_of(kind, RENDER[kind](channel(kind, hub=""), entries), WIRE)


@hostile_texts
@pytest.mark.parametrize("kind", RENDER)
def test_model_output(kind: str, texts: tuple[str, ...]) -> None:
    """Whatever a language model writes, whatever it and its template are called."""
    (entry,) = entries_of([Sheet("2603.90001", abstract=f"See https://arxiv.org/abs/2603.90001 and {HOST}\\@x.")])
    for text in texts:
        summary = Summary(template=text, language=text, model=text, markdown=text)
        body = RENDER[kind](channel(kind, hub=""), (replace(entry, summary=summary),))
        assert [] == faults_of(kind, body, WIRE), text


@hostile_texts
def test_model_output_around(texts: tuple[str, ...]) -> None:
    """A hostile text in every part of a document of Markdown."""
    paper = entry_of("x").paper
    for text in texts:
        for frame in FRAMES:
            markdown = frame.replace("{}", text)
            html = summary_html(Summary("t", "en", "m", markdown), paper)
            assert [] == html_faults(html), markdown


@hostile_texts
@pytest.mark.parametrize("kind", RENDER)
def test_names_of_feeds(kind: str, texts: tuple[str, ...]) -> None:
    """Titles and descriptions of feeds."""
    for text in texts:
        body = RENDER[kind](channel(kind, hub="", title=text, description=text), ())
        assert [] == faults_of(kind, body, WIRE), text


def test_opml(client: httpx.Client) -> None:
    """The list of feeds, whatever they are called."""
    body = get(client, "/api/feeds.opml")
    assert len(TEXTS) + 1 == body.count(b"<outline")
    assert [] == xml_faults("opml", body, base(client))
    outlines = [Outline(text, f"https://wire.example/{n}.rss", "https://wire.example/") for n, text in enumerate(TEXTS)]
    assert [] == xml_faults("opml", render_opml("<script>", outlines, UPDATED), WIRE)


@hostile_texts
def test_custom_feeds(client: httpx.Client, texts: tuple[str, ...]) -> None:
    """Rules in the address, which comes back in the document, or in the problem of a rule that can match nothing."""
    refused = 0
    for number, text in enumerate(texts):
        kind = tuple(RENDER)[number % len(RENDER)]
        keyword = quote('"' + text.replace('"', '""') + '"', safe="")
        rules = f"category=cs.DC&match=substring&name={quote(text, safe='')}&keywords={keyword}"
        answer = client.get(f"/api/feeds/custom.{kind}?{rules}")
        if answer.status_code == 422:
            refused += 1
            assert "application/problem+json" == answer.headers["Content-Type"]
        else:
            assert [] == faults_of(kind, answer.content, base(client)), text
    assert refused < len(texts) / 5


@hostile_texts
def test_filters(client: httpx.Client, texts: tuple[str, ...]) -> None:
    """Filters in the address, and what is told of those that are not understood."""
    for number, text in enumerate(texts):
        kind = tuple(RENDER)[number % len(RENDER)]
        body = get(client, f"/api/feeds/main.{kind}?limit=1&title~{quote(text, safe='')}")
        assert [] == faults_of(kind, body, base(client)), text
        wrong = client.get(f"/api/feeds/main.{kind}?{quote(text, safe='')}=x")
        assert "application/problem+json" == wrong.headers["Content-Type"]


def test_templates_are_not_run(client: httpx.Client) -> None:
    """Nothing is worked out that a text asks for: neither a product nor a file."""
    for target in ("/", "/api/feeds", "/api/feeds/main.rss?limit=500", "/api/papers?limit=500"):
        body = get(client, target)
        assert b"9359" not in body  # 1337 * 7
        assert b"root:" not in body


# Of a feed that has another name now, of pages, and of what there is not
ADDRESSED = (
    "/feeds/other?{}", "/feeds/other?x={}", "/api/feeds/other.rss?{}", "/api/feeds/other.{}", "/feeds/{}/", "/{}/",
    "/search?q={}", "/search?{}", "/build?name={}&category=cs.LG", "/settings?notice={}", "/rss?x={}", "/rss/{}",
    "/api/feeds/custom.rss?category=cs.LG&name={}", "/api/papers/{}", "/api/papers?title~{}", "/papers/{}", "/{}",
)  # fmt: skip
ELSEWHERE = (
    "//{}", "//{}/", "/\\{}/", "/%2f%2f{}/", "/%5c{}/", "//{}/feeds/other", "/feeds/other/%2e%2e//{}", "///{}/",
    "/feeds//{}/", "/feeds/other//{}/", "http://{}/feeds/other", "/%09/{}/", "/search//{}/",
)  # fmt: skip


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A wire whose feed `other` is called `renamed` now, which has no address of its own in its settings."""
    with serving(Upstream(sheets=[Sheet("2603.90001")])) as upstream:
        folder = tmp_path_factory.mktemp("renamed")
        feeds = "".join(f'[feeds.{name}]\ntitle = "x"\ncategories = ["cs.LG"]\n' for name in ("main", "other"))
        settings = make_settings(folder, arxiv_rss_url=upstream.url, feeds_toml=feeds)
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            form = {"was": "other", "called": "renamed", "name": "x", "category": "cs.LG", "version": "0"}
            answer = client.post("/settings/edit", data={**form, "token": TOKEN, "do": "save"})
            assert 303 == answer.status_code, answer.text
            yield client


def stays(client: httpx.Client, location: str) -> bool:
    """Whether a browser that follows `location` stays with this service."""
    there = urlsplit(urljoin(f"{base(client)}/feeds/other", location.replace("\\", "/")))
    return f"{there.scheme}://{there.netloc}" == base(client) and "\t" not in location


def test_headers(renamed: httpx.Client) -> None:
    """Line ends and the like do not become headers, and nobody is led elsewhere."""
    hostile = [vector.text for vector in VECTORS if vector.kind.startswith(("header", "address", "dangling"))]
    hostile += ["\r\nX-Evil: 1", "x\r\n\r\n<script>", "\nX-Evil: 1"]
    seen = Counter[int]()
    for text in hostile:
        for address in ADDRESSED:
            answer = send(renamed, address.replace("{}", quote(text, safe="/:@")), headers={"Accept": "text/html"})
            seen[answer.status // 100] += 1
            assert not {"x-evil", "set-cookie", "refresh"} & answer.headers.keys(), (address, text)
            assert stays(renamed, answer.headers.get("location", "/")), (address, text)
            assert HOST not in re.sub("<[^>]*>", "", answer.headers.get("link", "")), (address, text)
    assert not seen[5]
    assert seen[3] >= 2 * len(hostile)  # those of the feed that has another name


@pytest.mark.parametrize("address", ELSEWHERE)
def test_redirects_stay_here(renamed: httpx.Client, address: str) -> None:
    """Whatever an address begins with, no answer leads to another host."""
    for host in (HOST, f"{HOST}%2f..", f"127.0.0.1@{HOST}"):
        answer = send(renamed, address.replace("{}", host), headers={"Accept": "text/html"})
        assert 300 <= answer.status < 500
        assert stays(renamed, answer.headers.get("location", "/"))


def test_a_redirect_elsewhere_would_be_noticed(renamed: httpx.Client) -> None:
    """The check of redirects can fail."""
    leading = ("//evil.example/", "/\\evil.example", "https://evil.example/", "\\\\evil.example", "/\t/evil.example")
    assert [] == [location for location in leading if stays(renamed, location)]
    assert stays(renamed, "/feeds/renamed?x=//evil.example")
