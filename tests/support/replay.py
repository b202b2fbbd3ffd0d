"""The replay of real records in ../shared, served in this process; its API dates papers as arXiv does."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.conftest import SHARED
from tests.support.arxiv_api import dated, find
from tests.support.arxiv_format import Sheet

CATEGORIES = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
DATA = SHARED / "data"


class Replay:
    """A running replay. `state` is its own: `days`, the `date` that it serves, `faults`, and the `log`."""

    def __init__(self, module: ModuleType) -> None:
        hf = next(iter(sorted((DATA / "hf").glob("*.json"))))
        self.state: Any = module.Replay(SimpleNamespace(days=DATA / "days", raw=None, hf=hf, date=None))
        self.url = ""
        self.first: dict[str, date] = {}  # when each paper was announced first
        for day, rows in sorted(self.state.days.items()):
            for row in rows:
                self.first.setdefault(row["id"], date.fromisoformat(day))
        rows = {row["id"]: row for day in self.state.days.values() for row in day}
        self._dated = {name: dated(_sheet(rows[name]), day) for name, day in self.first.items()}

    def fault(self, path: str, kind: str, times: int = -1) -> None:
        """Let requests below `path` fail."""
        self.state.faults = [{"path": path, "kind": kind, "times": times}] if kind else []

    def truth(self, days: list[date]) -> dict[date, set[str]]:
        """The papers in `CATEGORIES` by the date of their first announcement."""
        rows = {row["id"]: row for day in self.state.days.values() for row in day}
        wanted = {name for name, row in rows.items() if set(CATEGORIES) & set(row["categories"])}
        return {day: {name for name in wanted if self.first[name] == day} for day in days}

    @property
    def gaps(self) -> list[float]:
        """Seconds between the arrivals of requests to arXiv."""
        times = [row["time"] for row in self.state.log if not row["path"].startswith("/api/daily_papers")]
        return [later - earlier for earlier, later in pairwise(times)]

    def api(self, _days: object, query: str) -> bytes:
        """What arXiv's API would say at the date that is served: papers that were announced, dated by submission."""
        today = date.fromisoformat(self.state.date)
        there = {row["id"] for day in self.state.days.values() for row in day}
        return find(
            [self._dated[name] for name, day in self.first.items() if day <= today and name in there], query
        ).write()


def _sheet(row: Mapping[str, Any]) -> Sheet:
    categories = dict.fromkeys((row["primary_category"], *row["categories"]))
    authors = ", ".join(name.replace("(", "").replace(")", "") for name in row["authors"])
    return Sheet(row["id"], row["title"], row["abstract"], authors, tuple(categories), row.get("version", 1))


@contextmanager
def replaying() -> Iterator[Replay]:
    """Serve the real records on a free port of loopback."""
    spec = spec_from_file_location("upstream_replay", SHARED / "tools" / "upstream_replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    replay = Replay(module)
    adapted: Callable[[object, str], bytes] = replay.api
    module.api = adapted  # type: ignore[attr-defined]
    handler = type("Handler", (module.Handler,), {"replay": replay.state})
    server = module.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # clients go away
    replay.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def replay_process(*options: str) -> Iterator[str]:
    """The address of a replay in a process of its own, with a model beside arXiv and Hugging Face."""
    script = SHARED / "tools" / "upstream_replay.py"
    command = [sys.executable, str(script), "--days", str(DATA / "days"), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
