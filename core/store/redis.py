"""A store on a Redis or Valkey server, by URL. Needs the extra `redis`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TimedOut

from core.model.errors import ConfigError
from core.store.commands import CONNECT_SECONDS, READ_SECONDS, Command, CommandStore
from core.util.caches import PerLoop

_SCHEMES = ("redis", "rediss", "unix")
_CONNECTIONS = 20  # of a process, at most; further requests wait for a free one


class RedisStore(CommandStore):
    """A `Store` at `url`: `redis://`, `rediss://` (TLS) or `unix://`, with user, password and database number in it.

    Raises `ConfigError` for any other URL.
    """

    def __init__(
        self, url: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
    ) -> None:
        super().__init__(f"Redis at {place_of(url)}", connect_seconds=connect_seconds, read_seconds=read_seconds)
        self._url = url
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._client = PerLoop(self._make)
        self._make()  # raises for an invalid URL

    async def close(self) -> None:
        """Close the connections of this event loop."""
        if client := self._client.pop():
            await client.aclose()

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        client = self._client.get()
        if len(commands) == 1:
            return [await client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
        async with client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return list(await pipeline.execute())

    def _is_lost(self, error: Exception) -> bool:
        return isinstance(error, Disconnected | OSError) and not isinstance(error, TimedOut)

    def _make(self) -> Redis:
        try:
            # The client's retries would repeat commands that must be sent once; RESP3 has other answers. Its default
            # pool refuses the 101st request instead of letting it wait
            pool = BlockingConnectionPool.from_url(
                self._url,
                max_connections=_CONNECTIONS,
                timeout=self._read_seconds,
                protocol=2,
                decode_responses=True,
                encoding_errors="replace",  # bytes that are no text are none of Paperwire's; decoding them fails later
                retry=Retry(NoBackoff(), 0),
                socket_connect_timeout=self._connect_seconds,
                socket_timeout=self._read_seconds,
            )
        except ValueError as error:
            raise ConfigError([f"REDIS_URL: {error}"]) from error
        return Redis.from_pool(pool)


def place_of(url: str) -> str:
    """Returns host, port and database of a URL, without user and password. Raises `ConfigError` for an invalid URL.

    The error does not quote the URL, because any part of an invalid URL may belong to the password.
    """
    try:
        address = urlsplit(url)
        if address.scheme not in _SCHEMES:
            raise ConfigError([f"REDIS_URL: it has to begin with {', '.join(f'{name}://' for name in _SCHEMES)}"])
        port = address.port or 6379
    except ValueError:
        mend = "special characters in a password have to be written as %23 for #, %2F for /, %3F for ?, %40 for @"
        raise ConfigError([f"REDIS_URL: it cannot be read as redis://user:password@host:port/0; {mend}"]) from None
    return f"{address.hostname}:{port}{address.path.rstrip('/')}" if address.hostname else address.path
