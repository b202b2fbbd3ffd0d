"""The search page: words and filters in one field, over all stored entries of a feed."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from api.headers import NOT_KEPT
from api.pages import Pages
from api.pages.html import HEADERS, MEDIA_TYPE, render
from api.pages.listing import form_context, make_listing, page_query
from api.resource import Loaded, Resource, opened, serve, wire_of
from api.urls import raw_query
from core.model.entries import feeds_of
from core.model.errors import QueryError
from core.model.feed import Feed
from core.model.query import FIELDS, Query
from core.model.search import FilterForm, encoded, everything, read_filter_form, without_paging
from core.text.lists import quoted

router = Pages()
_UNUSABLE = 422
_PREFIXES = {"text": "", "title": "ti:", "author": "au:"}  # of rules, by the fields of filters
_RULE = re.compile(r"(\w+)(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)
_PER_DAY = "per_day=500"  # overrides the feed's number of entries a day


@router.get("/search")
async def search_page(request: Request) -> Response:
    """The matches among all stored entries of a feed, with any score; without a search, hints."""
    form = read_filter_form(raw_query(request))
    wire = await opened(request, query=_wanted(form))
    try:
        if [token for token in without_paging(form.all_tokens()) if not token.startswith(("feed=", "sort="))]:
            return await _found(request, form)
        feeds_of(wire.feeds, page_query(form.all_tokens()))  # raises for unknown names
    except QueryError as error:
        headers = HEADERS | NOT_KEPT
        return Response(_render(request, form, error=error), _UNUSABLE, headers, MEDIA_TYPE)
    manifest = await wire.manifest()
    key = wire.due.date.isoformat()
    resource = Resource(MEDIA_TYPE, lambda _: _render(request, form), depends_on=key, cost=0)
    return await serve(request, manifest, resource)


def _wanted(form: FilterForm) -> Query | None:
    """Returns the query of a form; None if it asks for nothing, or is wrong."""
    try:
        tokens = form.all_tokens()
        return page_query(tokens) if without_paging(tokens) else None
    except QueryError:
        return None


async def _found(request: Request, form: FilterForm) -> Response:
    wire = wire_of(request)
    tokens = form.all_tokens()
    feeds = feeds_of(wire.feeds, page_query(tokens))
    opening = everything(feeds, page_query(tokens))
    query = page_query(tokens, *opening)
    manifest = await wire.ready()

    def make(loaded: Loaded) -> bytes:
        context = {
            "searched": feeds,
            "listing": make_listing(form, query, loaded, capped=False),
            "scope": [name for name in ("score", "type") if not page_query(tokens).names(name)],
            "batches": manifest.leading(wire.rules.sources).stored,
        }
        return _render(request, form, **context, **_addresses(feeds, (*without_paging(tokens), *opening)))

    return await serve(request, manifest, Resource(MEDIA_TYPE, make, feeds=feeds, query=query))


def _addresses(feeds: list[Feed], selected: tuple[str, ...]) -> dict[str, str]:
    """Returns the paths of the same search in the API, and as a feed if it concerns one feed."""
    rest = tuple(token for token in selected if not token.startswith("feed="))
    names = ",".join(feed.name for feed in feeds)
    found = {
        "papers_path": f"/api/papers?{encoded((f'feed={names}', *rest))}",
        "as_rules": as_rules(feeds, selected),
    }
    if len(feeds) == 1:
        found["feed_path"] = f"/api/feeds/{names}.rss?{encoded((*rest, _PER_DAY))}"
    return found


def as_rules(feeds: Sequence[Feed], tokens: Iterable[str]) -> str:
    """Returns the encoded rules of a feed that looks for what a search finds; "" for one without words.

    Words become keywords that all have to be there, filters by category and type rules; scores of other feeds mean
    nothing in it.
    """
    words: list[str] = []
    rules: dict[str, str] = {"category": ",".join(dict.fromkeys(c for feed in feeds for c in feed.categories))}
    for token in tokens:
        if not (match := _RULE.fullmatch(token)):
            continue
        name, operator, value = match.groups()
        if operator == "~" and name in _PREFIXES:
            quotes = '"' if " " in value and not _PREFIXES[name] else ""
            words.append(f"{_PREFIXES[name]}{quotes}{value}{quotes}")
        elif operator == "=" and name in ("category", "type") and not (name == "type" and value.count(",") > 2):
            rules[name] = value
    if not words:
        return ""
    rules |= {"keywords": quoted(" AND ".join(words), rules=True), "name": " ".join(words).replace('"', "")[:80]}
    return urlencode(rules)


def _render(request: Request, form: FilterForm, **more: Any) -> bytes:
    wire = wire_of(request)
    context: dict[str, Any] = {
        "feeds": list(wire.feeds.values()),
        "error": None,
        "listing": None,
        "feed_path": "",
        "as_rules": "",
        "fields": tuple(FIELDS),
        "since": wire.due.date.replace(day=1).isoformat(),
    }
    categories = dict.fromkeys(code for feed in wire.feeds.values() for code in feed.categories)
    return render(request, "search.html", **context | form_context(form, categories) | more)
