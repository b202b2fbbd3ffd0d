"""Inflection, spellings and names over thousands of real papers: which each rule finds, and how many."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from core.config.feed_table import read_feed
from core.model.paper import Author, Paper
from core.ranking.matching import make_scorer
from tests.conftest import SHARED

DAYS = SHARED / "data" / "days"
pytestmark = pytest.mark.shared

# rule → what its hits are, as a regular expression over title and abstract; the case counts where it says so
WORDS = {
    "news": r"\bnews\b",
    "new": r"\bnew\b",
    "TOPS": r"\bTOPS\b|\btops\b",
    "AIDS": r"\baids\b",
    "dynamics": r"\bdynamics\b",
    "dynamic": r"\bdynamic\b",
    "series": r"\bseries\b",
    "means": r"\bmeans\b",
    "corpus": r"\bcorpus\b|\bcorpora\b",
    "corpora": r"\bcorpus\b|\bcorpora\b",
    "analysis": r"\banalys[ie]s\b",
    "matrix": r"\bmatri(?:x|ces)\b",
    "indices": r"\bind(?:ex|ices)\b",
    "hypothesis": r"\bhypothes[ie]s\b",
    "criterion": r"\bcriteri(?:on|a)\b",
    "phenomena": r"\bphenomen(?:on|a)\b",
    "spectrum": r"\bspectr(?:um|a|ums)\b",
    "vertex": r"\bvert(?:ex|ices)\b",
    "radius": r"\bradi(?:us|i)\b",
    "policy": r"\bpolic(?:y|ies)\b",
    "loss": r"\bloss(?:es)?\b",
    "metric": r"\bmetrics?\b",
    "dataset": r"\bdata[-\s]?sets?\b",
    "data set": r"\bdata[-\s]?sets?\b",
    "fine-tuning": r"\bfine[-–\s]?tunings?\b",
    "3-D": r"\b3[-\s]?D\b",
    "GPT4": r"\bGPT[-\s]?4\b",
    "optimise": r"\boptimi[sz]es?\b",
    "behavior": r"\bbehaviou?rs?\b",
    "quantiz*": r"\bquantiz",
    '"SAM"': r"(?-i:\bSAM\b)",
    "GAN": r"\bGAN\b|(?-i:\bGANs\b)|\bgans\b",
}
# author → what the names of those are that it finds
NAMES = {
    "LeCun": r".* LeCun",
    "Y. LeCun": r"Y\S* LeCun",
    "LeCun, Yann": r"Y(?:ann|\.)(?: \S+)* LeCun",
    "Daniels": r".* Daniels",
    "Williams": r".* Williams",
    "Muller": r".* M[uü]ller",
    "O'Connor": r".* O['’]Connor",
    "Wei Wang": r"W(?:ei|\.)(?: \S+)* Wang",
}


@cache
def papers() -> tuple[Paper, ...]:
    """All real papers, each once."""
    return tuple({paper.id: paper for paper in _read()}.values())


def _read() -> Iterator[Paper]:
    for path in sorted(DAYS.glob("papers_*.jsonl")):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            authors = tuple(Author(name) for name in row["authors"])
            yield Paper(row["id"], 1, row["title"], row["abstract"], authors, tuple(row["categories"]))


def found(rule: str) -> set[str]:
    """The papers that a rule finds."""
    score = make_scorer(read_feed("main", {"title": "M", "categories": ["cs"], "keywords": {rule: 1}}))
    return {paper.id for paper in papers() if (made := score(paper)) and made.matched}


@pytest.mark.parametrize(("rule", "pattern"), WORDS.items())
def test_words(rule: str, pattern: str, record_property: Any) -> None:
    """A rule finds exactly the papers that have one of its forms."""
    texts = ((paper.id, f"{paper.title}\n\n{paper.abstract}") for paper in papers())
    expected = {name for name, text in texts if re.search(pattern, text, re.IGNORECASE)}
    record_property(f"hits of {rule}", len(expected))
    assert expected == found(rule)


@pytest.mark.parametrize(("name", "pattern"), NAMES.items())
def test_names(name: str, pattern: str, record_property: Any) -> None:
    """An author's rule finds exactly the papers of that person, as far as names tell."""
    expected = {p.id for p in papers() if any(re.fullmatch(pattern, author.name) for author in p.authors)}
    record_property(f"hits of au:{name}", len(expected))
    assert expected == found(f"au:{name}")
