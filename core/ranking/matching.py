"""Engines that match a feed's rules with a paper, one for each value of `match`, and the scorers made of them.

With 40 keywords, one regular expression per keyword takes some 70 times as long as Aho-Corasick with a check of word
boundaries, and a token dictionary in pure Python 6 times as long; `make bench` repeats the comparison.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from time import thread_time

from core.model.batch import Batch, announced_among, announced_in
from core.model.categories import find_category, listed
from core.model.feed import Feed, Lessons
from core.model.paper import Paper
from core.model.rules import Alternatives, Term, parse_rule
from core.model.scoring import Hit, Score, field_text, make_score, tally
from core.model.sources import HUGGINGFACE, RSS, origins_of
from core.model.texts import Sought
from core.text.english import MATCHERS, spellings
from core.text.fold import fold, is_whole
from core.text.names import Name, comparable, is_same, parse_name

Scorer = Callable[[Paper], Score | None]
# (number of the pattern, start, end) for every place in a text
Finder = Callable[[str], Iterable[tuple[int, int, int]]]
# (number of the pattern, field or "" for a match over the border, start, end)
Place = tuple[int, str, int, int]
_BODY = ("", "title", "abstract")  # fields of terms that are matched in title and abstract


# field, start, end
Spot = tuple[str, int, int]


def make_scorer(feed: Feed) -> Scorer:
    """Returns a function from papers to scores under the feed's rules; None means that an exclude rule matches.

    Build it once for a feed: compiling the keywords costs as much as scoring dozens of papers.
    """
    plan = _plan(_rules(feed), len(feed.keywords))
    search = _searcher(plan, feed.match)
    counted = {rule for rule, keyword in enumerate(feed.keywords) if keyword.weight > 0}

    def score(paper: Paper) -> Score | None:
        found, times = search(paper)
        if not found and paper.upvotes is None:  # most papers have nothing of a feed with few keywords
            return _NOTHING
        if not plan.barring.isdisjoint(found):
            return None
        hits: list[Hit] = []
        mentions = 0
        for term, spot in found.items():
            for rule in plan.simple.get(term, ()):
                hits.append(Hit(rule, *spot))
                if rule in counted:
                    mentions += times[term]
        for rule, hit, count in _compounds(plan, found, times) if plan.compound else ():
            if hit is None:
                return None
            hits.append(hit)
            if rule in counted:
                mentions += count
        return tally(feed, paper, hits, mentions)

    return score


_NOTHING = make_score(())


@dataclass(slots=True)
class _Plan:
    """The rules of a feed, taken apart: rules from number `keywords` on exclude.

    `terms` are all terms without their negation, those of title and abstract first. Of each term, `simple` has the
    keywords that it is all of, and `partly` the rules that name it among others, whose alternatives are in `compound`:
    numbers of terms, and whether they are to be absent. Where one of `barring` is found, a paper is left out.
    """

    keywords: int
    terms: list[Term] = dataclasses.field(default_factory=list)
    simple: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    partly: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    compound: dict[int, list[list[tuple[int, bool]]]] = dataclasses.field(default_factory=dict)
    barring: set[int] = dataclasses.field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Signs:
    """What papers have that a feed's rules may find anything in: at least one of these. None: any paper may be one.

    `texts` are in title or abstract, folded or, where `lowered`, in lower case; `names` in comparable names of authors.
    `categories` are the paper's. Whatever has upvotes may be one too.
    """

    texts: frozenset[Sought]
    lowered: bool
    names: frozenset[str]
    categories: frozenset[str]


def signs_of(feed: Feed) -> Signs | None:
    """Returns what only those papers have in which the feed's rules may find anything."""
    terms = {term for rule in _rules(feed) for terms in rule for term in terms if not term.negated}
    authors = [term.text for term in terms if term.field == "authors"]
    texts = frozenset(sought for term in terms if term.field in _BODY for sought in _sought(term, feed.match))
    if feed.match == "regex" or (feed.match != "word" and (authors or not all(one.text.isascii() for one in texts))):
        return None
    return Signs(
        texts,
        feed.match != "word",
        frozenset(name.last for text in authors if (name := parse_name(text))),
        frozenset(find_category(term.text) or term.text for term in terms if term.field == "categories"),
    )


def _sought(term: Term, match: str) -> list[Sought]:
    """Returns texts, as the engine compares them, of which one is wherever it finds the term."""
    if match != "word":
        return [Sought(_lowered(term.text))]
    if term.literal or term.open:
        return [Sought(" ".join(fold(term.text).split()), begins=True, ends=not term.open)]
    return [Sought(spelling, begins=True, ends=True) for spelling in spellings(term.text)]


def _rules(feed: Feed) -> list[Alternatives]:
    """Returns the keywords of a feed, and then what excludes."""
    return [parse_rule(rule, feed.match) for rule in (*(keyword.label for keyword in feed.keywords), *feed.exclude)]


def _plan(rules: list[Alternatives], keywords: int) -> _Plan:
    every = dict.fromkeys(term._replace(negated=False) for rule in rules for terms in rule for term in terms)
    plan = _Plan(keywords, sorted(every, key=lambda term: term.field not in _BODY))
    numbers = {term: number for number, term in enumerate(plan.terms)}
    for rule, alternatives in enumerate(rules):
        numbered = [[(numbers[term._replace(negated=False)], term.negated) for term in terms] for terms in alternatives]
        only = numbered[0][0][0]
        if len(numbered) > 1 or len(numbered[0]) > 1:
            plan.compound[rule] = numbered
            for term in {term for terms in numbered for term, negated in terms if not negated}:
                plan.partly.setdefault(term, []).append(rule)
        elif rule < keywords:
            plan.simple.setdefault(only, []).append(rule)
        else:
            plan.barring.add(only)
    return plan


def _compounds(
    plan: _Plan, found: Mapping[int, Spot], times: Mapping[int, int]
) -> Iterator[tuple[int, Hit | None, int]]:
    """Yields the rules of several terms that match, with the place that explains each, None if the rule excludes, and
    the number of places of its terms.
    """
    for rule in _touched(plan, found):
        if holding := _holding(plan.compound[rule], found):
            if rule >= plan.keywords:
                yield rule, None, 0
            else:
                hit = min(_compound_hit(rule, terms, plan, found) for terms in holding)[-1]
                yield rule, hit, sum(times[term] for term in {term for terms in holding for term in terms})


def _touched(plan: _Plan, found: Iterable[int]) -> list[int]:
    """Returns the rules of several terms of which at least one is found."""
    return sorted({rule for term in found for rule in plan.partly.get(term, ())})


def _holding(alternatives: list[list[tuple[int, bool]]], found: Mapping[int, Spot]) -> list[list[int]]:
    """Returns the found terms of each alternative that matches."""
    return [
        [term for term, negated in terms if not negated]
        for terms in alternatives
        if all((term in found) is not negated for term, negated in terms)
    ]


def _compound_hit(rule: int, terms: list[int], plan: _Plan, found: Mapping[int, Spot]) -> tuple[bool, int, Hit]:
    """Returns the place that explains an alternative, preceded by its sort key: those in the title first.

    An alternative is in the title if all of its terms are that may be anywhere.
    """
    hits = [Hit(rule, *found[term], anywhere=not plan.terms[term].field) for term in terms]
    hit = min(hits, key=lambda hit: (not hit.anywhere, hit.field == "title", hit.start))
    return hit.field != "title", hit.start, hit


def _searcher(plan: _Plan, match: str) -> Callable[[Paper], tuple[dict[int, Spot], dict[int, int]]]:
    """Returns a function that finds a plan's terms in a paper: the first place and the number of places of each."""
    engine, places = ENGINES[match]
    body = [term for term in plan.terms if term.field in _BODY]
    fields = [term.field for term in body]
    find = engine(body)
    others = [finder for make in (_authors, _categories, _upvotes) if (finder := make(plan.terms, match))]

    def search(paper: Paper) -> tuple[dict[int, Spot], dict[int, int]]:
        found: dict[int, Spot] = {}
        times: dict[int, int] = {}
        for term, field, start, end in places(find, paper):
            if fields[term] and fields[term] != field:
                continue
            if term in times:  # places come in order, the title before the abstract
                times[term] += 1
            else:
                found[term] = (field or "abstract", start, end)
                times[term] = 1
        for finder in others:
            for term, spot in finder(paper):
                found.setdefault(term, spot)
                times[term] = 1
        return found, times

    return search


_FieldFinder = Callable[[Paper], Iterable[tuple[int, Spot]]]


def _authors(terms: list[Term], match: str) -> _FieldFinder | None:
    """Returns a finder of authors: persons in word mode, letters or expressions in the others."""
    wanted = [(number, term.text) for number, term in enumerate(terms) if term.field == "authors"]
    if not wanted:
        return None
    if match == "word":
        names = [(number, name) for number, text in wanted if (name := parse_name(text))]
        return _persons(names)
    find = ENGINES[match][0]([Term(text) for _, text in wanted])

    def found(paper: Paper) -> Iterator[tuple[int, Spot]]:
        for which, start, end in find(field_text(paper, "authors")):
            yield wanted[which][0], ("authors", start, end)

    return found


def _persons(names: list[tuple[int, Name]]) -> _FieldFinder:
    """Returns a finder of persons among the authors; the places are whole names."""

    def found(paper: Paper) -> Iterator[tuple[int, Spot]]:
        text = field_text(paper, "authors")
        looked_for = comparable(text)
        present = [(number, name) for number, name in names if name.last in looked_for]
        if not present:
            return
        at = 0
        for author in paper.authors:
            if have := parse_name(author.name):
                for number, name in present:
                    if is_same(name, have):
                        yield number, ("authors", at, at + len(author.name))
            at += len(author.name) + 2

    return found


def _categories(terms: list[Term], _match: str) -> _FieldFinder | None:
    named = [(number, term.text) for number, term in enumerate(terms) if term.field == "categories"]
    wanted = [(number, find_category(name) or name) for number, name in named]

    def found(paper: Paper) -> Iterator[tuple[int, Spot]]:
        at = 0
        for category in paper.categories:
            for number, name in wanted:
                if listed(category, (name,)):
                    yield number, ("categories", at, at + len(category))
            at += len(category) + 1

    return found if wanted else None


def _upvotes(terms: list[Term], _match: str) -> _FieldFinder | None:
    wanted = [(number, int(term.text)) for number, term in enumerate(terms) if term.field == "upvotes"]

    def found(paper: Paper) -> Iterator[tuple[int, Spot]]:
        for number, least in wanted:
            if paper.upvotes is not None and paper.upvotes >= least:
                yield number, ("upvotes", 0, len(field_text(paper, "upvotes")))

    return found if wanted else None


def score_batch(feed: Feed, batch: Batch, until: float = inf) -> dict[str, Score | None]:
    """Returns the scores of the feed's papers in the batch, by versioned id; None for excluded ones.

    Raises `TimeoutError` at `until` (`time.thread_time`).
    """
    score = make_scorer(feed)
    scores: dict[str, Score | None] = {}
    for paper in papers_of(feed, batch):
        if thread_time() > until:
            raise TimeoutError
        scores[paper.versioned] = _with_lessons(feed.lessons, paper, score(paper))
    return scores


def _with_lessons(lessons: Lessons | None, paper: Paper, score: Score | None) -> Score | None:
    """Returns a score with the points that were learned for the feed, if any were."""
    if lessons is None or score is None:
        return score
    return make_score((*score.reasons, *lessons.reasons(paper)), score.mentions, lessons.signs.get(paper.id, 0))


def papers_of(feed: Feed, batch: Batch) -> Iterator[Paper]:
    """Yields the papers of a batch in the feed's categories.

    If a feed of another source names no categories, all its papers are included; of RSS feeds those that it names.
    """
    if feed.source == RSS:
        origins = {origin.key for origin in origins_of(feed.urls)}
        yield from (item.paper for item in batch.announcements if not origins.isdisjoint(item.into))
        return
    wanted = frozenset(feed.categories)
    picked = feed.source != "arxiv"
    known: dict[tuple[str, ...], bool] = {}  # few papers of a day have categories of their own
    for item in batch.announcements:
        if item.paper.upvotes is None and feed.source == HUGGINGFACE:
            continue
        among = announced_among(item)
        if among not in known:
            known[among] = (picked and not wanted) or announced_in(item, wanted)
        if known[among]:
            yield item.paper


def _places(find: Finder, paper: Paper) -> Iterator[Place]:
    """Yields the places in the title and in the abstract, searched separately."""
    for field, text in (("title", paper.title), ("abstract", paper.abstract)):
        for number, start, end in find(text):
            yield number, field, start, end


def _places_at_once(find: Finder, paper: Paper) -> list[Place]:
    """Returns the same in one scan of both, for engines whose matches do not depend on the surrounding text."""
    border = len(paper.title)
    return [
        (number, "title", start, end) if end <= border else (number, "abstract", start - border - 1, end - border - 1)
        for number, start, end in find(f"{paper.title} {paper.abstract}")
        if end <= border or start > border
    ]


def _places_joined(find: Finder, paper: Paper) -> Iterator[Place]:
    """Yields places in title and abstract joined by a space, as the keyword bot does: a match may span both.

    Such a match is in neither field: it earns no title bonus, and is shown by its part in the abstract.
    """
    border = len(paper.title)
    for number, start, end in find(f"{paper.title} {paper.abstract}"):
        if end <= border:
            yield number, "title", start, end
        else:
            yield number, "" if start < border else "abstract", max(start - border - 1, 0), end - border - 1


def _words(terms: list[Term]) -> Finder:
    """Returns a finder of whole words with inflections and variants, regardless of case and accents."""
    from ahocorasick_rs import AhoCorasick, Implementation

    owners: list[tuple[str, int, Callable[[str, int, int], bool] | None]] = []
    for number, term in enumerate(terms):
        if term.literal:
            owners.append((" ".join(fold(term.text).split()), number, _same_capitals(term.text)))
        elif not term.open:
            owners += [(spelling, number, MATCHERS[form]) for spelling, form in spellings(term.text).items()]
    automaton = AhoCorasick([spelling for spelling, _, _ in owners], implementation=Implementation.DFA)
    numbers = [number for _, number, _ in owners]
    checks = [check for _, _, check in owners]
    starts = _beginnings(terms)
    probes = None if starts else _probes([spelling for spelling, _, _ in owners])

    def find(text: str) -> list[tuple[int, int, int]]:
        folded = fold(text)
        if probes is not None:
            for probe in probes:
                if probe in folded:
                    break
            else:
                return []
        hits = automaton.find_matches_as_indexes(folded, overlapping=True)
        found = [
            (numbers[which], start, end)
            for which, start, end in hits
            if is_whole(folded, start, end) and ((check := checks[which]) is None or check(text, start, end))
        ]
        return sorted([*found, *starts(folded)], key=lambda place: place[2]) if starts else found

    return find


_FEW = 12  # spellings that are looked for one by one in less time than a scan by the automaton takes


def _probes(spellings: list[str]) -> list[str] | None:
    """Returns strings of which a text has at least one if it has any of the spellings; None if these are many."""
    shortest = sorted(set(spellings), key=lambda spelling: (len(spelling), spelling))
    probes: list[str] = []
    for spelling in shortest:
        if not any(probe in spelling for probe in probes):
            probes.append(spelling)
    return probes if len(probes) <= _FEW else None


def _beginnings(terms: list[Term]) -> Callable[[str], Iterator[tuple[int, int, int]]] | None:
    """Returns a finder of words that begin with open terms, in a folded text; None without such terms."""
    wanted = [
        (number, re.compile(rf"(?<!\w){re.escape(' '.join(fold(term.text).split()))}\w*"))
        for number, term in enumerate(terms)
        if term.open
    ]

    def find(folded: str) -> Iterator[tuple[int, int, int]]:
        for number, pattern in wanted:
            for match in pattern.finditer(folded):
                yield number, *match.span()

    return find if wanted else None


def _same_capitals(text: str) -> Callable[[str, int, int], bool] | None:
    """What checks that words with two capitals or more stand in the text in these capitals: "SAM", "LoRA", "GANs"."""
    text = " ".join(text.split())
    words = [match for match in re.finditer(r"[^\W_]+", text) if sum(map(str.isupper, match[0])) > 1]
    places = [(match.start(), match.end(), match[0]) for match in words]
    if not places:
        return None
    return lambda found, start, _: all(found[start + first : start + last] == word for first, last, word in places)


def _substrings(terms: list[Term]) -> Finder:
    """Returns a finder by the keyword bot's exact rule: `keyword.lower() in text.lower()`."""
    lowered = [_lowered(term.text) for term in terms]

    def find(text: str) -> Iterator[tuple[int, int, int]]:
        haystack = _lowered(text)
        for number, needle in enumerate(lowered):
            start = haystack.find(needle)
            while start >= 0:
                yield number, start, start + len(needle)
                start = haystack.find(needle, start + 1)

    return find


def _lowered(text: str) -> str:
    low = text.lower()
    if len(low) == len(text):
        return low
    # Only "İ" gets longer in lower case; offsets must stay valid
    return "".join(one if len(one := char.lower()) == 1 else char for char in text)


def _regexes(terms: list[Term]) -> Finder:
    """Returns a finder of regular expressions in RE2's syntax, case-insensitive: linear time on any input.

    It finds only the first match of each in a text, because `.` matches everywhere.
    """
    from core.ranking.regexes import compile_regex, regex_set  # RE2 only where a feed uses it

    compiled = [compile_regex(term.text) for term in terms]
    which = regex_set(term.text for term in terms)

    def find(text: str) -> Iterator[tuple[int, int, int]]:
        for number in sorted(which.Match(text) or ()):
            for match in compiled[number].finditer(text):
                if match[0]:  # a pattern may match nothing between two letters
                    yield number, *match.span()
                    break

    return find


# For each value of `match`: the engine, and how it is led over a paper
ENGINES: dict[str, tuple[Callable[[list[Term]], Finder], Callable[[Finder, Paper], Iterable[Place]]]] = {
    "word": (_words, _places_at_once),
    "substring": (_substrings, _places_joined),
    "regex": (_regexes, _places),
}
