"""What the tests of the API share: rules and three days of papers of their own, and requests sent byte by byte."""

import asyncio
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.jobs.refresh import Today
from core.store import keys
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.upstream import Upstream, serving

TOKEN = "open-sesame"
OF_EACH_REQUEST = ("x-request-id", "server-timing")  # headers that are never the same twice
WEDNESDAY, THURSDAY, FRIDAY = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
NOWHERE = "http://127.0.0.1:9"  # nothing listens there: a test that fetches by mistake fails

FEEDS = """
[instance]
title = "Test wire"
contact = "owner@example.org"

[feeds.main]
title = "Caches & kernels"
description = "What is <fast>, and why."
categories = ["cs.DC", "cs.LG"]
title_bonus = 0.5
min_score = 2
max_entries = 4
exclude = ["survey"]
[feeds.main.keywords]
cache = 2
kernel = 1
"au:Grace Placeholder" = 5
"cat:cs.OS" = 0.5

[feeds.replaced]
title = "Replacements and crosses"
categories = ["cs.LG", "hep-th"]
announce_types = ["replace", "replace-cross", "cross"]

[feeds.everything]
title = "Everything"
categories = ["cs.DC", "cs.LG", "cs.AI", "hep-th"]
"""


def _sheet(number: int | str, title: str, *categories: str, **more: Any) -> Sheet:
    return Sheet(id=f"2603.{number}" if isinstance(number, int) else number, title=title, categories=categories, **more)


# The scores that main gives are beside the titles
DAYS: dict[date, list[Sheet]] = {
    WEDNESDAY: [_sheet(90101, "Kernel cache", "cs.LG")],  # 4.5
    THURSDAY: [
        _sheet(90201, "Cache one", "cs.DC"),  # 3
        _sheet(90202, "Kernel two", "cs.LG"),  # 1.5
        _sheet(90203, "Caches and kernels \\`a la carte", "cs.LG"),  # 4.5
    ],
    FRIDAY: [
        _sheet(90301, "A cache for kernels", "cs.DC", "cs.LG"),  # 4.5
        _sheet(
            90302, "Kernel fusion", "cs.LG", abstract="It needs a cache. See https://github.com/sample/fusion."
        ),  # 3.5
        _sheet(90303, "A cache", "cs.LG", "cs.AI"),  # 3
        _sheet(90304, "On graphs", "cs.DC", abstract="A cache and a kernel."),  # 3
        _sheet(
            90305, "Letters", "cs.DC", creator='Grace Placeholder (Institute, Town), Zo\\"e Sample, Ada Example'
        ),  # 5
        _sheet(90306, "Nothing of note", "cs.LG"),  # 0
        _sheet(90307, "A survey of caches", "cs.DC"),  # excluded
        _sheet(90308, "A kernel, again", "cs.LG", version=2),  # 1.5
        _sheet(90309, "Cache lines in physics", "physics.comp-ph", "cs.DC"),  # 3, a cross-list
        _sheet("hep-th/9901001", "Strings, revisited", "hep-th", version=3),
        _sheet(90311, "x < y & “quotes” in a cache", "cs.DC"),  # 3
        _sheet(90312, "Operating a kernel", "cs.LG", "cs.OS"),  # 2
    ],
}
MAIN = ["2603.90305", "2603.90301", "2603.90302", "2603.90304", "2603.90203", "2603.90201", "2603.90101"]
MAIN_UNCAPPED = [*MAIN[:4], "2603.90303", "2603.90311", "2603.90312", *MAIN[4:]]


def noon(day: date) -> datetime:
    """Noon in New York, or an hour earlier."""
    return datetime.combine(day, time(17), UTC)


def make_settings(folder: Path, **overrides: Any) -> Settings:
    """Settings for a store in `folder`, at Friday noon; nothing of them comes from the environment."""
    base = {
        "feeds_toml": FEEDS,
        "arxiv_rss_url": NOWHERE,
        "now": noon(FRIDAY),
        "sqlite_path": folder / "store.sqlite3",
        "admin_token": TOKEN,
        "cron_secret": "",
        "base_url": "",
        "sample": False,
        "rate_limit": 0,
        "vercel": "",
    }
    return load_settings(**base | overrides)


# What a new file has after days were stored in it, and the reports, by settings and days: most tests want the same
_STORED: dict[str, tuple[bytes, list[Today]]] = {}


def store_days(settings: Settings, days: Mapping[date, Iterable[Sheet]]) -> list[Today]:
    """Refresh the store once for each of `days`, as if that was the present.

    What this process once stored in a new file for the same settings is copied.
    """
    path = settings.sqlite_path
    if path.exists():
        return _refresh_days(settings, days)
    wanted = {day: list(sheets) for day, sheets in days.items()}
    plain = {name: _revealed(value) for name, value in settings if name != "sqlite_path"}
    key = repr((sorted(plain.items()), sorted(wanted.items())))
    if key in _STORED:
        content, reports = _STORED[key]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return list(reports)
    reports = _refresh_days(settings, wanted)
    if path.exists():  # it is the store: none other is configured
        _STORED[key] = (path.read_bytes(), reports)
    return list(reports)


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _refresh_days(settings: Settings, days: Mapping[date, Iterable[Sheet]]) -> list[Today]:

    async def work(upstream: Upstream) -> list[Today]:
        reports = []
        for day, sheets in sorted(days.items()):
            upstream.day, upstream.sheets = day, list(sheets)
            wire = Paperwire(settings.model_copy(update={"now": noon(day), "arxiv_rss_url": upstream.url}))
            report = await wire.refresh(seconds=0)
            assert report.today is not None
            reports.append(report.today)
            await wire.archive.store.delete(keys.ARXIV_GATE)  # the days are not three seconds apart
            await wire.close()
        return reports

    with serving(Upstream()) as upstream:
        return asyncio.run(work(upstream))


@contextmanager
def serving_days(
    folder: Path, days: Mapping[date, Iterable[Sheet]] | None = None, **overrides: Any
) -> Iterator[httpx.Client]:
    """A client of the application in a real server, with `days` in its store."""
    settings = make_settings(folder, **overrides)
    store_days(settings, DAYS if days is None else days)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        yield client


def base(client: httpx.Client) -> str:
    """The address of the server, without a trailing slash."""
    return str(client.base_url).rstrip("/")


class Raw(NamedTuple):
    """An answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(client: httpx.Client, target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Raw:
    """Send a request whose target nothing re-encodes, and read all bytes that come back."""
    url = client.base_url
    fields = {"Host": f"{url.host}:{url.port}", "Connection": "close"} | dict(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with socket.create_connection((url.host, url.port), timeout=120) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = top.decode("latin-1").split("\r\n")
    named = (line.partition(": ") for line in lines)
    return Raw(int(status.split()[1]), {name.lower(): value for name, _, value in named}, body)


def walk(value: Any) -> Iterator[Any]:
    """All values in a JSON value, itself first."""
    yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in inside:
        yield from walk(child)
