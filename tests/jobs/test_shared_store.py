"""Wires that share one database: each ends with exactly its own days, as if it were alone."""

import asyncio
from datetime import date, datetime, time
from pathlib import Path

import pytest

from core.app import Paperwire
from core.archive.days import Days
from core.config.settings import Settings, load_settings
from core.model.calendar import EASTERN
from core.store import keys
from tests.support.fortnight import DAYS, announced
from tests.support.stores import redis_server
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving

RULES = '[feeds.main]\ntitle = "Main"\ncategories = {}\nkeywords = {{ "paper" = 1 }}\nmin_score = 0\n'
# A deployment, another one of the same owner, and a preview of the first with a change of its categories
WIRES: dict[str, dict[str, str]] = {
    "production": {"feeds_toml": RULES.format('["cs.LG"]'), "vercel_env": "production"},
    "second": {"feeds_toml": RULES.format('["cs.CL", "cs.LG"]'), "store_prefix": "second"},
    "preview": {"feeds_toml": RULES.format('["cs.AI"]'), "vercel_env": "preview"},
}
OTHER = {"other": {"feeds_toml": RULES.format('["cs.CL"]'), "vercel_env": "production"}}
Ended = dict[date, tuple[str, list[str]]]  # by date its state and its papers


def settings_of(wire: str, where: dict[str, str], upstream: Upstream, day: date) -> Settings:
    noon = datetime.combine(day, time(12), EASTERN)
    return load_settings(
        env_file=False, arxiv_rss_url=upstream.url, replay_gate_seconds=0, now=noon, **(WIRES | OTHER)[wire], **where
    )


async def visit(settings: Settings, upstream: Upstream) -> None:
    wire = Paperwire(settings)
    report = await wire.refresh(seconds=0)
    assert report.today, upstream.requests
    await wire.archive.store.delete(keys.ARXIV_GATE)  # the visits are not three seconds apart
    await wire.close()


async def ended(settings: Settings) -> Ended:
    wire = Paperwire(settings)
    manifest = (await wire.archive.state()).manifest
    batches = await Days(wire.archive.store).batches(manifest.records.values())
    await wire.close()
    return {
        day: (record.state, sorted(one.paper.versioned for one in batches[record.hash].announcements))
        for day, record in manifest.records.items()
        if record.hash
    }


def run(wires: list[str], where: dict[str, str], days: list[date]) -> dict[str, Ended]:
    """What each of the wires has in the end, after it visited arXiv on each of these days."""

    async def main(upstream: Upstream) -> dict[str, Ended]:
        of_days = announced()
        for day in days:
            upstream.day, upstream.sheets = day, of_days[day]
            for wire in (*wires, *reversed(wires)):
                await visit(settings_of(wire, where, upstream, day), upstream)
        return {wire: await ended(settings_of(wire, where, upstream, days[-1])) for wire in wires}

    with serving(Upstream()) as upstream:
        return asyncio.run(main(upstream))


@matrix("kind", ("sqlite", "redis"), daily=())
def test_a_fortnight_in_one_database(kind: str, tmp_path: Path) -> None:
    """Two deployments with different categories and a preview: nothing of one is in another, or lacks."""
    share(kind, tmp_path, list(DAYS))


def test_days_in_one_database(tmp_path: Path) -> None:
    """The same for three days."""
    share("redis", tmp_path, list(DAYS[:3]))


def share(kind: str, tmp_path: Path, days: list[date]) -> None:
    """Compare wires in one database with the same wires alone."""
    alone = {wire: run([wire], {"sqlite_path": str(tmp_path / f"{wire}.sqlite3")}, days)[wire] for wire in WIRES}
    assert len({str(found) for found in alone.values()}) == len(WIRES), "they would not be told apart"
    assert all(found.keys() == set(days) for found in alone.values())
    server = redis_server()
    where = {"sqlite_path": str(tmp_path / "shared.sqlite3")}
    if kind == "redis":
        where = {"redis_url": server.url_of(server.empty_database())}
    assert alone == run(list(WIRES), where, days)


def test_deployments_with_different_categories(tmp_path: Path) -> None:
    """Two deployments under the same keys, with different categories: their feeds are those that each has alone."""
    days = list(DAYS[:3])

    def shown(wires: list[str], where: dict[str, str]) -> dict[str, list[tuple[date, str]]]:
        async def feed(settings: Settings) -> list[tuple[date, str]]:
            wire = Paperwire(settings)
            found = await wire.entries(await wire.manifest(), wire.main)
            await wire.close()
            return sorted((entry.announced, entry.paper.versioned) for entry in found.entries)

        run(wires, where, days)
        with serving(Upstream()) as upstream:
            return {wire: asyncio.run(feed(settings_of(wire, where, upstream, days[-1]))) for wire in wires}

    wires = ["production", "other"]
    alone = {wire: shown([wire], {"sqlite_path": str(tmp_path / f"{wire}.sqlite3")})[wire] for wire in wires}
    assert all(len({day for day, _ in found}) == len(days) for found in alone.values())
    assert alone["production"] != alone["other"]
    assert alone == shown(wires, {"sqlite_path": str(tmp_path / "shared.sqlite3")})


@pytest.mark.parametrize("wire", WIRES)
def test_a_wire_is_removed(wire: str, tmp_path: Path) -> None:
    """What is removed of one wire is not missed by the others."""

    async def main() -> dict[str, int]:
        counts = {}
        wires = {name: Paperwire(settings_of(name, where, upstream, DAYS[0])) for name in WIRES}
        await wires[wire].archive.store.clear(keys.PREFIX)
        for name, one in wires.items():
            counts[name] = len([key async for key, _, _ in one.archive.store.entries() if "lock" not in key])
            await one.close()
        return counts

    where = {"sqlite_path": str(tmp_path / "store.sqlite3")}
    run(list(WIRES), where, list(DAYS[:1]))
    with serving(Upstream()) as upstream:
        counts = asyncio.run(main())
    assert [0] == [count for name, count in counts.items() if name == wire]
    assert all(count > 3 for name, count in counts.items() if name != wire)
