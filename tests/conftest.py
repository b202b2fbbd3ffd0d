"""Real parts for the tests: an upstream over HTTP on loopback, a SQLite file, the application in a real server."""

import gc
import importlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import certifi
import httpx
import hypothesis
import pytest
import uvicorn

from api.application import create_app
from core.config.settings import ROOT, Settings, load_settings
from tests.support import command
from tests.support.arxiv_format import make_sheets
from tests.support.upstream import Upstream, serving

Done = subprocess.CompletedProcess[str]
SHARED = ROOT.parent / "shared"
PATIENCE_SECONDS = 120.0  # bounds what hangs; nothing is measured by it
MOST_GROWTH = 64 * 1024 * 1024  # bytes of a process between two collections of garbage
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)  # of the Friday that the stand-in serves
# For processes: they fetch the due batch when they are asked, and nothing else, unless a test is about that
ONLY_WHEN_ASKED = {
    "SELF_REFRESH": "0",
    "CATCH_UP_SECONDS": "0",
    "STORE_CONNECT_SECONDS": "30",
    "STORE_READ_SECONDS": "30",
}

# On a busy machine every answer takes its time
for _call in (httpx.get, httpx.post, httpx.put, httpx.request, httpx.Client.__init__):
    _call.__kwdefaults__["timeout"] = httpx.Timeout(PATIENCE_SECONDS)  # type: ignore[index]

# Processes that tests start can be interrupted, also where this one runs in the background and ignores that
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example may take as long as it does: other work may share the machine. Daily the examples are few and always the
# same; `LAWS=thorough`, as in `make test-all`, tries more of them, other ones each time, and `make fuzz` many more
hypothesis.settings.register_profile("daily", max_examples=25, deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=100, deadline=None, print_blob=True)
hypothesis.settings.register_profile("nightly", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("LAWS", "daily"))


@pytest.fixture(autouse=True, scope="session")
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the machine's own configuration reaches a test."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    certificates = tmp_path_factory.mktemp("certificates") / "one.pem"
    certificates.write_text(begin + Path(certifi.where()).read_text("ascii").split(begin)[1].split(end)[0] + end)
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setenv("CATCH_UP_SECONDS", "0")  # only the due batch, unless a test is about the rest
        patch.setenv("REPLAY_GATE_SECONDS", "0")  # stand-ins need no pause, unless a test is about that
        for name in ("STORE_CONNECT_SECONDS", "STORE_READ_SECONDS"):  # unless a test is about a store that is slow
            patch.setenv(name, "15")
        patch.setenv("SSL_CERT_FILE", str(certificates))  # to read all of them takes every HTTP client 25 ms
        yield


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No test talks to anything but loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    return guarded


def pytest_collection_finish() -> None:
    """Modules and tests live as long as the process: no collection of garbage looks at them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _resident_before() -> list[int]:
    return [_resident()]


@pytest.fixture(autouse=True, scope="module")
def _memory_is_given_back(_resident_before: list[int]) -> Iterator[None]:
    """What modules leave behind is collected when it has become much: each time would take a quarter of a second."""
    yield
    if _resident() > _resident_before[0] + MOST_GROWTH:
        gc.unfreeze()  # what applications froze, and whatever garbage there was at that moment
        gc.collect()
        gc.freeze()
        _resident_before[0] = _resident()


def _resident() -> int:
    """The bytes that this process has in memory, as far as the system says; else the most that it ever had."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are cores: some tests wait for what is slow on purpose."""
    return (os.cpu_count() or 1) + 2


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each process compiles other modules of the suite, and finds the rest compiled by the others; else all compile
    all, which takes each of them seven seconds.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker and not sys.dont_write_bytecode and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        for path in sorted((ROOT / "tests").rglob("test_*.py"))[number::count]:
            with suppress(Exception, pytest.skip.Exception):  # collecting it says so
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests over real records need the folder that holds them."""
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        pytest.skip("needs the real records in ../shared, which a clone does not have")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A stand-in for arXiv with 40 papers on Friday, 6 March 2026."""
    with serving(Upstream(sheets=make_sheets(40))) as running:
        yield running


@pytest.fixture
def settings(upstream: Upstream, tmp_path: Path) -> Settings:
    """Settings that point at the stand-in, at noon of its day, with a store of its own."""
    return load_settings(
        env_file=False,
        arxiv_rss_url=upstream.url,
        now=NOON,
        sqlite_path=tmp_path / "store.sqlite3",
        admin_token="open-sesame",
        rate_limit=0,
    )


@contextmanager
def serving_app(settings: Settings, port: int = 0) -> Iterator[str]:
    """The application in a real server on loopback, by default at a free port; yields its address."""
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    """An HTTP client of the application, in a real server."""
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        yield client


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Return when `holds()`, fail if it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def paperwire(*arguments: str, cwd: Path, env: dict[str, str], timeout: float = 120) -> Done:
    """Run the command line in a process of its own."""
    base = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "CATCH_UP_SECONDS": "0",
        "REPLAY_GATE_SECONDS": "0",
        "SSL_CERT_FILE": os.environ["SSL_CERT_FILE"],
    }
    return command.run(*arguments, cwd=cwd, env=base | env, timeout=timeout)
