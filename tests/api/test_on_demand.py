"""Requests that find nothing, or nothing new, in store: one of them fetches, all are answered in time."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest

from core.config.settings import Settings, load_settings
from core.store import keys
from core.store.sqlite import SqliteStore
from tests.conftest import NOON, PATIENCE_SECONDS, serving_app, wait_until
from tests.support.arxiv_format import make_sheets
from tests.support.servers import server_process
from tests.support.tiers import chosen, matrix
from tests.support.upstream import Upstream, serving

THURSDAY, FRIDAY = date(2026, 3, 5), date(2026, 3, 6)


def forget(settings: Settings, *names: str) -> None:
    """Do to keys of the store what time does to them."""

    async def main() -> None:
        store = SqliteStore(settings.sqlite_path)
        for name in names:
            await store.delete(name)
        await store.close()

    asyncio.run(main())


def get_all(urls: list[str], path: str = "/api/papers") -> list[httpx.Response]:
    """Get the path of all the addresses at the same time, each over a connection of its own."""

    async def main() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=120, limits=limits) as client:
            return await asyncio.gather(*(client.get(url + path) for url in urls))

    return asyncio.run(main())


# -- the first requests ever


def test_concurrent_first_requests_fetch_once(settings: Settings, upstream: Upstream) -> None:
    """Two hundred requests that find nothing in store wait for one fetch, and all are answered with its papers."""
    upstream.delay = 0.5
    with serving_app(settings) as url:
        answers = get_all([url] * 200)
    assert [200] * 200 == [answer.status_code for answer in answers]
    assert 1 == len({answer.content for answer in answers})
    assert answers[0].json()["total"] > 0
    assert 1 == len(upstream.requests)


def test_every_kind_of_page_fetches(settings: Settings, upstream: Upstream) -> None:
    """Feeds in all formats, papers and single papers asked for first, at the same time, cause one fetch."""
    paths = ["/api/feeds/main.rss", "/api/feeds/main.atom", "/api/feeds/storage.json", "/rss", "/rss/cs.LG"]
    paths += ["/api/papers", "/api/papers/2603.90000", "/api/papers?feed=storage&score>=1"]
    upstream.delay = 0.5
    with serving_app(settings) as url:
        answers = get_all([url + path for path in paths * 5], "")
    assert [200] * len(answers) == [answer.status_code for answer in answers]
    assert 1 == len(upstream.requests)


def test_readers_who_give_up_do_not_stop_the_fetch(settings: Settings, upstream: Upstream) -> None:
    """When the readers who caused a fetch go away, it goes on, and the next one is answered from it."""
    with serving_app(settings) as url:
        with upstream.held():
            for _ in range(3):
                with pytest.raises(httpx.TimeoutException):
                    httpx.get(f"{url}/api/papers", timeout=0.2)
            wait_until(lambda: 1 == len(upstream.requests))
        answer = httpx.get(f"{url}/api/papers")
    assert 200 == answer.status_code
    assert 1 == len(upstream.requests)


# -- something older is in store


def _with_thursday(settings: Settings, upstream: Upstream) -> None:
    """Have Thursday's batch in store, and Friday's due and served by arXiv."""
    thursday = settings.model_copy(update={"now": NOON.replace(day=5)})
    sheets, upstream.day, upstream.sheets = upstream.sheets, THURSDAY, make_sheets(20, start=50000)
    with serving_app(thursday) as url:
        assert 200 == httpx.get(f"{url}/api/papers").status_code
    upstream.day, upstream.sheets = FRIDAY, sheets
    upstream.requests.clear()
    forget(settings, keys.ARXIV_GATE, keys.BACKOFF)


def _dates(answer: httpx.Response) -> set[str]:
    assert 200 == answer.status_code, answer.text
    return {paper["announced"] for paper in answer.json()["papers"]}


def test_older_batches_are_served_at_once(settings: Settings, upstream: Upstream) -> None:
    """With Thursday in store nobody waits for Friday: it is fetched behind the answer, once, and then served."""
    _with_thursday(settings, upstream)
    with serving_app(settings) as url:
        with upstream.held():
            answers = get_all([url] * 20)
            assert [{"2026-03-05"}] * 20 == [_dates(answer) for answer in answers]
        wait_until(lambda: "2026-03-06" in _dates(httpx.get(f"{url}/api/papers")))
    assert 1 == len(upstream.requests)


@matrix("failing", ["hang", "503", "html", "empty"], daily=("hang", "503"))
def test_older_batches_are_served_whatever_arxiv_does(settings: Settings, upstream: Upstream, failing: str) -> None:
    """With Thursday in store readers get it at once, again and again, while arXiv does not deliver Friday."""
    _with_thursday(settings, upstream)
    upstream.faults, upstream.faulty_for_ever = [failing], True
    with serving_app(settings) as url:
        for _ in range(3):
            assert {"2026-03-05"} == _dates(httpx.get(f"{url}/api/papers"))


def test_what_another_process_stored_is_served(settings: Settings, upstream: Upstream) -> None:
    """A server that has seen an empty store serves what another process has put there since, at the next request."""
    with serving_app(settings) as one, serving_app(settings) as two:
        assert 200 == httpx.get(f"{one}/api/health").status_code  # has seen the empty store
        assert 200 == httpx.get(f"{two}/api/papers").status_code
        answer = httpx.get(f"{one}/api/papers")
    assert 200 == answer.status_code, answer.text
    assert answer.json()["total"] > 0
    assert 1 == len(upstream.requests)


# -- nothing is in store, and arXiv does not deliver: all at the same time, each with a server and an arXiv of its own

FAULTS = {
    "hang": "being fetched",
    "503": "status 503",
    "rate-exceeded": "rate exceeded",
    "html": "HTML page",
    "reset": "Error",
    "nothing": "empty",
    "error-feed": "being fetched",  # halving takes its time
    "empty": "valid empty feed",
}
DAILY = ("503", "html", "empty")
PAUSES = {"error-feed": 3.0}  # between requests, of which it takes several


@dataclass(frozen=True)
class TakenOver:
    """What came of the requests to the server that was killed and to the other one, and how long that took."""

    first: BaseException | None
    second: httpx.Response
    seconds: float


def _take_over(upstream: Upstream, settings: Settings) -> TakenOver:
    upstream.delay = 2
    folder = settings.sqlite_path.parent
    env = {"ARXIV_RSS_URL": settings.rss_url, "NOW": NOON.isoformat(), "SQLITE_PATH": str(settings.sqlite_path)}
    with (
        server_process(folder, env, log=f"log {settings.sqlite_path.name}") as one,
        serving_app(settings) as two,
        ThreadPoolExecutor(2) as pool,
    ):
        first = pool.submit(httpx.get, f"{one.url}/api/papers")
        wait_until(lambda: len(upstream.requests) == 1)
        begun = time.monotonic()
        second = pool.submit(httpx.get, f"{two}/api/papers")
        one.process.kill()
        return TakenOver(first.exception(), second.result(), time.monotonic() - begun)


@dataclass(frozen=True)
class Seen:
    """The first answer, how long it took, a second one when the refresh was over, and arXiv's requests before it."""

    first: httpx.Response
    seconds: float
    second: httpx.Response
    requests: int
    requests_after: int
    mended: httpx.Response


def _see(upstream: Upstream, settings: Settings) -> Seen:
    with serving_app(settings) as url:
        begun = time.monotonic()
        first = httpx.get(f"{url}/api/papers")
        seconds = time.monotonic() - begun
        wait_until(lambda: httpx.get(f"{url}/api/health").json()["state"] in ("failed", "waiting"))
        requests = len(upstream.requests)
        for path in ("/rss", "/api/papers/2603.90000", "/api/feeds/main.json"):
            assert 503 == httpx.get(url + path).status_code
        second = httpx.get(f"{url}/api/papers")
        requests_after = len(upstream.requests)
        upstream.faults, upstream.faulty_for_ever = [], False
        forget(settings, keys.BACKOFF)
        mended = httpx.get(f"{url}/api/papers")
    return Seen(first, seconds, second, requests, requests_after, mended)


@pytest.fixture(scope="module")
def all_seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What readers saw, by fault; and under "" what they saw when a server died."""
    folder = tmp_path_factory.mktemp("seen")
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(FAULTS) + 1))
        running = {}
        for fault in ["", *chosen(request, "fault")]:
            upstream = Upstream(sheets=make_sheets(40), faults=[fault] if fault else [], faulty_for_ever=True)
            stack.enter_context(serving(upstream))
            path = folder / f"store {fault}.sqlite3"
            settings = load_settings(
                arxiv_rss_url=upstream.url, now=NOON, sqlite_path=path, confirm_seconds=0,
                replay_gate_seconds=PAUSES.get(fault, 0),
            )  # fmt: skip
            running[fault] = pool.submit(_see if fault else _take_over, upstream, settings)
        return {fault: future.result() for fault, future in running.items()}


@pytest.fixture(scope="module")
def seen(all_seen: dict[str, Any]) -> dict[str, Seen]:
    """What readers saw under each fault."""
    return {fault: seen for fault, seen in all_seen.items() if fault}


def test_a_server_takes_over_from_one_that_died(all_seen: dict[str, Any]) -> None:
    """When the process that fetches is killed, another one fetches for its own readers, within their patience."""
    taken_over: TakenOver = all_seen[""]
    assert isinstance(taken_over.first, httpx.HTTPError)
    assert 200 == taken_over.second.status_code, taken_over.second.text
    assert taken_over.seconds < PATIENCE_SECONDS  # 20 s, and the machine may have other work


@matrix("fault", FAULTS, daily=DAILY)
def test_nothing_to_serve_is_said_in_time(seen: dict[str, Seen], fault: str) -> None:
    """With nothing in store and nothing from arXiv the answer is 503, within 20 s, with Retry-After and a reason."""
    first = seen[fault].first
    assert seen[fault].seconds < PATIENCE_SECONDS  # 20 s, and the machine may have other work
    assert 503 == first.status_code
    assert "application/problem+json" == first.headers["Content-Type"].partition(";")[0]
    assert "urn:paperwire:problem:nothing-yet" == first.json()["type"]
    assert int(first.headers["Retry-After"]) >= 5
    assert FAULTS[fault] in first.json()["detail"]
    assert "no-store" in first.headers["Cache-Control"]


@matrix("fault", FAULTS, daily=DAILY)
def test_a_failed_fetch_is_not_repeated_at_once(seen: dict[str, Seen], fault: str) -> None:
    """After a failed fetch requests leave arXiv alone: they are told the reason, and to come back after the pause."""
    assert seen[fault].requests == seen[fault].requests_after > 0
    second = seen[fault].second
    assert 503 == second.status_code
    pause = {"empty": 300}.get(fault, 60)
    assert pause - 30 < int(second.headers["Retry-After"]) <= pause * 1.2 + 1
    assert ("failed" if fault != "empty" else "waiting") in second.json()["detail"]


@matrix("fault", FAULTS, daily=DAILY)
def test_after_the_pause_it_is_tried_again(seen: dict[str, Seen], fault: str) -> None:
    """When the pause is over the next request fetches, and is answered with papers."""
    assert 200 == seen[fault].mended.status_code, seen[fault].mended.text
    assert seen[fault].mended.json()["total"] > 0
