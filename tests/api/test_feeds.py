"""The feeds in their three formats, by the rules that validators and readers hold them to."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest
from lxml import etree

from tests.api import DAYS, FRIDAY, MAIN, THURSDAY, base, noon, send, serving_days
from tests.support.arxiv_format import Sheet
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
EASTERN = ZoneInfo("America/New_York")
FORMATS = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


class Item(NamedTuple):
    """An entry as a document holds it, whatever the format."""

    guid: str
    title: str
    url: str
    time: datetime
    authors: str
    categories: tuple[str, ...]
    html: str

    @property
    def paper(self) -> str:
        """The identifier of the paper."""
        return self.url.removeprefix("https://arxiv.org/abs/")


SHOWN = "What is <\u2060fast>, and why."  # a joiner nobody sees: readers may not take it for a tag


def read_rss(body: bytes) -> list[Item]:
    return [
        Item(
            item.findtext("guid", ""),
            item.findtext("title", ""),
            item.findtext("link", ""),
            parsedate_to_datetime(item.findtext("pubDate", "")),
            item.findtext(f"{DC}creator", ""),
            tuple(category.text or "" for category in item.iter("category")),
            item.findtext("description", ""),
        )
        for item in etree.fromstring(body).iter("item")
    ]


def read_atom(body: bytes) -> list[Item]:
    return [
        Item(
            entry.findtext(f"{ATOM}id", ""),
            entry.findtext(f"{ATOM}title", ""),
            entry.find(f"{ATOM}link").get("href", ""),
            datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")),
            ", ".join(name.text or "" for name in entry.iterfind(f"{ATOM}author/{ATOM}name")),
            tuple(category.get("term", "") for category in entry.iter(f"{ATOM}category")),
            entry.findtext(f"{ATOM}content", ""),
        )
        for entry in etree.fromstring(body).iter(f"{ATOM}entry")
    ]


def read_json(body: bytes) -> list[Item]:
    return [
        Item(
            item["id"],
            item["title"],
            item["url"],
            datetime.fromisoformat(item["date_published"]),
            ", ".join(author["name"] for author in item["authors"]),
            tuple(item["tags"]),
            item["content_html"],
        )
        for item in json.loads(body)["items"]
    ]


READ: dict[str, Callable[[bytes], list[Item]]] = {"rss": read_rss, "atom": read_atom, "json": read_json}


def self_and_next(format_name: str, body: bytes) -> tuple[str, str]:
    """The address that a document says it has, and that of its next page or ""."""
    if format_name == "json":
        feed = json.loads(body)
        return feed["feed_url"], feed.get("next_url", "")
    root = etree.fromstring(body)
    links = {link.get("rel"): link.get("href", "") for link in root.iterfind(f"{{*}}channel/{ATOM}link")}
    links |= {link.get("rel"): link.get("href", "") for link in root.iterfind(f"{ATOM}link")}
    return links["self"], links.get("next", "")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("feeds")) as client:
        yield client


def get(client: httpx.Client, target: str) -> bytes:
    answer = client.get(target)
    assert 200 == answer.status_code, answer.text
    return answer.content


# Filters, and the papers that main then shows
SELECTIONS = {
    "": MAIN,
    "score>=0&per_day=1": ["2603.90305", "2603.90203", "2603.90101"],
    "category=cs.DC": ["2603.90305", "2603.90301", "2603.90304", "2603.90311", "2603.90201"],
    "type=replace,cross&score>=0": ["2603.90309", "2603.90308"],
    "sort=score,title&limit=3": ["2603.90201", "2603.90304", "2603.90302"],
    "score>1000": [],
}


@pytest.mark.parametrize(("query", "papers"), SELECTIONS.items())
@pytest.mark.parametrize("format_name", FORMATS)
def test_filters(client: httpx.Client, format_name: str, query: str, papers: list[str]) -> None:
    """Every filter applies to feeds in every format."""
    assert papers == [item.paper for item in READ[format_name](get(client, f"/api/feeds/main.{format_name}?{query}"))]


@pytest.mark.parametrize("name", ["main", "main?limit=3", "replaced", "everything", "everything?sort=title&limit=9"])
def test_formats_hold_the_same(client: httpx.Client, name: str) -> None:
    """RSS, Atom and JSON Feed hold the same entries in the same order, down to times, authors and HTML."""
    feed, _, query = name.partition("?")
    rss, atom, plain = (READ[f](get(client, f"/api/feeds/{feed}.{f}?{query}")) for f in FORMATS)
    assert rss
    assert rss == atom == plain


def test_feeds_hold_what_the_query_api_holds(client: httpx.Client) -> None:
    """The JSON Feed carries each entry exactly as /api/papers shows it."""
    items = json.loads(get(client, "/api/feeds/main.json?score>=0&limit=5"))["items"]
    papers = json.loads(get(client, "/api/papers?score>=0&limit=5&per_day=4"))["papers"]
    assert papers == [item["_paperwire"] for item in items]


@pytest.mark.parametrize(
    ("format_name", "media_type"), [(name, f"{kind}; charset=utf-8") for name, kind in FORMATS.items()]
)
def test_media_types(client: httpx.Client, format_name: str, media_type: str) -> None:
    """Each format has its own media type, with a charset."""
    assert media_type == client.get(f"/api/feeds/main.{format_name}").headers["Content-Type"]


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml;q=0.9", "application/json"])
def test_no_negotiation(client: httpx.Client, accept: str) -> None:
    """A reader that prefers HTML gets the feed that its address names, and gets it uncompressed if it did not ask."""
    answer = send(client, "/api/feeds/main.rss", headers={"Accept": accept})
    assert "application/rss+xml; charset=utf-8" == answer.headers["content-type"]
    assert "content-encoding" not in answer.headers
    assert MAIN == [item.paper for item in read_rss(answer.body)]


# As sent, and as an address in ASCII
TARGETS = {
    "/api/feeds/main.{f}": "/api/feeds/main.{f}",
    "/api/feeds/main.{f}?score%3E%3D3": "/api/feeds/main.{f}?score%3E%3D3",
    "/api/feeds/main.{f}?score>=3&category=cs.DC,cs.LG": "/api/feeds/main.{f}?score%3E=3&category=cs.DC,cs.LG",
    "/api/feeds/main.{f}?title~%C3%A9+x&limit=2": "/api/feeds/main.{f}?title~%C3%A9+x&limit=2",
    '/api/feeds/main.{f}?title~"<a>"': "/api/feeds/main.{f}?title~%22%3Ca%3E%22",
}


@pytest.mark.parametrize(("sent", "address"), TARGETS.items())
@pytest.mark.parametrize("format_name", FORMATS)
def test_self_link(client: httpx.Client, format_name: str, sent: str, address: str) -> None:
    """The self link is the address that was fetched, with its query, and gives the same document."""
    first = send(client, sent.format(f=format_name)).body
    link, _ = self_and_next(format_name, first)
    assert base(client) + address.format(f=format_name) == link
    assert first == get(client, link)


def test_self_link_of_the_short_addresses(client: httpx.Client) -> None:
    """/rss and /rss/CATEGORY say that they are what was fetched."""
    for path in ("/rss", "/rss/cs.LG", "/rss/cs.LG?limit=1"):
        assert path == self_and_next("rss", get(client, path))[0].removeprefix(base(client))


def test_base_url(tmp_path: Path) -> None:
    """All links of its own bear the address that BASE_URL names, whatever address was asked."""
    with serving_days(tmp_path, base_url="https://wire.example/") as client:
        for name in FORMATS:
            body = get(client, f"/api/feeds/main.{name}?limit=1")
            links = self_and_next(name, body)
            assert f"https://wire.example/api/feeds/main.{name}?limit=1" == links[0]
            assert links[1].startswith(f"https://wire.example/api/feeds/main.{name}?limit=1&cursor=")
            assert b"127.0.0.1" not in body


def test_rss_channel(client: httpx.Client) -> None:
    """The RSS channel says what it is, links its page, and names its language."""
    channel = etree.fromstring(get(client, "/api/feeds/main.rss")).find("channel")
    expected = {
        "title": "Caches & kernels · Test wire",
        "description": SHOWN,
        "link": f"{base(client)}/feeds/main",
        "language": "en",
        "lastBuildDate": "Fri, 06 Mar 2026 17:00:00 +0000",
    }
    assert expected == {name: channel.findtext(name) for name in expected}
    assert {"rel": "self", "type": "application/rss+xml"}.items() <= dict(channel.find(f"{ATOM}link").attrib).items()


@pytest.mark.parametrize("name", ["main", "replaced", "everything"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_feeds_keep_the_rules(client: httpx.Client, format_name: str, name: str) -> None:
    """Every feed is what validators and readers want of its format."""
    target = f"/api/feeds/{name}.{format_name}"
    faults = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}[format_name]
    assert [] == faults(get(client, target), base(client) + target)


def test_atom_feed(client: httpx.Client) -> None:
    """An Atom feed has an identifier that does not depend on the query, its language, and links with their types."""
    root = etree.fromstring(get(client, "/api/feeds/main.atom?limit=20"))
    home = f"{base(client)}/"
    assert f"{home}api/feeds/main" == root.findtext(f"{ATOM}id")
    assert "en" == root.get(XML_LANG)
    assert "Caches & kernels · Test wire" == root.findtext(f"{ATOM}title")
    assert [
        ("self", f"{home}api/feeds/main.atom?limit=20", "application/atom+xml"),
        ("alternate", f"{home}feeds/main", "text/html"),
    ] == [(link.get("rel"), link.get("href"), link.get("type")) for link in root.iterfind(f"{ATOM}link")]


@pytest.mark.parametrize("name", ["main.{f}", "everything.{f}", "everything.{f}?type=new,cross,replace"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_times(client: httpx.Client, format_name: str, name: str) -> None:
    """Times are distinct, fall in rank order, lie on the announcement's day in New York, and not in the future."""
    items = READ[format_name](get(client, f"/api/feeds/{name.format(f=format_name)}"))
    times = [item.time for item in items]
    announced = {sheet.id: day for day, sheets in DAYS.items() for sheet in sheets}
    assert sorted(set(times), reverse=True) == times
    assert [announced[item.paper] for item in items] == [time.astimezone(EASTERN).date() for time in times]
    assert max(times) < noon(FRIDAY)


def test_jsonfeed(client: httpx.Client) -> None:
    """A JSON Feed has the members of version 1.1, and no authors beside those of its items."""
    feed = json.loads(get(client, "/api/feeds/main.json"))
    del feed["items"]
    assert {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Caches & kernels · Test wire",
        "home_page_url": f"{base(client)}/feeds/main",
        "feed_url": f"{base(client)}/api/feeds/main.json",
        "description": SHOWN,
        "language": "en",
        "icon": f"{base(client)}/icon.png",
        "favicon": f"{base(client)}/icon.png",
    } == feed


@pytest.mark.parametrize("format_name", FORMATS)
def test_text_is_what_was_written(client: httpx.Client, format_name: str) -> None:
    """A title with angles, ampersands and quotes comes through as it is, and the score is told with its reasons."""
    (item,) = READ[format_name](get(client, f"/api/feeds/main.{format_name}?id=2603.90311"))
    assert "x < y & “quotes” in a cache" == item.title
    assert "<strong>Score 3</strong>: cache +2, in title +1" in item.html
    assert '<a href="https://arxiv.org/pdf/2603.90311v1">PDF</a>' in item.html


@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize("format_name", FORMATS)
def test_pages(client: httpx.Client, format_name: str, limit: int) -> None:
    """The next links lead through the whole feed, each entry once, in the order of the whole; the last has none."""
    whole = READ[format_name](get(client, f"/api/feeds/everything.{format_name}"))
    papers: list[str] = []
    target = f"/api/feeds/everything.{format_name}?limit={limit}"
    while target:
        body = get(client, target)
        page = [item.paper for item in READ[format_name](body)]
        assert 1 <= len(page) <= limit
        papers += page
        here, target = self_and_next(format_name, body)
        assert here != target
    assert [item.paper for item in whole] == papers


@pytest.mark.parametrize("spelling", ["cursor=", "cursor%3D", "cursor%3d", "%63ursor=", "+cursor+=+"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_pages_in_all_spellings(client: httpx.Client, format_name: str, spelling: str) -> None:
    """However a proxy has encoded the address of the second page, that page leads to the third."""
    papers = []
    target = f"/api/feeds/main.{format_name}?limit=1"
    for _ in range(3):
        answer = send(client, target)
        assert 200 == answer.status, answer.body
        papers += [item.paper for item in READ[format_name](answer.body)]
        target = self_and_next(format_name, answer.body)[1].removeprefix(base(client)).replace("cursor=", spelling)
    assert MAIN[:3] == papers


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_entry_has_one_time(client: httpx.Client, format_name: str) -> None:
    """An entry has the same time on whatever page it stands, so that times stay distinct and in order over pages."""
    whole = READ[format_name](get(client, f"/api/feeds/main.{format_name}"))
    first = READ[format_name](get(client, f"/api/feeds/main.{format_name}?limit=2"))
    assert [(item.paper, item.time) for item in whole[:2]] == [(item.paper, item.time) for item in first]


@pytest.mark.parametrize("format_name", FORMATS)
def test_guids_stay_unique_when_a_paper_is_announced_again(tmp_path: Path, format_name: str) -> None:
    """A paper that was new on Thursday and is cross-listed on Friday does not put one guid twice into a feed."""
    paper = Sheet(id="2603.90401", title="A cache", categories=("cs.LG",))
    again = Sheet(id="2603.90401", title="A cache", categories=("cs.LG", "cs.DC"))
    other = Sheet(id="2603.90402", title="A kernel and a cache", categories=("cs.LG",))
    with serving_days(tmp_path, {THURSDAY: [paper], FRIDAY: [again, other]}) as client:
        guids = [item.guid for item in READ[format_name](get(client, f"/api/feeds/main.{format_name}"))]
    assert sorted(set(guids)) == sorted(guids)


def test_short_addresses(client: httpx.Client) -> None:
    """/rss is the main feed, /rss/CATEGORY the part of it in one category, and filters apply to both."""
    assert MAIN == [item.paper for item in read_rss(get(client, "/rss"))]
    assert SELECTIONS["category=cs.DC"] == [item.paper for item in read_rss(get(client, "/rss/cs.DC"))]
    assert ["2603.90301"] == [item.paper for item in read_rss(get(client, "/rss/cs.DC?category=cs.LG"))]
    assert FORMATS["rss"] + "; charset=utf-8" == client.get("/rss/cs.DC").headers["Content-Type"]


UNKNOWN = {
    "/api/feeds/mian.rss": ["main", "replaced", "everything"],
    "/api/feeds/mian.json?score>=1": ["main", "replaced", "everything"],
    "/api/feeds/main.xml": ["rss", "atom", "json"],
    "/rss/cs.CV": ["cs.DC", "cs.LG"],
    "/rss/cs": ["cs.DC", "cs.LG"],
}


@pytest.mark.parametrize(("target", "known"), UNKNOWN.items())
def test_unknown_names(client: httpx.Client, target: str, known: list[str]) -> None:
    """A feed, format or category that there is not is a 404 that lists those that there are."""
    answer = client.get(target)
    assert (404, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert known == answer.json()["known"]
    assert all(name in answer.json()["detail"] for name in known)


def test_list_of_feeds(client: httpx.Client) -> None:
    """The list names each feed with its rules and with addresses that work."""
    feeds = client.get("/api/feeds").json()["feeds"]
    assert ["main", "replaced", "everything"] == [feed["name"] for feed in feeds]
    rules = {"cache": 2, "kernel": 1, "au:Grace Placeholder": 5, "cat:cs.OS": 0.5}
    assert (rules, ["survey"], 2, 4, 0.5) == tuple(
        feeds[0][name] for name in ("keywords", "exclude", "min_score", "max_entries", "title_bonus")
    )
    for feed in feeds:
        assert {*FORMATS, "papers", "page", "digest", "digests"} == feed["links"].keys()
        assert {200} == {client.get(link).status_code for link in feed["links"].values()}


def test_a_restart_serves_the_same(tmp_path: Path) -> None:
    """A new process on the same store serves the same bytes, without asking arXiv."""
    with serving_days(tmp_path, base_url="https://wire.example") as client:
        before = get(client, "/rss")
    with serving_days(tmp_path, {}, base_url="https://wire.example", now=noon(FRIDAY) + timedelta(hours=1)) as client:
        assert before == get(client, "/rss")
