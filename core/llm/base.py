"""The port to language models: questions, answers, the account that calls are charged to, and failures.

`STATES` is the table of failures: the message of each, whether a later try may help, and how often a call is repeated.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson
from pydantic import BaseModel

from core.model.errors import ModelError
from core.model.fulltext import Coverage

STEPS = ("screen", "analyse", "summarise", "review")


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model. `step` selects the model, and names its usage.

    `system` holds instructions, `user` the material, which is data and never instructions. With a `shape` the answer is
    JSON that this pydantic model accepts, without one it is text. `most_tokens` bounds the answer, without what the
    model thinks before it. `shorter` gives the same question about a text of so many characters at most, for a model
    that cannot read all of it; None where nothing can be left out. `coverage` is what of the full text the material
    holds. `language` is that of the answer, "" for any; an answer in another one is asked for once more, and then
    taken as it is.
    """

    step: str
    system: str
    user: str
    shape: type[BaseModel] | None = None
    most_tokens: int = 2000
    shorter: "Callable[[int], Ask] | None" = None
    language: str = ""
    coverage: Coverage | None = None
    invents: tuple[str, ...] = ()  # keys of parts that may hold made-up figures
    checked: bool = False  # figures, quotations and formulas of the answer are looked up in the material

    def within(self, characters: int) -> "Ask":
        """Returns the question with a text of at most so many characters; 0: any number."""
        return self.shorter(characters) if self.shorter and characters and len(self.user) > characters else self


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of answers: tokens read, tokens written, and the number of calls."""

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
    """`value` is an instance of the question's shape, or a text; `model` is the name of the model.

    `ask` is the question as it was asked: perhaps with less of the text than the one that was to be asked.
    """

    value: Any
    model: str
    usage: Usage = field(default_factory=Usage)
    ask: Ask | None = None


class Model(Protocol):
    """A language model, or one for each step. It accepts concurrent questions."""

    def name(self, step: str) -> str:
        """Returns the name of the model of this step."""

    async def ask(self, ask: Ask, *, deadline: float) -> Answer:
        """Returns the answer, at the latest at `deadline` (the event loop's time).

        Reserves tokens of the budget before each call, and settles them afterwards. Raises `ModelError`, whose `state`
        is one of `STATES` and whose `again` says whether a later try may succeed.
        """

    async def close(self) -> None:
        """Close connections. The model must not be used afterwards."""


@dataclass(slots=True)
class Hold:
    """Tokens reserved for one call. `spent` are charged at the end, by default all of them."""

    tokens: int
    spent: int


class Account(Protocol):
    """The account of calls: budgets that are never exceeded, and a record of the usage."""

    def hold(self, tokens: int, now: datetime) -> AbstractAsyncContextManager[Hold]:
        """Reserve the maximal tokens of a call, and charge the hold's `spent` tokens when the block ends.

        Raises `ModelError` ("budget") if it does not fit, or if the budget cannot be read.
        """

    async def record(self, step: str, model: str, usage: Usage, now: datetime) -> None:
        """Add to the usage of a model in a step. Raises `StoreError`."""


class Memory(Protocol):
    """What was learned of an endpoint by earlier processes, by the name of the model; no method raises."""

    async def recall(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns what is known of each model; nothing if it cannot be read."""

    async def note(self, model: str, learned: Mapping[str, Any]) -> None:
        """Add to what is known of a model."""


_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class _State:
    """One row. `says` explains it to the owner. `again`: a later try of the same may succeed, in `after` seconds.

    `for_all`: it does not depend on the paper, so asking about others now is useless. `calls` is how often a call is
    made, with pauses in between, before the error is reported. `second` is how the one second try differs that answers
    of this kind get. `mend` is what ends it, and `act` says that its owner has to do that.
    """

    says: str
    again: bool = True
    after: float | None = None
    for_all: bool = False
    calls: int = 1
    second: str = ""
    mend: str = ""
    act: bool = False


_BY_ITSELF = "it is tried again automatically"
STATES = {
    "wrong-key": _State(
        "the endpoint refuses the key; check LLM_API_KEY", again=False, for_all=True,
        mend="set LLM_API_KEY to a key of this endpoint that is valid; LLM_BASE_URL says which endpoint is meant",
        act=True,
    ),
    "no-model": _State(
        "the endpoint knows no such model or address; check LLM_MODEL and LLM_BASE_URL", again=False, for_all=True,
        mend="set LLM_MODEL to a name that the endpoint knows, and LLM_BASE_URL to its address", act=True,
    ),
    "no-credit": _State(
        "the account at the endpoint has no credit left", after=_HOUR, for_all=True,
        mend="pay or add credit at the endpoint; then it goes on by itself within an hour, or with a refresh", act=True,
    ),
    "day-limit": _State(
        "the account at the endpoint has used up what a day allows", after=_HOUR, for_all=True,
        mend="it goes on when the limit is over; a larger plan at the endpoint allows more",
    ),
    "no-answer": _State(
        "what came is no answer of a language model; check LLM_BASE_URL", after=_HOUR, for_all=True,
        mend="set LLM_BASE_URL to the address before /chat/completions", act=True,
    ),
    "not-understood": _State(
        "the endpoint does not accept the request", after=_HOUR,
        mend="see what the endpoint says; another LLM_MODEL, or LLM_EXTRA_BODY, may be needed", act=True,
    ),
    "too-long": _State("the text is longer than the model can read", again=False),
    "busy": _State(
        "the endpoint has too much to do, or allows no more requests for now", after=60, for_all=True, calls=5,
        mend=f"{_BY_ITSELF}; a smaller LLM_CONCURRENCY asks less at once",
    ),
    "down": _State(
        "the endpoint does not answer, or has an error of its own", after=300, for_all=True, calls=3,
        mend=f"{_BY_ITSELF}; if it lasts, see that LLM_BASE_URL is right",
    ),
    "timeout": _State("no complete answer came in time", after=300),
    "budget": _State("the budget of tokens is used up", for_all=True),
    "refused": _State("the model refuses to answer", again=False),
    "empty": _State("the answer is empty", after=_HOUR, second="same"),
    "cut-off": _State("the answer ends before it is complete", after=_HOUR, second="room"),
    "not-json": _State("the answer is not JSON", after=_HOUR, second="repair"),
    "wrong-shape": _State("the answer is JSON of another shape than was asked for", after=_HOUR, second="repair"),
}  # fmt: skip


def wrong(state: str, detail: str = "", *, retry_after: float | None = None, usage: Any = None) -> ModelError:
    """Returns the error for a state of the table, with further detail."""
    row = STATES[state]
    message = row.says[0].upper() + row.says[1:] + (f": {detail}" if detail else "")
    after = row.after if retry_after is None else retry_after
    return ModelError(state, message, again=row.again, retry_after=after, usage=usage)


_PIECES = re.compile(r"[A-Za-z]{1,4}|\n|[^\sA-Za-z]")  # digits, signs and other scripts may be a token for each
_A_MESSAGE = 16  # what frames it


def tokens_of(text: str) -> int:
    """Returns an upper estimate of tokens for most tokenizers: about 1.3 times their count of English prose.

    No tokenizer is used, because each model has its own.
    """
    return sum(1 for _ in _PIECES.finditer(text))


def tokens_of_request(request: Mapping[str, Any]) -> int:
    """Returns the estimated tokens of a request: its messages, and its schema if it has one."""
    messages = request["messages"]
    words = sum(tokens_of(message["content"]) + _A_MESSAGE for message in messages)
    return words + tokens_of(orjson.dumps(request.get("response_format") or "").decode())
