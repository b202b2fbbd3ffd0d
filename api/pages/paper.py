"""The page of a paper: what it says, what it scored and why, and how to cite it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.conditional import Document, answer, make_document
from api.links import self_url
from api.pages.html import MEDIA_TYPE, render
from api.publishing import Loaded, published, updated, wire_of
from api.reviewed import rows_if_known
from core.domain.conditions import Condition, predicate
from core.domain.errors import UnknownName
from core.domain.feed import Entry
from core.domain.manifest import Manifest
from core.domain.paper import PaperId, parse_id
from core.domain.query import Query
from core.domain.review import shown_rows

router = APIRouter(include_in_schema=False)
SHOWN_AUTHORS = 10
KEPT_SECONDS = 60  # in shared caches: a review may be made at any time
_ALL = Query((Condition("score", ">=", (float("-inf"),)),))


@router.get("/papers/{paper_id:path}")
async def paper_page(request: Request, paper_id: str) -> Response:
    """A paper as every feed that has it scores it; with a version in the address, that version."""
    wire = wire_of(request)
    try:
        wanted = parse_id(paper_id)
    except ValueError as error:
        raise UnknownName("paper", paper_id) from error
    await wire.manifest()
    manifest = await wire.ready()
    reviews = shown_rows(await rows_if_known(request), wanted)

    def make(manifest: Manifest, loaded: Loaded) -> Document:
        body = render(request, "paper.html", reviews=reviews, **_context(wanted, loaded))
        reviewed = [datetime.fromisoformat(row.updated) for row in reviews]
        return make_document(body, MEDIA_TYPE, max([updated(manifest), *reviewed]))

    key = ("paper page", str(wanted), self_url(request), [row.to_plain() for row in reviews])
    document = await published(wire, manifest, list(wire.feeds.values()), _ALL, key, make)
    freshness = wire.freshness(manifest)
    return answer(request, document, min(freshness.seconds, KEPT_SECONDS), freshness.warning)


def _context(wanted: PaperId, loaded: Loaded) -> dict[str, Any]:
    """What the template shows of the newest version that there is of a paper. Raises `UnknownName` for none."""
    from core.render.bibtex import bibtex  # not at a cold start
    from core.render.card import author_names, make_card, whys
    from core.render.text import clean_entry

    of_id = predicate(Condition("id", "=", (str(wanted),)))
    found = [(feed, entry) for feed, entries in loaded for entry in entries if of_id(entry)]
    if not found:
        raise UnknownName("paper", str(wanted))
    newest = max(entry.paper.version for _, entry in found)
    shown = [(feed, entry) for feed, entry in found if entry.paper.version == newest]
    whole = _together([entry for _, entry in shown])
    return {
        "card": make_card(whole, whole=True),
        "authors": list(author_names(clean_entry(whole))),
        "shown_authors": SHOWN_AUTHORS,
        "scores": [(feed, entry, whys(entry)) for feed, entry in shown],
        "summaries": [(feed, card) for feed, entry in shown if (card := make_card(entry)).summary],
        "others": sorted({entry.paper.versioned for _, entry in found if entry.paper.version != newest}, reverse=True),
        "bibtex": bibtex(whole.paper),
    }


def _together(entries: Sequence[Entry]) -> Entry:
    """One entry with the reasons of all: what any feed found is marked in the texts."""
    return replace(entries[0], reasons=tuple(dict.fromkeys(reason for entry in entries for reason in entry.reasons)))
