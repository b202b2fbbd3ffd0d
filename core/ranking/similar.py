"""Similar papers: those that share rare terms with a paper, by the cosine of their vectors of terms."""

from collections.abc import Iterable
from heapq import nlargest
from operator import itemgetter
from typing import NamedTuple

from core.model.paper import Paper
from core.ranking.learned import vectors_of
from core.ranking.words import word_table
from core.text.terms import places_of_terms, terms_of

MOST_SIMILAR = 50
_KEY_TERMS = 30  # of the paper; others must have some of them to be compared
_LEAST_KEY_TERMS = 2
_LEAST = 0.05  # cosine
_SHARED = 5


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
    extra = {term: table.unknown for term in own_terms if term not in table.idf and " " not in term}
    own = vectors_of(paper.title, paper.abstract, table, extra).terms
    keys = [term for term, _ in nlargest(_KEY_TERMS, own.items(), key=itemgetter(1))]
    found: dict[str, Similar] = {}
    for other in others:
        if other.id == paper.id or other.id in found:
            continue
        text = f"{other.title}\n{other.abstract}".lower().replace("-", " ")
        if sum(1 for key in keys if key in text) < _LEAST_KEY_TERMS:  # most papers: cheap to see
            continue
        theirs = vectors_of(other.title, other.abstract, table, extra).terms
        shares = {term: value * theirs[term] for term, value in own.items() if term in theirs}
        cosine = sum(shares.values())
        if cosine >= _LEAST:
            terms = [term for term, _ in nlargest(3 * _SHARED, shares.items(), key=itemgetter(1))]
            found[other.id] = Similar(other, round(cosine, 3), tuple(terms))
    best = nlargest(count, found.values(), key=lambda one: (one.cosine, one.paper.id))
    return [one._replace(terms=_readable(one)) for one in best]


def _readable(similar: Similar) -> tuple[str, ...]:
    """Returns the shared terms, without words that a shared pair contains, as the other paper spells them."""
    chosen: list[str] = []
    for term in sorted(similar.terms, key=lambda term: -len(term.split())):
        if all(set(term.split()).isdisjoint(other.split()) for other in chosen):
            chosen.append(term)
    chosen.sort(key=similar.terms.index)
    spelled: dict[str, str] = {}
    for text in (similar.paper.title, similar.paper.abstract):
        for term, start, end in places_of_terms(text, chosen):
            spelled.setdefault(term, " ".join(text[start:end].split()))
    return tuple(spelled[term] for term in chosen[:_SHARED] if term in spelled)
