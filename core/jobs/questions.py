"""What a feed asks about its papers, and under which keys the answers are stored.

Each key has the fingerprint of everything that the answer depends on: what is stored under the present fingerprints is
not asked for again, and a changed rubric, template, prompt, language or model asks anew.
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

_OF_ABSTRACT = (POINTS,)  # templates whose summaries are made of the abstract, unless the paper is read anyway


@dataclass(frozen=True, slots=True)
class Questions:
    """`rubric` is None where nothing is judged, `template` "" where nothing is summarised.

    `screening` and `analysis` are fingerprints of the questions. `candidates` are the fingerprints under which a
    summary may be stored, the best first; none for an extract, which is made in a moment.
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
    def reads(self) -> bool:
        """Whether papers are read for the sake of their summaries."""
        return self.template not in _OF_ABSTRACT

    @property
    def come_with_analysis(self) -> bool:
        """Whether the analysis of a paper gives its summary too."""
        return self.rubric is not None and self.template == POINTS

    @property
    def fingerprint(self) -> str:
        """Changes with everything that is asked, and with the papers that it is asked about."""
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
        """The keys of its scorecards, the best first."""
        return [self.analysed(paper), self.screened(paper)] if self.rubric else []

    def answers(self, paper: str) -> list[CardKey | SummaryKey]:
        """The keys of all answers about it."""
        return [*self.cards(paper), *self.summaries(paper)]

    def summaries(self, paper: str) -> list[SummaryKey]:
        """The keys of its summaries, the best first."""
        return [SummaryKey(paper, self.template, self.feed.language, name) for name in self.candidates]


def questions_of(feed: Feed, model: Model | None) -> Questions | None:
    """What is asked for a feed; None if nothing is. Without a model nothing is judged, and summaries are extracts."""
    template = feed.template(has_model=model is not None) if feed.summaries else ""
    if model is None or template == EXTRACT:
        template = template and EXTRACT
    if model is None or feed.rubric is None:
        found = tuple(_candidates(feed, template, model, ()))
        return Questions(feed, None, template, candidates=found) if template else None
    screening = screening_fingerprint(feed.rubric, feed.language, model.name("screen"))
    analysis = analysis_fingerprint(feed.rubric, feed.language, model.name("analyse"), screening)
    also = (model.name("analyse"),) if template == POINTS else ()
    found = tuple(_candidates(feed, template, model, also))
    return Questions(feed, feed.rubric, template, screening, analysis, found)


def _candidates(feed: Feed, template: str, model: Model | None, also: tuple[str, ...]) -> Iterator[str]:
    """The fingerprints of a summary, which one of the models `also` may have written beside the summarising one."""
    if not template or template == EXTRACT or model is None:
        return
    for kind in ("html", "pdf", "abstract"):
        for name in dict.fromkeys((*also, model.name("summarise"))):
            yield summary_fingerprint(get_template(template), feed.language, name, kind)
