"""TeX's typography in prose: quotation marks, dashes and ties.

Titles and abstracts, read into text: prose with commands in it, and the formulas between its dollar signs."""

import re
import unicodedata

from core.text.tex import symbols
from core.text.tex.atoms import script
from core.text.tex.commands import is_command
from core.text.tex.dollars import is_display, is_maths
from core.text.tex.formulas import FormulaReader, small_capitals
from core.text.tex.source import DEEPEST, TOKEN, Unreadable

# A `code span` of Markdown does not end with an apostrophe
_DOUBLE = re.compile(r"``(?<!```)(?=[^\s`])([^`]*?)(?:''|(?<!\\)\")")
_SINGLE = re.compile(r"`(?<![\w`\\]`)(?=[^\s`])([^`']*)'(?![\w'])")


def quotes(text: str) -> str:
    """``so'' and `so', and ``so" as many write, with “ ” and ‘ ’; what is not closed stays."""
    return _SINGLE.sub(r"‘\1’", _DOUBLE.sub(r"“\1”", text))


def dash(token: str, before: str, after: str) -> str:
    """`--` and `---` between two characters: neither arrows (`-->`, `<!--`) nor the option `--verbose` are dashes."""
    if len(token) > 3 or before in ("<", "!") or after == ">":
        return token
    if len(token) == 3:
        return "—"
    return token if after.isalpha() and (before == "" or before in " \n([`'\"‘“") else "–"


def tie(before: str, after: str) -> str:
    """`~` between two characters: a space, but not in "~5 ms", "5~10" or a path."""
    if before == "" or after == "" or before.isspace() or after.isspace() or before in "([{/~=<>≈-–":
        return "~"
    return "~" if before.isdigit() and after.isdigit() else " "


# What prose is searched for; `:` for addresses, which are left alone
_SPECIAL = re.compile(
    r"[\\{}$~:_^-](?:(?<=\\)(?:[A-Za-z]+|.)?|(?<=[{}$~])|(?<=:)//[^\s\\{}$]*|(?<=-)-+|(?<=[_^])(?=\{))", re.DOTALL
)
_PROTECTED = re.compile(r"(?:\d+(?=[A-Z]))?[^\W\d_][^\W_]*(?:[ .\-/+][^\W_]+)*[+.]?")
_VERBATIM = re.compile(r"([^\w\s*{}\\])([^\n]{1,80}?)\1")


class TexReader(FormulaReader):
    """Reads one text."""

    def read(self) -> str:
        """All of it, as prose. Raises `Unreadable` if its groups are nested too deeply."""
        return self._prose(0, len(self._text), 0)

    def _prose(self, at: int, end: int, depth: int) -> str:
        if depth > DEEPEST:
            raise Unreadable
        out = []
        while found := _SPECIAL.search(self._text, at, end):
            out.append(self._text[at : found.start()])
            piece, at = self._special(found[0], found.start(), end, depth)
            out.append(piece)
        out.append(self._text[at:end])
        return "".join(out)

    def _special(self, token: str, at: int, end: int, depth: int) -> tuple[str, int]:
        after = at + len(token)
        match token[0]:
            case "$":
                return self._dollars(at, end, depth)
            case "\\":
                return self._command_in_prose(token[1:], at, end, depth)
            case "{":
                return self._group(at, depth)
            case "_" | "^":
                inner = self._argument(after, end, depth, self._maths)
                return (script(token, inner[0]).text, inner[1]) if inner else (token, after)
            case "~":
                return tie(self._before(at), self._text[after : min(after + 1, end)]), after
            case "-":
                return dash(token, self._before(at), self._text[after : min(after + 1, end)]), after
        return token, after

    def _command_in_prose(self, name: str, at: int, end: int, depth: int) -> tuple[str, int]:
        after = at + 1 + len(name)
        if name in ("(", "["):
            close = self._limit(after, end, ")" if name == "(" else "]")[0]
            return self._formula(at, after, close, close + 2, depth) if close >= 0 else ("\\" + name, after)
        if name == "verb" and (verbatim := _VERBATIM.match(self._text, after, end)):
            return verbatim[2], verbatim.end()
        atom, after = self._command(name, at, end, depth, in_maths=False)
        if name.isalpha() and is_command(name) and self._text.startswith("{}", after, end):  # it ends the name
            after += 2
        glued = name in symbols.FUNCTIONS and at > 0 and self._text[at - 1].isalnum()
        return (f" {atom.text}" if glued else atom.text), after

    def _group(self, at: int, depth: int) -> tuple[str, int]:
        r"""Braces that hold a command (`{\it so}`) or protect capitals (`{B}ayes`) are not seen; others are text."""
        text, close = self._text, self._closes.get(at)
        if close is None:
            return "{", at + 1
        inner, before, after = text[at + 1 : close], self._before(at), text[close + 1 : close + 2]
        if inner == "," and before.isdigit():  # 10{,}000
            return ",", close + 1
        if _PROTECTED.fullmatch(inner) and (not inner[0].islower() or before.isalpha() or after.isalpha()):
            return inner, close + 1
        first = TOKEN.match(text, self._skip(at + 1, close), close)
        holds_command = first is not None and first[0][0] == "\\" and is_command(first[0][1:])
        read = self._prose(at + 1, close, depth + 1)
        if first and first[0] in (r"\sc", r"\scshape"):
            read = small_capitals(read)
        holds_dropped = inner[:1] == "{" and read[:1] != "{" and self._closes.get(at + 1) == close - 1  # {{BERT}}
        return (read if holds_command or holds_dropped else f"{{{read}}}"), close + 1

    def _dollars(self, at: int, end: int, depth: int) -> tuple[str, int]:
        text = self._text
        is_double = text.startswith("$$", at, end)
        after = at + (2 if is_double else 1)
        close, content, strong = self._limit(after, end, "$")
        if close < 0:
            found = False
        elif is_double:
            found = text.startswith("$$", close, end) and is_display(content)
        else:
            found = is_maths(content, self._before(at), text[close + 1 : min(close + 3, end)], strong=strong)
        return self._formula(at, after, close, close + after - at, depth) if found else (text[at:after], after)

    def _formula(self, start: int, at: int, end: int, after: int, depth: int) -> tuple[str, int]:
        """The formula from `at` to `end`; all from `start` to `after` as it was written, if it cannot be read."""
        text = self._text
        try:
            read = self._maths(at, end, depth + 1)
        except Unreadable:
            return text[start:after], after
        following = text[after : after + 1]
        if read in symbols.DOUBLE_STRUCK.values() and following.isalpha():
            return unicodedata.normalize("NFKC", read), after  # the first letter of a word
        if text[start:at] in ("$$", r"\["):  # on a line of its own
            before = " " if self._before(start).isalnum() else ""
            return before + read + (" " if following.isalnum() else ""), after
        return read, after
