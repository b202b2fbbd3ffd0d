"""The analysis of one feed's date in stages: all papers are screened, the promising ones read and judged, the best ones
summarised. What is found is stored at once; what is stored is not asked for again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from core.analyst import TEXT_TRIES, Run
from core.cases import Case, Cases
from core.day import Made
from core.domain.analysis import ANALYSE, READ, SCREEN, SUMMARISE, Row, Wait
from core.domain.errors import ModelError
from core.domain.rubric import Scorecard
from core.domain.summary import Summary
from core.models.answers import read_analysis, read_screening, read_summary
from core.models.extract import extract
from core.models.prompts import POINTS, ask_analysis, ask_screening, ask_summary, summary_fingerprint
from core.models.templates import get_template
from core.questions import Questions
from core.sources.fulltext import FullText
from core.store import keys
from core.store.codec import encode

log = logging.getLogger("paperwire")

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
