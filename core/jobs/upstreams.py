"""The upstreams that the settings name: their URLs, and clients that respect their request limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic

import httpx

from core import __version__
from core.archive import Archive
from core.config.settings import SITE_PAUSES, Settings
from core.sources import sample
from core.sources.client import Fetcher, Gate, Get
from core.sources.outside import locate
from core.sources.zotero import zotero_headers

BIORXIV_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """`get` sends requests to arXiv's RSS and API, `get_site` to its site, which has catch-up pages and texts,
    `get_picks` to Hugging Face, `get_zotero` to Zotero, `get_biorxiv` to bioRxiv and medRxiv, and `get_outside` to
    addresses that the owner has named.

    `api_url` and `site_url` are "" where there is none. `site_seconds` is the pause between two requests to the site.
    """

    get: Get
    rss_url: str
    api_url: str
    get_site: Get
    site_url: str
    site_seconds: float
    get_picks: Get
    hf_url: str
    get_zotero: Get
    get_biorxiv: Get
    biorxiv_url: str
    get_outside: Get
    is_sample: bool = False


@asynccontextmanager
async def open_upstreams(settings: Settings, archive: Archive) -> AsyncIterator[Upstreams]:
    """Yields the upstreams, with one connection each at a time. The sample week has RSS only."""
    agent = f"Paperwire/{__version__} ({settings.feeds.instance.contact or 'no contact configured'})"
    async with await asyncio.to_thread(_make_client, settings) as client:
        arxiv = Fetcher(client, user_agent=agent, gate=partial(archive.gate, settings.gate_seconds))
        site = Fetcher(client, user_agent=agent, gate=partial(archive.site_gate, settings.gate_seconds))
        others = Fetcher(client, user_agent=agent)
        api_url, site_url = ("", "") if settings.sample else (settings.api_url, settings.site_url)
        yield Upstreams(
            arxiv.get,
            settings.rss_url,
            api_url,
            site.get,
            site_url,
            SITE_PAUSES * settings.gate_seconds,
            others.get,
            settings.hf_url,
            Fetcher(client, user_agent=agent, headers=zotero_headers(settings.zotero_key)).get,
            Fetcher(client, user_agent=agent, gate=_paced(_pause(settings))).get,
            settings.biorxiv_url,
            Fetcher(client, user_agent=agent, locate=None if settings.private_sources else locate).get,
            settings.sample,
        )


def _pause(settings: Settings) -> float:
    """Returns the pause between two requests to bioRxiv's API, which names no limit; a replay needs none."""
    return BIORXIV_SECONDS if settings.biorxiv_url.endswith(".biorxiv.org") else 0.0


def _paced(seconds: float) -> Gate:
    """Returns a gate that this process passes one request at a time, so many `seconds` apart."""
    lock, after = asyncio.Lock(), 0.0

    @asynccontextmanager
    async def passing() -> AsyncIterator[None]:
        nonlocal after
        async with lock:
            await asyncio.sleep(max(after - monotonic(), 0.0))
            try:
                yield
            finally:
                after = monotonic() + seconds

    return passing


def _make_client(settings: Settings) -> httpx.AsyncClient:
    """Make the HTTP client, in a thread: reading the certificates takes 50 ms."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(10, connect=5),
        # The gate has requests to arXiv wait for each other. With a limit of one connection here as well, one that a
        # cancelled request has left behind would block all others
        limits=httpx.Limits(max_keepalive_connections=1),
        transport=sample.SampleTransport(settings.clock) if settings.sample else None,
    )
