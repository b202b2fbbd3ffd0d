"""Hostile texts in a real browser: wherever they come in, nothing of them runs, loads anything or becomes an element.

The pages are opened with their content security policy switched off: what is escaped must not need it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route

from core.app import Paperwire
from core.model.feed import Entry, Feed
from core.model.manifest import Manifest
from core.model.query import Query
from core.model.summary import Summary
from core.render.items import entry_html
from core.views.entries import FeedEntries
from tests.api import TOKEN, base, make_settings
from tests.browser.conftest import Watched
from tests.conftest import serving_app
from tests.render import entries_of
from tests.support.arxiv_format import Sheet
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving
from tests.support.vectors import HOST, PLACES, TEXTS, VECTORS, hostile_sheets, hostile_texts, joined_texts

READER = "http://reader.example"  # answered by the tests, as everything that is not on loopback

# Notes in which frame of the page something called alert()
NOTICE = """
for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => {
  let frame = window;
  while (frame !== top && frame.parent !== top) frame = frame.parent;
  (top.fired ||= []).push(frame === top ? 'the page' : frame.name);
};
"""
# Does to every element what a user might do to it
PROVOKE = """
window.provoke = (root, clicking = true) => {
  for (const element of root.querySelectorAll('*')) {
    for (const name of ['mouseover', 'pointerover', 'focus'])
      element.dispatchEvent(new Event(name, {bubbles: true}));
    if (clicking && element.matches('a, area, b, button, input, mi, p, text'))
      element.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
  }
};
"""
# Says what is in a document that no page of this service has: elements, attributes and addresses
CENSUS = r"""
window.census = (page) => {
  const elements = new Set((
    'a abbr article aside b blockquote body br button caption circle code col colgroup dd del desc details div dl ' +
    'dt em fieldset figcaption figure footer form g h1 h2 h3 h4 h5 h6 head header hr html i input kbd label ' +
    'legend li line link main mark meta nav ol optgroup option output p path pre q rect role samp script search ' +
    'section select small span strong sub summary sup svg table tbody td text textarea tfoot th thead time title ' +
    'tr ul math mrow mi mn mo mtext mspace mstyle mfrac msqrt mroot msub msup msubsup munder mover munderover mtable ' +
    'mtr mtd mpadded mphantom menclose mmultiscripts mprescripts none'
  ).split(' '));
  const unsafe = /^(on.*|.*:.*|style|srcdoc|srcset|formaction|ping|background|poster|http-equiv|is|usemap|archive)$/;
  const addresses = new Set(['href', 'src', 'action', 'cite', 'data', 'longdesc', 'manifest']);
  const harmless = /^(https?:\/\/[a-z0-9.:-]+([/?#]|$)|feed:http:\/\/127\.0\.0\.1|\/(?![/\\])|[#?]|$)/;
  const faults = [];
  for (const element of page.querySelectorAll('*')) {
    const tag = element.localName, say = (what) => faults.push(`<${tag}> ${what}`);
    if (!elements.has(tag)) say('is no element of ours');
    const isOurs = !element.textContent && /^\/\w+\.js\?v=\w+$/.test(element.getAttribute('src'));
    if (tag === 'script' && !isOurs) say('runs');
    for (const {name, value} of element.attributes) {
      if (unsafe.test(name)) say(`has ${name}=${value}`);
      const isAway = !harmless.test(value) || /^\w+:\/\/[^/?#]*evil\.example/.test(value);
      if (addresses.has(name) && isAway) say(`leads to ${value}`);
    }
  }
  return faults;
};
"""


@dataclass
class Stage:
    """A page that nobody protects, and what was asked for by it."""

    page: Page
    requests: list[str] = field(default_factory=list)

    def answer(self, route: Route) -> None:
        """An empty page at the reader's address, nothing anywhere else."""
        if route.request.url == f"{READER}/":
            route.fulfill(content_type="text/html; charset=utf-8", body="<!doctype html><body>")
        else:
            self.requests.append(route.request.url)
            route.abort()

    @property
    def fired(self) -> set[str]:
        """The names of the frames in which something ran."""
        return set(self.page.evaluate("window.fired ?? []"))


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    context = browser.new_context()
    context.set_default_timeout(60_000)
    context.add_init_script(NOTICE + PROVOKE + CENSUS)
    stage = Stage(context.new_page())
    context.route("**/*", stage.answer)
    stage.page.goto(READER)
    yield stage
    context.close()


def census(page: Page, documents: Sequence[str]) -> list[list[str]]:
    """What is wrong with each of `documents`, as the browser reads them; nothing in them is run for that."""
    read = "(documents) => documents.map((text) => census(new DOMParser().parseFromString(text, 'text/html')))"
    found: list[list[str]] = page.evaluate(read, list(documents))
    return found


def test_the_census_sees_what_does_not_belong(stage: Stage) -> None:
    """Whatever works as text of a page is an element, an attribute or an address too many."""
    working = [vector for vector in VECTORS if vector.place in ("text", "double quotes", "title", "XML")]
    found = census(stage.page, [PLACES[vector.place](vector.text) for vector in working])
    assert [] == [vector[:2] for vector, faults in zip(working, found, strict=True) if not faults]
    assert [[]] == census(stage.page, ["<!doctype html><title>x</title><p class=x><a href=/x?y>x</a> &lt;script&gt;"])


# What feed readers do with HTML who trust their feeds: it becomes part of their page, and scripts in it run
TRUST = """
(texts) => {
  for (const text of texts) {
    const place = document.createElement('div');
    document.body.append(place);
    place.append(document.createRange().createContextualFragment(text));
  }
  provoke(document);
}
"""


def read_trustingly(stage: Stage, texts: Sequence[str]) -> tuple[set[str], list[str]]:
    """What ran, and what was asked for, when a trusting feed reader showed `texts`."""
    stage.page.evaluate(KEEP)
    stage.page.evaluate(TRUST, list(texts))
    stage.page.wait_for_timeout(500)
    return stage.fired, [url for url in stage.requests if HOST in url]


# Links that are clicked are noted, and not followed if they lead to a page
KEEP = """
() => addEventListener('click', (event) => {
  const link = event.target.closest('a');
  if (link && /^https?:/.test(link.href)) event.preventDefault();
})
"""


def test_a_trusting_reader_can_be_deceived(stage: Stage) -> None:
    """The reader runs and loads what it is given."""
    texts = ["<p><script>alert(1)</script>", f"<img src=https://{HOST}/i>"]
    assert ({"the page"}, [f"https://{HOST}/i"]) == read_trustingly(stage, texts)


def hostile_html(texts: Collection[str]) -> Iterator[str]:
    """What the feeds have of hostile papers, and of hostile summaries of a harmless one."""
    entries = entries_of(hostile_sheets(texts))
    (harmless,) = entries_of([Sheet("2603.90001")])
    summaries = [Summary(text, text, text, text) for text in texts]
    for entry in (*entries, *(replace(harmless, summary=summary) for summary in summaries)):
        yield entry_html(entry)


@hostile_texts
def test_a_trusting_reader_of_entries(stage: Stage, texts: tuple[str, ...]) -> None:
    """Nothing in the text of an entry runs or loads, though the reader trusts it."""
    documents = list(hostile_html(texts))
    assert len(documents) == 2 * len(texts)
    assert (set(), []) == read_trustingly(stage, documents)
    assert [] == stage.page.evaluate("census(document)")
    assert {"arxiv.org", "www.alphaxiv.org"} == set(
        stage.page.evaluate("[...document.querySelectorAll('div a')].map((link) => link.hostname)")
    )


# The parameters of pages, and paths with a part that anybody can name
FILTERS = ("q", "score>", "category", "type", "author~", "announced>", "feed", "sort", "limit", "cursor", "title~", "x")
RULES = ("category", "keywords", "exclude", "match", "title_bonus", "min_score", "max_entries", "name", "type", "feed")
ASKED = {
    "/": ("q", "notice"),
    "/search": FILTERS,
    "/feeds/main": FILTERS,
    "/build": RULES,
    "/build/preview": RULES,
    "/settings": ("notice", "feed"),
    "/settings/edit": RULES,
    "/settings/delete": ("target",),
    "/settings/restore": ("target",),
    "/settings/undo": ("target",),
    "/nowhere": ("q",),
    "/papers/2603.91000": ("q",),
}
FEW_FEEDS = """
[feeds.main]
title = "Main \\"><script>alert(1)</script>"
description = "</title><img src=x onerror=alert(1)>"
categories = ["cs.LG"]
match = "substring"
min_score = 0
[feeds.main.keywords]
"alert" = 2
"<script" = 1
"onerror=" = 1
"au:<img" = 1
[feeds.other]
title = "'><svg onload=alert(1)>"
categories = ["cs.LG"]
exclude = ["<script>"]
"""


@contextmanager
def serving_hostile(folder: Path, feeds: str, **more: str) -> Iterator[httpx.Client]:
    """A client, which takes pages as a browser does, of a wire all of whose papers are hostile."""
    with serving(Upstream(sheets=hostile_sheets())) as upstream:
        settings = make_settings(folder, arxiv_rss_url=upstream.url, feeds_toml=feeds, **more)
        with (
            serving_app(settings) as url,
            httpx.Client(base_url=url, timeout=120, headers={"Accept": "text/html"}) as client,
        ):
            assert len(TEXTS) == client.get("/api/papers?limit=1").json()["total"]
            yield client


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_hostile(tmp_path_factory.mktemp("few"), FEW_FEEDS) as client:
        yield client


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page in a browser that no policy protects."""
    context = browser.new_context(bypass_csp=True)
    context.set_default_timeout(60_000)
    context.add_init_script(NOTICE + PROVOKE + CENSUS)
    yield context.new_page()
    context.close()


def visit(visitor: Page, client: httpx.Client, target: str) -> None:
    """Open a page as anybody would; nothing of what it shows may come to life."""
    origin = base(client)
    watched = Watched(visitor, origin)
    answer = visitor.goto(origin + target)
    assert answer is not None
    visitor.evaluate("provoke(document.querySelector('main') ?? document, false)")
    told = [error for error in watched.errors if answer.ok or f"status of {answer.status}" not in error]
    assert ([], [], [], []) == (watched.foreign, told, watched.dialogs, visitor.evaluate("window.fired ?? []")), target
    if visitor.evaluate("document.contentType") == "text/html":
        assert [] == visitor.evaluate("census(document)"), target


def check(visitor: Page, client: httpx.Client, targets: Sequence[str]) -> None:
    """Fetch pages, and have the browser read them all: none has anything in it that is not ours."""
    for start in range(0, len(targets), 200):
        some = targets[start : start + 200]
        answers = [client.get(target) for target in some]
        assert {"text/html; charset=utf-8"} == {answer.headers["Content-Type"] for answer in answers}
        assert [] == [target for target, answer in zip(some, answers, strict=True) if answer.status_code >= 500]
        found = census(visitor, [answer.text for answer in answers])
        assert [] == [(target, faults) for target, faults in zip(some, found, strict=True) if faults]


def blank(visitor: Page) -> Page:
    """The visitor on a page of nobody, where documents can be read."""
    visitor.set_content("<!doctype html>")
    return visitor


def encode(text: str) -> str:
    return quote(text, safe="", errors="replace")


def test_a_visitor_would_notice(visitor: Page, wire: httpx.Client) -> None:
    """Scripts that run, addresses elsewhere and elements that are not ours are noticed on a page of this service."""
    page = {"html": "<p>x</p>"}
    visitor.route("**/nowhere", lambda route: route.fulfill(
        content_type="text/html", body=f"<!doctype html><title>x</title><main>{page['html']}</main>"))  # fmt: skip
    visit(visitor, wire, "/nowhere")
    alive = ("<b onmouseover=alert(1)>x</b>", f"<img src=https://{HOST}/i>", "<iframe></iframe>", "<i style=x>x</i>")
    for page["html"] in alive:
        with pytest.raises(AssertionError):
            visit(visitor, wire, "/nowhere")


def test_pages_of_papers(visitor: Page, wire: httpx.Client) -> None:
    """Titles, abstracts, authors, notes and what gave points: in lists, on the page of each paper, and as data."""
    visit(visitor, wire, "/")
    for target in ("/feeds/main?limit=500&score>=-9", "/search?q=alert&limit=50"):
        visit(visitor, wire, target)
        assert visitor.locator(".row").count() > 40
    assert visitor.locator("mark").count() > 50
    for target in ("/api/papers?limit=30", "/api/feeds", "/papers/2603.91000"):
        visit(visitor, wire, target)
    check(blank(visitor), wire, [f"/papers/{sheet.id}" for sheet in hostile_sheets()[::3]])


@matrix("path", ASKED, daily=("/settings/edit",))
def test_parameters(visitor: Page, wire: httpx.Client, path: str) -> None:
    """Whatever is written behind any parameter of a page: every text behind every third one, or behind all of few."""
    targets = []
    for number, name in enumerate(ASKED[path]):
        more = "" if name == "category" else "&category=cs.LG"
        texts = joined_texts() if len(ASKED[path]) < 3 else joined_texts()[number % 3 :: 3]
        targets += [f"{path}?{encode(name)}={encode(text)}{more}" for text in texts]
    for target in targets[::25]:
        visit(visitor, wire, target)
    check(blank(visitor), wire, targets)


def test_what_is_typed(visitor: Page, wire: httpx.Client) -> None:
    """The preview of the builder is put into the page by its script."""
    visit(visitor, wire, "/build")
    for text in joined_texts()[::8]:
        visitor.locator("#keywords").fill("\n".join(text.split()))
        with visitor.expect_response("**/build/preview?**") as answer:
            visitor.locator("#name").fill(text[:300])
        assert answer.value.status in (200, 422)
        visitor.wait_for_function("!document.querySelector('#preview[aria-busy]')")
        visitor.evaluate("provoke(document.querySelector('#preview'), false)")
        assert ([], []) == (visitor.evaluate("census(document)"), visitor.evaluate("window.fired ?? []"))


@pytest.mark.slow
def test_what_is_saved(visitor: Page, tmp_path: Path) -> None:
    """Titles, descriptions and keywords that came by the form of the settings."""
    with serving_hostile(tmp_path, FEW_FEEDS) as wire:
        texts = joined_texts(900)
        for version, text in enumerate(texts):
            own = [one for one in TEXTS if one in text]
            keywords = "\n".join(
                '"' + one.replace('"', '""') + '"'
                for one in own
                if one.isprintable() and not re.search(r"[\\*]|^\W*\"|\"\W*$", one)
            )
            form = {"name": own[0], "called": f"s{version}", "description": text, "category": "cs.LG",
                    "match": "substring", "keywords": keywords, "exclude": '"<nobody"', "max_entries": "9",
                    "token": TOKEN, "version": str(version), "do": "save"}  # fmt: skip
            answer = wire.post("/settings/edit", data=form)
            assert 303 == answer.status_code, answer.text
            assert answer.headers["Location"].startswith("/settings?notice=saved&feed=")
        names = [f"s{version}" for version in range(len(texts))]
        for target in ("/", "/settings?notice=saved", "/build?feed=s1", "/feeds/s1"):
            visit(visitor, wire, target)
        visit(visitor, wire, "/settings/edit?feed=s0")
        visitor.locator("#called").fill("renamed")
        visitor.locator("#token").fill(TOKEN)
        visitor.get_by_role("button", name="Save").click()
        visitor.wait_for_url("**/settings?notice=saved*#*renamed")
        assert ([], []) == (visitor.evaluate("census(document)"), visitor.evaluate("window.fired ?? []"))
        targets = [
            f"{page}{name}" for name in names[1:] for page in ("/feeds/", "/settings/edit?feed=", "/build?feed=")
        ]
        asked = [f"/settings/{doing}" for doing in ("delete?target=s1", "restore?target=s1", "undo?target=0")]
        check(blank(visitor), wire, [*targets, *asked])


@pytest.mark.slow
def test_model_output(visitor: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a language model has written of a paper, where pages show that."""
    read = Paperwire.entries

    async def entries(self: Paperwire, manifest: Manifest, feed: Feed, query: Query, **more: Any) -> FeedEntries:
        shown = await read(self, manifest, feed, query, **more)
        return replace(shown, entries=[replace(entry, summary=summary_of(entry)) for entry in shown.entries])

    monkeypatch.setattr(Paperwire, "entries", entries)
    with serving_hostile(tmp_path, FEW_FEEDS) as wire:
        papers = [f"/papers/{sheet.id}" for sheet in hostile_sheets()]
        assert "<strong>x</strong>" in wire.get(papers[0]).text
        for target in (*papers[:200:50], "/feeds/main"):
            visit(visitor, wire, target)
        check(blank(visitor), wire, papers[1::4])


def summary_of(entry: Entry) -> Summary:
    text = TEXTS[int(entry.id[-5:]) - 91001]  # not the paper's own: what that names may be linked to
    return Summary(text, text, text, f"**x**\n\n{text}")
