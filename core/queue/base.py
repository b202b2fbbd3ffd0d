"""The port to a queue: it calls `/api/work`, or the function behind it, some time later.

A queue only says when. What is pending is in the store, which also keeps the bounds of each chain and recognises a
message that comes twice or too late (`core.model.work`). So an adapter needs no state.
"""

import asyncio
from typing import Protocol

import httpx

from core.model.errors import QueueError
from core.util.bodies import ACCEPTED, BodyError, decoded_body

QUEUE_SECONDS = 8.0  # of one call to a queue, from connecting to the last byte
_TIMEOUT = httpx.Timeout(QUEUE_SECONDS, connect=3.0)
_MOST_BYTES = 100_000  # of what a queue says about a refusal
_MOST_QUOTED = 200  # characters of it that an error repeats
_GOOD = range(200, 300)
_DUPLICATE = 409


class Queue(Protocol):
    """Calls a step once or more, in no certain order."""

    @property
    def most_delay(self) -> int:
        """The most seconds that it can wait."""

    @property
    def most_links(self) -> int:
        """How many steps in a row it may call: platforms end what looks like a loop."""

    async def schedule(self, delay: int, key: str) -> None:
        """Have a step called with `key`, at the earliest after `delay` seconds. Raises `QueueError`.

        A key that was scheduled before is no error: it is called at least once.
        """


async def post(url: str, headers: dict[str, str], body: bytes) -> None:
    """Send one message to a queue over HTTP. Raises `QueueError` unless it is accepted, or known already."""
    sent = {"Accept-Encoding": ACCEPTED, **headers}
    try:
        async with (
            asyncio.timeout(QUEUE_SECONDS),  # httpx bounds each read, not all of them together
            httpx.AsyncClient(timeout=_TIMEOUT) as client,
            client.stream("POST", url, headers=sent, content=body) as answer,
        ):
            if answer.status_code in _GOOD or answer.status_code == _DUPLICATE:
                return  # whatever else it says
            said = await _said(answer)
    except TimeoutError:
        raise QueueError(f"no complete answer within {QUEUE_SECONDS:.0f} s") from None
    except httpx.HTTPError as error:
        raise QueueError(f"{type(error).__name__}: {error}".rstrip(": ")) from error
    raise QueueError(f"status {answer.status_code} {answer.reason_phrase}: {said}".rstrip(": "))


async def _said(answer: httpx.Response) -> str:
    """Returns the beginning of what an answer says, "" if it is too long or cannot be decoded."""
    try:
        body = await decoded_body(answer, _MOST_BYTES)
    except BodyError:
        return ""
    return body.decode("utf-8", "replace")[:_MOST_QUOTED]
