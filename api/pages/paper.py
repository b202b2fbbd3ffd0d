"""The page of a paper: its abstract, its scores with reasons, its summaries, and citations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from api.pages.html import MEDIA_TYPE, render
from api.resource import Loaded, Resource, opened, parse_paper, serve, updated
from core.model.errors import UnknownName
from core.model.feed import Entry, Feed
from core.model.paper import PaperId
from core.model.query import Condition, Query, predicate
from core.model.review import shown_rows
from core.render.card import author_names, make_card, whys
from core.render.citations import bibtex, highwire
from core.render.evidence import evidence_in_words
from core.render.items import clean_entry

router = APIRouter(include_in_schema=False)
SHOWN_AUTHORS = 10
MOST_TABS = 8  # as many as the style sheet supports
_KEPT_SECONDS = 60  # in shared caches: a review may be made at any time
_ALL = Query((Condition("score", ">=", (float("-inf"),)),))


@router.get("/papers/{paper_id:path}")
async def paper_page(request: Request) -> Response:
    """A paper with its scores in every feed that has it; with a version in the URL, that version."""
    wanted = parse_paper(request)
    wire = await opened(request)
    manifest = await wire.ready()
    reviews = shown_rows(await wire.reviews.rows_if_known(), wanted)

    def make(loaded: Loaded) -> bytes:
        context = _context(wanted, loaded) | {"reviews": reviews, "models": wire.settings.has_model}
        return render(request, "paper.html", **context)

    resource = Resource(
        MEDIA_TYPE,
        make,
        feeds=list(wire.feeds.values()),
        query=_ALL,
        depends_on=[row.to_plain() for row in reviews],
        updated=max([updated(manifest), *(datetime.fromisoformat(row.updated) for row in reviews)]),
        at_most=_KEPT_SECONDS,
        volatile=True,
    )
    return await serve(request, manifest, resource)


def _context(wanted: PaperId, loaded: Loaded) -> dict[str, Any]:
    """Returns the template's variables for the newest stored version of a paper. Raises `UnknownName` without one."""
    of_id = predicate(Condition("id", "=", (str(wanted),)))
    found = [(feed, entry) for feed, listed in loaded for entry in listed.entries if of_id(entry)]
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
        "summaries": _tabs(shown),
        "others": sorted({entry.paper.versioned for _, entry in found if entry.paper.version != newest}, reverse=True),
        "bibtex": bibtex(whole.paper),
        "tags": highwire(whole.paper),
    }


@dataclass(frozen=True, slots=True)
class Tab:
    """A summary, or the reason why it is missing, and the titles of its feeds."""

    template: str
    language: str
    model: str
    input: str
    ready: bool
    html: Markup
    read: str
    feeds: tuple[str, ...]


def _tabs(shown: Sequence[tuple[Feed, Entry]]) -> list[Tab]:
    """Returns the feeds' summaries of a paper, each once, available ones first."""
    tabs: dict[tuple[str, str, str, str], Tab] = {}
    for feed, entry in shown:
        html, summary = make_card(entry).summary, entry.summary
        if summary is None or not html:
            continue
        key = (summary.template, summary.language, summary.model, summary.markdown)
        before = tabs[key].feeds if key in tabs else ()
        ready = summary.state == "ready"
        tabs[key] = Tab(
            *key[:3], summary.input, ready, html, evidence_in_words(summary.evidence), (*before, feed.title)
        )
    return sorted(tabs.values(), key=lambda tab: not tab.ready)[:MOST_TABS]


def _together(entries: Sequence[Entry]) -> Entry:
    """Returns one entry with the reasons of all, so that the matches of all feeds are marked."""
    return replace(entries[0], reasons=tuple(dict.fromkeys(reason for entry in entries for reason in entry.reasons)))
