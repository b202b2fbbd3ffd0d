"""Formulas as MathML, by latex2mathml (https://github.com/roniemartinez/latex2mathml).

The library copies the content of `\\text` and addresses of `\\href` as they are. So its tree is written here: known
elements, known attributes with plain values, and escaped texts; nothing else can get into a page.
"""

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from html import escape, unescape
from typing import Any

_LONGEST = 2000  # characters
_DEEPEST = 40
_ELEMENTS = frozenset({
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
    "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mpadded", "mphantom", "menclose", "mmultiscripts",
    "mprescripts", "none",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "display", "displaystyle", "scriptlevel", "stretchy", "fence", "form", "accent", "accentunder", "minsize",
    "maxsize", "width", "height", "depth", "linethickness", "movablelimits", "separator", "lspace", "rspace", "largeop",
    "symmetric", "columnalign", "rowspacing", "columnspacing", "columnlines", "rowlines", "notation",
})  # fmt: skip
_VALUE = re.compile(r"[A-Za-z0-9.+% -]{1,40}")


def _operator(match: "re.Match[str]") -> str:
    return f"\\operatorname{{{_THIN.sub('', match[1])}}}"


_THIN = re.compile(r"\\[,;: ]")
# What the library lacks, as what it has
_INSTEAD = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\\(begin|end)\{(?:align|aligned|gather|gathered|eqnarray|multline)\*?\}", r"\\\1{split}"),
        (r"\\(?:begin|end)\{equation\*?\}", ""),
        (r"\\(?:nonumber|notag)(?![A-Za-z])|\\label\{[^{}]*\}", ""),
        (r"\\arg(?![A-Za-z])", r"\\operatorname{arg}"),
        (r"\\operatorname\*?\{([^{}]*)\}", _operator),
        (r"\\(?:big|Big|bigg|Bigg)[lrm]?(?=\\\||\\[lr]?Vert)", ""),
        (r"\\mathds(?![A-Za-z])|\\mathbbm(?![A-Za-z])", r"\\mathbb"),
    )
)
_UNKNOWN = re.compile(r"\\[A-Za-z]|[\\&]")
_LETTER = re.compile(r"(?:LATIN|GREEK) (SMALL|CAPITAL) LETTER (\w+(?: SYMBOL)?)$|(DIGIT) (\w+)$")
_OTHER_NAMES = {"FRAKTUR": "BLACK-LETTER", "SCRIPT": "SCRIPT", "DOUBLE-STRUCK": "DOUBLE-STRUCK"}


@lru_cache(maxsize=2048)
def to_mathml(tex: str, *, display: bool) -> str | None:
    """A `math` element for `tex`, which is between no dollar signs; None where the library does not know all of it."""
    if len(tex) > _LONGEST or _depth(tex) > _DEEPEST:
        return None
    for pattern, instead in _INSTEAD:
        tex = pattern.sub(instead, tex)
    try:
        from latex2mathml.converter import convert_to_element  # only where a page has a formula

        tree = convert_to_element(tex.strip(), display="block" if display else "inline")
        return "".join(_write(tree))
    except Exception:  # its exceptions have no common base, and some inputs raise IndexError or RecursionError
        return None


def _depth(tex: str) -> int:
    depth = most = 0
    for char in tex:
        depth += (char == "{") - (char == "}")
        most = max(most, depth)
    return most


class _UnknownElement(ValueError):
    """The library does not know a command, or has made what is not in the lists above."""


def _write(element: Any) -> list[str]:
    tag = str(element.tag).rpartition("}")[2]
    text = unescape(element.text or "")
    if tag not in _ELEMENTS or (_UNKNOWN.search(text) and tag != "mtext" and text != "\\"):
        raise _UnknownElement(tag)
    given = {name: str(value) for name, value in element.items()}
    attributes = "".join(
        f' {name}="{value}"' for name, value in given.items() if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    )
    variant = given.get("mathvariant", "")
    if variant == "normal":
        attributes += ' mathvariant="normal"'
    elif variant and tag in ("mi", "mn"):
        text = "".join(_styled(char, variant) for char in text)
    parts = [f"<{tag}{attributes}>", escape(text)]
    for child in element:
        parts += _write(child)
    return [*parts, f"</{tag}>"]


def _styled(char: str, variant: str) -> str:
    """A letter in bold, script or the like, as Unicode has it: browsers no longer know `mathvariant`."""
    match = _LETTER.match(unicodedata.name(char, ""))
    style = variant.upper().replace("BOLD-", "BOLD ").replace("SERIF-", "SERIF ")
    if match:
        name = " ".join(part for part in match.groups() if part)
        for full in (f"MATHEMATICAL {style} {name}", f"{_OTHER_NAMES.get(style, style)} {name}"):
            with suppress(KeyError):
                return unicodedata.lookup(full)
    return char
