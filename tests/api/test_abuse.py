"""What strangers may try: each line is done over HTTP, and ends in a refusal or an answer, within bounds."""

import os
import re
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.application import create_app
from api.body import BODY_SECONDS, MOST_BODY
from api.limits import AT_ONCE, WAITING
from api.resource import CACHE_BYTES
from api.server import MOST_HEAD, PatientProtocol, server_options
from core.config.settings import Settings
from tests.api import DAYS, TOKEN, Raw, base, make_settings, send, store_days
from tests.conftest import PATIENCE_SECONDS, wait_until
from tests.support.upstream import Upstream, serving

FULL = bool(os.environ.get("FULL"))  # `make fuzz`: everything in full number
FILTERS = 10_000 if FULL else 400


class Quick(PatientProtocol):
    """The server's protocol with less patience."""

    head_seconds = 0.6
    write_seconds = 0.6


@dataclass(frozen=True, slots=True)
class Site:
    """A running wire: its client, its parts, its store's file, and the arXiv that it would ask."""

    client: httpx.Client
    app: FastAPI
    settings: Settings
    upstream: Upstream

    @property
    def stored(self) -> tuple[int, int]:
        """How many values are in the store, and of how many bytes."""
        with closing(sqlite3.connect(self.settings.sqlite_path or "")) as store:
            (row,) = store.execute("SELECT count(*), coalesce(sum(length(value)), 0) FROM entries")
        return row[0], row[1]


@contextmanager
def running(settings: Settings, **options: Any) -> Iterator[tuple[FastAPI, str]]:
    """The application as `paperwire serve` runs it, with less patience."""
    app = create_app(settings)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, **server_options() | {"http": Quick} | options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield app, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


@contextmanager
def site(folder: Path, **overrides: Any) -> Iterator[Site]:
    """A wire with three days in store, whose arXiv counts what it is asked."""
    with serving(Upstream()) as upstream:
        settings = make_settings(folder, arxiv_rss_url=upstream.url, **overrides)
        store_days(settings, DAYS)
        with running(settings) as (app, url), httpx.Client(base_url=url) as client:
            yield Site(client, app, settings, upstream)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("abuse")) as running:
        yield running
        assert [] == running.upstream.requests, "a stranger had arXiv asked"


def exchange(client: httpx.Client, *parts: bytes, pause: float = 0.0, source: str = "127.0.0.1") -> bytes:
    """Send `parts` over a socket of its own, with a `pause` after each, and read what comes until the end."""
    url = client.base_url
    with socket.create_connection(
        (url.host, url.port or 80), timeout=PATIENCE_SECONDS, source_address=(source, 0)
    ) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""


def status_of(answer: bytes) -> int:
    """The status of an answer as it came; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


# -- Addresses

PATHS = (
    "//evil.example",
    "//evil.example/%2e%2e",
    "/..;/settings",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cfeeds.toml",
    "/\\evil.example",
    "/%00",
    "/papers/%00%0d%0aLocation:%20https://evil.example",
    "/feeds/%0d%0aSet-Cookie:%20x=1",
    "/feeds/main%00.rss",
    "/papers/https://evil.example",
    "/papers/" + "a/" * 900,
    "/" + "a/" * 900,
    "/api/feeds/%C0%AE%C0%AE.rss",
    "/api/feeds/main.rss%00",
    "/api/feeds/main.rss;jsessionid=1",
    "/api/feeds/..%2fmain.rss",
    "/API/FEEDS",
    "/api/papers/2603.90301%20OR%201=1",
    "/feeds.toml",
    "/.env",
    "/wire.css/../feeds.toml",
    "/badge/%3Csvg%20onload=alert(1)%3E.svg",
)


@pytest.mark.parametrize("target", PATHS)
def test_paths(wire: Site, target: str) -> None:
    """Odd paths are not found, lead nowhere else, and bring no header or file of theirs."""
    for accept in ("*/*", "text/html"):
        answer = send(wire.client, target, headers={"Accept": accept})
        assert answer.status in (400, 404), answer
        assert {"location", "set-cookie"}.isdisjoint(answer.headers)
        assert b"root:" not in answer.body
        assert answer.headers["content-type"] != "image/svg+xml"
        assert "html" not in answer.headers["content-type"] or b"<svg onload" not in answer.body


LONG = {
    "/" + "a" * 3_000: 414,
    "/papers/" + "a/" * 1_500: 414,
    "/api/papers?title~" + "a" * 4_100: 422,
    "/search?q=" + "a" * 4_100: 422,
    "/feeds/main?title~" + "a" * 4_100: 422,
    "/rss?title~" + "a" * 4_100: 422,
    "/rss/cs.LG?title~" + "a" * 4_100: 422,
    "/api/papers/2603.90301?title~" + "a" * 4_100: 422,
    "/api/feeds/main.rss?" + "&".join(["score>1"] * 41): 422,
    "/api/feeds/custom.rss?category=cs.LG&keywords=" + "a" * 9_000: 422,
    "/build?category=cs.LG&keywords=" + "a" * 9_000: 422,
    "/api/feeds/custom.rss?category=cs.LG&keywords=" + ",".join(f"k{n}" for n in range(101)): 422,
    "/build?category=cs.LG&keywords=" + ",".join(f"k{n}" for n in range(101)): 422,
    "/api/papers?" + "a" * 32_100: 414,
    "/build?" + "&" * 33_000: 414,
    "/api/papers?limit=501": 422,
    "/api/papers?limit=1000000": 422,
    "/api/papers?limit=" + "9" * 3_000: 422,
    "/api/papers?per_day=-1": 422,
    "/api/papers?limit=%D9%A1": 422,  # a digit of another script
    "/api/papers?score>=1e999": 422,
    "/api/papers?score>=" + "9" * 3_000: 422,
    "/api/papers?cursor=" + "A" * 3_000: 422,
    "/api/papers?sort=" + ",".join(["-score"] * 500): 422,
}


@pytest.mark.parametrize(("target", "status"), [pytest.param(t, s, id=t[:40]) for t, s in LONG.items()])
def test_too_much(wire: Site, target: str, status: int) -> None:
    """What is too long or too many is refused, and by programs' routes as a problem."""
    answer = send(wire.client, target)
    assert status == answer.status
    assert len(answer.body) < 100_000
    if target.startswith(("/api", "/rss")):
        assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize("target", ["/api/papers?", "/search?q=", "/api/feeds/custom.rss?keywords=", "/build?", "/"])
def test_a_query_of_a_megabyte(wire: Site, target: str) -> None:
    """It is refused by the server while it comes in."""
    answer = exchange(wire.client, f"GET {target}{'a' * 1_000_000} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert status_of(answer) in (0, 400)
    assert 200 == wire.client.get("/api/health").status_code


# -- Headers

HOSTS = (
    "evil.example/path",
    "user@evil.example",
    "a b",
    "evil.example:port",
    "x" * 300,
    "-",
    '"x"',
    "<a>",
    "a\tb",
    "[::1",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none(wire: Site, host: str) -> None:
    answer = send(wire.client, "/api/feeds/main.rss", headers={"Host": host})
    assert (400, True) == (answer.status, host.encode() not in answer.body)


def test_two_hosts(wire: Site) -> None:
    """One of them would be in the links, and the other would be what these are remembered by."""
    url = wire.client.base_url
    for hosts in ((f"{url.host}:{url.port}", "evil.example"), ("evil.example", f"{url.host}:{url.port}")):
        head = "".join(f"Host: {host}\r\n" for host in hosts)
        request = f"GET /api/feeds/main.rss HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode()
        assert 400 == status_of(exchange(wire.client, request))
    assert b"evil.example" not in wire.client.get("/api/feeds/main.rss").content


@pytest.mark.parametrize("path", ["/api/feeds/main.rss", "/api/feeds.opml", "/api/feeds", "/feeds/main", "/", "/rss"])
def test_another_host_poisons_nothing(tmp_path: Path, path: str) -> None:
    """Each name has its own links, cold and hot and after a restart, from memory and from the store."""
    with site(tmp_path) as wire:
        for _ in range(2):
            assert 200 == send(wire.client, path, headers={"Host": "evil.example"}).status
            assert b"evil.example" not in wire.client.get(path).content
        send(wire.client, path, headers={"Host": "evil.example"})  # the last that is stored
        with running(wire.settings) as (_, url):
            assert b"evil.example" not in httpx.get(url + path).content


def test_a_public_address_is_what_counts(tmp_path: Path) -> None:
    """With BASE_URL no host and no proxy's header changes a link."""
    with site(tmp_path, base_url="https://wire.example") as wire:
        forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
        for path in ("/api/feeds/main.rss", "/api/feeds", "/feeds/main", "/api/feeds.opml", "/search?q=cache"):
            answer = send(wire.client, path, headers=forged)
            assert (200, False) == (answer.status, b"evil.example" in answer.body)
        assert b"https://wire.example/api/feeds/main.rss" in send(wire.client, "/api/feeds/main.rss").body


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
def test_forwarded_headers(wire: Site, source: str) -> None:
    """X-Forwarded-Host never counts; X-Forwarded-Proto only from a proxy that the server trusts: loopback's first."""
    request = (
        f"GET /api/feeds/main.rss?limit=3&score>={int(source[-1])} HTTP/1.1\r\nHost: wire.example\r\n"
        "Connection: close\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n"
        "Forwarded: host=evil.example\r\nX-Original-URL: /settings\r\nX-Rewrite-URL: /settings\r\n\r\n"
    ).encode()
    answer = exchange(wire.client, request, source=source)
    assert (200, False) == (status_of(answer), b"evil.example" in answer)
    scheme = b"https" if source == "127.0.0.1" else b"http"
    assert scheme + b"://wire.example/api/feeds/main.rss?limit=3" in answer


def test_a_flood_of_headers(wire: Site) -> None:
    """A head has an end: of bytes, however many headers they are."""
    many = "".join(f"X-{n}: {'a' * 50}\r\n" for n in range(20_000)).encode()
    assert len(many) > 4 * MOST_HEAD
    answer = exchange(wire.client, b"GET / HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n")
    assert status_of(answer) in (0, 400)
    some = {f"X-{n}": "a" * 50 for n in range(300)}
    assert 200 == send(wire.client, "/api/health", headers=some).status


def test_headers_that_are_none(wire: Site) -> None:
    """What is no HTTP is told so."""
    for head in (
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
    ):
        assert status_of(exchange(wire.client, head)) in (0, 400)


CONDITIONAL = {
    "If-None-Match": "W/" * 5_000,
    "If-Modified-Since": "Sun, 99 Nov 99999 99:99:99 GMT",
    "Range": "bytes=" + "0-0," * 2_000,
    "Accept": "text/html;q=" + "9" * 5_000,
    "Cookie": "a=b; " * 2_000,
    "Accept-Encoding": "gzip;q=nan",
    "Content-Length": "-1",
    "X-Request-Id": "x" * 5_000,
}


@pytest.mark.parametrize("name", CONDITIONAL)
def test_odd_headers(wire: Site, name: str) -> None:
    """They change nothing, or are refused."""
    for _ in range(2):
        answer = send(wire.client, "/api/feeds/main.rss", headers={name: CONDITIONAL[name]})
        assert answer.status in (200, 400, 413)
        assert answer.headers.get("x-request-id") != CONDITIONAL[name]


METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post", "GETGET", "M-SEARCH", "A" * 500)


@pytest.mark.parametrize("method", METHODS)
def test_methods(wire: Site, method: str) -> None:
    """No path knows them, and none says what was sent."""
    for target in ("/api/feeds/main.rss", "/api/refresh", "/settings/edit", "/"):
        answer = send(wire.client, target, method=method, headers={"X-Secret": "do-not-echo"})
        assert answer.status in (400, 405), answer
        assert b"do-not-echo" not in answer.body
    override = send(wire.client, "/api/refresh", headers={"X-HTTP-Method-Override": "POST"})
    assert 401 == override.status


# -- Bodies

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def post(target: str, headers: str) -> bytes:
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n".encode()


@pytest.mark.parametrize("target", ["/settings/edit", "/build/preview", "/api/refresh", "/api/papers", "/", "/none"])
def test_a_body_that_says_it_is_long(wire: Site, target: str) -> None:
    """It is refused before a byte of it was sent."""
    for length in (MOST_BODY + 1, 10**12, 10**400):
        answer = exchange(wire.client, post(target, f"{FORM}Content-Length: {length}\r\n"))
        assert status_of(answer) in ((413,) if length < 10**19 else (400, 413))


def test_a_body_in_chunks(wire: Site) -> None:
    """A body that does not say how long it is is read as far as a form goes, and refused."""
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    for target in ("/settings/edit", "/build/preview"):
        parts = post(target, f"{FORM}Transfer-Encoding: chunked\r\n"), chunk, chunk
        # A client that is still sending when the connection is closed may see a reset in place of the answer
        answers = (exchange(wire.client, *parts, pause=0.1) for _ in range(5))
        assert 413 == status_of(next(filter(None, answers), b""))
    small = exchange(
        wire.client, post("/build/preview", f"{FORM}Transfer-Encoding: chunked\r\n"), b"1\r\na\r\n0\r\n\r\n"
    )
    assert 200 == status_of(small)


def test_a_body_nobody_asked_for(wire: Site) -> None:
    """What comes with a GET, or to a path that takes none, is not kept; the connection ends if it does not."""
    head = b"GET /api/health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    begun = time.monotonic()
    answer = exchange(wire.client, head, b"5\r\naaaaa\r\n")
    assert 200 == status_of(answer)
    assert time.monotonic() - begun < PATIENCE_SECONDS


def test_a_slow_body(wire: Site) -> None:
    """A form has some seconds to come."""
    begun = time.monotonic()
    answer = exchange(wire.client, post("/build/preview", f"{FORM}Content-Length: 1000\r\n"), b"a=")
    assert 408 == status_of(answer)
    assert time.monotonic() - begun >= BODY_SECONDS * 0.9


# -- Clients that do not go on


def ends_within(client: httpx.Client, begun: bytes, seconds: float, drip: bytes = b"") -> bool:
    """Whether the server ends a connection on which `begun` was sent, and `drip` from time to time."""
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=0.2) as connection:
        connection.sendall(begun)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if drip:
                    connection.sendall(drip)
                if not connection.recv(65536):
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
    return False


SLOW = {
    "nothing": (b"", b""),
    "half a line": (b"GET /api/hea", b""),
    "a header at a time": (b"GET /api/health HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n"),
    "line breaks": (b"", b"\r\n"),
    "the second request": (b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\nGET /api", b"x"),
    "a body that nobody reads": (b"GET /api/health HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n", b"x"),
    "trailers": (
        b"GET /api/health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X-Trailer: y\r\n",
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_slow_heads(wire: Site, name: str) -> None:
    """Who does not go on is let go of, however often a byte comes; others are answered meanwhile."""
    begun, drip = SLOW[name]
    with ThreadPoolExecutor(1) as others:
        asked = others.submit(wire.client.get, "/api/health")
        assert ends_within(wire.client, begun, 20, drip)
        assert 200 == asked.result().status_code


HUNG_UP = (
    post("/build/preview", f"{FORM}Content-Length: 1000\r\n") + b"a=",
    post("/settings/edit", f"{FORM}Transfer-Encoding: chunked\r\n") + b"5\r\naa",
    post("/settings/undo", f"{FORM}Content-Length: 50000\r\n"),
    post("/api/work", "Upstash-Signature: a.b.c\r\nContent-Length: 1000\r\n") + b"a",
    b"GET /api/feeds/custom.rss?category=cs.LG&keywords=hung-up HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /api/papers?title~hung HTTP/1.1\r\nHost: a\r\n\r\n" * 20,
    b"GET / HTTP/1.1\r\nHo",
)


@pytest.mark.parametrize("reset", [False, True])
def test_clients_that_hang_up(wire: Site, caplog: pytest.LogCaptureFixture, *, reset: bool) -> None:
    """That is no fault of the service: no traceback and no error is logged."""
    url = wire.client.base_url
    for begun in HUNG_UP:
        with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(begun)
            time.sleep(0.05)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    assert 200 == wire.client.get("/api/health").status_code
    assert [] == [record.getMessage() for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


def test_who_does_not_take_the_answer(wire: Site) -> None:
    """Answers that are not taken are thrown away with their connection."""
    url = wire.client.base_url
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(20)
    with connection:
        connection.connect((url.host, url.port or 80))
        sent = 0
        try:
            for _ in range(3_000):  # far more than the buffers of two sockets hold
                connection.sendall(b"GET /api/papers?limit=500 HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
                sent += 10
                time.sleep(0.001)
        except OSError:
            pass
        assert sent < 30_000
    assert 200 == wire.client.get("/api/health").status_code


# -- Keys without number


def test_filters_without_number(tmp_path: Path) -> None:
    """However many different filters are asked for, they are forgotten again, and nothing of them is stored."""
    with site(tmp_path) as wire:
        wire.client.get("/api/papers?title~first")  # the texts of the days are stored once
        before = wire.stored
        for n in range(FILTERS):
            assert 200 == wire.client.get(f"/api/papers?title~filter{n}").status_code
        assert before == wire.stored
        assert wire.app.state.responses.cached.used <= CACHE_BYTES
        assert [] == wire.upstream.requests


def test_rules_without_number(tmp_path: Path) -> None:
    """However many feeds with rules in the URL are asked for, only so many of them a day are stored, within bounds."""
    with site(tmp_path) as wire:
        wire.client.get("/rss")
        values, length = wire.stored
        for n in range(FILTERS // 4 if not FULL else FILTERS):
            assert 200 == wire.client.get(f"/api/feeds/custom.rss?category=cs.LG&keywords=word{n}").status_code
        more, longer = wire.stored
        assert more - values <= 501  # and their budget
        assert longer - length < 501 * 10_000
        assert [] == wire.upstream.requests


def test_hosts_without_number(tmp_path: Path) -> None:
    """One value in the store, under however many names it is asked for."""
    with site(tmp_path) as wire:
        wire.client.get("/rss")
        values, _ = wire.stored
        for n in range(100):
            assert 200 == send(wire.client, "/rss", headers={"Host": f"a{n}.example"}).status
        assert values == wire.stored[0]


# -- Regular expressions

REGEXES = {
    "nested": ("(a+)+$", 200),
    "alternatives": ("(a|aa)+$", 200),
    "greedy": ("(.*)(.*)(.*)(.*)(.*)[0-9]{5}x", 200),
    "every place": (".", 200),
    "back reference": (r"(a)\1", 422),
    "nested repeats": ("((a{100}){100}){100}", 422),
    "steps": (r"\pL{10}x", 422),
    "states": ("[a-q][^u-z]{13}x", 200),
    "deep": ("(" * 100 + "a" + ")" * 100, 200),
    "nul": ("a%00b", 422),
}


@pytest.mark.parametrize("name", REGEXES)
def test_regular_expressions(wire: Site, name: str) -> None:
    """They are linear, within bounds of memory and steps, or refused."""
    pattern, status = REGEXES[name]
    sent = quote(f'"{pattern}"' if "," in pattern else pattern, safe="%")
    for path in ("/api/feeds/custom.rss", "/build"):
        answer = wire.client.get(f"{path}?category=cs.LG&match=regex&keywords={sent}")
        assert status == answer.status_code, answer.text[:500]


def test_many_large_regular_expressions(wire: Site) -> None:
    """A hundred of the largest that are possible are too much together."""
    each = ",".join(quote(f"[a-z].{{200}}{n}x") for n in range(90))
    answer = wire.client.get(f"/api/feeds/custom.rss?category=cs.LG&match=regex&keywords={each}")
    assert (422, True) == (answer.status_code, "too large" in answer.json()["detail"])


# -- Shares


def test_a_share_for_each_client(tmp_path: Path) -> None:
    """What has to be made is limited for an address; what is there already, and feeds as they are, are not."""
    with site(tmp_path, rate_limit=30, base_url="https://wire.example") as wire:
        statuses = [wire.client.get(f"/api/papers?title~limit{n}").status_code for n in range(45)]
        assert [200] * 30 == statuses[:30]
        assert 429 in statuses
        refused = wire.client.get("/api/papers?title~one-more-and-no-other")
        for _ in range(3):  # a share fills up while the test runs
            refused = refused if refused.status_code == 429 else wire.client.get(f"/api/papers?title~{time.time()}")
        assert (429, "urn:paperwire:problem:rate-limited") == (refused.status_code, refused.json()["type"])
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        for _ in range(40):  # remembered, or one of the addresses that a wire has
            assert 200 == wire.client.get("/api/papers?title~limit3").status_code
            assert 200 == wire.client.get("/api/feeds/main.rss").status_code
        assert 200 == wire.client.get("/feeds/main").status_code
        owner = {"Authorization": f"Bearer {TOKEN}"}
        for n in range(40):
            assert 200 == wire.client.get(f"/api/papers?title~owner{n}", headers=owner).status_code


def test_another_client_has_its_own_share(tmp_path: Path) -> None:
    """By the address of the socket: what somebody says of his own is not believed, unless a trusted proxy says it."""

    def ask(wire: Site, n: int, source: str, forwarded: str = "") -> int:
        said = f"X-Forwarded-For: {forwarded}\r\nX-Real-IP: {forwarded}\r\n" if forwarded else ""
        request = f"GET /api/papers?title~s{n} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{said}\r\n".encode()
        return status_of(exchange(wire.client, request, source=source))

    with site(tmp_path, rate_limit=2) as wire:
        spent = [ask(wire, n, "127.0.0.2", f"198.51.100.{n}") for n in range(6)]
        assert ([200, 200], 429) == (spent[:2], spent[-1])
        assert 200 == ask(wire, 10, "127.0.0.3")
        proxied = [ask(wire, 20 + n, "127.0.0.1", f"198.51.100.{n}") for n in range(4)]
        assert [200] * 4 == proxied
        assert 429 in [ask(wire, 30 + n, "127.0.0.1", "203.0.113.7") for n in range(4)]


def test_wrong_tokens(tmp_path: Path) -> None:
    """Guessing is limited for an address; the right token passes, also from there: nobody can lock the owner out."""
    with site(tmp_path, rate_limit=48) as wire:
        wrong = {"Authorization": "Bearer guess"}
        statuses = [wire.client.get("/api/refresh", headers=wrong).status_code for _ in range(10)]
        assert ([401] * 4, 429) == (statuses[:4], statuses[-1])
        right = (
            f"GET /api/papers?title~x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        )
        assert 200 == status_of(exchange(wire.client, right.encode()))
        assert 429 == wire.client.get("/api/refresh", headers=wrong).status_code
        assert 200 == status_of(exchange(wire.client, right.encode(), source="127.0.0.2"))
        assert 200 == wire.client.get("/api/feeds/main.rss").status_code


def test_a_crowd(tmp_path: Path) -> None:
    """More at once than can be made are told to come again, and the wire goes on."""
    with site(tmp_path) as wire:
        words = ",".join(f"w{n}" for n in range(90))

        def ask(n: int) -> int:
            return httpx.get(
                f"{base(wire.client)}/api/feeds/custom.rss?category=cs.LG&keywords={words},x{n}", timeout=120
            ).status_code

        count = 2 * (AT_ONCE + WAITING)
        with ThreadPoolExecutor(count) as crowd:
            statuses = list(crowd.map(ask, range(count)))
        assert {200} <= set(statuses) <= {200, 503}
        assert 200 == wire.client.get("/api/feeds/main.rss").status_code


def test_the_answers_of_the_table_say_nothing_of_the_inside(wire: Site) -> None:
    """No refusal names a file, a module, a server or a version."""
    for target in ("/%00", "/api/papers?" + "a" * 32_100, "/api/papers?x", "/none", "/settings/none"):
        answer: Raw = send(wire.client, target)
        assert not re.search(rb"Traceback|\.py\b|uvicorn|starlette|site-packages|sqlite", answer.body)
        assert "server" not in answer.headers
