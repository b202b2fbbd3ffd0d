"""A refresh as an instance is configured: its upstream, its rules, its politeness, and whom it tells of news."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

import httpx

from core import __version__, sample
from core.refresh import Report, refresh
from core.rules import rules_in_force
from core.settings import Settings
from core.sources.announcements import Progress
from core.sources.fetch import GATE_SECONDS, Fetcher
from core.store.protocol import Store
from core.websub import tell_hub, topics

log = logging.getLogger("paperwire")


async def refresh_configured(
    settings: Settings, store: Store, progress: Progress, *, on_demand: bool = False
) -> Report | None:
    """`core.refresh.refresh` with everything that `settings` say."""
    instance = settings.feeds.instance
    agent = f"Paperwire/{__version__} ({instance.contact or 'no contact configured'})"
    # A client for each refresh: nothing of it is kept open, and no event loop is outlived
    async with await asyncio.to_thread(_make_client, settings) as client:
        fetcher = Fetcher(client, store, user_agent=agent, gate_seconds=0 if settings.sample else GATE_SECONDS)
        report = await refresh(
            store,
            fetcher.get,
            partial(rules_in_force, settings.feeds),
            now=settings.clock(),
            rss_url=settings.rss_url,
            retention=timedelta(days=instance.retention_days),
            on_demand=on_demand,
            progress=progress,
        )
    if report and report.changed and settings.websub_hub and settings.public_url:
        names = rules_in_force(settings.feeds, report.state.saved).feeds
        await tell_hub(str(settings.websub_hub), topics(settings.public_url, names, settings.feed_key))
    if report:
        log.info("refresh %s", report.to_plain() | {"rejected": len(report.record.rejected)})
    return report


def _make_client(settings: Settings) -> httpx.AsyncClient:
    """A client of the upstream. Reading the certificates takes 50 ms, too long for the event loop."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(10, connect=5),
        limits=httpx.Limits(max_connections=1),
        transport=sample.SampleTransport(settings.clock) if settings.sample else None,
    )
