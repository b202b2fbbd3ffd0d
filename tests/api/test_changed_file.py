"""A running server takes in changes of feeds.toml, and a mistake in it changes nothing."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.application import create_app
from core.app import Paperwire
from core.config.settings import Settings
from core.scheduler import stamp_of, take_in_feeds
from tests.api import DAYS, FEEDS, make_settings, store_days
from tests.conftest import wait_until
from tests.support.servers import server_process

CHANGES = {
    "title": (FEEDS.replace("Test wire", "Another wire"), "Another wire"),
    "feed": (FEEDS.replace("Caches & kernels", "Kernels"), "Kernels"),
    "score": (FEEDS.replace("cache = 2", "cache = 7"), '"score":12'),
    "removed": (FEEDS.partition("[feeds.replaced]")[0], '"main"'),
}
MISTAKES = ("[feeds.main", FEEDS.replace("cs.DC", "cs.XX"), "")


def write(path: Path, text: str) -> None:
    """Write a file whose time of change is later than before, however coarse the clock of the disk is."""
    later = path.stat().st_mtime_ns + 10**9 if path.exists() else None
    path.write_text(text, "utf-8")
    if later:
        os.utime(path, ns=(later, later))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose feeds are in a file, with three days in the store."""
    write(tmp_path / "feeds.toml", FEEDS)
    settings = make_settings(tmp_path, feeds_toml="", feeds_file=tmp_path / "feeds.toml")
    store_days(settings, DAYS)
    return settings


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Paperwire, httpx.AsyncClient]]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://wire.example") as client:
        yield app.state.wire, client
    await app.state.wire.close()


async def everything(client: httpx.AsyncClient) -> str:
    """What readers and visitors get of the feeds, twice: the second time from memory."""
    paths = ("/api/feeds", "/api/feeds/main.json", "/api/papers?score>=-99", "/feeds")
    return "".join([(await client.get(path)).text for _ in range(2) for path in paths])


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_counts_at_once(settings: Settings, change: str) -> None:
    """Whatever changes in the file is in the next answers, also where these were in memory; what is new is fetched."""
    text, sign = CHANGES[change]

    async def run() -> tuple[str, str, bool]:
        async with serving(settings) as (wire, client):
            before, stamp = await everything(client), stamp_of(wire)
            assert stamp == await take_in_feeds(wire, stamp)
            assert not wire.changed.is_set()
            write(settings.feeds_path, text)
            stamp = await take_in_feeds(wire, stamp)
            assert stamp == stamp_of(wire) == await take_in_feeds(wire, stamp)
            return before, await everything(client), wire.changed.is_set()

    before, after, noticed = asyncio.run(run())
    assert (True, True) == (before != after, noticed)
    assert sign in after
    assert ('"replaced"' in after) is (change != "removed")


def test_a_mistake_changes_nothing(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is wrong, or away for a moment, leaves the feeds as they were, and the log names the mistake."""

    async def run() -> None:
        async with serving(settings) as (wire, client):
            before, stamp = await everything(client), stamp_of(wire)
            for text in MISTAKES:
                write(settings.feeds_path, text)
                known, stamp = stamp, await take_in_feeds(wire, stamp)
                assert stamp != known
            settings.feeds_path.unlink()
            assert stamp == await take_in_feeds(wire, stamp)
            assert before == await everything(client)
            write(settings.feeds_path, CHANGES["title"][0])
            await take_in_feeds(wire, stamp)
            assert "Another wire" in await everything(client)

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    told = [record.getMessage() for record in caplog.records if "feeds stay as they were" in record.getMessage()]
    assert len(MISTAKES) == len(told)
    assert "'cs.XX' is not an archive or category of arXiv" in told[1]


@pytest.mark.slow
def test_a_server_looks_by_itself(settings: Settings, tmp_path: Path) -> None:
    """`paperwire serve` takes in a change of the file in its folder, without a restart."""
    env = {
        "SQLITE_PATH": str(settings.sqlite_path),
        "NOW": settings.now.isoformat() if settings.now else "",
        "ARXIV_RSS_URL": settings.rss_url,
    }
    with server_process(tmp_path, env) as served:
        assert "Caches &amp; kernels" in httpx.get(f"{served.url}/feeds").text
        write(tmp_path / "feeds.toml", CHANGES["feed"][0])
        wait_until(lambda: "Kernels" in httpx.get(f"{served.url}/feeds").text)
        assert "feeds.toml has changed; in force now: main, replaced, everything" in served.log.read_text()
