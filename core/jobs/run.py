"""A refresh as an instance is configured: its upstreams, its rules, its politeness, and whom it tells of news."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import httpx

from core import __version__
from core.archive import Archive
from core.archive.state import State
from core.config.overrides import rules_in_force
from core.config.settings import Settings
from core.jobs.deliver import tell_hub, topics
from core.jobs.refresh import Report, refresh
from core.sources import sample
from core.sources.client import Fetcher
from core.sources.rss import Progress
from core.store.base import Store

if TYPE_CHECKING:
    from core.config.overrides import Rules
    from core.jobs.backfill import Caught, Upstreams
    from core.jobs.feed_date import Analysed

log = logging.getLogger("paperwire")


async def refresh_configured(
    settings: Settings, store: Store, progress: Progress, *, on_demand: bool = False
) -> Report | None:
    """`core.jobs.refresh.refresh` with everything that `settings` say."""
    async with open_upstreams(settings, store) as upstreams:
        report = await refresh(
            store,
            upstreams.get,
            partial(rules_in_force, settings.feeds),
            now=settings.clock(),
            rss_url=settings.rss_url,
            retention=settings.feeds.instance.retention,
            on_demand=on_demand,
            progress=progress,
        )
    if report and report.changed and settings.websub_hub and settings.public_url:
        names = rules_in_force(settings.feeds, report.state.saved).feeds
        await tell_hub(str(settings.websub_hub), topics(settings.public_url, names, settings.feed_key))
    if report:
        log.info("refresh %s", report.to_plain() | {"rejected": len(report.record.rejected)})
    return report


async def catch_up_configured(
    settings: Settings, store: Store, progress: Progress, *, seconds: float
) -> "tuple[Caught, State] | None":
    """`core.jobs.backfill.catch_up` with everything that `settings` say. The sample week has no API to be asked."""
    from core.jobs.analyze import analyze  # not at a cold start: no request leads here
    from core.jobs.backfill import catch_up

    async with open_upstreams(settings, store) as upstreams:

        async def analyse(rules: "Rules", left: float, report: "Analysed") -> None:
            archive, now = Archive(store, retention=settings.feeds.instance.retention), settings.clock()
            await analyze(
                archive, settings, rules, upstreams.get, now=now, seconds=left, progress=progress, report=report
            )

        done = await catch_up(
            store,
            upstreams,
            analyse,
            partial(rules_in_force, settings.feeds),
            now=settings.clock(),
            retention=settings.feeds.instance.retention,
            seconds=seconds,
            progress=progress,
        )
    if done:
        log.info("catch up %s", done[0].to_plain())
    return done


@asynccontextmanager
async def open_upstreams(settings: Settings, store: Store) -> "AsyncIterator[Upstreams]":
    """The upstreams, each asked as politely as it wants. Nothing of them is kept open, no event loop is outlived."""
    from core.jobs.backfill import Upstreams

    agent = f"Paperwire/{__version__} ({settings.feeds.instance.contact or 'no contact configured'})"
    async with await asyncio.to_thread(_make_client, settings) as client:
        fetcher = Fetcher(client, user_agent=agent, gate=partial(Archive(store).gate, settings.gate_seconds))
        ungated = Fetcher(client, user_agent=agent)
        yield Upstreams(fetcher.get, "" if settings.sample else settings.api_url, ungated.get, settings.hf_url)


def _make_client(settings: Settings) -> httpx.AsyncClient:
    """A client of the upstream. Reading the certificates takes 50 ms, too long for the event loop."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(10, connect=5),
        limits=httpx.Limits(max_connections=1),
        transport=sample.SampleTransport(settings.clock) if settings.sample else None,
    )
