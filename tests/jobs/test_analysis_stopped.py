"""Processes that analyse and are stopped at any moment, or that do it at the same time: nothing is paid for twice."""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.config.settings import ROOT
from tests.conftest import NOON, paperwire, wait_until
from tests.support.judge import asked, feeds, judge, upstream
from tests.support.model_server import MODEL, ModelServer
from tests.support.model_server import serving as serving_model
from tests.support.upstream import Upstream, serving

SEED = 20260306
AT_ONCE = 4
WORTH = (5, 0, 4, 1, 2, 6, 3, 8, 0, 0, 5, 1)
CALLS = 2 + 5 + 3  # twelve are screened, ten a question; five analysed, the other three of eight summarised


class Place:
    """A folder with a store, an upstream and a model."""

    def __init__(self, folder: Path, source: Upstream, model: ModelServer) -> None:
        self.folder, self.model = folder, model
        self.env = {
            "ARXIV_RSS_URL": source.url,
            "REPLAY_GATE_SECONDS": "0",
            "NOW": NOON.isoformat(),
            "SQLITE_PATH": "store.sqlite3",
            "FEEDS_TOML": feeds(summaries=8),
            "LLM_BASE_URL": model.url,
            "LLM_MODEL": MODEL,
            "CATCH_UP_SECONDS": "60",
        }

    def start(self) -> subprocess.Popen[str]:
        """Start a refresh."""
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "120"} | self.env
        command = [sys.executable, "-m", "core.cli.main", "refresh"]
        return subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self) -> str:
        """Refresh to the end; what it prints."""
        done = paperwire("refresh", cwd=self.folder, env=self.env)
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def stop(self, how: signal.Signals, after: int) -> tuple[int, str]:
        """Refresh, and stop it when so many more calls were made: how it ended, and what it said."""
        before = len(self.model.requests)
        with self.start() as process:
            wait_until(lambda: len(self.model.requests) >= before + after or process.poll() is not None)
            process.send_signal(how)
            _, told = process.communicate(timeout=120)
        return process.returncode, told

    def counts(self) -> Counter[tuple[str, str]]:
        """How often each question was asked."""
        return Counter((paper, step) for paper, _, step in map(asked, self.model.requests))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A place whose model takes a while."""
    model = judge()
    model.delay = 0.1
    with serving(upstream(*WORTH)) as source, serving_model(model):
        yield Place(tmp_path, source, model)


def test_interrupted(place: Place) -> None:
    """Ctrl-C at any moment: calls that are under way end, nothing is asked twice, and what was done is told."""
    chance = random.Random(SEED)
    for _ in range(2):
        status, told = place.stop(signal.SIGINT, chance.randint(1, 2))
        assert (130, "Traceback" in told) == (status, False), told
        assert "Everything done so far is stored" in told
    assert len(place.model.requests) < CALLS
    assert "papers:" in place.finish()
    assert (CALLS, {1}) == (len(place.model.requests), set(place.counts().values()))
    assert "models:" not in place.finish()
    assert CALLS == len(place.model.requests)


@pytest.mark.slow
def test_killed(place: Place) -> None:
    """`kill -9` at any moment: only calls that were under way are made again, and the third refresh makes none."""
    chance = random.Random(SEED)
    kills = [place.stop(signal.SIGKILL, chance.randint(2, 5))[0] for _ in range(2)].count(-signal.SIGKILL)
    assert kills >= 1
    place.finish()
    assert CALLS == len(place.counts())
    assert len(place.model.requests) <= CALLS + kills * AT_ONCE
    made = len(place.model.requests)
    assert "pending" not in place.finish()
    assert made == len(place.model.requests)


def test_two_at_once(place: Place) -> None:
    """Two processes that refresh at the same time pay once."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: place.start().communicate(timeout=120), range(2)))
    assert (CALLS, {1}) == (len(place.model.requests), set(place.counts().values()))
