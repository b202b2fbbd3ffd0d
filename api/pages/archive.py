"""The list of the feeds, and the archive: the states of all dates, with a chart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import MEDIA_TYPE, render
from api.resource import Loaded, Resource, opened, serve
from core.model.entries import choose
from core.model.feed import Entry, Feed
from core.model.freshness import due_record
from core.model.manifest import BatchRecord, Manifest
from core.model.query import Query
from core.render.pictures import CHART_DAYS, ChartDay, render_chart

router = Pages()
_AT_MOST = 60  # seconds in shared caches: states change before batches do


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest date of a feed and its number of entries; without a date if nothing was fetched."""

    date: date | None
    count: int


@router.get("/feeds")
async def feeds_page(request: Request) -> Response:
    """The feeds with their pages, and their addresses to subscribe to."""
    wire = await opened(request, shared=True)
    manifest = await wire.manifest()
    feeds = list(wire.feeds.values())

    def make(loaded: Loaded) -> bytes:
        today = {feed.name: _newest(feed, found.entries, manifest) for feed, found in loaded}
        return render(request, "feeds.html", feeds=feeds, today=today)

    resource = Resource(MEDIA_TYPE, make, feeds=feeds if manifest.has_batches else [], shared=manifest.has_batches)
    return await serve(request, manifest, resource)


@router.get("/days")
async def archive(request: Request) -> Response:
    """The states of all dates, and how much the main feed had of each."""
    wire = await opened(request, shared=True)
    manifest = await wire.manifest()
    due = due_record(manifest, wire.due, wire.rules.sources)
    feeds = [wire.main] if manifest.has_batches else []
    leading = manifest.leading(wire.rules.sources)

    def make(loaded: Loaded) -> bytes:
        entries: Sequence[Entry] = loaded[0][1].entries if loaded else ()
        more = _history(leading, wire.main, entries)
        retention = wire.archive.retention.days
        return render(
            request, "archive.html", main=wire.main, batches=_batches(leading, due), retention=retention, **more
        )

    key = due.date.isoformat()
    resource = Resource(MEDIA_TYPE, make, feeds=feeds, depends_on=key, at_most=_AT_MOST, shared=bool(feeds))
    return await serve(request, manifest, resource)


def _newest(feed: Feed, entries: Sequence[Entry], manifest: Manifest) -> _Newest:
    newest = next(iter(manifest.of(feed.source)), None)
    of_day = [entry for entry in entries if newest and entry.announced == newest.date]
    return _Newest(newest.date if newest else None, len(choose(feed, of_day, Query(), capped=True)))


def _batches(manifest: Manifest, due: BatchRecord) -> list[BatchRecord]:
    """Returns the records of all dates, newest first, with the due one even if nothing is stored of it."""
    known = {due.date: due, **manifest.records} if manifest.records else {}
    return sorted(known.values(), key=lambda record: record.date, reverse=True)


def _history(manifest: Manifest, main: Feed, entries: Sequence[Entry]) -> dict[str, Any]:
    """Returns the chart of the last days, and its numbers, oldest first."""
    found = choose(main, entries, Query(), capped=False)  # all entries above the threshold
    count = Counter(entry.announced for entry in found)
    best = {entry.announced: entry.score for entry in sorted(found, key=lambda entry: entry.score)}
    days = [
        ChartDay(record.date, record.state, record.total, count[record.date], best.get(record.date))
        for record in sorted(manifest.records.values(), key=lambda record: record.date)
    ]
    return {"days": days[-CHART_DAYS:], "chart": render_chart(days, main.title)}
