"""`/badge/{feed}.svg`: a feed's newest day as a small picture, for a README or another page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.resource import Document, Loaded, make_document, published, respond, slot_of, updated, wire_of
from core.model.entries import choose
from core.model.manifest import Manifest
from core.model.query import Query

router = APIRouter(tags=["feeds"], default_response_class=Response)
MEDIA_TYPE = "image/svg+xml"
_AT_MOST = 3600  # seconds in shared caches: states change before batches do
_NAME = openapi.of_path("name", "the name of a feed", "main")


@router.get(
    "/badge/{name}.svg",
    summary="A feed's newest day as a picture",
    responses=openapi.BADGE,
    openapi_extra={"parameters": [_NAME]},
)
async def get_badge(request: Request) -> Response:
    """How many entries the feed's newest day has, and the state of its batch, as an SVG for other pages."""
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    feed = wire.feed(request.path_params["name"])
    manifest, due = await wire.ready(), wire.due.date

    def make(manifest: Manifest, loaded: Loaded) -> Document:
        from core.render.pictures import render_badge  # not at a cold start

        newest = manifest.stored[0]
        of_day = [entry for _, entries in loaded for entry in entries if entry.announced == newest.date]
        count = len(choose(feed, of_day, Query(), capped=True))
        missing = manifest.get(due).state if due > newest.date else ""
        return make_document(render_badge(feed.name, newest, count, missing), MEDIA_TYPE, updated(manifest))

    key = ("badge", feed.name, due.isoformat())
    document = await published(wire, manifest, [feed], Query(), key, make, slot=slot_of(request))
    return respond(request, document, manifest, at_most=_AT_MOST)
