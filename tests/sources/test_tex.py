"""TeX accents as arXiv's metadata uses them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sources.tex import decode_accents, decode_name

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


@pytest.mark.parametrize(("tex", "expected"), ACCENTS + LETTERS + WRITTEN)
def test_accents_become_unicode(tex: str, expected: str) -> None:
    """TeX's accents and letters become the characters that LaTeX prints, in composed form."""
    assert expected == decode_accents(tex)


@pytest.mark.parametrize("text", UNTOUCHED)
def test_everything_else_stays(text: str) -> None:
    """Mathematics, unknown commands and text without commands stay as they were written."""
    assert text == decode_accents(text)


def test_mathematics_stays_beside_accents() -> None:
    """Accents outside of dollar signs are decoded in the same text whose mathematics is left alone."""
    expected = r"Hölder $\"o \in \mathbb{R}$ für ö"
    assert expected == decode_accents(r"H\"older $\"o \in \mathbb{R}$ f\"ur \"o")


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("letter", "aeiouyAEIOUYcnszCNSZ")
def test_spellings_of_an_accent_agree(letter: str) -> None:
    """An accent is the same whether its letter is in braces, behind a space, or bare."""
    expected = unicodedata.normalize("NFC", letter + "\u0301")
    for spelling in (rf"\'{letter}", rf"\'{{{letter}}}", rf"\' {letter}", rf"{{\'{letter}}}"):
        assert expected == decode_accents(spelling)
