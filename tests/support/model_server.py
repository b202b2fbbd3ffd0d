"""A stand-in for an OpenAI-compatible endpoint on loopback: real HTTP, its answers, its faults on demand, its log."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.loopback import Handler, listening

MODEL = "stand-in-1"
HOSTILE = "**Result** <script>alert(1)</script> [x](javascript:alert(1)) ]]> &nbsp; \ud800"
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass
class ModelServer:
    """What the stand-in does. `faults` are used up one a request, the last one stays if `faulty_for_ever`.

    With `prey`, faults hit only requests in which that word is.
    """

    url: str = ""
    key: str = ""  # the one it wants, if it wants one
    models: tuple[str, ...] = (MODEL,)
    formats: tuple[str, ...] = ("json_schema", "json_object")  # of response_format that it knows
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")  # names of the bound that it knows
    streams: bool = False  # whether it answers in pieces only
    instructs: bool = True  # whether it knows the role "system"
    most_room: int = 10**9  # the largest bound that it accepts
    reads: int = 10**9  # how many characters of messages it can read
    thinks: int = 0  # how many tokens it needs for thoughts before each answer
    tokens: tuple[int, int] = (100, 20)  # what it says that an answer took
    write: Callable[[dict[str, Any]], str] | None = None  # what it says where it is not faulty; else what is good
    faults: list[str] = field(default_factory=list)
    faulty_for_ever: bool = False
    prey: str = ""
    raw: tuple[int, bytes] = (200, b"")  # the answer where a fault is "raw"
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with errors
    requests: list[dict[str, Any]] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)  # the headers of requests
    times: list[float] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While one request is answered."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def next_fault(self, request: dict[str, Any], headers: Mapping[str, str]) -> str:
        """The fault of this request, or "", after noting it."""
        with self._lock:
            self.requests.append(request)
            self.sent.append(headers)
            self.times.append(time.monotonic())
            if not self.faults or self.prey not in json.dumps(request):
                return ""
            return self.faults[0] if self.faulty_for_ever and len(self.faults) == 1 else self.faults.pop(0)


class _Handler(Handler):
    server_of: ModelServer

    def reply(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server_of.counted():
            fault = self.server_of.next_fault(request, {name.lower(): value for name, value in self.headers.items()})
            time.sleep(self.server_of.delay)
            try:
                FAULTS[fault](self, request) if fault in FAULTS else self.respond(request, fault)
            except OSError:
                self.close_connection = True  # the client has gone

    def respond(self, request: dict[str, Any], fault: str) -> None:
        stand_in = self.server_of
        wanted = (request.get("response_format") or {}).get("type", "text")
        limit = next(name for name in ("max_tokens", "max_completion_tokens") if name in request)
        if fault == "raw":
            self.answer(*stand_in.raw)
        elif self.path != "/v1/chat/completions":
            self.answer(404, b"404 page not found", "text/plain")
        elif stand_in.key and self.headers["Authorization"] != f"Bearer {stand_in.key}":
            self.error(401, f"Incorrect API key provided: {self.headers['Authorization']}", "invalid_api_key")
        elif request["model"] not in stand_in.models:
            self.error(404, f"The model `{request['model']}` does not exist", "model_not_found")
        elif limit not in stand_in.limits:
            self.error(400, f"Unsupported parameter: '{limit}'. Use '{stand_in.limits[0]}' instead.", "unsupported")
        elif problem := self.refusal(request, request[limit]):
            self.error(400, problem, "invalid_request_error")
        elif request[limit] < stand_in.thinks:
            self.say("", "length", reasoning_content="What is asked here?")
        elif wanted not in (*stand_in.formats, "text"):
            self.error(400, f"response_format.type {wanted} is not supported", "invalid_request_error")
        elif fault.isdigit():
            self.error(int(fault), "Try again later", "")
        else:
            self.say((stand_in.write or good_text)(request))

    def refusal(self, request: dict[str, Any], room: int) -> str:
        """What this endpoint says of a request that it does not accept, or ""."""
        stand_in = self.server_of
        read = sum(len(message["content"]) for message in request["messages"])
        problems = {
            "This model only supports stream mode.": stand_in.streams and not request.get("stream"),
            "System role not supported": not stand_in.instructs and request["messages"][0]["role"] == "system",
            f"max_tokens is too large: at most {stand_in.most_room} are supported": room > stand_in.most_room,
            f"prompt is too long: {read} > {stand_in.reads} maximum": read > stand_in.reads,
        }
        return next((problem for problem, holds in problems.items() if holds), "")

    def say(self, text: Any, finish: str = "stop", usage: Any = None, **message: Any) -> None:
        body = body_of(text, finish, usage or self.server_of.tokens, **message)
        if self.server_of.streams:
            self.answer(200, events(body), "text/event-stream")
        else:
            self.answer(200, json.dumps(body).encode())

    def error(self, status: int, message: str, code: str) -> None:
        self.answer(status, json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode())

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server_of.headers.items() if status >= 400 else ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def body_of(text: Any, finish: str = "stop", usage: Any = (100, 20), **message: Any) -> dict[str, Any]:
    """The body of an answer."""
    if isinstance(usage, tuple):
        usage = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    }


def events(body: dict[str, Any]) -> bytes:
    """An answer in pieces, as server-sent events, with a comment and the usage at the end."""
    (choice,) = body["choices"]
    text = choice["message"]["content"] or ""
    deltas = [{"role": "assistant"}, {"reasoning_content": "Hm."}, *({"content": letter} for letter in text)]
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    chunks.append({"choices": [], "usage": body["usage"]})
    lines = [": processing", *(f"data: {json.dumps(chunk)}" for chunk in chunks), "data: [DONE]"]
    return "\n\n".join(lines).encode() + b"\n\n"


def good_text(request: dict[str, Any]) -> str:
    """What a good model says: JSON that satisfies the schema, wherever that is told, or a text."""
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(filled(wanted["json_schema"]["schema"]))
    for message in reversed(request["messages"]):
        _, told, schema = message["content"].partition("this JSON schema:\n")
        if told:
            text = json.dumps(filled(json.JSONDecoder().raw_decode(schema)[0]))
            return text if wanted else f"Sure! Here is the {{object}}:\n\n```json\n{text}\n```\nIs that good?"
    return "One finding, in one sentence."


def filled(schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """The smallest value that satisfies a JSON schema."""
    root = root or schema
    if "$ref" in schema:
        return filled(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return filled(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    values: dict[str, Callable[[], Any]] = {
        "object": lambda: {name: filled(part, root) for name, part in schema.get("properties", {}).items()},
        "array": lambda: [filled(schema["items"], root)] * max(schema.get("minItems", 1), 1),
        "integer": lambda: schema.get("minimum", 0),
        "number": lambda: schema.get("minimum", 0),
        "boolean": lambda: True,
        "null": lambda: None,
        "string": lambda: "One sentence.",
    }
    return values[schema["type"]]()


def _cut_connection(handler: _Handler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.close_connection = True


def _reset(handler: _Handler, _: dict[str, Any]) -> None:
    handler.connection.close()
    handler.close_connection = True


def _hang(handler: _Handler, _: dict[str, Any]) -> None:
    time.sleep(20)
    handler.close_connection = True


def _drip(handler: _Handler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.close_connection = True
    for _ in range(400):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def _cut_off(handler: _Handler, request: dict[str, Any]) -> None:
    handler.say(good_text(request)[:-10], "length")


def _of_all_shapes(handler: _Handler, _: dict[str, Any]) -> None:
    handler.answer(200, b'{"choices": [{"message": {"content": ["a", {"b": 1}]}}], "usage": "much"}')


FAULTS: dict[str, Callable[[_Handler, dict[str, Any]], None]] = {
    "invalid-json": lambda h, _: h.say('{"score": 3, "parts": {"score": 1, "about": "x"}, "reason": "cut off he'),
    "wrong-schema": lambda h, _: h.say('{"unexpected": true}'),
    "list": lambda h, _: h.say("[1, 2]"),
    "hostile": lambda h, _: h.say(json.dumps({"score": 1, "about": HOSTILE, "tags": []}).replace("\\ud800", "")),
    "surrogate": lambda h, _: h.say(HOSTILE),
    "surrogate in JSON": lambda h, _: h.say('{"score": 1, "about": "\\ud800", "tags": []}'),
    "deep": lambda h, _: h.say('{"a":' * 20_000),
    "cut-off": _cut_off,
    "empty": lambda h, _: h.say(""),
    "null": lambda h, _: h.say(None),
    "only thoughts": lambda h, _: h.say("<think>What is asked?</think>\n"),
    "parts": lambda h, r: h.say([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": good_text(r)}]),
    "answer among thoughts": lambda h, r: h.say("", reasoning_content=good_text(r)),
    "stream": lambda h, r: h.answer(200, events(body_of(good_text(r))), "text/event-stream"),
    "stream that fails": lambda h, _: h.answer(200, b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'),
    "filtered with 200": lambda h, _: h.answer(200, b'{"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}'),
    "inspected": lambda h, _: h.error(400, "Output data may contain inappropriate content", "data_inspection_failed"),
    "key with 400": lambda h, _: h.answer(400, b'[{"error": {"code": 400, "message": "API key not valid."}}]'),
    "model with 400": lambda h, _: h.error(400, "Model Not Exist", "invalid_request_error"),
    "balance with 403": lambda h, _: h.answer(403, b'{"code": 30001, "message": "Your balance is insufficient"}'),
    "too large": lambda h, _: h.error(429, "Request too large on tokens per min: Limit 4000", "rate_limit_exceeded"),
    "thoughts": lambda h, r: h.say(f'<think>{{"score": 9}}?</think>\n{good_text(r)}'),
    "refusal": lambda h, _: h.say(None, refusal=REFUSAL),
    "refusal in words": lambda h, _: h.say(REFUSAL),
    "filtered": lambda h, _: h.say("", "content_filter"),
    "no usage": lambda h, r: h.say(good_text(r), usage={"prompt_tokens": -5, "completion_tokens": "many"}),
    "huge usage": lambda h, r: h.say(good_text(r), usage={"prompt_tokens": 10**30, "completion_tokens": 1}),
    "html": lambda h, _: h.answer(200, b"<!doctype html><title>Welcome</title>", "text/html"),
    "error with 200": lambda h, _: h.answer(200, b'{"error": {"message": "upstream overloaded", "code": 502}}'),
    "busy with 200": lambda h, _: h.answer(200, b'{"error": {"message": "Provider returned error", "code": 429}}'),
    "day limit with 200": lambda h, _: h.answer(
        200, b'{"error": {"message": "Limit: free-models-per-day", "code": 429}}'
    ),
    "no choices": lambda h, _: h.answer(200, b'{"choices": []}'),
    "all shapes": _of_all_shapes,
    "no credit": lambda h, _: h.error(429, "You exceeded your current quota.", "insufficient_quota"),
    "too long": lambda h, _: h.error(400, "This model's maximum context length is 8192.", "context_length_exceeded"),
    "policy": lambda h, _: h.error(400, "The prompt was filtered.", "content_filter"),
    "not understood": lambda h, _: h.error(400, "Something is wrong with this.", ""),
    "error page": lambda h, _: h.answer(502, b"<html>Bad gateway</html>", "text/html"),
    "cut-connection": _cut_connection,
    "reset": _reset,
    "hang": _hang,
    "drip": _drip,
}


@contextmanager
def serving(stand_in: ModelServer) -> Iterator[ModelServer]:
    """Serve `stand_in` at a port of loopback; it is given its address."""
    with listening(type("Handler", (_Handler,), {"server_of": stand_in})) as url:
        stand_in.url = f"{url}/v1"
        yield stand_in
