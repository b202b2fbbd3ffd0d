"""Similar papers of a paper, over what is stored."""

from collections.abc import Iterable

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.limits import RULES
from api.resource import Loaded, Resource, opened, parse_paper, serve
from api.routes.papers import EVERY_SCORE
from api.urls import raw_query
from core.model.errors import UnknownName
from core.model.feed import Entry
from core.model.lazy import with_texts
from core.model.paper import PaperId
from core.model.query import parse_query
from core.render.shapes import ENTRY_FIELDS, entry_to_plain, to_json

router = APIRouter(tags=["papers"], default_response_class=Response)
_ID = openapi.of_path("paper_id", "an identifier, with or without version", "2603.90045")
_SIMILAR = 10


@router.get(
    "/api/papers/{paper_id:path}/similar",
    summary="Similar papers",
    responses=openapi.SIMILAR,
    openapi_extra={
        "parameters": [
            _ID,
            openapi.parameter("limit", "how many, up to 50", 10),
            openapi.parameter("fields", f"only these fields of each entry: {', '.join(ENTRY_FIELDS)}"),
        ]
    },
)
async def get_similar(request: Request) -> Response:
    """The stored papers that share most terms with a paper, with these terms and the cosine of their vectors.

    `limit` and `fields` narrow the answer; filters are those of /api/papers.
    """
    query = parse_query(raw_query(request), entry_fields=ENTRY_FIELDS)
    wanted = parse_paper(request)
    wire = await opened(request)
    manifest = await wire.ready()
    count = query.limit if "limit=" in raw_query(request) else _SIMILAR

    def render(loaded: Loaded) -> bytes:
        entries = newest_entries(with_texts(entry for _, found in loaded for entry in found.entries))
        rows = similar_rows(wanted, entries, count)
        plain = [
            entry_to_plain(entry, query.fields) | {"similarity": cosine, "shared": terms}
            for entry, cosine, terms in rows
        ]
        return to_json({"paper": str(wanted), "similar": plain, "generated": manifest.updated})

    feeds = list(wire.feeds.values())
    resource = Resource("application/json", render, feeds=feeds, query=EVERY_SCORE, cost=RULES)
    return await serve(request, manifest, resource)


def newest_entries(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Returns one entry of each paper, by identifier: of its newest version, and with the best score."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.get(entry.id)
        if known is None or (entry.paper.version, entry.score) > (known.paper.version, known.score):
            found[entry.id] = entry
    return found


def similar_rows(wanted: PaperId, entries: dict[str, Entry], count: int) -> list[tuple[Entry, float, tuple[str, ...]]]:
    """Returns the entries most similar to the wanted paper, with cosine and shared terms. Raises `UnknownName`."""
    from core.ranking.similar import MOST_SIMILAR, find_similar  # not at a cold start

    if wanted.id not in entries:
        raise UnknownName("paper", str(wanted))
    papers = [entry.paper for entry in entries.values()]
    rows = find_similar(entries[wanted.id].paper, papers, min(count, MOST_SIMILAR))
    return [(entries[one.paper.id], one.cosine, one.terms) for one in rows]
