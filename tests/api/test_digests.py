"""Digests over HTTP: documents, the feed of them, and what is answered where there is none."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest

from api.headers import PAGE_HEADERS
from core.util.signing import sign, with_key
from tests.api import FRIDAY, MAIN, THURSDAY, WEDNESDAY, base, make_settings, send, serving_days, store_days
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults

SECRET = "correct horse battery"
DOCUMENTS = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
FEEDS = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
FAULTS = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}
PATH = f"/api/digests/main/{FRIDAY}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("digests")) as client:
        yield client


@pytest.mark.parametrize(("extension", "media_type"), DOCUMENTS.items())
def test_documents(client: httpx.Client, extension: str, media_type: str) -> None:
    """A day is there in each format, with its papers, a strong ETag, 304 and HEAD."""
    answer = client.get(f"{PATH}.{extension}")
    assert (200, f"{media_type}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    assert all(paper in answer.text for paper in MAIN[:4])
    assert MAIN[4] not in answer.text
    etag = answer.headers["ETag"]
    again = client.get(f"{PATH}.{extension}", headers={"If-None-Match": etag})
    assert (304, b"", etag) == (again.status_code, again.content, again.headers["ETag"])
    head = client.head(f"{PATH}.{extension}")
    assert (200, b"", etag) == (head.status_code, head.content, head.headers["ETag"])
    assert "s-maxage" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("extension", DOCUMENTS)
def test_latest(client: httpx.Client, extension: str) -> None:
    """`latest` is the newest date."""
    day, latest = (client.get(f"/api/digests/main/{day}.{extension}") for day in (FRIDAY, "latest"))
    assert day.text.replace(f"/{FRIDAY}.", "/latest.") == latest.text.replace(f"/{FRIDAY}.", "/latest.")


def test_each_day_has_its_own(client: httpx.Client) -> None:
    """A day's digest has the papers that the feed shows of this day."""
    ids = {
        day: [entry["id"] for entry in client.get(f"/api/digests/main/{day}.json").json()["entries"]]
        for day in (FRIDAY, THURSDAY, WEDNESDAY)
    }
    assert {FRIDAY: MAIN[:4], THURSDAY: MAIN[4:6], WEDNESDAY: MAIN[6:]} == ids


def test_page(client: httpx.Client) -> None:
    """HTML is a whole page, with the headers that pages have, and no script or image from elsewhere."""
    answer = client.get(f"{PATH}.html?language=ko")
    assert PAGE_HEADERS == {name: answer.headers.get(name) for name in PAGE_HEADERS}
    assert answer.text.startswith("<!doctype html>")
    assert '<article class="digest" lang="ko">' in answer.text
    assert "vercel.com/button" not in answer.text
    assert 1 == answer.text.count("<h1")
    assert f"{base(client)}/api/feeds/main.rss" in answer.text


def test_style_language_and_front_matter(client: httpx.Client) -> None:
    """Style, language and front matter are as asked for; by default as the feed has them."""
    text = {
        query: client.get(f"{PATH}.md?{query}").text
        for query in ("", "style=staged&language=zh", "style=daily", "front_matter=hugo")
    }
    assert text[""].startswith("# Caches &amp; kernels\n")
    assert text["style=staged&language=zh"].startswith("---\nshare: true\n---\n\n# Caches &amp; kernels: 每日摘要")
    assert "阶段 1（摘要筛选）：收集 12 篇 → 优先 4 篇" in text["style=staged&language=zh"]
    assert text["style=daily"].startswith('---\nlayout: "post"\ntitle: "Daily Papers — 2026-03-06"\n')
    assert "draft: false" in text["front_matter=hugo"]


WRONG = {
    f"{PATH}.md?style=table": ("style=table", ["list", "staged", "daily"]),
    f"{PATH}.html?front_matter=jekyll": ("front_matter=jekyll", ["style", "language"]),
    f"{PATH}.json?score>=1": ("score>=1", ["style", "language"]),
    "/api/digests/main.rss?limit=1": ("limit=1", ["style", "language"]),
}


@pytest.mark.parametrize(("target", "expected"), WRONG.items())
def test_wrong_queries(client: httpx.Client, target: str, expected: tuple[str, list[str]]) -> None:
    """What is not understood is a 422 problem that names it, and what is allowed."""
    answer = client.get(target)
    assert (422, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert expected == (answer.json()["token"], answer.json()["allowed"])


MISSING = {
    "/api/digests/main/2025-01-01.md": ["2026-03-06", "2026-03-05", "2026-03-04"],
    "/api/digests/main/today.html": ["2026-03-06", "2026-03-05", "2026-03-04"],
    f"/api/digests/mian/{FRIDAY}.md": ["main", "replaced", "everything"],
    f"{PATH}.pdf": ["md", "html", "json"],
    "/api/digests/mian.rss": ["main", "replaced", "everything"],
    "/api/digests/main.md": ["rss", "atom", "json"],
    "/api/digests/custom.rss": ["main", "replaced", "everything"],
}


@pytest.mark.parametrize(("target", "known"), MISSING.items())
def test_unknown(client: httpx.Client, target: str, known: list[str]) -> None:
    """What is not there is a 404 problem that lists what is: the feeds, the formats, the newest dates."""
    answer = client.get(target)
    assert (404, known) == (answer.status_code, answer.json()["known"])


def test_a_day_that_is_waited_for(tmp_path: Path) -> None:
    """The digest of a batch that is due and not there is not there yet: 503 and when to ask again."""
    settings = make_settings(tmp_path)
    store_days(settings, {THURSDAY: [Sheet(id="2603.90201", title="A cache")]})
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        answer = client.get(f"{PATH}.md")
        assert (503, "60") == (answer.status_code, answer.headers["Retry-After"])
        assert "nothing-yet" in answer.json()["type"]
        assert 200 == client.get(f"/api/digests/main/{THURSDAY}.md").status_code
        assert f"**Date**: {THURSDAY}" in client.get("/api/digests/main/latest.md").text


@pytest.mark.parametrize("query", ["", "?style=staged&language=ko", "?language=zh", "?style=daily"])
@pytest.mark.parametrize("extension", FEEDS)
def test_feed(client: httpx.Client, extension: str, query: str) -> None:
    """The feed of digests is valid, with an entry a day, newest first."""
    target = f"/api/digests/main.{extension}{query}"
    answer = client.get(target)
    assert (200, f"{FEEDS[extension]}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    assert [] == FAULTS[extension](answer.content, f"{base(client)}{target}")
    again = client.get(target, headers={"If-None-Match": answer.headers["ETag"]})
    assert 304 == again.status_code
    assert f'<{base(client)}{target}>; rel="self"' == answer.headers["Link"]


@pytest.mark.parametrize("extension", ["rss", "atom"])
def test_feed_as_readers_see_it(client: httpx.Client, extension: str) -> None:
    """A reader gets each day with its date in the title, its papers in the content, and a page to open."""
    parsed = feedparser.parse(client.get(f"/api/digests/main.{extension}?language=ko").content)
    assert not parsed.bozo
    assert "ko" == parsed.feed.language
    assert [str(day) for day in (FRIDAY, THURSDAY, WEDNESDAY)] == [entry.title[-10:] for entry in parsed.entries]
    for entry, papers in zip(parsed.entries, (MAIN[:4], MAIN[4:6], MAIN[6:]), strict=True):
        content = entry.content[0].value if extension == "atom" else entry.summary
        assert all(paper in content for paper in papers)
        assert "통계" in content
        page = client.get(entry.link)
        assert (200, True) == (page.status_code, 'lang="ko"' in page.text)


def test_feeds_in_other_words_have_other_entries(client: httpx.Client) -> None:
    """Who subscribes to two languages has entries of both: readers keep one for each identifier."""
    guids = [
        item["id"]
        for query in ("", "?language=ko", "?language=zh", "?style=staged")
        for item in client.get(f"/api/digests/main.json{query}").json()["items"]
    ]
    assert 12 == len(set(guids)) == len(guids)


def test_json_feed_has_the_numbers(client: httpx.Client) -> None:
    """Each item of the JSON Feed has the statistics of its day."""
    (first, *_) = client.get("/api/digests/main.json").json()["items"]
    assert (12, 4) == tuple(first["_paperwire"]["statistics"][name] for name in ("collected", "prioritised"))


def test_the_ways_to_it(client: httpx.Client) -> None:
    """The feed's page and the list of feeds lead to the digests."""
    page = client.get("/feeds/main").text
    assert "/api/digests/main/latest.html" in page
    links = client.get("/api/feeds").json()["feeds"][0]["links"]
    assert [200, 200] == [client.get(links[name]).status_code for name in ("digest", "digests")]


def test_bytes_are_the_same_after_a_restart(tmp_path: Path) -> None:
    """Two processes give the same bytes under the same ETag."""
    settings = make_settings(tmp_path, base_url="https://wire.example")
    store_days(settings, {FRIDAY: [Sheet(id="2603.90301", title="A cache")]})
    seen = []
    for _ in range(2):
        with serving_app(settings) as url, httpx.Client(base_url=url) as client:
            targets = [f"{PATH}.md", f"{PATH}.html", f"{PATH}.json", "/api/digests/main.atom"]
            seen.append([(a.content, a.headers["ETag"]) for a in map(client.get, targets)])
    assert seen[0] == seen[1]
    assert b"https://wire.example/api/digests/main.atom" in seen[0][0][0]
    assert b"https://vercel.com/button" in seen[0][0][0]


def test_private(tmp_path: Path) -> None:
    """On a private copy a feed's signature opens its digests too; Markdown, which is made public, tells none."""
    with serving_days(tmp_path, feed_key=SECRET, base_url="") as client:
        signature = sign(SECRET, "/api/feeds/main.rss")
        for target in (f"{PATH}.md", f"{PATH}.html?language=ko", f"{PATH}.json", "/api/digests/main.rss"):
            assert 401 == client.get(target).status_code
            assert 401 == client.get(with_key(target, sign(SECRET, "/api/feeds/replaced.rss"))).status_code
            for key in (SECRET, signature):
                assert 200 == client.get(with_key(target, key)).status_code
        markdown = client.get(with_key(f"{PATH}.md", SECRET)).text
        assert "key=" not in markdown
        items = client.get(with_key("/api/digests/main.json", signature)).json()["items"]
        assert [200] * 3 == [client.get(item["url"]).status_code for item in items]
        assert {urlsplit(item["id"]).query for item in items} == {""}


def test_in_any_spelling(client: httpx.Client) -> None:
    """Queries may be encoded, and are the same then."""
    plain, encoded = (send(client, f"{PATH}.json?{query}") for query in ("style=staged", "style%3Dstaged"))
    assert json.loads(plain.body) == json.loads(encoded.body)
