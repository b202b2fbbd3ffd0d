"""The whole way over real records: arXiv and a model as the shared replay serves them, through the command line."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from core.config.settings import ROOT, load_settings
from tests.conftest import paperwire, serving_app
from tests.support.replay import replay_process

pytestmark = [pytest.mark.shared, pytest.mark.slow]

NOW = datetime(2026, 1, 1, 17, tzinfo=UTC)
SUMMARIES = 15  # of a feed and date, unless the feed says another number


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    """The shared stand-in at the first day of 2026."""
    with replay_process("--date", "2026-01-01") as url:
        yield url


def calls(url: str) -> Counter[str]:
    """How often each kind of address was asked for so far."""
    return Counter(row["path"].split("?")[0].split("/")[1] for row in httpx.get(f"{url}/_log").json())


@pytest.mark.timeout(900)
def test_storage_feed(replay: str, tmp_path: Path) -> None:
    """The shipped feeds: all papers that the storage feed shows are screened, those that promise much are read as PDFs
    and judged, the best of each date are summarised; then a refresh asks no model anything.
    """
    env = {
        "ARXIV_RSS_URL": replay,
        "REPLAY_GATE_SECONDS": "0",
        "NOW": NOW.isoformat(),
        "SQLITE_PATH": str(tmp_path / "store.sqlite3"),
        "FEEDS_FILE": str(ROOT / "feeds.toml"),
        "LLM_BASE_URL": f"{replay}/v1",
        "LLM_MODEL": "replay",
        "CATCH_UP_SECONDS": "240",
    }
    said = "models:"
    while "models:" in said:  # one run has a bounded time, which is not enough on a slow machine
        made = calls(replay).get("v1", 0)
        done = paperwire("refresh", cwd=tmp_path, env=env, timeout=600)
        said = done.stdout
        assert 0 == done.returncode, said + done.stderr
    assert 0 < made == calls(replay)["v1"]
    settings = load_settings(
        _env_file=None, arxiv_rss_url=replay, now=NOW, sqlite_path=env["SQLITE_PATH"], feeds_file=env["FEEDS_FILE"]
    )
    with serving_app(settings) as url:
        found = httpx.get(f"{url}/api/papers?feed=storage&limit=500").json()
        ranked = httpx.get(f"{url}/api/papers?feed=storage&has=pdf-analysis&sort=-points").json()
    judged = [paper for paper in found["papers"] if "scorecard" in paper]
    assert len(judged) >= 15
    assert "skip" in {paper["band"] for paper in judged}
    assert {"2026-01-01", "2025-12-31", "2025-12-30"} == {paper["announced"] for paper in judged}
    for paper in judged:
        card = paper["scorecard"]
        assert ("analysed" if card["predicted"] >= 4 else "screened") == card["stage"], json.dumps(paper)
        if "summary" in paper:
            assert "ready" == paper["summary"]["state"], json.dumps(paper)
    for day in {paper["announced"] for paper in judged}:
        without = [paper["points"] for paper in judged if paper["announced"] == day and "summary" not in paper]
        best = [paper["points"] for paper in judged if paper["announced"] == day and "summary" in paper]
        assert len(best) >= SUMMARIES if without else best
        assert not without or max(without) <= sorted(best, reverse=True)[SUMMARIES - 1]
    points = [paper["points"] for paper in ranked["papers"]]
    assert (True, sorted(points, reverse=True)) == (bool(points), points)
