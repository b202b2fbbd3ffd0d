"""Endpoints with quirks that users reported, in ../shared: what a feed looks like after refreshes, over HTTP."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.application import create_app
from core.app import Paperwire
from core.config.settings import Settings, load_settings
from tests.conftest import SHARED, wait_until
from tests.support.ports import free_port

pytestmark = [pytest.mark.shared, pytest.mark.slow]

_FILE = SHARED / "data" / "cases" / "models.json"
CASES: list[dict[str, Any]] = json.loads(_FILE.read_text("utf-8")) if _FILE.exists() else []
NOON, MINUTES_LATER = datetime(2025, 12, 30, 12, tzinfo=UTC), datetime(2025, 12, 30, 12, 15, tzinfo=UTC)
HOURS_LATER, NEXT_DAY = datetime(2025, 12, 30, 18, tzinfo=UTC), datetime(2025, 12, 31, 0, 30, tzinfo=UTC)
ANSWER, THOUGHT, FILTERED = "marmalade", "ponderation", "Hypernetworks"
TOKEN = "open-sesame"
TITLES = ("Paged caches for models", "Fast decoding", "Small experts", "A study of tides")
IDS = tuple(f"2512.{20001 + n}" for n in range(len(TITLES)))
FEED = """
[feeds.main]
title = "Main"
categories = ["cs.LG"]
"""
RUBRIC = """
[feeds.main.rubric]
deep_at = 2
review_at = 2
must_read_at = 3
criteria = [{ name = "Use", max = 4 }]
"""


@contextmanager
def tool(name: str, *options: str) -> Iterator[str]:
    """The address of one of the shared stand-ins, in a process of its own."""
    port = free_port()
    command = [sys.executable, str(SHARED / "tools" / name), str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _is_up(url))
            yield url
        finally:
            process.terminate()


def _is_up(url: str) -> bool:
    try:
        httpx.get(f"{url}/_log", timeout=5)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The stand-ins: models, arXiv, and arXiv with a paper that filters object to."""
    folder = tmp_path_factory.mktemp("days")
    with ExitStack() as stack:
        found = {"models": stack.enter_context(tool("llm_endpoints.py"))}
        for name, first in (("arxiv", TITLES[0]), ("filtered", f"{FILTERED} for caches")):
            rows = [
                {"id": id_, "title": title, "categories": ["cs.LG"], "abstract": f"We study {title} in 3 ways."}
                for id_, title in zip(IDS, (first, *TITLES[1:]), strict=True)
            ]
            days = folder / f"{name}.json"
            days.write_text(json.dumps({"2025-12-30": rows}), "utf-8")
            found[name] = stack.enter_context(tool("odd_arxiv.py", str(days), "2025-12-30"))
        yield found


@dataclass
class Case:
    """One endpoint, and the store of the wire that asks it."""

    urls: dict[str, str]
    folder: Path
    endpoint: str
    run: str

    def settings(self, now: datetime) -> Settings:
        """The settings of an instance at a time."""
        arxiv = self.urls["filtered" if self.run == "one" else "arxiv"]
        summary = "four-point" if self.run == "rubric" else "key-findings"
        language = "ko" if self.run == "language" else "en"
        toml = f'{FEED}summary = "{summary}"\nlanguage = "{language}"\n' + (RUBRIC if self.run == "rubric" else "")
        extra = {"llm_extra_body": '{"enable_thinking": false}'} if self.endpoint == "enable_thinking" else {}
        return load_settings(
            env_file=False, arxiv_rss_url=arxiv, replay_gate_seconds=0, sqlite_path=self.folder / "store", now=now,
            llm_base_url=f"{self.urls['models']}/{self.endpoint}/v1", llm_model="stand-in", llm_api_key="stand-in-key",
            llm_concurrency=1 if self.run == "one" else 4, feeds_toml=toml, admin_token=TOKEN, rate_limit=0,
            log_level="ERROR", **extra,
        )  # fmt: skip

    def refresh(self, times: int = 1, now: datetime = NOON) -> None:
        """Refresh in so many newborn instances."""

        async def main() -> None:
            wire = Paperwire(self.settings(now))
            try:
                await wire.refresh(seconds=60)
            finally:
                await wire.close()

        for _ in range(times):
            asyncio.run(main())

    def get(self, path: str, method: str = "GET", now: datetime = NOON) -> str:
        """What the wire answers."""

        async def main() -> str:
            app = create_app(self.settings(now))
            transport = httpx.ASGITransport(app)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            try:
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://wire.example", timeout=120
                ) as client:
                    return (await client.request(method, path, headers=headers)).text
            finally:
                await app.state.wire.close()

        return asyncio.run(main())

    def entries(self, now: datetime = NOON) -> dict[str, str]:
        """The main feed: the text of each entry, by its title."""
        items = json.loads(self.get("/api/feeds/main.json", now=now))["items"]
        return {item["title"]: json.dumps(item, ensure_ascii=False) for item in items}

    def troubles(self, now: datetime = NOON) -> list[dict[str, Any]]:
        """What health says of the models."""
        found = json.loads(self.get("/api/health", now=now)).get("troubles", [])
        return [trouble for trouble in found if trouble["kind"] == "model"]

    def asked(self) -> list[dict[str, Any]]:
        """What the endpoint was asked."""
        found: list[dict[str, Any]] = httpx.get(f"{self.urls['models']}/_asked/{self.endpoint}").json()
        return found

    def post(self, what: str) -> None:
        """Mend the endpoint, or let it forget what it was asked."""
        httpx.post(f"{self.urls['models']}/_{what}/{self.endpoint}").raise_for_status()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['endpoint']}-{case['run']}")
def test_case(urls: dict[str, str], tmp_path: Path, case: dict[str, Any]) -> None:
    """What its reporters call right comes of each case."""
    made = Case(urls, tmp_path, case["endpoint"], case["run"])
    made.post("reset")
    _RUNS[case["run"]](made, case)


def _summaries(case: Case, of: dict[str, Any], now: datetime = NOON, times: int = 3) -> None:
    case.refresh(times, now)
    entries = case.entries(now)
    assert len(TITLES) == len(entries)
    for text in entries.values():
        assert ANSWER in text
        assert THOUGHT not in text
        assert all(re.search(pattern, text) for pattern in of.get("shows", ()))


def _rubric(case: Case, _: dict[str, Any]) -> None:
    case.refresh(3)
    papers = json.loads(case.get("/api/papers?feed=main&has=pdf-analysis"))["papers"]
    assert sorted(IDS) == sorted(paper["id"] for paper in papers)


def _review(case: Case, of: dict[str, Any]) -> None:
    case.refresh()
    case.get(f"/api/papers/{IDS[0]}/review", "POST")
    text = case.get(f"/api/papers/{IDS[0]}/review.md")
    assert (ANSWER in text) is not of.get("none", False)
    assert THOUGHT not in text
    assert not re.search(r"</?think|\[/?THINK|<thought", text, re.IGNORECASE)


def _account(case: Case, of: dict[str, Any]) -> None:
    case.refresh(2)
    assert len(case.asked()) <= 12
    assert all(trouble["mend"] for trouble in case.troubles())
    assert 1 == len(case.troubles())
    case.post("mend")
    later = NEXT_DAY if of["endpoint"] == "daily_limit_in_200" else HOURS_LATER
    _summaries(case, of, later, times=2)
    assert [] == case.troubles(later)


def _one(case: Case, _: dict[str, Any]) -> None:
    case.refresh(3)
    for title, text in case.entries().items():
        assert (ANSWER in text) is not title.startswith(FILTERED)
    about = [asked for asked in case.asked() if FILTERED in json.dumps(asked)]
    assert 1 <= len(about) <= 4


def _moment(case: Case, of: dict[str, Any]) -> None:
    case.refresh()
    _summaries(case, of, MINUTES_LATER, times=1)


def _language(case: Case, _: dict[str, Any]) -> None:
    case.refresh(3)
    texts = [json.loads(text).get("content_html", "") for text in case.entries().values()]
    assert len(TITLES) == len(texts)
    assert not any(ANSWER in text and not re.search("[가-힣]", text) for text in texts)


_RUNS = {
    "summaries": _summaries, "rubric": _rubric, "review": _review, "account": _account, "one": _one,
    "moment": _moment, "language": _language,
}  # fmt: skip
