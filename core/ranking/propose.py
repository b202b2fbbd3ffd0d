"""Proposed rules: from a sentence, or from a few papers, to categories, and keywords with weights.

The words of a sentence become phrases, pairs and single words, each with a weight by how rare it is: one rare phrase is
enough for a paper to be shown, common words only order what is found. Words that the papers found so far share beyond
others are added with a low weight. No model is asked.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from core.model.categories import listed
from core.model.feed import Feed, parse_keyword
from core.model.fields import categories_of
from core.model.paper import Paper
from core.model.rules import remarks
from core.model.scoring import same_keyword
from core.model.votes import Reference
from core.ranking.matching import make_scorer
from core.ranking.words import WordTable, word_table
from core.text.terms import places_of_terms, terms_of

MOST_CATEGORIES = 4
MOST_WIDENED = 6  # with those where papers on the topic are too
MOST_PROPOSED = 16
_MOST_ADDED = 5  # words that the papers found so far share
_LEAST_FOUND = 3  # papers, before the threshold is lowered
_LEAST_SHARING = 5  # papers, before what they share says anything
_LEAST_LIFT = 4.0  # how much more often the papers found have an added term than others
_OUTSIDE = 0.15  # the share of the papers on the topic from which their category is one of the feed
_MOST_FOUND = 60
_SAMPLE = 500  # stored papers that say how frequent words are
# Weights. A strong rule alone is enough for a paper to be shown; all others only add to it
_STRONG, _USUAL, _WEAK, _LEAST = 4.0, 2.0, 1.0, 0.5
_RARE, _UNCOMMON, _COMMON = 4.2, 3.2, 2.0  # idf: one paper in 67, in 25, in 7
_RAREST = 6.0  # idf from which phrases are equally rare: the corpus of the table knows some fields better than others
_NEAR = 1.2  # of idf: words that are nearly as rare as the rarest are as strong
_LEAST_INSIDE = 10  # stored papers of the categories, before they say that a threshold is too high
_OF_ALL = 0.25  # the share of the papers of its categories from which a word says nothing more
_CLEAR = 2.0  # the weight from which the words of a sentence name a field
_LONG = 6  # letters of a word that has derived words: neuron, neuronal
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"\S*(?:://|www\.|arxiv[:/.])\S*|\b\d{4}\.\d{4,5}(?:v\d+)?\b", re.IGNORECASE)
# They end a phrase, as stop words do: what people say about what they look for
_SAYING_WORDS = """
    paper article preprint research work recent latest interest interested interesting follow topic field
    anything everything something related relating especially particularly particular look looking want wish
    read reading advance advances progress applied apply application approach method technique problem based
    help find finding finds using working me my mine including include about regarding concerning kind sort please
    daily keep news track up date like am is are was been ai ml
"""
_FIELDS_WORDS = """
    economic economics physics biology chemistry finance astronomy astrophysics mathematics statistics medicine
"""
_FIELDS = frozenset(_FIELDS_WORDS.split())
_SAYING = frozenset(_SAYING_WORDS.split())
# In a phrase they mean something, alone they do not
_NOT_ALONE_WORDS = """
    theory analysis design model system learning data network state art structure process dynamic property
    effect algorithm application deep large scale small efficient fast high low language image simulation
    experiment measurement observation theoretical experimental numerical computational formal human real
    machine neural general single multi many few optimal quality control time field order number group function
    space test device power energy rate error detection prediction classification estimation generation
    recognition compression encoding correction encode resource solar cell body matter wave solid
"""
_NOT_ALONE = frozenset(_NOT_ALONE_WORDS.split())


class Words(NamedTuple):
    """Words that stand together in a sentence: as they are written in a rule, and as terms."""

    texts: tuple[str, ...]
    terms: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of them, as a rule."""
        return " ".join(self.texts)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Proposed rules. `enough` is the least score from which a paper is on the topic; `found` is the number of stored
    papers from there on.
    """

    title: str
    categories: tuple[str, ...]
    keywords: tuple[tuple[str, float], ...]
    enough: float
    found: int


def propose(
    sentence: str, references: Sequence[Reference], papers: Sequence[Paper], fetched: Sequence[str]
) -> Proposal | None:
    """Returns the rules for what a sentence says and for papers like the `references`; None if neither says anything.

    `papers` are stored ones, `fetched` the categories that a feed has without any proposal.
    """
    counts = _Counts(word_table(), papers)
    said = _LINK.sub(" . ", sentence)
    rules = _of_sentence(list(_chunks(said)), counts)
    enough = _STRONG
    for text, weight in _of_references(references, counts).items():
        rules.setdefault(text, weight)
    rules = _usable(rules or _of_common(said))
    if not rules:
        return None
    terms = [*terms_of(said), *(term for one in references for term in terms_of(one.title))]
    all_found = _found(rules, papers)
    if len(papers) >= _LEAST_INSIDE and _reaching(all_found, enough) < min(_LEAST_FOUND, _reaching(all_found, _USUAL)):
        enough = _USUAL
    everywhere = [one.paper for one in all_found if one.total >= enough]
    categories = _categories(terms, references, papers, everywhere) or tuple(fetched)
    categories = _widened(categories, [one.paper for one in all_found if one.total > enough])
    rules, enough, best = _measured(rules, categories, papers, enough)
    rules |= {text: _LEAST for text in _added(best, rules, counts) if text not in rules}
    chosen = sorted(_usable(rules).items(), key=lambda pair: -pair[1])[:MOST_PROPOSED]
    return Proposal(_title(sentence, chosen), categories, tuple(chosen), enough, len(best))


def adopt(
    title: str, categories: Sequence[str], keywords: Iterable[tuple[str, float]], papers: Sequence[Paper]
) -> Proposal | None:
    """Returns rules that somebody else proposed, measured by the stored `papers`; None if none of them is usable."""
    rules = _usable({text: min(max(weight, _LEAST), _STRONG) for text, weight in keywords})
    if not rules or not categories:
        return None
    named = tuple(categories)[:MOST_WIDENED]
    rules, enough, best = _measured(rules, named, papers, min(_STRONG, max(rules.values())))
    chosen = sorted(rules.items(), key=lambda pair: -pair[1])[:MOST_PROPOSED]
    return Proposal(_title(title, chosen), named, tuple(chosen), enough, len(best))


def _measured(
    rules: Mapping[str, float], categories: tuple[str, ...], papers: Sequence[Paper], enough: float
) -> tuple[dict[str, float], float, list[Paper]]:
    """Returns the rules, less for what is common in the categories; the least score; and the papers that reach it."""
    inside = [paper for paper in papers if any(listed(name, categories) for name in paper.categories)]
    weighed = _less_for_common(rules, inside)
    found = _found(weighed, inside or papers)
    if len(inside) >= _LEAST_INSIDE and _reaching(found, enough) < min(_LEAST_FOUND, _reaching(found, _USUAL)):
        enough = min(enough, _USUAL)
    return weighed, enough, [one.paper for one in found if one.total >= enough]


def _usable(rules: Mapping[str, float]) -> dict[str, float]:
    """Returns the rules without those that are the same as another, or that mean something else in a rule."""
    out: dict[object, tuple[str, float]] = {}
    for text, weight in rules.items():
        with suppress(ValueError):  # a model's may be no rule
            if all(remark.hint for remark in remarks(text)):
                out.setdefault(same_keyword(parse_keyword(text)), (text, weight))
    return dict(out.values())


class _Counts:
    """How rare terms are: by the word table, and what it lacks by the stored papers."""

    def __init__(self, table: WordTable, papers: Sequence[Paper]) -> None:
        self.table = table
        self._papers = papers
        step = max(1, len(papers) // _SAMPLE)
        self.sample = [_terms(paper) for paper in papers[::step]]

    def idf(self, term: str) -> float:
        """Returns the idf of a term; 0 for one that says nothing."""
        if term in self.table.common:
            return 0.0
        known = self.table.idf.get(term)
        if known is None:
            count = sum(1 for terms in self.sample if term in terms)
            known = math.log(len(self.sample) / count) if count > 1 else self.table.unknown
        return known

    @cached_property
    def counts(self) -> Counter[str]:
        """In how many papers of the sample each term is."""
        return Counter(term for terms in self.sample for term in terms)


def _terms(paper: Paper) -> set[str]:
    return {*terms_of(paper.title), *terms_of(paper.abstract)}


def _chunks(sentence: str) -> Iterator[Words]:
    """Yields the words that stand together: stop words, punctuation and what only introduces a topic are between."""
    texts: list[str] = []
    terms: list[str] = []
    end = 0
    for match in _WORD.finditer(sentence):
        between = sentence[end : match.start()]
        end = match.end()
        word = match[0]
        term = next(iter(terms_of(word)), "")
        breaks = bool(between.strip(" -‐‑\n'’"))
        if (breaks or not term or term in _SAYING) and texts:
            yield Words(tuple(texts), tuple(terms))
            texts, terms = [], []
        if term and term not in _SAYING:
            texts.append(_written(word))
            terms.append(term)
    if texts:
        yield Words(tuple(texts), tuple(terms))


def _written(word: str) -> str:
    """Returns a word as a rule has it, which knows plurals: acronyms as they are, others in small letters."""
    return word if sum(map(str.isupper, word)) > 1 else word.lower()


def _spelled(terms: Iterable[str], papers: Iterable[Paper | Reference]) -> dict[str, str]:
    """Returns the terms as the papers spell them: a term has lost its plural, and sometimes more.

    Words with a comma between them are none.
    """
    wanted = list(terms)
    out: dict[str, str] = {}
    for paper in papers:
        for text in (paper.title, paper.abstract):
            for term, start, end in places_of_terms(text, wanted):
                words = text[start:end].replace("-", " ").split()
                if all(map(_WORD.fullmatch, words)):
                    out.setdefault(term, " ".join(map(_written, words)))
    return out


def _of_sentence(chunks: Sequence[Words], counts: _Counts) -> dict[str, float]:
    """Returns the rules for the phrases of a sentence: the rarest are strong, the others add to them."""
    rarity = [_rarity(chunk, counts) for chunk in chunks]
    rarest = max(rarity, default=0.0)
    rules: dict[str, float] = {}
    for chunk, rare in zip(chunks, rarity, strict=True):
        strong = _STRONG if rare >= rarest - _NEAR else _WEAK
        rules |= {text: weight for text, weight in _of_phrase(chunk, strong, counts).items() if text not in rules}
    return rules | _together(chunks, counts)


def _of_common(said: str) -> dict[str, float]:
    """Returns rules for a sentence of words that most papers have: they are what is asked for."""
    return {text: _STRONG for chunk in _chunks(said) for text in chunk.texts if len(text) > 1}


def _rarity(chunk: Words, counts: _Counts) -> float:
    """Returns the idf of the rarest word of a phrase that means something alone, or of the phrase if none does."""
    if len(chunk.terms) == 1 and chunk.terms[0] in _FIELDS:  # the field says where to look
        return 0.0
    alone = [counts.idf(term) for term in chunk.terms if term not in _NOT_ALONE]
    pairs = [counts.idf(f"{one} {other}") for one, other in pairwise(chunk.terms)]
    rare = max(alone) if alone and max(alone) >= _COMMON else max(pairs, default=0.0) - 1
    return min(rare, _RAREST)


def _of_phrase(chunk: Words, strong: float, counts: _Counts) -> dict[str, float]:
    """Returns the rules for words that stand together: in pairs, as they stand, in any order, and rare ones alone."""
    rules: dict[str, float] = {}
    if len(chunk.texts) > 1:
        pairs = [
            (" ".join(texts), counts.idf(" ".join(terms)))
            for texts, terms in zip(pairwise(chunk.texts), pairwise(chunk.terms), strict=True)
        ]
        telling = [text for text, idf in pairs if idf >= _UNCOMMON] or [text for text, idf in pairs if idf > 0]
        if telling:
            is_rare = max(idf for _, idf in pairs) >= _RARE
            rules[" OR ".join(telling[:4])] = max(strong, _USUAL) if is_rare else strong
        if len(chunk.texts) > 2:
            rules[chunk.text] = strong / 2
        words = [text for text, term in zip(chunk.texts, chunk.terms, strict=True) if counts.idf(term) > 0]
        if len(words) > 1:
            rules[" AND ".join(words[:4])] = strong / 2
    alone = {
        text: counts.idf(term)
        for text, term in zip(chunk.texts, chunk.terms, strict=True)
        if term not in _NOT_ALONE and len(term) > 1
    }
    terms_of_text = dict(zip(chunk.texts, chunk.terms, strict=True))
    rarest = max(alone.values(), default=0.0)
    for text, idf in alone.items():
        if idf >= _RARE and idf >= rarest - _NEAR:
            rules.setdefault(_with_derived(text, terms_of_text[text]), strong)
        elif idf >= _COMMON:
            # The only word of a phrase is the topic, however common it is
            rules.setdefault(text, strong if len(chunk.texts) == 1 and idf >= rarest else min(strong, _WEAK))
    return rules


def _together(chunks: Sequence[Words], counts: _Counts) -> dict[str, float]:
    """Returns the rules for the rarest words of two phrases in one paper."""
    heads = [max(zip(c.terms, c.texts, strict=True), key=lambda pair: counts.idf(pair[0])) for c in chunks]
    heads = [(term, text) for term, text in dict(heads).items() if counts.idf(term) >= 1]
    pairs = [(one, other) for at, one in enumerate(heads) for other in heads[at + 1 :]]
    pairs.sort(key=lambda pair: -counts.idf(pair[0][0]) - counts.idf(pair[1][0]))
    return {f"{one[1]} AND {other[1]}": _USUAL for one, other in pairs[:3]}


def _with_derived(word: str, term: str) -> str:
    """Returns a rule for a long word and those derived from it: "atmospher*" for atmospheres and atmospheric."""
    if len(term) < _LONG or not term.isalpha() or not word.islower():
        return word
    return f"{term[:-1] if term[-1] in 'ey' else term}*"


def _of_references(references: Sequence[Reference], counts: _Counts) -> dict[str, float]:
    """Returns the terms that papers share, or that are rare in one: two of them are enough."""
    shared: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    for one in references:
        titles.update(set(terms_of(one.title)))
        shared.update({*terms_of(one.title), *terms_of(one.abstract)})
    least = 2 if len(references) > 2 else 1
    points = {
        term: (count + titles[term]) * counts.idf(term) * (1.5 if " " in term else 1)
        for term, count in shared.items()
        if count >= least and (titles[term] or count >= max(least, len(references) / 2))
        and counts.idf(term) >= _UNCOMMON and not (term in _NOT_ALONE or term.isdigit())
        and (" " not in term or count > 1 or term in counts.table.idf)
    }  # fmt: skip
    rules: dict[str, float] = {}
    for term in sorted(points, key=lambda term: (-points[term], term)):
        words = set(term.split())
        if any(not words.isdisjoint(known.split()) for known in rules) or not words.isdisjoint(_SAYING):
            continue
        often = titles[term] > 1 or (len(references) < 3 and titles[term])
        rules[term] = _STRONG if often and " " in term else _USUAL
        if len(rules) >= MOST_PROPOSED - _MOST_ADDED:
            break
    spelled = _spelled(rules, references)
    return {spelled.get(term, term): weight for term, weight in rules.items()}


def _categories(
    terms: Iterable[str], references: Sequence[Reference], papers: Sequence[Paper], found: Sequence[Paper]
) -> tuple[str, ...]:
    """Returns the categories whose fields the words are from, and those of the references and of the papers `found`."""
    points: Counter[str] = Counter()
    named = categories_of(terms)
    points.update({name: value / named[0][1] for name, value in named})
    known = {paper.id: paper for paper in papers}
    liked = [known[one.paper] for one in references if one.paper in known]
    is_clear = bool(named) and named[0][1] >= _CLEAR
    for some, weight in ((liked, 2.0), (found[:_MOST_FOUND], 0.7 if is_clear else 1.5)):
        if len(some) >= (_LEAST_FOUND if some is not liked else 1):
            primary = Counter(paper.primary for paper in some if paper.primary)
            points.update({name: weight * count / len(some) for name, count in primary.items()})
    ranked = sorted(points.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, value in ranked if value >= ranked[0][1] / 3)[:MOST_CATEGORIES]


def _widened(categories: tuple[str, ...], found: Sequence[Paper]) -> tuple[str, ...]:
    """Returns the categories with those in which the papers are that have more than one strong rule.

    Much of a topic is listed elsewhere: papers on drugs are in cs.LG as well.
    """
    outside = [paper for paper in found if not any(listed(name, categories) for name in paper.categories)]
    while outside and len(categories) < MOST_WIDENED:
        counts = Counter(paper.primary for paper in outside if paper.primary)
        name, count = min(counts.items(), key=lambda pair: (-pair[1], pair[0]), default=("", 0))
        if count < max(2, _OUTSIDE * len(found)):
            break
        categories = (*categories, name)
        outside = [paper for paper in outside if not any(listed(one, categories) for one in paper.categories)]
    return categories


def _less_for_common(rules: Mapping[str, float], papers: Sequence[Paper]) -> dict[str, float]:
    """Returns the rules with the least weight for what a quarter of the papers of the categories have."""
    if len(papers) < 40:
        return dict(rules)
    counts: Counter[str] = Counter()
    scorer = make_scorer(_feed(rules))
    for paper in papers:
        if score := scorer(paper):
            counts.update(set(score.matched))
    common = {text for text, count in counts.items() if count > _OF_ALL * len(papers)}
    return {text: _WEAK if text in common else weight for text, weight in rules.items()}


def _feed(rules: Mapping[str, float]) -> Feed:
    return Feed("proposal", "", keywords=tuple(parse_keyword(text, weight) for text, weight in rules.items()))


def _reaching(found: Iterable["_Found"], least: float) -> int:
    return sum(1 for one in found if one.total >= least)


class _Found(NamedTuple):
    total: float
    paper: Paper


def _found(rules: Mapping[str, float], papers: Iterable[Paper]) -> list[_Found]:
    """Returns the papers that have points, the best first."""
    scorer = make_scorer(_feed(rules))
    scored = [_Found(score.total, paper) for paper in papers if (score := scorer(paper)) and score.total > 0]
    return sorted(scored, key=lambda one: (-one.total, one.paper.id))


def _added(best: Sequence[Paper], rules: Mapping[str, float], counts: _Counts) -> list[str]:
    """Returns the terms that the best papers share, one of them in its title, and that others have seldom."""
    if len(best) < _LEAST_SHARING:
        return []
    inside = Counter(term for paper in best[:_MOST_FOUND] for term in _terms(paper))
    titled = {term for paper in best[:_MOST_FOUND] for term in terms_of(paper.title)}
    total = min(len(best), _MOST_FOUND)
    size = len(counts.sample) + 1
    taken = {word for rule in rules for word in re.findall(r"[^\W\d_]+", rule.lower())}
    points = {
        term: count / total * math.log(size / (counts.counts[term] + 1))
        for term, count in inside.items()
        if count >= max(2, total / 5) and counts.idf(term) >= _UNCOMMON and (taken | _SAYING).isdisjoint(term.split())
        and term in titled and term not in _NOT_ALONE and not term.endswith("ly")
        and count / total >= _LEAST_LIFT * (counts.counts[term] + 1) / size
        and not any(_is_akin(one, word) for one in term.split() for word in taken)
        and all(len(word) > 2 and word.isalpha() for word in term.split())
    }  # fmt: skip
    out: list[str] = []
    for term in sorted(points, key=lambda term: (-points[term], term)):
        if all(set(term.split()).isdisjoint(other.split()) for other in out):
            out.append(term)
    spelled = _spelled(out, best[:_MOST_FOUND])
    return [spelled[term] for term in out if term in spelled][:_MOST_ADDED]


def _is_akin(one: str, other: str) -> bool:
    """Returns whether a word is another one or derived from it, by their beginnings: cache, caches and caching."""
    shorter = min(len(one), len(other)) - 1
    return shorter >= 3 and one[:shorter] == other[:shorter]


def _title(sentence: str, chosen: Sequence[tuple[str, float]]) -> str:
    text = " ".join(_LINK.sub(" ", sentence).split()).strip(" .,;:?!")
    if not any(terms_of(text)) or len(text) > 80:
        text = ", ".join(rule.replace("*", "") for rule, _ in chosen[:2] if " AND " not in rule)
    return (text[:1].upper() + text[1:])[:80]
