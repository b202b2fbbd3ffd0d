"""The step *analyze*: scorecards by the feeds' rubrics and summaries by their templates, newest dates first.

It may be ended at any moment: each answer is stored at once, analyses are published regularly, and the next run
continues from there.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from core.archive import Archive
from core.archive.analyses import AnalysisKey
from core.archive.days import score_day
from core.config.overrides import Rules
from core.config.settings import Settings
from core.jobs.feed_date import Analysed, FeedDate, Run, Then, make_candidates
from core.jobs.questions import Questions, questions_of
from core.jobs.session import Session, memory_of, open_model, prices_of
from core.jobs.texts import Texts
from core.llm.base import STATES, Model
from core.model.analysis import DAYS, Analysis, Row, applies, is_finished, is_result_of, name_of
from core.model.batch import Batch
from core.model.entries import choose, screened
from core.model.errors import ConfigError, StoreError
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.model.paper import Paper, is_withdrawn
from core.model.query import Query
from core.model.votes import Votes
from core.sources.client import Get
from core.util.log import NO_PROGRESS, Progress
from core.util.signing import fingerprint

log = logging.getLogger("paperwire")

_WRITE_SECONDS = 10.0  # between two publications
_STOPPED_SECONDS = 900.0  # before a model is asked again that refuses all questions

Claim = Callable[[str], Awaitable[None]]

_At = tuple[str, date]  # the name of a feed, and a date


async def analyze(
    archive: Archive,
    settings: Settings,
    rules: Rules,
    get: Get,
    *,
    now: datetime,
    seconds: float,
    progress: Progress = NO_PROGRESS,
    report: Analysed | None = None,
    after: str = "",
    claim: Claim | None = None,
) -> Analysed:
    """Analyse the papers that the feeds of `rules` show of the newest dates, for at most `seconds`. Returns a report.

    The feeds take turns, a stage each, from the one that follows the feed `after` on; `claim` is called with the name
    of a feed before its turn.

    It opens the models of `settings` and closes them again, fetches full texts with `get` while models answer, respects
    the budgets, and stores and publishes the results. If `report` is given, results are added to it. Raises
    `StoreError` if it cannot start; all later failures are in the report and the analyses.
    """
    report = report or Analysed()
    try:
        memory = memory_of(settings, archive)
        model = open_model(settings, archive, memory)
    except ConfigError as error:
        report.problems += error.problems
        return report
    deadline = asyncio.get_running_loop().time() + seconds
    session = Session.lasting(model, seconds, settings.llm_concurrency) if model else None
    report.model = report.model if session else {}
    if session:  # an earlier session of this run knows how slow the model is
        session.reserve = max(session.reserve, report.reserve)
    texts = Texts(get, settings.pdf_url, deadline, lambda: session.room if session else 0)
    run = Run(archive, session, texts, now, progress, report)
    try:
        jobs = list(_jobs((await archive.state()).manifest, rules, model))
        if session and any(job.asks for job in jobs):
            await session.recall_pace(memory)
            run.votes |= await _votes(archive, rules, jobs)
        await _work(run, jobs, after, claim)
    finally:
        await run.texts.close()
        if session:
            _account(report, session, settings)
            await session.model.close()
            await session.note_pace(memory)
    return report


def _account(report: Analysed, session: Session, settings: Settings) -> None:
    """Add what a session used, and why it stopped, to the report."""
    report.usage += session.usage
    report.reserve = session.reserve
    report.cost = prices_of(settings).cost(report.usage)
    if stopped := session.stopped:
        report.problems.append(str(stopped))
        row = STATES[stopped.state]
        said = {"state": stopped.state, "says": row.says, "detail": str(stopped), "mend": row.mend}
        report.model = {} if stopped.state == "budget" else said | ({"act": "yes"} if row.act else {})
    elif session.usage.calls:
        report.model = {}


async def _votes(archive: Archive, rules: Rules, jobs: Iterable["_Job"]) -> dict[str, Votes]:
    """Returns the votes of the feeds that have any, and papers to be judged; none that cannot be read."""
    found = {}
    for name in {job.feed.name for job in jobs if job.asks and job.questions.rubric}:
        key, row = rules.row(name)
        if row.votes:
            try:
                found[name] = await archive.learning.votes(key)
            except StoreError as error:
                log.warning("papers of %s are screened without its votes: %s", name, error)
    return found


async def _work(run: Run, jobs: list["_Job"], after: str, claim: Claim | None) -> None:
    batches = await run.archive.days.batches({job.record.hash: job.record for job in jobs}.values())
    before = await run.archive.analyses.read([job.key for job in jobs if job.name])
    publisher = _Publisher(run)
    try:
        for _, of_date in groupby(jobs, key=lambda job: job.record.date):
            turns = list[tuple[str, FeedDate]]()
            for job in _from(list(of_date), after):
                if batch := batches.get(job.record.hash):
                    feed_date = await _open(run, job, batch, before.get(job.key, {}))
                    publisher.add(job, feed_date)
                    turns.append((job.feed.name, feed_date))
            await _take_turns(run, turns, publisher.publish_now_and_then, claim)
    except StoreError as error:
        run.report.problems.append(str(error))
    finally:
        await publisher.finish()


def _from(jobs: list["_Job"], after: str) -> list["_Job"]:
    """Returns the jobs of a date, those that follow the feed `after` first."""
    place = next((n + 1 for n, job in enumerate(jobs) if job.feed.name == after), 0)
    return jobs[place:] + jobs[:place]


async def _take_turns(run: Run, turns: list[tuple[str, FeedDate]], then: Then, claim: Claim | None) -> None:
    """Do the stages of a date's feeds in turn, while texts that are certain to be read are fetched ahead.

    All feeds are screened first: that takes few questions and no texts, and says which texts are needed.
    """
    waiting = deque((name, feed_date, deque(feed_date.screening(then))) for name, feed_date in turns)
    await _until_done(run, waiting, claim, also=[feed_date for _, feed_date in turns])
    waiting = deque((name, feed_date, deque(feed_date.reading(then))) for name, feed_date in turns)
    await _until_done(run, waiting, claim)


async def _until_done(
    run: Run,
    waiting: "deque[tuple[str, FeedDate, deque[Then]]]",
    claim: Claim | None,
    also: Sequence[FeedDate] = (),
) -> None:
    while waiting:
        name, feed_date, stages = waiting.popleft()
        if not stages:
            continue
        feed_date.recall()
        if run.may_ask:
            reading = also or [feed_date, *(one for _, one, _ in waiting)]
            run.texts.fetch_ahead(paper for one in reading for paper in one.certain())
            if claim and feed_date.pending():
                await claim(name)
        before = run.report.answers + run.report.failed.total()
        await stages.popleft()()
        # A stage that had nothing to do takes no turn
        used = run.report.answers + run.report.failed.total() > before
        (waiting.append if used else waiting.appendleft)((name, feed_date, stages))


class _Job(NamedTuple):
    """A feed's date, and the name of its analysis in the manifest. `asks`: models are asked, not only the store."""

    feed: Feed
    record: BatchRecord
    questions: Questions
    name: str
    asks: bool

    @property
    def at(self) -> _At:
        """The feed's name and the date."""
        return self.feed.name, self.record.date

    @property
    def key(self) -> AnalysisKey:
        """The key of the analysis in the manifest."""
        return AnalysisKey(*self.at, self.name)

    @property
    def work(self) -> str:
        """The fingerprint of all inputs of the analysis."""
        return fingerprint(self.questions.fingerprint, self.record.hash)

    @property
    def is_done(self) -> bool:
        return is_finished(self.name) and is_result_of(self.name, self.feed, self.work)


def _jobs(manifest: Manifest, rules: Rules, model: Model | None) -> Iterator[_Job]:
    """Yields the jobs, newest dates first. Older dates are included if they were begun."""
    jobs = []
    for feed in rules.feeds.values():
        if questions := questions_of(feed, model):
            names = manifest.analyses.get(feed.name, {})
            for place, record in enumerate(manifest.of(feed.source)):
                name = names.get(record.date.isoformat(), "")
                if place < DAYS or (name and not is_finished(name) and applies(name, feed)):
                    jobs.append(_Job(feed, record, questions, name, asks=True))
                elif name and not applies(name, feed):  # its stored answers may still match the feed's questions
                    jobs.append(_Job(feed, record, questions, name, asks=False))
    return (job for job in sorted(jobs, key=lambda job: job.record.date, reverse=True) if not job.is_done)


async def _open(run: Run, job: _Job, batch: Batch, before: Mapping[str, Row]) -> FeedDate:
    """Returns the feed's date of a job, with all stored answers about its papers."""
    questions, (papers, shown) = job.questions, await asyncio.to_thread(_chosen, job.feed, batch)
    found = await run.archive.analyses.find(key for paper in papers for key in questions.answers(paper.versioned))
    candidates = make_candidates(questions, papers, shown, found, before)
    return FeedDate(run, job.record.date, questions, candidates, job.asks)


def _chosen(feed: Feed, batch: Batch) -> tuple[list[Paper], frozenset[str]]:
    """Returns the papers of a batch that models look at, best first, and which of them the feed shows by their score.

    Withdrawn ones are left out.
    """
    entries = score_day(feed, batch).entries
    shown = {entry.paper.versioned: entry for entry in choose(feed, entries, Query(), capped=True)}
    chosen = {entry.paper.versioned: entry for entry in screened(feed, entries)} | shown
    ordered = sorted(chosen.values(), key=lambda entry: entry.rank)
    return [entry.paper for entry in ordered if not is_withdrawn(entry.paper)], frozenset(shown)


@dataclass(slots=True)
class _Publisher:
    """Publishes the analyses of a run: stores them, and names them in the manifest."""

    run: Run
    _dates: dict[_At, tuple[_Job, FeedDate]] = field(default_factory=dict)
    _names: dict[_At, str] = field(default_factory=dict)  # the names published last
    _published: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _publishing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add(self, job: _Job, feed_date: FeedDate) -> None:
        """Include this job in all later publications."""
        self._dates[job.at] = job, feed_date

    async def publish_now_and_then(self) -> None:
        """Publish new results, at most every `_WRITE_SECONDS`. Raises `StoreError`."""
        late = asyncio.get_running_loop().time() >= self._published + _WRITE_SECONDS
        if late and not self._publishing.locked():
            await self._publish()

    async def finish(self) -> None:
        """Publish new results. A failure goes into the report, and the next run publishes them."""
        try:
            await self._publish()
        except StoreError as error:
            self.run.report.problems.append(str(error))
        self._count()

    def _count(self) -> None:
        """Report what is read, what is pending, and when that can go on."""
        report, asking = self.run.report, [(at, one) for at, (_, one) in self._dates.items() if one.asks]
        report.pending = sum(one.pending() for _, one in asking)
        report.resumes = min((one.resumes() for _, one in asking if one.pending()), default=0.0)
        if report.pending and (stopped := self.run.session and self.run.session.stopped):
            report.resumes = max(report.resumes, stopped.retry_after or _STOPPED_SECONDS)
        report.reading |= {f"{feed} {day}": one.read() for (feed, day), one in asking}

    async def _publish(self) -> None:
        async with self._publishing:
            found = {
                at: (one.rows(), not one.asks or not one.pending()) for at, (_, one) in self._dates.items()
            }  # copies: they are encoded in a thread while answers arrive
            analyses = await asyncio.to_thread(self._named, found)
            unsaved = dict(self.run.unsaved)
            if not analyses and not unsaved:
                return
            archive = self.run.archive
            async with archive.drafting() as draft:
                await asyncio.to_thread(archive.analyses.draft, draft, analyses, unsaved, self.run.now)
                await draft.commit()
            for key in unsaved:
                self.run.unsaved.pop(key, None)
            self._names |= {(key.feed, key.date): key.name for key in analyses}
            self._published = asyncio.get_running_loop().time()

    def _named(self, found: Mapping[_At, tuple[dict[str, Row], bool]]) -> dict[AnalysisKey, Analysis]:
        """Returns the new analyses, by key."""
        named: dict[AnalysisKey, Analysis] = {}
        for at, (rows, finished) in found.items():
            job = self._dates[at][0]
            name = name_of(job.feed, job.work, rows, finished=finished)
            if name != self._names.get(at, job.name):
                named[AnalysisKey(*at, name)] = rows
        return named
