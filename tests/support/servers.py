"""Servers in processes of their own, started as their owners and platforms start them."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.config.settings import ROOT
from tests.conftest import ONLY_WHEN_ASKED, PATIENCE_SECONDS, wait_until

PAPERWIRE = ("core.cli.main", "serve", "--port", "0")
UVICORN = ("uvicorn", "api.index:app", "--port", "0")
_RUNNING = re.compile(r"Uvicorn running on (http://\S+)")


@dataclass(frozen=True)
class ServerProcess:
    """A server that waits for requests and has had none: its address, its log, and its process."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def server_process(
    folder: Path,
    env: Mapping[str, str],
    command: tuple[str, ...] = PAPERWIRE,
    *,
    log: str = "log",
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[ServerProcess]:
    """`python -m` this command in `folder`, with nothing but `env`. It ends when told to, and without a traceback."""
    base = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    path = folder / log
    with path.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env={**base, **ONLY_WHEN_ASKED, **env},
            stdout=out,
            stderr=out,
        )
        try:
            wait_until(lambda: process.poll() is not None or bool(_RUNNING.search(path.read_text())))
            match = _RUNNING.search(path.read_text())
            assert match, path.read_text()
            yield ServerProcess(match[1], path, process)
            process.send_signal(stop)
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)
    assert "Traceback" not in path.read_text()
