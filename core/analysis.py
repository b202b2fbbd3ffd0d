"""Analysing what feeds show: scorecards by their rubrics, summaries by their templates, for the newest dates.

It runs after the due batch is published, and may be ended at any moment: what was found is stored as soon as it is
there, and the next run goes on from that.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from core.analyst import Analysed, Analyst, Run
from core.cases import Cases
from core.day import Made, score_day
from core.domain.analysis import Row, applies, from_plain, is_finished, is_result_of, name_of, to_plain
from core.domain.batch import Batch
from core.domain.errors import StoreError
from core.domain.feed import Feed
from core.domain.fingerprint import fingerprint
from core.domain.manifest import BatchRecord, Manifest
from core.domain.paper import Paper
from core.domain.query import Query
from core.domain.selection import choose
from core.questions import Questions, questions_of
from core.refresh import read_batches
from core.rules import Rules
from core.sources.announcements import Progress
from core.staged import Found, Stages
from core.state import changing, read_state
from core.store import keys
from core.store.codec import decode_as, encode
from core.store.protocol import Store

log = logging.getLogger("paperwire")

DAYS = 3  # the newest dates of a feed, for which models are asked
_At = tuple[str, date]  # the name of a feed, and a date
WRITE_SECONDS = 10.0  # between two publications of what was found so far


async def analyse(
    store: Store,
    analyst: Analyst,
    rules: Rules,
    *,
    now: datetime,
    retention: timedelta,
    seconds: float,
    progress: Progress,
    report: Analysed,
) -> None:
    """Analyse what the feeds show of the newest dates, newest first, for so many seconds at most; `report` on it.

    Older dates are gone on with if they were begun. Raises `StoreError` if it cannot even begin; whatever else goes
    wrong is told in the report, and in the analyses.
    """
    run = Run.of(store, analyst, now, seconds, progress, report)
    manifest = (await read_state(store)).manifest
    jobs = list(_jobs(manifest, rules, analyst))
    batches = await read_batches(store, {job.record.hash: job.record for job in jobs}.values())
    before = await _read_before(store, jobs)
    desk = _Desk(run, retention)
    try:
        for job in jobs:
            if batch := batches.get(job.record.hash):
                stages = await _open(run, job, batch, before.get(job.at, {}))
                desk.take(job, stages)
                await stages.work(desk.write_now_and_then)
    except StoreError as error:
        run.report.problems.append(str(error))
    finally:
        await desk.write()


class _Job(NamedTuple):
    """A feed's date, and what the manifest names as its analysis. `asks`: models are asked, not only the store."""

    feed: Feed
    record: BatchRecord
    questions: Questions
    name: str
    asks: bool

    @property
    def at(self) -> _At:
        """Which one it is."""
        return self.feed.name, self.record.date

    @property
    def work(self) -> str:
        """The fingerprint of all that the analysis depends on."""
        return fingerprint(self.questions.fingerprint, self.record.hash)

    @property
    def is_done(self) -> bool:
        return is_finished(self.name) and is_result_of(self.name, self.feed, self.work)

    @property
    def key(self) -> str:
        return keys.analysis(self.feed.name, self.record.date, self.name)


def _jobs(manifest: Manifest, rules: Rules, analyst: Analyst) -> Iterator[_Job]:
    """What there is to do, newest dates first."""
    jobs = []
    for feed in rules.feeds.values():
        if questions := questions_of(feed, analyst.model):
            names = manifest.analyses.get(feed.name, {})
            for place, record in enumerate(manifest.of(feed.source)):
                name = names.get(record.date.isoformat(), "")
                if place < DAYS or (name and not is_finished(name) and applies(name, feed)):
                    jobs.append(_Job(feed, record, questions, name, asks=True))
                elif name and not applies(name, feed):  # what is stored of it may still be what the feed asks for
                    jobs.append(_Job(feed, record, questions, name, asks=False))
    return (job for job in sorted(jobs, key=lambda job: job.record.date, reverse=True) if not job.is_done)


async def _read_before(store: Store, jobs: Iterable[_Job]) -> dict[_At, Mapping[str, Row]]:
    """The analyses that there are of the jobs; one that cannot be read is made again."""
    named = [job for job in jobs if job.name]
    found = await store.get_many([job.key for job in named]) if named else []
    before: dict[_At, Mapping[str, Row]] = {}
    for job, data in zip(named, found, strict=True):
        try:
            before[job.at] = decode_as(from_plain, data) if data else {}
        except StoreError as error:
            log.warning("%s is made again: %s", job.key, error)
    return before


async def _open(run: Run, job: _Job, batch: Batch, before: Mapping[str, Row]) -> Stages:
    """The stages of a job, with all that is stored of its papers."""
    papers = await asyncio.to_thread(_shown, job.feed, batch)
    wanted = [key for paper in papers for key in job.questions.keys(paper.versioned)]
    found = dict(zip(wanted, await run.store.get_many(wanted), strict=True)) if wanted else {}
    return Stages(run, Cases.of(job.questions, papers, found, before), job.record.date, job.asks)


def _shown(feed: Feed, batch: Batch) -> list[Paper]:
    """The papers that a feed shows of a batch, best first."""
    shown = choose(feed, score_day(feed, batch).entries, Query(), capped=True)
    return [entry.paper for entry in sorted(shown, key=lambda entry: entry.rank)]


@dataclass(slots=True)
class _Desk:
    """Where analyses lie until they are published, and what was published of each."""

    run: Run
    retention: timedelta
    _open: dict[_At, tuple[_Job, Stages]] = field(default_factory=dict)
    _names: dict[_At, str] = field(default_factory=dict)
    _written: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, job: _Job, stages: Stages) -> None:
        """From now on, publish what becomes of this job."""
        self._open[job.at] = job, stages

    async def write_now_and_then(self) -> None:
        """Publish what was found, if that was not done for a while. Raises `StoreError`."""
        if asyncio.get_running_loop().time() >= self._written + WRITE_SECONDS and not self._writing.locked():
            await self._write()

    async def write(self) -> None:
        """Publish what was found. Never raises: what cannot be published is so at the next run, and told."""
        try:
            await self._write()
        except StoreError as error:
            self.run.report.problems.append(str(error))
        asking = [stages for _, stages in self._open.values() if stages.asks]
        self.run.report.pending = sum(stages.cases.pending() for stages in asking)

    async def _write(self) -> None:
        async with self._writing:
            rows = {at: stages.rows() for at, (_, stages) in self._open.items()}
            made, names, values = await asyncio.to_thread(self._made, rows)
            unsaved = dict(self.run.unsaved)
            if not names and not unsaved:
                return
            async with changing(self.run.store) as (lock, state):
                changes: Made = unsaved | values
                if names:
                    manifest = state.manifest.naming(names, self.run.now)
                    changes[keys.MANIFEST] = (encode(manifest.to_plain()), None)
                await lock.commit(changes, release=True)
            for key in unsaved:
                self.run.unsaved.pop(key, None)
            self._names |= made
            self._written = asyncio.get_running_loop().time()

    def _made(self, rows: Mapping[_At, Found]) -> tuple[dict[_At, str], dict[str, dict[str, str]], Made]:
        """The names of analyses that are new, by job and by feed and date, and their values."""
        ttl = (self.retention + timedelta(days=1)).total_seconds()
        made: dict[_At, str] = {}
        names: dict[str, dict[str, str]] = {}
        values: Made = {}
        for at, found in rows.items():
            job = self._open[at][0]
            name = name_of(job.feed, job.work, found.rows, finished=found.finished)
            if name == self._names.get(at, job.name):
                continue
            made[at] = name
            names.setdefault(job.feed.name, {})[job.record.date.isoformat()] = name
            values[keys.analysis(job.feed.name, job.record.date, name)] = (encode(to_plain(found.rows)), ttl)
        return made, names, values
