"""The questions to models: instructions from the files in `prompts/`, and untrusted material.

The instructions are equal for all papers, so that a provider can cache them as a prefix. Answers are stored under the
fingerprints of their questions.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template as Text

from pydantic import BaseModel

from core.llm.base import Ask
from core.llm.material import MOST_CHARS, fence, material, shorten
from core.llm.structured import (
    analysis_shape,
    criterion_key,
    paper_key,
    parts_shape,
    plain_schema,
    post_shape,
    screening_shape,
)
from core.llm.templates import get_template
from core.model.feed import Feed
from core.model.fulltext import FullText
from core.model.layout import Parts
from core.model.paper import Paper
from core.model.rubric import Rubric
from core.model.template import LANGUAGES, Section, Template
from core.model.votes import Votes
from core.util.signing import fingerprint

POINTS = "four-point"  # the template whose parts an analysis fills beside the marks
_FOLDER = Path(__file__).with_name("prompts")
_ANSWER_TOKENS = 4_000
_TARGET = 3  # a part is to have so small a share of the most characters that are kept
_SCREENING_TOKENS = 400  # for each paper
_TITLES, _TITLE_CHARS = 5, 150  # liked, and as many disliked ones; some 500 tokens at most
NO_VOTES = Votes()
_VERSION = 3  # to be raised when the interpretation of the same prompt changes
_STYLES = {"ko": ", in the plain written style that ends sentences with -다"}


def ask_screening(feed: Feed, rubric: Rubric, papers: Sequence[Paper], votes: Votes = NO_VOTES) -> Ask:
    """Returns the question for the predicted points of some papers, by abstract, with a reason for each.

    The titles of the newest `votes` come before the papers: the same for all questions of a run, so that a provider can
    cache them too. They are no part of the fingerprint: a vote has no stored answer asked for again.
    """
    system = _system("screening", feed.language, reader=_reader(feed), rubric=_criteria(rubric), most=str(rubric.max))
    numbered = [f"`{paper_key(place)}`:\n{material(paper)[0]}" for place, paper in enumerate(papers)]
    task = f"The material ends here. Judge the {len(papers)} papers now, each by its key."
    tokens = _SCREENING_TOKENS * (len(papers) + 1)
    user = "\n\n".join([*_taste(votes), *numbered, task])
    return Ask("screen", system, user, screening_shape(rubric, len(papers)), tokens, language=feed.language)


def _taste(votes: Votes) -> list[str]:
    """Returns what the reader liked and disliked lately, by titles; nothing where there are none."""
    said = {"Liked": votes.likes, "Disliked": votes.dislikes}
    rows = {
        word: [shorten(" ".join(one.title.split()), _TITLE_CHARS) for one in ones[:_TITLES] if one.title.strip()]
        for word, ones in said.items()
    }
    lines = [f"{word}:\n" + "\n".join(f"- {title}" for title in titles) for word, titles in rows.items() if titles]
    if not lines:
        return []
    about = (
        "How the reader voted on earlier papers, newest first. These are not to be judged; they show what is wanted:"
    )
    return [f"{about}\n" + fence("\n".join(lines))]


def _reader(feed: Feed) -> str:
    """Returns who reads the feed, and what for, in words for a model."""
    interest = f" Their interest: {feed.interest}" if feed.interest else ""
    return f"the reader of a feed called “{feed.title}”.{interest}"


def ask_analysis(feed: Feed, rubric: Rubric, paper: Paper, text: FullText) -> Ask:
    """Returns the question for points by each criterion, the names in `text`, and the four-point summary."""
    template = get_template(POINTS)
    system = _system(
        "analysis",
        feed.language,
        reader=_reader(feed),
        rubric=_criteria(rubric, keys=True),
        count=str(len(template.parts)),
        instructions=template.instructions,
        parts=_asked(template.parts),
    )
    task = "Summarise and judge this paper now."
    return _about("analyse", system, paper, text, task, feed.language, analysis_shape(rubric, template))


def ask_summary(template: Template, language: str, paper: Paper, text: FullText) -> Ask:
    """Returns the question for a summary in the parts of the template.

    Raises `ValueError` for a template without questions, that of extracts.
    """
    if not all(part.ask for part in template.parts):
        raise ValueError(f"{template.name} is a template that asks nothing of a model")
    parts = _asked(template.parts)
    system = _system("summary", language, instructions=template.instructions, parts=parts)
    invents = tuple(part.key for part in template.parts if part.invents)
    task = "Summarise this paper now."
    return _about("summarise", system, paper, text, task, language, parts_shape(template), invents)


def ask_question(template: Template, key: str, language: str, paper: Paper, text: FullText) -> Ask:
    """Returns one question of a review; its answer is text. Raises `KeyError` for an unknown key.

    The question follows the material, so that all questions begin with the same text, which a provider may cache.
    """
    section = template.section(key)
    system = _system("question", language, instructions=template.instructions)
    task = f"Answer one question, in about {section.most // _TARGET:,} characters. The question: {section.ask}\n\n"
    return _about("review", system, paper, text, task, language, None, ("",) if section.invents else ())


def _about(
    step: str,
    system: str,
    paper: Paper,
    text: FullText,
    task: str,
    language: str,
    shape: type[BaseModel] | None,
    invents: tuple[str, ...] = (),
) -> Ask:
    """Returns a question about the full text of a paper, which can be asked with less of it; `task` comes last."""

    def within(most: int) -> Ask:
        given, coverage = material(paper, text, most)
        user = f"{given}\n\nThe material ends here. {task} Write in {LANGUAGES[language]}."
        return Ask(
            step,
            system,
            user,
            shape,
            _ANSWER_TOKENS,
            within,
            language,
            coverage,
            invents,
            checked=not invents or bool(shape),
        )

    return within(MOST_CHARS)


def ask_post(template: Template, language: str, paper: Paper, answers: Parts) -> Ask:
    """Returns the question for the post of a review, from the `answers` to its questions, by key."""
    given = dict(answers)
    texts = [f"{part.ask}\n\n{given[part.key]}" for part in template.parts if given.get(part.key)]
    user = fence("\n\n".join([f"Title: {paper.title}", f"Abstract:\n{paper.abstract}", *texts]))
    system = _system("post", language, parts=_asked(template.post))
    invents = tuple(part.key for part in template.post if part.invents)
    return Ask("review", system, user, post_shape(template), 8000, language=language, invents=invents, checked=True)


def screening_fingerprint(rubric: Rubric, language: str, model: str, interest: str = "") -> str:
    """Returns the fingerprint of all inputs of predicted points and their reasons, except the papers."""
    schema = plain_schema(screening_shape(rubric, 1))
    return fingerprint(
        "screening", _VERSION, _texts("screening"), schema, rubric.fingerprint, language, model, interest
    )


def analysis_fingerprint(rubric: Rubric, language: str, model: str, screening: str = "") -> str:
    """Returns the fingerprint of all inputs of marks and four points, except the paper and its text.

    `screening` is the fingerprint of the screening whose prediction the scorecard keeps.
    """
    template = get_template(POINTS)
    schema = plain_schema(analysis_shape(rubric, template))
    return fingerprint("analysis", _VERSION, _texts("analysis"), schema, rubric.fingerprint, template.fingerprint,
                       language, model, screening)  # fmt: skip


def summary_fingerprint(template: Template, language: str, model: str, kind: str) -> str:
    """Returns the fingerprint of all inputs of a summary, except the paper. `model` is "" for an extract."""
    schema = plain_schema(parts_shape(template))
    return fingerprint("summary", _VERSION, _texts("summary"), schema, template.fingerprint, language, model, kind)


def review_fingerprint(template: Template, language: str, model: str, kind: str) -> str:
    """Returns the fingerprint of all inputs of a review's answers and post, except the paper."""
    schema = plain_schema(post_shape(template))
    return fingerprint("review", _VERSION, _texts("question"), _texts("post"), schema, template.fingerprint, language,
                       model, kind)  # fmt: skip


@cache
def _file(name: str) -> str:
    return (_FOLDER / f"{name}.txt").read_text("utf-8").strip()


def _texts(name: str) -> list[str]:
    return [_file(name), _file("rules"), str(sorted(_STYLES.items()))]


def _system(name: str, language: str, **values: str) -> str:
    rules = Text(_file("rules")).substitute(language=LANGUAGES[language], style=_STYLES.get(language, ""))
    return f"{Text(_file(name)).substitute(values)}\n\n{rules}"


def instruct(name: str, language: str) -> str:
    """Returns the instructions of a file in `prompts/` that has no places to fill, with the rules for all answers."""
    return _system(name, language)


def _criteria(rubric: Rubric, *, keys: bool = False) -> str:
    names = [f"`{criterion_key(place)}`: " if keys else "" for place in range(len(rubric.criteria))]
    return "\n".join(
        f"- {name}{criterion.name} (0 to {criterion.max}): {criterion.about}".rstrip(": ")
        for name, criterion in zip(names, rubric.criteria, strict=True)
    )


def _asked(sections: tuple[Section, ...]) -> str:
    return "\n".join(
        f"- `{section.key}` (about {section.most // _TARGET} characters): {section.ask}" for section in sections
    )
