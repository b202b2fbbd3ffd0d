"""Tables of cases: for what is pure and quick, one test goes over all rows, and says which of them fail."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

Test = Callable[..., None]


def each_row(names: str | Sequence[str], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but as one test: for hundreds of rows the machinery of so many tests would take
    longer than what they test.

    All rows are tried; each that fails is reported with its values. Rows share the fixtures of the test.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [dict(zip(wanted, row if len(wanted) > 1 else (row,), strict=True)) for row in rows]
    assert table, "a table without rows tests nothing"

    def decorate(test: Test) -> Test:
        signature = inspect.signature(test)

        @wraps(test)
        def over_all_rows(**fixtures: Any) -> None:
            failures = []
            for values in table:
                try:
                    test(**fixtures, **values)
                except Exception as failure:
                    failure.add_note(f"in the row {values!r}")
                    failures.append(failure)
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(table)} rows fail", failures)

        rest = [each for name, each in signature.parameters.items() if name not in wanted]
        over_all_rows.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return over_all_rows

    return decorate
