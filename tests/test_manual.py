"""Every command in README.md and docs/ does what it says: each is run, or stands in a table below with how it is run.

Those of README.md are run daily. Those of docs/ are slow.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.application import DESCRIPTION
from core import ABOUT, TAGLINE
from core.config.feeds_file import read_feeds_file
from core.config.settings import ROOT, Settings, load_settings
from tests.conftest import NOON, ONLY_WHEN_ASKED, serving_app
from tests.support.ports import free_port
from tests.support.targets import anything, serving_service
from tests.support.upstream import Upstream

PAGES = {"README.md": ROOT / "README.md"} | {f"docs/{path.name}": path for path in sorted((ROOT / "docs").glob("*.md"))}
TEXTS = {name: path.read_text("utf-8") for name, path in PAGES.items()}
MOST_WORDS = 1_300  # of the README: what it is, not the manual
SERVING = {"make demo", "make serve"}
LONG = {"make test", "make test-all", "make lint type", "make bench"}  # this very run, CI's, and minutes of measuring
# Run elsewhere, or not at all: they need an account, an engine or an index. What they name is tried in test_deploy.py
ELSEWHERE = {
    "deploy/aws/build.sh": "test_the_package_for_lambda",
    "sam deploy --guided --template-file deploy/aws/template.yaml": "test_the_template_names_what_there_is",
    "docker compose -f deploy/compose.yaml up --detach --build": "test_the_image_is_made_of_what_there_is",
    ".venv/bin/pip install 'redis>=5.2'": "test_the_client_for_redis_is_the_one_that_is_tested",
    "uvx --from '.[cli]' paperwire serve --sample": "test_an_installed_copy_serves",
    "pipx run --spec '.[cli]' paperwire serve --sample": "test_an_installed_copy_serves",
}
KEY = "openssl rand -hex 16"
EXAMPLE = "2601.01234"  # stands for any paper; commands get one that is stored


def commands(text: str) -> list[str]:
    """The commands in the blocks of a page."""
    return [
        line.partition("  #")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]


DAILY = commands(TEXTS["README.md"])
ALL = list(dict.fromkeys(command for text in TEXTS.values() for command in commands(text)))
OURS = ".venv/bin/paperwire "
RUNNING = [
    pytest.param(one, id=one.removeprefix(OURS), marks=() if one in DAILY else (pytest.mark.slow,))
    for one in ALL
    if one.startswith(OURS)
]
ASKING = [one for one in ALL if one.startswith("curl ")]


def test_all_commands_are_known() -> None:
    """No command stands in the manual without being run."""
    others = {one for one in ALL if not one.startswith((OURS, "curl "))}
    assert others == SERVING | LONG | {KEY} | set(ELSEWHERE)
    assert RUNNING
    assert ASKING
    tests = (ROOT / "tests" / "test_deploy.py").read_text("utf-8")
    assert [] == [name for name in ELSEWHERE.values() if f"def {name}(" not in tests]


@pytest.fixture
def place(tmp_path: Path, upstream: Upstream) -> tuple[Path, dict[str, str]]:
    """A folder of one's own with the files that commands name, and an environment in which the stand-in is arXiv."""
    (tmp_path / "config.json").write_text('{"categories": ["cs.DC"], "keywords": ["LLM", "cache"]}')
    (tmp_path / "references.bib").write_text("@misc{a, title = {A cache}, eprint = {2601.01234}}")
    shutil.copy(ROOT / "feeds.toml", tmp_path)
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


# What has to be done before a command is of any use
BEFORE = {
    "store import": (("refresh",), ("store", "export", "wire.jsonl")),
    "audit": (("refresh", "--all"),),  # nothing is proven before anything was asked
    "deliver": (("refresh",),),
}
(DELIVERY,) = re.findall(r"```toml\n(.*?)```", TEXTS["docs/deliver.md"], re.DOTALL)


@pytest.fixture
def target() -> Iterator[dict[str, str]]:
    """What the page on deliveries sets: its feeds.toml, and an address."""
    with serving_service(anything) as service:
        yield {"FEEDS_TOML": DELIVERY, "MORNING_TO": f"json://{service.host}/?secret=word"}


@pytest.mark.parametrize("command", RUNNING)
def test_running(place: tuple[Path, dict[str, str]], target: dict[str, str], command: str) -> None:
    """Every paperwire command of the manual succeeds and prints something."""
    folder, env = place
    env |= target if "deliver" in command else {}
    if "--output feeds.toml" in command:  # it replaces no file
        (folder / "feeds.toml").unlink()
    for word, steps in BEFORE.items():
        if word in command:
            for step in steps:
                paperwire(folder, env, *step)
    if EXAMPLE in command:
        stored = json.loads(paperwire(folder, env, "papers", "--json", "limit=1").stdout)
        command = command.replace(EXAMPLE, stored[0]["id"])
    done = paperwire(folder, env, *shlex.split(command)[1:])
    assert 0 == done.returncode, done.stderr
    assert (done.stdout + done.stderr).strip()
    assert "Traceback" not in done.stderr


def test_asking(place: tuple[Path, dict[str, str]]) -> None:
    """Every curl command of the manual is answered with 200."""
    folder, env = place
    settings = {name.lower(): value for name, value in env.items() if name.lower() in Settings.model_fields}
    with serving_app(load_settings(env_file=False, **settings)) as url:
        for command in ASKING:
            here = command.replace("http://127.0.0.1:8000", url).replace("$ADMIN_TOKEN", env["ADMIN_TOKEN"])
            words = [*shlex.split(here), "--silent", "--output", str(folder / "body"), "--write-out", "%{http_code}"]
            done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
            assert (0, "200") == (done.returncode, done.stdout), (command, (folder / "body").read_text("utf-8")[:500])


@contextmanager
def running(command: str, env: dict[str, str], port: int) -> Iterator[str]:
    """A command that serves, until its port answers; then its address."""
    process = subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=ROOT,
        env=env | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 120
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
        process.wait(120)
        if process.stdout:
            process.stdout.close()


@pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("pkill") and (ROOT / ".venv/cli").exists()),
    reason="needs make, pkill and the environment that `make` sets up",
)
@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(SERVING))
def test_serving(place: tuple[Path, dict[str, str]], command: str) -> None:
    """What serves, serves: on the port that is asked for, with papers."""
    _, env = place
    with running(command, env, free_port()) as url:
        answer = httpx.get(f"{url}/api/papers?score>=10")
        assert 200 == answer.status_code
        assert answer.json()["total"] > 0
        assert ("[Sample]" in answer.text) is ("demo" in command)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_keys_that_are_made_so_are_taken() -> None:
    """What makes a key for a private copy makes one that is long enough."""
    done = subprocess.run(shlex.split(KEY), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == load_settings(_env_file=None, feed_key=done.stdout).feed_key


@pytest.mark.parametrize("name", TEXTS)
def test_configurations_are_valid(name: str) -> None:
    """Each feeds.toml in the manual is one that is accepted."""
    for block in re.findall(r"```toml\n(.*?)```", TEXTS[name], re.DOTALL):
        named = list(tomllib.loads(block).get("feeds", {}))
        assert (named or ["main"]) == list(read_feeds_file(block, name).feeds)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    """What a page links to within the project exists, and so do the pictures."""
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", TEXTS[name])
    assert [] == [target for target in targets if not (PAGES[name].parent / target).exists()]


def test_the_readme_begins_as_the_api_does() -> None:
    """The README, the contract and the command line say in the same words what this is."""
    start = f"**{TAGLINE}** {ABOUT}"
    assert start in " ".join(TEXTS["README.md"].split())
    assert DESCRIPTION.strip().startswith(start)


def test_the_readme_is_short() -> None:
    """It says what this is; the manual, to all of whose pages it leads, says the rest."""
    assert len(TEXTS["README.md"].split()) <= MOST_WORDS
    assert [] == [
        page for page in TEXTS if page not in ("README.md", "docs/README.md") and page not in TEXTS["README.md"]
    ]
    index = TEXTS["docs/README.md"]
    others = {page.removeprefix("docs/") for page in TEXTS} - {"README.md"}
    assert set() == {page for page in others if page not in index}
