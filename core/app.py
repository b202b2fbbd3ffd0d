"""The wire: connects all parts, and refreshes them on demand. One object for each process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib import import_module
from time import time
from typing import TYPE_CHECKING

from core.archive import Archive, State
from core.archive.days import month_name
from core.archive.open import open_store
from core.config.overrides import rules_in_force
from core.config.settings import Settings
from core.model.analysis import is_unread
from core.model.entries import reaches_below
from core.model.errors import PaperwireError, StoreError, UnknownName
from core.model.feed import Entry, Feed
from core.model.freshness import (
    UNCONFIRMED_SECONDS,
    Due,
    Freshness,
    Validity,
    due_of,
    due_record,
    nothing_yet,
    validity_of,
)
from core.model.lazy import unread, with_texts
from core.model.ledger import Window, windows_to_read
from core.model.manifest import Manifest
from core.model.paper import Paper, PaperId
from core.model.query import Condition, Query
from core.model.saved import Change, Saved
from core.model.sources import ARXIV
from core.sources import sample
from core.util.log import NO_PROGRESS, Progress
from core.views.entries import EntryCache, FeedEntries
from core.views.reviews import ReviewList
from core.views.snapshot import Snapshot, Snapshots
from core.views.store_check import StoreChecks

if TYPE_CHECKING:
    from core.jobs.deliver import Post
    from core.jobs.run import Report
    from core.model.pages import PageKey
    from core.queue.base import Queue

log = logging.getLogger("paperwire")

_PATIENCE_SECONDS = 15.0  # how long a request waits for a first batch; feed readers give up after 20
_POLL_SECONDS = 0.5
_FAILED_SECONDS = 60.0  # how long requests do not ask a source that has failed
_EVERYTHING = Query((Condition("score", ">=", (float("-inf"),)),))
_GLANCE_SECONDS = 10.0  # between looks at what is pending, after answers
_PIECE_SECONDS = 60.0  # and after one that found nothing to begin
_FOLLOW_SECONDS = 5.0  # between checks of another process's refresh


class Paperwire:
    """The feeds, the archive, and the caches of this process.

    Raises `ConfigError` if the configuration is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.instance = settings.feeds.instance
        self.rules = rules_in_force(settings.feeds, Saved())  # until the saved overrides are read
        self.clock = settings.clock
        self.archive = Archive(open_store(settings), retention=self.instance.retention)
        self.snapshots = Snapshots(self.archive, seconds=settings.confirm_seconds, ahead=not settings.serverless)
        self._adopted = ""
        self._unscored: set[str] = set()  # feeds that may have no index, because the rules have just changed
        self.entry_cache = EntryCache(self.archive)
        self.reviews = ReviewList(self.archive.reviews, seconds=settings.confirm_seconds)
        self.store_checks = StoreChecks(self.archive, seconds=settings.confirm_seconds)
        self.changed = asyncio.Event()  # set when the owner has saved something
        self._refreshing: asyncio.Task[None] | None = None
        self.queue: Queue | None = None  # the scheduler's own; else the one that the settings name
        self._not_before = 0.0
        self._piece: asyncio.Task[None] | None = None
        self._piece_after = 0.0
        self._validity: Validity | None = None

    async def snapshot(self, also: str = "", feeds: Iterable[Feed] = ()) -> Snapshot:
        """The stored state as this process knows it, with the rules of it in force. Raises `StoreError` if it has never
        been read.

        `also` is a key that is read along at the first time, and so are the indexes of `feeds`.
        """
        months = tuple(map(month_name, feeds))
        snapshot = await self.snapshots.get(also=(also, *months) if also else months)
        for name in months:
            known, data = self.snapshots.take(name)
            if known:
                self.entry_cache.put_month(name, data)
        state = snapshot.state
        if state.saved is not self.rules.saved or state.learned is not self.rules.learned:
            self.rules, self._validity = rules_in_force(self.settings.feeds, state.saved, state.learned), None
        # Each once, because an older version may still be running
        if self._adopted != self.rules.fingerprint and not snapshot.error:
            self._adopted = self.rules.fingerprint
            if snapshot.state.manifest.has_batches and snapshot.state.manifest.rules != self._adopted:
                await self._adopt()
                snapshot = await self.snapshots.get()
        validity = self.validity(snapshot.state.manifest)
        if validity.release and validity.releases and not snapshot.error:
            await self._note(self.archive.note_time(validity.release, self.clock()))
            snapshot = await self.snapshots.get()
        return snapshot

    async def manifest(self) -> Manifest:
        """The manifest of the snapshot."""
        return (await self.snapshot()).state.manifest

    async def ready(self) -> Manifest:
        """Returns a manifest with content to serve. A missing due batch is fetched, once for all requests.

        If older batches are stored, the fetch runs in the background. Otherwise this waits for it, for a bounded time.
        Raises `NothingYet` if nothing is stored after that, and `StoreError`.
        """
        snapshot = await self.snapshot()
        manifest = snapshot.state.manifest
        validity = self.validity(manifest)
        if snapshot.error and not self._stored(manifest):
            raise StoreError(snapshot.error)
        if snapshot.error or validity.settled:
            return manifest
        due = validity.due.date
        if self._pause(snapshot.state, due) <= 0:
            task = self._start_refreshing()
            if not self._stored(manifest):
                await asyncio.wait([task], timeout=_PATIENCE_SECONDS)
                snapshot = await self.snapshot()
                manifest = snapshot.state.manifest
        if not self._stored(manifest):
            if refused := self.archive.refused:
                raise refused
            failed = self._not_before > time()
            record = due_record(manifest, self.due, self.rules.sources)
            raise nothing_yet(record, self.due, self._pause(snapshot.state, due), failed=failed)
        return manifest

    async def begin(self) -> bool:
        """Start to fetch the due batch if it is missing, without waiting for it. Returns whether it is being fetched.

        Raises `StoreError` if the stored state has never been read.
        """
        snapshot = await self.snapshot()
        validity = self.validity(snapshot.state.manifest)
        if not (snapshot.error or validity.settled or self._pause(snapshot.state, validity.due.date) > 0):
            self._start_refreshing()
        return self.is_refreshing and not validity.settled

    def peek(self) -> Validity | None:
        """Returns the validity of answers from memory, without a read of the store; None if a request has to read it.

        They are valid while the snapshot is, and the due batch is stored, being fetched, or in its backoff.
        """
        snapshot = self.snapshots.peek()
        if snapshot is None or snapshot.error:
            return None
        validity = self.validity(snapshot.state.manifest)
        if validity.releases:
            return None
        if validity.settled or self.is_refreshing or self._pause(snapshot.state, validity.due.date) > 0:
            return validity
        return None

    async def refresh(
        self,
        scope: str = "all",
        *,
        seconds: float | None = None,
        key: str = "",
        patience: float = 0.0,
        progress: Progress = NO_PROGRESS,
    ) -> "Report":
        """Run the write path: see `core.jobs.run`, and its table `SCOPES`. `seconds` are `CATCH_UP_SECONDS` by default.

        `key` is what a queue delivers. Raises `StoreError`.
        """
        await asyncio.to_thread(import_module, "core.jobs.run")  # not at a cold start, and while others are answered
        from core.jobs.queues import open_queue
        from core.jobs.run import SCOPES, run

        if SCOPES[scope].rest:  # this process does a step itself: its own answer begins none
            self._piece_after = time() + _PIECE_SECONDS
        report = await run(
            self.archive,
            self.settings,
            SCOPES[scope],
            seconds=self.settings.catch_up_seconds if seconds is None else seconds,
            key=key,
            queue=self.queue or open_queue(self.settings),
            patience=patience,
            progress=progress,
            read=self._read_entries,
        )
        self._learn(report)
        return report

    async def entries(
        self,
        manifest: Manifest,
        feed: Feed,
        query: Query = Query(),  # noqa: B008 - immutable
        *,
        texts: bool = True,
        paper: str = "",
    ) -> FeedEntries:
        """Returns the entries of a feed that `query` may select, and possibly others, newest date first.

        Without `texts`, those of an entry may still have to be read (`EntryCache.read`). With the identifier of a
        `paper`, entries of dates that do not have it may be left out. Nothing is stored for a custom feed, whose rules
        came with a request. Raises `StoreError` and `QueryError`.
        """
        own = self.feeds.get(feed.name) == feed
        texts = texts or feed.name in self._unscored
        whole = reaches_below(feed, query)
        found = await self.entry_cache.get(manifest, feed, whole=whole, own=own, texts=texts, paper=paper)
        self._unscored.discard(feed.name)
        return found

    async def prefetch(self, manifest: Manifest, feeds: Iterable[Feed], paper: str = "") -> None:
        """Read what `entries` needs of these feeds, in one round trip for all of them. Raises `StoreError`."""
        own = [feed for feed in feeds if self.feeds.get(feed.name) == feed and feed.name not in self._unscored]
        await self.entry_cache.prefetch(manifest, own, paper)

    async def post(self) -> "Post":
        """Returns what is needed to make and send the messages of deliveries now. Raises `StoreError`."""
        await asyncio.to_thread(import_module, "core.jobs.deliver")  # not at a cold start
        from core.jobs.deliver import Post

        state = (await self.snapshot()).state
        return Post(self.settings, self.rules, state.manifest, self._read_entries, self.clock())

    async def _read_entries(self, manifest: Manifest, feed: Feed) -> list[Entry]:
        return (await self.entry_cache.get(manifest, feed, whole=True, own=True, texts=True)).entries

    async def papers(self) -> list[Paper]:
        """Returns the stored papers of all feeds, each once, in its newest version."""
        manifest = await self.manifest()
        found: dict[str, Paper] = {}
        for feed in self.feeds.values() if manifest.has_batches else ():
            for entry in (await self.entries(manifest, feed, _EVERYTHING)).entries:
                if entry.id not in found or entry.paper.version > found[entry.id].version:
                    found[entry.id] = entry.paper
        return list(found.values())

    async def paper(self, wanted: PaperId) -> Paper | None:
        """Returns the paper from one of the feeds, by default its newest version; None if no stored batch has it."""
        manifest = await self.manifest()
        if not manifest.has_batches:
            return None
        for texts in (False, True):
            found = [
                entry
                for feed in self.feeds.values()
                for entry in (await self.entries(manifest, feed, _EVERYTHING, texts=texts, paper=wanted.id)).entries
                if entry.id == wanted.id and wanted.version in (None, entry.paper.version)
            ]
            newest = max(found, key=lambda entry: entry.paper.version, default=None)
            if newest is None:
                return None
            if await self.entry_cache.read(unread([newest])):
                return with_texts([newest])[0].paper
        return None

    async def change(self, expected: int, make: Callable[[Saved, tuple[Change, ...]], tuple[Saved, str]]) -> Saved:
        """Change the owner's overrides, if they still have version `expected`: see `Overrides.change`."""
        saved = await self.archive.overrides.change(expected, make, self.clock())
        state = (await self.snapshots.get()).state
        manifest = replace(state.manifest)  # a new object: caches of the old one are invalid
        self.snapshots.put(replace(state, manifest=manifest, saved=saved))
        await self.snapshot()
        self.changed.set()
        return saved

    async def reread_feeds(self) -> bool:
        """Use feeds.toml as it is now. Returns whether it says anything else than before.

        Raises `ConfigError`, which changes nothing, and `StoreError`; then the next request takes the feeds in.
        """
        before = self.settings.feeds
        if await asyncio.to_thread(self.settings.reread_feeds) == before:
            return False
        self.instance = self.settings.feeds.instance
        self.archive.keep_for(self.instance.retention)
        self.rules = rules_in_force(self.settings.feeds, self.rules.saved, self.rules.learned)
        self._validity = None
        snapshot = await self.snapshots.get()
        if not snapshot.error:  # a new object: caches of the old one are invalid
            self.snapshots.put(replace(snapshot.state, manifest=replace(snapshot.state.manifest)))
        await self.snapshot()
        self.changed.set()
        return True

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """The feeds by name, in force when the store was last read; the first is the main feed."""
        return self.rules.feeds

    def feed(self, name: str) -> Feed:
        """Returns the feed of that name. Raises `UnknownName` with the known names."""
        if name not in self.feeds:
            raise UnknownName("feed", name, tuple(self.feeds))
        return self.feeds[name]

    @property
    def title(self) -> str:
        """The name of this wire."""
        return sample.TITLE if self.settings.sample else self.instance.title

    @property
    def main(self) -> Feed:
        """The first feed."""
        return next(iter(self.feeds.values()))

    @property
    def due(self) -> Due:
        """The due date and the following one, at the time of the call."""
        now = self.clock()
        if self._validity is None or now >= self._validity.until:
            return due_of(now, self.rules.sources)
        return self._validity.due

    @property
    def is_refreshing(self) -> bool:
        """Whether this process is refreshing."""
        return self._refreshing is not None and not self._refreshing.done()

    def validity(self, manifest: Manifest) -> Validity:
        """Returns how long answers from the manifest are valid: the same object while nothing changes."""
        now, known = self.clock(), self._validity
        if known is None or known.manifest is not manifest or now >= known.until:
            reads = self.settings.has_model and self.settings.catch_up_seconds > 0
            feeds = self.feeds.values()
            known = self._validity = validity_of(manifest, now, self.rules.categories, feeds, reads=reads)
        return known

    def freshness(self, manifest: Manifest) -> Freshness:
        """Returns how long an answer is fresh: until the next batch is due, or a minute if one is missing."""
        if self.snapshots.error:
            return Freshness(UNCONFIRMED_SECONDS, "the store does not answer; this is the last good copy")
        return self.validity(manifest).freshness(self.clock())

    def pending(self, manifest: Manifest) -> list["Window | PageKey"]:
        """Returns what backfill is still to read: windows of submissions for which arXiv's API has not been asked, and
        catch-up pages; empty for the sample week.
        """
        if self.settings.sample or not manifest.records:
            return []
        from core.model.pages import pages_to_read  # not at a cold start

        what = manifest, self.rules.categories, self.clock(), self.archive.retention
        return [*windows_to_read(*what), *pages_to_read(*what)]

    def begin_piece(self, seconds: float) -> "asyncio.Task[None] | None":
        """Begin a bounded piece of the pending work after an answer, for at most `seconds`. Returns its task, if any.

        A request only says when: what is done follows from the feeds and the budgets, and the bounds of the chain in
        the store hold (`core.model.work`). A server with a scheduler needs no requests for that; neither does Lambda,
        whose answers would wait for it.
        """
        settings = self.settings
        if not settings.catch_up_seconds or self.queue or settings.aws_lambda_function_name:
            return None
        if time() < self._piece_after or (self._piece and not self._piece.done()):
            return None
        self._piece_after = time() + _GLANCE_SECONDS
        self._piece = asyncio.create_task(self._do_piece(seconds))
        return self._piece

    async def _do_piece(self, seconds: float) -> None:
        """Do a piece, if anything is pending. Never raises: failures are logged."""
        begun = time()
        try:
            await self.finish()
            manifest = await self.manifest()
            left = seconds - (time() - begun)
            if not manifest.has_batches or left <= 0:
                return
            is_pending = self.pending(manifest) or is_unread(manifest, self.feeds.values())
            if is_pending or (await self.archive.work.chain()).pending:  # pages of older dates, too
                report = await self.refresh("piece", seconds=left)
                pause = _PIECE_SECONDS if report.refused or report.busy else _GLANCE_SECONDS
                self._piece_after = max(report.chain.at, time() + pause)
            else:
                self._piece_after = time() + _PIECE_SECONDS
        except Exception as error:
            self._piece_after = time() + _FAILED_SECONDS
            log.log(logging.WARNING if isinstance(error, PaperwireError) else logging.ERROR, "piece", exc_info=True)

    async def finish(self) -> None:
        """Wait for the refresh in the background: Vercel runs it after the answer, and then stops the instance."""
        if self.is_refreshing and self._refreshing:
            await asyncio.wait([self._refreshing])

    async def close(self) -> None:
        """Stop background work, write pending values, and close connections."""
        for task in (self._piece, self._refreshing):
            if task and not task.done():
                task.cancel()
                await asyncio.wait([task])
        await self.snapshots.stop()
        await self.archive.close()

    async def _adopt(self) -> None:
        noted = await self._note(self.archive.note_rules(self.rules.fingerprint, self.clock()))
        if noted:
            self._unscored = set(self.feeds)
        elif noted is False:  # a refresh is writing, perhaps under the former rules
            self._adopted = ""

    async def _note(self, noting: Awaitable[State | None]) -> bool | None:
        """Returns whether a change was noted: False if another process is writing, None if the store fails."""
        try:
            state = await noting
        except StoreError as error:
            log.warning("a change could not be noted in the manifest: %s", error)
            return None
        if state:
            self.snapshots.put(state)
        return state is not None

    def _learn(self, report: "Report") -> None:
        """Remember the values that a run has stored, which need not be read again."""
        if (state := report.state) is None:
            return
        rules = rules_in_force(self.settings.feeds, state.saved, state.learned)
        if report.today:
            self._adopted = rules.fingerprint
            if report.today.batch:
                self.entry_cache.put_days(report.today.batch, report.today.days)
        newer = self.rules.saved.version > state.saved.version or self.rules.learned.version > state.learned.version
        if newer:  # the owner saved something meanwhile
            saved = max(self.rules.saved, state.saved, key=lambda one: one.version)
            learned = max(self.rules.learned, state.learned, key=lambda one: one.version)
            self.snapshots.put(replace(state, saved=saved, learned=learned))
        else:
            self.snapshots.put(state)
            self.rules, self._validity = rules, None

    def _stored(self, manifest: Manifest) -> bool:
        """Returns whether there is content to serve: arXiv's announcements if a feed uses them, else picks."""
        return bool(manifest.stored) if ARXIV in self.rules.sources else manifest.has_batches

    def _pause(self, state: State, due: date) -> float:
        """Returns the seconds left of the backoff after a refresh that did not settle `due`."""
        return max(state.paused_until(due), self._not_before) - time()

    def _start_refreshing(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh_or_follow())
        return self._refreshing

    async def _refresh_or_follow(self) -> None:
        """Refresh, or wait for the process that does; take over if it dies. Never raises: failures are logged."""
        end, due = time() + _PATIENCE_SECONDS, self.due.date
        try:
            while time() < end:
                report = await self.refresh("due")
                if report.failures and report.today is None:  # of arXiv, the store has a note
                    self._not_before = time() + _FAILED_SECONDS
                if report.did_something:
                    break
                state = (await self.snapshots.get(confirmed=True)).state
                if self.validity(state.manifest).settled or self._pause(state, due) > 0:
                    break
                if self._stored(state.manifest):  # no request waits for it
                    self._not_before = time() + _FOLLOW_SECONDS
                    break
                await asyncio.sleep(_POLL_SECONDS)
        except Exception as error:  # requests are still answered from the stored values
            self._not_before = time() + _FAILED_SECONDS
            log.log(logging.WARNING if isinstance(error, PaperwireError) else logging.ERROR, "refresh", exc_info=True)
