"""TeX to Unicode, as arXiv's metadata uses it (https://info.arxiv.org/help/prep.html).

`decode_accents` touches only complete accents and letters outside of mathematics, `to_readable` all that it knows. What
they do not know stays as it was written.
"""

import re
import unicodedata

from core.text.tex.reader import TexReader, quotes
from core.text.tex.source import Unreadable

# TeX's accent commands and the combining characters that they stand for
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "dj": "đ", "DJ": "Đ", "th": "þ", "TH": "Þ", "ng": "ŋ", "NG": "Ŋ",
}  # fmt: skip
_DOTLESS = {"ı": "i", "ȷ": "j"}

_MATH = re.compile(r"(\$[^$]*\$)")
# {\ss}, \ss{}, or \ss and the space after it
_NAMES = "|".join(sorted(_LETTERS, key=len, reverse=True))
_LETTER = re.compile(rf"\{{\\({_NAMES})\s*\}}|\\({_NAMES})(?:\{{\}}|(?![A-Za-z])\s?)")
# \'e  \'{e}  \' e, and for accents that are letters \c{c}  \c c
_ACCENT = re.compile(
    r"\\(?P<accent>[`'^~=.\"])\s*(?:\{\s*(?P<braced>[^\W\d_][\u0300-\u036f]*)\s*\}|(?P<bare>[^\W\d_]))"
    r"|\\(?P<letter>[uvHcdkrb])(?:\s*\{\s*(?P<lbraced>[^\W\d_][\u0300-\u036f]*)\s*\}|\s+(?P<lbare>[^\W\d_]))"
)
# A letter in braces, and the command before them whose argument it is
_BRACED = re.compile(r"(\\[A-Za-z]+\s*)?\{([^\W\d_][\u0300-\u036f]?)\}")
_SPACES = re.compile(r" {2,}")


def _accented(match: re.Match[str]) -> str:
    accent = _ACCENTS[match["accent"] or match["letter"]]
    letter = match["braced"] or match["bare"] or match["lbraced"] or match["lbare"]
    return unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + accent)


def decode_accents(text: str) -> str:
    r"""`text` with TeX's accents and special letters as Unicode: `Micha\"el` → `Michaël`, `{\L}ukasz` → `Łukasz`.

    Mathematics between dollar signs and unknown commands are left alone.
    """
    if "\\" not in text:
        return text
    parts = _MATH.split(text)
    return "".join(part if at % 2 else _decode(part) for at, part in enumerate(parts))


def _decode(text: str) -> str:
    for _ in range(3):  # accents nest: \~{\^e}, \'{\i}
        before = text
        text = _LETTER.sub(lambda m: _LETTERS[m[1] or m[2]], text)
        text = _ACCENT.sub(_accented, text)
        if text == before:
            break
        text = _BRACED.sub(lambda m: m[0] if m[1] or m[2].isascii() else m[2], text)
    return text


def decode_name(text: str) -> str:
    """A person's name: accents decoded, the braces that held letters dropped, `~` as the space that it is."""
    text = decode_accents(text)
    if "\\" not in text:
        text = text.replace("{", "").replace("}", "").replace("~", " ")
    return " ".join(text.split())


def to_readable(text: str) -> str:
    r"""`text` as people read and search it: `$O(n^2)$` → `O(n²)`, `\emph{so}` → `so`, `90\%` → `90%`.

    Commands, formulas and typography mean what they mean to LaTeX and to MathJax, which arXiv's pages use; the tables
    are in `core.text.tex.symbols`. Sub- and superscripts are Unicode's own where it has all of their characters, or
    else `x_max` and `n^(1/2)`; of letters' fonts only ℝ ℕ ℤ ℂ ℚ 𝔼 are kept. As they were written stay: unknown commands
    with their arguments, braces and dollar signs without a partner, formulas that do not fit on a line (matrices), and
    money (`core.text.tex.dollars`).

    Never raises, and takes time linear in the length of `text`. To be used once: what was escaped would be TeX the
    second time (`\{X\}` → `{X}` → `X`).
    """
    if not ("$" in text or "\\" in text or "{" in text or "~" in text or "--" in text or "`" in text):
        return text  # nearly all
    text = decode_accents(text)
    if "`" in text:
        text = quotes(text)
    try:
        read = TexReader(text).read()
    except Unreadable:
        return text
    return _SPACES.sub(" ", read) if "  " in read else read
