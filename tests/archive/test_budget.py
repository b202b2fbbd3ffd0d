"""Budgets: exact over processes, by UTC days and months, and settled by what calls really took."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Self

import pytest

from core.archive.spending import Spending
from core.config.settings import ROOT
from core.llm.base import Answer, Usage, tokens_of_request
from core.llm.client import CompatibleModel
from core.model.errors import ModelError
from core.store.base import Store
from core.store.redis import RedisStore
from core.store.sqlite import SqliteStore
from tests.support.asking import NOW, TEXT_ASK, Asking, outcome, used
from tests.support.model_server import ModelServer, serving
from tests.support.stores import redis_server
from tests.support.tiers import matrix

ASKS = 100
TRIES = 6
AFFORDABLE = 10
TAKEN = 120  # by each answer of the stand-in
ESTIMATE = TEXT_ASK.most_tokens + tokens_of_request(
    {"messages": [{"content": TEXT_ASK.system}, {"content": TEXT_ASK.user}]}
)
LIMIT = ESTIMATE + (AFFORDABLE - 1) * TAKEN  # the tenth fits with its estimate, the eleventh does not
NEXT_DAY, NEXT_MONTH = NOW + timedelta(days=1), NOW + timedelta(days=31)


@pytest.fixture
def stand_in() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


class TwoProcesses:
    """Two processes with one budget, which ask at the same time."""

    def __init__(self, stand_in: ModelServer, redis: str, **limits: int) -> None:
        order = {"url": stand_in.url, "redis": redis, "asks": ASKS // 2, "daily": 0, "monthly": 0} | limits
        command = [sys.executable, "-m", "tests.support.budget_worker", json.dumps(order)]
        pipe = subprocess.PIPE
        self._workers = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]

    def __enter__(self) -> Self:
        assert ["ready"] * 2 == self._lines()
        return self

    def ask(self, now: datetime) -> Counter[str]:
        """What comes of 100 questions at that moment, half of them each."""
        for worker in self._workers:
            assert worker.stdin
            print(now.isoformat(), file=worker.stdin, flush=True)
        return sum((Counter(json.loads(line)) for line in self._lines()), Counter())

    def _lines(self) -> list[str]:
        return [worker.stdout.readline().strip() for worker in self._workers if worker.stdout]

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.communicate(timeout=120)


# Limits → how many answers there are on the first day, on the second and in the next month
LIMITS = {
    "daily": ({"daily": LIMIT}, (10, 10, 10)),
    "monthly": ({"daily": 1_000_000, "monthly": LIMIT}, (10, 0, 10)),
}


@matrix("name", LIMITS, daily=("monthly",))
def test_two_processes_do_exactly_what_is_affordable(stand_in: ModelServer, name: str) -> None:
    """Of 100 questions to two processes those ten are asked that the budget is for; the next span brings more.

    A process may give up because of what the other one holds at the time; then there is room when they ask again.
    """
    limits, expected = LIMITS[name]
    redis = redis_server().url_of(redis_server().empty_database())
    stand_in.delay = 0.02
    made = 0
    with TwoProcesses(stand_in, redis, **limits) as processes:
        for now, affordable in zip((NOW, NEXT_DAY, NEXT_MONTH), expected, strict=True):
            answers = 0
            for tries in range(TRIES):
                got = processes.ask(now)
                answers += got["answer"]
                assert (ASKS, True) == (got["answer"] + got["budget"], answers <= affordable)
                if answers == affordable and tries:  # once more when the budget is spent: nothing is asked
                    break
            made += affordable
            assert (affordable, made) == (answers, len(stand_in.requests))

    async def counted() -> tuple[list[int], list[Usage]]:
        store = RedisStore(redis)
        periods = [f"{NOW:%Y-%m-%d}", f"{NOW:%Y-%m}"]
        spent = await Spending(store).used("2026-03")
        numbers = [await used(store, period) for period in periods]
        await store.close()
        return numbers, [row.usage for row in spent]

    march = expected[0] + expected[1]
    numbers, spent = asyncio.run(counted())
    assert [TAKEN * 10, TAKEN * march if "monthly" in limits else 0] == numbers
    assert [Usage(100 * march, 20 * march, march)] == spent


def test_no_room_while_others_are_open_is_waited_for(stand_in: ModelServer, tmp_path: Path) -> None:
    """Questions for which there is no room only because others are not settled wait for that, and are asked then."""
    stand_in.delay = 0.02
    asking = Asking(stand_in.url, tmp_path, daily=ESTIMATE + 5 * TAKEN)

    async def work(model: CompatibleModel, store: Store) -> tuple[list[Answer | ModelError], int]:
        got = await asyncio.gather(*(outcome(model, TEXT_ASK) for _ in range(9)))
        return got, await used(store, f"{NOW:%Y-%m-%d}")

    got, counted = asking.run(work)
    assert (6, 6 * TAKEN, 6) == (
        sum(isinstance(one, Answer) for one in got),
        counted,
        len(stand_in.requests),
    )


def test_what_is_said_of_a_budget_that_is_used_up(stand_in: ModelServer, tmp_path: Path) -> None:
    """The error names the variable and both figures, and when the next day begins."""
    (got,) = Asking(stand_in.url, tmp_path, daily=100).ask(TEXT_ASK)
    assert isinstance(got, ModelError)
    assert ("budget", True, 7 * 3600.0) == (got.state, got.again, got.retry_after)
    assert f"LLM_DAILY_TOKENS is 100, and this would need up to {ESTIMATE}" in str(got)
    assert [] == stand_in.requests


def test_days_are_those_of_utc(tmp_path: Path) -> None:
    """A clock of another time zone changes nothing about which day something is counted on."""
    late = datetime(2026, 3, 31, 22, 30, tzinfo=timezone(timedelta(hours=-4)))  # the first of April by UTC

    async def work() -> tuple[int, int]:
        store = SqliteStore(tmp_path / "store.sqlite3")
        budget = Spending(store, daily=100, monthly=100)
        async with budget.hold(60, late) as hold:
            hold.spent = 50
        counted = await used(store, "2026-04-01"), await used(store, "2026-04")
        await store.close()
        return counted

    assert (50, 50) == asyncio.run(work())


# Month's and day's limit, what is taken and settled → what is counted in the day and the month
SETTLED: dict[str, tuple[int, int, list[tuple[int, int]], tuple[int, int]]] = {
    "less": (100, 100, [(60, 10)], (10, 10)),
    "nothing": (100, 100, [(60, 0)], (0, 0)),
    "more, beyond the limit": (100, 100, [(60, 170)], (170, 170)),
    "then no more": (100, 100, [(60, 100), (1, 1)], (100, 100)),
    "no room in the month takes nothing of the day": (50, 100, [(60, 10), (50, 50)], (50, 50)),
    "no limit for the day": (100, 0, [(60, 10)], (0, 10)),
    "no limits": (0, 0, [(10**9, 5)], (0, 0)),
}


@pytest.mark.parametrize("name", SETTLED)
def test_settling(tmp_path: Path, name: str) -> None:
    """What a call really took is counted in the end, whatever was taken for it before."""
    monthly, daily, calls, expected = SETTLED[name]

    async def work() -> Any:
        store = SqliteStore(tmp_path / "store.sqlite3")
        budget = Spending(store, daily=daily, monthly=monthly)
        for tokens, spent in calls:
            try:
                async with budget.hold(tokens, NOW.astimezone(UTC)) as hold:
                    hold.spent = spent
            except ModelError as error:
                assert "budget" == error.state  # noqa: PT017
        counted = await used(store, f"{NOW:%Y-%m-%d}"), await used(store, f"{NOW:%Y-%m}")
        await store.close()
        return counted

    assert expected == asyncio.run(work())
