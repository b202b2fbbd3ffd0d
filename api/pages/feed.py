"""The page of a feed: its rules, its URLs, and its entries with filters; also of one whose rules are in the address."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.headers import NOT_KEPT
from api.limits import RENDERING, RULES
from api.pages import Pages, html
from api.pages.html import HEADERS, MEDIA_TYPE
from api.pages.listing import form_context, make_listing, page_query, selection
from api.resource import Loaded, Resource, find_feed, opened, serve, wire_of
from api.urls import feed_url, raw_query
from core.config.url_rules import not_fetched, read_custom, rules_of, write_rules
from core.model.categories import category_name
from core.model.entries import feeds_of
from core.model.errors import QueryError
from core.model.feed import Feed
from core.model.notice import not_fetched_notice, notice_of
from core.model.search import FilterForm, read_filter_form
from core.model.sources import scope_of

router = Pages()
_UNUSABLE = 422


@router.get("/feeds/custom")
async def custom_page(request: Request) -> Response:
    """A feed whose rules are in the address, as a page. Nothing is stored or fetched for it."""
    custom = read_custom(raw_query(request))
    await opened(request)
    form = read_filter_form(custom.filters)
    try:
        return await _listed(request, custom.feed, form, rules=write_rules(custom.feed))
    except QueryError as error:
        headers = HEADERS | NOT_KEPT
        body = _render(request, custom.feed, form, "", rules=write_rules(custom.feed), error=error)
        return Response(body, _UNUSABLE, headers, MEDIA_TYPE)


@router.get("/feeds/{name}")
async def feed_page(request: Request) -> Response:
    """A feed as a page: its entries, filtered by the query."""
    await opened(request, shared=True)
    feed = find_feed(request, "/feeds/{}")
    form = read_filter_form(raw_query(request))
    try:
        return await _listed(request, feed, form)
    except QueryError as error:
        headers = HEADERS | NOT_KEPT
        return Response(_render(request, feed, form, "", error=error), _UNUSABLE, headers, MEDIA_TYPE)


async def _listed(request: Request, feed: Feed, form: FilterForm, *, rules: str = "") -> Response:
    wire = wire_of(request)
    query = page_query(form.all_tokens())
    feeds_of(wire.feeds, query)  # raises for unknown names
    manifest = await wire.ready()
    missing = not_fetched(feed.categories, wire.rules.categories) if rules else []
    notice = (
        not_fetched_notice(missing, wire.due.date, wire.clock()) if missing else notice_of(manifest, feed, wire.clock())
    )

    def render(loaded: Loaded) -> bytes:
        ((_, found),) = loaded
        listing = make_listing(form, query, loaded, capped=True)
        newest = next(iter(manifest.of(feed.source)), None)
        more = {"listing": listing, "newest": newest, "notice": notice, "held": found.held}
        return _render(request, feed, form, selection(form), rules=rules, **more)

    key = notice.lines if notice else ()
    resource = Resource(
        MEDIA_TYPE,
        render,
        feeds=[feed],
        query=query,
        depends_on=key,
        shared=not rules,
        cost=RULES if rules else RENDERING,
    )
    return await serve(request, manifest, resource)


def _render(request: Request, feed: Feed, form: FilterForm, chosen: str, *, rules: str = "", **more: Any) -> bytes:
    name, chosen = ("custom", f"{rules}&{chosen}".rstrip("&")) if rules else (feed.name, chosen)
    address = feed_url(request, f"/api/feeds/{name}.rss" + (f"?{chosen}" if chosen else ""))
    context: dict[str, Any] = {
        "feed": feed,
        "rules": rules,
        "rules_sent": rules_of(feed) if rules else {},
        "name": name,
        "home": f"/feeds/{name}?{rules}" if rules else f"/feeds/{name}",
        "named": [(code, category_name(code)) for code in feed.categories],
        "scope": scope_of(feed.source, feed.categories),
        "keywords": sorted(feed.keywords, key=lambda keyword: -keyword.weight),
        "chosen": f"?{chosen}" if chosen else "",
        "address": address,
        "error": None,
        "listing": None,
        "newest": None,
        "notice": None,
        "held": 0,
    }
    return html.render(request, "feed.html", **context | form_context(form, feed.categories) | more)
