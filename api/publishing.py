"""From a request to a document: what the routes of feeds and papers share."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus, urlsplit

from fastapi import Request

from api.conditional import Document
from core.domain.feed import Entry, Feed
from core.domain.fingerprint import fingerprint
from core.domain.manifest import Manifest
from core.domain.page import Page, page
from core.domain.query import Query
from core.domain.selection import choose
from core.wire import Wire


def wire_of(request: Request) -> Wire:
    """The wire of the application that serves `request`."""
    wire: Wire = request.app.state.wire
    return wire


def raw_query(request: Request) -> str:
    """The query string as it was sent: still encoded, because the grammar splits before it decodes."""
    raw: bytes = request.scope.get("query_string", b"")
    return raw.decode("latin-1")


def base_url(request: Request) -> str:
    """The public address of this service, without a trailing slash."""
    return wire_of(request).settings.base_url or str(request.base_url).rstrip("/")


def self_url(request: Request) -> str:
    """The address of the request as a client would repeat it, in ASCII."""
    raw = quote(raw_query(request), safe="%&=+,;:@/?!~*'()-._")
    path = quote(request.url.path)
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


async def published(
    wire: Wire, manifest: Manifest, feeds: list[Feed], key: object, make: Callable[[Loaded], Document]
) -> Document:
    """The document that `make` renders from the entries of `feeds`; rendered once, and remembered under `key`."""
    identity = fingerprint(key, manifest.version, manifest.updated)
    document: Document | None = wire.rendered.get(identity)
    if document is None:
        loaded = [(feed, await wire.entries(manifest, feed)) for feed in feeds]
        document = wire.rendered.get(identity) or make(loaded)  # another request may have been quicker
        wire.rendered.put(identity, document, len(document.body))
    return document


def find(loaded: Loaded, query: Query, *, capped: bool) -> Page:
    """The page of `query` over feeds, each with its own thresholds where the query sets none."""
    found = [entry for feed, entries in loaded for entry in choose(feed, entries, query, capped=capped)]
    return page(found, query)
