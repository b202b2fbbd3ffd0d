"""What the unfolded row of a paper shows."""

from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import MEDIA_TYPE, render
from api.resource import Loaded, Resource, opened, parse_paper, serve
from api.routes.papers import EVERY_SCORE
from core.model.errors import UnknownName
from core.model.lazy import with_texts
from core.model.paper import PaperId
from core.render.rows import make_peek

router = Pages()


@router.get("/papers/{paper_id:path}/peek")
async def peek(request: Request) -> Response:
    """What the unfolded row of a paper shows: a part of a page, which the script inserts."""
    wanted = parse_paper(request)
    wire = await opened(request, every_feed=True)
    manifest = await wire.ready()
    feeds = list(wire.feeds.values())
    resource = Resource(
        MEDIA_TYPE, lambda loaded: _peek(request, wanted, loaded), feeds=feeds, query=EVERY_SCORE, paper=wanted.id
    )
    return await serve(request, manifest, resource)


def _peek(request: Request, wanted: PaperId, loaded: Loaded) -> bytes:
    found = [(feed, entry) for feed, of_feed in loaded for entry in of_feed.entries if entry.id == wanted.id]
    if not found:
        raise UnknownName("paper", str(wanted))
    newest = max(entry.paper.version for _, entry in found)
    rows = [(feed, entry) for feed, entry in found if entry.paper.version == newest]
    rows.sort(key=lambda pair: (not pair[1].scorecard, -pair[1].score))
    rows = list(zip([feed for feed, _ in rows], with_texts(entry for _, entry in rows), strict=True))
    return render(request, "peek.html", peek=make_peek(rows))
