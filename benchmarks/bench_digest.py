"""Digests of a feed with 475 papers a day: processor time of each format for a date, and of a feed with 14 days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from statistics import median
from time import process_time

from benchmarks.day import load_texts
from benchmarks.measure import Cell, Steps, interleaved, note, table
from core.llm.extractive import extract
from core.model.digest import STYLES, Digest, make_digest
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.paper import Author, Paper
from core.render.digest.common import Site
from core.render.digest.document import digest_html, digest_items, digest_json, digest_markdown
from core.render.feeds import render_feed
from core.render.items import Channel
from core.text import markdown, rewrite
from core.text.tex import to_readable

PAPERS, DAYS, SUMMARIES = 475, 14, 15
NEWEST = date(2026, 1, 6)
GOAL_SECONDS, GOAL_BYTES = 0.2, 4_500_000
SITE = Site("Wire", papers="https://wire.example/api/papers", deployed="https://wire.example")
FEED = Feed("main", "All of it", ("cs.LG", "cs.AI"), summary="extract", summaries=SUMMARIES)
FORMATS: dict[str, Callable[[Digest, Site], object]] = {
    "md": digest_markdown,
    "html": digest_html,
    "json": lambda digest, _: digest_json(digest),
}
_CACHES = (markdown.to_html, markdown.to_html_line, rewrite.rewrite, rewrite.rewrite_line, rewrite.markdown_text)


def run(*, invented: bool = False, rounds: int = 5) -> None:
    """Write a date in each style and format, and a feed of 14 dates, each time as a new process would."""
    texts, origin = load_texts(PAPERS, invented=invented)
    days = [_day(texts, number) for number in range(DAYS)]
    runs = {
        f"{style}.{kind}": partial(_date, days[0], style, write)
        for style, (kind, write) in product(STYLES, FORMATS.items())
    }
    runs |= {f"{style}, {DAYS} days as {kind}": partial(_feed, days, style, kind) for style, kind in
             product(STYLES, ("rss", "json"))}  # fmt: skip
    rows: list[list[Cell]] = []
    for name, measured in interleaved(runs, rounds).items():
        dates = DAYS if "days" in name else 1
        seconds, size = median(m["seconds"] for m in measured) / dates, measured[0]["bytes"]
        fits = size <= GOAL_BYTES if dates > 1 else True
        rows.append([name, seconds, int(size), "yes" if seconds <= GOAL_SECONDS and fits else "NO"])
    table(
        f"{origin}, {SUMMARIES} summaries a day; medians of {rounds} runs without what a process remembers",
        ("", "CPU s a date", "bytes", "within the goals"),
        rows,
    )
    note(f"Goals: {GOAL_SECONDS:g} s a date, and {GOAL_BYTES:,} bytes for the feed, which is all that Vercel sends.")


def _day(texts: list[tuple[str, str]], number: int) -> tuple[Feed, BatchRecord, list[Entry]]:
    day = NEWEST - timedelta(days=number)
    entries = []
    for at, (title, abstract) in enumerate(texts):
        paper = Paper(
            f"26{number:02d}.{at:05d}",
            1,
            to_readable(title),
            f"{to_readable(abstract)} Day {number}.",
            (Author("Ada Sample", ""), Author("Bo Sample", "")),
            ("cs.LG", "cs.AI"),
        )
        summary = extract(paper, "en") if at < SUMMARIES else None
        entries.append(Entry("main", paper, day, "new", PAPERS - at, rank=at, summary=summary))
    return FEED, BatchRecord(day, "complete", hash="0", total=PAPERS, fetched=f"{day}T05:20:04Z"), entries


def _date(
    day: tuple[Feed, BatchRecord, list[Entry]], style: str, write: Callable[[Digest, Site], "str | bytes"]
) -> Steps:
    _forget()
    begun = process_time()
    written = write(make_digest(*day, style=style), SITE)
    size = len(written if isinstance(written, bytes) else written.encode())
    return {"seconds": process_time() - begun, "bytes": size}


def _feed(days: list[tuple[Feed, BatchRecord, list[Entry]]], style: str, kind: str) -> Steps:
    _forget()
    begun = process_time()
    digests = [make_digest(*day, style=style) for day in days]
    items = digest_items(digests, SITE, lambda one: (f"{SITE.deployed}/{one.record.date}",) * 2)
    at = f"{SITE.deployed}/api/digests/main"
    channel = Channel(at, FEED.title, FEED.title, SITE.deployed, at, datetime(2026, 1, 6, tzinfo=UTC))
    return {"bytes": len(render_feed(kind, channel, items)), "seconds": process_time() - begun}


def _forget() -> None:
    for one in _CACHES:
        one.cache_clear()
