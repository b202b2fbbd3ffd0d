"""How far a request travels through the code: own functions called, own modules touched, switches between modules.

Each journey runs in the application in process, over the same store of three days. Only functions of `api` and `core`
count, each once, whatever the number of entries. A switch is a call from a function of one module to a function of
another, each such pair of functions once. `--against PATH` does the same with the checkout of another version.

"Warm" is a process that has answered other requests, "cold" one that has answered none, over a store that is filled.
The feed of both is stored as rendered: a cold process reads it from there.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.day import make_sheets
from benchmarks.measure import Cell, note, table
from core.config.settings import ROOT
from tests.support.upstream import Upstream, serving

FRIDAY = date(2026, 3, 6)
TOKEN = "open-sesame"
# Rules that find the words of invented days, in every version alike
RULES = """
[instance]
title = "Journeys"
[feeds.main]
title = "Main"
categories = ["cs.AI", "cs.CL", "cs.DC", "cs.LG"]
title_bonus = 0.5
min_score = 2
max_entries = 30
[feeds.main.keywords]
LLM = 4
inference = 3
attention = 3
cache = 3
"""
# What a process is asked for in turn; the first of those without a name are not counted
WARM = (
    ("", "GET /api/feeds/main.rss"),
    ("a feed, not rendered yet, warm", "GET /api/feeds/main.atom"),
    ("/api/papers?score>=10, warm", "GET /api/papers?score>=10"),
    ("a filtered feed, warm", "GET /api/feeds/main.rss?category=cs.LG"),
    ("a page, warm", "GET /feeds/main"),
    ("a digest, warm", "GET /api/digests/main/latest.md"),
    ("a feed, from memory", "GET /api/feeds/main.rss"),
)
COLD = (("a feed, cold process", "GET /api/feeds/main.rss"),)
REFRESH = (("a refresh", "POST /api/refresh"),)


class Journey(NamedTuple):
    """What one request called."""

    functions: int
    modules: int
    switches: int


def run(*, invented: bool = False, against: Path | None = None) -> None:  # noqa: ARG001 - the days are always invented
    """Measure this checkout, and the other one if there is one, and print both."""
    ours = _measure(ROOT)
    theirs = _measure(against.resolve()) if against else {}
    rows: list[list[Cell]] = []
    for name, journey in ours.items():
        row: list[Cell] = [name, *journey]
        if before := theirs.get(name):
            row += [*before, f"{journey.functions / before.functions:.2f}", f"{journey.switches / before.switches:.2f}"]
        rows.append(row)
    head = ("journey", "functions", "modules", "switches")
    table(
        "Journeys: own functions called, own modules touched, switches between modules"
        + (f"; then those of {against}, and the ratios of functions and switches" if against else ""),
        head + (("functions", "modules", "switches", "functions", "switches") if against else ()),
        rows,
    )
    note("Functions and pairs of functions count once, however often they are called.")


def _measure(root: Path) -> dict[str, Journey]:
    """The journeys of the checkout at `root`."""
    with tempfile.TemporaryDirectory() as folder, serving(Upstream(sheets=[])) as upstream:
        environment = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "JOURNEYS_VERBOSE")
        } | {
            "PYTHONPATH": str(root), "SQLITE_PATH": f"{folder}/store.sqlite3", "ARXIV_RSS_URL": upstream.url,
            "ARXIV_API_URL": upstream.url, "HF_API_URL": upstream.url, "ADMIN_TOKEN": TOKEN, "RATE_LIMIT": "0",
            "BASE_URL": "https://wire.example", "CATCH_UP_SECONDS": "0", "REPLAY_GATE_SECONDS": "0",
            "FEEDS_TOML": RULES,
        }  # fmt: skip
        found: dict[str, Journey] = {}
        for number, day in enumerate((FRIDAY - timedelta(days=2), FRIDAY - timedelta(days=1), FRIDAY)):
            upstream.day, upstream.sheets = day, make_sheets(100, seed=number + 1)
            environment["NOW"] = f"{day}T17:00:00Z"
            found = _ask(environment, REFRESH)
        journeys = _ask(environment, WARM)
        return {**journeys, **_ask(environment, COLD), **found}


def _ask(environment: Mapping[str, str], requests: tuple[tuple[str, str], ...]) -> dict[str, Journey]:
    """The journeys of `requests` to a process that just started."""
    # A folder without modules of its own, so that those of PYTHONPATH are the ones that are imported
    command = [sys.executable, "-c", _PROCESS, json.dumps(requests), TOKEN]
    done = subprocess.run(command, env=dict(environment), cwd="/", capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"{environment['PYTHONPATH']}: {done.stderr.decode()[-2000:]}")
    if environment.get("JOURNEYS_VERBOSE"):
        sys.stderr.write(done.stderr.decode())
    return {name: Journey(*counts) for name, counts in json.loads(done.stdout).items() if name}


# Names nothing of a version but the application that every version has
_PROCESS = r"""
import asyncio, json, os, sys, threading
from urllib.parse import quote

root = os.environ["PYTHONPATH"] + os.sep
sys.path[:] = [root, *[path for path in sys.path if path not in (root, root[:-1])]]
own = tuple(root + name + os.sep for name in ("api", "core"))
known, calls, counting = {}, {}, False


def name_of(code):
    if code not in known:
        is_own = code.co_filename.startswith(own) and code.co_filename.endswith(".py") and code.co_flags & 2
        is_own = is_own and not code.co_name.startswith("<")
        known[code] = (code.co_filename[len(root):], code.co_qualname) if is_own else None
    return known[code]


def profile(frame, event, _):
    if event != "call" or not counting:
        return
    name = name_of(frame.f_code)
    if name is None:
        return
    caller = frame.f_back
    while caller is not None and name_of(caller.f_code) is None:
        caller = caller.f_back
    calls.setdefault((name_of(caller.f_code) if caller else None, name))


sys.setprofile(profile)
threading.setprofile(profile)

from api.application import create_app

app = create_app()


async def ask(request):
    method, target = request.split(" ", 1)
    path, _, query = target.partition("?")
    headers = [(b"host", b"wire.example")]
    headers += [(b"authorization", b"Bearer " + sys.argv[2].encode())] if method == "POST" else []
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": quote(query, safe="=&.").encode(), "headers": headers,
        "client": ("192.0.2.1", 1), "server": ("wire.example", 443), "root_path": ""}
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    await app(scope, receive, send)
    if messages[0]["status"] != 200:
        raise AssertionError(f"{request}: {messages[0]['status']} {messages[1].get('body')[:500]}")


async def main():
    global counting
    out = {}
    for name, request in json.loads(sys.argv[1]):
        calls.clear()
        counting = True
        await ask(request)
        counting = False
        functions = {callee for _, callee in calls}
        switches = sum(1 for caller, callee in calls if caller and caller[0] != callee[0])
        out[name] = (len(functions), len({module for module, _ in functions}), switches)
        if os.environ.get("JOURNEYS_VERBOSE"):
            print(f"== {name}", file=sys.stderr)
            for module, function in functions_in_order():
                print(f"   {module}: {function}", file=sys.stderr)
    await app.state.wire.close()
    print(json.dumps(out))


def functions_in_order():
    return list(dict.fromkeys(callee for _, callee in calls))


asyncio.run(main())
"""
