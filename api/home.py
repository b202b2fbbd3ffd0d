"""The start page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.conditional import make_document, respond
from api.links import base_url
from api.publishing import updated, wire_of
from core.render.page import render_page

router = APIRouter(include_in_schema=False)

_SAMPLE = "This is a demonstration: all papers are invented. Run `make serve` for real ones."


@router.get("/")
async def home(request: Request) -> Response:
    """The feeds with their addresses, and the state of the last batches."""
    wire = wire_of(request)
    manifest = await wire.manifest()
    note = _SAMPLE if wire.settings.sample else ""
    body = render_page(wire.title, list(wire.feeds.values()), manifest, base_url(request), note=note)
    return respond(request, make_document(body, "text/html", updated(manifest)), manifest, at_most=60)
