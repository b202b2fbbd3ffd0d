"""The same days in SQLite, in Redis by URL and in Upstash: whatever is asked, the answers are the same to the byte."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config.settings import Settings
from tests.api import DAYS, MAIN_UNCAPPED, make_settings, store_days
from tests.conftest import serving_app
from tests.support.stores import redis_server, upstash_rest

PUBLIC = "https://wire.example.org"
DAYS_STORED = len(DAYS)

FEEDS = [f"/api/feeds/{feed}.{name}" for feed in ("main", "replaced", "everything") for name in ("rss", "atom", "json")]
PAGES = ["/", "/rss", "/rss/cs.LG", "/rss/cs.DC", "/api/feeds", "/api/papers", "/api/health"]
QUERIES = [
    "score>=3&sort=-score&limit=3",
    "score>=0&per_day=1",
    "category=cs.DC,cs.LG&title~cache",
    "feed=everything",
    "feed=main,replaced&type=replace,cross&score>=0",
    "announced>=2026-03-05&fields=id,score,reasons",
    "author~placeholder",
    "has=code",
    "keyword=kernel&sort=announced",
    "text~%E2%80%9Cquotes%E2%80%9D",
    "id=hep-th/9901001&feed=replaced",
    "limit=2",
]
PAPERS = ["2603.90301", "2603.90311", "hep-th/9901001", "2603.90308v2"]
ADDRESSES = [
    *FEEDS,
    *PAGES,
    *(f"/api/papers?{query}" for query in QUERIES),
    *(f"/api/feeds/main.{name}?{QUERIES[0]}" for name in ("rss", "atom", "json")),
    *(f"/api/papers/{paper}" for paper in PAPERS),
    "/api/papers/2603.00001",
    "/api/papers?score~3",
]
COMPARED = ("ETag", "Last-Modified", "Content-Type")


def _settings(folder: Path) -> dict[str, Settings]:
    """Settings for an empty store of each kind."""
    server, rest = redis_server(), upstash_rest()
    where: dict[str, dict[str, Any]] = {
        "sqlite": {},
        "redis": {"redis_url": server.url.replace("/0", f"/{server.empty_database()}")},
        "upstash": {
            "upstash_redis_rest_url": rest.url,
            "upstash_redis_rest_token": f"{rest.token}.{server.empty_database()}",
        },
    }
    return {name: make_settings(folder, base_url=PUBLIC, **more) for name, more in where.items()}


Answers = dict[str, dict[str, httpx.Response]]


@pytest.fixture(scope="module", params=["first", "second"])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What a server on each store answers at each address: as the first one, or as another one that finds feeds stored
    as they were rendered before.
    """
    seen: Answers = {}
    for name, settings in _settings(tmp_path_factory.mktemp("stores")).items():
        store_days(settings, DAYS)
        for _ in range(1 if request.param == "first" else 2):
            with serving_app(settings) as url, httpx.Client(base_url=url) as client:
                seen[name] = {address: client.get(address) for address in ADDRESSES}
    return seen


@pytest.mark.parametrize("kind", ["redis", "upstash"])
def test_same_bytes(answers: Answers, kind: str) -> None:
    """Every feed, format, query and page has the same status, bytes, ETag and type from every store."""
    for address in ADDRESSES:
        expected, got = answers["sqlite"][address], answers[kind][address]
        assert (expected.status_code, expected.content) == (got.status_code, got.content), address
        for name in COMPARED:
            assert expected.headers.get(name) == got.headers.get(name), (address, name)


def test_there_is_something_to_compare(answers: Answers) -> None:
    """The answers are those that they should be: all papers of the days, and errors only where they belong."""
    found = answers["sqlite"]
    assert {"/api/papers/2603.00001": 404, "/api/papers?score~3": 422} == {
        address: answer.status_code for address, answer in found.items() if answer.status_code != 200
    }
    assert MAIN_UNCAPPED == [paper["id"] for paper in found["/api/papers"].json()["papers"]]
    assert DAYS_STORED == len(found["/api/health"].json()["batches"])
