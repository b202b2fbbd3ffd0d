"""The questions to models: instructions from the files in `prompts/`, and untrusted material.

Material is fenced, to distinguish it from instructions, and limited in length. The instructions are equal for all
papers, so that a provider can cache them as a prefix. Answers are stored under the fingerprints of their questions.
"""

import hashlib
import re
from functools import cache, partial
from pathlib import Path
from string import Template as Text

from core.llm.base import Ask
from core.llm.structured import analysis_shape, criterion_key, parts_shape, post_shape, screening_shape
from core.llm.templates import get_template
from core.model.feed import Feed
from core.model.paper import Paper
from core.model.rubric import Rubric
from core.model.template import LANGUAGES, Parts, Section, Template
from core.text.sanitize import clean
from core.util.signing import fingerprint

SCREENING_CHARS = 6_000
SUMMARY_CHARS = 24_000
ANALYSIS_CHARS = 60_000
REVIEW_CHARS = 120_000
_AUTHORS = 30
_MARK = re.compile(r"<{2,}\s*MATERIAL|MATERIAL\s*>{2,}", re.IGNORECASE)
_REFERENCES = re.compile(r"^\W*(?:\d+\.?\s*)?(?:references|bibliography)\W*$", re.IGNORECASE | re.MULTILINE)
_END_SHARE = 0.25  # the share of its end in a shortened text, for limitations and conclusions


def fence(text: str) -> str:
    """Returns `text` between fences that it cannot close itself: they contain a hash of the text."""
    text = clean(text)
    number = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    text = _MARK.sub("", text).replace(number, "")
    return f"<<<MATERIAL {number}\n{text.strip()}\n{number} MATERIAL>>>"


def material(paper: Paper, text: str = "", kind: str = "", most: int = SCREENING_CHARS) -> str:
    """Returns the material about `paper`, fenced: arXiv's record, and the full `text` of this kind ("html", "pdf").

    The text is limited to `most` characters; if it is cut, the references are removed first.
    """
    authors = [
        f"{author.name} ({author.affiliation})" if author.affiliation else author.name for author in paper.authors
    ]
    more = [f"and {len(authors) - _AUTHORS} more"] if len(authors) > _AUTHORS else []
    lines = {
        "Title": paper.title,
        "Authors": "; ".join(authors[:_AUTHORS] + more),
        "Categories": ", ".join(paper.categories),
        "Comment": paper.comment,
        "Journal reference": paper.journal_ref,
    }
    parts = [f"{name}: {' '.join(value.split())}" for name, value in lines.items() if value.strip()]
    parts.append(f"Abstract:\n{shorten(paper.abstract, SCREENING_CHARS)}")
    if text.strip():
        parts.append(f"Full text ({kind}):\n{shorten(text, most)}")
    return fence("\n\n".join(parts))


def shorten(text: str, most: int) -> str:
    """Returns `text` if it has at most `most` characters; else its main part without references, or its two ends."""
    if len(text) <= most:
        return text
    heads = [match.start() for match in _REFERENCES.finditer(text) if match.start() > len(text) / 3]
    text = text[: heads[0]] if heads else text
    if len(text) <= most:
        return text
    end = int(most * _END_SHARE)
    gap = "\n\n[…]\n\n"
    return text[: most - end - len(gap)] + gap + text[-end:]


POINTS = "four-point"  # the template whose parts an analysis fills beside the marks
_FOLDER = Path(__file__).with_name("prompts")
_VERSION = 1  # to be raised when the interpretation of the same prompt changes
_STYLES = {"ko": ", in the plain written style that ends sentences with -다"}
_READ = {
    "abstract": "only its abstract could be had: what it does not say is unknown",
    "html": "its full text as HTML was read",
    "pdf": "the text of its PDF, in which formulas and tables may be garbled",
}


def ask_screening(feed: Feed, rubric: Rubric, paper: Paper) -> Ask:
    """Returns the question for predicted points, by the abstract, with a reason in the feed's language."""
    system = _system("screening", feed.language, rubric=_criteria(rubric), most=str(rubric.max))
    return Ask("screen", system, material(paper), screening_shape(rubric), most_tokens=500)


def ask_analysis(feed: Feed, rubric: Rubric, paper: Paper, text: str, kind: str) -> Ask:
    """Returns the question for points by each criterion, the names in `text`, and the four-point summary.

    `kind` is the input: "html", "pdf", or "abstract" with an empty `text`.
    """
    template = get_template(POINTS)
    system = _system(
        "analysis",
        feed.language,
        input=_READ[kind],
        rubric=_criteria(rubric, keys=True),
        count=str(len(template.parts)),
        instructions=template.instructions,
        parts=_asked(template.parts, feed.language),
    )
    given = partial(material, paper, text, kind)
    return Ask("analyse", system, given(ANALYSIS_CHARS), analysis_shape(rubric, template), 4000, given, feed.language)


def ask_summary(template: Template, language: str, paper: Paper, text: str, kind: str) -> Ask:
    """Returns the question for a summary in the parts of the template. `text` and `kind` as for an analysis.

    Raises `ValueError` for a template without questions, that of extracts.
    """
    if not all(part.ask for part in template.parts):
        raise ValueError(f"{template.name} is a template that asks nothing of a model")
    parts = _asked(template.parts, language)
    system = _system("summary", language, input=_READ[kind], instructions=template.instructions, parts=parts)
    given = partial(material, paper, text, kind)
    return Ask("summarise", system, given(SUMMARY_CHARS), parts_shape(template), 4000, given, language)


def ask_question(template: Template, key: str, language: str, paper: Paper, text: str, kind: str = "pdf") -> Ask:
    """Returns one question of a review; its answer is text. Raises `KeyError` for an unknown key."""
    question = template.section(key).ask
    system = _system("question", language, input=_READ[kind], instructions=template.instructions, question=question)
    given = partial(material, paper, text, kind)
    return Ask("review", system, given(REVIEW_CHARS), None, 4000, given, language)


def ask_post(template: Template, language: str, paper: Paper, answers: Parts) -> Ask:
    """Returns the question for the post of a review, from the `answers` to its questions, by key."""
    given = dict(answers)
    texts = [f"{part.ask}\n\n{given[part.key]}" for part in template.parts if given.get(part.key)]
    user = fence("\n\n".join([f"Title: {paper.title}", f"Abstract:\n{paper.abstract}", *texts]))
    system = _system("post", language, parts=_asked(template.post, language))
    return Ask("review", system, user, post_shape(template), 8000, language=language)


def screening_fingerprint(rubric: Rubric, language: str, model: str) -> str:
    """Returns the fingerprint of all inputs of predicted points and their reasons, except the paper."""
    schema = screening_shape(rubric).model_json_schema()
    return fingerprint("screening", _VERSION, _texts("screening"), schema, rubric.fingerprint, language, model,
                       SCREENING_CHARS)  # fmt: skip


def analysis_fingerprint(rubric: Rubric, language: str, model: str, screening: str = "") -> str:
    """Returns the fingerprint of all inputs of marks and four points, except the paper and its text.

    `screening` is the fingerprint of the screening whose prediction the scorecard keeps.
    """
    template = get_template(POINTS)
    schema = analysis_shape(rubric, template).model_json_schema()
    return fingerprint("analysis", _VERSION, _texts("analysis"), schema, rubric.fingerprint, template.fingerprint,
                       language, model, screening, ANALYSIS_CHARS)  # fmt: skip


def summary_fingerprint(template: Template, language: str, model: str, kind: str) -> str:
    """Returns the fingerprint of all inputs of a summary, except the paper. `model` is "" for an extract."""
    schema = parts_shape(template).model_json_schema()
    return fingerprint("summary", _VERSION, _texts("summary"), schema, template.fingerprint, language, model, kind,
                       SUMMARY_CHARS)  # fmt: skip


def review_fingerprint(template: Template, language: str, model: str, kind: str) -> str:
    """Returns the fingerprint of all inputs of a review's answers and post, except the paper."""
    schema = post_shape(template).model_json_schema()
    return fingerprint("review", _VERSION, _texts("question"), _texts("post"), schema, template.fingerprint, language,
                       model, kind, REVIEW_CHARS)  # fmt: skip


@cache
def _file(name: str) -> str:
    return (_FOLDER / f"{name}.txt").read_text("utf-8").strip()


def _texts(name: str) -> list[str]:
    return [_file(name), _file("rules"), str(sorted(_READ.items())), str(sorted(_STYLES.items()))]


def _system(name: str, language: str, **values: str) -> str:
    rules = Text(_file("rules")).substitute(language=LANGUAGES[language], style=_STYLES.get(language, ""))
    return f"{Text(_file(name)).substitute(values)}\n\n{rules}"


def _criteria(rubric: Rubric, *, keys: bool = False) -> str:
    names = [f"`{criterion_key(place)}`: " if keys else "" for place in range(len(rubric.criteria))]
    return "\n".join(
        f"- {name}{criterion.name} (0 to {criterion.max}): {criterion.about}".rstrip(": ")
        for name, criterion in zip(names, rubric.criteria, strict=True)
    )


def _asked(sections: tuple[Section, ...], language: str) -> str:
    return "\n".join(
        f"- `{section.key}` ({section.heading[language]}; at most {section.most} characters): {section.ask}"
        for section in sections
    )
