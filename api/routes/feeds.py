"""The feeds: their list, each as RSS, Atom and JSON Feed, custom feeds, and the keyword bot's addresses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.limits import RENDERING, RULES
from api.resource import Loaded, Resource, find_feed, format_of, opened, serve, updated, wire_of
from api.urls import base_url, feed_url, link_header, next_url, raw_query, self_url
from api.vote_links import linked
from core.config.url_rules import not_fetched, read_custom
from core.model.categories import find_category, listed
from core.model.digest import DigestOptions, read_digest_options
from core.model.entries import ALL, choose, feeds_of
from core.model.errors import QueryError, UnknownName
from core.model.feed import Feed
from core.model.manifest import Manifest
from core.model.notice import Notice, not_fetched_notice, notice_of
from core.model.query import Condition, Query, parse_query
from core.model.review import best_rows
from core.model.sources import scope_of
from core.render.feeds import render_feed
from core.render.items import Channel, Item, entry_items, notice_item
from core.render.shapes import to_json
from core.views.entries import batch_summaries, select_merged, select_page

router = APIRouter(tags=["feeds"], default_response_class=Response)
_BADGE = "image/svg+xml"
_BADGE_SECONDS = 3600  # in shared caches: states change before batches do


class Format(NamedTuple):
    """A feed format: its media type and its name."""

    media_type: str
    label: str


FORMATS = {
    "rss": Format("application/rss+xml", "RSS"),
    "atom": Format("application/atom+xml", "Atom"),
    "json": Format("application/feed+json", "JSON Feed"),
}
_FORMAT = openapi.of_path("format", f"one of {', '.join(FORMATS)}", "rss")
_NAME = openapi.of_path("name", "the name of a feed", "main")
_CATEGORY = openapi.of_path("category", "a category of the main feed", "cs.DC")


@router.get("/api/feeds", summary="List the feeds", responses=openapi.LIST_OF_FEEDS)
async def list_feeds(request: Request) -> Response:
    """All feeds with their rules and URLs, and the state of each date's batch."""
    wire = await opened(request)
    manifest = await wire.manifest()

    def render(_: Loaded) -> bytes:
        feeds = [_describe(request, feed) for feed in wire.feeds.values()]
        return to_json({"feeds": feeds, "batches": batch_summaries(manifest), "generated": manifest.updated})

    return await serve(request, manifest, Resource("application/json", render, cost=0))


@router.get("/api/feeds.opml", summary="All feeds as OPML, for readers to import", responses=openapi.OPML)
async def get_opml(request: Request) -> Response:
    """The feeds as an OPML outline, to import into a feed reader."""
    wire = await opened(request)
    manifest = await wire.manifest()
    changed, reviews = updated(manifest), best_rows(await wire.reviews.rows_if_known())
    if reviews:
        changed = max(changed, datetime.fromisoformat(reviews[-1].updated))  # the first review adds an outline

    def render(_: Loaded) -> bytes:
        from core.render.syndication import Outline, render_opml

        outlines = [
            Outline(_title(request, feed), feed_url(request, f"/api/feeds/{feed.name}.rss"), _home(request, feed))
            for feed in wire.feeds.values()
        ]
        if reviews:
            home = feed_url(request, "/reviews")
            outlines.append(Outline(f"Reviews · {wire.title}", feed_url(request, "/api/reviews.rss"), home))
        return render_opml(wire.title, outlines, changed)

    key = (bool(reviews), changed.isoformat())
    return await serve(
        request, manifest, Resource("text/x-opml", render, depends_on=key, updated=changed, volatile=True, cost=0)
    )


@router.get(
    "/api/feeds/custom.{format}",
    summary="A feed with its rules in the URL",
    responses=openapi.FEED,
    openapi_extra={"parameters": [_FORMAT, *openapi.RULE_PARAMETERS]},
)
async def get_custom(request: Request) -> Response:
    """Stored batches scored by rules in the URL: `?category=cs.DC&keywords=KV cache:3,prefill&min_score=2`.

    Keywords are separated by commas, each with its weight after a colon. All filters apply in addition. Nothing is
    fetched for such a feed: if none of this wire's own feeds has one of its categories, it begins with a notice.
    """
    custom = read_custom(raw_query(request))
    query = _query_of_feed(request, custom.filters)
    rendered, format_name = wire_of(request).archive.rendered, request.path_params["format"]
    slot = rendered.custom_slot(custom.feed.fingerprint, query.canonical, format_name)
    wire = await opened(request, slot=slot)
    format_name = format_of(request, FORMATS, "feed format")
    missing = not_fetched(custom.feed.categories, wire.rules.categories)
    notice = not_fetched_notice(missing, wire.due.date, wire.clock()) if missing else None
    return await _serve_feed(request, custom.feed, query, format_name, custom_slot=slot, notice=notice)


@router.get(
    "/api/feeds/all.{format}",
    summary="All feeds in one",
    responses=openapi.FEED,
    openapi_extra={"parameters": [_FORMAT, *openapi.FILTERS]},
)
async def get_all(request: Request) -> Response:
    """The papers of all feeds, each once, from the feed that gives it most points; `feed=main,storage` selects feeds.
    Newest day first, best score first. A feed with the name `all` replaces this one.
    """
    query = parse_query(raw_query(request))
    wire, format_name = await opened(request, shared=True), format_of(request, FORMATS, "feed format")
    if own := wire.feeds.get(ALL):
        return await _serve_feed(request, own, query, format_name)
    feeds = feeds_of(wire.feeds, query) if query.names("feed") else list(wire.feeds.values())
    categories = tuple(dict.fromkeys(name for feed in feeds for name in feed.categories))
    title = "All feeds" if len(feeds) == len(wire.feeds) else " and ".join(feed.title for feed in feeds)
    description = f"The papers of {', '.join(feed.title for feed in feeds)}"
    merged = Feed(ALL, title, categories, description, source=feeds[0].source if len(feeds) == 1 else "arxiv")
    return await _serve_feed(request, merged, query, format_name, feeds=feeds)


@router.get(
    "/api/feeds/{name}.{format}",
    summary="A feed as RSS, Atom or JSON Feed",
    responses=openapi.NAMED_FEED,
    openapi_extra={"parameters": [_NAME, _FORMAT, *openapi.FILTERS]},
)
async def get_feed(request: Request) -> Response:
    """The best papers of each day, newest day first, best paper first.

    Every filter applies; the owner's settings are the defaults. The former address of a renamed feed redirects
    permanently.
    """
    query = _query_of_feed(request, raw_query(request))
    await opened(request, shared=True)
    feed = find_feed(request, f"/api/feeds/{{}}.{request.path_params['format']}")
    return await _serve_feed(request, feed, query, format_of(request, FORMATS, "feed format"))


@router.get(
    "/rss", summary="The main feed as RSS", responses=openapi.RSS, openapi_extra={"parameters": openapi.FILTERS}
)
async def get_rss(request: Request) -> Response:
    """The first feed as RSS."""
    query = _query_of_feed(request, raw_query(request))
    return await _serve_feed(request, (await opened(request, shared=True)).main, query, "rss")


@router.get(
    "/rss/{category}",
    summary="One category of the main feed as RSS",
    responses=openapi.RSS,
    openapi_extra={"parameters": [_CATEGORY, *openapi.FILTERS]},
)
async def get_rss_of_category(request: Request) -> Response:
    """The papers of the main feed in one of its categories, or in a category of one of its archives."""
    query = _query_of_feed(request, raw_query(request))
    main, named = (await opened(request, shared=True)).main, request.path_params["category"]
    category = find_category(named)
    if not category or not listed(category, main.categories):
        raise UnknownName("category", named, main.categories)
    of_category = Condition("category", "=", (category,))
    return await _serve_feed(
        request, main, replace(query, conditions=(*query.conditions, of_category)), "rss", limited=True
    )


def _query_of_feed(request: Request, raw: str) -> Query:
    """Returns the filters of a request for one feed. Raises `QueryError`, also if it names feeds."""
    query = parse_query(raw)
    for condition in query.conditions:
        if condition.field == "feed":
            names = ",".join(condition.values)
            message = f"this is one feed already; /api/feeds/all.rss?feed={names} merges feeds"
            raise QueryError(condition.token, message, tuple(wire_of(request).feeds))
    return query


async def _serve_feed(
    request: Request,
    feed: Feed,
    query: Query,
    format_name: str,
    *,
    custom_slot: str = "",
    feeds: Sequence[Feed] = (),
    notice: Notice | None = None,
    limited: bool = False,
) -> Response:
    """Answer with the document of `feed`, merged from `feeds` if any are given. It begins with the `notice`, or with a
    notice of missing days.
    """
    wire, media_type = wire_of(request), FORMATS[format_name].media_type
    manifest = await wire.ready()
    # Only the first page has the notice of missing days
    notice = None if query.cursor else notice or notice_of(manifest, feed, wire.clock())
    links = linked(request, feed) if wire.feeds.get(feed.name) == feed else None  # of no merged or custom feed
    home, hub = _home(request, feed), str(wire.settings.websub_hub or "")

    def render(loaded: Loaded) -> bytes:
        shown = select_merged(loaded, query) if feeds else select_page(loaded, query, capped=True)
        channel = make_channel(
            request,
            f"/api/feeds/{feed.name}",
            title=_title(request, feed),
            description=_scope(feed),
            home_url=home,
            updated=updated(manifest),
            next_url=next_url(request, shown.next),
            hub=hub,
        )
        items = entry_items(shown.entries, in_full=format_name == "json", links=links)
        return render_feed(format_name, channel, [notice_item(notice, feed, home), *items] if notice else items)

    resource = Resource(
        media_type,
        render,
        feeds=feeds or [feed],
        query=query,
        depends_on=notice.lines if notice else (),
        link=feed_links(request, hub),
        shared=not custom_slot,
        custom_slot=custom_slot,
        limited=limited or bool(custom_slot),
        cost=RULES if custom_slot else RENDERING,
    )
    return await serve(request, manifest, resource)


@router.get(
    "/badge/{name}.svg",
    summary="A feed's newest day as a picture",
    responses=openapi.BADGE,
    openapi_extra={"parameters": [_NAME]},
)
async def get_badge(request: Request) -> Response:
    """The number of entries of the feed's newest day, and the state of its batch, as an SVG for other pages."""
    wire = await opened(request, shared=True)
    feed = wire.feed(request.path_params["name"])
    manifest, due = await wire.ready(), wire.due.date

    def render(loaded: Loaded) -> bytes:
        from core.render.pictures import render_badge  # not at a cold start

        newest = (manifest.of(feed.source) or manifest.stored)[0]
        of_day = [entry for _, found in loaded for entry in found.entries if entry.announced == newest.date]
        count = len(choose(feed, of_day, Query(), capped=True))
        missing = manifest.get(due).state if feed.source == "arxiv" and due > newest.date else ""
        return render_badge(feed.name, newest, count, missing)

    resource = Resource(_BADGE, render, feeds=[feed], depends_on=due.isoformat(), at_most=_BADGE_SECONDS, shared=True)
    return await serve(request, manifest, resource)


@dataclass(frozen=True, slots=True)
class Series:
    """A feed that is made from the days of one: its `manifest`, and what the request says of its form."""

    feed: Feed
    manifest: Manifest
    options: DigestOptions
    format_name: str

    @property
    def language(self) -> str:
        """The language of headings."""
        return self.options.language or self.feed.language


async def serve_series(
    request: Request,
    name: str,
    make: Callable[[Series, Loaded], list[Item]],
    *,
    parameters: Sequence[str] = ("language",),
    title: Callable[[Series], str] = lambda series: series.feed.title,
    source: str = "",
    query: Query = Query(),  # noqa: B008 - immutable
    shared: bool = False,
) -> Response:
    """Answer with the series of that `name` ("" or "/weeks") among the digests of a feed; `make` makes its entries.

    They are loaded of the feed, and of the others of that `source` if one is named. A `shared` one is stored, and
    announced to the hub.
    """
    format_name = format_of(request, FORMATS, "feed format")
    options = read_digest_options(raw_query(request), parameters)
    wire = await opened(request, shared=shared)
    feed = find_feed(request, f"/api/digests/{{}}{name}.{format_name}")
    series = Series(feed, await wire.ready(), options, format_name)
    others = [one for one in wire.feeds.values() if one.source == source and one.name != feed.name]
    hub = str(wire.settings.websub_hub or "") if shared else ""

    def render(loaded: Loaded) -> bytes:
        channel = make_channel(
            request,
            f"/api/digests/{feed.name}{name}",
            title=f"{title(series)} · {wire.title}",
            description=_scope(feed),
            home_url=feed_url(request, f"/feeds/{feed.name}"),
            updated=updated(series.manifest),
            language=series.language,
            hub=hub,
        )
        return render_feed(format_name, channel, make(series, loaded))

    resource = Resource(
        FORMATS[format_name].media_type,
        render,
        feeds=[feed, *others],
        query=query,
        link=feed_links(request, hub),
        shared=shared,
    )
    return await serve(request, series.manifest, resource)


def make_channel(request: Request, path: str, **more: Any) -> Channel:
    """Returns the head of the feed at this URL, with the URL of `path` as its identifier."""
    base = base_url(request)
    return Channel(id=f"{base}{path}", self_url=self_url(request), icon=f"{base}/icon.png", **more)


def feed_links(request: Request, hub: str = "") -> str:
    """Returns the value of the header Link of a feed."""
    return link_header({"self": self_url(request)} | ({"hub": hub} if hub else {}))


def _scope(feed: Feed) -> str:
    """Returns the description of a feed, by default its source and categories."""
    return feed.description or scope_of(feed.source, feed.categories)


def _title(request: Request, feed: Feed) -> str:
    return f"{feed.title} · {wire_of(request).title}"


def _home(request: Request, feed: Feed) -> str:
    """Returns the page of a feed: the builder for rules in a URL, the start page for merged feeds."""
    if feed.name == ALL and ALL not in wire_of(request).feeds:
        return feed_url(request, "/")
    if feed.name in wire_of(request).feeds:
        return feed_url(request, f"/feeds/{feed.name}")
    return feed_url(request, f"/build?{raw_query(request)}")


def _describe(request: Request, feed: Feed) -> dict[str, Any]:
    path = f"/api/feeds/{feed.name}"
    return {
        "name": feed.name,
        **feed.to_plain(),
        "urls": [url.partition("?")[0] for url in feed.urls],  # the rest may be a secret
        "summary": feed.template(has_model=wire_of(request).settings.has_model),
        "links": {name: feed_url(request, f"{path}.{name}") for name in FORMATS}
        | {
            "digest": feed_url(request, f"/api/digests/{feed.name}/latest.md"),
            "digests": feed_url(request, f"/api/digests/{feed.name}.rss"),
        }
        | {"page": _home(request, feed), "papers": feed_url(request, f"/api/papers?feed={feed.name}")},
    }
