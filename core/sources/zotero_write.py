"""Zotero's Web API, to write: objects go into the library of a user, several in a request.

https://www.zotero.org/support/dev/web_api/v3/write_requests: up to 50 objects in an array; the answer is status 200
with what became of each, by its place: `success`, `unchanged`, or `failed` with a code and a message. An object with a
key of its own and version 0 is made if there is none of that key, and else fails with 412.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from time import time
from typing import Any, NamedTuple

import httpx

from core.model.errors import FetchError
from core.sources.zotero import zotero_headers
from core.text.numbers import retry_seconds
from core.util.bodies import ACCEPTED, BodyError, decoded_body

MOST_OBJECTS = 50
WRITE_SECONDS = 25.0  # of one request
_MOST_BYTES = 5_000_000
_OK, _KNOWN, _PAUSE = 200, 412, 429
_AGAIN = frozenset({409, 429, 500, 502, 503, 504})
_MOST_QUOTED = 200  # characters of what Zotero says
_REASONS = {
    400: "Zotero does not understand what was sent",
    403: "Zotero refuses the key: see that ZOTERO_KEY belongs to ZOTERO_USER and may write",
    404: "Zotero has no library of this number: see ZOTERO_USER",
    409: "the library is locked at the moment",
    413: "Zotero takes less at a time",
    429: "Zotero asks for a pause",
    503: "Zotero is not available at the moment",
}


class WriteResult(NamedTuple):
    """What became of an object: "new", "known", or "" with the reason why it was refused."""

    state: str
    reason: str = ""


async def write_objects(
    client: httpx.AsyncClient, base_url: str, user: str, key: str, objects: Sequence[Mapping[str, Any]]
) -> list[WriteResult]:
    """Write up to 50 objects. Returns what became of each, in their order. Raises `FetchError` if nothing is known."""
    url = f"{base_url}/users/{user}/items"
    headers = [
        *zotero_headers(key),
        (b"Content-Type", b"application/json"),
        (b"Accept-Encoding", ACCEPTED.encode()),
    ]
    content = json.dumps(list(objects), ensure_ascii=False).encode("utf-8", "replace")
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            request = client.stream("POST", url, content=content, headers=headers, follow_redirects=False)
            async with request as response:
                body = await decoded_body(response, _MOST_BYTES)
    except TimeoutError:
        raise FetchError(url, f"no complete answer within {WRITE_SECONDS:.0f} s", state="timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(url, f"Zotero cannot be reached: {type(error).__name__}") from error
    except BodyError as error:
        raise FetchError(url, f"Zotero's answer is unreadable: {error}") from error
    if response.status_code != _OK:
        reason = _REASONS.get(response.status_code, f"Zotero answers with status {response.status_code}")
        wait = retry_seconds(response.headers.get("Retry-After", ""), time())
        if wait:
            reason += f" of {wait:.0f} s" if response.status_code == _PAUSE else f"; try again in {wait:.0f} s"
        raise FetchError(url, reason, again=response.status_code in _AGAIN, retry_after=wait)
    return _read(url, body, len(objects))


def _read(url: str, body: bytes, count: int) -> list[WriteResult]:
    """Returns what an answer says of each of `count` objects; of what it does not name, that it was not stored."""
    try:
        plain = json.loads(body)
        tables = {name: dict(plain.get(name) or {}) for name in ("success", "unchanged", "failed")}
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise FetchError(url, "Zotero's answer is not the JSON that it documents") from error
    return [_written(tables, str(at)) for at in range(count)]


def _written(tables: Mapping[str, Mapping[str, Any]], at: str) -> WriteResult:
    if at in tables["success"]:
        return WriteResult("new")
    if at in tables["unchanged"]:
        return WriteResult("known")
    failed = tables["failed"].get(at)
    if not isinstance(failed, Mapping):
        return WriteResult("", "Zotero's answer does not name it")
    if failed.get("code") == _KNOWN:
        return WriteResult("known")
    return WriteResult("", f"{failed.get('message', 'refused')}"[:_MOST_QUOTED])
