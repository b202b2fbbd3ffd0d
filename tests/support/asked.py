"""Invented papers, texts and answers for the tests of what models are asked."""

from typing import Any

from core.llm.base import Answer, Ask
from core.model.feed import Feed
from core.model.fulltext import FullText
from core.model.paper import Author, Paper
from core.model.rubric import Criterion, Rubric
from tests.support.invented import make_feed, make_paper

RUBRIC = Rubric((Criterion("Direct storage", 3, "Is it about storage?"), Criterion("System impact", 2, "Does it run?")))
TEXT = """A Title
First Sample, Institute of Samples
Published at the Sample Conference 2026. Code: https://github.com/sample/flashcache
The cache reads 3.5x faster than LRU on one SSD.
"""
MARKS = {
    "criterion_1": {"quote": "faster than LRU on one SSD", "grounds": "The cache is on an SSD.", "points": 3},
    "criterion_2": {"quote": "", "grounds": "One SSD | one host.", "points": 1},
}
ANALYSIS = {
    "marks": MARKS,
    "institutions": ["Institute of Samples"],
    "venue": "Sample Conference 2026",
    "code": "https://github.com/sample/flashcache",
    "claim": "A cache on flash reads 3.5x faster than LRU",
    "parts": {"problem": "Reads are slow.", "limits": "LRU is blind.", "method": "A cache.", "effect": "3.5x faster."},
}


def full(text: str = TEXT, kind: str = "pdf") -> FullText:
    """A full text without sections."""
    return FullText(text, kind)


def answered(ask: Ask, answer: Any, model: str = "m") -> Answer:
    """The answer of a model to a question: what fits its shape, or a text."""
    return Answer(ask.shape.model_validate(answer) if ask.shape else answer, model, ask=ask)


def sample_paper(**more: str) -> Paper:
    """A paper on a cache."""
    return make_paper(authors=(Author("First Sample"),), **more)


def sample_feed(language: str = "en") -> Feed:
    """A feed in that language."""
    return make_feed(language=language, rubric=RUBRIC)
