"""Resources: the readable content of an address. A route declares one, and `serve` does the rest for all of them.

A route parses its address, opens the wire, and declares what to load and how to render it. `serve` checks freshness,
renders once for concurrent requests, and answers conditionally (RFC 9110, 13): strong ETags over deterministic bytes,
304, cache headers. `ResponseCache` holds all rendered documents of a process, and sends valid ones without the
framework, which costs several times as much as sending; a read of the store costs a hundred times as much.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.deadline import step_seconds
from api.errors import Moved
from api.headers import NO_GUESSING, NOT_KEPT, PAGE_HEADERS, SESSION_COOKIE, Header, cache_control, missing_headers
from api.limits import RENDERING
from api.trace import CURRENT, span
from api.urls import SENT_KEY, is_owner, own_path, page_url, raw_query, sent_key, signature_of
from core.app import Paperwire
from core.archive.rendered import StoredDocument
from core.model.entries import feeds_of
from core.model.errors import QueryError, RateLimited, StoreError, UnknownName
from core.model.feed import Feed
from core.model.freshness import Validity
from core.model.lazy import Unread
from core.model.manifest import Manifest
from core.model.paper import PaperId, parse_id
from core.model.query import Query
from core.render.shapes import to_json
from core.util.caches import LRUCache, SingleFlight
from core.util.signing import fingerprint, with_key
from core.views.entries import FeedEntries

log = logging.getLogger("paperwire")

CACHE_BYTES = 16_000_000
OVERHEAD = 4_000  # maximal bytes of an answer in memory beside its body and query
ADDRESS = "paperwire.address"  # the key in a request's scope for its address in the cache
_SESSION = f"{SESSION_COOKIE}=".encode()
_CONDITIONS = frozenset((b"if-none-match", b"if-modified-since"))
_RENDERINGS = 4  # without texts, with those that are used, and with all; one more for a search
Loaded = list[tuple[Feed, FeedEntries]]
T = TypeVar("T")
Work = Callable[[], Coroutine[Any, Any, tuple["Document", str]]]


@dataclass(frozen=True, slots=True)
class Document:
    """Rendered bytes with their validators; `link` is the value of a Link header."""

    body: bytes
    media_type: str
    etag: str
    updated: datetime
    link: str = ""


def make_document(body: bytes, media_type: str, updated: datetime, link: str = "") -> Document:
    """Returns a document with its strong ETag: the hash of its bytes."""
    return Document(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"', updated, link)


@dataclass(frozen=True, slots=True)
class Resource:
    """The content of an address under the rules in force.

    `render` makes its bytes, in a thread, from the loaded values: the entries that `query` may select of `feeds`, or
    the result of `load`. If it is about one `paper` (an identifier), dates without it may be left out. `depends_on`
    lists the inputs beside the address, the rules and the manifest. `updated` is the time of the last change, by
    default that of the manifest; `link` is the value of a Link header.

    `at_most` limits the seconds in shared caches. `volatile`: it may change without the manifest, so each request loads
    it. `shared`: it is stored for other instances if the address has no query, else in `custom_slot`. `limited`: only
    if the day's budget allows it, because strangers can request any number of such. `cost` is taken from the client's
    share when it is rendered. `by_session`: the owner's session gets another answer, which no cache may send for this.
    """

    media_type: str
    render: Callable[[Any], bytes]
    feeds: Sequence[Feed] = ()
    query: Query = Query()  # noqa: RUF009 - immutable
    paper: str = ""
    load: Callable[[], Awaitable[Any]] | None = None
    depends_on: Any = ()
    updated: datetime | None = None
    link: str = ""
    at_most: int = 10**9
    volatile: bool = False
    shared: bool = False
    custom_slot: str = ""
    limited: bool = False
    by_session: bool = False
    cost: int = RENDERING


def wire_of(request: Request) -> Paperwire:
    """Returns the wire of the application that serves `request`."""
    wire: Paperwire = request.app.state.wire
    return wire


async def opened(
    request: Request, *, shared: bool = False, slot: str = "", query: Query | None = None, every_feed: bool = False
) -> Paperwire:
    """Returns the wire with the rules in force.

    A new process reads in the same round trip a stored document of this address, or the indexes of the feeds that
    `query` is about, or of every feed, as far as these are known already.
    """
    wire: Paperwire = request.app.state.wire
    feeds: Sequence[Feed] = tuple(wire.feeds.values()) if every_feed else ()
    if query is not None:
        with suppress(QueryError):  # the owner may have saved that feed
            feeds = feeds_of(wire.feeds, query)
    await wire.snapshot(slot or _slot(request, wire) if shared or slot else "", feeds)
    return wire


def format_of(request: Request, formats: Mapping[str, Any], what: str) -> str:
    """Returns the format that the path names. Raises `UnknownName`."""
    name: str = request.path_params["format"]
    if name not in formats:
        raise UnknownName(what, name, tuple(formats))
    return name


def parse_paper(request: Request) -> PaperId:
    """Returns the identifier that the path names. Raises `UnknownName`."""
    text: str = request.path_params["paper_id"]
    try:
        return parse_id(text)
    except ValueError as error:
        raise UnknownName("paper", text) from error


def find_feed(request: Request, path: str) -> Feed:
    """Returns the feed that the path names. Raises `UnknownName`; `Moved` to `path` with its new name."""
    wire, name = wire_of(request), request.path_params["name"]
    if name not in wire.feeds and (now := wire.rules.saved.name_now(name)) in wire.feeds:
        raw = raw_query(request)
        target = path.format(now) + (f"?{raw}" if raw else "")
        # A signature opens the feed under its former name only; its holder gets that of the new name
        key = sent_key(request) if is_owner(request) else signature_of(request, target)
        raise Moved(with_key(page_url(request, target, keyed=False), key))
    return wire.feed(name)


def answer_once(value: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that no cache keeps: what a command did, or the state of this moment."""
    return Response(to_json(value), status, {**NOT_KEPT, **(headers or {})}, "application/json")


def updated(manifest: Manifest) -> datetime:
    """Returns the time of the last change: equal on all instances, as equal content must have equal bytes."""
    return datetime.fromisoformat(manifest.updated or "1991-08-14T00:00:00Z").astimezone(UTC)


async def serve(request: Request, manifest: Manifest, resource: Resource) -> Response:
    """Answer with the resource under `manifest`, from memory, from the store or newly rendered; 304 if unchanged."""
    wire: Paperwire = request.app.state.wire
    responses: ResponseCache = request.app.state.responses
    trace, address = CURRENT.get(), request.scope[ADDRESS]
    identity = fingerprint(
        repr(address), resource.media_type, resource.depends_on, wire.rules.fingerprint, manifest.version,
        manifest.updated, wire.settings.build,
    )  # fmt: skip
    cached = responses.cached.get(address)
    if cached and cached.identity == identity:
        document, cache = cached.document, "rendered"
    else:
        document, cache = await responses.make(request, identity, partial(_make, request, resource, manifest, identity))
    if trace:
        trace.cache = cache
    if not wire.snapshots.error:
        await wire.archive.pending.flush()
    validity = None if resource.volatile else wire.validity(manifest)
    cached = responses.put(address, document, identity, validity, resource)
    freshness = wire.freshness(manifest)
    sent: dict[bytes, bytes] = dict(request.scope["headers"])
    status, headers, body = cached.answer(sent, min(freshness.seconds, resource.at_most), freshness.warning)
    response = Response(body, status)
    response.raw_headers = headers
    return response


async def _make(request: Request, resource: Resource, manifest: Manifest, identity: str) -> tuple[Document, str]:
    """Returns the document from another instance ("rendered") or newly rendered ("cold")."""
    wire = wire_of(request)
    slot = resource.custom_slot or (_slot(request, wire) if resource.shared else "")
    if slot and (stored := await _stored(wire, slot, identity)):
        return stored, "rendered"
    # Without a configured public address, a client can request all documents under any host name
    is_bounded = resource.shared and slot and wire.settings.public_url
    async with request.app.state.limits.doing(CURRENT.get(), 0 if is_bounded else resource.cost):
        if resource.load:
            with span("store"):
                loaded = await resource.load()
            with span("render"):
                body = await asyncio.to_thread(resource.render, loaded)
        else:
            body = await render_entries(wire, manifest, resource.feeds, resource.query, resource.render, resource.paper)
    document = make_document(body, resource.media_type, resource.updated or updated(manifest), resource.link)
    if slot:
        value = StoredDocument(identity, body, document.media_type, document.etag, document.updated, document.link)
        await wire.archive.rendered.put(slot, value, limited=resource.limited)
    return document, "cold"


async def render_entries(
    wire: Paperwire,
    manifest: Manifest,
    feeds: Sequence[Feed],
    query: Query,
    render: Callable[[Loaded], T],
    paper: str = "",
) -> T:
    """Returns the result of `render`, called in a thread with the entries that `query` may select of `feeds`.

    Texts of papers are read for those entries alone that `render` uses. Then it is called once more; so it must have no
    effects. Raises `StoreError`, `QueryError` and what `render` raises.
    """
    texts = query.by_title
    loaded: Loaded | None = None
    for attempt in range(_RENDERINGS):
        with span("store"):
            if loaded is None:
                texts = texts or attempt == _RENDERINGS - 1
                if not texts:
                    await wire.prefetch(manifest, feeds, paper)
                loaded = [(feed, await wire.entries(manifest, feed, query, texts=texts, paper=paper)) for feed in feeds]
                if query.searches and not await wire.entry_cache.read_searched(found for _, found in loaded):
                    texts, loaded = True, None
                    continue
        try:
            with span("render"):  # tens of milliseconds
                return await asyncio.to_thread(render, loaded)
        except Unread as lacking:
            with span("store"):
                if texts or attempt == _RENDERINGS - 2 or not await wire.entry_cache.read(lacking.wanted):
                    texts, loaded = True, None
    raise StoreError("the store has lost texts of papers")


def _slot(request: Request, wire: Paperwire) -> str:
    """Returns the slot of this document for other instances: one for each address without a query, "" for others."""
    return "" if raw_query(request) else wire.archive.rendered.slot(own_path(request.scope))


async def _stored(wire: Paperwire, slot: str, identity: str) -> Document | None:
    """Returns the stored document if its identity matches, else None. Never raises: it can be rendered again."""
    known, data = wire.snapshots.take(slot)
    if not known and wire.snapshots.is_failing:
        return None
    try:
        data = data if known else await wire.archive.rendered.get(slot)
    except StoreError as error:
        wire.snapshots.fail(error)
        return None
    if (stored := wire.archive.rendered.decode(slot, data, identity)) is None:
        return None
    document = make_document(stored.body, stored.media_type, stored.updated, stored.link)
    if document.etag == stored.etag:
        return document
    log.warning("a stored document cannot be used: its bytes are not those of its ETag")
    return None


@dataclass(frozen=True, slots=True)
class Cached:
    """A document with the `identity` of all its inputs, and its fixed headers.

    It may be sent without a check while `validity` is the wire's own, and until a time (`time.monotonic`); never if
    `validity` is None.
    """

    document: Document
    identity: str
    validity: Validity | None
    at_most: int
    until: float
    validators: list[Header]
    of_body: list[Header]
    private: bool

    def answer(self, sent: Mapping[bytes, bytes], seconds: int, warning: str = "") -> tuple[int, list[Header], bytes]:
        """Returns status, headers and body for a request with headers `sent`; shared caches keep it for `seconds`."""
        if trace := CURRENT.get():
            trace.is_safe = True
        headers = [*self.validators, (b"cache-control", cache_control(seconds, private=self.private).encode())]
        if warning:
            headers.append((b"warning", f'111 paperwire "{warning}"'.encode()))  # RFC 7234, 5.5: revalidation failed
        if not _CONDITIONS.isdisjoint(sent) and self._is_known(sent):
            return 304, headers, b""
        return 200, headers + self.of_body, self.document.body

    def _is_known(self, sent: Mapping[bytes, bytes]) -> bool:
        """Returns whether the client has the document, by If-None-Match, else If-Modified-Since (RFC 9110, 13.2.2)."""
        if (if_none_match := sent.get(b"if-none-match")) is not None:
            tags = {tag.strip().removeprefix("W/") for tag in if_none_match.decode("latin-1").split(",")}
            return "*" in tags or self.document.etag in tags
        try:
            since = parsedate_to_datetime(sent[b"if-modified-since"].decode("latin-1"))
        except (ValueError, OverflowError):
            return False
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        return self.document.updated.replace(microsecond=0) <= since


class ResponseCache:
    """Caches answers to GET and HEAD by address, and sends them while they are valid.

    When the manifest changes, one request renders each answer again; meanwhile the others get the previous one.
    """

    def __init__(self, app: ASGIApp, wire: Paperwire) -> None:
        self._app, self._wire = app, wire
        self._public_url, self._private = wire.settings.public_url, bool(wire.settings.feed_key)
        self.cached: LRUCache[Cached] = LRUCache(limit=CACHE_BYTES)
        self._making: SingleFlight[tuple[Document, str]] = SingleFlight()
        self._renewing: set[object] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, else pass the request to the framework."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        sent: dict[bytes, bytes] = dict(scope["headers"])
        # Links in answers use the public address, or without one, the request's own
        place = self._public_url or (scope["scheme"], sent.get(b"host"), scope.get("root_path"))
        address = (scope["path"], scope["query_string"], scope.get(SENT_KEY), place)
        validity = self._wire.peek()
        is_owners = _SESSION in sent.get(b"cookie", b"")  # perhaps: the page checks
        cached = self.cached.get(address) if validity and not is_owners else None
        if validity and cached and cached.validity and monotonic() < cached.until:
            is_valid = cached.validity is validity
            if is_valid or address in self._renewing:
                if trace := CURRENT.get():
                    trace.cache = "hot"
                # Caches must not keep an answer that is being replaced
                seconds = min(self._wire.freshness(validity.manifest).seconds, cached.at_most if is_valid else 1)
                status, headers, body = cached.answer(sent, seconds)
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        scope[ADDRESS] = address
        self._renewing.add(address)
        try:
            await self._app(scope, receive, send)
        finally:
            self._renewing.discard(address)
        piece = self._wire.begin_piece(step_seconds(scope, self._wire.settings))
        if self._wire.settings.vercel:  # it stops the instance after the request
            await self._wire.finish()
            if piece:
                await asyncio.wait([piece])

    async def make(self, request: Request, identity: str, work: Work) -> tuple[Document, str]:
        """Returns the result of `work`, run once for concurrent requests; again if its client has reached its limit."""
        try:
            return await self._making.get(identity, work)
        except RateLimited as error:
            trace = CURRENT.get()
            if trace is None or error.client == request.app.state.limits.client(trace):
                raise
            return await self._making.get(identity, work)

    def put(
        self, address: Any, document: Document, identity: str, validity: Validity | None, resource: Resource
    ) -> Cached:
        """Cache the answer of an address."""
        named = {"ETag": document.etag, "Last-Modified": format_datetime(document.updated, usegmt=True), **NO_GUESSING}
        named |= {"Link": document.link} if document.link else {}
        named |= PAGE_HEADERS if document.media_type == "text/html" else {}
        named |= {"Vary": "Cookie"} if resource.by_session else {}
        at_most = resource.at_most
        validators = [(name.lower().encode(), value.encode()) for name, value in named.items()]
        of_body = [
            (b"content-length", str(len(document.body)).encode()),
            (b"content-type", f"{document.media_type}; charset=utf-8".encode()),
        ]
        validators += missing_headers([*validators, *of_body], self._public_url, private=self._private)
        cached = Cached(
            document, identity, validity, at_most, monotonic() + at_most, validators, of_body, self._private
        )
        self.cached.put(address, cached, len(document.body) + len(address[1]) + OVERHEAD)
        return cached
