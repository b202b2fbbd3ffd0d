"""Two server processes on one store over the network: one fetch, the pauses that arXiv asks for, no waiting readers."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from core.archive.open import open_store
from core.config.settings import ROOT, load_settings
from core.store import keys
from tests.api.test_on_demand import FRIDAY, THURSDAY
from tests.conftest import NOON, ONLY_WHEN_ASKED, wait_until
from tests.support.arxiv_format import make_sheets
from tests.support.ports import free_port
from tests.support.stores import redis_server, upstash_rest
from tests.support.tiers import params
from tests.support.upstream import Upstream, serving

EACH = 200  # requests to each process at the same time
HALVES = """
[feeds.main]
title = "Two categories"
categories = ["cs.CL", "cs.LG"]
"""

Environment = Mapping[str, str]


def _by_url() -> Environment:
    server = redis_server()
    return {"REDIS_URL": server.url.replace("/0", f"/{server.empty_database()}")}


def _upstash() -> Environment:
    rest = upstash_rest()
    token = f"{rest.token}.{redis_server().empty_database()}"
    return {"UPSTASH_REDIS_REST_URL": rest.url, "UPSTASH_REDIS_REST_TOKEN": token}


STORES: dict[str, Callable[[], Environment]] = {"redis": _by_url, "upstash": _upstash}


@pytest.fixture(params=params(STORES, ("redis",)))
def store(request: pytest.FixtureRequest) -> Environment:
    """The variables that name an empty store."""
    return STORES[request.param]()


@contextmanager
def two_processes(env: Environment, upstream: Upstream, folder: Path, **more: str) -> Iterator[tuple[str, str]]:
    """Two servers with one environment, which have had no request of consequence; their addresses."""
    base = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        **ONLY_WHEN_ASKED,
        "ARXIV_RSS_URL": upstream.url,
        "NOW": NOON.isoformat(),
    }
    commands = [
        [sys.executable, "-m", "core.cli.main", "serve", "--port"],
        [sys.executable, "-m", "uvicorn", "api.index:app", "--log-level", "warning", "--port"],
    ]
    ports = [free_port() for _ in commands]
    with ExitStack() as stack:
        for command, port in zip(commands, ports, strict=True):
            process = stack.enter_context(
                subprocess.Popen(
                    [*command, str(port)],
                    cwd=folder,
                    env={**base, **env, **more},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.kill)
        one, two = (f"http://127.0.0.1:{port}" for port in ports)
        for url in (one, two):
            wait_until(lambda url=url: _answers(url))  # type: ignore[misc]
        yield one, two


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/openapi.json").status_code == 200
    return False


def all_answers(urls: list[str], path: str = "/api/papers") -> list[tuple[httpx.Response, float]]:
    """The answers of all the addresses, asked at the same time, and how long each took (s)."""

    async def one(client: httpx.AsyncClient, url: str) -> tuple[httpx.Response, float]:
        begun = time.monotonic()
        answer = await client.get(url + path)
        return answer, time.monotonic() - begun

    async def main() -> list[tuple[httpx.Response, float]]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=120, limits=limits) as client:
            return await asyncio.gather(*(one(client, url) for url in urls))

    return asyncio.run(main())


def forget(env: Environment, *names: str) -> None:
    """Do to keys of the store what time does to them."""

    async def main() -> None:
        store = open_store(load_settings(_env_file=None, **{name.lower(): value for name, value in env.items()}))
        for name in names:
            await store.delete(name)
        await store.close()

    asyncio.run(main())


def test_first_requests_fetch_once(store: Environment, upstream: Upstream, tmp_path: Path) -> None:
    """Two hundred first requests to each of two processes cause one request to arXiv, and all are answered alike."""
    upstream.delay = 1
    with two_processes(store, upstream, tmp_path) as (one, two):
        answers = [answer for answer, _ in all_answers([one, two] * EACH)]
    assert {} == {answer.text: answer.status_code for answer in answers if answer.status_code != 200}
    assert 1 == len({(answer.content, answer.headers["ETag"].removeprefix("W/")) for answer in answers})
    assert answers[0].json()["total"] > 0
    assert 1 == len(upstream.requests)


def _pauses(env: Environment, folder: Path) -> tuple[set[int], Upstream]:
    owner = {"Authorization": "Bearer open-sesame"}
    with (
        serving(Upstream(sheets=make_sheets(40), unknown=("cs.CL",), delay=0.3)) as upstream,
        two_processes(env, upstream, folder, FEEDS_TOML=HALVES, ADMIN_TOKEN="open-sesame") as (one, two),
    ):
        answers = [answer for answer, _ in all_answers([one, two] * 10)]
        upstream.unknown = ()
        answers += [httpx.post(f"{url}/api/refresh", headers=owner) for url in (two, one)]
        return {answer.status_code for answer in answers}, upstream


@pytest.mark.slow
def test_pauses_between_requests(tmp_path: Path) -> None:
    """A fetch that has to be cut into several requests keeps three seconds between them, one at a time, and so do the
    refreshes of the other process after it.
    """
    with ThreadPoolExecutor(len(STORES)) as pool:
        jobs = [pool.submit(_pauses, make(), tmp_path) for make in STORES.values()]
    for statuses, upstream in [job.result() for job in jobs]:
        assert {200} == statuses
        whole = "/rss/cs.CL+cs.LG"
        assert [whole, "/rss/cs.CL", "/rss/cs.LG", whole, whole] == upstream.paths
        assert min(upstream.gaps) >= 3 + upstream.delay
        assert 1 == upstream.most_at_once


def test_older_batches_are_served_at_once(store: Environment, upstream: Upstream, tmp_path: Path) -> None:
    """With Thursday in store and Friday due all readers of both processes get Thursday's bytes without waiting, while
    one process fetches; then both serve Friday.
    """
    sheets, upstream.day, upstream.sheets = upstream.sheets, THURSDAY, make_sheets(20, start=50000)
    with two_processes(store, upstream, tmp_path, NOW=NOON.replace(day=5).isoformat()) as (one, two):
        (before, _), (same, _) = all_answers([one, two])
        assert (200, before.content) == (before.status_code, same.content)
    upstream.day, upstream.sheets = FRIDAY, sheets
    upstream.requests.clear()
    forget(store, keys.ARXIV_GATE, keys.BACKOFF)
    with two_processes(store, upstream, tmp_path, CONFIRM_SECONDS="0.5") as (one, two):
        with upstream.held():
            answers = all_answers([one, two] * 20)
            wait_until(lambda: 1 == len(upstream.requests))
        assert [200] * 40 == [answer.status_code for answer, _ in answers]
        assert {before.json()["papers"][0]["id"]} == {answer.json()["papers"][0]["id"] for answer, _ in answers}
        etags = {answer.headers["ETag"].removeprefix("W/") for answer, _ in answers}  # weak where it is compressed
        assert {before.headers["ETag"].removeprefix("W/")} == etags
        for url in (one, two):
            wait_until(
                lambda url=url: "2026-03-06" == httpx.get(f"{url}/api/papers").json()["papers"][0]["announced"], 15
            )
        after = [answer for answer, _ in all_answers([one, two])]
    assert 1 == len({(answer.content, answer.headers["ETag"].removeprefix("W/")) for answer in after})
    assert 1 == len(upstream.requests)
