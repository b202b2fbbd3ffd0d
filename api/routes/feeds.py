"""The feeds: their list, each as RSS, Atom and JSON Feed, those with rules in the URL, and the bot's addresses."""

from dataclasses import dataclass, replace
from datetime import datetime
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api import openapi
from api.resource import Document, Loaded, answer, find, make_document, published, respond, slot_of, updated, wire_of
from api.urls import base_url, feed_url, link_header, next_url, page_url, raw_query, self_url
from core.config.url_rules import check_fetched, read_custom
from core.model.entries import feeds_of
from core.model.errors import UnknownName
from core.model.feed import Entry, Feed
from core.model.manifest import Manifest
from core.model.notice import Notice, notice_of
from core.model.query import Condition, Query, parse_query
from core.model.review import best_rows
from core.render.items import Channel
from core.render.shapes import to_json
from core.store import keys
from core.views.entries import batch_summaries

if TYPE_CHECKING:
    from core.render.items import Item

router = APIRouter(tags=["feeds"], default_response_class=Response)
_MOVED = 301  # readers change the address of their subscription


@dataclass(frozen=True, slots=True)
class Format:
    """A feed format: its media type, its name, and where its renderer is, which is imported when it is first used."""

    media_type: str
    label: str
    renderer: str

    def render(self, channel: Channel, entries: tuple[Entry, ...], notice: "Item | None") -> bytes:
        """The feed as a document in this format, with a notice before its entries if there is one."""
        from core.render.items import entry_items  # not at a cold start

        items = entry_items(entries, in_full=self.media_type.endswith("json"))
        body: bytes = resolve_name(self.renderer)(channel, [notice, *items] if notice else items)
        return body


FORMATS = {
    "rss": Format("application/rss+xml", "RSS", "core.render.syndication:rss_of"),
    "atom": Format("application/atom+xml", "Atom", "core.render.syndication:atom_of"),
    "json": Format("application/feed+json", "JSON Feed", "core.render.feeds:jsonfeed_of"),
}
_FORMAT = openapi.of_path("format", f"one of {', '.join(FORMATS)}", "rss")
_NAME = openapi.of_path("name", "the name of a feed", "main")
_CATEGORY = openapi.of_path("category", "a category of the main feed", "cs.DC")


@router.get("/api/feeds", summary="List the feeds", responses=openapi.LIST_OF_FEEDS)
async def list_feeds(request: Request) -> Response:
    """All feeds with their rules and addresses, and the state of each date's batch."""
    wire = wire_of(request)
    manifest = await wire.manifest()
    feeds = [_describe(request, feed) for feed in wire.feeds.values()]
    body = to_json({"feeds": feeds, "batches": batch_summaries(manifest), "generated": manifest.updated})
    return respond(request, make_document(body, "application/json", updated(manifest)), manifest)


@router.get("/api/feeds.opml", summary="All feeds as OPML, for readers to import", responses=openapi.OPML)
async def get_opml(request: Request) -> Response:
    """The feeds as an outline: what to import into a reader to subscribe to all of them."""
    from core.render.syndication import Outline, render_opml

    wire = wire_of(request)
    manifest = await wire.manifest()
    outlines = [
        Outline(_title(request, feed), feed_url(request, f"/api/feeds/{feed.name}.rss"), _home(request, feed))
        for feed in wire.feeds.values()
    ]
    changed = updated(manifest)
    if rows := best_rows(await wire_of(request).reviews.rows_if_known()):
        home = feed_url(request, "/reviews")
        outlines.append(Outline(f"Reviews · {wire.title}", feed_url(request, "/api/reviews.rss"), home))
        changed = max(changed, datetime.fromisoformat(rows[-1].updated))  # when there was the first one
    freshness = wire.freshness(manifest)
    document = make_document(render_opml(wire.title, outlines, changed), "text/x-opml", changed)
    return answer(request, document, freshness.seconds, freshness.warning)


@router.get(
    "/api/feeds/custom.{format}",
    summary="A feed with its rules in the URL",
    responses=openapi.FEED,
    openapi_extra={"parameters": [_FORMAT, *openapi.RULE_PARAMETERS]},
)
async def get_custom(request: Request) -> Response:
    """Stored batches scored by rules in the URL: `?category=cs.DC&keywords=KV cache:3,prefill&min_score=2`.

    Keywords are separated by commas, each with its weight after a colon. All filters apply beside the rules. Nothing is
    fetched for such a feed: its categories have to be among those of this wire's own feeds.
    """
    wire, format_name = wire_of(request), request.path_params["format"]
    custom = read_custom(raw_query(request))
    query = parse_query(custom.filters)
    slot = keys.custom(custom.feed.fingerprint, query.canonical, format_name)
    await wire.manifest(also=slot)
    check_fetched(custom.feed, wire.rules.categories)
    return await _publish(request, custom.feed, format_name, query, slot=slot, budget=keys.CUSTOM_BUDGET)


@router.get(
    "/api/feeds/{name}.{format}",
    summary="A feed as RSS, Atom or JSON Feed",
    responses=openapi.NAMED_FEED,
    openapi_extra={"parameters": [_NAME, _FORMAT, *openapi.FILTERS]},
)
async def get_feed(request: Request) -> Response:
    """The best papers of each day, newest day first, best paper first.

    Every filter applies; what the request does not name is as the feed's owner set it. A feed that was renamed is
    found under its old address too, by a permanent redirect.
    """
    name, format_name = request.path_params["name"], request.path_params["format"]
    query = parse_query(raw_query(request))
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    if name not in wire.feeds and (now := wire.rules.saved.name_now(name)) in wire.feeds:
        return _moved(request, f"/api/feeds/{now}.{format_name}")
    return await _publish(request, wire.feed(name), format_name, query)


@router.get(
    "/rss", summary="The main feed as RSS", responses=openapi.RSS, openapi_extra={"parameters": openapi.FILTERS}
)
async def get_rss(request: Request) -> Response:
    """The same as the first feed's RSS."""
    query = parse_query(raw_query(request))
    await wire_of(request).manifest(also=slot_of(request))
    return await _publish(request, wire_of(request).main, "rss", query)


@router.get(
    "/rss/{category}",
    summary="One category of the main feed as RSS",
    responses=openapi.RSS,
    openapi_extra={"parameters": [_CATEGORY, *openapi.FILTERS]},
)
async def get_rss_of_category(request: Request) -> Response:
    """The papers of the main feed that are listed in one of its categories."""
    query = parse_query(raw_query(request))
    await wire_of(request).manifest(also=slot_of(request))
    main, category = wire_of(request).main, request.path_params["category"]
    if category not in main.categories:
        raise UnknownName("category", category, main.categories)
    of_category = Condition("category", "=", (category,))
    return await _publish(request, main, "rss", replace(query, conditions=(*query.conditions, of_category)))


async def _publish(
    request: Request, feed: Feed, format_name: str, query: Query, *, slot: str = "", budget: str = ""
) -> Response:
    if format_name not in FORMATS:
        raise UnknownName("feed format", format_name, tuple(FORMATS))
    wire = wire_of(request)
    feeds_of(wire.feeds, query)  # refuses the name of a feed that there is not
    manifest = await wire.ready()

    # What is told of missing days belongs to the beginning of a feed; pages behind it go on with what is there
    told = None if query.cursor else notice_of(manifest, feed, wire.clock())

    def render(manifest: Manifest, loaded: Loaded) -> Document:
        shown = find(loaded, query, capped=True)
        channel = _channel(request, feed, manifest, shown.next)
        body = FORMATS[format_name].render(channel, shown.entries, _notice(request, feed, told))
        links = {"self": channel.self_url} | ({"hub": channel.hub} if channel.hub else {})
        return make_document(body, FORMATS[format_name].media_type, updated(manifest), link_header(links))

    key = (format_name, query.canonical, self_url(request), told.lines if told else ())
    slot = slot or slot_of(request)
    document = await published(wire, manifest, [feed], query, key, render, slot=slot, budget=budget)
    return respond(request, document, manifest)


def _notice(request: Request, feed: Feed, told: Notice | None) -> "Item | None":
    if told is None:
        return None
    from core.render.items import notice_item  # not at a cold start

    return notice_item(told, feed, _home(request, feed))


def _channel(request: Request, feed: Feed, manifest: Manifest, cursor: str) -> Channel:
    wire, base = wire_of(request), base_url(request)
    return Channel(
        id=f"{base}/api/feeds/{feed.name}",
        title=_title(request, feed),
        description=feed.description or f"arXiv papers in {', '.join(feed.categories)}",
        home_url=_home(request, feed),
        self_url=self_url(request),
        updated=updated(manifest),
        next_url=next_url(request, cursor),
        icon=f"{base}/icon.png",
        hub=str(wire.settings.websub_hub or ""),
    )


def _title(request: Request, feed: Feed) -> str:
    return f"{feed.title} · {wire_of(request).title}"


def _home(request: Request, feed: Feed) -> str:
    """The page of a feed; that of rules in a URL is where they are made."""
    if feed.name in wire_of(request).feeds:
        return feed_url(request, f"/feeds/{feed.name}")
    return feed_url(request, f"/build?{raw_query(request)}")


def _moved(request: Request, path: str) -> Response:
    raw = raw_query(request)
    return RedirectResponse(page_url(request, path + (f"?{raw}" if raw else "")), _MOVED)


def _describe(request: Request, feed: Feed) -> dict[str, Any]:
    path = f"/api/feeds/{feed.name}"
    return {
        "name": feed.name,
        **feed.to_plain(),
        "links": {name: feed_url(request, f"{path}.{name}") for name in FORMATS}
        | {
            "digest": feed_url(request, f"/api/digests/{feed.name}/latest.md"),
            "digests": feed_url(request, f"/api/digests/{feed.name}.rss"),
        }
        | {"page": _home(request, feed), "papers": feed_url(request, f"/api/papers?feed={feed.name}")},
    }
