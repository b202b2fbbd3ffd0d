"""A warm query over a month: `/api/papers?score>=10` over 30 days of 500 papers, and the own time of its answer."""

import asyncio
import tempfile
from collections.abc import Iterable, MutableMapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from api.application import create_app
from api.resource import CACHE_BYTES
from benchmarks.day import CATEGORIES, FEEDS, make_sheets
from benchmarks.measure import Cell, Steps, Stopwatch, note, of_steps, p99, table
from core.app import Paperwire
from core.config.settings import load_settings
from core.model.batch import make_batch
from core.model.calendar import is_announcement_day
from core.model.entries import choose
from core.model.feed import Feed
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.pagination import paginate
from core.model.query import parse_query
from core.ranking.matching import score_batch
from core.render.shapes import ENTRY_FIELDS, entry_to_plain, to_json
from core.sources.parse import parse_feed
from core.store import keys
from core.store.codec import encode, scores_to_plain
from core.store.sqlite import SqliteStore
from core.util.caches import LRUCache
from core.views.entries import batch_summaries
from tests.support.arxiv_format import rss

QUERY = "score>=10"
MORE = (
    "score>=10&fields=id,score", "score>=2.5&limit=500", "title~attention", "text~attention",
    "category=cs.DC&sort=-score",
)  # fmt: skip
DAYS = 30
PAPERS = 500
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
GOAL = 5.0


def run(*, invented: bool = True, rounds: int = 300) -> None:  # noqa: ARG001 - a month of real days there is not
    """Fill a store with a month, and ask."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder), rounds))


async def _run(folder: Path, rounds: int) -> None:
    settings = load_settings(
        sqlite_path=folder / "store.sqlite3",
        now=NOON,
        feeds_file=FEEDS,
        base_url="https://x.test",
        rate_limit=0,
    )
    app = create_app(settings)
    wire: Paperwire = app.state.wire
    try:
        await fill(settings.sqlite_path, [wire.main])
        start = perf_counter()
        await ask(app, QUERY)
        first = (perf_counter() - start) * 1000
        await _bare(wire, rounds)
        rows: list[list[Cell]] = []
        for query in (QUERY, *MORE):
            missed = await _asked(app, query, rounds if query == QUERY else rounds // 5, remembered=False)
            hits = await _asked(app, query, rounds, remembered=True)
            rows.append([query, await ask(app, query) / 1000, median(missed), p99(missed), median(hits), p99(hits)])
        table(
            "The same through the ASGI application in process, ms; not rendered yet, and rendered before",
            ("GET /api/papers?…", "KB", "not rendered", "p99", "rendered", "p99"),
            rows,
        )
        note(
            f"The very first request, which reads {DAYS} batches and their scores from SQLite: {first:,.0f} ms.",
            "Rendered: from the memory of rendered bytes, after the query was parsed and the manifest confirmed.",
        )
    finally:
        await wire.close()


async def _bare(wire: Paperwire, rounds: int) -> None:
    measured = [await answer(wire, QUERY) for _ in range(rounds + 20)][20:]
    names = list(measured[0])
    rows: list[list[Cell]] = [[name, median(times := of_steps(measured, name)), p99(times)] for name in names]
    total = of_steps(measured)
    rows.append(["in total", median(total), p99(total)])
    entries = (await wire.entries(await wire.manifest(), wire.main, parse_query(QUERY))).entries
    found = paginate(choose(wire.main, entries, parse_query(QUERY), capped=False), parse_query(QUERY))
    table(
        f"{QUERY} over {DAYS} days of {PAPERS} invented papers: {found.total} of {len(entries):,} entries found, "
        f"{len(found.entries)} on the page; {rounds} runs, ms (goal: at most {GOAL:g} in total)",
        ("from query string to bytes", "median", "p99"),
        rows,
    )


async def answer(wire: Paperwire, raw: str) -> Steps:
    """What the route does for an answer that is not in memory, in milliseconds."""
    watch = Stopwatch()
    query = parse_query(raw, entry_fields=ENTRY_FIELDS)
    watch.step("parse_query")
    manifest = await wire.ready()
    watch.step("ready: manifest, what is due")
    entries = (await wire.entries(manifest, wire.main, query)).entries
    watch.step("entries: the days from memory")
    found = choose(wire.main, entries, query, capped=False)
    watch.step("choose")
    shown = paginate(found, query)
    watch.step("page: order, cursor")
    plain = {
        "papers": [entry_to_plain(entry, query.fields) for entry in shown.entries],
        "total": shown.total,
        "next": shown.next or None,
        "batches": batch_summaries(manifest),
        "generated": manifest.updated,
    }
    watch.step("entry_to_plain, batch_summaries")
    to_json(plain)
    watch.step("to_json")
    return watch.steps


async def _asked(app: FastAPI, query: str, rounds: int, *, remembered: bool) -> list[float]:
    """Milliseconds of each of `rounds` requests; `remembered`: the rendered bytes may come from memory."""
    app.state.responses.cached = LRUCache(limit=CACHE_BYTES if remembered else 0)
    times = []
    for number in range(rounds + 5):
        start = perf_counter()
        await ask(app, query)
        if number >= 5:
            times.append((perf_counter() - start) * 1000)
    return times


async def ask(app: FastAPI, query: str) -> int:
    """One request by a bare ASGI call, without a client's and a server's cost. Returns the length of the answer."""
    raw = quote(query, safe="=&,~-.").encode()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
        "path": "/api/papers", "raw_path": b"/api/papers", "query_string": raw, "root_path": "",
        "headers": [(b"host", b"x.test")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 443),
    }  # fmt: skip
    status = length = 0

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, length
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            length += len(message.get("body", b""))

    await app(scope, receive, send)
    if status != 200:
        raise AssertionError(f"{query}: status {status}")
    return length


async def fill(path: Path, feeds: Iterable[Feed]) -> None:
    """Put a month of complete batches and their scores into a new store, as refreshes would have."""
    store = SqliteStore(path)
    records = []
    for seed, day in enumerate(_days(NOON.date(), DAYS)):
        batch = make_batch(day, parse_feed(rss(make_sheets(PAPERS, seed=seed), day, CATEGORIES)).announcements)
        records.append(
            BatchRecord(
                day,
                "complete",
                hash=batch.hash,
                total=len(batch.announcements),
                counts=batch.counts(CATEGORIES),
                categories=dict.fromkeys(CATEGORIES, CategoryState("complete")),  # so that nothing is fetched
            )
        )
        await store.put(keys.batch(day, batch.hash), encode(batch.to_plain()))
        for feed in feeds:
            scores = encode(scores_to_plain(feed, score_batch(feed, batch)))
            await store.put(keys.scores(feed.scoring_fingerprint, batch.hash), scores)
    manifest = Manifest().changed(records, now=NOON, retention=timedelta(days=366))
    await store.put(keys.MANIFEST, encode(manifest.to_plain()))
    await store.close()


def _days(last: date, count: int) -> Iterable[date]:
    day = last
    while count:
        if is_announcement_day(day):
            yield day
            count -= 1
        day -= timedelta(days=1)


if __name__ == "__main__":
    run()
