"""Untrusted regular expressions by RE2: linear time on any input, case-insensitive, in bounded memory.

Loaded only if a feed uses them.
"""

from collections.abc import Iterable
from typing import Any

import re2

_MOST_STEPS = 5_000  # of RE2's program: a letter of any alphabet takes 1,200
REGEX_BYTES = 1 << 20  # of memory for one regular expression and what its search remembers; RE2's default is 8 MB
REGEX_SET_BYTES = 8 << 20  # for all of a feed together


def check_regex(pattern: str) -> int:
    """Returns the steps of a regular expression. Raises `ValueError` if it is invalid, too large or useless."""
    compiled = compile_regex(pattern)
    if any((match := compiled.search(text)) and not match[0] for text in ("", "a", "a b")):
        raise ValueError(f"{pattern!r} matches the empty text, and so every paper")
    size: int = compiled.programsize
    if size > _MOST_STEPS:
        raise ValueError(f"{pattern!r} is too large: {size:,} steps, of which {_MOST_STEPS:,} are possible")
    return size


def compile_regex(pattern: str) -> Any:
    """Compile one regular expression. Raises `ValueError` with the reason if it is invalid."""
    try:
        return re2.compile(pattern, _options(REGEX_BYTES))
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression in RE2's syntax: {reason}") from None


def regex_set(patterns: Iterable[str]) -> Any:
    """Returns a set that finds the matching `patterns` in one pass. Raises `ValueError` if they are too large."""
    which = re2.Set.SearchSet(_options(REGEX_SET_BYTES))
    try:
        for pattern in patterns:
            which.Add(pattern)
        which.Compile()
        which.Match("")
    except re2.error as error:
        raise ValueError("too much for one pass over a text") from error
    return which


def _options(memory: int) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = memory
    return options
