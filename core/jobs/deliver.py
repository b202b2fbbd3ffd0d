"""Telling a WebSub hub that feeds have news, so that it tells their subscribers at once."""

import logging
from collections.abc import Iterable

import httpx

from core.util.signing import sign, with_key

log = logging.getLogger("paperwire")

FORMATS = ("rss", "atom", "json")
_SECONDS = 5.0


def topics(base: str, feeds: Iterable[str], secret: str) -> list[str]:
    """The addresses that subscribers of `feeds` know: all formats of each, on a private copy with their signatures."""
    paths = [f"/api/feeds/{name}.{extension}" for name in feeds for extension in FORMATS]
    return [with_key(base + path, sign(secret, path) if secret else "") for path in paths]


async def tell_hub(hub: str, urls: list[str]) -> None:
    """Publish `urls` to a hub (https://indieweb.org/How_to_publish_and_consume_WebSub). Never raises: a hub that was
    not reached is logged, and its subscribers poll as all others do.
    """
    form = {"hub.mode": "publish", "hub.topic": urls, "hub.url": urls}  # hubs differ in which of both they read
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            (await client.post(hub, data=form)).raise_for_status()
    except httpx.HTTPError as error:
        log.warning("the hub was not told of news: %s", type(error).__name__)
