"""A stand-in for Upstash's REST protocol in front of a real Redis: its answers, its faults on demand, its bill.

Upstash gives each database a token; here `Bearer TOKEN` is for database 0, and `Bearer TOKEN.7` for database 7. By hand
and for benchmarks: `python -m tests.support.upstash_rest --redis URL --port PORT --token TOKEN`.
"""

import argparse
import asyncio
import json
import re
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import uvicorn
from redis.asyncio import ConnectionPool
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ResponseError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.auto import AutoHTTPProtocol

Command = list[str]
Reply = Any  # what Redis answered; an error is a value here

REQUEST_LIMIT = 10_000_000  # bytes
_BATCHES = ("/pipeline", "/multi-exec")
_SCRIPTS = ("eval", "evalsha", "fcall")
_POWERFUL = ("scan", "keys", "randomkey")  # reading, but refused to the read-only token
_HARMLESS = ("ping", "echo")  # allowed to it
_DOCS = "See https://upstash.com/docs/redis/troubleshooting"
_FULL = ResponseError(f"ERR DB capacity quota exceeded. {_DOCS}/db_capacity_quota_exceeded for details")
_USED_UP = f"ERR max requests limit exceeded. Limit: 500000, Usage: 500001. {_DOCS}/max_requests_limit for details"
_WRONG_TOKEN = "WRONGPASS invalid or missing auth token"


@dataclass
class Counts:
    """What Upstash bills: each command, also those in pipelines, transactions and scripts; and the bytes of bodies."""

    requests: int = 0  # round trips
    commands: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass
class Fault:
    """What goes wrong with the next `times` requests, or with the next that have a `command`: one row of `FAULTS`."""

    kind: str
    times: int = 1  # -1: until it is disarmed
    command: str = ""
    seconds: float = 0.1  # of a delay, and between the bytes of a drip
    body: str = ""  # what is answered instead


@dataclass
class UpstashRest:
    """The stand-in: what it serves, what it counted, and what it saw."""

    redis_url: str
    token: str = "AXx-open-sesame"
    delay: float = 0.0  # of every answer, as if the database were far away: seconds
    url: str = ""
    counts: Counts = field(default_factory=Counts)
    faults: list[Fault] = field(default_factory=list)
    log: deque[tuple[str, Mapping[str, str], bytes]] = field(default_factory=lambda: deque(maxlen=100))
    _pools: dict[int, ConnectionPool] = field(default_factory=dict)
    _flags: dict[str, set[str]] = field(default_factory=dict)

    @property
    def read_only_token(self) -> str:
        """The token that Upstash gives out for browsers."""
        return f"{self.token}-read-only"

    def arm(self, kind: str, **options: Any) -> Fault:
        """Let something go wrong, see `Fault`."""
        assert kind in FAULTS, f"no such fault; there are {', '.join(FAULTS)}"
        self.faults.append(Fault(kind, **options))
        return self.faults[-1]

    def reset(self) -> Counts:
        """Count from zero again; gives what was counted until now."""
        before, self.counts = self.counts, Counts()
        return before

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/_counts", lambda _: JSONResponse(asdict(self.counts))),
            Route("/_reset", lambda _: JSONResponse(asdict(self.reset())), methods=["POST"]),
            Route("/{command:path}", self._serve, methods=["GET", "POST"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        (commands,) = await self._exchange(0, [["COMMAND"]])
        self._flags = {name.decode(): {flag.decode() for flag in flags} for name, _, flags, *_ in commands}
        yield
        for pool in self._pools.values():
            await pool.disconnect()

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        self.counts.requests += 1
        self.counts.bytes_in += len(body)
        self.log.append((request.url.path, dict(request.headers), body))
        response = await self._respond(request, body)
        self.counts.bytes_out += len(response.body)
        return response

    async def _respond(self, request: Request, body: bytes) -> Response:
        """The answer, or what becomes of it by the first fault that concerns the request."""
        tokens = f"{re.escape(self.token)}|{re.escape(self.read_only_token)}"
        known = re.fullmatch(rf"Bearer ({tokens})(?:\.(\d+))?", request.headers.get("Authorization", ""))
        if not known:
            return _json({"error": _WRONG_TOKEN}, 401)
        if (size := len(body)) > REQUEST_LIMIT:
            return _json({"error": f"ERR max request size exceeded. Limit: {REQUEST_LIMIT}, Actual: {size} bytes"}, 400)
        try:
            commands = _read_commands(request, body)
        except ValueError:
            return _json({"error": "ERR failed to parse command"}, 400)
        call = Call(self, request, commands, int(known[2] or 0), known[1] == self.read_only_token)
        await asyncio.sleep(self.delay)
        names = {"", *(command[0].lower() for command in commands)}
        fault = next((fault for fault in self.faults if fault.command.lower() in names), None)
        if fault:
            fault.times -= 1
            if fault.times == 0:
                self.faults.remove(fault)
        try:
            return await (FAULTS[fault.kind](fault, call) if fault else call.answer())
        except (Disconnected, OSError):  # Redis is gone, and nobody knows what it did
            return await call.drop()

    def refusal(self, command: Command, *, read_only: bool, full: bool) -> ResponseError | None:
        """Why Upstash does not do a command."""
        name = command[0].lower()
        flags = self._flags.get(name, {"readonly"})  # what is unknown, Redis refuses
        if read_only and ("readonly" not in flags or name in _POWERFUL) and name not in _HARMLESS:
            return ResponseError(f"NOPERM this user has no permissions to run the '{name}' command or its subcommand")
        return _FULL if full and ("denyoom" in flags or name in _SCRIPTS) else None

    async def run(self, database: int, commands: Sequence[Command], *, atomic: bool) -> list[Reply]:
        """The replies to `commands`, which are counted. Raises `ResponseError` if a transaction was discarded.

        A script's inner calls are those that Redis counted meanwhile: in a transaction, so that they are all its own.
        """
        groups = [commands] if atomic else [[command] for command in commands]
        sent, replies = [], list[Reply]()
        for group in groups:
            watched = atomic or group[0][0].lower() in _SCRIPTS
            sent.append([*_BEGIN, *group, *_END] if watched else group)
        received = iter(await self._exchange(database, [command for group in sent for command in group]))
        for group, raw in zip(groups, [[next(received) for _ in group] for group in sent], strict=True):
            self.counts.commands += len(group)
            if len(raw) == len(group):
                replies += raw
            elif isinstance(raw[-1], list):
                before, *answers, after = raw[-1]
                self.counts.commands += max(_calls(after) - _calls(before) - len(group) - 1, 0)
                replies += answers
            elif atomic:
                raise raw[-1]
            else:  # a script that was refused as it was read
                replies.append(raw[len(_BEGIN)])
        return replies

    async def _exchange(self, database: int, commands: Sequence[Command]) -> list[Reply]:
        if database not in self._pools:
            url = urlsplit(self.redis_url)._replace(path=f"/{database}").geturl()
            self._pools[database] = ConnectionPool.from_url(url, protocol=2, max_connections=1000)
        connection = await self._pools[database].get_connection()
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await _reply(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._pools[database].release(connection)


@dataclass(frozen=True)
class Call:
    """One request, understood."""

    rest: UpstashRest
    request: Request
    commands: list[Command]
    database: int
    read_only: bool

    async def answer(self, *, full: bool = False) -> Response:
        """Do the commands and give Upstash's answer, as if the database were `full`."""
        path, encoded = self.request.url.path, self.request.headers.get("Upstash-Encoding") == "base64"
        refused = [self.rest.refusal(command, read_only=self.read_only, full=full) for command in self.commands]
        accepted = [command for command, why in zip(self.commands, refused, strict=True) if not why]
        try:
            if path != "/pipeline":
                for why in filter(None, refused):
                    raise why
            done = iter(await self.rest.run(self.database, accepted, atomic=path == "/multi-exec"))
        except ResponseError as error:
            return _json({"error": _said(error)}, 400)
        replies = [why or next(done) for why in refused]
        results = [
            {"error": _said(reply)} if isinstance(reply, ResponseError) else {"result": _plain(reply, encoded)}
            for reply in replies
        ]
        return _json(results) if path in _BATCHES else _json(results[0], 400 if "error" in results[0] else 200)

    async def drop(self) -> Response:
        """Close the connection without an answer."""
        self.request.state.transport.abort()
        return await self.wait()

    async def wait(self) -> Response:
        """Answer nothing until the client is gone."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect


_STATS = ["INFO", "commandstats"]
_BEGIN, _END = (["MULTI"], _STATS), (_STATS, ["EXEC"])


def _calls(stats: bytes) -> int:
    return sum(map(int, re.findall(rb"calls=(\d+),usec=", stats)))


async def _reply(connection: Any) -> Reply:
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


def _read_commands(request: Request, body: bytes) -> list[Command]:
    """The commands of a request. Raises `ValueError`."""
    if request.method == "GET":
        return [[unquote(part) for part in request.scope["raw_path"].decode().strip("/").split("/")]]
    value = orjson.loads(body)
    commands = value if request.url.path in _BATCHES else [value]
    if not commands or not all(isinstance(command, list) and command for command in commands):
        raise ValueError("not a command")
    return [[part if isinstance(part, str) else json.dumps(part) for part in command] for command in commands]


def _plain(reply: Reply, encoded: bool) -> Any:
    """A reply in JSON: bytes that are no text are lost, unless the client asked for base64."""
    if isinstance(reply, bytes):
        return b64encode(reply).decode() if encoded and reply != b"OK" else reply.decode("utf-8", "replace")
    return [_plain(part, encoded) for part in reply] if isinstance(reply, list) else reply


def _said(error: ResponseError) -> str:
    # redis-py takes the codes that it knows off the text
    return f"{error.status_code} {error}" if error.status_code else str(error)


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


# -- what can go wrong


async def _failing_command(_: Fault, call: Call) -> Response:
    """The command in the middle of a pipeline loses its arguments, so that Redis refuses it."""
    at = len(call.commands) // 2
    broken = [command[:1] if number == at else command for number, command in enumerate(call.commands)]
    return await replace(call, commands=broken).answer()


async def _delay(fault: Fault, call: Call) -> Response:
    await asyncio.sleep(fault.seconds)
    return await call.answer()


async def _lost_reply(_: Fault, call: Call) -> Response:
    await call.answer()
    return await call.drop()


async def _drip(fault: Fault, call: Call) -> Response:
    response = await call.answer()

    async def drops() -> AsyncIterator[bytes]:
        for byte in bytes(response.body):
            yield bytes([byte])
            await asyncio.sleep(fault.seconds)

    dripping = StreamingResponse(drops(), response.status_code, dict(response.headers))
    dripping.body = response.body  # to be counted
    return dripping


def _says(status: int, body: str, kind: str = "text/html", **headers: str) -> Callable[[Fault, Call], Awaitable[Any]]:
    async def respond(fault: Fault, _: Call) -> Response:
        return Response(fault.body or body, status, headers, kind)

    return respond


_BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>502 Bad Gateway</body>\r\n</html>\r\n"
_LOGIN = "<!doctype html><html><body>Welcome to the hotel's Wi-Fi</body></html>"
_JSON = "application/json"
FAULTS: Mapping[str, Callable[[Fault, Call], Awaitable[Response]]] = {
    # Nothing is done
    "close": lambda _, call: call.drop(),
    "hang": lambda _, call: call.wait(),
    "401": _says(401, json.dumps({"error": _WRONG_TOKEN}), _JSON),
    "429": _says(429, json.dumps({"error": _USED_UP}), _JSON),
    "429 with Retry-After": _says(429, "Too Many Requests", "text/plain", **{"Retry-After": "7"}),
    "502": _says(502, _BAD_GATEWAY),
    "no JSON": _says(200, _LOGIN),
    "wrong shape": _says(200, '{"answer":42}', _JSON),
    # Something is done
    "full": lambda _, call: call.answer(full=True),  # reading and deleting
    "failing command": _failing_command,  # all but one
    "delay": _delay,
    "drip": _drip,
    "lost reply": _lost_reply,
}


# -- serving


class _Protocol(AutoHTTPProtocol):
    """Hands the connection of a request on, so that it can be closed without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _server(rest: UpstashRest, port: int) -> uvicorn.Server:
    options = {"http": _Protocol, "lifespan": "on", "log_level": "critical", "timeout_graceful_shutdown": 1}
    return uvicorn.Server(uvicorn.Config(rest.app(), host="127.0.0.1", port=port, **options))


@contextmanager
def serving(rest: UpstashRest) -> Iterator[UpstashRest]:
    """Serve `rest` on a free port of loopback, in a thread."""
    server = _server(rest, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the stand-in did not start: is Redis there?"
        time.sleep(0.005)
    rest.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield rest
    finally:
        server.should_exit = True
        thread.join(120)


def main() -> None:
    """Serve by hand, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.upstash_rest", description=__doc__)
    parser.add_argument("--redis", required=True, help="redis://127.0.0.1:6379/0")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that every answer takes on top")
    given = parser.parse_args()
    _server(UpstashRest(given.redis, given.token, given.delay), given.port).run()


if __name__ == "__main__":
    main()
