"""A simulated arXiv with a clock and a truth: after stale, missed and short days, nothing is lost or on a wrong date.

`python -m tests.support.worlds` lives through whole months of it, for many seeds.
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.arxiv_world import joined
from tests.support.life import Life, judge
from tests.support.worlds import load_tool, mistakes, named_twice, outcome

pytestmark = [pytest.mark.shared, pytest.mark.slow]

FIRST, LAST = date(2025, 12, 15), date(2025, 12, 23)
WED, THU = date(2025, 12, 17), date(2025, 12, 18)
STALE = {"path": "/rss", "kind": "stale", "hours": 6}
SITE_DOWN = {"path": "/catchup", "kind": "503"}


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    """The simulated arXiv."""
    try:
        yield load_tool()
    except FileNotFoundError:
        pytest.skip("../shared is absent")
    finally:
        sys.modules.pop("arxiv_world", None)


def plan_of(tool: ModuleType, world: Any, name: str) -> list[dict[str, Any]]:
    """The visits of a scenario: twice a working day, but for what is special about it."""
    days = [day for day in world.days if FIRST <= day <= LAST]
    faults: dict[date, list[dict[str, Any]]] = {}
    missed: set[date] = set()
    configs = ["main"]
    if name == "stale after a missed day":
        missed, faults = {WED}, {THU: [STALE]}
    elif name == "one category stale":
        missed, faults = {WED}, {THU: [STALE | {"category": "cs.LG", "hours": 24}]}
    elif name == "fresh on a stale morning":
        missed, faults = {day for day in days if day < THU}, {THU: [STALE]}
    elif name == "by the API alone at first":
        missed, faults = {WED}, {THU: [SITE_DOWN]}
    elif name == "two deployments":
        configs = ["main", "other"]
    visits = [
        tool.visit(day, hour + n / 4, config, faults.get(day, ()))
        for day in days
        if day not in missed
        for hour in (6.6, 18)
        for n, config in enumerate(configs)
    ]
    visits[3]["kill"] = 2
    return [*visits, *(tool.visit(LAST, 20 + n / 2, config) for n in range(3) for config in configs)]


NAMES = (
    "stale after a missed day", "one category stale", "fresh on a stale morning", "by the API alone at first",
    "two deployments",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_own_scenarios(tool: ModuleType, tmp_path: Path, name: str) -> None:
    """Each case that once lost papers ends with what arXiv announced."""
    world = tool.World(FIRST, LAST, f"{name} 1", per_day=14)
    live(
        tool, world, plan_of(tool, world, name), tmp_path, ("main", "other") if name == "two deployments" else ("main",)
    )


@pytest.mark.parametrize("name", ["calm", "faulty", "foreign", "missed"])
def test_months(tool: ModuleType, tmp_path: Path, name: str) -> None:
    """A month of each scenario, in which processes compete and are killed, ends with what arXiv announced."""
    assert {} == mistakes(outcome(tool, name, 1, {"sqlite_path": tmp_path / "store.sqlite3"}, per_day=6))


def live(tool: ModuleType, world: Any, plan: list[dict[str, Any]], folder: Path, configs: tuple[str, ...]) -> None:
    """Make the visits, and compare."""
    life = Life(tool.CONFIGS, {"sqlite_path": folder / "store.sqlite3"})
    life.live(joined(tool, world), plan)
    for config in configs:
        truth, twice = world.truth(tool.CONFIGS[config]), named_twice(world)
        assert {} == mistakes(judge(life, truth, config, whole=world.truth(), twice=twice)), config
