"""Every command in README.md does what it says: each is run, or stands in the table below with how it is run here."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from core.config.feeds_file import read_feeds_file
from core.config.settings import ROOT, load_settings
from tests.conftest import NOON, ONLY_WHEN_ASKED
from tests.support.ports import free_port
from tests.support.upstream import Upstream

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.startswith("#")
]
SERVING = {"make demo", "make serve", "PORT=8080 make serve"}
LONG = {"make test", "make test-all", "make lint type", "make bench"}  # this very run, CI's, and minutes of measuring
# Run elsewhere, or not at all: they need an account or an engine. What they name is tried in test_deploy.py
ELSEWHERE = {
    "deploy/aws/build.sh": "test_the_package_for_lambda",
    "sam deploy --guided --template-file deploy/aws/template.yaml": "test_the_template_names_what_there_is",
    "docker compose -f deploy/compose.yaml up --detach --build": "test_the_image_is_made_of_what_there_is",
    ".venv/bin/pip install 'redis>=5.2'": "test_the_client_for_redis_is_the_one_that_is_tested",
}
KEY = "openssl rand -hex 16"
ASKING = [command for command in COMMANDS if command.startswith("curl ")]
RUNNING = [command for command in COMMANDS if command.startswith(".venv/bin/paperwire ")]


def test_all_commands_are_known() -> None:
    """No command stands in the README without being run."""
    assert set(COMMANDS) == SERVING | LONG | {KEY} | set(ELSEWHERE) | set(ASKING) | set(RUNNING)
    assert ASKING
    assert RUNNING
    tests = (ROOT / "tests" / "test_deploy.py").read_text("utf-8")
    assert [] == [name for name in ELSEWHERE.values() if f"def {name}(" not in tests]


@pytest.fixture
def place(tmp_path: Path, upstream: Upstream) -> tuple[Path, dict[str, str]]:
    """A folder of one's own, and an environment in which the stand-in is arXiv."""
    (tmp_path / "config.json").write_text('{"categories": ["cs.DC"], "keywords": ["LLM", "cache"]}')
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        **ONLY_WHEN_ASKED,
        "REPLAY_GATE_SECONDS": "0",
        "SQLITE_PATH": str(tmp_path / "store.sqlite3"),
        "ARXIV_RSS_URL": upstream.url,
        "NOW": NOON.isoformat(),
        "ADMIN_TOKEN": "open-sesame",
    }
    return tmp_path, env


def paperwire(folder: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `folder`."""
    command = [sys.executable, "-m", "core.cli.main", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@contextmanager
def running(command: str, env: dict[str, str], port: int) -> Iterator[str]:
    """A command of the README that serves, until its port answers; then its address."""
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}" if "=" not in command else f"export {command.replace(' ', '; exec ', 1)}"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 30
        while True:
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < end
            try:
                httpx.get(f"{url}/api/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        subprocess.run(["pkill", "-TERM", "-s", str(process.pid)], check=False)
        process.wait(15)
        if process.stdout:
            process.stdout.close()


needs_make = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("pkill") and (ROOT / ".venv/cli").exists()),
    reason="needs make, pkill and the environment that `make` sets up",
)


@needs_make
@pytest.mark.parametrize("command", sorted(SERVING))
def test_serving(place: tuple[Path, dict[str, str]], command: str) -> None:
    """What serves, serves: on the port that is asked for, with papers."""
    _, env = place
    port = 8080 if "PORT=" in command else free_port()
    with running(command, env | {"PORT": str(port)}, port) as url:
        answer = httpx.get(f"{url}/api/papers?score>=10")
        assert 200 == answer.status_code
        assert answer.json()["total"] > 0
        assert ("[Sample]" in answer.text) is ("demo" in command)


@needs_make
def test_asking(place: tuple[Path, dict[str, str]]) -> None:
    """Every curl command of the README is answered with 200."""
    folder, env = place
    port = free_port()
    with running("make serve", env | {"PORT": str(port)}, port):
        for command in ASKING:
            here = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("$ADMIN_TOKEN", env["ADMIN_TOKEN"])
            words = [*shlex.split(here), "--silent", "--output", str(folder / "body"), "--write-out", "%{http_code}"]
            done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
            assert (0, "200") == (done.returncode, done.stdout), (command, (folder / "body").read_text("utf-8")[:500])


@pytest.mark.parametrize("command", RUNNING)
def test_running(place: tuple[Path, dict[str, str]], command: str) -> None:
    """Every paperwire command of the README succeeds and prints something."""
    folder, env = place
    if "store import" in command:  # what it takes in is what the command before it wrote
        paperwire(folder, env, "refresh")
        paperwire(folder, env, "store", "export", "wire.jsonl")
    if "audit" in command:  # nothing is proven before anything was asked
        paperwire(folder, env, "refresh", "--all")
    done = paperwire(folder, env, *shlex.split(command)[1:])
    assert 0 == done.returncode, done.stderr
    assert (done.stdout + done.stderr).strip()
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_keys_that_are_made_so_are_taken() -> None:
    """What makes a key for a private copy makes one that is long enough."""
    done = subprocess.run(shlex.split(KEY), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == load_settings(_env_file=None, feed_key=done.stdout).feed_key


def test_configuration_shown_is_valid() -> None:
    """The feeds.toml in the README is one that is accepted."""

    shown = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert 1 == len(shown)
    assert ["main", "daily"] == list(read_feeds_file(shown[0], "README.md").feeds)
