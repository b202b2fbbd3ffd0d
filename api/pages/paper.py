"""The page of a paper: its claim, the verdict, why it is here, summaries in tabs, and citations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from api.pages import Pages
from api.pages.html import MEDIA_TYPE, render
from api.pages.parts import SummaryParts, summary_parts
from api.resource import Loaded, Resource, opened, parse_paper, serve, updated
from api.routes.papers import EVERY_SCORE
from core.llm.extractive import extract_claim
from core.model.errors import UnknownName
from core.model.feed import Entry, Feed
from core.model.lazy import with_texts
from core.model.paper import PaperId
from core.model.query import Condition, predicate
from core.model.review import shown_rows
from core.render.card import author_names, make_card, whys, with_maths
from core.render.citations import bibtex, highwire
from core.render.claims import claim_of
from core.render.evidence import evidence_in_words
from core.render.items import clean_entry, readable_names

router = Pages()
SHOWN_AUTHORS = 10
MOST_TABS = 6  # of summaries; the style sheet supports eight with those of the abstract and the review
_STRONG = 6  # reasons that are shown with their places
_KEPT_SECONDS = 60  # in shared caches: a review may be made at any time


@router.get("/papers/{paper_id:path}")
async def paper_page(request: Request) -> Response:
    """A paper with its scores in every feed that has it; with a version in the URL, that version."""
    wanted = parse_paper(request)
    wire = await opened(request, every_feed=True)
    manifest = await wire.ready()
    reviews = shown_rows(await wire.reviews.rows_if_known(), wanted)

    def make(loaded: Loaded) -> bytes:
        context = _context(wanted, loaded) | {
            "reviews": reviews,
            "models": wire.settings.has_model,
            "can_own": bool(wire.settings.admin_token),
            "all_feeds": list(wire.feeds.values()),
        }
        return render(request, "paper.html", **context)

    resource = Resource(
        MEDIA_TYPE,
        make,
        feeds=list(wire.feeds.values()),
        query=EVERY_SCORE,
        paper=wanted.id,
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
    shown.sort(key=lambda pair: (not pair[1].scorecard, not _has(*pair), -pair[1].score))
    shown = list(zip([feed for feed, _ in shown], with_texts(entry for _, entry in shown), strict=True))
    whole = clean_entry(_together([entry for _, entry in shown]))
    card = make_card(whole, whole=True)
    return {
        "card": card,
        "title": _title(whole) or card.title,
        "abstract": _abstract(whole) or card.abstract,
        "claim": claim_of(_best(shown), extract_claim),
        "authors": list(zip(author_names(whole), readable_names(whole.paper), strict=False)),
        "author_search": partial(_author_search, [feed for feed, _ in loaded]),
        "shown_authors": SHOWN_AUTHORS,
        "strong": _STRONG,
        "scores": [(feed, entry, sorted(whys(entry), key=lambda why: -abs(why.points))) for feed, entry in shown],
        "has": _has,
        "summaries": _tabs(shown),
        "others": sorted({entry.paper.versioned for _, entry in found if entry.paper.version != newest}, reverse=True),
        "bibtex": bibtex(whole.paper),
        "tags": highwire(whole.paper),
    }


def _has(feed: Feed, entry: Entry) -> bool:
    """Returns whether the feed shows the paper."""
    return entry.type in feed.announce_types and (entry.score >= feed.min_score or entry.is_promoted)


def _best(shown: Sequence[tuple[Feed, Entry]]) -> Entry:
    """Returns the entry with a model's summary, else the first."""
    return next((e for _, e in shown if e.summary and e.summary.model and e.summary.state == "ready"), shown[0][1])


def _title(entry: Entry) -> Markup:
    """Returns the title with its formulas as MathML, "" if it has none."""
    return Markup(" ").join(with_maths(entry.paper.title_tex)) if "$" in entry.paper.title_tex else Markup("")


def _abstract(entry: Entry) -> list[Markup]:
    """Returns the abstract with its formulas as MathML, with what was found marked; empty if it has none."""
    words = dict.fromkeys(reason.text for reason in entry.reasons if reason.field == "abstract" and reason.text)
    return with_maths(entry.paper.abstract_tex, words) if "$" in entry.paper.abstract_tex else []


def _author_search(feeds: Iterable[Feed], name: str) -> str:
    """Returns the path of a search for the papers of an author."""
    bare = name.replace('"', "")
    names = ",".join(feed.name for feed in feeds)
    return f"/search?q={quote(f'author~{chr(34)}{bare}{chr(34)}', safe='')}&feed={quote(names, safe=',')}"


@dataclass(frozen=True, slots=True)
class Tab:
    """A summary in parts or as a whole, or the reason why it is missing, and the titles of its feeds."""

    name: str
    language: str
    model: str
    input: str
    ready: bool
    html: Markup
    parts: SummaryParts
    read: str
    feeds: tuple[str, ...]


def _tabs(shown: Sequence[tuple[Feed, Entry]]) -> list[Tab]:
    """Returns the feeds' summaries of a paper, each once: those of models, what is missing, and extracts."""
    tabs: dict[tuple[str, str, str, str], Tab] = {}
    for feed, entry in shown:
        html, summary = make_card(entry).summary, entry.summary
        if summary is None or not html:
            continue
        key = (summary.template, summary.language, summary.model, summary.markdown)
        before = tabs[key].feeds if key in tabs else ()
        name, parts = summary_parts(summary, entry.paper)
        tabs[key] = Tab(
            name=name,
            language=summary.language,
            model=summary.model,
            input=summary.input,
            ready=summary.state == "ready",
            html=html,
            parts=parts,
            read=evidence_in_words(summary.evidence),
            feeds=(*before, feed.title),
        )
    return sorted(tabs.values(), key=lambda tab: (not tab.ready, not tab.model))[:MOST_TABS]


def _together(entries: Sequence[Entry]) -> Entry:
    """Returns one entry with the reasons of all, so that the matches of all feeds are marked."""
    return replace(entries[0], reasons=tuple(dict.fromkeys(reason for entry in entries for reason in entry.reasons)))
