"""What requests cost at the store: round trips and commands, counted at the server, for instances that just started and
for such that run. The test holds them to what is promised, the benchmark prints them.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any

import httpx

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.model.calendar import EASTERN, is_announcement_day
from core.store import keys
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.stores import redis_server, upstash_rest
from tests.support.upstash_rest import Counts
from tests.support.upstream import Upstream, serving

FRIDAY, MONDAY = date(2026, 3, 6), date(2026, 3, 9)
NEXT = 99  # number of the day after those that are stored
READERS = 50
CONFIRM_SECONDS = 2.0
FEED, QUERY = "/api/feeds/main.rss", "/api/papers?score>=3"


@dataclass(frozen=True)
class Cost:
    """What a kind of request cost, over all of its requests; the store's size is in bytes of values."""

    requests: int
    commands: int
    received: int
    sent: int


@dataclass
class Place:
    """A store of Upstash's kind with some days in it, and the upstream they came from."""

    options: dict[str, Any]
    upstream: Upstream
    make: Callable[[int], list[Sheet]]

    @property
    def settings(self) -> Settings:
        """The settings of an instance, made again: nothing that another one has worked out comes with them."""
        return load_settings(env_file=False, **self.options)

    def cost(self, work: Callable[[], object]) -> Cost:
        """What `work` costs at the store."""
        upstash_rest().reset()
        work()
        counts: Counts = upstash_rest().counts
        return Cost(counts.requests, counts.commands, counts.bytes_in, counts.bytes_out)

    def with_settings(self, **changes: object) -> "Place":
        """The same store, served by instances with other settings."""
        return Place(self.options | changes, self.upstream, self.make)


def noon(day: date) -> datetime:
    """Noon in New York."""
    return datetime.combine(day, clock(12), EASTERN).astimezone(UTC)


@contextmanager
def place(days: int, make: Callable[[int], list[Sheet]]) -> Iterator[Place]:
    """A store with so many announcement days up to a Friday; `make` makes the papers of each, by its number."""
    upstream = Upstream(sheets=[])
    with serving(upstream):
        token = f"{upstash_rest().token}.{redis_server().empty_database()}"
        options = {
            "arxiv_rss_url": upstream.url,
            "now": noon(FRIDAY),
            "upstash_redis_rest_url": upstash_rest().url,
            "upstash_redis_rest_token": token,
            "admin_token": "open-sesame",
            "base_url": "https://wire.example",
            "confirm_seconds": CONFIRM_SECONDS,
            "catch_up_seconds": 0,
            "store_read_seconds": 20,
        }
        wanted: list[date] = []
        day = FRIDAY
        while len(wanted) < days:
            wanted += [day] if is_announcement_day(day) else []
            day -= timedelta(days=1)
        for number, day in enumerate(reversed(wanted)):
            put_day(Place(options, upstream, make), day, make(number))
        yield Place(options, upstream, make)


def put_day(at: Place, day: date, sheets: list[Sheet]) -> None:
    """Let a day be announced, and refresh."""
    at.upstream.day, at.upstream.sheets = day, sheets

    async def main() -> None:
        wire = Paperwire(at.with_settings(now=noon(day)).settings)
        try:
            report = await wire.refresh()
            assert report.today
            assert "unconfirmed" == report.today.record.state, report.today.record
            await wire.archive.store.delete(keys.ARXIV_GATE)  # the days are not three seconds apart
        finally:
            await wire.close()

    asyncio.run(main())


def cold(at: Place, path: str, **headers: str) -> tuple[Cost, httpx.Response]:
    """A first request to an instance that just started."""
    with serving_app(at.settings) as url:
        answers: list[httpx.Response] = []
        return at.cost(lambda: answers.append(httpx.get(url + path, headers=headers))), answers[0]


def measure(at: Place) -> dict[str, Cost]:
    """What each kind of request costs: see the names."""
    costs: dict[str, Cost] = {}
    _, first = cold(at, FEED)  # renders it for the others
    costs["instance just started: a fresh feed"], answer = cold(at, FEED)
    assert (200, first.content) == (answer.status_code, answer.content)
    costs["instance just started: 304"], answer = cold(at, FEED, **{"If-None-Match": first.headers["ETag"]})
    assert 304 == answer.status_code
    costs["instance just started: a filtered query"], answer = cold(at, QUERY)
    assert answer.json()["total"] > 0
    costs["instance just started: a query below the feed's threshold"], answer = cold(at, "/api/papers?score>=0")
    assert 200 == answer.status_code
    cold(at, "/")
    costs["instance just started: the start page"], _ = cold(at, "/")
    costs["instance just started: health"], _ = cold(at, "/api/health")
    with serving_app(at.settings) as url, httpx.Client(base_url=url) as client:
        client.get(FEED)
        costs["warm: the first filtered query"] = at.cost(lambda: client.get(QUERY))
        for path in (FEED, QUERY, FEED):
            client.get(path)
        time.sleep(CONFIRM_SECONDS + 0.2)
        client.get(FEED)
        costs["warm: feed, 304 and query, again"] = at.cost(
            lambda: [
                client.get(FEED, headers={"If-None-Match": first.headers["ETag"]}),
                client.get(FEED),
                client.get(QUERY),
            ]
        )
        time.sleep(CONFIRM_SECONDS + 0.2)
        costs[f"warm, a while later: {READERS} readers at once"] = at.cost(lambda: at_once(client))
    changed = at.with_settings(feeds_toml=RULES)
    costs["rules changed: the feed made again"], answer = cold(changed, FEED)
    assert 200 == answer.status_code
    cold(at, FEED)  # back to the old ones
    costs["a new day: refreshed by an instance that runs"] = refresh_cost(at)
    monday = at.with_settings(now=noon(MONDAY))
    costs["a new day, instance just started: the feed made again"], answer = cold(monday, FEED)
    assert (200, True) == (answer.status_code, answer.content != first.content)
    return costs


def refresh_cost(at: Place) -> Cost:
    """What it costs to fetch and store the day after, by `/api/refresh`."""
    later = at.with_settings(now=noon(MONDAY))
    at.upstream.day, at.upstream.sheets = MONDAY, at.make(NEXT)
    with serving_app(later.settings) as url:
        return at.cost(
            lambda: httpx.post(
                f"{url}/api/refresh", headers={"Authorization": "Bearer open-sesame"}, timeout=120
            ).raise_for_status()
        )


def at_once(client: httpx.Client) -> None:
    """Many readers poll at the same moment."""
    with ThreadPoolExecutor(READERS) as pool:
        assert {200} == {answer.status_code for answer in pool.map(client.get, [FEED] * READERS)}


RULES = """
[instance]
title = "Other rules"
[feeds.main]
title = "Main"
categories = ["cs.AI", "cs.CL", "cs.DC", "cs.LG"]
min_score = 2
[feeds.main.keywords]
cache = 3
model = 1
"""
