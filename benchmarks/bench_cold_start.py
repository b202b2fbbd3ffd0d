"""The start of a process: Paperwire beside a FastAPI application that only imports fastapi and httpx.

Anywhere: fresh Python processes by turns, with bytecode, up to the application and up to the first feed, which is in
store and takes one round trip. With a build tool also Vercel's own build and runtime:

    python -m benchmarks.bench_cold_start --build-tool TOOL       (or the variable BUILD_TOOL)

TOOL PROJECT PORT NAME=VALUE… builds what git knows of PROJECT with `vercel build`, prints a line with "listening" when
it serves that on PORT with these variables, and at the first request one with "'initDuration': MILLISECONDS". It is
run again for each start, with VERCEL_PYTHON_COMPILEALL=1 as vercel.json has it.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.day import REAL_DAY, load_day
from benchmarks.measure import Cell, Steps, note, spread, table
from core.config.settings import ROOT
from tests.support.redis_server import find_binary, running
from tests.support.upstash_rest import UpstashRest
from tests.support.upstash_rest import serving as serving_rest
from tests.support.upstream import Upstream, serving

BARE, OURS = "bare FastAPI", "Paperwire"
GOAL, AIM = 1.3, 1.15
FEED = "/rss"
SECONDS = 300  # for a build; the first one may install its tools

_BARE_APP = """import httpx
from fastapi import FastAPI

app = FastAPI()


@app.get("/rss")
async def rss():
    return {"httpx": httpx.__version__}
"""
_BARE_FILES = {
    "api/index.py": _BARE_APP,
    "vercel.json": '{ "framework": "fastapi" }\n',
    "pyproject.toml": """[project]
name = "bare"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["fastapi", "httpx"]

[tool.vercel]
entrypoint = "api.index:app"
""",
}
# Tells when the application is there and when it has answered, and what processor time that took
_CHILD = """
import asyncio, os, sys, time

def tell(what):
    print(what, time.process_time(), flush=True)

from api.index import app
tell("ready")

async def ask():
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
             "path": sys.argv[1], "raw_path": sys.argv[1].encode(), "query_string": b"", "root_path": "",
             "headers": [(b"host", b"wire.example")], "server": ("wire.example", 443), "client": ("192.0.2.1", 5)}
    sent = []
    async def receive():
        await asyncio.sleep(60)
    async def send(message):
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            tell(f"answered {sent[0]['status']} {sum(len(part.get('body', b'')) for part in sent[1:])}")
    await app(scope, receive, send)

asyncio.run(ask())
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Project:
    """What is started: its folder, and its environment."""

    folder: Path
    env: Mapping[str, str]


def run(*, invented: bool = False, rounds: int = 15, build_tool: str = "", builds: int = 5) -> None:
    """Measure fresh processes, and with a build tool (else `BUILD_TOOL`) cold starts in Vercel's runtime."""
    try:
        find_binary()
    except FileNotFoundError as error:
        note(f"\nCold starts were not measured: {error}.")
        return
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bare = Path(folder) / "bare"
        for name, text in _BARE_FILES.items():
            (bare / name).parent.mkdir(parents=True, exist_ok=True)
            (bare / name).write_text(text, "utf-8")
        day = load_day(invented=invented)
        upstream = stack.enter_context(serving(_Day(body=day.body)))
        server = stack.enter_context(running())
        rest = stack.enter_context(serving_rest(UpstashRest(server.url)))
        env = {
            "KV_REST_API_URL": rest.url,
            "KV_REST_API_TOKEN": rest.token,
            "ARXIV_RSS_URL": upstream.url,
            "NOW": f"{REAL_DAY}T17:00:00Z",
            "CATCH_UP_SECONDS": "0",  # each process would go on with missed dates after its answer
        }
        projects = {BARE: Project(bare, {}), OURS: Project(ROOT, env)}
        _print_processes(_processes(projects, Path(folder) / "bytecode", rest, rounds), rounds)
        server.flush()  # what another Python has rendered is nothing to the runtime's
        tool = build_tool or os.environ.get("BUILD_TOOL", "")
        if missing := _missing(tool):
            note(f"Vercel's own build and runtime were not measured: {missing}.")
        else:
            _print_builds(_builds(projects, tool, builds), builds)


@dataclass
class _Day(Upstream):
    """A stand-in for arXiv that has one document."""

    body: bytes = b""

    def document(self, _: tuple[str, ...]) -> bytes:
        return self.body


# -- fresh processes


def _processes(
    projects: Mapping[str, Project], bytecode: Path, rest: UpstashRest, rounds: int
) -> dict[str, list[Steps]]:
    measured: dict[str, list[Steps]] = {name: [] for name in projects}
    for number in range(-2, rounds):  # the first fetches, renders and compiles; the second finds that
        for name, project in projects.items():
            rest.reset()
            steps = _process(project, bytecode)
            if number >= 0:
                measured[name].append(steps | {"round trips": rest.counts.requests})
    return measured


def _process(project: Project, bytecode: Path) -> Steps:
    """One process, in milliseconds since it was begun, and of processor time."""
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    own = {"PYTHONPATH": str(project.folder), "PYTHONPYCACHEPREFIX": str(bytecode), "VERCEL": "1"}
    own["VERCEL_DEPLOYMENT_ID"] = "benchmark"
    start, steps = perf_counter(), Steps()
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, FEED],
        cwd=bytecode.parent,
        env=plain | own | dict(project.env),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        for line in process.stdout:
            what, *_, used = line.split()
            steps[what] = (perf_counter() - start) * 1000
            steps[f"{what} cpu"] = float(used) * 1000
            assert what == "ready" or line.startswith("answered 200 "), line
    if "answered" not in steps:
        raise AssertionError(f"the application in {project.folder} did not answer")
    return steps


def _print_processes(measured: dict[str, list[Steps]], rounds: int) -> None:
    rows: list[list[Cell]] = []
    for name, step in (
        ("to the application, ms", "ready"),
        ("… of processor time", "ready cpu"),
        ("to the first feed, ms", "answered"),
        ("… of processor time", "answered cpu"),
    ):
        theirs, ours = ([steps[step] for steps in measured[side]] for side in (BARE, OURS))
        low, ratio, high = spread([b / a for a, b in zip(theirs, ours, strict=True)])
        goal = f"goal {GOAL}, aim {AIM}" if step == "ready" else ""
        rows.append([name, median(theirs), median(ours), ratio, f"{low:.2f} to {high:.2f}", goal])
    table(
        f"A fresh Python process, with bytecode; medians of {rounds} by turns",
        ("from its beginning", BARE, OURS, "ratio", "half of them within", ""),
        rows,
    )
    trips = median(steps["round trips"] for steps in measured[OURS])
    note(
        f"The bare application answers with a constant, Paperwire with the day's feed; trips to the store: {trips:g}.",
        "The ratio is the median of the ratios of neighbouring runs.",
    )


# -- Vercel's build and runtime


def _missing(tool: str) -> str:
    """What keeps the tool from being used, in words; "" if nothing does."""
    if not tool:
        return "no --build-tool or BUILD_TOOL is given (see benchmarks/bench_cold_start.py)"
    absent = [name for name in (tool, "npm", "git") if not shutil.which(name)]
    return f"there is no {', no '.join(absent)}, or it cannot be run" if absent else ""


def _builds(projects: Mapping[str, Project], tool: str, builds: int) -> dict[str, list[Steps]]:
    bare = projects[BARE].folder
    for command in ("init", "add ."):
        subprocess.run(["git", *command.split()], cwd=bare, check=True, capture_output=True)
    measured: dict[str, list[Steps]] = {name: [] for name in projects}
    for number in range(builds + 1):  # in the first start the feed is made
        for name, project in projects.items():
            if number or name == OURS:
                steps = _build(project, tool)
                print(f"  {name}: {steps['init']:.0f} ms", file=sys.stderr)
                measured[name] += [steps] if number else []
    return measured


def _build(project: Project, tool: str) -> Steps:
    """One build and the start of its function, in milliseconds: as the runtime tells it, and up to the first answer."""
    port = _free_port()
    with _tool([tool, str(project.folder), str(port), *(f"{k}={v}" for k, v in project.env.items())]) as lines:
        next((line for line in lines if "listening" in line), "")
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        start = perf_counter()
        connection.request("GET", FEED)
        answer = connection.getresponse()
        answer.read()
        whole = (perf_counter() - start) * 1000
        assert answer.status == 200, answer.status
        found = next(filter(None, (re.search(r"'initDuration': ([\d.]+)", line) for line in lines)))
        return {"init": float(found[1]), "whole": whole}


@contextmanager
def _tool(command: list[str]) -> Iterator[Iterator[str]]:
    """The lines that a command prints, which is ended with all that it has started."""
    env = os.environ | {"VERCEL_PYTHON_COMPILEALL": "1"}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        ) as process,
    ):
        assert process.stdout
        try:
            yield _lines(process, said)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _lines(process: "subprocess.Popen[str]", said: "tempfile._TemporaryFileWrapper[str]") -> Iterator[str]:
    assert process.stdout
    yield from process.stdout
    said.seek(0)
    raise AssertionError(f"the build tool has ended:\n{said.read()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _print_builds(measured: dict[str, list[Steps]], builds: int) -> None:
    rows: list[list[Cell]] = []
    for name, step in (("initDuration", "init"), ("start and first answer", "whole")):
        theirs, ours = ([steps[step] for steps in measured[side]] for side in (BARE, OURS))
        goal = f"goal {GOAL}, aim {AIM}" if step == "init" else ""
        rows.append([name, median(theirs), median(ours), median(ours) / median(theirs), goal])
    table(
        f"Cold starts in Vercel's runtime, built with bytecode; medians of {builds} by turns, ms",
        ("", BARE, OURS, "ratio", ""),
        rows,
    )


def main() -> None:
    """Run by itself."""
    parser = argparse.ArgumentParser("benchmarks.bench_cold_start", description="What a cold start takes.")
    parser.add_argument("--build-tool", default="", metavar="TOOL", help="what builds and serves; else BUILD_TOOL")
    parser.add_argument("--invented", action="store_true", help="the invented day even where the real one is at hand")
    parser.add_argument("--rounds", type=int, default=15, help="fresh processes of each side")
    parser.add_argument("--builds", type=int, default=5, help="cold starts in Vercel's runtime of each side")
    given = parser.parse_args()
    run(invented=given.invented, rounds=given.rounds, build_tool=given.build_tool, builds=given.builds)


if __name__ == "__main__":
    main()
