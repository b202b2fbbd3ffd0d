"""Which rows of a matrix are run daily (`make test`): the others have the mark `slow` and wait for `make test-all`."""

from collections.abc import Iterable
from typing import Any

import pytest


def daily(rows: Iterable[Any], *chosen: Any) -> list[Any]:
    """Rows as parameters of a test, of which only the chosen ones, one of each kind, are run daily.

    A row is chosen by itself or, if it is a tuple, by its first value.
    """
    rows = list(rows)
    known = [*rows, *(row[0] for row in rows if isinstance(row, tuple))]
    assert [] == [name for name in chosen if name not in known]
    return [row if _is_chosen(row, chosen) else _slow(row) for row in rows]


def _is_chosen(row: Any, chosen: tuple[Any, ...]) -> bool:
    return row in chosen or (isinstance(row, tuple) and row[0] in chosen)


def _slow(row: Any) -> Any:
    return pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.slow)
