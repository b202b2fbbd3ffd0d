"""What is known of the request that is being answered, for its log line, its headers and the limits of its client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import Scope


@dataclass(slots=True)
class Trace:
    """A request: when it came (`perf_counter`), its id, and what has been found out of its answer.

    `cache` says where the answer came from: "hot" (the memory of whole answers), "rendered" (it was rendered before) or
    "cold" (it was made for this request); "" for what is not kept. `spans` are seconds by name.
    """

    scope: Scope
    headers: Mapping[bytes, bytes]
    started: float
    id: str
    cache: str = ""
    status: int = 0
    sent: int = 0
    spans: dict[str, float] = field(default_factory=dict)
    is_owner: bool = False  # who showed the key of a private copy
    is_safe: bool = False  # its answer has all headers of safety


CURRENT: ContextVar[Trace | None] = ContextVar("paperwire.trace", default=None)


@contextmanager
def span(name: str) -> Iterator[None]:
    """Add the time that this takes to what the request spends on `name`."""
    trace, begun = CURRENT.get(), perf_counter()
    try:
        yield
    finally:
        if trace:
            trace.spans[name] = trace.spans.get(name, 0.0) + perf_counter() - begun
