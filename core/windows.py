"""Asking arXiv's API for what was submitted for a date: to confirm what its feed announced, and to find what it missed.

A window is read in slices; each is stored, so that whoever goes on begins where the last one stopped. What a whole
window means is entered into the ledger in one commit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.day import Made, batch_values
from core.domain.batch import Announcement, Batch
from core.domain.calendar import submission_window
from core.domain.ledger import Entered, Reading, Window, concerned, enter
from core.domain.manifest import Manifest, rfc3339
from core.domain.paper import Paper
from core.refresh import read_batches
from core.rules import Rules
from core.sources.api import fetch_slice
from core.sources.fetch import Get
from core.state import State, changing
from core.store import keys
from core.store.codec import decode, decode_as, encode
from core.store.protocol import Store

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


async def read_confirmed(store: Store, dates: Iterable[date]) -> dict[date, frozenset[str]]:
    """The identifiers of each date that the API has confirmed so far, in one round trip."""
    wanted = list(dates)
    found = await store.get_many([keys.ledger(day) for day in wanted]) if wanted else []
    return {day: frozenset(decode(data)) for day, data in zip(wanted, found, strict=True) if data}


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
