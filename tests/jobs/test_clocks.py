"""One process has a wrong clock: nothing is lost by it, and what it concluded is gone when the clock is right."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from core.app import Paperwire
from core.archive import State
from core.config.settings import Settings, load_settings
from core.model.calendar import EASTERN, due_date
from core.model.manifest import rfc3339
from tests.support.fortnight import FEEDS, FRI, MON, THU, TUE, WED, announced, picks_of
from tests.support.upstream import Upstream, serving

WEEK = (MON, TUE, WED, THU, FRI)
PICKS = picks_of(announced())
Shown = dict[str, list[str]]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    days = announced()
    with serving(Upstream(day=MON, days=days, picks=PICKS)) as running:
        yield running


@pytest.fixture
def settings(upstream: Upstream, tmp_path: Path) -> Settings:
    return load_settings(
        env_file=False, arxiv_rss_url=upstream.url, replay_gate_seconds=0, feeds_toml=FEEDS, confirm_seconds=0,
        sqlite_path=tmp_path / "store.sqlite3", catch_up_seconds=0,
    )  # fmt: skip


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=EASTERN)


def refresh(settings: Settings, upstream: Upstream, day: date, ahead: timedelta = timedelta()) -> tuple[State, Shown]:
    """Refresh on a day with a clock that is `ahead`. Returns the state, and the identifiers that each feed shows."""
    upstream.day = day
    upstream.picks = {picked: papers for picked, papers in PICKS.items() if picked <= day}

    async def main() -> tuple[State, Shown]:
        wire = Paperwire(settings.model_copy(update={"now": noon(day) + ahead}))
        try:
            await wire.refresh(seconds=60)
            manifest = (await wire.snapshot()).state.manifest
            entries = {name: await wire.entries(manifest, feed) for name, feed in wire.feeds.items()}
            return await wire.archive.state(), {name: [e.id for e in one.entries] for name, one in entries.items()}
        finally:
            await wire.close()

    return asyncio.run(main())


@pytest.mark.parametrize("days", [1, 5, 60])
def test_a_clock_that_is_ahead(days: int, settings: Settings, upstream: Upstream) -> None:
    """Every batch stays, whatever the clock says; when it is right again, nothing is later than the due date, and the
    following days are as if it had always been.
    """
    for day in WEEK[:3]:
        before = refresh(settings, upstream, day)
    state, shown = refresh(settings, upstream, WED, timedelta(days=days))
    assert (before[1], list(WEEK[2::-1])) == (shown, [record.date for record in state.manifest.stored])
    state, shown = refresh(settings, upstream, WED)
    assert (before[1], list(WEEK[2::-1])) == (shown, [record.date for record in state.manifest.stored])
    assert max(state.manifest.records) <= due_date(noon(WED)) + timedelta(days=1)
    assert max(state.manifest.picks) <= WED + timedelta(days=1)
    assert all(at <= rfc3339(noon(WED)) for record in state.manifest.records.values() for at in record.read.values())
    assert state.manifest.updated <= rfc3339(noon(WED) + timedelta(days=1))
    for day in WEEK[3:]:
        state, shown = refresh(settings, upstream, day)
        assert "complete" == state.manifest.get(day).state
    expected = {sheet.id for day in WEEK for sheet in upstream.days[day]}
    assert expected == set(shown["main"])


def test_a_clock_that_is_behind(settings: Settings, upstream: Upstream) -> None:
    """A process whose clock is a week behind loses none of the batches, which arXiv has dated."""
    for day in WEEK:
        before = refresh(settings, upstream, day)
    state, shown = refresh(settings, upstream, FRI, -timedelta(days=7))
    assert (before[1], list(WEEK[::-1])) == (shown, [record.date for record in state.manifest.stored])
