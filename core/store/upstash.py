"""The store in an Upstash database, over its REST protocol: Redis for places where no connection stays open."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from upstash_redis.asyncio import Redis

from core.model.errors import ConfigError
from core.store.commands import CONNECT_SECONDS, READ_SECONDS, Command, CommandStore

_SAID = 200  # characters of an unexpected answer that an error repeats
_OK, _BAD_REQUEST = 200, 400


class UpstashStore(CommandStore):
    """A `Store` behind Upstash's REST protocol at `url`. `token` has to be one that may write.

    Raises `ConfigError` for a token that cannot be one.
    """

    def __init__(
        self, url: str, token: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
    ) -> None:
        super().__init__(
            f"Upstash at {urlsplit(url).hostname}", connect_seconds=connect_seconds, read_seconds=read_seconds
        )
        if not (token.isascii() and token.isprintable()) or " " in token:  # the client's error would repeat it
            raise ConfigError(
                ["the token of the store has a space, a line break or a letter beyond ASCII; copy it anew"]
            )
        self._url, self._token = url, token
        self._timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
        self._client: Redis | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close the connections, if they are of this event loop."""
        client, self._client = self._client, None
        if client and self._loop is asyncio.get_running_loop():
            await client.close()

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        client = self._connected()
        if len(commands) == 1:
            return [await client.execute(list(commands[0]))]
        pipeline = client.pipeline()
        for command in commands:
            pipeline.execute(list(command))
        return list(await pipeline.exec())

    def _is_lost(self, error: Exception) -> bool:
        return isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)

    def _connected(self) -> Redis:
        """The client of the running event loop: connections do not outlive the loop they were made in."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            # Its own retry would send anything twice, also what must not be; values are text already
            self._client = Redis(self._url, self._token, rest_encoding=None, rest_retries=0, allow_telemetry=False)
            self._loop = loop
            http: httpx.AsyncClient = self._client._http._client  # made without any timeout, and given out nowhere else
            http.timeout = self._timeout
            http.event_hooks = {"response": [_check]}
        return self._client


async def _check(response: httpx.Response) -> None:
    """Raise for answers that are not of the protocol: the client tells nothing of their status."""
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
