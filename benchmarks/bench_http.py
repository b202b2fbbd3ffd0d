"""The hot path over HTTP: Paperwire beside a bare FastAPI application that answers with the same bytes from memory.

Servers and load generator are processes of their own, and run by turns: A B C A B C. The generator is a small client on
asyncio's protocols: it writes bytes made beforehand, and reads of an answer its length and its ETag.
"""

import asyncio
import http.client
import multiprocessing
import os
import tempfile
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from email.utils import format_datetime
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.application import create_app
from benchmarks.bench_query import NOON, fill
from benchmarks.day import CATEGORIES, FEEDS, REAL_DAY, RECORDS, load_day, make_sheets
from benchmarks.measure import Cell, note, p99, spread, table
from core.config.settings import GATE_SECONDS, Settings, load_settings
from core.model.calendar import EASTERN
from tests.support.arxiv_format import rss
from tests.support.upstream import Upstream, serving

CONNECTIONS = 16
WARM_SECONDS = 0.1
GOAL, AIM, TAIL_GOAL = 0.85, 1.4, 3.0
RATE = 500  # requests a second of the open loop: a tenth of what one process can answer
RATE_CONNECTIONS = 64
TOKEN = "open-sesame"
HOST = "127.0.0.1"
FEED, QUERY = "/api/feeds/main.rss", "/api/papers?score>=10"
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for; `conditional`: by a client that has it already."""

    name: str
    path: str
    conditional: bool = False


TARGETS = (Target("feed, 200", FEED), Target("feed, 304", FEED, conditional=True), Target("query, 200", QUERY))


@dataclass(frozen=True, slots=True)
class Answer:
    """What Paperwire answers: what the other servers repeat."""

    body: bytes
    headers: dict[str, str]

    @property
    def for_known(self) -> dict[str, str]:
        """The headers of a 304."""
        return {name: value for name, value in self.headers.items() if name not in ("content-type", "content-length")}


def run(*, invented: bool = False, rounds: int = 7, seconds: float = 0.5, refreshes: int = 7) -> None:
    """Measure throughput by turns, then the latencies of hot reads while a new batch is made."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        days, origin = _days(invented=invented)
        upstream = stack.enter_context(serving(_Days(bodies=days)))
        path = Path(folder) / "store.sqlite3"
        options = {
            "sqlite_path": path, "now": NOON, "feeds_file": FEEDS, "admin_token": TOKEN,
            "base_url": "https://wire.example", "arxiv_rss_url": upstream.url, "catch_up_seconds": 0,
        }  # fmt: skip
        asyncio.run(fill(path, isolated(**options).feeds.feeds.values()))
        ports = {"Paperwire": stack.enter_context(_running(_paperwire, options))}
        answers = {path: _get(ports["Paperwire"], path) for path in (FEED, QUERY)}
        ports["bare FastAPI"] = stack.enter_context(_running(_bare_fastapi, answers))
        ports["bare ASGI"] = stack.enter_context(_running(_bare_asgi, answers))
        _check_sameness(ports, answers)
        ask = stack.enter_context(generator())
        _print_throughput(_by_turns(ports, answers, ask, rounds, seconds), answers, rounds, seconds)
        _print_tail([_tail(ports["Paperwire"], ask, load, refreshes) for load in LOADS], origin, refreshes)


def isolated(**options: Any) -> Settings:
    """Settings of `options` alone: nothing of the machine's own configuration, least of all its store, is touched."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or "_KV_REST_API_" in name or name.startswith("PAPERWIRE_"):
            del os.environ[name]
    return load_settings(_env_file=None, **options)


# -- the servers


def _paperwire(options: dict[str, Any]) -> ASGIApp:
    return create_app(isolated(**options))


def _bare_fastapi(answers: Mapping[str, Answer]) -> ASGIApp:
    app = FastAPI()
    for path, answer in answers.items():
        app.add_api_route(path.partition("?")[0], _route(answer))
    return app


def _route(answer: Answer) -> Callable[[Request], Any]:
    body, headers, for_known, etag = answer.body, answer.headers, answer.for_known, answer.headers["etag"]

    async def route(request: Request) -> Response:
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=for_known)
        return Response(body, headers=headers)

    return route


def _bare_asgi(answers: Mapping[str, Answer]) -> ASGIApp:
    bodies = {path.partition("?")[0]: answer.body for path, answer in answers.items()}
    all_headers = {path.partition("?")[0]: _encoded(answer.headers) for path, answer in answers.items()}
    for_known = {path.partition("?")[0]: _encoded(answer.for_known) for path, answer in answers.items()}
    etags = {path.partition("?")[0]: answer.headers["etag"].encode() for path, answer in answers.items()}

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        path = scope["path"]
        if dict(scope["headers"]).get(b"if-none-match") == etags[path]:
            await send({"type": "http.response.start", "status": 304, "headers": for_known[path]})
            await send({"type": "http.response.body"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": all_headers[path]})
            await send({"type": "http.response.body", "body": bodies[path]})

    return app


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class _Server(uvicorn.Server):
    """Tells its port when it is ready."""

    pipe: Connection

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.pipe.send(self.servers[0].sockets[0].getsockname()[1])


def _serve(make: Callable[[Any], ASGIApp], given: Any, pipe: Connection) -> None:
    app = make(given)
    lifespan = "on" if isinstance(app, FastAPI) else "off"
    options: dict[str, Any] = {"loop": "uvloop", "http": "httptools", "lifespan": lifespan, "log_level": "warning"}
    server = _Server(uvicorn.Config(app, host=HOST, port=0, access_log=False, **options))
    server.pipe = pipe
    server.run()


@contextmanager
def _process(target: Callable[..., None], *given: Any) -> Iterator[Connection]:
    """Run `target` in a process of its own, with a pipe to it as its last argument."""
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=target, args=(*given, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.terminate()
        process.join(10)


@contextmanager
def _running(make: Callable[[Any], ASGIApp], given: Any) -> Iterator[int]:
    with _process(_serve, make, given) as pipe:
        yield pipe.recv()


def _get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request("GET", path, headers=dict(headers or {}))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status not in (200, 304):
        raise AssertionError(f"{path}: status {response.status}: {body[:200]!r}")
    own = ("date", "server", "x-request-id", "server-timing")  # of uvicorn, and of each request
    return Answer(body, {name.lower(): value for name, value in response.getheaders() if name.lower() not in own})


def _check_sameness(ports: Mapping[str, int], answers: Mapping[str, Answer]) -> None:
    """All servers answer the same bytes and headers, or nothing is compared."""
    for name, port in ports.items():
        for path, answer in answers.items():
            if _get(port, path) != answer:
                raise AssertionError(f"{name} answers {path} in its own way")
            known = _get(port, path, {"If-None-Match": answer.headers["etag"]})
            if known != Answer(b"", answer.for_known):
                raise AssertionError(f"{name} answers {path} conditionally in its own way: {known.headers}")


# -- the load generator


@dataclass(frozen=True, slots=True)
class Job:
    """Requests over `connections`, each when the one before is answered, or `rate` a second whatever is answered.

    Where there is a `trigger`, it is sent after half of the time, and what is due after its answer is measured too.
    """

    port: int
    request: bytes
    connections: int
    seconds: float
    rate: int = 0
    trigger: bytes = b""


@dataclass(slots=True)
class Result:
    """When each request was sent and how long its answer took (s), in the order of answers.

    `changed` is when the first answer with another ETag had come, `triggered` from when to when the trigger took.
    """

    sent: "array[float]" = field(default_factory=lambda: array("d"))
    took: "array[float]" = field(default_factory=lambda: array("d"))
    changed: float = 0.0
    triggered: tuple[float, float] = (0.0, 0.0)
    cpu: float = 0.0  # of one core, that the generator used
    tag: bytes = b""


class _Client(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, request: bytes, result: Result, done: Callable[["_Client"], None]) -> None:
        self._request, self._result, self._done = request, result, done
        self._left = 0
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def ask(self, since: float) -> None:
        """Send the request, which was due at `since`."""
        self._since = since
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._left == 0:
            self._left = self._read_head(data)
        self._left -= len(data)
        if self._left > 0:
            return
        result = self._result
        result.sent.append(self._since)
        result.took.append(perf_counter() - self._since)
        self._done(self)

    def _read_head(self, data: bytes) -> int:
        """The length of the answer; its head comes in one piece."""
        end = data.index(b"\r\n\r\n")
        tag_at = data.index(b"\netag: ", 0, end)
        tag = data[tag_at : data.index(b"\r", tag_at)]
        if tag != self._result.tag:
            if self._result.tag:
                self._result.changed = perf_counter()
            self._result.tag = tag
        at = data.find(b"\ncontent-length: ", 0, end)
        return end + 4 + (int(data[at + 17 : data.index(b"\r", at)]) if at >= 0 else 0)


def _generate(pipe: Connection) -> None:
    """Do jobs until the pipe is closed."""
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(uvloop.run(_work(job)))


async def _work(job: Job) -> Result:
    result = Result()
    loop = asyncio.get_running_loop()
    free: deque[_Client] = deque()
    due: deque[float] = deque()

    def answered(client: _Client) -> None:
        if not job.rate and not over:
            client.ask(perf_counter())
        elif due:
            client.ask(due.popleft())
        else:
            free.append(client)

    over = False
    clients = [
        (await loop.create_connection(partial(_Client, job.request, result, answered), HOST, job.port))[1]
        for _ in range(job.connections)
    ]
    triggering = asyncio.create_task(_trigger(job, result))
    cpu, begun = process_time(), perf_counter()
    if job.rate:
        free.extend(clients)
        await _keep_rate(job, free, due, triggering)
    else:
        for client in clients:
            client.ask(perf_counter())
        await asyncio.sleep(job.seconds)
        await triggering
        await asyncio.sleep(WARM_SECONDS)
    over = True
    result.cpu = (process_time() - cpu) / (perf_counter() - begun)
    while len(free) < len(clients):  # noqa: ASYNC110 - what is awaited comes from outside
        await asyncio.sleep(0.001)
    for client in clients:
        client.transport.close()
    return result


async def _keep_rate(job: Job, free: deque[_Client], due: deque[float], triggering: asyncio.Task[None]) -> None:
    """Send at the job's rate. A request that finds no connection free is late, and its lateness counts."""
    start = perf_counter()
    for number in count(1):
        now = perf_counter()
        if free:
            free.popleft().ask(now)
        else:
            due.append(now)
        if now - start > job.seconds and triggering.done():
            break
        await asyncio.sleep(start + number / job.rate - perf_counter())


async def _trigger(job: Job, result: Result) -> None:
    if not job.trigger:
        return
    await asyncio.sleep(job.seconds / 2)
    begun = perf_counter()
    reader, writer = await asyncio.open_connection(HOST, job.port)
    writer.write(job.trigger)
    answer = await reader.read()
    result.triggered = begun, perf_counter()
    writer.close()
    if b"200" not in answer[:20] or b'"changed":true' not in answer:
        raise AssertionError(f"the refresh brought nothing new: {answer[-500:]!r}")
    await asyncio.sleep(0.1)  # what is rendered again belongs to it


@contextmanager
def generator() -> Iterator[Callable[[Job], Result]]:
    with _process(_generate) as pipe:

        def ask(job: Job) -> Result:
            pipe.send(job)
            result: Result = pipe.recv()
            return result

        yield ask


def _request(target: Target, etag: str, method: str = "GET", **headers: str) -> bytes:
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {headers[name]}" for name in headers)]
    lines += [f"If-None-Match: {etag}"] if target.conditional else []
    return "\r\n".join([*lines, "", ""]).encode()


# -- throughput


Measured = dict[tuple[str, str], list[tuple[float, float, float, float]]]  # rate, p50, p99 (ms), the generator's CPU


def _by_turns(
    ports: Mapping[str, int],
    answers: Mapping[str, Answer],
    ask: Callable[[Job], Result],
    rounds: int,
    seconds: float,
) -> Measured:
    out: Measured = {(target.name, name): [] for target in TARGETS for name in ports}
    for number in range(rounds + 1):
        for target in TARGETS:
            request = _request(target, answers[target.path].headers["etag"])
            for name, port in ports.items():
                result = ask(Job(port, request, CONNECTIONS, seconds + WARM_SECONDS))
                start = result.sent[0] + WARM_SECONDS
                took = [t * 1000 for at, t in zip(result.sent, result.took, strict=True) if at >= start]
                if number:  # the first round warms up
                    out[target.name, name].append((len(took) / seconds, median(took), p99(took), result.cpu))
    return out


def _print_throughput(measured: Measured, answers: Mapping[str, Answer], rounds: int, seconds: float) -> None:
    rows: list[list[Cell]] = []
    for (target, name), figures in measured.items():
        rates, middles, tails, _ = zip(*figures, strict=True)
        pairs = zip(figures, measured[target, "bare FastAPI"], strict=True)
        low, ratio, high = spread([ours[0] / theirs[0] for ours, theirs in pairs])
        goal = f"goal {GOAL:g}, aim {AIM:g}" if name == "Paperwire" else ""
        row: list[Cell] = [f"{target}: {name}", median(rates), median(middles), median(tails)]
        rows.append([*row, f"{ratio:.2f}", f"{low:.2f} to {high:.2f}", goal])
    sizes = " and ".join(f"{len(answer.body) / 1000:.0f} KB" for answer in answers.values())
    table(
        f"Hot answers ({sizes}) over {CONNECTIONS} kept connections, one worker under uvicorn with uvloop and "
        f"httptools; medians of {rounds} rounds of {seconds:g} s in turn",
        ("", "requests/s", "p50 ms", "p99 ms", "of FastAPI", "half of them within", ""),
        rows,
    )
    busiest = max(median([figure[3] for figure in figures]) for figures in measured.values())
    note(
        "Bare FastAPI: `async def` routes that return Response(bytes, headers), and 304 where If-None-Match is equal.",
        "  All three answer with the same bytes and headers, which is checked before. Bare ASGI: what the server can.",
        f"The load generator used at most {busiest:.0%} of a core, so it is not what limits.",
    )


# -- the tail while a new batch is made


@dataclass(frozen=True, slots=True)
class Load:
    """How hot reads are asked for during a refresh: one after the other as fast as it goes, or at a rate."""

    name: str
    connections: int
    rate: int = 0


LOADS = (
    Load(f"{RATE:,} requests/s (open loop)", RATE_CONNECTIONS, RATE),
    Load(f"{CONNECTIONS} connections, as fast as it goes", CONNECTIONS),
)


@dataclass(slots=True)
class Tail:
    """Latencies (ms) before and during each refresh, and how long the refreshes took (ms)."""

    name: str
    idle: list[list[float]] = field(default_factory=list)
    during: list[list[float]] = field(default_factory=list)
    refreshes: list[float] = field(default_factory=list)


def _tail(port: int, ask: Callable[[Job], Result], load: Load, refreshes: int) -> Tail:
    request = _request(TARGETS[0], "")
    secret = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
    trigger = _request(Target("", "/api/refresh"), "", "POST", **secret)
    tail = Tail(load.name)
    for number in range(refreshes + 1):
        # From one trigger to the next it is as long, and the upstream's gate is open again
        result = ask(Job(port, request, load.connections, GATE_SECONDS + 0.6, load.rate, trigger))
        if not number:  # the first one imports what refreshes need
            continue
        first, (begun, ended) = result.sent[0] + WARM_SECONDS, result.triggered
        end = max(ended, result.changed)
        pairs = [(at, at + took, took * 1000) for at, took in zip(result.sent, result.took, strict=True)]
        tail.refreshes.append((ended - begun) * 1000)
        tail.idle.append([took for sent, back, took in pairs if first < sent and back < begun])
        tail.during.append([took for sent, back, took in pairs if sent <= end and back >= begun])
    return tail


def _print_tail(tails: Sequence[Tail], origin: str, refreshes: int) -> None:
    rows: list[list[Cell]] = []
    for tail in tails:
        calm = median(map(p99, tail.idle))
        for name, windows in (("before", tail.idle), ("during", tail.during)):
            high = median(map(p99, windows))
            row: list[Cell] = [f"{tail.name}: {name}", sum(map(len, windows)), median(map(median, windows)), high]
            more = [f"{high / calm:.1f}", f"goal {TAIL_GOAL:g}"] if name == "during" else ["", ""]
            rows.append([*row, max(map(max, windows)), *more])
    table(
        f"Hot reads (feed, 200) while /api/refresh fetches, scores and stores a day of other papers ({origin}); "
        f"medians of {refreshes} refreshes",
        ("", "requests", "p50 ms", "p99 ms", "worst ms", "p99 ratio", ""),
        rows,
    )
    took = " and ".join(f"{median(tail.refreshes):,.0f} ms" for tail in tails)
    note(
        f"A refresh took its caller {took}. During: who waited between its request and the first answer from the",
        "  new batch, the rendering of which is in it. Open loop: requests are sent at their time, whether or not",
        "  those before are answered; waiting for a free connection counts. Worst: of all refreshes.",
    )


@dataclass
class _Days(Upstream):
    """Serves another day's papers with each request."""

    bodies: Iterator[bytes] = field(default_factory=lambda: iter(()))

    def document(self, _: tuple[str, ...]) -> bytes:
        return next(self.bodies)


def _days(*, invented: bool) -> tuple[Iterator[bytes], str]:
    """Documents of one date, a whole day each and all different; and in words what they are."""
    day = load_day(invented=invented)
    body = day.body
    if "real" in day.origin:
        dates = [format_datetime(datetime.combine(date, time(), EASTERN)).encode() for date in (REAL_DAY, NOON.date())]
        body = body.replace(*dates)
    else:  # other papers than those in store
        body = rss(make_sheets(RECORDS, seed=97), NOON.date(), CATEGORIES)
    documents = [body.replace(b"Abstract: ", b"Abstract: Take %d. " % number) for number in range(4)]
    return (documents[number % len(documents)] for number in count()), day.origin


if __name__ == "__main__":
    run()
