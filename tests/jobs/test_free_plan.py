"""A day of the shipped feeds on free plans, in virtual time: all of it gets read, and nothing is pending at its end."""

import pytest

from benchmarks.bench_free_plan import KINDS, read_within, simulate

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_is_read(kind: str) -> None:
    """With a model that takes 12 s an answer and arXiv's gates, every planned paper is read: within an hour of the
    first step where a queue calls the next one, else within four hours. No step outlasts its platform, and nothing is
    asked twice.
    """
    *visits, total = simulate(kind, "--days", "1", "--retention", "3", seconds=280)
    ((_, minutes, left),) = read_within(visits)
    assert minutes <= KINDS[kind][1]
    assert 0 == left
    assert 504 not in {visit["status"] for visit in visits}
    assert (total["asked"] > 60, 0) == (True, total["repeated"])
    assert total["texts"] >= 45


def test_a_model_that_thinks_reads_the_day() -> None:
    """With 5,000 tokens of thoughts before each answer, which take 50 s more, the day is read all the same."""
    *visits, total = simulate("queue", "--days", "1", "--retention", "3", "--thinks", "5000", seconds=280)
    ((_, _, left),) = read_within(visits)
    assert 0 == left
    assert total["written"] > 5_000 * 60
    assert 0 == total["repeated"]
