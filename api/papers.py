"""Entries as JSON: the query API."""

from math import inf

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import docs
from api.conditional import Document, make_document, respond
from api.limits import RENDERING, doing
from api.links import raw_query
from api.publishing import Loaded, find, published, updated, wire_of
from core.domain.conditions import Condition, predicate, select
from core.domain.errors import UnknownName
from core.domain.manifest import Manifest
from core.domain.page import page
from core.domain.paper import parse_id
from core.domain.query import Query, parse_query
from core.domain.selection import feeds_of
from core.publish import batch_summaries
from core.render.plain import ENTRY_FIELDS, entry_to_plain, to_json

router = APIRouter(tags=["papers"])
_ID = docs.of_path("paper_id", "an identifier, with or without version", "2512.22925")
_ALL = Query((Condition("score", ">=", (-inf,)),))


@router.get(
    "/api/papers", summary="Query the papers", responses=docs.PAPERS, openapi_extra={"parameters": docs.PAPER_FILTERS}
)
async def query_papers(request: Request) -> Response:
    """Entries that meet all filters, newest date first and best score first.

    Without `feed=` those of the main feed. The feed's `min_score` and announce types hold unless the request filters
    by `score` or `type` itself; its number of entries a day does not limit this answer, `per_day=` does.
    """
    wire = wire_of(request)
    query = parse_query(raw_query(request), entry_fields=ENTRY_FIELDS)
    await wire.manifest()
    feeds = feeds_of(wire.feeds, query)
    manifest = await wire.ready()

    def render(manifest: Manifest, loaded: Loaded) -> Document:
        shown = find(loaded, query, capped=False)
        plain = {
            "papers": [entry_to_plain(entry, query.fields) for entry in shown.entries],
            "total": shown.total,
            "next": shown.next or None,
            "batches": batch_summaries(manifest),
            "generated": manifest.updated,
        }
        return make_document(to_json(plain), "application/json", updated(manifest))

    document = await published(wire, manifest, feeds, query, ("papers", query.canonical), render)
    return respond(request, document, manifest)


@router.get(
    "/api/papers/{paper_id:path}",
    summary="One paper",
    responses=docs.PAPER,
    openapi_extra={"parameters": [_ID, *docs.PAPER_FILTERS]},
)
async def get_paper(request: Request) -> Response:
    """A paper as every feed that has it shows it: an entry for each feed and announcement, newest first.

    The identifier may have a version, may be of the old style (`astro-ph/9906432`) or the address of its page.
    """
    wire, paper_id = wire_of(request), request.path_params["paper_id"]
    query = parse_query(raw_query(request), entry_fields=ENTRY_FIELDS)
    try:
        wanted = parse_id(paper_id)
    except ValueError as error:
        raise UnknownName("paper", paper_id) from error
    await wire.manifest()
    feeds = feeds_of(wire.feeds, query) if query.names("feed") else list(wire.feeds.values())
    manifest = await wire.ready()
    of_id = predicate(Condition("id", "=", (str(wanted),)))
    async with doing(RENDERING):
        found = [entry for feed in feeds for entry in await wire.entries(manifest, feed, _ALL) if of_id(entry)]
    if not found:
        raise UnknownName("paper", str(wanted))
    shown = page(select(found, query.conditions), query)
    plain = {
        "entries": [entry_to_plain(entry, query.fields) for entry in shown.entries],
        "total": shown.total,
        "generated": manifest.updated,
    } | ({"next": shown.next} if shown.next else {})
    return respond(request, make_document(to_json(plain), "application/json", updated(manifest)), manifest)
