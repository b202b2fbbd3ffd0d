"""Hostile text, delivered by the stand-in as arXiv would: every document stays well-formed, and its HTML harmless."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from time import process_time

import httpx
import pytest
from lxml import html

from tests.api import base, make_settings
from tests.api.test_feeds import FORMATS, READ, Item
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving

RULES = """
[feeds.main]
title = "<script>alert(1)</script> & ]]> \\u0001\\u202e"
description = "<img src=x onerror=alert(2)> &lt; {title} %s"
categories = ["cs.LG"]
min_score = 0
[feeds.main.keywords]
hostile = 1
"<script>" = 2
"onerror" = 1
"""
TEXTS = {
    "script": "<script>alert(1)</script>",
    "handler": '<img src=x onerror="alert(1)"> <body onload=alert(1)>',
    "address": "<a href=\"javascript:alert(1)\">click</a> <a href='data:text/html,x'>here</a>",
    "elements": "<svg/onload=alert(1)><iframe src=//evil.example></iframe><style>*{}</style><form><object>",
    "cdata": "]]> <![CDATA[ <b> ]]>",
    "comments": "--> <!-- x --> <!DOCTYPE html> <?php x ?> </p></description></item></channel></rss>",
    "entities": "&lt;b&gt; &amp;amp; &nbsp; &#60;script&#62; &bogus; &#x1; &#xD800;",
    "angles": "a < b & c > d && e<f and g>h",
    "quotes": "\"' onmouseover='alert(1)' x=\"",
    "controls": "a\x01\x02b\x08\x0bc\x1bd\x7fe\x9ff",
    "bidi": "\u202egnp.exe \u2066left\u2069 \u200f\u061c",
    "embeddings": "\u202a\u202b\u202c\u202d\u202e\u2067\u2068 seen",
    "noncharacters": "\ufdd0 \U0001fffe \U0010ffff \ufffd",
    "astral": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍🔬 e\u0301 \ufeff\u200b",
    "markdown": "[x](javascript:alert(1)) ![y](http://evil.example/z.png)",
    "tex": r"$<script>$ \href{javascript:alert(1)}{x} {\ss}}}{{{ \'{\"{\^{",
    "formats": "{title} {0.__class__} %s %(x)s ${HOME} {{7*7}}",
    "lines": "one\r\n\tSet-Cookie: x=1\u2028two\u2029three\u0085four",
    "tokens": "<think> </think> <s> if p<q and q>r: R&D",
    "word": "w" * 100_000,
    "spaces": "x" + " " * 1000 + "y",
}
SHEETS = [
    *(
        Sheet(
            id=f"2603.{91000 + n}",
            title=f"Hostile {name} {text}",
            abstract=f"Begin {text}\n  {text} end.",
            creator=f"{text} Sample, Second {text}",
        )
        for n, (name, text) in enumerate(TEXTS.items())
    ),
]
# What XML cannot carry or discourages, and what makes text read otherwise than it is written
UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\U0001fffe\U0010ffff]"
)
JOINER = "\u2060"
LIKE_HTML = re.compile(r"<[A-Za-z/!?]|&(#|[A-Za-z]+;)")  # what some readers take for HTML in a title


@dataclass
class RawUpstream(Upstream):
    """A stand-in that puts raw bytes, which no XML writer would write, in the place of MARK."""

    raw: bytes = b""

    def document(self, requested: tuple[str, ...]) -> bytes:
        return super().document(requested).replace(b"MARK", self.raw)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(Upstream(sheets=SHEETS)) as upstream:
        settings = make_settings(tmp_path_factory.mktemp("hostile"), arxiv_rss_url=upstream.url, feeds_toml=RULES)
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            yield client


def legible(text: object) -> str:
    """`text` as it can be read: references resolved, unwanted characters gone, any white space one space."""
    for _ in range(3):
        text = unescape(str(text))
    return " ".join(UNWANTED.sub("", str(text).replace("\ufffd", "?")).split())


def items_of(client: httpx.Client, format_name: str) -> dict[str, Item]:
    """The entries of main in a format, by paper."""
    answer = client.get(f"/api/feeds/main.{format_name}")
    assert 200 == answer.status_code, answer.text
    return {item.paper: item for item in READ[format_name](answer.content)}


def papers_of(client: httpx.Client) -> dict[str, dict[str, object]]:
    """The papers of the query API, by identifier."""
    return {paper["id"]: paper for paper in client.get("/api/papers").json()["papers"]}


@pytest.mark.parametrize("format_name", FORMATS)
def test_titles_come_through(client: httpx.Client, format_name: str) -> None:
    """A title can be read in full in all formats, on one line, and no reader can mistake any of it for HTML."""
    expected = {number: legible(paper["title"]) for number, paper in papers_of(client).items()}
    titles = {number: item.title for number, item in items_of(client, format_name).items()}
    assert expected == {number: title.replace(JOINER, "") for number, title in titles.items()}
    assert "Hostile script <script>alert(1)</script>" == expected["2603.91000"]
    assert [] == [title for title in titles.values() if LIKE_HTML.search(title) or title != " ".join(title.split())]


@pytest.mark.parametrize("format_name", FORMATS)
def test_documents_keep_the_rules(client: httpx.Client, format_name: str) -> None:
    """Every document is what validators and readers want, without forbidden characters or any that deceive."""
    target = f"/api/feeds/main.{format_name}"
    faults = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}[format_name]
    assert [] == faults(client.get(target).content, base(client) + target)


@pytest.mark.parametrize("format_name", FORMATS)
def test_html_shows_the_text(client: httpx.Client, format_name: str) -> None:
    """What the author wrote can be read in full below the title."""
    papers = papers_of(client)
    for number, item in items_of(client, format_name).items():
        shown = legible(html.fromstring(item.html).text_content())
        for paragraph in str(papers[number]["abstract"]).split("\n"):
            assert legible(paragraph) in shown


def test_json_is_utf8(client: httpx.Client) -> None:
    """JSON is UTF-8 without lone surrogates."""
    for target in ("/api/feeds/main.json", "/api/papers", "/api/papers/2603.91000", "/api/feeds"):
        text = client.get(target).content.decode("utf-8", "strict")
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert not re.search("[\ud800-\udfff]", text)


def test_reasons_of_hostile_keywords(client: httpx.Client) -> None:
    """A keyword that is markup is found and shown as text."""
    paper = papers_of(client)["2603.91000"]
    assert "<script>" in [reason["text"] for reason in paper["reasons"]]  # type: ignore[attr-defined]
    item = items_of(client, "rss")["2603.91000"]
    assert "<script> +2" in html.fromstring(item.html).text_content()


@matrix("text", ["\x7f", "\x7f \x9f", "\u200b", "\u202e", "<>", "]]>"], daily=("\u200b",))
def test_text_without_anything_visible(tmp_path: Path, text: str) -> None:
    """Papers whose title, authors or abstract have nothing to show do not keep the others from being served."""
    sheets = [
        Sheet(id="2603.90001", title="Good"),
        Sheet(id="2603.90002", title=text),
        Sheet(id="2603.90003", creator=text),
        Sheet(id="2603.90004", abstract=text),
    ]
    with serving(Upstream(sheets=sheets)) as upstream:
        settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, feeds_toml=RULES)
        with serving_app(settings) as url:
            answers = {name: httpx.get(f"{url}/api/feeds/main.{name}") for name in FORMATS}
    assert dict.fromkeys(FORMATS, 200) == {name: answer.status_code for name, answer in answers.items()}
    for name, answer in answers.items():
        items = {item.paper: item for item in READ[name](answer.content)}
        assert {"2603.90001", "2603.90003", "2603.90004"} <= items.keys()
        assert all(item.title.strip() and item.authors.strip() for item in items.values())


RAW = (
    b"&#xD800;",
    b"\xff\xfe",
    b"<![CDATA[",
)


@matrix("raw", RAW, daily=RAW[:2])
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes) -> None:
    """Lone surrogates, broken UTF-8 and broken markup in one paper cost at most that paper, in every format."""
    sheets = [
        Sheet(id="2603.90001", title="Before"),
        Sheet(id="2603.90002", title="Odd MARK title"),
        Sheet(id="2603.90003", title="After"),
    ]
    with serving(RawUpstream(sheets=sheets, raw=raw)) as upstream:
        settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, feeds_toml=RULES)
        with serving_app(settings) as url:
            for format_name in FORMATS:
                answer = httpx.get(f"{url}/api/feeds/main.{format_name}")
                assert 200 == answer.status_code, answer.text
                assert {"2603.90001", "2603.90003"} <= {item.paper for item in READ[format_name](answer.content)}
            health = httpx.get(f"{url}/api/health").json()
            read = httpx.get(f"{url}/api/papers").json()["total"]
    assert 3 == read + len(health.get("rejected", []))


SLOW = {
    "spaces": {"abstract": "a" + " " * 30_000 + "b\n  c"},
    "word": {"title": "w" * 100_000, "abstract": "v" * 100_000},
    "newlines": {"abstract": "a\n " * 30_000},
    "parentheses": {"creator": "(" * 50_000},
    "pairs": {"creator": "A (1) ((" + "1) ((" * 10_000 + "))))"},
    "accents": {"title": "\\'{" * 30_000},
    "dollars": {"title": "\\" + "$" * 50_000},
    "links": {"abstract": "https://github.com/" * 5_000},
    "keywords": {"abstract": "hostile " * 12_000},
}


@matrix("name", SLOW, daily=("word", "parentheses"))
def test_no_text_takes_long(tmp_path: Path, name: str) -> None:
    """One paper with 100 KB of anything is fetched, scored and served at once, and stalls nobody."""
    sheet = Sheet(**{"id": "2603.90001", "title": "Hostile"} | SLOW[name])  # type: ignore[arg-type]
    with serving(Upstream(sheets=[sheet])) as upstream:
        settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, feeds_toml=RULES)
        with serving_app(settings) as url:  # in this process
            start = process_time()
            answer = httpx.get(f"{url}/rss?score%3E=-9")
            took = process_time() - start
    assert (200, 1) == (answer.status_code, len(READ["rss"](answer.content)))
    assert took < 10  # quadratic would be minutes
