"""A simulated arXiv with a clock and a truth: after stale, missed and short days, nothing is lost or on a wrong date.

A late cross-list is on the catch-up pages of all categories that a paper has beside its primary one. Where arXiv's feed
was missed, and the paper is older than what is stored, one too many may come of that: these alone are allowed.
"""

import importlib.util
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.life import Life, judge

pytestmark = [pytest.mark.shared, pytest.mark.slow]

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "arxiv_world.py"
FIRST, LAST = date(2025, 12, 15), date(2025, 12, 23)
WED, THU = date(2025, 12, 17), date(2025, 12, 18)
STALE = {"path": "/rss", "kind": "stale", "hours": 6}
SITE_DOWN = {"path": "/catchup", "kind": "503"}


@pytest.fixture(scope="module")
def tool() -> Iterator[ModuleType]:
    """The simulated arXiv."""
    if not TOOL.exists():
        pytest.skip("../shared is absent")
    spec = importlib.util.spec_from_file_location("arxiv_world", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["arxiv_world"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["arxiv_world"]


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


@pytest.mark.parametrize("name", ["calm", "faulty", "foreign"])
def test_scenarios(tool: ModuleType, tmp_path: Path, name: str) -> None:
    """A month as the tool plans it."""
    world = tool.plan_world(name, 1, last=date(2026, 1, 2), per_day=12)
    live(tool, world, world.plan, tmp_path, ("main",))


def live(tool: ModuleType, world: Any, plan: list[dict[str, Any]], folder: Path, configs: tuple[str, ...]) -> None:
    """Make the visits, and compare."""
    server = tool.serve(world)
    try:
        life = Life(server.url, tool.CONFIGS, {"sqlite_path": folder / "store.sqlite3"})
        for visit in plan:
            life.visit(world, visit)
        for config in configs:
            verdict = judge(life, world.truth(tool.CONFIGS[config]), config)
            mistakes = {
                what: found
                for what, examples in verdict.examples.items()
                if (found := [one for one in examples if what != "stray" or "cross catchup" not in one])
            }
            assert {} == {what: found for what, found in mistakes.items() if what not in ("type", "version")}
    finally:
        server.shutdown()
        server.server_close()
