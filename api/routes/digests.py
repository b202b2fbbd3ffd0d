"""Digests: a feed's day as a document, and a feed with one entry for each day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.resource import Loaded, Resource, find_feed, format_of, opened, serve
from api.routes.feeds import FORMATS, Series, serve_series
from api.urls import raw_query
from core.app import Paperwire
from core.model.digest import make_digest, read_digest_options
from core.model.errors import NothingYet, UnknownName
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.render.items import Item

router = APIRouter(tags=["digests"], default_response_class=Response)
LATEST = "latest"
_PERIOD = re.compile(r"again|weeks|\d{4}-(?:W\d{2}|\d{2})")
DAYS_IN_FEED = 14
_RETRY_SECONDS = 60
_KNOWN_DATES = 10
_NAME = openapi.of_path("name", "the name of a feed", "main")
_DATE = openapi.of_path(
    "date", f"a date that has a batch, a week (2026-W10) or month (2026-03) of such, or `{LATEST}`", "2026-03-06"
)


@dataclass(frozen=True, slots=True)
class _Form:
    media_type: str
    parameters: Sequence[str]


_DOCUMENTS = {
    "md": _Form("text/markdown", ("style", "language", "front_matter")),
    "html": _Form("text/html", ("style", "language")),
    "json": _Form("application/json", ("style", "language")),
}


@router.get(
    "/api/digests/{name}/{date}.{format}",
    summary="A feed's day as Markdown, HTML or JSON",
    responses=openapi.DIGEST,
    openapi_extra={
        "parameters": [
            _NAME,
            _DATE,
            openapi.of_path("format", f"one of {', '.join(_DOCUMENTS)}", "md"),
            *openapi.DIGEST_PARAMETERS,
        ]
    },
)
async def get_digest(request: Request) -> Response:
    """The entries that the feed shows of a date, with statistics, and with scorecards and summaries if available.

    The owner sets the style and the language of the headings; the request can override both. Summaries stay in the
    feed's language. Only Markdown has front matter.

    A week or a month has the sums of its days, the best papers, and the keywords that came more often than in the four
    weeks before; `weeks.rss`, `.atom` and `.json` are a feed with one entry for each week that is over.
    `again.rss`, `.atom` and `.json` are a feed of papers that became notable after their day, each with why now.
    """
    day = request.path_params["date"]
    if _PERIOD.fullmatch(day):
        from api.periods import serve_period  # not at a cold start

        return await serve_period(request, day, {name: form.media_type for name, form in _DOCUMENTS.items()})
    format_name = format_of(request, _DOCUMENTS, "digest format")
    form = _DOCUMENTS[format_name]
    wanted = read_digest_options(raw_query(request), form.parameters)
    wire = await opened(request, shared=True)
    feed = find_feed(request, f"/api/digests/{{}}/{day}.{format_name}")
    manifest = await wire.ready()
    record = _record(wire, manifest, feed, day)

    def render(loaded: Loaded) -> bytes:
        from api import documents  # not at a cold start

        ((_, found),) = loaded
        digest = make_digest(feed, record, found.entries, style=wanted.style, language=wanted.language)
        return documents.digest_as(request, digest, format_name, wanted.front_matter)

    return await serve(request, manifest, Resource(form.media_type, render, feeds=[feed], shared=True, limited=True))


@router.get(
    "/api/digests/{name}.{format}",
    summary="A feed with one digest a day",
    responses=openapi.NAMED_FEED,
    openapi_extra={
        "parameters": [
            _NAME,
            openapi.of_path("format", f"one of {', '.join(FORMATS)}", "rss"),
            *openapi.DIGEST_PARAMETERS[:2],
        ]
    },
)
async def get_digests(request: Request) -> Response:
    """One entry for each of the newest days, with the whole digest as its content."""

    def items(series: Series, loaded: Loaded) -> list[Item]:
        from api import documents  # as above

        ((feed, found),) = loaded
        options = series.options
        days = [
            make_digest(feed, record, found.entries, style=options.style, language=options.language)
            for record in series.manifest.of(feed.source)[:DAYS_IN_FEED]
        ]
        return documents.digests_feed_items(request, feed, days, options)

    return await serve_series(request, "", items, parameters=("style", "language"), shared=True)


def _record(wire: Paperwire, manifest: Manifest, feed: Feed, day: str) -> BatchRecord:
    """Returns the record of a date that has a batch. Raises `NothingYet` for an expected one, else `UnknownName` with
    the newest dates.
    """
    known = manifest.of(feed.source)
    stored = {record.date.isoformat(): record for record in known}
    if day == LATEST and stored:
        return known[0]
    if day in stored:
        return stored[day]
    if day == wire.due.date.isoformat():
        record = manifest.get(date.fromisoformat(day))
        if record.state not in ("quiet", "complete"):
            reason = f": {record.reason}" if record.reason else ""
            text = f"There is no digest of {day} yet, because its batch is {record.state}{reason}."
            raise NothingYet(text, _RETRY_SECONDS)
    raise UnknownName("batch", day, tuple(stored)[:_KNOWN_DATES])
