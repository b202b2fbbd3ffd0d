"""How long a free plan takes to read a day's papers, in virtual time: the steps of three days, and when each was read.

The shipped feeds with key findings for the main one, 300 papers a day, gates of 3 s (15 s for arXiv's site), a model
that takes 12 s an answer. On Vercel each step has 300 s and a newborn instance, and crons come up to an hour late; on
Lambda it has 900 s. See `tests.support.free_plan`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.measure import Cell, note, table
from core.config.settings import ROOT

KINDS = {
    "queue": ("Vercel with QStash", 60),
    "readers": ("Vercel without a queue: crons, and a reader once an hour", 240),
    "lambda": ("Lambda with SQS", 60),
}
PICKS_AT = 12 * 60  # minutes: then Hugging Face has picked, and there is more to read

_ENV = {"PATH": os.environ["PATH"]}  # without the settings of who runs this

Visit = Mapping[str, Any]


def run(*, invented: bool = False) -> None:  # noqa: ARG001 - the days are always invented ones
    """Simulate all kinds, and print their steps."""
    for kind, (name, goal) in KINDS.items():
        *visits, total = simulate(kind)
        rows: list[list[Cell]] = [
            [v["day"], clock(v["minute"]), v["who"], v["seconds"], v["answered"], v["fetched"], v["pending"]]
            for v in visits
            if v["seconds"] >= 1
        ]
        head = ("day", "begins", "by", "seconds", "answers", "texts", "then pending")
        table(f"{name}: the steps that did something", head, rows)
        for day, minutes, left in read_within(visits):
            held = "held" if minutes <= goal else "MISSED"
            note(f"{day}: all planned papers were read {minutes:.0f} minutes after the first step ({held}: {goal});")
            note(f"  {left} dates or papers were pending at its end.")
        note(f"{total['asked']} questions, {total['repeated']} of them repeated; {total['texts']} texts.")


def simulate(kind: str, *options: str, seconds: float = 1_800) -> list[Visit]:
    """Returns the invocations of the days, and at the end the totals."""
    command = [sys.executable, "-m", "tests.support.free_plan", kind, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, env=_ENV, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-2_000:])
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_within(visits: Sequence[Visit]) -> Iterator[tuple[str, float, int]]:
    """Yields for each day in how many minutes after its first step all papers of the morning were read, and what was
    pending at its end.
    """
    for day in dict.fromkeys(visit["day"] for visit in visits):
        steps = [v for v in visits if v["day"] == day and v["seconds"] >= 1]
        morning = [v for v in steps if v["minute"] < PICKS_AT]
        asking = [v for v in morning if v["answered"]]
        end = max(v["minute"] + v["seconds"] / 60 for v in asking)
        last = max((v for v in visits if v["day"] == day), key=lambda v: v["minute"] + v["seconds"] / 60)
        yield day, end - morning[0]["minute"], last["pending"]


def clock(minute: float) -> str:
    """The time of a day in minutes, as hours and minutes."""
    return f"{int(minute) // 60:02}:{int(minute) % 60:02}"
