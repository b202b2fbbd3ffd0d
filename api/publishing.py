"""From a request to a document: what the routes of feeds and papers share."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import Request

from api.conditional import Document, make_document
from api.limits import RENDERING, RULES, current_client, doing
from api.links import own_path, raw_query
from api.trace import note_cache, span
from core.domain.errors import RateLimited, StoreError
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
OVERHEAD = 2_000  # bytes that a document takes in memory beside its body, at most


def wire_of(request: Request) -> Wire:
    """The wire of the application that serves `request`."""
    wire: Wire = request.app.state.wire
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
    wire: Wire,
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
                wire.outbox.add({slot: (await asyncio.to_thread(_to_value, identity, made), keys.RENDERED_SECONDS)})
            return made

        document = await _together(wire, identity, work)
        wire.rendered.put(identity, document, len(document.body) + OVERHEAD)
    if not wire.current.unconfirmed:
        await wire.outbox.flush()
    return document


def _cost(wire: Wire, slot: str, budget: str) -> int:
    """What it costs a client to have something made: nothing where there are only so many such addresses.

    Where the public address is not known, everything there is can be asked for under any name of a host.
    """
    if budget:
        return RULES
    return 0 if slot and wire.settings.public_url else RENDERING


async def _together(wire: Wire, identity: str, work: Callable[[], Coroutine[Any, Any, Document]]) -> Document:
    """What `work` makes, once for all that want it now: unless that was for a client that may not have more."""
    try:
        document: Document = await wire.rendering.get(identity, work)
    except RateLimited as error:
        if error.client == current_client():
            raise
        document = await wire.rendering.get(identity, work)
    return document


async def _allows(wire: Wire, budget: str) -> bool:
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
    document = make_document(body, str(plain["media_type"]), updated, str(plain["link"]))
    if document.etag != plain["etag"]:
        raise ValueError("the bytes are not those of the ETag")
    return document


def find(loaded: Loaded, query: Query, *, capped: bool) -> Page:
    """The page of `query` over feeds, each with its own thresholds where the query sets none."""
    found = [entry for feed, entries in loaded for entry in choose(feed, entries, query, capped=capped)]
    return page(found, query)
