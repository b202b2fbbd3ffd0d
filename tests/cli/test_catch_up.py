"""`paperwire refresh` and `paperwire audit` over what was missed, in processes of their own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.config.settings import ROOT
from tests.conftest import paperwire, wait_until
from tests.support.fortnight import DAYS, FEEDS, fortnight
from tests.support.upstream import Upstream, serving


@dataclass(frozen=True)
class Copy:
    """A fresh copy of Paperwire at the end of the fortnight."""

    upstream: Upstream
    folder: Path
    env: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return paperwire(*arguments, cwd=self.folder, env=self.env)

    @property
    def windows(self) -> list[str]:
        """The addresses of windows that were asked for."""
        return [target for target in self.upstream.targets if "search_query" in target]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """A copy with nothing in store."""
    upstream, steps, _ = fortnight()
    steps[-1].begin(upstream)
    with serving(upstream):
        env = {"ARXIV_RSS_URL": upstream.url, "REPLAY_GATE_SECONDS": "0", "FEEDS_TOML": FEEDS}
        yield Copy(upstream, tmp_path, env | {"SQLITE_PATH": "store.sqlite3", "NOW": steps[-1].now.isoformat()})


def test_the_audit_tells_of_what_was_never_read(copy: Copy) -> None:
    """Dates that nothing is known of lack everything: with nothing in store, and after the due batch alone."""
    for said in (copy.run("audit"), (copy.run("refresh"), copy.run("audit"))[1]):
        assert 1 == said.returncode
        assert f"incomplete: {DAYS[0]}, {DAYS[1]}" in said.stdout
    lines = json.loads(copy.run("audit", "--json", "--from", str(DAYS[0]), "--to", str(DAYS[1])).stdout)
    assert {(str(day), "expected") for day in DAYS[:2]} == {(line["date"], line["state"]) for line in lines}
    assert 0 == copy.run("refresh", "--all").returncode
    said = copy.run("audit")
    assert (0, "nothing is missing") == (said.returncode, said.stdout.splitlines()[-1])


def test_what_is_left_is_told(copy: Copy) -> None:
    """With too little time for all, the report names the dates that are still to be read, and how to go on."""
    copy.upstream.delay = 0.3
    said = copy.run("refresh", "--seconds", "2")
    assert 0 == said.returncode
    assert "still to be read: " in said.stdout
    assert f"{DAYS[0]} to " in said.stdout
    assert "paperwire refresh --all" in said.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_refresh_is_resumed(copy: Copy, how: signal.Signals) -> None:
    """Stopped in the middle, by Ctrl-C or the hard way, the next one goes on at once or when the lock has ended, and
    asks for no window again but for the one in which it was stopped.
    """
    copy.upstream.delay = 0.1
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)} | copy.env
    command = [sys.executable, "-m", "core.cli.main", "refresh", "--all"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=copy.folder, env=env, **quiet) as process:
        wait_until(lambda: len(copy.windows) >= 4)
        process.send_signal(how)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    before = copy.windows
    copy.upstream.delay = 0
    done = copy.run("refresh", "--all")
    assert 0 == done.returncode, done.stderr
    assert "still to be read" not in done.stdout
    assert "another process" not in done.stdout
    assert not set(before[:-1]) & set(copy.windows[len(before) :])
    assert 0 == copy.run("audit").returncode
