"""What models have answered, as scorecards and summaries."""

from dataclasses import replace
from typing import Any

import pytest

from core.llm.answers import _Names, read_analysis, read_post, read_question, read_screening, read_summary
from core.llm.prompts import ask_analysis, ask_post, ask_question, ask_screening, ask_summary
from core.llm.templates import get_template
from core.model.fulltext import Coverage, Evidence, Figures
from core.model.rubric import Mark, Scorecard
from core.model.summary import Summary
from core.render.shapes import summary_html
from tests.support.asked import ANALYSIS, RUBRIC, TEXT, answered, full, sample_feed, sample_paper
from tests.support.invented import make_paper
from tests.support.rules import html_faults
from tests.support.tables import each_row
from tests.support.vectors import HOST, hostile_texts

REVIEW = get_template("review", "review")
SCREENED = Scorecard("screened", 3.5, "It is on caches.", model="small")


def analysed(paper: Any = None, text: str = TEXT, language: str = "en", **answer: Any) -> tuple[Scorecard, Summary]:
    """The scorecard and the four points that an answer gives."""
    paper = paper or sample_paper()
    ask = ask_analysis(sample_feed(), RUBRIC, paper, full(text))
    return read_analysis(answered(ask, ANALYSIS | answer, "large"), SCREENED, RUBRIC, language, paper, full(text))


def test_screening() -> None:
    """The prediction and its reason, on one line and without links."""
    ask = ask_screening(sample_feed(), RUBRIC, [sample_paper()] * 2)
    answer = {"paper_2": {"reason": "It is\non [caches](https://evil.example).", "points": 3.5}}
    assert [None, replace(SCREENED, most=5)] == read_screening(answered(ask, answer, "small"), RUBRIC, 2)


def test_analysis() -> None:
    """Marks with their grounds, what the text names, and the four points; the prediction is kept."""
    card, summary = analysed(language="zh")
    expected = Scorecard(
        stage="analysed",
        predicted=3.5,
        reason="It is on caches.",
        marks=(
            Mark("Direct storage", 3, 3, "The cache is on an SSD."),
            Mark("System impact", 1, 2, "One SSD | one host."),
        ),
        input="pdf",
        model="large",
        institutions=("Institute of Samples",),
        venue="Sample Conference 2026",
        code="https://github.com/sample/flashcache",
        most=5,
        evidence=Evidence(Coverage(len(TEXT), len(TEXT)), Figures(0, 0), other_language=True),
    )
    assert expected == card
    assert ("four-point", "zh", "large", "pdf") == (summary.template, summary.language, summary.model, summary.input)
    assert ["problem", "limits", "method", "effect"] == [key for key, _ in summary.parts]
    assert "| **a) 解决的问题** | Reads are slow. |" in summary.markdown


VENUES = {
    "Sample Conference 2026": "Sample Conference 2026",
    "Sample\nConference": "Sample Conference",
    "": "arXiv preprint",
    "Famous Conference 2026": "arXiv preprint",
    "arXiv": "arXiv preprint",
    "[Sample Conference](https://evil.example)": "Sample Conference",
}
CODES = {
    "https://github.com/sample/flashcache": "https://github.com/sample/flashcache",
    " github.com/sample/flashcache": "https://github.com/sample/flashcache",
    "https://github.com/sample/other": "",
    "https://arxiv.org/abs/2601.00001": "",
    "javascript:alert(1)": "",
    "": "",
}


@each_row("venue", VENUES)
def test_venues(venue: str) -> None:
    """A venue is what the paper names, on one line; else it is a preprint."""
    assert VENUES[venue] == analysed(venue=venue)[0].venue


@each_row("code", CODES)
def test_code(code: str) -> None:
    """Code is where the paper says that it is, and nowhere else."""
    assert CODES[code] == analysed(code=code)[0].code


def test_arxivs_record_names_the_code() -> None:
    """What the abstract or the comment names comes before what a model found."""
    paper = sample_paper(comment="See https://github.com/sample/own.")
    assert "https://github.com/sample/own" == analysed(paper, code="")[0].code
    assert "https://github.com/sample/own" == analysed(paper)[0].code


def test_institutions() -> None:
    """Institutions that the text does not name are left out, and no list is endless."""
    names = ["Institute of Samples", "Institute of\nSamples", "University of Nowhere", "", "Samples " * 50]
    card, _ = analysed(institutions=names)
    assert ("Institute of Samples", "Samples " * 14 + "Samples…") == card.institutions
    text = TEXT + " ".join(f"inst{number}" for number in range(50))
    assert 20 == len(analysed(text=text, institutions=[f"inst{number}" for number in range(50)])[0].institutions)


def test_links_that_the_paper_has_not_are_dropped() -> None:
    """Links stay where the paper's record or text has them; of others there stay the words."""
    paper = sample_paper(abstract="See https://sample.example/page.")
    good = f"[a](https://sample.example/page) [b](https://github.com/sample/flashcache) [c]({paper.links['pdf']})"
    bad = "[d](https://evil.example/) https://evil.example/x [e](https://arxiv.org/abs/2601.99999)"
    parts = ANALYSIS["parts"] | {"effect": f"{good} {bad}"}  # type: ignore[operator]
    _, summary = analysed(paper, parts=parts)
    assert f"{good} d  e" == summary.part("effect")


@hostile_texts
@pytest.mark.parametrize("name", ["four-point", "key-findings", "sections"])
def test_hostile_answers(name: str, texts: tuple[str, ...]) -> None:
    """Whatever a model writes, a summary has no link to elsewhere and is shown as harmless HTML."""
    template, paper = get_template(name), sample_paper()
    ask = ask_summary(template, "en", paper, full(kind="html"))
    for text in texts:
        answer = answered(ask, {part.key: f"{text} end"[: part.most] for part in template.parts})
        summary = read_summary(answer, template, "en", paper, full(kind="html"))
        assert summary == Summary.from_plain(summary.to_plain())
        assert f"//{HOST}" not in summary.markdown
        assert [] == html_faults(summary_html(summary, paper))


def test_reviews() -> None:
    """Answers are harmless Markdown; a post has a title of one line, its parts, and tags."""
    paper = sample_paper()
    question = ask_question(REVIEW, "gap", "en", paper, full())
    said = answered(question, "See [this](https://evil.example).\n\n| a | b |")
    assert "See this.\n\n| a | b |" == read_question(said, "en", paper, full())[0]
    assert "" == read_question(answered(question, " \n"), "en", paper, full())[0]
    ask = ask_post(REVIEW, "ko", paper, [("gap", "A gap.")])
    answer = {section.key: f"# {section.key}\ntext" for section in REVIEW.post} | {
        "tags": ["Caching", "caching", "I/O"]
    }
    post, tags = read_post(answered(ask, answer), REVIEW, "ko", paper, full())
    assert ("caching", "i/o") == tags
    assert "title text" == post.part("title")
    assert "title" not in post.markdown
    assert post.markdown.startswith("## 한눈에 보기\n\n### tldr\ntext\n\n## 핵심 아이디어")


def test_names_in_other_spellings_are_kept() -> None:
    """Institutions and venues that the text spells otherwise are kept, others are not."""
    names = _Names(make_paper(comment="Proc. of SOSP '26"), "Example Laboratory, Univ. of Sample, Ångström Centre")
    for kept in ("Example Lab", "University of Sample", "The Angstrom Center", "SOSP 2026", "Proceedings of SOSP 2026"):
        assert kept == names.kept(kept)
    for dropped in ("Other Lab", "Sample Academy", "SOSP 2025", "The"):
        assert "" == names.kept(dropped)
