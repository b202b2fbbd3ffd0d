"""Which store the environment names, and how its owner is told what is wrong with that; never with a secret in it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from core.archive.open import describe, open_store
from core.config.settings import ROOT, load_settings
from core.model.errors import ConfigError
from tests.conftest import paperwire
from tests.support.servers import UVICORN, server_process
from tests.support.tiers import matrix

SECRET, OTHER = "AXx-secret", "AYy-other"
UPSTASH = {"UPSTASH_REDIS_REST_URL": "https://one.example.org", "UPSTASH_REDIS_REST_TOKEN": SECRET}
KV = {"KV_REST_API_URL": "https://two.example.org", "KV_REST_API_TOKEN": SECRET}
PREFIXED = {"STORAGE_KV_REST_API_URL": "https://three.example.org", "STORAGE_KV_REST_API_TOKEN": SECRET}
SECOND = {"WIRE_KV_REST_API_URL": "https://four.example.org", "WIRE_KV_REST_API_TOKEN": OTHER}
REDIS = {"REDIS_URL": f"redis://user:{SECRET}@five.example.org:6380/3"}
SQLITE = {"SQLITE_PATH": "six.sqlite3"}
VERCEL = {"VERCEL": "1"}
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "wire"}
# What Vercel's integration sets besides
REST_OF_KV = {"KV_URL": f"rediss://default:{SECRET}@two.example.org:6379", "KV_REST_API_READ_ONLY_TOKEN": OTHER}


def put(monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str], folder: Path) -> None:
    """Have the environment of a deployment."""
    monkeypatch.chdir(folder)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


# -- which store it is: the environment, and the store in words

NAMED: dict[str, tuple[Mapping[str, str], str]] = {
    "nothing": ({}, ".paperwire/store.sqlite3"),
    "a file": (SQLITE, "six.sqlite3"),
    "Upstash": (UPSTASH, "Upstash at https://one.example.org (UPSTASH_REDIS_REST_URL)"),
    "as Vercel names it": (KV, "Upstash at https://two.example.org (KV_REST_API_URL)"),
    "all that Vercel sets": (KV | REST_OF_KV | VERCEL, "Upstash at https://two.example.org (KV_REST_API_URL)"),
    "with a prefix": (PREFIXED, "Upstash at https://three.example.org"),
    "with a prefix, on Vercel": (PREFIXED | VERCEL, "Upstash at https://three.example.org"),
    "by URL": (REDIS, "Redis at five.example.org:6380/3 (REDIS_URL)"),
    "over TLS": ({"REDIS_URL": f"rediss://:{SECRET}@five.example.org"}, "five.example.org"),
    "by a socket": ({"REDIS_URL": "unix:///run/redis.sock"}, "/run/redis.sock"),
    "by URL, on Vercel": (REDIS | VERCEL, "Redis at five.example.org"),
    "by URL, on Lambda": (REDIS | LAMBDA, "Redis at five.example.org"),
    "a file on Lambda": (SQLITE | LAMBDA, "six.sqlite3"),
    "Upstash before all": (SQLITE | REDIS | PREFIXED | KV | UPSTASH, "Upstash at https://one.example.org"),
    "Vercel's before others": (SQLITE | REDIS | PREFIXED | KV, "Upstash at https://two.example.org"),
    "a prefix before others": (SQLITE | REDIS | PREFIXED, "Upstash at https://three.example.org"),
    "a URL before a file": (SQLITE | REDIS, "Redis at five.example.org"),
    "Upstash, whatever the prefixes": (UPSTASH | PREFIXED | SECOND, "Upstash at https://one.example.org"),
    "Vercel's, whatever the prefixes": (KV | PREFIXED | SECOND, "Upstash at https://two.example.org"),
    "empty ones are none": (
        dict.fromkeys([*UPSTASH, *KV, *PREFIXED], "") | REDIS,
        "Redis at five.example.org",
    ),
    "empty ones beside a prefix": (dict.fromkeys(KV, "") | PREFIXED, "Upstash at https://three.example.org"),
    "blank ones are none": (dict.fromkeys([*UPSTASH, *REDIS], " \n") | KV, "Upstash at https://two.example.org"),
    "slashes": (
        UPSTASH | {"UPSTASH_REDIS_REST_URL": "https://one.example.org//"},
        "Upstash at https://one.example.org (",
    ),
    "spaces": (KV | {"KV_REST_API_URL": " https://two.example.org/ \n"}, "Upstash at https://two.example.org ("),
    "spaces behind a prefix": (
        {name: f" {value}\r\n" for name, value in PREFIXED.items()},
        "Upstash at https://three.example.org (",
    ),
    "a newline behind a URL": ({"REDIS_URL": f"{REDIS['REDIS_URL']}\n"}, "Redis at five.example.org:6380/3 ("),
    "a password as a parameter": ({"REDIS_URL": f"redis://five.example.org/0?password={SECRET}"}, "Redis at five"),
    "a user in the address": (
        UPSTASH | {"UPSTASH_REDIS_REST_URL": f"https://default:{SECRET}@one.example.org"},
        "Upstash at https://one.example.org (",
    ),
}
# What is made of it
KINDS = {"Upstash": "UpstashStore", "Redis": "RedisStore"}


@pytest.mark.parametrize("case", NAMED)
def test_named_store(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first that is set decides: Upstash's own variables, Vercel's, Vercel's with a prefix, a URL, a file."""
    env, expected = NAMED[case]
    put(monkeypatch, env, tmp_path)
    settings = load_settings()
    told = describe(settings)
    assert expected in told
    assert SECRET not in told
    kind = next((kind for word, kind in KINDS.items() if word in told), "SqliteStore")
    assert kind == type(open_store(settings).whole).__name__


def test_sample_needs_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sample is in a file, whatever else is set: no real store gets invented papers."""
    put(monkeypatch, UPSTASH | REDIS | {"SAMPLE": "1"}, tmp_path)
    assert "SqliteStore" == type(open_store(load_settings()).whole).__name__
    assert "sqlite3" in describe(load_settings())


PREFIXES: dict[str, tuple[Mapping[str, str], str]] = {
    "nothing": ({}, ""),
    "given": ({"STORE_PREFIX": "second"}, "second"),
    "production": (VERCEL | {"VERCEL_ENV": "production"}, ""),
    "a preview": (VERCEL | {"VERCEL_ENV": "preview"}, "preview"),
    "development": (VERCEL | {"VERCEL_ENV": "development"}, "development"),
    "a preview with its own": (VERCEL | {"VERCEL_ENV": "preview", "STORE_PREFIX": " mine\n"}, "mine"),
    "production with one": (VERCEL | {"VERCEL_ENV": "production", "STORE_PREFIX": "mine"}, "mine"),
}


@pytest.mark.parametrize("case", PREFIXES)
def test_previews_have_keys_of_their_own(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Production has no prefix, so that what is stored stays; a preview never writes over it. The owner sees which."""
    env, prefix = PREFIXES[case]
    put(monkeypatch, KV | env, tmp_path)
    settings = load_settings()
    assert prefix == settings.prefix
    assert describe(settings).endswith(f", keys with the prefix {prefix}" if prefix else "(KV_REST_API_URL)")


@pytest.mark.parametrize("prefix", ["pw1", "pw23", "a:b", "a*", "a b", "ä", "x" * 65])
def test_a_prefix_that_is_none(prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys of one wire must not look like those of another one."""
    put(monkeypatch, {"STORE_PREFIX": prefix}, tmp_path)
    with pytest.raises(ConfigError, match="STORE_PREFIX"):
        load_settings()


@pytest.mark.slow
def test_the_command_respects_the_prefix(tmp_path: Path) -> None:
    """`paperwire store` shows, exports and imports the keys of this wire alone."""
    env = {"SQLITE_PATH": "store.sqlite3"}
    dump = [
        {"paperwire": "store", "version": 1, "made": 0},
        {"key": "pw1:asked", "text": "j[]"},
        {"end": 1},
    ]
    (tmp_path / "dump").write_text("".join(f"{json.dumps(row)}\n" for row in dump))
    second = env | {"STORE_PREFIX": "second"}
    assert 0 == paperwire("store", "import", "dump", cwd=tmp_path, env=second).returncode
    shown = [paperwire("store", "info", cwd=tmp_path, env=of).stdout for of in (second, env)]
    assert [True, False] == ["asked" in text for text in shown]
    assert "keys with the prefix second" in " ".join(shown[0].split())
    exported = [paperwire("store", "export", cwd=tmp_path, env=of).stdout for of in (second, env)]
    assert [1, 0] == [text.count("pw1:asked") for text in exported]


@pytest.mark.parametrize("env", [UPSTASH, KV, PREFIXED, REDIS | REST_OF_KV], ids=["Upstash", "KV", "prefix", "URL"])
def test_settings_show_no_secret(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings that get into a log or a traceback show no token and no password."""
    put(monkeypatch, env | {"ADMIN_TOKEN": f"{SECRET}-admin", "CRON_SECRET": f"{SECRET}-cron"}, tmp_path)
    settings = load_settings()
    for text in (repr(settings), str(settings), f"{settings}", repr(open_store(settings))):
        assert SECRET not in text
        assert OTHER not in text


# -- what is wrong: the environment, and words of what is told

WRONG: dict[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "no token": ({"UPSTASH_REDIS_REST_URL": "https://one.example.org"}, ("UPSTASH_REDIS_REST_TOKEN", "is not")),
    "no URL": ({"UPSTASH_REDIS_REST_TOKEN": SECRET}, ("UPSTASH_REDIS_REST_URL", "is not")),
    "no token for Vercel's": ({"KV_REST_API_URL": "https://two.example.org"}, ("KV_REST_API_TOKEN", "is not")),
    "no URL for Vercel's": ({"KV_REST_API_TOKEN": SECRET}, ("KV_REST_API_URL", "is not")),
    "half, with Redis": (REDIS | {"KV_REST_API_TOKEN": SECRET}, ("KV_REST_API_URL", "is not")),
    "half, then whole": (KV | {"UPSTASH_REDIS_REST_TOKEN": OTHER}, ("UPSTASH_REDIS_REST_URL", "is not")),
    "no token behind a prefix": (
        {"STORAGE_KV_REST_API_URL": "https://three.example.org"},
        ("STORAGE_KV_REST_API_TOKEN", "is not"),
    ),
    "blank token": (KV | {"KV_REST_API_TOKEN": "\n"}, ("KV_REST_API_TOKEN", "is not")),
    "blank token behind a prefix": (
        PREFIXED | {"STORAGE_KV_REST_API_TOKEN": " "},
        ("KV_REST_API_TOKEN", "is not"),
    ),
    "two prefixes": (
        PREFIXED | SECOND,
        ("STORAGE_KV_REST_API_URL", "WIRE_KV_REST_API_URL", "KV_REST_API_URL and _TOKEN"),
    ),
    "Redis as REST": (
        UPSTASH | {"UPSTASH_REDIS_REST_URL": f"redis://default:{SECRET}@one.example.org"},
        ("UPSTASH_REDIS_REST_URL", "https://", "REDIS_URL"),
    ),
    "TLS as REST": (
        KV | {"KV_REST_API_URL": f"rediss://default:{SECRET}@one.example.org:6379"},
        ("KV_REST_API_URL", "https://", "REDIS_URL"),
    ),
    "no scheme": (KV | {"KV_REST_API_URL": "two.example.org"}, ("KV_REST_API_URL", "https://")),
    "no host": (KV | {"KV_REST_API_URL": "https://"}, ("KV_REST_API_URL", "https://")),
    "no host but a path": (KV | {"KV_REST_API_URL": "https:///path"}, ("KV_REST_API_URL",)),
    "half an address": (KV | {"KV_REST_API_URL": f"https://:{SECRET}@[::1"}, ("KV_REST_API_URL",)),
    "no number as port": (KV | {"KV_REST_API_URL": "https://two.example.org:port"}, ("KV_REST_API_URL",)),
    "a line break in a token": (KV | {"KV_REST_API_TOKEN": f"{SECRET}\n{SECRET}"}, ("KV_REST_API_TOKEN",)),
    "a letter beyond ASCII in a token": (KV | {"KV_REST_API_TOKEN": f"{SECRET}…"}, ("KV_REST_API_TOKEN",)),
    "URL without scheme": ({"REDIS_URL": f":{SECRET}@five.example.org:6379"}, ("REDIS_URL", "redis://")),
    "URL of the web": ({"REDIS_URL": f"https://:{SECRET}@five.example.org"}, ("REDIS_URL", "redis://")),
    "URL with a wrong port": ({"REDIS_URL": f"redis://:{SECRET}@five.example.org:port"}, ("REDIS_URL",)),
    "URL with a port too high": ({"REDIS_URL": f"redis://:{SECRET}@five.example.org:99999"}, ("REDIS_URL",)),
    "URL cut off": ({"REDIS_URL": f"redis://:{SECRET}@[::1"}, ("REDIS_URL",)),
    "URL with # in the password": ({"REDIS_URL": f"redis://:{SECRET}#x@five.example.org:6379"}, ("REDIS_URL", "%")),
    "URL with / in the password": ({"REDIS_URL": f"redis://:{SECRET}/x@five.example.org:6379"}, ("REDIS_URL", "%")),
    "URL with a wrong option": (
        {"REDIS_URL": f"redis://:{SECRET}@five.example.org?socket_timeout=soon"},
        ("REDIS_URL", "socket_timeout"),
    ),
    "nothing on Vercel": (VERCEL, ("Storage", "KV_REST_API_URL", "UPSTASH_REDIS_REST_URL", "REDIS_URL")),
    "a file on Vercel": (VERCEL | SQLITE, ("Storage", "KV_REST_API_URL")),
    "nothing on Lambda": (LAMBDA, ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "REDIS_URL")),
    "time of belief": (KV | {"CONFIRM_SECONDS": "-1"}, ("CONFIRM_SECONDS",)),
    "no time to read": (KV | {"STORE_READ_SECONDS": "0"}, ("STORE_READ_SECONDS",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_store(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What cannot be is an error that names the variable and what it should be, without any secret."""
    env, words = WRONG[case]
    put(monkeypatch, env, tmp_path)
    with pytest.raises(ConfigError) as raised:
        open_store(load_settings())
    told = str(raised.value)
    assert [] == [word for word in words if word not in told], told
    assert SECRET not in told
    assert OTHER not in told


# -- told where the owner looks, by processes of their own

UNCONFIGURED = {
    "Vercel": (VERCEL, ("Storage", "KV_REST_API_TOKEN")),
    "Lambda": (LAMBDA, ("UPSTASH_REDIS_REST_TOKEN",)),
    "URL on Vercel": (VERCEL | {"REDIS_URL": f"redis://:{SECRET}#x@five.example.org:6379"}, ("REDIS_URL",)),
}


@matrix("case", UNCONFIGURED, daily=("Vercel", "Lambda"))
def test_explaining_application(case: str, tmp_path: Path) -> None:
    """On a platform where nobody sees the log a wrong store is explained: a page at /, problems elsewhere, all 503."""
    env, words = UNCONFIGURED[case]
    with server_process(tmp_path, env, UVICORN) as server:
        url = server.url
        page = httpx.get(f"{url}/")
        problems = [httpx.get(url + path) for path in ("/api/health", "/api/feeds/main.rss", "/nowhere")]
        problems.append(httpx.post(f"{url}/api/refresh"))
    assert (503, "text/html") == (page.status_code, page.headers["Content-Type"].partition(";")[0])
    for answer in problems:
        assert (503, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
        assert "urn:paperwire:problem:config" == answer.json()["type"]
    for answer in [page, *problems]:
        assert [] == [word for word in words if word not in answer.text]
        assert "no-store" in answer.headers["Cache-Control"]
        assert "Retry-After" in answer.headers
        assert SECRET not in answer.text
    assert SECRET not in server.log.read_text()


COMMANDS = {
    "Upstash": (UPSTASH, "Upstash at https://one.example.org"),
    "prefix": (PREFIXED, "Upstash at https://three.example.org"),
    "URL": (REDIS, "Redis at five.example.org:6380/3"),
}


@matrix("case", COMMANDS, daily=("Upstash",))
def test_commands_name_the_store(case: str, tmp_path: Path) -> None:
    """`paperwire check` and `paperwire serve` say which store is in use, without its secrets."""
    env, expected = COMMANDS[case]
    with server_process(tmp_path, {"COLUMNS": "200", **env}) as served:
        checked = paperwire("check", cwd=tmp_path, env=dict(env))
    assert 0 == checked.returncode, checked.stderr
    for told in (checked.stdout + checked.stderr, served.log.read_text()):
        assert expected in told
        assert SECRET not in told


WRONG_COMMANDS = ["no token", "URL with # in the password"]


@matrix("case", WRONG_COMMANDS, daily=("no token",))
def test_commands_refuse_a_wrong_store(case: str, tmp_path: Path) -> None:
    """A wrong store is told by every command in words, with status 2."""
    env, words = WRONG[case]
    with ThreadPoolExecutor(3) as pool:
        commands = [("refresh",), ("serve", "--port", "0"), ("check",)]
        for done in pool.map(lambda command: paperwire(*command, cwd=tmp_path, env=dict(env)), commands):
            told = done.stdout + done.stderr
            assert 2 == done.returncode, told
            assert [] == [word for word in words if word not in " ".join(told.split())], told
            assert "Traceback" not in told
            assert SECRET not in told


def test_missing_package(tmp_path: Path) -> None:
    """Where the extra package for REDIS_URL is not installed, its owner is told how to install it."""
    (tmp_path / "redis").mkdir()  # found first, and no package that can be imported
    (tmp_path / "redis" / "__init__.py").write_text("raise ModuleNotFoundError('No module named redis')\n", "utf-8")
    command = [sys.executable, "-m", "core.cli.main", "refresh"]
    env = {"PATH": "/usr/bin:/bin", **REDIS, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, cwd=tmp_path, env=env, timeout=120, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert 2 == done.returncode, told
    assert [] == [word for word in ("REDIS_URL", "pip install", "redis") if word not in told]
    assert SECRET not in told
