"""What was learned for a feed: a weight for each term, and the points that these give a paper, with reasons.

The points of a paper are a sum over its terms, of two parts: by the terms themselves, and by the vectors of the word
table folded to term weights. The weights include all scales, so that the sum is in points of the feed.
"""

import math
from array import array
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.model.feed import OTHER_WORDS, Reason
from core.model.paper import Paper
from core.ranking.words import WordTable, word_table
from core.text.terms import places_of_terms, terms_of

IN_TITLE = 1.5  # how much more a term of the title counts
SHOWN_TERMS = 3
LEAST_PAPERS = 2  # liked papers that have a term that is named as a reason
_CANDIDATES = 30
_STEPS = 32_000  # weights are stored as small integers


class Vectors(NamedTuple):
    """A paper as two vectors of length 1: by terms, and by the numbers of the word table's rows."""

    terms: Mapping[str, float]
    rows: Mapping[int, float]


def vectors_of(title: str, abstract: str, table: WordTable, extra: Mapping[str, float]) -> Vectors:
    """Returns the vectors of a paper. `extra` are terms with their idf that the table lacks."""
    in_title = terms_of(title)
    counts = Counter(in_title)
    counts.update(terms_of(abstract))
    known, numbers, rows = table.idf, table.numbers, table.rows
    terms = {term: known[term] for term in counts if term in known}
    found = {
        number: (1 + math.log(counts[term])) * idf if counts[term] > 1 else idf
        for term, idf in terms.items()
        if (number := numbers[term]) < rows
    }
    if extra:
        terms |= {term: extra[term] for term in counts if term in extra}
    for term in frozenset(in_title):
        if term in terms:
            terms[term] *= IN_TITLE
    return Vectors(_unit(terms), _unit(found))


def _unit(vector: dict[Any, float]) -> dict[Any, float]:
    length = math.sqrt(sum([value * value for value in vector.values()])) or 1.0
    return {key: value / length for key, value in vector.items()}


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights of a feed. `linear` by term, `folded` by row of the word table, `mean` of all papers' sums.

    `liked` and `disliked` say in how many papers of the votes a term is; with `expanded` set, the liked papers are
    those that the keywords found best. `signs` are the votes by paper, and `extra` the idf of terms that the
    table lacks.
    """

    linear: Mapping[str, float]
    folded: tuple[float, ...]
    mean: float
    liked: Mapping[str, int]
    disliked: Mapping[str, int]
    signs: Mapping[str, int]
    extra: Mapping[str, float] = field(default_factory=dict)
    expanded: bool = False

    def reasons(self, paper: Paper) -> tuple[Reason, ...]:
        """Returns the learned points of a paper as reasons: terms with a place in the text, and all other words."""
        table = word_table()
        vectors = vectors_of(paper.title, paper.abstract, table, self.extra)
        linear, folded, terms = self.linear, self.folded, table.terms
        shares = {term: value * linear[term] if term in linear else 0.0 for term, value in vectors.terms.items()}
        for number, value in vectors.rows.items():
            shares[terms[number]] += value * folded[number]
        total = sum(shares.values()) - self.mean
        kind = "keywords" if self.expanded else "liked" if total > 0 else "disliked"
        counts = self.disliked if kind == "disliked" else self.liked
        chosen = _chosen(shares, counts, 1 if total > 0 else -1)
        reasons = [
            Reason(term, round(shares[term], 2), *place, learned=kind, papers=counts[term])
            for term, place in _placed(paper, chosen)
        ]
        rest = round(total - sum([reason.points for reason in reasons]), 2)
        if rest:
            reasons.append(Reason(OTHER_WORDS, rest, "", 0, 0, "", learned="rest"))
        return tuple(reasons)

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        terms = word_table().terms
        known = frozenset(terms)
        return {
            "linear": _packed([self.linear.get(term, 0.0) for term in terms]),
            "unknown": {term: weight for term, weight in self.linear.items() if term not in known},
            "folded": _packed(self.folded),
            "mean": self.mean,
            "liked": dict(self.liked),
            "disliked": dict(self.disliked),
            "signs": dict(self.signs),
            "extra": dict(self.extra),
            "expanded": self.expanded,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Learned":
        """The inverse of `to_plain`, with the same word table; weights are rounded to small integers."""
        linear = {
            term: weight for term, weight in zip(word_table().terms, _unpacked(plain["linear"]), strict=True) if weight
        }
        return cls(
            linear | plain["unknown"],
            tuple(_unpacked(plain["folded"])),
            float(plain["mean"]),
            plain["liked"],
            plain["disliked"],
            plain["signs"],
            plain["extra"],
            bool(plain["expanded"]),
        )


def _chosen(shares: Mapping[str, float], counts: Mapping[str, int], sign: int) -> list[str]:
    """Returns the terms with the largest shares of this sign that several papers have, no two with a common word: up to
    three for what is liked, one for what is not.
    """
    found = [term for term in shares if counts.get(term, 0) >= LEAST_PAPERS and shares[term] * sign > 0]
    found.sort(key=lambda term: -shares[term] * sign)
    chosen: list[str] = []
    for term in found[:_CANDIDATES]:
        words = set(term.split())
        if all(words.isdisjoint(other.split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == (SHOWN_TERMS if sign > 0 else 1):
            break
    return chosen


def _placed(paper: Paper, chosen: Sequence[str]) -> list[tuple[str, tuple[str, int, int, str]]]:
    """Returns each of the `chosen` terms with its first place, the title before the abstract."""
    places: dict[str, tuple[str, int, int, str]] = {}
    for name, text in (("title", paper.title), ("abstract", paper.abstract)):
        lacking = [term for term in chosen if term not in places]
        for term, start, end in places_of_terms(text, lacking) if lacking else ():
            places.setdefault(term, (name, start, end, text[start:end]))
            if len(places) == len(chosen):
                break
    return [(term, places[term]) for term in chosen if term in places]


def _packed(values: Sequence[float]) -> list[Any]:
    unit = max(map(abs, values), default=0.0) / _STEPS or 1.0
    return [unit, b64encode(array("h", [round(value / unit) for value in values]).tobytes()).decode()]


def _unpacked(packed: list[Any]) -> list[float]:
    unit, text = packed
    values = array("h")
    values.frombytes(b64decode(text))
    return [value * unit for value in values]
