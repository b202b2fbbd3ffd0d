"""Converts answers of models into scorecards and summaries: with limits, sanitised, and checked against the paper."""

from collections.abc import Collection, Mapping
from typing import Any

from core.llm.base import Answer
from core.llm.checks import MARK, UNQUOTED_POINTS, check_figures, is_quoted, mark_figures, mend_formulas
from core.llm.prompts import POINTS
from core.llm.reading import CLAIM_CHARACTERS, cut_at_clause, is_in
from core.llm.structured import CLAIM, criterion_key, paper_key
from core.llm.templates import get_template
from core.model.fulltext import NO_EVIDENCE, Evidence, FullText
from core.model.layout import Parts, post_to_markdown, to_markdown
from core.model.paper import Paper, known_addresses
from core.model.rubric import Criterion, Mark, Rubric, Scorecard
from core.model.summary import Summary
from core.model.template import Template
from core.text.markdown import harmless, one_line
from core.text.names import name_words
from core.text.sanitize import is_known

PREPRINT = "arXiv preprint"  # the default venue
_LONGEST = 600  # characters of a reason or of grounds
_LONGEST_NAME = 120
_MOST_INSTITUTIONS = 20
_LONGEST_ANSWER = 20_000
_CLAIMING = ("effect", "results", "contribution", "contributions", "method")  # parts that a claim may be taken from


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
    given = answered.ask.user if answered.ask else ""
    marks = [
        _mark(criterion, answer["marks"][criterion_key(place)], known, given)
        for place, criterion in enumerate(rubric.criteria)
    ]
    grounds = "\n".join(str(mark["grounds"]) for mark in answer["marks"].values())
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
        evidence=_evidence(answered, grounds, language),
    )
    texts = answer["parts"] | {CLAIM: answer[CLAIM]}
    return card, _summary(answered, texts, get_template(POINTS), language, known, kind)


def read_summary(answered: Answer, template: Template, language: str, paper: Paper, text: FullText) -> Summary:
    """Returns the summary from an answer in the shape of its template."""
    known = known_addresses(paper, text.text)
    return _summary(answered, answered.value.model_dump(), template, language, known, text.input)


def read_question(answered: Answer, language: str, paper: Paper, text: FullText) -> tuple[str, Evidence]:
    """Returns the answer to a question of a review, as sanitised Markdown ("" if nothing is left), and its grounds."""
    answer = str(answered.value)[:_LONGEST_ANSWER]
    evidence = _evidence(answered, answer, language)
    missing = evidence.figures.missing if evidence.figures else ()
    return _checked(answer, missing, known_addresses(paper, text.text)), evidence


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
    own = [str(texts[section.key]) for section in template.parts if not section.invents]
    evidence = _evidence(answered, "\n".join(own), language)
    missing = evidence.figures.missing if evidence.figures else ()
    parts = tuple((section.key, _checked(texts[section.key], missing, known)) for section in template.parts)
    claim = _claim(str(texts.get(CLAIM, "")), answered, parts, known, language)
    return Summary(
        template.name,
        language,
        answered.model,
        to_markdown(template, language, parts),
        parts=parts,
        input=kind,
        claim=claim,
        evidence=evidence,
    )


def _checked(text: str, missing: Collection[str], known: frozenset[str]) -> str:
    """Returns a text as harmless Markdown, with marks behind figures that are not in the material."""
    return harmless(mark_figures(mend_formulas(text), missing), known)


def _evidence(answered: Answer, text: str, language: str) -> Evidence:
    """Returns what was read for an answer, and what was found there of the figures in `text`."""
    if not answered.ask:
        return NO_EVIDENCE
    figures = check_figures(text, answered.ask.user) if answered.ask.checked else None
    return Evidence(answered.ask.coverage, figures, not is_in(language, text))


def _claim(claim: str, answered: Answer, parts: Parts, known: frozenset[str], language: str) -> str:
    """Returns the claim of a summary, else the sentence of its parts that comes next to one."""
    text = one_line(harmless(claim, known))
    material = answered.ask.user if answered.ask else ""
    if not text or not is_in(language, text) or (material and check_figures(text, material).missing):
        texts = dict(parts)
        found = next((texts[key] for key in _CLAIMING if texts.get(key, "").strip()), "")
        text = one_line(" ".join(found.replace(MARK, "").split()))
    return cut_at_clause(text, CLAIM_CHARACTERS)


def _mark(criterion: Criterion, mark: Mapping[str, Any], known: frozenset[str], material: str) -> Mark:
    """Returns the points for a criterion: without words of the material that show it no more than a few."""
    quoted = is_quoted(mark["quote"], material)
    points = mark["points"] if quoted else min(mark["points"], UNQUOTED_POINTS)
    missing = check_figures(mark["grounds"], material).missing
    grounds = mark_figures(mark["grounds"], missing)
    return Mark(criterion.name, points, criterion.max, one_line(harmless(grounds, known), _LONGEST))


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
