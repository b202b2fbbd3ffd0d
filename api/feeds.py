"""The feeds: their list, each as RSS, Atom and JSON Feed, and the keyword bot's addresses."""

from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api import docs
from api.conditional import Document, make_document, respond
from api.publishing import Loaded, base_url, find, next_url, published, raw_query, self_url, updated, wire_of
from core.domain.conditions import Condition
from core.domain.errors import UnknownName
from core.domain.feed import Entry, Feed
from core.domain.manifest import Manifest
from core.domain.query import parse_query
from core.domain.selection import feeds_of
from core.publish import batch_summaries
from core.render.channel import Channel
from core.render.plain import to_json

router = APIRouter(tags=["feeds"], default_response_class=Response)


@dataclass(frozen=True, slots=True)
class Format:
    """A feed format: its media type, and where its renderer is, which is imported when it is first used."""

    media_type: str
    renderer: str

    def render(self, channel: Channel, entries: tuple[Entry, ...]) -> bytes:
        """The feed as a document in this format."""
        body: bytes = resolve_name(self.renderer)(channel, entries)
        return body


FORMATS = {
    "rss": Format("application/rss+xml", "core.render.syndication:render_rss"),
    "atom": Format("application/atom+xml", "core.render.syndication:render_atom"),
    "json": Format("application/feed+json", "core.render.jsonfeed:render_jsonfeed"),
}


@router.get("/api/feeds", summary="List the feeds", responses=docs.LIST_OF_FEEDS)
async def list_feeds(request: Request) -> Response:
    """All feeds with their rules and addresses, and the state of each date's batch."""
    wire = wire_of(request)
    manifest = await wire.manifest()
    feeds = [_describe(feed, base_url(request)) for feed in wire.feeds.values()]
    body = to_json({"feeds": feeds, "batches": batch_summaries(manifest), "generated": manifest.updated})
    return respond(request, make_document(body, "application/json", updated(manifest)), manifest)


@router.get(
    "/api/feeds/{name}.{format}",
    summary="A feed as RSS, Atom or JSON Feed",
    responses=docs.FEED,
    openapi_extra={"parameters": docs.FILTERS},
)
async def get_feed(request: Request, name: str, format_name: Annotated[str, Path(alias="format")]) -> Response:
    """The best papers of each day, newest day first, best paper first.

    Every filter applies; what the request does not name is as the feed's owner set it.
    """
    if format_name not in FORMATS:
        raise UnknownName("feed format", format_name, tuple(FORMATS))
    return await _publish(request, wire_of(request).feed(name), format_name)


@router.get("/rss", summary="The main feed as RSS", responses=docs.RSS, openapi_extra={"parameters": docs.FILTERS})
async def get_rss(request: Request) -> Response:
    """The same as the first feed's RSS."""
    return await _publish(request, wire_of(request).main, "rss")


@router.get(
    "/rss/{category}",
    summary="One category of the main feed as RSS",
    responses=docs.RSS,
    openapi_extra={"parameters": docs.FILTERS},
)
async def get_rss_of_category(request: Request, category: str) -> Response:
    """The papers of the main feed that are listed in one of its categories."""
    main = wire_of(request).main
    if category not in main.categories:
        raise UnknownName("category", category, main.categories)
    return await _publish(request, main, "rss", Condition("category", "=", (category,)))


async def _publish(request: Request, feed: Feed, format_name: str, *more: Condition) -> Response:
    wire = wire_of(request)
    asked = parse_query(raw_query(request))
    feeds_of(wire.feeds, asked)  # refuses the name of a feed that there is not
    query = replace(asked, conditions=(*asked.conditions, *more))

    def render(manifest: Manifest, loaded: Loaded) -> Document:
        shown = find(loaded, query, capped=True)
        spec = FORMATS[format_name]
        body = spec.render(_channel(request, feed, manifest, shown.next), shown.entries)
        return make_document(body, spec.media_type, updated(manifest))

    key = (format_name, feed.name, feed.scoring_fingerprint, query.canonical, self_url(request))
    return respond(request, *await published(request, [feed], query, key, render))


def _channel(request: Request, feed: Feed, manifest: Manifest, cursor: str) -> Channel:
    base = base_url(request)
    return Channel(
        id=f"{base}/api/feeds/{feed.name}",
        title=f"{feed.title} · {wire_of(request).title}",
        description=feed.description or f"arXiv papers in {', '.join(feed.categories)}",
        home_url=f"{base}/",
        self_url=self_url(request),
        updated=updated(manifest),
        next_url=next_url(request, cursor),
    )


def _describe(feed: Feed, base: str) -> dict[str, Any]:
    return {
        "name": feed.name,
        "title": feed.title,
        "description": feed.description,
        "categories": feed.categories,
        "announce_types": feed.announce_types,
        "match": feed.match,
        "title_bonus": feed.title_bonus,
        "min_score": feed.min_score,
        "max_entries": feed.max_entries,
        "keywords": {keyword.label: keyword.weight for keyword in feed.keywords},
        "exclude": feed.exclude,
        "links": {name: f"{base}/api/feeds/{feed.name}.{name}" for name in FORMATS}
        | {"papers": f"{base}/api/papers?feed={feed.name}"},
    }
