"""A fortnight of a small simulated arXiv: whatever comes late, whichever process is killed, nothing is lost."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.model.batch import announced_in
from core.model.reconcile import seen_by
from tests.support.life import Life, judge
from tests.support.small_world import CONFIGS, DAYS, LAST, SmallWorld, visit
from tests.support.stores import redis_server
from tests.support.tiers import matrix
from tests.support.worlds import MISTAKES

STALE = {"path": "/rss", "kind": "stale"}
SITE_DOWN = {"path": "/catchup", "kind": "503"}
FEED_DOWN = {"path": "/rss", "kind": "503"}


def plan() -> list[dict[str, Any]]:
    """Visits with each kind of trouble: days without a visit, stale mornings after them, sources that are down, several
    processes of which one is killed, lost batches, evenings, another deployment.
    """
    one, _, three, four, five, six, seven, _, nine, ten = DAYS  # nobody came on two of them
    return [
        visit(one, 6.6), visit(one, 18, kill=2, processes=2),
        visit(three, 6.6, "main", STALE), visit(three, 18),
        visit(four, 6.6, "main", FEED_DOWN, SITE_DOWN), visit(four, 13, "main", SITE_DOWN, kill_use=30),
        visit(five, 6.6, "main", STALE, kill_use=12), visit(five, 10, "other"), visit(five, 26.5, processes=3),
        visit(six, 22, evict=2), visit(seven, 6.6, "other"), visit(seven, 8, evict=-3),
        visit(nine, 6.6, "main", STALE, SITE_DOWN), visit(nine, 28.4, "main", kill=5),
        *(visit(ten, hour, config) for hour in (13, 15, 17) for config in ("other", "main")),
    ]  # fmt: skip


@matrix("seed", range(1, 6), daily=[1])
def test_a_fortnight(seed: int, tmp_path: Path) -> None:
    """Each deployment ends with what was announced in its categories, on its dates, and says so."""
    world = SmallWorld(seed)
    life = Life(CONFIGS, {"sqlite_path": tmp_path / "store.sqlite3"})
    life.live(world, plan())
    whole = world.truth(["cs.LG", "cs.CL", "cs.CV", "cs.RO"])
    for config in ("main", "other"):
        verdict = judge(life, world.truth(CONFIGS[config]), config, whole=whole)
        assert {} == {what: found for what, found in verdict.examples.items() if what in MISTAKES}
        assert 0 == sum(n for what, n in verdict.counts.items() if what in ("state failed", "state partial"))
    assert sum(map(len, whole.values())) > 60
    assert LAST == max(life.stored()[1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_two_deployments_and_a_preview_in_one_database(kind: str, tmp_path: Path) -> None:
    """They visit by turns, each on days of its own; each ends with exactly its own days, and with their numbers."""
    world = SmallWorld(11)
    where: dict[str, Any] = {"sqlite_path": tmp_path / "store.sqlite3"}
    if kind == "redis":
        where = {"redis_url": redis_server().url_of(redis_server().empty_database())}
    configs = ("main", "other", "subset")
    life = Life(CONFIGS, where, more={"subset": {"vercel_env": "preview"}})
    visits = [
        visit(day, hour, config, *([STALE] if at % 4 == 3 and hour < 10 else []), processes=1 + at % 2)
        for at, day in enumerate(DAYS)
        for number, config in enumerate(configs)
        for hour in (6.5 + number, 19 - number, 26.2)
        if (at + number) % 5
    ]
    last = [visit(LAST, 20 + hour / 2, config) for hour in range(3) for config in configs]
    life.live(world, [*sorted(visits, key=lambda one: one["now"]), *last])
    whole = world.truth(["cs.LG", "cs.CL", "cs.CV", "cs.RO"])
    for config in configs:
        truth = world.truth(CONFIGS[config])
        verdict = judge(life, truth, config, whole=whole)
        assert {} == {what: found for what, found in verdict.examples.items() if what in MISTAKES}, config
        manifest, batches = life.stored(config)
        assert {day for day, papers in truth.items() if papers} <= {day.isoformat() for day in batches}
        own = seen_by(manifest, CONFIGS[config])
        numbers = {day: own.get(date.fromisoformat(day)).total - len(papers) for day, papers in truth.items()}
        spare = len(verdict.examples.get("cross-list in another category", ()))
        assert spare == sum(numbers.values()), config
    of_preview = [item for batch in life.stored("subset")[1].values() for item in batch.announcements]
    assert [] == [item.paper.id for item in of_preview if not announced_in(item, ("cs.CL",))]


def test_the_judge_sees_what_lacks(tmp_path: Path) -> None:
    """A life without a visit after a missed day lacks what was announced on it: the judge is no formality."""
    world = SmallWorld(1)
    life = Life(CONFIGS, {"sqlite_path": tmp_path / "store.sqlite3"})
    down = STALE, SITE_DOWN, {"path": "/api", "kind": "503"}
    life.live(world, [visit(DAYS[0], 6.6), visit(DAYS[2], 6.6, "main", *down)])
    verdict = judge(life, world.truth(CONFIGS["main"]))
    assert verdict.counts["lost new"] > 10
    assert not verdict.counts["complete though it lacks"]
    assert not verdict.counts["quiet though it has papers"]
