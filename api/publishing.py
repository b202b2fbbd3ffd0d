"""From a request to a document: what the routes of feeds and papers share."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote, unquote_plus, urlsplit

from fastapi import Request

from api.conditional import Document, make_document
from core.domain.errors import StoreError
from core.domain.feed import Entry, Feed
from core.domain.fingerprint import fingerprint
from core.domain.manifest import Manifest
from core.domain.page import Page, page
from core.domain.query import Query
from core.domain.selection import choose
from core.store import keys
from core.store.codec import decode_as, encode
from core.wire import Wire

log = logging.getLogger("paperwire")


def wire_of(request: Request) -> Wire:
    """The wire of the application that serves `request`."""
    wire: Wire = request.app.state.wire
    return wire


def raw_query(request: Request) -> str:
    """The query string as it was sent: still encoded, because the grammar splits before it decodes."""
    raw: bytes = request.scope.get("query_string", b"")
    return raw.decode("latin-1")


def own_path(request: Request) -> str:
    """The path below the place where this service is mounted: the same behind any proxy or stage."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", "")) or "/"


def base_url(request: Request) -> str:
    """The public address of this service, without a trailing slash."""
    return wire_of(request).settings.public_url or str(request.base_url).rstrip("/")


def self_url(request: Request) -> str:
    """The address of the request as a client would repeat it, in ASCII."""
    raw = quote(raw_query(request), safe="%&=+,;:@/?!~*'()-._")
    path = quote(own_path(request))
    return f"{base_url(request)}{path}" + (f"?{raw}" if raw else "")


def next_url(request: Request, cursor: str) -> str:
    """The address of the next page, or ""."""
    if not cursor:
        return ""
    url = urlsplit(self_url(request))
    tokens = [token for token in url.query.split("&") if token and not _is_cursor(token)]
    return url._replace(query="&".join([*tokens, f"cursor={cursor}"])).geturl()


def _is_cursor(token: str) -> bool:
    return unquote_plus(token).partition("=")[0].strip() == "cursor"


def updated(manifest: Manifest) -> datetime:
    """When the content last changed: the same on every instance, so that equal content has equal bytes."""
    return datetime.fromisoformat(manifest.updated or "1991-08-14T00:00:00Z").astimezone(UTC)


Loaded = list[tuple[Feed, list[Entry]]]
Make = Callable[[Manifest, Loaded], Document]


async def published(
    request: Request, feeds: list[Feed], query: Query, key: object, make: Make
) -> tuple[Document, Manifest]:
    """The document that `make` renders from what `query` may select of `feeds`, and the manifest it was made from.

    Rendered once, and remembered under `key`. Where the request has no query, it is also stored for other instances:
    one value for each address, so that strangers cannot fill the store.
    """
    wire = wire_of(request)
    slot = "" if raw_query(request) else keys.rendered(own_path(request))
    manifest = await wire.ready(also=slot)
    identity = fingerprint(key, manifest.version, manifest.updated, wire.settings.build)
    document: Document | None = wire.rendered.get(identity)
    if document is None:

        async def work() -> Document:
            if slot and (stored := await _stored(wire, slot, identity)):
                return stored
            loaded = [(feed, await wire.entries(manifest, feed, query)) for feed in feeds]
            made = await asyncio.to_thread(make, manifest, loaded)  # tens of milliseconds, in which others are answered
            if slot:
                wire.outbox.add({slot: (await asyncio.to_thread(_to_value, identity, made), keys.RENDERED_SECONDS)})
            return made

        document = await wire.rendering.get(identity, work)
        wire.rendered.put(identity, document, len(document.body))
    if not wire.current.unconfirmed:
        await wire.outbox.flush()
    return document, manifest


def _to_value(identity: str, document: Document) -> bytes:
    return encode(
        {
            "identity": identity,
            "body": document.body.decode(),
            "media_type": document.media_type,
            "etag": document.etag,
            "updated": document.updated.isoformat(),
        }
    )


async def _stored(wire: Wire, slot: str, identity: str) -> Document | None:
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
    document = make_document(body, str(plain["media_type"]), updated)
    if document.etag != plain["etag"]:
        raise ValueError("the bytes are not those of the ETag")
    return document


def find(loaded: Loaded, query: Query, *, capped: bool) -> Page:
    """The page of `query` over feeds, each with its own thresholds where the query sets none."""
    found = [entry for feed, entries in loaded for entry in choose(feed, entries, query, capped=capped)]
    return page(found, query)
