"""The analysis of one feed's date: screens its papers by their abstracts, reads and judges the promising ones, and
summarises the best.

Each answer is stored at once. A failed step of a paper is noted with the time of the next try; other papers go on.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from core.archive import Archive
from core.archive.analyses import CardKey, SummaryKey
from core.jobs.questions import Questions
from core.jobs.session import Session
from core.jobs.texts import Texts
from core.llm.answers import read_analysis, read_screening, read_summary
from core.llm.base import STATES, Usage
from core.llm.extractive import extract
from core.llm.prompts import NO_VOTES, POINTS, ask_analysis, ask_screening, ask_summary, summary_fingerprint
from core.llm.templates import get_template
from core.model.analysis import ANALYSE, READ, SCREEN, SUMMARISE, Row, Wait
from core.model.errors import ModelError
from core.model.fulltext import FullText
from core.model.paper import Paper
from core.model.rubric import Scorecard
from core.model.summary import Summary
from core.model.votes import Votes
from core.util.log import Progress

log = logging.getLogger("paperwire")

_MOST_TRIES = 5  # of a step for a paper; after that only a changed question is sent
TEXT_TRIES = 3  # of reading a paper; after that its abstract is used
SCREENED_AT_ONCE = 10  # papers in one question

Then = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Analysed:
    """The report of an analysis: the numbers of papers screened, analysed, summarised by a model, extracted and still
    `pending`; failures by state, the usage of models, and the problems.

    `resumes` is in how many seconds pending papers can go on, 0 for at once. `reading` has for "feed date" how many of
    the planned papers are read, and how many are planned. `reserve` is how many seconds a question needs. `model` says
    why the endpoint answers no question (`core.model.work`): nothing if it does, None if it was not asked.
    """

    screened: int = 0
    analysed: int = 0
    summarised: int = 0
    extracted: int = 0
    pending: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    problems: list[str] = field(default_factory=list)
    resumes: float = 0.0
    reading: dict[str, tuple[int, int]] = field(default_factory=dict)
    reserve: float = 0.0
    model: Mapping[str, str] | None = None

    @property
    def answers(self) -> int:
        """How many answers were made."""
        return self.screened + self.analysed + self.summarised + self.extracted

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        names = ("screened", "analysed", "summarised", "extracted", "pending")
        tokens = {"prompt": self.usage.prompt, "completion": self.usage.completion, "calls": self.usage.calls}
        more = {"failed": dict(self.failed), "tokens": tokens, "cost": self.cost, "problems": list(self.problems)}
        return {name: getattr(self, name) for name in names} | more


@dataclass(slots=True)
class Run:
    """The shared state of one analysis. Without a model, `session` is None and no question is sent.

    `unsaved` are answers that could not be stored: they are written with the next commit. `made` are all answers.
    `votes` are those of the feeds that have any.
    """

    archive: Archive
    session: Session | None
    texts: Texts
    now: datetime
    progress: Progress
    report: Analysed
    unsaved: dict[CardKey | SummaryKey, Scorecard | Summary] = field(default_factory=dict)
    made: dict[CardKey | SummaryKey, Scorecard | Summary] = field(default_factory=dict)
    votes: dict[str, Votes] = field(default_factory=dict)

    @property
    def may_ask(self) -> bool:
        """Returns whether another question may be sent."""
        return self.session is not None and self.session.may_ask

    async def keep(self, answers: Mapping[CardKey | SummaryKey, Scorecard | Summary]) -> None:
        """Store answers. If this raises `StoreError`, they stay in `unsaved`."""
        self.unsaved |= answers
        self.made |= answers
        await self.archive.analyses.put(answers)
        for key in answers:
            self.unsaved.pop(key, None)


@dataclass(slots=True)
class Candidate:
    """A paper: its rank among those that the feed shows, 0 for the best, and its answers so far."""

    paper: Paper
    place: int
    shown: bool = True  # by its score; else only if a model finds it worth reading
    card: Scorecard | None = None
    summary: Summary | None = None
    waits: dict[str, Wait] = field(default_factory=dict)

    def given_up(self, step: str) -> bool:
        """Returns whether the step has failed permanently."""
        return step in self.waits and not self.waits[step].until

    def may(self, step: str, now: datetime) -> bool:
        """Returns whether the step may be tried now. If reading has failed permanently, the abstract is used."""
        wait, read = self.waits.get(step), self.waits.get(READ)
        if step != SCREEN and read and read.until and not read.is_over(now):
            return False
        return wait is None or wait.is_over(now)


def make_candidates(
    questions: Questions,
    papers: Sequence[Paper],
    shown: frozenset[str],
    found: Mapping[CardKey | SummaryKey, Scorecard | Summary],
    before: Mapping[str, Row],
) -> list[Candidate]:
    """Returns the papers with their stored answers, and the waits of the analysis `before` of the same questions.

    `shown` are those that the feed shows by their score.
    """
    of = {SCREEN: questions.screening, READ: "", ANALYSE: questions.analysis, SUMMARISE: questions.summary}
    candidates = []
    for place, paper in enumerate(papers):
        name = paper.versioned
        waits = before[name].waits if name in before else {}
        card: Any = next((found[key] for key in questions.cards(name) if key in found), None)
        summary: Any = next((found[key] for key in questions.summaries(name) if key in found), None)
        kept = {step: wait for step, wait in waits.items() if wait.of == of.get(step)}
        candidates.append(Candidate(paper, place, name in shown, card, summary, kept))
    return candidates


@dataclass(slots=True)
class FeedDate:
    """All papers that a feed shows of a date, best first, with the feed's questions.

    `asks`: models may be asked, else only what is stored is used.
    """

    run: Run
    date: date
    questions: Questions
    candidates: list[Candidate]
    asks: bool = True

    def screening(self, then: Then) -> list[Then]:
        """Returns the stages that need no texts, in order: each does what is possible now, calls `then` after each
        answer, and may raise `StoreError`.
        """
        return [partial(self._screen_all, then)] if self.asks and self.questions.rubric else []

    def reading(self, then: Then) -> list[Then]:
        """Returns the stages after the screening, as `screening` does."""
        stages: list[Then] = [partial(self._analyse_all, then)] if self.asks and self.questions.rubric else []
        if self.questions.extracts:
            stages.append(self._extract)
        elif self.asks:
            stages.append(partial(self._summarise_all, then))
        return stages

    def recall(self) -> None:
        """Take over the answers that other feeds have got meanwhile to the same questions."""
        lacking = [one for one, _ in self._lacking()]
        known = make_candidates(self.questions, [one.paper for one in lacking], frozenset(), self.run.made, {})
        for one, new in zip(lacking, known, strict=True):
            one.card, one.summary = new.card or one.card, new.summary or one.summary

    async def _analyse_all(self, then: Then) -> None:
        await self._each("analysing", ANALYSE, self._awaits_analysis, self.candidates, self._analyse, then)

    async def _summarise_all(self, then: Then) -> None:
        await self._each("summarising", SUMMARISE, self._awaits_summary, self.best, self._summarise, then)

    @property
    def best(self) -> list[Candidate]:
        """Returns the papers that get a summary, as far as known: those with most points, then the feed's best."""
        if not self.questions.template:
            return []
        ranked = sorted(
            filter(self._is_shown, self.candidates), key=lambda one: (-(one.card.points if one.card else -1), one.place)
        )
        return ranked[: self.questions.feed.summaries]

    def rows(self) -> dict[str, Row]:
        """Returns the current answers of each paper, with a reason in place of each missing summary."""
        wanted = self.best
        if self.questions.feed.hold and any(map(self._awaits_screening, self.candidates)):
            wanted = self.candidates  # the best are unknown until all are screened; all are held back until then
        lacking = {one.paper.versioned for one in wanted} if self.asks else set()
        return {
            one.paper.versioned: Row(
                one.card,
                one.summary or (self._absent(one) if one.paper.versioned in lacking else None),
                dict(one.waits),  # a copy: the analysis is encoded in a thread meanwhile
            )
            for one in self.candidates
        }

    def pending(self) -> int:
        """Returns the number of papers that still lack an answer."""
        return len(self._lacking())

    def _lacking(self) -> list[tuple[Candidate, str]]:
        """Returns the papers that still lack an answer, each with its next step."""
        best = {one.paper.versioned for one in self.best}
        steps: Sequence[tuple[str, Callable[[Candidate], bool]]] = (
            (SCREEN, self._awaits_screening),
            (ANALYSE, self._awaits_analysis),
            (
                SUMMARISE,
                lambda one: one.paper.versioned in best and one.summary is None and not one.given_up(SUMMARISE),
            ),
        )
        found = ((one, next((step for step, awaits in steps if awaits(one)), "")) for one in self.candidates)
        return [(one, step) for one, step in found if step]

    def resumes(self) -> float:
        """Returns in how many seconds the next pending paper can go on, 0 for at once."""
        now = self.run.now
        return min(
            (
                0.0
                if one.may(step, now)
                else min(filter(None, (w.seconds(now) for w in one.waits.values())), default=0.0)
                for one, step in self._lacking()
            ),
            default=0.0,
        )

    def read(self) -> tuple[int, int]:
        """Returns how many of the planned papers are read, and how many are planned, as far as that is known."""
        planned = {one.paper.versioned for one in self.best}
        planned |= {one.paper.versioned for one in self.candidates if self._awaits_analysis(one)}
        return len(planned - {one.paper.versioned for one, _ in self._lacking()}), len(planned)

    def certain(self) -> list[Paper]:
        """Returns the papers whose text will certainly be read now, in that order."""
        now, found = self.run.now, list[Candidate]()
        if self.asks and self.questions.rubric:
            found += [one for one in self.candidates if self._awaits_analysis(one) and one.may(ANALYSE, now)]
        reads = self.asks and not self.questions.extracts
        if reads and not any(map(self._awaits_screening, self.candidates)):  # else the best are not known yet
            found += [one for one in self.best if self._awaits_summary(one) and one.may(SUMMARISE, now)]
        return [one.paper for one in found]

    def _is_shown(self, one: Candidate) -> bool:
        """Returns whether the feed shows the paper, as far as known."""
        rubric = self.questions.rubric
        if one.shown or one.card is None or rubric is None:
            return one.shown
        return rubric.band_of(one.card, given_up=one.given_up(ANALYSE)) != "skip"

    def _awaits_screening(self, one: Candidate) -> bool:
        return self.questions.rubric is not None and one.card is None and not one.given_up(SCREEN)

    def _awaits_analysis(self, one: Candidate) -> bool:
        """Returns whether the paper is still to be read and judged."""
        rubric, card = self.questions.rubric, one.card
        if rubric is None or card is None or card.stage != "screened":
            return False
        return card.predicted >= rubric.deep_at and not one.given_up(ANALYSE)

    def _awaits_summary(self, one: Candidate) -> bool:
        """Returns whether a summary is to be requested: it is missing, and the analysis will not include it."""
        return one.summary is None and not (self.questions.come_with_analysis and self._awaits_analysis(one))

    def _absent(self, one: Candidate) -> Summary:
        """Returns a summary that states why the real one is missing."""
        stopped = self.run.session and self.run.session.stopped
        of_analysis = self.questions.come_with_analysis and self._awaits_analysis(one)
        steps = (READ, ANALYSE) if of_analysis else (SUMMARISE, READ, ANALYSE, SCREEN)
        wait = next((one.waits[step] for step in steps if step in one.waits), None)
        state, problem = "pending", wait.problem if wait else ""
        if one.given_up(SUMMARISE):
            state = "failed"
        elif stopped and wait is None:
            state = "budget" if stopped.state == "budget" else "pending"
            problem = STATES[stopped.state].says
        return Summary(self.questions.template, self.questions.feed.language, "", "", state, problem=problem)

    async def _each(
        self,
        what: str,
        step: str,
        awaits: Callable[[Candidate], bool],
        among: Sequence[Candidate],
        work: Callable[[Candidate], Awaitable[None]],
        then: Then,
    ) -> None:
        """Do a step for all papers that await it and may be tried now."""
        run, done = self.run, 0
        todo = [one for one in among if awaits(one) and one.may(step, run.now)]
        label = f"{what} for {self.questions.feed.name}, {self.date}"

        async def do(one: Candidate) -> None:
            nonlocal done
            run.progress(label, done, len(todo))
            await work(one)
            await then()
            done += 1
            run.progress(label, done, len(todo))

        if run.session:
            await run.session.each(todo, do)

    async def _screen_all(self, then: Then) -> None:
        """Have all papers screened that await it, several in a question: strong and weak ones, to be compared."""
        run = self.run
        todo = [one for one in self.candidates if self._awaits_screening(one) and one.may(SCREEN, run.now)]
        count = -(-len(todo) // SCREENED_AT_ONCE)
        groups = [todo[start::count] for start in range(count)]
        label = f"screening for {self.questions.feed.name}, {self.date}"
        run.progress(label, 0, len(todo))

        async def do(group: list[Candidate]) -> None:
            await self._screen(group)
            await then()
            run.progress(label, sum(one.card is not None for one in todo), len(todo))

        if run.session:
            await run.session.each(groups, do)

    async def _screen(self, group: list[Candidate]) -> None:
        """Screen papers by one question. If it fails, or for papers that the answer leaves out, each is asked alone."""
        q, session = self.questions, self.run.session
        if q.rubric is None or session is None:
            return
        votes = self.run.votes.get(q.feed.name, NO_VOTES)
        try:
            answer = await session.ask(ask_screening(q.feed, q.rubric, [one.paper for one in group], votes))
            cards = read_screening(answer, q.rubric, len(group))
        except Exception as error:  # the failure of one paper does not end the others
            if len(group) == 1:
                self._failed(group[0], SCREEN, q.screening, error)
                return
            if isinstance(error, ModelError) and session.concerns_all(error):
                return
            log.info("%d papers are screened one by one: %s", len(group), error)
            cards = [None] * len(group)
        for one, card in zip(group, cards, strict=True):
            if card:
                one.card = card
                one.waits.pop(SCREEN, None)
                self.run.report.screened += 1
        self.run.texts.fetch_ahead(one.paper for one in group if self._awaits_analysis(one))
        await self.run.keep({q.screened(one.paper.versioned): one.card for one in group if one.card})
        for one in group if len(group) > 1 else ():
            if one.card is None and self.run.may_ask:
                await self._screen([one])

    async def _analyse(self, one: Candidate) -> None:
        q, screened, session = self.questions, one.card, self.run.session
        if q.rubric is None or screened is None or session is None or (text := await self._read(one)) is None:
            return
        try:
            answer = await session.ask(await asyncio.to_thread(ask_analysis, q.feed, q.rubric, one.paper, text))
            given = (screened, q.rubric, q.feed.language, one.paper, text)
            card, points = await asyncio.to_thread(read_analysis, answer, *given)
        except Exception as error:
            self._failed(one, ANALYSE, q.analysis, error)
            return
        one.card, one.summary = card, points if q.template == POINTS else one.summary
        one.waits.pop(ANALYSE, None)
        self.run.report.analysed += 1
        name = session.model.name("analyse")
        await self.run.keep({q.analysed(one.paper.versioned): card, summary_key(one.paper, points, name): points})

    async def _summarise(self, one: Candidate) -> None:
        q, template, session = self.questions, get_template(self.questions.template), self.run.session
        if session is None or (text := await self._read(one)) is None:
            return
        given = (template, q.feed.language, one.paper, text)
        try:
            answer = await session.ask(await asyncio.to_thread(ask_summary, *given))
            summary = await asyncio.to_thread(read_summary, answer, *given)
        except Exception as error:
            self._failed(one, SUMMARISE, q.summary, error)
            return
        one.summary = summary
        one.waits.pop(SUMMARISE, None)
        self.run.report.summarised += 1
        await self.run.keep({summary_key(one.paper, summary, session.model.name("summarise")): summary})

    async def _read(self, one: Candidate) -> FullText | None:
        """What a model is to read of a paper; None if the paper has to wait, because its text may be had later or
        because the run ends.
        """
        text = await self.run.texts.read(one.paper, lambda: self.run.progress(f"reading {one.paper.versioned}", 0, 1))
        if not self.run.may_ask:
            return None
        if text.input != "abstract":
            one.waits.pop(READ, None)
            return text
        if text.again and not one.given_up(READ):
            wait = Wait("", "text", text.note)
            one.waits[READ] = wait.after(one.waits.get(READ), self.run.now, most_tries=TEXT_TRIES)
            if not one.given_up(READ):
                return None
        return text

    async def _extract(self) -> None:
        wanted = [one for one in self.best if one.summary is None]
        language = self.questions.feed.language
        made = await asyncio.to_thread(lambda: [extract(one.paper, language) for one in wanted])
        for one, summary in zip(wanted, made, strict=True):
            one.summary = summary
        self.run.report.extracted += len(made)

    def _failed(self, one: Candidate, step: str, of: str, error: Exception) -> None:
        """Note why a step could not be done for a paper, and when it is worth another try."""
        if not isinstance(error, ModelError):
            log.error("%s of %s", step, one.paper.versioned, exc_info=error)
            error = ModelError("unexpected", f"{type(error).__name__}: {error}")
        if self.run.session and self.run.session.concerns_all(error):
            return
        says = STATES[error.state].says if error.state in STATES else "something unexpected went wrong"
        wait, tries = Wait(of, error.state, says), _MOST_TRIES if error.again else 1
        one.waits[step] = wait.after(one.waits.get(step), self.run.now, error.retry_after or 0, most_tries=tries)
        self.run.report.failed[error.state] += 1
        log.warning("%s failed: %s", step, error)


def summary_key(paper: Paper, summary: Summary, model: str) -> SummaryKey:
    """The key of a summary that `model` has written; under its name, as providers may answer with another one."""
    name = summary_fingerprint(get_template(summary.template), summary.language, model, summary.input)
    return SummaryKey(paper.versioned, summary.template, summary.language, name)
