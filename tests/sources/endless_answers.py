"""Answers that never end, and redirects that lead from host to host, for `tests.support.measured`.

Every client of the write path is asked for what it is there for, with the limits that it has, in virtual time. Each
upstream is a line that any host can be reached by: it drips a byte a second, or stays silent before its first byte, or
sends the client on. An outcome has what the client said, the simulated seconds, and which hosts were asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from core.model.errors import DeliveryError, FetchError, PaperwireError
from tests.support.virtual_time import VirtualLoop, install, run

NOW = datetime(2026, 3, 6, 17, tzinfo=UTC)
DAY = date(2026, 3, 5)
URL = "http://{}.example".format
_PIECES = 100_000  # a day of seconds: an end that no client may wait for
Call = Callable[[Any], Awaitable[object]]


class Drip(httpx.AsyncByteStream):
    """A body of a byte a second."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(_PIECES):
            await asyncio.sleep(1.0)
            yield b" "


def _drips(status: int, request: httpx.Request) -> Awaitable[httpx.Response]:  # noqa: ARG001
    async def answer() -> httpx.Response:
        return httpx.Response(status, headers={"Content-Type": "text/plain"}, stream=Drip())

    return answer()


async def _silent(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(_PIECES)
    return httpx.Response(200, request=request)


async def _leads_on(numbers: Iterator[int], where: str, request: httpx.Request) -> httpx.Response:
    headers = {"Location": where.format(host=request.url.host, n=next(numbers))}
    return httpx.Response(307, headers=headers, stream=httpx.ByteStream(b""))


LINES: dict[str, Callable[[], Callable[[httpx.Request], Awaitable[httpx.Response]]]] = {
    "drips": lambda: partial(_drips, 200),
    "drips an error": lambda: partial(_drips, 503),
    "is silent": lambda: _silent,
    "leads on": lambda: partial(_leads_on, count(), "http://host-{n}.example/"),
    "leads in a circle": lambda: partial(_leads_on, count(), "http://{host}/{n}"),
}


@contextmanager
def _line(kind: str, hosts: list[str]) -> Iterator[None]:
    """All requests of this process go over such a line."""
    answer = LINES[kind]()

    async def handle(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return await answer(request)

    usual = httpx.AsyncHTTPTransport.handle_async_request
    httpx.AsyncHTTPTransport.handle_async_request = handle  # type: ignore[method-assign]
    try:
        yield
    finally:
        httpx.AsyncHTTPTransport.handle_async_request = usual  # type: ignore[method-assign]


async def _ask(call: Call, folder: Path, loop: VirtualLoop) -> str:
    """What a call says on each of the lines, as JSON: by kind the words, the seconds, and the hosts."""
    from core.app import Paperwire
    from core.config.settings import load_settings
    from core.jobs.upstreams import open_upstreams

    settings = load_settings(
        env_file=False, sqlite_path=folder / "store.sqlite3", now=NOW, replay_gate_seconds=0,
        arxiv_rss_url=URL("rss"), arxiv_api_url=URL("api"), arxiv_site_url=URL("site"), self_refresh=False,
        private_sources=True,
    )  # fmt: skip
    outcomes: dict[str, tuple[str, int, list[str]]] = {}
    wire = Paperwire(settings)
    for kind in LINES:
        hosts: list[str] = []
        async with open_upstreams(settings, wire.archive) as upstreams:
            begun = loop.time()
            with _line(kind, hosts):
                try:
                    said = f"{await call(upstreams)}"
                except PaperwireError as error:
                    said = f"{type(error).__name__}: …{str(error)[-120:]}"
        outcomes[kind] = (said, round(loop.time() - begun), sorted({*hosts}))
    await wire.close()
    return json.dumps(outcomes)


def case(call: Call) -> Callable[[], str]:
    """What a call says on each of the lines."""

    def work() -> str:
        loop = install(NOW)
        with TemporaryDirectory() as folder:
            return run(loop, _ask(call, Path(folder), loop))

    return work


async def _rss(up: Any) -> object:
    from core.sources.rss import fetch_announcements

    deadline = asyncio.get_running_loop().time() + 50
    found = await fetch_announcements(up.get, up.rss_url, ["cs.LG"], deadline=deadline)
    raise FetchError(up.rss_url, found.failures["cs.LG"])


async def _by_id(up: Any) -> object:
    from core.sources.api import fetch_by_id

    found = await fetch_by_id(up.get, up.api_url, ["2603.00001"])
    raise FetchError(up.api_url, found.problem)


async def _slice(up: Any) -> object:
    from core.model.calendar import submission_window
    from core.sources.api import fetch_slice

    return await fetch_slice(up.get, up.api_url, ["cs.LG"], submission_window(DAY), start=0)


async def _catchup(up: Any) -> object:
    from core.sources.catchup import fetch_catchup

    return await fetch_catchup(up.get_site, up.site_url, "cs.LG", DAY)


async def _picks(up: Any) -> object:
    from core.sources.huggingface import fetch_daily

    return await fetch_daily(up.get_picks, up.hf_url, DAY)


async def _text(up: Any) -> object:
    from core.model.paper import Paper
    from core.sources.fulltext import fetch_text

    paper = Paper("2603.00001", 1, "A paper", "Its abstract.", (), ("cs.LG",))
    deadline = asyncio.get_running_loop().time() + 150
    text = await fetch_text(up.get_site, paper, pdf_url=up.site_url, deadline=deadline)
    raise FetchError(up.site_url, f"{text.input}: {text.note}")


async def _collection(up: Any) -> object:
    from core.sources.zotero import fetch_collection

    return await fetch_collection(up.get_zotero, URL("zotero"), "1", "ABCD2345")


async def _posted(up: Any) -> object:
    from core.sources.biorxiv import fetch_posted

    deadline = asyncio.get_running_loop().time() + 100
    return await fetch_posted(up.get_biorxiv, up.biorxiv_url, "biorxiv", DAY, deadline=deadline)


async def _entries(up: Any) -> object:
    from core.model.sources import feed_origin
    from core.sources.syndicated import fetch_entries

    return await fetch_entries(up.get_outside, feed_origin(URL("feed")), None)


async def _write(_: Any) -> object:
    from core.sources.zotero_write import write_objects

    async with httpx.AsyncClient(timeout=20) as client:
        return await write_objects(client, URL("zotero"), "1", "key", [{"title": "x"}])


async def _model(_: Any) -> object:
    from core.llm.endpoint import Endpoint, Unspent

    endpoint = Endpoint(URL("model"), "secret-key")
    try:
        return await endpoint.call({"model": "m", "messages": []}, 60)
    except Unspent as error:
        raise error.error from None
    finally:
        await endpoint.close()


async def _qstash(_: Any) -> object:
    from core.queue.qstash import QStashQueue

    await QStashQueue(URL("queue"), "token", "https://wire.example/api/work").schedule(0, "key")
    return CONTENT


async def _sqs(_: Any) -> object:
    from core.queue.sqs import Credentials, SqsQueue

    await SqsQueue(URL("queue"), "eu-west-1", Credentials("id", "secret")).schedule(0, "key")
    return CONTENT


async def _hub(_: Any) -> object:
    from core.deliver.websub import publish

    if problem := await publish(URL("hub"), ["https://wire.example/api/feeds/main.rss"]):
        raise DeliveryError(problem)
    return CONTENT


async def _store(_: Any) -> object:
    from core.store.upstash import UpstashStore

    store = UpstashStore(URL("store"), "token")
    try:
        return await store.get("pw1:manifest")
    finally:
        await store.close()


# What is asked, the most seconds that it may take with all its tries, and where it may go
CALLS: dict[str, tuple[Call, int, str]] = {
    "arXiv's feed": (_rss, 62, "rss"),
    "arXiv's API by identifier": (_by_id, 40, "api"),
    "arXiv's API by date": (_slice, 40, "api"),
    "a catch-up page": (_catchup, 40, "site"),
    "a full text": (_text, 90, "site"),
    "Hugging Face": (_picks, 15, "rss"),  # a replay serves it beside arXiv's feed, as it does bioRxiv
    "a collection at Zotero": (_collection, 20, "zotero"),
    "a library at Zotero": (_write, 25, "zotero"),
    "bioRxiv": (_posted, 20, "rss"),
    "a feed of the owner's": (_entries, 15, "feed"),
    "a model": (_model, 60, "model"),
    "QStash": (_qstash, 8, "queue"),
    "SQS": (_sqs, 8, "queue"),
    "a WebSub hub": (_hub, 5, "hub"),
    "a store by REST": (_store, 3, "store"),
}
CONTENT = "accepted"  # what a call says that needs no more than a status
CASES: dict[str, Callable[[], object]] = {name: case(call) for name, (call, _, _) in CALLS.items()}
