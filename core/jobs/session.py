"""One bounded run of questions to a model: until a deadline, a few at a time, within the budget, with usage counted.

Analyses, reviews and single summaries are made in sessions. A session also decides whether a failure concerns one
question, all of them, or only itself because its time is up.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from time import time
from typing import TypeVar

from core.archive import Archive
from core.archive.endpoints import EndpointMemory
from core.archive.spending import Prices
from core.config.models import NO_MODEL, endpoint_url, extra_of, models_of, text_characters
from core.config.settings import Settings
from core.llm.base import STATES, Answer, Ask, Memory, Model, Usage
from core.llm.client import CompatibleModel
from core.llm.endpoint import Endpoint
from core.model.errors import ConfigError, ModelError, StoreError
from core.util.signing import fingerprint

RESERVE_SECONDS = 10.0  # the usual length of a call: no call starts with less time left
_MOST_REFUSED = 3  # consecutive questions that an endpoint refuses
_RESERVE_SHARE = 0.25  # of a short session
_MOST_SHARE = 0.5  # of a session with a slow model
_SLOWER = 1.25  # an answer may take so much longer than the slowest one before
PACE = ""  # the name in the memory of an endpoint for the time of answers: no model has it
_PACE_SECONDS = 86_400.0  # then it is measured again, whatever it was
_LAST_SECONDS = 1.0  # for a running call when a session is cancelled or its time is up
T = TypeVar("T")


def open_model(settings: Settings, archive: Archive, memory: Memory | None = None) -> Model | None:
    """Returns the model that `settings` name, None without one; it connects on first use.

    The archive keeps the budget, the usage, by the days of the settings' clock, and what was learned of the endpoint,
    unless there is another `memory`. Raises `ConfigError`.
    """
    if not (models := models_of(settings)):
        return None
    return CompatibleModel(
        Endpoint(endpoint_url(settings), settings.llm_api_key, extra_of(settings)),
        models,
        archive.spending.limited(settings.llm_daily_tokens, settings.llm_monthly_tokens, prices_of(settings)),
        settings.clock,
        concurrency=settings.llm_concurrency,
        timeout=settings.llm_timeout_seconds,
        characters=text_characters(settings),
        memory=memory or memory_of(settings, archive),
    )


def memory_of(settings: Settings, archive: Archive) -> EndpointMemory:
    """Returns what the store knows of the models' endpoint, as these settings ask it."""
    asked = endpoint_url(settings), extra_of(settings), text_characters(settings)
    return EndpointMemory(archive.store, fingerprint("endpoint", *asked))


def prices_of(settings: Settings) -> Prices:
    """Returns the prices of the models."""
    return Prices(settings.llm_price_prompt, settings.llm_price_completion)


@dataclass(slots=True)
class Session:
    """A run of questions to `model` that ends at `deadline` (the event loop's time), at most `at_once` at a time.

    No question is sent with less than `reserve` seconds left, which grow with slow answers up to `most_reserve`.
    `stopped` is an error that concerns all questions; `usage` is the total usage.
    """

    model: Model
    deadline: float
    at_once: int = 4
    reserve: float = RESERVE_SECONDS
    usage: Usage = field(default_factory=Usage)
    stopped: ModelError | None = None
    most_reserve: float = 0.0
    _cancelled: bool = False
    _refused: int = 0  # questions in a row
    _taken: list[float] = field(default_factory=list)  # seconds of each answer

    @classmethod
    def lasting(cls, model: Model, seconds: float, at_once: int, reserve: float | None = None) -> "Session":
        """Returns a session of `seconds` from now on; a short one has a smaller reserve."""
        deadline = asyncio.get_running_loop().time() + seconds
        if reserve is not None:
            return cls(model, deadline, at_once, reserve)
        return cls(
            model, deadline, at_once, min(RESERVE_SECONDS, seconds * _RESERVE_SHARE), most_reserve=seconds * _MOST_SHARE
        )

    @property
    def is_over(self) -> bool:
        """Returns whether the time is up."""
        return asyncio.get_running_loop().time() >= self.deadline - _LAST_SECONDS

    @property
    def may_ask(self) -> bool:
        """Returns whether another question may be sent."""
        left = self.deadline - asyncio.get_running_loop().time()
        return self.stopped is None and not self._cancelled and left > self.reserve

    @property
    def room(self) -> int:
        """Returns about how many questions can still be answered."""
        left = self.deadline - asyncio.get_running_loop().time()
        return self.at_once * int(left / max(self.reserve, _LAST_SECONDS))

    async def recall_pace(self, memory: Memory) -> None:
        """Expect answers to take as long as they usually did lately: none is begun that the deadline would cut off."""
        learned = (await memory.recall()).get(PACE, {})
        try:
            seconds, at = float(learned["seconds"]), float(learned["at"])
        except (KeyError, TypeError, ValueError):
            return
        if isfinite(seconds) and 0 <= time() - at < _PACE_SECONDS:
            self.reserve = max(self.reserve, seconds)

    async def note_pace(self, memory: Memory) -> None:
        """Remember how long an answer usually took."""
        if self._taken:
            await memory.note(PACE, {"seconds": round(median(self._taken), 1), "at": time()})

    async def ask(self, question: Ask) -> Answer:
        """Returns the answer to a question. Raises `ModelError`.

        If the session is cancelled meanwhile, it still waits a second for the answer, which costs money.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        call = asyncio.ensure_future(self.model.ask(question, deadline=self.deadline))
        try:
            answer = await asyncio.shield(call)
        except asyncio.CancelledError:
            self._cancelled = True
            await asyncio.wait([call], timeout=_LAST_SECONDS)
            if not call.done() or call.cancelled() or call.exception():
                call.cancel()
                raise
            answer = call.result()
        except ModelError as error:
            self.usage += error.usage or Usage()
            raise
        self.usage += answer.usage
        self._refused = 0
        self._taken.append(loop.time() - begun)
        # A slow model's last answers would be cut off, though they cost as much
        self.reserve = max(self.reserve, min((loop.time() - begun) * _SLOWER, self.most_reserve))
        return answer

    async def each(self, todo: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Do `work` for each of `todo`, a few at a time, as long as questions may be sent.

        Raises the first `StoreError` of the work, after all running work has ended.
        """
        waiting, failed = deque(todo), list[StoreError]()

        async def worker() -> None:
            while waiting and self.may_ask and not failed:
                try:
                    await work(waiting.popleft())
                except StoreError as error:
                    failed.append(error)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.at_once, len(waiting))):
                group.create_task(worker())
        if failed:
            raise failed[0]

    def concerns_all(self, error: ModelError) -> bool:
        """Returns whether an error concerns all questions: it stops the session, or the session's time is up.

        Several consecutive refusals concern all questions, whatever their message.
        """
        self._refused = self._refused + 1 if error.state == "not-understood" else 0
        if (error.state in STATES and STATES[error.state].for_all) or self._refused >= _MOST_REFUSED:
            self.stopped = self.stopped or error
            return True
        return error.state == "timeout" and self.is_over


@asynccontextmanager
async def open_session(
    settings: Settings, archive: Archive, *, seconds: float, reserve: float | None = None
) -> AsyncIterator[Session]:
    """Yields a session of `seconds` with the configured model, and closes it. Raises `ConfigError` without a model."""
    model = open_model(settings, archive)
    if model is None:
        raise ConfigError([f"This needs a language model. There is {NO_MODEL}"])
    try:
        yield Session.lasting(model, seconds, settings.llm_concurrency, reserve)
    finally:
        await model.close()
