"""Digests: a feed's day as a document, and as a feed that has one entry a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api import openapi
from api.resource import Document, Loaded, make_document, published, respond, slot_of, updated, wire_of
from api.urls import base_url, feed_url, link_header, page_url, raw_query, self_url
from core.app import Paperwire
from core.model.digest import Digest, Wanted, make_digest, read_wanted
from core.model.errors import NothingYet, UnknownName
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.model.query import Query
from core.render.feeds import render_feed
from core.render.items import Channel

if TYPE_CHECKING:
    from core.render.digest.common import Site

router = APIRouter(tags=["digests"], default_response_class=Response)
LATEST = "latest"
DAYS_IN_FEED = 14
RETRY_SECONDS = 60
_KNOWN_DATES = 10
_MOVED = 301
_NAME = openapi.of_path("name", "the name of a feed", "main")
_DATE = openapi.of_path("date", f"a date that has a batch, or `{LATEST}`", "2026-03-06")
_FEEDS = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
_LABELS = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}


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
    name, format_name = request.path_params["name"], request.path_params["format"]
    if format_name not in _DOCUMENTS:
        raise UnknownName("digest format", format_name, tuple(_DOCUMENTS))
    wanted = read_wanted(raw_query(request), _DOCUMENTS[format_name].parameters)
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    if now := _name_now(wire, name):
        return _moved(request, f"/api/digests/{now}/{request.path_params['date']}.{format_name}")
    feed = wire.feed(name)
    day = request.path_params["date"]
    manifest = await wire.ready()
    _record(wire, manifest, feed, day)  # before anything is read

    def render(manifest: Manifest, loaded: Loaded) -> Document:
        (of_feed,) = loaded
        record = _record(wire, manifest, feed, day)
        digest = make_digest(feed, record, of_feed[1], style=wanted.style, language=wanted.language)
        return _document(request, digest, format_name, wanted, manifest)

    key = ("digest", format_name, day, wanted.canonical, self_url(request))
    document = await published(wire, manifest, [feed], Query(), key, render, slot=slot_of(request))
    return respond(request, document, manifest)


@router.get(
    "/api/digests/{name}.{format}",
    summary="A feed with one digest a day",
    responses=openapi.NAMED_FEED,
    openapi_extra={
        "parameters": [
            _NAME,
            openapi.of_path("format", f"one of {', '.join(_FEEDS)}", "rss"),
            *openapi.DIGEST_PARAMETERS[:2],
        ]
    },
)
async def get_digests(request: Request) -> Response:
    """One entry for each of the newest days, with the whole digest as its content."""
    name, format_name = request.path_params["name"], request.path_params["format"]
    if format_name not in _FEEDS:
        raise UnknownName("feed format", format_name, tuple(_FEEDS))
    wanted = read_wanted(raw_query(request), ("style", "language"))
    wire = wire_of(request)
    await wire.manifest(also=slot_of(request))
    if now := _name_now(wire, name):
        return _moved(request, f"/api/digests/{now}.{format_name}")
    feed = wire.feed(name)
    manifest = await wire.ready()

    def render(manifest: Manifest, loaded: Loaded) -> Document:
        from core.render.digest.document import digest_item  # not at a cold start

        (of_feed,) = loaded
        days = [
            make_digest(feed, record, of_feed[1], style=wanted.style, language=wanted.language)
            for record in manifest.of(feed.source)[:DAYS_IN_FEED]
        ]
        items = [digest_item(day, _site(request, feed), *_addresses(request, day, wanted)) for day in days]
        channel = _channel(request, feed, manifest, wanted.language or feed.language)
        links = {"self": channel.self_url} | ({"hub": channel.hub} if channel.hub else {})
        body = render_feed(format_name, channel, items)
        return make_document(body, _FEEDS[format_name], updated(manifest), link_header(links))

    key = ("digests", format_name, wanted.canonical, self_url(request))
    document = await published(wire, manifest, [feed], Query(), key, render, slot=slot_of(request))
    return respond(request, document, manifest)


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
            raise NothingYet(text, RETRY_SECONDS)
    raise UnknownName("batch", day, tuple(stored)[:_KNOWN_DATES])


def _document(request: Request, digest: Digest, format_name: str, wanted: Wanted, manifest: Manifest) -> Document:
    from core.render.digest.document import (
        digest_html,
        digest_json,
        digest_markdown,
        digest_title,
    )  # not at a cold start

    media_type = _DOCUMENTS[format_name].media_type
    if format_name == "json":
        return make_document(digest_json(digest), media_type, updated(manifest))
    if format_name == "md":
        body = digest_markdown(digest, _site(request, digest.feed, public=True), wanted.front_matter)
        return make_document(body.encode("utf-8", "replace"), media_type, updated(manifest))
    from markupsafe import Markup

    from api.pages.html import render

    article = Markup(digest_html(digest, _site(request, digest.feed)))  # noqa: S704 - harmless by construction
    page = render(request, "digest.html", digest=digest, title=digest_title(digest), article=article)
    return make_document(page, media_type, updated(manifest))


def _site(request: Request, feed: Feed, *, public: bool = False) -> "Site":
    """What documents say of this service. What is to be made `public`, as Markdown is, tells no address that opens a
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
        feeds=tuple((label, feed_url(request, f"{path}.{kind}")) for kind, label in _LABELS.items()),
        digests=feed_url(request, f"/api/digests/{feed.name}.atom"),
        papers=feed_url(request, f"/api/papers?feed={feed.name}"),
        deployed=deployed,
    )


def _addresses(request: Request, digest: Digest, wanted: Wanted) -> tuple[str, str]:
    """A digest's identifier, another one for whatever else was asked for, and where it can be read."""
    path = f"/api/digests/{digest.feed.name}/{digest.record.date}"
    query = f"?{wanted.canonical}" if wanted.canonical else ""
    return f"{base_url(request)}{path}{query}", feed_url(request, f"{path}.html{query}")


def _channel(request: Request, feed: Feed, manifest: Manifest, language: str) -> Channel:
    wire, base = wire_of(request), base_url(request)
    return Channel(
        id=f"{base}/api/digests/{feed.name}",
        title=f"{feed.title} · {wire.title}",
        description=feed.description or f"arXiv papers in {', '.join(feed.categories)}",
        home_url=feed_url(request, f"/feeds/{feed.name}"),
        self_url=self_url(request),
        updated=updated(manifest),
        language=language,
        icon=f"{base}/icon.png",
        hub=str(wire.settings.websub_hub or ""),
    )


def _name_now(wire: Paperwire, name: str) -> str:
    """What a feed is called now that was renamed, else ""."""
    now = wire.rules.saved.name_now(name)
    return now if name not in wire.feeds and now in wire.feeds else ""


def _moved(request: Request, path: str) -> Response:
    raw = raw_query(request)
    return RedirectResponse(page_url(request, path + (f"?{raw}" if raw else "")), _MOVED)
