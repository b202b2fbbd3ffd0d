"""Answers of upstreams and models that take long or much memory to read, for `tests.support.measured`."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import httpx

from core.llm.endpoint import Endpoint, Unspent
from core.llm.replies import read_error, read_reply
from core.model.paper import is_withdrawn
from core.ranking.matching import score_batch  # noqa: F401 - imported here, so that its memory is not counted
from core.sources.catchup import parse_catchup
from core.sources.client import Fetcher
from core.sources.huggingface import parse_daily
from core.sources.parse import parse_api, parse_feed
from core.text.names import parse_name
from tests.support.arxiv_format import Sheet, api, rss

DAY = date(2026, 3, 6)
MB = 1_000_000


def feed(**fields: Any) -> Callable[[], str]:
    """A feed with one paper that has these fields, read, and everything done with it that a day needs."""
    return partial(_read_feed, rss([Sheet("2603.90000", **fields)], DAY))


def _read_feed(body: bytes) -> str:
    parsed = parse_feed(body)
    (item,) = parsed.announcements
    paper = item.paper
    names = [parse_name(author.name) for author in paper.authors]
    assert paper.links
    is_withdrawn(paper)
    return f"{len(parsed.announcements)} paper, {len(names)} authors, title of {len(paper.title)}: {paper.title[-40:]}"


def of_total(text: str) -> Callable[[], str]:
    """A page of API results with this total."""
    body = api([Sheet("2603.90000")], total=987_654_321).replace(b"987654321", text.encode())
    return lambda: f"a total of {parse_api(body).total}"


def _items(item: bytes, count: int) -> bytes:
    return b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>' + item * count + b"</channel></rss>"


def _broken(item: bytes, count: int) -> bytes:
    return b'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>' + item * count


def nested(encoding: str, layers: int, size: int = 20 * MB) -> bytes:
    """So many bytes, compressed so many times."""
    body = bytes(size)
    for _ in range(layers):
        body = gzip.compress(body, 9) if encoding == "gzip" else zlib.compress(body, 9)
    return body


def fetched(body: bytes, encoding: str) -> Callable[[], str]:
    """What the client of the sources makes of such an answer."""

    def answer(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=httpx.ByteStream(body))

    async def main() -> str:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            got = await Fetcher(client, user_agent="test").get("http://127.0.0.1/rss")
            return f"{len(got.body or b'')} bytes"

    return lambda: asyncio.run(main())


def asked(body: bytes, encoding: str = "") -> Callable[[], str]:
    """What the client of models makes of such an answer."""

    def answer(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=httpx.ByteStream(body))

    async def main() -> str:
        endpoint = Endpoint("http://127.0.0.1")
        endpoint._make_client = lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer))  # type: ignore[method-assign]
        try:
            reply = await endpoint.call({"model": "m", "messages": []}, 60)
        except Unspent as error:
            return f"{type(error.error).__name__}: {error.error}"
        finally:
            await endpoint.close()
        return f"a reply of {len(reply.text)} characters"

    return lambda: asyncio.run(main())


CHUNK = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'
REPLY = b'{"choices":[{"message":{"content":"x"}}],"usage":%s}'
CASES: dict[str, Callable[[], object]] = {
    # Texts of papers
    "a title of 8 MB": feed(title="long " * (8 * MB // 5)),
    "a title of 8 MB of formulas": feed(title="$a_{b}$ " * MB),
    "a title of 8 MB of open groups": feed(title="\\textbf{" * MB),
    "an abstract of 8 MB of dollars": feed(abstract="$" * 8 * MB),
    "an abstract of 8 MB of quotes": feed(abstract="``a" * (8 * MB // 3)),
    "an abstract of 8 MB of addresses": feed(abstract="gitlab.a.github.com/" * (8 * MB // 20)),
    "a comment of 8 MB": feed(more={"arxiv:journal_reference": "doi:10.1/ " * (8 * MB // 10)}),
    "a DOI of 8 MB": feed(more={"arxiv:DOI": "10.1/x," * (8 * MB // 7)}),
    # Authors
    "open parentheses": feed(creator="(a " * 300_000),
    "pairs of parentheses": feed(creator="(a) " * 225_000),
    "parentheses in parentheses": feed(creator="(" * 450_000 + ")" * 450_000),
    "footnotes in parentheses": feed(creator="A (1), B (2) (" + "(1) x " * 150_000 + ")"),
    "footnotes": feed(creator="A (1), B (2) (" + "1 x, " * 180_000 + ")"),
    "marks": feed(creator="A (" + "1 and " * 150_000 + "!)"),
    "for the": feed(creator="A " * 200_000 + "for the " * 60_000),
    "accents": feed(creator="A {\\'e}, " * 100_000),
    "a name": feed(creator="Jr " * 300_000),
    "authors of 8 MB": feed(creator="Ada Example, " * (8 * MB // 13)),
    # Documents
    "items": lambda: parse_feed(_items(b"<item/>", 3 * MB)),
    "some items": lambda: parse_feed(_items(b"<item/>", 200_000)),
    "items of a damaged feed": lambda: parse_feed(_broken(b"<item>", 3 * MB)),
    "some items of a damaged feed": lambda: parse_feed(_broken(b"<item>", 200_000)),
    "elements": lambda: parse_feed(_items(b"<a/>", 5 * MB)),
    "attributes": lambda: parse_feed(_items(b"<a" + b' a=""' * 2 * MB + b"/>", 1)),
    "elements in elements": lambda: parse_feed(_items(b"<a>" * MB, 1)),
    "a namespace for each": lambda: parse_feed(_items(b'<a xmlns="b"/>', MB)),
    "a catch-up page of tags": lambda: parse_catchup(b"<html><h1>" + b"<i>" * 5 * MB + b"</html>"),
    "a catch-up page of some tags": lambda: parse_catchup(b"<html><h1>" + b"<i>" * 500_000 + b"</html>"),
    "references": lambda: parse_feed(_items(b"&#x" + b"0" * 20 * MB + b"1;", 1)),
    # Numbers
    "a total that is a square": of_total("²"),
    "a total of 5,000 digits": of_total("9" * 5_000),
    "a total in Arabic digits": of_total("٣"),
    "a negative total": of_total("-1"),
    "no total": of_total(""),
    # JSON
    "lists in lists": lambda: parse_daily(b"[" * MB),
    "empty lists": lambda: parse_daily(b"[" + b"[]," * (8 * MB // 3) + b"[]]"),
    "a number of 8 MB": lambda: parse_daily(b"[" + b"9" * 8 * MB + b"]"),
    "a reply with lists in lists": lambda: read_reply(b"[" * 3 * MB),
    "a reply of empty lists": lambda: read_reply(b"[" + b"[]," * 6 * MB + b"[]]"),
    "a reply with figures of 5,000 digits": lambda: read_reply(REPLY % (b"9" * 5_000)),
    "an error with a code of 5,000 digits": lambda: read_reply(b'{"error":{"code":"%s"}}' % (b"9" * 5_000)),
    "an error with a square as code": lambda: read_error(500, '{"error":{"code":"²"}}'.encode()),
    "a reply of 400,000 pieces": lambda: f"{len(read_reply(CHUNK * 390_000).text):,} characters",
    "a reply of 70,000 pieces": lambda: f"{len(read_reply(CHUNK * 70_000).text):,} characters",
    "a reply of 20 MB of lines": lambda: read_reply(b"data:\n" * (20 * MB // 6)),
    # Compressed
    "6 KB of gzip in gzip": fetched(nested("gzip", 3, 60 * MB), "gzip, gzip, gzip"),
    "gzip that says it once": fetched(nested("gzip", 2, 60 * MB), "gzip"),
    "a bomb": fetched(nested("gzip", 1, 60 * MB), "gzip"),
    "a bomb of deflate": fetched(nested("deflate", 1, 60 * MB), "deflate"),
    "an encoding that was not asked for": fetched(b"x", "br"),
    "gzip that is none": fetched(b"x" * 1000, "gzip"),
    "empty blocks": fetched(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\0\0\0\xff\xff" * 6 * MB, "gzip"),
    "a model's bomb": asked(nested("gzip", 1, 60 * MB), "gzip"),
    "a model's gzip in gzip": asked(nested("gzip", 2, 60 * MB), "gzip, gzip"),
    "a model's answer of 30 MB": asked(b"x" * 30 * MB),
    "a model's answer": asked(gzip.compress(REPLY % b"{}"), "gzip"),
}
