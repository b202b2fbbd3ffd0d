"""Hostile answers: each is a named failure, or is read within bounds of time and memory."""

import sys

import pytest

from core.model import errors
from tests.support.measured import Cost, measure_all

SECONDS = 8.0  # of the processor, on a slow machine; before there were bounds, it was minutes for many
GROWN = 200_000_000  # bytes


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """What reading each of them takes."""
    return measure_all("tests.sources.hostile_answers")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_hostile_answers(costs: dict[str, Cost]) -> None:
    """No answer takes much time or memory, none ends the process, and what cannot be read says why."""
    wrong = []
    for name, cost in costs.items():
        kind = cost.outcome.partition(":")[0]
        named = issubclass(getattr(errors, kind, object), errors.PaperwireError)
        if not cost.outcome or (kind.endswith("Error") and not named):
            wrong.append((name, "outcome", cost.outcome[:200]))
        if cost.seconds > SECONDS or cost.grown > GROWN:
            wrong.append((name, f"{cost.seconds:.1f} s", f"{cost.grown / 1e6:.0f} MB"))
    assert [] == wrong
