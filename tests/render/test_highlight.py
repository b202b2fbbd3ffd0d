"""Marked places: where they are, what they may hold, and that nothing of the text is lost or let through."""

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from core.render.card import Span, highlight, merge_spans, paragraphs, places_of, readable
from core.text.fold import fold
from core.text.sanitize import cut, plain
from tests.support.invented import tricky
from tests.support.tables import each_row

SPANS = st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=8)


@each_row(
    ("spans", "expected"),
    [
        ([], "a &lt;b&gt; c"),
        ([(0, 1)], "<mark>a</mark> &lt;b&gt; c"),
        ([(2, 5)], "a <mark>&lt;b&gt;</mark> c"),
        ([(0, 1), (6, 7)], "<mark>a</mark> &lt;b&gt; <mark>c</mark>"),
        ([(6, 7), (0, 1)], "<mark>a</mark> &lt;b&gt; <mark>c</mark>"),
        ([(0, 3), (2, 5)], "<mark>a &lt;b&gt;</mark> c"),
        ([(0, 2), (2, 5)], "<mark>a &lt;b&gt;</mark> c"),
        ([(0, 7), (2, 3)], "<mark>a &lt;b&gt; c</mark>"),
        ([(-3, 1), (6, 99), (3, 3), (5, 4), (50, 60)], "<mark>a</mark> &lt;b&gt; <mark>c</mark>"),
    ],
)
def test_highlight(spans: list[Span], expected: str) -> None:
    """Places are marked in order, together where they touch, and no further than the text goes."""
    assert expected == highlight("a <b> c", spans)


@given(st.text(max_size=50), SPANS)
def test_nothing_is_lost(text: str, spans: list[Span]) -> None:
    """Without the marks it is the text, escaped; and exactly the spans' characters are marked."""
    shown = str(highlight(text, spans))
    assert text == unescape(shown.replace("<mark>", "").replace("</mark>", ""))
    assert shown.count("<") == 2 * len(merge_spans(spans, len(text)))
    wanted = {at for start, end in spans for at in range(max(start, 0), min(end, len(text)))}
    marked = "".join(re.findall("<mark>(.*?)</mark>", shown, re.DOTALL))
    assert [text[at] for at in sorted(wanted)] == list(unescape(marked))


@given(st.lists(tricky, max_size=3), tricky)
def test_places_of(words: list[str], text: str) -> None:
    """What is found is what filters find, in one place after the other."""
    for word in words:
        places = list(places_of([word], text))
        assert all(fold(text[start:end]) == fold(word) for start, end in places)
        assert bool(places) == (bool(word) and fold(word) in fold(text))


def test_paragraphs() -> None:
    """Each line is a paragraph; a place over the end of one is marked in both; empty ones are left out."""
    text = "one cache\n\ntwo caches\nthree"
    assert ["one <mark>cache</mark>", "<mark>two</mark> <mark>cache</mark>s", "three"] == paragraphs(
        text, [(4, 14)], ["CACHE"]
    )


@each_row(
    ("text", "word", "expected"),
    [
        ("<i>Gaia</i> cache", "cache", "Gaia <mark>cache</mark>"),
        ("H<sub>2</sub>O in a cache, R&amp;D", "cache", "H₂O in a <mark>cache</mark>, R&amp;D"),
        ("R&amp;D and R&amp;D", "R&amp;D", "<mark>R&amp;D</mark> and R&amp;D"),
        ("JosÃ© cache", "cache", "José <mark>cache</mark>"),
        ("cache <b>cache</b>", "cache", "<mark>cache</mark> cache"),
        ("<b>in</b> kernels", "<b>in</b>", "<mark>in</mark> kernels"),
        ("x<y cache", "x<y", "<mark>x&lt;y</mark> cache"),
    ],
)
def test_readable(text: str, word: str, expected: str) -> None:
    """Where the HTML of authors was read, the places are still the right ones."""
    start = text.index(word)
    assert expected == readable(text, [(start, start + len(word))])


@given(st.text(max_size=50), SPANS, st.lists(st.text(max_size=3), max_size=2))
def test_readable_is_what_readers_are_shown(text: str, spans: list[Span], words: list[str]) -> None:
    """Whatever is marked, the text is the one that feeds have too."""
    shown = str(readable(text, spans, words))
    assert plain(text) == unescape(shown.replace("<mark>", "").replace("</mark>", ""))


def test_cut() -> None:
    """A text that is too long ends with an ellipsis; marks beyond that are gone."""
    assert ("abc", "ab…", "a…") == (cut("abc", 3), cut("abcd", 3), cut("a bcd", 3))
    assert "<mark>ab</mark>…" == readable("abcd", [(0, 2), (3, 4)], most=3)
    assert 400 == len(readable("w" * 100_000, most=400))
