"""Which rows of a matrix are run daily (`make test`): the others have the mark `slow` and wait for `make test-all`."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import pytest


def matrix(
    names: str | Sequence[str],
    rows: Iterable[Any],
    *,
    daily: Collection[Any] = (),
    ids: Callable[[Any], str] | None = None,
) -> pytest.MarkDecorator:
    """`parametrize` over rows of which only the `daily` ones, one of each kind, are run daily.

    `daily` has rows, or the first values of rows that are tuples.
    """
    return pytest.mark.parametrize(names, params(rows, daily, split=not isinstance(names, str)), ids=ids)


def params(rows: Iterable[Any], daily: Collection[Any], *, split: bool = False) -> list[Any]:
    """The same for a fixture; `split` takes each row for the values of several parameters."""
    rows = list(rows)
    heads = [row[0] if isinstance(row, tuple) else row for row in rows]
    assert [] == [name for name in daily if name not in rows and name not in heads]
    marks = [() if row in daily or head in daily else pytest.mark.slow for row, head in zip(rows, heads, strict=True)]
    values = [row if split else (row,) for row in rows]
    return [pytest.param(*value, marks=mark) for value, mark in zip(values, marks, strict=True)]


def chosen(request: pytest.FixtureRequest, name: str) -> list[Any]:
    """The values of a parameter for which tests of the module that asks are run: a fixture makes no more than these."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    params = [item.callspec.params for item in items if hasattr(item, "callspec")]
    values = [each[name] for each in params if name in each]
    return [value for number, value in enumerate(values) if value not in values[:number]]
