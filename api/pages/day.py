"""The page of a day: all feeds, each paper once, in bands; with the days before and after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import Response

from api.pages import Pages
from api.pages.html import HEADERS, MEDIA_TYPE, render
from api.pages.owner import PERSONAL, classes_of
from api.resource import Loaded, Resource, opened, render_entries, serve, wire_of
from api.session import owner_of
from api.urls import raw_query
from core.app import Paperwire
from core.llm.extractive import extract_claim
from core.model.bands import PLACES, Chosen, merge_day, reach_of, shown_of
from core.model.categories import category_name
from core.model.errors import UnknownName
from core.model.feed import Entry, Feed
from core.model.freshness import due_record
from core.model.health import Trouble, troubles
from core.model.lazy import with_texts
from core.model.manifest import BatchRecord, Manifest
from core.model.query import Condition, Query
from core.model.reconcile import seen_by
from core.model.sources import leading_source
from core.render.rows import BAND_NAMES, make_row

router = Pages()

STRIP_DAYS = 14
MOST_ROWS = 120  # of a day; the feeds' pages have all
_AT_MOST = 60  # seconds in shared caches: states change before batches do
_FETCHING = 5  # seconds until a page looks again
_ALL = Query((Condition("score", ">=", (float("-inf"),)),))
_LETTERS = "MTWTFSS"
_ABOUT_BANDS = {"must": "by the rubric of its feed", "worth": "by the rubric, or the best five of a feed", "rest": ""}


@dataclass(frozen=True, slots=True)
class StripDay:
    """A date in the strip: its letter, state, number of papers (None without a batch), and all of that in words."""

    date: date
    letter: str
    state: str
    count: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Band:
    """The rows of a band, with its name and what it means."""

    key: str
    name: str
    about: str
    rows: tuple[Any, ...]


@router.get("/")
async def home(request: Request) -> Response:
    """The newest day. While a batch is missing it is fetched in the background, and the page looks again by itself."""
    wire = await opened(request, shared=True)
    manifest = await wire.manifest()
    dates = _records(manifest, wire)
    newest = max((day for day, record in dates.items() if record.hash), default=None)
    return await _answer(request, manifest, dates, newest, is_home=True)


@router.get("/day/{date}")
async def day_page(request: Request) -> Response:
    """A day of the last ones. Raises `UnknownName`."""
    wire = await opened(request, shared=True)
    manifest = await wire.manifest()
    dates = _records(manifest, wire)
    text = request.path_params["date"]
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UnknownName("day", text) from None
    if not dates or not min(dates) <= day <= max(dates):
        raise UnknownName("day", text)
    return await _answer(request, manifest, dates, day, is_home=False)


async def _answer(
    request: Request, manifest: Manifest, dates: Mapping[date, BatchRecord], day: date | None, *, is_home: bool
) -> Response:
    wire = wire_of(request)
    fetching = await wire.begin() if is_home else wire.is_refreshing
    found = troubles(
        seen_by(manifest, wire.rules.categories), wire.pending(manifest), wire.clock(), sources=wire.rules.sources
    )
    feeds = list(wire.feeds.values()) if manifest.has_batches else []
    due = due_record(manifest, wire.due, wire.rules.sources)

    reading = await owner_of(request)

    def make(loaded: Loaded) -> bytes:
        context = _context(request, loaded, dates, day) if day else {}
        if reading:
            context["marked"] = partial(classes_of, reading.marks)
        return render(
            request,
            "day.html" if day else "start.html",
            day=day,
            is_home=is_home,
            due=due,
            fetching=fetching,
            fetching_seconds=_FETCHING,
            troubles=[trouble for trouble in found if trouble.kind != "due"],
            following=wire.due.following,
            source=leading_source(wire.rules.sources),
            **context,
        )

    if reading:  # for the owner alone
        body = await render_entries(wire, manifest, feeds, Query(), make)
        return Response(body, 200, HEADERS | PERSONAL, MEDIA_TYPE)
    resource = Resource(
        MEDIA_TYPE,
        make,
        feeds=feeds,
        depends_on=(due.date.isoformat(), fetching, [_words(trouble) for trouble in found]),
        at_most=_FETCHING if fetching else _AT_MOST,
        shared=bool(feeds),
        limited=not is_home,
        volatile=not feeds or fetching,
        by_session=True,
    )
    return await serve(request, manifest, resource)


def _words(trouble: Trouble) -> str:
    return f"{trouble.kind} {trouble.detail}"


def _records(manifest: Manifest, wire: Paperwire) -> dict[date, BatchRecord]:
    """Returns the records of all known dates: those of arXiv, and of picks where arXiv has none."""
    leading = manifest.leading(wire.rules.sources).records
    stored = {day: record for day, record in manifest.picks.items() if record.hash}
    picks = stored if any(feed.source != "arxiv" for feed in wire.feeds.values()) else {}
    known = picks | {day: record for day, record in leading.items() if record.hash or day not in picks}
    if not known:
        return {}
    first, last = min(known), max(known)
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return {day: known.get(day) or manifest.get(day) for day in every}


def _context(request: Request, loaded: Loaded, dates: Mapping[date, BatchRecord], day: date) -> dict[str, Any]:
    """Returns the variables of the day's template."""
    shown = {feed.name: shown_of(feed, found.entries) for feed, found in loaded}
    reaches = {feed.name: reach_of(feed, found.entries) for feed, found in loaded}
    feeds = [feed for feed, _ in loaded]
    of_day = {feed.name: shown[feed.name].get(day, []) for feed in feeds}
    with_texts(entry for entries in of_day.values() for entry in entries)  # of all feeds at once
    everything = merge_day((feed, with_texts(of_day[feed.name]), reaches[feed.name]) for feed in feeds)
    counts = _counts(shown)
    asked = dict(parse_qsl(raw_query(request)))
    chosen_feed, category = asked.get("feed", ""), asked.get("category", "")
    if chosen_feed and chosen_feed not in shown:
        raise UnknownName("feed", chosen_feed, tuple(shown))
    chosen = [one for one in everything if _is_chosen(one, chosen_feed, category)]
    record = dates.get(day) or BatchRecord(day, "expected")
    batches = [other for other, of_other in dates.items() if of_other.hash and counts.get(other)]
    return {
        "record": record,
        "bands": _bands(chosen[:MOST_ROWS]),
        "count": len(chosen),
        "more": max(len(chosen) - MOST_ROWS, 0),
        "all_count": len(everything),
        "tabs": [(feed, sum(1 for one in everything if _is_chosen(one, feed.name, ""))) for feed in feeds],
        "chosen_feed": chosen_feed,
        "category": category,
        "categories": _categories(everything),
        "query": lambda **more: _query(asked, **more),
        "strip": _strip(dates, counts, day),
        "previous": max((other for other in batches if other < day), default=None),
        "next": min((other for other in batches if other > day), default=None),
        "best_below": _best_below(loaded, day) if not chosen else None,
    }


def _is_chosen(one: Chosen, feed: str, category: str) -> bool:
    in_feed = not feed or any(name.name == feed for name, _ in one.entries)
    return in_feed and (not category or category in one.entry.paper.categories)


def _query(asked: Mapping[str, str], **more: str) -> str:
    """Returns the query of this page with other filters, with its question mark; "" for none."""
    wanted = {name: value for name, value in {**asked, **more}.items() if name in ("feed", "category") and value}
    return f"?{urlencode(wanted)}" if wanted else ""


def _bands(chosen: Sequence[Chosen]) -> list[Band]:
    rows = {band: tuple(make_row(one, extract_claim) for one in chosen if one.band == band) for band in PLACES}
    return [Band(band, BAND_NAMES[band], _ABOUT_BANDS[band], rows[band]) for band in PLACES if rows[band]]


def _categories(chosen: Sequence[Chosen]) -> list[tuple[str, str, int]]:
    """Returns the primary categories of the papers with names and numbers, the largest first."""
    found: dict[str, int] = {}
    for one in chosen:
        if primary := one.entry.paper.primary:
            found[primary] = found.get(primary, 0) + 1
    return [(code, category_name(code), found[code]) for code in sorted(found, key=lambda code: (-found[code], code))]


def _counts(shown: Mapping[str, Mapping[date, Sequence[Entry]]]) -> dict[date, int]:
    """Returns the number of papers of each date over all feeds, each once."""
    papers: dict[date, set[str]] = {}
    for days in shown.values():
        for day, entries in days.items():
            papers.setdefault(day, set()).update(entry.id for entry in entries)
    return {day: len(found) for day, found in papers.items()}


def _strip(dates: Mapping[date, BatchRecord], counts: Mapping[date, int], day: date) -> list[StripDay]:
    newest = max(dates)
    last = newest if (newest - day).days < STRIP_DAYS else day + timedelta(days=STRIP_DAYS // 2)
    days = (last - timedelta(days=n) for n in reversed(range(STRIP_DAYS)))
    return [_strip_day(one, dates.get(one), counts.get(one, 0)) for one in days]


def _strip_day(day: date, record: BatchRecord | None, count: int) -> StripDay:
    letter = _LETTERS[day.weekday()]
    if record is None or not record.hash:
        reason = record.reason if record else ""
        state = record.state if record else ""
        words = f"{state or 'nothing is stored'}{f': {reason}' if reason else ''}"
        return StripDay(day, letter, state, None, words)
    reason = f": {record.reason}" if record.reason else ""
    return StripDay(
        day, letter, record.state, count, f"{count} {'paper' if count == 1 else 'papers'}, {record.state}{reason}"
    )


def _best_below(loaded: Loaded, day: date) -> tuple[Feed, Entry, int] | None:
    """Returns the best paper of the day below its feed's threshold, and how many have points; None if none has."""
    below = [(feed, e) for feed, found in loaded for e in found.entries if e.announced == day and e.score > 0]
    if not below:
        return None
    feed, best = max(below, key=lambda pair: pair[1].score)
    return feed, with_texts([best])[0], len({entry.id for _, entry in below})
