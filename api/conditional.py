"""Answers that can be asked for conditionally: strong ETags over deterministic bytes, 304, HEAD, cache headers."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READER_SECONDS = 300  # readers poll no more often than this; some take max-age as their interval, so it is short
STALE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Document:
    """Rendered bytes with what identifies them."""

    body: bytes
    media_type: str
    etag: str
    updated: datetime


def make_document(body: bytes, media_type: str, updated: datetime) -> Document:
    """A document with its strong ETag: the hash of its bytes."""
    return Document(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"', updated)


def respond(request: Request, document: Document, fresh_seconds: int) -> Response:
    """The document, or 304 if the request shows that its client has it.

    `fresh_seconds` is how long shared caches may take it for true; they may serve it longer while they ask again.
    """
    headers = {
        "ETag": document.etag,
        "Last-Modified": format_datetime(document.updated, usegmt=True),
        "Cache-Control": f"public, max-age={min(READER_SECONDS, fresh_seconds)}, s-maxage={fresh_seconds}, "
        f"stale-while-revalidate={STALE_SECONDS}",
    }
    if is_unchanged(request, document):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers | {"Content-Type": f"{document.media_type}; charset=utf-8"})


def is_unchanged(request: Request, document: Document) -> bool:
    """RFC 9110, 13.2.2: If-None-Match, compared weakly, decides where it is sent; else If-Modified-Since."""
    if (tags := request.headers.get("If-None-Match")) is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or document.etag in known
    try:
        since = parsedate_to_datetime(request.headers.get("If-Modified-Since", ""))
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
