"""uvicorn for `paperwire serve`, with limits on connections, on headers, and on time."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.application import create_app
from api.compress import Compressed
from core.config.settings import Settings

CONNECTIONS = 1_000  # at a time; the server answers 503 to more
_IDLE_SECONDS = 10  # to wait for the next request on a connection
HEAD_SECONDS = 10.0  # to receive the head of a request
_WRITE_SECONDS = 30.0  # for a client to read some of its answer
MOST_HEAD = 65_536  # bytes of it


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits: on the time for a request, and on the length of its head.

    Bodies are limited where they are read; here only their unread rest after the answer.
    """

    head_seconds = HEAD_SECONDS
    write_seconds = _WRITE_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._begun = False
        self._head = 0
        self._too_late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    # What uvicorn's server calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_hoping()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received data, unless the head is too long."""
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._head > MOST_HEAD:
            self.send_400_response("The head of the request is too long.")
        elif self._too_late is None and (self._begun or not self._is_answering()):
            self._wait()

    def pause_writing(self) -> None:
        """Start the timer of a client that does not read its answer."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        self._stop_hoping()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also one whose client has not read the end of its answer."""
        if self.transport.get_write_buffer_size():
            self._unread = self._unread or self.loop.call_later(self.write_seconds, self.transport.abort)
        super().timeout_keep_alive_handler()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Start counting the bytes of a head."""
        self._begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers after a body are ignored."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop the timer: the head is complete."""
        self._in_head, self._begun, self._head = False, False, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next bytes belong to another request."""
        self._in_head = True
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the timer for the unread rest of a body."""
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            self._wait()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._stop_waiting()
        self._too_late = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _stop_hoping(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._too_late = None
        if self._is_answering():  # the previous request
            self._wait()
        else:
            self.transport.abort()


def compressed_app(settings: Settings, *, self_refresh: bool) -> ASGIApp:
    """The application as a server of one's own serves it."""
    return Compressed(create_app(settings, self_refresh=self_refresh), private=bool(settings.feed_key))


def run_server(app: ASGIApp, host: str, port: int) -> None:
    """Serve until the process is stopped."""
    uvicorn.run(app, host=host, port=port, **server_options())


def server_options() -> dict[str, Any]:
    """Returns the options of `uvicorn.run` and `uvicorn.Config`."""
    return {
        "http": PatientProtocol,
        "ws": "none",
        "limit_concurrency": CONNECTIONS,
        "timeout_keep_alive": _IDLE_SECONDS,
        "server_header": False,
        "log_config": None,
        "access_log": False,
    }
