"""Months of a simulated arXiv, scenario by scenario and seed by seed, and what came of each: 0 mistakes are wanted.

    python -m tests.support.worlds --seeds 1-20 --store sqlite redis

It needs `../shared`, which has the simulated arXiv. Visits are two or three a day, by one to three processes, of which
some are killed at a random request or use of the store; the last three visits are undisturbed.
"""

import argparse
import importlib.util
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, TextIO

from tests.support.arxiv_world import joined
from tests.support.life import Life, Verdict, judge

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "arxiv_world.py"
FIRST, LAST = date(2025, 12, 15), date(2026, 1, 21)  # 25 announcement days
RETENTION = 45
Visits = list[dict[str, Any]]
Plan = Callable[[ModuleType, Sequence[date], Random], Visits]
HOURS = (5.5, 6.6, 8, 10, 13, 18, 22, 26.5)  # (UTC); from 25 on the mailing of the next date is out, its feed is not
MISTAKES = (
    "lost new", "lost cross", "lost replace", "wrong date", "duplicate", "stray",
    "complete though it lacks", "quiet though it has papers", "type", "version",
)  # fmt: skip


# What no witness can tell: see `judge`
NOTED = ("replaced and cross-listed at once", "version of a page", "cross-list in another category")


def load_tool() -> ModuleType:
    """The simulated arXiv. Raises `FileNotFoundError` where it is absent."""
    spec = importlib.util.spec_from_file_location("arxiv_world", TOOL)
    if spec is None or spec.loader is None or not TOOL.exists():
        raise FileNotFoundError(TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["arxiv_world"] = module
    spec.loader.exec_module(module)
    return module


def _usual(tool: ModuleType, day: date, luck: Random, faults: Iterable[Mapping[str, Any]] = ()) -> Visits:
    """Two or three visits of a day."""
    hours = luck.sample(HOURS, luck.choice([2, 2, 3]))
    return [tool.visit(day, hour, "main", faults) for hour in hours]


def _stale(luck: Random, *, one: bool) -> dict[str, Any]:
    category = {"category": luck.choice(["cs.LG", "cs.CL", "math.NA", "cs.SY"])} if one else {}
    return {"path": "/rss", "kind": "stale", "hours": luck.choice([3, 8, 24])} | category


def _missed(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """A day without a visit, then a feed that is stale under the new date: again and again."""
    visits: Visits = []
    for at, day in enumerate(days):
        if at % 4 != 2:
            visits += _usual(tool, day, luck, [_stale(luck, one=luck.random() < 0.3)] if at % 4 == 3 else [])
    return visits


def _one_stale(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """One category is stale, for hours or a day, also after a day without a visit."""
    visits: Visits = []
    for day in days:
        kind = luck.choice(["calm", "calm", "stale", "stale", "missed"])
        if kind != "missed":
            visits += _usual(tool, day, luck, [_stale(luck, one=True)] if kind == "stale" else [])
    return visits


def _fresh(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """A deployment that begins after ten days, on a stale morning."""
    first = tool.visit(days[10], luck.choice([5.5, 6.6, 10, 26.5]), "main", [_stale(luck, one=luck.random() < 0.3)])
    return [first, *(visit for day in days[11:] for visit in _usual(tool, day, luck))]


def _api_alone(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """Days on which only the API answers, and before them days without a visit; the site comes back later."""
    visits: Visits = []
    down = {at for start in (3, 10, 17) for at in range(start, start + luck.choice([1, 2, 3]))}
    for at, day in enumerate(days):
        site = {"path": "/catchup", "kind": luck.choice(["503", "429", "html", "truncated", "empty"])}
        faults = [
            site,
            *([{"path": "/rss", "kind": luck.choice(["503", "rate", "html"])}] if luck.random() < 0.6 else []),
        ]
        if at + 1 not in down or at in down:
            visits += _usual(tool, day, luck, faults if at in down else [])
    return visits


def _deployments(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """Three deployments with different categories, each of which misses days of its own."""
    visits: Visits = []
    for day in days:
        faults = [_stale(luck, one=False)] if luck.random() < 0.2 else []
        for config in ("main", "other", "subset"):
            if luck.random() > 0.2:
                visits += [visit | {"config": config} for visit in _usual(tool, day, luck, faults)]
    return visits


def _evenings(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """Visits while the next mailing is out, which the feed does not show yet, and hardly any in the morning."""
    hours = (25.1, 26.5, 28.2, 28.9, 18)
    return [
        tool.visit(day, hour)
        for day in days
        if luck.random() > 0.15
        for hour in luck.sample(hours, luck.choice([2, 3]))
    ]


def _forgetful(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """A store that loses batches, with or without their copies, and an arXiv that is short now and then."""
    visits: Visits = []
    for day in days:
        short = {"path": luck.choice(["/rss", "/catchup"]), "kind": "short", "share": luck.choice([0.1, 0.4])}
        of_day = _usual(tool, day, luck, [short | {"hours": 9}] if luck.random() < 0.3 else [])
        if luck.random() < 0.4:
            of_day[-1]["evict"] = luck.choice([1, 2, -1, -2, -4])
        visits += of_day
    return visits


def _clocks(tool: ModuleType, days: Sequence[date], luck: Random) -> Visits:
    """Processes whose clocks are ahead or behind, by hours to months."""
    visits: Visits = []
    for day in days:
        of_day = _usual(tool, day, luck)
        if luck.random() < 0.4:
            wrong = timedelta(hours=luck.choice([-100, -30, -3, 3, 20, 50, 24 * 10, 24 * 70]))
            one = luck.choice(of_day)
            one["clock"] = (datetime.fromisoformat(one["now"]) + wrong).isoformat()
        visits += of_day
    return visits


OWN: Mapping[str, Plan] = {
    "missed": _missed, "one stale": _one_stale, "fresh": _fresh, "API alone": _api_alone, "deployments": _deployments,
    "evenings": _evenings, "forgetful": _forgetful, "clocks": _clocks,
}  # fmt: skip
SCENARIOS = ("calm", "faulty", "foreign", *OWN)


def month(tool: ModuleType, name: str, seed: int, per_day: int = 20) -> tuple[Any, Visits]:
    """The world of a scenario, and the plan of the visits to it."""
    luck = Random(f"{name} {seed} plan")
    if name in OWN:
        world = tool.World(FIRST, LAST, f"{name} {seed}", per_day=per_day)
        days = [day for day in world.days if FIRST <= day <= LAST]
        plan = [visit for visit in OWN[name](tool, days, luck) if visit["now"] < tool.visit(LAST, 15)["now"]]
    else:
        world = tool.plan_world(name, seed, first=FIRST, last=LAST, per_day=per_day)
        plan = world.plan[:-3]
    plan.sort(key=lambda visit: visit["now"])
    for visit in plan:
        visit["processes"] = luck.choice([1, 1, 2, 3])
        if luck.random() < 0.2 and not visit["kill"]:
            visit |= luck.choice([{"kill": luck.randint(1, 12)}, {"kill_use": luck.randint(1, 80)}])
    configs = sorted({visit["config"] for visit in plan})
    last = [tool.visit(LAST, 15 + n, config) for n in range(3) for config in reversed(configs)]
    return joined(tool, world), [*plan, *sorted(last, key=lambda visit: visit["now"])]


def named_twice(world: Any) -> set[tuple[str, str]]:
    """The dates and papers of which a mailing says two things: a new version, and one more category."""
    return {
        (day.isoformat(), name) for day, of_day in world.events.items() for name, of in of_day.items() if len(of) > 1
    }


def outcome(tool: ModuleType, name: str, seed: int, store: Mapping[str, Any], per_day: int = 20) -> Verdict:
    """What came of a month, over all its deployments."""
    world, plan = month(tool, name, seed, per_day)
    life = Life(tool.CONFIGS, store, days=RETENTION)
    life.live(world, plan)
    verdict, twice = Verdict(), named_twice(world)
    for config in sorted({visit["config"] for visit in plan}):
        judge(life, world.truth(tool.CONFIGS[config]), config, verdict, world.truth(), twice)
    return verdict


def mistakes(verdict: Verdict) -> dict[str, list[str]]:
    """The mistakes of which there must be none, with examples."""
    return {name: verdict.examples[name] for name in MISTAKES if name in verdict.examples}


def _where(kind: str, folder: str) -> dict[str, Any]:
    if kind == "sqlite":
        return {"sqlite_path": Path(folder) / "store.sqlite3"}
    from tests.support.stores import redis_server

    return {"redis_url": redis_server().url_of(redis_server().empty_database())}


def _row(name: str, kind: str, seeds: Iterable[int], per_day: int, tool: ModuleType) -> tuple[list[str], Counter[str]]:
    """The cells of a scenario, one for each seed, and the sums of its mistakes."""
    cells, sums = list[str](), Counter[str]()
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
            verdict = outcome(tool, name, seed, _where(kind, folder), per_day)
        found = mistakes(verdict)
        cells.append(str(sum(map(len, found.values()))))
        sums.update({what: len(of) for what, of in found.items()})
        sums.update({what: verdict.counts[what] for what in NOTED})
        for what, examples in found.items():
            for example in examples[:5]:
                _say(f"  {name} {seed} {kind}: {what}: {example}", sys.stderr)
    return cells, sums


def _say(line: str, to: TextIO = sys.stdout) -> None:
    to.write(f"{line}\n")
    to.flush()


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _main() -> int:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--seeds", default="1-20", help="first-last")
    args.add_argument("--store", nargs="+", default=["sqlite"], choices=["sqlite", "redis"])
    args.add_argument("--scenario", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    args.add_argument("--per-day", type=int, default=20, help="new papers a day")
    given = args.parse_args()
    logging.getLogger("paperwire").setLevel(logging.ERROR)
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    tool, total, begun = load_tool(), 0, time.monotonic()
    _say("| scenario | store | " + " | ".join(map(str, seeds)) + " | mistakes | " + ", ".join(NOTED) + " |")
    _say("|---" * (len(seeds) + 4) + "|")
    for name in given.scenario:
        for kind in given.store:
            cells, sums = _row(name, kind, seeds, given.per_day, tool)
            wrong = {what: number for what, number in sums.items() if what in MISTAKES}
            said = ", ".join(f"{what} {number}" for what, number in wrong.items()) or "none"
            row = [name, kind, *cells, said, ", ".join(str(sums[what]) for what in NOTED)]
            _say("| " + " | ".join(row) + " |")
            total += sum(wrong.values())
    _say(f"\n{total} mistakes; {time.monotonic() - begun:.0f} s")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(_main())
