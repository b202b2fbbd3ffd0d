"""The hot path: what was answered before and still holds is sent from memory, before the framework is asked.

A request through the framework costs several times the sending of its answer, one through the store a hundred times.
"""

from dataclasses import dataclass
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from api.observe import missing_headers
from api.resource import KEPT, Kept, cache_control, is_unchanged
from api.trace import note_cache
from api.urls import SENT_KEY
from core.app import Paperwire
from core.model.manifest import Manifest
from core.util.caches import LRUCache

MOST_BYTES = 32_000_000
MOST_QUERY = 1_000  # bytes of a query that is worth remembering
OVERHEAD = 4_000  # bytes that an answer takes in memory beside its body, at most
_OK, _NOT_MODIFIED = 200, 304


@dataclass(frozen=True, slots=True)
class _Hot:
    """What is kept, until when (`time.monotonic`), and the headers that stay the same, as they are sent."""

    kept: Kept
    until: float
    validators: list[tuple[bytes, bytes]]
    of_body: list[tuple[bytes, bytes]]


def _hot(kept: Kept, public_url: str) -> _Hot:
    document = kept.document
    length, kind = str(len(document.body)), document.content_type
    of_body = [(b"content-length", length.encode()), (b"content-type", kind.encode())]
    validators = [(name.lower().encode(), value.encode()) for name, value in document.headers.items()]
    safe = missing_headers([*validators, *of_body], public_url)
    return _Hot(kept, monotonic() + kept.at_most, [*validators, *safe], of_body)


class HotPath:
    """Remembers by address what GET and HEAD were answered with, for as long as the wire believes its manifest."""

    def __init__(self, app: ASGIApp, wire: Paperwire) -> None:
        self._app = app
        self._wire = wire
        self._memory: LRUCache[_Hot] = LRUCache(limit=MOST_BYTES)
        self._renewing: set[object] = set()
        self._fixed_host = bool(wire.settings.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the framework answer and remember what it sends."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or len(scope["query_string"]) > MOST_QUERY:
            await self._app(scope, receive, send)
            return
        sent: dict[bytes, bytes] = dict(scope["headers"])
        # Links in answers are made from these where no public address is set
        place = None if self._fixed_host else (scope["scheme"], sent.get(b"host"), scope.get("root_path"))
        key = (scope["path"], scope["query_string"], scope.get(SENT_KEY), place, self._wire.phase)
        manifest = self._wire.hot()
        hot = self._memory.get(key) if manifest else None
        if manifest and hot and monotonic() < hot.until and (hot.kept.manifest is manifest or key in self._renewing):
            note_cache("hot")
            await self._answer(hot, manifest, sent, send, with_body=scope["method"] == "GET")
            return
        self._renewing.add(key)  # one waits for what is new; until it is there, the others get what was
        try:
            await self._app(scope, receive, send)
        finally:
            self._renewing.discard(key)
        if self._wire.settings.vercel:
            await self._wire.finish()
        if made := scope.get(KEPT):
            hot = _hot(made, self._wire.settings.public_url)
            self._memory.put(key, hot, len(made.document.body) + OVERHEAD)

    async def _answer(
        self, hot: "_Hot", manifest: Manifest, sent: dict[bytes, bytes], send: Send, *, with_body: bool
    ) -> None:
        document = hot.kept.document
        # What is being replaced, no cache shall keep
        at_most = hot.kept.at_most if hot.kept.manifest is manifest else 1
        seconds = min(self._wire.freshness(manifest).seconds, at_most)
        headers = [*hot.validators, (b"cache-control", cache_control(seconds).encode())]
        if is_unchanged(document, _text(sent.get(b"if-none-match")), _text(sent.get(b"if-modified-since"))):
            await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body"})
            return
        headers += hot.of_body
        await send({"type": "http.response.start", "status": _OK, "headers": headers})
        await send({"type": "http.response.body", "body": document.body if with_body else b""})


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")
