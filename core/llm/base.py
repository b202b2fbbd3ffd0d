"""The port to language models: what is asked, and what comes back.

What can be wrong with an answer: one table, of which everything else is read off.

How many tokens a text may be: no tokenizer is asked, as each model has its own, so rather too many than too few."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from pydantic import BaseModel

from core.model.errors import ModelError

STEPS = ("screen", "analyse", "summarise", "review")


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model. `step` decides which model is asked, and is what usage is recorded under.

    `system` holds instructions, `user` the material, which is data and never instructions. With a `shape` the answer is
    JSON that this pydantic model accepts, without one it is text. `most_tokens` bounds the answer.
    """

    step: str
    system: str
    user: str
    shape: type[BaseModel] | None = None
    most_tokens: int = 2000


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers took: tokens read, tokens written, and the number of calls."""

    prompt: int = 0
    completion: int = 0
    calls: int = 0

    @property
    def total(self) -> int:
        """All tokens."""
        return self.prompt + self.completion

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.calls + other.calls)


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` is an instance of the question's shape, or a text; `model` is the name of the one that gave it."""

    value: Any
    model: str
    usage: Usage = field(default_factory=Usage)


class Model(Protocol):
    """A language model, or several: one for each step. Safe to be asked several things at once."""

    def name(self, step: str) -> str:
        """The name of the model that answers in this step."""

    async def ask(self, ask: Ask, *, deadline: float) -> Answer:
        """The answer, at the latest at `deadline` (the event loop's time).

        Takes the budget before it asks, and settles it afterwards. Raises `ModelError`, whose `state` says what was
        wrong (`core.llm.base`) and whose `again` says whether a later try may succeed.
        """

    async def close(self) -> None:
        """Free connections; the model is not asked afterwards."""


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


_PIECES = re.compile(r"[A-Za-z]{1,4}|\n|[^\sA-Za-z]")  # digits, signs and other scripts may be a token for each
_A_MESSAGE = 16  # what frames it


def tokens_of(text: str) -> int:
    """An estimate from above for most tokenizers: about 1.3 times what they make of English prose."""
    return sum(1 for _ in _PIECES.finditer(text))


def tokens_of_request(request: Mapping[str, Any]) -> int:
    """How many tokens a request has to be read: its messages, and the schema if there is one."""
    messages = request["messages"]
    words = sum(tokens_of(message["content"]) + _A_MESSAGE for message in messages)
    return words + tokens_of(orjson.dumps(request.get("response_format") or "").decode())
