"""What votes do for a ranking: two readers with graded papers (`benchmarks/readers`), and a reader over thirty days."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks.day import make_sheets
from benchmarks.measure import Cell, note, table
from core.model.feed import Feed, Keyword
from core.model.paper import Author, Paper
from core.model.votes import Votes, make_vote
from core.ranking.learned import Learned
from core.ranking.learning import Known, learn
from core.ranking.matching import make_scorer

READERS = ("quantum", "causal")
LISTS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "quantum": {
        "full": {
            "surface code": 3, "error correction": 3, "logical qubit": 3, "decoder": 2, "decoding": 2, "LDPC": 2,
            "stabilizer": 2, "fault-tolerant": 2, "syndrome": 2, "magic state": 2, "color code": 2, "toric code": 2,
            "qubit": 1, "threshold": 1,
        },
        "poor": {"quantum": 1, "decoding": 1},
    },
    "causal": {
        "full": {
            "treatment effect": 3, "doubly robust": 3, "causal": 2, "propensity": 2, "observational": 2,
            "confounding": 2, "confounder": 2, "instrumental variable": 2, "difference-in-differences": 2,
            "synthetic control": 2, "randomised trial": 2, "counterfactual": 1, "heterogeneous": 1,
        },
        "poor": {"causal": 1, "treatment": 1},
    },
}  # fmt: skip
COUNTS = (0, 3, 5, 10, 20)
DRAWS, SHUFFLES, BEST = 4, 100, 15
WRONG = 0.2
_ARCHIVE, _OTHERS = 600, 200  # invented papers: stored before, and among those that are ranked
_LIKED = 2  # the least grade that is liked
_TIME = "2026-03-02T08:00:00Z"
_PLACE = Path(__file__).parent / "readers"


class Graded(NamedTuple):
    """A paper with its reader's grade, 0 to 3. `votable`: the reader votes on it, and it is not ranked."""

    paper: Paper
    grade: int
    votable: bool


@cache
def load_reader(name: str) -> tuple[Graded, ...]:
    """Returns the graded papers of a reader."""
    out = []
    for number, line in enumerate((_PLACE / f"{name}.txt").read_text("utf-8").splitlines()):
        head, _, text = line.partition(" ")
        title, _, summary = text.partition(" | ")
        paper = make_paper(f"25{READERS.index(name) + 1:02}.{10000 + number}", title, summary)
        out.append(Graded(paper, int(head[1]), head[0] == "v"))
    return tuple(out)


def make_paper(id_: str, title: str, abstract: str) -> Paper:
    """Returns a paper of cs.LG."""
    return Paper(id_, 1, title, abstract, (Author("First Sample"),), ("cs.LG",))


def invented(count: int, seed: int) -> list[Paper]:
    """Returns invented papers."""
    return [make_paper(sheet.id, sheet.title, sheet.abstract) for sheet in make_sheets(count, seed=seed)]


def make_feed(reader: str, words: str) -> Feed:
    """Returns the feed of a reader with the full or the poor list of keywords."""
    keywords = tuple(Keyword(word, weight) for word, weight in LISTS[reader][words].items())
    return Feed(name="main", title="Main", categories=("cs.LG",), keywords=keywords)


def points_of(feed: Feed, papers: Iterable[Paper]) -> list[Known]:
    """Returns papers with their keyword points."""
    score = make_scorer(feed)
    return [Known(paper, found.total if (found := score(paper)) else 0.0) for paper in papers]


def totals(ranked: Sequence[Known], model: Learned | None) -> dict[str, float]:
    """Returns the score of each paper: keyword points and learned points."""
    return {
        known.paper.id: known.points + (sum(one.points for one in model.reasons(known.paper)) if model else 0.0)
        for known in ranked
    }


def draw(reader: str, count: int, number: int, wrong: float = 0.0) -> Votes:
    """Returns `count` likes and as many dislikes, or all there are; each is turned round with probability `wrong`."""
    dice = random.Random(97 * number + count)
    papers = [one for one in load_reader(reader) if one.votable]
    likes = [one.paper for one in papers if one.grade >= _LIKED]
    dislikes = [one.paper for one in papers if one.grade == 0]
    chosen = [(paper, 1) for paper in dice.sample(likes, min(count, len(likes)))]
    chosen += [(paper, -1) for paper in dice.sample(dislikes, min(count, len(dislikes)))]
    signs = [(paper, -sign if dice.random() < wrong else sign) for paper, sign in chosen]
    return Votes().voted([make_vote(paper.id, sign, _TIME, paper.title, paper.abstract) for paper, sign in signs])


def ndcg(scores: Mapping[str, float], grades: Mapping[str, int]) -> float:
    """Returns nDCG of the best fifteen with gain 2^grade - 1, the mean over orders of equal scores."""
    ideal = _gain(sorted(grades.values(), reverse=True))
    rows = list(scores.items())
    out = []
    for seed in range(SHUFFLES):
        random.Random(seed).shuffle(rows)
        ranked = sorted(rows, key=lambda row: -row[1])
        out.append(_gain([grades.get(name, 0) for name, _ in ranked]) / ideal)
    return fmean(out)


def _gain(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:BEST]))


def run(*, invented: bool = False) -> None:
    """Print nDCG@15 by number of votes. The data are the project's own, `invented` or not."""
    del invented
    rows: list[list[Cell]] = []
    head = ("reader", "list", "words", *(f"{count}+{count}" for count in COUNTS), "10+10, 20 % wrong")
    for words in ("full", "poor"):
        found = {reader: measure(reader, words) for reader in READERS}
        rows += [[reader, words, *(f"{value:.3f}" for value in values)] for reader, values in found.items()]
        rows.append(["mean", words, *(f"{fmean(values):.3f}" for values in zip(*found.values(), strict=True))])
    table("nDCG@15 of two readers (benchmarks/readers/README.md)", head, rows)
    note("20+20 are the 12 likes and 12 dislikes that there are.")


def measure(reader: str, words: str) -> list[float]:
    """Returns nDCG@15 by keywords alone, by the numbers of votes in `COUNTS`, and with wrong votes."""
    feed = make_feed(reader, words)
    grades = {one.paper.id: one.grade for one in load_reader(reader) if not one.votable}
    own = [one for name in READERS for one in load_reader(name)]
    archive = points_of(feed, [*(one.paper for one in own if one.votable), *invented(_ARCHIVE, 3)])
    ranked = points_of(feed, [*(one.paper for one in own if not one.votable), *invented(_OTHERS, 4)])

    def mean_of(count: int, wrong: float = 0.0) -> float:
        draws = [draw(reader, count, number, wrong) for number in range(DRAWS if count else 1)]
        return fmean(ndcg(totals(ranked, learn(feed, votes, archive)), grades) for votes in draws)

    by_words = ndcg(totals(ranked, None), grades)
    return [by_words, *map(mean_of, COUNTS), mean_of(10, WRONG)]


if __name__ == "__main__":
    run()
