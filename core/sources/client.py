"""The HTTP client of the sources: one request at a time, three seconds apart over all instances, with bounds.

arXiv allows one request every three seconds on a single connection, over all machines that one controls
(https://info.arxiv.org/help/api/tou.html), and asks for a User-Agent with a contact. Since September 2026 it answers
406 where `Accept` is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from time import time
from typing import NamedTuple, Protocol

import httpx

from core.model.errors import FetchError
from core.text.numbers import retry_seconds, whole_number
from core.util.bodies import ACCEPTED, BodyError, TooLong, decoded_body

TOTAL_SECONDS = 12.0  # of one request, from connecting to the last byte
MAX_BYTES = 24_000_000  # 2,000 items, the most that arXiv serves, are about 6 MB
_ACCEPT = "application/rss+xml, application/atom+xml, text/xml, */*"

_AGAIN = frozenset({403, 406, 408, 425, 429, 500, 502, 503, 504})  # observed to be temporary
MOST_REDIRECTS = 3
_NOT_MODIFIED = 304
_OK = 200
_STATES = {400: "refused", 404: "not-found", 410: "not-found"}  # of `FetchError`
_HIGHEST_PORT = 65_535
_UPSTREAMS = (("arxiv.org",), ("huggingface.co", "hf.co"))  # domains of one owner each
_MOST_QUOTED = 100  # characters of an address

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """A successful answer; `body` is None if nothing changed (304). `validators` are for the next request."""

    url: str
    body: bytes | None
    validators: Mapping[str, str]


class Get(Protocol):
    """The signature of `Fetcher.get`."""

    def __call__(
        self,
        url: str,
        validators: Mapping[str, str] | None = None,
        *,
        accept: str = _ACCEPT,
        most_bytes: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> Awaitable[UpstreamAnswer]:
        """See `Fetcher.get`."""


class _Limits(NamedTuple):
    most_bytes: int
    total_seconds: float


class Located(NamedTuple):
    """Where a request is sent: the URL, and the host that it is for if the URL has that host's address instead."""

    url: str
    host: str = ""


Locate = Callable[[str], Awaitable[Located]]
"""Returns where the request for a URL is sent. Raises `FetchError` if it may not be."""


Gate = Callable[[], AbstractAsyncContextManager[None]]
"""A context manager for one request: waits for its turn on entry, and delays the next request after exit."""


class Fetcher:
    """A client that sends every request, including those after redirects, inside the `gate`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        user_agent: str,
        gate: Gate = nullcontext,
        headers: Iterable[tuple[bytes, bytes]] = (),
        locate: Locate | None = None,
    ) -> None:
        self._client = client
        self._agent = user_agent.encode()  # as bytes: a contact or a validator may have characters beyond ASCII
        self._gate = gate
        self._headers = tuple(headers)
        self._locate = locate

    async def get(
        self,
        url: str,
        validators: Mapping[str, str] | None = None,
        *,
        accept: str = _ACCEPT,
        most_bytes: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> UpstreamAnswer:
        """Wait for the gate, then fetch `url`, conditionally if `validators` are given. Raises `FetchError`.

        `total_seconds` limits each request, from connecting to the last byte. An answer of more than `most_bytes`, as
        sent or decompressed, is an error, and its rest is not read. Redirects lead to hosts of the same upstream only.
        """
        known = validators or {}
        conditions = {b"If-None-Match": known.get("etag"), b"If-Modified-Since": known.get("last_modified")}
        headers = [(b"User-Agent", self._agent), (b"Accept", accept.encode()), (b"Accept-Encoding", ACCEPTED.encode())]
        headers += self._headers
        headers += [(name, value.encode()) for name, value in conditions.items() if value]
        limits = _Limits(most_bytes, total_seconds)
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._get_one(url, headers, known, limits)
            if isinstance(answer, UpstreamAnswer):
                return answer
            if not may_lead(url, answer):
                raise FetchError(url, f"it redirects to {_place(answer)}, which is not followed", again=False)
            url = answer
        raise FetchError(url, f"more than {MOST_REDIRECTS} redirects")

    async def _get_one(
        self, url: str, headers: Headers, known: Mapping[str, str], limits: _Limits
    ) -> UpstreamAnswer | str:
        """Send one request within the gate. Returns the answer, or the URL that it redirects to."""
        try:
            async with self._gate(), asyncio.timeout(limits.total_seconds):
                return await self._fetch(url, headers, known, limits)
        except TimeoutError:
            reason = f"no complete answer within {limits.total_seconds:.0f} s"
            raise FetchError(url, reason, state="timeout") from None
        except httpx.InvalidURL as error:
            raise FetchError(url, f"not a URL: {error}", again=False) from error
        except httpx.HTTPError as error:
            raise FetchError(url, f"{type(error).__name__}: {error}".rstrip(": ")) from error

    async def _fetch(
        self, url: str, headers: Headers, known: Mapping[str, str], limits: _Limits
    ) -> UpstreamAnswer | str:
        if (httpx.URL(url).port or 0) > _HIGHEST_PORT:  # httpx accepts it, and fails with another error later
            raise httpx.InvalidURL("the port is out of range")
        # A slow upstream may stay silent for longer than the client's default read timeout
        slow = limits.total_seconds > TOTAL_SECONDS
        place = await self._locate(url) if self._locate else Located(url)
        named = [(b"Host", httpx.URL(url).netloc)] if place.host else []
        extensions = {"sni_hostname": place.host} if place.host else {}
        patience = httpx.Timeout(limits.total_seconds, connect=self._client.timeout.connect)
        timeout = patience if slow else self._client.timeout
        async with self._client.stream(
            "GET", place.url, headers=named + headers, follow_redirects=False, timeout=timeout, extensions=extensions
        ) as response:
            if response.status_code == _NOT_MODIFIED and known:
                return UpstreamAnswer(url, None, known)
            if response.next_request is not None:
                return str(httpx.URL(url).join(response.headers["Location"]))
            body = await _read(url, response, limits.most_bytes)
            if response.status_code != _OK:
                status = f"status {response.status_code} {response.reason_phrase}".rstrip()
                again = response.status_code in _AGAIN
                state = _STATES.get(response.status_code, "")
                raise FetchError(url, status, again=again, retry_after=_retry_after(response), state=state)
            if body.strip().startswith(b"Rate exceeded"):  # arXiv says so with status 200
                raise FetchError(url, "rate exceeded (said with status 200)")
            headers_kept = {
                "etag": response.headers.get("ETag"),
                "last_modified": response.headers.get("Last-Modified"),
            }
            return UpstreamAnswer(url, body, {name: value for name, value in headers_kept.items() if value})


async def _read(url: str, response: httpx.Response, most_bytes: int) -> bytes:
    too_large = FetchError(url, f"more than {most_bytes // 1_000_000} MB; the rest was not read", state="too-large")
    if (whole_number(response.headers.get("Content-Length", "")) or 0) > most_bytes:
        raise too_large
    try:
        return await decoded_body(response, most_bytes)
    except TooLong:
        raise too_large from None
    except BodyError as error:
        raise FetchError(url, f"the answer is unreadable: {error}") from error


def may_lead(url: str, target: str) -> bool:
    """Returns whether a redirect from `url` to `target` is followed: to hosts of the same upstream, and not from HTTPS
    to HTTP. Elsewhere there may be anything, also what only this machine can reach.
    """
    one, other = httpx.URL(url), httpx.URL(target)
    if other.scheme not in ("http", "https") or (one.scheme, other.scheme) == ("https", "http"):
        return False
    same = one.host.removeprefix("www.") == other.host.removeprefix("www.")
    return same or any(_is_of(one.host, hosts) and _is_of(other.host, hosts) for hosts in _UPSTREAMS)


def _is_of(host: str, domains: tuple[str, ...]) -> bool:
    return f".{host}".endswith(tuple(f".{domain}" for domain in domains))


def _place(url: str) -> str:
    """Returns the scheme and the host of a URL, for errors."""
    address = httpx.URL(url)
    return f"{address.scheme}://{address.host}"[:_MOST_QUOTED]


def _retry_after(response: httpx.Response) -> float | None:
    return retry_seconds(response.headers.get("Retry-After", ""), time())
