"""A month of a simulated arXiv: visits by processes of their own, some of which are killed, and what came of it.

The world is `arxiv_world.py` (`tests.jobs.test_shared_world`), or any other with the same few attributes.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.model.batch import Batch, announce_type, announced_in
from core.model.categories import canonical, listed
from core.model.manifest import Manifest

FEEDS = """
[instance]
retention_days = {days}

[feeds.main]
title = "Main"
categories = {categories}
announce_types = ["new", "cross", "replace", "replace-cross"]
max_entries = 500
"""
KINDS = ("new", "cross", "replace")
VISIT_SECONDS = 120.0


@dataclass
class Verdict:
    """What a life ended with: counts by kind of mistake, and examples of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, example: str) -> None:
        """Count a mistake."""
        self.counts[what] += 1
        self.examples.setdefault(what, []).append(example)


@dataclass
class Life:
    """A store, and the settings of the deployments that share it, by name."""

    url: str
    configs: Mapping[str, Sequence[str]]
    store: Mapping[str, Any]  # sqlite_path or redis_url
    days: int = 30

    def settings(self, config: str, now: datetime | None = None) -> Settings:
        """The settings of a deployment at a time."""
        names = str(list(self.configs[config])).replace("'", '"')
        return load_settings(
            env_file=False,
            arxiv_rss_url=self.url,
            replay_gate_seconds=0,
            feeds_toml=FEEDS.format(days=self.days, categories=names),
            now=now,
            log_level="ERROR",
            **self.store,
        )

    def visit(self, world: Any, visit: Mapping[str, Any], processes: int = 1) -> None:
        """Set the world to a visit, and refresh in so many processes, one of which may be killed."""
        world.enter(visit)
        now = datetime.fromisoformat(visit["now"])
        children: list[int] = []

        def count(number: int) -> None:
            if visit["kill"] and number == visit["kill"] and children:
                with suppress(ProcessLookupError):
                    os.kill(children[0], signal.SIGKILL)

        world.on_request = count
        for _ in range(processes):  # one by one: the first one may be killed meanwhile
            children += [_forked(self.settings(visit["config"], now))]
        _wait(children)
        world.on_request = lambda _number: None
        if visit["kill"] or visit["evict"]:
            asyncio.run(self._between(now, visit["evict"]))

    async def _between(self, now: datetime, evict: int) -> None:
        """Let the locks of killed processes expire, which takes no time here, and lose stored batches."""
        wire = Paperwire(self.settings("main", now))
        names = [key async for key, _, _ in wire.archive.store.entries()]
        lost = sorted(name for name in names if ":batch:" in name and not name.startswith("pw1:copy"))
        gone = [name for name in names if ":lock:" in name]
        gone += lost[:: max(len(lost) // evict, 1)][:evict] if evict else []
        for name in gone:
            await wire.archive.store.put(name, b"", 0.001)
        await asyncio.sleep(0.01)
        await wire.close()

    def stored(self) -> tuple[Manifest, dict[date, Batch]]:
        """The manifest and the batches."""

        async def read() -> tuple[Manifest, dict[date, Batch]]:
            wire = Paperwire(self.settings("main"))
            manifest = (await wire.archive.state()).manifest
            found = await wire.archive.days.batches(manifest.stored)
            await wire.close()
            return manifest, {record.date: found[record.hash] for record in manifest.stored if record.hash in found}

        return asyncio.run(read())


def _forked(settings: Settings) -> int:
    """Refresh in a process of its own, which may be killed. Returns its number."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(_refresh(settings))
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


async def _refresh(settings: Settings) -> None:
    wire = Paperwire(settings)
    report = await wire.refresh(seconds=60, patience=20)
    if report.errors:
        sys.stderr.write(f"{settings.now} {report.errors}\n")
    await wire.close()


def _wait(children: Iterable[int]) -> None:
    end = time.monotonic() + VISIT_SECONDS
    for child in children:
        while os.waitpid(child, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.002)


def judge(
    life: Life,
    truth: Mapping[str, Mapping[str, Mapping[str, Any]]],
    config: str = "main",
    verdict: Verdict | None = None,
) -> Verdict:
    """Compare what a deployment has with the truth: {date: {id: {"type", "version"}}}."""
    verdict = verdict or Verdict()
    manifest, batches = life.stored()
    wanted = frozenset(life.configs[config])
    have = {
        day.isoformat(): {
            i.paper.id: (announce_type(i, tuple(wanted)), i) for i in batch.announcements if announced_in(i, wanted)
        }
        for day, batch in batches.items()
    }
    everywhere: dict[str, list[tuple[str, str]]] = {}
    for day, items in have.items():
        for name, (kind, _) in items.items():
            everywhere.setdefault(name, []).append((day, kind))
    for day, papers in truth.items():
        for name, said in papers.items():
            _judge_one(verdict, day, name, said, have, everywhere)
    for day, items in have.items():
        for name, (kind, item) in items.items():
            if day in truth and name not in truth[day]:
                elsewhere = [d for d, papers in truth.items() if name in papers]
                verdict.note(
                    "wrong date" if elsewhere and not _all_there(name, elsewhere, have) else "stray",
                    f"{day} {name} {kind} {item.source} {elsewhere}",
                )
    _judge_states(verdict, manifest, truth, have, wanted)
    return verdict


def _all_there(name: str, days: Iterable[str], have: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(name in have.get(day, {}) for day in days)


def _judge_one(verdict: Verdict, day: str, name: str, said: Mapping[str, Any], have: Any, everywhere: Any) -> None:
    if name not in have.get(day, {}):
        family = said["type"].partition("-")[0]
        verdict.note(f"lost {family}", f"{day} {name} v{said['version']} {said['action']} {everywhere.get(name)}")
        return
    kind, item = have[day][name]
    if kind != said["type"]:
        verdict.note("type", f"{day} {name} {said['type']} {said['action']} is {kind} {item.source}")
    if item.paper.version != said["version"]:
        verdict.note(
            "version", f"{day} {name} {said['type']} v{said['version']} is v{item.paper.version} {item.source}"
        )


def _judge_states(verdict: Verdict, manifest: Manifest, truth: Any, have: Any, wanted: frozenset[str]) -> None:
    for day, papers in truth.items():
        record = manifest.get(date.fromisoformat(day))
        if papers and record.state == "quiet":
            verdict.note("quiet though it has papers", day)
        for name in sorted(wanted):
            of_it = [p for p, said in papers.items() if any(listed(c, (name,)) for c in said["categories"])]
            lacks = [p for p in of_it if p not in have.get(day, {})]
            state = record.of(canonical(name)).state
            if lacks and state in ("complete", "quiet"):
                verdict.note("complete though it lacks", f"{day} {name} {lacks}")
            verdict.counts[f"state {state}"] += 1
