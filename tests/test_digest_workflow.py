"""The workflow in docs/ that commits digests: its steps are run as they are written there, against real parts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.config.settings import ROOT
from tests.api import FEEDS, FRIDAY, base, make_settings, serving_days, store_days
from tests.conftest import NOON, ONLY_WHEN_ASKED
from tests.support.arxiv_format import Sheet

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "digest-workflow.yml").read_text("utf-8"))
JOBS: dict[str, Any] = WORKFLOW["jobs"]
DAY = {FRIDAY: [Sheet(id="2603.90301", title="A cache")]}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository that has a README, beside where it is pushed to."""
    for command in (
        "git init --quiet --bare --initial-branch main remote.git",
        "git clone --quiet remote.git clone",
        "git -C clone checkout --quiet -b main",
        "git -C clone config user.name Sample",
        "git -C clone config user.email sample@example.org",
        "git -C clone commit --quiet --allow-empty --message first",
        "git -C clone push --quiet --set-upstream origin main",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, env=environment(tmp_path))
    return tmp_path / "clone"


def environment(home: Path, **more: str) -> dict[str, str]:
    """What the steps are told: nothing of the machine's own Git."""
    path = f"{home}/bin{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin{os.pathsep}/bin"
    own = {"PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "FEED": WORKFLOW["env"]["FEED"]}
    return own | {"PYTHONPATH": str(ROOT), **ONLY_WHEN_ASKED, "NOW": NOON.isoformat()} | more


def run(job: str, clone: Path, env: dict[str, str], *names: str) -> None:
    """Run steps of a job, as GitHub does."""
    steps = {step.get("name"): step for step in JOBS[job]["steps"]}
    for name in names:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", steps[name]["run"]],
            cwd=clone, env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr


def pushed(clone: Path) -> list[str]:
    """The messages of what was pushed, newest first."""
    command = ["git", "-C", str(clone.parent / "remote.git"), "log", "--format=%s", "main"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_from_a_copy(clone: Path, tmp_path: Path) -> None:
    """The deployed copy's digest is committed; the same one a second time is not. A private copy gets its key."""
    secret = "correct horse & battery"
    with serving_days(tmp_path / "store", DAY, feed_key=secret) as client:
        env = environment(tmp_path, PAPERWIRE_URL=base(client), PAPERWIRE_KEY=secret)
        for _ in range(2):
            run("from-a-copy", clone, env, "Get the digest", "Commit it")
    assert ["Digest of the day", "first"] == pushed(clone)
    assert "2603.90301v1" in (clone / "README.md").read_text("utf-8")


def test_by_itself(clone: Path, tmp_path: Path) -> None:
    """The command line writes the README and a post, which are committed once."""
    settings = make_settings(tmp_path)
    store_days(settings, DAY)
    command = tmp_path / "bin" / "paperwire"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m core.cli.main "$@"\n', "utf-8")
    command.chmod(0o755)
    (clone / "feeds.toml").write_text(FEEDS, "utf-8")
    env = environment(tmp_path, **JOBS["by-itself"]["env"] | {"SQLITE_PATH": str(settings.sqlite_path)})
    for _ in range(2):
        run("by-itself", clone, env, "Write the digests", "Commit them")
    assert ["Digest of the day", "first"] == pushed(clone)
    assert "2603.90301v1" in (clone / "README.md").read_text("utf-8")
    assert (clone / "posts" / f"{FRIDAY}-main.md").exists()


def test_it_fetches() -> None:
    """The workflow is run each weekday, and refreshes by the command that there is."""
    assert "0 7 * * 1-5" == WORKFLOW[True]["schedule"][0]["cron"]  # YAML 1.1 reads `on` as a truth
    assert ["paperwire refresh\n"] == [
        step["run"] for step in JOBS["by-itself"]["steps"] if step.get("name") == "Fetch"
    ]
