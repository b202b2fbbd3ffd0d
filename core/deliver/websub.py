"""Notifies a WebSub hub of the feeds with new entries, which it forwards to subscribers at once."""

import asyncio
import logging
from collections.abc import Iterable

import httpx

from core.util.signing import Revoked, sign, with_key

log = logging.getLogger("paperwire")

_FORMATS = ("rss", "atom", "json")
_SECONDS = 5.0


def topics(base: str, feeds: Iterable[str], secret: str, revoked: Revoked) -> list[str]:
    """Returns the URLs of all formats of `feeds`, with signatures if `secret` is set, as subscribers know them."""
    paths = [f"/api/feeds/{name}.{extension}" for name in feeds for extension in _FORMATS]
    return [with_key(base + path, sign(secret, path, revoked) if secret else "") for path in paths]


async def publish(hub: str, urls: list[str]) -> str:
    """Publish `urls` to a hub (https://indieweb.org/How_to_publish_and_consume_WebSub).

    Returns the problem in words, or "". Never raises: subscribers still poll if the hub is unreachable.
    """
    form = {"hub.mode": "publish", "hub.topic": urls, "hub.url": urls}  # some hubs read the one, some the other
    try:
        async with (
            asyncio.timeout(_SECONDS),  # httpx bounds each read, not all of them together
            httpx.AsyncClient(timeout=_SECONDS) as client,
            client.stream("POST", hub, data=form) as answer,  # its body is not read
        ):
            answer.raise_for_status()
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
        problem = f"the WebSub hub could not be notified: {type(error).__name__}"
        log.warning("%s", problem)
        return problem
    return ""
