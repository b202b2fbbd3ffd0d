"""The files for other platforms name what there is: folders, variables, commands, routes."""

import asyncio
import configparser
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
import yaml

from core.config.deploy_link import clone_url, deploy_url
from core.config.settings import ROOT, Settings, load_settings
from tests.support.servers import server_process

DEPLOY = ROOT / "deploy"
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
VARIABLES = {name.upper() for name in Settings.model_fields} | {"HOST", "PORT", "FORWARDED_ALLOW_IPS"}


def test_the_image_is_made_of_what_there_is() -> None:
    """Docker copies folders that there are, installs extras that there are, and runs a command that there is."""
    steps = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", steps, re.MULTILINE) for name in line.split()]
    assert copied
    assert [] == [name for name in copied if not (ROOT / name).exists()]
    named = dict(re.findall(r"(\w+)=(\S+)", re.findall(r"^ENV (.+)$", steps, re.MULTILINE)[0]))
    assert named.keys() <= VARIABLES
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    for extra in re.findall(r"\.\[([\w,]+)\]", steps)[0].split(","):
        assert re.search(rf"^{extra} = \[", pyproject, re.MULTILINE)
    assert ["paperwire", "serve"] == json.loads(re.findall(r"^CMD (.+)$", steps, re.MULTILINE)[0])
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert services["wire"]["environment"].keys() <= VARIABLES
    assert (DEPLOY / services["wire"]["build"]["context"] / services["wire"]["build"]["dockerfile"]).exists()
    for volume in services["wire"]["volumes"]:
        assert (DEPLOY / volume.split(":")[0]).exists()
    # The store it names is one that the settings take
    settings = load_settings(_env_file=None, redis_url=services["wire"]["environment"]["REDIS_URL"])
    assert settings.redis_url.split("/")[2].split(":")[0] in services


def test_the_unit_runs_what_there_is(tmp_path: Path) -> None:
    """systemd's unit has the command and the variables that there are, and systemd finds nothing wrong with it."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "paperwire.service", "utf-8")
    assert "/opt/paperwire/.venv/bin/paperwire serve" == unit["Service"]["ExecStart"]
    named = dict(pair.split("=", 1) for pair in unit["Service"]["Environment"].split())
    assert named.keys() <= VARIABLES
    if tool := shutil.which("systemd-analyze"):
        there = tmp_path / "paperwire.service"
        # The command is where this Python's is, and not in /opt
        text = (
            (DEPLOY / "paperwire.service").read_text("utf-8").replace("/opt/paperwire/.venv/bin/paperwire", "/bin/true")
        )
        there.write_text(text, "utf-8")
        done = subprocess.run([tool, "verify", str(there)], capture_output=True, text=True, check=False)
        told = [line for line in done.stderr.splitlines() if "paperwire.service" in line]
        assert [] == told


def test_the_client_for_redis_is_the_one_that_is_tested() -> None:
    """What the manual has one install is the extra `redis`, and the store works with it (tests/store)."""
    wanted = re.findall(r"pip install '(redis[^']+)'", (ROOT / "docs" / "deployment.md").read_text("utf-8"))
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    assert wanted == re.findall(r'^redis = \["([^"]+)"\]', pyproject, re.MULTILINE)


def test_the_template_names_what_there_is() -> None:
    """The template's handler, folder and variables are those of the code; the platform's own are not set by hand."""
    text = (DEPLOY / "aws" / "template.yaml").read_text("utf-8")
    function = yaml.load(text, _Cloud)["Resources"]["Wire"]["Properties"]
    module, _, name = function["Handler"].rpartition(".")
    assert f"def {name}(" in (ROOT / module.replace(".", "/")).with_suffix(".py").read_text("utf-8")
    assert "build/" == function["CodeUri"]
    assert function["Environment"]["Variables"].keys() <= VARIABLES


def test_the_button_asks_for_what_is_needed() -> None:
    """The deploy button asks for the two secrets and provisions Upstash; it is the one that running copies have."""
    url = re.findall(r"\]\((https://vercel\.com/new/clone\?[^)]+)\)", README)[0]
    assert clone_url("https://github.com/OWNER/paperwire") == url
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert {"CRON_SECRET", "ADMIN_TOKEN"} == set(asked["env"].split(","))
    (product,) = json.loads(asked["products"])
    assert ("upstash", "upstash-kv", "storage") == (
        product["integrationSlug"],
        product["productSlug"],
        product["protocol"],
    )


# What Vercel sets → the repository in the link of a copy
REPOSITORIES = [
    ({"owner": "ada", "slug": "my-wire"}, "https://github.com/ada/my-wire"),
    ({"owner": "a b&c", "slug": "w?x", "provider": "gitlab"}, "https://gitlab.com/a b&c/w?x"),
    ({"owner": "ada"}, None),
    ({"owner": "ada", "slug": "wire", "provider": "forge"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("known", "repository"), REPOSITORIES)
def test_a_copy_on_vercel_knows_its_repository(known: dict[str, str], repository: str | None) -> None:
    """The link of a running copy has its own repository in it; where that is not known there is no link."""
    names = {"owner": "vercel_git_repo_owner", "slug": "vercel_git_repo_slug", "provider": "vercel_git_provider"}
    url = deploy_url(load_settings(env_file=False, **{names[name]: value for name, value in known.items()}))
    assert parse_qs(urlsplit(url).query).get("repository-url", [None]) == [repository]


def test_the_variables_are_documented() -> None:
    """Every setting but those that platforms set stands in the manual's tables and in .env.example, and no other."""
    own = {name for name in VARIABLES if not name.startswith(("VERCEL", "AWS"))} | {"SELF_REFRESH"}
    in_tables = {
        name
        for line in SETTINGS.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`((?!PAPERWIRE_)[A-Z][A-Z_]+)`", line.split("|")[1])
    }
    assert own == in_tables
    example = (ROOT / ".env.example").read_text("utf-8")
    set_there = set(re.findall(r"^#([A-Z][A-Z_]+)=", example, re.MULTILINE))
    of_feeds = {name for name in set_there if name.startswith("PAPERWIRE_")}
    assert own - NOT_IN_EXAMPLE == set_there - of_feeds
    assert of_feeds


# Set by a platform or a template rather than by hand
NOT_IN_EXAMPLE = {"KV_REST_API_URL", "KV_REST_API_TOKEN", "SQS_QUEUE_URL"}


def test_the_example_is_one_that_is_accepted() -> None:
    """Every line of .env.example that has a value is one that the settings take."""
    lines = re.findall(r"^#([A-Z][A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    values = {name.lower(): value for name, value in lines if name.lower() in Settings.model_fields}
    assert len(values) > 10
    load_settings(env_file=False, **values)


_NO_INDEX = ("NewConnectionError", "NameResolutionError")


def _checkout(folder: Path) -> Path:
    """A copy of what an installation is made of."""
    for name in ("api", "core", "public", "feeds.toml", "pyproject.toml", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    return folder


@pytest.mark.slow
def test_an_installed_copy_serves(tmp_path: Path) -> None:
    """What uvx and pipx do with a checkout: installed elsewhere, the command serves with its pages and its feeds."""
    tree = tmp_path / "tree"
    tree.mkdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    done = subprocess.run([*pip, str(_checkout(tree))], check=False, capture_output=True, text=True, timeout=280)
    if any(word in done.stderr for word in _NO_INDEX):
        pytest.skip("needs the package index")
    assert 0 == done.returncode, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    prefix = tmp_path / "prefix"
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        files.extractall(prefix)
    assert [] == [name for name in names if name.startswith(("tests", "benchmarks"))]
    shutil.copytree(next(prefix.glob("*.data")) / "data" / "share", prefix / "share")  # as an installer does
    # The packages that it needs are those of this Python; the code is the copy's own
    (prefix / "sitecustomize.py").write_text(f"import sys\nsys.prefix = {str(prefix)!r}\n", "utf-8")
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(prefix)}
    command = ("core.cli.main", "serve", "--sample", "--port", "0")
    with server_process(tmp_path, env, command) as served:
        assert "Sample wire" in httpx.get(served.url).text
        assert 200 == httpx.get(f"{served.url}/wire.css").status_code
        assert "storage" in [feed["name"] for feed in httpx.get(f"{served.url}/api/feeds").json()["feeds"]]


@pytest.mark.slow
def test_the_package_for_lambda(tmp_path: Path) -> None:
    """The script makes a package that Lambda's own runtime client can run, and says how large it is."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("api", "core", "deploy", "public", "feeds.toml", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    script = tree / "deploy" / "aws" / "build.sh"
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False, timeout=300)
    if any(word in done.stderr for word in _NO_INDEX):
        pytest.skip("needs the package index")
    assert 0 == done.returncode, done.stderr
    size, packed = map(float, re.findall(r"([\d.]+) MB", done.stdout))
    assert packed < size < 60
    build = script.parent / "build"
    assert (build / "api" / "aws.py").exists()
    assert (build / "api" / "pages" / "templates" / "base.html").exists()
    assert (build / "public" / "wire.css").exists()
    assert (build / "feeds.toml").exists()
    assert [] == [path for path in build.rglob("*") if path.name in ("tests", "benchmarks") and path.parent == build]


# The peer, X-Forwarded-For → the client's address
PROXIES = [
    ("172.18.0.1", "203.0.113.9", "203.0.113.9"),
    ("172.18.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what a client claims itself is not believed
    ("192.168.16.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
    ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), PROXIES)
def test_clients_behind_a_proxy_are_told_apart(peer: str, forwarded: str, client: str) -> None:
    """Docker's networks are in between: compose names them, so that the proxy's word counts, and nobody else's."""
    environment = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["wire"]["environment"]
    trusted = environment["FORWARDED_ALLOW_IPS"].removeprefix("${FORWARDED_ALLOW_IPS:-").removesuffix("}")
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
        seen.append(scope["client"][0])

    config = uvicorn.Config(app, interface="asgi3", forwarded_allow_ips=trusted, log_config=None)
    config.load()
    scope = {
        "type": "http",
        "client": (peer, 1),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", forwarded.encode())],
    }
    asyncio.run(config.loaded_app(scope, None, None))  # type: ignore[arg-type]
    assert [client] == seen


class _Cloud(yaml.SafeLoader):
    """CloudFormation's own tags (`!Ref`, `!GetAtt`) as what stands behind them."""


_Cloud.add_multi_constructor("!", lambda _loader, _tag, node: str(node.value))
