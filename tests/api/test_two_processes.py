"""Two server processes on one store over the network: one fetch, and the pauses that arXiv asks for."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.api.test_on_demand import get_all
from tests.conftest import NOON
from tests.support.arxiv_format import make_sheets
from tests.support.servers import UVICORN, server_process
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
    """Two servers with one environment, which have had no request; their addresses."""
    env = {"ARXIV_RSS_URL": upstream.url, "NOW": NOON.isoformat(), **env, **more}
    names = [f"log {upstream.url[-5:]} {number}" for number in range(2)]
    with (
        server_process(folder, env, log=names[0]) as one,
        server_process(folder, env, UVICORN, log=names[1]) as two,
    ):
        yield one.url, two.url


def is_early(answer: httpx.Response) -> bool:
    """Whether an answer says to come again, as nothing was fetched yet."""
    return answer.status_code == 503 and "first time" in answer.text and int(answer.headers["Retry-After"]) > 0


def test_first_requests_fetch_once(store: Environment, upstream: Upstream, tmp_path: Path) -> None:
    """Two hundred first requests to each of two processes cause one request to arXiv, and all are answered alike.

    On a busy machine a first answer may take longer than a request waits: then it comes again, as readers do.
    """
    upstream.delay = 1
    answers, end = list[httpx.Response](), monotonic() + 120
    with two_processes(store, upstream, tmp_path) as (one, two):
        urls = [one, two] * EACH
        while urls and monotonic() < end:
            now = get_all(urls)
            urls = [url for url, answer in zip(urls, now, strict=True) if is_early(answer)]
            answers += [answer for answer in now if not is_early(answer)]
    assert len(answers) == 2 * EACH
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
        answers = get_all([one, two] * 10)
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
