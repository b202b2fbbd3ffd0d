"""A reader over thirty days, as a chart: `python -m benchmarks.learning_days docs/learning.svg`.

Each day has 60 invented papers, made from those that `benchmarks/readers` grades: the title of one with sentences of
two others of the same grade. The reader looks at the first 15, votes on 70 % of them (likes grades 2 and 3, dislikes
grade 0), and finds the next day ranked by what the votes taught. Shown is how many of the day's first ten have grade 2
or 3.

In the second chart, days have the papers of both readers, and from day 16 on the interest is the other one. That
day the reader searches for five papers of it and likes them; the keywords stay, and the old votes too, or not.
"""

import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.bench_ranking import READERS, Graded, invented, load_reader, make_feed, make_paper, points_of, totals
from core.model.paper import Paper
from core.model.votes import Vote, Votes, make_vote
from core.ranking.learning import learn

DAYS, LOOKED_AT, FIRST, VOTED = 30, 15, 10, 0.7
TURN = 16  # the day from which the interest is another one
SOUGHT = 5  # papers of it that the reader searches for and likes on that day
_OF_GRADES = {3: 5, 2: 7, 1: 8, 0: 20}  # papers of the reader's field a day
_OTHERS = 20  # invented ones that concern nobody
Day = Sequence[tuple[Paper, Mapping[str, int]]]  # papers with their grades, by reader


def main() -> None:
    """Simulate, print the means, and write the chart."""
    first = {"by votes": run_of("quantum", "poor"), "by words alone": run_of("quantum", "poor", votes=False)}
    second = {
        "forgets votes before day 16": run_of("quantum", "poor", turns=True, forgets=True),
        "keeps all votes": run_of("quantum", "poor", turns=True),
    }
    for name, values in (first | second).items():
        parts = (values[:5], values[5:15], values[15:20], values[20:])
        print(f"{name:32}", *(f"{fmean(part):.2f}" for part in parts), sep="  ")
    Path(sys.argv[1]).write_text(
        chart({"One reader with two keywords": first, "Another interest from day 16 on": second}), "utf-8"
    )


def run_of(reader: str, words: str, *, votes: bool = True, turns: bool = False, forgets: bool = False) -> list[float]:
    """Returns precision@10 by day. `turns`: the interest is the other reader's at last."""
    dice = random.Random(1)
    feed = make_feed(reader, words)
    other = next(name for name in READERS if name != reader)
    known = points_of(feed, invented(500, 5))
    given = Votes()
    out = []
    for number in range(1, DAYS + 1):
        interest = other if turns and number >= TURN else reader
        papers, grades = _day(number, READERS if turns else (reader,), interest)
        if forgets and number == TURN + 1:  # the owner has seen that the interest is another one
            given = given.forgotten(_time(TURN))
        model = learn(feed, given, known) if votes else None
        today = points_of(feed, papers)
        scores = totals(today, model)
        ranked = sorted(scores, key=lambda name: (-scores[name], dice.random()))
        out.append(sum(grades.get(name, 0) >= 2 for name in ranked[:FIRST]) / FIRST)
        given = given.voted(_votes(ranked[:LOOKED_AT], {paper.id: paper for paper in papers}, grades, number, dice))
        if turns and number == TURN:
            given = given.voted(_sought(papers, grades, number))
        known += today
    return out


def _sought(papers: Sequence[Paper], grades: Mapping[str, int], number: int) -> list[Vote]:
    """Returns likes of the first papers of the new interest, which the reader searched for."""
    found = [paper for paper in papers if grades.get(paper.id, 0) >= 2][:SOUGHT]
    return [make_vote(paper.id, 1, _time(number), paper.title, paper.abstract) for paper in found]


def _day(number: int, readers: Sequence[str], interest: str) -> tuple[list[Paper], dict[str, int]]:
    """Returns the papers of a day, and the grades of those that are of the interest."""
    dice = random.Random(number)
    papers: list[Paper] = []
    grades: dict[str, int] = {}
    for reader in readers:
        for grade, count in _OF_GRADES.items():
            sources = [one for one in load_reader(reader) if one.grade == grade]
            for _ in range(count):
                paper = _mixed(f"26{number:02}.{20000 + len(papers)}", dice.sample(sources, 3))
                papers.append(paper)
                if reader == interest:
                    grades[paper.id] = grade
    papers += [
        make_paper(f"27{number:02}.{n:05}", one.title, one.abstract)
        for n, one in enumerate(invented(_OTHERS, 90 + number))
    ]
    return papers, grades


def _mixed(name: str, sources: Sequence[Graded]) -> Paper:
    one, two, three = (each.paper for each in sources)
    return make_paper(name, one.title, f"{two.abstract} {three.abstract}")


def _votes(
    seen: Sequence[str], papers: Mapping[str, Paper], grades: Mapping[str, int], number: int, dice: random.Random
) -> list[Vote]:
    signs = {name: 1 if grades.get(name, 0) >= 2 else -1 for name in seen if grades.get(name, 0) != 1}
    chosen = [name for name in signs if dice.random() < VOTED]
    return [make_vote(name, signs[name], _time(number), papers[name].title, papers[name].abstract) for name in chosen]


def _time(number: int) -> str:
    return f"2026-03-{number:02}T08:00:00Z"


# The chart

_WIDTH, _HEIGHT, _LEFT, _TOP, _PLOT = 720, 250, 44, 40, 430
_LINES = (("#0b5cad", ""), ("#0b5cad", "5 4"), ("#b04a00", ""), ("#b04a00", "5 4"))


def chart(parts: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Returns the charts, one below the other, as SVG."""
    height = _HEIGHT * len(parts)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        "<title>Share of relevant papers among the day's first ten, over thirty days</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for row, (title, lines) in enumerate(parts.items()):
        out.append(f'<g transform="translate({_LEFT} {_TOP + row * _HEIGHT})">{_part(title, lines)}</g>')
    return "\n".join([*out, "</svg>\n"])


def _part(title: str, lines: Mapping[str, Sequence[float]]) -> str:
    plot = _HEIGHT - 80
    out = [f'<text y="-14" font-weight="bold">{title}: precision of the day’s first ten</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = round(plot * (1 - share))
        out.append(f'<path d="M0 {at}H{_PLOT}" stroke="#ddd"/>')
        out.append(f'<text x="-8" y="{at + 4}" text-anchor="end">{share:g}</text>')
    days = (1, 5, 10, 15, 20, 25, 30)
    out += [f'<text x="{_across(day):.0f}" y="{plot + 18}" text-anchor="middle">{day}</text>' for day in days]
    for number, ((color, dashes), (name, values)) in enumerate(zip(_LINES, lines.items(), strict=False)):
        style = f'fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dashes}"'
        points = " ".join(f"{_across(day):.1f},{plot * (1 - value):.1f}" for day, value in enumerate(values, 1))
        at = 20 + 24 * number
        out.append(f'<polyline points="{points}" {style}/><path d="M{_PLOT + 16} {at}h24" {style}/>')
        out.append(f'<text x="{_PLOT + 46}" y="{at + 4}">{name}</text>')
    return "".join(out)


def _across(day: int) -> float:
    return (day - 1) / (DAYS - 1) * _PLOT


if __name__ == "__main__":
    main()
