"""Asking the stand-in, or whatever speaks its protocol, with real parts: a store in a file, budgets, records."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from core.archive.spending import Prices, Spending
from core.llm.base import STEPS, Answer, Ask
from core.llm.client import CompatibleModel
from core.llm.endpoint import Endpoint
from core.model.errors import ModelError
from core.store.base import Store
from core.store.sqlite import SqliteStore
from tests.support.model_server import MODEL

T = TypeVar("T")
NOW = datetime(2026, 3, 6, 17, tzinfo=UTC)
PATIENCE = 60.0


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid")

    default: str = "a property may have any name"
    kind: Literal["one", "two"] = "one"


class Shape(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    score: int = Field(ge=1, le=3)
    about: str
    tags: list[str] = Field(max_length=5)
    part: Part | None = None


GOOD = Shape(score=1, about="One sentence.", tags=["One sentence."], part=Part(default="One sentence."))
JSON_ASK = Ask("analyse", "Read the paper.", "An abstract.", Shape, 400)
TEXT_ASK = Ask("summarise", "Summarise the paper.", "An abstract.", None, 400)


@dataclass
class Asking:
    """How to make the model that is asked; each `run` is a loop of its own."""

    url: str
    folder: Path
    key: str = ""
    model: str = MODEL
    daily: int = 0
    monthly: int = 0
    now: datetime = NOW
    extra: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=lambda: {"pause": 0.01, "timeout": PATIENCE})

    def make(self, store: Store) -> CompatibleModel:
        """A model on a store."""
        return CompatibleModel(
            Endpoint(self.url, self.key, self.extra),
            dict.fromkeys(STEPS, self.model),
            Spending(store, daily=self.daily, monthly=self.monthly, prices=Prices(2.0, 10.0)),
            lambda: self.now,
            **self.options,
        )

    def run(self, work: Callable[[CompatibleModel, Store], Awaitable[T]]) -> T:
        """What comes of `work`, given a model and its store, all closed afterwards."""

        async def main() -> T:
            store = SqliteStore(self.folder / "store.sqlite3")
            model = self.make(store)
            try:
                return await work(model, store)
            finally:
                await model.close()
                await store.close()

        return asyncio.run(main())

    def ask(self, *asks: Ask, seconds: float = PATIENCE) -> list[Answer | ModelError]:
        """The answers to questions that are asked one after another, or what was wrong with them."""

        async def work(model: CompatibleModel, _: Store) -> list[Answer | ModelError]:
            return [await outcome(model, ask, seconds) for ask in asks]

        return self.run(work)


async def outcome(model: CompatibleModel, ask: Ask, seconds: float = PATIENCE) -> Answer | ModelError:
    """The answer, or what was wrong with it, as a value."""
    try:
        return await model.ask(ask, deadline=asyncio.get_running_loop().time() + seconds)
    except ModelError as error:
        return error


def used(store: Store, period: str) -> Awaitable[int]:
    """What is counted against the budget of a period."""

    async def read() -> int:
        return int(await store.get(f"pw1:budget:llm:{period}") or b"0")

    return read()
