"""Scoring alone: which keywords are in 1,000 texts, by six engines, and how often each finds exactly the right ones."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import TypeVar

from benchmarks.day import FEEDS, load_texts
from benchmarks.measure import Cell, Run, Steps, Stopwatch, interleaved, note, of_steps, table
from benchmarks.vocabulary import HEADS, MODIFIERS
from core.config.feeds_file import load_feeds_file
from core.model.feed import Feed, parse_keyword
from core.model.paper import Paper
from core.model.rules import Term, parse_rule
from core.ranking.matching import ENGINES, make_scorer
from core.text.english import spellings
from core.text.fold import fold

TEXTS = 1000
SIZES = {40: 5, 400: 3}  # keywords → rounds
SLOW_TEXTS = 200  # what an engine that takes seconds is given; its time is scaled up
SLOW_FROM = 100  # keywords
T = TypeVar("T")
K = TypeVar("K")

Engine = Callable[[str], frozenset[int]]  # a text → the numbers of the keywords in it


@dataclass(frozen=True, slots=True)
class Contender:
    """An engine: how it is made from keywords, what it yields beside yes or no, whether many keywords slow it much."""

    name: str
    make: Callable[[list[str]], Engine]
    places: str
    slow: bool = False


def run(*, invented: bool = False) -> None:
    """Measure every engine with few and with many keywords."""
    texts, origin = load_texts(TEXTS, invented=invented)
    known = keywords()
    for size, rounds in SIZES.items():
        rows, hits = _compared(known[:size], texts, rounds)
        table(
            f"Finding {size} keywords in {origin}, {hits:.1f} of them in a paper on average; "
            f"medians of {rounds} runs in turn",
            ("engine", "ms per 1,000", "times faster", "build ms", "right papers", "tells where"),
            rows,
        )
    note(
        "Right: exactly the keywords that are there as whole words, their plurals and hyphened spellings included, as",
        "  one regular expression per keyword finds them; so that row is right by definition. Times faster: than it.",
        f"From {SLOW_FROM} keywords on, right is over {SLOW_TEXTS} papers, and * was timed on as many and scaled up.",
    )


def keywords() -> list[str]:
    """The keywords of the feeds, then technical terms of two words; every one once."""
    feeds = load_feeds_file(FEEDS).feeds.values()
    rules = [parse_rule(rule) for feed in feeds for rule in feed.labels]
    listed = [term.text for alternatives in rules for terms in alternatives for term in terms if not term.open]
    terms = [f"{modifier} {head}" for head, modifier in product(HEADS[::2], MODIFIERS[::3])]
    once = {" ".join(fold(text).split()): text for text in reversed([*listed, *HEADS[:60], *terms])}
    return list(reversed(once.values()))[: max(SIZES)]


def whole_words(patterns: list[str]) -> Engine:
    """One regular expression per keyword: the yardstick of rightness."""
    compiled = [re.compile(_bounded(spellings(pattern))) for pattern in patterns]

    def find(text: str) -> frozenset[int]:
        folded = fold(text)
        return frozenset(number for number, one in enumerate(compiled) if one.search(folded))

    return find


def _substrings(patterns: list[str]) -> Engine:
    lowered = [pattern.lower() for pattern in patterns]

    def find(text: str) -> frozenset[int]:
        haystack = text.lower()
        return frozenset(number for number, needle in enumerate(lowered) if needle in haystack)

    return find


def _alternation(patterns: list[str]) -> Engine:
    owners = {spelling: number for number, pattern in enumerate(patterns) for spelling in spellings(pattern)}
    compiled = re.compile(_bounded(sorted(owners, key=len, reverse=True)))

    def find(text: str) -> frozenset[int]:
        return frozenset(owners[match[0]] for match in compiled.finditer(fold(text)))

    return find


def _re2_set(patterns: list[str]) -> Engine:
    import re2

    which = re2.Set.SearchSet()
    for pattern in patterns:
        which.Add(_bounded(spellings(pattern), before=r"(?:^|\W)", after=r"(?:\W|$)"))
    which.Compile()
    return lambda text: frozenset(which.Match(fold(text)) or ())  # None where nothing matches


def _dictionary(patterns: list[str]) -> Engine:
    """Tokens looked up in a dictionary of first words; no dependency."""
    token = re.compile(r"\w+|[^\w\s]")
    firsts: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for number, pattern in enumerate(patterns):
        for spelling in spellings(pattern):
            words = tuple(token.findall(spelling))
            firsts.setdefault(words[0], []).append((words, number))

    def find(text: str) -> frozenset[int]:
        tokens = token.findall(fold(text))
        found = set()
        for at, word in enumerate(tokens):
            for words, number in firsts.get(word, ()):
                if len(words) == 1 or tuple(tokens[at : at + len(words)]) == words:
                    found.add(number)
        return frozenset(found)

    return find


def _paperwire(patterns: list[str]) -> Engine:
    find = ENGINES["word"][0]([Term(pattern) for pattern in patterns])
    return lambda text: frozenset(number for number, _, _ in find(text))


CONTENDERS = (
    Contender("re, one per keyword", whole_words, "first", slow=True),
    Contender("re, one alternation", _alternation, "yes", slow=True),
    Contender("token dictionary, pure Python", _dictionary, "possible"),
    Contender("substring loops", _substrings, "no"),
    Contender("re2 Set", _re2_set, "no"),
    Contender("Paperwire's word engine", _paperwire, "every"),
)


def _bounded(alternatives: list[str], before: str = r"(?<!\w)", after: str = r"(?!\w)") -> str:
    return f"{before}(?:{'|'.join(map(re.escape, alternatives))}){after}"


def _compared(patterns: list[str], texts: list[tuple[str, str]], rounds: int) -> tuple[list[list[Cell]], float]:
    """A row for each engine, and how many keywords a paper has."""
    joined = [f"{title}\n{abstract}" for title, abstract in texts]
    many = len(patterns) >= SLOW_FROM
    truth = whole_words(patterns)
    expected = [truth(text) for text in joined[: SLOW_TEXTS if many else None]]
    runs: dict[str, Run] = {}
    more: dict[str, tuple[float, Cell, Cell]] = {}
    for contender in CONTENDERS:
        find, build = _built(contender.make, patterns)
        fewer = contender.slow and many
        name = contender.name + (" *" if fewer else "")
        right = sum(find(text) == wanted for text, wanted in zip(joined, expected, strict=False)) / len(expected)
        more[name] = build, f"{right:.1%}", contender.places
        runs[name] = _timed(find, joined[: SLOW_TEXTS if fewer else None])
    feed = Feed("bench", "Bench", ("cs.LG",), keywords=tuple(map(parse_keyword, patterns)))
    papers = [Paper("2512.00001", 1, title, abstract, (), ("cs.LG",)) for title, abstract in texts]
    score, build = _built(make_scorer, feed)
    more["  the same, with points and reasons"] = build, "", "every"
    runs["  the same, with points and reasons"] = _timed(score, papers)
    times = {name: median(of_steps(measured)) for name, measured in interleaved(runs, rounds, warm_up=0).items()}
    slowest = next(iter(times.values()))
    rows: list[list[Cell]] = [[name, took, f"{slowest / took:.1f}", *more[name]] for name, took in times.items()]
    return rows, sum(map(len, expected)) / len(expected)


def _timed(find: Callable[[T], object], given: Sequence[T]) -> Run:
    """A run over `given`; milliseconds per 1,000."""

    def timed() -> Steps:
        watch = Stopwatch()
        for one in given:
            find(one)
        watch.step("find")
        return {name: took * 1000 / len(given) for name, took in watch.steps.items()}

    return timed


def _built(make: Callable[[K], Callable[[T], object]], given: K) -> tuple[Callable[[T], object], float]:
    """What `make` makes of `given`, and how long that takes in ms."""
    re.purge()
    watch = Stopwatch()
    made = make(given)
    watch.step("build")
    return made, watch.steps["build"]


if __name__ == "__main__":
    run()
