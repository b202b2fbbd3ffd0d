"""Taking times in turn, so that a busy machine slows all sides alike, and showing them as plain tables."""

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import quantiles
from time import perf_counter

Steps = dict[str, float]  # what was done → milliseconds
Run = Callable[[], Steps]
Cell = str | float | int


class Stopwatch:
    """Milliseconds of consecutive steps."""

    def __init__(self) -> None:
        self.steps: Steps = {}
        self._since = perf_counter()

    def step(self, name: str) -> None:
        """Book the time since the last step under `name`."""
        now = perf_counter()
        self.steps[name] = self.steps.get(name, 0.0) + (now - self._since) * 1000
        self._since = perf_counter()


def interleaved(runs: Mapping[str, Run], rounds: int, *, warm_up: int = 1) -> dict[str, list[Steps]]:
    """What each run measured, `rounds` times in turn: A B A B. Garbage is collected before every run, not within."""
    out: dict[str, list[Steps]] = {name: [] for name in runs}
    for number in range(warm_up + rounds):
        for name, run in runs.items():
            gc.collect()
            steps = run()
            if number >= warm_up:
                out[name].append(steps)
    return out


def of_steps(measured: Sequence[Steps], *names: str) -> list[float]:
    """For each run the sum of the steps named; of all of them, if none is."""
    return [sum(steps[name] for name in names or steps) for steps in measured]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted(values)[min(math.ceil(len(values) * 0.99), len(values)) - 1]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table: the first column flush left, numbers flush right."""
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [list(head), *cells]) for at in range(len(head))]
    print(f"\n{title}")
    for row in (list(head), ["-" * width for width in widths], *cells):
        first, *others = (
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *others]).rstrip())


def note(*lines: str) -> None:
    """Print remarks below a table."""
    for line in lines:
        print(f"  {line}")


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
