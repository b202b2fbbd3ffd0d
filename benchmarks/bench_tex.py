"""TeX to readable text: every title and abstract of a day; beside pylatexenc, where it is installed."""

import re
from collections.abc import Callable
from importlib import import_module, util
from importlib.metadata import version
from statistics import median
from time import perf_counter

from benchmarks.day import load_day
from benchmarks.measure import Cell, interleaved, note, of_steps, table
from core.sources.parse import parse_feed
from core.text.tex import to_readable

Reading = Callable[[str], str]
GOAL = 0.2  # ms a string
ALTERNATIVE = "pylatexenc"  # no dependency of the project: `uv run --with pylatexenc python -m benchmarks tex`
_WITH_TEX = re.compile(r"[$\\{~`]|--")


def run(*, invented: bool = False, rounds: int = 21) -> None:
    """Read the day's strings in turn with all readings that there are."""
    day = load_day(invented=invented)
    papers = [item.paper for item in parse_feed(day.body).announcements]
    titles = [paper.title_tex or paper.title for paper in papers]
    abstracts = [paper.abstract_tex or paper.abstract for paper in papers]
    texts = {
        "titles": titles,
        "abstracts": abstracts,
        "both": titles + abstracts,
        "those with TeX": list(filter(_WITH_TEX.search, titles + abstracts)),
    }
    readings = {"to_readable": to_readable} | _alternative()
    rows: list[list[Cell]] = []
    for what, strings in texts.items():
        measured = interleaved(
            {name: _timed(read, strings) for name, read in readings.items()}, rounds if len(readings) == 1 else 5
        )
        each = {name: median(of_steps(steps)) / max(len(strings), 1) for name, steps in measured.items()}
        rows.append([what, len(strings), *map(_shown, each.values()), *_ratio(list(each.values()))])
    table(
        f"{day.origin}: ms a string (goal: at most {GOAL:g} on average)",
        ("", "strings", *readings, *(["ratio"] if len(readings) > 1 else [])),
        rows,
    )
    if len(readings) == 1:
        note(f"{ALTERNATIVE} is not installed, so there is nothing to compare with.")


def _timed(read: Reading, strings: list[str]) -> Callable[[], dict[str, float]]:
    def timed() -> dict[str, float]:
        start = perf_counter()
        for text in strings:
            read(text)
        return {"read": (perf_counter() - start) * 1000}

    return timed


def _alternative() -> dict[str, Reading]:
    if util.find_spec(ALTERNATIVE) is None:
        return {}
    read: Reading = import_module(f"{ALTERNATIVE}.latex2text").LatexNodes2Text().latex_to_text
    return {f"{ALTERNATIVE} {version(ALTERNATIVE)}": _surviving(read)}


def _surviving(read: Reading) -> Reading:
    """`read`, but for the text as it is where that fails: one argument too few is enough."""

    def surviving(text: str) -> str:
        try:
            return read(text)
        except (IndexError, ValueError):
            return text

    return surviving


def _shown(milliseconds: float) -> str:
    return f"{milliseconds:.4f}"


def _ratio(each: list[float]) -> list[str]:
    return [f"{each[1] / each[0]:.0f}×"] if len(each) > 1 else []


if __name__ == "__main__":
    run()
