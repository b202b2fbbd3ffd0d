"""What every request leaves behind: an id, a time, safe headers, and one line in the log that tells no secret."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.headers import PAGE_HEADERS
from api.observe import client_kind
from core.config.settings import ROOT
from core.util.log import EVENTS, JsonFormatter
from core.util.signing import sign, with_key
from tests.api import DAYS, TOKEN, make_settings, send, serving_days, store_days
from tests.conftest import serving_app, wait_until
from tests.support.tables import each_row

KEY = "correct-horse-battery"
PATHS = (
    "/",
    "/feeds/main",
    "/search?q=cache",
    "/build",
    "/build/preview?category=cs.LG",
    "/settings",
    "/settings/feeds.toml",
    "/docs",
    "/openapi.json",
    "/api/feeds",
    "/api/feeds/main.rss",
    "/api/feeds/main.json",
    "/api/feeds.opml",
    "/api/papers",
    "/api/papers?nonsense=1",
    "/api/papers?" + "a" * 33_000,
    "/api/health",
    "/api/refresh",
    "/badge/main.svg",
    "/rss",
    "/none",
    "/papers/2603.90301",
    "/favicon.svg",
    "/icon.png",
    "/wire.css",
    "/robots.txt",
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("observed"), base_url="https://wire.example") as client:
        yield client


class Lines(logging.Handler):
    """Keeps what is logged, as JSON has it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonFormatter().format(record)))


@pytest.fixture
def log() -> Iterator[Lines]:
    handler = Lines()
    level = EVENTS.level
    EVENTS.addHandler(handler)
    EVENTS.setLevel(logging.INFO)
    yield handler
    EVENTS.removeHandler(handler)
    EVENTS.setLevel(level)


def the_line(log: Lines, name: str) -> dict[str, Any]:
    """The line of the request of that id: it is written after the answer was sent."""
    wait_until(lambda: any(line.get("id") == name for line in log.lines))
    (line,) = [line for line in log.lines if line.get("id") == name]
    return line


@pytest.mark.parametrize("target", PATHS)
def test_headers_of_every_answer(client: httpx.Client, target: str) -> None:
    """Pages, feeds, JSON, problems, pictures and files are safe to show, cold and hot, and over HTTPS alone."""
    for _ in range(2):
        answer = send(client, target, headers={"Accept": "text/html"})
        headers = answer.headers
        page = headers["content-type"].startswith("text/html")
        policy = PAGE_HEADERS["Content-Security-Policy"] if page else "default-src 'none'; frame-ancestors 'none'"
        assert policy == headers["content-security-policy"]
        assert ("nosniff", "no-referrer") == (headers["x-content-type-options"], headers["referrer-policy"])
        assert "max-age=31536000" == headers["strict-transport-security"]
        origin = "cross-origin" if headers["content-type"].startswith("image/") else "same-origin"
        assert origin == headers["cross-origin-resource-policy"]
        assert page == ("permissions-policy" in headers) == ("cross-origin-opener-policy" in headers)


def test_no_header_comes_twice(client: httpx.Client) -> None:
    for path in ("/", "/api/feeds/main.rss", "/api/feeds/main.rss", "/none"):
        names = [name.lower() for name, _ in client.get(path).headers.multi_items()]
        assert len(names) == len(set(names))


def test_unchanged_answers_have_them_too(client: httpx.Client) -> None:
    etag = client.get("/api/feeds/main.atom").headers["ETag"]
    for _ in range(2):
        answer = client.get("/api/feeds/main.atom", headers={"If-None-Match": etag})
        assert (304, "nosniff") == (answer.status_code, answer.headers["X-Content-Type-Options"])


def test_http_does_not_ask_for_https(tmp_path: Path) -> None:
    """Where the public address is not known to be HTTPS, browsers are told nothing of that."""
    with serving_days(tmp_path) as client:
        assert "Strict-Transport-Security" not in client.get("/").headers


def test_static_files_on_vercel() -> None:
    """Vercel adds to files what this application adds here."""
    for rule in json.loads((ROOT / "vercel.json").read_text("utf-8"))["headers"]:
        given = {header["key"].lower(): header["value"] for header in rule["headers"]}
        assert "default-src 'none'; frame-ancestors 'none'" == given["content-security-policy"]
        assert ("nosniff", "no-referrer") == (given["x-content-type-options"], given["referrer-policy"])
        expected = "cross-origin" if "icon" in rule["source"] else "same-origin"
        assert expected == given["cross-origin-resource-policy"]


@pytest.mark.parametrize("sent", ["abc-123_4.5", "iad1::sfo1::abcde-1700000000000-0123456789ab", "A" * 128])
def test_a_request_keeps_its_id(client: httpx.Client, sent: str) -> None:
    """What a platform calls a request is repeated."""
    assert sent == client.get("/api/health", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert sent == client.get("/api/health", headers={"X-Vercel-Id": sent}).headers["X-Request-Id"]


@pytest.mark.parametrize("sent", ["", "short", "A" * 129, "a b c d e f", "x<script>alert(1)", "ä" * 20, "a;b=c,d;e=f"])
def test_an_id_that_is_none(client: httpx.Client, sent: str) -> None:
    """What could be anything else is replaced, by another one each time."""
    names = {
        client.get("/api/health", headers={"X-Request-Id": sent.encode()}).headers["X-Request-Id"] for _ in range(2)
    }
    assert 2 == len(names)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{6,}", name) for name in names)


def test_times(client: httpx.Client) -> None:
    """Every answer says how long it took, and one that was made what of that was reading and rendering."""
    path = "/api/papers?title~server-timing"
    cold, hot = (client.get(path).headers["Server-Timing"] for _ in range(2))
    assert re.fullmatch(r"total;dur=\d+\.\d, store;dur=\d+\.\d, render;dur=\d+\.\d", cold)
    assert re.fullmatch(r"total;dur=\d+\.\d", hot)


def test_lines(client: httpx.Client, log: Lines) -> None:
    """One line for each request: what was asked, what was answered, from where, and to which kind of client."""
    path = "/api/feeds/main.json?limit=1&title~cache"
    agent = {"User-Agent": "Miniflux/2.1"}
    cold, hot = (client.get(path, headers={**agent, "X-Request-Id": f"a-line-{n}"}) for n in range(2))
    first, second = the_line(log, "a-line-0"), the_line(log, "a-line-1")
    expected = {
        "level": "info", "event": "request", "method": "GET", "path": "/api/feeds/main.json", "status": 200,
        "bytes": len(cold.content), "feed": "main", "format": "json", "client": "reader",
    }  # fmt: skip
    assert expected | {"cache": "cold", "id": "a-line-0"} == {n: v for n, v in first.items() if n not in ("time", "ms")}
    assert expected | {"cache": "hot", "id": "a-line-1"} == {n: v for n, v in second.items() if n not in ("time", "ms")}
    assert first["ms"] >= 0
    assert cold.content == hot.content
    client.get("/none", headers={"X-Request-Id": "a-line-2"})
    other = the_line(log, "a-line-2")
    assert (404, "program") == (other["status"], other["client"])
    assert {"feed", "format", "cache"}.isdisjoint(other)


def test_what_was_rendered_before(tmp_path: Path, log: Lines) -> None:
    """An instance that has just started sends what another one has rendered and stored."""
    settings = make_settings(tmp_path)
    store_days(settings, DAYS)
    host = {"Host": "wire.example"}
    for n in range(2):
        with serving_app(settings) as url:
            httpx.get(f"{url}/rss", headers={**host, "X-Request-Id": f"rendered-{n}"})
    assert ["cold", "rendered"] == [the_line(log, f"rendered-{n}")["cache"] for n in range(2)]


def test_no_secret_is_logged(tmp_path: Path, log: Lines) -> None:
    """Neither a key nor a signature, a token, a query, an address of a client nor a cookie is in any line."""
    with serving_days(tmp_path, feed_key=KEY) as client:
        signature = sign(KEY, "/api/feeds/main.rss")
        client.get(with_key("/api/feeds/main.rss?title~query-secret", signature))
        client.get(with_key("/", KEY), headers={"Cookie": "session=cookie-secret", "X-Forwarded-For": "198.51.100.7"})
        client.post("/api/refresh", headers={"Authorization": "Bearer wrong-secret"})
        client.get(
            with_key("/api/papers", KEY), headers={"Authorization": f"Bearer {TOKEN}", "X-Request-Id": "the-last"}
        )
        the_line(log, "the-last")
    text = json.dumps(log.lines)
    assert 4 <= len(log.lines)
    for secret in (KEY, signature, TOKEN, "secret", "198.51.100.7", "127.0.0.1"):
        assert secret not in text


@each_row(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "browser"),
        ("Mozilla/5.0 (compatible; Miniflux/2.2.0; +https://miniflux.app)", "reader"),
        ("FreshRSS/1.26.0 (Linux; https://freshrss.org)", "reader"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("UptimeRobot/2.0", "monitor"),
        ("vercel-cron/1.0", "monitor"),
        ("curl/8.5.0", "program"),
        ("python-httpx/0.28.1", "program"),
        ("", "other"),
    ],
)
def test_kinds_of_clients(agent: str, kind: str) -> None:
    assert kind == client_kind(agent.encode())
