"""What a deployment to Vercel rests on, as far as that can be told without its builder."""

import ast
import json
import re
import struct
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx

from core.config.settings import GATE_SECONDS, ROOT
from core.jobs.refresh import REFRESH_SECONDS
from core.model.calendar import due_date
from core.sources.client import TOTAL_SECONDS
from tests.conftest import NOON
from tests.support.servers import UVICORN, server_process
from tests.support.stores import redis_server, upstash_rest
from tests.support.tables import each_row
from tests.support.tiers import matrix
from tests.support.upstream import Upstream
from tests.test_architecture import python

CONFIG: dict[str, Any] = json.loads((ROOT / "vercel.json").read_text("utf-8"))
FUNCTION: dict[str, Any] = CONFIG["functions"]["api/index.py"]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK_TEXT = (ROOT / "uv.lock").read_text("utf-8")
LOCK: dict[str, Any] = tomllib.loads(LOCK_TEXT)
PUBLIC = ROOT / "public"
RUNTIME = {"api", "core", "public"}  # the folders that the function or the edge needs
PRIVATE = (".env", ".env.example", ".env.local")  # the builder bundles even these
CRON_SLACK = timedelta(minutes=59)  # how far off Vercel may fire on its free plan, early or late
STORE_SECONDS = 10  # what is left to store a refresh after its last request

# Hides what the build removes, then imports every module of the application and reads a feed
TRIMMED = """
import importlib, pkgutil, sys
for name in {names!r}:
    sys.modules[name] = None
import api, core
for package in (api, core):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith("core.cli") and module.name not in ("api.aws", "api.server"):
            importlib.import_module(module.name)
from core.sources.sample import days
print(len(days()))
"""

# -- vercel.json


def test_one_function_serves_every_path() -> None:
    """The FastAPI preset routes everything to one function; a rewrite would hide the path from the application."""
    assert "fastapi" == CONFIG["framework"]
    assert not {"rewrites", "routes", "builds", "redirects"} & CONFIG.keys()
    assert ["api/index.py"] == list(CONFIG["functions"])
    assert {"maxDuration", "excludeFiles"} == FUNCTION.keys()


def test_bytecode_is_compiled_when_it_is_built() -> None:
    """The function's disk cannot be written to: without this, every cold start would compile everything again."""
    assert {"env": {"VERCEL_PYTHON_COMPILEALL": "1"}} == CONFIG["build"]


def test_a_refresh_has_time_to_end() -> None:
    """The platform ends the function later than the last request of a refresh can end, which begins in its time."""
    assert FUNCTION["maxDuration"] >= REFRESH_SECONDS + GATE_SECONDS + TOTAL_SECONDS + STORE_SECONDS
    assert FUNCTION["maxDuration"] <= 300  # the most that the free plan allows


def excluded(path: str) -> bool:
    """Whether `excludeFiles` keeps a file out of the function."""
    return any(fnmatch(path, pattern) for pattern in expanded(FUNCTION["excludeFiles"]))


def expanded(glob: str) -> set[str]:
    """A glob's alternatives: `{a,b}/c` is `a/c` and `b/c`."""
    if not (inner := re.search(r"{([^{}]*)}", glob)):
        return {glob}
    head, tail = glob[: inner.start()], glob[inner.end() :]
    return {found for part in inner[1].split(",") for found in expanded(head + part + tail)}


def test_alternatives() -> None:
    """Braces are read as the builder reads them."""
    assert {"a/c", "b/c"} == expanded("{a,b}/c")
    assert {"a/x", "b/x", "d"} == expanded("{{a,b}/x,d}")


def test_only_what_runs_is_bundled() -> None:
    """Tests, benchmarks, other platforms' files and possible secrets are kept out, the code and feeds.toml are not."""
    hidden = (ROOT / ".gitignore").read_text("utf-8").split()
    folders = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name != ".git"]
    tracked = {name for name in folders if not any(fnmatch(name, pattern.rstrip("/")) for pattern in hidden)}
    assert tracked >= RUNTIME
    assert set() == {name for name in tracked - RUNTIME if not excluded(f"{name}/deep/file.py")}
    assert [] == [name for name in PRIVATE if not excluded(name)]
    needed = [str(path.relative_to(ROOT)) for name in ("api", "core") for path in (ROOT / name).rglob("*.*")]
    assert [] == [path for path in (*needed, "feeds.toml", "pyproject.toml") if excluded(path)]


def test_nothing_is_left_out_of_the_repository_that_a_build_needs() -> None:
    """What a build reads is committed; the version of Python that it notes down is not, for that is Vercel's choice."""
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert not {"uv.lock", "public/", "vercel.json"} & set(ignored)
    assert {".vercel/", ".env", ".python-version"} <= set(ignored)
    assert not (ROOT / ".vercelignore").exists()  # it would replace .gitignore, and upload secrets


def test_the_crons_call_what_there_is(client: httpx.Client) -> None:
    """The crons' paths are routes that can be asked with GET, as crons do; the first one refreshes."""
    paths = client.get("/openapi.json").json()["paths"]
    assert ["/api/refresh", "/api/work"] == list(dict.fromkeys(cron["path"] for cron in CONFIG["crons"]))
    assert [] == [cron for cron in CONFIG["crons"] if "get" not in paths[cron["path"]]]


def test_the_crons_are_those_of_the_free_plan() -> None:
    """Each fires once a day, as the Hobby plan allows, and those that finish the work are spread over the morning."""
    schedules = [cron["schedule"].split() for cron in CONFIG["crons"]]
    assert [] == [schedule for schedule in schedules if not (schedule[0].isdigit() and schedule[1].isdigit())]
    hours = [int(schedule[1]) for schedule in schedules]
    assert 5 <= len([hour for hour in hours if 7 <= hour <= 11]) <= len(hours) <= 100
    assert len(schedules) == len({tuple(schedule) for schedule in schedules})


@each_row("monday", [date(2026, 1, 12), date(2026, 7, 13)])
@each_row("off", [-CRON_SLACK, timedelta(0), CRON_SLACK])
def test_the_cron_comes_after_the_announcements(monday: date, off: timedelta) -> None:
    """Once on each day that has announcements, and after them, at any time of the year and however far off it fires."""
    minute, hour, of_month, month, weekdays = CONFIG["crons"][0]["schedule"].split()
    assert ("*", "*", "1-5") == (of_month, month, weekdays)
    for day in (monday + timedelta(days=n) for n in range(5)):
        fired = datetime.combine(day, time(int(hour), int(minute)), UTC) + off
        assert day == due_date(fired)


# -- static files


def test_static_files() -> None:
    """What browsers, phones and crawlers ask for by itself is there, and is what its name says."""
    icons, pages = (
        {"favicon.ico", "favicon.svg", "icon.png"},
        {"wire.css", "pages.css", "reading.css", "wire.js", "triage.js", "build.js"},
    )
    assert icons | pages | {"robots.txt"} == {path.name for path in PUBLIC.iterdir()}
    assert b"\0\0\1\0" == (PUBLIC / "favicon.ico").read_bytes()[:4]
    assert "{http://www.w3.org/2000/svg}svg" == ElementTree.parse(PUBLIC / "favicon.svg").getroot().tag
    icon = (PUBLIC / "icon.png").read_bytes()
    assert (b"\x89PNG", 180, 180) == (icon[:4], *struct.unpack(">II", icon[16:24]))


def test_feeds_are_open_to_crawlers() -> None:
    """Some readers obey robots.txt: it must not forbid any feed."""
    rules = re.findall(r"^Disallow: (.+)$", (PUBLIC / "robots.txt").read_text("utf-8"), re.MULTILINE)
    assert rules
    feeds = ("/", "/rss", "/rss/cs.LG", "/api/feeds", "/api/feeds/main.rss")
    assert [] == [path for path in feeds for rule in rules if fnmatch(path, f"{rule}*".replace("?", "[?]"))]


def test_headers_are_for_files_that_there_are() -> None:
    """Caching is set for static files only; what the function answers says itself how long it keeps."""
    for rule in CONFIG["headers"]:
        names = re.fullmatch(r"/\(([\w.|]+)\)", rule["source"])
        assert names
        assert set(names[1].split("|")) <= {path.name for path in PUBLIC.iterdir()}


# -- pyproject.toml and uv.lock


def test_the_project_is_not_installed_into_its_own_bundle() -> None:
    """With a build system Vercel would install the project beside its source."""
    assert "build-system" not in PYPROJECT


def test_the_build_removes_what_is_not_imported(tmp_path: Path) -> None:
    """The script that Vercel runs removes the packages it names from the build's environment, and nothing else."""
    command = PYPROJECT["tool"]["vercel"]["scripts"]["build"].split()
    packages = tmp_path / ".vercel/python/.venv/lib/python3.12/site-packages"
    for name in (
        "pip/core.py",
        "pip-26.0.dist-info/RECORD",
        "lxml/includes/a.h",
        "lxml/objectify.pyx",
        "lxml/etree.so",
    ):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("x")
    for _ in range(2):  # a cached environment is trimmed already
        subprocess.run([sys.executable, str(ROOT / command[1])], cwd=tmp_path, check=True, capture_output=True)
    assert ["lxml/etree.so"] == [str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()]


def test_a_build_elsewhere_goes_on(tmp_path: Path) -> None:
    """Where the builder keeps its environment in another place, nothing is removed and nothing fails."""
    (tmp_path / "kept").touch()
    script = PYPROJECT["tool"]["vercel"]["scripts"]["build"].split()[1]
    subprocess.run([sys.executable, str(ROOT / script)], cwd=tmp_path, check=True, capture_output=True)
    assert [tmp_path / "kept"] == list(tmp_path.iterdir())


def test_nothing_imports_what_the_build_removes(tmp_path: Path) -> None:
    """Every module of the application loads without it."""
    names = ("pip", "pypdfium2_cli", "lxml.html", "lxml.isoschematron", "lxml.objectify", "lxml.sax", "lxml.builder")
    assert int(python(TRIMMED.format(names=names), tmp_path)) > 0


def test_the_entry_point(tmp_path: Path) -> None:
    """Vercel looks for the pinned name among the top-level assignments, and calls what is there."""
    module, _, name = PYPROJECT["tool"]["vercel"]["entrypoint"].partition(":")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8"))
    assigned = [ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)]
    assert [name] == assigned
    assert "api/index.py" == f"{module.replace('.', '/')}.py"
    assert "True\n" == python(f"import {module}; print(callable({module}.{name}))", tmp_path)


def requirements(written: list[str]) -> set[tuple[str, str]]:
    """Names and versions of requirements as pyproject.toml has them."""
    found = [re.fullmatch(r"([\w.-]+)(?:\[[\w,]+])?([^;]*)(?:;.*)?", line) for line in written]
    return {(match[1], match[2].strip()) for match in found if match}


def test_the_lock_is_in_step() -> None:
    """uv.lock was made from this pyproject.toml; otherwise: `uv lock --default-index https://pypi.org/simple`."""
    (own,) = [package for package in LOCK["package"] if package["name"] == PYPROJECT["project"]["name"]]
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = [*PYPROJECT["project"]["dependencies"], *(line for extra in extras.values() for line in extra)]
    locked = {(row["name"], row.get("specifier", "")) for row in own["metadata"]["requires-dist"]}
    assert requirements(wanted) == locked
    for group, lines in PYPROJECT["dependency-groups"].items():
        rows = own["metadata"]["requires-dev"][group]
        assert requirements(lines) == {(row["name"], row.get("specifier", "")) for row in rows}
    assert PYPROJECT["project"]["requires-python"] == LOCK["requires-python"]
    assert {name for name, _ in locked} <= {package["name"] for package in LOCK["package"]}


def test_the_lock_names_only_the_public_index() -> None:
    """Whoever deploys gets every package from PyPI, checked by its hash."""
    hosts = {(url.scheme, url.netloc) for url in map(urlsplit, re.findall(r'"(\w+:/[^"]*)"', LOCK_TEXT))}
    assert {("https", "pypi.org"), ("https", "files.pythonhosted.org")} == hosts
    for package in LOCK["package"]:
        if package["name"] == PYPROJECT["project"]["name"]:
            assert {"virtual": "."} == package["source"]
            continue
        assert {"registry": "https://pypi.org/simple"} == package["source"]
        files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        assert files
        assert all(file["hash"].startswith("sha256:") for file in files)


# -- a deployment, by a process of its own

HALVES: dict[str, tuple[Mapping[str, str], str]] = {
    "no token": ({"KV_REST_API_URL": "https://one.example.org"}, "KV_REST_API_TOKEN"),
    "no address": ({"KV_REST_API_TOKEN": "AXx-secret"}, "KV_REST_API_URL"),
    "a prefix, and no token": ({"STORAGE_KV_REST_API_URL": "https://one.example.org"}, "STORAGE_KV_REST_API_TOKEN"),
    "only what may read": (
        {"KV_REST_API_URL": "https://one.example.org", "KV_REST_API_READ_ONLY_TOKEN": "AXx-secret"},
        "KV_REST_API_TOKEN",
    ),
}


@matrix("case", [None, *HALVES], daily=(None, "a prefix, and no token"))
def test_a_deployment_without_a_store_explains_itself(case: str | None, tmp_path: Path) -> None:
    """Before a database is connected, every address says with status 503 which variable to add; no secret is shown."""
    env, named = HALVES[case] if case else ({}, "KV_REST_API_URL")
    with server_process(tmp_path, {"VERCEL": "1", "VERCEL_ENV": "production", **env}, UVICORN) as server:
        url = server.url
        answers = {path: httpx.get(f"{url}{path}") for path in ("/", "/api/health", "/rss", "/api/papers?score>=10")}
    for answer in answers.values():
        assert 503 == answer.status_code
        assert re.search(rf"\b{named}\b", answer.text)
        assert "AXx-secret" not in answer.text
    assert answers["/"].headers["Content-Type"].startswith("text/html")
    assert named in answers["/api/health"].json()["detail"]


@matrix("prefix", ["", "STORAGE_"], daily=("STORAGE_",))
def test_a_deployment_with_a_store(prefix: str, upstream: Upstream, tmp_path: Path) -> None:
    """With the variables that the integration sets, with or without a prefix, feeds come; only the cron may refresh."""
    rest = upstash_rest()
    env = {
        "VERCEL": "1",
        f"{prefix}KV_REST_API_URL": f"{rest.url}/",
        f"{prefix}KV_REST_API_TOKEN": f"{rest.token}.{redis_server().empty_database()}\n",
        "ARXIV_RSS_URL": upstream.url,
        "NOW": NOON.isoformat(),
        "CRON_SECRET": "open-sesame",
    }
    cron = {"Authorization": "Bearer open-sesame"}
    with server_process(tmp_path, env, UVICORN) as server, httpx.Client(base_url=server.url) as client:
        assert [401, 200] == [client.get("/api/refresh", headers=sent).status_code for sent in ({}, cron)]
        assert "unconfirmed" == client.get("/api/health").json()["state"]
        assert client.get("/rss").text.startswith("<?xml")
        spellings = ("score>=1", "score%3E%3D1", "score%3E=1", "score>%3D1")
        (body,) = {client.get(f"/api/papers?{query}").content for query in spellings}
        assert json.loads(body)["total"] > 0
