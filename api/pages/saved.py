"""The reading list: the owner's saved papers with notes, or papers that the address names; and their exports."""

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from api.headers import NOT_KEPT
from api.pages import Pages
from api.pages.forms import first, read_owner_form, to_sign_in
from api.pages.html import HEADERS, MEDIA_TYPE, render
from api.pages.owner import PERSONAL, change_marks, find_entries
from api.resource import format_of, opened, wire_of
from api.session import owner_of
from api.urls import page_url, raw_query
from core.archive.marks import OwnerState
from core.llm.extractive import extract
from core.model.errors import UnknownName
from core.model.marks import PaperMark, SavedPaper, noted, ticked
from core.model.paper import Paper, parse_id
from core.render.citations import bibtex, citation_key, csl, doi, ris
from core.render.claims import claim_of
from core.render.items import paper_title, readable_names
from core.render.rows import short_authors
from core.text.numbers import whole_number

router = Pages()
MOST_NAMED = 200  # papers in an address
_SEE_OTHER = 303
_MOST_PROBLEMS = 5  # that are named


class Export(NamedTuple):
    """A format of the list: its media type, and the function that writes it."""

    media_type: str
    write: Callable[[Sequence[SavedPaper]], str]


def _markdown(listed: Sequence[SavedPaper]) -> str:
    """Returns a note for each paper, as Obsidian and others read it: properties as a list, links, the abstract."""
    return "\n".join(_note(one) for one in listed)


def _where(paper: Paper) -> str:
    name = f"arXiv: [{paper.id}]({paper.url})" if paper.is_arxiv else f"{paper.place}: [{paper.label}]({paper.url})"
    pdf = f"[PDF]({paper.links['pdf']})" if "pdf" in paper.links else ""
    return "- " + " · ".join(filter(None, (name, pdf, f"DOI {doi(paper)}" if doi(paper) else "")))


def _note(one: SavedPaper) -> str:
    paper = one.paper
    lines = [f"## {paper_title(paper)}", ""]
    if one.claim:
        lines += [f"> {one.claim}", ""]
    lines += [
        f"- Authors: {', '.join(readable_names(paper))}",
        _where(paper),
        *([f"- Categories: {', '.join(paper.categories)}"] if paper.categories else []),
        f"- Key: `{citation_key(paper)}`",
        f"- Saved: {one.time[:10]}{', read' if one.is_read else ''}",
    ]
    if one.note:
        lines.append(f"- Note: {one.note}")
    return "\n".join([*lines, "", " ".join(paper.abstract.split()), ""])


EXPORTS = {
    "bib": Export("application/x-bibtex", lambda listed: "\n\n".join(bibtex(one.paper) for one in listed) + "\n"),
    "ris": Export("application/x-research-info-systems", lambda listed: "".join(ris(one.paper) for one in listed)),
    "json": Export(
        "application/vnd.citationstyles.csl+json",
        lambda listed: json.dumps([csl(one.paper) for one in listed], ensure_ascii=False, indent=1) + "\n",
    ),
    "md": Export("text/markdown", _markdown),
}


@router.get("/saved")
async def saved_page(request: Request) -> Response:
    """The owner's reading list, or the papers of `?id=…`; other browsers' lists are in these browsers."""
    await opened(request)
    return await _page(request, _sent(request))


async def _page(request: Request, notice: str = "", *, status: int = 200) -> Response:
    reading = await owner_of(request)
    named = _named(request)
    listed, missing = await _listed(request, named) if named else (reading.listed if reading else (), [])
    context = {
        "listed": [(one, short_authors(one.paper)) for one in listed],
        "missing": missing,
        "named": named,
        "signed_in": reading is not None,
        "marks": reading.marks if reading else {},
        "formats": (("bib", "BibTeX"), ("ris", "RIS"), ("json", "CSL JSON"), ("md", "Markdown")),
        "has_token": bool(wire_of(request).settings.admin_token),
        "has_zotero": wire_of(request).settings.has_zotero,
        "notice": notice,
        "failed": status != 200,
    }
    body = await asyncio.to_thread(render, request, "saved.html", **context)
    return Response(body, status, HEADERS | PERSONAL, MEDIA_TYPE)


@router.post("/saved/zotero")
async def send(request: Request) -> Response:
    """Send the selected papers of the owner's list to Zotero, with their notes."""
    wire = await opened(request)
    form, reading = await read_owner_form(request)
    if reading is None:
        return to_sign_in(request)
    if not wire.settings.has_zotero:
        raise HTTPException(501, "There is no library: set ZOTERO_USER and ZOTERO_KEY in the environment.")
    chosen = set(form.get("id", []))
    papers = [one for one in reading.listed if one.paper.id in chosen]
    if not papers:
        return await _page(request, "Select the papers that are to go to Zotero first.", status=422)
    from core.jobs.zotero import send_to_zotero  # not at a cold start

    sent = await send_to_zotero(wire.settings, papers)
    if sent.problems:
        again = " What was sent is there; the rest can be sent again." if sent.later else ""
        done = f"{sent.new} of {len(papers)} papers were sent to Zotero. "
        problems = "; ".join(dict.fromkeys(sent.problems[:_MOST_PROBLEMS]))
        return await _page(request, f"{done}{problems[:1].upper()}{problems[1:]}.{again}", status=502)
    target = f"/saved?sent={sent.new}&known={sent.known}"
    return RedirectResponse(page_url(request, target), _SEE_OTHER, NOT_KEPT)


def _sent(request: Request) -> str:
    """Returns what the address says was sent, "" without that."""
    numbers = [whole_number(request.query_params.get(name, "")) for name in ("sent", "known")]
    if None in numbers:
        return ""
    new, known = ((number or 0, "paper" if number == 1 else "papers") for number in numbers)
    already = f"; {known[0]} {known[1]} {'was' if known[0] == 1 else 'were'} there already" if known[0] else ""
    return f"{new[0]} {new[1]} sent to Zotero{already}."


@router.post("/saved")
async def change_list(request: Request) -> Response:
    """Remove a paper (`s`), tick it as read (`r`), or keep the notes; for the owner."""
    wire = await opened(request)
    form, reading = await read_owner_form(request)
    if reading is None:
        return to_sign_in(request)
    if paper := first(form, "s"):
        known = reading.marks.get(paper, PaperMark())
        time = max(int(wire.clock().timestamp()), known.time + 1)
        await change_marks(wire, {paper: known._replace(saved=False, time=time)})
    elif paper := first(form, "r"):
        await wire.archive.marks.change(lambda now: now._replace(listed=ticked(now.listed, paper)))
    else:
        notes = {name.removeprefix("note-"): values[0] for name, values in form.items() if name.startswith("note-")}
        for name, note in notes.items():
            if any(one.paper.id == name and one.note != " ".join(note.split()) for one in reading.listed):
                await wire.archive.marks.change(partial(_noted, name, note))
    return RedirectResponse(page_url(request, "/saved"), _SEE_OTHER, NOT_KEPT)


def _noted(paper: str, note: str, known: OwnerState) -> OwnerState:
    return known._replace(listed=noted(known.listed, paper, note))


@router.get("/saved.{format}")
async def export(request: Request) -> Response:
    """The list, or the papers of `?id=…`, as a file."""
    chosen = EXPORTS[format_of(request, EXPORTS, "format")]
    await opened(request)
    reading = await owner_of(request)
    named = _named(request)
    if reading and named:
        ids = set(named)
        own = [one for one in reading.listed if one.paper.id in ids]
        others, _ = await _listed(request, [name for name in named if name not in {one.paper.id for one in own}])
        listed: Sequence[SavedPaper] = [*own, *others]
    elif reading:
        listed = reading.listed
    else:
        listed, _ = await _listed(request, named)
    if not listed and not reading:
        raise HTTPException(401, "Name papers with ?id=…, or sign in at /sign-in for your reading list.")
    name = f"saved.{request.path_params['format']}"
    headers = {**PERSONAL, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(chosen.write(listed), 200, headers, f"{chosen.media_type}; charset=utf-8")


def _named(request: Request) -> list[str]:
    """Returns the identifiers in the address. Raises `UnknownName`."""
    values = parse_qs(raw_query(request)).get("id", [])
    names: dict[str, None] = {}
    for text in (part for value in values for part in value.split(",") if part.strip()):
        try:
            names[parse_id(text).id] = None
        except ValueError:
            raise UnknownName("paper", text[:100]) from None
    if len(names) > MOST_NAMED:
        raise HTTPException(422, f"An address names up to {MOST_NAMED} papers.")
    return list(names)


async def _listed(request: Request, named: Sequence[str]) -> tuple[list[SavedPaper], list[str]]:
    """Returns the stored papers of an address, and the identifiers of the others."""
    found = await find_entries(wire_of(request), named)
    listed = [
        SavedPaper(e.paper, e.announced.isoformat(), claim=claim_of(e, lambda p: extract(p, "en")))
        for e in found.values()
    ]
    return listed, [name for name in named if name not in found]
