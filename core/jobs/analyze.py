"""The papers of one analysis: what is known of each so far, and what that means for those who read the feed.

The analysis of one feed's date in stages: all papers are screened, the promising ones read and judged, the best ones
summarised. What is found is stored at once; what is stored is not asked for again.


Analysing what feeds show: scorecards by their rubrics, summaries by their templates, for the newest dates.

It runs after the due batch is published, and may be ended at any moment: what was found is stored as soon as it is
there, and the next run goes on from that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar

from core.archive.analyses import Questions, questions_of
from core.archive.days import Made, read_batches, score_day
from core.archive.state import changing, read_state
from core.config.overrides import Rules
from core.jobs.session import TEXT_TRIES, Analysed, Analyst, Run
from core.llm.answers import read_analysis, read_screening, read_summary
from core.llm.base import STATES
from core.llm.extractive import extract
from core.llm.prompts import POINTS, ask_analysis, ask_screening, ask_summary, summary_fingerprint
from core.llm.templates import get_template
from core.model.analysis import (
    ANALYSE,
    READ,
    SCREEN,
    SUMMARISE,
    Row,
    Wait,
    applies,
    from_plain,
    is_finished,
    is_result_of,
    name_of,
    to_plain,
)
from core.model.batch import Batch
from core.model.entries import choose
from core.model.errors import ModelError, StoreError
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.model.paper import Paper, is_withdrawn
from core.model.query import Query
from core.model.rubric import Scorecard
from core.model.summary import Summary
from core.sources.fulltext import FullText
from core.sources.rss import Progress
from core.store import keys
from core.store.base import Store
from core.store.codec import decode_as, encode
from core.util.signing import fingerprint

log = logging.getLogger("paperwire")

T = TypeVar("T")


@dataclass(slots=True)
class Case:
    """One paper: its place among those that the feed shows, 0 for the best, and what is known of it so far."""

    paper: Paper
    place: int
    card: Scorecard | None = None
    summary: Summary | None = None
    waits: dict[str, Wait] = field(default_factory=dict)

    def given_up(self, step: str) -> bool:
        """Whether the step has failed for good."""
        return step in self.waits and not self.waits[step].until

    def may(self, step: str, now: datetime) -> bool:
        """Whether the step may be tried now. Reading that failed for good is no obstacle: there is the abstract."""
        wait, read = self.waits.get(step), self.waits.get(READ)
        if step != SCREEN and read and read.until and not read.is_over(now):
            return False
        return wait is None or wait.is_over(now)


@dataclass(slots=True)
class Cases:
    """All papers that a feed shows of a date, best first, with the questions that the feed has."""

    questions: Questions
    all: list[Case]

    @classmethod
    def of(
        cls,
        questions: Questions,
        papers: Sequence[Paper],
        found: Mapping[str, bytes | None],
        before: Mapping[str, Row],
    ) -> "Cases":
        """The cases of these papers, with what is stored of them by its keys, and what was waited for `before`."""
        of = {SCREEN: questions.screening, READ: "", ANALYSE: questions.analysis, SUMMARISE: questions.summary}
        cases = []
        for place, paper in enumerate(papers):
            name = paper.versioned
            waits = before[name].waits if name in before else {}
            case = Case(paper, place, waits={s: wait for s, wait in waits.items() if wait.of == of.get(s)})
            if questions.rubric:
                cards = [questions.analysed_key(name), questions.screened_key(name)]
                case.card = _first(Scorecard.from_plain, found, cards)
            case.summary = _first(Summary.from_plain, found, questions.summary_keys(name))
            cases.append(case)
        return cls(questions, cases)

    def unscreened(self, now: datetime) -> list[Case]:
        """Those that may be screened now."""
        return [case for case in self.all if case.card is None and case.may(SCREEN, now)]

    def unanalysed(self, now: datetime) -> list[Case]:
        """Those that may be read and judged now."""
        return [case for case in self.all if self.awaits_analysis(case) and case.may(ANALYSE, now)]

    def unsummarised(self, now: datetime) -> list[Case]:
        """Those that may get a summary now, but for those whose analysis will bring one."""
        return [case for case in self.best if self._lacks_summary(case) and case.may(SUMMARISE, now)]

    def awaits_analysis(self, case: Case) -> bool:
        """Whether the paper is still to be read and judged."""
        rubric, card = self.questions.rubric, case.card
        if rubric is None or card is None or card.stage != "screened":
            return False
        return card.predicted >= rubric.deep_at and not case.given_up(ANALYSE)

    def _awaits_screening(self, case: Case) -> bool:
        return self.questions.rubric is not None and case.card is None and not case.given_up(SCREEN)

    def _lacks_summary(self, case: Case) -> bool:
        return case.summary is None and not (self.questions.come_with_analysis and self.awaits_analysis(case))

    @property
    def best(self) -> list[Case]:
        """Those that get a summary, by what is known now: those with most points, and among equals the feed's best."""
        if not self.questions.template:
            return []
        ranked = sorted(self.all, key=lambda case: (-(case.card.points if case.card else -1), case.place))
        return ranked[: self.questions.feed.summaries]

    def rows(self, stopped: ModelError | None, *, asks: bool) -> dict[str, Row]:
        """What readers are shown of each paper; without `asks`, summaries that are not there are not to come either."""
        wanted = self.best
        if self.questions.feed.hold and any(map(self._awaits_screening, self.all)):
            wanted = self.all  # nobody knows yet which ones get one, and the others are not to be shown before
        lacking = {case.paper.versioned for case in wanted} if asks else set()
        return {
            case.paper.versioned: Row(
                case.card,
                case.summary or (self._absent(case, stopped) if case.paper.versioned in lacking else None),
                dict(case.waits),  # as they are now: what this becomes is worked out beside the run
            )
            for case in self.all
        }

    def pending(self) -> int:
        """How many papers something is still to be made for."""
        best = {case.paper.versioned for case in self.best}
        return sum(
            self._awaits_screening(case)
            or self.awaits_analysis(case)
            or (case.paper.versioned in best and case.summary is None and not case.given_up(SUMMARISE))
            for case in self.all
        )

    def _absent(self, case: Case, stopped: ModelError | None) -> Summary:
        """In the place of a summary that is not there, why."""
        of_analysis = self.questions.come_with_analysis and self.awaits_analysis(case)
        steps = (READ, ANALYSE) if of_analysis else (SUMMARISE, READ, ANALYSE, SCREEN)
        wait = next((case.waits[step] for step in steps if step in case.waits), None)
        state, problem = "pending", wait.problem if wait else ""
        if case.given_up(SUMMARISE):
            state = "failed"
        elif stopped and wait is None:
            state = "budget" if stopped.state == "budget" else "pending"
            problem = STATES[stopped.state].says if stopped.state in STATES else ""
        return Summary(self.questions.template, self.questions.feed.language, "", "", state, problem=problem)


def _first(
    make: Callable[[Mapping[str, object]], T], found: Mapping[str, bytes | None], keys: Iterable[str]
) -> T | None:
    """What the first of the keys holds that holds anything; what cannot be read is made again."""
    for key in keys:
        if data := found.get(key):
            try:
                return decode_as(make, data)
            except StoreError as error:
                log.warning("%s is made again: %s", key, error)
    return None


Then = Callable[[], Awaitable[None]]
_UNREAD = FullText("", "abstract")


class Found(NamedTuple):
    """What was found at a moment, and whether that is all."""

    rows: dict[str, Row]
    finished: bool


@dataclass(slots=True)
class Stages:
    """A feed's date on its way through the stages. `asks`: models may be asked, else only what is stored is used."""

    run: Run
    cases: Cases
    date: date
    asks: bool = True

    @property
    def questions(self) -> Questions:
        """What the feed wants to know."""
        return self.cases.questions

    def rows(self) -> Found:
        """What was found until now."""
        finished = not self.asks or not self.cases.pending()
        return Found(self.cases.rows(self.run.stopped, asks=self.asks), finished)

    async def work(self, then: Then) -> None:
        """Go through the stages as far as that is possible now; `then` after each answer."""
        cases, now = self.cases, self.run.now
        if self.asks and self.questions.rubric:
            await self._each("screening", cases.unscreened(now), self._screen, then)
            await self._each("analysing", cases.unanalysed(now), self._analyse, then)
        if self.questions.extracts:
            await self._extract()
        elif self.asks:
            await self._each("summarising", cases.unsummarised(now), self._summarise, then)

    async def _each(self, what: str, todo: list[Case], work: Callable[[Case], Awaitable[None]], then: Then) -> None:
        await self.run.each(f"{what} for {self.questions.feed.name}, {self.date}", todo, work, then)

    async def _screen(self, case: Case) -> None:
        q = self.questions
        if q.rubric is None:
            return
        try:
            answer = await self.run.ask(ask_screening(q.feed, q.rubric, case.paper))
            card = read_screening(answer.value, answer.model)
        except Exception as error:  # whatever it is, it costs no other paper
            self._failed(case, SCREEN, q.screening, error)
            return
        case.card = card
        case.waits.pop(SCREEN, None)
        self.run.report.screened += 1
        await self.run.keep(_card(q.screened_key(case.paper.versioned), card))

    async def _analyse(self, case: Case) -> None:
        q, screened = self.questions, case.card
        if q.rubric is None or screened is None or (text := await self._read(case)) is None:
            return
        given = (case.paper, text.text, text.input)
        try:
            answer = await self.run.ask(ask_analysis(q.feed, q.rubric, *given))
            card, points = read_analysis(answer.value, screened, q.rubric, q.feed.language, *given, answer.model)
        except Exception as error:
            self._failed(case, ANALYSE, q.analysis, error)
            return
        case.card = replace(card, note=text.note)
        case.summary = points if q.template == POINTS else case.summary
        case.waits.pop(ANALYSE, None)
        self.run.report.analysed += 1
        values = _card(q.analysed_key(case.paper.versioned), case.card)
        await self.run.keep(values | self._summary(case, points, "analyse"))

    async def _summarise(self, case: Case) -> None:
        q, template = self.questions, get_template(self.questions.template)
        if (text := await self._read(case) if q.reads else _UNREAD) is None:
            return
        given = (template, q.feed.language, case.paper, text.text, text.input)
        try:
            answer = await self.run.ask(ask_summary(*given))
            summary = read_summary(answer.value, *given, answer.model)
        except Exception as error:
            self._failed(case, SUMMARISE, q.summary, error)
            return
        case.summary = summary
        case.waits.pop(SUMMARISE, None)
        self.run.report.summarised += 1
        await self.run.keep(self._summary(case, summary, "summarise"))

    async def _read(self, case: Case) -> FullText | None:
        """What a model is to read of a paper, without a text where that is the abstract; None if the paper has to wait,
        because its text may be had later or because the run ends.
        """
        text = await self.run.read(case.paper)
        if not self.run.may_ask:
            return None
        if text.input != "abstract":
            case.waits.pop(READ, None)
            return text
        if text.again and not case.given_up(READ):
            self.run.wait(case, READ, Wait("", "text", text.note), None, again=True, most=TEXT_TRIES)
            if not case.given_up(READ):
                return None
        return replace(text, text="")

    async def _extract(self) -> None:
        wanted = [case for case in self.cases.best if case.summary is None]
        language = self.questions.feed.language
        made = await asyncio.to_thread(lambda: [extract(case.paper, language) for case in wanted])
        for case, summary in zip(wanted, made, strict=True):
            case.summary = summary
        self.run.report.extracted += len(made)

    def _summary(self, case: Case, summary: Summary, step: str) -> Made:
        """What is to be stored of a summary, which the model of a step has written."""
        template, model = summary.template, self.run.analyst.model
        name = summary_fingerprint(
            get_template(template), summary.language, model.name(step) if model else "", summary.input
        )
        key = keys.summary(case.paper.versioned, template, summary.language, name)
        return {key: (encode(summary.to_plain()), keys.WRITTEN_SECONDS)}

    def _failed(self, case: Case, step: str, of: str, error: Exception) -> None:
        if not isinstance(error, ModelError):
            log.error("%s of %s", step, case.paper.versioned, exc_info=error)
            error = ModelError("unexpected", f"{type(error).__name__}: {error}")
        self.run.failed(case, step, of, error)


def _card(key: str, card: Scorecard) -> Made:
    return {key: (encode(card.to_plain()), keys.WRITTEN_SECONDS)}


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
    """The papers that a feed shows of a batch, best first; of withdrawn ones there is nothing to say."""
    shown = choose(feed, score_day(feed, batch).entries, Query(), capped=True)
    return [entry.paper for entry in sorted(shown, key=lambda entry: entry.rank) if not is_withdrawn(entry.paper)]


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
