"""The wire: everything put together, and refreshed on demand. One for each process and event loop."""

import asyncio
import logging
from datetime import date, timedelta
from time import time
from typing import Any

import httpx

from core import __version__, sample
from core.domain.calendar import due_date, next_due
from core.domain.errors import ConfigError, NothingYet, PaperwireError, QueryError, UnknownName
from core.domain.feed import Entry, Feed
from core.domain.fingerprint import fingerprint
from core.domain.manifest import BatchRecord, Manifest, rfc3339
from core.domain.query import Query
from core.memory import Memory
from core.publish import Library, read_entries
from core.refresh import BACKOFF, Report, adopt_rules, all_categories, read_manifest, refresh
from core.settings import Settings
from core.sources.announcements import Progress
from core.sources.fetch import GATE_SECONDS, Fetcher
from core.store import keys
from core.store.codec import decode
from core.store.protocol import Store
from core.store.sqlite import SqliteStore

log = logging.getLogger("paperwire")

CONFIRM_SECONDS = 10.0  # how long a manifest in memory is believed
PATIENCE_SECONDS = 15.0  # how long a request waits for a first batch; feed readers give up after 20
RENDERED_BYTES = 32_000_000
_POLL_SECONDS = 0.5


def _ignore(_what: str, _done: int, _total: int) -> None:
    """No progress is shown."""


class Wire:
    """The feeds, the store, the upstream, and what this process remembers of them.

    Raises `ConfigError` when made if the configuration is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.vercel:
            raise ConfigError(
                ["On Vercel the wire needs a store in Redis, which this version does not support yet: run it elsewhere"]
            )
        self.settings = settings
        self.instance = settings.feeds.instance
        self.feeds: dict[str, Feed] = settings.feeds.to_feeds()
        self.clock = settings.clock
        self.store: Store = SqliteStore(settings.sqlite_path)
        self.rendered: Memory[Any] = Memory(limit=RENDERED_BYTES)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(10, connect=5),
            limits=httpx.Limits(max_connections=1),
            transport=_transport(settings),
        )
        self._categories = all_categories(self.feeds.values())
        self._rules = fingerprint("rules", settings.feeds.model_dump(mode="json"))
        self._library = Library()
        self._loading: dict[tuple[str, str, int], asyncio.Task[list[Entry]]] = {}
        self._manifest: tuple[float, Manifest] | None = None
        self._reading: asyncio.Task[Manifest] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def manifest(self, *, confirmed: bool = False) -> Manifest:
        """The manifest, at most ten seconds old, or as it is now if `confirmed`; concurrent callers read it once."""
        if not confirmed and self._manifest and time() - self._manifest[0] < CONFIRM_SECONDS:
            return self._manifest[1]
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_manifest())
        return await asyncio.shield(self._reading)

    async def ready(self) -> Manifest:
        """A manifest with something to serve; a due batch that is not there is fetched, once however many ask.

        With something older in store the fetch goes on behind the answer. With nothing, this waits for it for a bounded
        time. Raises `NothingYet` if then there is still nothing.
        """
        due = due_date(self.clock())
        manifest = await self.manifest()
        if not self._is_settled(manifest, due):
            manifest = await self.manifest(confirmed=True)  # another process may have fetched it meanwhile
        if self._is_settled(manifest, due):
            return manifest
        pause = await self._pause(due)
        if pause <= 0:
            task = self._start_refreshing()
            if not manifest.stored:
                await asyncio.wait([task], timeout=PATIENCE_SECONDS)
                manifest = await self.manifest(confirmed=True)
        if not manifest.stored:
            raise self._nothing(manifest.get(due), pause if pause > 0 else await self._pause(due))
        return manifest

    async def refresh(self, progress: Progress = _ignore) -> Report | None:
        """Refresh now, whatever was tried before. None if another process is at it."""
        fetcher = Fetcher(
            self._client,
            self.store,
            user_agent=f"Paperwire/{__version__} ({self.instance.contact or 'no contact configured'})",
            gate_seconds=0 if self.settings.sample else GATE_SECONDS,
        )
        report = await refresh(
            self.store,
            fetcher.get,
            list(self.feeds.values()),
            now=self.clock(),
            rss_url=self.settings.rss_url,
            rules=self._rules,
            retention=timedelta(days=self.instance.retention_days),
            progress=progress,
        )
        self._manifest = None
        if report:
            log.info("refresh %s", report.to_plain() | {"rejected": len(report.record.rejected)})
        return report

    async def entries(self, manifest: Manifest, feed: Feed) -> list[Entry]:
        """All entries of a feed, newest date first; concurrent callers share one reading of the store."""
        key = (feed.name, feed.scoring_fingerprint, manifest.version)
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(read_entries(self.store, self._library, manifest, feed))
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(task)

    def feed(self, name: str) -> Feed:
        """The feed of that name. Raises `UnknownName` that lists the known ones."""
        if name not in self.feeds:
            raise UnknownName("feed", name, tuple(self.feeds))
        return self.feeds[name]

    def feeds_of(self, query: Query) -> list[Feed]:
        """The feeds that a query is about: those that meet its conditions on `feed`, without any the main one.

        Raises `QueryError` for a feed that there is not.
        """
        conditions = [condition for condition in query.conditions if condition.field == "feed"]
        for condition in conditions:
            if unknown := [name for name in condition.values if name not in self.feeds]:
                raise QueryError(condition.token, f"there is no feed {unknown[0]!r}", tuple(self.feeds))
        fitting = [
            feed
            for feed in self.feeds.values()
            if all((feed.name in condition.values) == (condition.operator == "=") for condition in conditions)
        ]
        return fitting if conditions else [self.main]

    @property
    def title(self) -> str:
        """The name of this wire."""
        return sample.TITLE if self.settings.sample else self.instance.title

    @property
    def main(self) -> Feed:
        """The first feed."""
        return next(iter(self.feeds.values()))

    def fresh_seconds(self, manifest: Manifest) -> int:
        """How long what is served now stays true (s): until the next batch is due, or a minute if one is missing."""
        now = self.clock()
        if not self._is_settled(manifest, due_date(now)):
            return 60
        return max(int((next_due(now) - now).total_seconds()), 60)

    async def close(self) -> None:
        """Stop what is running, and free connections."""
        if self._refreshing:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self._client.aclose()
        await self.store.close()

    async def _read_manifest(self) -> Manifest:
        manifest = await read_manifest(self.store)
        # Only at the start, because an older version may still run beside this one
        if manifest.stored and manifest.rules != self._rules and self._manifest is None:
            await adopt_rules(self.store, self._rules, self.clock())
            manifest = await read_manifest(self.store)
        self._manifest = (time(), manifest)
        return manifest

    def _is_settled(self, manifest: Manifest, due: date) -> bool:
        return manifest.get(due).settled(self._categories)

    async def _pause(self, due: date) -> float:
        """How many seconds requests still leave the upstream alone after a refresh that did not settle `due`."""
        data = await self.store.get(keys.BACKOFF)
        note = decode(data) if data else {}
        until = note["until"] if note.get("date") == due.isoformat() else 0.0
        return float(max(until, self._not_before) - time())

    def _start_refreshing(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_or_follow())
        return self._refreshing

    async def _refresh_or_follow(self) -> None:
        """Refresh, or wait for the process that does; take over if it dies. Never raises: what failed is logged."""
        end = time() + PATIENCE_SECONDS
        due = due_date(self.clock())
        try:
            while await self.refresh() is None and time() < end:
                await asyncio.sleep(_POLL_SECONDS)
                if self._is_settled(await self._read_manifest(), due) or await self._pause(due) > 0:
                    break
        except Exception as error:  # whatever it is, requests are answered from what is stored
            self._not_before = time() + BACKOFF["failed"]
            log.log(logging.WARNING if isinstance(error, PaperwireError) else logging.ERROR, "refresh", exc_info=True)

    def _nothing(self, due: BatchRecord, pause: float) -> NothingYet:
        if due.reason:
            text = (
                f"There are no announcements yet. The batch of {due.date} is {due.state}: {due.reason}. "
                f"The next one is due at {rfc3339(next_due(self.clock()))}."
            )
        elif self._not_before > time():
            text = "There are no announcements yet, and fetching them failed; the log of the service has the details."
        else:
            text = f"The announcements of {due.date} are being fetched from arXiv for the first time; try again soon."
        return NothingYet(text, max(int(pause) + 1, 5))


def _transport(settings: Settings) -> httpx.AsyncBaseTransport | None:
    if not settings.sample:
        return None
    return sample.SampleTransport(settings.clock)
