"""What was learned for a feed: a weight for each term, and the points that these give a paper, with reasons.

The points of a paper are a sum over its terms, of two parts: by the terms themselves, and by the vectors of the word
table folded to term weights. The weights include all scales, so that the sum is in points of the feed.
"""

import math
from array import array
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from operator import itemgetter, mul
from typing import Any, NamedTuple

from core.model.feed import OTHER_WORDS, Reason
from core.model.paper import Paper
from core.ranking.words import WordTable, word_table
from core.text.terms import first_place, terms_of

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
    found = {number: _damped(counts[term]) * idf for term, idf in terms.items() if (number := numbers[term]) < rows}
    if extra:
        terms |= {term: extra[term] for term in counts if term in extra}
    for term in frozenset(in_title):
        if term in terms:
            terms[term] *= IN_TITLE
    return Vectors(_unit(terms), _unit(found))


def _damped(count: int) -> float:
    return 1 + math.log(count) if count > 1 else 1.0


def _unit(vector: dict[Any, float]) -> dict[Any, float]:
    length = math.sqrt(sum([value * value for value in vector.values()])) or 1.0
    return {key: value / length for key, value in vector.items()}


class _Sums(NamedTuple):
    """What a term adds, by its number in the word table: to the squares of the lengths of a paper's two vectors, and
    to their products with the weights, if it is once in the abstract.
    """

    square: list[float]
    product: list[float]
    row_square: list[float]
    row_product: list[float]


@dataclass(frozen=True)
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
        title = terms_of(paper.title)
        in_title, counts = frozenset(title), Counter([*title, *terms_of(paper.abstract)])
        total, unit, row_unit = self._total(in_title, counts)
        sign = 1 if total > 0 else -1
        kind = "keywords" if self.expanded else "liked" if sign > 0 else "disliked"
        papers = self.disliked if kind == "disliked" else self.liked
        products = self._candidates[kind == "disliked", sign]
        shares = {}
        for term in counts.keys() & products.keys():
            product, of_row = products[term]
            factor = IN_TITLE if term in in_title else 1.0
            shares[term] = unit * factor * product + row_unit * _damped(counts[term]) * of_row
        chosen = _chosen(shares, sign)
        reasons = [
            Reason(term, round(shares[term], 2), *place, learned=kind, papers=papers[term])
            for term, place in _placed(paper, chosen)
        ]
        rest = round(total - sum([reason.points for reason in reasons]), 2)
        if rest:
            reasons.append(Reason(OTHER_WORDS, rest, "", 0, 0, "", learned="rest"))
        return tuple(reasons)

    def _total(self, in_title: frozenset[str], counts: Mapping[str, int]) -> tuple[float, float, float]:
        """Returns the learned points of a paper, and what brings its two vectors to length 1.

        The same as the products with `vectors_of`, without making these: most of the time of scoring was theirs.
        """
        numbers, sums = word_table().numbers, self._sums
        known = counts.keys() & numbers.keys()
        chosen = itemgetter(*map(numbers.__getitem__, known), -1, -1)  # the last ones are 0
        square, product, row_square, row_product = [sum(chosen(part)) for part in sums]
        for term in known & in_title:
            square += (IN_TITLE**2 - 1) * sums.square[numbers[term]]
            product += (IN_TITLE - 1) * sums.product[numbers[term]]
        for term in known:
            if (count := counts[term]) > 1:
                number, factor = numbers[term], _damped(count)
                row_square += (factor * factor - 1) * sums.row_square[number]
                row_product += (factor - 1) * sums.row_product[number]
        for term in counts.keys() & self.extra.keys():
            value = self.extra[term] * (IN_TITLE if term in in_title else 1.0)
            square += value * value
            product += value * self.linear.get(term, 0.0)
        unit, row_unit = (1 / math.sqrt(one) if one > 0 else 1.0 for one in (square, row_square))
        return unit * product + row_unit * row_product - self.mean, unit, row_unit

    @cached_property
    def _candidates(self) -> Mapping[tuple[bool, int], Mapping[str, tuple[float, float]]]:
        """The terms that may be named as reasons, by whether they are of disliked papers, and the sign of their points;
        with what they add to the products of both vectors with the weights, if they are once in the abstract.
        """
        numbers, sums = word_table().numbers, self._sums
        out: dict[tuple[bool, int], dict[str, tuple[float, float]]] = {}
        for of_disliked, papers in ((False, self.liked), (True, self.disliked)):
            parts: dict[str, tuple[float, float]] = {}
            for term, count in papers.items():
                if count < LEAST_PAPERS:
                    continue
                if (number := numbers.get(term)) is not None:
                    parts[term] = sums.product[number], sums.row_product[number]
                else:
                    parts[term] = self.extra.get(term, 0.0) * self.linear.get(term, 0.0), 0.0
            for sign in (1, -1):
                out[of_disliked, sign] = {
                    term: both for term, both in parts.items() if max(sign * one for one in both) > 0
                }
        return out

    @cached_property
    def _sums(self) -> _Sums:
        table = word_table()
        idf = list(table.idf.values())
        square = [value * value for value in idf]
        lacking = [0.0] * (len(idf) - table.rows)
        linear = self.linear
        product = [value * linear[term] if term in linear else 0.0 for term, value in table.idf.items()]
        of_rows = [*map(mul, idf[: table.rows], self.folded), *lacking]
        return _Sums(*([*part, 0.0] for part in (square, product, square[: table.rows] + lacking, of_rows)))

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


def _chosen(shares: Mapping[str, float], sign: int) -> list[str]:
    """Returns the terms with the largest shares of this sign, no two with a common word: up to three for what is liked,
    one for what is not.
    """
    chosen: list[str] = []
    found = [term for term, share in shares.items() if share * sign > 0]
    for term in nlargest(_CANDIDATES, found, key=lambda term: shares[term] * sign):
        words = set(term.split())
        if all(words.isdisjoint(other.split()) for other in chosen):
            chosen.append(term)
        if len(chosen) == (SHOWN_TERMS if sign > 0 else 1):
            break
    return chosen


def _placed(paper: Paper, chosen: Sequence[str]) -> Iterator[tuple[str, tuple[str, int, int, str]]]:
    """Yields each of the `chosen` terms with its first place, the title before the abstract."""
    for term in chosen:
        for name, text in (("title", paper.title), ("abstract", paper.abstract)):
            if place := first_place(text, term):
                yield term, (name, place.start, place.end, text[place.start : place.end])
                break


def _packed(values: Sequence[float]) -> list[Any]:
    unit = max(map(abs, values), default=0.0) / _STEPS or 1.0
    return [unit, b64encode(array("h", [round(value / unit) for value in values]).tobytes()).decode()]


def _unpacked(packed: list[Any]) -> list[float]:
    unit, text = packed
    values = array("h")
    values.frombytes(b64decode(text))
    return [value * unit for value in values]
