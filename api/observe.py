"""The outermost layer: refuses malformed requests, adds the security headers, and logs every request."""

import logging
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from itertools import count
from os import urandom
from time import perf_counter
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.body import MOST_BODY
from api.errors import Problem, of_error
from api.headers import PREFLIGHT, Header, missing_headers
from api.limits import Limits
from api.trace import CURRENT, Trace
from core.model.errors import RateLimited
from core.text.numbers import whole_number
from core.util.log import EVENTS, log_event

MOST_PATH = 2_000  # characters
MOST_QUERY = 32_000  # bytes: rules of 8,000 characters, most of them encoded
MOST_UPLOAD = 6_000_000  # bytes of a library, or of exported votes
_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LONG = ("/library", "/votes", "/settings/learned")
_ONCE = (b"host", b"content-length")


def refusal(scope: Scope, headers: Mapping[bytes, bytes]) -> Problem | None:
    """Returns the problem of a malformed request, None for all others.

    `Host` must be sent once, because links and cached answers depend on it.
    """
    if len(scope["query_string"]) > MOST_QUERY or len(scope["path"]) > MOST_PATH:
        return _refused(414, f"An address has up to {MOST_PATH:,} characters, and a query of {MOST_QUERY:,}.")
    if len(headers) != len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        if repeated := [name.decode() for name in _ONCE if names.count(name) > 1]:
            return _refused(400, f"The header {repeated[0]} was sent twice.")
    if (host := headers.get(b"host")) is not None and not _HOST.fullmatch(host):
        return _refused(400, "The header Host is not a name with or without a port.")
    most = MOST_UPLOAD if scope["path"].endswith(_LONG) else MOST_BODY
    length = whole_number((headers.get(b"content-length") or b"0").decode("latin-1"))
    if length is None or length > most:
        return _refused(413, f"A body has up to {most:,} bytes.", {"Connection": "close"})
    return None


_TITLES = {400: "Bad Request", 413: "Content Too Large", 414: "URI Too Long"}


def _refused(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(status, "http", _TITLES[status], detail, headers or {})


def is_preflight(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Returns whether a request is a CORS preflight for a path that scripts of other sites may read."""
    asked = headers.get(b"access-control-request-method")
    return scope["method"] == "OPTIONS" and asked in (b"GET", b"HEAD") and scope["path"].startswith(_READ)


def _decoded(headers: Sequence[Header]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


_READ = ("/api/", "/rss", "/badge/", "/openapi.json")
_SENT_ID = (b"x-request-id", b"x-vercel-id")
_SANE_ID = re.compile(rb"[A-Za-z0-9._:=-]{8,128}")
_PROCESS, _NUMBERS = urandom(4).hex(), count(1)
_FEED = re.compile(r"/(?:api/)?feeds/(?P<feed>[\w-]{1,64})(?:\.(?P<format>[a-z]{1,8}))?")
_UNAUTHORIZED = 401
_MOST_AGENT = 300
_SHOWN = 200  # characters of a path
# Beginnings of words in a lower-case User-Agent → kind of client; the first match decides
_CLIENTS = (
    ("monitor", ("uptime", "monitor", "healthcheck", "pingdom", "vercel-cron")),
    ("reader", ("feed", "rss", "newsboat", "miniflux", "inoreader", "newsblur", "theoldreader", "liferea", "reeder")),
    ("bot", ("bot", "crawl", "spider", "slurp", "preview")),
    ("program", ("curl", "wget", "python", "httpx", "go-http", "okhttp", "node", "axios", "java", "ruby")),
    ("browser", ("mozilla", "opera")),
)


class Observed:
    """Adds an id, timing and the security headers to every HTTP answer; logs one event `request` for each."""

    def __init__(
        self, app: ASGIApp, public_url: str = "", limits: Limits | None = None, *, private: bool = False
    ) -> None:
        self._app = app
        self._private = private
        self._missing = partial(missing_headers, public_url=public_url, private=private)
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        trace = Trace(scope, headers, perf_counter(), request_id(headers))
        is_head = scope["method"] == "HEAD"  # answered as GET is, without the body (RFC 9110, 9.3.2)
        shows_token = b"authorization" in headers
        CURRENT.set(trace)

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.status = message["status"]
                if shows_token and self._limits and trace.status == _UNAUTHORIZED:
                    self._limits.note_wrong(trace)
                added = [] if trace.is_safe else self._missing(message["headers"])
                own = [(b"x-request-id", trace.id.encode()), (b"server-timing", server_timing(trace).encode())]
                message["headers"] = [*message["headers"], *own, *added]
            elif is_head:
                message = {**message, "body": b""}
            else:
                trace.sent += len(message.get("body", b""))
            await send(message)

        try:
            refused = refusal(scope, headers) or (self._too_many_wrong(trace) if shows_token else None)
            if refused:
                await refused.document()(scope, receive, observed)
            elif not self._private and is_preflight(scope, headers):
                await Response(None, 204, _decoded(PREFLIGHT))(scope, receive, observed)
            else:
                await self._app({**scope, "method": "GET"} if is_head else scope, receive, observed)
        finally:
            if EVENTS.isEnabledFor(logging.INFO):
                _log(trace)

    def _too_many_wrong(self, trace: Trace) -> Problem | None:
        try:
            if self._limits:
                self._limits.check_wrong(trace)
        except RateLimited as error:
            return of_error(error)
        return None


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """Returns the request's id from the platform or client if it is well formed, else a new one."""
    for name in _SENT_ID:
        if (sent := headers.get(name)) and _SANE_ID.fullmatch(sent):
            return sent.decode()
    return f"{_PROCESS}-{next(_NUMBERS):06x}"


def server_timing(trace: Trace) -> str:
    """Returns the time until the answer starts, and its parts, in ms (https://www.w3.org/TR/server-timing/)."""
    total = f"total;dur={(perf_counter() - trace.started) * 1000:.1f}"
    if not trace.spans:
        return total
    return ", ".join([total, *(f"{name};dur={seconds * 1000:.1f}" for name, seconds in trace.spans.items())])


@lru_cache(maxsize=256)
def client_kind(agent: bytes) -> str:
    """Returns the kind of client of a `User-Agent`: monitor, reader, bot, program, browser or other."""
    lowered = agent[:_MOST_AGENT].decode("latin-1").lower()
    return next((kind for kind, parts in _CLIENTS if any(part in lowered for part in parts)), "other")


def _log(trace: Trace) -> None:
    """Log one line, without the query, which may contain a key, and without the client's address."""
    scope: Mapping[str, Any] = trace.scope
    found = _FEED.fullmatch(scope["path"])
    log_event(
        "request",
        method=scope["method"][:20],
        path=scope["path"][:_SHOWN],
        status=trace.status,
        ms=round((perf_counter() - trace.started) * 1000, 2),
        bytes=trace.sent,
        feed=found["feed"] if found else None,
        format=found["format"] if found else None,
        cache=trace.cache or None,
        client=client_kind(trace.headers.get(b"user-agent", b"")[:_MOST_AGENT]),
        id=trace.id,
    )
