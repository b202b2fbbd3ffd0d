"""What the stores behind a network do when that network, the server or the account misbehaves: one row for each fault.

Upstash's faults are made by its stand-in, those of a Redis connection by a line that can be cut, jammed and throttled.
"""

import asyncio
import gc
import logging
import socket
import socketserver
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import pytest
from redis import Redis

from core.model.errors import ConfigError, LockLost, StoreError
from core.store.base import Store
from core.store.redis import RedisStore
from core.store.upstash import UpstashStore
from tests.support.redis_server import RedisServer, running
from tests.support.tiers import matrix
from tests.support.upstash_rest import Fault, UpstashRest, serving

T = TypeVar("T")
HASTE = {"connect_seconds": 0.6, "read_seconds": 1.2}  # where the bounds are what is tested
PATIENCE = {"connect_seconds": 5.0, "read_seconds": 10.0}
BOUND = sum(HASTE.values())
SLACK = 60.0  # seconds; the machine may have much other work
SLOW = BOUND + 0.5
SECRET = "AXx-open-sesame"
VALUES = {"pw1:a": (b"new \xff", None), "pw1:b": (b"new", 60.0), "pw1:manifest": (b"new", None)}

# Each operation, and the command that its errors name
OPERATIONS: dict[str, tuple[Callable[[Store], Awaitable[Any]], str]] = {
    "get": (lambda store: store.get("pw1:old"), "MGET"),
    "get_many": (lambda store: store.get_many(["pw1:old", "pw1:none"]), "MGET"),
    "digests": (lambda store: store.digests(["pw1:old", "pw1:none"]), "EVAL"),
    "put": (lambda store: store.put("pw1:a", b"1"), "SET"),
    "put_many": (lambda store: store.put_many(VALUES), "3 commands"),
    "delete": (lambda store: store.delete("pw1:none"), "DEL"),
    "acquire": (lambda store: store.acquire("pw1:lock", "me", 30), "EVAL"),
    "prolong": (lambda store: store.prolong("pw1:lock", "me", 30), "EVAL"),
    "commit": (lambda store: store.commit("pw1:lock", "me", VALUES), "EVAL"),
    "release": (lambda store: store.release("pw1:other", "me"), "EVAL"),
    "take": (lambda store: store.take("pw1:budget", 1, 10, 60), "EVAL"),
    "entries": (lambda store: _entries(store), "SCAN"),
}
READING = ("get", "get_many", "entries")


async def _entries(store: Store) -> dict[str, bytes]:
    return {key: value async for key, value, _ in store.entries()}


# -- a Redis connection with faults


@dataclass
class FaultyLine:
    """A line to a Redis server on which things go wrong with the next `times` requests."""

    port: int  # of the server
    address: str  # of the line
    faults: list[Fault] = field(default_factory=list)

    def url_of(self, user: str, database: int, password: str = SECRET) -> str:
        """Where a user finds a database."""
        return f"redis://{user}:{password}@{self.address}/{database}"

    def arm(self, kind: str, **options: Any) -> None:
        """One of close, hang, delay, drip, lost reply, no Redis; see `tests.support.upstash_rest`."""
        self.faults.append(Fault(kind, **options))

    def next_fault(self, request: bytes) -> Fault:
        """The fault of a request; those that a client sends by itself, to make a connection, have none."""
        setting_up = any(f"\r\n{name}\r\n".encode() in request for name in ("SELECT", "CLIENT", "AUTH"))
        if setting_up or not self.faults:
            return Fault("")
        fault = self.faults[0]
        fault.times -= 1
        if fault.times == 0:
            self.faults.remove(fault)
        return fault


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        line: FaultyLine = self.server.line  # type: ignore[attr-defined]
        self.fault = Fault("")
        try:
            with socket.create_connection(("127.0.0.1", line.port)) as server:
                threading.Thread(target=self.answer, args=(server,), daemon=True).start()
                while request := self.request.recv(1_000_000):
                    self.fault = line.next_fault(request)
                    if self.fault.kind == "close":
                        break
                    if self.fault.kind == "no Redis":
                        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    elif self.fault.kind != "hang":
                        time.sleep(self.fault.seconds if self.fault.kind == "delay" else 0)
                        server.sendall(request)
                server.shutdown(socket.SHUT_RDWR)  # which ends `answer`
        except OSError:
            pass  # either side went away

    def answer(self, server: socket.socket) -> None:
        try:
            while (answer := server.recv(1_000_000)) and self.fault.kind != "lost reply":
                for start in range(len(answer)) if self.fault.kind == "drip" else (None,):
                    self.request.sendall(answer if start is None else answer[start : start + 1])
                    time.sleep(0 if start is None else self.fault.seconds)
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def faulty_line(port: int) -> Iterator[FaultyLine]:
    """A line to the Redis server at `port`."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        line = server.line = FaultyLine(port, f"127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield line
        server.shutdown()


# -- what is tested


@dataclass(frozen=True)
class Place:
    """A database with something in it, a way to it on which faults can be armed, and the server to look behind it."""

    server: RedisServer
    database: int
    line: UpstashRest | FaultyLine
    make: Callable[..., Store]

    def command(self, *arguments: str) -> Any:
        """The answer to a command, past the line."""
        return self.server.command(*arguments, database=self.database)

    def run(self, work: Callable[[Store], Awaitable[T]], bounds: Mapping[str, float] = PATIENCE) -> T:
        """Run `work` with a store of its own."""

        async def main() -> T:
            store = self.make(**bounds)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(main())

    @property
    def direct(self) -> "Place":
        """The same without a line between, which does not stay where its server goes."""
        if isinstance(self.line, UpstashRest):
            return self
        return replace(self, make=partial(RedisStore, self.server.url_of(self.database)))

    def heal(self) -> None:
        """Let no more go wrong."""
        self.line.faults.clear()


@pytest.fixture(autouse=True)
def _secrets_are_not_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens, a log at its most talkative has neither token nor password in it."""
    caplog.set_level(logging.DEBUG)
    yield
    assert SECRET not in caplog.text


@pytest.fixture(scope="module")
def bare_server() -> Iterator[RedisServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def bare_rest(bare_server: RedisServer) -> Iterator[UpstashRest]:
    with serving(UpstashRest(bare_server.url, SECRET)) as rest:
        yield rest


@pytest.fixture(scope="module")
def bare_line(bare_server: RedisServer) -> Iterator[FaultyLine]:
    with faulty_line(bare_server.port) as line:
        yield line


@pytest.fixture
def server(bare_server: RedisServer) -> RedisServer:
    """A server with room, and with a user who has a password."""
    bare_server.config(maxmemory=0)
    bare_server.command("ACL", "SETUSER", "owner", "on", f">{SECRET}", "~*", "+@all")
    return bare_server


@pytest.fixture
def database(server: RedisServer) -> int:
    """A database with one value in it and a lock that is held; what an earlier test does late goes to another one."""
    number = server.empty_database()
    server.command("SET", "pw1:old", "old", database=number)
    server.command("SET", "pw1:lock", "me", "PX", 60_000, database=number)
    return number


@pytest.fixture
def rest(bare_rest: UpstashRest) -> UpstashRest:
    """Upstash, where nothing has gone wrong yet."""
    bare_rest.faults.clear()
    bare_rest.log.clear()
    bare_rest.reset()
    return bare_rest


@pytest.fixture
def upstash(server: RedisServer, database: int, rest: UpstashRest) -> Place:
    return Place(server, database, rest, partial(UpstashStore, rest.url, f"{rest.token}.{database}"))


@pytest.fixture
def redis(server: RedisServer, database: int, bare_line: FaultyLine) -> Place:
    bare_line.faults.clear()
    return Place(server, database, bare_line, partial(RedisStore, bare_line.url_of("owner", database)))


@pytest.fixture(params=["redis", "upstash"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


async def _fails(store: Store, name: str, says: str) -> None:
    """Assert that an operation fails as it should: in time, with an error that names server, command and cause."""
    operation, command = OPERATIONS[name]
    begun = time.monotonic()
    with pytest.raises(StoreError, match=says) as raised:
        await operation(store)
    assert time.monotonic() - begun < BOUND + SLACK, name
    assert not isinstance(raised.value, LockLost)
    assert "127.0.0.1" in str(raised.value)
    assert f": {command}: " in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


async def _works(store: Store) -> None:
    """Assert that reading and writing work, and that nobody gets an answer that was for another."""
    await store.put_many({f"pw1:{number}": (str(number).encode(), None) for number in range(8)})
    answers = await asyncio.gather(*(store.get(f"pw1:{number}") for number in range(8)))
    assert [str(number).encode() for number in range(8)] == answers
    assert await store.acquire("pw1:lock", "me", 30)
    await store.commit("pw1:lock", "me", {"pw1:done": (b"1", None)})
    assert b"1" == await store.get("pw1:done")


# Fault, what of it, and what the error says
UPSTASH_FAULTS = [
    ("close", {}, "disconnected"),
    ("hang", {}, "Timeout|no answer within"),
    ("delay", {"seconds": SLOW}, "Timeout|no answer within"),
    ("drip", {"seconds": 0.2}, f"no answer within {BOUND:g} s"),
    ("401", {}, "WRONGPASS.*the token or password is refused"),
    ("429", {}, "max requests limit exceeded.*used up"),
    ("429 with Retry-After", {}, "429: Too Many Requests; try again after 7"),
    ("502", {}, "502 Bad Gateway"),
    ("no JSON", {}, "JSON"),
    ("no JSON", {"body": "[{]"}, "JSON"),
    ("wrong shape", {}, "KeyError|AttributeError|shape"),
    ("wrong shape", {"body": "[]"}, "."),
    ("wrong shape", {"body": "null"}, "."),
    ("wrong shape", {"body": '"OK"'}, "."),
    ("wrong shape", {"body": '[{"result":"OK"}]'}, "."),
]


@matrix(
    ("kind", "options", "says"),
    UPSTASH_FAULTS,
    daily=("hang", "drip", "401", "502", "no JSON"),
    ids=lambda value: str(value)[:30],
)
def test_upstash_faults(upstash: Place, kind: str, options: dict[str, Any], says: str) -> None:
    """Whatever comes instead of an answer, every operation ends in time with a `StoreError`, and the next one works."""

    async def work(store: Store) -> None:
        upstash.line.arm(kind, times=-1, **options)
        await asyncio.gather(*(_fails(store, name, says) for name in OPERATIONS))
        upstash.heal()
        await _works(store)

    upstash.run(work, HASTE)


REDIS_FAULTS = [
    ("close", {}, "closed|reset|lost"),
    ("hang", {}, "Timeout|no answer within"),
    ("delay", {"seconds": SLOW}, "Timeout|no answer within"),
    ("drip", {"seconds": 0.8}, "Timeout|no answer within"),
    ("no Redis", {}, "Protocol Error"),
]


@matrix(
    ("kind", "options", "says"), REDIS_FAULTS, daily=("close", "hang", "no Redis"), ids=lambda value: str(value)[:30]
)
def test_redis_faults(redis: Place, kind: str, options: dict[str, Any], says: str) -> None:
    """Whatever happens on the line, every operation ends in time with a `StoreError`, and the next one works."""

    async def work(store: Store) -> None:
        redis.line.arm(kind, times=-1, **options)
        await asyncio.gather(*(_fails(store, name, says) for name in OPERATIONS))
        redis.heal()
        await _works(store)

    redis.run(work, HASTE)


# Operation, and results that are JSON, but none that Redis gives
STRANGE_RESULTS = [
    *[("get", body) for body in ("42", "{}", '"a"', "true")],
    *[("get_many", body) for body in ("null", '"ab"', "[]", '["a"]', "[1,2]", "7", '{"a":1,"b":2}')],
    *[("put", body) for body in ("null", '"QUEUED"', "[]")],
    *[("acquire", body) for body in ("null", '"yes"', "[1]", "{}", '"OK"')],
    *[("prolong", body) for body in ('"yes"', "[1]")],
    *[("take", body) for body in ("null", '"yes"', "[1]", "{}")],
    *[("commit", body) for body in ("null", '"yes"', "[1]", "{}", '"OK"')],
    *[("entries", body) for body in ("null", '"ab"', '["0"]', '["0",null]', '["x",[]]', "7")],
]


@matrix(("name", "result"), STRANGE_RESULTS, daily=[row for row in STRANGE_RESULTS if row[1] in ("null", "true")])
def test_strange_results(upstash: Place, name: str, result: str) -> None:
    """A result of another type than the command's own is a `StoreError`: never a value, a lock or a success."""

    async def work(store: Store) -> None:
        upstash.line.arm("wrong shape", body=f'{{"result":{result}}}')
        await _fails(store, name, ".")

    upstash.run(work)


# -- no connection


@contextmanager
def _nobody() -> Iterator[int]:
    """A port at which nobody listens, and nobody will."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


@contextmanager
def _jammed() -> Iterator[int]:
    """A port at which connections are neither accepted nor refused, because its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


@pytest.mark.parametrize("make", [lambda port: f"redis://127.0.0.1:{port}/0", lambda port: f"http://127.0.0.1:{port}"])
@pytest.mark.parametrize(("where", "says"), [(_nobody, "onnect"), (_jammed, "Timeout|no answer within")])
def test_no_connection(make: Callable[[int], str], where: Any, says: str) -> None:
    """A server that refuses connections, and one that does not answer them, are told in time."""

    async def work(url: str) -> None:
        store = RedisStore(url, **HASTE) if url.startswith("redis") else UpstashStore(url, SECRET, **HASTE)
        await asyncio.gather(*(_fails(store, name, says) for name in OPERATIONS))
        await store.close()

    with where() as port:
        asyncio.run(work(make(port)))


def test_a_line_that_breaks_and_then_hangs(place: Place) -> None:
    """The time of an operation is bounded as a whole, with whatever is sent a second time."""

    async def work(store: Store) -> None:
        place.line.arm("close")
        place.line.arm("hang")
        await _fails(store, "get", "Timeout|no answer within")
        await _works(store)

    place.run(work, HASTE)


def test_an_operation_that_is_given_up(place: Place) -> None:
    """Who stops waiting for an answer does not leave it to the next."""

    async def work(store: Store) -> None:
        for _ in range(2):
            place.line.arm("delay", seconds=0.5)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.25):
                    await store.get("pw1:old")
            assert await store.get("pw1:none") is None
        await _works(store)

    place.run(work)


# -- answers that are lost after the work was done


async def _lost_put(store: Store) -> None:
    await store.put("pw1:a", b"1", 60)
    assert b"1" == await store.get("pw1:a")


async def _lost_put_many(store: Store) -> None:
    await store.put_many(VALUES)
    assert [b"new \xff", b"new", b"new"] == await store.get_many(list(VALUES))


async def _lost_get(store: Store) -> None:
    assert b"old" == await store.get("pw1:old")


async def _lost_delete(store: Store) -> None:
    await store.delete("pw1:old")
    assert await store.get("pw1:old") is None


async def _lost_acquire(store: Store) -> None:
    assert await store.acquire("pw1:free", "me", 30)
    assert not await store.acquire("pw1:free", "another", 30)


async def _lost_refusal(store: Store) -> None:
    assert not await store.acquire("pw1:lock", "another", 30)
    assert await store.acquire("pw1:lock", "me", 30)


async def _lost_prolong(store: Store) -> None:
    assert await store.prolong("pw1:lock", "me", 30)


async def _lost_release(store: Store) -> None:
    await store.release("pw1:lock", "me")
    assert await store.acquire("pw1:lock", "another", 30)


async def _lost_commit(store: Store) -> None:
    await store.commit("pw1:lock", "me", VALUES)
    assert [b"new \xff", b"new", b"new"] == await store.get_many(list(VALUES))
    assert not await store.acquire("pw1:lock", "another", 30)


async def _lost_last_commit(store: Store) -> None:
    await store.commit("pw1:lock", "me", VALUES, release=True)
    assert [b"new \xff", b"new", b"new"] == await store.get_many(list(VALUES))
    with pytest.raises(LockLost):
        await store.commit("pw1:lock", "me", {"pw1:a": (b"newer", None)}, release=True)
    assert await store.acquire("pw1:lock", "another", 30)
    assert b"new \xff" == await store.get("pw1:a")


async def _lost_failed_commit(store: Store) -> None:
    for release in (False, True):
        with pytest.raises(LockLost):
            await store.commit("pw1:lock", "another", VALUES, release=release)
        assert await store.get("pw1:a") is None


LOST = (
    _lost_put,
    _lost_put_many,
    _lost_get,
    _lost_delete,
    _lost_acquire,
    _lost_refusal,
    _lost_prolong,
    _lost_release,
    _lost_commit,
    _lost_last_commit,
    _lost_failed_commit,
)


@pytest.mark.parametrize("fault", ["lost reply", "close"])
@pytest.mark.parametrize("work", LOST, ids=[work.__name__.removeprefix("_lost_") for work in LOST])
def test_lost_answer(place: Place, work: Callable[[Store], Awaitable[None]], fault: str) -> None:
    """Where the line breaks before or after the work, it is done, once for all to see, and nobody notices."""
    place.line.arm(fault)
    place.run(work)
    assert [] == place.line.faults


@pytest.mark.parametrize("fault", ["lost reply", "close"])
def test_lost_answer_of_a_budget(place: Place, fault: str) -> None:
    """Where the line breaks nobody counts a second time in silence: an error tells it, and the amount is counted once
    at the most."""

    async def work(store: Store) -> None:
        place.line.arm(fault)
        await _fails(store, "take", ".")
        assert await store.take("pw1:budget", 9, 10, 60)
        assert (fault == "close") == await store.take("pw1:budget", 1, 10, 60)
        assert not await store.take("pw1:budget", 1, 10, 60)

    place.run(work)


def test_answers_lost_twice(place: Place) -> None:
    """Where the second answer is lost too, there is an error, and what was written is whole."""

    async def work(store: Store) -> None:
        place.line.arm("lost reply", times=2)
        with pytest.raises(StoreError, match="EVAL") as raised:
            await store.commit("pw1:lock", "me", VALUES, release=True)
        assert not isinstance(raised.value, LockLost)
        assert [b"new \xff", b"new", b"new"] == await store.get_many(list(VALUES))
        assert await store.acquire("pw1:lock", "another", 30)

    place.run(work)


def test_repeated_commit_does_not_overwrite_the_successor(place: Place) -> None:
    """A commit that is sent again after another process has written meanwhile leaves that alone, and succeeds."""

    async def work(store: Store) -> None:
        place.line.arm("lost reply")
        place.line.arm("delay", seconds=0.4)
        late = asyncio.create_task(store.commit("pw1:lock", "me", {"pw1:a": (b"mine", None)}, release=True))
        while place.command("GET", "pw1:a") != b"mine" and not late.done():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.01)
        place.command("SET", "pw1:lock", "successor", "EX", 60)
        place.command("SET", "pw1:a", "successor's")
        await late
        assert b"successor's" == await store.get("pw1:a")
        assert not await store.acquire("pw1:lock", "me", 30)

    place.run(work)


# -- commands that are refused


def test_pipeline_with_one_failing_command(upstash: Place) -> None:
    """One refused command of several is an error that says why; the others are done."""

    async def work(store: Store) -> None:
        upstash.line.arm("failing command")
        await _fails(store, "put_many", "wrong number of arguments for 'set'")
        assert [b"new \xff", None, b"new"] == await store.get_many(list(VALUES))
        await _works(store)

    upstash.run(work)


def test_redis_pipeline_with_one_failing_command(redis: Place) -> None:
    """The same with a user who may not write one of the keys."""
    redis.server.command("ACL", "SETUSER", "guest", "on", f">{SECRET}", "~pw1:a", "~pw1:manifest", "+@all")
    guest = replace(redis, make=partial(RedisStore, redis.line.url_of("guest", redis.database)))
    guest.run(lambda store: _fails(store, "put_many", "permission"))
    assert [b"new", None] == redis.command("MGET", "pw1:manifest", "pw1:b")


def test_token_that_may_only_read(place: Place) -> None:
    """With a token or user that may only read, reading works, and an error of writing says which one is needed."""
    if isinstance(place.line, UpstashRest):
        reader: Callable[..., Store] = partial(
            UpstashStore, place.line.url, f"{place.line.read_only_token}.{place.database}"
        )
    else:
        place.server.command("ACL", "SETUSER", "reader", "on", f">{SECRET}", "~*", "+@read", "+select")
        reader = partial(RedisStore, place.line.url_of("reader", place.database))

    async def work(store: Store) -> None:
        assert b"old" == await store.get("pw1:old")
        assert [b"old", None] == await store.get_many(["pw1:old", "pw1:none"])
        for name in OPERATIONS:
            if name not in READING:
                await _fails(store, name, "may only read; give the one that may write")
        assert [b"old", None] == await store.get_many(["pw1:old", "pw1:a"])

    replace(place, make=reader).run(work)


@pytest.mark.parametrize("user", ["", "nobody", "owner"])
def test_wrong_password(redis: Place, user: str) -> None:
    """A password that the Redis server refuses is told, but not repeated."""
    redis.server.command("ACL", "SETUSER", "default", "resetpass", ">right")
    try:
        wrong = replace(redis, make=partial(RedisStore, redis.line.url_of(user, 0, f"{SECRET}-wrong")))
        wrong.run(lambda store: _fails(store, "get", "password is refused"))
        without = replace(redis, make=partial(RedisStore, redis.server.url))
        without.run(lambda store: _fails(store, "get", "a password is needed"))
    finally:
        with closing(Redis(port=redis.server.port, password="right", protocol=2)) as owner:
            owner.execute_command("ACL", "SETUSER", "default", "nopass")


def test_wrong_token(upstash: Place, rest: UpstashRest) -> None:
    """A token that Upstash does not know is told, but not repeated."""
    wrong = replace(upstash, make=partial(UpstashStore, rest.url, f"{SECRET}-wrong"))
    wrong.run(lambda store: _fails(store, "get", "refused; copy it again"))


FULL = ("put", "put_many", "acquire", "commit", "take")


@pytest.mark.parametrize(
    ("place", "how"), [("redis", "by Redis"), ("upstash", "by Redis"), ("upstash", "by Upstash")], indirect=["place"]
)
def test_full_database(place: Place, how: str) -> None:
    """A full database refuses what would add to it, with an error that says so; reading and deleting go on."""
    if how == "by Redis":
        place.server.config(maxmemory=1)
    else:
        place.line.arm("full", times=-1)

    async def work(store: Store) -> None:
        for name in FULL:
            await _fails(store, name, "the database is full")
        assert [b"old", None, None] == await store.get_many(["pw1:old", "pw1:a", "pw1:b"])
        await store.delete("pw1:old")
        assert await store.get("pw1:old") is None
        place.server.config(maxmemory=0)
        place.heal()
        await _works(store)

    place.run(work)


def test_database_that_becomes_full(place: Place) -> None:
    """A commit for which there is not enough room is written as a whole or not at all."""
    big = {f"pw1:{number}": (b"x" * 1_000_000, None) for number in range(5)}
    outcomes = set()

    async def work(store: Store) -> None:
        for room in (1, 300_000, 1_500_000, 3_500_000, 50_000_000):
            await store.put_many(dict.fromkeys(big, (b"", None)))
            used = int(place.server.command("INFO", "memory")["used_memory"])
            place.server.config(maxmemory=used + room)
            try:
                await store.commit("pw1:lock", "me", big)
            except StoreError:
                expected = b""
            else:
                expected = b"x" * 1_000_000
            assert {expected} == set(await store.get_many(list(big)))
            outcomes.add(len(expected))
            place.server.config(maxmemory=0)

    place.run(work)
    assert {0, 1_000_000} == outcomes


# -- a server that goes away and comes back


@matrix("seconds", [0.0, 0.003, 0.01, 0.03, 0.1], daily=(0.01,))
def test_restart_amid_commits(place: Place, seconds: float) -> None:
    """Of a commit during which the server was killed there is all or nothing; what was confirmed stays; the same store
    goes on when the server is back."""
    names = [f"pw1:key:{number}" for number in range(8)]

    async def commits(store: Store, done: list[int]) -> None:
        for number in range(1, 10_000):
            done[1] = number
            values = dict.fromkeys(names, (str(number).encode() * 20_000, None))
            await store.commit("pw1:lock", "me", values)
            done[0] = number

    async def work(store: Store) -> None:
        done = [0, 0]  # confirmed, tried
        writing = asyncio.create_task(commits(store, done))
        while not done[0] and not writing.done():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(place.server.kill)
        with pytest.raises(StoreError):
            await writing
        await asyncio.to_thread(place.server.start)
        found = await store.get_many(names)
        assert 1 == len(set(found))
        assert found[0] in [str(number).encode() * 20_000 for number in done]
        await _works(store)

    place.direct.run(work)


def test_server_that_comes_back(place: Place) -> None:
    """Connections that a restart has cut while nobody used them are no error."""

    async def work(store: Store) -> None:
        await _works(store)
        await asyncio.to_thread(place.server.restart)
        assert b"old" == await store.get("pw1:old")
        await asyncio.gather(*(store.put(f"pw1:{number}", b"2") for number in range(20)))
        await _works(store)

    place.direct.run(work)


# -- secrets, loops, and what is sent


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}-é", f"{SECRET} x", f"{SECRET}\0"])
def test_token_that_cannot_be(rest: UpstashRest, token: str) -> None:
    """A token that was copied wrongly is an error, here or when it is used, that does not repeat it."""

    async def work() -> None:
        await UpstashStore(rest.url, token).get("pw1:old")

    with pytest.raises((ConfigError, StoreError)) as raised:
        asyncio.run(work())
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of connections that the first loop left open
def test_second_event_loop(place: Place) -> None:
    """A store goes on in another event loop, also after the first was closed under its connections."""
    store = place.make(**PATIENCE)

    async def close() -> None:
        await _works(store)
        await store.close()

    asyncio.run(_works(store))
    asyncio.run(_works(store))
    asyncio.run(close())
    asyncio.run(close())
    gc.collect()


def test_closing_twice(place: Place) -> None:
    """Closing a store that is closed, or was never used, is no error."""

    async def work(store: Store) -> None:
        await store.close()
        await _works(store)
        await store.close()

    place.run(work)


def test_dump_that_is_given_up(place: Place) -> None:
    """A dump may be left in its middle."""

    async def work(store: Store) -> None:
        await store.put_many({f"pw1:{number}": (b"x", None) for number in range(100)})
        async with aclosing(store.entries()) as entries:  # type: ignore[type-var]
            async for _ in entries:
                break
        await _works(store)

    place.run(work)


def test_what_is_sent(upstash: Place, rest: UpstashRest) -> None:
    """Requests tell Upstash nothing about the machine, and do not ask for a second encoding."""
    upstash.run(lambda store: asyncio.gather(*(operation(store) for operation, _ in OPERATIONS.values())))
    assert len(rest.log) >= len(OPERATIONS)
    for path, headers, _ in rest.log:
        assert path in ("/", "/pipeline")
        assert [] == [name for name in headers if name.startswith("upstash-telemetry")]
        assert "upstash-encoding" not in headers
        assert f"Bearer {SECRET}.{upstash.database}" == headers["authorization"]


# Operation → what Upstash bills for it: a script is billed with the commands that it calls
BILL = {
    "get": 1,
    "get_many": 1,
    "put": 1,
    "put_many": 3,
    "delete": 1,
    "acquire": 3,
    "prolong": 3,
    "commit": 5,
    "release": 2,
    "take": 6,
}


@pytest.mark.parametrize(("name", "commands"), BILL.items())
def test_what_it_costs(upstash: Place, rest: UpstashRest, name: str, commands: int) -> None:
    """Every operation is one round trip; what it costs at Upstash is known.

    The server counts what scripts call, and has been seen to count one call too many on a busy machine: more than is
    known is measured again.
    """
    for _ in range(3):
        upstash.server.command("DEL", "pw1:budget", database=upstash.database)
        rest.reset()
        upstash.run(OPERATIONS[name][0])
        counts = rest.reset()
        if counts.commands <= commands:
            break
    assert (1, commands) == (counts.requests, counts.commands)


def test_what_a_refresh_costs(upstash: Place, rest: UpstashRest) -> None:
    """A lock, a commit of four values that gives it up: two round trips, eleven commands."""

    async def work(store: Store) -> None:
        assert await store.acquire("pw1:new", "me", 30)
        await store.commit("pw1:new", "me", VALUES | {"pw1:d": (b"", None)}, release=True)

    rest.reset()
    upstash.run(work)
    assert (2, 11) == (rest.counts.requests, rest.counts.commands)
