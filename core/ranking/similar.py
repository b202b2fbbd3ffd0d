"""Similar papers: those that share rare terms with a paper, by the cosine of their vectors of terms."""

import re
from collections.abc import Iterable, Mapping
from heapq import nlargest
from math import sqrt
from operator import itemgetter
from typing import NamedTuple

from core.model.paper import Paper
from core.ranking.learned import vectors_of
from core.ranking.words import WordTable, word_table
from core.text.terms import places_of_terms, terms_of

MOST_SIMILAR = 50
_KEY_TERMS = 25  # of the paper; others must have some of them to be compared
_COMPARED = 300  # of the papers that have most of them: a month may have thousands with one
_RARE = 3.0  # idf of a term that one in twenty papers has
_LEAST = 0.03  # cosine
_SHARED = 5
_BETWEEN = re.compile(r"[^\w\s’'-]\s|\s[^\w\s’'-]")


class Similar(NamedTuple):
    """A similar paper: the cosine, 0 to 1, and the terms that contribute most to it, as the paper spells them."""

    paper: Paper
    cosine: float
    terms: tuple[str, ...]


def find_similar(paper: Paper, others: Iterable[Paper], count: int) -> list[Similar]:
    """Returns the `count` papers of `others` that are most similar, best first; never the paper itself.

    Terms that the word table lacks count as rare ones: they are names that a field's papers share.
    """
    table = word_table()
    own_terms = {*terms_of(paper.title), *terms_of(paper.abstract)}
    known = table.idf.keys() | table.common
    extra = {term: table.unknown for term in own_terms if term not in known and " " not in term}
    idf = {**extra, **table.idf}
    own = _stressed(paper, table, extra, idf)
    rare = {term: value for term, value in own.items() if idf[term] >= _RARE}
    keys = [term for term, _ in nlargest(_KEY_TERMS, rare.items(), key=itemgetter(1))]
    found: dict[str, Similar] = {}
    for other in _with_keys({key: own[key] for key in keys}, paper, others):
        theirs = _stressed(other, table, extra, idf)
        shares = {term: value * theirs[term] for term, value in own.items() if term in theirs}
        cosine = sum(shares.values())
        if cosine >= _LEAST:
            terms = [term for term, _ in nlargest(3 * _SHARED, shares.items(), key=itemgetter(1))]
            found[other.id] = Similar(other, round(cosine, 3), tuple(terms))
    best = nlargest(count, found.values(), key=lambda one: (one.cosine, one.paper.id))
    return [one._replace(terms=_readable(one)) for one in best]


def _with_keys(keys: Mapping[str, float], paper: Paper, others: Iterable[Paper]) -> list[Paper]:
    """Returns the papers beside `paper` with most of the `keys` by weight, each once: cheap to see, unlike likeness."""
    weights: dict[str, tuple[float, str, Paper]] = {}
    for other in others:
        if other.id != paper.id and other.id not in weights:
            text = f"{other.title}\n{other.abstract}".lower().replace("-", " ")
            if weight := sum([weight for key, weight in keys.items() if key in text]):
                weights[other.id] = (weight, other.id, other)
    return [other for _, _, other in nlargest(_COMPARED, weights.values(), key=itemgetter(0, 1))]


def _stressed(paper: Paper, table: WordTable, extra: Mapping[str, float], idf: Mapping[str, float]) -> dict[str, float]:
    """Returns a paper's vector of terms with the rare ones stressed, of length 1: common words make no likeness."""
    vector = {
        term: value * idf[term] for term, value in vectors_of(paper.title, paper.abstract, table, extra).terms.items()
    }
    length = sqrt(sum([value * value for value in vector.values()])) or 1.0
    return {term: value / length for term, value in vector.items()}


def _readable(similar: Similar) -> tuple[str, ...]:
    """Returns the shared terms as the other paper spells them, without words that a shared pair contains.

    A pair with a bracket or a comma between its words is none to a reader.
    """
    spelled: dict[str, str] = {}
    for text in (similar.paper.title, similar.paper.abstract):
        for term, start, end in places_of_terms(text, similar.terms):
            spelling = " ".join(text[start:end].split())
            if not _BETWEEN.search(spelling):
                spelled.setdefault(term, spelling)
    chosen: list[str] = []
    for term in sorted(spelled, key=lambda term: -len(term.split())):
        if all(set(term.split()).isdisjoint(other.split()) for other in chosen):
            chosen.append(term)
    chosen.sort(key=similar.terms.index)
    return tuple(spelled[term] for term in chosen[:_SHARED])
