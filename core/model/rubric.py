"""Rubrics: the criteria by which a feed judges a paper; and scorecards: points with grounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.model.fulltext import NO_EVIDENCE, Evidence
from core.util.signing import fingerprint

BANDS = ("must-read", "review", "skip")
INPUTS = ("abstract", "html", "pdf")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a paper gets 0 to `max` points for; `about` explains to the model what they are given for."""

    name: str
    max: int
    about: str = ""


@dataclass(frozen=True)
class Rubric:
    """The criteria of a feed, and from how many points on a paper is read whole (`deep_at`, predicted points), a
    must-read, or to be reviewed; below that it is skipped.
    """

    criteria: tuple[Criterion, ...]
    deep_at: float = 4
    must_read_at: float = 5
    review_at: float = 3

    @property
    def max(self) -> int:
        """The maximal points of a paper."""
        return sum(criterion.max for criterion in self.criteria)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of all inputs of judgements; thresholds only sort the results."""
        return fingerprint("rubric", [(c.name, c.max, c.about) for c in self.criteria])

    def band(self, points: float) -> str:
        """Returns the band of a paper with these points."""
        if points >= self.must_read_at:
            return "must-read"
        return "review" if points >= self.review_at else "skip"

    def band_of(self, card: "Scorecard", *, given_up: bool = False) -> str | None:
        """The band of a paper with this scorecard; None as long as its analysis is awaited, unless that is `given_up`.

        What the screening finds not worth reading is skipped.
        """
        if card.stage == "analysed" or given_up or self.deep_at > self.max:
            return self.band(card.points)
        return None if card.predicted >= self.deep_at else "skip"


def rubric_of(interest: str) -> Rubric:
    """Returns the rubric of a feed that states only its `interest`: by the abstract alone, no paper is read whole."""
    about = f"5: exactly this. 4: a part of it. 3: of use for it. 1 or 2: related. 0: something else. It is: {interest}"
    return Rubric((Criterion("Interest", 5, about),), deep_at=6, must_read_at=4.5, review_at=3)


@dataclass(frozen=True, slots=True)
class Mark:
    """Points for one criterion, and the grounds for them."""

    criterion: str
    points: int
    max: int
    grounds: str = ""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How a feed's rubric judges a paper.

    `predicted` points and their `reason` come from the screening of the abstract. `marks` come from the analysis of the
    full text ("html", "pdf", or of the "abstract" where that could not be had: `input`); none before that. `model` made
    the last of the two. `institutions`, `venue` and `code` are what the text names; "" where it names nothing.
    """

    stage: str
    predicted: float
    reason: str = ""
    marks: tuple[Mark, ...] = ()
    input: str = "abstract"
    model: str = ""
    institutions: tuple[str, ...] = ()
    venue: str = ""
    code: str = ""
    note: str = ""  # why it is not as good as it could be: "the PDF is encrypted; the abstract was read instead"
    evidence: Evidence = NO_EVIDENCE
    most: int = 0  # the points that the rubric gives at most; 0 in older ones that were not analysed

    @property
    def maximum(self) -> int:
        """The most points that were possible, 0 if that is not known."""
        return self.most or sum(mark.max for mark in self.marks)

    @property
    def points(self) -> float:
        """The sum of the marks; the predicted points where there are none."""
        return sum(mark.points for mark in self.marks) if self.marks else self.predicted

    def to_plain(self) -> dict[str, Any]:
        """The scorecard as JSON values; what there is not is absent."""
        plain: dict[str, Any] = {"stage": self.stage, "predicted": self.predicted, "points": self.points}
        if self.marks:
            plain["marks"] = [
                {"criterion": m.criterion, "points": m.points, "max": m.max, "grounds": m.grounds} for m in self.marks
            ]
        texts = {name: getattr(self, name) for name in ("reason", "input", "model", "venue", "code", "note")}
        plain |= {name: text for name, text in texts.items() if text}
        plain |= {"most": self.maximum} if self.maximum else {}
        plain |= {"institutions": list(self.institutions)} if self.institutions else {}
        return plain | ({"evidence": self.evidence.to_plain()} if self.evidence else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Scorecard":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        marks = tuple(
            Mark(str(m["criterion"]), int(m["points"]), int(m["max"]), str(m["grounds"]))
            for m in plain.get("marks", ())
        )
        texts = {n: str(plain.get(n, "")) for n in ("reason", "input", "model", "venue", "code", "note")}
        return cls(
            stage=str(plain["stage"]),
            predicted=float(plain["predicted"]),
            marks=marks,
            institutions=tuple(map(str, plain.get("institutions", ()))),
            evidence=Evidence.from_plain(plain.get("evidence", {})),
            most=int(plain.get("most", 0)),
            **texts,
        )
