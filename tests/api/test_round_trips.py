"""What is promised of the store's round trips, counted at the server."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from core.app import Paperwire
from tests.conftest import serving_app
from tests.support.arxiv_format import make_sheets
from tests.support.round_trips import CONFIRM_SECONDS, FEED, QUERY, READERS, Cost, Place, cold, measure, place

# The most round trips that each kind of request may take
PROMISED = {
    "instance just started: a fresh feed": 1,
    "instance just started: 304": 1,
    "instance just started: a filtered query": 2,
    "instance just started: a query below the feed's threshold": 2,
    "instance just started: the start page": 1,
    "instance just started: health": 2,
    "warm: feed, 304 and query, again": 0,
    f"warm, a while later: {READERS} readers at once": 1,
    "warm: the first filtered query": 1,
    "rules changed: the feed made again": 6,
    "a new day: refreshed by an instance that runs": 8,
    "a new day, instance just started: the feed made again": 3,
}


@pytest.fixture(scope="module")
def stored() -> Iterator[Place]:
    with place(3, lambda number: make_sheets(40, start=10_000 + 40 * number)) as made:
        yield made


@pytest.fixture(scope="module")
def costs(stored: Place) -> dict[str, Cost]:
    return measure(stored)


@pytest.mark.parametrize("kind", PROMISED)
def test_round_trips(costs: dict[str, Cost], kind: str) -> None:
    """A request asks the store no more often than is promised, and not less than it can do with."""
    assert costs[kind].requests <= PROMISED[kind]
    assert (costs[kind].requests > 0) == (PROMISED[kind] > 0)


def test_all_kinds_are_promised(costs: dict[str, Cost]) -> None:
    """What the benchmark prints is what is held here."""
    assert PROMISED.keys() == costs.keys()


def test_reading_ahead(stored: Place) -> None:
    """Under steady reading the state is read again before it is too old, once, and nobody waits for it."""
    with serving_app(stored.settings) as url, httpx.Client(base_url=url) as client:
        client.get(FEED)

        def read() -> None:
            end = time.monotonic() + CONFIRM_SECONDS * 3
            while time.monotonic() < end:
                assert 200 == client.get(FEED).status_code
                time.sleep(0.02)

        cost = stored.cost(read)
    assert 1 <= cost.requests <= 5  # fewer than three only where the machine has other work


@pytest.mark.slow
def test_analyses_come_along() -> None:
    """What was analysed is read together with the days: an instance that just started needs no more round trips."""
    with place(2, lambda number: make_sheets(10, start=10_000 + 40 * number)) as made:
        analysing = made.with_settings(replay_gate_seconds=0)

        async def catch_up() -> None:
            wire = Paperwire(analysing.settings)
            try:
                assert (await wire.refresh("rest", seconds=30)).rested
            finally:
                await wire.close()

        asyncio.run(catch_up())
        of_feed = FEED.replace(".rss", ".json")
        cold(made, of_feed)
        feed, answer = cold(made, of_feed)
        assert any("summary" in item["_paperwire"] for item in answer.json()["items"])
        query, found = cold(made, QUERY)
        below, _ = cold(made, "/api/papers?score>=0")
    assert (1, 2, 2) == (feed.requests, query.requests, below.requests)
    assert any("summary" in paper for paper in found.json()["papers"])
