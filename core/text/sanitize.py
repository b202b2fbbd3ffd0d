"""Text as its authors meant it: the HTML that they typed is read, and nothing breaks XML or deceives the eye."""

import re
from contextlib import suppress
from functools import partial
from html import unescape

# What XML 1.0 cannot carry or discourages (https://www.w3.org/TR/xml/#charsets): controls, surrogates, non-characters;
# and what makes text read otherwise than it is written (https://www.unicode.org/reports/tr9/)
_LAST_TWO = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_REMOVED = f"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef{_LAST_TWO}"
_BREAKS = "\x0b\x0c\x1c-\x1f\x85\u2028\u2029"
_TABLE = ((re.compile(f"[{_REMOVED}]"), ""), (re.compile("\r\n?"), "\n"), (re.compile(f"[{_BREAKS}]"), " "))

# UTF-8 that was once read as Latin-1: "JosÃ©"
_MISREAD = re.compile("[\xc2\xc3][\x80-\xbf]")

_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][\dA-Fa-f]{1,6}|[A-Za-z][A-Za-z\d]{1,31});")
_SCRIPT = re.compile(r"<(su[bp])>([^<>]{1,40})</?\1>", re.IGNORECASE)  # authors forget the slash
_PAIR = re.compile(
    r"<(b|em|i|inline-formula|italic|small|span|strong|tex-math|tt|u)(?:\s[^<>]*)?>([^<>]*)</\1\s*>", re.IGNORECASE
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SCRIPTS = {
    "sub": str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"),
    "sup": str.maketrans("0123456789+-−=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿ"),
}
_MARKS = {"sub": "_", "sup": "^"}
_ROUNDS = 3  # "&amp;lt;" has been escaped twice, and tags stand in one another


def clean(text: str) -> str:
    """`text` without characters that break XML or deceive; those that end lines in their own way become spaces."""
    if is_clean(text):
        return text
    for pattern, instead in _TABLE:
        text = pattern.sub(instead, text)
    return text.replace("\ufffd", "?")  # validators take it for damage that was done here


def is_clean(text: str) -> bool:
    """Whether `text` surely needs no cleaning: nearly all does not, and this is twenty times as fast as to look."""
    return (text.isprintable() or text.replace("\n", " ").isprintable()) and "\ufffd" not in text


def reread(text: str) -> str:
    """`text` as it was meant, if it is UTF-8 that was once read as Latin-1."""
    if not text.isascii() and _MISREAD.search(text):
        with suppress(UnicodeError):
            return text.encode("latin-1").decode()
    return text


def plain(text: str) -> str:
    """`text` with the HTML that authors have typed read as they meant it: "&amp;", "H<sub>2</sub>O", "<i>Gaia</i>".

    Other tags stay as they are: they are what the paper is about, or mathematics (`p<q`).
    """
    text = reread(text)
    if "&" in text:
        text = _until_stable(partial(_REFERENCE.sub, lambda match: unescape(match[0])), text)
    if "<" in text:
        text = _until_stable(partial(_PAIR.sub, r"\2"), _SCRIPT.sub(_script, _BREAK.sub(" ", text)))
    return clean(text)


def _until_stable(change: "partial[str]", text: str) -> str:
    for _ in range(_ROUNDS):
        before, text = text, change(text)
        if before == text:
            break
    return text


def _script(match: "re.Match[str]") -> str:
    kind, inside = match[1].lower(), match[2].strip()
    table = _SCRIPTS[kind]
    if all(ord(char) in table for char in inside):
        return inside.translate(table)
    return _MARKS[kind] + (inside if len(inside) == 1 else f"({inside})")
