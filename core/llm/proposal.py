"""The question for the rules of a feed, from what somebody wants to follow, and its answer."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from core.llm.base import Ask
from core.llm.material import fence
from core.llm.prompts import instruct
from core.llm.structured import Shape
from core.model.categories import find_category
from core.model.votes import Reference

_STEP = "screen"  # the model of short questions about abstracts
_MOST_EXAMPLES = 10  # of those that were given as examples
_MOST_ABSTRACT = 1200  # characters
_MOST_WORDS = 100  # characters of a rule, and of a title
_TOKENS = 1500  # of the answer


class _Keyword(Shape):
    rule: str = Field(min_length=1, max_length=_MOST_WORDS)
    weight: float = Field(ge=0.1, le=10)


class _Rules(Shape):
    title: str = Field(max_length=_MOST_WORDS)
    categories: list[str] = Field(min_length=1, max_length=12)
    keywords: list[_Keyword] = Field(min_length=1, max_length=30)


class Asked(NamedTuple):
    """Rules as a model wrote them: a title, the categories that arXiv has, and keywords with weights."""

    title: str
    categories: tuple[str, ...]
    keywords: tuple[tuple[str, float], ...]


def ask_rules(sentence: str, references: Sequence[Reference]) -> Ask:
    """Returns the question for the rules of a feed for a sentence, and for papers like the `references`."""
    papers = [f"Title: {one.title}\nAbstract: {one.abstract[:_MOST_ABSTRACT]}" for one in references[:_MOST_EXAMPLES]]
    material = fence("\n\n".join(filter(None, [sentence, *papers])))
    return Ask(_STEP, instruct("proposal", "en"), f"{material}\n\nWrite the rules now.", _Rules, _TOKENS)


def read_rules_of(value: _Rules) -> Asked:
    """Returns the rules of an answer, without what is no category of arXiv."""
    categories = dict.fromkeys(filter(None, (find_category(name.strip()) for name in value.categories)))
    keywords = {" ".join(one.rule.split()): one.weight for one in value.keywords}
    return Asked(value.title.strip(), tuple(categories), tuple(keywords.items()))
