"""The port to a queue: it calls `/api/work`, or the function behind it, some time later.

A queue only says when. What is pending is in the store, which also keeps the bounds of each chain and recognises a
message that comes twice or too late (`core.model.work`). So an adapter needs no state.
"""

from typing import Protocol

import httpx

from core.model.errors import QueueError

TIMEOUT = httpx.Timeout(8.0, connect=3.0)  # of one call to a queue
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
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.post(url, headers=headers, content=body)
    except httpx.HTTPError as error:
        raise QueueError(f"{type(error).__name__}: {error}".rstrip(": ")) from error
    if answer.status_code not in _GOOD and answer.status_code != _DUPLICATE:
        raise QueueError(f"status {answer.status_code} {answer.reason_phrase}: {answer.text[:200]}".rstrip(": "))
