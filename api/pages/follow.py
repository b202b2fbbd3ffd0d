"""Following an author: a rule `au:NAME` in one of the owner's feeds, with a button to take it back."""

from urllib.parse import parse_qs, quote

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from api.headers import NOT_KEPT
from api.pages import Pages
from api.pages.forms import EXPECTED, failure_of, first, read_owner_form, to_sign_in
from api.pages.html import page
from api.resource import opened, wire_of
from api.session import owner_of
from api.urls import page_url, raw_query
from core.model.errors import FeedError
from core.model.feed import Feed
from core.model.paper import parse_id
from core.model.rules import remarks
from core.teaching import Teaching

router = Pages()
_SEE_OTHER = 303
_LEAST_WEIGHT = 3.0  # so that a feed of one keyword more does not outweigh an author
_LONGEST_NAME = 120


@router.get("/follow")
async def followed(request: Request) -> Response:
    """Whether an author is followed in a feed, the first one unless another is named, with the button that changes it.

    For the owner.
    """
    wire = await opened(request)
    if await owner_of(request) is None:
        return to_sign_in(request)
    asked = {name: values[0] for name, values in parse_qs(raw_query(request)).items()}
    feed = wire.feed(asked["feed"]) if "feed" in asked else wire.main
    return await _page(request, feed, _name(asked.get("author", "")), asked.get("paper", ""))


@router.post("/follow")
async def follow(request: Request) -> Response:
    """Add the rule, or with `undo` remove it. For the owner."""
    wire = await opened(request)
    form, reading = await read_owner_form(request)
    if reading is None:
        return to_sign_in(request)
    feed, author, paper = wire.feed(first(form, "feed")), _name(first(form, "author")), first(form, "paper")
    try:
        weight = None if first(form, "undo") else max(feed.min_score, _LEAST_WEIGHT)
        await Teaching(wire).accept_keyword(feed.name, rule_of(author), weight)
    except FeedError as error:
        return await _page(request, feed, author, paper, failure=str(error), status=422)
    except EXPECTED as error:
        failure = failure_of(error)
        return await _page(request, feed, author, paper, failure=failure.text, status=failure.status)
    query = f"feed={quote(feed.name)}&author={quote(author)}&paper={quote(paper)}"
    return RedirectResponse(page_url(request, f"/follow?{query}"), _SEE_OTHER, NOT_KEPT)


def rule_of(author: str) -> str:
    """Returns the rule that finds the papers of an author. Raises `HTTPException` for what is no name."""
    rule = f"au:{author}"
    if not author or any(not remark.hint for remark in remarks(rule)):
        raise HTTPException(422, f"{author!r} is no name that a rule can look for.")
    return rule


def _name(author: str) -> str:
    return " ".join(author.replace('"', "").split())[:_LONGEST_NAME]


async def _page(
    request: Request, feed: Feed, author: str, paper: str, *, failure: str = "", status: int = 200
) -> Response:
    rule = rule_of(author)
    try:
        paper = parse_id(paper).id if paper else ""
    except ValueError:
        paper = ""
    context = {
        "feed": feed,
        "author": author,
        "paper": paper,
        "rule": rule,
        "weight": next((keyword.weight for keyword in feed.keywords if keyword.label == rule), None),
        "failure": failure,
        "has_token": bool(wire_of(request).settings.admin_token),
    }
    answer = await page(request, "follow.html", context, status=status, cache="private, no-store")
    answer.headers["Vary"] = "Cookie"
    return answer
