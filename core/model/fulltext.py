"""The full text of a paper by its sections, and what a model read of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_MOST_NAMES = 12  # of sections that are listed as left out


class TextSection(NamedTuple):
    """A part of a paper: `kind` is "body", "references", "thanks" or "appendix"; the first one has no heading."""

    heading: str
    text: str
    kind: str = "body"


@dataclass(frozen=True, slots=True)
class FullText:
    """The text of a paper, or the best substitute.

    `input` is what was read: "html", "pdf" or "abstract". `note` explains what is missing, "" if the text is complete.
    `state` is the state of the document that was read, or of the last one that failed. `again`: a later try may return
    more. `sections` are the sections of `text`, empty for an abstract.
    """

    text: str
    input: str
    note: str = ""
    state: str = ""
    again: bool = False
    sections: tuple[TextSection, ...] = ()

    @property
    def parts(self) -> tuple[TextSection, ...]:
        """The sections; the whole text as one where none are known."""
        return self.sections or ((TextSection("", self.text),) if self.text.strip() else ())


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read of a full text: `characters` of `whole`, `without` some sections, and `shortened` others.

    The names are headings as the paper has them. References and acknowledgements do not count.
    """

    characters: int
    whole: int
    without: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all of it was read."""
        return not (self.without or self.shortened)

    @property
    def percent(self) -> int:
        """The share that was read, rounded down, so that 100 means all."""
        return 100 if self.complete else min(self.characters * 100 // max(self.whole, 1), 99)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        plain: dict[str, Any] = {"characters": self.characters, "whole": self.whole}
        names = {"without": self.without, "shortened": self.shortened}
        return plain | {key: list(value[:_MOST_NAMES]) for key, value in names.items() if value}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Coverage":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        without, shortened = (tuple(map(str, plain.get(key, ()))) for key in ("without", "shortened"))
        return cls(int(plain["characters"]), int(plain["whole"]), without, shortened)


@dataclass(frozen=True, slots=True)
class Figures:
    """How many of a model's figures (numbers of two digits or more) occur in what it read, and which do not."""

    found: int
    total: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of an answer's grounds: the `coverage` of the full text, and the `figures` that were looked up.

    `other_language`: it was asked for twice, and is in another language than it should be.
    """

    coverage: Coverage | None = None
    figures: Figures | None = None
    other_language: bool = False

    def with_that_of(self, other: "Evidence") -> "Evidence":
        """Returns the evidence of both: the least coverage, and all figures."""
        coverages = [one.coverage for one in (self, other) if one.coverage]
        figures = [one.figures for one in (self, other) if one.figures]
        missing = tuple(dict.fromkeys(name for one in figures for name in one.missing))
        return Evidence(
            min(coverages, key=lambda one: one.percent, default=None),
            Figures(sum(one.found for one in figures), sum(one.total for one in figures), missing) if figures else None,
            self.other_language or other.other_language,
        )

    def __bool__(self) -> bool:
        return self != Evidence()

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values; what is not known is absent."""
        plain: dict[str, Any] = {"read": self.coverage.to_plain()} if self.coverage else {}
        if figures := self.figures:
            plain["figures"] = {"found": figures.found, "total": figures.total}
            plain["figures"] |= {"missing": list(figures.missing)} if figures.missing else {}
        return plain | ({"other_language": True} if self.other_language else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Evidence":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        read, figures = plain.get("read"), plain.get("figures")
        return cls(
            Coverage.from_plain(read) if read else None,
            Figures(int(figures["found"]), int(figures["total"]), tuple(map(str, figures.get("missing", ()))))
            if figures
            else None,
            bool(plain.get("other_language")),
        )


NO_EVIDENCE = Evidence()
