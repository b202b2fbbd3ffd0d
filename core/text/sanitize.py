"""Text that is safe to show: what never reaches XML, HTML or a reader's eye.

`clean` removes characters that break XML or deceive, and keeps everything else: for whole documents, and for texts that
offsets point into. `plain` also reads the HTML that authors typed, and gives text that is still to be escaped. `label`
is `plain` as one line that no reader can mistake for HTML: for titles and names. `may_lead_to` says whether a model's
text may link to an address. A model's Markdown is the subject of `core.text.markdown`.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from html import unescape
from urllib.parse import quote

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
_JOINER = "\u2060"  # it has no width
_LIKE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LIKE_REFERENCE = re.compile(r"&(?=(#|\w+;?))")
_ROUNDS = 3  # "&amp;lt;" has been escaped twice, and tags stand in one another

_HOSTS = frozenset({"arxiv.org", "www.arxiv.org", "doi.org", "dx.doi.org"})
_ADDRESS = re.compile(r"(?<![\w.-])(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:/[^\s<>\"'`]*)?")
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_PLAIN_URL = re.compile(r"https?://[\w.~:/?#\[\]!$&'()*+,;=%-]+", re.ASCII | re.IGNORECASE)  # no @, no \
_TRAILING = ".,;:!?)]}'\"/"


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
    """`text` decoded again, if it is UTF-8 that was once read as Latin-1."""
    if not text.isascii() and _MISREAD.search(text):
        with suppress(UnicodeError):
            return text.encode("latin-1").decode()
    return text


def plain(text: str) -> str:
    """`text` with the HTML that authors have typed read as HTML: "&amp;", "H<sub>2</sub>O", "<i>Gaia</i>".

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


def label(text: str) -> str:
    """`text` as the one line of a title or name, which no reader can mistake for HTML.

    RSS does not say whether titles are HTML, and readers try both: what looks like a tag or a reference gets a joiner.
    """
    line = " ".join(plain(text).split())
    if "<" not in line and "&" not in line:
        return line
    return _LIKE_REFERENCE.sub(_with_joiner, _LIKE_TAG.sub(f"<{_JOINER}", line))


def _with_joiner(match: "re.Match[str]") -> str:
    name = match[1]
    is_word = name.isalpha() and unescape(f"&{name}") == f"&{name}"  # HTML also reads the "&lt" in "&ltimg"
    return "&" if is_word else f"&{_JOINER}"  # not in "R&D"


def cut(text: str, most: int) -> str:
    """`text`, or as much of it as fits `most` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def addresses(text: str, urls: Iterable[str]) -> frozenset[str]:
    """The addresses that `text` names, and `urls`, each without its scheme, so that spellings compare."""
    return frozenset(_bare(url) for url in (*_ADDRESS.findall(text), *urls))


def is_known(url: str, known: frozenset[str]) -> bool:
    """Whether `url` is one of the `known` addresses, in whatever spelling."""
    return bool(_PLAIN_URL.fullmatch(url)) and _bare(url) in known


def may_lead_to(url: str, known: frozenset[str]) -> bool:
    """Whether a link may lead to `url`: to a known address, to arXiv, or to a DOI."""
    return is_known(url, known) or (bool(_PLAIN_URL.fullmatch(url)) and _bare(url).partition("/")[0] in _HOSTS)


def _bare(url: str) -> str:
    """An address without its scheme and what a sentence puts behind it, in ASCII, so that spellings compare."""
    host, slash, path = _HTTP.sub("", url).rstrip(_TRAILING).partition("/")
    return host.lower() + slash + quote(path, safe="%/?#[]!$&'()*+,;=:@~-._")
