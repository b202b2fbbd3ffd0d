"""Answers that can be asked for conditionally: strong ETags over deterministic bytes, 304, HEAD, cache headers."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.domain.manifest import Manifest
from core.wire import Wire

READER_SECONDS = 300  # readers poll no more often than this; some take max-age as their interval, so it is short
STALE_SECONDS = 86_400


_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Browsers shall not guess what they got: problems repeat what was asked
NO_GUESSING = {"X-Content-Type-Options": "nosniff"}
# Of every page: no script but our own, no address of ours (they may hold a key) told to anyone, nothing guessed
PAGE_HEADERS = NO_GUESSING | {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Document:
    """Rendered bytes with what identifies them."""

    body: bytes
    media_type: str
    etag: str
    updated: datetime
    link: str = ""  # the value of a Link header

    @property
    def last_modified(self) -> str:
        """The time of the last change as HTTP writes it."""
        return format_datetime(self.updated, usegmt=True)

    @property
    def headers(self) -> dict[str, str]:
        """What always comes with it, however it is sent."""
        headers = {"ETag": self.etag, "Last-Modified": self.last_modified, **NO_GUESSING}
        headers |= {"Link": self.link} if self.link else {}
        return headers | (PAGE_HEADERS if self.media_type == "text/html" else {})

    @property
    def content_type(self) -> str:
        """All documents are text in UTF-8."""
        return f"{self.media_type}; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Kept:
    """A document with the manifest that it was made from, and how long shared caches may keep it at most (s)."""

    document: Document
    manifest: Manifest
    at_most: int


KEPT = "paperwire.kept"  # where the scope of a request holds what answered it


def make_document(body: bytes, media_type: str, updated: datetime, link: str = "") -> Document:
    """A document with its strong ETag: the hash of its bytes."""
    return Document(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"', updated, link)


def respond(request: Request, document: Document, manifest: Manifest, *, at_most: int = 10**9) -> Response:
    """The document, made from `manifest`, or 304 if the request shows that its client has it.

    Shared caches may take it for true for as long as the wire does, but `at_most` so many seconds; they may serve it
    longer while they ask again. It is noted in the request's scope for `HotPath`, which answers the next ones.
    """
    wire: Wire = request.app.state.wire
    request.scope[KEPT] = Kept(document, manifest, at_most)
    freshness = wire.freshness(manifest)
    return answer(request, document, min(freshness.seconds, at_most), freshness.warning)


def answer(request: Request, document: Document, seconds: int, warning: str = "") -> Response:
    """The document, which shared caches may take for true for so many seconds, or 304; nothing is noted.

    For what changes without the manifest.
    """
    headers = document.headers | {"Cache-Control": cache_control(seconds)}
    if warning:
        headers["Warning"] = f'111 paperwire "{warning}"'  # RFC 7234, 5.5: revalidation failed
    sent = {name: request.headers.get(name) for name in ("If-None-Match", "If-Modified-Since")}
    if is_unchanged(document, sent["If-None-Match"], sent["If-Modified-Since"]):
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = document.content_type
    return Response(document.body, headers=headers)


def cache_control(seconds: int) -> str:
    """For readers a short time, for shared caches `seconds`, and as long as it takes to ask again."""
    return f"public, max-age={min(READER_SECONDS, seconds)}, s-maxage={seconds}, stale-while-revalidate={STALE_SECONDS}"


def is_unchanged(document: Document, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """RFC 9110, 13.2.2: If-None-Match, compared weakly, decides where it is sent; else If-Modified-Since."""
    if if_none_match == document.etag:
        return True
    if if_none_match is not None:
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in known or document.etag in known
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except (ValueError, OverflowError):
        return False
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return document.updated.replace(microsecond=0) <= since


class HeadMiddleware:
    """Answers HEAD wherever GET is answered: with the same headers and no body (RFC 9110, 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a HEAD on as a GET, and keep its body back."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_body)
