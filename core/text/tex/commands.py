"""TeX's commands that put several arguments together, and which commands are known at all."""

import re
from collections.abc import Callable
from typing import NamedTuple

from core.text.tex.atoms import Atom, AtomKind, fraction, root, script
from core.text.tex.symbols import (
    ACCENTS,
    CLOSING,
    FUNCTIONS,
    IGNORED,
    LETTERS,
    MATHS,
    NEGATED,
    OPERATORS,
    PUNCTUATION,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    TEXT_SYMBOLS,
)


class Macro(NamedTuple):
    """A command by its arguments, each `maths`, `prose` or `raw`.

    `make` takes what is in brackets before the arguments ("" without any), then the arguments. An empty atom means that
    they make no sense.
    """

    arguments: tuple[str, ...]
    make: Callable[..., Atom]


def _link(_: str, address: str, text: str) -> Atom:
    text = text.strip()
    redundant = text in ("", address) or address.endswith(f"://{text}")
    return Atom(AtomKind.PLAIN, address if redundant else f"{text} ({address})")


def _character(_: str, code: str) -> Atom:
    r"""MathJax's `\unicode{x2014}`."""
    number = int(code[1:], 16) if re.fullmatch(r"x[0-9A-Fa-f]{1,5}", code) else 0
    return Atom(AtomKind.PLAIN, char if (char := chr(number)).isprintable() else "")


def _fraction(_: str, above: str, below: str) -> Atom:
    return fraction(above, below)


def _between(left: str, right: str) -> Macro:
    """A command that puts its only argument between two signs."""
    return Macro(("maths",), lambda _, text: Atom(AtomKind.PLAIN, left + text + right))


_CHARGE = re.compile(r"\^\{?(\d*[+-])\}?|(?<=[A-Za-z)\]\d])([+-])(?=\s|$)")
_COUNT = re.compile(r"(?<=[A-Za-z)\]])_?\{?(\d[\d.]*)\}?")


def _chemical(_: str, formula: str) -> Atom:
    r"""mhchem's `\ce{SO4^2-}`; nothing if there is more in it than atoms, their counts, charges and an arrow."""
    text = _CHARGE.sub(lambda m: (m[1] or m[2]).translate(SUPERSCRIPTS), formula.replace("->", "→"))
    text = _COUNT.sub(lambda m: m[1].translate(SUBSCRIPTS), text)
    return Atom(AtomKind.PLAIN, "" if set(text) & set(r"\{}_^$") else text)


SYMBOLS = (
    (AtomKind.PLAIN, LETTERS),
    (AtomKind.OPERATOR, OPERATORS),
    (AtomKind.WORD, FUNCTIONS),
    (AtomKind.PUNCTUATION, PUNCTUATION),
    (AtomKind.CLOSING, CLOSING),
)
FORMS = {
    "frac": Macro(("maths", "maths"), _fraction),
    "tfrac": Macro(("maths", "maths"), _fraction),
    "dfrac": Macro(("maths", "maths"), _fraction),
    "cfrac": Macro(("maths", "maths"), _fraction),
    "nicefrac": Macro(("maths", "maths"), _fraction),
    "sfrac": Macro(("maths", "maths"), _fraction),
    "binom": Macro(("maths", "maths"), lambda _, n, k: Atom(AtomKind.PLAIN, f"({n} choose {k})")),
    "sqrt": Macro(("maths",), root),
    "pmod": Macro(("maths",), lambda _, n: Atom(AtomKind.PLAIN, f" (mod {n})")),
    "not": Macro(("maths",), lambda _, sign: Atom(AtomKind.OPERATOR, NEGATED.get(sign, ""))),
    "ket": _between("|", "⟩"),
    "bra": _between("⟨", "|"),
    "braket": _between("⟨", "⟩"),
    "ketbra": Macro(("maths", "maths"), lambda _, ket, bra: Atom(AtomKind.PLAIN, f"|{ket}⟩⟨{bra}|")),
    "abs": _between("|", "|"),
    "norm": _between("‖", "‖"),
    "ce": Macro(("raw",), _chemical),
    "unicode": Macro(("raw",), _character),
    "textsuperscript": Macro(("prose",), lambda _, text: script("^", text)),
    "textsubscript": Macro(("prose",), lambda _, text: script("_", text)),
    "textcolor": Macro(("raw", "prose"), lambda _, _colour, text: Atom(AtomKind.PLAIN, text)),
    "footnote": Macro(("prose",), lambda _, text: Atom(AtomKind.PLAIN, f" ({text.strip()})")),
    "url": Macro(("raw",), lambda _, address: Atom(AtomKind.PLAIN, address)),
    "href": Macro(("raw", "prose"), _link),
}


_TABLES = (LETTERS, OPERATORS, FUNCTIONS, PUNCTUATION, CLOSING, IGNORED, TEXT_SYMBOLS, MATHS, ACCENTS, FORMS)


def is_command(name: str) -> bool:
    """Whether `name`, without its backslash, is a command that shows or hides something in plain text."""
    return any(name in table for table in _TABLES)
