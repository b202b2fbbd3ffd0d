"""Text as readers can show it: nothing that breaks XML or deceives the eye, and no HTML where HTML has no place."""

import re
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from html import unescape
from html.entities import name2codepoint
from typing import Any

from core.domain.feed import Entry, Reason
from core.domain.paper import Author, Paper
from core.domain.scoring import field_text

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

_JOINER = "\u2060"  # has no width: nobody sees it
_LIKE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NAMES = frozenset({*name2codepoint, "apos"})
_LIKE_REFERENCE = re.compile(r"&(?=(#|\w+;?))")


def clean(text: str) -> str:
    """`text` without characters that break XML or deceive; those that end lines in their own way become spaces."""
    if _is_clean(text):
        return text
    for pattern, instead in _TABLE:
        text = pattern.sub(instead, text)
    return text.replace("\ufffd", "?")  # validators take it for damage that was done here


def _is_clean(text: str) -> bool:
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


def label(text: str) -> str:
    """`text` as the one line of a title or name, which no reader can mistake for HTML.

    RSS does not say whether titles are HTML, and readers try both: what looks like a tag or a reference gets a joiner.
    """
    line = " ".join(plain(text).split())
    if "<" not in line and "&" not in line:
        return line
    return _LIKE_REFERENCE.sub(_joined, _LIKE_TAG.sub(f"<{_JOINER}", line))


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


def _joined(match: "re.Match[str]") -> str:
    name = match[1]
    return "&" if name.isalpha() and name not in _NAMES else f"&{_JOINER}"  # not in "R&D"


_TEXTS = tuple(field.name for field in fields(Paper) if field.type is str)


def clean_entry(entry: Entry) -> Entry:
    """`entry` with all of its texts clean, and its reasons pointing at the same places as before."""
    paper, rules = entry.paper, [reason.rule for reason in entry.reasons]
    names = [text for author in paper.authors for text in author]
    markdown = entry.summary.markdown if entry.summary else ""
    if _is_clean("".join((*(getattr(paper, name) for name in _TEXTS), *names, *rules, markdown))):
        return entry
    news: dict[str, Any] = {name: clean(getattr(paper, name)) for name in _TEXTS}
    authors = tuple(Author(clean(name), clean(affiliation)) for name, affiliation in paper.authors)
    reasons = tuple(_moved(reason, field_text(paper, reason.field)) for reason in entry.reasons)
    summary = entry.summary and replace(entry.summary, markdown=clean(markdown))
    return replace(entry, paper=replace(paper, authors=authors, **news), reasons=reasons, summary=summary)


def _moved(reason: Reason, text: str) -> Reason:
    start, end = (len(clean(text[:at])) for at in (reason.start, reason.end))
    return reason._replace(rule=clean(reason.rule), start=start, end=end, text=clean(reason.text))
