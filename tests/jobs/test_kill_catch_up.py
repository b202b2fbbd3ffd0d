"""`kill -9` at any moment of a fortnight's refreshes and of what they catch up with: the store ends up as it would have
without.

`FULL=1` kills fifty times with each store.
"""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from core.archive.open import open_store
from core.config.settings import ROOT, Settings, load_settings
from core.model.manifest import BatchRecord
from tests.conftest import paperwire
from tests.jobs.test_fortnight import visit
from tests.support.fortnight import FEEDS, Kept, Step, fortnight, kept
from tests.support.stores import redis_server
from tests.support.upstream import Upstream, serving

pytestmark = pytest.mark.slow

SEED = 20260119
FULL = bool(os.environ.get("FULL"))
COURSES = {"sqlite": 10 if FULL else 4, "redis": 10 if FULL else 2}  # fortnights, each with a store of its own
KILLS = 5 if FULL else 2  # in each of them
PAPERS = 8  # a day
ANSWER_SECONDS = 0.02  # how long arXiv takes
AFTER_SECONDS = 0.12  # a kill comes up to so long after a request: until the commit, and beyond


@dataclass
class Course:
    """A fortnight with a store of its own; `killed` tells of each kill."""

    folder: Path
    upstream: Upstream
    steps: list[Step]
    where: dict[str, str]
    killed: list[str] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)  # of each step

    @property
    def env(self) -> dict[str, str]:
        """The environment of all processes."""
        replay = {"ARXIV_RSS_URL": self.upstream.url, "REPLAY_GATE_SECONDS": "0", "FEEDS_TOML": FEEDS}
        return replay | self.where

    @property
    def settings(self) -> Settings:
        """The same for what is done in this process."""
        return load_settings(
            _env_file=None,
            arxiv_rss_url=self.upstream.url,
            replay_gate_seconds=0,
            feeds_toml=FEEDS,
            **{name.lower(): value for name, value in self.where.items()},
        )

    def live(self, kills: dict[int, list[tuple[int, float]]]) -> None:
        """Go through the fortnight. At the steps of `kills` a refresh is killed after so many requests and so long."""
        for number, step in enumerate(self.steps):
            step.begin(self.upstream)
            before = len(self.upstream.requests)
            for requests, pause in kills.get(number, ()):
                self.kill_at(step, requests, pause)
            if number in kills:
                done = paperwire("refresh", "--all", cwd=self.folder, env=self.env | {"NOW": step.now.isoformat()})
                assert 0 == done.returncode, (self.killed, done.stdout, done.stderr)
                assert "still to be read" not in done.stdout, (self.killed, done.stdout)
            else:
                visit(self.settings, step)
            self.requests.append(len(self.upstream.requests) - before)

    def kill_at(self, step: Step, requests: int, pause: float) -> None:
        """Start a refresh, and kill it so long after so many requests of it, or let it come to its end before."""
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "NOW": step.now.isoformat()}
        command = [sys.executable, "-m", "core.cli.main", "refresh", "--all"]
        before = len(self.upstream.requests)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, cwd=self.folder, env=env | self.env, **quiet) as process:
            while process.poll() is None and len(self.upstream.requests) - before < requests:
                time.sleep(0.002)
            time.sleep(pause)
            process.kill()
        ended = "killed" if process.returncode == -signal.SIGKILL else "ended before"
        self.killed.append(f"{ended}: {step.now:%d %H:%M}, {pause:.3f} s after request {requests}")

    def kept(self) -> Kept:
        """What is stored, in a store that is whole."""
        if path := self.where.get("SQLITE_PATH"):
            with closing(sqlite3.connect(path)) as db:
                assert [("ok",)] == db.execute("PRAGMA integrity_check").fetchall()

        async def main() -> Kept:
            store = open_store(self.settings)
            try:
                return await kept(store)
            finally:
                await store.close()

        return asyncio.run(main())


def _kills(chance: random.Random, requests: list[int]) -> dict[int, list[tuple[int, float]]]:
    """When to kill, so that all requests of the fortnight have the same chance."""
    kills: dict[int, list[tuple[int, float]]] = {}
    for _ in range(KILLS):
        (number,) = chance.choices(range(len(requests)), requests)
        moment = chance.randint(1, requests[number]), chance.uniform(0, AFTER_SECONDS)
        kills.setdefault(number, []).append(moment)
    return kills


@dataclass(frozen=True)
class Killed:
    """All courses, and one that was not disturbed."""

    courses: list[Course]
    undisturbed: Kept

    @property
    def kills(self) -> list[str]:
        """All kills in words."""
        return [kill for course in self.courses for kill in course.killed]


@pytest.fixture(scope="module", params=list(COURSES))
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """Fortnights in which refreshes were killed, each time followed by one that was not."""
    folder, chance = tmp_path_factory.mktemp("killed"), random.Random(SEED)
    with ExitStack() as stack:

        def course(name: object) -> Course:
            (folder / str(name)).mkdir()
            upstream, steps, _ = fortnight(PAPERS)
            upstream.delay = ANSWER_SECONDS
            where = {"SQLITE_PATH": str(folder / str(name) / "store.sqlite3")}
            if request.param == "redis":
                where = {
                    "REDIS_URL": redis_server().url_of(redis_server().empty_database()),
                    "STORE_READ_SECONDS": "15",
                }
            return Course(folder / str(name), stack.enter_context(serving(upstream)), steps, where)

        undisturbed = course("undisturbed")
        undisturbed.live({})
        courses = [course(number) for number in range(COURSES[request.param])]
        plans = [_kills(chance, undisturbed.requests) for _ in courses]
        with ThreadPoolExecutor(6) as pool:  # most of the time they wait for the lock of the one that was killed
            list(pool.map(Course.live, courses, plans))
        yield Killed(courses, undisturbed.kept())


def test_kills_met_what_they_were_meant_for(killed: Killed) -> None:
    """The kills mean something: most met a living process."""
    assert KILLS * len(killed.courses) == len(killed.kills)
    assert sum(kill.startswith("killed") for kill in killed.kills) >= 0.6 * len(killed.kills), killed.kills


def test_store_is_as_if_undisturbed(killed: Killed) -> None:
    """After all kills the store has the same records, batches, ledger and scores as without."""
    for course in killed.courses:
        found = course.kept()
        assert killed.undisturbed.ids == found.ids, course.killed
        assert killed.undisturbed.ledger == found.ledger, course.killed
        assert _records(killed.undisturbed.manifest.records) == _records(found.manifest.records), course.killed
        assert _picks(killed.undisturbed) == _picks(found), course.killed
        assert killed.undisturbed.content == found.content, course.killed


def _records(records: Mapping[date, BatchRecord]) -> list[BatchRecord]:
    """The records as readers see them: validators have the addresses of each course's own arXiv."""
    return [replace(record, validators={}) for _, record in sorted(records.items())]


def _picks(found: Kept) -> list[BatchRecord]:
    """The same of Hugging Face's, without their times: picks are filed under what arXiv's batches say of them, and
    after a kill these may be there one visit sooner. So the number of versions may be another one too.
    """
    return [replace(record, fetched="") for record in _records(found.manifest.picks)]
