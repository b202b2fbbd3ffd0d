"""The trace of the current request, for its log line, its headers and the limits of its client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import Scope


@dataclass(slots=True)
class Trace:
    """A request: its start (`perf_counter`), its id, and properties of its answer.

    `cache` is the source of the answer: "hot" (the cache of whole answers), "rendered" (rendered before) or "cold"
    (rendered for this request); "" for answers that are not cached. `spans` are seconds by name.
    """

    scope: Scope
    headers: Mapping[bytes, bytes]
    started: float
    id: str
    cache: str = ""
    status: int = 0
    sent: int = 0
    spans: dict[str, float] = field(default_factory=dict)
    is_owner: bool = False  # sent the key of a private copy
    is_safe: bool = False  # its answer has all security headers


CURRENT: ContextVar[Trace | None] = ContextVar("paperwire.trace", default=None)


@contextmanager
def span(name: str) -> Iterator[None]:
    """Add the duration of the block to the request's span `name`."""
    trace, begun = CURRENT.get(), perf_counter()
    try:
        yield
    finally:
        if trace:
            trace.spans[name] = trace.spans.get(name, 0.0) + perf_counter() - begun
