"""TeX as arXiv's metadata uses it: accents, and all the rest."""

import json
import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sources.parse import parse_api, parse_feed
from core.text.tex import decode_accents, decode_name, to_readable
from tests.conftest import SHARED
from tests.support.tables import each_row

# Every accent command of TeX with a letter that Unicode has composed, and what LaTeX prints for it
ACCENTS = [
    (r"\`a", "à"), (r"\'e", "é"), (r"\^o", "ô"), (r"\~n", "ñ"), (r"\=u", "ū"), (r"\.z", "ż"), (r"\"o", "ö"),
    (r"\u{g}", "ğ"), (r"\r{u}", "ů"), (r"\H{o}", "ő"), (r"\v{s}", "š"), (r"\d{a}", "ạ"), (r"\c{c}", "ç"),
    (r"\k{a}", "ą"), (r"\b{d}", "ḏ"),
]  # fmt: skip
LETTERS = [
    (r"{\ss}", "ß"), (r"{\ae}", "æ"), (r"{\AE}", "Æ"), (r"{\oe}", "œ"), (r"{\OE}", "Œ"), (r"{\aa}", "å"),
    (r"{\AA}", "Å"), (r"{\o}", "ø"), (r"{\O}", "Ø"), (r"{\l}", "ł"), (r"{\L}", "Ł"), (r"{\i}", "ı"), (r"{\j}", "ȷ"),
    (r"{\dh}", "ð"), (r"{\DH}", "Ð"), (r"{\dj}", "đ"), (r"{\DJ}", "Đ"), (r"{\th}", "þ"), (r"{\TH}", "Þ"),
    (r"{\ng}", "ŋ"), (r"{\NG}", "Ŋ"),
]  # fmt: skip
# As in names and titles
WRITTEN = [
    ('Micha\\"el', "Michaël"),
    ('Micha\\"{e}l', "Michaël"),
    ('Micha{\\"e}l', "Michaël"),
    ('Micha{\\"{e}}l', "Michaël"),
    (r"Jos\' e", "José"),
    (r"Fran\c{c}ois", "François"),
    (r"Fran\c cois", "François"),
    (r"{\L}ukasz", "Łukasz"),
    (r"\L{}ukasz", "Łukasz"),
    (r"\L ukasz", "Łukasz"),
    (r"Hei{\ss}", "Heiß"),
    (r"Erd\H{o}s", "Erdős"),
    (r"\v{S}imon", "Šimon"),
    (r"Mart\'{\i}n", "Martín"),
    (r"Mart\'\i n", "Martín"),
    (r"Mart\'in", "Martín"),
    (r"Nguy\~{\^e}n", "Nguyễn"),
    (r"Nguy\~ên", "Nguyễn"),
    (r"\'Etude des \oe uvres", "Étude des œuvres"),
    (r"Gon\c{c}alves and Garz\'on", "Gonçalves and Garzón"),
]
UNTOUCHED = [
    "",
    "plain text",
    "Ünïcödé already",
    r"$\mathcal{L}$-Lipschitz",
    r"$\hat{o}$ and $\'e$",
    r"the cost is \$5 \& more",
    r"\textbf{bold} \cite{key}",
    r"\lambda without dollars",
    r"\omega",
    "O(n^2) in {a, b}",
    r"a lone \ backslash",
    r"C:\users\v",
    r"\unknown{\"}",
    "ends in \\",
    r"\'",
    r"\"{}",
]


@each_row(("tex", "expected"), ACCENTS + LETTERS + WRITTEN)
def test_accents_become_unicode(tex: str, expected: str) -> None:
    """TeX's accents and letters become the characters that LaTeX prints, in composed form."""
    assert expected == decode_accents(tex)


@each_row("text", UNTOUCHED)
def test_everything_else_stays(text: str) -> None:
    """Mathematics, unknown commands and text without commands stay as they were written."""
    assert text == decode_accents(text)


def test_mathematics_stays_beside_accents() -> None:
    """Accents outside of dollar signs are decoded in the same text whose mathematics is left alone."""
    expected = r"Hölder $\"o \in \mathbb{R}$ für ö"
    assert expected == decode_accents(r"H\"older $\"o \in \mathbb{R}$ f\"ur \"o")


@each_row(
    ("tex", "expected"),
    [
        (r"First~Sample", "First Sample"),
        (r"{First} {S}ample", "First Sample"),
        ("  First \n  Sample ", "First Sample"),
        (r"Fran{\c{c}}ois", "François"),
        (r"F.~{\O}stergaard", "F. Østergaard"),
        (r"\unknown{x} Sample", r"\unknown{x} Sample"),
    ],
)
def test_names_lose_what_only_held_letters_together(tex: str, expected: str) -> None:
    """In a person's name ties are spaces and braces disappear, unless an unknown command still needs them."""
    assert expected == decode_name(tex)


@given(st.text(st.characters(exclude_characters="\\", exclude_categories=("Cs",))))
def test_text_without_backslash_is_never_changed(text: str) -> None:
    """Whatever has no command in it comes back as it is."""
    assert text == decode_accents(text)


@given(st.text(st.sampled_from("\\{}$'\"~^`cuvHLoOi se\u0301é"), max_size=60))
def test_anything_is_survived(text: str) -> None:
    """No jumble of commands and braces makes it fail, and what it decoded once it leaves alone."""
    once = decode_accents(text)
    assert once == decode_accents(once) or "\\" in once


@each_row("letter", "aeiouyAEIOUYcnszCNSZ")
def test_spellings_of_an_accent_agree(letter: str) -> None:
    """An accent is the same whether its letter is in braces, behind a space, or bare."""
    expected = unicodedata.normalize("NFC", letter + "\u0301")
    for spelling in (rf"\'{letter}", rf"\'{{{letter}}}", rf"\' {letter}", rf"{{\'{letter}}}"):
        assert expected == decode_accents(spelling)


# What the table of titles (`test_tex_table`) cannot hold: its checker takes more of these for markup than is
READABLE = [
    (r"$\left\| x \right\|_2$, $\langle x, y \rangle$, $\left. x \right|_0$", "‖ x ‖₂, ⟨x, y⟩, x |₀"),
    (r"$R&D$, $ \omega$, $E\mkern-2mu L$", "R&D, ω, EL"),
    (r"\ce{SO4^2-}, \ce{Na+}, \ce{2H2 + O2 -> 2H2O}", "SO₄²⁻, Na⁺, 2H₂ + O₂ → 2H₂O"),
    (r"vs.\ this, 5\,kg, soft\-ware, line\\break", "vs. this, 5 kg, software, line break"),
    (r"\unicode{x0} \unicode{x200b} \unicode{x110000} \unicode{zz}",) * 2,
    (r"\emph{\'e}t\'e, na\"{\i}ve", "été, naïve"),
]


@each_row(("tex", "expected"), READABLE)
def test_tex_becomes_readable(tex: str, expected: str) -> None:
    """What arXiv's pages show is written with the characters that Unicode has for it, and is not TeX any more."""
    assert expected == to_readable(tex)
    assert expected == to_readable(expected)


@each_row(
    ("tex", "expected"),
    [
        (r"from $5 to $n$ items ($k$=5)", "from $5 to n items (k=5)"),
        (r"$1/$M and $\alpha$", "$1/$M and α"),
        (r"it costs $5M; \emph{we} use $\beta$ and $\gamma$", "it costs $5M; we use β and γ"),
        (r"$\Tilde{\cO}(\sqrt{T})$", r"\Tilde{\cO}(√T)"),
        (r"\foo{$x$} and $\foo{x} + \alpha$", r"\foo{$x$} and \foo{x} + α"),
        (r"${$ but $x^2$", "${$ but x²"),
    ],
)
def test_the_rest_is_read_beside_what_stays(tex: str, expected: str) -> None:
    """What cannot be read keeps nothing else from being read."""
    assert expected == to_readable(tex)


def test_nesting_has_a_limit() -> None:
    """Formulas nested more deeply than any real one stay as they were written; the text around them is read."""
    deep = "$" + r"\sqrt{" * 200 + "x" + "}" * 200 + "$"
    assert f"{deep} and α" == to_readable(rf"{deep} and $\alpha$")
    assert "√√√x" == to_readable(r"$\sqrt{\sqrt{\sqrt{x}}}$")


PIECES = [
    "$", "$$", "{", "}", "\\", "\\\\", "\\(", "\\)", "\\[", "\\]", "^", "_", "~", "--", "`", "``", "''", '"', "&", "%",
    " ", "\n", "a", "B", "1", "é", "\u0301", "\u200b", "(", ")", "[", "]", ",", ".", "and ", "5", r"\alpha", r"\frac",
    r"\sqrt", r"\hat", r"\text", r"\textbf", r"\href", r"\foo", r"\left", r"\not", r"\log", r"\times ", r"\it ", r"\k",
    r"\unicode", r"\begin", r"\'", r"\mathbb", r"\operatorname", r"\footnote", r"\vspace", "{x2014}", "{a}", "https://",
]  # fmt: skip


def _controls(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text())
def test_any_tex_is_survived(text: str) -> None:
    """No jumble of commands makes it fail, or makes control characters."""
    assert _controls(to_readable(text)) <= _controls(text)


@given(st.text(st.characters(exclude_characters="$\\{~`-")))
def test_text_without_tex_is_never_changed(text: str) -> None:
    """What has none of TeX's characters comes back as it is."""
    assert text is to_readable(text)


PRICE = st.builds(
    "{}${}{}".format,
    st.sampled_from(["", "US", "about ", "(", "A", "~"]),
    st.sampled_from(["1", "20", "3.50", "1,000", ".5"]),
    st.sampled_from(["", "M", "B", "K", " million", " per hour", "/1M tokens", ")", "+", "."]),
)


@given(
    st.lists(PRICE, min_size=1, max_size=6), st.sampled_from([" and ", " to ", ", ", " or ", "-", "/", " vs. ", "; "])
)
def test_money_is_never_changed(prices: list[str], between: str) -> None:
    """Amounts of dollars stay, however many there are."""
    text = between.join(prices)
    assert text == to_readable(text)


@given(st.from_regex(r"(\\zz[a-z]{1,6}(\{[a-z]{1,8}\}){0,2} ){1,5}", fullmatch=True))
def test_unknown_commands_are_never_changed(text: str) -> None:
    """Commands that are in no table stay with their arguments."""
    assert text == to_readable(text)


WORD = st.from_regex(r"[A-Za-z]{3,9}", fullmatch=True)
STYLES = [
    r"\emph{%s}",
    r"{\it %s}",
    r"\textbf{%s}",
    "``%s''",
    "`%s'",
    "%s--a",
    r"$x$ %s",
    r"%s $O(n)$",
    r"%s\%%",
    "$\\text{%s}$",
]


@given(st.lists(st.tuples(WORD, st.sampled_from(STYLES)), min_size=1, max_size=8))
def test_words_survive_as_words(styled: list[tuple[str, str]]) -> None:
    """Words in other fonts, in quotation marks and beside formulas are found again as whole words, in order."""
    readable = to_readable(" ".join(style % word for word, style in styled))
    found = iter(re.findall(r"[A-Za-z]+", readable))
    assert all(word in found for word, _ in styled)
    assert not set("$\\{}`") & set(readable)


UNITS = [
    "$", "$ ", "${", "{$", "$a b ", "$1 ", "{", "}", "{a ", "\\", r"\(", r"\[\(", "^", "x_{", "~", "``a", "`a", "--",
    r"\frac", r"\frac{a}{", r"\hat\frac{", r"\sqrt[", r"\foo[", r"\foo{", r"$\text{", r"\href{a}{", r"\not", r"\left.",
    r"\alpha ", "$x^", "aa bb ", "https://", r"\'{", r"\verb|", r"\ce{", r"\ce{A2", "{{A}", r"$\\in", r"\\in{", "'",
]  # fmt: skip


@each_row("unit", UNITS)
@each_row("around", ["%s", "$%s$", "``%s''"])
def test_time_is_linear(unit: str, around: str) -> None:
    """Sixteen times the text takes about sixteen times as long, even of what nobody would write."""

    def seconds(length: int) -> float:
        text = around % (unit * (length // len(unit)))
        before = time.process_time()
        to_readable(text)
        return time.process_time() - before

    assert seconds(16_000) < 100 * max(seconds(1_000), 0.005)


def _texts() -> tuple[set[str], set[str]]:
    """All titles and abstracts of the real records, as the parsers give them."""
    data = SHARED / "data"
    lines = [*data.glob("days/papers_*.jsonl"), data / "hard/records.jsonl", *data.glob("seed/*.jsonl")]
    rows: list[dict[str, Any]] = [json.loads(line) for path in lines for line in path.read_text("utf-8").splitlines()]
    titles, abstracts = {row["title"] for row in rows}, {row["abstract"] for row in rows}
    papers = [item.paper for path in data.glob("raw/*.xml") for item in parse_feed(path.read_bytes()).announcements]
    papers += [paper for path in data.glob("api/*.xml") for paper in parse_api(path.read_bytes()).papers]
    titles |= {paper.title_tex or paper.title for paper in papers}
    abstracts |= {paper.abstract_tex or paper.abstract for paper in papers}
    for row in json.loads(next(data.glob("hf/*.json")).read_text("utf-8")):
        titles.add(row["title"])
        abstracts.add(row["summary"])
    return {" ".join(text.split()) for text in titles}, {" ".join(text.split()) for text in abstracts}


@pytest.mark.shared
def test_real_titles_and_abstracts_keep_hardly_any_tex() -> None:
    """Of thousands of real texts with TeX nearly all are free of it afterwards, and a second reading changes none."""
    for texts, allowed in zip(_texts(), (0.01, 0.04), strict=True):
        with_tex = {text for text in texts if re.search(r"[$\\{]", text)}
        read = {text: to_readable(text) for text in texts}
        left = [text for text in with_tex if "\\" in read[text]]
        assert len(left) <= allowed * len(with_tex), left
        dollars = [read[text] for text in with_tex if re.search(r"\$(?!\s?\d)", read[text])]
        assert [] == dollars  # the others are money
        assert [] == [text for text in read.values() if text != to_readable(text)]
        assert all(read[text] == text for text in texts if not re.search(r"[$\\{~`]|--", text))
