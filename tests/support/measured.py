"""Work in processes of its own, with what it took: the processor's seconds and the memory.

`python -m tests.support.measured MODULE` does each piece of work of the module's table `CASES` in a forked process, one
after another, and prints a line of JSON for each: its name, outcome, seconds, and the bytes that the process grew by.
"""

import json
import logging
import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from core.config.settings import ROOT

_LIMIT_SECONDS = 60  # of the processor for each; then the process is ended
_PATIENCE = 600.0
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
_LONGEST = 2_000


class Cost(NamedTuple):
    """What came of the work as text ("" if it was ended), the processor's seconds, and how many bytes it grew by."""

    outcome: str
    seconds: float
    grown: int


def measure_all(module: str) -> dict[str, Cost]:
    """Do all `CASES` of a module, and return what each took."""
    command = [sys.executable, "-m", "tests.support.measured", module]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=_PATIENCE, check=True)
    return {name: Cost(*cost) for name, *cost in map(json.loads, done.stdout.splitlines())}


def _measure(work: Callable[[], object]) -> Cost:
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        _work(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        outcome = pipe.read().decode()
    _, _, used = os.wait4(child, 0)
    return Cost(outcome, used.ru_utime + used.ru_stime, max(used.ru_maxrss - begun, 0) * _UNIT)


def _work(work: Callable[[], object], writing: int) -> None:
    """What the forked process does; it ends here."""
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT_SECONDS, _LIMIT_SECONDS))
        try:
            outcome = f"{work()}"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        os.write(writing, outcome[:_LONGEST].encode("utf-8", "replace"))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # here only: an import of the module leaves the logs of its process alone
    for name, case in import_module(sys.argv[1]).CASES.items():
        print(json.dumps([name, *_measure(case)]), flush=True)  # noqa: T201
