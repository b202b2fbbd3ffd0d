"""What a feed asks about its papers, and under which keys the answers are stored.

Each key has the fingerprint of all inputs of the answer: an answer stored under the present fingerprints is not
requested again, and a changed rubric, template, prompt, language or model requests a new one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.archive.analyses import CardKey, SummaryKey
from core.llm.base import Model
from core.llm.prompts import POINTS, analysis_fingerprint, screening_fingerprint, summary_fingerprint
from core.llm.templates import EXTRACT, get_template
from core.model.feed import Feed
from core.model.rubric import Rubric
from core.util.signing import fingerprint


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of a feed. `rubric` is None if nothing is judged, `template` "" if nothing is summarised.

    `screening` and `analysis` are fingerprints of the questions. `candidates` are the fingerprints under which a
    summary may be stored, best first; empty for extracts, which are made on demand.
    """

    feed: Feed
    rubric: Rubric | None
    template: str
    screening: str = ""
    analysis: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The fingerprint of the question for a summary."""
        return fingerprint("summary", self.candidates)

    @property
    def extracts(self) -> bool:
        """Whether summaries are extracted from abstracts."""
        return self.template == EXTRACT

    @property
    def come_with_analysis(self) -> bool:
        """Whether the analysis of a paper includes its summary."""
        return self.rubric is not None and self.template == POINTS

    @property
    def fingerprint(self) -> str:
        """The fingerprint of all questions and of the selection of papers."""
        return fingerprint(
            "questions", self.feed.fingerprint, self.template, self.screening, self.analysis, self.candidates
        )

    def screened(self, paper: str) -> CardKey:
        """The key of the scorecard after the screening; `paper` is a versioned identifier."""
        return CardKey(paper, self.screening)

    def analysed(self, paper: str) -> CardKey:
        """The key of the scorecard after the analysis."""
        return CardKey(paper, self.analysis)

    def cards(self, paper: str) -> list[CardKey]:
        """Returns the keys of the paper's scorecards, best first."""
        return [self.analysed(paper), self.screened(paper)] if self.rubric else []

    def answers(self, paper: str) -> list[CardKey | SummaryKey]:
        """Returns the keys of all answers about the paper."""
        return [*self.cards(paper), *self.summaries(paper)]

    def summaries(self, paper: str) -> list[SummaryKey]:
        """Returns the keys of the paper's summaries, best first."""
        return [SummaryKey(paper, self.template, self.feed.language, name) for name in self.candidates]


def questions_of(feed: Feed, model: Model | None) -> Questions | None:
    """Returns the questions of a feed, None if it has none. Without a model, only extracts are made."""
    template = feed.template(has_model=model is not None) if feed.summaries else ""
    if model is None or template == EXTRACT:
        template = template and EXTRACT
    rubric = feed.judging
    if model is None or rubric is None:
        found = tuple(_candidates(feed, template, model, ()))
        return Questions(feed, None, template, candidates=found) if template else None
    screening = screening_fingerprint(rubric, feed.language, model.name("screen"), feed.interest)
    analysis = analysis_fingerprint(rubric, feed.language, model.name("analyse"), screening)
    also = (model.name("analyse"),) if template == POINTS else ()
    found = tuple(_candidates(feed, template, model, also))
    return Questions(feed, rubric, template, screening, analysis, found)


def _candidates(feed: Feed, template: str, model: Model | None, also: tuple[str, ...]) -> Iterator[str]:
    """Yields the fingerprints of a summary: written by the summarising model, or by one of the models `also`."""
    if not template or template == EXTRACT or model is None:
        return
    for kind in ("html", "pdf", "abstract"):
        for name in dict.fromkeys((*also, model.name("summarise"))):
            yield summary_fingerprint(get_template(template), feed.language, name, kind)
