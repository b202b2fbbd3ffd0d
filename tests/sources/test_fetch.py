"""Fetching politely, measured where it counts: at the server."""

import asyncio
import gzip
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from core.archive import Archive
from core.model.errors import FetchError
from core.sources.client import MAX_BYTES, Fetcher, UpstreamAnswer, may_lead
from core.store.sqlite import SqliteStore
from core.text.numbers import LONGEST_WAIT
from tests.conftest import PATIENCE_SECONDS
from tests.support.arxiv_format import make_sheets
from tests.support.ports import free_port
from tests.support.tables import each_row
from tests.support.upstream import Upstream, serving

T = TypeVar("T")
AGENT = "Paperwire/test (owner@example.org)"


@asynccontextmanager
async def _fetcher(path: Path, gate_seconds: float | None = None, read_seconds: float = 10) -> Any:
    """A fetcher as the wire makes it, on a store of its own process."""
    store = SqliteStore(path)
    timeout = httpx.Timeout(read_seconds, connect=5)
    async with httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_connections=1)) as client:
        gate = Archive(store).gate
        yield Fetcher(client, user_agent=AGENT, gate=gate if gate_seconds is None else partial(gate, gate_seconds))
        await store.close()


def _run(path: Path, work: Callable[[Fetcher], Awaitable[T]], **options: float) -> T:
    async def main() -> T:
        async with _fetcher(path, **options) as fetcher:
            return await work(fetcher)

    return asyncio.run(main())


def _get(
    upstream: Upstream, path: Path, validators: Mapping[str, str] | None = None, **options: float
) -> UpstreamAnswer:
    url = f"{upstream.url}/rss/cs.LG"
    return _run(path, lambda fetcher: fetcher.get(url, validators), **{"gate_seconds": 0, **options})


def test_headers(upstream: Upstream, tmp_path: Path) -> None:
    """Every request says who asks and what is accepted, and an unconditional one is unconditional."""
    _get(upstream, tmp_path / "store")
    ((_, _, headers),) = upstream.requests
    assert AGENT == headers["User-Agent"]
    assert "application/rss+xml, application/atom+xml, text/xml, */*" == headers["Accept"]
    assert not {"If-None-Match", "If-Modified-Since"} & headers.keys()


def test_conditional_request(upstream: Upstream, tmp_path: Path) -> None:
    """The validators of an answer make the next request conditional; "nothing changed" has no body and keeps them."""
    upstream.headers = {"Last-Modified": "Fri, 06 Mar 2026 05:00:03 GMT"}
    first = _get(upstream, tmp_path / "store")
    second = _get(upstream, tmp_path / "store", first.validators)
    upstream.sheets = upstream.sheets[1:]
    third = _get(upstream, tmp_path / "store", second.validators)
    assert {"etag", "last_modified"} == first.validators.keys()
    assert (None, first.validators) == (second.body, second.validators)
    assert upstream.document(("cs.LG",)) == third.body
    assert first.validators != third.validators
    headers = upstream.requests[1][2]
    sent = {"etag": headers["If-None-Match"], "last_modified": headers["If-Modified-Since"]}
    assert first.validators == sent


# -- measured at the server; all at the same time, each with a server and a store of its own


async def _two_fetchers(upstream: Upstream, path: Path) -> None:
    async def two() -> None:
        async with _fetcher(path) as fetcher:
            for _ in range(2):
                await fetcher.get(f"{upstream.url}/rss/cs.LG")

    await asyncio.gather(two(), two())


async def _slow_answers(upstream: Upstream, path: Path) -> None:
    upstream.delay = 4

    async def one() -> None:
        async with _fetcher(path) as fetcher:
            await fetcher.get(f"{upstream.url}/rss/cs.LG")

    await asyncio.gather(one(), one())


async def _failures(upstream: Upstream, path: Path) -> None:
    upstream.faults = ["reset", "503"]
    async with _fetcher(path) as fetcher:
        for _ in range(2):
            with pytest.raises(FetchError):
                await fetcher.get(f"{upstream.url}/rss/cs.LG")
        await fetcher.get(f"{upstream.url}/rss/cs.LG")


async def _redirected(upstream: Upstream, path: Path) -> None:
    upstream.faults = [f"redirect {upstream.url}/rss/cs.LG"]
    async with _fetcher(path) as fetcher:
        await fetcher.get(f"{upstream.url}/rss/cs.LG")


async def _never_done(fault: str, read_seconds: float, upstream: Upstream, path: Path) -> tuple[float, FetchError]:
    upstream.faults = [fault]
    begun = time.monotonic()
    async with _fetcher(path, read_seconds=read_seconds) as fetcher:
        with pytest.raises(FetchError) as error:
            await fetcher.get(f"{upstream.url}/rss/cs.LG")
    return time.monotonic() - begun, error.value


MEASURED: dict[str, Callable[[Upstream, Path], Awaitable[Any]]] = {
    "two fetchers": _two_fetchers,
    "slow answers": _slow_answers,
    "failures": _failures,
    "redirected": _redirected,
    "slow": partial(_never_done, "slow", 10),
    "hang": partial(_never_done, "hang", 3),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Upstream, Any]]:
    """What the server saw, and what came of it, by name."""

    async def main() -> list[Any]:
        return await asyncio.gather(*(work(upstreams[name], folder / name) for name, work in MEASURED.items()))

    folder = tmp_path_factory.mktemp("measured")
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(serving(Upstream(sheets=make_sheets(40)))) for name in MEASURED}
        results = asyncio.run(main())
    return {name: (upstreams[name], result) for name, result in zip(MEASURED, results, strict=True)}


def test_requests_are_three_seconds_apart(measured: dict[str, tuple[Upstream, Any]]) -> None:
    """Two fetchers on one store, as in two processes, reach the server at least three seconds apart, all in all."""
    upstream, _ = measured["two fetchers"]
    assert 4 == len(upstream.requests)
    assert min(upstream.gaps) >= 3.0, upstream.gaps
    assert max(upstream.gaps) < 30.0, upstream.gaps  # polite, not slow


def test_one_request_at_a_time(measured: dict[str, tuple[Upstream, Any]]) -> None:
    """An answer that takes longer than three seconds is waited for, and three seconds more, by every fetcher."""
    upstream, _ = measured["slow answers"]
    assert 1 == upstream.most_at_once
    assert min(upstream.gaps) >= 7.0, upstream.gaps


def test_failed_requests_are_also_apart(measured: dict[str, tuple[Upstream, Any]]) -> None:
    """After an error the next request waits its three seconds too."""
    upstream, _ = measured["failures"]
    assert 3 == len(upstream.requests)
    assert min(upstream.gaps) >= 3.0, upstream.gaps


def test_redirects_are_requests_too(measured: dict[str, tuple[Upstream, Any]]) -> None:
    """Following a redirect waits its three seconds too."""
    upstream, _ = measured["redirected"]
    assert 2 == len(upstream.requests)
    assert min(upstream.gaps) >= 3.0, upstream.gaps


@pytest.mark.parametrize(("fault", "reason"), [("slow", "no complete answer within 12 s"), ("hang", "ReadTimeout")])
def test_time_is_bounded(measured: dict[str, tuple[Upstream, Any]], fault: str, reason: str) -> None:
    """An answer that trickles, or does not come, is given up in time."""
    _, (taken, error) = measured[fault]
    assert (reason, True) == (error.reason, error.again)
    assert taken < PATIENCE_SECONDS  # 12 s, and other work may share the machine


# -- what can go wrong

FAULTS = [
    # fault, words of the reason, whether another try may help
    ("rate-exceeded", "rate exceeded", True),
    ("403", "status 403 Forbidden", True),
    ("406", "status 406 Not Acceptable", True),
    ("429", "status 429 Too Many Requests", True),
    ("500", "status 500 Internal Server Error", True),
    ("502", "status 502 Bad Gateway", True),
    ("503", "status 503 Service Unavailable", True),
    ("504", "status 504 Gateway Timeout", True),
    ("400", "status 400 Bad Request", False),
    ("404", "status 404 Not Found", False),
    ("410", "status 410 Gone", False),
    ("304", "status 304", False),
    ("204", "status 204", False),
    ("error-feed", "status 400", False),
    ("cut-connection", "RemoteProtocolError: ", True),
    ("reset", "R", True),  # ReadError or RemoteProtocolError, as the moment has it
]


@pytest.mark.parametrize(("fault", "reason", "again"), FAULTS)
def test_faults(upstream: Upstream, tmp_path: Path, fault: str, reason: str, again: bool) -> None:
    """Whatever goes wrong is told with the URL, in words, and with whether another try may help."""
    upstream.faults = [fault]
    with pytest.raises(FetchError) as error:
        _get(upstream, tmp_path / "store")
    assert error.value.reason.startswith(reason)
    assert str(error.value).startswith(f"{upstream.url}/rss/cs.LG: ")
    assert again == error.value.again
    assert upstream.document(("cs.LG",)) == _get(upstream, tmp_path / "store").body


def test_refused_connection(tmp_path: Path) -> None:
    """A server that is not there is told as such, and may come back."""
    with pytest.raises(FetchError, match="ConnectError") as error:
        _get(Upstream(url=f"http://127.0.0.1:{free_port()}"), tmp_path / "store")
    assert error.value.again


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/x", "nonsense", "http://[::1/"])
def test_what_is_no_url(tmp_path: Path, url: str) -> None:
    """An address that is none is told as such."""
    with pytest.raises(FetchError):
        _run(tmp_path / "store", lambda fetcher: fetcher.get(url), gate_seconds=0)


def test_more_bytes_than_can_be(upstream: Upstream, tmp_path: Path) -> None:
    """An endless answer is cut at the cap, soon, and not kept."""
    upstream.faults = ["huge"]
    with pytest.raises(FetchError, match=f"more than {MAX_BYTES // 1_000_000} MB") as error:
        _get(upstream, tmp_path / "store")
    assert error.value.again


def test_compressed_bomb(upstream: Upstream, tmp_path: Path) -> None:
    """The cap holds for what comes out of a compressed answer."""
    bomb = gzip.compress(bytes(4 * MAX_BYTES))  # before it is asked for: that takes a busy machine some time
    upstream.change = lambda _: bomb
    upstream.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(FetchError, match="more than"):
        _get(upstream, tmp_path / "store")


def test_compressed_answer(upstream: Upstream, tmp_path: Path) -> None:
    """A compressed answer is read, and one that is not what it says it is is an error."""
    plain = upstream.document(("cs.LG",))
    upstream.headers = {"Content-Encoding": "gzip"}
    upstream.change = gzip.compress
    assert plain == _get(upstream, tmp_path / "store").body
    upstream.change = bytes
    with pytest.raises(FetchError, match="unreadable"):
        _get(upstream, tmp_path / "store")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "deflate, gzip", "aes128gcm"])
def test_encodings_that_were_not_asked_for(upstream: Upstream, tmp_path: Path, encoding: str) -> None:
    """One encoding is decoded: a few kilobytes of several stand for gigabytes."""
    upstream.headers, upstream.change = {"Content-Encoding": encoding}, lambda body: gzip.compress(gzip.compress(body))
    with pytest.raises(FetchError, match=f"it has the encoding '{encoding}', which was not asked for"):
        _get(upstream, tmp_path / "store")
    assert "gzip, deflate" == upstream.requests[0][2]["Accept-Encoding"]


@pytest.mark.parametrize("header", [True, False])
def test_deflate(upstream: Upstream, tmp_path: Path, header: bool) -> None:
    """With the header of zlib, as RFC 9110 has it, and without, as some servers send it."""
    plain = upstream.document(("cs.LG",))
    upstream.headers = {"Content-Encoding": "deflate"}
    upstream.change = lambda body: zlib.compress(body)[0 if header else 2 : None if header else -4]
    assert plain == _get(upstream, tmp_path / "store").body


# From, to, whether it is followed
LEADS = [
    ("http://127.0.0.1:1/rss", "http://127.0.0.1:2/rss", True),
    ("https://rss.arxiv.org/rss/cs", "https://export.arxiv.org/rss/cs", True),
    ("https://arxiv.org/pdf/1", "https://arxiv.org/pdf/1v1", True),
    ("http://export.arxiv.org/api", "https://export.arxiv.org/api", True),
    ("https://huggingface.co/api", "https://www.huggingface.co/api", True),
    ("https://rss.arxiv.org/rss/cs", "http://rss.arxiv.org/rss/cs", False),
    ("https://rss.arxiv.org/rss/cs", "https://arxiv.org.evil.example/rss", False),
    ("https://rss.arxiv.org/rss/cs", "https://evilarxiv.org/rss", False),
    ("https://rss.arxiv.org/rss/cs", "https://huggingface.co/", False),
    ("https://rss.arxiv.org/rss/cs", "http://169.254.169.254/latest/meta-data", False),
    ("http://127.0.0.1:1/rss", "http://localhost:1/rss", False),
    ("https://rss.arxiv.org/rss/cs", "file:///etc/passwd", False),
]


@each_row(("url", "target", "followed"), LEADS)
def test_where_redirects_may_lead(url: str, target: str, *, followed: bool) -> None:
    """To hosts of the same upstream, and never from HTTPS to HTTP."""
    assert followed == may_lead(url, target)


def test_redirects_to_other_hosts(upstream: Upstream, tmp_path: Path) -> None:
    """What only this machine can reach is not asked because an upstream says so."""
    upstream.faults = [f"redirect {upstream.url.replace('127.0.0.1', 'localhost')}/secret?token=1"]
    with pytest.raises(FetchError, match="it redirects to http://localhost, which is not followed"):
        _get(upstream, tmp_path / "store")
    assert 1 == len(upstream.requests)


@pytest.mark.parametrize("location", ["{url}/rss/cs.LG", "/rss/cs.LG", "../rss/cs.LG?x"])
def test_redirects_are_followed(upstream: Upstream, tmp_path: Path, location: str) -> None:
    """arXiv may move its feeds."""
    upstream.faults = ["redirect " + location.format(url=upstream.url)]
    assert upstream.document(("cs.LG",)) == _get(upstream, tmp_path / "store").body


@pytest.mark.parametrize(
    "location", ["{url}/rss/cs.LG", "", "http://", "ftp://127.0.0.1/", "http://[", "http://127.0.0.1:99999/"]
)
def test_redirects_to_nowhere(upstream: Upstream, tmp_path: Path, location: str) -> None:
    """A redirect that leads nowhere, or in a circle, is an error like others."""
    upstream.faults, upstream.faulty_for_ever = ["redirect " + location.format(url=upstream.url)], True
    with pytest.raises(FetchError):
        _get(upstream, tmp_path / "store")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", 1.5),
        ("²", None),
        ("9" * 400, LONGEST_WAIT),
        ("Fri, 06 Mar 1999 05:00:03 GMT", 0.0),
        ("Fri, 99 Mar 2026 05:00:03 GMT", None),
    ],
)
def test_retry_after(upstream: Upstream, tmp_path: Path, value: str, seconds: float | None) -> None:
    """Retry-After is read as seconds or as a date; what is neither is as good as none."""
    upstream.faults, upstream.retry_after = ["429"], value
    with pytest.raises(FetchError, match="429") as error:
        _get(upstream, tmp_path / "store")
    assert seconds == error.value.retry_after


@pytest.mark.parametrize("etag", ['"plain"', 'W/"weak"', '"ünïcode"', '"€"', "no quotes", '"' + "x" * 5000 + '"'])
def test_odd_validators_do_not_spoil_the_next_request(upstream: Upstream, tmp_path: Path, etag: str) -> None:
    """Whatever ETag an answer has, the next conditional request is sent and answered."""
    upstream.headers = {"ETag": etag.encode("utf-8").decode("latin-1")}
    first = _get(upstream, tmp_path / "store")
    second = _get(upstream, tmp_path / "store", first.validators)
    assert first.body == second.body
    assert 2 == len(upstream.requests)


def test_contact_beyond_ascii(upstream: Upstream) -> None:
    """A contact with letters beyond ASCII goes out, in whatever form a header can have."""

    async def main() -> UpstreamAnswer:
        async with httpx.AsyncClient() as client:
            fetcher = Fetcher(client, user_agent="Paperwire/test (Jörg Muster, joerg@example.org)")
            return await fetcher.get(f"{upstream.url}/rss/cs.LG")

    assert upstream.document(("cs.LG",)) == asyncio.run(main()).body
    assert "joerg@example.org" in upstream.requests[0][2]["User-Agent"]
