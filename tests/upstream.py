"""A stand-in for arXiv on loopback: real HTTP, its formats, its faults on demand, and a log of every request."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from tests.arxiv_format import Sheet, rss

ITEM_LIMIT = 2000


@dataclass
class Upstream:
    """What the stand-in serves. `faults` are used up one a request, the last one stays if `faulty_for_ever`."""

    url: str = ""
    day: date = date(2026, 3, 6)
    sheets: list[Sheet] = field(default_factory=list)
    stale: Mapping[str, list[Sheet]] = field(default_factory=dict)  # category → what it shows instead
    unknown: tuple[str, ...] = ()  # categories that spoil a request
    faults: list[str] = field(default_factory=list)
    faulty_for_ever: bool = False
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every good answer, in place of its own
    retry_after: str = "1"  # sent with every error
    change: Callable[[bytes], bytes] = bytes  # what is done to every document before it is served
    requests: list[tuple[float, str, Mapping[str, str]]] = field(default_factory=list)
    open_requests: int = 0
    most_at_once: int = 0

    @property
    def paths(self) -> list[str]:
        """The requested paths in order."""
        return [path for _, path, _ in self.requests]

    @property
    def gaps(self) -> list[float]:
        """Seconds between the arrivals of requests."""
        times = [at for at, _, _ in self.requests]
        return [later - earlier for earlier, later in pairwise(times)]

    def next_fault(self) -> str:
        """The fault of this request, or ""."""
        if not self.faults:
            return ""
        return self.faults[0] if self.faulty_for_ever and len(self.faults) == 1 else self.faults.pop(0)

    def document(self, requested: tuple[str, ...]) -> bytes:
        """What arXiv would answer: items of the requested categories, replacements first when over the limit."""
        current = [
            sheet
            for sheet in self.sheets
            if any((c in requested and c not in self.stale) or c.split(".")[0] in requested for c in sheet.categories)
        ]
        current += [sheet for name in requested for sheet in self.stale.get(name, ())]
        kept = sorted(current, key=lambda sheet: sheet.version == 1)[:ITEM_LIMIT]
        return self.change(rss(sorted(kept, key=lambda sheet: sheet.id), self.day, requested))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        upstream = self.upstream
        path = unquote(urlsplit(self.path).path)
        upstream.requests.append((time.monotonic(), path, dict(self.headers)))
        upstream.open_requests += 1
        upstream.most_at_once = max(upstream.most_at_once, upstream.open_requests)
        try:
            time.sleep(upstream.delay)
            self.respond(path)
        finally:
            upstream.open_requests -= 1

    def respond(self, path: str) -> None:
        upstream = self.upstream
        requested = tuple(path.removeprefix("/rss/").split("+"))
        fault = upstream.next_fault()
        if fault in FAULTS:
            FAULTS[fault](self, upstream, requested)
        elif fault.startswith("redirect "):
            self.answer(302, b"", headers={"Location": fault.removeprefix("redirect ")})
        elif fault.isdigit():
            retry = {"Retry-After": upstream.retry_after}
            self.answer(int(fault), b"<html><body>Error</body></html>", "text/html", retry)
        elif set(requested) & set(upstream.unknown):
            self.answer(400, ERROR_FEED)
        else:
            self.serve(upstream.document(requested))

    def serve(self, body: bytes) -> None:
        etag = f'"{sha256(body).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.answer(304, b"", headers={"ETag": etag})
        else:
            self.answer(200, body, headers={"ETag": etag} | self.upstream.headers)

    def answer(
        self, status: int, body: bytes, kind: str = "application/rss+xml", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


ERROR_FEED = (
    b'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed error for query: x</title>'
    b"<link>http://rss.arxiv.org</link><description>Invalid</description></channel></rss>"
)
_DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss><channel/></rss>'
_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><rss version="2.0"><channel><title>&c;</title></channel></rss>'
)


def _truncated(handler: _Handler, upstream: Upstream, requested: tuple[str, ...]) -> None:
    body = upstream.document(requested)
    handler.answer(200, body[: len(body) * 2 // 3])


def _cut_connection(handler: _Handler, upstream: Upstream, requested: tuple[str, ...]) -> None:
    body = upstream.document(requested)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def _huge(handler: _Handler, _: Upstream, __: tuple[str, ...]) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(512):
            handler.wfile.write(b" " * 1_000_000)
    except OSError:
        pass


def _reset(handler: _Handler, _: Upstream, __: tuple[str, ...]) -> None:
    handler.connection.close()
    handler.close_connection = True


def _slow(handler: _Handler, upstream: Upstream, requested: tuple[str, ...]) -> None:
    body = upstream.document(requested)
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.close_connection = True
    try:
        for at in range(0, len(body), 50):
            handler.wfile.write(body[at : at + 50])
            time.sleep(0.5)
    except OSError:
        pass


def _hang(handler: _Handler, _: Upstream, __: tuple[str, ...]) -> None:
    time.sleep(30)
    handler.close_connection = True


FAULTS = {
    "rate-exceeded": lambda h, _u, _r: h.answer(200, b"Rate exceeded.", "text/plain"),
    "html": lambda h, _u, _r: h.answer(200, b"<!doctype html><html><body>Down</body></html>", "text/html"),
    "doctype": lambda h, _u, _r: h.answer(200, _DOCTYPE),
    "bomb": lambda h, _u, _r: h.answer(200, _BOMB),
    "nothing": lambda h, _u, _r: h.answer(200, b""),
    "empty": lambda h, u, r: h.serve(rss([], u.day, r)),
    "error-feed": lambda h, _u, _r: h.answer(400, ERROR_FEED),
    "truncated": _truncated,
    "cut-connection": _cut_connection,
    "huge": _huge,
    "reset": _reset,
    "slow": _slow,
    "hang": _hang,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of the stand-in's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(upstream: Upstream) -> Iterator[Upstream]:
    """Serve `upstream` on a free port of loopback."""
    handler = type("Handler", (_Handler,), {"upstream": upstream})
    server = _Server(("127.0.0.1", 0), handler)
    upstream.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
