"""Answers that can be asked for conditionally: strong ETags over deterministic bytes, 304, HEAD, cache headers.

From a request to a document: what the routes of feeds and papers share."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import RENDERING, RULES, current_client, doing
from api.trace import note_cache, span
from api.urls import own_path, raw_query
from core.app import Paperwire
from core.model.entries import choose
from core.model.errors import RateLimited, StoreError
from core.model.feed import Entry, Feed
from core.model.manifest import Manifest
from core.model.pagination import Page, page
from core.model.query import Query
from core.store import keys
from core.store.codec import decode_as, encode
from core.util.signing import fingerprint

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
    wire: Paperwire = request.app.state.wire
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


log = logging.getLogger("paperwire")
OVERHEAD = 2_000  # bytes that a document takes in memory beside its body, at most


def wire_of(request: Request) -> Paperwire:
    """The wire of the application that serves `request`."""
    wire: Paperwire = request.app.state.wire
    return wire


def updated(manifest: Manifest) -> datetime:
    """When the content last changed: the same on every instance, so that equal content has equal bytes."""
    return datetime.fromisoformat(manifest.updated or "1991-08-14T00:00:00Z").astimezone(UTC)


Loaded = list[tuple[Feed, list[Entry]]]
Make = Callable[[Manifest, Loaded], Document]


def slot_of(request: Request) -> str:
    """Where what is served here is stored for other instances: one value for each address without a query."""
    return "" if raw_query(request) else keys.rendered(own_path(request.scope))


async def published(
    wire: Paperwire,
    manifest: Manifest,
    feeds: list[Feed],
    query: Query,
    key: object,
    make: Make,
    *,
    slot: str = "",
    budget: str = "",
) -> Document:
    """The document that `make` renders from what `query` may select of `feeds`, with a `manifest` that is ready.

    Rendered once, and remembered under `key` and all that it depends on; in the store under `slot`, if one is
    given, as long as the `budget` of the day allows, if one is named.
    """
    rules = [feed.fingerprint for feed in feeds]
    identity = fingerprint(key, rules, manifest.version, manifest.updated, wire.settings.build)
    wire.rendered.enter(manifest.version)
    document: Document | None = wire.rendered.get(identity)
    note_cache("rendered")
    if document is None:
        cost = _cost(wire, slot, budget)

        async def work() -> Document:
            if slot and (stored := await _stored(wire, slot, identity)):
                return stored
            note_cache("cold")
            async with doing(cost):
                with span("store"):
                    loaded = [(feed, await wire.entries(manifest, feed, query)) for feed in feeds]
                with span("render"):  # tens of milliseconds, in which others are answered
                    made = await asyncio.to_thread(make, manifest, loaded)
            if slot and (not budget or await _allows(wire, budget)):
                wire.archive.pending.add(
                    {slot: (await asyncio.to_thread(_to_value, identity, made), keys.RENDERED_SECONDS)}
                )
            return made

        document = await _together(wire, identity, work)
        wire.rendered.put(identity, document, len(document.body) + OVERHEAD)
    if not wire.current.unconfirmed:
        await wire.archive.pending.flush()
    return document


def _cost(wire: Paperwire, slot: str, budget: str) -> int:
    """What it costs a client to have something made: nothing where there are only so many such addresses.

    Where the public address is not known, everything there is can be asked for under any name of a host.
    """
    if budget:
        return RULES
    return 0 if slot and wire.settings.public_url else RENDERING


async def _together(wire: Paperwire, identity: str, work: Callable[[], Coroutine[Any, Any, Document]]) -> Document:
    """What `work` makes, once for all that want it now: unless that was for a client that may not have more."""
    try:
        document: Document = await wire.rendering.get(identity, work)
    except RateLimited as error:
        if error.client == current_client():
            raise
        document = await wire.rendering.get(identity, work)
    return document


async def _allows(wire: Paperwire, budget: str) -> bool:
    try:
        return await wire.store.take(budget, 1, keys.CUSTOM_A_DAY, keys.DAY_SECONDS)
    except StoreError as error:
        log.warning("what was rendered is not stored: %s", error)
        return False


def _to_value(identity: str, document: Document) -> bytes:
    return encode(
        {
            "identity": identity,
            "body": document.body.decode(),
            "media_type": document.media_type,
            "etag": document.etag,
            "updated": document.updated.isoformat(),
            "link": document.link,
        }
    )


async def _stored(wire: Paperwire, slot: str, identity: str) -> Document | None:
    """What another instance has rendered, if it is just this document. Never raises: it can be rendered here too."""
    known, data = wire.current.pop(slot)
    if not known and wire.current.doubted:
        return None
    try:
        data = data if known else await wire.store.get(slot)
    except StoreError as error:
        wire.current.doubt(error)
        return None
    try:
        return decode_as(partial(_from_plain, identity), data) if data else None
    except StoreError as error:
        log.warning("a rendered feed in store is of no use: %s", error)
        return None


def _from_plain(identity: str, plain: Mapping[str, str]) -> Document | None:
    if plain["identity"] != identity:
        return None
    updated = datetime.fromisoformat(plain["updated"]).astimezone(UTC)
    body = plain["body"].encode()
    document = make_document(body, str(plain["media_type"]), updated, str(plain["link"]))
    if document.etag != plain["etag"]:
        raise ValueError("the bytes are not those of the ETag")
    return document


def find(loaded: Loaded, query: Query, *, capped: bool) -> Page:
    """The page of `query` over feeds, each with its own thresholds where the query sets none."""
    found = [entry for feed, entries in loaded for entry in choose(feed, entries, query, capped=capped)]
    return page(found, query)
