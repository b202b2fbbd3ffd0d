"""A month of a simulated arXiv: visits by processes, some of which are killed, and what came of it.

The world is `arxiv_world.py` (`tests.jobs.test_shared_world`), or any other with the same few attributes. All is in
this process: requests go to the world without a network, waiting takes no time, and a killed process is one whose next
request or use of the store never happens, as nothing after it. Its locks stay until they expire, which takes no time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import httpx

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.jobs import upstreams
from core.model.batch import Announcement, Batch, announce_type, announced_in
from core.model.categories import canonical, listed
from core.model.consistent import others_of
from core.model.errors import LockLost, StoreError
from core.model.manifest import Manifest
from core.store.base import Store

FEEDS = """
[instance]
retention_days = {days}

[feeds.main]
title = "Main"
categories = {categories}
announce_types = ["new", "cross", "replace", "replace-cross"]
max_entries = 500
"""
URL = "http://world.example"
LONGEST_PAUSE = 1.0  # between two looks at a lock; what is longer bounds real work
FASTER = 200
log = logging.getLogger("paperwire.tests")


class World(Protocol):
    """A simulated arXiv."""

    def enter(self, visit: Mapping[str, Any]) -> None:
        """Set the clock and the faults as a visit has them."""

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, Sequence[tuple[str, str]], bytes] | None:
        """Returns status, headers and body for a path with its query; None if it hangs up."""


class Killed(BaseException):
    """Raised in a process that is dead: no `except Exception` notices it, and no `finally` has an effect."""


@dataclass
class Process:
    """One process of a visit: it dies at its request or its use of the store with this number."""

    world: World
    at_request: int | None = None
    at_use: int | None = None
    requests: int = 0
    uses: int = 0
    dead: bool = False
    locks: list[tuple[str, str]] = field(default_factory=list)

    def request(self) -> None:
        """Count a request."""
        self.requests += 1
        self._step(self.requests == self.at_request)

    def use(self) -> None:
        """Count a use of the store."""
        self.uses += 1
        self._step(self.uses == self.at_use)

    def _step(self, dies: bool) -> None:
        self.dead = self.dead or dies
        if self.dead:
            raise Killed


_process: ContextVar[Process] = ContextVar("process")


class MortalStore:
    """A `Store` of a process that may be killed: what a dead one does never reaches the `whole`."""

    def __init__(self, whole: Store, process: Process) -> None:
        self.whole = whole
        self.process = process

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.whole, name)
        if name == "entries":
            return method

        async def call(*values: Any, **named: Any) -> Any:
            if name == "close":
                return await method()
            if name == "prolong" and self.process.dead:  # by a task of its own, which has just to end
                return False
            self.process.use()
            found = await method(*values, **named)
            if name == "acquire" and found:
                self.process.locks.append((values[0], values[1]))
            return found

        return call


class Line(httpx.AsyncBaseTransport):
    """The line of the current process to its world."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process = _process.get()
        process.request()
        path = request.url.raw_path.decode()
        answer = process.world.answer(path, request.headers)
        if answer is None:
            raise httpx.ReadError("the connection was reset", request=request)
        status, headers, body = answer
        return httpx.Response(status, headers=list(headers), stream=httpx.ByteStream(body), request=request)


@contextmanager
def in_process() -> Iterator[None]:
    """Send the requests of all upstreams to the world of the process that makes them."""
    real = upstreams._make_client
    upstreams._make_client = lambda _settings: httpx.AsyncClient(transport=Line(), verify=False)
    try:
        yield
    finally:
        upstreams._make_client = real


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop in which short pauses, as between two looks at a lock, take next to no time, and in which what is
    for another thread is done here, in the next round: the same plan always leads to the same order.
    """

    def call_later(self, delay: float, *rest: Any, **named: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        return super().call_later(delay if delay > LONGEST_PAUSE else delay / FASTER, *rest, **named)

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, function: Callable[..., Any], *values: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(function(*values))
            except Exception as error:
                future.set_exception(error)

        self.call_soon(work)
        return future


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

    configs: Mapping[str, Sequence[str]]
    store: Mapping[str, Any]  # sqlite_path or redis_url
    days: int = 30
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # other settings of a deployment
    _settings: dict[str, Settings] = field(default_factory=dict)

    def settings(self, config: str, now: datetime | None = None) -> Settings:
        """The settings of a deployment at a time."""
        if config not in self._settings:
            names = str(list(self.configs[config])).replace("'", '"')
            self._settings[config] = load_settings(
                env_file=False,
                arxiv_rss_url=URL,
                replay_gate_seconds=0,
                feeds_toml=FEEDS.format(days=self.days, categories=names),
                log_level="ERROR",
                **self.store,
                **self.more.get(config, {}),
            )
        return self._settings[config].model_copy(update={"now": now})

    def live(self, world: World, plan: Iterable[Mapping[str, Any]], see: Callable[[str], None] = log.info) -> None:
        """Make all visits of a plan, each with its number of "processes", in one event loop."""

        async def all_visits() -> None:
            for visit in plan:
                await self._visit(world, visit, see)

        with in_process(), asyncio.Runner(loop_factory=QuickLoop) as runner:
            runner.run(all_visits())

    async def _visit(self, world: World, visit: Mapping[str, Any], see: Callable[[str], None]) -> None:
        world.enter(visit)
        now = datetime.fromisoformat(visit.get("clock", visit["now"]))
        processes = [Process(world) for _ in range(visit.get("processes", 1))]
        processes[0].at_request, processes[-1].at_use = visit["kill"], visit.get("kill_use")
        settings = self.settings(visit["config"], now)
        tasks = [asyncio.create_task(self._refresh(settings, process, see)) for process in processes]
        await asyncio.gather(*tasks)
        if visit["evict"]:
            await self._evict(now, visit["evict"])

    async def _refresh(self, settings: Settings, process: Process, see: Callable[[str], None]) -> None:
        """Refresh in a process of its own, which may be killed."""
        _process.set(process)
        wire = Paperwire(settings)
        whole = wire.archive.store.whole
        wire.archive.store.whole = MortalStore(whole, process)
        try:
            report = await wire.refresh(seconds=600, patience=20)
            if report.errors:
                see(f"{settings.now} {report.errors}")
        except Killed:
            for name, token in process.locks:
                await whole.release(name, token)
        except LockLost as error:
            see(f"{settings.now} {error}")
        finally:
            with suppress(StoreError):
                await wire.close()

    async def _evict(self, now: datetime, number: int) -> None:
        """Lose so many stored batches, with their copies if the number is negative."""
        wire = Paperwire(self.settings("main", now))
        names = [key async for key, _, _ in wire.archive.store.entries()]
        found = sorted(name for name in names if ":batch:" in name and "copy:" not in name)
        lost = found[:: max(len(found) // abs(number), 1)][: abs(number)]
        for name in names:
            if name in lost or (number < 0 and any(name.endswith(one.partition(":batch:")[2]) for one in lost)):
                await wire.archive.store.delete(name)
        await wire.close()

    def stored(self, config: str = "main") -> tuple[Manifest, dict[date, Batch]]:
        """The manifest and the batches of a deployment."""

        async def read() -> tuple[Manifest, dict[date, Batch]]:
            wire = Paperwire(self.settings(config))
            manifest = (await wire.archive.state()).manifest
            found = await wire.archive.days.batches(manifest.stored)
            await wire.close()
            return manifest, {record.date: found[record.hash] for record in manifest.stored if record.hash in found}

        return asyncio.run(read())


def judge(
    life: Life,
    truth: Mapping[str, Mapping[str, Mapping[str, Any]]],
    config: str = "main",
    verdict: Verdict | None = None,
    whole: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    twice: Collection[tuple[str, str]] = (),
) -> Verdict:
    """Compare what a deployment has with the truth: {date: {id: {"type", "version"}}}. `whole` is that of all arXiv,
    and `twice` are the dates and papers that one mailing had both as replaced and as cross-listed.

    Excused is only what no witness tells (see `_only_a_feed_tells` and `_judge_one`): it is counted by
    another name.
    """
    verdict = verdict or Verdict()
    manifest, batches = life.stored(config)
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
    for day, batch in batches.items():
        number = Counter(i.paper.id for i in batch.announcements if announced_in(i, wanted))
        for name in (name for name, count in number.items() if count > 1):
            verdict.note("duplicate", f"{day} {name}")
    for day, papers in truth.items():
        for name, said in papers.items():
            _judge_one(verdict, day, name, said, have, everywhere, twice)
    for day, items in have.items():
        for name, (kind, item) in items.items():
            if day in truth and name not in truth[day]:
                elsewhere = [d for d, papers in truth.items() if name in papers]
                what = "wrong date" if elsewhere and not _all_there(name, elsewhere, have) else "stray"
                first = have[min(everywhere[name])[0]][name][1]
                is_short = any(i.source == "catchup" and one in truth[day] for one, (_, i) in items.items())
                may_be = _only_a_feed_tells(manifest, day, item, first, wanted, is_short=is_short)
                is_other = name in (whole or {}).get(day, {}) and may_be
                what = "cross-list in another category" if what == "stray" and is_other else what
                verdict.note(what, f"{day} {name} {kind} {item.source} {elsewhere}")
    _judge_states(verdict, manifest, truth, have, wanted)
    return verdict


def _only_a_feed_tells(
    manifest: Manifest,
    text: str,
    item: Announcement,
    first: Announcement,
    wanted: frozenset[str],
    *,
    is_short: bool,
) -> bool:
    """Whether a paper may be in one of the `wanted` categories since this date, as far as all but their feed can say,
    and that feed was not read whole: `is_short` if it left out something that was announced. It was announced on this
    date in another category of it.

    A catch-up page lists it in all categories that it has now: a late cross-list, whichever of them it came into; a new
    one, and a replacement of a paper whose `first` announcement only a page has, also in one into which it came later.
    A feed of another deployment, which asks for several categories at once, does not say which of them it is either.
    """
    states = manifest.get(date.fromisoformat(text)).categories
    if item.relisted and item.by_rss:
        return any(listed(name, wanted) for name in item.into) and not all(listed(name, wanted) for name in item.into)
    if item.relisted:
        names = tuple(item.into or item.paper.categories)
        return is_short or not all(state.by_rss for name, state in states.items() if listed(name, names))
    was_read = any(state.by_rss for name, state in states.items() if announced_in(item, (name,)))
    is_cross = item.served == "cross" or (item.replaces and first.source == "catchup" and not first.replaces)
    return is_cross and item.source != "rss" and not was_read and len(others_of(item.paper)) > 1


def _all_there(name: str, days: Iterable[str], have: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(name in have.get(day, {}) for day in days)


def _judge_one(
    verdict: Verdict,
    day: str,
    name: str,
    said: Mapping[str, Any],
    have: Any,
    everywhere: Any,
    twice: Collection[tuple[str, str]],
) -> None:
    if name not in have.get(day, {}):
        family = said["type"].partition("-")[0]
        verdict.note(f"lost {family}", f"{day} {name} v{said['version']} {said['action']} {everywhere.get(name)}")
        return
    kind, item = have[day][name]
    if kind != said["type"]:
        what = "replaced and cross-listed at once" if (day, name) in twice else "type"
        verdict.note(what, f"{day} {name} {said['type']} {said['action']} is {kind} {item.source}")
    if item.paper.version != said["version"]:
        # Only arXiv's feed has the version of the date: a page has none, the API has the newest
        what = "version" if item.by_rss else "version of a page"
        verdict.note(what, f"{day} {name} {said['type']} v{said['version']} is v{item.paper.version} {item.source}")


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
