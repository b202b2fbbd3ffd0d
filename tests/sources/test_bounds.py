"""Hostile answers: each is a named failure, or is read within bounds of time and memory."""

import json
import sys

import pytest

from core.model import errors
from tests.sources.endless_answers import CALLS, CONTENT, LINES
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_answers_that_never_end() -> None:
    """A byte a second, silence, redirects from host to host and in circles: a named failure, within a limit of time,
    and no other host is asked.
    """
    wrong, costs = [], measure_all("tests.sources.endless_answers")
    for name, (_, most, host) in CALLS.items():
        outcomes = json.loads(costs[name].outcome)
        assert LINES.keys() == outcomes.keys()
        for kind, (said, seconds, hosts) in outcomes.items():
            named = issubclass(getattr(errors, said.partition(":")[0], object), errors.PaperwireError)
            content = said == CONTENT and kind == "drips" and name in ("QStash", "SQS", "a WebSub hub")
            if not (named or content) or seconds > most or hosts != [f"{host}.example"]:
                wrong.append((name, kind, said, seconds, hosts))
    assert [] == wrong
