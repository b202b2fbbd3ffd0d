"""What the contract of the store is tested on: the implementations, and what competing processes do to them.

A process of its own runs one of `WORKERS` by `python -m tests.store.contract IMPLEMENTATION TARGET WORKER START`, and
prints what came of it as JSON.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.errors import LockLost
from core.settings import ROOT
from core.store.protocol import Store
from core.store.sqlite import SqliteStore

PROCESSES = 6
BUDGET = 500
ROUNDS = 60
ADDITIONS = 15


@dataclass(frozen=True)
class Implementation:
    """How to open a store: `target` says where it is, `open` makes one more client of it."""

    name: str
    target: Callable[[Path], str]
    open: Callable[[str], Store]


IMPLEMENTATIONS = {
    "sqlite": Implementation("sqlite", lambda folder: str(folder / "store.sqlite3"), lambda at: SqliteStore(Path(at))),
}


async def take_what_there_is(store: Store) -> int:
    """How much of a common budget this process gets."""
    return sum([await store.take("budget", 1, BUDGET, 60) for _ in range(BUDGET)])


async def win_locks(store: Store) -> list[int]:
    """The locks that this process gets; none is given back."""
    token = str(id(store)) + str(time.time_ns())
    return [number for number in range(ROUNDS) if await store.acquire(f"lock:{number}", token, 60)]


async def add_under_lock(store: Store) -> int:
    """Add to a common number, each time under the lock: how often the lock had been lost when it came to writing."""
    lost = done = 0
    while done < ADDITIONS:
        token = str(time.time_ns())
        if not await store.acquire("lock:number", token, 5):
            await asyncio.sleep(0.002)
            continue
        value = int(await store.get("number") or b"0")
        try:
            await store.commit("lock:number", token, {"number": (str(value + 1).encode(), None)})
            done += 1
        except LockLost:
            lost += 1
        await store.release("lock:number", token)
    return lost


WORKERS: dict[str, Callable[[Store], Awaitable[Any]]] = {
    worker.__name__: worker for worker in (take_what_there_is, win_locks, add_under_lock)
}


def race(implementation: str, target: str, worker: str, processes: int = PROCESSES) -> list[Any]:
    """What came of `worker` in each of several processes that begin at the same moment."""
    start = str(time.time() + 0.6 + 0.1 * processes)
    command = [sys.executable, "-m", "tests.store.contract", implementation, target, worker, start]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    results = [process.communicate(timeout=60) for process in running]
    errors = [error for process, (_, error) in zip(running, results, strict=True) if process.returncode]
    assert not errors, errors[0]
    return [json.loads(out) for out, _ in results]


async def _main(implementation: str, target: str, worker: str, start: str) -> None:
    store = IMPLEMENTATIONS[implementation].open(target)
    await asyncio.sleep(max(float(start) - time.time(), 0))
    result = await WORKERS[worker](store)
    await store.close()
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
