"""A stand-in for Lambda's Runtime API on loopback, and a function that the real runtime client runs against it.

As on Lambda there is one event at a time, and the process stands still (SIGSTOP) from the moment at which it asks for
the next event until there is one: whatever it left running does not run.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.loopback import Handler, listening

VERSION = "/2018-06-01/runtime"


class FunctionError(Exception):
    """What the function reported in place of an answer; its type is the name of the exception that it raised."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(report.get("errorMessage", ""))
        self.type = report.get("errorType", "")


@dataclass
class Function:
    """A function in a process of its own, that takes one event at a time."""

    log: Path
    timeout: float = 30
    process: subprocess.Popen[bytes] | None = None
    events: "queue.Queue[tuple[str, bytes]]" = field(default_factory=queue.Queue)
    answers: dict[str, Future[Any]] = field(default_factory=dict)
    started: "Future[None]" = field(default_factory=Future)

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """The answer to `event`. Raises `FunctionError` if the function fails, and TimeoutError if it does not end."""
        number = f"00000000-0000-0000-0000-{len(self.answers):012}"
        answer = self.answers[number] = Future[Any]()
        self.events.put((number, json.dumps(event).encode()))
        return self.outcome(answer)

    def outcome(self, future: "Future[Any]") -> Any:
        """The result of `future`, for as long as there is a process that may bring it."""
        end = time.monotonic() + self.timeout
        while not future.done():
            over = self.process is None or self.process.poll() is not None or time.monotonic() > end
            if over and not future.done():
                raise TimeoutError(f"no answer came; the function said:\n{self.log.read_text()}")
            try:
                return future.result(0.05)
            except TimeoutError:
                continue
        return future.result()

    def signal(self, number: int) -> None:
        """Freeze the process or thaw it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)


class _Handler(Handler):
    function: Function

    def reply(self) -> None:
        (self.take if self.command == "POST" else self.give)()

    def give(self) -> None:
        """Give the next event, when there is one."""
        function = self.function
        if self.path != f"{VERSION}/invocation/next":
            self.answer(404, {}, b"{}")
            return
        if not function.started.done():
            function.started.set_result(None)
        if function.events.empty():
            function.signal(signal.SIGSTOP)
        number, event = function.events.get()
        function.signal(signal.SIGCONT)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": number,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:000000000000:function:paperwire",
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        self.answer(200, headers, event)

    def take(self) -> None:
        """Take an answer or an error."""
        function = self.function
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, number, kind = self.path.split("/")
        future = function.started if number == "init" else function.answers[number]
        if kind == "error":
            future.set_exception(FunctionError(body))
        self.answer(202, {}, b'{"status":"OK"}')
        if kind == "response":
            future.set_result(body)

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_function(
    handler: str, env: Mapping[str, str], folder: Path, *, python: str = sys.executable
) -> Iterator[Function]:
    """Run `handler` by `python -m awslambdaric` in `folder`; yields when it is ready for its first event.

    Raises `FunctionError` if it cannot be imported, TimeoutError with what it said if it ends or takes too long.
    """
    function = Function(log=folder / "function.log")
    with listening(type("Handler", (_Handler,), {"function": function})) as url, function.log.open("wb") as log:
        base = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": url.removeprefix("http://"),
            "AWS_LAMBDA_FUNCTION_NAME": "paperwire",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "eu-central-1",
        }
        function.process = subprocess.Popen(
            [python, "-m", "awslambdaric", handler], cwd=folder, env=base | dict(env), stdout=log, stderr=log
        )
        try:
            function.outcome(function.started)
            yield function
        finally:
            function.process.kill()
            function.process.wait()
            function.events.put(("", b""))  # ends the request that waits for an event
