"""The pages: what they show and where they lead, with forms but without JavaScript, and nothing of anyone else's."""

import gzip
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
from lxml import html
from lxml.html import HtmlElement

from core.config.settings import ROOT
from core.sources.sample import TITLE
from core.util.signing import sign, with_key
from tests.api import DAYS, FRIDAY, MAIN, THURSDAY, base, make_settings, noon, serving_days
from tests.conftest import serving_app, wait_until
from tests.support.arxiv_format import Sheet, make_sheets
from tests.support.upstream import Upstream

SECRET = "correct horse battery"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
READER = {"Accept": "application/rss+xml, text/html;q=0.5, */*;q=0.1"}  # Miniflux and FreshRSS ask so
MEDIA_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
PAGES = (
    "/",
    "/day/2026-03-05",
    "/feeds",
    "/days",
    "/feeds/main",
    "/feeds/main?score>=3&author~=",
    "/papers/2603.90301",
    "/search",
    "/search?q=cache",
)
ALLOWED_HOSTS = {"arxiv.org", "status.arxiv.org", "www.alphaxiv.org", "doi.org", "github.com"}
# Of the start page with style sheet and scripts, as they are and compressed
MOST_BYTES, MOST_COMPRESSED = 90_000, 25_000


def parsed(answer: httpx.Response) -> HtmlElement:
    """A page as a browser finds it."""
    assert "text/html; charset=utf-8" == answer.headers["Content-Type"]
    return html.document_fromstring(answer.content.decode())


def text_of(element: HtmlElement) -> str:
    """What can be read of it, in one line."""
    return " ".join(str(element.text_content()).split())


def one(element: HtmlElement, path: str) -> HtmlElement:
    """The only element at `path`."""
    (found,) = element.xpath(path)
    return found


def titles(page: HtmlElement) -> list[str]:
    """The titles of the entries, in order."""
    return [text_of(title) for title in page.xpath("//article[@class='entry']//*[contains(@class, 'title')]")]


def ids(page: HtmlElement) -> list[str]:
    """The papers that the entries lead to, in order."""
    titles = "//article[@class='entry']//*[contains(@class, 'title')]/a | //li[starts-with(@class, 'row ')]//h3/a"
    links = [link.get("href") for link in page.xpath(titles)]
    return [urlsplit(link).path.removeprefix("/papers/").removeprefix("/abs/") for link in links]


def submit(client: httpx.Client, page: HtmlElement, **values: str) -> httpx.Response:
    """What a browser without JavaScript sends when the page's form is filled in with `values`."""
    (form,) = page.xpath("//form[@role='search']")
    sent = [
        (field.name, values.get(field.name, field.value or ""))
        for field in form.xpath(".//input[@name] | .//select[@name]")
    ]
    assert values.keys() <= {name for name, _ in sent}
    return client.get(urljoin(base(client), form.get("action")) + "?" + urlencode(sent), headers=BROWSER)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("pages")) as client:
        yield client


@pytest.fixture(scope="module")
def home(client: httpx.Client) -> HtmlElement:
    return parsed(client.get("/"))


# -- what holds for all pages


@pytest.mark.parametrize("path", PAGES)
def test_is_a_page(client: httpx.Client, path: str) -> None:
    """Each page is HTML in UTF-8 with a language, a title, one main heading, landmarks, and a way past the menu."""
    answer = client.get(path, headers=BROWSER)
    assert answer.text.startswith("<!doctype html>")
    page = parsed(answer)
    assert ("en", "utf-8") == (page.get("lang"), one(page, "//meta[@charset]").get("charset"))
    assert "width=device-width" in one(page, "//meta[@name='viewport']").get("content")
    assert text_of(one(page, "//head/title"))
    for path_of in ("//h1", "//main", "//header[@class='masthead']", "//footer"):
        one(page, path_of)
    assert "#main" == one(page, "//a[@class='skip']").get("href")
    identifiers = page.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))
    assert set(page.xpath("//label/@for")) <= set(identifiers)


@pytest.mark.parametrize("path", PAGES)
def test_headers(client: httpx.Client, path: str) -> None:
    """A page may load nothing but its own files, tells nobody its address, and says so hot and cold."""
    for _ in range(2):
        headers = client.get(path, headers=BROWSER).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert {"'none'"} == {policy[name] for name in ("default-src", "base-uri", "frame-ancestors")}
        assert {"'self'"} == {policy[name] for name in ("style-src", "script-src", "connect-src", "form-action")}
        assert ("no-referrer", "nosniff") == (headers["Referrer-Policy"], headers["X-Content-Type-Options"])


def test_what_is_no_page_runs_nothing(client: httpx.Client) -> None:
    """Nothing in a feed may run, load or be framed, whatever shows it as a page; cold and hot."""
    for _ in range(2):
        headers = client.get("/api/feeds/main.rss").headers
        assert "default-src 'none'; frame-ancestors 'none'" == headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_inside_runs_or_styles(client: httpx.Client, path: str) -> None:
    """No script or style stands in a page, no handler, and nothing is loaded from elsewhere."""
    page = parsed(client.get(path))
    assert [] == page.xpath("//style | //*[@style] | //script[not(@src)] | //iframe | //object | //embed | //base")
    assert [] == [name for element in page.iter() for name in element.attrib if name.startswith("on")]
    loaded = page.xpath("//script/@src | //img/@src | //link[not(@rel='alternate' or @rel='canonical')]/@href")
    assert {""} == {urlsplit(address).netloc for address in loaded}
    for address in loaded:
        assert 200 == client.get(address).status_code


@pytest.mark.parametrize("path", PAGES)
def test_links(client: httpx.Client, path: str) -> None:
    """No link of a page is broken; those that lead elsewhere lead to the papers, and tell nothing."""
    page = parsed(client.get(path))
    links = page.xpath("//a[@href and not(starts-with(@href, '#') or starts-with(@href, 'feed:'))]")
    for link in links:
        url = urljoin(base(client) + path, link.get("href"))
        assert url.startswith(("http://", "https://"))
        if url.startswith(base(client)):
            assert 200 == client.get(url).status_code, url
        else:
            assert urlsplit(url).hostname in ALLOWED_HOSTS
            assert "noopener noreferrer" == link.get("rel")


def test_same_bytes_on_another_instance(tmp_path: Path) -> None:
    """Two instances make the same pages of the same store, down to the last byte."""
    more = {"base_url": "https://wire.example"}
    with (
        serving_days(tmp_path, **more) as client,
        serving_app(make_settings(tmp_path, **more)) as url,
        httpx.Client(base_url=url) as other,
    ):
        client.get("/api/papers?score>=0")  # one of them has everything in memory
        for path in PAGES:
            assert client.get(path).content == other.get(path).content, path


def test_size(tmp_path: Path) -> None:
    """The start page after an ordinary month is small, with style sheet and script, even where nothing compresses."""
    month = [FRIDAY - timedelta(days=n) for n in range(30)]
    days = {
        day: make_sheets(20, start=10_000 + 20 * n, category="cs.DC")
        for n, day in enumerate(month)
        if day.weekday() < 5
    }
    long = {"title": "Sparse attention, fast inference and the KV cache of models", "abstract": "About caches. " * 95}
    days[FRIDAY] = [Sheet(**(vars(sheet) | long)) for sheet in make_sheets(60, category="cs.DC")]
    with serving_days(tmp_path, days, feeds_toml=(ROOT / "feeds.toml").read_text("utf-8")) as client:
        page = client.get("/")
        assert 30 == len(ids(parsed(page)))
        files = [client.get(f"/{name}").content for name in ("wire.css", "wire.js", "triage.js", "favicon.svg")]
    assert len(page.content) + sum(map(len, files)) <= MOST_BYTES
    assert sum(len(gzip.compress(content, 6)) for content in (page.content, *files)) <= MOST_COMPRESSED


# -- the start page


def test_shows_the_day_over_all_feeds(home: HtmlElement) -> None:
    """The papers of all feeds, each once, in bands, the strongest first: with score, claim, authors, reasons, PDF."""
    shown = ids(home)
    assert len(shown) == len(set(shown))
    assert set(MAIN[:4]) <= set(shown)
    assert ["Worth a look4by the rubric, or the best five of a feed", "The rest7"] == [
        text_of(band) for band in home.xpath("//div[@class='band']")
    ]
    first = home.xpath("//li[@id='p-2603.90305']")[0]
    assert "Score 5Letters" in text_of(first)
    assert "Placeholder, Sample + 1cs.DCCaches & kernels + 1Grace Placeholder+5" in text_of(first)
    assert ["https://arxiv.org/pdf/2603.90305v1"] == first.xpath(".//a[text()='PDF']/@href")
    assert "Friday 6 March" == text_of(one(home, "//h1")).strip("‹›")
    assert "11 papers, from 12 announced · unconfirmed" in text_of(one(home, "//header[@class='dayhead']"))


def test_the_days_before(client: httpx.Client, home: HtmlElement) -> None:
    """A strip has the days with their numbers and states; the day before is a link, and has a page of its own."""
    strip = [(link.get("data-date"), link.get("title")) for link in home.xpath("//ol[@class='days']//a")]
    assert ("2026-03-04", "Wednesday 4 March: 1 paper, unconfirmed") == strip[0]
    assert ["2026-03-04", "2026-03-05", "2026-03-06"] == [day for day, _ in strip]
    assert "/day/2026-03-05" == one(home, "//a[@rel='prev']").get("href")
    before = parsed(client.get("/day/2026-03-05"))
    assert {"2603.90201", "2603.90203"} <= set(ids(before))
    assert "/day/2026-03-06" == one(before, "//a[@rel='next']").get("href")
    for day in ("2026-02-01", "nonsense"):
        assert 404 == client.get(f"/day/{day}").status_code


def test_filters_of_a_day(client: httpx.Client) -> None:
    """The page shows one feed or one category; what has neither says so and leads back."""
    assert MAIN[:4] == sorted(ids(parsed(client.get("/?feed=main"))), key=MAIN.index)
    of_category = parsed(client.get("/day/2026-03-06?category=hep-th"))
    assert ["hep-th/9901001"] == ids(of_category)
    nothing = parsed(client.get("/day/2026-03-06?feed=main&category=hep-th"))
    assert [] == ids(nothing)
    assert "/day/2026-03-06" in nothing.xpath("//section[@class='end']//a/@href")
    assert 404 == client.get("/?feed=none").status_code


def test_a_row_unfolds(client: httpx.Client) -> None:
    """The script gets what an unfolded row shows: abstract, reasons by feed, all authors, links."""
    text = text_of(parsed(client.get("/papers/2603.90302/peek")))
    assert "It needs a cache." in text
    assert "In Caches & kernels 3.5 for cache +2, kernel +1, in title +0.5" in text
    assert "First Sample, Second Sample" in text
    assert 200 == client.get("/papers/hep-th/9901001/peek").status_code
    assert 404 == client.get("/papers/2603.99999/peek").status_code


def test_lists_the_feeds(client: httpx.Client) -> None:
    """Each feed is there with title, description, its number of entries, its page, and a link for every format."""
    page = parsed(client.get("/feeds"))
    text = text_of(page)
    for expected in (
        "Caches & kernels",
        "What is <fast>, and why.",
        "Replacements and crosses",
        "4 papers on Fri 6 Mar",
    ):
        assert expected in text
    links = [urljoin(f"{base(client)}/", link) for link in page.xpath("//a/@href")]
    for name in ("main", "replaced", "everything"):
        assert f"{base(client)}/feeds/{name}" in links
        for extension in ("rss", "atom", "json"):
            assert f"{base(client)}/api/feeds/{name}.{extension}" in links
    assert f"{base(client)}/api/feeds.opml" in links


def test_autodiscovery(client: httpx.Client, home: HtmlElement) -> None:
    """A reader that is given the page's address finds every feed in every format, with type and title."""
    found = home.xpath("//link[@rel='alternate']")
    assert list(MEDIA_TYPES) * 3 == [link.get("type") for link in found]
    assert 9 == len({link.get("title") for link in found})
    for link in found:
        answer = client.get(link.get("href"))
        assert (200, f"{link.get('type')}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])


def test_the_archive(client: httpx.Client) -> None:
    """The page of all days has date, state and number of papers of each; its chart can be read as a table."""
    page = parsed(client.get("/days"))
    rows = [[text_of(cell) for cell in row] for row in page.xpath("//table[@class='batches']/tbody/tr")]
    assert [
        ["Fri 6 Mar", "unconfirmed", "12"],
        ["Thu 5 Mar", "unconfirmed", "3"],
        ["Wed 4 Mar", "unconfirmed", "1"],
    ] == rows
    chart = one(page, "//*[local-name()='svg' and @role='img']")
    for name in chart.get("aria-labelledby").split():
        assert text_of(one(page, f"//*[@id='{name}']"))
    rows = [[text_of(cell) for cell in row] for row in page.xpath("//details//tbody/tr")]
    assert [["2026-03-06", "12", "7", "5"], ["2026-03-05", "3", "2", "4.5"], ["2026-03-04", "1", "1", "4.5"]] == rows


def test_owes_to_arxiv(home: HtmlElement) -> None:
    """The page thanks arXiv in the words that arXiv asks for, and claims no affiliation."""
    assert "Thank you to arXiv for use of its open access interoperability." in text_of(home)
    assert "not affiliated with arXiv" in text_of(home)


def test_a_first_visit_fetches(tmp_path: Path, upstream: Upstream) -> None:
    """Before anything was fetched the page says that it is being fetched, looks again, and then shows the day."""
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url:
        page = parsed(httpx.get(url))
        assert "Fetching Friday 6 March" in text_of(page)
        assert "5" == one(page, "//meta[@http-equiv='refresh']").get("content")
        wait_until(lambda: bool(ids(parsed(httpx.get(url)))))
        assert not parsed(httpx.get(url)).xpath("//meta[@http-equiv='refresh']")


def test_tells_of_failure(tmp_path: Path, upstream: Upstream) -> None:
    """When arXiv serves nothing usable, the page names the date, its state, the reason, and the next step."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url:
        assert 503 == httpx.get(f"{url}/rss").status_code
        text = text_of(parsed(httpx.get(url)))
    for expected in (
        "Friday 6 March could not be fetched",
        "HTML page, not a feed",
        "make demo",
        "tried again by itself",
    ):
        assert expected in text


def test_a_missing_day(tmp_path: Path) -> None:
    """While the due batch is missing, the page says so and shows the newest day that there is."""
    with serving_days(tmp_path, {THURSDAY: DAYS[THURSDAY]}, now=noon(FRIDAY)) as client:
        page = parsed(client.get("/"))
        shown = text_of(page)
        assert "Thursday 5 March" == text_of(one(page, "//h1")).strip("‹›")
        assert ["2603.90203", "2603.90201", "2603.90202"] == ids(page)
        assert "Friday 6 March is being fetched." in shown or "Friday 6 March could not be fetched" in shown


def test_sample_note(tmp_path: Path) -> None:
    """A demonstration says that it is one, in its title and in a note before everything else; others do not."""
    with serving_app(make_settings(tmp_path, sample=True, now=noon(FRIDAY))) as url:
        page = parsed(httpx.get(url))
        assert 200 == httpx.get(f"{url}/rss").status_code
    assert "all papers are invented" in text_of(one(page, "//p[@class='note']"))
    assert 1 == len(page.xpath("//p[@class='note']/following::main"))
    assert TITLE in text_of(page)


def test_owners_text_is_text(tmp_path: Path) -> None:
    """What the owner wrote is shown as text, whatever it looks like."""
    rules = """
    [instance]
    title = "<script>alert(1)</script> {base} & co"
    [feeds.main]
    title = '"><img src=x onerror=alert(2)> {{7*7}}'
    description = "</p></section><iframe src=//evil.example>"
    categories = ["cs.LG"]
    exclude = ["<i>"]
    [feeds.main.keywords]
    "<u>line</u>" = 1
    """
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, feeds_toml=rules) as client:
        home, feed = parsed(client.get("/feeds")), parsed(client.get("/feeds/main"))
    for page in (home, feed):
        assert [] == page.xpath("//img | //iframe | //u | //i | //script[not(@src)]")
        assert '"><img src=x onerror=alert(2)> {{7*7}}' in text_of(page)
        assert "<script>alert(1)</script> {base} & co" in text_of(page)
    assert "<u>line</u>+1" in text_of(feed)


@pytest.mark.parametrize("path", PAGES)
def test_base_url(tmp_path: Path, path: str) -> None:
    """Behind a proxy all links keep below the path that BASE_URL names, and feeds have its whole address."""
    days = {THURSDAY: DAYS[THURSDAY], FRIDAY: DAYS[FRIDAY]}
    with serving_days(tmp_path, days, base_url="https://wire.example/papers") as client:
        page = parsed(client.get(path))
    addresses = page.xpath("//a/@href | //link[not(@rel='canonical')]/@href | //script/@src | //form/@action")
    own = [a for a in addresses if urlsplit(a).hostname in (None, "wire.example") and a[0] != "#" and a[:5] != "feed:"]
    assert len(own) > 5
    assert [] == [a for a in own if not a.startswith(("/papers/", "https://wire.example/papers/"))]
    for address in page.xpath("//link[@rel='alternate']/@href | //textarea[@readonly]/text()"):
        assert address.startswith(("https://wire.example/papers/api/", "@misc"))


# -- the page of a feed


def test_feed_shows_what_readers_get(client: httpx.Client) -> None:
    """The same papers in the same order as the feed, each day under its date."""
    page = parsed(client.get("/feeds/main"))
    assert MAIN == ids(page)
    assert ["Friday 6 March", "Thursday 5 March", "Wednesday 4 March"] == [
        text_of(day) for day in page.xpath("//section[@class='day']/h2")
    ]
    assert MAIN == [item["_paperwire"]["id"] for item in client.get("/api/feeds/main.json").json()["items"]]


def test_feed_tells_its_rules(client: httpx.Client) -> None:
    """Keywords with weights, categories by name, excluded words, thresholds."""
    text = text_of(parsed(client.get("/feeds/main")))
    for expected in (
        "au:Grace Placeholder+5", "cache+2", "cat:cs.OS+0.5", "cs.LG Machine Learning", "survey", "2 points",
        "4 a day", "50 % on top", "What is <fast>, and why.",
    ):  # fmt: skip
        assert expected in text


def test_subscribing(tmp_path: Path) -> None:
    """Addresses to copy for all formats, and links that hand the address to readers, whose scheme is known."""
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, base_url="https://wire.example") as client:
        page = parsed(client.get("/feeds/main?score>=3"))
    chosen = "?score%3E=3"
    fields = {field.get("id"): field.text for field in page.xpath("//textarea[@readonly]")}
    start = "https://wire.example/api/feeds/main."
    assert {name: f"{start}{name}{chosen}" for name in ("rss", "atom", "json")} == fields
    assert sorted(fields.values()) == sorted(page.xpath("//link[@rel='alternate']/@href"))
    links = page.xpath("//a/@href")
    assert f"feed:{start}rss{chosen}" in links
    given = "https%3A%2F%2Fwire.example%2Fapi%2Ffeeds%2Fmain.rss%3Fscore%253E%3D3"
    for service in ("feedly.com/i/subscription/feed%2F", "www.inoreader.com/?add_feed=", "www.newsblur.com/?url="):
        assert f"https://{service}{given}" in links


def test_local_copies_offer_no_web_readers(client: httpx.Client) -> None:
    """A reader on the web cannot reach a copy on the owner's machine."""
    page = parsed(client.get("/feeds/main"))
    assert "readers on the web cannot reach it" in text_of(page)
    assert [] == page.xpath("//a[contains(@href, 'feedly')]")


FORM_CASES: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({"score>": "4"}, "score>=4"),
    ({"category": "cs.DC"}, "category=cs.DC"),
    ({"type": "cross"}, "type=cross"),
    ({"author~": "placeholder"}, "author~placeholder"),
    ({"announced>": "2026-03-05", "announced<": "2026-03-05"}, "announced>=2026-03-05&announced<=2026-03-05"),
    ({"sort": "-score"}, "sort=-score"),
    ({"sort": "title", "score>": "3"}, "sort=title&score>=3"),
    ({"q": "cache kernels"}, "text~cache&text~kernels"),
    ({"q": 'has=code "it needs"', "score>": "1"}, "has=code&text~it needs&score>=1"),
    ({"q": "score<4.5"}, "score<4.5"),
]


@pytest.mark.parametrize(("values", "query"), FORM_CASES)
def test_the_form_needs_no_javascript(client: httpx.Client, values: dict[str, str], query: str) -> None:
    """What a browser sends of the form, with all its empty fields, means the same as the query of the API."""
    answer = submit(client, parsed(client.get("/feeds/main")), **values)
    assert 200 == answer.status_code
    page = parsed(answer)
    items = client.get(f"/api/feeds/main.json?{query}").json()["items"]
    assert [item["_paperwire"]["id"] for item in items] == ids(page)
    shown = {field.name: field.value for field in page.xpath("//form//input[@name] | //form//select[@name]")}
    for name, value in values.items():
        assert value == shown[name]
    (address,) = page.xpath("//textarea[@id='json']/text()")
    if "sort" not in values:  # a reader has its own order
        assert [item["id"] for item in items] == [item["id"] for item in client.get(address).json()["items"]]


def test_the_form_shows_what_the_address_says(client: httpx.Client) -> None:
    """A query that somebody wrote is in the form again: in its fields, and the rest in the box."""
    page = parsed(client.get("/feeds/main?score>=1&title!=A cache&text~kernel&category=cs.DC,cs.LG&author~ada&limit=7"))
    shown = {field.name: field.value for field in page.xpath("//form//input[@name] | //form//select[@name]")}
    assert ("1", "cs.DC,cs.LG", "ada", "7") == tuple(shown[n] for n in ("score>", "category", "author~", "limit"))
    assert 'title!="A cache" kernel' == shown["q"]
    again = submit(client, page)
    assert ids(page) == ids(parsed(again))


def test_paging(client: httpx.Client) -> None:
    """Pages follow one another without losing or repeating a paper, and without the filters getting lost."""
    url, seen = "/feeds/main?limit=3&score>=1", []
    for _ in range(10):
        page = parsed(client.get(url))
        seen += ids(page)
        (link, *_) = [*page.xpath("//a[@rel='next']/@href"), ""]
        if not link:
            break
        url = link
        assert "limit=3" in url
    assert [item["_paperwire"]["id"] for item in client.get("/api/feeds/main.json?score>=1").json()["items"]] == seen


@pytest.mark.parametrize(
    ("query", "token", "allowed"),
    [
        ("score>=high", "score>=high", "a number"),
        ("nosuch=1", "nosuch=1", "category"),
        ("q=scroe%3E4", "scroe>4", "score"),
        ("category=cs.XX", "category=cs.XX", "near it: cs."),
        ("cursor=x", "cursor=x", "no cursor"),
        ("feed=none", "feed=none", "there is no feed"),
        ("q=" + "x" * 1001, "xxx…", "longer than"),
    ],
)
def test_a_wrong_filter(client: httpx.Client, query: str, token: str, allowed: str) -> None:
    """A page names the token and what is allowed, keeps the form as it was, and is not cached."""
    for path in ("/feeds/main", "/search"):
        answer = client.get(f"{path}?{query}&author~=ada")
        page = parsed(answer)
        assert (422, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
        assert "Content-Security-Policy" in answer.headers
        alert = text_of(one(page, "//*[@role='alert']"))
        assert token in alert
        assert allowed in alert
        if path == "/feeds/main":
            assert "ada" == one(page, "//input[@name='author~']").get("value")


def test_no_entry_meets_the_filters(client: httpx.Client) -> None:
    """The page says so, and leads back."""
    page = parsed(client.get("/feeds/main?score>=100"))
    assert "No stored paper of this feed meets all filters." in text_of(page)
    assert "/feeds/main" in page.xpath("//p[@class='tell']/a/@href")


# -- the page of a paper


def test_paper(client: httpx.Client) -> None:
    """Title, authors, abstract, categories by name, dates, links, and the score of each feed with its reasons."""
    page = parsed(client.get("/papers/2603.90302"))
    text = text_of(page)
    assert "Kernel fusion" == text_of(one(page, "//h1"))
    for expected in (
        "First Sample, Second Sample",
        "Machine Learning (cs.LG)",
        "Friday 6 March",
        "arXiv:2603.90302v1",
    ):
        assert expected in text
    assert ["Kernel", "cache"] == [text_of(mark) for mark in page.xpath("//article//mark")]
    assert ["https://github.com/sample/fusion"] == page.xpath("//a[text()='Code']/@href")
    assert ["https://www.alphaxiv.org/abs/2603.90302"] == page.xpath("//a[text()='AlphaXiv']/@href")
    assert ["Caches & kernels 3.5"] == [text_of(score) for score in page.xpath("//section[@class='scored']/h3")]
    assert "No keyword of Everything, Replacements and crosses was found." in text
    assert "/search?q=author~%22First%20Sample%22&feed=main,replaced,everything" in page.xpath("//article//a/@href")
    assert "It needs a cache." == text_of(one(page, "//p[@class='lede']"))
    assert {f"/saved.{name}?id=2603.90302" for name in ("bib", "ris", "json", "md")} <= set(page.xpath("//a/@href"))
    (path,) = page.xpath("//section[h2='Similar papers']//a/@href")
    page_of_similar = parsed(client.get(path))
    similar = [text_of(entry) for entry in page_of_similar.xpath("//*[@id='list']/li")]
    assert "/papers/2603.90304" in page_of_similar.xpath("//*[@id='list']//a/@href")
    assert any("both have" in entry and "kernel" in entry.lower() for entry in similar)
    rows = [text_of(row) for row in page.xpath("//section[@class='scored']//tbody/tr")]
    assert "cache in the abstract: It needs a cache. See https://github.com/sample/fusion.+2" == rows[0]
    assert "kernel in the title (+0.5): Kernel fusion+1.5" == rows[1]
    assert "@misc{sample2026kernel," in one(page, "//textarea[@id='bibtex']").text


def test_formulas_of_a_paper(tmp_path: Path) -> None:
    """Formulas in title and abstract are MathML; what was found is marked beside them, and nothing is markup."""
    sheet = Sheet(
        id="2603.90001",
        title="A cache in $O(n^2)$ steps",
        abstract="A kernel <b> needs $\\alpha_i$ units.\nIt costs $5.",
    )
    with serving_days(tmp_path, {FRIDAY: [sheet]}) as client:
        answer = client.get("/papers/2603.90001")
    page = parsed(answer)
    assert (1, 1) == (len(page.xpath("//h1//math")), len(page.xpath("//div[@class='prose']//math")))
    assert ["kernel"] == [text_of(mark) for mark in page.xpath("//div[@class='prose']//mark")]
    assert "$5." in text_of(one(page, "//div[@class='prose']"))
    assert "\\alpha" not in answer.text


def test_an_old_paper(client: httpx.Client) -> None:
    """Identifiers of the old style have a slash in them."""
    page = parsed(client.get("/papers/hep-th/9901001"))
    assert "Strings, revisited" == text_of(one(page, "//h1"))
    assert "1999" in one(page, "//textarea[@id='bibtex']").text


def test_many_authors(tmp_path: Path) -> None:
    """The first ten authors are named at once, all others on demand; BibTeX has all, and lists a few."""
    names = [f"Author{number} Sample" for number in range(3303)]
    sheet = Sheet(id="2603.90001", title="A cache of many", creator=", ".join(names))
    with serving_days(tmp_path, {FRIDAY: [sheet]}) as client:
        page, home = parsed(client.get("/papers/2603.90001")), parsed(client.get("/"))
    authors = one(page, "//div[@class='authors']")
    assert ", ".join(names[:10]) == text_of(authors[0])
    assert "and 3,293 more authors" == text_of(one(authors, ".//summary"))
    assert 100 == len(page.xpath("//select[@name='author']/option")) or not page.xpath("//select[@name='author']")
    assert ", ".join(names[10:]) == text_of(one(authors, ".//details/p"))
    assert names == re.findall(r"Author\d+ Sample", one(page, "//textarea[@id='bibtex']").text)
    assert "Sample, Sample + 3,301" in text_of(home)


# -- searching


def test_search_finds_everything(client: httpx.Client) -> None:
    """Papers of whatever score and type are found; words are looked for in titles and abstracts, and marked."""
    page = parsed(submit(client, parsed(client.get("/search")), q="kernel"))
    assert {"2603.90202", "2603.90308"} <= set(ids(page))  # too few points for the feed
    assert {"kernel"} <= {text_of(mark).lower() for mark in page.xpath("//mark")}
    assert "of whatever score and type" in text_of(one(page, "//*[@role='status' and contains(@class, 'count')]"))


def test_search_says_the_same_elsewhere(client: httpx.Client) -> None:
    """The page's feed and its JSON have the papers that it shows."""
    page = parsed(client.get("/search", params={"q": 'score<4 "cache" type=new,cross'}))
    as_json = client.get(one(page, "//textarea[@id='as-json']").text).json()
    assert ids(page) == [paper["id"] for paper in as_json["papers"]]
    rss = client.get(one(page, "//textarea[@id='as-rss']").text)
    assert ids(page) == re.findall(r"<link>https://arxiv.org/abs/([^<]+)</link>", rss.text)
    assert len(ids(page)) == 6


def test_search_of_another_feed(client: httpx.Client) -> None:
    """The form chooses the feed that is searched."""
    page = parsed(submit(client, parsed(client.get("/search")), q="strings", feed="replaced"))
    assert ["hep-th/9901001"] == ids(page)
    assert "Replacements and crosses" in text_of(one(page, "//p[contains(@class, 'count')]"))
    assert [] == ids(parsed(client.get("/search?q=strings")))


def test_search_by_identifier(client: httpx.Client) -> None:
    """An identifier or an address of arXiv finds its paper."""
    for text in ("2603.90306", "https://arxiv.org/pdf/2603.90306v1"):
        assert ["2603.90306"] == ids(parsed(client.get("/search", params={"q": text})))


def test_search_without_a_question(client: httpx.Client) -> None:
    """There are examples, each of which works."""
    page = parsed(client.get("/search?q=&feed=&sort="))
    examples = page.xpath("//table[@class='hints']//a/@href")
    assert len(examples) > 5
    for example in examples:
        assert 200 == client.get(example).status_code
        assert parse_qs(urlsplit(example).query)["q"][0]


def test_a_search_as_a_feed(client: httpx.Client) -> None:
    """A search leads to the builder with its words as a rule, where it finds the same papers."""
    page = parsed(client.get("/search", params={"q": 'kernel title~"a cache" category=cs.DC score>=1'}))
    link = one(page, "//a[text()='Save this search as a feed']").get("href")
    assert {"category": "cs.DC", "keywords": "kernel AND ti:a cache", "name": "kernel ti:a cache"} == dict(
        parse_qsl(urlsplit(link).query)
    )
    custom = parsed(client.get(link.replace("/build", "/feeds/custom")))
    assert page.xpath("//li/@data-id") == custom.xpath("//li/@data-id") != []
    assert not parsed(client.get("/search?q=score>=1")).xpath("//a[text()='Save this search as a feed']")


def test_search_finds_nothing(client: httpx.Client) -> None:
    """The page says so and gives hints."""
    assert "Nothing that is stored meets all of this." in text_of(parsed(client.get("/search?q=zebra")))


# -- errors


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/feeds/none", "There is no feed 'none' here."),
        ("/papers/2603.99999", "There is no paper '2603.99999' here."),
        ("/papers/nonsense", "There is no paper 'nonsense' here."),
        ("/nowhere", "Nothing is at this address."),
    ],
)
def test_not_found(client: httpx.Client, path: str, expected: str) -> None:
    """Browsers get a page that lists the feeds, programs a problem."""
    answer = client.get(path, headers=BROWSER)
    page = parsed(answer)
    assert (404, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
    assert "Content-Security-Policy" in answer.headers
    assert expected in text_of(page)
    assert {"/feeds/main", "/feeds/replaced"} <= set(page.xpath("//main//a/@href"))
    problem = client.get(path)
    assert (404, "application/problem+json") == (problem.status_code, problem.headers["Content-Type"])


def test_a_paper_that_is_elsewhere(client: httpx.Client) -> None:
    """A paper that is not here, or no longer, may be with arXiv."""
    page = parsed(client.get("/papers/2401.00001v2", headers=BROWSER))
    assert ["https://arxiv.org/abs/2401.00001v2"] == page.xpath("//main//a[@rel]/@href")


@pytest.mark.parametrize("path", ["/api/feeds/none.rss", "/rss/none", "/api/papers?score~1", "/api/nowhere"])
def test_readers_get_problems(client: httpx.Client, path: str) -> None:
    """A feed reader that would take a page is not given one."""
    assert "application/problem+json" == client.get(path, headers=READER).headers["Content-Type"]


@pytest.mark.parametrize("path", ["/feeds/main", "/papers/2603.90301", "/search?q=cache"])
def test_nothing_to_show_yet(tmp_path: Path, upstream: Upstream, path: str) -> None:
    """While there is nothing, a page says what is being done, with 503 and Retry-After, and offers to try again."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url:
        answer = httpx.get(url + path, headers=BROWSER)
    page = parsed(answer)
    assert (503, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
    assert answer.headers["Retry-After"] == one(page, "//*[@data-retry]").get("data-retry")
    assert "Nothing to serve yet" == text_of(one(page, "//h1"))
    assert "2026-03-06" in text_of(page)


# -- private copies


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("private"), feed_key=SECRET) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_the_owners_links_open(private: httpx.Client, path: str) -> None:
    """With the owner's key every link of a page opens, and what is to be subscribed to does not tell that key."""
    page = parsed(private.get(with_key(path, SECRET)))
    links = {urljoin(f"{base(private)}/", link) for link in page.xpath("//a/@href | //link/@href | //script/@src")}
    own = [link for link in links if link.startswith(base(private)) and urlsplit(link).path != "/"]
    assert len(own) > 5
    for link in own:
        assert 200 == private.get(link).status_code, link
    given = page.xpath("//link[@rel='alternate']/@href | //textarea[starts-with(text(), 'http')]/text()")
    for address in given:
        assert SECRET not in parse_qs(urlsplit(address).query)["key"]
        assert 200 == private.get(address).status_code


def test_the_owners_forms_open(private: httpx.Client) -> None:
    """Forms send the key along."""
    for path in ("/search", "/feeds/main"):
        page = parsed(private.get(with_key(path, SECRET)))
        assert 200 == submit(private, page, q="cache").status_code


def test_a_subscriber_sees_that_feed_alone(private: httpx.Client) -> None:
    """With a feed's signature its page opens, with its filters and pages; nothing else is named or linked."""
    page = parsed(private.get(with_key("/feeds/main?limit=3", sign(SECRET, "/api/feeds/main.rss")), headers=BROWSER))
    assert [] == page.xpath("//nav[@aria-label='Pages']")
    links = {urljoin(f"{base(private)}/", link) for link in page.xpath("//a[not(starts-with(@href, '#'))]/@href")}
    for link in links:
        if link.startswith(base(private)):
            assert 200 == private.get(link).status_code, link
    assert "https://arxiv.org/abs/2603.90305" in links
    assert "Replacements" not in text_of(page)
    assert SECRET not in html.tostring(page).decode()
    assert 200 == submit(private, page, **{"score>": "1"}).status_code


def test_a_form_for_the_key(private: httpx.Client) -> None:
    """Who comes with a browser and without the key is asked for it, told nothing, and gets where he wanted to."""
    answer = private.get("/feeds/main?score>=3&category=cs.DC", headers=BROWSER)
    page = parsed(answer)
    assert (401, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
    assert "Content-Security-Policy" in answer.headers
    assert "Test wire" not in answer.text
    (form,) = page.forms
    sent = [(field.name, SECRET if field.name == "key" else field.value) for field in form.xpath(".//input")]
    assert form.get("action") is None  # back to where one is, whatever that is called
    opened = private.get(f"/feeds/main?{urlencode(sent)}", headers=BROWSER)
    assert ["2603.90305", "2603.90301", "2603.90304", "2603.90311"] == ids(parsed(opened))[:4]
    assert "application/problem+json" == private.get("/feeds/main").headers["Content-Type"]
