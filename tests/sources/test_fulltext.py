"""The full text of a paper: whatever arXiv sends, something is read, what was is said, and nothing else suffers."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.archive import Archive
from core.config.settings import ROOT
from core.model.errors import FetchError, StoreError
from core.model.fulltext import FullText
from core.model.paper import Author, Paper
from core.sources.client import Fetcher, UpstreamAnswer
from core.sources.fulltext import fetch_text
from core.sources.sandbox import MOST_OUTPUT, end, environment, parse_output, read_apart, talk
from core.sources.sections import Reading
from core.store.sqlite import SqliteStore
from tests.conftest import PATIENCE_SECONDS, SHARED
from tests.support import latexml_format, pdf_format
from tests.support.loopback import Handler, listening
from tests.support.ports import free_port
from tests.support.replay import replay_process
from tests.support.tables import each_row
from tests.support.tiers import matrix

MB = 1_000_000
ABSTRACT = "We study how machines read."
LINE = "We present a system that reads papers and tells what they say to all of its readers."
PLAIN = pdf_format.pdf([LINE] * 20)


@dataclass
class Server:
    """What stands for arXiv: how each kind of document is answered, and what was asked for."""

    html: Callable[[Handler], None]
    pdf: Callable[[Handler], None]
    url: str = ""
    asked: list[tuple[float, str, str]] = field(default_factory=list)  # when, path, Accept
    sent: int = 0


def sends(body: bytes | Callable[[], bytes], kind: str = "application/pdf", status: int = 200) -> Any:
    """An answer with a document."""

    def answer(handler: Handler) -> None:
        data = body() if callable(body) else body
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def page(*parts: str, status: int = 200, **more: str) -> Any:
    """An answer with an article in HTML."""
    return sends(latexml_format.article(*parts, **more), "text/html", status)


def streams(megabytes: int, *, told: bool) -> Any:
    """An answer with a PDF of that size, which is announced or not."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Content-Length", str(megabytes * MB)) if told else ("Connection", "close")))
        handler.end_headers()
        handler.close_connection = True
        try:
            handler.wfile.write(b"%PDF-1.5\n")
            for _ in range(megabytes):
                handler.wfile.write(bytes(MB))
                handler.stand_in.sent += 1  # type: ignore[attr-defined]
        except OSError:
            pass

    return answer


def hangs(handler: Handler) -> None:
    """Do not answer."""
    time.sleep(5)
    handler.close_connection = True


NOTHING = sends(b"Not found", "text/html", 404)
GOOD_PAGE = page(latexml_format.section("Introduction", latexml_format.LONG, number="1"))


@contextmanager
def serving(html: Any = NOTHING, pdf: Any = NOTHING) -> Iterator[Server]:
    """A server on loopback that answers so."""
    told = Server(html, pdf)

    class Answering(Handler):
        stand_in = told

        def reply(self) -> None:
            told.asked.append((time.monotonic(), self.path, self.headers["Accept"]))
            (told.html if self.path.startswith("/html/") else told.pdf)(self)

    with listening(Answering) as told.url:
        yield told


def paper(id_: str = "2603.90001") -> Paper:
    """An invented paper."""
    return Paper(id_, 2, "A Reading Machine", ABSTRACT, (Author("First Sample"),), ("cs.LG",))


def read(
    url: str, path: Path, *, seconds: float = PATIENCE_SECONDS, gate: float = 0, id_: str = "2603.90001"
) -> FullText:
    """What is read of the paper from this server, through a real fetcher. A busy machine takes its time."""

    async def main() -> FullText:
        store = SqliteStore(path)
        try:
            async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=1)) as client:
                fetcher = Fetcher(client, user_agent="Paperwire/test", gate=partial(Archive(store).gate, gate))
                deadline = asyncio.get_running_loop().time() + seconds
                return await fetch_text(fetcher.get, paper(id_), pdf_url=url, deadline=deadline, read_seconds=seconds)
        finally:
            await store.close()

    return asyncio.run(main())


# -- what comes of what arXiv sends

_REFUSED = sends(b"slow down", "text/html", 429)
_NO_HTML = "arXiv has no HTML of it"
_INSTEAD = "; the abstract was read instead"
ROWS: dict[str, tuple[Any, Any, tuple[str, str], str]] = {
    # HTML and PDF as sent; input and state; the note
    "html": (GOOD_PAGE, NOTHING, ("html", ""), ""),
    "pdf": (NOTHING, sends(PLAIN), ("pdf", ""), f"{_NO_HTML}; the PDF was read"),
    "nothing": (NOTHING, NOTHING, ("abstract", "not-found"), f"{_NO_HTML}; arXiv has no PDF of it{_INSTEAD}"),
    "refused": (
        _REFUSED,
        _REFUSED,
        ("abstract", "unreachable"),
        f"its HTML could not be fetched; its PDF could not be fetched{_INSTEAD}",
    ),
    "html refused": (_REFUSED, sends(PLAIN), ("pdf", ""), "its HTML could not be fetched; the PDF was read"),
    "page says no html": (
        sends(b"<html><body><h1>No HTML for 2603.90001</h1></body></html>", "text/html"),
        sends(PLAIN),
        ("pdf", ""),
        "what arXiv sent as its HTML is no article; the PDF was read",
    ),
    "damaged html": (
        page(
            latexml_format.section("Introduction", latexml_format.LONG),
            after="This document may be truncated or damaged.",
        ),
        sends(PLAIN),
        ("pdf", ""),
        "its HTML ends in the middle, because its conversion failed; the PDF was read",
    ),
    "damaged html only": (
        page(
            latexml_format.section("Introduction", latexml_format.LONG),
            after="This document may be truncated or damaged.",
        ),
        NOTHING,
        ("html", "damaged"),
        "its HTML ends in the middle, because its conversion failed; arXiv has no PDF of it",
    ),
    "endless html": (
        streams(500, told=False),
        sends(PLAIN),
        ("pdf", ""),
        "its HTML has more than 12 MB; the PDF was read",
    ),
    "broken table of objects": (NOTHING, sends(pdf_format.pdf([LINE] * 20, off=99)), ("pdf", ""), _NO_HTML),
    "owner's password only": (
        NOTHING,
        sends(lambda: pdf_format.encrypted(PLAIN, "")),
        ("pdf", ""),
        _NO_HTML,
    ),
    "encrypted": (
        NOTHING,
        sends(lambda: pdf_format.encrypted(PLAIN, "secret")),
        ("abstract", "encrypted"),
        f"{_NO_HTML}; its PDF is encrypted{_INSTEAD}",
    ),
    "scanned": (
        NOTHING,
        sends(pdf_format.scanned(6)),
        ("abstract", "scanned"),
        f"{_NO_HTML}; its PDF has no text, only images of pages{_INSTEAD}",
    ),
    "garbled": (
        NOTHING,
        sends(pdf_format.pdf(["#$% &*+ 0123 ;<=> @[]^ 4567 +-+ ((:))"] * 20)),
        ("abstract", "garbled"),
        "the text of its PDF is illegible",
    ),
    "truncated": (NOTHING, sends(PLAIN[: len(PLAIN) // 2]), ("abstract", "broken"), "its PDF is broken"),
    "circular pages": (NOTHING, sends(pdf_format.circular()), ("abstract", "broken"), "its PDF is broken"),
    "nested": (NOTHING, sends(pdf_format.nested(5_000)), ("abstract", "broken"), "its PDF is broken"),
    "an error page as pdf": (
        NOTHING,
        sends(b"<html><body>Down for maintenance</body></html>", "text/html"),
        ("abstract", "not-a-pdf"),
        "what arXiv sent as its PDF is none",
    ),
    "3,000 pages": (
        NOTHING,
        sends(lambda: pdf_format.pdf(*[[LINE] * 20] * 3_000)),
        ("pdf", "too-long"),
        f"{_NO_HTML}; only the first 200 of its 3,000 pages were read; the PDF was read",
    ),
    "few pages, much text": (
        NOTHING,
        sends(lambda: pdf_format.pdf(*[[LINE * 9] * 60] * 20)),
        ("pdf", "too-long"),
        "only the first ",
    ),
    "500 MB, as announced": (
        NOTHING,
        streams(500, told=True),
        ("abstract", "too-large"),
        f"{_NO_HTML}; its PDF has more than 30 MB{_INSTEAD}",
    ),
    "500 MB, unannounced": (
        NOTHING,
        streams(500, told=False),
        ("abstract", "too-large"),
        "its PDF has more than 30 MB",
    ),
    "bomb": (
        NOTHING,
        sends(cache(lambda: pdf_format.bomb(600))),
        ("abstract", "crashed"),
        f"{_NO_HTML}; its PDF ended the process that read it{_INSTEAD}",
    ),
    "laughs": (NOTHING, sends(pdf_format.laughs(30, 2)), ("abstract", "crashed"), "its PDF ended the process"),
}
DAILY = ("html", "pdf", "nothing", "damaged html", "encrypted", "scanned", "truncated", "3,000 pages")
DAILY += ("500 MB, unannounced", "laughs")


@matrix("name", ROWS, daily=DAILY)
def test_what_comes_of_it(tmp_path: Path, name: str) -> None:
    """Each document is read, or has a named state and a note in words; this process stays small; the next is read."""
    html, pdf, expected, note = ROWS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(html, pdf) as server:
        found = read(server.url, tmp_path / "store")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert expected == (found.input, found.state)
        assert note in found.note if note else found.note == ""
        if name not in ("3,000 pages", "few pages, much text", "bomb"):  # which are made in this very process
            assert grown < 150 * MB
        server.html, server.pdf = NOTHING, sends(PLAIN)
        assert ("pdf", "") == _kind(read(server.url, tmp_path / "store"))
    if found.input == "abstract":
        assert (ABSTRACT, ()) == (found.text, found.sections)
    else:
        assert found.sections
        assert any(words in found.text for words in (LINE, "reads every page once"))


def _kind(found: FullText) -> tuple[str, str]:
    return found.input, found.state


def test_the_rest_is_not_downloaded(tmp_path: Path) -> None:
    """Of 500 MB that are announced nothing is read, and of 500 MB that are not, little more than the limit."""
    for told, most in ((True, 8), (False, 60)):
        with serving(NOTHING, streams(500, told=told)) as server:
            assert "too-large" == read(server.url, tmp_path / "store").state
            assert server.sent < most  # but for what the system's buffers hold


def test_states_say_whether_to_try_again(tmp_path: Path) -> None:
    """What may pass by itself is worth another try, a document that is bad is not."""
    rows = [(_REFUSED, _REFUSED, True), (NOTHING, NOTHING, False), (_REFUSED, NOTHING, True), (NOTHING, _REFUSED, True)]
    for html, pdf, again in rows:
        with serving(html, pdf) as server:
            assert again == read(server.url, tmp_path / "store").again


@pytest.mark.parametrize(
    ("id_", "paths"),
    [
        ("2603.90001", ["/html/2603.90001v2", "/pdf/2603.90001v2"]),
        ("2312.00001", ["/html/2312.00001v2", "/pdf/2312.00001v2"]),
        ("2311.99999", ["/pdf/2311.99999v2"]),
        ("0704.0001", ["/pdf/0704.0001v2"]),
        ("math/0601001", ["/pdf/math/0601001v2"]),
        ("cs/9901001", ["/pdf/cs/9901001v2"]),
    ],
)
def test_what_is_asked_for(tmp_path: Path, id_: str, paths: list[str]) -> None:
    """HTML is asked for where arXiv may have it, each kind under its address and as what is accepted."""
    with serving(NOTHING, NOTHING) as server:
        read(server.url, tmp_path / "store", id_=id_)
        assert paths == [path for _, path, _ in server.asked]
        assert all(("application/pdf" in accept) == ("/pdf/" in path) for _, path, accept in server.asked)
        assert all(accept for _, _, accept in server.asked)


def test_html_spares_the_pdf(tmp_path: Path) -> None:
    """Where the HTML is good, nothing else is asked for."""
    with serving(GOOD_PAGE, sends(PLAIN)) as server:
        read(server.url, tmp_path / "store")
        assert ["/html/2603.90001v2"] == [path for _, path, _ in server.asked]


def test_gate(tmp_path: Path) -> None:
    """The HTML and the PDF are two requests, and wait for the gate both."""
    with serving(NOTHING, sends(PLAIN)) as server:
        read(server.url, tmp_path / "store", gate=0.6)
        gaps = [after - before for (before, _, _), (after, _, _) in pairwise(server.asked)]
        assert 1 == len(gaps)
        assert gaps[0] >= 0.6


def test_store_that_fails() -> None:
    """Without the gate nothing may be fetched: that is for the caller to see."""

    async def get(*_: Any, **__: Any) -> UpstreamAnswer:
        raise StoreError("down")

    with pytest.raises(StoreError):
        asyncio.run(fetch_text(get, paper(), pdf_url="http://127.0.0.1:9", deadline=1e12))


def test_server_that_is_not_there(tmp_path: Path) -> None:
    """A refused connection leaves the abstract."""
    assert ("abstract", "unreachable") == _kind(read(f"http://127.0.0.1:{free_port()}", tmp_path / "store"))


# -- time


@pytest.mark.parametrize(
    ("html", "pdf"), [(hangs, sends(PLAIN)), (NOTHING, hangs), (NOTHING, sends(pdf_format.hang()))]
)
def test_deadline(tmp_path: Path, html: Any, pdf: Any) -> None:
    """At the deadline the abstract has to do, whichever is slow: the server, or the document. Then the next is read."""
    with serving(html, pdf) as server:
        found = read(server.url, tmp_path / "store", seconds=1)
        assert ("abstract", "timeout", True) == (found.input, found.state, found.again)
        assert "could not be fetched and read in time" in found.note
        server.html, server.pdf = NOTHING, sends(PLAIN)
        assert "pdf" == read(server.url, tmp_path / "store").input


def test_no_time_at_all(tmp_path: Path) -> None:
    """After the deadline nothing is asked for."""
    with serving(GOOD_PAGE, sends(PLAIN)) as server:
        assert ("abstract", "timeout") == _kind(read(server.url, tmp_path / "store", seconds=-1))
        assert [] == server.asked


def test_cancelled() -> None:
    """Who stops waiting ends the worker too."""

    async def main() -> list[int]:
        task = asyncio.create_task(read_apart("pdf", pdf_format.hang(), seconds=60))
        for _ in range(200):
            if workers := _children():
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # now it reads
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(workers) == 1
        return _children()

    assert [] == asyncio.run(main())


def _children() -> list[int]:
    """The processes that this one has started and that read documents."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == os.getpid() and b"core.sources.worker" in command:
            found.append(int(status.parent.name))
    return found


# -- the worker


def _worker(code: str) -> subprocess.CompletedProcess[str]:
    """A process that has given up what the worker gives up, and then runs `code`."""
    head = "import socket, subprocess, os, time\nfrom core.sources.worker import confine\nconfine(2)\n"
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", head + code], env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "code",
    ["open('/proc/self/environ')", "open('/tmp/x', 'w')", "socket.socket()", "os.pipe()", "bytearray(1 << 30)"],
)
def test_worker_can_do_nothing_else(code: str) -> None:
    """The worker opens no file, no connection, and takes no more memory than it may."""
    done = _worker(f"try:\n  {code}\nexcept (OSError, MemoryError) as e:\n  print('refused')\nelse:\n  print('done')")
    assert "refused\n" == done.stdout, done.stderr


@pytest.mark.parametrize("code", ["time.sleep(20)", "while True: pass"])
def test_worker_ends_by_itself(code: str) -> None:
    """Even if nobody waits for it any more, a worker ends in time."""
    assert _worker(code).returncode < 0


def test_worker_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment holds for the service does not reach the worker."""
    monkeypatch.setenv("ADMIN_TOKEN", "open-sesame")
    assert "open-sesame" not in str(environment())


@each_row(
    "output",
    [
        b"",
        b"null",
        b"[]",
        b'["", [], 1]',
        b'["", [["a", "b"]], 1, 1]',
        b'["", [], "many", 1]',
        b'["", [], Infinity, 1]',
        b'["", [], ' + b"9" * 10_000 + b", 1]",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_a_worker_may_say(output: bytes) -> None:
    """A worker that was taken over may write anything: it is as good as one that crashed."""
    assert Reading("crashed") == parse_output(output)


def test_halves_of_pairs() -> None:
    """No text that could not be encoded comes from a worker."""
    (section,) = parse_output(b'["", [["", "a\\ud83d", "body"]], 1, 1]').sections
    assert "a?" == section.text


def test_worker_that_never_stops_writing(tmp_path: Path) -> None:
    """Of an endless answer no more is kept than one could be long."""

    async def main() -> bytes:
        code = "import sys\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        output = await talk(process, b"%PDF-")
        await end(process)
        assert process.returncode
        return output

    assert len(asyncio.run(main())) < 2 * MOST_OUTPUT


def test_service_reads_no_pdf_itself() -> None:
    """Nothing that the service imports to have full texts read imports PDFium or lxml."""
    code = "import sys, core.sources.fulltext; print([n for n in ('pypdfium2', 'lxml') if n in sys.modules])"
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert "[]\n" == done.stdout, done.stderr


def test_reading_works_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker starts whatever the working directory holds."""
    (tmp_path / "json.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    assert "" == asyncio.run(read_apart("pdf", PLAIN, seconds=30)).state


# -- the fetcher's limits


def test_limits_of_one_request() -> None:
    """Bytes and seconds can be bounded for one request, and what it accepts can be said."""

    async def main() -> list[FetchError]:
        errors: list[FetchError] = []
        async with httpx.AsyncClient(timeout=120) as client:
            fetcher = Fetcher(client, user_agent="Paperwire/test")
            for path, limits in (("pdf", {"most_bytes": 10}), ("html", {"total_seconds": 0.2})):
                with pytest.raises(FetchError) as error:
                    await fetcher.get(f"{server.url}/{path}/x", accept="text/x-test", **limits)  # type: ignore[arg-type]
                errors.append(error.value)
        return errors

    with serving(hangs, sends(PLAIN)) as server:
        assert ["too-large", "timeout"] == [error.state for error in asyncio.run(main())]
        assert ["text/x-test"] * 2 == [accept for _, _, accept in server.asked]


# -- where it is


@pytest.mark.shared
def test_replay(tmp_path: Path) -> None:
    """Real papers come back from the replay's PDFs, with their titles and abstracts."""
    days = SHARED / "data" / "days"
    with replay_process() as url:
        first = next(iter(sorted(days.glob("papers_*.jsonl"))))
        id_ = first.read_text("utf-8").partition('"id": "')[2].partition('"')[0].partition("v")[0]
        found = read(url, tmp_path / "store", id_=id_)
        assert ("pdf", f"{_NO_HTML}; the PDF was read") == (found.input, found.note)
        assert len(found.text) > 300
