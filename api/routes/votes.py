"""The owner's votes and library of a feed: what it learns from. All of it needs the owner's token."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.access import check_token
from api.body import read_body
from api.observe import MOST_UPLOAD
from api.resource import answer_once, find_feed, opened, wire_of
from core.model.errors import FeedError, InvalidInput
from core.model.votes import Votes, forget, read_changes
from core.teaching import Teaching

router = APIRouter(tags=["votes"], default_response_class=Response)
UPLOAD_SECONDS = 20.0  # to receive a body
_NAME = openapi.of_path("name", "the name of a feed", "main")
_PARAMETERS = {"parameters": [_NAME]}


@router.get("/api/feeds/{name}/votes", summary="A feed's votes", responses=openapi.VOTES, openapi_extra=_PARAMETERS)
async def get_votes(request: Request) -> Response:
    """The votes, newest first, with the words of their papers, and the library: an export, which PUT takes again."""
    name = await _feed_of(request, "reading votes")
    votes = await Teaching(wire_of(request)).votes(name)
    counts = {"feed": name, "likes": len(votes.likes), "dislikes": len(votes.dislikes)}
    return answer_once(counts | votes.to_plain(), 200)


@router.put("/api/feeds/{name}/votes", summary="Vote", responses=openapi.VOTED, openapi_extra=_PARAMETERS)
async def put_votes(request: Request) -> Response:
    """Like (1) or dislike (-1) papers, or take votes back (0): `{"votes": {"2601.01234": 1}}`. Other votes stay.

    The answer says what has changed, and which votes would undo it; the next answer of the feed has the new scores. An
    export of GET replaces all votes.
    """
    name = await _feed_of(request, "voting")
    plain = await _read_json(request)
    wire = wire_of(request)
    if isinstance(plain.get("votes"), list):
        imported = _imported(plain)
        report = await Teaching(wire).change(name, lambda _: imported)
    else:
        report = await Teaching(wire).vote(name, read_changes(plain.get("votes")))
    return answer_once({"feed": name} | report.to_plain(), 200)


@router.delete("/api/feeds/{name}/votes", summary="Forget votes", responses=openapi.VOTED, openapi_extra=_PARAMETERS)
async def delete_votes(request: Request) -> Response:
    """Forget all votes and the library, or with `?before=2026-03-01` the votes of earlier days."""
    name = await _feed_of(request, "forgetting votes")
    before = request.query_params.get("before", "")
    report = await Teaching(wire_of(request)).change(name, lambda votes: forget(votes, before))
    return answer_once({"feed": name} | report.to_plain(), 200)


@router.post(
    "/api/feeds/{name}/votes/undo",
    summary="Undo the last change of votes",
    responses=openapi.VOTED,
    openapi_extra=_PARAMETERS,
)
async def undo_votes(request: Request) -> Response:
    """Put back the votes and the library as they were before the last change; done twice, nothing has changed."""
    name = await _feed_of(request, "voting")
    report = await Teaching(wire_of(request)).undo(name)
    return answer_once({"feed": name} | report.to_plain(), 200)


@router.get(
    "/api/feeds/{name}/learned", summary="What a feed has learned", responses=openapi.LESSONS, openapi_extra=_PARAMETERS
)
async def get_learned(request: Request) -> Response:
    """The terms that earn or cost points, with the papers that they are from, and keywords that the likes suggest."""
    name = await _feed_of(request, "reading what was learned")
    return answer_once(await Teaching(wire_of(request)).lessons(name), 200)


@router.put(
    "/api/feeds/{name}/learned", summary="Change what it learns", responses=openapi.LESSONS, openapi_extra=_PARAMETERS
)
async def put_learned(request: Request) -> Response:
    """Remove words from what is learned, or restore them; dismiss suggested keywords for good, or accept them:
    `{"remove": ["benchmark"], "accept": {"speculative decoding": 2}}`.
    """
    name = await _feed_of(request, "changing what is learned")
    wire, plain = wire_of(request), dict(await _read_json(request))
    accepted = plain.pop("accept", {})
    if not isinstance(accepted, dict) or not all(isinstance(one, int | float) for one in accepted.values()):
        raise InvalidInput("accept is an object of keywords and weights")
    if plain:
        await Teaching(wire).change(name, lambda votes: votes.with_words(plain))
    for keyword, weight in accepted.items():
        try:
            await Teaching(wire).accept_keyword(name, keyword, float(weight))
        except (FeedError, OverflowError) as error:
            raise InvalidInput(str(error)) from None
    return answer_once(await Teaching(wire).lessons(name), 200)


@router.post(
    "/api/feeds/{name}/library",
    summary="Add a library of papers",
    responses=openapi.LIBRARY,
    openapi_extra=openapi.LIBRARY_BODY | _PARAMETERS,
)
async def post_library(request: Request) -> Response:
    """Papers as a seed of interests: BibTeX, RIS, CSL JSON, or lines of arXiv links or identifiers, up to 5 MB.

    The newest hundred count as likes of lower weight, which fade as votes come. The answer says what became of them.
    """
    name = await _feed_of(request, "adding a library")
    from core.sources.library import parse_library  # not at a cold start

    library = await asyncio.to_thread(parse_library, await read_body(request, MOST_UPLOAD, UPLOAD_SECONDS))
    report, found = await Teaching(wire_of(request)).add_library(name, library.references)
    plain = {"feed": name, "format": library.format, "rejected": library.rejected} | found._asdict()
    return answer_once(plain | {"library": len(report.votes.library)}, 200)


@router.delete(
    "/api/feeds/{name}/library", summary="Remove the library", responses=openapi.VOTED, openapi_extra=_PARAMETERS
)
async def delete_library(request: Request) -> Response:
    """Remove the library of a feed; its votes stay."""
    name = await _feed_of(request, "removing a library")
    report = await Teaching(wire_of(request)).change(name, lambda votes: replace(votes, library=()))
    return answer_once({"feed": name} | report.to_plain(), 200)


async def _feed_of(request: Request, what: str) -> str:
    """Returns the name of the feed that the path names, after a check of the token."""
    check_token(request, what)
    await opened(request)
    tail = request.url.path.rpartition("/")[2]
    return find_feed(request, f"/api/feeds/{{}}/{tail}").name


async def _read_json(request: Request) -> Mapping[str, Any]:
    try:
        plain = json.loads(await read_body(request, MOST_UPLOAD, UPLOAD_SECONDS))
    except (ValueError, RecursionError):
        raise InvalidInput('the body is not JSON; send {"votes": {"2601.01234": 1}}') from None
    if not isinstance(plain, Mapping):
        raise InvalidInput('the body is not an object; send {"votes": {"2601.01234": 1}}')
    return plain


def _imported(plain: Mapping[str, Any]) -> Votes:
    try:
        return Votes.from_plain({"library": [], "removed": [], "dismissed": []} | dict(plain))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"this is not an export of votes: {error}") from None
