"""Weeks and months of a feed as documents, its weeks and its second looks as feeds; loaded when first asked for."""

from collections.abc import Mapping
from math import inf

from fastapi import Request
from fastapi.responses import Response

from api import documents
from api.resource import Loaded, Resource, find_feed, format_of, opened, serve
from api.routes.feeds import Series, serve_series
from api.urls import raw_query
from core.app import Paperwire
from core.model.again import picks_of, second_looks
from core.model.digest import read_digest_options
from core.model.errors import UnknownName
from core.model.period import Period, make_period, parse_period, week_of
from core.model.query import Condition, Query
from core.model.sources import HUGGINGFACE
from core.render.again import again_items
from core.render.items import Item
from core.render.messages import messages

WEEKS, AGAIN = "weeks", "again"
_EVERYTHING = Query((Condition("score", ">=", (-inf,)),))
_LANGUAGE = ("language",)
_MOST_NAMED = 10


async def serve_period(request: Request, name: str, documents_by_format: Mapping[str, str]) -> Response:
    """The week or month of that name as one of the documents (media types by format), or one of these feeds.

    Raises `UnknownName` for what is no period.
    """
    if name == WEEKS:
        return await _weeks(request)
    if name == AGAIN:
        return await _again(request)
    period = parse_period(name)
    if period is None:
        raise UnknownName("period", name, ("2026-W10", "2026-03"))
    format_name = format_of(request, documents_by_format, "digest format")
    return await _period(request, period, format_name, documents_by_format[format_name])


async def _period(request: Request, period: Period, format_name: str, media_type: str) -> Response:
    wanted = read_digest_options(raw_query(request), _LANGUAGE)
    wire = await opened(request)
    feed = find_feed(request, f"/api/digests/{{}}/{period.name}.{format_name}")
    manifest = await wire.ready()
    known = manifest.of(feed.source)
    if not any(record.date in period for record in known):
        weeks = dict.fromkeys(week_of(record.date).name for record in known)
        raise UnknownName("period with a batch", period.name, tuple(weeks)[:_MOST_NAMED])

    saved = await _saved(wire)

    def render(loaded: Loaded) -> bytes:
        ((_, found),) = loaded
        made = make_period(
            feed, period, known, found.entries, language=wanted.language, owner=_is_private(wire), saved=saved
        )
        return documents.period_as(request, made, format_name)

    resource = Resource(media_type, render, feeds=[feed], depends_on=sorted(saved), volatile=_is_private(wire))
    return await serve(request, manifest, resource)


async def _weeks(request: Request) -> Response:
    """A feed with one entry for each week that is over."""

    def items(series: Series, loaded: Loaded) -> list[Item]:
        ((feed, found),) = loaded
        known = series.manifest.of(feed.source)
        newest = known[0].date if known else None
        over = [w for w in dict.fromkeys(week_of(record.date) for record in known) if newest and w.last < newest]
        made = [make_period(feed, week, known, found.entries, language=series.options.language) for week in over]
        return documents.periods_feed_items(request, feed, made)

    return await serve_series(request, f"/{WEEKS}", items)


async def _again(request: Request) -> Response:
    """A feed of the papers that became notable after their day."""

    def items(series: Series, loaded: Loaded) -> list[Item]:
        picks = picks_of(entry for _, found in loaded[1:] for entry in found.entries)
        looks = second_looks(series.feed, loaded[0][1].entries, picks)
        return again_items(looks, series.language, in_full=series.format_name == "json")

    def title(series: Series) -> str:
        return f"{series.feed.title} · {messages('again', series.language)['why now']}"

    return await serve_series(request, f"/{AGAIN}", items, title=title, source=HUGGINGFACE, query=_EVERYTHING)


def _is_private(wire: Paperwire) -> bool:
    """Whether only the owner, and whom they gave an address, reads this: the list of saved papers is theirs."""
    return bool(wire.settings.feed_key)


async def _saved(wire: Paperwire) -> frozenset[str]:
    """Returns the papers on the reading list; none for a public copy."""
    listed = (await wire.archive.marks.read()).listed if _is_private(wire) else ()
    return frozenset(one.paper.id for one in listed)
