"""The sections of a paper: recognises their headings, and selects the ones that an analysis needs.

A heading is a separate line with a known name, or with a number and a capitalised title, in English. An unrecognised
heading stays part of the preceding section.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.model.excerpt import take_excerpt
from core.model.fulltext import TextSection

MOST_CHARACTERS = 300_000  # of a text that is kept
_LONGEST_HEADING = 90
_MOST_WORDS = 12
_MOST_FIRST, _MOST_STEP = 3, 3  # the number of the first section, and by how much numbers rise
# If less than this share of a text is left, the section recognised as references is something else
_LEAST_LEFT = 0.15

# How headings begin, folded; all others are "body"
_KINDS = {
    "references": ("references", "bibliography", "literature cited", "works cited"),
    "thanks": ("acknowledg", "author contribution", "competing interest", "conflict of interest",
               "conflicts of interest", "declaration of competing", "disclosure statement"),
    "appendix": ("appendix", "appendices", "supplement", "supporting information", "technical appendix",
                 "neurips paper checklist"),
}  # fmt: skip
_EXACT = {"funding": "thanks"}  # only as the whole heading
_KNOWN = frozenset({
    "abstract", "introduction", "related work", "related works", "background", "preliminaries", "problem statement",
    "method", "methods", "methodology", "approach", "materials and methods", "model", "data", "datasets", "experiments",
    "experimental setup", "experimental results", "evaluation", "results", "results and discussion", "discussion",
    "analysis", "limitations", "future work", "conclusion", "conclusions", "conclusion and future work",
    "conclusions and future work", "discussion and conclusion", "summary", "broader impact", "impact statement",
    "ethics statement", "ethical considerations", "reproducibility statement", "data availability", "code availability",
})  # fmt: skip
_NUMBERED = re.compile(
    r"(?:appendix\s+)?(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,5}(?=\.)|(?P<letter>[A-Z])(?:\.\d{1,2}){0,3})"
    r"[.:]?\s+(?P<title>\S.*)",
    re.IGNORECASE,
)
# Small capitals of other fonts come apart: "R EFERENCES", "I NTRODUCTION"
_APART = re.compile(r"\b([A-Z]) ([A-Z]{2,})")


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a document: a `state` (see `core.sources.fulltext.TEXT_STATES`), "" if it was read whole.

    `read` of its `pages` were read; both are 0 for a document without pages.
    """

    state: str = ""
    sections: tuple[TextSection, ...] = ()
    pages: int = 0
    read: int = 0


def kind_of(heading: str) -> str:
    """Returns the kind of the section under `heading`, which may be numbered."""
    numbered = _NUMBERED.fullmatch(heading)
    titles = {heading.lower(), numbered["title"].lower() if numbered else ""}
    for title in titles & _EXACT.keys():
        return _EXACT[title]
    return next((kind for kind, names in _KINDS.items() for title in titles if title.startswith(names)), "body")


def split(lines: Iterable[str]) -> list[tuple[str, str, list[str]]]:
    """Returns heading, kind and lines of each section of a text without markup, such as a PDF's."""
    sections: list[tuple[str, str, list[str]]] = [("", "body", [])]
    outline = _Outline()
    for line in lines:
        if (heading := _heading(line)) and (kind := outline.take(heading)):
            sections.append((heading, kind, []))
        else:
            sections[-1][2].append(line)
    return sections


def is_name(line: str) -> bool:
    """Returns whether `line` is a common section name, without a number."""
    return line.lower() in _KNOWN or (kind_of(line) != "body" and not any(map(str.isdigit, line)))


def keep(sections: Sequence[TextSection]) -> tuple[TextSection, ...]:
    """Returns the sections without references and thanks."""
    kept = tuple(s for s in sections if s.kind in ("body", "appendix") and (s.text or s.heading))
    if length(kept) < _LEAST_LEFT * length(sections) and not any(s.kind == "appendix" for s in sections):
        return tuple(sections)
    return kept


def cap(sections: Sequence[TextSection], characters: int) -> tuple[tuple[TextSection, ...], bool]:
    """Returns `sections` within so many characters, and whether something was left out."""
    found = take_excerpt(sections, characters)
    return found.sections, not found.coverage.complete


def length(sections: Iterable[TextSection]) -> int:
    """Returns the number of characters in the texts of `sections`."""
    return sum(len(section.text) for section in sections)


def printable(line: str, but: str = "") -> str:
    """Returns `line` without invisible characters, except those in `but`; each white space becomes one space.

    Removed are control characters, direction marks, private use and surrogates: some of them can deceive a reader.
    """
    if not line.isprintable():
        seen = (char for char in line.replace("\t", " ") if char in but or unicodedata.category(char)[0] != "C")
        line = "".join(seen)
    return " ".join(line.split())


class _Outline:
    """The order of sections: after the references follow only known names and appendices, which continue A, B, C.

    Numbers of sections rise by few, so that "9.82. The" at the beginning of a line is no heading.
    """

    def __init__(self) -> None:
        self._kind = "body"
        self._number: tuple[int, ...] = ()  # of the last numbered section
        self._next_letter = "A"
        self._ended = False  # whether a conclusion or a later section was seen

    def take(self, heading: str) -> str:
        """Returns the kind of the section that `heading` begins, "" if no section can begin here."""
        numbered = _NUMBERED.fullmatch(heading)
        title = (numbered["title"] if numbered else heading).lower().rstrip(".:")
        kind, known = kind_of(heading), title in _KNOWN
        number = _digits(numbered["number"]) if numbered else ()
        if number and not known and kind == "body" and not self._follows(number):
            return ""
        letter = (numbered["letter"] or "").upper() if numbered and not heading.lower().startswith("app") else ""
        if letter and not known and kind == "body":
            if not self._ended or letter not in (self._next_letter, chr(ord(self._next_letter) - 1)):
                return ""
            self._next_letter = chr(ord(letter) + 1)
            kind = "appendix"
        elif self._kind == "references" and kind == "body" and not known:
            return ""
        elif self._kind == "appendix" and kind == "body":
            kind = "appendix"
        self._ended = self._ended or kind != "body" or title.startswith(("conclusion", "discussion", "limitation"))
        self._kind = kind
        self._number = number or self._number
        return kind

    def _follows(self, number: tuple[int, ...]) -> bool:
        """Returns whether a section of this number can come now."""
        if not self._number:
            return number[0] <= _MOST_FIRST
        if self._kind in ("appendix", "references") and len(number) == 1:
            return True
        place = next((at for at, pair in enumerate(zip(number, self._number, strict=False)) if pair[0] != pair[1]), -1)
        if place < 0:  # a subsection of the last one, or the same
            return len(number) > len(self._number) and number[len(self._number)] <= _MOST_STEP
        fresh = all(one <= 1 for one in number[place + 1 :])
        return 0 < number[place] - self._number[place] <= _MOST_STEP and fresh


def _heading(line: str) -> str:
    """Returns `line` as a heading, "" if it does not look like one."""
    line = line.strip()
    if not line or len(line) > _LONGEST_HEADING or line[-1] in ",;-" or not line[0].isalnum() or line[0].islower():
        return ""
    if line.isupper():
        line = _APART.sub(r"\1\2", line)
    numbered = _NUMBERED.fullmatch(line)
    title = (numbered["title"] if numbered else line).rstrip(".:")
    if title.lower() in _KNOWN or (kind_of(line) != "body" and _is_short(title) and "." not in title):
        return line.rstrip(".:")
    return line if numbered and _is_title(title, line) else ""


def _digits(number: str) -> tuple[int, ...]:
    """Returns the numbers of "3.2.1", none for Roman ones and letters."""
    parts = number.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _is_short(title: str) -> bool:
    return len(title.split()) <= _MOST_WORDS // 2


def _is_title(title: str, line: str) -> bool:
    letters = sum(char.isalpha() or char == " " for char in title)
    return (
        title[0].isupper()
        and line[-1] not in ".:"
        and "," not in title
        and len(title) >= 4
        and len(title.split()) <= _MOST_WORDS
        and letters >= 0.85 * len(title)
    )
