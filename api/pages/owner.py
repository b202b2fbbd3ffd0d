"""The owner's session and marks: signing in and out, and what was done with papers, from the script or from forms."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api.access import check_form_token
from api.body import read_body
from api.headers import NOT_KEPT
from api.pages import Pages
from api.pages.forms import EXPECTED, Form, failure_of, first, read_form
from api.pages.html import page
from api.resource import opened, wire_of
from api.session import check_own_page, make_session, owner_of, require_owner, set_session
from api.urls import page_url
from core.app import Paperwire
from core.archive.marks import OwnerState
from core.llm.extractive import extract
from core.model.entries import choose
from core.model.errors import Conflict, Refused, TooMuch
from core.model.feed import Entry
from core.model.manifest import rfc3339
from core.model.marks import Marks, PaperMark, SavedPaper, parse_marks, with_newer, with_saved, without
from core.model.paper import parse_id
from core.model.query import Condition, Query
from core.render.claims import claim_of
from core.teaching import Teaching

router = Pages()
PERSONAL = {"Cache-Control": "private, no-store", "Vary": "Cookie"}
EVERYTHING = Query((Condition("score", ">=", (float("-inf"),)),))
_SEE_OTHER = 303


@router.get("/sign-in")
async def ask_token(request: Request) -> Response:
    """The form that asks for the token, or who is signed in."""
    return await _sign_in_page(request, signed_in=await owner_of(request) is not None)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Begin a session in this browser, with the token."""
    form = await read_form(request)
    wire = wire_of(request)
    try:
        await check_form_token(request, first(form, "token"))
        series = await wire.archive.marks.begin_session()
    except EXPECTED as error:
        failure = failure_of(error)
        answer = await _sign_in_page(request, error=failure.text, status=failure.status)
        answer.headers.update(failure.headers)
        return answer
    answer = RedirectResponse(page_url(request, "/"), _SEE_OTHER, NOT_KEPT)
    set_session(request, answer, make_session(wire.settings, series, wire.clock().timestamp()))
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser; with `everywhere`, of all."""
    form = await read_form(request)
    check_own_page(request)
    if first(form, "everywhere") and await owner_of(request):
        await wire_of(request).archive.marks.end_sessions()
    answer = RedirectResponse(page_url(request, "/sign-in"), _SEE_OTHER, NOT_KEPT)
    set_session(request, answer, "")
    return answer


async def _sign_in_page(request: Request, *, signed_in: bool = False, error: str = "", status: int = 200) -> Response:
    context = {
        "has_token": bool(wire_of(request).settings.admin_token),
        "signed_in": signed_in,
        "error": error,
    }
    answer = await page(request, "sign_in.html", context, status=status, cache="private, no-store")
    answer.headers["Vary"] = "Cookie"
    return answer


@router.get("/marks")
async def get_marks(request: Request) -> Response:
    """The owner's marks, for the script."""
    await opened(request)
    reading = await owner_of(request)
    if reading is None:
        raise HTTPException(401, "Only the owner's marks are stored: sign in at /sign-in with the token.")
    return _marks_answer(reading)


@router.post("/marks")
async def post_marks(request: Request) -> Response:
    """Change the owner's marks: `{"marks": {"2601.01234": {"s": 1, "t": 1767000000}}}`, or a form of the day's page."""
    wire = await opened(request)
    if request.headers.get("Content-Type", "").startswith("application/json"):
        await require_owner(request)
        try:
            plain = json.loads(await read_body(request))
            news = parse_marks(plain.get("marks") if isinstance(plain, dict) else None)
            return _marks_answer(await change_marks(wire, news))
        except (ValueError, RecursionError):
            raise HTTPException(422, 'Send {"marks": {"2601.01234": {"s": 1}}}.') from None
        except (Refused, TooMuch, Conflict) as error:
            raise HTTPException(422, str(error)) from None
    form = await read_form(request)
    check_own_page(request)
    reading = await owner_of(request)
    if reading is None:
        return RedirectResponse(page_url(request, "/sign-in"), _SEE_OTHER, NOT_KEPT)
    paper, mark = _toggled(form, reading.marks, int(wire.clock().timestamp()))
    if not mark.day and (entry := (await find_entries(wire, [paper])).get(paper)):
        mark = mark._replace(day=entry.announced.isoformat())
    await change_marks(wire, {paper: mark})
    if first(form, "at") == "paper":
        return RedirectResponse(page_url(request, f"/papers/{paper}"), _SEE_OTHER, NOT_KEPT)
    place = f"#p-{quote(paper.replace('/', '-'))}"
    return RedirectResponse(page_url(request, f"/day/{mark.day}" if mark.day else "/") + place, _SEE_OTHER, NOT_KEPT)


def _toggled(form: Form, marks: Marks, now: int) -> tuple[str, PaperMark]:
    """Returns the paper of a form's button, and its mark after that button. Raises `HTTPException`."""
    name = next((name for name in "ldsx" if name in form), "")
    try:
        paper = parse_id(first(form, name)).id
        day = date.fromisoformat(first(form, "day")).isoformat() if first(form, "day") else ""
    except ValueError:
        raise HTTPException(422, "This button names no paper.") from None
    mark = marks.get(paper, PaperMark())._replace(
        seen=True, day=day, time=max(now, marks.get(paper, PaperMark()).time + 1)
    )
    match name:
        case "l":
            return paper, mark._replace(vote=0 if mark.vote == 1 else 1)
        case "d":
            was = mark.vote == -1
            return paper, mark._replace(vote=0 if was else -1, dismissed=not was)
        case "s":
            return paper, mark._replace(saved=not mark.saved)
    return paper, mark._replace(dismissed=not mark.dismissed)


async def change_marks(wire: Paperwire, news: Marks) -> OwnerState:
    """Store newer marks, and the papers that they save. Raises `TooMuch`, `Conflict` and `StoreError`."""
    papers = await find_entries(wire, [name for name, mark in news.items() if mark.saved])
    now = rfc3339(wire.clock())
    fresh = [SavedPaper(entry.paper, now, claim=claim_of(entry, _extract)) for entry in papers.values()]

    def make(known: OwnerState) -> OwnerState:
        marks = with_newer(known.marks, news)
        wanted = [one for one in fresh if marks.get(one.paper.id, PaperMark()).saved]
        gone = [name for name in news if name in marks and not marks[name].saved]
        return known._replace(marks=marks, listed=with_saved(without(known.listed, gone), wanted))

    changed = await wire.archive.marks.change(make)
    await _vote(wire, {name: mark.vote for name, mark in news.items() if name in changed.marks})
    return changed


async def save_paper(wire: Paperwire, paper: str) -> bool:
    """Put a stored paper on the reading list, whatever was done with it before. Returns whether it is stored.

    Raises `TooMuch`, `Conflict` and `StoreError`.
    """
    found = (await find_entries(wire, [paper])).get(paper)
    if found is None:
        return False
    saved = SavedPaper(found.paper, rfc3339(wire.clock()), claim=claim_of(found, _extract))

    def make(known: OwnerState) -> OwnerState:
        mark = known.marks.get(paper, PaperMark())
        time = max(int(wire.clock().timestamp()), mark.time + 1)
        marks = {**known.marks, paper: mark._replace(saved=True, time=time)}
        return known._replace(marks=marks, listed=with_saved(known.listed, [saved]))

    await wire.archive.marks.change(make)
    return True


async def _vote(wire: Paperwire, signs: Mapping[str, int]) -> None:
    """Let the feeds that show these papers learn from the votes, which are newer than theirs."""
    manifest = await wire.manifest()
    if not manifest.has_batches:
        return
    for feed in wire.feeds.values():
        known = (await Teaching(wire).votes(feed.name)).signs
        changed = {name: sign for name, sign in signs.items() if known.get(name, 0) != sign}
        if not changed:
            continue
        entries = (await wire.entries(manifest, feed)).entries
        shown = {entry.id for entry in choose(feed, entries, Query(), capped=False)}
        wanted = {name: sign for name, sign in changed.items() if name in shown or name in known}
        if wanted:
            await Teaching(wire).vote(feed.name, wanted)


def _extract(paper: Any) -> Any:
    return extract(paper, "en")


async def find_entries(wire: Paperwire, papers: Iterable[str]) -> dict[str, Entry]:
    """Returns the newest entry of each paper that is stored, by identifier, in the order of `papers`."""
    wanted = dict.fromkeys(papers)
    manifest = await wire.manifest()
    if not wanted or not manifest.has_batches:
        return {}
    found: dict[str, Entry] = {}
    for feed in wire.feeds.values():
        for entry in (await wire.entries(manifest, feed, EVERYTHING)).entries:
            if entry.id in wanted and (entry.id not in found or _is_better(entry, found[entry.id])):
                found[entry.id] = entry
    return {name: found[name] for name in wanted if name in found}


def _is_better(entry: Entry, known: Entry) -> bool:
    ready = [bool(one.summary and one.summary.model and one.summary.state == "ready") for one in (entry, known)]
    return (entry.paper.version, ready[0]) > (known.paper.version, ready[1])


def _marks_answer(reading: OwnerState) -> Response:
    plain = {name: mark.to_plain() for name, mark in reading.marks.items()}
    return JSONResponse({"marks": plain, "saved": len(reading.listed)}, headers=PERSONAL)


def classes_of(marks: Marks, paper: str) -> str:
    """Returns the classes of a paper's row by the owner's marks, each after a space."""
    mark = marks.get(paper)
    if mark is None:
        return ""
    names = {"seen": mark.seen, "liked": mark.vote > 0, "disliked": mark.vote < 0, "saved": mark.saved}
    return "".join(f" {name}" for name, holds in (names | {"gone": mark.dismissed}).items() if holds)
