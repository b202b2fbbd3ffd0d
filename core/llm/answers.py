"""Converts answers of models into scorecards and summaries: with limits, sanitised, and checked against the paper."""

from typing import Any

from core.llm.base import Answer
from core.llm.prompts import POINTS
from core.llm.structured import criterion_key, paper_key
from core.llm.templates import get_template
from core.model.fulltext import Evidence, FullText
from core.model.paper import Paper, known_addresses
from core.model.rubric import Mark, Rubric, Scorecard
from core.model.summary import Summary
from core.model.template import Template, post_to_markdown, to_markdown
from core.text.markdown import harmless, one_line
from core.text.names import name_words
from core.text.sanitize import is_known

PREPRINT = "arXiv preprint"  # the default venue
_LONGEST = 600  # characters of a reason or of grounds
_LONGEST_NAME = 120
_MOST_INSTITUTIONS = 20
_LONGEST_ANSWER = 20_000


def read_screening(answered: Answer, rubric: Rubric, papers: int) -> list[Scorecard | None]:
    """Returns the scorecards after the screening, in the order of the papers; None for one that is not judged."""
    answer = answered.value.model_dump()
    return [
        Scorecard(
            "screened",
            float(found["points"]),
            one_line(harmless(found["reason"], frozenset()), _LONGEST),
            model=answered.model,
            most=rubric.max,
        )
        if (found := answer.get(paper_key(place)))
        else None
        for place in range(papers)
    ]


def read_analysis(
    answered: Answer, screened: Scorecard, rubric: Rubric, language: str, paper: Paper, text: FullText
) -> tuple[Scorecard, Summary]:
    """Returns the scorecard after the analysis, and the four-point summary, from an answer in its shape.

    Institutions, venue and code are kept only if the paper names them.
    """
    answer, model, kind = answered.value.model_dump(), answered.model, text.input
    known = known_addresses(paper, text.text)
    names = _Names(paper, text.text)
    marks = [
        Mark(criterion.name, mark["points"], criterion.max, one_line(harmless(mark["grounds"], known), _LONGEST))
        for place, criterion in enumerate(rubric.criteria)
        if (mark := answer["marks"][criterion_key(place)])
    ]
    card = Scorecard(
        stage="analysed",
        predicted=screened.predicted,
        reason=screened.reason,
        marks=tuple(marks),
        input=kind,
        model=model,
        institutions=tuple(filter(None, dict.fromkeys(map(names.kept, answer["institutions"]))))[:_MOST_INSTITUTIONS],
        venue=_venue(names.kept(answer["venue"])),
        code=_code(answer["code"], paper, known),
        note=text.note,
        most=rubric.max,
        evidence=_evidence(answered),
    )
    return card, _summary(answered, answer["parts"], get_template(POINTS), language, known, kind)


def read_summary(answered: Answer, template: Template, language: str, paper: Paper, text: FullText) -> Summary:
    """Returns the summary from an answer in the shape of its template."""
    known = known_addresses(paper, text.text)
    return _summary(answered, answered.value.model_dump(), template, language, known, text.input)


def read_question(answer: str, paper: Paper, text: FullText) -> str:
    """Returns the answer to a question of a review, as sanitised Markdown; "" if nothing is left."""
    return harmless(answer[:_LONGEST_ANSWER], known_addresses(paper, text.text))


def read_post(
    answered: Answer, template: Template, language: str, paper: Paper, text: FullText
) -> tuple[Summary, tuple[str, ...]]:
    """Returns the post of a review and its tags, from an answer in its shape; `text` is what it was made of."""
    answer = answered.value.model_dump()
    known = known_addresses(paper, text.text)
    parts = tuple((section.key, harmless(answer[section.key], known)) for section in template.post)
    parts = tuple((key, one_line(part) if key == "title" else part) for key, part in parts)
    tags = (one_line(harmless(tag, frozenset()), _LONGEST_NAME).lower() for tag in answer["tags"])
    markdown = post_to_markdown(template, language, parts)
    post = Summary(template.name, language, answered.model, markdown, parts=parts, input=text.input)
    return post, tuple(filter(None, dict.fromkeys(tags)))


def _summary(
    answered: Answer, texts: dict[str, Any], template: Template, language: str, known: frozenset[str], kind: str
) -> Summary:
    parts = tuple((section.key, harmless(texts[section.key], known)) for section in template.parts)
    markdown = to_markdown(template, language, parts)
    evidence = _evidence(answered)
    return Summary(template.name, language, answered.model, markdown, parts=parts, input=kind, evidence=evidence)


def _evidence(answered: Answer) -> Evidence:
    return Evidence(answered.ask.coverage if answered.ask else None)


class _Names:
    """The names in the model's input."""

    def __init__(self, paper: Paper, text: str) -> None:
        affiliations = " ".join(author.affiliation for author in paper.authors)
        given = "\n".join((paper.title, paper.comment, paper.journal_ref, paper.abstract, affiliations, text))
        self._words = name_words(given)

    def kept(self, name: str) -> str:
        """Returns `name` on one line, "" if the paper lacks one of its words in any spelling."""
        name = one_line(harmless(name, frozenset()), _LONGEST_NAME)
        words = name_words(name)
        return name if words and self._words >= words else ""


def _venue(name: str) -> str:
    return name if name and "arxiv" not in name.lower() else PREPRINT


def _code(url: str, paper: Paper, known: frozenset[str]) -> str:
    """Returns the URL of the code: from arXiv's record, else from the model if the paper contains it."""
    url = url.strip()
    url = url if "://" in url or not url else f"https://{url}"
    own = known_addresses(Paper(paper.id, paper.version, "", "", (), paper.categories, doi=paper.doi))
    return paper.code or (url if is_known(url, known) and not is_known(url, own) else "")
