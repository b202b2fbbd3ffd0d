"""What a model writes, made fit to stand in a document: no HTML, no links but the paper's, and nothing that breaks out
of its place.

Markdown has many readers, and each finds its own ends of code and formulas. So nothing here depends on where these are:
what could be a tag or a foreign address in any of them is not left in the text.
"""

import re

from core.text.links import is_known
from core.text.sanitize import plain

_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # what begins a tag, a comment or a link in angles
_LINK = re.compile(
    r"(!?)\[((?:[^\[\]]|\[[^\[\]]*+\]){0,300})\]\(\s*+<?([^\s<>()]*+(?:\([^\s<>()]*+\)[^\s<>()]*+)*+)>?[^()\n]{0,300}\)"
)
_ADDRESS = re.compile(
    r"(?:\b[A-Za-z][A-Za-z0-9+.-]{0,30}://|(?<![:\w/])//(?=[\w-]+\.)|\bwww\.)[^\s<>\"'`|\])}]+",
    re.ASCII | re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?:javascript|vbscript|data|file|mailto)\s*:", re.IGNORECASE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]*\]:.*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:>\s?)*(`{3,}|~{3,})", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=\s|$)")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-+)\s*$")  # makes a heading of the line above
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)]|#{1,6}|>)\s+")
_RULED = re.compile(r"^\s*\|?\s*:?-{2,}[\s|:-]*$")  # the line below a table's head
_BAR = re.compile(r"(?<!\\)\|")
_MATHS = re.compile(r"\$[^$\n]{1,500}\$")
_TRAILING = ".,;:!?"
_LEVELS = 6
_ROUNDS = 5  # links and images stand in one another
_HTTP = ("http://", "https://")


def harmless(text: str, known: frozenset[str]) -> str:
    """`text` without tags, images and addresses that are not `known`; of links there stay their words."""
    text = _DEFINITION.sub("", plain(text))
    for _ in range(_ROUNDS):
        before, text = text, _LINK.sub(lambda match: _kept_link(match, known), text)
        if before == text:
            break
    text = _ADDRESS.sub(lambda match: _kept_address(match[0], known), text)
    text = _SCHEME.sub(lambda match: match[0][:-1].rstrip() + " ", text)
    return _TAG.sub("< ", text).strip()


def one_line(text: str, most: int = 0) -> str:
    """`text` as one line, at most `most` characters long if that is not 0."""
    lines = [_LIST_MARK.sub("", line).strip() for line in text.splitlines() if not _RULED.match(line)]
    line = " ".join(" ".join(lines).split())
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"


def cell(text: str) -> str:
    """`text` as it may stand in a cell of a table: one line, and no bar that ends the cell."""
    line = one_line(text).replace("$$", "$").replace("\\[", "[").replace("\\]", "]")
    line = _MATHS.sub(lambda match: match[0].replace("\\|", "\\Vert ").replace("|", "\\vert "), line)
    return _BAR.sub(r"\\|", line)


def block(text: str, level: int) -> str:
    """`text` as it may stand below a heading of this level: its own are lower, and what it opens it closes."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.match(line)):
            line = "#" * min(level + len(heading[1]), _LEVELS) + line.lstrip()[len(heading[1]) :]
        elif not fence and lines and lines[-1].strip() and _UNDERLINE.match(line):
            lines.append("")
        lines.append(line.rstrip())
    if fence:
        lines.append(fence)
    return _balanced("\n".join(lines).strip())


def _balanced(text: str) -> str:
    """`text` without the signs of displayed formulas that would go on behind it."""
    if text.count("$$") % 2:
        before, _, after = text.rpartition("$$")
        text = f"{before}\\$\\${after}"
    if text.count("\\[") != text.count("\\]"):
        text = text.replace("\\[", "[").replace("\\]", "]")
    return text


def _kept_link(match: "re.Match[str]", known: frozenset[str]) -> str:
    image, words, url = match.groups()
    return match[0] if not image and is_known(url, known) else words


def _kept_address(found: str, known: frozenset[str]) -> str:
    url = found.rstrip(_TRAILING)
    if url.lower().startswith(_HTTP) and is_known(url, known):
        return found
    return found[len(url) :]
