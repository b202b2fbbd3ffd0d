"""The template files: those that there are, and what is said about wrong ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.llm.templates import get_template, template_names
from core.model.errors import ConfigError, UnknownName
from core.model.layout import to_markdown
from core.model.paper import known_addresses
from core.model.template import LANGUAGES, Template
from core.text.markdown import harmless, to_html
from tests.support.asked import sample_paper
from tests.support.rules import UNWANTED, html_faults
from tests.support.tables import each_row
from tests.support.vectors import hostile_texts

SUMMARIES = ("extract", "four-point", "key-findings", "sections")
TEXTS_BY_LANGUAGE = '{ en = "A", ko = "B", zh = "C" }'
GOOD = f"""
title = {TEXTS_BY_LANGUAGE}
[[sections]]
key = "one"
heading = {TEXTS_BY_LANGUAGE}
ask = "What?"
"""
WRONG = {
    "title = ": "not TOML",
    "": "title: Field required",
    GOOD.replace('ko = "B", ', "", 1): "title: there is no text for ko",
    GOOD.replace('zh = "C"', 'zh = "C", fr = "D"', 1): "title: fr: unknown language; allowed are en, ko, zh",
    GOOD.replace('"one"', '"One two"'): "sections.1.key: String should match pattern",
    GOOD + "most = 0\n": "sections.1.most: Input should be greater than or equal to 1",
    GOOD + "colour = 1\n": "sections.1.colour: Extra inputs are not permitted",
    'layout = "list"\n' + GOOD: "layout: Input should be 'headings' or 'table'",
    'layout = "table"\n' + GOOD: 'columns belong to layout = "table", which needs them',
    GOOD + GOOD.partition("\n")[2].partition("\n")[2]: "one: two sections have this key",
    GOOD.replace('en = "A"', 'en = "A | B"', 1): "title.en: String should match pattern",
}
# What each template makes of its parts, which are named as their keys are
GOLDEN = sorted((Path(__file__).parents[1] / "data" / "templates").glob("*.md"))


def filled(template: Template, text: str) -> tuple[tuple[str, str], ...]:
    """The parts of a template, each of which says `text`, after it was made harmless."""
    return tuple((part.key, harmless(text, known_addresses(sample_paper()))) for part in template.parts)


def test_what_there_is() -> None:
    """There are the templates that formats need, and none is wrong; a review has twelve questions and a post."""
    assert SUMMARIES == template_names()
    assert ("review",) == template_names("review")
    review = get_template("review", "review")
    assert (12, 10) == (len(review.parts), len(review.post))
    for template in (review, *map(get_template, SUMMARIES)):
        parts = (*template.parts, *template.post)
        assert all(part.heading.keys() == LANGUAGES.keys() for part in parts)
        assert all(part.ask for part in parts) == (template.name != "extract")


@each_row("path", GOLDEN)
def test_golden(path: Path) -> None:
    """What the Markdown of each template looks like in each language."""
    name, language = path.stem.split(".")
    template = get_template(name)
    expected = path.read_text("utf-8").removesuffix("\n")
    assert expected == to_markdown(template, language, [(part.key, part.key) for part in template.parts])


def test_every_template_has_its_golden_files() -> None:
    """Each template that a model fills, in each language."""
    assert {(name, language) for name in SUMMARIES if name != "extract" for language in LANGUAGES} == {
        tuple(path.stem.split(".")) for path in GOLDEN
    }


@pytest.mark.parametrize("name", ["", "none", "../reviews/review", "review", "EXTRACT"])
def test_unknown(name: str) -> None:
    """A name that nothing has is reported with those that there are."""
    with pytest.raises(UnknownName) as caught:
        get_template(name)
    assert ("template", SUMMARIES) == (caught.value.kind, caught.value.known)


def test_an_owner_adds_a_file(tmp_path: Path) -> None:
    """A template of one's own is a file."""
    (tmp_path / "own.toml").write_text(GOOD, "utf-8")
    assert ("own",) == template_names("summary", tmp_path)
    assert "# B\n\nx" == to_markdown(get_template("own", "summary", tmp_path), "ko", [("one", "x")])


@pytest.mark.parametrize("toml", WRONG)
def test_wrong_files(toml: str, tmp_path: Path) -> None:
    """A file that is wrong is named, with the key and what is wrong with it."""
    (tmp_path / "own.toml").write_text(toml, "utf-8")
    with pytest.raises(ConfigError) as caught:
        get_template("own", "summary", tmp_path)
    assert any(f"/own.toml: {WRONG[toml]}" in problem for problem in caught.value.problems), caught.value.problems


@hostile_texts
@pytest.mark.parametrize("name", SUMMARIES)
def test_hostile_parts(name: str, texts: tuple[str, ...]) -> None:
    """Whatever a part says, it is shown in its place: the headings are there, and nothing else than text is."""
    template = get_template(name)
    for text in texts:
        html = to_html(to_markdown(template, "en", filled(template, f"{text}\n\nend")), known_addresses(sample_paper()))
        assert [] == html_faults(html)
        assert not UNWANTED.search(html)
        assert [] == missing_headings(template, html)


@given(st.text("#|-=`~$\\[]<>*_ \n\tax1.", max_size=60), st.sampled_from(SUMMARIES))
def test_no_part_breaks_out(text: str, name: str) -> None:
    """Nor do signs of Markdown in any order hide the headings that follow."""
    template = get_template(name)
    html = to_html(to_markdown(template, "en", filled(template, f"{text}\nend")))
    assert [] == missing_headings(template, html)


def missing_headings(template: Template, html: str) -> list[str]:
    """The headings that a page does not show as such, and "rows" where a table has others than its own."""
    shown = [section.heading["en"] for section in template.sections]
    if template.layout == "table":
        rows = [] if html.count("<tr>") == len(shown) + 1 else ["rows"]
        return rows + [text for text in shown if f"<td><strong>{text}</strong></td>" not in html]
    return [text for text in shown if f"<h3>{text}</h3>" not in html]
