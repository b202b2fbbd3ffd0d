"""The builder: rules in the page's address, what they select from the stored days, and where to subscribe to that."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.html import HEADERS, MEDIA_TYPE, is_owner, render
from api.pages.owner_forms import read_form
from api.pages.rule_form import (
    MATCH_CHOICES,
    TYPE_CHOICES,
    RuleForm,
    Shown,
    empty_form,
    form_of,
    form_of_feed,
    rules_sent,
    show,
    shown_entry,
)
from api.resource import wire_of
from api.urls import raw_query
from core.config.url_rules import MOST_CHARACTERS, RULES, joined, not_fetched, read_rules, split_rules, write_rules
from core.model.errors import UnknownName
from core.model.feed import Feed

router = APIRouter(include_in_schema=False)
OWNER_KEYWORDS = 1000  # what feeds.toml may hold
LABELS = {name: rule.label for name, rule in RULES.items()} | {
    "called": "Name in addresses",
    "description": "Description",
    "token": "Token",
}
_OK, _UNUSABLE = 200, 422


@router.get("/build")
async def build(request: Request) -> Response:
    """The form with the rules of the query, or those of `feed=…`; and what they select, if they are right."""
    wire = wire_of(request)
    await wire.manifest()
    sent, filters = split_rules(raw_query(request))
    feed, form = _started(wire.rules.feeds, filters) if not sent else (None, None)
    if form is None:
        feed, form = read_sent(sent, fetched=wire.rules.categories) if sent else (None, _blank(request))
    shown = await show(wire, feed) if feed else None
    context = {
        **preview_context(request, feed, form, shown),
        "groups": form.groups(wire.rules.categories),
        "types": TYPE_CHOICES,
        "matches": MATCH_CHOICES,
        "feeds": wire.rules.feeds,
        "filters": unquote_plus(filters) if sent else "",
    }
    return await page(request, "build.html", context, status=_UNUSABLE if form.problems else _OK)


@router.get("/build/preview")
async def preview(request: Request) -> Response:
    """What the rules of the query select: the part of the page that changes while somebody types."""
    wire = wire_of(request)
    await wire.manifest()
    sent, _ = split_rules(raw_query(request))
    feed, form = read_sent(sent, fetched=wire.rules.categories)
    shown = await show(wire, feed) if feed else None
    context = preview_context(request, feed, form, shown)
    return await page(request, "preview.html", context)


@router.post("/build/preview")
async def preview_of_form(request: Request) -> Response:
    """The same for the rules of a form, which may be more than fit into an address, and of any categories."""
    sent = rules_sent(await read_form(request))
    await wire_of(request).manifest()
    feed, form = read_sent(sent, most_keywords=OWNER_KEYWORDS)
    shown = await show(wire_of(request), feed) if feed else None
    context = preview_context(request, feed, form, shown, where="", own=True)
    return await page(request, "preview.html", context)


def read_sent(
    sent: Mapping[str, Sequence[str]], *, fetched: tuple[str, ...] = (), **options: Any
) -> tuple[Feed | None, RuleForm]:
    """The feed that was sent, or None; and the form again. With `fetched`, no other categories are possible."""
    feed, problems = read_rules(joined(sent), **options)
    if fetched and feed and (unknown := not_fetched(feed.categories, fetched)):
        there = f"there is {', '.join(fetched)}"
        feed, problems = None, {"category": f"{', '.join(unknown)}: nothing of that is fetched here; {there}"}
    return feed, form_of(sent, problems)


def preview_context(
    request: Request,
    feed: Feed | None,
    form: RuleForm,
    shown: Shown | None,
    *,
    where: str = "/build?",
    own: bool = False,
) -> dict[str, Any]:
    """What the templates need to show what rules select.

    `where` is the page's address, to which rules are added. `own`: they become a feed of this wire, with an address of
    its own.
    """

    def at_least(score: float) -> str:
        return write_rules(replace(feed, min_score=score)) if feed else ""

    rules = write_rules(feed) if feed else ""
    return {
        "form": form,
        "feed": feed,
        "shown": shown,
        "rules": rules if len(rules) <= MOST_CHARACTERS else "",
        "best": [(day, [shown_entry(entry) for entry in best]) for day, best in shown.preview.best] if shown else [],
        "where": where,
        "own": own,
        "at_least": at_least,
        "amount": amount,
        "labels": LABELS,
        "can_save": bool(wire_of(request).settings.admin_token) and is_owner(request),
    }


def amount(a_day: float) -> str:
    """A number of entries a day, as exact as it is of use: "0.3", "4.5", "27"."""
    return f"{a_day:.0f}" if a_day >= 9.95 else f"{a_day:.1f}".removesuffix(".0")


async def page(
    request: Request, template: str, context: Mapping[str, Any], *, status: int = _OK, cache: str = "no-cache"
) -> Response:
    """A page that is made for this request."""
    body = await asyncio.to_thread(render, request, template, **context)
    return Response(body, status, {**HEADERS, "Cache-Control": cache}, MEDIA_TYPE)


def _blank(request: Request) -> RuleForm:
    return empty_form(wire_of(request).main.categories)


def _started(feeds: Mapping[str, Feed], filters: str) -> tuple[Feed | None, RuleForm | None]:
    """The feed that `feed=…` names, as a form. Raises `UnknownName`."""
    name = dict(parse_qsl(filters)).get("feed")
    if name is None:
        return None, None
    if name not in feeds:
        raise UnknownName("feed", name, tuple(feeds))
    return feeds[name], form_of_feed(feeds[name])
