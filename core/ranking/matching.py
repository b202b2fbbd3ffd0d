"""Engines that find a feed's keywords in a paper, one for each value of `match`.

With 40 keywords, one regular expression per keyword takes some 70 times as long as Aho-Corasick with a check of word
boundaries, and a token dictionary in pure Python 6 times as long; `make bench` repeats the comparison.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from time import monotonic
from typing import Any

from core.model.batch import Batch
from core.model.categories import listed
from core.model.feed import Feed
from core.model.paper import Paper
from core.model.scoring import Hit, Score, field_text, spellings, tally
from core.text.fold import fold, is_whole

REGEX_BYTES = 1 << 20  # of memory for one regular expression and what its search remembers; RE2's default is 8 MB
REGEX_SET_BYTES = 8 << 20  # for all of a feed together
Scorer = Callable[[Paper], Score | None]
# (number of the pattern, start, end) for every place in a text
Finder = Callable[[str], Iterable[tuple[int, int, int]]]
# (number of the pattern, field or "" for a match over the border, start, end)
Place = tuple[int, str, int, int]


def make_scorer(feed: Feed) -> Scorer:
    """A function from papers to scores under the feed's rules; None means that an exclude word was found.

    Build it once for a feed: compiling the keywords costs as much as scoring dozens of papers.
    """
    engine, places = ENGINES[feed.match]
    body = [n for n, k in enumerate(feed.keywords) if k.field in ("", "title", "abstract")]
    named = [n for n, k in enumerate(feed.keywords) if k.field == "authors"]
    filed = [n for n, k in enumerate(feed.keywords) if k.field == "categories"]
    upvoted = [(n, int(k.text)) for n, k in enumerate(feed.keywords) if k.field == "upvotes"]
    # One scan finds keywords and exclude words: patterns from number len(body) on exclude
    find = engine([*(feed.keywords[n].text for n in body), *feed.exclude])
    find_authors = engine([feed.keywords[n].text for n in named]) if named else None
    fields = [feed.keywords[n].field for n in body]

    def score(paper: Paper) -> Score | None:
        first: dict[int, Hit] = {}
        for number, field, start, end in places(find, paper):
            if number in first:  # places come in order, the title before the abstract
                continue
            if number >= len(body):
                return None
            if fields[number] in ("", field):
                first[number] = Hit(body[number], field or "abstract", start, end)
        hits = list(first.values())
        if find_authors:
            found = find_authors(field_text(paper, "authors"))
            hits += [Hit(named[number], "authors", start, end) for number, start, end in found]
        for rule in filed:
            hits += _category_hits(rule, feed.keywords[rule].text, paper)
        if upvoted and paper.upvotes is not None:
            whole = len(field_text(paper, "upvotes"))
            hits += [Hit(rule, "upvotes", 0, whole) for rule, least in upvoted if paper.upvotes >= least]
        return tally(feed, paper, hits)

    return score


def score_batch(feed: Feed, batch: Batch, until: float = inf) -> dict[str, Score | None]:
    """The scores of the batch's papers that the feed is about, by versioned id; None for excluded ones.

    These are the papers in its categories; of Hugging Face's those too whose categories are unknown, if it names none.
    Raises `TimeoutError` if it is not done at `until` (`time.monotonic`).
    """
    score = make_scorer(feed)
    wanted = frozenset(feed.categories)
    picked = feed.source == "huggingface"
    scores: dict[str, Score | None] = {}
    for item in batch.announcements:
        if (item.paper.upvotes is not None or not picked) and (
            (picked and not wanted) or any(listed(category, wanted) for category in item.paper.categories)
        ):
            if monotonic() > until:
                raise TimeoutError
            scores[item.paper.versioned] = score(item.paper)
    return scores


def _places(find: Finder, paper: Paper) -> Iterator[Place]:
    """Places in the title by itself, and in the abstract by itself."""
    for field, text in (("title", paper.title), ("abstract", paper.abstract)):
        for number, start, end in find(text):
            yield number, field, start, end


def _places_at_once(find: Finder, paper: Paper) -> list[Place]:
    """The same in one scan of both, for engines whose matches do not depend on what stands around them."""
    border = len(paper.title)
    return [
        (number, "title", start, end) if end <= border else (number, "abstract", start - border - 1, end - border - 1)
        for number, start, end in find(f"{paper.title} {paper.abstract}")
        if end <= border or start > border
    ]


def _places_joined(find: Finder, paper: Paper) -> Iterator[Place]:
    """Title and abstract joined by a space, as the keyword bot joined them: a match may run from one into the other.

    Such a match is in neither field: it earns no title bonus, and is shown by its part in the abstract.
    """
    border = len(paper.title)
    for number, start, end in find(f"{paper.title} {paper.abstract}"):
        if end <= border:
            yield number, "title", start, end
        else:
            yield number, "" if start < border else "abstract", max(start - border - 1, 0), end - border - 1


def _category_hits(rule: int, wanted: str, paper: Paper) -> Iterator[Hit]:
    at = 0
    for category in paper.categories:
        if listed(category, (wanted,)):
            yield Hit(rule, "categories", at, at + len(category))
        at += len(category) + 1


def _words(patterns: list[str]) -> Finder:
    """Whole words, with plural and hyphen/space variants, whatever their case and accents."""
    from ahocorasick_rs import AhoCorasick, Implementation

    owners = [(spelling, number) for number, pattern in enumerate(patterns) for spelling in spellings(pattern)]
    automaton = AhoCorasick([spelling for spelling, _ in owners], implementation=Implementation.DFA)
    numbers = [number for _, number in owners]

    def find(text: str) -> list[tuple[int, int, int]]:
        folded = fold(text)
        hits = automaton.find_matches_as_indexes(folded, overlapping=True)
        return [(numbers[which], start, end) for which, start, end in hits if is_whole(folded, start, end)]

    return find


def _substrings(patterns: list[str]) -> Finder:
    """The keyword bot's rule, exactly: `keyword.lower() in text.lower()`."""
    lowered = [_lowered(pattern) for pattern in patterns]

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
    # "İ" alone grows when lowered; offsets must stay true
    return "".join(one if len(one := char.lower()) == 1 else char for char in text)


def regex_options() -> Any:
    """RE2's options for regular expressions of owners and strangers: whatever the case, and in bounded memory."""
    import re2  # only where a feed uses it

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = REGEX_BYTES
    return options


def regex_set(patterns: Iterable[str]) -> Any:
    """What tells in one pass which of `patterns` match. Raises `re2.error` if they are too much for that."""
    import re2

    options = regex_options()
    options.max_mem = REGEX_SET_BYTES
    which = re2.Set.SearchSet(options)
    for pattern in patterns:
        which.Add(pattern)
    which.Compile()
    return which


def _regexes(patterns: list[str]) -> Finder:
    """Regular expressions in RE2's syntax, whatever the case: linear time on any input.

    Of each the first match in a text is found: `.` would match in every place.
    """
    import re2

    options = regex_options()
    compiled = [re2.compile(pattern, options) for pattern in patterns]
    which = regex_set(patterns)

    def find(text: str) -> Iterator[tuple[int, int, int]]:
        for number in sorted(which.Match(text) or ()):
            for match in compiled[number].finditer(text):
                if match[0]:  # a pattern may match nothing between two letters
                    yield number, *match.span()
                    break

    return find


# For each value of `match`: the engine, and how it is led over a paper
ENGINES: dict[str, tuple[Callable[[list[str]], Finder], Callable[[Finder, Paper], Iterable[Place]]]] = {
    "word": (_words, _places_at_once),
    "substring": (_substrings, _places_joined),
    "regex": (_regexes, _places),
}
