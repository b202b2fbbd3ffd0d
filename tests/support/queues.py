"""Stand-ins for QStash and Amazon SQS on loopback: their HTTP protocols, their signatures, their faults on demand.

Both deliver in a thread of their own. `pace` is how many seconds a second of delay lasts.
"""

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from tests.support.loopback import Handler, listening

TOKEN, PRESENT_KEY, NEXT_KEY = "qstash-token", "sig_present", "sig_next"
KEY_ID, SECRET, SESSION, REGION = "ASIASAMPLE", "sample/secret", "sample-session", "eu-central-1"
PATIENCE_SECONDS = 120.0  # for calls that have begun
FORGETS_SECONDS = 600  # QStash's window for duplicates
RETRY_SECONDS = (12, 148, 1808)  # QStash's pauses after a call that failed


@dataclass
class Message:
    """One accepted message; `status` is that of its last delivery."""

    key: str
    body: bytes
    to: str
    delay: float
    at: float = field(default_factory=time.monotonic)
    headers: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    status: int = 0


@dataclass
class QueueServer:
    """What a stand-in accepted, and what it does: `faults` are statuses, used up one a request."""

    url: str = ""
    pace: float = 1.0
    faults: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    delivered: list[tuple[float, str]] = field(default_factory=list)  # when, and the key
    requests: int = 0
    timeout: float = 320.0
    key: str = PRESENT_KEY  # signs
    _timers: list[threading.Timer] = field(default_factory=list)
    _stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do `work` after so many seconds of the stand-in's time."""
        timer = threading.Timer(seconds * self.pace, work)
        timer.daemon = True
        with self._lock:  # a call may end, and be tried again, while the stand-in stops
            if not self._stopped:
                self._timers.append(timer)
                timer.start()

    def stop(self) -> None:
        """Deliver nothing more, and wait for the calls that have begun: their receiver may then end too."""
        with self._lock:
            self._stopped = True
        for timer in self._timers:
            timer.cancel()
        for timer in self._timers:
            timer.join(PATIENCE_SECONDS)
            assert not timer.is_alive(), "a call has not ended"


def token_of(key: str, url: str, body: bytes, /, *, now: float | None = None, **changed: Any) -> str:
    """The header `Upstash-Signature` of a call of `url`, as QStash makes it; with other claims for bad ones."""
    now = time.time() if now is None else now
    hashed = urlsafe_b64encode(hashlib.sha256(body).digest()).decode()  # with its padding
    claims = {"iss": "Upstash", "sub": url, "exp": int(now) + 300, "nbf": int(now), "iat": int(now), "jti": "jwt_1"}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims | {"body": hashed} | changed]
    head = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    signature = hmac.new(key.encode(), head.encode(), hashlib.sha256).digest()
    return f"{head}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


class _QStash(Handler):
    server_of: QueueServer

    def reply(self) -> None:
        server, body = self.server_of, self.rfile.read(int(self.headers["Content-Length"]))
        server.requests += 1
        if server.faults:
            self.answer(server.faults.pop(0), {"error": "try again later"})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.answer(401, {"error": "unauthorized"})
        elif not self.path.startswith("/v2/publish/http"):
            self.answer(400, {"error": "invalid destination url"})
        else:
            self.accept(body)

    def accept(self, body: bytes) -> None:
        server, key = self.server_of, self.headers["Upstash-Deduplication-Id"]
        known = [m for m in server.messages if m.key == key and time.monotonic() - m.at < FORGETS_SECONDS * server.pace]
        if known:
            self.answer(202, {"messageId": "msg_1", "deduplicated": True})
            return
        delay = self.headers["Upstash-Delay"]
        assert delay.endswith("s"), delay
        message = Message(key, body, self.path.removeprefix("/v2/publish/"), float(delay[:-1]))
        message.headers = dict(self.headers)
        server.messages.append(message)
        server.later(message.delay, lambda: deliver(server, message))
        self.answer(201, {"messageId": f"msg_{len(server.messages)}"})

    def answer(self, status: int, value: Mapping[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def deliver(server: QueueServer, message: Message) -> None:
    """Call the destination of a message, signed; after a failure again, as often as the message says."""
    headers = {
        "Content-Type": message.headers.get("Content-Type", ""),
        "Upstash-Signature": token_of(server.key, message.to, message.body),
        "Upstash-Message-Id": "msg_1",
        "Upstash-Retried": f"{message.tries}",
        "User-Agent": "Upstash-QStash",
    }
    server.delivered.append((time.monotonic(), message.key))
    method = message.headers.get("Upstash-Method", "POST")
    request = urllib.request.Request(message.to, message.body, headers, method=method)
    pause = RETRY_SECONDS[min(message.tries, 2)]
    message.tries += 1
    try:
        with urllib.request.urlopen(request, timeout=server.timeout) as answer:
            message.status = answer.status
            answer.read()
            return
    except urllib.error.HTTPError as error:
        message.status = error.code
        pause = float(error.headers.get("Retry-After") or pause)
    except (OSError, HTTPException):
        message.status = 599
    if message.tries <= int(message.headers.get("Upstash-Retries", "3")):
        server.later(pause, lambda: deliver(server, message))


class _Sqs(Handler):
    server_of: QueueServer
    invoke: Callable[[Mapping[str, Any]], Any]

    def reply(self) -> None:
        server, body = self.server_of, self.rfile.read(int(self.headers["Content-Length"]))
        server.requests += 1
        if server.faults:
            self.answer(server.faults.pop(0), {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slower"})
        elif self.headers["X-Amz-Target"] != "AmazonSQS.SendMessage" or self.path != "/":
            self.answer(400, {"__type": "com.amazon.coral.service#UnknownOperationException"})
        elif not signed_well(self.headers, body):
            self.answer(403, {"__type": "com.amazon.coral.service#InvalidSignatureException"})
        else:
            self.accept(json.loads(body))

    def accept(self, asked: Mapping[str, Any]) -> None:
        server = self.server_of
        if not 0 <= asked["DelaySeconds"] <= 900:
            self.answer(400, {"__type": "com.amazonaws.sqs#InvalidParameterValue"})
            return
        text = str(asked["MessageBody"])
        message = Message(text, text.encode(), asked["QueueUrl"], float(asked["DelaySeconds"]))
        server.messages.append(message)

        def call() -> None:
            server.delivered.append((time.monotonic(), text))
            type(self).invoke(sqs_event(text))

        server.later(message.delay, call)
        self.answer(200, {"MessageId": "1", "MD5OfMessageBody": hashlib.md5(text.encode()).hexdigest()})

    def answer(self, status: int, value: Mapping[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def sqs_event(body: str) -> dict[str, Any]:
    """The event by which Lambda hands a message of SQS to a function."""
    record = {"messageId": "1", "receiptHandle": "x", "body": body, "eventSource": "aws:sqs", "awsRegion": REGION}
    return {"Records": [record | {"attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}}]}


def signed_well(headers: Any, body: bytes) -> bool:
    """Whether a request to the path `/` has the signature (version 4) of the sample's credentials."""
    scheme, _, rest = headers["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    key_id, day, region, service, end = parts["Credential"].split("/")
    names = parts["SignedHeaders"].split(";")
    if scheme != "AWS4-HMAC-SHA256" or (key_id, region, service, end) != (KEY_ID, REGION, "sqs", "aws4_request"):
        return False
    if not {"host", "x-amz-date"} <= set(names) or headers["X-Amz-Security-Token"] != SESSION:
        return False
    canonical = ["POST", "/", "", *(f"{name}:{headers[name].strip()}" for name in names), "", ";".join(names)]
    canonical.append(hashlib.sha256(body).hexdigest())
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join((scheme, headers["X-Amz-Date"], f"{day}/{region}/{service}/{end}", hashed))
    secret = b"AWS4" + SECRET.encode()
    for part in (day, region, service, end, text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(secret.hex(), parts["Signature"])


@contextmanager
def serving_qstash(**options: Any) -> Iterator[QueueServer]:
    """A running stand-in for QStash."""
    server = QueueServer(**options)
    with listening(type("Handler", (_QStash,), {"server_of": server})) as server.url:
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def serving_sqs(invoke: Callable[[Mapping[str, Any]], Any], **options: Any) -> Iterator[QueueServer]:
    """A running stand-in for SQS that hands messages to `invoke` as Lambda does."""
    server = QueueServer(**options)
    with listening(type("Handler", (_Sqs,), {"server_of": server, "invoke": staticmethod(invoke)})) as server.url:
        try:
            yield server
        finally:
            server.stop()
