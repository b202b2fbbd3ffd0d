"""The start page: what there is, where to subscribe, in which state it is; nothing of anyone else's."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from core.sample import TITLE
from tests.api import DAYS, FRIDAY, THURSDAY, base, make_settings, noon, send, serving_days
from tests.conftest import serving_app
from tests.upstream import Upstream

VOID = {"meta", "link", "br", "hr", "img", "input"}
MEDIA_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")


class Page(HTMLParser):
    """A page as a browser finds it: elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every `tag`."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture(scope="module")
def home(client: httpx.Client) -> Page:
    return Page(client.get("/").text)


def test_is_a_page(client: httpx.Client, home: Page) -> None:
    """The page is balanced HTML in UTF-8 with a language, a title, one main heading and a place for small screens."""
    assert "text/html; charset=utf-8" == client.get("/").headers["Content-Type"]
    assert client.get("/").text.startswith("<!doctype html>")
    assert [] == home.open
    assert ("en", "utf-8") == (home.all("html")[0]["lang"], home.all("meta")[0]["charset"])
    assert "width=device-width" in [m for m in home.all("meta") if m.get("name") == "viewport"][0]["content"]  # noqa: RUF015
    assert (1, 1, 1) == tuple(len(home.all(tag)) for tag in ("title", "h1", "main"))
    assert "Test wire" in home.text


def test_lists_the_feeds(client: httpx.Client, home: Page) -> None:
    """Each feed is there with title, description, keywords, and a link for every format."""
    for text in ("Caches & kernels", "What is <fast>, and why.", "Replacements and crosses", "Everything"):
        assert text in home.text
    assert "au:Grace Placeholder" in home.text
    links = [urljoin(f"{base(client)}/", link["href"]) for link in home.all("a")]
    for name in ("main", "replaced", "everything"):
        for extension in ("rss", "atom", "json"):
            assert f"{base(client)}/api/feeds/{name}.{extension}" in links
        assert f"{base(client)}/api/papers?feed={name}" in links


def test_autodiscovery(client: httpx.Client, home: Page) -> None:
    """A reader that is given the page's address finds every feed in every format, with type and title."""
    found = [link for link in home.all("link") if link.get("rel") == "alternate"]
    assert list(MEDIA_TYPES) * 3 == [link["type"] for link in found]
    assert 9 == len({link["title"] for link in found})
    for link in found:
        answer = client.get(link["href"])
        assert (200, f"{link['type']}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])


def test_links_resolve(client: httpx.Client, home: Page) -> None:
    """No link on the page is broken."""
    links = {urljoin(f"{base(client)}/", link["href"]) for link in home.all("a")}
    assert len(links) > 10
    assert {} == {
        link: s for link in links if link.startswith(base(client)) and (s := client.get(link).status_code) != 200
    }


def test_nothing_foreign(client: httpx.Client, home: Page) -> None:
    """The page runs no script and loads or links nothing but its own and arXiv's."""
    assert [] == [
        tag for tag, _ in home.elements if tag in ("script", "iframe", "object", "embed", "form", "img", "base")
    ]
    assert [] == [name for _, attributes in home.elements for name in attributes if name.startswith("on")]
    addresses = [a[name] for _, a in home.elements for name in ("href", "src", "srcset", "action") if name in a]
    hosts = {urlsplit(urljoin(f"{base(client)}/", address)).netloc for address in addresses}
    assert hosts <= {urlsplit(base(client)).netloc, "arxiv.org", "info.arxiv.org"}
    text = client.get("/").text
    assert not [word for word in ("@import", "url(", "javascript:") if word in text]


def test_tells_the_state(home: Page) -> None:
    """The page tells date, state and number of papers of the last batches."""
    words = home.text.split()
    for day, papers in (("2026-03-06", "12"), ("2026-03-05", "3"), ("2026-03-04", "1")):
        assert [day, "complete", papers] == words[words.index(day) :][:3]


def test_owes_to_arxiv(home: Page) -> None:
    """The page thanks arXiv in the words that arXiv asks for, and claims no affiliation."""
    assert "Thank you to arXiv for use of its open access interoperability." in home.text
    assert "not affiliated with arXiv" in home.text


def test_nothing_fetched_yet(tmp_path: Path, upstream: Upstream) -> None:
    """Before anything was fetched the page is there, says so, and fetches nothing itself."""
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url:
        answer = httpx.get(url)
    assert 200 == answer.status_code
    assert "Nothing was fetched yet." in Page(answer.text).text
    assert [] == upstream.requests


def test_tells_of_failure(tmp_path: Path, upstream: Upstream) -> None:
    """When arXiv serves nothing usable, the page names the date, its state, and the reason."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url:
        assert 503 == httpx.get(f"{url}/rss").status_code
        text = Page(httpx.get(url).text).text
    assert "2026-03-06" in text
    assert "failed" in text
    assert "HTML page, not a feed" in text


def test_owners_text_is_text(tmp_path: Path) -> None:
    """What the owner wrote is shown as text, whatever it looks like."""
    rules = """
    [instance]
    title = "<script>alert(1)</script> {base} & co"
    [feeds.main]
    title = '"><img src=x onerror=alert(2)>'
    description = "</p></section><iframe src=//evil.example>"
    categories = ["cs.LG"]
    [feeds.main.keywords]
    "<b>bold</b>" = 1
    """
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, feeds_toml=rules) as client:
        page = Page(client.get("/").text)
    assert [] == page.open
    assert not {"script", "img", "iframe", "b"} & {tag for tag, _ in page.elements}
    for text in ("<script>alert(1)</script> {base} & co", '"><img src=x onerror=alert(2)>', "<b>bold</b>"):
        assert text in page.text


@pytest.mark.parametrize(
    "host", ['x"><script>alert(1)</script>', "x'onload='alert(1)", "evil.example/<b>", "a b", "{title}", "[::1"]
)
def test_host_is_text(client: httpx.Client, host: str) -> None:
    """A Host that is no host does not become markup, and is no fault of the server."""
    for target in ("/", "/api/feeds", "/rss?limit=1"):
        assert send(client, target, headers={"Host": host}).status < 500
    page = Page(send(client, "/", headers={"Host": host}).body.decode())
    assert not {"script", "b"} & {tag for tag, _ in page.elements}
    assert {"href", "rel", "type", "title"} == {name for link in page.all("link") for name in link}


def test_base_url(tmp_path: Path) -> None:
    """Behind a proxy all links bear the address that BASE_URL names."""
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, base_url="https://wire.example/papers") as client:
        page = Page(client.get("/").text)
    links = [a["href"] for tag in ("a", "link") for a in page.all(tag) if urlsplit(a["href"]).netloc != "arxiv.org"]
    assert {True} == {link.startswith("https://wire.example/papers/") for link in links}


def test_sample_note(tmp_path: Path) -> None:
    """A demonstration says that it is one, in its title and in a note above everything else; others do not."""
    settings = make_settings(tmp_path, sample=True, now=noon(FRIDAY))
    with serving_app(settings) as url:
        page = Page(httpx.get(url).text)
        assert 200 == httpx.get(f"{url}/rss").status_code
    (note,) = [attributes for attributes in page.all("p") if attributes.get("class") == "note"]
    assert "all papers are invented" in page.text
    assert page.text.index("all papers are invented") < page.text.index("Caches & kernels")
    assert TITLE in page.text
    assert note


def test_no_sample_note(home: Page) -> None:
    """A wire of real papers has no such note."""
    assert "invented" not in home.text
    assert [] == [attributes for attributes in home.all("p") if attributes.get("class") == "note"]


def test_a_missing_day(tmp_path: Path) -> None:
    """While the due batch is missing, the page still shows the days that there are."""
    with serving_days(tmp_path, {THURSDAY: DAYS[THURSDAY]}, now=noon(FRIDAY)) as client:
        page = Page(client.get("/").text)
    assert "2026-03-05 complete 3" in " ".join(page.text.split())
