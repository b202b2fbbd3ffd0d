"""What people would write for TeX, in a table made by hand; and that nothing but markup is ever lost."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.text.tex import to_readable
from tests.conftest import SHARED
from tests.support.tables import each_row


class Row(NamedTuple):
    tex: str
    expected: str
    is_miss: bool


def _rows() -> list[Row]:
    lines = (Path(__file__).parents[1] / "data" / "tex_titles.tsv").read_text("utf-8").splitlines()
    cells = [line.split("\t") for line in lines if not line.startswith("# ")]
    return [Row(tex, expected, more == ["miss"]) for tex, expected, *more in cells]


ROWS = _rows()


@each_row("row", ROWS)
def test_reads_as_a_person_would_write_it(row: Row) -> None:
    """Every row of the table is read as expected, except for exactly those that are marked as missed."""
    assert row.is_miss != (row.expected == to_readable(row.tex))
    # A second reading changes nothing, unless something was escaped
    assert re.search(r"[$\\{]", row.expected) or row.is_miss or row.expected == to_readable(row.expected)


def test_nearly_all_of_the_table_is_right() -> None:
    """At least 95 in a hundred rows are read rightly."""
    assert len([row for row in ROWS if row.is_miss]) <= 0.05 * len(ROWS)


# The checker below shares nothing with the implementation: it takes markup off with a few patterns, keeps what remains,
# and looks for that in the reading.
_REWRITTEN = [
    (r"\\\\(?=[A-Za-z]{2})", r"\\"),  # doubled by mistake
    (r"\\href\{((?:\w+://)?([^{}]*))\}\{(?:\1|\2)\}", r"\1"),
    (r"\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\2 \1"),
    (r"\\(?:textcolor|unicode|vspace\*?)\s*\{[^{}]*\}|\\sqrt\[[234]\]", ""),
    (r"\\(?:b\{eta|k\{appa)\}", ""),  # torn apart where accents were converted
    (r"\\(?:(AA|aa|[ij])(?![A-Za-z])|to(p)(?![A-Za-z]))", lambda m: "T" if m[2] else m[1][0]),
    (r"\\arg(max|min)(?![A-Za-z])", r"arg\1"),
    (r"\\(arcsin|arg|cos|det|dim|exp|inf|ker|lim|ln|log|max|min|sin|sup|tan|LaTeX|TeX)(?![A-Za-z])", r"\1"),
]
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|[^A-Za-z%&#$_{}])")
_TOOLS = re.compile(r"(?<!\\)[{}$^_~]|\\")
_SIGNS = re.compile(r"[ℓℏ℘ℑℜℵ∂∇∞™]")  # they would fold to letters
_KEPT_MARKS = "(),.;:?!%&=+<>|/[]*@#"
_BEHIND_COMMAND = re.compile(r"\S*\\[A-Za-z]+\s+\S+")
_PLAIN_WORD = re.compile(r"[(“‘\"']?[A-Za-z]{3,}[,.;:?!)]?")


def _without_markup(tex: str) -> str:
    for pattern, replacement in _REWRITTEN:
        tex = re.sub(pattern, replacement, tex)
    return _TOOLS.sub("", _COMMAND.sub("", tex))


def _folded(text: str) -> str:
    """Raised, lowered, accented and double-struck characters as plain ones; signs that stand for commands are gone."""
    return unicodedata.normalize("NFKD", _SIGNS.sub("", text)).replace("ı", "i").replace("ȷ", "j")


def _ascii(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum())


def _is_within(parts: Iterable[str], whole: Iterable[str]) -> bool:
    """Whether `whole` has all `parts` in their order."""
    waiting = iter(whole)
    return all(part in waiting for part in parts)


def damage(tex: str, readable: str) -> list[str]:
    """What `readable` has lost or gained that is not markup of `tex`; nothing, if it is a reading of it.

    Letters and digits must be the same in the same order, other letters and the marks between them not fewer, and words
    without any TeX must stand where they stood.
    """
    unread = set(_COMMAND.findall(tex))  # their names may be left; H\\G has a backslash of its own
    shown = _COMMAND.sub(lambda found: "" if found[0] in unread else found[0], readable)
    source, seen = _folded(_without_markup(tex)), _folded(shown)
    found = []
    if _ascii(source) != _ascii(seen):
        found.append(f"letters and digits: {_ascii(source)} → {_ascii(seen)}")
    others = Counter(char for char in source if char.isalnum() and not char.isascii())
    if lost := others - Counter(seen):
        found.append(f"other letters: {''.join(lost)}")
    if lost := Counter(char for char in source if char in _KEPT_MARKS) - Counter(seen):
        found.append(f"marks: {''.join(lost)}")
    if not _is_within(filter(_PLAIN_WORD.fullmatch, _BEHIND_COMMAND.sub("", tex).split()), readable.split()):
        found.append("words")
    return found


# Each with a reading that nothing is wrong with, and one that lost or gained something
DAMAGED = [
    (r"The $L^2$ norm of $\alpha$", "The L² norm of α", "The L norm of α"),
    (r"The $L^2$ norm of $\alpha$", "The L² norm of α", "The L² norms of α"),
    (r"\emph{so} it is", "so it is", "it so is"),
    (r"Caf\'{e} ω", "Café ω", "Café"),
    (r"$(a, b)$ and \{c\}", "(a, b) and {c}", "(a b) and {c}"),
    (r"about 50\% of $5.50", "about 50% of $5.50", "about 50 of $5.50"),
    (r"$\max x$ of them", "max x of them", "x of them"),
    (r"some {B}ig words", "some Big words", "some Bigwords"),
]


@each_row(("tex", "right", "wrong"), DAMAGED)
def test_the_checker_sees_damage(tex: str, right: str, wrong: str) -> None:
    """What is lost, gained or moved is found, and nothing else."""
    assert [] == damage(tex, right)
    assert damage(tex, wrong)


# Readings with words of their own ("n choose k"), or where TeX has letters that are not read so ("{ii}" is II)
_WORDED = re.compile(r"\\binom|\\bmod|\\pmod|\\sc\b|\\textsc\{ii|\\verb")


@each_row("row", [row for row in ROWS if not _WORDED.search(row.tex)])
def test_nothing_is_damaged(row: Row) -> None:
    """No reading of the table loses what is not markup, not even one that is missed."""
    assert [] == damage(row.tex, to_readable(row.tex))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _hard_strings() -> set[str]:
    """Titles, abstracts and lines of authors of the records that break things."""
    names = ("title", "abstract", "dc_creator", "title_rss", "title_api")
    folder = SHARED / "data" / "hard"
    rows = [row for path in sorted(folder.glob("*.jsonl")) for row in _lines(path)]
    return {" ".join(row[name].split()) for row in rows for name in names if name in row}


def _day_strings() -> set[str]:
    rows = [row for path in sorted((SHARED / "data" / "days").glob("papers_*.jsonl")) for row in _lines(path)]
    return {" ".join(row[name].split()) for row in rows for name in ("title", "abstract")}


@pytest.mark.shared
def test_nothing_of_real_strings_is_damaged() -> None:
    """Of hundreds of hard strings, and of thousands from real days, nothing is lost but markup."""
    hard = _hard_strings()
    assert sum(bool(re.search(r"[$\\{}~`]|--", text)) for text in hard) >= 290
    for text in hard | _day_strings():
        if not _WORDED.search(text):
            assert [] == damage(text, to_readable(text)), text


@pytest.mark.shared
def test_hard_strings_are_read_once() -> None:
    """A second reading changes nothing, unless something was escaped."""
    for text in _hard_strings():
        readable = to_readable(text)
        assert readable == to_readable(readable) or re.search(r"\\[{}$_]", text), text
