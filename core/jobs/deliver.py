"""The step *deliver*: tell a WebSub hub which feeds have news, so that subscribers get them at once."""

import logging
from collections.abc import Iterable

import httpx

from core.config.settings import Settings
from core.util.signing import sign, with_key

log = logging.getLogger("paperwire")

_FORMATS = ("rss", "atom", "json")
_SECONDS = 5.0


async def deliver(settings: Settings, feeds: Iterable[str]) -> str:
    """Tell the hub that these feeds have changed, where one is configured. What went wrong, in words, or ""."""
    if not (settings.websub_hub and settings.public_url):
        return ""
    return await publish(str(settings.websub_hub), topics(settings.public_url, feeds, settings.feed_key))


def topics(base: str, feeds: Iterable[str], secret: str) -> list[str]:
    """The addresses that subscribers of `feeds` know: all formats of each, on a private copy with their signatures."""
    paths = [f"/api/feeds/{name}.{extension}" for name in feeds for extension in _FORMATS]
    return [with_key(base + path, sign(secret, path) if secret else "") for path in paths]


async def publish(hub: str, urls: list[str]) -> str:
    """Publish `urls` to a hub (https://indieweb.org/How_to_publish_and_consume_WebSub).

    What went wrong, in words, or "". Never raises: where the hub is not reached, its subscribers poll as all others do.
    """
    form = {"hub.mode": "publish", "hub.topic": urls, "hub.url": urls}  # hubs differ in which of both they read
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            (await client.post(hub, data=form)).raise_for_status()
    except httpx.HTTPError as error:
        problem = f"the WebSub hub could not be notified: {type(error).__name__}"
        log.warning("%s", problem)
        return problem
    return ""
