"""The page of a vote link: one button, then what has changed, with undo. It needs neither a token nor JavaScript."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import page
from api.pages.owner import save_paper
from api.resource import opened, wire_of
from api.urls import page_url
from api.vote_links import DIRECTIONS, is_vote_signed, own_vote_path
from core.app import Paperwire
from core.model.errors import InvalidInput, UnknownName
from core.model.feed import Feed
from core.model.paper import label_of, parse_id
from core.model.votes import SIGNS
from core.teaching import Teaching

router = Pages()
_DONE = {1: "You like it", -1: "You do not like it", 0: "Your vote is taken back"}
_BACK = {sign: name for name, sign in SIGNS.items()}


@router.get("/vote/{name}/{direction}/{signature}/{paper_id:path}")
async def ask_vote(request: Request) -> Response:
    """The button. Nothing changes before it is pressed."""
    wire, feed, paper, direction = await _read(request)
    title = await _title(wire, feed, paper)
    label, about = DIRECTIONS[direction]
    context = {"feed": feed, "paper": paper, "title": title, "label": label, "about": about, "report": None}
    return await _page(request, context)


@router.post("/vote/{name}/{direction}/{signature}/{paper_id:path}")
async def cast_vote(request: Request) -> Response:
    """Vote. Repeated, it changes nothing more."""
    wire, feed, paper, direction = await _read(request)
    if direction == "save":
        return await _save(request, wire, feed, paper)
    sign = SIGNS[direction]
    try:
        report = await Teaching(wire).vote(feed.name, {paper: sign})
    except InvalidInput:
        raise UnknownName("paper", paper) from None
    before = report.undo.get(paper, sign)
    context: dict[str, Any] = {
        "feed": feed,
        "paper": paper,
        "title": await _title(wire, feed, paper),
        "done": _DONE[sign],
        "report": report,
        "undo": page_url(request, own_vote_path(wire, feed.name, paper, _BACK[before])) if report.changed else "",
    }
    return await _page(request, context)


async def _save(request: Request, wire: Paperwire, feed: Feed, paper: str) -> Response:
    """Put the paper on the reading list. Repeated, it changes nothing more."""
    if not await save_paper(wire, paper):
        raise UnknownName("paper", paper)
    context: dict[str, Any] = {"feed": feed, "paper": paper, "title": await _title(wire, feed, paper), "is_saved": True}
    return await _page(request, context | {"done": "It is on your reading list", "report": None})


async def _read(request: Request) -> tuple[Paperwire, Feed, str, str]:
    """Returns what the address names. Raises `UnknownName` for a signature that is not of this vote."""
    await opened(request)
    wire, values = wire_of(request), request.path_params
    direction, name = values["direction"], values["name"]
    try:
        paper = parse_id(values["paper_id"]).id
    except ValueError:
        raise UnknownName("vote link", "of this address") from None
    if direction not in DIRECTIONS or not is_vote_signed(wire, name, paper, direction, values["signature"]):
        raise UnknownName("vote link", "of this address")
    return wire, wire.feed(wire.rules.saved.name_now(name)), paper, direction


async def _title(wire: Paperwire, feed: Feed, paper: str) -> str:
    """Returns the title of a paper, from the votes or from what is stored; else its identifier."""
    known = next((vote.title for vote in (await Teaching(wire).votes(feed.name)).votes if vote.paper == paper), "")
    if known:
        return known
    found = await wire.paper(parse_id(paper))
    return found.title if found else label_of(paper)


async def _page(request: Request, context: dict[str, Any]) -> Response:
    context = {"is_saved": False, "done": "", "label": "", "about": "", "undo": ""} | context
    answer = await page(request, "vote.html", context, cache="no-store")
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
