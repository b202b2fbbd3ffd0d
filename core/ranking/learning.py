"""Learning: from a feed's votes and library, with papers of the archive, to a weight for each term.

Two logistic regressions, on terms and on vectors of the word table, tell what is liked from what is disliked and from
papers of the archive. Their sum is brought to the spread of the feed's keyword points. `docs/learning.md` explains it
and has the figures.
"""

import math
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import mul
from typing import NamedTuple

from core.model.feed import Feed
from core.model.paper import Paper
from core.model.votes import Votes, weights_of
from core.ranking.learned import LEAST_PAPERS, Learned, Vectors, vectors_of
from core.ranking.logistic import Example, fit
from core.ranking.words import DIMENSIONS, LANE_OFFSET, WordTable, table_fingerprint, word_table
from core.util.signing import fingerprint

LEARNING_VERSION = 1  # to be raised when the same votes come to give other weights
NEGATIVES = 400  # papers of the archive, drawn at random
LEAST_ARCHIVE = 400  # stored papers, before keywords are expanded from them
LEAST_FOUND = 5  # of them found by the keywords
WEAK = 15  # the archive's best papers by keywords are weak likes, while there are few likes
_WEAK_WEIGHT, _WEAK_UNTIL = 0.2, 10  # each of them, and the number of likes from which they do not count
_COST, _COST_OF_VECTORS = 10.0, 3.0
_MOST_INFLUENCE, _FULL_AT = 3.0, 20  # in spreads of keyword points, from so many votes on
_LEAST_INFLUENCE = 1.0  # of keywords that expand themselves
_LIBRARY_WEIGHT, _LIBRARY_FADES = 0.8, 40  # of a paper of the library; halved by so many votes
_SEED = 7
_WHOLE = 1 << 16  # how finely values are rounded before they are added


class Known(NamedTuple):
    """A paper of the archive, with its keyword points in the feed."""

    paper: Paper
    points: float


class _Voted(NamedTuple):
    """A text to learn from: its vectors, +1 or -1, and its weight."""

    vectors: Vectors
    sign: int
    weight: float


def inputs_of(feed: Feed, votes: str) -> str:
    """Returns the fingerprint of all that is learned from for a feed, with votes of that fingerprint, beside the
    archive; "" if there is nothing.
    """
    if not (votes or feed.expands):
        return ""
    return fingerprint("learned", LEARNING_VERSION, table_fingerprint(), feed.rules_fingerprint, feed.expands, votes)


def learn(feed: Feed, votes: Votes, archive: Sequence[Known]) -> Learned | None:
    """Returns what the votes teach, None if there is nothing to learn from, or nothing to compare it with.

    Without votes and library, a feed that `expands` learns from the papers that its keywords find best.
    """
    found = sorted((known for known in archive if known.points > 0), key=lambda known: -known.points)
    has_votes = bool(votes.votes or votes.library)
    expands = feed.expands and len(archive) >= LEAST_ARCHIVE and len(found) >= LEAST_FOUND
    if not archive or not (has_votes or expands):
        return None
    table = word_table()
    extra = _unknown_terms(votes, table)
    sample = random.Random(_SEED).sample(archive, min(NEGATIVES, len(archive)))  # noqa: S311 - nothing secret
    background = [(known, vectors_of(known.paper.title, known.paper.abstract, table, extra)) for known in sample]
    voted = [one._replace(vectors=_without(one.vectors, votes.removed, table)) for one in _voted(votes, table, extra)]
    examples = voted + (_weak(votes, found, table, extra) if feed.keywords else [])
    apart = {*votes.signs, *(known.paper.id for known in found[:WEAK])}
    negatives = [vectors for known, vectors in background if known.paper.id not in apart]
    likes = sum(one.weight for one in examples if one.sign > 0)
    each = max(1.0, likes) / max(1, len(negatives))
    examples += [_Voted(vectors, -1, each) for vectors in negatives]
    linear, folded = _fit_terms(examples), _fit_rows(examples, table)
    for word in votes.removed:
        linear.pop(word, None)
        if (number := table.numbers.get(word, table.rows)) < table.rows:
            folded[number] = 0.0
    influence = _influence(votes, expands=expands) * _spread([known.points for known in archive], usual=1.0)
    counted = voted or examples
    return _scaled(
        linear,
        folded,
        [vectors for _, vectors in background],
        influence,
        liked=_in_how_many(one.vectors for one in counted if one.sign > 0),
        disliked=_in_how_many(one.vectors for one in voted if one.sign < 0),
        signs=votes.signs,
        extra=extra,
        expanded=not has_votes,
    )


def _influence(votes: Votes, *, expands: bool) -> float:
    """Returns the weight of what was learned: nothing without votes, unless keywords expand themselves; full from
    `_FULL_AT` votes on.
    """
    count = len(votes.votes) + len(votes.library)
    least = _LEAST_INFLUENCE if expands else 0.0
    return least + (_MOST_INFLUENCE - least) * min(1.0, count / _FULL_AT)


def _voted(votes: Votes, table: WordTable, extra: Mapping[str, float]) -> list[_Voted]:
    out = [
        _Voted(vectors_of(vote.title, vote.abstract, table, extra), vote.sign, weight)
        for group in (votes.likes, votes.dislikes)
        for vote, weight in zip(group, weights_of(group), strict=True)
    ]
    signs = votes.signs
    weight = _LIBRARY_WEIGHT / (1 + len(votes.votes) / _LIBRARY_FADES)
    library = [one for one in votes.library if one.paper not in signs]
    return out + [_Voted(vectors_of(one.title, one.abstract, table, extra), 1, weight) for one in library]


def _weak(votes: Votes, found: Sequence[Known], table: WordTable, extra: Mapping[str, float]) -> list[_Voted]:
    likes = len(votes.likes) + len(votes.library)
    weight = _WEAK_WEIGHT * max(0.0, 1 - likes / _WEAK_UNTIL)
    best = [known.paper for known in found if known.paper.id not in votes.signs][:WEAK] if weight else []
    return [_Voted(vectors_of(paper.title, paper.abstract, table, extra), 1, weight) for paper in best]


def _unknown_terms(votes: Votes, table: WordTable) -> dict[str, float]:
    """Returns the terms of several liked papers that the table lacks, with an idf as if they were rare."""
    from core.text.terms import terms_of

    texts = [(vote.title, vote.abstract) for vote in votes.likes] + [(one.title, one.abstract) for one in votes.library]
    counts = Counter(term for title, abstract in texts for term in {*terms_of(title), *terms_of(abstract)})
    several = [term for term, count in counts.items() if count >= LEAST_PAPERS]
    return {term: table.unknown for term in several if term not in table.idf and term not in table.common}


def _without(vectors: Vectors, removed: Iterable[str], table: WordTable) -> Vectors:
    gone = frozenset(removed)
    if not gone:
        return vectors
    rows = {number: value for number, value in vectors.rows.items() if table.terms[number] not in gone}
    return Vectors({term: value for term, value in vectors.terms.items() if term not in gone}, rows)


def _fit_terms(examples: Sequence[_Voted]) -> dict[str, float]:
    numbers: dict[str, int] = {}
    rows = []
    for vectors, sign, weight in examples:
        at = [numbers.setdefault(term, len(numbers) + 1) for term in vectors.terms]
        rows.append(Example([0, *at], [1.0, *vectors.terms.values()], sign, _COST * weight))
    rows = [row if len(row.at) > 1 else row._replace(at=[0, 0], values=[1.0, 0.0]) for row in rows]
    weights = fit(rows, len(numbers) + 1)
    return {term: weights[number] for term, number in numbers.items()}


def _fit_rows(examples: Sequence[_Voted], table: WordTable) -> list[float]:
    """Returns the weights of the word table's rows: learned for each dimension, and folded."""
    at = range(DIMENSIONS + 1)
    lanes = cache(table.lanes)
    rows = [
        Example(at, [1.0, *_embedded(vectors, table, lanes)], sign, _COST_OF_VECTORS * weight)
        for vectors, sign, weight in examples
    ]
    of_dimensions = [weight * scale for weight, scale in zip(fit(rows, DIMENSIONS + 1)[1:], table.scales, strict=True)]
    return [sum(map(mul, of_dimensions, table.vector(number))) for number in range(table.rows)]


def _embedded(vectors: Vectors, table: WordTable, lanes: Callable[[int], int]) -> list[float]:
    """Returns the vector of a paper in the dimensions of the word table, of length 1.

    The values are rounded to whole numbers, so that sums of rows are sums of large integers (`WordTable.lanes`): a
    paper's values are less than 1 and a few hundred, and so no lane reaches 32 bits.
    """
    values = [round(value * _WHOLE) for value in vectors.rows.values()]
    added = sum(map(mul, values, map(lanes, vectors.rows)))
    offset = LANE_OFFSET * sum(values)
    sums = struct.unpack(f"<{DIMENSIONS}I", added.to_bytes(4 * DIMENSIONS, "little"))
    total = [(value - offset) * scale for value, scale in zip(sums, table.scales, strict=True)]
    length = math.sqrt(sum(map(mul, total, total))) or 1.0
    return [value / length for value in total]


def _scaled(
    linear: Mapping[str, float],
    folded: Sequence[float],
    background: Sequence[Vectors],
    influence: float,
    **more: object,
) -> Learned:
    """Returns the weights in points: both parts and their sum have the same spread over the archive."""
    of_terms = [sum([value * linear.get(term, 0.0) for term, value in one.terms.items()]) for one in background]
    of_rows = [sum([value * folded[number] for number, value in one.rows.items()]) for one in background]
    first, second = 1 / _spread(of_terms), 1 / _spread(of_rows)
    sums = [first * one + second * two for one, two in zip(of_terms, of_rows, strict=True)]
    unit = influence / _spread(sums)
    return Learned(
        {term: weight * first * unit for term, weight in linear.items()},
        tuple(weight * second * unit for weight in folded),
        unit * sum(sums) / len(sums),
        **more,  # type: ignore[arg-type] # the caller names them
    )


def _spread(values: Sequence[float], usual: float = 1.0) -> float:
    """Returns the standard deviation, `usual` where all values are equal."""
    mean = sum(values) / len(values)
    return math.sqrt(sum([(value - mean) ** 2 for value in values]) / len(values)) or usual


def _in_how_many(papers: Iterable[Vectors]) -> dict[str, int]:
    """Returns the terms that are in at least two of the papers, with the number of these."""
    counts = Counter(term for vectors in papers for term in vectors.terms)
    return {term: count for term, count in counts.items() if count >= LEAST_PAPERS}
