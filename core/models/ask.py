"""The port to language models: what is asked, and what comes back."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

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
        wrong (`core.models.states`) and whose `again` says whether a later try may succeed.
        """

    async def close(self) -> None:
        """Free connections; the model is not asked afterwards."""
