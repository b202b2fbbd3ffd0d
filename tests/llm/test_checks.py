"""What is checked of answers before they are stored: figures, quotations, language, formulas; and what comes of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.llm.answers import read_analysis, read_summary
from core.llm.base import Answer
from core.llm.checks import check_figures, is_quoted, mark_figures, mend_formulas, problems
from core.llm.prompts import ask_analysis, ask_summary
from core.llm.reading import cut_at_clause
from core.llm.templates import get_template
from core.model.fulltext import Evidence
from core.model.rubric import Scorecard
from core.model.summary import Summary
from tests.support.asked import ANALYSIS, RUBRIC, full, sample_feed, sample_paper
from tests.support.asking import Asking
from tests.support.model_server import ModelServer, serving
from tests.support.tables import each_row

MATERIAL = "It takes 1,234.50 ms on 64 GPUs, 3.5× faster (12 % less energy) in ten runs. We place pages by the tide."
FIGURES = [
    # text, how many are found of how many, which are missing
    ("3.5x faster, 12% less, 64 GPUs", 3, 3, ()),
    ("1234.5 ms or 1,234.50 ms", 2, 2, ()),
    ("10 runs", 1, 1, ()),
    ("412.7 % over GPT-7, in 3 places", 0, 1, ("412.7",)),
    ("1. First\n2. Second\n10. Tenth", 0, 0, ()),
    ("see https://x.example/2601.00099", 0, 0, ()),
    ("64개의 GPU에서 3.5배, 98배", 2, 3, ("98",)),
    ("", 0, 0, ()),
]


@each_row(("text", "found", "total", "missing"), FIGURES)
def test_figures(text: str, found: int, total: int, missing: tuple[str, ...]) -> None:
    """Numbers of two digits and more are looked up, however they are written; addresses and lists do not count."""
    figures = check_figures(text, MATERIAL)
    assert (found, total, missing) == (figures.found, figures.total, figures.missing)


def test_marks() -> None:
    """A figure that is not in the material is marked, but in formulas, code and addresses."""
    text = "It is 98 % of $98x$, `98` and https://x.example/98, not 64."
    assert "It is 98 (?) % of $98x$, `98` and https://x.example/98, not 64." == mark_figures(text, ("98",))


def test_quotations() -> None:
    """Quotations are found whatever their letter case and marks; gaps are allowed, other words are not."""
    assert is_quoted("“We place pages by the TIDE.”", MATERIAL)
    assert is_quoted("It takes 1,234.50 ms … in ten runs", MATERIAL)
    assert not is_quoted("We place pages by the moon", MATERIAL)
    assert not is_quoted("tide", MATERIAL), "too short to show anything"
    assert not is_quoted("", MATERIAL)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("a $x$ b", "a $x$ b"),
        ("a $x b\n\n$y$", "a \\$x b\n\n$y$"),
        ("it costs $5 and $10", "it costs $5 and $10"),
        ("$\\frac{a}{b$", "\\$\\frac{a}{b\\$"),
    ],
)
def test_formulas(text: str, mended: str) -> None:
    """Dollars that do not pair are shown as dollars; amounts of money are none of them."""
    assert mended == mend_formulas(text)
    assert mended == mend_formulas(mended)


@given(st.text("a1. $\\{}`\n", max_size=60), st.sampled_from(["en", "ko", "zh", ""]))
def test_any_text(text: str, language: str) -> None:
    """No text breaks the checks."""
    problems({"a": text, "marks": {"one": {"quote": text, "points": 2}}}, text, language, quotes=("quote",))
    assert len(cut_at_clause(text, 30)) <= 30


SUMMARY = {
    "problem": "Reads are slow.", "limits": "LRU is blind.", "method": "A cache.", "effect": "3.5x faster.",
    "claim": "A cache on flash reads 3.5x faster than LRU",
}  # fmt: skip


def answers(stand_in: ModelServer, *texts: dict[str, Any]) -> None:
    """Let the stand-in say these things, the last one again and again."""
    left = list(texts)
    stand_in.write = lambda _: json.dumps(left.pop(0) if len(left) > 1 else left[0], ensure_ascii=False)


def summarised(folder: Path, *texts: dict[str, Any], language: str = "en") -> tuple[Summary, ModelServer]:
    """The summary that comes of these answers, and the stand-in that gave them."""
    template, paper = get_template("four-point"), sample_paper()
    with serving(ModelServer()) as stand_in:
        answers(stand_in, *texts)
        (answer,) = Asking(stand_in.url, folder).ask(ask_summary(template, language, paper, full()))
    assert isinstance(answer, Answer), answer
    return read_summary(answer, template, language, paper, full()), stand_in


def test_good_answers_are_asked_for_once(tmp_path: Path) -> None:
    """Where all figures are found, nothing is asked again; what was read and found is recorded, and the claim kept."""
    summary, stand_in = summarised(tmp_path, SUMMARY)
    assert 1 == len(stand_in.requests)
    assert summary.evidence.figures
    assert (1, 1) == (summary.evidence.figures.found, summary.evidence.figures.total)
    assert summary.evidence.coverage
    assert summary.evidence.coverage.complete
    assert SUMMARY["claim"] == summary.claim


def test_a_failing_part_alone_is_asked_again(tmp_path: Path) -> None:
    """Only the part with an invented figure is asked for again, with the reason; the others are kept."""
    bad = SUMMARY | {"effect": "412.7 % faster."}
    summary, stand_in = summarised(tmp_path, bad, {"effect": "It is 3.5x faster."})
    second = stand_in.requests[1]
    assert ["effect"] == list(second["response_format"]["json_schema"]["schema"]["properties"])
    assert "effect: the material does not have 412.7" in second["messages"][-1]["content"]
    assert ("It is 3.5x faster.", "A cache.") == (summary.part("effect"), summary.part("method"))
    assert summary.evidence.figures
    assert () == summary.evidence.figures.missing


def test_what_is_not_mended_is_marked(tmp_path: Path) -> None:
    """An invented figure that stays is marked where it stands and recorded; no claim holds it."""
    bad = SUMMARY | {"effect": "412.7 % faster.", "claim": "412.7 % over GPT-7"}
    summary, stand_in = summarised(tmp_path, bad)
    assert 2 == len(stand_in.requests)
    assert "412.7 (?) % faster." == summary.part("effect")
    assert "412.7 (?) % faster." in summary.markdown
    assert summary.evidence.figures
    assert (0, 1, ("412.7",)) == (
        summary.evidence.figures.found, summary.evidence.figures.total, summary.evidence.figures.missing,
    )  # fmt: skip
    assert summary == Summary.from_plain(summary.to_plain())


def test_another_language_is_flagged(tmp_path: Path) -> None:
    """An answer in another language is asked for once more, and then kept with a flag."""
    summary, stand_in = summarised(tmp_path, SUMMARY, language="ko")
    assert 2 == len(stand_in.requests)
    assert summary.evidence.other_language
    assert Evidence.from_plain(summary.evidence.to_plain()).other_language


def test_empty_parts_stay_empty(tmp_path: Path) -> None:
    """A part of which the paper says nothing is left out, and nothing is asked again."""
    summary, stand_in = summarised(tmp_path, SUMMARY | {"limits": ""})
    assert (1, "") == (len(stand_in.requests), summary.part("limits"))
    assert "Limits" not in summary.markdown


def judged(folder: Path, *texts: dict[str, Any], language: str = "en") -> tuple[Scorecard, ModelServer]:
    """The scorecard that comes of these answers."""
    paper, feed = sample_paper(), sample_feed(language)
    with serving(ModelServer()) as stand_in:
        answers(stand_in, *texts)
        (answer,) = Asking(stand_in.url, folder).ask(ask_analysis(feed, RUBRIC, paper, full()))
    assert isinstance(answer, Answer), answer
    card, _ = read_analysis(answer, Scorecard("screened", 5), RUBRIC, language, paper, full())
    return card, stand_in


def test_points_need_evidence(tmp_path: Path) -> None:
    """Marks whose quotations are invented are asked for again, and then capped: such a paper is no must-read."""
    marks = {
        name: {"quote": "in production at a famous company", "grounds": "412.7 % over GPT-7.", "points": points}
        for name, points in (("criterion_1", 3), ("criterion_2", 2))
    }
    card, stand_in = judged(tmp_path, ANALYSIS | {"marks": marks})
    asked = stand_in.requests[1]["response_format"]["json_schema"]["schema"]
    assert ["marks"] == list(asked["properties"])
    assert [1, 1] == [mark.points for mark in card.marks]
    assert "412.7 (?) % over GPT-7." == card.marks[0].grounds
    assert "must-read" != replace(RUBRIC, must_read_at=4).band_of(card)


def test_points_with_evidence(tmp_path: Path) -> None:
    """Points stay where the material has the quoted words."""
    card, stand_in = judged(tmp_path, ANALYSIS)
    assert ([3, 1], 1) == ([mark.points for mark in card.marks], len(stand_in.requests))


CLAUSES = [
    ("Short.", "Short."),
    ("First sentence. Second one.", "First sentence."),
    ("It reads pages by the tide of their use, which makes it fast", "It reads pages by the tide of their use"),
    ("x" * 50, "x" * 39 + "…"),
]


@pytest.mark.parametrize(("text", "cut"), CLAUSES)
def test_claims_are_cut_at_clauses(text: str, cut: str) -> None:
    """A claim is one sentence, and a long one ends at a clause."""
    assert cut == cut_at_clause(text, 40)
