"""Catching up: what was missed comes from the API, each paper on its date, once; and what the API confirms."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core.catch_up import Caught
from core.domain.calendar import announcement_days
from core.domain.manifest import Manifest
from core.settings import Settings, load_settings
from core.wire import Wire
from tests.arxiv_format import Sheet
from tests.test_refresh import ids, manifest_of, names
from tests.upstream import Upstream, serving

DAYS = announcement_days(date(2026, 3, 1), date(2026, 3, 14))  # two weeks
FEEDS = """
[instance]
retention_days = 11

[feeds.main]
title = "Main"
categories = ["cs.LG", "cs.CL"]
"""


def sheets_of(day: date, count: int = 6) -> list[Sheet]:
    """A day's papers, with identifiers that rise from day to day, as arXiv gives them."""
    first = 10000 + 100 * DAYS.index(day)
    kinds = (("cs.LG",), ("cs.CL", "cs.AI"), ("cs.AI", "cs.CL"))
    return [Sheet(f"2603.{first + n}", title=f"Paper {n} of {day}", categories=kinds[n % 3]) for n in range(count)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Two weeks of arXiv."""
    with serving(Upstream(day=DAYS[0], days={day: sheets_of(day) for day in DAYS})) as running:
        yield running


@pytest.fixture
def settings(upstream: Upstream, tmp_path: Path) -> Settings:
    """Settings for these weeks, at which arXiv may be asked at once."""
    return load_settings(
        _env_file=None,
        arxiv_rss_url=upstream.url,
        replay_gate_seconds=0,
        sqlite_path=tmp_path / "store.sqlite3",
        feeds_toml=FEEDS,
    )


def at(settings: Settings, upstream: Upstream, day: date) -> Settings:
    """It is noon of that day, here and at arXiv."""
    upstream.day = day
    return settings.model_copy(update={"now": datetime(day.year, day.month, day.day, 17, tzinfo=UTC)})


def catch_up(settings: Settings, seconds: float = 60) -> Caught:
    """Catch up, in a wire of its own, as each process does."""

    async def main() -> Caught | None:
        wire = Wire(settings)
        try:
            return await wire.catch_up(seconds=seconds)
        finally:
            await wire.close()

    caught = asyncio.run(main())
    assert caught is not None
    return caught


def states(manifest: Manifest) -> dict[str, str]:
    """The states of all dates."""
    return {day.isoformat(): record.state for day, record in sorted(manifest.records.items())}


def test_missed_days_are_found(settings: Settings, upstream: Upstream) -> None:
    """Days that were slept through come from the API, complete, each paper on its date, and late."""
    today = at(settings, upstream, DAYS[0])
    refresh_at(today)
    today = at(settings, upstream, DAYS[3])
    refresh_at(today)
    assert "failed" == manifest_of(today).get(DAYS[1]).state
    caught = catch_up(today)
    assert ((), []) == (caught.owed, caught.problems)
    manifest = manifest_of(today)
    for day in DAYS[:4]:
        assert ("complete", names(sheets_of(day))) == (manifest.get(day).state, ids(today, day)), day
    assert [0, 6, 6, 0] == [manifest.get(day).late for day in DAYS[:4]]
    assert {"rss"} == {state.source for state in manifest.get(DAYS[3]).categories.values()}
    assert {"api"} == {state.source for state in manifest.get(DAYS[2]).categories.values()}


def refresh_at(settings: Settings) -> None:
    """Fetch the day's batch."""
    from tests.test_refresh import refreshed

    asyncio.run(refreshed(settings))
