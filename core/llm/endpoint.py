"""One call to an OpenAI-compatible endpoint: a POST over httpx, bounded in time and bytes. Nothing is repeated here."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from core import __version__
from core.llm.base import wrong
from core.llm.replies import Reply, excerpt_line, json_bytes, read_error, read_reply, read_retry_after
from core.model.errors import ModelError
from core.util.bodies import ACCEPTED, BodyError, TooLong, decoded_body
from core.util.caches import PerLoop

_PATH = "/chat/completions"
_MOST_BYTES = 20_000_000  # of an answer; long thoughts that are streamed take a few MB
_AT_ONCE_BYTES = 100_000  # of an answer that is parsed in the event loop
_REDIRECTS = (307, 308)  # the others change a POST into a GET
_MOST_REDIRECTS = 3
_CONNECT_SECONDS = 10.0
_SHORTEST_KEY = 8  # of what is a secret
_OK = 200


class Unspent(Exception):
    """Wraps the `ModelError` of a call that is not charged: it was refused, or never arrived.

    `wait` is the endpoint's Retry-After in seconds, if it sends one.
    """

    def __init__(self, error: ModelError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


class Endpoint:
    """An endpoint at `base_url`, such as https://api.openai.com/v1. `extra` goes into the body of every request.

    Without a `key` no Authorization is sent: self-hosted servers often need none.
    """

    def __init__(self, base_url: str, key: str = "", extra: Mapping[str, Any] | None = None) -> None:
        self._url, self._key, self._extra = base_url.rstrip("/") + _PATH, key, dict(extra or {})
        # Made in a thread: reading certificates takes 20 ms
        self._client = PerLoop(lambda: asyncio.get_running_loop().run_in_executor(None, self._make_client))

    async def call(self, request: Mapping[str, Any], seconds: float) -> Reply:
        """Returns the reply to a request, within `seconds`. Raises `ModelError`, or `Unspent`, which wraps one."""
        try:
            async with asyncio.timeout(seconds):  # httpx bounds each read, not all of them together
                status, body, headers = await self._post(request, seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise Unspent(self._wrong("down", error)) from None
        except (TimeoutError, httpx.TimeoutException):
            raise wrong("timeout", f"not within {seconds:.0f} s") from None
        except httpx.TransportError as error:
            raise self._wrong("down", error) from None
        except (
            httpx.InvalidURL,
            httpx.RequestError,
        ) as error:  # too many redirects, or bytes that cannot be decoded
            raise Unspent(self._wrong("no-answer", error)) from None
        try:
            if status != _OK:
                raise read_error(status, self._hide(body), headers, str(request["model"]))
            return await asyncio.to_thread(read_reply, body) if len(body) > _AT_ONCE_BYTES else read_reply(body)
        except ModelError as error:
            raise Unspent(self._without_key(error), read_retry_after(headers)) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise Unspent(self._wrong("no-answer", error)) from None

    async def close(self) -> None:
        """Close the connections of this event loop."""
        if client := self._client.pop():
            await (await client).aclose()

    async def _post(self, request: Mapping[str, Any], seconds: float) -> tuple[int, bytes, Mapping[str, str]]:
        """Returns status, body and headers of the answer."""
        body, client = json_bytes({**request, **self._extra}), await asyncio.shield(self._client.get())
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            async with client.stream("POST", url, content=body, timeout=timeout) as response:
                if response.status_code in _REDIRECTS and (target := response.next_request) is not None:
                    if not _may_lead(httpx.URL(url), target.url):  # it would get the question and the key
                        place = f"{target.url.scheme}://{target.url.host}"[:100]
                        detail = f"it redirects to {place}; LLM_BASE_URL may name that"
                        raise Unspent(wrong("no-answer", detail))
                    url = str(target.url)
                    continue
                return response.status_code, await _read(response), response.headers
        raise Unspent(wrong("no-answer", f"it has more than {_MOST_REDIRECTS} redirects"))

    def _make_client(self) -> httpx.AsyncClient:
        headers = {"User-Agent": f"Paperwire/{__version__}", "Content-Type": "application/json"}
        headers["Accept-Encoding"] = ACCEPTED
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return httpx.AsyncClient(headers=headers, limits=httpx.Limits(max_connections=None))

    def _wrong(self, state: str, error: Exception) -> ModelError:
        return self._without_key(wrong(state, excerpt_line(str(error) or type(error).__name__)))

    def _without_key(self, error: ModelError) -> ModelError:
        """Returns the error without the key, which some endpoints quote; short words such as "none" are not keys."""
        error.args = (self._hide(str(error).encode("utf-8", "replace")).decode(),)
        return error

    def _hide(self, text: bytes) -> bytes:
        return text.replace(self._key.encode(), "…".encode()) if len(self._key) >= _SHORTEST_KEY else text


def _may_lead(url: httpx.URL, target: httpx.URL) -> bool:
    """Returns whether a redirect is followed: on the same host, and not from HTTPS to HTTP."""
    return target.host == url.host and target.scheme in (url.scheme, "https")


async def _read(response: httpx.Response) -> bytes:
    """Returns the body of an answer. Raises `Unspent` if it is too long, or cannot be decoded."""
    try:
        return await decoded_body(response, _MOST_BYTES)
    except TooLong:
        raise Unspent(wrong("no-answer", f"it has more than {_MOST_BYTES // 1_000_000} MB")) from None
    except BodyError as error:
        raise Unspent(wrong("no-answer", str(error))) from None
