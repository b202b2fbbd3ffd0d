"""Parses the answers of endpoints: a reply of the model, or an error by its words and status. Pure functions.

https://platform.openai.com/docs/api-reference/chat describes the protocol. Servers that speak it differ: some send
server-sent events without being asked, a list of parts in the place of a text, errors with status 200, or a status that
says nothing. The tables below hold what they are known to say.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from time import time
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from core.llm.base import wrong
from core.model.errors import ModelError
from core.text.numbers import retry_seconds, whole_number

_MOST_QUOTED = 300  # characters of an error that are repeated
_MOST_JSON = 4_000_000  # bytes of an answer in one piece; values take many times their bytes in memory
_MOST_TEXT = 400_000  # characters of an answer; the longest that is asked for has some tens of thousands
_MOST_EVENTS = 400_000  # of a stream; each piece is a token or more
_MOST_TOKENS = 100_000_000  # figures of usage beyond this are nonsense
_OK, _REDIRECT, _SERVER_ERROR = 200, 300, 500

# What the code or the words of an error contain, in lower case → its state, whatever the status; the first row counts
_MARKS = (
    ("content_filter", "refused"),
    ("content_policy", "refused"),
    ("content management policy", "refused"),
    ("data_inspection_failed", "refused"),
    ("datainspectionfailed", "refused"),
    ("per-day", "day-limit"),
    ("perday", "day-limit"),
    ("per day", "day-limit"),
    ("insufficient_quota", "no-credit"),
    ("insufficient balance", "no-credit"),
    ("insufficient_balance", "no-credit"),
    ("balance is insufficient", "no-credit"),
    ("balance is too low", "no-credit"),
    ("arrearage", "no-credit"),
    ("insufficient account balance", "no-credit"),
    ("insufficient credit", "no-credit"),
    ("not enough credit", "no-credit"),
    ("have any credits", "no-credit"),
    ("exceeded_current_quota", "no-credit"),
    ("overdue", "no-credit"),
    ("is suspended", "no-credit"),
    ("billing_disabled", "no-credit"),
    ("余额不足", "no-credit"),
    ("欠费", "no-credit"),
    ("request too large", "too-long"),
    ("context_length_exceeded", "too-long"),
    ("exceed_context_size", "too-long"),
    ("context length", "too-long"),
    ("context size", "too-long"),
    ("context window", "too-long"),
    ("prompt is too long", "too-long"),
    ("input is too long", "too-long"),
    ("input length", "too-long"),
    ("maximum number of tokens allowed", "too-long"),
    ("api_key_invalid", "wrong-key"),
    ("api key not valid", "wrong-key"),
    ("invalid_api_key", "wrong-key"),
    ("invalid api key", "wrong-key"),
    ("incorrect api key", "wrong-key"),
    ("model_not_found", "no-model"),
    ("model not exist", "no-model"),
    ("model not found", "no-model"),
    ("not a valid model", "no-model"),
)
_BY_STATUS = {401: "wrong-key", 402: "no-credit", 403: "wrong-key", 404: "no-model", 408: "down", 413: "too-long",
              429: "busy"}  # fmt: skip
_CUT_OFF = ("length", "max_tokens", "model_length")  # what servers call an answer that reached its bound

_Count = Annotated[int, Field(ge=0, le=_MOST_TOKENS)]


class _Figures(BaseModel):
    prompt_tokens: _Count
    completion_tokens: _Count


class _Message(BaseModel):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None  # of DeepSeek, Qwen and vLLM; OpenRouter and Ollama call it `reasoning`
    reasoning: Any = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a model: its `text`, or a `refusal`; `thoughts` are its reasoning from a separate field.

    `finish` is "stop", "length" where the answer reached its bound, or "content_filter". `tokens` are those read and
    written, None where the endpoint gives no sensible figures.
    """

    text: str
    refusal: str
    finish: str
    tokens: tuple[int, int] | None
    thoughts: str = ""


def read_reply(body: bytes) -> Reply:
    """Returns the reply in the body of an answer with status 200. Raises `ModelError` for anything else."""
    streams = body.lstrip().startswith((b"data:", b"event:", b":"))
    if not streams and len(body) > _MOST_JSON:
        raise wrong("no-answer", f"it is JSON of more than {_MOST_JSON // 1_000_000} MB")
    plain = _joined(_events(body)) if streams else load_json(body)
    try:
        answer = _Completion.model_validate(plain)
    except ValidationError:
        raise _no_reply(plain, body) from None
    choice = answer.choices[0]
    finish = (choice.finish_reason or "").lower()
    try:
        figures = _Figures.model_validate(answer.usage)
    except ValidationError:
        tokens = None
    else:
        tokens = (figures.prompt_tokens, figures.completion_tokens)
    message = choice.message
    text = _text_of(message.content)
    if len(text) > _MOST_TEXT:
        raise wrong("no-answer", f"it is a text of {len(text):,} characters")
    return Reply(
        text,
        message.refusal or "",
        "length" if finish in _CUT_OFF else finish,
        tokens,
        message.reasoning_content or _text_of(message.reasoning),
    )


def read_error(status: int, body: bytes, headers: Mapping[str, str] | None = None, about: str = "") -> ModelError:
    """Returns the error of an answer with another status, with a short quotation. `about` is the name of the model."""
    return _error_of(status, load_json(body), body, headers or {}, about)


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the Retry-After of an endpoint in seconds, None if it sends none."""
    return retry_seconds(headers.get("retry-after", ""), time())


def load_json(data: str | bytes) -> Any:
    """Returns the JSON value of a text, None for invalid JSON. Lone surrogates become "?"."""
    try:
        value = json.loads(data.decode("utf-8-sig", "replace") if isinstance(data, bytes) else data)
        return json.loads(json_bytes(value))
    except (ValueError, RecursionError, MemoryError):
        return None


def json_bytes(value: Any) -> bytes:
    """Returns JSON in UTF-8 that every server and parser can read."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def excerpt_line(text: str) -> str:
    """Returns foreign text for an error: short, and on one line."""
    return " ".join(text.split())[:_MOST_QUOTED]


def _error_of(status: int, plain: Any, body: bytes, headers: Mapping[str, str], about: str) -> ModelError:
    inner = _error_in(plain)
    said = excerpt_line(str(inner.get("message") or body.decode("utf-8", "replace")))
    marks = f"{inner.get('code')} {inner.get('type')} {json.dumps(plain, ensure_ascii=False)} {said}".lower()
    code = str(inner.get("code")) if status == _OK else ""  # some put the status there
    state = next((state for mark, state in _MARKS if mark in marks), "")
    state = state or _state_of(whole_number(code) or status)
    subject = f"{about}: " if about and state == "no-model" else ""
    return wrong(state, f"{subject}status {status}: {said}", retry_after=read_retry_after(headers))


def _state_of(status: int) -> str:
    if status >= _SERVER_ERROR:
        return "down"
    return _BY_STATUS.get(status, "no-answer" if status < _REDIRECT else "not-understood")


def _error_in(plain: Any) -> Mapping[str, Any]:
    """Returns the object that describes an error: the value itself, its "error", or in a list."""
    if isinstance(plain, list) and plain:
        plain = plain[0]
    if not isinstance(plain, dict):
        return {}
    inner = plain.get("error")
    if isinstance(inner, str):
        return {"message": inner, "code": plain.get("code")}
    return inner if isinstance(inner, dict) else plain


def _no_reply(plain: Any, body: bytes) -> ModelError:
    """Returns the error of an answer with status 200 and no choices."""
    if isinstance(plain, dict) and plain.get("prompt_filter_results") and not plain.get("choices"):
        return wrong("refused", "the endpoint's content filter objects to the text")
    if isinstance(plain, dict) and plain.get("error"):
        return _error_of(_OK, plain, body, {}, "")
    return wrong("no-answer", excerpt_line(body[: _MOST_QUOTED * 4].decode("utf-8", "replace")))


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    lines = (line for line in BytesIO(body) if line.startswith(b"data:") and line.strip() != b"data:")
    for number, line in enumerate(lines):
        if number >= _MOST_EVENTS:
            raise wrong("no-answer", f"it is a stream of more than {_MOST_EVENTS:,} pieces")
        if isinstance(value := load_json(line.removeprefix(b"data:")), dict):
            yield value


def _joined(chunks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """The pieces of an answer as a server sends it that does not stream; or the first error among them."""
    texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "reasoning": [], "refusal": []}
    finish, usage, seen = "", None, False
    for chunk in chunks:
        if chunk.get("error"):
            return chunk
        usage = chunk.get("usage") or usage
        for choice in (chunk.get("choices") or [])[:1]:
            delta = choice.get("delta") or choice.get("message") or {}
            for name, pieces in texts.items():
                pieces.append(_text_of(delta.get(name)))
            finish, seen = choice.get("finish_reason") or finish, True
    message = {name: "".join(pieces) for name, pieces in texts.items()}
    return {"choices": [{"message": message, "finish_reason": finish}] if seen else [], "usage": usage}


def _text_of(content: Any) -> str:
    """The text of a message: itself, or what its parts of the type "text" hold."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if str(part.get("type", "text")).endswith("text"))
    return content if isinstance(content, str) else ""
