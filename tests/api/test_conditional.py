"""Conditional requests, HEAD and cache headers, by RFC 9110 and RFC 9111."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.application import create_app
from core.model.calendar import next_due
from tests.api import (
    DAYS,
    FEEDS,
    FRIDAY,
    OF_EACH_REQUEST,
    THURSDAY,
    make_settings,
    noon,
    send,
    serving_days,
    store_days,
)

DOCUMENTS = (
    "/",
    "/api/feeds",
    "/api/feeds/main.rss",
    "/api/feeds/main.atom?limit=2",
    "/api/feeds/main.json?score%3E=3",
    "/rss",
    "/rss/cs.LG",
    "/api/papers",
    "/api/papers?score%3E=3&limit=1",
    "/feeds/main",
    "/search?q=cache",
    "/api/papers/2603.90301",
)
OTHERS = ("/api/health", "/docs", "/openapi.json")
REFUSED = ("/nowhere", "/api/feeds/mian.rss", "/api/papers?score~1", "/api/papers/2603.99999", "/api/refresh")
LAST_MODIFIED = "Fri, 06 Mar 2026 17:00:00 GMT"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("conditional")) as client:
        yield client


@pytest.mark.parametrize("target", DOCUMENTS)
def test_validators(client: httpx.Client, target: str) -> None:
    """Every document has a strong ETag, the same one each time, and the time when its content last changed."""
    first, second = client.get(target), client.get(target)
    etag = first.headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert len(etag) >= 18
    assert etag == second.headers["ETag"]
    assert first.content == second.content
    assert LAST_MODIFIED == first.headers["Last-Modified"]


def test_etags_differ(client: httpx.Client) -> None:
    """Documents that differ have ETags that differ."""
    tags = {client.get(target).headers["ETag"] for target in DOCUMENTS}
    assert len(DOCUMENTS) == len(tags)


# What If-None-Match says of the ETag E, and the status that follows
TAGS = {
    "E": 304,
    "W/E": 304,
    '"other", E': 304,
    '"other",W/E,"third"': 304,
    ' E , "other"': 304,
    "*": 304,
    '"other"': 200,
    'W/"other"': 200,
    "": 200,
    "unquoted": 200,
    '"*"': 200,
}


@pytest.mark.parametrize("target", DOCUMENTS)
@pytest.mark.parametrize(("tags", "status"), TAGS.items())
def test_if_none_match(client: httpx.Client, target: str, tags: str, status: int) -> None:
    """If-None-Match takes strong and weak tags, lists of them and *; tags are compared weakly."""
    etag = client.get(target).headers["ETag"]
    sent = tags.replace("E", etag).replace("unquoted", etag.strip('"'))
    answer = send(client, target, headers={"If-None-Match": sent})
    assert (status, status == 304) == (answer.status, answer.body == b"")


# If-Modified-Since, and the status that follows
DATES = {
    LAST_MODIFIED: 304,
    "Fri, 06 Mar 2026 17:00:01 GMT": 304,
    "Sat, 07 Mar 2026 17:00:00 GMT": 304,
    "Fri, 06 Mar 2026 12:00:00 -0500": 304,
    "Friday, 06-Mar-26 17:00:00 GMT": 304,
    "Fri Mar  6 17:00:00 2026": 304,
    "Fri, 06 Mar 2026 16:59:59 GMT": 200,
    "Thu, 01 Jan 1970 00:00:00 GMT": 200,
    "": 200,
    "yesterday": 200,
    "Fri, 06 Mar 2026 99:99:99 GMT": 200,
    "Fri, 99 Mar 2026 17:00:00 GMT": 200,
    "Fri, 06 Mar 2026 17:00:00 +9999": 200,
    "Mon, 01 Jan 0001 00:00:00 +2300": 200,
    "Fri, 06 Mar 99999999999999999999 17:00:00 GMT": 200,
    "Fri, 06 Mar 2026 99999999999999999999:00:00 GMT": 200,
    "Fri, 06 Mar 2026 17:00:00 +99999999999999999999": 200,
}


@pytest.mark.parametrize(("since", "status"), DATES.items())
def test_if_modified_since(client: httpx.Client, since: str, status: int) -> None:
    """If-Modified-Since is held against Last-Modified in all of HTTP's date formats; what is no date is ignored."""
    assert status == send(client, "/api/feeds/main.rss", headers={"If-Modified-Since": since}).status


@pytest.mark.parametrize("target", DOCUMENTS)
def test_if_modified_since_everywhere(client: httpx.Client, target: str) -> None:
    """Every document can be asked for by date."""
    statuses = [client.get(target, headers={"If-Modified-Since": date}).status_code for date in (LAST_MODIFIED, "x")]
    assert [304, 200] == statuses


def test_precedence(client: httpx.Client) -> None:
    """Where both conditions are sent, only If-None-Match counts."""
    etag = client.get("/rss").headers["ETag"]
    other = {"If-None-Match": '"other"', "If-Modified-Since": LAST_MODIFIED}
    same = {"If-None-Match": etag, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    assert [200, 304] == [client.get("/rss", headers=headers).status_code for headers in (other, same)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", DOCUMENTS)
def test_304_repeats_headers(client: httpx.Client, target: str, method: str) -> None:
    """A 304 repeats what a 200 says of validity, and has no body and no type of one."""
    full = client.get(target)
    answer = send(client, target, method=method, headers={"If-None-Match": full.headers["ETag"]})
    assert (304, b"") == (answer.status, answer.body)
    repeated = ("etag", "last-modified", "cache-control", "vary")
    assert {name: full.headers.get(name) for name in repeated} == {name: answer.headers.get(name) for name in repeated}
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("target", [*DOCUMENTS, *OTHERS, *REFUSED])
def test_head(client: httpx.Client, target: str) -> None:
    """HEAD is answered wherever GET is, with the same status and headers, and no body."""
    get, head = send(client, target), send(client, target, method="HEAD")
    for name in ("date", *OF_EACH_REQUEST):
        del get.headers[name], head.headers[name]
    assert (get.status, get.headers, b"") == (head.status, head.headers, head.body)
    assert len(get.body) == int(get.headers["content-length"]) > 0


def test_head_has_no_body_on_any_server(tmp_path: Path) -> None:
    """The application itself keeps the body of a HEAD back: not every server or platform does that for it."""
    settings = make_settings(tmp_path)
    store_days(settings, {FRIDAY: DAYS[FRIDAY]})

    async def ask(app: FastAPI, method: str, target: str) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "root_path": "",
            "path": path,
        }
        scope |= {"query_string": query.encode(), "headers": [(b"host", b"wire")], "server": ("wire", 80)}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def collect(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, collect)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)

    async def ask_all() -> None:
        app = create_app(settings)
        for target in (*DOCUMENTS, *OTHERS, *REFUSED):
            status, body = await ask(app, "GET", target)
            assert body
            assert (status, b"") == await ask(app, "HEAD", target)
        await app.state.wire.close()

    asyncio.run(ask_all())


@pytest.mark.parametrize("target", REFUSED)
def test_problems_are_not_cached(client: httpx.Client, target: str) -> None:
    """A problem has no validators, may not be cached, and is never a 304."""
    answer = client.get(target, headers={"If-None-Match": "*", "If-Modified-Since": "Fri, 31 Dec 9999 00:00:00 GMT"})
    assert answer.status_code >= 400
    assert "no-store" == answer.headers["Cache-Control"]
    assert not {"etag", "last-modified"} & answer.headers.keys()


def test_health_is_not_cached(client: httpx.Client) -> None:
    """The state of health is always asked for again."""
    assert "no-store" == client.get("/api/health").headers["Cache-Control"]


def directives(client: httpx.Client, target: str) -> dict[str, str]:
    """The directives of Cache-Control."""
    parts = (part.strip().partition("=") for part in client.get(target).headers["Cache-Control"].split(","))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("target", [target for target in DOCUMENTS if target != "/"])
def test_cache_control_of_a_settled_batch(client: httpx.Client, target: str) -> None:
    """When the batch is there, the edge may keep documents until the next one is due, readers for five minutes."""
    until = int((next_due(noon(FRIDAY)) - noon(FRIDAY)).total_seconds())
    expected = {"public": "", "max-age": "300", "s-maxage": str(until), "stale-while-revalidate": "86400"}
    assert expected == directives(client, target)


# Seconds before the next batch is due → how long readers and the edge may keep documents
BEFORE = {3600: ("300", "3600"), 120: ("120", "120"), 60: ("60", "60"), 5: ("60", "60")}


@pytest.mark.parametrize(("seconds", "ages"), BEFORE.items())
def test_cache_control_before_the_next_batch(tmp_path: Path, seconds: int, ages: tuple[str, str]) -> None:
    """Shortly before a batch is due, nothing is kept beyond that, though always for a minute."""
    now = next_due(noon(FRIDAY)) - timedelta(seconds=seconds)
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, now=now) as client:
        found = directives(client, "/rss")
    assert ages == (found["max-age"], found["s-maxage"])


def test_cache_control_while_a_batch_is_missing(tmp_path: Path) -> None:
    """While the due batch is missing, the day before is served, and kept for a minute by everyone."""
    with serving_days(tmp_path, {THURSDAY: DAYS[THURSDAY]}, now=noon(FRIDAY)) as client:
        for target in ("/rss", "/api/papers", "/api/feeds", "/days"):
            found = directives(client, target)
            assert ("60", "60") == (found["max-age"], found["s-maxage"])
        assert {"2026-03-05"} == {paper["announced"] for paper in client.get("/api/papers").json()["papers"]}


def test_a_new_batch_changes_the_document(tmp_path: Path) -> None:
    """After a new batch neither the old ETag nor the old date is taken for the present one."""
    before = {}
    with serving_days(tmp_path, {THURSDAY: DAYS[THURSDAY]}, now=noon(THURSDAY), base_url="https://wire.example") as old:
        for target in DOCUMENTS[:-1]:
            headers = old.get(target).headers
            before[target] = [{"If-None-Match": headers["ETag"]}, {"If-Modified-Since": headers["Last-Modified"]}]
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, base_url="https://wire.example") as new:
        for target, conditions in before.items():
            assert [200, 200] == [new.get(target, headers=headers).status_code for headers in conditions], target


@pytest.mark.parametrize("header", ["If-None-Match", "If-Modified-Since"])
def test_new_rules_change_the_document(tmp_path: Path, header: str) -> None:
    """After its owner changed a feed's rules, no reader is told that the feed is as it was."""
    source = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}[header]
    with serving_days(tmp_path, base_url="https://wire.example") as client:
        before = client.get("/rss")
    stricter = FEEDS.replace("min_score = 2", "min_score = 4")
    with serving_days(tmp_path, {}, feeds_toml=stricter, base_url="https://wire.example") as client:
        after = client.get("/rss", headers={header: before.headers[source]})
        assert before.content != client.get("/rss").content
    assert 200 == after.status_code


def test_last_modified_is_when_the_batch_came(tmp_path: Path) -> None:
    """Last-Modified is the time of the last change, not of the request."""
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}, now=noon(FRIDAY) + timedelta(hours=3)) as client:
        assert format_datetime(noon(FRIDAY), usegmt=True) == client.get("/rss").headers["Last-Modified"]
        generated = client.get("/api/papers").json()["generated"]
    assert noon(FRIDAY) == datetime.fromisoformat(generated)
