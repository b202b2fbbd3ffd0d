"""Formulas as a line of text, put together from pieces.

The pieces ("atoms") carry a kind, as TeX's own do, from which the spaces and parentheses between them follow.
"""

import re
import unicodedata
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from core.text.tex.dollars import is_balanced
from core.text.tex.symbols import MARKS, SUBSCRIPTS, SUPERSCRIPTS, is_script


class AtomKind(Enum):
    """How an atom stands to its neighbours."""

    PLAIN = auto()
    SPACE = auto()
    OPERATOR = auto()  # equal space before and after
    WORD = auto()  # a word of its own: log, max
    OPEN = auto()  # a following letter would seem to belong to it: x_max, √2
    CLOSING = auto()  # no space before
    PUNCTUATION = auto()  # no space before, one after
    FRACTION = auto()  # needs parentheses beside a factor


class Atom(NamedTuple):
    """A piece of a formula."""

    kind: AtomKind
    text: str


_OPENERS, _CLOSERS = "([{⟨⌊⌈", ")]}⟩⌋⌉"
_LONG_WORD = re.compile(r"[^\W\d_]{3}")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_NUMBER = re.compile(r"[\d.,]*\d")
_DECIMAL = re.compile(r"\d*\.\d+")
_LETTER = re.compile(r"√*(?:[∂∇dδΔ](?=[^\W\d_]))?[^\W\d_]")
_ROOT = re.compile(r"√+[\d.,]*\d")
_STARS = {"∗": "*", "⋆": "*"}


def script(sign: str, text: str) -> Atom:
    """A subscript (`_`) or superscript (`^`) in Unicode's own characters, or else written out: `x_max`, `n^(1/2)`.

    Words are written out too: they would not be found, and hardly read; so are exponents with a point, behind which
    they would seem to end, but not errors (`1.5⁺⁰.³₋₀.₂`).
    """
    bare = text.replace(" ", "")
    if sign == "^" and bare in MARKS:
        return Atom(AtomKind.PLAIN, MARKS[bare])
    bare = _STARS.get(bare, bare)
    enclosed = _is_enclosed(bare)
    table = SUPERSCRIPTS if sign == "^" else SUBSCRIPTS
    is_short = not _LONG_WORD.search(bare) and ("(" not in bare or enclosed)
    without_point = _POINT.sub("", bare) if sign == "_" or bare[:1] == "+" else bare
    if is_short and all(ord(char) in table for char in without_point):
        return Atom(AtomKind.PLAIN, bare.translate(table))
    if len(bare) == 1 or _DECIMAL.fullmatch(bare) or (sign == "_" and bare.isascii() and bare.isalnum()):
        return Atom(AtomKind.OPEN, sign + bare)
    return Atom(AtomKind.PLAIN, sign + (text if enclosed else f"({text})"))


def fraction(above: str, below: str) -> Atom:
    """`a/b`, with parentheses around what is not a single thing."""
    above = above if _is_product(above) else f"({above})"
    below = below if _is_factor(below) or _is_denominator(below) else f"({below})"
    return Atom(AtomKind.FRACTION, f"{above}/{below}")


def root(degree: str, text: str) -> Atom:
    """`√n`, `∛n`, `√(n + 1)`."""
    sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(degree) or script("^", degree).text + "√"
    return (
        Atom(AtomKind.OPEN, sign + text)
        if _is_factor(text.removeprefix("-"))
        else Atom(AtomKind.PLAIN, f"{sign}({text})")
    )


def accented(accent: str, text: str) -> str:
    """`text`, a letter and its scripts, with a combining character on the letter; "" if `text` is something else."""
    if not text[:1].isalpha() or not all(map(is_script, text[1:])):
        return ""
    return unicodedata.normalize("NFC", text[0] + accent + text[1:])


def join_atoms(atoms: list[Atom]) -> str:
    """The formula as a line of text; no atom may be empty."""
    out: list[str] = []
    last = ""  # the character written last
    is_open = False  # whether a letter must not follow at once
    for (kind, text), (next_kind, following) in pairwise([*atoms, Atom(AtomKind.SPACE, " ")]):
        first = text[0]
        if kind is AtomKind.SPACE:
            is_needless = last in _OPENERS + " " or following[0] in _CLOSERS or next_kind in _TIGHT
            piece = "" if is_needless else " "
        elif kind is AtomKind.PUNCTUATION:
            piece = f"{text} "
        elif kind is AtomKind.OPERATOR:
            piece = f"{text} " if last == " " else text
        elif kind is AtomKind.FRACTION:
            is_followed = next_kind in _FACTORS and (following[0].isalnum() or following[0] in "(√")
            piece = f"({text})" if is_followed or _ends_factor(last) else text
        elif kind is AtomKind.WORD and _ends_factor(last):
            piece = f" {text}"
        else:
            piece = f" {text}" if is_open and first.isalnum() and not is_script(first) else text
        out.append(piece)
        last = piece[-1:] or last
        is_open = kind in (AtomKind.WORD, AtomKind.OPEN) or (is_open and kind is AtomKind.PLAIN and is_script(first))
    return "".join(out).strip()


_FACTORS = (AtomKind.PLAIN, AtomKind.OPEN, AtomKind.FRACTION)
_TIGHT = (AtomKind.CLOSING, AtomKind.PUNCTUATION)


def _ends_factor(char: str) -> bool:
    return char.isalnum() or (char != "" and (char in _CLOSERS or is_script(char)))


def _is_enclosed(text: str) -> bool:
    """Whether `text` begins with a parenthesis that its last character closes."""
    return text[:1] == "(" and text[-1:] == ")" and is_balanced(text[1:-1])


def _is_product(text: str) -> bool:
    """Whether outside of brackets nothing separates parts of `text`, but for a sign at its beginning."""
    depth = 0
    for at, char in enumerate(text):
        if char in _OPENERS:
            depth += 1
        elif char in _CLOSERS:
            depth -= 1
        elif depth == 0 and (char in "+−±/ ,;=<>" or (char == "-" and at > 0)):
            return False
    return bool(text)


def _is_factor(text: str) -> bool:
    """Whether `text` is a number, a letter with its scripts, or in parentheses."""
    if _NUMBER.fullmatch(text) or _is_enclosed(text):
        return True
    letter = _LETTER.match(text)
    return letter is not None and all(map(is_script, text[letter.end() :]))


def _is_denominator(text: str) -> bool:
    """Whether `text` is a root or a parenthesis with its scripts: `√2`, `√(2π)`, `(n + 1)²`."""
    end = text.rfind(")") + 1
    is_enclosed = _is_enclosed(text[:end].lstrip("√")) and all(map(is_script, text[end:]))
    return is_enclosed or _ROOT.fullmatch(text) is not None
