"""Ports of loopback for servers in processes of their own, which have to be told where to listen."""

import random
import socket
from contextlib import suppress

# Below those of outgoing connections and of servers that ask for just any: nobody is given one before it is used,
# or while its server restarts
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port on which nothing listens, and which the system gives to nobody else."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
