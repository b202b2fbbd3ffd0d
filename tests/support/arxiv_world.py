"""Connects `arxiv_world.py`, which lies beside the project, to `tests.support.life`: its answers without a network."""

from collections.abc import Mapping, Sequence
from http.client import HTTPMessage
from types import ModuleType, SimpleNamespace
from typing import Any


def joined(tool: ModuleType, world: Any) -> Any:
    """Give a world of the tool the method `answer`."""

    class Answering(tool.Handler):  # type: ignore[misc, name-defined]
        """One request, whose answer is kept instead of sent."""

        def __init__(self, path: str, headers: Mapping[str, str]) -> None:
            self.path, self.command = path, "GET"
            self.headers = HTTPMessage()
            for name, value in headers.items():
                self.headers[name] = value
            self.server = SimpleNamespace(world=world)
            self.connection = SimpleNamespace(close=lambda: None)
            self.answer_sent: tuple[int, Sequence[tuple[str, str]], bytes] | None = None
            self.do_GET()

        def send(
            self,
            body: str | bytes,
            media: str = "application/json",
            status: int = 200,
            headers: Sequence[tuple[str, str]] = (),
        ) -> None:
            content = body.encode() if isinstance(body, str) else body
            self.answer_sent = status, [("Content-Type", media), *headers], content

    world.answer = lambda path, headers: Answering(path, headers).answer_sent
    return world
