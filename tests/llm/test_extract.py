"""Summaries whose sentences are the abstract's own."""

import json
import random
from typing import Any

import pytest

from core.llm.extractive import extract, extract_claim
from core.model.feed import Entry
from core.model.paper import Paper
from core.render.claims import claim_of
from core.render.shapes import summary_html
from core.text.tex import to_readable
from tests.conftest import SHARED
from tests.support.asked import sample_paper
from tests.support.invented import FRIDAY
from tests.support.rules import html_faults
from tests.support.vectors import TEXTS

ABSTRACT = (
    "Reading from flash is a critical bottleneck of training. However, existing caches fail to see the order of reads. "
    "We propose FlashOrder, a novel cache | queue that learns it. Experiments show that it reduces read time by 41%."
)


def test_four_points() -> None:
    """The sentences stand in their rows as they are, under headings in the reader's language; no model is named."""
    summary = extract(sample_paper(abstract=ABSTRACT), "ko")
    expected = """\
| 항목 | 초록 원문 |
|---|---|
| **a) 해결한 문제** | Reading from flash is a critical bottleneck of training. |
| **b) 기존 접근법의 한계** | However, existing caches fail to see the order of reads. |
| **c) 제안 방법** | We propose FlashOrder, a novel cache \\| queue that learns it. |
| **d) 효과** | Experiments show that it reduces read time by 41%. |

*언어 모델이 쓴 것이 아니라 초록에서 표현을 기준으로 고른 원문 문장입니다.*"""
    assert expected == summary.markdown
    assert ("extract", "ko", "", "ready", "abstract") == (
        summary.template, summary.language, summary.model, summary.state, summary.input,
    )  # fmt: skip
    assert summary == extract(sample_paper(abstract=ABSTRACT), "ko")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "The abstract has no sentence that says this."), ("zh", "摘要中没有相应的句子。")]
)
def test_what_is_not_said(language: str, words: str) -> None:
    """Where no sentence fits, that is said; nothing is said twice."""
    summary = extract(sample_paper(abstract="We propose FlashOrder, a cache."), language)
    assert ["method"] == [key for key, _ in summary.parts]
    assert 3 == summary.markdown.count(words)
    assert 4 == extract(sample_paper(abstract=""), language).markdown.count(words)


def test_hostile_abstracts() -> None:
    """An abstract's markup is shown as text."""
    for text in TEXTS:
        paper = sample_paper(abstract=f"We propose {text}. Experiments show {text} by 3%.")
        assert [] == html_faults(summary_html(extract(paper, "en"), paper))


@pytest.mark.shared
def test_real_abstracts() -> None:
    """Nearly every real abstract has a method and most have an effect; what is chosen stands in the abstract."""
    days = sorted((SHARED / "data" / "days").glob("papers_*.jsonl"))
    records: list[dict[str, Any]] = [json.loads(line) for day in days for line in day.read_text("utf-8").splitlines()]
    chosen = random.Random(1).sample(records, 300)
    counts = dict.fromkeys(("problem", "limits", "method", "effect"), 0)
    for record in chosen:
        paper = Paper(record["id"], 1, "", to_readable(record["abstract"]), (), ("cs.LG",))
        for key, _ in extract(paper, "en").parts:
            counts[key] += 1
    assert counts["method"] >= 285, counts
    assert counts["effect"] >= 225, counts


def test_a_claim_needs_a_part_of_the_extract() -> None:
    """It gives the claim that the whole extract gives."""
    sentences = ABSTRACT.split(". ")
    for count in range(16):
        abstract = ". ".join(one for at, one in enumerate(sentences) if count >> at & 1)
        entry = Entry("main", sample_paper(abstract=abstract), FRIDAY, "new")
        assert claim_of(entry, lambda paper: extract(paper, "en")) == claim_of(entry, extract_claim)
