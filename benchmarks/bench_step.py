"""Reads of a feed while the same process does a step of the pending work, beside reads while it is idle.

A step fetches full texts, parses them in processes of their own, asks a model and publishes the analysis: the feed
changes under its readers. The reader is a process of its own, on one connection, and asks as often as the server
answers, with short pauses.
"""

import http.client
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from threading import Thread
from urllib.parse import urlsplit

import httpx

from benchmarks.measure import Cell, note, p99, table
from tests.conftest import NOON
from tests.support.judge import DAY, feeds, judge, sheets, texts
from tests.support.model_server import MODEL
from tests.support.model_server import serving as serving_model
from tests.support.servers import UVICORN, server_process
from tests.support.upstream import Upstream, serving

GOAL = 2.0
IDLE_SECONDS, PAUSE = 6.0, 0.002
TOKEN, PATH = "open-sesame", "/api/feeds/main.rss"
_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast texts come and models answer: seconds between requests to arXiv (to its site five times that), seconds
    to an answer, and how many papers.
    """

    name: str
    gate: float
    answer: float
    papers: int


# Texts come every 15 s, as arXiv wants it, a large model takes 12 s; and as fast as stand-ins allow, which is harder
PACES = (Pace("as in life", 3.0, 12.0, 4), Pace("without pauses", 0.0, 1.5, 30))


def run(*, invented: bool = False, rounds: int = 2) -> None:  # noqa: ARG001 - the day is always an invented one
    """Measure by turns, each time with a new store, and print percentiles with their ratio."""
    for pace in PACES:
        idle: list[float] = []
        busy: list[float] = []
        steps: list[float] = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                before, during, after, took = _round(Path(folder), pace)
            idle += before + after
            busy += during
            steps.append(took)
        _print(pace, idle, busy, steps)


def _round(folder: Path, pace: Pace) -> tuple[list[float], list[float], list[float], float]:
    papers = sheets(*range(pace.papers))
    source = Upstream(day=DAY, days={DAY: papers}, texts=texts(papers), delay=0.1)
    model = judge()
    model.delay = pace.answer
    with serving(source) as upstream, serving_model(model):
        instance = "[instance]\nretention_days = 1\n"
        toml = feeds(summary="key-findings", summaries=pace.papers, rubric="", instance=instance)
        env = {
            "ARXIV_RSS_URL": upstream.url,
            "REPLAY_GATE_SECONDS": str(pace.gate),
            "SQLITE_PATH": str(folder / "store"),
            "RATE_LIMIT": "0",
            "NOW": NOON.isoformat(),
            "ADMIN_TOKEN": TOKEN,
            "LLM_BASE_URL": model.url,
            "LLM_MODEL": MODEL,
            "WORK_SECONDS": "120",
            "FEEDS_TOML": toml,
        }
        with server_process(folder, env, UVICORN) as server:
            httpx.get(f"{server.url}{PATH}", timeout=60).raise_for_status()
            before = _read(server.url, lambda: time.sleep(IDLE_SECONDS))
            took: list[float] = []
            during = _read(server.url, lambda: took.append(_step(server.url)))
            after = _read(server.url, lambda: time.sleep(IDLE_SECONDS))
    if len(model.requests) < pace.papers:
        raise AssertionError("the step was cut short")
    return before, during, after, took[0]


def _step(url: str) -> float:
    begun = time.perf_counter()
    answer = httpx.post(f"{url}/api/work", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=180)
    if answer.json()["pending"]["papers"]:
        raise AssertionError(answer.text)
    return time.perf_counter() - begun


def _read(url: str, work: Callable[[], None]) -> list[float]:
    """Returns how long each read took while `work` ran, in milliseconds."""
    here, there = _spawn.Pipe()
    over = _spawn.Event()
    reader = _spawn.Process(target=_poll, args=(url, there, over))
    reader.start()
    here.recv()  # it is connected
    thread = Thread(target=work)
    thread.start()
    thread.join()
    over.set()
    taken: list[float] = here.recv()
    reader.join()
    return taken


def _poll(url: str, there: Connection, over: Event) -> None:
    address = urlsplit(url)
    client = http.client.HTTPConnection(address.hostname or "", address.port)
    taken = []
    for number in range(10_000_000):
        begun = time.perf_counter()
        client.request("GET", PATH)
        client.getresponse().read()
        taken.append((time.perf_counter() - begun) * 1000)
        if number == 0:
            there.send("connected")
        if over.is_set():
            break
        time.sleep(PAUSE)
    there.send(taken[1:])


def _print(pace: Pace, idle: list[float], busy: list[float], steps: list[float]) -> None:
    rows: list[list[Cell]] = [
        [name, len(taken), median(taken), p99(taken), max(taken)] for name, taken in (("idle", idle), ("step", busy))
    ]
    ratio = p99(busy) / p99(idle)
    rows.append(["ratio", "", median(busy) / median(idle), ratio, max(busy) / max(idle)])
    table(
        f"Reads of a feed during a step of the pending work, {pace.name}, ms",
        ("", "reads", "p50", "p99", "longest"),
        rows,
    )
    note(
        f"{len(steps)} steps of {pace.papers} papers took {', '.join(f'{took:.1f}' for took in steps)} s.",
        f"Goal: p99 during a step is at most {GOAL:g} times that of an idle process: "
        f"{'held' if ratio <= GOAL else 'MISSED'} ({ratio:.2f}).",
    )
