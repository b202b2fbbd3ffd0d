"""Answers of a process that has just started, over a month of 22 days of 1,000 papers.

Each answer comes from a fresh process, so that nothing is in memory; its time begins when the application is there. The
month is made once and kept in the temporary folder. `--before COMMIT` measures that version beside the present one.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks.day import CATEGORIES, FEEDS, make_sheets
from benchmarks.measure import Cell, note, table
from core.archive.days import make_day
from core.config.settings import ROOT, load_settings
from core.model.batch import make_batch
from core.model.calendar import is_announcement_day
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.sources.parse import parse_feed
from core.store import keys
from core.store.codec import encode
from core.store.sqlite import SqliteStore
from tests.support.arxiv_format import rss

DAYS, PAPERS = 22, 1000
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
_PREVIEW = "/build/preview?category=cs.LG%2Ccs.CL%2Ccs.AI&keywords="
# What is asked: its name, the path, and the goals in ms (cold; warm but not asked before)
ASKED: tuple[tuple[str, str, float, float], ...] = (
    ("feed, never rendered", "/api/feeds/main.rss", 350, 0),
    ("the same, rendered", "/api/feeds/main.rss", 40, 0),
    ("query score>=10", "/api/papers?score%3E=10", 250, 8),
    ("start page", "/", 350, 0),
    ("page of a paper", "/papers/{paper}", 120, 0),
    ("/api/papers/{id}", "/api/papers/{paper}", 120, 0),
    ("query author~Chen", "/api/papers?author~Chen&score%3E=-999", 700, 0),
    ("search for a word", "/search?q=attention", 700, 60),
    (
        "preview of rules",
        f"{_PREVIEW}attention%2Csparse%2Ccompiler",
        800,
        120,
    ),
    ("digest", "/api/digests/main/2026-03-04.md", 350, 0),
)
_RENDERED = "the same, rendered"
# Addresses that are asked in a process that has answered another one of the kind
WARM = {
    "query score>=10": "/api/papers?score%3E=9.5&limit=90",
    "search for a word": "/search?q=throughput",
    "preview of rules": f"{_PREVIEW}quantization%2Cprefill%2Cdatabase",
}
_CHILD = r"""
import asyncio, json, os, resource, sys, time
from api.index import app
from core.store import sqlite
from urllib.parse import unquote

reads = {"trips": 0, "values": 0, "bytes": 0}
original = sqlite.SqliteStore.get_many
async def counted(self, keys):
    found = await original(self, keys)
    reads["trips"] += 1
    reads["values"] += len(keys)
    reads["bytes"] += sum(len(value) for value in found if value)
    return found
sqlite.SqliteStore.get_many = counted
alone = sqlite.SqliteStore.get
async def counted_alone(self, key):
    value = await alone(self, key)
    reads["trips"] += 1
    reads["values"] += 1
    reads["bytes"] += len(value or b"")
    return value
sqlite.SqliteStore.get = counted_alone

async def ask(target):
    path, _, query = target.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
             "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
             "headers": [(b"host", b"x.test")], "server": ("x.test", 443), "client": ("192.0.2.1", 5)}
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    before = dict(reads)
    wall, cpu = time.perf_counter(), time.process_time()
    await app(scope, receive, send)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"target": target, "status": sent[0]["status"], "wall": wall * 1000, "cpu": cpu * 1000,
                      "memory": memory, "length": sum(len(m.get("body", b"")) for m in sent[1:]),
                      **{name: reads[name] - before[name] for name in reads}}), flush=True)

async def main():
    for target in sys.argv[1:]:
        await ask(target)

asyncio.run(main())
sys.stdout.flush()
os._exit(0)
"""

Measured = dict[str, float]


def run(*, invented: bool = True, rounds: int = 7, before: str = "") -> None:  # noqa: ARG001 - a real month there is not
    """Measure each answer `rounds` times, by turns with the version `before`."""
    with _checked_out(before) as old:
        sides = {"now": ROOT} | ({"before": old} if old else {})
        measured = _measure(sides, rounds)
    _print(measured, rounds, bool(before))


def make_month(root: Path = ROOT) -> Path:
    """Returns the store with the month as the version in `root` makes it, kept in the temporary folder."""
    values = [
        path.read_bytes() for folder in ("archive", "model", "store") for path in (root / "core" / folder).glob("*.py")
    ]
    version = hashlib.sha256(b"".join(sorted(values))).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"paperwire-month-{version}-{DAYS}x{PAPERS}-{os.getuid()}.sqlite3"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")  # others may make it too
        part.unlink(missing_ok=True)
        env = dict(os.environ) | {"PYTHONPATH": str(root)}
        subprocess.run([sys.executable, __file__, str(part)], env=env, cwd=root, check=True)
        part.rename(path)
    return path


async def _fill(path: Path) -> None:
    settings = load_settings(env_file=False, feeds_file=FEEDS)
    store, records = SqliteStore(path), []
    for seed, day in enumerate(_days(NOON.date(), DAYS)):
        batch = make_batch(day, parse_feed(rss(make_sheets(PAPERS, seed=seed), day, CATEGORIES)).announcements)
        states = dict.fromkeys(CATEGORIES, CategoryState("complete"))  # so that nothing is fetched
        counts, total = batch.counts(CATEGORIES), len(batch.announcements)
        records.append(BatchRecord(day, "complete", hash=batch.hash, total=total, counts=counts, categories=states))
        values = {keys.batch(day, batch.hash): (encode(batch.to_plain()), None)}
        for feed in settings.feeds.feeds.values():
            values |= {key: (value, None) for key, (value, _) in make_day(feed, batch)[1].items()}
        await store.put_many(values)
    manifest = Manifest().changed(records, now=NOON, retention=timedelta(days=366))
    await store.put(keys.MANIFEST, encode(manifest.to_plain()))
    await store.close()


def _days(last: date, count: int) -> list[date]:
    every = (last - timedelta(days=n) for n in range(2 * count))
    return [day for day in every if is_announcement_day(day)][:count]


@contextmanager
def _checked_out(commit: str) -> Iterator[Path | None]:
    """Yields a worktree of the commit; None without one."""
    if not commit:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(where), commit], check=True, capture_output=True)
        try:
            yield where
        finally:
            subprocess.run([*git, "remove", "--force", str(where)], check=True, capture_output=True)


def _measure(sides: Mapping[str, Path], rounds: int) -> dict[tuple[str, str], list[Measured]]:
    measured: dict[tuple[str, str], list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        months = {side: make_month(root) for side, root in sides.items()}
        stores = {side: Path(folder) / f"{side}.sqlite3" for side in sides}
        for number in range(-1, rounds):  # the first round compiles, and makes what an older version did not store
            for side, root in sides.items():
                if number < 0:
                    _copy(months[side], stores[side])
                paper = f"26{1:02d}.10007"
                for name, target, *_ in ASKED:
                    if name != _RENDERED:
                        _forget_rendered(stores[side])
                    targets = [target, *([WARM[name]] if name in WARM else [])]
                    rows = _child(root, stores[side], [one.replace("{paper}", paper) for one in targets])
                    if number >= 0:
                        measured.setdefault((side, name), []).append(rows[0])
                        for row in rows[1:]:
                            measured.setdefault((side, f"{name}, warm"), []).append(row)
                if number >= 0:
                    every = [one.replace("{paper}", paper) for _, one, *_ in ASKED]
                    measured.setdefault((side, "after all"), []).append(_child(root, stores[side], every)[-1])
    return measured


def _copy(month: Path, to: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{to}{suffix}").unlink(missing_ok=True)
    shutil.copy(month, to)


def _forget_rendered(store: Path) -> None:
    import sqlite3

    with sqlite3.connect(store) as database:
        database.execute("DELETE FROM entries WHERE key LIKE 'pw1:feed:%'")
    database.close()


def _child(root: Path, store: Path, targets: list[str]) -> list[Measured]:
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")}
    own = {
        "PYTHONPATH": str(root), "SQLITE_PATH": str(store), "FEEDS_FILE": str(FEEDS), "NOW": NOON.isoformat(),
        "BASE_URL": "https://x.test", "RATE_LIMIT": "0", "CATCH_UP_SECONDS": "0",  # no work between answers
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *targets], cwd=store.parent, env=plain | own, capture_output=True, text=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(rows) != len(targets) or any(row["status"] != 200 for row in rows):
        raise AssertionError(f"{targets}: {rows} {done.stderr[-2000:]}")
    return rows


def _print(measured: dict[tuple[str, str], list[Measured]], rounds: int, compared: bool) -> None:
    goals = {name: cold for name, _, cold, _ in ASKED} | {f"{name}, warm": warm for name, _, _, warm in ASKED if warm}

    def middle(side: str, name: str, what: str) -> float:
        return median(row[what] for row in measured[side, name])

    names = [name for side, name in measured if side == "now"]
    head = ["a fresh process", "wall ms", "cpu ms", "goal", "trips", "values", "KB", "MB memory"]
    rows: list[list[Cell]] = []
    for name in names:
        numbers = [middle("now", name, what) for what in ("wall", "cpu")]
        store = [int(middle("now", name, what)) for what in ("trips", "values")]
        row: list[Cell] = [name, *numbers, goals.get(name, ""), *store, middle("now", name, "bytes") / 1000]
        row.append(middle("now", name, "memory"))
        if compared:
            was = [middle("before", name, what) for what in ("wall", "cpu")]
            row += [*was, middle("before", name, "bytes") / 1000, middle("before", name, "memory")]
            row.append(was[1] / numbers[1])
        rows.append(row)
    head += ["before: wall", "cpu", "KB", "MB", "cpu ratio"] if compared else []
    table(f"{DAYS} days of {PAPERS:,} papers, two feeds, SQLite; medians of {rounds}", head, rows)
    note("Time begins when the application is imported. After all: the last of all these requests to one process.")


if __name__ == "__main__":  # a version under measurement makes its month
    asyncio.run(_fill(Path(sys.argv[1])))
