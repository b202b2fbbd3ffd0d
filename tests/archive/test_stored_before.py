"""A store that an earlier version wrote is read by this one: `tests/data/stored` is its export, with what it served.

What feeds and digests say of a paper has been put in another order since, and what was judged comes by its points; all
else is the same, byte by byte.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from core.archive import Archive
from core.archive.dump import read_dump
from core.config.settings import ROOT, Settings, load_settings
from core.store.sqlite import SqliteStore
from tests.conftest import serving_app
from tests.support.upstream import Upstream, serving

STORED = ROOT / "tests" / "data" / "stored"
SAME = {
    "papers.json": "/api/papers",
    "feeds.opml": "/api/feeds.opml",
}
REORDERED = {"main.rss": "/api/feeds/main.rss", "picks.rss": "/api/feeds/picks.rss"}
_TEXT = re.compile(r"<description>.*?</description>", re.DOTALL)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving(Upstream()) as running:
        yield running


@pytest.fixture(scope="module")
def client(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The application of this version on the imported store, at the same moment."""
    settings = load_settings(
        _env_file=None,
        arxiv_rss_url=upstream.url,
        sqlite_path=tmp_path_factory.mktemp("stored") / "store",
        feeds_toml=(STORED / "feeds.toml").read_text("utf-8"),
        now=datetime(2026, 3, 6, 17, tzinfo=UTC),
        base_url="https://wire.example",
        rate_limit=0,
    )
    asyncio.run(_import(settings))
    with serving_app(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield client


async def _import(settings: Settings) -> None:
    lines = (STORED / "store.jsonl").read_text("utf-8").splitlines()
    archive = Archive(SqliteStore(Path(settings.sqlite_path or "")))
    try:
        await archive.load(read_dump(lines, json.loads(lines[0])["made"]))
    finally:
        await archive.close()


@pytest.mark.parametrize(("name", "path"), SAME.items())
def test_same_bytes(client: httpx.Client, name: str, path: str) -> None:
    """Papers and the list of feeds are the same bytes as before."""
    assert (STORED / name).read_bytes() == client.get(path).content


def test_same_digest(client: httpx.Client) -> None:
    """The digest has all lines that it had, in their order; only a summary's fold is named in another way."""
    before = (STORED / "main.md").read_text("utf-8").splitlines()
    after = iter(client.get("/api/digests/main/latest.md").text.splitlines())
    assert [] == [line for line in before if not line.startswith("<summary>") and line not in after]


@pytest.mark.parametrize(("name", "path"), REORDERED.items())
def test_same_feeds(client: httpx.Client, name: str, path: str) -> None:
    """Feeds have the same entries as before, byte by byte but for their texts, in which the same words are."""
    before, after = (STORED / name).read_text("utf-8"), client.get(path).text
    assert _TEXT.sub("", before) == _TEXT.sub("", after)
    assert len(_TEXT.findall(before)) == len(_TEXT.findall(after))


def test_nothing_is_fetched(client: httpx.Client, upstream: Upstream) -> None:
    """The stored dates are complete for this version too: it asks arXiv for nothing.

    Only catch-up pages are to be read, which the earlier version did not know.
    """
    assert 200 == client.get("/api/feeds/plain.json").status_code
    health = client.get("/api/health").json()
    assert ("complete", ["pending"]) == (health["state"], [trouble["kind"] for trouble in health["troubles"]])
    assert health["troubles"][0]["detail"].startswith("its catch-up pages are still to be read"), health["troubles"]
    assert [] == upstream.paths
