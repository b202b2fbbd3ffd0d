"""What scripts of other sites, feed readers and people who paste addresses ask for."""

from collections.abc import Iterator
from urllib.parse import quote

import feedparser
import httpx
import pytest

from tests.api import FRIDAY, MAIN, TOKEN, make_settings, serving_days
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet

ORIGIN = {"Origin": "https://reader.example"}
OPEN_CORS = "access-control-allow-origin"
ARCHIVE = """
[instance]
contact = "owner@example.org"
[feeds.main]
title = "Geometry and its like"
categories = ["math", "cs.SY"]
"""
READ = (
    "/api/feeds/main.rss", "/api/feeds/main.atom", "/api/feeds/main.json", "/api/feeds", "/rss", "/api/papers",
    "/api/papers/2603.90301", "/api/papers?score>=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("elsewhere")) as client:
        yield client


@pytest.mark.parametrize("path", READ)
def test_scripts_of_other_sites_may_read(client: httpx.Client, path: str) -> None:
    """Feeds and JSON, when they are made and when they come from memory, and when they have not changed."""
    for _ in range(2):
        answer = client.get(path, headers=ORIGIN)
        assert (200, "*") == (answer.status_code, answer.headers[OPEN_CORS])
    again = client.get(path, headers=ORIGIN | {"If-None-Match": answer.headers["etag"]})
    assert (304, "*") == (again.status_code, again.headers[OPEN_CORS])
    assert "access-control-allow-credentials" not in answer.headers


def test_scripts_of_other_sites_read_errors_but_no_pages(client: httpx.Client) -> None:
    """An error says what to do; a page belongs to its own site."""
    answer = client.get("/api/papers?scor=1", headers=ORIGIN)
    assert (422, "*") == (answer.status_code, answer.headers[OPEN_CORS])
    assert OPEN_CORS not in client.get("/", headers=ORIGIN).headers


def test_browsers_may_ask_before_they_read(client: httpx.Client) -> None:
    """A preflight is answered for reading, not for what takes a token."""
    asked = ORIGIN | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    answer = client.options("/api/feeds/main.json", headers=asked)
    assert (204, "*") == (answer.status_code, answer.headers[OPEN_CORS])
    assert "if-none-match" in answer.headers["access-control-allow-headers"]
    assert "authorization" not in answer.headers["access-control-allow-headers"]
    posting = client.options("/api/refresh", headers=asked | {"Access-Control-Request-Method": "POST"})
    assert 405 == posting.status_code


def test_nothing_of_a_private_copy_is_open(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither with its key nor without."""
    key = "0123456789abcdef-sample"
    settings = make_settings(tmp_path_factory.mktemp("private"), feed_key=key)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        for path in (f"/api/feeds?key={key}", "/api/feeds", f"/api/papers?key={key}", f"/rss?key={key}"):
            assert OPEN_CORS not in client.get(path, headers=ORIGIN).headers
        asked = ORIGIN | {"Access-Control-Request-Method": "GET"}
        assert OPEN_CORS not in client.options("/api/feeds/main.json", headers=asked).headers


@pytest.mark.parametrize("path", ["/api/feeds/main.rss?_=1612908014223", "/api/papers?score>=4&_=1", "/rss?_=x"])
def test_what_scripts_add_against_caches_is_passed_over(client: httpx.Client, path: str) -> None:
    """It is in no filter."""
    answer = client.get(path)
    assert 200 == answer.status_code, answer.text


@pytest.mark.parametrize(
    "path", ["/api/feeds/main.rss?feed=everything", "/api/feeds/main.json?feed=main,everything", "/rss?feed=main"]
)
def test_a_feed_is_one_feed(client: httpx.Client, path: str) -> None:
    """A request for one that names feeds is refused, and told which address merges them."""
    answer = client.get(path)
    assert (422, "application/problem+json") == (answer.status_code, answer.headers["content-type"].partition(";")[0])
    assert f"/api/feeds/all.rss?feed={path.partition('feed=')[2]}" in answer.json()["detail"]


def test_all_feeds_in_one(client: httpx.Client) -> None:
    """Each paper once, with the score of the feed that gives it most, best first within each day."""
    answer = client.get("/api/feeds/all.json?limit=500")
    items = answer.json()["items"]
    entries = [item["_paperwire"] for item in items]
    ids = [entry["id"] for entry in entries]
    assert len(ids) == len(set(ids))
    assert set(MAIN) < set(ids)
    assert "hep-th/9901001" in ids  # of the feed of replacements
    of_friday = [entry["score"] for entry in entries if entry["announced"] == FRIDAY.isoformat()]
    assert of_friday == sorted(of_friday, reverse=True)
    assert 5 == of_friday[0]
    times = [item["date_published"] for item in items]
    assert len(times) == len(set(times))


@pytest.mark.parametrize("name", ["rss", "atom"])
def test_merged_feeds_are_feeds(client: httpx.Client, name: str) -> None:
    """In every format, with all filters, and of the feeds that are named."""
    parsed = feedparser.parse(client.get(f"/api/feeds/all.{name}?limit=500").content)
    assert not parsed.bozo
    assert "All feeds · Test wire" == parsed.feed.title
    assert len(parsed.entries) == len({entry.id for entry in parsed.entries})
    some = feedparser.parse(client.get(f"/api/feeds/all.{name}?feed=main,replaced&score>=5").content)
    assert 1 == len(some.entries)
    assert 422 == client.get(f"/api/feeds/all.{name}?feed=nothing").status_code


PAPER = "2603.90301"
ADDRESSES = (
    f"https://arxiv.org/abs/{PAPER}", f"http://arxiv.org/pdf/{PAPER}v1", f"https://doi.org/10.48550/arXiv.{PAPER}",
    f"https://www.alphaxiv.org/abs/{PAPER}", f"https://huggingface.co/papers/{PAPER}", f"arXiv:{PAPER}",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_paper_by_any_address(client: httpx.Client, address: str) -> None:
    """As it is in a browser's bar, percent-encoded or not, in the path and as a filter."""
    for path in (f"/api/papers/{address}", f"/api/papers/{quote(address, safe='')}"):
        answer = client.get(path)
        assert (200, PAPER) == (answer.status_code, answer.json()["entries"][0]["id"])
    found = client.get("/api/papers", params={"id": address}).json()["papers"]
    assert [PAPER] == [paper["id"] for paper in found]


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/rss/math.GT", ["2603.90501"]),
        ("/rss/math.gt", ["2603.90501"]),
        ("/rss/math-ph", ["2603.90502"]),
        ("/rss/math.MP", ["2603.90502"]),
        ("/rss/cs.SY", ["2603.90503"]),
        ("/rss/eess.SY", ["2603.90503"]),
        ("/rss/math", ["2603.90501", "2603.90502"]),
    ],
)
def test_categories_of_an_archive_by_either_name(
    tmp_path_factory: pytest.TempPathFactory, path: str, ids: list[str]
) -> None:
    """A feed of an archive has the feeds of its categories."""
    days = {
        FRIDAY: [
            Sheet("2603.90501", "Knots", categories=("math.GT",)),
            Sheet("2603.90502", "Fields", categories=("math-ph", "math.MP")),
            Sheet("2603.90503", "Grids", categories=("eess.SY", "cs.SY")),
        ]
    }
    with serving_days(tmp_path_factory.mktemp("archive"), days, feeds_toml=ARCHIVE) as client:
        answer = client.get(path)
        assert 200 == answer.status_code, answer.text
        links = [entry.link for entry in feedparser.parse(answer.content).entries]
        assert ids == sorted(link.removeprefix("https://arxiv.org/abs/") for link in links)
        assert 404 == client.get("/rss/cs.LG").status_code
        rows = client.get(f"/api/papers?category={path.removeprefix('/rss/')}").json()["papers"]
        assert ids == sorted(row["id"] for row in rows)


def test_health_says_more_to_the_owner(client: httpx.Client) -> None:
    """Whether the store takes what is written is looked at for who has the token."""
    answer = client.get("/api/health", headers={"Authorization": f"Bearer {TOKEN}"})
    assert 200 == answer.status_code
    assert "store" not in [trouble["kind"] for trouble in answer.json().get("troubles", [])]
