"""A table of cases in one test: every row is tried, and the ones that fail are named."""

import inspect
from pathlib import Path

import pytest

from tests.support.tables import each_row


def test_every_row_is_tried_and_those_that_fail_are_named(tmp_path: Path) -> None:
    """A row that fails does not end the others; fixtures reach each of them."""
    tried = []

    @each_row("number, even", [(1, False), (2, True), (3, True), (4, False)])
    def test(number: int, folder: Path, *, even: bool) -> None:
        tried.append((number, folder))
        assert even == (number % 2 == 0)

    assert ["folder"] == list(inspect.signature(test).parameters)
    with pytest.raises(ExceptionGroup, match="2 of 4 rows fail") as raised:
        test(folder=tmp_path)
    assert [(number, tmp_path) for number in (1, 2, 3, 4)] == tried
    notes = [each.__notes__ for each in raised.value.exceptions]
    assert [["in the row {'number': 3, 'even': True}"], ["in the row {'number': 4, 'even': False}"]] == notes


def test_a_table_has_rows() -> None:
    """A table without rows, which would test nothing, is refused."""
    with pytest.raises(AssertionError):
        each_row("number", [])
