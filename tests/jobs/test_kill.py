"""`kill -9` at any moment of a refresh: the next one makes of the store what an undisturbed one would have made."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.config.settings import ROOT
from core.model.calendar import due_date
from core.model.manifest import Manifest
from core.store import keys
from core.store.base import Store
from core.store.codec import decode
from core.store.sqlite import SqliteStore
from tests.conftest import NOON, ONLY_WHEN_ASKED, paperwire
from tests.support.arxiv_format import make_sheets
from tests.support.stores import redis_server
from tests.support.upstream import Upstream, serving

pytestmark = pytest.mark.slow

SEED = 20260306
FOLDERS = {"sqlite": 20, "redis": 8}  # by store
AIMED = 2  # the first kill in one of so many comes between the request to arXiv and the end, others at any moment
SHARES = (0.02, 0.98)  # of the life of a refresh, measured in time of the processor: other work hardly changes that
# Rounds of folders, until the kills are spread: how much longer than measured each expects a refresh to live, because
# other work that shares a core or its caches makes the same work take more of the processor
ROUNDS = (1.0, 1.5, 2.0, 3.0)
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Case:
    """A folder with a store, or with a database of Redis beside it, and what was done to it."""

    folder: Path
    upstream: Upstream
    store: str
    database: int = 0
    killed: list[str] = field(default_factory=list)
    finished: subprocess.CompletedProcess[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of a refresh."""
        where = {"REDIS_URL": self.redis_url} if self.store == "redis" else {"SQLITE_PATH": "store.sqlite3"}
        return {"ARXIV_RSS_URL": self.upstream.url, "NOW": NOON.isoformat()} | where

    @property
    def redis_url(self) -> str:
        """Where the database is."""
        return redis_server().url.replace("/0", f"/{self.database}")

    def start(self) -> subprocess.Popen[bytes]:
        """Start a refresh."""
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **ONLY_WHEN_ASKED, "NO_COLOR": "1"} | self.env
        command = [sys.executable, "-m", "core.cli.main", "refresh"]
        self.folder.mkdir(exist_ok=True)
        return subprocess.Popen(command, cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def live(self) -> tuple[float, float]:
        """How long a whole refresh takes, and how long until arXiv has its request: seconds of the processor."""
        used = requested = 0.0
        with self.start() as process:
            while process.poll() is None:
                used = _processor_seconds(process.pid) or used
                requested = requested or (used if self.upstream.requests else 0.0)
                time.sleep(0.002)
        assert 0 == process.returncode
        return used, requested

    def kill_at(self, seconds: float) -> None:
        """Start a refresh, and kill it when it has used so much of the processor, or let it come to its end before."""
        with self.start() as process:
            while process.poll() is None and _processor_seconds(process.pid) < seconds:
                time.sleep(0.002)
            process.kill()
        ended = "killed" if process.returncode == -signal.SIGKILL else "ended before"
        stored = "with" if self.has_manifest() else "without"
        self.killed.append(f"{ended} at {seconds:.2f} s of processor time, {stored} a manifest")

    def has_manifest(self) -> bool:
        """Whether a refresh has committed."""
        if self.store == "redis":
            return bool(redis_server().command("EXISTS", keys.MANIFEST, database=self.database))
        path = self.folder / "store.sqlite3"
        if not path.exists():
            return False
        with closing(sqlite3.connect(path)) as db:
            try:
                return bool(db.execute("SELECT 1 FROM entries WHERE key = ?", (keys.MANIFEST,)).fetchone())
            except sqlite3.OperationalError:  # killed before it made the table
                return False

    def finish(self) -> None:
        """Refresh to the end."""
        self.finished = paperwire("refresh", cwd=self.folder, env=self.env)

    def opened(self) -> Store:
        """The store, which is whole."""
        if self.store == "redis":
            from core.store.redis import RedisStore

            return RedisStore(self.redis_url)
        with closing(sqlite3.connect(self.folder / "store.sqlite3")) as db:
            assert [("ok",)] == db.execute("PRAGMA integrity_check").fetchall()
        return SqliteStore(self.folder / "store.sqlite3")

    def content(self) -> dict[str, Any]:
        """What is stored: the manifest, the batch and every feed's scores."""

        async def main() -> dict[str, Any]:
            store = self.opened()
            names = sorted([key async for key, _, _ in store.entries()])
            names = [name for name in names if name == keys.MANIFEST or ":batch:" in name or ":scores:" in name]
            values = await store.get_many(names)
            await store.close()
            return {name: decode(value or b"") for name, value in zip(names, values, strict=True)}

        return asyncio.run(main())


def _processor_seconds(pid: int) -> float:
    """What a process has used of the processor, all threads together; nothing if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK


@dataclass
class Killed:
    """All cases, those of `folders` or of several times as many, and the content of a store whose refresh was not
    disturbed.
    """

    folders: int
    cases: list[Case] = field(default_factory=list)
    undisturbed: dict[str, Any] = field(default_factory=dict)

    @property
    def kills(self) -> list[str]:
        """All kills in words."""
        return [kill for case in self.cases for kill in case.killed]

    @property
    def are_spread(self) -> bool:
        """Whether many met a living process, some before it had committed and some after."""
        met = [kill for kill in self.kills if kill.startswith("killed")]
        without = sum("without a manifest" in kill for kill in met)
        return len(met) >= 1.4 * self.folders and without >= self.folders / 2 and len(met) > without


@pytest.fixture(scope="module", params=list(FOLDERS))
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Refreshes that were killed twice at random moments, followed by one that was not."""
    folder, chance, store = tmp_path_factory.mktemp("killed"), random.Random(SEED), request.param
    killed = Killed(FOLDERS[store])
    with serving(Upstream(sheets=make_sheets(300), delay=0.1)) as upstream:
        for number, longer in enumerate(ROUNDS):
            if not killed.are_spread:
                (folder / str(number)).mkdir()
                _round(killed, partial(_case, upstream, store, folder / str(number)), chance, longer)
        yield killed


def _case(upstream: Upstream, store: str, folder: Path, name: object) -> Case:
    return Case(folder / str(name), upstream, store, redis_server().empty_database() if store == "redis" else 0)


def _round(killed: Killed, make: Callable[[object], Case], chance: random.Random, longer: float) -> None:
    """Add a round of cases, by kills aimed at lives that are `longer` times the measured one."""
    lives = []
    for number in range(2):
        undisturbed = make(f"undisturbed {number}")
        undisturbed.upstream.requests.clear()
        lives.append(undisturbed.live())
    life, requested = min(lives)
    assert 0 < requested < life
    folders, life = killed.folders, life * longer
    moments = [chance.uniform(requested, life) for _ in range(folders // AIMED)]
    moments += [life * chance.uniform(*SHARES) for _ in range(2 * folders - folders // AIMED)]

    cases = [make(number) for number in range(folders)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Case.kill_at, cases, moments[:folders]))
        list(pool.map(Case.kill_at, cases, moments[folders:]))
    with ThreadPoolExecutor(6) as many:
        list(many.map(Case.finish, cases))
    killed.cases += cases
    killed.undisturbed = undisturbed.content()


def test_kills_are_spread(killed: Killed) -> None:
    """The kills mean something: nearly as many as were planned met a living process, some before it had committed and
    some after.
    """
    assert all(len(case.killed) == 2 for case in killed.cases)
    assert killed.are_spread, killed.kills


def test_next_refresh_succeeds(killed: Killed) -> None:
    """After every kill the next refresh comes to its end, and reports the complete day."""
    for case in killed.cases:
        assert case.finished is not None
        assert 0 == case.finished.returncode, (case.killed, case.finished.stderr)
        assert "2026-03-06: complete, 300 papers" in case.finished.stdout, case.killed


def test_store_is_as_if_undisturbed(killed: Killed) -> None:
    """After every kill and the refresh that follows the store has the same manifest, batch and scores as without."""
    day = due_date(NOON)
    expected = Manifest.from_plain(killed.undisturbed[keys.MANIFEST])
    for case in killed.cases:
        content = case.content()
        manifest = Manifest.from_plain(content[keys.MANIFEST])
        assert expected.get(day).hash == manifest.get(day).hash, case.killed
        assert expected.records == manifest.records, case.killed
        assert killed.undisturbed == content, case.killed
