"""A fortnight of a small simulated arXiv: whatever it shows late, and whoever is killed, nothing is lost in the end."""

from pathlib import Path
from typing import Any

from tests.support.life import Life, judge
from tests.support.small_world import CONFIGS, DAYS, LAST, SmallWorld, visit
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
