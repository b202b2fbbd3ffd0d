"""TeX's commands that put several arguments together, and which commands are known at all."""

import re
from collections.abc import Callable
from typing import NamedTuple

from core.text.tex.atoms import Atom, Kind, fraction, root, script
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
    TEXT,
)


class Form(NamedTuple):
    """A command by its arguments, each `maths`, `prose` or `raw`.

    `make` takes what is in brackets before the arguments ("" without any), then the arguments. An empty atom means that
    they make no sense.
    """

    arguments: tuple[str, ...]
    make: Callable[..., Atom]


def _link(_: str, address: str, text: str) -> Atom:
    text = text.strip()
    told = text in ("", address) or address.endswith(f"://{text}")
    return Atom(Kind.PLAIN, address if told else f"{text} ({address})")


def _character(_: str, code: str) -> Atom:
    r"""MathJax's `\unicode{x2014}`."""
    number = int(code[1:], 16) if re.fullmatch(r"x[0-9A-Fa-f]{1,5}", code) else 0
    return Atom(Kind.PLAIN, char if (char := chr(number)).isprintable() else "")


def _fraction(_: str, above: str, below: str) -> Atom:
    return fraction(above, below)


def _between(left: str, right: str) -> Form:
    """A command that puts its only argument between two signs."""
    return Form(("maths",), lambda _, text: Atom(Kind.PLAIN, left + text + right))


_CHARGE = re.compile(r"\^\{?(\d*[+-])\}?|(?<=[A-Za-z)\]\d])([+-])(?=\s|$)")
_COUNT = re.compile(r"(?<=[A-Za-z)\]])_?\{?(\d[\d.]*)\}?")


def _chemical(_: str, formula: str) -> Atom:
    r"""mhchem's `\ce{SO4^2-}`; nothing if there is more in it than atoms, their counts, charges and an arrow."""
    text = _CHARGE.sub(lambda m: (m[1] or m[2]).translate(SUPERSCRIPTS), formula.replace("->", "→"))
    text = _COUNT.sub(lambda m: m[1].translate(SUBSCRIPTS), text)
    return Atom(Kind.PLAIN, "" if set(text) & set(r"\{}_^$") else text)


SYMBOLS = (
    (Kind.PLAIN, LETTERS),
    (Kind.OPERATOR, OPERATORS),
    (Kind.WORD, FUNCTIONS),
    (Kind.PUNCTUATION, PUNCTUATION),
    (Kind.CLOSING, CLOSING),
)
FORMS = {
    "frac": Form(("maths", "maths"), _fraction),
    "tfrac": Form(("maths", "maths"), _fraction),
    "dfrac": Form(("maths", "maths"), _fraction),
    "cfrac": Form(("maths", "maths"), _fraction),
    "nicefrac": Form(("maths", "maths"), _fraction),
    "sfrac": Form(("maths", "maths"), _fraction),
    "binom": Form(("maths", "maths"), lambda _, n, k: Atom(Kind.PLAIN, f"({n} choose {k})")),
    "sqrt": Form(("maths",), root),
    "pmod": Form(("maths",), lambda _, n: Atom(Kind.PLAIN, f" (mod {n})")),
    "not": Form(("maths",), lambda _, sign: Atom(Kind.OPERATOR, NEGATED.get(sign, ""))),
    "ket": _between("|", "⟩"),
    "bra": _between("⟨", "|"),
    "braket": _between("⟨", "⟩"),
    "ketbra": Form(("maths", "maths"), lambda _, ket, bra: Atom(Kind.PLAIN, f"|{ket}⟩⟨{bra}|")),
    "abs": _between("|", "|"),
    "norm": _between("‖", "‖"),
    "ce": Form(("raw",), _chemical),
    "unicode": Form(("raw",), _character),
    "textsuperscript": Form(("prose",), lambda _, text: script("^", text)),
    "textsubscript": Form(("prose",), lambda _, text: script("_", text)),
    "textcolor": Form(("raw", "prose"), lambda _, _colour, text: Atom(Kind.PLAIN, text)),
    "footnote": Form(("prose",), lambda _, text: Atom(Kind.PLAIN, f" ({text.strip()})")),
    "url": Form(("raw",), lambda _, address: Atom(Kind.PLAIN, address)),
    "href": Form(("raw", "prose"), _link),
}


_TABLES = (LETTERS, OPERATORS, FUNCTIONS, PUNCTUATION, CLOSING, IGNORED, TEXT, MATHS, ACCENTS, FORMS)


def is_known(name: str) -> bool:
    """Whether `name`, without its backslash, is a command that shows or hides something in plain text."""
    return any(name in table for table in _TABLES)
