"""One call to an OpenAI-compatible endpoint: the request as it is, and the answer or what was wrong with it.

https://platform.openai.com/docs/api-reference/chat/create is the protocol; what servers that speak it do differently is
told where it is dealt with. The client does not try again by itself: `core.llm.client` does, within its bounds.


Models behind any OpenAI-compatible endpoint: bounded calls, one second try, the budget, and what was spent.

Nobody waits beyond the deadline, and an endpoint never has more than a few calls of this process at once. What it does
not know (JSON schemas, say) it is asked for in another way, which is remembered for as long as the process lives.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from core.archive.spending import Budget, UsageRecord
from core.llm.base import STATES, Answer, Ask, Usage, tokens_of, tokens_of_request, wrong
from core.llm.structured import MODES, instructions, read_answer, read_json, repair, response_format, without_thoughts
from core.model.errors import ModelError, StoreError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_MOST_SAID = 300  # characters of an error that are repeated
_MOST_TOKENS = 100_000_000  # what says that it took more does not know

# What to look for in an error's code and words → the state it tells, whatever the status
_TOLD = (
    ("insufficient_quota", "no-credit"),
    ("insufficient balance", "no-credit"),
    ("context_length_exceeded", "too-long"),
    ("exceed_context_size", "too-long"),
    ("context length", "too-long"),
    ("context size", "too-long"),
    ("context window", "too-long"),
    ("content_filter", "refused"),
    ("content_policy", "refused"),
    ("model_not_found", "no-model"),
)
_BY_STATUS = {401: "wrong-key", 402: "no-credit", 403: "wrong-key", 404: "no-model", 408: "down", 429: "busy"}
_SERVER_ERROR = 500

Count = Annotated[int, Field(ge=0, le=_MOST_TOKENS)]


class _Figures(BaseModel):
    prompt_tokens: Count
    completion_tokens: Count


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said. `tokens` are those read and written, None where the endpoint tells no sensible ones."""

    text: str
    refusal: str
    finish: str
    tokens: tuple[int, int] | None


class Unspent(Exception):
    """Wraps a `ModelError` of a call for which nothing is charged: it was refused, or never arrived.

    `wait` is how many seconds the endpoint told to wait, if it did.
    """

    def __init__(self, error: ModelError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


class Endpoint:
    """An endpoint at `base_url`. Without a `key` no Authorization is sent: servers of one's own ask for none."""

    def __init__(self, base_url: str, key: str = "") -> None:
        self._base_url, self._key = base_url, key
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, request: Mapping[str, Any], seconds: float) -> Reply:
        """The reply to a request, within `seconds`. Raises `ModelError`, or `Unspent` with one in it."""
        import openai

        headers = None if self._key else {"Authorization": openai.Omit()}
        try:
            async with asyncio.timeout(seconds):  # the client's own bound is for each read, not for all
                create = self._connected().chat.completions.with_raw_response.create
                raw = await create(**request, extra_headers=headers, timeout=seconds)
                return self._read(raw.content)
        except (TimeoutError, openai.APITimeoutError):
            raise wrong("timeout", f"not within {seconds:.0f} s") from None
        except openai.APIStatusError as error:
            wait = _retry_after(error.response.headers)
            raise Unspent(self._refused(error, str(request["model"]), wait), wait) from None
        except openai.APIConnectionError as error:
            problem = wrong("down", self._said(str(error.__cause__ or error)))
            if _never_arrived(error):
                raise Unspent(problem) from None
            raise problem from None
        except openai.OpenAIError as error:
            raise Unspent(wrong("no-answer", self._said(str(error)))) from None

    async def close(self) -> None:
        """Close the connections, if they are of this event loop."""
        client, self._client = self._client, None
        if client and self._loop is asyncio.get_running_loop():
            await client.close()

    def _connected(self) -> "AsyncOpenAI":
        """The client of the running event loop: connections do not outlive the loop they were made in."""
        import openai

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = openai.AsyncOpenAI(base_url=self._base_url, api_key=self._key or "none", max_retries=0)
            self._loop = loop
        return self._client

    def _read(self, body: bytes) -> Reply:
        try:
            answer = _Completion.model_validate_json(read_json(body) or b"")
        except ValidationError:
            # Some say what is wrong with status 200
            said = self._said(body[: _MOST_SAID * 4].decode("utf-8", "replace"))
            raise Unspent(wrong("no-answer", said)) from None
        choice = answer.choices[0]
        try:
            figures = _Figures.model_validate(answer.usage)
        except ValidationError:
            tokens = None
        else:
            tokens = (figures.prompt_tokens, figures.completion_tokens)
        return Reply(choice.message.content or "", choice.message.refusal or "", choice.finish_reason or "", tokens)

    def _refused(self, error: Any, model: str, wait: float | None) -> ModelError:
        """What a status other than 200 means; `error` is the client's."""
        status: int = error.status_code
        inner = error.body if isinstance(error.body, dict) else {}
        said = self._said(f"{inner.get('message') or error.response.text}")
        marks = f"{inner.get('code')} {inner.get('type')} {said}".lower()
        state = next((state for mark, state in _TOLD if mark in marks), "") or _BY_STATUS.get(status, "")
        state = state or ("down" if status >= _SERVER_ERROR else "not-understood")
        subject = f"{model}: " if state == "no-model" else ""
        return wrong(state, f"{subject}status {status}: {said}", retry_after=wait)

    def _said(self, text: str) -> str:
        """The words of an endpoint for an error: short, in one line, and without the key, which some repeat."""
        shown = text.replace(self._key, "…") if self._key else text
        return " ".join(shown.split())[:_MOST_SAID]


def _never_arrived(error: BaseException) -> bool:
    """Whether no connection was made; the client tells it in the names of what it chains only."""
    cause = error.__cause__
    return cause is not None and type(cause).__name__ in ("ConnectError", "ConnectTimeout", "UnsupportedProtocol")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time(), 0.0)
    except (ValueError, OverflowError):
        return None


log = logging.getLogger("paperwire")

Messages = list[dict[str, str]]

CONCURRENCY = 4
TIMEOUT_SECONDS = 120.0
PAUSE_SECONDS = 1.0  # before a call is made again, doubled each time
_LONGEST_PAUSE = 30.0  # who is told to wait longer does not ask again
_MORE_ROOM = 2
_LIMITS = ("max_tokens", "max_completion_tokens")  # OpenAI's newest models want the second, many servers know the first


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an endpoint is asked for JSON, and for a bounded answer."""

    mode: str = MODES[0]
    limit: str = _LIMITS[0]

    def other(self, refusal: str, *, shaped: bool) -> "Dialect | None":
        """What to try after a request was not understood, by what the endpoint said; None: nothing is left."""
        if _LIMITS[1] in refusal and self.limit != _LIMITS[1]:
            return replace(self, limit=_LIMITS[1])
        lower = MODES.index(self.mode) + 1
        return replace(self, mode=MODES[lower]) if shaped and lower < len(MODES) else None


class CompatibleModel:
    """A `Model`: one endpoint, and by `models` the name of the model that it is asked for in each step.

    `now` is the clock that budgets and records go by. `concurrency` bounds the calls of this process, `timeout` the
    seconds of each.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        models: Mapping[str, str],
        budget: Budget,
        record: UsageRecord,
        now: Callable[[], datetime],
        *,
        concurrency: int = CONCURRENCY,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self.endpoint, self.budget, self.record, self.now = endpoint, budget, record, now
        self.timeout, self.pause = timeout, pause
        self.dialects: dict[str, Dialect] = {}
        self._models = dict(models)
        self._concurrency = concurrency
        self._slots: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    def name(self, step: str) -> str:
        """See `Model`; so for all others."""
        return self._models[step]

    async def ask(self, ask: Ask, *, deadline: float) -> Answer:
        """See `Model`."""
        talk = _Talk(self, ask, self.name(ask.step), deadline)
        try:
            async with asyncio.timeout_at(deadline), self._free_slot():
                value = await talk.run()
        except TimeoutError:
            raise wrong("timeout", "the time for this was over", usage=talk.usage) from None
        except ModelError as error:
            error.usage = talk.usage
            raise
        finally:
            await self._count(ask.step, talk)
        return Answer(value, talk.model, talk.usage)

    async def close(self) -> None:
        """See `Model`."""
        await self.endpoint.close()

    def _free_slot(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:  # those of a loop that has ended are of no use
            self._slots = (loop, asyncio.Semaphore(self._concurrency))
        return self._slots[1]

    async def _count(self, step: str, talk: "_Talk") -> None:
        try:
            await self.record.add(step, talk.model, talk.usage, self.now())
        except StoreError as error:
            log.warning("what %s took could not be counted: %s", talk.model, error)


@dataclass(slots=True)
class _Talk:
    """All calls for one question, and what they took."""

    of: CompatibleModel
    ask: Ask
    model: str
    deadline: float
    usage: Usage = field(default_factory=Usage)
    said: str = ""

    async def run(self) -> Any:
        """The answer's value, from the first try or the second."""
        room, added = self.ask.most_tokens, list[dict[str, str]]()
        try:
            return self._value(await self._reply(room, added))
        except ModelError as error:
            second = STATES[error.state].second
            if not second:
                raise
            if second == "room":
                room *= _MORE_ROOM
            if second == "repair" and self.ask.shape:
                added = repair(self.said, str(error), self.ask.shape)
        return self._value(await self._reply(room, added))

    def _value(self, reply: Reply) -> Any:
        if reply.refusal or reply.finish == "content_filter":
            raise wrong("refused", " ".join(reply.refusal.split())[:200])
        self.said = without_thoughts(reply.text)
        if reply.finish == "length":
            raise wrong("cut-off")
        if not self.said:
            raise wrong("empty")
        return read_answer(self.said, self.ask.shape) if self.ask.shape else self.said

    async def _reply(self, room: int, added: Messages) -> Reply:
        """What is said, in the dialect that the endpoint understands."""
        dialect = self.of.dialects.get(self.model, Dialect())
        while True:
            try:
                reply = await self._patiently(self._request(dialect, room, added), room)
            except ModelError as error:
                shaped = self.ask.shape is not None
                other = dialect.other(str(error), shaped=shaped) if error.state == "not-understood" else None
                if other is None:
                    raise
                dialect = other
            else:
                self.of.dialects[self.model] = dialect
                return reply

    def _request(self, dialect: Dialect, room: int, added: Messages) -> dict[str, Any]:
        shape = self.ask.shape
        system = self.ask.system + instructions(shape, dialect.mode)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": self.ask.user}, *added]
        wanted = response_format(shape, dialect.mode)
        request = {"model": self.model, "messages": messages, dialect.limit: room}
        return request if wanted is None else request | {"response_format": wanted}

    async def _patiently(self, request: Mapping[str, Any], room: int) -> Reply:
        """The reply, asked for again after a pause where that may help, and never beyond the deadline."""
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

    def _pause(self, calls: int, told: float | None) -> float:
        """Seconds, not the same for all who wait: they would come back all at once."""
        chance = random.SystemRandom().random()
        if told is not None:
            return told + chance * self.of.pause
        return min(self.of.pause * float(2 ** (calls - 1)) * (0.5 + chance), _LONGEST_PAUSE)

    async def _call(self, request: Mapping[str, Any], room: int) -> Reply:
        """One call within the budget. Raises `ModelError` or `Unspent`."""
        left = self.deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise wrong("timeout", "no time was left to ask")
        read = tokens_of_request(request)
        hold = await self.of.budget.take(read + room, self.of.now())
        spent = hold.tokens  # as long as nobody tells: a call that is given up may be worked at all the same
        try:
            self.usage += Usage(calls=1)
            reply = await self.of.endpoint.call(request, min(left, self.of.timeout))
            tokens = reply.tokens or (read, min(tokens_of(reply.text), room))
            spent = sum(tokens)
            self.usage += Usage(*tokens)
        except Unspent:
            spent = 0
            raise
        finally:
            await self.of.budget.settle(hold, spent)
        return reply
