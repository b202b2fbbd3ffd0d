"""The page of a paper's similar papers; the paper's own page takes its list from here once it is looked at."""

from fastapi import Request
from fastapi.responses import Response

from api.limits import RULES
from api.pages import Pages
from api.pages.html import MEDIA_TYPE, render
from api.resource import Loaded, Resource, opened, parse_paper, serve
from api.routes.papers import EVERY_SCORE
from api.routes.similar import newest_entries, similar_rows
from core.model.lazy import with_texts
from core.render.card import make_card
from core.render.rows import short_authors

router = Pages()
_SIMILAR = 6


@router.get("/papers/{paper_id:path}/similar")
async def similar_page(request: Request) -> Response:
    """The stored papers that share most terms with a paper, each with these terms."""
    wanted = parse_paper(request)
    wire = await opened(request)
    manifest = await wire.ready()

    def make(loaded: Loaded) -> bytes:
        entries = newest_entries(with_texts(entry for _, found in loaded for entry in found.entries))
        rows = similar_rows(wanted, entries, _SIMILAR)
        card = make_card(entries[wanted.id])
        similar = [(entry, terms) for entry, _, terms in rows]
        return render(request, "similar.html", card=card, similar=similar, short_authors=short_authors)

    resource = Resource(MEDIA_TYPE, make, feeds=list(wire.feeds.values()), query=EVERY_SCORE, cost=RULES)
    return await serve(request, manifest, resource)
