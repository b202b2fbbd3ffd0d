"""What a process remembers of feeds' entries: each is read from the store once, whoever asks."""

from functools import partial

from core.domain.feed import Feed
from core.domain.manifest import Manifest
from core.memory import Memory
from core.outbox import Outbox
from core.publish import Library, Shown, read_entries
from core.refresh import Report
from core.rules import Rules
from core.shared import Shared
from core.store.protocol import Store

GUEST_ENTRIES = 40_000  # remembered of feeds whose rules came with a request


class Shelf:
    """The entries of this wire's own feeds, and of guests: feeds whose rules came with a request."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store, self._outbox = store, outbox
        self._own = Library()
        self._guests = Library(self._own.batches, Memory(limit=GUEST_ENTRIES), Memory(limit=GUEST_ENTRIES))
        self._loading: Shared[Shown] = Shared()

    async def shown(self, manifest: Manifest, feed: Feed, *, whole: bool, own: bool) -> Shown:
        """See `core.publish.read_entries`. Concurrent callers share one reading of the store."""
        key = (feed.name, feed.fingerprint, manifest.version, whole)
        return await self._loading.get(key, partial(self._read, manifest, feed, whole=whole, own=own))

    async def _read(self, manifest: Manifest, feed: Feed, *, whole: bool, own: bool) -> Shown:
        library = self._own if own else self._guests
        shown, made = await read_entries(self._store, library, manifest, feed, whole=whole, own=own)
        if own:
            self._outbox.add(made)
        return shown

    def learn(self, report: Report, rules: Rules) -> None:
        """Keep what a refresh has made: it need not be read again."""
        if report.batch:
            self._own.put_batch(report.batch)
            for feed in rules.of("arxiv"):
                self._own.put_day(feed, report.batch.hash, report.days[feed.name])
