"""The start page: the best papers of today, the feeds, and the states of the last batches."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.html import MEDIA_TYPE, render
from api.resource import Loaded, Resource, opened, serve, wire_of
from core.model.entries import choose
from core.model.feed import Entry, Feed
from core.model.freshness import due_record
from core.model.health import Trouble, troubles
from core.model.manifest import BatchRecord, Manifest
from core.model.pagination import ranked
from core.model.query import Query
from core.render.card import make_card
from core.render.pictures import CHART_DAYS, ChartDay, render_chart

router = APIRouter(include_in_schema=False)

_BEST = 8  # entries of the main feed
_BATCHES = 7  # dates in the table
_AT_MOST = 60  # seconds in shared caches: states change before batches do


@dataclass(frozen=True, slots=True)
class _Today:
    """A feed's entries of its newest date, best first, and their number; without a date if nothing was fetched."""

    feed: Feed
    date: date | None
    best: tuple[Entry, ...]
    count: int


@router.get("/")
async def home(request: Request) -> Response:
    """The best papers of the newest batch, the feeds with their URLs, and the state of the last batches.

    The page fetches nothing; with an empty store it says so.
    """
    wire = await opened(request, shared=True)
    manifest = await wire.manifest()
    due = due_record(manifest, wire.due, wire.rules.sources)
    feeds = list(wire.feeds.values()) if manifest.has_batches else []
    # A header warns if the store fails
    found = troubles(manifest, wire.pending(manifest), wire.clock(), sources=wire.rules.sources)
    resource = Resource(
        MEDIA_TYPE,
        lambda loaded: _page(request, manifest, loaded, due, found),
        feeds=feeds,
        depends_on=(due.date.isoformat(), [trouble.detail for trouble in found]),
        at_most=_AT_MOST,
        shared=bool(feeds),
    )
    return await serve(request, manifest, resource)


def _page(request: Request, manifest: Manifest, loaded: Loaded, due: BatchRecord, found: list[Trouble]) -> bytes:
    wire = wire_of(request)
    leading = manifest.leading(wire.rules.sources)
    newest = leading.stored[0] if leading.stored else None
    entries = {feed.name: found.entries for feed, found in loaded}
    today = {
        feed.name: _today(feed, entries[feed.name], next(iter(manifest.of(feed.source)), None)) for feed, _ in loaded
    }
    return render(
        request,
        "home.html",
        feeds=list(wire.feeds.values()),
        main=wire.main,
        newest=newest,
        due=due,
        picked=leading is not manifest,
        troubles=[trouble for trouble in found if trouble.kind not in ("due", "empty")],
        today=today,
        cards=[make_card(entry) for entry in today[wire.main.name].best] if today else [],
        batches=_batches(leading, due),
        **_history(leading, wire.main, entries.get(wire.main.name, ())),
    )


def _today(feed: Feed, entries: Sequence[Entry], newest: BatchRecord | None) -> _Today:
    of_day = [entry for entry in entries if newest and entry.announced == newest.date]
    found = choose(feed, of_day, Query(), capped=True)
    return _Today(feed, newest.date if newest else None, tuple(ranked(found, Query())[:_BEST]), len(found))


def _batches(manifest: Manifest, due: BatchRecord) -> list[BatchRecord]:
    """Returns the records of the last dates, newest first, with the due one even if nothing is stored of it."""
    known = {due.date: due, **manifest.records} if manifest.records else {}
    return sorted(known.values(), key=lambda record: record.date, reverse=True)[:_BATCHES]


def _history(manifest: Manifest, main: Feed, entries: Sequence[Entry]) -> dict[str, Any]:
    """Returns the chart of the last days, and its numbers, oldest first."""
    found = choose(main, entries, Query(), capped=False)  # all entries above the threshold
    count = Counter(entry.announced for entry in found)
    best = {entry.announced: entry.score for entry in sorted(found, key=lambda entry: entry.score)}
    days = [
        ChartDay(record.date, record.state, record.total, count[record.date], best.get(record.date))
        for record in sorted(manifest.records.values(), key=lambda record: record.date)
    ]
    newest = manifest.stored[0].date if manifest.stored else None
    return {
        "days": days[-CHART_DAYS:],
        "reaching": count[newest] if newest else 0,
        "chart": render_chart(days, main.title),
    }
