"""The pending work in steps, over HTTP: by a queue, by readers' requests alone, and never more than an owner's run."""

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from core.app import Paperwire
from core.config.settings import ROOT
from core.model.work import Chain
from tests.conftest import serving_app, wait_until
from tests.jobs.test_analysis import NOON, WORTH, Place, at_place
from tests.support.judge import feeds, sheets, steps, texts, write
from tests.support.model_server import MODEL
from tests.support.ports import free_port
from tests.support.queues import (
    KEY_ID,
    NEXT_KEY,
    PRESENT_KEY,
    SECRET,
    SESSION,
    TOKEN,
    QueueServer,
    serving_qstash,
    serving_sqs,
    token_of,
)
from tests.support.runtime_api import running_function

OWNER = {"Authorization": "Bearer open-sesame"}
FEED = "/api/feeds/main.rss"
TWO = feeds(summaries=3) + feeds(summaries=3, rubric="", language="ko", instance="").replace(
    "feeds.main", "feeds.second"
)
READS = feeds(summary="key-findings", summaries=7, rubric="")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place with papers of all bands, whose work is done after the due batch."""
    with at_place(tmp_path, *WORTH) as made:
        made.options |= {"catch_up_seconds": 60, "rate_limit": 0}
        yield made


def chain(place: Place) -> Chain:
    """The chain as it is stored."""

    async def main() -> Chain:
        wire = Paperwire(place.settings)
        try:
            return await wire.archive.work.chain()
        finally:
            await wire.close()

    return asyncio.run(main())


def is_done(place: Place) -> bool:
    """Whether the last step left nothing pending."""
    known = chain(place)
    return known.steps > 0 and not known.is_open and not known.pending


def step(place: Place, scope: str, key: str = "", seconds: float = 60, **options: Any) -> dict[str, Any]:
    """Do a step in an instance of its own, to which only `options` belong: its report."""
    settings = place.settings.model_copy(update=options)

    async def main() -> dict[str, Any]:
        wire = Paperwire(settings)
        try:
            return (await wire.refresh(scope, key=key, seconds=seconds)).to_plain()
        finally:
            await wire.close()

    return asyncio.run(main())


@contextmanager
def queued(place: Place, **options: Any) -> Iterator[tuple[str, QueueServer]]:
    """The application with QStash: its address, and the stand-in, for which a second lasts 20 ms."""
    step(place, "all", llm_model="", llm_base_url="")
    with serving_qstash(pace=0.02) as queue, ExitStack() as stack:
        names = ("qstash_current_signing_key", "qstash_next_signing_key")
        place.options |= {"qstash_token": TOKEN, "qstash_url": queue.url}
        place.options |= dict(zip(names, (PRESENT_KEY, NEXT_KEY), strict=True)) | options
        port = free_port()
        place.options["base_url"] = f"http://127.0.0.1:{port}"
        yield stack.enter_context(serving_app(place.settings, port)), queue


def reference(folder: Path, **options: Any) -> dict[str, list[int]]:
    """What an owner's own run asks the model about the same papers."""
    folder.mkdir()
    with at_place(folder, *WORTH) as place:
        place.refresh(**options)
        return steps(place.model)


# -- by a queue


def test_a_queue_finishes_the_day(place: Place, tmp_path: Path) -> None:
    """One call begins; QStash calls the next steps, each shorter than the work, until nothing is pending. Nothing is
    asked twice, and then nothing is scheduled.
    """
    place.model.delay = 0.8
    with queued(place, feeds_toml=TWO, llm_concurrency=1, work_seconds=3) as (url, queue):
        first = httpx.post(f"{url}/api/work", headers=OWNER).json()
        assert first["pending"]["papers"] > 0
        assert first["work"]["scheduled"]
        wait_until(lambda: is_done(place))
        health = httpx.get(f"{url}/api/health").json()
        sent = len(queue.messages)
        assert {200} == {message.status for message in queue.messages[:-1]}
        httpx.post(f"{url}/api/work", headers=OWNER)
        assert sent == len(queue.messages)
    assert steps(place.model) == reference(tmp_path / "owner", feeds_toml=TWO)
    assert chain(place).steps >= 3
    assert (6, 0) == (health["reading"]["read"], health["reading"]["pending"])
    assert "next" not in health["reading"]


def test_messages_that_come_twice_late_or_forged_do_nothing(place: Place) -> None:
    """Only the last step's successor is worked on, and once: others are answered, and ask nobody anything."""
    with queued(place) as (url, queue):
        place.options["work_seconds"] = 60
        assert 200 == httpx.post(f"{url}/api/work", headers=OWNER).status_code
        asked, fetched = len(place.model.requests), len(place.source.requests)
        address, old = f"{url}/api/work", chain(place).key.encode()

        def deliver(body: bytes, key: str = PRESENT_KEY, to: str = address, **claims: Any) -> httpx.Response:
            headers = {"Upstash-Signature": token_of(key, to, body, **claims)}
            return httpx.post(address, headers=headers, content=body)

        answers = [deliver(old), deliver(old), deliver(b"2026-03-05.x.1"), deliver(old, NEXT_KEY)]
        assert [200] * 4 == [answer.status_code for answer in answers]
        assert {"another step has followed already"} == {answer.json()["work"]["refused"] for answer in answers}
        forged = [
            deliver(old, "guessed"),
            deliver(old, to="https://other.example/api/work"),
            deliver(old, now=time.time() - 1000),
            httpx.post(address, headers={"Upstash-Signature": "x"}, content=old),
            httpx.post(address, content=old),
            httpx.get(address),
        ]
        assert [401] * 6 == [answer.status_code for answer in forged]
        assert (asked, fetched) == (len(place.model.requests), len(place.source.requests))
        assert [] == queue.messages


def test_a_message_finds_the_step_that_was_killed(place: Place) -> None:
    """A step that was killed before it ended is open: whatever message comes next goes on, and only the first."""

    async def begin_and_die() -> None:
        wire = Paperwire(place.settings)
        async with wire.archive.work.step() as working:
            assert working
            await working.begin("owner", NOON.date())
        await wire.close()

    step(place, "due")
    asyncio.run(begin_and_die())
    assert chain(place).is_open
    report = step(place, "step", "2026-03-05.x.1")
    assert 0 == report["pending"]["papers"]
    assert place.model.requests
    asked = len(place.model.requests)
    step(place, "step", "2026-03-05.x.1")
    assert asked == len(place.model.requests)


def test_two_deliveries_at_once(place: Place) -> None:
    """Of two deliveries at the same time one works; the other has to come again, and then finds nothing to do."""
    place.model.delay = 0.2
    with queued(place, work_seconds=60) as (url, _):
        step(place, "due")
        asyncio.run(_open_step(place))
        key = b"2026-03-05.x.1"
        headers = {"Upstash-Signature": token_of(PRESENT_KEY, f"{url}/api/work", key)}

        async def main() -> list[httpx.Response]:
            async with httpx.AsyncClient(timeout=120) as client:
                calls = (client.post(f"{url}/api/work", headers=headers, content=key) for _ in range(2))
                return await asyncio.gather(*calls)

        answers = asyncio.run(main())
        assert [200, 503] == sorted(answer.status_code for answer in answers)
        asked = len(place.model.requests)
        again = httpx.post(f"{url}/api/work", headers=headers, content=key)
    assert (200, "another step has followed already") == (again.status_code, again.json()["work"]["refused"])
    assert asked == len(place.model.requests) > 0


async def _open_step(place: Place) -> None:
    wire = Paperwire(place.settings)
    async with wire.archive.work.step() as working:
        assert working
        await working.begin("owner", NOON.date())
    await wire.close()


def test_a_queue_that_refuses_is_named(place: Place) -> None:
    """If QStash does not take the message, the report and the log say so; the next call goes on."""
    place.model.delay = 0.5
    with queued(place, llm_concurrency=1, work_seconds=1.5) as (url, queue):
        queue.faults = [500]
        first = httpx.post(f"{url}/api/work", headers=OWNER).json()
        assert "500" in first["failures"]["queue"][0]
        assert not first["work"]["scheduled"]
        assert httpx.post(f"{url}/api/work", headers=OWNER).json()["work"]["scheduled"]


@pytest.mark.parametrize(
    ("lacks", "says"), [("qstash_current_signing_key", "QSTASH_CURRENT_SIGNING_KEY"), ("base_url", "BASE_URL")]
)
def test_a_queue_that_cannot_be_used_is_a_trouble(place: Place, lacks: str, says: str) -> None:
    """A token without signing keys or without a public address does nothing, and health says what to set."""
    place.options |= {"qstash_token": TOKEN, "qstash_current_signing_key": PRESENT_KEY, "base_url": "https://w.example"}
    place.options[lacks] = ""
    with serving_app(place.settings) as url:
        health = httpx.get(f"{url}/api/health").json()
    (trouble,) = (trouble for trouble in health["troubles"] if trouble["kind"] == "queue")
    assert says in trouble["detail"]
    assert trouble["act"]


# -- without a queue


def test_nothing_pending_costs_nothing(place: Place) -> None:
    """A cron that finds nothing pending asks neither arXiv nor the model, and writes nothing."""
    with serving_app(place.settings) as url:
        httpx.post(f"{url}/api/work", headers=OWNER)
        before = (len(place.model.requests), len(place.source.requests), chain(place))
        report = httpx.post(f"{url}/api/work", headers=OWNER).json()
        assert before == (len(place.model.requests), len(place.source.requests), chain(place))
    assert {"dates": [], "papers": 0} == report["pending"]


def test_a_reader_alone_gets_the_day_read(place: Place, tmp_path: Path) -> None:
    """With no cron, no secret and no queue, a request for a feed begins the work after its answer."""
    place.options["admin_token"] = ""
    with serving_app(place.settings) as url:
        answer = httpx.get(f"{url}{FEED}")
        assert "max-age=0" in answer.headers["Cache-Control"] or "s-maxage=900" in answer.headers["Cache-Control"]
        wait_until(lambda: is_done(place))
    assert steps(place.model) == reference(tmp_path / "owner")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["", "500"])
def test_a_stranger_causes_not_one_token_more(place: Place, tmp_path: Path, fault: str) -> None:
    """Three instances are polled as fast as they answer, at feeds, filters, pages and the step itself: one of them
    works at a time, each question is asked as often as in one run of the owner, and nothing more after that.
    """
    place.model.faults, place.model.faulty_for_ever = [fault] * bool(fault), bool(fault)
    owner = tmp_path / "owner"
    owner.mkdir()
    with at_place(owner, *WORTH) as other:
        other.model.faults, other.model.faulty_for_ever = [fault] * bool(fault), bool(fault)
        other.refresh()
        expected, tokens = steps(other.model), len(other.model.requests)
    place.options |= {"rate_limit": 240}
    paths = (FEED, "/api/papers?score>=1", "/", "/api/work", "/api/refresh", "/api/feeds/custom.rss?category=cs.LG")
    with ExitStack() as stack:
        urls = [stack.enter_context(serving_app(place.settings)) for _ in range(3)]
        end = time.monotonic() + 4

        async def poll(url: str, path: str) -> int:
            count = 0
            async with httpx.AsyncClient(timeout=120) as client:
                while time.monotonic() < end or count < 6 or not (await asyncio.to_thread(chain, place)).steps:
                    method = "POST" if path in ("/api/work", "/api/refresh") and count % 2 else "GET"
                    await client.request(method, url + path)
                    count += 1
                    await asyncio.sleep(0.01)
            return count

        async def main() -> list[int]:
            return await asyncio.gather(*(poll(url, path) for url in urls for path in paths))

        assert sum(asyncio.run(main())) > 100
        wait_until(lambda: not chain(place).is_open)
    assert (expected, tokens) == (steps(place.model), len(place.model.requests))


def test_feeds_take_turns(place: Place) -> None:
    """A step that ends early leaves the turn to the feed after the one that it worked on."""
    place.model.delay = 0.6
    place.options |= {"feeds_toml": TWO, "llm_concurrency": 1}
    step(place, "all", llm_model="", llm_base_url="")

    def ask() -> None:
        """Do a step that has time for few questions; on a busy machine a longer one."""
        before, seconds = len(place.model.requests), 1.5
        while len(place.model.requests) == before:
            step(place, "all", seconds=seconds)
            seconds += 0.5

    ask()
    first, asked = chain(place).cursor, len(place.model.requests)
    ask()
    next_feed = "second" if "Write in Korean" in str(place.model.requests[asked]["messages"]) else "main"
    assert {"main", "second"} == {first, next_feed}


@pytest.mark.slow
def test_texts_are_fetched_while_the_model_answers(place: Place) -> None:
    """While the first paper is summarised, the texts of the next ones are fetched; each is fetched once."""
    place.source.texts = texts(sheets(*WORTH))

    def fetched() -> list[str]:
        return [path for path in place.source.paths if path.startswith("/html/")]

    def answer(request: dict[str, Any]) -> str:
        wait_until(lambda: len(fetched()) >= 3)  # while it waits for this answer
        return write(request)

    place.model.write = answer
    place.refresh(feeds_toml=READS, llm_concurrency=1)
    assert len(WORTH) == len(fetched()) == len(set(fetched())) == len(place.model.requests)


# -- on platforms


@pytest.mark.slow
def test_sqs_finishes_the_day_on_lambda(place: Place, tmp_path: Path) -> None:
    """A schedule begins, and SQS calls the function again until nothing is pending, under Lambda's runtime client."""
    place.model.delay = 0.25
    holder: list[Callable[[Any], Any]] = []
    step(place, "all", llm_model="", llm_base_url="")
    with serving_sqs(lambda event: holder[0](event), pace=0.05) as queue, ExitStack() as stack:
        settings = place.settings
        env = {
            "ARXIV_RSS_URL": str(settings.arxiv_rss_url), "REPLAY_GATE_SECONDS": "0", "NOW": NOON.isoformat(),
            "SQLITE_PATH": str(settings.sqlite_path), "LLM_BASE_URL": settings.llm_base_url, "LLM_MODEL": MODEL,
            "LLM_CONCURRENCY": "1", "FEEDS_TOML": feeds(), "PYTHONPATH": str(ROOT), "CATCH_UP_SECONDS": "1.5",
            "WORK_SECONDS": "1.5", "SQS_QUEUE_URL": f"{queue.url}/000000000000/wire", "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SESSION,
        }  # fmt: skip
        function = stack.enter_context(running_function("api.aws.handler", env, tmp_path))
        turn = threading.Lock()

        def invoke(event: Any) -> Any:
            with turn:
                return function.invoke(event)

        holder.append(invoke)
        invoke({"version": "0", "source": "aws.events", "resources": [], "detail": {}})
        wait_until(lambda: is_done(place))
        queue.stop()  # the last call may still have to answer
    assert queue.delivered
    assert {"analyse": [1, 2, 3, 4], "screen": [1, 2, 3, 4, 5, 6, 7], "summarise": [5]} == steps(place.model)


@pytest.mark.slow
def test_the_workflow_finishes_the_day(place: Place, tmp_path: Path) -> None:
    """The step of docs/work-workflow.yml calls a copy until nothing is pending."""
    workflow = yaml.safe_load((ROOT / "docs" / "work-workflow.yml").read_text("utf-8"))
    script = workflow["jobs"]["work"]["steps"][0]["run"]
    place.model.delay = 0.5
    place.options |= {"work_seconds": 1.5, "llm_concurrency": 1}
    step(place, "all", llm_model="", llm_base_url="")
    with serving_app(place.settings) as url:
        env = {"PATH": "/usr/bin:/bin", "PAPERWIRE_URL": url, "PAPERWIRE_TOKEN": "open-sesame", "PAUSE": "1"}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(reports) >= 2
    assert {"dates": [], "papers": 0} == reports[-1]["pending"]
    assert is_done(place)
