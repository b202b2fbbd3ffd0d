r"""Formulas in Markdown: where they are, and how they are written for each kind of reader.

Models write `$x$` and `$$x$$`, but also `\(x\)`, `\[x\]`, bare environments, and GitHub's own marks. `take_out` puts
a mark in the place of each, so that Markdown's signs in it mean nothing; `put_back` writes it: with dollars for
Markdown, as Unicode for feeds and messages, or as MathML for pages (`core.text.mathml`).
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.text.tex import to_readable
from core.text.tex.dollars import is_display, is_maths


class Formula(NamedTuple):
    """A formula: `source` is as the model wrote it, `tex` without the marks around it; `display`: on its own line."""

    source: str
    tex: str
    display: bool


_FORMULA = re.compile(
    r"^ {0,3}```math[ \t]*\n(?P<fence>[^`]{1,4000}?)\n {0,3}```[ \t]*$"
    r"|(?<![\\$])\$`(?P<ticks>[^`\n]{1,500})`\$"
    r"|(?<!\\)\$\$(?P<block>(?:[^$`\n\\]|\\[^\n]|\\?\n(?![ \t]*\n)){1,4000})\$\$"
    r"|(?<![\\$])\$(?P<line>(?=[^\s$])(?:[^$\\\n`]|\\.){0,500}?(?<=\S))\$(?!\d)"
    r"|(?<![\\$])\$(?P<spaced>[ \t](?:[^$\\\n`]|\\.){1,500}?[ \t])\$(?![\d$])"
    r"|\\\((?P<round>[^\n$`]{1,500}?)\\\)"
    r"|\\\[(?P<square>(?:[^$`\\]|\\[^\[\]$`]){1,4000})\\\]"
    r"|^[ \t]*(?P<bare>\\begin\{(?P<name>equation|align|gather|multline|eqnarray)(?P<star>\*?)\}[^$`]{1,4000}?"
    r"\\end\{(?P=name)(?P=star)\})[ \t]*$",
    re.MULTILINE,
)
_DISPLAY = ("fence", "block", "square", "bare")
_GROUP = re.compile(r"\\[A-Za-z]+|\\.|\{[^{}]*\}")
_STRONG = re.compile(r"\\[A-Za-z]|[\^_]")
_MARK = re.compile("\ue000(\\d+)\ue001")  # private use: no meaning to Markdown, HTML or Unicode
_MARKS = re.compile("[\ue000\ue001]")

# What a reader without mathematics could take for a tag, an address in angles, a link, or a template's tag; each is
# replaced by what means the same to TeX
_NOT_TEX = (
    (re.compile(r"^([ \t]*)<(?=[A-Za-z])", re.MULTILINE), r"\1\\lt "),
    (re.compile(r"<(?=[A-Za-z][\w:.-]*(?:>|[\s/][^>]*>)|[/!?]|[^\s<>]*[:@][^<>]*>)"), r"\\lt "),
    (re.compile(r"\](?=\()"), "] "),
    (re.compile(r"\{(?=[{%#:])"), "{ "),
)
_BARS = ((re.compile(r"\\\|"), r"\\Vert "), (re.compile(r"\|"), r"\\vert "))
_BLOCK_START = re.compile(r"\s*(?:[-+=#>*~:|]|\d+[.)]|$)")  # of a line that Markdown does not read as text


def take_out(text: str) -> tuple[str, list[Formula]]:
    """`text` with a mark in the place of each formula, and the formulas. Amounts of money are left in the text."""
    found: list[Formula] = []
    text = _MARKS.sub("", text)

    def keep(match: "re.Match[str]") -> str:
        kind = next(name for name in match.re.groupindex if match[name] is not None)
        tex = f"\n{match[kind]}\n" if kind == "fence" else match[kind]
        row = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip().startswith("|")
        if row and "\n" in match[0]:  # dollars of two rows of a table
            return match[0]
        if not _is_formula(kind, tex, text[max(match.start() - 2, 0) : match.start()], text[match.end() :][:2]):
            return match[0]
        found.append(Formula(match[0], tex if kind in _DISPLAY else tex.strip(), kind in _DISPLAY))
        return f"\ue000{len(found) - 1}\ue001"

    return _FORMULA.sub(keep, text), found


def _is_formula(kind: str, tex: str, before: str, after: str) -> bool:
    if kind in ("line", "spaced"):
        content = _GROUP.sub("\0", tex)
        strong = bool(_STRONG.search(tex))
        return is_maths(content, before, after, strong=strong) and (kind == "line" or strong)
    return kind in ("ticks", "fence", "bare") or is_display(_GROUP.sub("\0", tex))


def put_back(text: str, found: Sequence[Formula], write: Callable[[Formula], str]) -> str:
    """`text` with what `write` makes of each formula in the place of its mark."""

    def written(match: "re.Match[str]") -> str:
        number = int(match[1][:9])
        # With a reference such as `&#xE000;` a model can write a mark that stands for nothing
        return write(found[number]) if number < len(found) and str(number) == match[1] else ""

    return _MARK.sub(written, text)


def source(formula: Formula) -> str:
    """The formula as the model wrote it: for code."""
    return formula.source


def unicode(formula: Formula) -> str:
    """The formula as Unicode where that is possible, else between dollar signs."""
    return to_readable(f"${_one_line(formula.tex)}$")


def inline(formula: Formula, mark: str = "$", *, in_table: bool = False) -> str:
    """The formula between `mark`s within a line. In tables, bars become commands, because they would end a cell."""
    tex = _safe(_one_line(formula.tex))
    for pattern, instead in _BARS if in_table else ():
        tex = pattern.sub(instead, tex)
    return f"{mark}{tex}{mark}"


def display(formula: Formula) -> list[str]:
    """The lines of a displayed formula in Markdown, joined if Markdown would take one for a list or a heading."""
    lines = [line.strip() for line in _safe(formula.tex).split("\n")]
    if len(lines) == 1:
        return [f"$${lines[0]}$$"]
    inner = [line for line in lines if line]
    return ["$$", *([" ".join(inner)] if any(map(_BLOCK_START.match, inner)) else inner), "$$"]


def without_bars(text: str) -> str:
    """`text` for a cell of a table: its formulas within the line, and without bars."""
    marked, found = take_out(text)
    return put_back(marked, found, lambda formula: inline(formula, in_table=True)) if found else text


def _safe(tex: str) -> str:
    for pattern, instead in _NOT_TEX:
        tex = pattern.sub(instead, tex)
    return tex


def _one_line(tex: str) -> str:
    return " ".join(tex.split())
