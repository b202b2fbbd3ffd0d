"""Models at an OpenAI-compatible endpoint: bounded calls with pauses, one second try, the budget, and the usage.

The number of concurrent calls is limited, and no call lasts beyond the deadline. If an endpoint does not accept a
feature (JSON schemas, for example), another dialect is used, and remembered, by a `Memory` also for later processes.
"""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from core.llm.base import STATES, Account, Answer, Ask, Memory, Usage, tokens_of, tokens_of_request, wrong
from core.llm.checks import problems
from core.llm.endpoint import Endpoint, Unspent
from core.llm.reading import without_thoughts
from core.llm.replies import Reply, excerpt_line
from core.llm.structured import (
    MODES,
    QUOTES,
    instructions,
    part_of,
    read_answer,
    repair,
    response_format,
    with_part,
)
from core.model.errors import ModelError, StoreError
from core.util.caches import PerLoop

log = logging.getLogger("paperwire")

Messages = list[dict[str, str]]

CONCURRENCY = 4
TIMEOUT_SECONDS = 300.0
PAUSE_SECONDS = 1.0  # before a call is repeated, doubled each time
THINKING_TOKENS = 32_000  # of room for a model that thinks, beside its answer
_LONGEST_PAUSE = 30.0  # if an endpoint requests a longer pause, the call is not repeated
_MORE_ROOM = 2
_LIMITS = ("max_tokens", "max_completion_tokens")  # OpenAI's newest models want the second, many servers know the first
_SYSTEM_ROLE = ("system role", "role 'system'", "system message", "developer instruction")
_MOST_ROOM = re.compile(r"(?:at most|less than or equal to|maximum (?:value )?(?:of|is)|\[\d+,) ?`?(\d+)")
_LEAST_CHARACTERS = 1000  # of a useful text
_LEAST_ROOM = 256  # tokens of a useful answer
_MOST_COUNT = 100_000_000
_OF_DIALECTS = ("not-understood", "too-long")
_DAY = 86_400.0  # after which the length of texts that a model refused is tried again: accounts and servers grow


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a model is asked: for JSON (`mode`), with a bound on the answer (`limit`), in one piece or as a `stream`.

    `system` says whether it accepts instructions in a message of their own. `thinking` are tokens of room that it needs
    for thoughts, `most_room` is the largest bound that it accepts, `characters` how much text it can read; 0: any.
    """

    mode: str = MODES[0]
    limit: str = _LIMITS[0]
    stream: bool = False
    system: bool = True
    thinking: int = 0
    most_room: int = 0
    characters: int = 0

    def other(self, error: ModelError, ask: Ask, room: int) -> "Dialect | None":
        """Returns the dialect to try after a refused request, by the words of the refusal; None if none is left."""
        words = str(error).lower()
        if error.state == "too-long":
            return self._shorter(ask)
        if error.state != "not-understood":
            return None
        if "max" in words and (most := _MOST_ROOM.search(words)) and int(most[1]) < self.room(room):
            return replace(self, most_room=int(most[1]))
        if _LIMITS[1] in words and self.limit != _LIMITS[1]:
            return replace(self, limit=_LIMITS[1])
        if "stream" in words and not self.stream:
            return replace(self, stream=True)
        if self.system and any(mark in words for mark in _SYSTEM_ROLE):
            return replace(self, system=False)
        lower = MODES.index(self.mode) + 1
        return replace(self, mode=MODES[lower]) if ask.shape and lower < len(MODES) else None

    def room(self, tokens: int) -> int:
        """Returns the limit for an answer of `tokens` tokens, with room for thoughts."""
        return min(tokens + self.thinking, self.most_room or tokens + self.thinking)

    def request(self, model: str, ask: Ask, room: int, added: Messages) -> dict[str, Any]:
        """Returns the body of a request to `model`, with `added` messages after the question."""
        system = ask.system + instructions(ask.shape, self.mode)
        question = [{"role": "system", "content": system}, {"role": "user", "content": ask.user}]
        if not self.system:
            question = [{"role": "user", "content": f"{system}\n\n{ask.user}"}]
        request: dict[str, Any] = {"model": model, "messages": [*question, *added], self.limit: self.room(room)}
        if wanted := response_format(ask.shape, self.mode):
            request["response_format"] = wanted
        return request | ({"stream": True, "stream_options": {"include_usage": True}} if self.stream else {})

    def to_plain(self, now: float) -> dict[str, Any]:
        """Returns this as JSON values, learned at `now` (Unix seconds)."""
        return asdict(self) | {"at": now}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], now: float) -> "Dialect":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for what cannot be one."""
        made = cls(**{name: type(getattr(_FIRST, name))(plain[name]) for name in cls.__slots__})
        counts = (made.thinking, made.most_room, made.characters)
        small = 0 < made.most_room < _LEAST_ROOM or 0 < made.characters < _LEAST_CHARACTERS
        if (
            made.mode not in MODES
            or made.limit not in _LIMITS
            or small
            or not 0 <= min(counts) <= max(counts) < _MOST_COUNT
        ):
            raise ValueError("this is no dialect")
        return made if 0 <= now - float(plain["at"]) < _DAY else replace(made, characters=0)

    def _shorter(self, ask: Ask) -> "Dialect | None":
        """Returns a dialect with half the text, None if that is too little."""
        half = min(self.characters or len(ask.user), len(ask.user)) // 2
        if half < _LEAST_CHARACTERS or len(ask.within(half).user) >= len(ask.user):
            return None
        return replace(self, characters=half, thinking=0)


_FIRST = Dialect()


class CompatibleModel:
    """A `Model`: one endpoint, and by `models` the name of the model that it is asked for in each step.

    `now` is the clock that budgets and records go by. `concurrency` bounds the calls of this process, `timeout` the
    seconds of each, `characters` the text of a question, 0 for any. `memory` has what earlier processes learned.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        models: Mapping[str, str],
        account: Account,
        now: Callable[[], datetime],
        *,
        concurrency: int = CONCURRENCY,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = PAUSE_SECONDS,
        characters: int = 0,
        memory: Memory | None = None,
    ) -> None:
        self.endpoint, self.account, self.now = endpoint, account, now
        self.timeout, self.pause = timeout, pause
        self.dialects: dict[str, Dialect] = {}
        self.first = Dialect(characters=characters)
        self.memory = memory
        self._recalled: set[str] = set()  # models whose dialect comes from the memory, and has not been accepted yet
        self._recalling = PerLoop(lambda: asyncio.ensure_future(self._recall()))
        self._models = dict(models)
        self._slots = PerLoop(lambda: asyncio.Semaphore(concurrency))

    def name(self, step: str) -> str:
        """See `Model`, as for all methods of it."""
        return self._models[step]

    async def ask(self, ask: Ask, *, deadline: float) -> Answer:
        """See `Model`."""
        exchange = _Exchange(self, ask, self.name(ask.step), deadline)
        try:
            async with asyncio.timeout_at(deadline), self._slots.get():
                value = await exchange.run()
        except TimeoutError:
            raise wrong("timeout", "the time for this was over", usage=exchange.usage) from None
        except ModelError as error:
            error.usage = exchange.usage
            raise
        finally:
            await self._record(ask.step, exchange)
        return Answer(value, exchange.model, exchange.usage, exchange.asked)

    async def close(self) -> None:
        """See `Model`."""
        await self.endpoint.close()

    async def dialect(self, model: str) -> Dialect:
        """Returns how a model is to be asked, as far as this process or an earlier one has learned it."""
        if self.memory:
            await asyncio.shield(self._recalling.get())
        return self.dialects.get(model, self.first)

    def doubt(self, model: str) -> bool:
        """Forget what an earlier process learned of a model, if no answer has confirmed it. Returns whether it was."""
        if model not in self._recalled:
            return False
        self._recalled.discard(model)
        self.dialects.pop(model, None)
        return True

    async def accepted(self, model: str, other: Dialect | None) -> None:
        """Note that a model has answered, and remember the dialect if it is another one than was known."""
        self._recalled.discard(model)
        if other:
            self.dialects[model] = other
            if self.memory:
                await self.memory.note(model, other.to_plain(self.now().timestamp()))

    async def _recall(self) -> None:
        now = self.now().timestamp()
        for model, plain in (await self.memory.recall() if self.memory else {}).items():
            try:
                dialect = Dialect.from_plain(plain, now)
            except (KeyError, TypeError, ValueError):  # of another version, or only its pace is known
                continue
            if model not in self.dialects:
                self.dialects[model] = replace(dialect, characters=dialect.characters or self.first.characters)
                self._recalled.add(model)

    async def _record(self, step: str, exchange: "_Exchange") -> None:
        try:
            await self.account.record(step, exchange.model, exchange.usage, self.now())
        except StoreError as error:
            log.warning("the usage of %s could not be recorded: %s", exchange.model, error)


@dataclass(slots=True)
class _Exchange:
    """All calls for one question, and their usage."""

    of: CompatibleModel
    ask: Ask
    model: str
    deadline: float
    usage: Usage = field(default_factory=Usage)
    said: str = ""
    asked: Ask | None = None

    async def run(self) -> Any:
        """Returns the answer's value, from the first try or the second."""
        room, added = self.ask.most_tokens, list[dict[str, str]]()
        try:
            return await self._checked(self._value(await self._reply(room, added)))
        except ModelError as error:
            second = STATES[error.state].second
            if not second:
                raise
            if second == "room":
                room *= _MORE_ROOM
            if second == "repair":
                added = repair(self.said, str(error), self.ask.shape)
        return self._value(await self._reply(room, added))

    async def _checked(self, first: Any) -> Any:
        """Returns the answer `first`, or with its failing parts asked for once more, each with the reason."""
        asked = self.asked or self.ask
        plain = first.model_dump() if isinstance(first, BaseModel) else first
        # In a thread, as all that goes through a whole text: readers of the service are answered meanwhile
        found = await asyncio.to_thread(
            problems, plain, asked.user, asked.language, asked.invents, QUOTES, checked=asked.checked
        )
        if not found:
            return first
        shape = asked.shape if asked.shape is None or () in found else part_of(asked.shape, found)
        words = "; ".join(f"{'.'.join(place)}: {why}" if place else why for place, why in found.items())
        added = repair(self.said, words, shape, partly=shape is not asked.shape)
        try:
            second = self._value(await self._reply(asked.most_tokens, added, shape), shape)
        except ModelError as error:
            log.warning("%s does not mend its answer (%s): %s", self.model, words, error)
            return first
        return second if shape is asked.shape else with_part(first, second)

    def _value(self, reply: Reply, shape: type[BaseModel] | None = None) -> Any:
        """Returns the value of the reply, in `shape`, by default that of the question. Raises `ModelError`."""
        shape = shape or self.ask.shape
        if reply.refusal or reply.finish == "content_filter":
            raise wrong("refused", excerpt_line(reply.refusal)[:200])
        self.said = without_thoughts(reply.text)
        if reply.finish == "length":
            raise wrong("cut-off")
        if not self.said and shape:
            self.said = (
                reply.thoughts
            )  # some servers take the whole answer for thoughts; JSON can be recognised in them
        if not self.said:
            raise wrong("empty")
        return read_answer(self.said, shape) if shape else self.said

    async def _reply(self, room: int, added: Messages, shape: type[BaseModel] | None = None) -> Reply:
        """Returns the reply, in a dialect that the endpoint accepts; `shape` is that of a part of the answer."""
        dialect = known = await self.of.dialect(self.model)
        while True:
            try:
                self.asked = self.ask.within(dialect.characters)
                asked = replace(self.asked, shape=shape) if shape else self.asked
                request = dialect.request(self.model, asked, room, added)
                reply = await self._patiently(request, dialect.room(room))
            except ModelError as error:
                if error.state in _OF_DIALECTS and self.of.doubt(self.model):
                    dialect = self.of.first
                elif (other := dialect.other(error, self.ask, room)) is None:
                    raise
                else:
                    dialect = other
            else:
                if reply.finish == "length" and dialect.most_room and self.of.doubt(self.model):
                    dialect = self.of.first
                    continue
                if reply.finish == "length" and (reply.thoughts or not without_thoughts(reply.text)):
                    dialect = replace(dialect, thinking=THINKING_TOKENS)
                # Unchanged, another question may have learned something meanwhile
                await self.of.accepted(self.model, dialect if dialect != known else None)
                return reply

    async def _patiently(self, request: Mapping[str, Any], room: int) -> Reply:
        """Returns the reply; repeats the call after a pause if that may help, and not beyond the deadline."""
        calls = 0
        while True:
            calls += 1
            wait = None
            try:
                return await self._call(request, room)
            except Unspent as unspent:
                error, wait = unspent.error, unspent.wait
            except ModelError as other:
                error = other
            pause = self._pause(calls, wait)
            late = asyncio.get_running_loop().time() + pause >= self.deadline
            if calls >= STATES[error.state].calls or pause > _LONGEST_PAUSE or late:
                raise error
            await asyncio.sleep(pause)

    def _pause(self, calls: int, wait: float | None) -> float:
        """Returns the seconds until the next call, with a random part, to spread concurrent callers."""
        chance = random.SystemRandom().random()
        if wait is not None:
            return wait + chance * self.of.pause
        return min(self.of.pause * float(2 ** (calls - 1)) * (0.5 + chance), _LONGEST_PAUSE)

    async def _call(self, request: Mapping[str, Any], room: int) -> Reply:
        """One call within the budget. Raises `ModelError` or `Unspent`."""
        left = self.deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise wrong("timeout", "no time was left to ask")
        read = await asyncio.to_thread(tokens_of_request, request)
        # A cancelled call is charged in full: the endpoint may still process it
        async with self.of.account.hold(read + room, self.of.now()) as hold:
            self.usage += Usage(calls=1)
            try:
                reply = await self.of.endpoint.call(request, min(left, self.of.timeout))
            except Unspent:
                hold.spent = 0
                raise
            tokens = reply.tokens or (read, min(tokens_of(reply.text), room))
            hold.spent = sum(tokens)
            self.usage += Usage(*tokens)
        return reply
