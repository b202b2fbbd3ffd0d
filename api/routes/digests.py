"""Digests: a feed's day as a document, and as a feed that has one entry a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.resource import Loaded, Resource, find_feed, format_of, opened, serve, updated, wire_of
from api.routes.feeds import FORMATS, describe_feed, feed_links, make_channel
from api.urls import base_url, feed_url, raw_query
from core.app import Paperwire
from core.model.digest import Digest, DigestOptions, make_digest, read_digest_options
from core.model.errors import NothingYet, UnknownName
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.render.feeds import render_feed

if TYPE_CHECKING:
    from core.render.digest.common import Site

router = APIRouter(tags=["digests"], default_response_class=Response)
LATEST = "latest"
DAYS_IN_FEED = 14
_RETRY_SECONDS = 60
_KNOWN_DATES = 10
_NAME = openapi.of_path("name", "the name of a feed", "main")
_DATE = openapi.of_path("date", f"a date that has a batch, or `{LATEST}`", "2026-03-06")


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
    """What the feed shows of a date, with statistics, scorecards and summaries as far as there are any.

    The style and the language of its headings are as the feed's owner set them, unless the request names others;
    summaries stay in the feed's language. Front matter stands only in Markdown.
    """
    format_name, day = format_of(request, _DOCUMENTS, "digest format"), request.path_params["date"]
    form = _DOCUMENTS[format_name]
    wanted = read_digest_options(raw_query(request), form.parameters)
    wire = await opened(request, shared=True)
    feed = find_feed(request, f"/api/digests/{{}}/{day}.{format_name}")
    manifest = await wire.ready()
    record = _record(wire, manifest, feed, day)

    def render(loaded: Loaded) -> bytes:
        ((_, found),) = loaded
        digest = make_digest(feed, record, found.entries, style=wanted.style, language=wanted.language)
        return _document(request, digest, format_name, wanted)

    return await serve(request, manifest, Resource(form.media_type, render, feeds=[feed], shared=True))


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
    format_name = format_of(request, FORMATS, "feed format")
    wanted = read_digest_options(raw_query(request), ("style", "language"))
    wire = await opened(request, shared=True)
    feed = find_feed(request, f"/api/digests/{{}}.{format_name}")
    manifest = await wire.ready()
    hub = str(wire.settings.websub_hub or "")

    def render(loaded: Loaded) -> bytes:
        from core.render.digest.document import digest_item  # not at a cold start

        ((_, found),) = loaded
        days = [
            make_digest(feed, record, found.entries, style=wanted.style, language=wanted.language)
            for record in manifest.of(feed.source)[:DAYS_IN_FEED]
        ]
        channel = make_channel(
            request,
            f"/api/digests/{feed.name}",
            title=f"{feed.title} · {wire.title}",
            description=describe_feed(feed),
            home_url=feed_url(request, f"/feeds/{feed.name}"),
            updated=updated(manifest),
            language=wanted.language or feed.language,
            hub=hub,
        )
        items = [digest_item(day, _site(request, feed), *_addresses(request, day, wanted)) for day in days]
        return render_feed(format_name, channel, items)

    resource = Resource(
        FORMATS[format_name].media_type, render, feeds=[feed], link=feed_links(request, hub), shared=True
    )
    return await serve(request, manifest, resource)


def _record(wire: Paperwire, manifest: Manifest, feed: Feed, day: str) -> BatchRecord:
    """The record of a date that has a batch. Raises `NothingYet` for one that is being waited for, else `UnknownName`
    with the newest dates.
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


def _document(request: Request, digest: Digest, format_name: str, wanted: DigestOptions) -> bytes:
    # not at a cold start
    from core.render.digest.document import digest_html, digest_json, digest_markdown, digest_title

    if format_name == "json":
        return digest_json(digest)
    if format_name == "md":
        site = _site(request, digest.feed, public=True)
        return digest_markdown(digest, site, wanted.front_matter).encode("utf-8", "replace")
    from markupsafe import Markup

    from api.pages.html import render

    article = Markup(digest_html(digest, _site(request, digest.feed)))  # noqa: S704 - harmless by construction
    return render(request, "digest.html", digest=digest, title=digest_title(digest), article=article)


def _site(request: Request, feed: Feed, *, public: bool = False) -> "Site":
    """What documents say of this service. What is to be made `public`, as Markdown is, shows no address that opens a
    private copy.
    """
    from core.render.digest.common import Site  # not at a cold start

    wire = wire_of(request)
    deployed = wire.settings.public_url
    if public and wire.settings.feed_key:
        return Site(wire.title, deployed=deployed)
    path = f"/api/feeds/{feed.name}"
    return Site(
        title=wire.title,
        feeds=tuple((form.label, feed_url(request, f"{path}.{kind}")) for kind, form in FORMATS.items()),
        digests=feed_url(request, f"/api/digests/{feed.name}.atom"),
        papers=feed_url(request, f"/api/papers?feed={feed.name}"),
        deployed=deployed,
    )


def _addresses(request: Request, digest: Digest, wanted: DigestOptions) -> tuple[str, str]:
    """A digest's identifier, another one for whatever else was asked for, and where it can be read."""
    path = f"/api/digests/{digest.feed.name}/{digest.record.date}"
    query = f"?{wanted.canonical}" if wanted.canonical else ""
    return f"{base_url(request)}{path}{query}", feed_url(request, f"{path}.html{query}")
