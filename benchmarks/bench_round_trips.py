"""What requests cost at a database of Upstash, and how many subscribers its free plan carries."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from benchmarks.day import load_texts, make_sheets
from benchmarks.measure import note, table
from core.archive.open import open_store
from tests.support.arxiv_format import Sheet
from tests.support.round_trips import FEED, READERS, Cost, Place, cold, measure, place

DAYS, PAPERS = 21, 500  # a month of announcement days, of four busy categories
# Upstash's free plan (https://upstash.com/pricing), a month
COMMANDS, BANDWIDTH, SIZE = 500_000, 10e9, 256e6
POLLS = 24 * 30  # of one subscriber a month
EARLY_READS = 30 * 86_400 // 8  # an instance that runs reads again in the last fifth of ten seconds
REGIONS = 20  # of an edge network, each with a cache of its own


def run(*, invented: bool = False) -> None:
    """Count at the server, print, and work out what that comes to."""
    texts, origin = load_texts(2 * PAPERS, invented=invented)
    with place(DAYS, lambda number: _sheets(number, texts)) as at:
        _, first = cold(at, FEED)
        size = sum(len(value) for _, value in _values(at))
        costs = measure(at)
    table(
        f"Round trips at the store: {DAYS} days of {PAPERS} papers with the texts of {origin}, "
        f"a feed of {len(first.content):,} bytes",
        ("request", "round trips", "commands", "KB read", "KB written"),
        [(kind, cost.requests, cost.commands, cost.sent / 1000, cost.received / 1000) for kind, cost in costs.items()],
    )
    note(
        "Bytes are those of bodies; headers come on top. Real texts take about twice the room of invented ones.",
        f"The free plan has {COMMANDS:,} commands and {BANDWIDTH / 1e9:.0f} GB a month, and {SIZE / 1e6:.0f} MB; these "
        f"days take {size / 1e6:.1f} MB of it.",
        "Subscribers that poll one feed every hour, which it carries if every poll",
    )
    fresh, unchanged = costs["instance just started: a fresh feed"], costs["instance just started: 304"]
    refresh = costs["a new day: refreshed by an instance that runs"]
    made = costs["a new day, instance just started: the feed made again"]
    warm = costs[f"warm, a while later: {READERS} readers at once"]
    edge = Bill(made.commands + REGIONS * fresh.commands, _bytes(made) + REGIONS * _bytes(fresh))
    note(f"  starts an instance and gets the feed (the worst): {_carried(fresh, refresh):,}")
    note(f"  starts one and gets 304: {_carried(unchanged, refresh):,}")
    note(
        "  is answered by one instance that runs all the time: any number; it asks once in 8 s at most, which is",
        f"  {EARLY_READS:,} commands and {EARLY_READS * _bytes(warm) / 1e9:.1f} GB a month if it is never idle",
        "  is answered by an edge cache, which keeps a feed until the next batch is due: any number; with each batch",
        f"  one instance makes a feed and {REGIONS} regions get it, all from instances that just started:",
        f"  {DAYS * edge.commands:,} commands and {DAYS * edge.bytes / 1e9:.2f} GB a month for each feed, so "
        f"{_feeds(edge, refresh)} feeds fit",
    )


@dataclass(frozen=True, slots=True)
class Bill:
    """Commands, and bytes in both directions."""

    commands: int
    bytes: int


def _sheets(number: int, texts: Sequence[tuple[str, str]]) -> list[Sheet]:
    """The papers of a day: invented, but for their texts; each day with other ones in another order."""
    sheets = make_sheets(PAPERS, seed=number + 1)
    start = number * 137 % len(texts)
    chosen = islice(cycle(texts), start, start + PAPERS)
    return [replace(sheet, title=title, abstract=text) for sheet, (title, text) in zip(sheets, chosen, strict=True)]


def _bytes(cost: Cost) -> int:
    return cost.sent + cost.received


def _feeds(edge: Bill, refresh: Cost) -> int:
    """How many feeds fit behind an edge cache, beside a refresh on each day."""
    commands = (COMMANDS - DAYS * refresh.commands) / (DAYS * edge.commands)
    return int(min(commands, (BANDWIDTH - DAYS * _bytes(refresh)) / (DAYS * edge.bytes)))


def _carried(poll: Cost, refresh: Cost) -> int:
    """How many subscribers, beside a refresh on each day."""
    commands = (COMMANDS - DAYS * refresh.commands) / (POLLS * poll.commands)
    bandwidth = (BANDWIDTH - DAYS * _bytes(refresh)) / (POLLS * _bytes(poll))
    return int(min(commands, bandwidth))


def _values(at: Place) -> list[tuple[str, bytes]]:
    async def main() -> list[tuple[str, bytes]]:
        store = open_store(at.settings)
        found = [(key, value) async for key, value, _ in store.entries()]
        await store.close()
        return found

    return asyncio.run(main())
