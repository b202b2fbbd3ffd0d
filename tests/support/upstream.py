"""A stand-in for arXiv and Hugging Face on loopback: real HTTP, their formats, their faults, a log of every request."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import pairwise
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.arxiv_api import Page, dated, find
from tests.support.arxiv_format import Sheet, api_error, rss
from tests.support.catchup_format import catchup
from tests.support.elsewhere_format import posted_page
from tests.support.hf_format import Picked, daily
from tests.support.loopback import Handler, listening

ITEM_LIMIT = 2000


def _opened() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Upstream:
    """What the stand-in serves at `day`. `faults` are used up one a request, the last one stays if `faulty_for_ever`.

    "503" holds for every request, "/api/query 503" for those below that path. RSS has the sheets of `day`, the API
    those of all days up to it.
    """

    url: str = ""
    day: date = date(2026, 3, 6)
    sheets: list[Sheet] = field(default_factory=list)  # of whatever day it is
    days: Mapping[date, Iterable[Sheet]] = field(default_factory=dict)  # and of these days
    picks: Mapping[date, Iterable[Picked]] = field(default_factory=dict)  # by Hugging Face
    feeds: dict[str, bytes] = field(default_factory=dict)  # RSS and Atom feeds of anybody, by path
    posted: Mapping[tuple[str, date], list[dict[str, object]]] = field(default_factory=dict)  # bioRxiv's, by server
    posted_page: int = 100
    texts: Mapping[str, bytes] = field(default_factory=dict)  # of papers, by path: "/html/2603.00001v1"
    stale: Mapping[str, list[Sheet]] = field(default_factory=dict)  # category → what it shows instead
    unknown: tuple[str, ...] = ()  # categories that spoil a request
    faults: list[str] = field(default_factory=list)
    faulty_for_ever: bool = False
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every good answer, in place of its own
    retry_after: str = "1"  # sent with every error
    change: Callable[[bytes], bytes] = bytes  # what is done to every RSS before it is served
    requests: list[tuple[float, str, Mapping[str, str]]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)  # of the requests, with their queries
    has_catchup: bool = True
    opened: threading.Event = field(default_factory=_opened)
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

    @contextmanager
    def held(self) -> Iterator[None]:
        """Answer nothing in the meantime."""
        self.opened.clear()
        try:
            yield
        finally:
            self.opened.set()

    def next_fault(self, path: str) -> str:
        """The fault of a request for `path`, or ""."""
        fitting = [fault for fault in self.faults if not fault.startswith("/") or path.startswith(fault.split(" ")[0])]
        if not fitting:
            return ""
        if not self.faulty_for_ever or len(fitting) > 1:
            self.faults.remove(fitting[0])
        return fitting[0].partition(" ")[2] if fitting[0].startswith("/") else fitting[0]

    def document(self, requested: tuple[str, ...]) -> bytes:
        """What arXiv would answer: items of the requested categories, replacements first when over the limit."""
        current = [
            sheet
            for sheet in (*self.sheets, *self.days.get(self.day, ()))
            if any((c in requested and c not in self.stale) or c.split(".")[0] in requested for c in sheet.categories)
        ]
        current += [sheet for name in requested for sheet in self.stale.get(name, ())]
        kept = sorted(current, key=lambda sheet: sheet.version == 1)[:ITEM_LIMIT]
        return self.change(rss(sorted(kept, key=lambda sheet: sheet.id), self.day, requested))

    def results(self, query: str) -> Page:
        """What arXiv's API finds among all that was announced up to `day`."""
        past = [dated(sheet, day) for day, sheets in self.days.items() if day <= self.day for sheet in sheets]
        return find([*past, *(dated(sheet, self.day) for sheet in self.sheets)], query)

    def catchup(self, path: str, query: str) -> bytes | None:
        """The catch-up page of a category's date: `/catchup/cs.LG/2026-03-06`; None without such pages."""
        if not self.has_catchup:
            return None
        _, _, category, text = path.split("/")
        day, page = date.fromisoformat(text), int(parse_qs(query).get("page", ["1"])[0])
        sheets = [*self.days.get(day, ()), *(self.sheets if day == self.day else ())] if day <= self.day else []
        return catchup(sheets, category, day, page)

    def daily(self, query: str) -> bytes:
        """Hugging Face's papers of the date that `query` names."""
        day = date.fromisoformat(parse_qs(query)["date"][0])
        return daily(self.picks.get(day, ()), day)

    def posted_on(self, path: str) -> bytes:
        """A page of what bioRxiv or medRxiv posted: `/details/biorxiv/2026-03-06/2026-03-06/0/json`."""
        _, _, server, first, _, cursor, _ = path.split("/")
        return posted_page(self.posted.get((server, date.fromisoformat(first)), []), int(cursor), self.posted_page)


class _Handler(Handler):
    upstream: Upstream
    is_open = False

    def reply(self) -> None:
        upstream = self.upstream
        path = unquote(urlsplit(self.path).path)
        upstream.requests.append((time.monotonic(), path, dict(self.headers)))
        upstream.targets.append(self.path)
        upstream.open_requests += 1
        self.is_open = True
        upstream.most_at_once = max(upstream.most_at_once, upstream.open_requests)
        try:
            time.sleep(upstream.delay)
            upstream.opened.wait(120)
            self.respond(path)
        finally:
            self.end()

    def end(self) -> None:
        """Count this request as over: before its answer is out, for then the next one may come at any moment."""
        self.upstream.open_requests -= self.is_open
        self.is_open = False

    def respond(self, path: str) -> None:
        upstream = self.upstream
        fault = upstream.next_fault(path)
        if known := (FAULTS | API_FAULTS | HF_FAULTS).get(fault):
            known(self)
        elif fault.startswith("redirect "):
            self.answer(302, b"", headers={"Location": fault.removeprefix("redirect ")})
        elif fault.isdigit():
            retry = {"Retry-After": upstream.retry_after}
            self.answer(int(fault), b"<html><body>Error</body></html>", "text/html", retry)
        elif path == "/api/query" and self.page.error:
            self.answer(400, self.page.write(), "application/atom+xml")
        elif path.startswith("/catchup/"):
            page = upstream.catchup(path, urlsplit(self.path).query)
            self.answer(404 if page is None else 200, page or b"<html>No such page</html>", "text/html")
        elif path.startswith(("/html/", "/pdf/")):
            body = upstream.texts.get(path)
            kind = "text/html" if path.startswith("/html/") else "application/pdf"
            self.answer(404 if body is None else 200, body or b"<html>No such paper</html>", kind)
        elif path in upstream.feeds:
            self.serve(upstream.feeds[path])
        elif path.startswith("/details/"):
            self.serve(upstream.posted_on(path))
        elif set(self.requested) & set(upstream.unknown):
            self.answer(400, ERROR_FEED)
        else:
            self.serve(self.document())

    @property
    def requested(self) -> tuple[str, ...]:
        """The categories of a request for RSS."""
        return tuple(unquote(urlsplit(self.path).path).removeprefix("/rss/").split("+"))

    @property
    def page(self) -> Page:
        """What a query of the API selects."""
        return self.upstream.results(urlsplit(self.path).query)

    def document(self) -> bytes:
        """The whole answer to this request."""
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/api/query":
            return self.page.write()
        if path.startswith("/catchup/"):
            return self.upstream.catchup(path, query) or b""
        return self.upstream.daily(query) if path == "/api/daily_papers" else self.upstream.document(self.requested)

    def empty(self) -> bytes:
        """The valid answer that there is nothing."""
        path = urlsplit(self.path).path
        if path == "/api/query":
            return Page().write()
        if path.startswith("/catchup/"):
            return catchup((), "cs.LG", date.fromisoformat(path.rpartition("/")[2]))
        return b"[]" if path == "/api/daily_papers" else rss([], self.upstream.day, self.requested)

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
        self.end()
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


def _truncated(handler: _Handler) -> None:
    body = handler.document()
    handler.answer(200, body[: len(body) * 2 // 3])


def _cut_connection(handler: _Handler) -> None:
    body = handler.document()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def _huge(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(512):
            handler.wfile.write(b" " * 1_000_000)
    except OSError:
        pass


def _reset(handler: _Handler) -> None:
    handler.connection.close()
    handler.close_connection = True


def _slow(handler: _Handler) -> None:
    body = handler.document()
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


def _hang(handler: _Handler) -> None:
    time.sleep(30)
    handler.close_connection = True


FAULTS: dict[str, Callable[[_Handler], None]] = {
    "rate-exceeded": lambda h: h.answer(200, b"Rate exceeded.", "text/plain"),
    "html": lambda h: h.answer(200, b"<!doctype html><html><body>Down</body></html>", "text/html"),
    "doctype": lambda h: h.answer(200, _DOCTYPE),
    "bomb": lambda h: h.answer(200, _BOMB),
    "nothing": lambda h: h.answer(200, b""),
    "empty": lambda h: h.serve(h.empty()),
    "error-feed": lambda h: h.answer(400, ERROR_FEED),
    "truncated": _truncated,
    "cut-connection": _cut_connection,
    "huge": _huge,
    "reset": _reset,
    "slow": _slow,
    "hang": _hang,
}
# Of arXiv's API: entries that are missing from a page, and totals that are not kept
API_FAULTS: dict[str, Callable[[_Handler], None]] = {
    "short-page": lambda h: h.serve(h.page.write(lambda sheets: sheets[: len(sheets) // 2])),
    "zero-page": lambda h: h.serve(h.page.write(lambda _: ())),
    "total-too-high": lambda h: h.serve(h.page.write(more=7)),
    "error-entry": lambda h: h.answer(400, api_error("the index is being rebuilt"), "application/atom+xml"),
    "error-entry-200": lambda h: h.answer(200, api_error("the index is being rebuilt"), "application/atom+xml"),
}
# Of Hugging Face: JSON, but no list of papers
HF_FAULTS: dict[str, Callable[[_Handler], None]] = {
    "error-object": lambda h: h.answer(200, b'{"error":"Internal Error - We are working hard to fix this"}'),
    "null": lambda h: h.answer(200, b"null"),
}


@contextmanager
def serving(upstream: Upstream) -> Iterator[Upstream]:
    """Serve `upstream` on a free port of loopback."""
    with listening(type("Handler", (_Handler,), {"upstream": upstream})) as url:
        upstream.url = url
        yield upstream
