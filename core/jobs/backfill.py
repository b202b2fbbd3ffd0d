"""Asking arXiv's API for what was submitted for a date: to confirm what its feed announced, and to find what it missed.

A window is read in slices; each is stored, so that whoever goes on begins where the last one stopped. What a whole
window means is entered into the ledger in one commit.


What a refresh does beside the batch that is due: what was missed, what the API adds, what Hugging Face picked.

Work is done in units, each of which is stored when it is done, until time is up or an upstream does not deliver. What
is left is owed, and the next refresh goes on there. No request of a stranger leads here.

The order is that of what readers miss most: Hugging Face's picks, the due date's papers as the API has them, scorecards
and summaries, and then the dates before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from core.archive.days import Made, batch_values, read_batches, read_confirmed
from core.archive.state import State, changing, read_state
from core.config.overrides import Rules
from core.jobs.enrich import complete_shown, refresh_picks
from core.jobs.feed_date import Analysed
from core.model.batch import Announcement, Batch
from core.model.calendar import due_date, submission_window
from core.model.errors import FetchError, SourceError
from core.model.ledger import Entered, Reading, Window, concerned, enter, owed
from core.model.manifest import Manifest, rfc3339
from core.model.paper import Paper
from core.model.saved import Saved
from core.sources.api import fetch_slice
from core.sources.client import Get
from core.sources.rss import Progress
from core.store import keys
from core.store.base import Store, holding
from core.store.codec import decode_as, encode

MOST_TRIES = 3  # refreshes in which a slice may come short, before the window is taken as it is


@dataclass(slots=True)
class Begun:
    """A window that is being read: what it is, since when, where the next slice starts, and what came so far."""

    window: Window
    at: str
    start: int = 0
    tries: int = 0
    papers: list[Paper] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        papers = Batch(self.window.date, tuple(Announcement(paper, "new") for paper in self.papers))
        head = {"categories": self.window.categories, "at": self.at, "start": self.start, "tries": self.tries}
        return head | {"papers": papers.to_plain()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Begun":
        """The inverse of `to_plain`."""
        batch = Batch.from_plain(plain["papers"])
        window = Window(batch.date, tuple(plain["categories"]))
        papers = [item.paper for item in batch.announcements]
        return cls(window, str(plain["at"]), int(plain["start"]), int(plain["tries"]), papers)


async def begin(store: Store, window: Window, now: datetime) -> Begun:
    """The reading of a window as far as it was done before, or one that is to begin."""
    data = await store.get(keys.window(window.date))
    begun = decode_as(Begun.from_plain, data) if data else None
    return begun if begun and begun.window == window else Begun(window, rfc3339(now))


async def read_slice(store: Store, get: Get, api_url: str, begun: Begun) -> tuple[int, bool, str]:
    """Read one slice more of a window, and store it. How many papers the window has, whether that was the last slice,
    and why it came short, "" if it is whole: then it has to be asked for again another time.

    Raises `SourceError` if none came.
    """
    window = begun.window
    span = submission_window(window.date)
    found = await fetch_slice(get, api_url, window.categories, span, start=begun.start)
    begun.tries = begun.tries + 1 if found.short else 0
    if found.short and begun.tries < MOST_TRIES:
        await _put(store, begun)
        return found.total, False, found.short
    begun.papers += found.papers
    if found.next_start is None:
        return found.total, True, ""
    begun.start = found.next_start
    await _put(store, begun)
    return found.total, False, ""


async def _put(store: Store, begun: Begun) -> None:
    await store.put(keys.window(begun.window.date), encode(begun.to_plain()), keys.WINDOW_SECONDS)


async def enter_window(store: Store, begun: Begun, rules: Rules, now: datetime, retention: timedelta) -> Entered:
    """Enter a window that was read to its end: batches, records, ledger and scores in one commit."""
    reading = Reading(begun.window, tuple(begun.papers), begun.at)
    async with changing(store) as (lock, state):
        manifest = state.manifest
        dates = concerned(manifest, reading, now, retention)
        batches = await read_batches(store, [manifest.records.get(day) for day in dates])
        by_date = {day: batches[manifest.get(day).hash] for day in dates if manifest.get(day).hash in batches}
        confirmed = await read_confirmed(store, dates)
        entered = enter(manifest, by_date, confirmed, reading, rules.categories, now, retention)
        values = made_of(state, entered, rules, now, retention)
        values[keys.window(begun.window.date)] = (b"", 1.0)  # gone in a second; the commit knows no other way
        await lock.commit(values, release=True)
    return entered


def made_of(state: State, entered: Entered, rules: Rules, now: datetime, retention: timedelta) -> Made:
    """What is to be stored of what was entered."""
    ttl = (retention + timedelta(days=1)).total_seconds()
    values: Made = {keys.ledger(day): (encode(sorted(ids)), ttl) for day, ids in entered.confirmed.items()}
    for batch in entered.batches.values():
        values |= batch_values(batch, rules.of("arxiv"), ttl)
    values[keys.MANIFEST] = (encode(with_records(state.manifest, entered, now, retention).to_plain()), None)
    return values


def with_records(manifest: Manifest, entered: Entered, now: datetime, retention: timedelta) -> Manifest:
    """The manifest with what was entered; another version if readers are shown something else by it."""
    same = all(
        (record.hash, record.state, record.reason) == (known.hash, known.state, known.reason)
        for day, record in entered.records.items()
        for known in [manifest.get(day)]
    )
    if same:
        return replace(manifest, records={**manifest.records, **entered.records})
    return manifest.changed(entered.records.values(), now=now, retention=retention, error=manifest.error)


_LEAST_SECONDS = 5.0  # no request is begun with less time left


@dataclass(slots=True)
class Caught:
    """What came of it: windows that were read, papers that were found late, papers that were completed, dates of
    Hugging Face, the analysis, the windows that are still owed, and what went wrong.
    """

    windows: int = 0
    late: int = 0
    completed: int = 0
    picks: int = 0
    owed: tuple[Window, ...] = ()
    problems: list[str] = field(default_factory=list)
    analysed: Analysed = field(default_factory=Analysed)

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        numbers = {name: getattr(self, name) for name in ("windows", "late", "completed", "picks")}
        more = {"owed": len(self.owed), "problems": list(self.problems), "analysis": self.analysed.to_plain()}
        return numbers | more


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where arXiv's API and Hugging Face are, and how each is asked. Where there is no API it is not asked."""

    get: Get
    api_url: str
    get_picks: Get
    hf_url: str


async def catch_up(
    store: Store,
    upstreams: Upstreams,
    analyse: Callable[[Rules, float, Analysed], Awaitable[object]],
    rules_of: Callable[[Saved], Rules],
    *,
    now: datetime,
    retention: timedelta,
    seconds: float,
    progress: Progress,
) -> tuple[Caught, State] | None:
    """Work off what is owed, for so many seconds at most. None: another process is at it.

    `analyse` analyses by rules for so many seconds, and adds to a report. Raises `StoreError`; what upstreams and
    models do wrong is in the report.
    """
    end = monotonic() + seconds
    async with holding(store, keys.CATCH_UP_LOCK) as lock:
        if lock is None:
            return None
        caught = Caught()
        rules = rules_of((await read_state(store)).saved)
        fetching = _Fetching(store, upstreams, rules, caught, now, retention, end, progress)
        await fetching.due()

        async def analyse_now() -> None:
            if not caught.analysed.problems and (left := end - monotonic()) > 0:
                await analyse(rules, left, caught.analysed)

        await analyse_now()
        if await fetching.windows(lambda _: True):
            await analyse_now()  # dates of which nothing was known before
        state = await read_state(store)
        caught.owed = fetching.owed(state.manifest)
        return caught, state


@dataclass(slots=True)
class _Fetching:
    """What is fetched, for whom, and until when (`time.monotonic`). `is_down`: the API does not deliver; `tried` are
    windows that it was asked for: once each, though they may be owed again.
    """

    store: Store
    upstreams: Upstreams
    rules: Rules
    caught: Caught
    now: datetime
    retention: timedelta
    end: float
    progress: Progress
    is_down: bool = False
    tried: set[Window] = field(default_factory=set)

    @property
    def _is_late(self) -> bool:
        return self.end - monotonic() <= _LEAST_SECONDS

    def owed(self, manifest: Manifest) -> tuple[Window, ...]:
        """The windows that the API is still to be asked for; none where there is no API."""
        if not self.upstreams.api_url:
            return ()
        return tuple(owed(manifest, self.rules.categories, self.now, self.retention))

    async def due(self) -> None:
        """Fetch what the papers that feeds show now still lack: picks, the due date's window, details."""
        store, upstreams, rules, now = self.store, self.upstreams, self.rules, self.now
        if rules.wants_picks:
            self.progress("asking Hugging Face", 0, 1)
            self.caught.picks, problems = await refresh_picks(
                store, upstreams.get_picks, upstreams.hf_url, rules, now, self.retention
            )
            self.caught.problems += problems
        if not upstreams.api_url:
            return
        due = due_date(now)
        await self.windows(lambda window: window.date == due)
        if not self.is_down and not self._is_late:
            self.caught.completed, problems = await complete_shown(
                store, upstreams.get, upstreams.api_url, rules, now, self.retention
            )
            self.caught.problems += problems

    async def windows(self, wanted: Callable[[Window], bool]) -> int:
        """Read the windows that are owed and `wanted`, newest first, until time is up or the API does not deliver. How
        many were read.
        """
        before = self.caught.windows
        while not self._is_late and not self.is_down:
            manifest = (await read_state(self.store)).manifest
            windows = [window for window in self.owed(manifest) if wanted(window)]
            window = next((one for one in windows if one not in self.tried), None)
            if window is None:
                break
            self.tried.add(window)
            begun = await begin(self.store, window, self.now)
            if await self._read(begun, len(windows)):
                entered = await enter_window(self.store, begun, self.rules, self.now, self.retention)
                self.caught.windows += 1
                self.caught.late += entered.added
        return self.caught.windows - before

    async def _read(self, begun: Begun, number: int) -> bool:
        """Read a window on: whether it was read to its end."""
        last, total = False, 0
        while not last and not self._is_late:
            what = f"asking arXiv's API for {begun.window.date}, {number} dates to go"
            self.progress(what, begun.start, max(total, 1))
            try:
                total, last, short = await read_slice(self.store, self.upstreams.get, self.upstreams.api_url, begun)
            except SourceError as error:
                self.caught.problems.append(error.reason if isinstance(error, FetchError) else str(error))
                self.is_down = True
                return False
            if short:
                self.caught.problems.append(short)
                break
        return last
