"""What is answered when something is wrong: RFC 9457 problems that say how to mend it, and nothing of the inside."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from core.config.settings import Settings
from core.model.query import FIELDS, PARAMETERS, SORTABLE
from core.render.shapes import ENTRY_FIELDS
from core.store import keys
from core.store.sqlite import SqliteStore
from core.views.snapshot import Snapshots
from tests.api import THURSDAY, TOKEN, base, make_settings, send, serving_days
from tests.conftest import serving_app
from tests.support.upstream import Upstream

MEDIA_TYPE = "application/problem+json"
NAMES = (*FIELDS, *PARAMETERS)
FEED_NAMES = ("main", "replaced", "everything")
ONE_CATEGORY = '[feeds.main]\ntitle = "One"\ncategories = ["cs.LG"]\n'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("problems")) as client:
        yield client


# What is wrong with a query, and what is allowed in its place
QUERIES = {
    "foo=1": NAMES,
    "score": NAMES,
    "score>=1;limit=2": ("a number: points of the feed's keywords, and learned ones",),
    "score~10": ("=", "!=", ">=", ">", "<=", "<"),
    "announced>=yesterday": ("a date: when arXiv announced it, US Eastern",),
    "category=cs.ZZ": ("a category or archive, such as cs.DC or cs",),
    "feed=mian": FEED_NAMES,
    "sort=colour": tuple(s for name in SORTABLE for s in (name, f"-{name}")),
    "limit=501": (),
    "limit=٣": (),
    "cursor=x": (),
}


@pytest.mark.parametrize(("query", "allowed"), QUERIES.items())
@pytest.mark.parametrize("path", ["/api/papers", "/api/feeds/main.rss", "/api/feeds/main.json", "/rss/cs.LG"])
def test_bad_queries(client: httpx.Client, path: str, query: str, allowed: tuple[str, ...]) -> None:
    """What is not understood in a query is named, with what is allowed in its place."""
    answer = client.get(f"{path}?limit=1&{query}" if not query.startswith("limit") else f"{path}?{query}")
    assert (422, MEDIA_TYPE) == (answer.status_code, answer.headers["Content-Type"])
    problem = answer.json()
    assert ("urn:paperwire:problem:query", 422, query) == (problem["type"], problem["status"], problem["token"])
    assert repr(query) in problem["detail"]
    assert list(allowed) == problem.get("allowed", [])


def test_fields(client: httpx.Client) -> None:
    """Only the query API has `fields`, and it lists those that there are."""
    answer = client.get("/api/papers?fields=id,colour").json()
    assert ("fields=id,colour", list(ENTRY_FIELDS)) == (answer["token"], answer["allowed"])
    assert ["fields=id"] * 2 == [client.get(f"{p}?fields=id").json()["token"] for p in ("/rss", "/api/feeds/main.atom")]


def test_cursor_of_another_query(client: httpx.Client) -> None:
    """A cursor belongs to its query: with another one it is refused."""
    cursor = client.get("/api/papers?limit=1").json()["next"]
    for query in ("score>=3", "sort=title", "per_day=1"):
        answer = client.get(f"/api/papers?{query}&limit=1&cursor={cursor}")
        assert (422, f"cursor={cursor}") == (answer.status_code, answer.json()["token"])


# Addresses of nothing, sent as they are
NOTHING = (
    "/nowhere",
    "/api",
    "/api/feeds/main",
    "/api/feeds/main/rss",
    "/%ED%A0%80",
    "/rss/",
    "//",
)


@pytest.mark.parametrize("target", NOTHING)
def test_unexpected_paths(client: httpx.Client, target: str) -> None:
    """Where nothing is, a problem says so."""
    answer = send(client, target)
    if answer.status == 307:  # a slash too many
        answer = send(client, answer.headers["location"].removeprefix(base(client)))
        assert target == "/rss/"
        assert 200 == answer.status
        return
    assert (404, MEDIA_TYPE) == (answer.status, answer.headers["content-type"])
    assert b'"status":404' in answer.body


# Method and path, and the methods that the path has at least
METHODS = {
    ("POST", "/api/papers"): {"GET"},
    ("PUT", "/api/feeds/main.rss"): {"GET"},
    ("DELETE", "/api/papers/2603.90301"): {"GET"},
    ("POST", "/"): {"GET"},
    ("PATCH", "/api/health"): {"GET"},
    ("DELETE", "/api/refresh"): {"GET", "POST"},
}


@pytest.mark.parametrize(("method", "path", "allowed"), [(*of, allowed) for of, allowed in METHODS.items()])
def test_methods(client: httpx.Client, method: str, path: str, allowed: set[str]) -> None:
    """A method that a path has not is a 405 that names those it has."""
    answer = client.request(method, path)
    assert (405, MEDIA_TYPE, 405) == (answer.status_code, answer.headers["Content-Type"], answer.json()["status"])
    assert allowed == {name.strip() for name in answer.headers["Allow"].split(",")} - {"HEAD"}


WRONG = (
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer None",
    "Bearer é",
    "Bearer wrong",
    TOKEN,
    f"Basic {TOKEN}",
    f"Token {TOKEN}",
    f"Bearer {TOKEN}2",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN.upper()}",
    f"Bearer {TOKEN},{TOKEN}",
)


@pytest.mark.parametrize("admin_token", [TOKEN, ""])
def test_refresh_is_closed(upstream: Upstream, tmp_path: Path, admin_token: str) -> None:
    """Without the right token nobody can refresh, and where no token is set nobody can at all."""
    settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, admin_token=admin_token)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        for sent in WRONG if admin_token else (*WRONG, f"Bearer {TOKEN}"):
            headers = {} if sent is None else {"Authorization": sent}
            for method in ("GET", "POST", "HEAD"):
                answer = send(client, "/api/refresh", method=method, headers=headers)
                assert (401, MEDIA_TYPE) == (answer.status, answer.headers["content-type"]), sent
                assert "Bearer" == answer.headers["www-authenticate"]
                assert TOKEN.encode() not in answer.body
        assert "ADMIN_TOKEN" in client.get("/api/refresh").json()["detail"]
        for query in (f"?token={TOKEN}", f"?authorization=Bearer%20{TOKEN}"):
            assert 401 == client.get(f"/api/refresh{query}").status_code
    assert [] == upstream.requests


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("tokens", "sent"),
    [
        ({"admin_token": TOKEN}, f"Bearer {TOKEN}"),
        ({"admin_token": "", "cron_secret": "at-seven"}, "Bearer at-seven"),
        ({"admin_token": TOKEN, "cron_secret": "at-seven"}, "bearer at-seven"),
    ],
)
def test_refresh_is_open(upstream: Upstream, tmp_path: Path, tokens: dict[str, str], sent: str, method: str) -> None:
    """With either secret a refresh fetches, stores, and reports, by GET as crons do and by POST."""
    settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, **tokens)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        answer = client.request(method, "/api/refresh", headers={"Authorization": sent})
        assert (200, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
        report = answer.json()
        assert ("2026-03-06", "unconfirmed", 40, True, 1) == tuple(
            report[name] for name in ("date", "state", "papers", "changed", "requests")
        )
        assert set(FEED_NAMES) == report["feeds"].keys()
        assert 40 == client.get("/api/papers?feed=everything").json()["total"]
    assert 1 == len(upstream.requests)


def test_failed_refresh(upstream: Upstream, tmp_path: Path) -> None:
    """A refresh to which arXiv gives nothing usable is a 502 with a report that says what came instead."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (502, "failed") == (answer.status_code, answer.json()["state"])
    assert "HTML" in answer.json()["reason"]


def test_wrong_requests_do_not_reach_arxiv(upstream: Upstream, tmp_path: Path) -> None:
    """A request that is wrong in itself is refused before anything is fetched for it."""
    with serving_app(make_settings(tmp_path, arxiv_rss_url=upstream.url)) as url, httpx.Client(base_url=url) as client:
        targets = {
            "/api/feeds/mian.rss": 404,
            "/api/feeds/main.xml": 404,
            "/rss/cs.CV": 404,
            "/api/papers/nonsense": 404,
            "/api/papers?score~1": 422,
            "/rss?limit=0": 422,
            "/api/papers?feed=mian": 422,
        }
        assert targets == {target: client.get(target).status_code for target in targets}
    assert [] == upstream.requests


def put_in_store(settings: Settings, key: str, value: bytes) -> None:
    async def work() -> None:
        store = SqliteStore(settings.sqlite_path)
        await store.put(key, value)
        await store.close()

    asyncio.run(work())


@pytest.mark.parametrize("target", ["/api/papers", "/rss", "/", "/api/health"])
def test_unexpected_faults_say_nothing_of_the_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """A fault that nobody foresaw is a 5xx problem without a traceback, a path or a type of Python's."""

    async def get(*_: object, **__: object) -> None:
        raise RuntimeError(f"File {tmp_path}/store.py")

    monkeypatch.setattr(Snapshots, "get", get)
    with serving_app(make_settings(tmp_path)) as url:
        answer = httpx.get(url + target)
    assert answer.status_code in (500, 503)
    assert MEDIA_TYPE == answer.headers["Content-Type"]
    assert not [word for word in ("Traceback", "Error", ".py", str(tmp_path)) if word in answer.text]


@pytest.mark.parametrize("target", ["/api/papers", "/rss", "/", "/api/health"])
def test_a_damaged_manifest(tmp_path: Path, target: str) -> None:
    """A manifest that is none counts as absent: what arXiv has is fetched again, and health says so meanwhile."""
    settings = make_settings(tmp_path)
    put_in_store(settings, keys.MANIFEST, b"\x00 this is no manifest")
    with serving_app(settings) as url:
        answer = httpx.get(url + target)
    assert answer.status_code in (200, 503)
    assert target in ("/", "/api/health") or "urn:paperwire:problem:nothing-yet" == answer.json()["type"]


@pytest.mark.parametrize("target", ["/api/papers", "/rss", "/", "/api/health"])
def test_a_broken_store(tmp_path: Path, target: str) -> None:
    """A store that does not answer is a 503 to try again later; where the store lies is nobody's business."""
    settings = make_settings(tmp_path)
    settings.sqlite_path.write_bytes(b"this is no database" * 100)
    with serving_app(settings) as url:
        answer = httpx.get(url + target)
    assert (503, MEDIA_TYPE) == (answer.status_code, answer.headers["Content-Type"])
    assert ("urn:paperwire:problem:store", True) == (answer.json()["type"], answer.headers["Retry-After"].isdigit())
    assert str(tmp_path) not in answer.text


def test_no_secret_of_an_address_is_told(upstream: Upstream, tmp_path: Path) -> None:
    """The password of an upstream behind a login is shown to nobody, not even when the upstream fails."""
    upstream.faults, upstream.faulty_for_ever = ["404"], True
    secret = upstream.url.replace("http://", "http://owner:hunter2@")
    settings = make_settings(tmp_path, arxiv_rss_url=secret, feeds_toml=ONE_CATEGORY)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        answers = [client.get(target) for target in ("/rss", "/api/papers", "/", "/api/health", "/api/feeds")]
        answers.append(client.get("/api/refresh"))
    assert [503, 503, 200, 503, 200, 401] == [answer.status_code for answer in answers]
    assert [] == [answer.url.path for answer in answers if "hunter2" in answer.text]


@pytest.mark.parametrize(
    ("pattern", "rows", "dates"),
    [("pw1:batch:{day}:%", 1, {4, 5, 6}), ("%batch:{day}:%", 2, {4, 5, 6}), ("%{hash}%", 8, {4, 6})],
    ids=["the batch", "with its copy", "with all that was made of it"],
)
def test_a_lost_batch_is_no_fault(tmp_path: Path, pattern: str, rows: int, dates: set[int]) -> None:
    """What the store has lost comes from its copy, or its index; if these are lost too, the other days are served."""
    with serving_days(tmp_path):
        pass
    with closing(sqlite3.connect(make_settings(tmp_path).sqlite_path)) as db, db:
        named = keys.batch(THURSDAY, "")
        ((key,),) = db.execute("SELECT key FROM entries WHERE key LIKE ?", (f"{named}%",)).fetchall()
        lost = db.execute(
            "DELETE FROM entries WHERE key LIKE ?", (pattern.format(day=THURSDAY, hash=key.removeprefix(named)),)
        )
        assert rows <= lost.rowcount
    with serving_days(tmp_path, {}) as client:
        found = {paper["announced"] for paper in client.get("/api/papers?feed=everything").json()["papers"]}
    assert {f"2026-03-0{day}" for day in dates} == found
