"""Text as readers can show it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.feed import Reason
from core.model.paper import Author
from core.model.scoring import field_text
from core.render.items import clean_entry
from core.text.sanitize import clean, label, plain
from tests.support.invented import make_entry, make_paper
from tests.support.rules import LIKE_HTML, UNWANTED
from tests.support.tables import each_row

anything = st.text(st.characters(), max_size=40) | st.text("<>&;/!#xbsup1 \x00\x85\u202e\ud800\ufffd\r\n", max_size=40)


@each_row(
    ("text", "expected"),
    [
        ("as it is: ö 中 😀 \u200f\u200b", "as it is: ö 中 😀 \u200f\u200b"),
        ("a\x00b\x08c\x0ed\x1be\x7ff\x84g\x9fh", "abcdefgh"),
        ("a\ud800b\udfffc", "abc"),
        ("a\ufffeb\uffffc\ufdd0d\U0001fffee\U0010fffff", "abcdef"),
        ("\u202eexe\u202c.\u2066x\u2069", "exe.x"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1fg", "a b c d e f g"),
        ("a\r\nb\rc\nd\te", "a\nb\nc\nd\te"),
        ("J\ufffdrg", "J?rg"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    """Characters that break or deceive are gone; those that end lines do not join words."""
    assert expected == clean(text)


@each_row(
    ("text", "expected"),
    [
        ("R&amp;D", "R&D"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("&#177; &#8711;u &#x3b1; &eacute;", "± ∇u α é"),
        ("&bogus; R&D A&T &amp", "&bogus; R&D A&T &amp"),
        ("&#x202e;abc&#1;&#xD800;", "abc?"),
        ("H<sub>2</sub>O", "H₂O"),
        ("B<sub>18<sub>S<sub>8<sub>", "B₁₈S₈"),
        ("10<SUP>-5</SUP> m<sup> 2 </sup>", "10⁻⁵ m²"),
        ("x<sub>eff,1</sub> y<sup>T</sup>", "x_(eff,1) y^T"),
        ("<i>Gaia</i> <b>a <em>b</em></b>", "Gaia a b"),
        ('<inline-formula><tex-math notation="LaTeX">$x$</tex-math></inline-formula>', "$x$"),
        ("one<br/>two", "one two"),
        ("p<q and q>r", "p<q and q>r"),
        ("the <think> token, the <b> tag, </s>", "the <think> token, the <b> tag, </s>"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("JosÃ© in ZÃ¼rich", "José in Zürich"),
        ("«SÅ» Â", "«SÅ» Â"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    """Authors' HTML is read as it was meant; what is no HTML, or is the subject, stays."""
    assert expected == plain(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x < y & z > 1: R&D", "x < y & z > 1: R&D"),
        ("p<q <think> </s> <!-- <?x", "p<\u2060q <\u2060think> <\u2060/s> <\u2060!-- <\u2060?x"),
        ("&lt R&2D &bogus; Q&A &#", "&\u2060lt R&\u20602D &\u2060bogus; Q&A &\u2060#"),
        ("a\n  b\t c\u2028d\xa0e", "a b c d e"),
        ("\u202e &nbsp;", ""),
    ],
)
def test_label(text: str, expected: str) -> None:
    """A label is one line; what looks like HTML has a joiner in it, which nobody sees."""
    assert expected == label(text)


@given(anything)
def test_labels_are_labels(text: str) -> None:
    """Whatever the text, a label is one clean line in which nothing looks like HTML."""
    got = label(text)
    assert not UNWANTED.search(got)
    assert not LIKE_HTML.search(got)
    assert got == " ".join(got.split())


@given(anything)
def test_clean_is_clean(text: str) -> None:
    """Cleaning twice is cleaning once, and leaves what is clean."""
    assert clean(text) == clean(clean(text))
    assert text == clean(text) or UNWANTED.search(text) or "\r" in text or re.search("[\u2028\u2029\x85]", text)


@given(anything, anything, st.data())
def test_reasons_point_at_the_same_text(title: str, abstract: str, data: st.DataObject) -> None:
    """In a clean entry a reason's text stands where the reason says."""
    entry = make_entry(title=title, abstract=abstract)
    field = data.draw(st.sampled_from(["title", "abstract", "authors"]))
    text = field_text(entry.paper, field)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    got = clean_entry(replace(entry, reasons=(Reason("x\u202e", 1.0, field, start, end, text[start:end]),)))
    (reason,) = got.reasons
    assert "x" == reason.rule
    if "\r" not in text:  # a place between the two characters that end a line is none
        assert reason.text == field_text(got.paper, field)[reason.start : reason.end]


def test_clean_entries_stay() -> None:
    """An entry that is clean comes back as it is."""
    entry = make_entry(title="é 中", abstract="a\nb")
    assert entry is clean_entry(entry)


def test_every_text_is_clean() -> None:
    """Names, affiliations and all that a paper says of itself are clean."""
    texts = {name: f"{name}\x00\u202e" for name in ("title", "abstract", "comment", "doi", "journal_ref", "licence")}
    paper = make_paper(**texts, authors=(Author("A\x7f", "B\ufffe"),))
    got = clean_entry(replace(make_entry(), paper=paper)).paper
    assert list(texts) == [getattr(got, name) for name in texts]
    assert (Author("A", "B"),) == got.authors
