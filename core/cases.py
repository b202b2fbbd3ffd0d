"""The papers of one analysis: what is known of each so far, and what that means for those who read the feed."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from core.domain.analysis import ANALYSE, READ, SCREEN, SUMMARISE, Row, Wait
from core.domain.errors import ModelError, StoreError
from core.domain.paper import Paper
from core.domain.rubric import Scorecard
from core.domain.summary import Summary
from core.models.states import STATES
from core.questions import Questions
from core.store.codec import decode_as

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
