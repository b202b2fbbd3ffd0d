"""Queries nobody has thought of, over HTTP: each is answered, or refused with words, by every path that takes filters.

`make fuzz` tries ten thousand of each, and five thousand requests made from the contract.
"""

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.config.settings import ROOT
from core.config.url_rules import RULES
from core.model.query import FIELDS, PARAMETERS
from core.render.shapes import ENTRY_FIELDS
from tests.api import base, serving_days

FULL = bool(os.environ.get("FULL"))
PATHS = (
    "/api/papers",
    "/api/papers/2603.90301",
    "/api/feeds/main.rss",
    "/api/feeds/main.json",
    "/api/feeds/everything.atom",
    "/api/feeds/custom.rss",
    "/rss",
    "/rss/cs.LG",
    "/feeds/main",
    "/search",
    "/build",
    "/build/preview",
    "/settings/edit",
)
ANSWERS = {200, 404, 422}
OPERATORS = ("=", "!=", ">=", ">", "<=", "<", "~", "==", "=~", "")

_words = st.sampled_from(
    ["cs.LG", "cs", "new", "10", "-1", "0.5", "1e3", "nan", "inf", "2026-03-06", "2026-02-30", "2603.90301v2", "main",
     "cache", "review", "code", "hep-th/9901001", "score,-title", "regex", "a:3", "(a+)+$", '"', "id,title", "true"]
)  # fmt: skip
_values = st.lists(st.one_of(_words, st.text(max_size=12), st.floats().map(str), st.integers().map(str)), max_size=4)
_names = st.one_of(
    st.sampled_from([*FIELDS, *PARAMETERS, *RULES, *ENTRY_FIELDS, "q", "feed", "key"]), st.text(max_size=6)
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Tokens that are nearly right, encoded as one or another client does."""
    tokens = []
    for _ in range(draw(st.integers(0, 6))):
        text = draw(_names) + draw(st.sampled_from(OPERATORS)) + ",".join(draw(_values))
        safe = draw(st.sampled_from(["", "=,", "=<>!~,:/()+*"]))
        tokens.append(quote(text, safe=safe, errors="surrogatepass"))
    raw = draw(st.sampled_from(["&", "&", "&&"])).join(tokens)
    return raw + draw(st.sampled_from(["", "", "%", "%ff", "%00", "&limit=3", "&sort=-score"]))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("fuzz")) as client:
        yield client


@given(st.sampled_from(PATHS), queries())
@settings(suppress_health_check=list(HealthCheck), **({"max_examples": 10_000} if FULL else {}))
def test_queries(client: httpx.Client, path: str, query: str) -> None:
    """No query is a fault of the service: it is answered, or a problem or a page says what is wrong with it."""
    with closing(http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=120)) as connection:
        connection.request("GET", f"{path}?{query}")
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status in ANSWERS, (answer.status, body[:300])
    kind = answer.headers["Content-Type"]
    if answer.status != 200 and not kind.startswith("text/html"):
        problem = json.loads(body)
        assert ("application/problem+json", answer.status) == (kind, problem["status"])
        assert problem["detail"]


def made_from(contract: str, client: httpx.Client, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Try the requests that the contract (an address or a file) allows and forbids, in a process of its own."""
    pytest.importorskip("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", contract, "--url", base(client),
        "--checks", f"{checks},response_schema_conformance,unsupported_method",
        "--max-examples", "1500" if FULL else "5",
        "--phases", "examples,coverage,fuzzing", "--mode", "all", "--seed", "1", "--no-color",
        "--suppress-health-check", "all", "--generation-database", "none", *options,
    ]  # fmt: skip
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "160"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_contract(client: httpx.Client, tmp_path: Path) -> None:
    """Requests made from the contract, good and bad ones: no answer is undocumented, in status, type or shape."""
    done = made_from(f"{base(client)}/openapi.json", client, tmp_path)
    assert 0 == done.returncode, done.stdout[-6000:] + done.stderr[-2000:]
    made = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert made, done.stdout[-3000:]
    assert (True, made[1]) == (int(made[1]) >= (5_000 if FULL else 300), made[2])


@pytest.mark.slow
def test_what_is_undocumented_is_seen(client: httpx.Client, tmp_path: Path) -> None:
    """Where the contract does not say that queries are refused, it is found to be wrong."""
    contract = client.get("/openapi.json").json()
    del contract["paths"]["/rss"]["get"]["responses"]["422"]
    (tmp_path / "contract.json").write_text(json.dumps(contract), "utf-8")
    done = made_from("contract.json", client, tmp_path, "--include-path", "/rss")
    assert (1, True) == (done.returncode, "Undocumented status code: 1" in done.stdout), done.stdout[-3000:]
