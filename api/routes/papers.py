"""Entries as JSON: the query API."""

from math import inf

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.access import has_token
from api.headers import NOT_KEPT
from api.resource import Loaded, Resource, opened, parse_paper, render_entries, serve, wire_of
from api.urls import raw_query
from core.model.entries import feeds_of
from core.model.errors import UnknownName
from core.model.lazy import with_texts
from core.model.pagination import paginate
from core.model.query import Condition, Query, parse_query, predicate, select
from core.render.shapes import ENTRY_FIELDS, entry_to_plain, to_json
from core.views.entries import batch_summaries, select_page

router = APIRouter(tags=["papers"])
_ID = openapi.of_path("paper_id", "an identifier, with or without version", "2512.22925")
EVERY_SCORE = Query((Condition("score", ">=", (-inf,)),))


@router.get(
    "/api/papers",
    summary="Query the papers",
    responses=openapi.PAPERS,
    openapi_extra={"parameters": openapi.PAPER_FILTERS},
)
async def query_papers(request: Request) -> Response:
    """The entries that match all filters, newest date first and best score first.

    Without `feed=` those of the main feed. The feed's `min_score` and announce types apply unless the request filters
    by `score` or `type`; the feed's number of entries a day does not apply, but `per_day=` does.
    """
    is_owner = has_token(wire_of(request).settings, request.headers.get("Authorization", "").encode("latin-1"))
    query = parse_query(raw_query(request), entry_fields=ENTRY_FIELDS, owner=is_owner)
    wire = await opened(request, query=query)
    feeds = feeds_of(wire.feeds, query)
    manifest = await wire.ready()
    with_votes = query.names("vote")

    def render(loaded: Loaded) -> bytes:
        shown = select_page(loaded, query, capped=False)
        return to_json(
            {
                "papers": [
                    entry_to_plain(entry, query.fields) | ({"vote": entry.vote} if with_votes else {})
                    for entry in shown.entries
                ],
                "total": shown.total,
                "next": shown.next or None,
                "batches": batch_summaries(manifest),
                "generated": manifest.updated,
            }
        )

    if with_votes:  # for this client alone: no cache may keep it
        body = await render_entries(wire, manifest, feeds, query, render)
        return Response(body, headers=NOT_KEPT, media_type="application/json")
    return await serve(request, manifest, Resource("application/json", render, feeds=feeds, query=query))


@router.get(
    "/api/papers/{paper_id:path}",
    summary="One paper",
    responses=openapi.PAPER,
    openapi_extra={"parameters": [_ID, *openapi.PAPER_FILTERS]},
)
async def get_paper(request: Request) -> Response:
    """A paper in every feed that has it: an entry for each feed and announcement, newest first.

    The identifier may have a version, may be in the old style (`astro-ph/9906432`), or may be the URL of its page.
    """
    query = parse_query(raw_query(request), entry_fields=ENTRY_FIELDS)
    wanted = parse_paper(request)
    wire = await opened(request, every_feed=True)
    feeds = feeds_of(wire.feeds, query) if query.names("feed") else list(wire.feeds.values())
    manifest = await wire.ready()

    def render(loaded: Loaded) -> bytes:
        of_id = predicate(Condition("id", "=", (str(wanted),)))
        found = with_texts(entry for _, listed in loaded for entry in listed.entries if of_id(entry))
        if not found:
            raise UnknownName("paper", str(wanted))
        shown = paginate(select(found, query.conditions), query)
        plain = {
            "entries": [entry_to_plain(entry, query.fields) for entry in shown.entries],
            "total": shown.total,
            "generated": manifest.updated,
        }
        return to_json(plain | ({"next": shown.next} if shown.next else {}))

    resource = Resource("application/json", render, feeds=feeds, query=EVERY_SCORE, paper=wanted.id)
    return await serve(request, manifest, resource)
