"""The page on which the owner has one paper summarised or reviewed: the cost first, then a step at a time.

It works without JavaScript: each press of the button does as much as fits `STEP_SECONDS`, and says how far it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.access import NotAllowed, check_form_token
from api.errors import refusal_text
from api.pages import Pages
from api.pages.forms import first, read_form
from api.pages.html import page
from api.resource import opened, parse_paper, wire_of
from api.session import check_own_page, owner_of
from api.urls import page_url, raw_query
from core.app import Paperwire
from core.config.models import models_of, text_characters
from core.config.settings import Settings
from core.llm.base import Usage
from core.llm.templates import EXTRACT, template_names
from core.model.errors import ConfigError, FetchError, ModelError, NoText, StoreError, UnknownName
from core.model.paper import Paper, PaperId
from core.model.query import read_options
from core.model.template import LANGUAGES
from core.util.log import NO_PROGRESS

router = Pages()
_REVIEW = "review"
STEP_SECONDS = 45.0  # of one press: platforms end requests, and people wait
_STEPS = {_REVIEW: "review"}  # of models; all others are summaries


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be made of a paper: a review, or a summary by a template, in a language."""

    paper: Paper
    what: str
    language: str


def choices() -> tuple[str, ...]:
    """What can be made: a review, and summaries by each template that asks a model."""
    return (_REVIEW, *(name for name in template_names() if name != EXTRACT))


@router.get("/make/{paper_id:path}")
async def ask_make(request: Request) -> Response:
    """What it would cost, and the button. No model and no upstream is asked."""
    options = read_options(raw_query(request), _allowed())
    return await _page(request, await _wish(request, options), {})


@router.post("/make/{paper_id:path}")
async def make(request: Request) -> Response:
    """Make it, or go on with it, for at most `STEP_SECONDS`; then show it, or how far it is."""
    begun = monotonic()
    form = await read_form(request)
    wish = await _wish(request, {name: first(form, name) for name in _allowed()})
    try:
        if await owner_of(request) is None:
            await check_form_token(request, first(form, "token"))
        else:
            check_own_page(request)
    except NotAllowed as error:
        return await _page(request, wish, {"token_error": str(error)}, error.status)
    try:
        made = await _make(wire_of(request), wish, STEP_SECONDS - (monotonic() - begun))
    except (ConfigError, FetchError, ModelError, NoText, StoreError) as error:
        text = refusal_text(error) if isinstance(error, StoreError) else str(error)
        return await _page(request, wish, {"failure": text}, 422 if isinstance(error, ConfigError | NoText) else 503)
    if made.done:
        return RedirectResponse(page_url(request, _address(wish)), 303)
    return await _page(request, wish, {"made": made})


@dataclass(frozen=True, slots=True)
class _Made:
    """How far it is: answered questions of all, and why the step ended early."""

    done: bool
    answered: int = 0
    total: int = 0
    stopped: str = ""
    failures: Mapping[str, str] = field(default_factory=dict)


async def _make(wire: Paperwire, wish: _Wish, seconds: float) -> _Made:
    if wish.what == _REVIEW:
        return await _make_review(wire, wish, seconds)
    from core.jobs.summarise import make_summary  # only when it is asked for

    summary = await make_summary(
        wire.archive, wire.settings, wish.paper, wish.what, wish.language, seconds=max(seconds, 1)
    )
    return _Made(done=summary is not None, stopped="another process is making this summary")


async def _make_review(wire: Paperwire, wish: _Wish, seconds: float) -> _Made:
    from core.jobs.review import carry_out, plan_review  # as above

    begun = monotonic()
    wanted = PaperId(wish.paper.id, wish.paper.version)
    plan = await plan_review(wire.archive, wire.settings, wire.paper, wanted, wish.language, NO_PROGRESS)
    left = max(seconds - (monotonic() - begun), 1)
    outcome = await carry_out(wire.archive, wire.settings, plan, seconds=left, progress=NO_PROGRESS)
    await wire.reviews.rows(refresh=True)
    if outcome is None:
        return _Made(done=False, stopped="another process is writing this review")
    review = outcome.review
    return _Made(
        done=review.state != "running",
        answered=len(review.answers),
        total=len(review.keys),
        stopped=outcome.stopped,
        failures={one.key: one.words for one in review.failures.values()},
    )


def _allowed() -> dict[str, tuple[str, ...]]:
    return {"what": choices(), "language": tuple(LANGUAGES)}


async def _wish(request: Request, options: Mapping[str, str]) -> _Wish:
    """Returns what is asked for. Raises `UnknownName` for a paper that is not stored, and for another kind."""
    wire = await opened(request)
    await wire.manifest()
    wanted = parse_paper(request)
    what, language = options.get("what") or _REVIEW, options.get("language") or wire.main.language
    for name, value in (("what", what), ("language", language)):
        if value not in _allowed()[name]:
            raise UnknownName(name, value, _allowed()[name])
    paper = await wire.paper(wanted)
    if paper is None:
        raise UnknownName("paper", str(wanted))
    return _Wish(paper, what, language)


async def _page(request: Request, wish: _Wish, more: dict[str, Any], status: int = 200) -> Response:
    settings: Settings = wire_of(request).settings
    step = _STEPS.get(wish.what, "summarise")
    model = models_of(settings).get(step, "")
    usage = _most_usage(wish.what, wish.language, text_characters(settings)) if model else Usage()
    context: dict[str, Any] = {
        "wish": wish,
        "choices": choices(),
        "languages": LANGUAGES,
        "model": model,
        "usage": usage,
        "cost": _cost(settings, usage),
        "limits": [
            (name, limit)
            for name, limit in (
                ("LLM_DAILY_TOKENS", settings.llm_daily_tokens), ("LLM_MONTHLY_TOKENS", settings.llm_monthly_tokens),
            )
            if limit
        ],
        "has_token": bool(settings.admin_token),
        "signed_in": await owner_of(request) is not None,
        "made": None,
        "failure": "",
        "token_error": "",
    }  # fmt: skip
    answer = await page(request, "make.html", context | more, status=status, cache="private, no-store")
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Vary"] = "Cookie"
    return answer


def _address(wish: _Wish) -> str:
    """The page of what is made."""
    if wish.what == _REVIEW:
        return f"/reviews/{wish.paper.versioned}?language={wish.language}"
    return f"/api/papers/{wish.paper.versioned}/summaries/{wish.what}.html?language={wish.language}"


def _cost(settings: Settings, usage: Usage) -> float:
    from core.jobs.session import prices_of  # as above

    return prices_of(settings).cost(usage)


@lru_cache(maxsize=64)
def _most_usage(what: str, language: str, characters: int) -> Usage:
    """The tokens and calls that a review or a summary takes at most: for the longest text that is read."""
    from core.jobs.review import review_usage  # as above
    from core.jobs.summarise import summary_usage

    return review_usage(language, characters) if what == _REVIEW else summary_usage(what, language, characters)
