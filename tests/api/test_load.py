"""Many readers at once, while days are replaced and the store goes away and comes back: nothing wrong, nothing grows.

In a quick form; with FULL=1 in the environment 64 connections for a minute.
"""

import asyncio
import hashlib
import json
import os
import random
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from tests.conftest import NOON
from tests.support import redis_server
from tests.support.arxiv_format import make_sheets
from tests.support.redis_server import RedisServer
from tests.support.servers import server_process
from tests.support.upstream import Upstream, serving

FULL = bool(os.environ.get("FULL"))
CONNECTIONS, SECONDS, WARM_UP = (64, 60.0, 20.0) if FULL else (16, 6.0, 2.0)
LEAST_REFRESHES = 2
REFRESH_EVERY, DOWN_EVERY, DOWN_FOR = (2.0, 10.0, 2.0) if FULL else (1.0, 3.0, 0.7)
MOST_GROWTH = 1.10 if FULL else 1.30  # in the quick form, on a busy machine, little has been read at first
OWNER = "open-sesame"
PATHS = [
    "/rss", "/api/feeds/main.rss", "/api/feeds/main.atom", "/api/feeds/main.json", "/api/feeds/storage.rss",
    "/rss/cs.LG",
    "/api/papers", "/api/feeds", "/api/feeds.opml", "/", "/feeds/main", "/papers/2603.90000",
    *(f"/api/papers?score>={n}&limit=20" for n in range(1, 9)),
    *(f"/api/feeds/main.rss?score>={n}" for n in range(1, 9)),
]  # fmt: skip


ENV = {
    "NOW": NOON.isoformat(),
    "ADMIN_TOKEN": OWNER,
    "REPLAY_GATE_SECONDS": "0",
    "CONFIRM_SECONDS": "0.5",
    "RATE_LIMIT": "0",  # all readers come from one address here
}


@dataclass
class Seen:
    """What readers got: how often which status, and what was wrong."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)  # seconds since the start, KB


def fault(path: str, url: str, status: int, headers: dict[str, str], body: bytes) -> str:
    """What is wrong with an answer, "" if nothing: only these statuses, bytes that are those of their ETag, and of what
    was asked for.
    """
    if status == 503:
        honest = headers.get("content-type") == "application/problem+json" or "html" in headers.get("content-type", "")
        return "" if honest and headers.get("retry-after") else f"{path}: a 503 without a word"
    if status == 429:
        return "" if headers.get("retry-after") else f"{path}: a 429 without a word"
    if status != 200:
        return f"{path}: status {status}: {body[:200]!r}"
    if headers.get("etag") != f'"{hashlib.sha256(body).hexdigest()[:32]}"':
        return f"{path}: the bytes are not those of the ETag"
    if path.startswith("/api/papers"):
        floor = float((re.findall(r"score>=(\d)", path) or ["2.5"])[0])
        scores = [paper["score"] for paper in json.loads(body)["papers"]]
        return "" if scores and min(scores) >= floor else f"{path}: scores {scores}"
    if "rss" in path and "html" not in headers["content-type"]:
        itself = f"{url}{path}".replace(">", "%3E").encode()
        return "" if itself in body else f"{path}: not the feed that was asked for: {body[:300]!r}"
    return ""


async def read(url: str, seen: Seen, until: float, chance: random.Random) -> None:
    """A reader on one connection: one request after the other, a new connection where it breaks."""
    host, port = url.removeprefix("http://").split(":")
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection(host, int(port))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while time.monotonic() < until:
                path = chance.choice(PATHS)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers["content-length"]))
                status = int(head[0].split()[1])
                seen.statuses[status] += 1
                if wrong := fault(path, url, status, headers, body):
                    seen.wrong.append(wrong)
        writer.close()


async def disturb(url: str, upstream: Upstream, redis: RedisServer, until: float) -> int:
    """Replace the day again and again, and let the store be away now and then. How many refreshes were done."""
    done, down_at, number = 0, time.monotonic() + DOWN_EVERY, 0
    async with httpx.AsyncClient(base_url=url, timeout=120, headers={"Authorization": f"Bearer {OWNER}"}) as client:
        while time.monotonic() < until or done < LEAST_REFRESHES:  # a busy machine takes longer for them
            number += 1
            sheets = make_sheets(40)
            upstream.sheets = [
                replace(sheets[0], title=f"Corrected {number} times: LLM inference training"),
                *sheets[1:],
            ]
            with suppress(httpx.TransportError):
                done += (await client.post("/api/refresh")).status_code == 200
            if time.monotonic() > down_at:
                await asyncio.to_thread(redis.kill)
                await asyncio.sleep(DOWN_FOR)
                await asyncio.to_thread(redis.start)
                down_at = time.monotonic() + DOWN_EVERY
            await asyncio.sleep(REFRESH_EVERY)
    return done


async def watch(pid: int, seen: Seen, until: float) -> None:
    """Note the memory of a process."""
    start = time.monotonic()
    while time.monotonic() < until:
        seen.memory.append((time.monotonic() - start, _resident(pid)))
        await asyncio.sleep(0.25)


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


async def load(url: str, pid: int, upstream: Upstream, redis: RedisServer) -> tuple[Seen, int]:
    """All of it at once."""
    seen, until = Seen(), time.monotonic() + SECONDS
    readers = [read(url, seen, until, random.Random(number)) for number in range(CONNECTIONS)]
    done, *_ = await asyncio.gather(disturb(url, upstream, redis, until), watch(pid, seen, until), *readers)
    return seen, done


@pytest.mark.slow
def test_load(tmp_path: Path) -> None:
    """No wrong body, no 5xx but an honest 503, and memory that does not grow after the first part of the time."""
    with (
        serving(Upstream(sheets=make_sheets(40))) as upstream,
        redis_server.running() as redis,
        server_process(tmp_path, ENV | {"REDIS_URL": redis.url, "ARXIV_RSS_URL": upstream.url}) as server,
    ):
        url = server.url
        assert 200 == httpx.post(f"{url}/api/refresh", headers={"Authorization": f"Bearer {OWNER}"}).status_code
        seen, done = asyncio.run(load(url, server.process.pid, upstream, redis))
        log = (tmp_path / "log").read_text()
    warm = [kilobytes for at, kilobytes in seen.memory if at <= WARM_UP]
    last = [kilobytes for at, kilobytes in seen.memory if at >= SECONDS - WARM_UP / 2]
    growth = (sum(last) / len(last)) / max(warm)
    print(f"{sum(seen.statuses.values())} answers {dict(seen.statuses)}, {done} refreshes, memory x {growth:.2f}")  # noqa: T201 - with -s
    assert [] == seen.wrong[:5]
    assert seen.statuses[200] > 50
    assert done >= LEAST_REFRESHES
    assert "Traceback" not in log
    assert growth < MOST_GROWTH
