"""`/badge/{feed}.svg`: a feed's newest day as a small picture, for a README or another page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import docs
from api.conditional import Document, make_document, respond
from api.publishing import Loaded, published, slot_of, updated, wire_of
from core.domain.manifest import Manifest
from core.domain.query import Query
from core.domain.selection import choose

router = APIRouter(tags=["feeds"], default_response_class=Response)
MEDIA_TYPE = "image/svg+xml"
_AT_MOST = 3600  # seconds in shared caches: states change before batches do
_NAME = docs.of_path("name", "the name of a feed", "main")


@router.get(
    "/badge/{name}.svg",
    summary="A feed's newest day as a picture",
    responses=docs.BADGE,
    openapi_extra={"parameters": [_NAME]},
)
async def get_badge(request: Request) -> Response:
    """How many entries the feed's newest day has, and the state of its batch, as an SVG for other pages."""
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    feed = wire.feed(request.path_params["name"])
    manifest, due = await wire.ready(), wire.due.date

    def make(manifest: Manifest, loaded: Loaded) -> Document:
        from core.render.badge import render_badge  # not at a cold start

        newest = manifest.stored[0]
        of_day = [entry for _, entries in loaded for entry in entries if entry.announced == newest.date]
        count = len(choose(feed, of_day, Query(), capped=True))
        missing = manifest.get(due).state if due > newest.date else ""
        return make_document(render_badge(feed.name, newest, count, missing), MEDIA_TYPE, updated(manifest))

    key = ("badge", feed.name, due.isoformat())
    document = await published(wire, manifest, [feed], Query(), key, make, slot=slot_of(request))
    return respond(request, document, manifest, at_most=_AT_MOST)
