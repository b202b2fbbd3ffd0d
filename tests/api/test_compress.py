"""Compression by `paperwire serve`."""

import asyncio
import gzip
from typing import Any

import httpx
import pytest

from api.compress import LEAST_BYTES, Compressed
from tests.support.tables import each_row

BODY = b"<rss>" + b"A paper of the day. " * 200 + b"</rss>"


def _app(body: bytes, kind: str, status: int, etag: bytes) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), (b"etag", etag)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def ask(
    accept: str | None = "gzip", *, body: bytes = BODY, kind: str = "application/rss+xml; charset=utf-8",
    status: int = 200, private: bool = False, times: int = 1,
) -> httpx.Response:  # fmt: skip
    """The answer of an application that serves `body`."""

    async def work() -> httpx.Response:
        transport = httpx.ASGITransport(Compressed(_app(body, kind, status, b'"abc"'), private=private))
        async with httpx.AsyncClient(transport=transport, base_url="http://wire.example") as client:
            client.headers.pop("accept-encoding")
            headers = {"accept-encoding": accept} if accept is not None else {}
            return [await client.get("/", headers=headers) for _ in range(times)][-1]

    return asyncio.run(work())


@each_row("accept", ["gzip", "GZIP", "deflate, gzip;q=0.5", "br, gzip, *;q=0.1", "*"])
@each_row("times", [1, 2])
def test_who_takes_gzip_gets_it(accept: str, times: int) -> None:
    """The bytes are others, so that the ETag is weak; caches are told what it depends on."""
    answer = ask(accept, times=times)
    assert "gzip" == answer.headers["content-encoding"]
    assert ('W/"abc"', "accept-encoding") == (answer.headers["etag"], answer.headers["vary"])
    assert BODY == answer.content
    assert int(answer.headers["content-length"]) == len(gzip.compress(BODY, 5, mtime=0)) < len(BODY) / 10


@each_row("accept", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.0"])
def test_who_does_not_gets_plain_bytes(accept: str | None) -> None:
    """Readers get nothing that they did not ask for."""
    answer = ask(accept)
    assert "content-encoding" not in answer.headers
    assert ('"abc"', "accept-encoding", BODY) == (answer.headers["etag"], answer.headers["vary"], answer.content)


@pytest.mark.parametrize(
    "more",
    [
        {"body": b"x" * (LEAST_BYTES - 1)},
        {"kind": "image/png"},
        {"kind": "text/html; charset=utf-8", "private": True},
    ],
)
def test_what_is_not_worth_it_stays(more: dict[str, Any]) -> None:
    """Short answers, pictures, and pages of a private copy, whose length would tell of its key."""
    answer = ask(**more)
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


def test_a_304_names_the_weak_tag() -> None:
    """It is that of the answer that the client has."""
    answer = ask(status=304, body=b"")
    assert (304, 'W/"abc"') == (answer.status_code, answer.headers["etag"])
    assert "content-encoding" not in answer.headers
