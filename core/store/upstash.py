"""A store in an Upstash database, over its REST protocol: Redis for platforms that keep no connection open."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from upstash_redis.asyncio import Redis

from core.model.errors import ConfigError
from core.store.commands import CONNECT_SECONDS, READ_SECONDS, Command, CommandStore
from core.util.caches import PerLoop

_SAID = 200  # characters of an unexpected answer that an error quotes
_OK, _BAD_REQUEST = 200, 400


class UpstashStore(CommandStore):
    """A `Store` over Upstash's REST protocol at `url`. `token` needs the right to write.

    Raises `ConfigError` for a malformed token.
    """

    def __init__(
        self, url: str, token: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
    ) -> None:
        super().__init__(
            f"Upstash at {urlsplit(url).hostname}", connect_seconds=connect_seconds, read_seconds=read_seconds
        )
        if not (token.isascii() and token.isprintable()) or " " in token:  # the client's error would quote it
            raise ConfigError(
                ["the token of the store has a space, a line break or a character beyond ASCII; copy it again"]
            )
        self._url, self._token = url, token
        self._timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
        self._client = PerLoop(self._make)

    async def close(self) -> None:
        """Close the connections of this event loop."""
        if client := self._client.pop():
            await client.close()

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        client = self._client.get()
        if len(commands) == 1:
            return [await client.execute(list(commands[0]))]
        pipeline = client.pipeline()
        for command in commands:
            pipeline.execute(list(command))
        return list(await pipeline.exec())

    def _is_lost(self, error: Exception) -> bool:
        return isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)

    def _make(self) -> Redis:
        # The client's retries would repeat commands that must be sent once; values are already text
        client = Redis(self._url, self._token, rest_encoding=None, rest_retries=0, allow_telemetry=False)
        http: httpx.AsyncClient = client._http._client  # it has no timeout, and the client has no public access to it
        http.timeout = self._timeout
        http.event_hooks = {"response": [_check]}
        return client


async def _check(response: httpx.Response) -> None:
    """Raise for answers outside the protocol: the client does not report their status."""
    if response.status_code in (_OK, _BAD_REQUEST):
        return
    body = (await response.aread()).decode("utf-8", "replace")
    wait = response.headers.get("Retry-After")
    said = " ".join(body.split())[:_SAID]
    raise httpx.HTTPStatusError(
        f"status {response.status_code}: {said}" + (f"; try again after {wait}" if wait else ""),
        request=response.request,
        response=response,
    )
