"""An HTTP server on a free port of loopback, which all stand-ins are made of."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """What answers requests, by `reply`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer may wait 40 ms for an acknowledgement

    def reply(self) -> None:
        """Answer a request, whose method is `self.command`."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.reply()

    def do_POST(self) -> None:
        self.reply()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    block_on_close = False  # some requests hang

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no fault of the stand-in's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def listening(handler: type[Handler]) -> Iterator[str]:
    """The address at which `handler` answers."""
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
