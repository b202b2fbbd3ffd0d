"""Weeks over real days: their numbers are the sums of the daily digests, their trends what filters count."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.application import create_app
from core.app import Paperwire
from core.config.settings import ROOT, Settings, load_settings
from tests.support.replay import replaying

pytestmark = [pytest.mark.slow, pytest.mark.shared]
TRENDS = 4  # that are counted by a filter


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _settings(url: str, day: date, folder: Path) -> Settings:
    return load_settings(
        env_file=False,
        arxiv_rss_url=url,
        now=datetime.combine(day, time(17), UTC),
        sqlite_path=folder / "store.sqlite3",
        feeds_file=ROOT / "feeds.toml",
        rate_limit=0,
        replay_gate_seconds=0.0,
    )


async def _fetch(settings: Settings) -> None:
    wire = Paperwire(settings)
    try:
        await wire.refresh("due", seconds=0)
    finally:
        await wire.close()


def test_weeks_add_up(tmp_path: Path) -> None:
    """A week has as many papers as its days; what a keyword had before is scaled to the days of the week so far."""
    with replaying() as replay:
        days = sorted(map(date.fromisoformat, replay.state.days))
        for day in days:
            replay.state.date = day.isoformat()
            asyncio.run(_fetch(_settings(replay.url, day, tmp_path)))
        with TestClient(create_app(_settings(replay.url, days[-1], tmp_path))) as client:
            weeks = {name: client.get(f"/api/digests/main/{name}.json").json() for name in map(_week, days)}
            shown: Counter[str] = Counter()
            for day in days:
                count = len(client.get(f"/api/digests/main/{day}.json").json()["entries"])
                shown[_week(day)] += count
                (row,) = [row for row in weeks[_week(day)]["days"] if row["date"] == str(day)]
                assert count == row["prioritised"]
            assert {name: week["papers"] for name, week in weeks.items()} == dict(shown)
            before, last = list(weeks)[-2:]
            assert len(weeks[last]["trends"]) > TRENDS
            for trend in weeks[last]["trends"][:TRENDS]:
                found: Counter[str] = Counter()
                for day in days:
                    query = {"feed": "main", "announced": str(day), "keyword": trend["keyword"], "limit": "500"}
                    found[_week(day)] += len(client.get("/api/papers", params=query).json()["papers"])
                scaled = found[before] * len(weeks[last]["days"]) / weeks[last]["compared_days"]
                assert (found[last], scaled) == (trend["papers"], trend["before"]), trend
