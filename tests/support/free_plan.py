"""Days of a wire on a serverless platform, in virtual time: `python -m tests.support.free_plan queue|readers|lambda`.

What is real: the application and its answers over ASGI, or Lambda's handler; its store, its clients over HTTP on
loopback, the processes that parse documents, the gates, deadlines, crons and queues as they are configured. What takes
no time here: the computing. Each request finds a newborn instance, which the platform ends at its deadline.

It prints the invocations and the days as JSON.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import types
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from tests.support.virtual_time import VirtualLoop, install

DAYS = (date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5))  # Tuesday to Thursday
PAPERS, EARLIER = 300, 12  # of a day, of each day before
ANSWER_SECONDS, SITE_SECONDS = 12.0, 0.5  # of the model, of arXiv
MOST_SECONDS = {"vercel": 300.0, "lambda": 900.0}
LATE_MINUTES = 59  # that a cron of the free plan may be late
ROOT = Path(__file__).parents[2]
MODEL, SECRET = "stand-in-1", "open-sesame"
_QUOTE = "The method reads every page once"

Answer = tuple[int, str, bytes]  # status, media type, body


class Sent(NamedTuple):
    """A request: where to, its headers by names in lower case, its body."""

    target: str
    headers: Mapping[str, str]
    body: bytes


Site = Callable[[Sent], Awaitable[Answer]]


@dataclass
class Visit:
    """One invocation: who began it, minutes since midnight, its seconds, and what it left pending."""

    day: str
    who: str
    minute: float
    seconds: float
    answered: int  # by the model meanwhile
    fetched: int  # texts
    pending: int
    steps: int
    status: int = 0
    refused: str = ""


@dataclass
class World:
    """The upstreams, the model and the queue, and what they saw."""

    loop: VirtualLoop
    days: tuple[date, ...] = DAYS
    thinks: int = 0  # tokens before each answer
    retention: int = 30
    asked: int = 0
    written: int = 0
    read: int = 0
    texts: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    visits: list[Visit] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)
    upstream: Any = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def note(self, visit: Visit) -> None:
        """Print a visit."""
        self.visits.append(visit)
        _write(asdict(visit))

    def totals(self) -> dict[str, int]:
        """What was asked and fetched, and how much of it more than once."""
        repeated, twice = len(self.questions) - len(set(self.questions)), len(self.texts) - len(set(self.texts))
        asked = {"asked": self.asked, "repeated": repeated, "read": self.read, "written": self.written}
        return asked | {"texts": len(self.texts), "twice": twice, "most": self.most_busy}

    # -- arXiv and Hugging Face

    async def arxiv(self, sent: Sent) -> Answer:
        """What arXiv and Hugging Face answer."""
        from urllib.parse import unquote

        await asyncio.sleep(SITE_SECONDS)
        path, _, query = sent.target.partition("?")
        up, up.day = self.upstream, self.loop.clock.at().astimezone(_eastern()).date()
        if path == "/api/query":
            return 200, "application/atom+xml", up.results(query).write()
        if path == "/api/daily_papers":
            return 200, "application/json", self._picks(query)
        if path.startswith("/catchup/"):
            return 200, "text/html", up.catchup(path, query)
        if path.startswith(("/html/", "/pdf/")):
            return self._text(path)
        return 200, "application/rss+xml", up.document(tuple(unquote(path.rpartition("/")[2]).split("+")))

    def _picks(self, query: str) -> bytes:
        body: bytes = self.upstream.daily(query)
        due = datetime.fromisoformat(query.partition("date=")[2][:10]).replace(tzinfo=UTC) + timedelta(hours=12)
        return body if self.loop.clock.at() >= due else b"[]"

    def _text(self, path: str) -> Answer:
        from tests.support.latexml_format import LONG, article, section
        from tests.support.pdf_format import pdf

        self.texts.append(path)
        _, kind, name = path.split("/")
        has_html = crc32(name.encode()) % 10 > 0
        if kind == "html" and has_html:
            names = ("Introduction", "Method", "Results", "Limitations", "Conclusion")
            parts = (section(title, *[f"{LONG} {title} of {name}."] * 12) for title in names)
            return 200, "text/html", article(*parts)
        if kind == "pdf":
            return (
                200,
                "application/pdf",
                pdf(*[[f"{_QUOTE} and keeps it. Page {n} of {name}."] * 40 for n in range(8)]),
            )
        return 404, "text/html", b"not found"

    # -- the model

    async def model(self, sent: Sent) -> Answer:
        """What the model answers: it takes its time, and thinks before."""
        from core.llm.base import tokens_of

        request = json.loads(sent.body)
        self.asked += 1
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            await asyncio.sleep(ANSWER_SECONDS + self.thinks / 100)
        finally:
            self.busy -= 1
        room = request.get("max_tokens") or request.get("max_completion_tokens") or 10**9
        question = "".join(message["content"] for message in request["messages"])
        read = tokens_of(question)
        text = graded(request)
        written, finish = self.thinks + tokens_of(text), "stop"
        if written > room:
            written, finish, text = room, "length", ""
        else:
            self.questions.append(str(crc32(question.encode())))
        self.read, self.written = self.read + read, self.written + written
        message = {"role": "assistant", "content": text} | ({"reasoning_content": "Hm."} if self.thinks else {})
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        answer = {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}
        return 200, "application/json", json.dumps(answer).encode()


def graded(request: Mapping[str, Any]) -> str:
    """A good answer, with points that follow from the title of each paper: two of five are worth reading."""
    import re

    from tests.support.model_server import filled

    wanted = (request.get("response_format") or {}).get("json_schema")
    if not wanted:
        return "One finding, in one sentence."
    value = filled(wanted["schema"])
    titles = re.findall(r"^Title: (.*)$", request["messages"][-1]["content"], re.MULTILINE) or [""]
    points = [crc32(title.encode()) % 10 for title in titles]
    judged = [one for key, one in value.items() if key.startswith("paper_")]
    for one, worth in zip(judged, points, strict=False):
        one["points"] = max(worth - 2, 0)
    for mark in value.get("marks", {}).values():
        mark |= {"points": 2, "quote": _QUOTE}
    if "institutions" in value:
        value |= {"institutions": [], "venue": "", "code": ""}
    return json.dumps(value, ensure_ascii=False)


def _eastern() -> Any:
    from core.model.calendar import EASTERN

    return EASTERN


# -- HTTP on loopback, in the same loop


async def serve(site: Site) -> str:
    """Serve `site` on a free port of loopback. Returns its address."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                _, target, _ = head[0].split(" ")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, kind, answer = await site(Sent(target, headers, body))
                said = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(said.encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 24)
    port = server.sockets[0].getsockname()[1]
    _SERVERS.append(server)
    return f"http://127.0.0.1:{port}"


_SERVERS: list[asyncio.Server] = []
_DEADLINE: ContextVar[datetime | None] = ContextVar("deadline", default=None)


# -- Vercel


@dataclass
class Vercel:
    """The platform: newborn instances that it ends after their longest time, daily crons, and a public address."""

    world: World
    folder: Path
    options: dict[str, Any]
    url: str = "https://wire.example"

    def settings(self) -> Any:
        """The settings of an instance."""
        from core.config.settings import load_settings

        urls = self.world.urls
        return load_settings(
            env_file=False, sqlite_path=self.folder / "store", arxiv_rss_url=urls["arxiv"], cron_secret=SECRET,
            llm_base_url=f"{urls['model']}/v1", llm_model=MODEL, rate_limit=0, base_url=self.url,
            replay_gate_seconds=3.0, feeds_toml=shipped(self.world.retention), log_level="ERROR", **self.options,
        )  # fmt: skip

    async def invoke(self, who: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> int:
        """Have an instance answer a request, and do what it does after it. Returns the status."""
        from api.application import create_app

        settings = self.settings()
        app = create_app(settings)
        settings.vercel = "1"  # from here on: there the store is a database, here a file
        wire, world, clock = app.state.wire, self.world, self.world.loop.clock
        begun, asked, texts = clock.now, world.asked, len(world.texts)
        _DEADLINE.set(clock.at() + timedelta(seconds=MOST_SECONDS["vercel"]))
        status, came = 0, list[bytes]()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            came.append(message.get("body", b""))

        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"wire.example"), *sent], "client": ("127.0.0.1", 1), "server": ("wire.example", 443),
            "scheme": "https", "http_version": "1.1", "asgi": {"version": "3.0"},
        }  # fmt: skip
        try:
            await asyncio.wait_for(app(scope, receive, send), MOST_SECONDS["vercel"])
        except TimeoutError:
            status = 504
        chain = await wire.archive.work.chain()
        await wire.close()
        body = b"".join(came)
        work = json.loads(body).get("work", {}) if body.startswith(b'{"') else {}
        world.note(_visit(world, who, begun, (asked, texts), chain.pending, chain.steps, status=status, work=work))
        return status

    async def cron(self, day: date, path: str, schedule: str) -> None:
        """Call `path` on a day, up to an hour late."""
        minute, hour, _, _, days = schedule.split()
        if days != "*" and not day.weekday() < 5:
            return
        late = random.Random(f"{day} {path} {schedule}").uniform(0, LATE_MINUTES)
        at = datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=UTC) + timedelta(minutes=late)
        await self.sleep_until(at)
        await self.invoke(f"cron {schedule}", "GET", path, {"Authorization": f"Bearer {SECRET}"})

    async def reader(self, day: date) -> None:
        """Ask for a feed once an hour."""
        for hour in range(24):
            await self.sleep_until(datetime(day.year, day.month, day.day, hour, 17, tzinfo=UTC))
            await self.invoke("reader", "GET", "/api/feeds/main.rss", {})

    async def sleep_until(self, moment: datetime) -> None:
        """Wait for a time."""
        await asyncio.sleep(max(moment.timestamp() - self.world.loop.clock.now, 0))

    async def qstash(self, sent: Sent) -> Answer:
        """QStash: takes a message, and delivers it after its delay, signed, again after a failure."""
        assert sent.headers["authorization"] == "Bearer qstash-token", sent.headers
        to = sent.target.removeprefix("/v2/publish/")
        assert to == f"{self.url}/api/work", to
        delay, retries = float(sent.headers["upstash-delay"][:-1]), int(sent.headers["upstash-retries"])
        task = asyncio.create_task(self._deliver(to, sent.body, delay, retries))
        self.world.tasks.add(task)
        task.add_done_callback(self.world.tasks.discard)
        return 201, "application/json", b'{"messageId": "msg_1"}'

    async def _deliver(self, to: str, body: bytes, delay: float, retries: int) -> None:
        from tests.support.queues import PRESENT_KEY, token_of

        for pause in (delay, 12.0, 148.0, 1808.0)[: retries + 1]:
            await asyncio.sleep(pause)
            signed = {"Upstash-Signature": token_of(PRESENT_KEY, to, body)}
            if 200 <= await self.invoke("queue", "POST", "/api/work", signed, body) < 300:
                return


def shipped(retention: int) -> str:
    """The feeds that are shipped, with key findings for the main one."""
    toml = (ROOT / "feeds.toml").read_text("utf-8")
    first, days = 'title = "Efficient language models"', "retention_days = 30"
    assert first in toml
    assert days in toml
    return toml.replace(first, f'{first}\nsummary = "key-findings"', 1).replace(days, f"retention_days = {retention}")


async def vercel(world: World, folder: Path, *, queue: bool, readers: bool) -> None:
    """Three days on Vercel: with QStash, or with a reader once an hour."""
    from tests.support.queues import NEXT_KEY, PRESENT_KEY

    platform = Vercel(world, folder, {})
    if queue:
        platform.options = {
            "qstash_token": "qstash-token", "qstash_url": await serve(platform.qstash),
            "qstash_current_signing_key": PRESENT_KEY, "qstash_next_signing_key": NEXT_KEY,
        }  # fmt: skip
    crons = json.loads((ROOT / "vercel.json").read_text("utf-8"))["crons"]
    for day in world.days:
        work = [platform.cron(day, cron["path"], cron["schedule"]) for cron in crons]
        await asyncio.gather(*work, *([platform.reader(day)] if readers else []))
        while world.tasks:
            await asyncio.wait(world.tasks)
        await platform.sleep_until(datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1))


# -- Lambda

SCHEDULES = ((5, 30, "all"), (7, 30, "pending"), (9, 30, "pending"), (12, 30, "pending"), (18, 30, "pending"))
Event = tuple[float, str, dict[str, Any]]  # when, by whom, and what the function gets


class _Context:
    """What Lambda says of an invocation."""

    def __init__(self, world: World) -> None:
        self._clock = world.loop.clock
        self._end = self._clock.now + MOST_SECONDS["lambda"]

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - self._clock.now) * 1000)


def on_lambda(world: World, folder: Path) -> None:
    """The days on Lambda: its handler, the schedule of deploy/aws, and SQS. One event at a time, as there."""
    from httpx import Headers

    from tests.support import queues

    events: list[Event] = []

    async def sqs(sent: Sent) -> Answer:
        assert queues.signed_well(Headers(sent.headers), sent.body)
        message = json.loads(sent.body)
        at = world.loop.clock.now + message["DelaySeconds"]
        events.append((at, "queue", queues.sqs_event(message["MessageBody"])))
        return 200, "application/x-amz-json-1.0", b'{"MessageId": "1"}'

    async def begin() -> str:
        await prepare(world)
        return await serve(sqs)

    url = world.loop.run_until_complete(begin())
    os.environ |= {
        "SQLITE_PATH": str(folder / "store"), "ARXIV_RSS_URL": world.urls["arxiv"], "REPLAY_GATE_SECONDS": "3",
        "LLM_BASE_URL": f"{world.urls['model']}/v1", "LLM_MODEL": MODEL, "LOG_LEVEL": "ERROR",
        "FEEDS_TOML": shipped(world.retention),
        "AWS_LAMBDA_FUNCTION_NAME": "wire", "AWS_REGION": queues.REGION, "AWS_ACCESS_KEY_ID": queues.KEY_ID,
        "AWS_SECRET_ACCESS_KEY": queues.SECRET, "AWS_SESSION_TOKEN": queues.SESSION,
        "SQS_QUEUE_URL": f"{url}/000000000000/wire",
    }  # fmt: skip
    from api.aws import handler

    for day in world.days:
        for hour, minute, scope in SCHEDULES:
            at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp()
            events.append((at, "schedule", {"source": "aws.events", "detail": {"scope": scope}}))
    while events:
        event = min(events, key=lambda one: one[0])
        events.remove(event)
        world.loop.run_until_complete(asyncio.sleep(max(event[0] - world.loop.clock.now, 0)))
        clock = world.loop.clock
        begun, asked, texts = clock.now, world.asked, len(world.texts)
        report = handler(event[2], _Context(world))
        work = report.get("work", {})
        world.note(
            _visit(world, event[1], begun, (asked, texts), work.get("pending", 0), work.get("steps", 0), work=work)
        )


def _visit(
    world: World, who: str, begun: float, before: tuple[int, int], pending: int, steps: int, *, status: int = 200,
    work: Mapping[str, Any],
) -> Visit:  # fmt: skip
    moment, now = datetime.fromtimestamp(begun, UTC), world.loop.clock.now
    minute = moment.hour * 60 + moment.minute + moment.second / 60
    answered, fetched = world.asked - before[0], len(world.texts) - before[1]
    refused = str(work.get("refused", ""))
    return Visit(
        moment.date().isoformat(), who, minute, now - begun, answered, fetched, pending, steps, status, refused
    )


# -- the days


async def prepare(world: World) -> None:
    """Make the papers of all days, and serve the upstreams and the model."""
    from benchmarks.day import make_sheets
    from core.model.calendar import announcement_days
    from tests.support.hf_format import Picked
    from tests.support.upstream import Upstream

    days = {day: make_sheets(PAPERS, seed=10 + n) for n, day in enumerate(DAYS)}
    before = announcement_days(DAYS[0] - timedelta(days=32), DAYS[0] - timedelta(days=1))
    days |= {day: make_sheets(EARLIER, seed=20 + n) for n, day in enumerate(before)}
    picks = {day: [Picked(sheet, 40 - n) for n, sheet in enumerate(sheets[::10])] for day, sheets in days.items()}
    world.upstream = Upstream(day=DAYS[0], days=days, picks=picks)
    world.urls = {"arxiv": await serve(world.arxiv), "model": await serve(world.model)}


def main() -> None:
    """Simulate what the command line names."""
    parser = argparse.ArgumentParser("free_plan", description=__doc__)
    parser.add_argument("kind", choices=("queue", "readers", "lambda"))
    parser.add_argument("--days", type=int, default=len(DAYS))
    parser.add_argument("--retention", type=int, default=30, help="days; fewer have less to fetch at first")
    parser.add_argument("--thinks", type=int, default=0, help="tokens before each answer")
    asked = parser.parse_args()
    loop = install(datetime(2026, 3, 3, 0, 5, tzinfo=UTC))
    sys.modules["vercel_runtime"] = types.ModuleType("vercel_runtime")
    sys.modules["vercel_runtime"].get_deadline = _DEADLINE.get  # type: ignore[attr-defined]
    world = World(loop, days=DAYS[: asked.days], thinks=asked.thinks, retention=asked.retention)
    with tempfile.TemporaryDirectory() as folder:

        async def on_vercel() -> None:
            await prepare(world)
            await vercel(world, Path(folder), queue=asked.kind == "queue", readers=asked.kind == "readers")

        if asked.kind == "lambda":
            on_lambda(world, Path(folder))
        else:
            loop.run_until_complete(on_vercel())
    _write(world.totals())


def _write(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
