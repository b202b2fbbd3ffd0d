"""One call to an OpenAI-compatible endpoint: the request as it is, and the answer or what was wrong with it.

https://platform.openai.com/docs/api-reference/chat/create is the protocol; what servers that speak it do differently is
told where it is dealt with. The client does not try again by itself: `core.models.compatible` does, within its bounds.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from core.domain.errors import ModelError
from core.models.states import wrong
from core.models.structure import read_json

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
