"""Digests, reviews and summaries as documents and as entries of feeds; loaded when the first of them is rendered."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from markupsafe import Markup

from api.pages.html import render
from api.pages.parts import SummaryParts, summary_parts
from api.resource import wire_of
from api.routes.feeds import FORMATS
from api.urls import base_url, feed_url
from core.llm.extractive import extract_claim
from core.llm.templates import get_template
from core.model.bands import PLACES, merge_day, reach_of
from core.model.digest import Digest, DigestOptions
from core.model.feed import Entry, Feed
from core.model.period import PeriodDigest
from core.model.review import Review
from core.render.digest.common import Site
from core.render.digest.document import (
    digest_html,
    digest_items,
    digest_json,
    digest_markdown,
    digest_notices,
    digest_title,
)
from core.render.digest.period import period_html, period_items, period_json, period_markdown, period_title
from core.render.items import Item
from core.render.review import review_html, review_items, review_json, review_markdown, review_title
from core.render.rows import BAND_NAMES, PaperRow, Peek, make_peek, make_row


def digest_as(request: Request, digest: Digest, format_name: str, front_matter: str) -> bytes:
    """A digest as "md", "html" or "json"."""
    if format_name == "json":
        return digest_json(digest)
    if format_name == "md":
        site = _site(request, digest.feed, public=True)
        return digest_markdown(digest, site, front_matter).encode("utf-8", "replace")
    if digest.style == "list" and digest.language == "en":  # what a person reads in the morning, and no machine
        notes = Markup(digest_notices(digest))  # noqa: S704 - harmless by construction
        context = {"digest": digest, "bands": _bands(digest), "notes": notes, "article": ""}
        return render(request, "digest.html", title=digest_title(digest), **context)
    html = digest_html(digest, _site(request, digest.feed))
    return _page(request, "digest.html", digest_title(digest), html, digest=digest, bands=(), notes="")


def _bands(digest: Digest) -> list[tuple[str, str, list[tuple[PaperRow, Peek, SummaryParts]]]]:
    """Returns the papers of a digest by worth: the name of each band, and its rows with what is behind them."""
    entries = digest.listed()
    chosen = merge_day([(digest.feed, entries, reach_of(digest.feed, entries))])
    rows: dict[str, list[tuple[PaperRow, Peek, SummaryParts]]] = {}
    for one in chosen:
        peek = make_peek(one.entries)
        rows.setdefault(one.band, []).append((make_row(one, extract_claim), peek, _parts(one.entry)))
    return [(band, BAND_NAMES[band], rows[band]) for band in PLACES if band in rows]


def _parts(entry: Entry) -> SummaryParts:
    """Returns the parts of a model's summary under their headings; none of an extract, which its claim stands for."""
    summary = entry.summary
    return summary_parts(summary, entry.paper)[1] if summary and summary.model and summary.state == "ready" else ()


def digests_feed_items(request: Request, feed: Feed, days: Iterable[Digest], options: DigestOptions) -> list[Item]:
    """The digests of a feed as the entries of another one."""
    return digest_items(list(days), _site(request, feed), lambda day: _addresses(request, day, options))


def period_as(request: Request, period: PeriodDigest, format_name: str) -> bytes:
    """A week or month as "md", "html" or "json"."""
    if format_name == "json":
        return period_json(period)
    if format_name == "md":
        return period_markdown(period).encode("utf-8", "replace")
    return _page(request, "digest.html", period_title(period), period_html(period), digest=period, bands=(), notes="")


def periods_feed_items(request: Request, feed: Feed, periods: list[PeriodDigest]) -> list[Item]:
    """Weeks as the entries of a feed."""

    def address(period: PeriodDigest) -> tuple[str, str]:
        path = f"/api/digests/{feed.name}/{period.period.name}"
        return f"{base_url(request)}{path}", feed_url(request, f"{path}.html")

    return period_items(periods, address)


def review_as(request: Request, review: Review, format_name: str, front_matter: str = "plain") -> bytes:
    """A review as "md", "html" or "json"."""
    template = get_template("review", "review")
    if format_name == "json":
        return review_json(review, template)
    if format_name == "md":
        return review_markdown(review, template, front_matter).encode("utf-8", "replace")
    return _page(request, "review.html", review_title(review), review_html(review, template), review=review)


def reviews_feed_items(request: Request, reviews: list[Review]) -> list[Item]:
    """Reviews as the entries of a feed, each with the absolute address of its page."""

    def address(review: Review) -> str:
        return feed_url(request, f"/reviews/{review.paper.versioned}?language={review.language}")

    return review_items(reviews, get_template("review", "review"), address)


def _page(request: Request, template: str, title: str, html: str, **context: Any) -> bytes:
    """The page around a document's HTML."""
    article = Markup(html)  # noqa: S704 - harmless by construction
    return render(request, template, title=title, article=article, **context)


def _site(request: Request, feed: Feed, *, public: bool = False) -> Site:
    """What documents say of this service. What is to be made `public`, as Markdown is, shows no address that opens a
    private copy.
    """
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
