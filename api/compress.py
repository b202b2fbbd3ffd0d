"""Compression of answers for `paperwire serve`, where no platform does it.

An answer is compressed once, and cached by its ETag. A compressed answer has a weak ETag, because a strong one names
the exact bytes (RFC 9110, 8.8.3); conditional requests compare weakly.
"""

import gzip
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.util.caches import LRUCache

LEAST_BYTES = 1_000
REMEMBERED_BYTES = 16_000_000
_LEVEL = 5
_KINDS = (b"text/", b"application/rss+xml", b"application/atom+xml", b"application/feed+json", b"application/json",
          b"application/problem+json", b"image/svg+xml")  # fmt: skip
_Header = tuple[bytes, bytes]


class Compressed:
    """Compresses answers for clients that accept it. Pages of a private copy are not compressed: they contain both its
    key and text of the request, and the compressed length would reveal the key.
    """

    def __init__(self, app: ASGIApp, *, private: bool = False) -> None:
        self._app, self._private = app, private
        self._made: LRUCache[bytes] = LRUCache(REMEMBERED_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = _accepts(value for name, value in scope["headers"] if name == b"accept-encoding")
        start: Message = {}

        async def compressing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = {**message, "headers": list(message.get("headers", ()))}
                return
            if start:
                body = message.get("body", b"")
                fits = not message.get("more_body") and self._fits(start, body)
                headers = [*start["headers"], *([(b"vary", b"accept-encoding")] if fits else [])]
                start["headers"] = headers
                if fits and wanted:
                    message = {**message, "body": self._compressed(headers, body)}
                    start["headers"] = _of_compressed(headers, len(message["body"]))
                elif wanted and start["status"] == 304:
                    start["headers"] = _of_compressed(headers, None)
                await send(start)
                start = {}
            await send(message)

        await self._app(scope, receive, compressing)

    def _fits(self, start: Message, body: bytes) -> bool:
        headers = dict(start["headers"])
        kind = headers.get(b"content-type", b"")
        is_open = not (self._private and kind.startswith(b"text/html"))
        return len(body) >= LEAST_BYTES and kind.startswith(_KINDS) and is_open and b"content-encoding" not in headers

    def _compressed(self, headers: Iterable[_Header], body: bytes) -> bytes:
        etag = dict(headers).get(b"etag")
        made = self._made.get(etag) if etag else None
        if made is None:
            made = gzip.compress(body, _LEVEL, mtime=0)
            if etag:
                self._made.put(etag, made, len(made))
        return made


def _accepts(values: Iterable[bytes]) -> bool:
    """Returns whether a client accepts gzip (RFC 9110, 12.5.3)."""
    for part in b",".join(values).lower().split(b","):
        name, _, weight = part.replace(b" ", b"").partition(b";q=")
        if name in (b"gzip", b"x-gzip", b"*"):
            return weight.strip(b"0.") != b"" or not weight
    return False


def _of_compressed(headers: Iterable[_Header], length: int | None) -> list[_Header]:
    """Returns the headers of a compressed answer; of a 304, without a `length`, only the ETag changes."""
    out = [(name, b"W/" + value.removeprefix(b"W/") if name == b"etag" else value) for name, value in headers]
    if length is None:
        return out
    kept = [(name, value) for name, value in out if name != b"content-length"]
    return [*kept, (b"content-length", str(length).encode()), (b"content-encoding", b"gzip")]
