"""What a feed has learned: its votes and words, a library to learn from, suggested keywords, undo and forgetting.

Votes are the owner's: the page shows them in the owner's session, or after the token was sent with the form.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response

from api.access import check_form_token
from api.body import read_body
from api.observe import MOST_UPLOAD
from api.pages import Pages
from api.pages.forms import EXPECTED, failure_of
from api.pages.html import page
from api.resource import opened, wire_of
from api.routes.votes import UPLOAD_SECONDS
from api.session import check_own_page, owner_of
from core.app import Paperwire
from core.model.errors import FeedError, InvalidInput, UnknownName
from core.model.votes import forget
from core.teaching import Teaching

router = Pages()
_OK = 200
_UNUSABLE = 422
_DONE_WITH = {"remove": "removed", "restore": "counted again", "dismiss": "dismissed"}
Sent = Mapping[str, bytes]


@router.get("/settings/learned")
async def ask_learned(request: Request) -> Response:
    """The forms; what was learned is shown after the token was sent."""
    wire = await opened(request)
    name = request.query_params.get("feed", "") or wire.main.name
    wire.feed(name)
    shown = await _shown(wire, name) if await owner_of(request) else {}
    return await _page(request, wire, name, shown)


@router.post("/settings/learned")
async def act_learned(request: Request) -> Response:
    """Do what the form's button says, and show what was learned."""
    wire = await opened(request)
    sent = await _read_upload(request)
    name = _text(sent, "feed") or wire.main.name
    wire.feed(name)
    try:
        if _text(sent, "token") or not await owner_of(request):
            await check_form_token(request, _text(sent, "token"))
        else:
            check_own_page(request)
        done = await _do(wire, name, sent)
    except (InvalidInput, FeedError, UnknownName) as error:
        return await _page(request, wire, name, {"problem": str(error)}, _UNUSABLE)
    except EXPECTED as error:
        failure = failure_of(error)
        answer = await _page(request, wire, name, {"problem": failure.text, "field": failure.field}, failure.status)
        answer.headers.update(failure.headers)
        return answer
    return await _page(request, wire, name, {"done": done} | await _shown(wire, name))


async def _shown(wire: Paperwire, name: str) -> dict[str, Any]:
    return {"lessons": await Teaching(wire).lessons(name), "votes": await Teaching(wire).votes(name)}


async def _do(wire: Paperwire, name: str, sent: Sent) -> str:
    """Do what was asked for. Returns what was done, in words."""
    action, _, what = _text(sent, "do").partition(":")
    match action:
        case "library":
            return await _add_library(wire, name, sent.get("file", b"") or sent.get("lines", b""))
        case "remove" | "restore" | "dismiss":
            await Teaching(wire).change(name, lambda votes: votes.with_words({action: [what]}))
            return f"“{what}” is {_DONE_WITH[action]}"
        case "accept":
            suggested = {row["keyword"]: row for row in (await Teaching(wire).lessons(name))["suggestions"]}
            await Teaching(wire).accept_keyword(name, what, suggested.get(what, {"weight": 1.0})["weight"])
            return f"“{what}” is a keyword now"
        case "undo":
            await Teaching(wire).undo(name)
            return "The last change of votes is undone"
        case "forget":
            before = _text(sent, "before")
            if not before:
                raise InvalidInput("choose the day before which votes are forgotten")
            await Teaching(wire).change(name, lambda votes: forget(votes, before))
            return f"The votes before {before} are forgotten"
        case "reset":
            await Teaching(wire).change(name, lambda votes: forget(votes, ""))
            return "All votes and the library are forgotten; undo puts them back"
    return ""


async def _add_library(wire: Paperwire, name: str, data: bytes) -> str:
    from core.sources.library import parse_library

    if not data.strip():
        raise InvalidInput("choose a file, or paste lines of arXiv links")
    library = await asyncio.to_thread(parse_library, data)
    _, report = await Teaching(wire).add_library(name, library.references)
    found = f"{library.format}: {report.used} papers to learn from, {report.abstracts} of them with an abstract"
    rest = library.rejected + report.unknown
    more = [f"{rest} entries could not be used"] if rest else []
    return "; ".join([found, *more, *([report.problem] if report.problem else [])])


async def _page(request: Request, wire: Paperwire, name: str, shown: Mapping[str, Any], status: int = _OK) -> Response:
    usual: dict[str, Any] = {"problem": "", "field": "", "done": "", "lessons": None, "votes": None}
    context = usual | {"feed": wire.feed(name), "feeds": wire.feeds.values()} | dict(shown)
    context["has_token"] = bool(wire_of(request).settings.admin_token)
    context["signed_in"] = await owner_of(request) is not None
    return await page(request, "learned.html", context, status=status, cache="no-store")


async def _read_upload(request: Request) -> Sent:
    """Returns the fields of a form with a file (multipart/form-data, RFC 7578). Raises `HTTPException`."""
    kind = request.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise HTTPException(415, "This form is sent as multipart/form-data.")
    body = await read_body(request, MOST_UPLOAD, UPLOAD_SECONDS, what="form")
    from email.message import EmailMessage  # these take 20 ms of a cold start
    from email.parser import BytesParser
    from email.policy import HTTP

    head = b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n"
    message = await asyncio.to_thread(BytesParser(EmailMessage, policy=HTTP).parsebytes, head + body)
    found: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found.setdefault(name, payload)
    return found


def _text(sent: Sent, name: str) -> str:
    return sent.get(name, b"").decode("utf-8", "replace").strip()
