"""The page of a feed: its rules, where to subscribe, and its entries with filters over them."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.pages.html import HEADERS, MEDIA_TYPE, render
from api.pages.listing import form_context, make_listing, page_query, selection
from api.resource import Document, Loaded, find, make_document, published, respond, slot_of, updated, wire_of
from api.urls import feed_url, page_url, raw_query, self_url
from core.model.categories import category_name
from core.model.entries import feeds_of
from core.model.errors import QueryError
from core.model.feed import Feed
from core.model.manifest import Manifest
from core.model.notice import notice_of
from core.model.search import FilterForm, read_form

router = APIRouter(include_in_schema=False)
_MOVED, _UNUSABLE = 301, 422


@router.get("/feeds/{name}")
async def feed_page(request: Request, name: str) -> Response:
    """A feed for people: what its readers get, and what the filters of the query leave of it."""
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    if name not in wire.feeds and (now := wire.rules.saved.name_now(name)) in wire.feeds:
        raw = raw_query(request)
        return RedirectResponse(page_url(request, f"/feeds/{now}" + (f"?{raw}" if raw else "")), _MOVED)
    feed = wire.feed(name)
    form = read_form(raw_query(request))
    try:
        return await _listed(request, feed, form)
    except QueryError as error:
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return Response(_render(request, feed, form, "", error=error), _UNUSABLE, headers, MEDIA_TYPE)


async def _listed(request: Request, feed: Feed, form: FilterForm) -> Response:
    wire = wire_of(request)
    query = page_query(form.all_tokens())
    feeds_of(wire.feeds, query)  # refuses the name of a feed that there is not
    manifest = await wire.ready()
    told = notice_of(manifest, feed, wire.clock())
    held = await wire.held(manifest, feed)

    def make(manifest: Manifest, loaded: Loaded) -> Document:
        listing = make_listing(form, query, find(loaded, query, capped=True))
        stored = manifest.of(feed.source)
        newest = stored[0] if stored else None
        body = _render(request, feed, form, selection(form), listing=listing, newest=newest, notice=told, held=held)
        return make_document(body, MEDIA_TYPE, updated(manifest))

    key = ("feed page", query.canonical, self_url(request), told.lines if told else ())
    document = await published(wire, manifest, [feed], query, key, make, slot=slot_of(request))
    return respond(request, document, manifest)


def _render(request: Request, feed: Feed, form: FilterForm, chosen: str, **more: Any) -> bytes:
    address = feed_url(request, f"/api/feeds/{feed.name}.rss" + (f"?{chosen}" if chosen else ""))
    context: dict[str, Any] = {
        "feed": feed,
        "named": [(code, category_name(code)) for code in feed.categories],
        "keywords": sorted(feed.keywords, key=lambda keyword: -keyword.weight),
        "chosen": f"?{chosen}" if chosen else "",
        "address": address,
        "error": None,
        "listing": None,
        "newest": None,
        "notice": None,
        "held": 0,
    }
    return render(request, "feed.html", **context | form_context(form, feed.categories) | more)
