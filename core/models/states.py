"""What can be wrong with an answer: one table, of which everything else is read off."""

from dataclasses import dataclass
from typing import Any

from core.domain.errors import ModelError

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class State:
    """One row. `again`: a later try of the same may succeed, in `after` seconds.

    `for_all`: it is not about this paper; asking for others now is of no use. `calls` is how often one is made before
    it is told, with pauses in between; `second` is how the one second try is made that answers of this kind get.
    """

    says: str
    again: bool = True
    after: float | None = None
    for_all: bool = False
    calls: int = 1
    second: str = ""


STATES = {
    "wrong-key": State("the endpoint refuses the key; check LLM_API_KEY", again=False, for_all=True),
    "no-model": State(
        "the endpoint knows no such model or address; check LLM_MODEL and LLM_BASE_URL", again=False, for_all=True
    ),
    "no-credit": State("the account at the endpoint has no credit left", after=HOUR, for_all=True),
    "no-answer": State("what came is no answer of a language model; check LLM_BASE_URL", after=HOUR, for_all=True),
    "not-understood": State("the endpoint does not accept the request", again=False),
    "too-long": State("the text is longer than the model can read", again=False),
    "busy": State(
        "the endpoint has too much to do, or allows no more requests for now", after=60, for_all=True, calls=5
    ),
    "down": State("the endpoint does not answer, or has an error of its own", after=300, for_all=True, calls=3),
    "timeout": State("no complete answer came in time", after=300),
    "budget": State("the budget of tokens is used up", for_all=True),
    "refused": State("the model refuses to answer", again=False),
    "empty": State("the answer is empty", after=HOUR, second="same"),
    "cut-off": State("the answer ends before it is complete", after=HOUR, second="room"),
    "not-json": State("the answer is not JSON", after=HOUR, second="repair"),
    "wrong-shape": State("the answer is JSON of another shape than was asked for", after=HOUR, second="repair"),
}


def wrong(state: str, detail: str = "", *, retry_after: float | None = None, usage: Any = None) -> ModelError:
    """The error for a state of the table, with what more is known of it."""
    row = STATES[state]
    message = row.says[0].upper() + row.says[1:] + (f": {detail}" if detail else "")
    after = row.after if retry_after is None else retry_after
    return ModelError(state, message, again=row.again, retry_after=after, usage=usage)
