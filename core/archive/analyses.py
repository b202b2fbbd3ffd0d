"""What a feed wants to know of its papers, and under which keys the answers are stored.

Each answer is stored under the fingerprint of all that it depends on: what is wanted is looked for under the present
fingerprints, and what is not there is asked for.
"""

from dataclasses import dataclass

from core.llm.base import Model
from core.llm.prompts import POINTS, analysis_fingerprint, screening_fingerprint, summary_fingerprint
from core.llm.templates import EXTRACT, get_template
from core.model.feed import Feed
from core.model.rubric import Rubric
from core.store import keys
from core.store.base import Store
from core.util.signing import fingerprint

KINDS = ("html", "pdf", "abstract")  # of what is read, the best first
_OF_ABSTRACT = (POINTS,)  # templates whose summaries are made of the abstract, unless the paper is read anyway


@dataclass(frozen=True, slots=True)
class Questions:
    """`rubric` is None where nothing is judged, `template` "" where nothing is summarised.

    `screening` and `analysis` are fingerprints of the questions. `candidates` are the fingerprints under
    which a summary may be stored, the best first; none for an extract, which is made in a moment.
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

    def screened_key(self, paper: str) -> str:
        """Where the scorecard after the screening is; `paper` is a versioned identifier."""
        return keys.card(paper, self.screening)

    def analysed_key(self, paper: str) -> str:
        """Where the scorecard after the analysis is."""
        return keys.card(paper, self.analysis)

    def summary_keys(self, paper: str) -> list[str]:
        """Where the summary may be, the best first."""
        return [keys.summary(paper, self.template, self.feed.language, name) for name in self.candidates]

    def keys(self, paper: str) -> list[str]:
        """Where all answers about a paper may be."""
        cards = [self.screened_key(paper), self.analysed_key(paper)] if self.rubric else []
        return cards + self.summary_keys(paper)


def questions_of(feed: Feed, model: Model | None) -> Questions | None:
    """What is asked for a feed; None if nothing is. Without a model nothing is judged, and summaries are extracts."""
    template = feed.summary if feed.summaries else ""
    if model is None or template == EXTRACT:
        template = template and EXTRACT
    if model is None or feed.rubric is None:
        found = _candidates(feed, template, model, ())
        return Questions(feed, None, template, candidates=found) if template else None
    screening = screening_fingerprint(feed.rubric, feed.language, model.name("screen"))
    analysis = analysis_fingerprint(feed.rubric, feed.language, model.name("analyse"), screening)
    also = (model.name("analyse"),) if template == POINTS else ()
    return Questions(feed, feed.rubric, template, screening, analysis, _candidates(feed, template, model, also))


def _candidates(feed: Feed, template: str, model: Model | None, also: tuple[str, ...]) -> tuple[str, ...]:
    """The fingerprints of a summary, which one of the models `also` may have written beside its own."""
    if not template or template == EXTRACT or model is None:
        return ()
    names = dict.fromkeys((*also, model.name("summarise")))
    return tuple(
        summary_fingerprint(get_template(template), feed.language, name, kind) for kind in KINDS for name in names
    )


class Analyses:
    """Scorecards, summaries and the analyses of days in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
