"""Formulas and commands, read into atoms.

A recursive descent. Nothing is read twice and groups nest no deeper than `DEEPEST`, so that the work is linear in the
length of the text.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from core.text.tex import symbols
from core.text.tex.atoms import Atom, AtomKind, accented, join_atoms, script
from core.text.tex.commands import FORMS, SYMBOLS, is_command
from core.text.tex.source import DEEPEST, TOKEN, Source, Unreadable

_OPTION = re.compile(r"\[([^\[\]{}$\\]*)\]")
_LENGTH = re.compile(r"\s*-?[\d.]+\s*(?:mu|pt|em|ex|cm|mm|in)\b\s*")
_DOUBLED = re.compile(r"\\\\([A-Za-z]{2,})(\{)?")
_ESCAPED = re.compile(r"\\([%&#$_{}~])")
_LOWER_CASE_WORD = re.compile(r"[a-z][a-z -]*[a-z]")
_RELATIONS = "=<>+-−*/:"
_PRIMES = re.compile(r"(?<![A-Za-z]{3})'{1,3}(?!')")  # an apostrophe ends a longer word
_ROMAN_NUMERAL = re.compile(r"[ivx]+")


class _Read(NamedTuple):
    """A parsed piece, and the position after it."""

    atom: Atom
    at: int


def small_capitals(text: str) -> str:
    """`text` as it is, but for the numeral of an ion's spectrum: O iii in small capitals is O III."""
    return text.upper() if _ROMAN_NUMERAL.fullmatch(text.strip()) else text


class FormulaReader(Source, ABC):
    """Reads formulas. `depth` counts the groups around a place."""

    @abstractmethod
    def _prose(self, at: int, end: int, depth: int) -> str:
        """What is between `at` and `end`, not as a formula."""

    def _maths(self, at: int, end: int, depth: int) -> str:
        if depth > DEEPEST:
            raise Unreadable
        atoms: list[Atom] = []
        while token := TOKEN.match(self._text, at, end):
            atom, at = self._atom(token[0], at, end, depth)
            if atom.text:
                atoms.append(atom)
        return join_atoms(atoms)

    def _atom(self, token: str, at: int, end: int, depth: int) -> _Read:
        after = at + len(token)
        match token[0]:
            case "\\":
                return self._command(token[1:], at, end, depth, in_maths=True)
            case "^" | "_":
                inner = self._argument(after, end, depth, self._maths)
                return _Read(script(token, inner[0]), inner[1]) if inner else _Read(Atom(AtomKind.PLAIN, token), after)
            case "{":
                if (close := self._closes.get(at, end)) >= end:
                    raise Unreadable
                return _Read(Atom(AtomKind.PLAIN, self._maths(at + 1, close, depth + 1)), close + 1)
            case "}" | "$":
                raise Unreadable
        if token[0] == "~" or token.isspace():
            return _Read(Atom(AtomKind.SPACE, " "), after)
        return _Read(Atom(AtomKind.PLAIN, _PRIMES.sub(lambda m: symbols.PRIMES[len(m[0])], token)), after)

    def _command(self, name: str, at: int, end: int, depth: int, *, in_maths: bool) -> _Read:
        """The command at `at`; as it was written, with its arguments, if it is unknown."""
        after = at + 1 + len(name)
        if name == "\\" and (doubled := self._doubled(at, end, in_maths=in_maths)):
            return self._command(doubled, at + 1, end, depth, in_maths=in_maths)
        if not name.isalpha():
            text = symbols.ESCAPES.get(name, "\\" + name)
            return _Read(Atom(AtomKind.SPACE if text == " " else AtomKind.PLAIN, text), after)
        if in_maths and name in ("begin", "end"):
            raise Unreadable
        for kind, table in SYMBOLS:
            if name in table:
                next_at = self._after_letter(after, end) if kind is AtomKind.PLAIN else self._skip(after, end)
                return _Read(Atom(kind, table[name]), next_at if in_maths or name in symbols.LEADING else after)
        return (
            self._unseen(name, after, end)
            or self._with_arguments(name, at, end, depth)
            or self._as_written(at, after, end, in_maths=in_maths)
        )

    def _doubled(self, at: int, end: int, *, in_maths: bool) -> str:
        r"""The command at `at` if only its backslash was doubled, as some records have it: `$\\mu$`, no line break."""
        found = _DOUBLED.match(self._text, at, end)
        return found[1] if found and (in_maths or found[2]) and is_command(found[1]) else ""

    def _after_letter(self, after: int, end: int) -> int:
        r"""Returns where a formula continues after a letter: past the space, or before a relation's (`\alpha = 1`)."""
        next_at = self._skip(after, end)
        if next_at > after and (following := TOKEN.match(self._text, next_at, end)):
            token = following[0]
            if token[0] in _RELATIONS or token[1:] in symbols.OPERATORS:
                return after
        return next_at

    def _unseen(self, name: str, after: int, end: int) -> _Read | None:
        """Spaces, and commands for how things look."""
        next_at = self._skip(after, end)
        if name in symbols.SPACES:
            return _Read(Atom(AtomKind.SPACE, " "), next_at)
        if name in symbols.IGNORED:
            no_bracket = name in ("left", "right", "middle") and self._text.startswith(".", next_at, end)
            return _Read(Atom(AtomKind.PLAIN, ""), next_at + no_bracket)
        if name in symbols.KERNS:
            length = _LENGTH.match(self._text, after, end)
            return _Read(Atom(AtomKind.PLAIN, ""), length.end()) if length else None
        if name in symbols.IGNORED_WITH_ARGUMENT:
            close = self._closes.get(next_at + self._text.startswith("*", next_at, end), end)
            return _Read(Atom(AtomKind.SPACE, " "), close + 1) if close < end else None
        return None

    def _with_arguments(self, name: str, at: int, end: int, depth: int) -> _Read | None:
        """A known command with its arguments; as it was written, if they make no sense; None if it has none."""
        after = at + 1 + len(name)
        if name in symbols.TEXT_SYMBOLS or name in symbols.MATHS:
            return self._styled(name, after, end, depth)
        atom, next_at = Atom(AtomKind.PLAIN, ""), after
        if name in symbols.ACCENTS and (inner := self._argument(after, end, depth, self._maths)):
            letter, next_at = inner
            atom = Atom(AtomKind.PLAIN, accented(symbols.ACCENTS[name], letter))
        elif name in FORMS:
            atom, next_at = self._form(name, after, end, depth)
        if atom.text:
            return _Read(atom, next_at)
        return _Read(Atom(AtomKind.PLAIN, self._text[at:next_at]), next_at) if next_at > after else None

    def _form(self, name: str, after: int, end: int, depth: int) -> _Read:
        modes = {"maths": self._maths, "prose": self._prose, "raw": self._raw}
        option = _OPTION.match(self._text, after, end) if name == "sqrt" else None
        at = option.end() if option else after
        arguments: list[str] = []
        for mode in FORMS[name].arguments:
            inner = self._argument(at, end, depth, modes[mode])
            if inner is None:
                return _Read(Atom(AtomKind.PLAIN, ""), at)
            arguments.append(inner[0])
            at = inner[1]
        return _Read(FORMS[name].make(option[1] if option else "", *arguments), at)

    def _styled(self, name: str, after: int, end: int, depth: int) -> _Read | None:
        if name == "operatorname" and self._text.startswith("*", after, end):
            after += 1
        inner = self._argument(after, end, depth, self._prose if name in symbols.TEXT_SYMBOLS else self._maths)
        if inner is None:
            return None
        text = symbols.DOUBLE_STRUCK.get(inner[0], inner[0]) if name in symbols.BLACKBOARD else inner[0]
        if name == "textsc":
            text = small_capitals(text)
        if name == "operatorname" or (name in symbols.UPRIGHT and _LOWER_CASE_WORD.fullmatch(text)):
            return _Read(Atom(AtomKind.WORD, text), inner[1])
        return _Read(Atom(AtomKind.SPACE if text == " " else AtomKind.PLAIN, text), inner[1])

    def _argument(self, at: int, end: int, depth: int, mode: Callable[[int, int, int], str]) -> tuple[str, int] | None:
        """The argument at `at`, a group read in `mode` or a single thing, and where it ends; None if there is none."""
        at = self._skip(at, end)
        token = TOKEN.match(self._text, at, end)
        if token is None or token[0] in "}$^_~":
            return None
        if token[0] == "{":
            close = self._closes.get(at, end)
            return (mode(at + 1, close, depth + 1), close + 1) if close < end else None
        if token[0][0] != "\\":
            return token[0][0], at + 1
        if depth > DEEPEST:
            raise Unreadable
        if (name := token[0][1:]) in symbols.OPERATORS:  # A^\star = B: a mark, not between two things
            return symbols.OPERATORS[name], self._after_letter(token.end(), end)
        atom, after = self._command(name, at, end, depth + 1, in_maths=True)
        return atom.text, after

    def _raw(self, at: int, end: int, _: int) -> str:
        return _ESCAPED.sub(r"\1", self._text[at:end])

    def _as_written(self, at: int, after: int, end: int, *, in_maths: bool) -> _Read:
        r"""An unknown command with the groups that follow it directly.

        arXiv's conversion of accents has taken some Greek letters apart: `\k{appa}`.
        """
        text, first = self._text, after
        while after < end:
            option = None if in_maths else _OPTION.match(text, after, end)
            close = option.end() - 1 if option else self._closes.get(after, end)
            if close >= end:
                break
            after = close + 1
        greek = symbols.LETTERS.get(text[at + 1 : first] + text[first + 1 : after - 1]) if first == at + 2 else None
        if greek:
            return _Read(Atom(AtomKind.PLAIN, greek), after)
        next_at = self._skip(after, end) if in_maths else after
        return _Read(Atom(AtomKind.PLAIN, text[at:after] + (" " if next_at > after else "")), next_at)
