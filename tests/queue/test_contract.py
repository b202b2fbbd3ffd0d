"""What holds for every queue: QStash and SQS over HTTP, by stand-ins of their protocols, and the scheduler's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from core.model.errors import QueueError
from core.queue.base import Queue
from core.queue.local import LocalQueue
from core.queue.qstash import QStashQueue, is_signed
from core.queue.sqs import Credentials, SqsQueue, authorized
from tests.conftest import PATIENCE_SECONDS
from tests.support.loopback import Handler, listening
from tests.support.queues import (
    KEY_ID,
    NEXT_KEY,
    PRESENT_KEY,
    REGION,
    SECRET,
    SESSION,
    TOKEN,
    QueueServer,
    serving_qstash,
    serving_sqs,
    token_of,
)
from tests.support.tables import each_row

PACE = 0.05  # a second of delay


@dataclass
class Place:
    """A queue, its stand-in if it has one, and what reached the step: when, and the key."""

    queue: Queue
    server: QueueServer | None = None
    called: list[tuple[float, str]] = field(default_factory=list)

    async def until(self, calls: int) -> list[str]:
        """The keys of the calls, when there are so many of them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.called) < calls:  # noqa: ASYNC110 - the stand-in is a thread
                await asyncio.sleep(0.01)
        return [key for _, key in self.called]


@asynccontextmanager
async def qstash() -> AsyncIterator[Place]:
    """QStash, which calls an address over HTTP. What is not signed well is not counted."""
    place = Place(LocalQueue())

    class Step(Handler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            keys, url = (PRESENT_KEY, NEXT_KEY), f"http://{self.headers['Host']}{self.path}"
            if is_signed(self.headers["Upstash-Signature"], keys, url=url, body=body, now=time.time()):
                place.called.append((time.monotonic(), body.decode()))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving_qstash(pace=PACE) as server, listening(Step) as url:
        place.queue, place.server = QStashQueue(server.url, TOKEN, f"{url}/api/work"), server
        yield place


@asynccontextmanager
async def sqs() -> AsyncIterator[Place]:
    """SQS, which calls a function with an event."""
    place = Place(LocalQueue())

    def invoke(event: Any) -> None:
        place.called.append((time.monotonic(), event["Records"][0]["body"]))

    with serving_sqs(invoke, pace=PACE) as server:
        credentials = Credentials(KEY_ID, SECRET, SESSION)
        place.queue, place.server = SqsQueue(f"{server.url}/000000000000/wire", REGION, credentials), server
        yield place


@asynccontextmanager
async def local() -> AsyncIterator[Place]:
    """The scheduler's own, in which a second is a second."""
    queue = LocalQueue()
    place = Place(queue)

    async def work() -> None:
        while True:
            key = await queue.take()
            place.called.append((time.monotonic(), key))

    task = asyncio.create_task(work())
    yield place
    task.cancel()


QUEUES = {"qstash": qstash, "sqs": sqs, "local": local}
each_queue = pytest.mark.parametrize("name", QUEUES)


def run(name: str, test: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
    """Run a test with a queue."""

    async def main() -> None:
        async with QUEUES[name]() as place:
            await test(place)

    asyncio.run(main())


@each_queue
def test_a_step_is_called_after_its_delay(name: str) -> None:
    """The step is called with its key, at the earliest after the delay."""

    async def test(place: Place) -> None:
        second = PACE if place.server else 1.0
        delay = round(0.1 / second) or 1
        begun = time.monotonic()
        await place.queue.schedule(delay, "2026-03-06.a.2")
        await place.queue.schedule(0, "2026-03-06.a.1")
        await place.until(2)
        called = {key: at - begun for at, key in place.called}
        assert {"2026-03-06.a.1", "2026-03-06.a.2"} == called.keys()
        assert called["2026-03-06.a.2"] >= delay * second * 0.9

    run(name, test)


def test_earlier_steps_come_first() -> None:
    """Of the scheduler's own queue a step that is due is taken before one that is not, whichever came first."""

    async def main() -> str:
        queue = LocalQueue()
        await queue.schedule(3600, "2026-03-06.a.2")
        await queue.schedule(0, "2026-03-06.a.1")
        return await queue.take()

    assert "2026-03-06.a.1" == asyncio.run(main())


@each_queue
def test_a_key_that_is_scheduled_twice_is_no_error(name: str) -> None:
    """Scheduling the same step again is accepted, and it is called at least once."""

    async def test(place: Place) -> None:
        for _ in range(2):
            await place.queue.schedule(0, "2026-03-06.a.1")
        assert {"2026-03-06.a.1"} == set(await place.until(1))

    run(name, test)


@each_queue
def test_bounds(name: str) -> None:
    """Every queue can wait for a quarter of an hour, and has a bound on chains; Lambda ends one after 16 calls."""

    async def test(place: Place) -> None:
        assert place.queue.most_delay >= 900
        assert 0 < place.queue.most_links < (16 if name == "sqs" else 10_000)

    run(name, test)


@each_row("name", ["qstash", "sqs"])
@each_row(("status", "accepted"), [(409, True), (429, False), (500, False), (403, False), (302, False)])
def test_statuses(name: str, status: int, accepted: bool) -> None:
    """A duplicate counts as accepted; what a queue refuses is an error that says so, without the token."""

    async def test(place: Place) -> None:
        assert place.server
        place.server.faults = [status]
        with nullcontext() if accepted else pytest.raises(QueueError, match=str(status)) as raised:
            await place.queue.schedule(0, "2026-03-06.a.1")
        assert TOKEN not in str(raised and raised.value)

    run(name, test)


@pytest.mark.parametrize("name", ["qstash", "sqs"])
def test_a_queue_that_is_not_there(name: str) -> None:
    """A queue that cannot be reached is an error of the queue, and nothing else."""
    url = "http://127.0.0.1:9"
    queues = {"qstash": QStashQueue(url, TOKEN, url), "sqs": SqsQueue(f"{url}/0/wire", REGION, Credentials("a", "b"))}
    with pytest.raises(QueueError):
        asyncio.run(queues[name].schedule(0, "2026-03-06.a.1"))


# -- signatures

URL, BODY, NOW = "https://wire.example/api/work", b"2026-03-06.a.1", 1_772_800_000.0
GOOD = token_of(PRESENT_KEY, URL, BODY, now=NOW)


@each_row(
    ("token", "changed", "holds"),
    [
        (GOOD, {}, True),
        (token_of(NEXT_KEY, URL, BODY, now=NOW), {}, True),
        (token_of("other", URL, BODY, now=NOW), {}, False),
        (GOOD, {"body": b"2026-03-06.a.2"}, False),
        (GOOD, {"url": "https://other.example/api/work"}, False),
        (GOOD, {"now": NOW + 299}, True),
        (GOOD, {"now": NOW + 400}, False),
        (GOOD, {"now": NOW - 400}, False),
        (GOOD, {"keys": ("", "")}, False),
        (token_of("", URL, BODY, now=NOW), {"keys": ("", "")}, False),
        (token_of(PRESENT_KEY, URL, BODY, now=NOW, iss="Other"), {}, False),
        (token_of(PRESENT_KEY, URL, BODY, now=NOW, exp="soon"), {}, False),
        (token_of(PRESENT_KEY, URL, BODY, now=NOW, body=None), {}, False),
        ("", {}, False),
        ("a.b.c", {}, False),
        ("..", {}, False),
        ("é.é.é", {}, False),
        (GOOD.rpartition(".")[0] + ".", {}, False),
    ],
)
def test_signatures_of_qstash(token: str, changed: dict[str, Any], holds: bool) -> None:
    """A call is QStash's if one of both keys signed this body for this address, and not long ago."""
    given: dict[str, Any] = {"keys": (PRESENT_KEY, NEXT_KEY), "url": URL, "body": BODY, "now": NOW} | changed
    assert holds == is_signed(token, given.pop("keys"), **given)


def test_no_other_algorithm() -> None:
    """A token that says that it needs no signature is refused."""
    _, claims, _ = GOOD.split(".")
    head = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    assert not is_signed(f"{head}.{claims}.", (PRESENT_KEY,), url=URL, body=BODY, now=NOW)


def test_signature_of_aws() -> None:
    """The signature is that which AWS publishes for its test "post-vanilla" of Signature Version 4."""
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    now = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    made = authorized({"Host": "example.amazonaws.com"}, b"", "us-east-1", "service", credentials, now)
    assert made["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )
