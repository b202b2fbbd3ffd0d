"""Reading a feed while a model reads papers: p99 of feed reads during a running analysis, against an idle copy.

One server in a process of its own, one stand-in for arXiv and one for the model, whose every answer takes half a
second. In each round the server is measured idle, and then while a refresh has new papers analysed.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import httpx

from benchmarks.bench_http import HOST, Job, generator
from benchmarks.measure import note, p99, table
from core.config.settings import ROOT
from tests.conftest import NOON
from tests.support import model_server
from tests.support.arxiv_format import Sheet, make_sheets
from tests.support.model_server import MODEL, ModelServer
from tests.support.ports import free_port
from tests.support.upstream import Upstream, serving

ROUNDS, SECONDS, CONNECTIONS, PAPERS = 5, 4.0, 16, 40
OWNER = "open-sesame"
PATH = "/api/feeds/main.rss"
FEEDS = """
[instance]
retention_days = 1

[feeds.main]
title = "Main"
categories = ["cs.LG"]
summary = "key-findings"
max_entries = 40
[feeds.main.rubric]
criteria = [{ name = "Direct", max = 3 }, { name = "Impact", max = 3 }]
deep_at = 0
"""


def run(**_: bool) -> None:
    """Measure, and print the ratio."""
    upstream, model = Upstream(sheets=_papers(0)), ModelServer(delay=0.5)
    with (
        serving(upstream),
        model_server.serving(model),
        tempfile.TemporaryDirectory() as folder,
        generator() as ask,
    ):
        port = free_port()
        process = _start(Path(folder), port, upstream.url, model.url)
        try:
            _refresh(port)
            request = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
            job = Job(port, request, CONNECTIONS, SECONDS)
            rows = []
            for number in range(1, ROUNDS + 1):
                idle = ask(job)
                upstream.sheets = _papers(number)
                before = len(model.requests)
                refreshing = threading.Thread(target=_refresh, args=(port,))
                refreshing.start()
                while len(model.requests) <= before:  # the new day is stored, and its analysis runs
                    time.sleep(0.01)
                busy, asked = ask(job), len(model.requests) - before
                assert refreshing.is_alive(), "the analysis was over before the measurement"
                refreshing.join()
                rows.append((p99([t * 1000 for t in idle.took]), p99([t * 1000 for t in busy.took]), asked))
        finally:
            process.terminate()
            process.wait()
    cells = [(f"round {n}", idle, busy, busy / idle, asked) for n, (idle, busy, asked) in enumerate(rows, 1)]
    table(
        f"{PATH} over {CONNECTIONS} connections while a model reads {PAPERS} papers",
        ("", "idle p99 ms", "busy p99 ms", "ratio", "questions meanwhile"),
        cells,
    )
    note(f"median ratio {median(busy / idle for idle, busy, _ in rows):.2f}; the goal is 2")


def _papers(number: int) -> list[Sheet]:
    return [replace(sheet, id=f"2603.{20000 + 100 * number + at}") for at, sheet in enumerate(make_sheets(PAPERS))]


def _start(folder: Path, port: int, arxiv: str, model: str) -> "subprocess.Popen[bytes]":
    env = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "FEEDS_TOML": FEEDS,
        "ARXIV_RSS_URL": arxiv,
        "NOW": NOON.isoformat(),
        "REPLAY_GATE_SECONDS": "0.05",
        "LLM_BASE_URL": model,
        "LLM_MODEL": MODEL,
        "ADMIN_TOKEN": OWNER,
        "SELF_REFRESH": "0",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "core.cli.main", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=env)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            httpx.get(f"http://{HOST}:{port}/api/health")
            return process
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def _refresh(port: int) -> None:
    answer = httpx.post(f"http://{HOST}:{port}/api/refresh", headers={"Authorization": f"Bearer {OWNER}"}, timeout=200)
    assert answer.status_code == 200, answer.text
