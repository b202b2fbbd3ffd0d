"""Ports of loopback for servers in processes of their own, which have to be told where to listen."""

import os
import random
import socket
from contextlib import suppress

# Below those of outgoing connections and of servers that ask for just any: nobody is given one before it is used,
# or while its server restarts. Each process of the tests has its own
_OWN = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12
_ports = iter(random.SystemRandom().sample(range(20_000 + 1_000 * _OWN, 21_000 + 1_000 * _OWN), 1_000))


def free_port() -> int:
    """A port on which nothing listens, and which the system gives to nobody else; never the same twice."""
    for port in _ports:
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("all ports have been given away")
