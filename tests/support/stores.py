"""What the contract of the store is tested on: the implementations, and what competing processes do to them.

Competing processes, `python -m tests.support.stores`, run `WORKERS` as they are told, a line each: for a JSON array of
implementation, target and worker they say "ready", for "go" they begin, and then they print what came of it as JSON.
"""

import asyncio
import atexit
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.model.errors import LockLost, StoreError
from core.store.base import Store
from core.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer
    from tests.support.upstash_rest import UpstashRest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = {"connect_seconds": 60.0, "read_seconds": 60.0}  # how long answers may take on a busy machine
PROCESSES = 6
BUDGET = 300
ROUNDS = 40
ADDITIONS = 10


@dataclass(frozen=True)
class Implementation:
    """How to open a store: `target` says where it is, `open` makes one more client of it."""

    name: str
    target: Callable[[Path], str]
    open: Callable[[str], Store]


# Whatever is not SQLite is imported where it is used: competing processes begin so much sooner
_servers = ExitStack()
atexit.register(_servers.close)


@cache
def redis_server() -> "RedisServer":
    """The server that all tests of this process share; it is started when first needed and ends with the process."""
    from tests.support.redis_server import running

    return _servers.enter_context(running())


@cache
def upstash_rest() -> "UpstashRest":
    """The stand-in for Upstash in front of that server."""
    from tests.support.upstash_rest import UpstashRest, serving

    return _servers.enter_context(serving(UpstashRest(redis_server().url)))


def _redis_target(_: Path) -> str:
    return redis_server().url_of(redis_server().empty_database())


def _open_redis(target: str) -> Store:
    from core.store.redis import RedisStore

    return RedisStore(target, **PATIENCE)


def _upstash_target(_: Path) -> str:
    return f"{upstash_rest().token}.{redis_server().empty_database()}@{upstash_rest().url}"


def _open_upstash(target: str) -> Store:
    from core.store.upstash import UpstashStore

    token, _, url = target.partition("@")
    return UpstashStore(url, token, **PATIENCE)


IMPLEMENTATIONS = {
    "sqlite": Implementation("sqlite", lambda folder: str(folder / "store.sqlite3"), lambda at: SqliteStore(Path(at))),
    "redis": Implementation("redis", _redis_target, _open_redis),
    "upstash": Implementation("upstash", _upstash_target, _open_upstash),
}


async def take_what_there_is(store: Store) -> int:
    """How much of a common budget this process gets."""
    taken = 0
    while await store.take("budget", 1, BUDGET, 60):
        taken += 1
    return taken


async def take_and_give_back(store: Store) -> int:
    """Take more than is kept of a common budget, and give the rest back, until nothing fits: how much is kept."""
    kept = 0
    while await store.take("budget", 5, BUDGET, 60):
        await store.take("budget", -2, BUDGET, 60)
        kept += 3
    return kept


async def win_locks(store: Store) -> list[int]:
    """The locks that this process gets; none is given back."""
    token = str(os.getpid())
    return [number for number in range(ROUNDS) if await store.acquire(f"lock:{number}", token, 60)]


async def add_under_lock(store: Store) -> int:
    """Add to a common number, each time under the lock: how often the lock had been lost when it came to writing."""
    lost = done = 0
    while done < ADDITIONS:
        token = str(os.getpid())
        if not await store.acquire("lock:number", token, 5):
            await asyncio.sleep(0.005)
            continue
        value = int(await store.get("number") or b"0")
        try:
            await store.commit("lock:number", token, {"number": (str(value + 1).encode(), None)}, release=True)
            done += 1
        except LockLost:
            lost += 1
    return lost


WORKERS: dict[str, Callable[[Store], Awaitable[Any]]] = {
    worker.__name__: worker for worker in (take_what_there_is, take_and_give_back, win_locks, add_under_lock)
}


@cache
def _racers() -> list[subprocess.Popen[str]]:
    """Processes that compete whenever they are told to; they end when nobody can tell them any more."""
    command = [sys.executable, "-m", "tests.support.stores"]
    pipe = subprocess.PIPE
    return [
        _servers.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True))
        for _ in range(PROCESSES)
    ]


def _tell(racer: subprocess.Popen[str], line: str) -> None:
    assert racer.stdin
    racer.stdin.write(f"{line}\n")
    racer.stdin.flush()


def race(implementation: str, target: str, worker: str) -> list[Any]:
    """What came of `worker` in each of several processes that begin at the same moment."""
    racers = _racers()
    for racer in racers:
        _tell(racer, json.dumps([implementation, target, worker]))
    for racer in racers:
        assert racer.stdout
        racer.stdout.readline()  # "ready"
    for racer in racers:
        _tell(racer, "go")
    outcomes = [json.loads(racer.stdout.readline()) for racer in racers if racer.stdout]
    errors = [outcome["error"] for outcome in outcomes if "error" in outcome]
    assert not errors, errors[0]
    return [outcome["result"] for outcome in outcomes]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _compete(implementation: str, target: str, worker: str) -> Any:
    store = IMPLEMENTATIONS[implementation].open(target)
    try:
        with suppress(StoreError):
            await store.get("any")  # connects
        _say("ready")
        sys.stdin.readline()
        return await WORKERS[worker](store)
    finally:
        await store.close()


def _main() -> None:
    for order in sys.stdin:
        try:
            outcome = {"result": asyncio.run(_compete(*json.loads(order)))}
        except Exception:
            outcome = {"error": traceback.format_exc()}
        _say(json.dumps(outcome))


if __name__ == "__main__":
    _main()
