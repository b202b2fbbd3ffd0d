"""A draft of the next state: collected while the lock is held, and committed once, fenced by the lock."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.archive.days import make_day
from core.archive.reading import twice
from core.archive.state import State
from core.model.batch import Batch
from core.model.entries import Day
from core.model.errors import StoreError
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.store import keys
from core.store.base import Lock, Values
from core.store.codec import encode

log = logging.getLogger("paperwire")

_SLACK = timedelta(days=7)
ASKED_PAPERS = 5000  # how many of the papers requested from the API are remembered


def kept_seconds(retention: timedelta) -> float:
    """Returns how long a batch is kept: longer than the manifest lists it, over any holidays."""
    return (retention + _SLACK).total_seconds()


@dataclass(slots=True)
class Draft:
    """The present `state`, which no other process can change meanwhile, and the next `manifest`.

    Put values, change the manifest, then `commit`; without a commit nothing is written. Values are written before the
    manifest that names them. The methods that put values do no I/O, and may run in a thread.
    """

    state: State
    retention: timedelta
    manifest: Manifest
    _lock: Lock
    _backoff: Mapping[str, Any] | None = None
    _values: Values = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """Whether a commit would write anything."""
        return bool(self._values) or self.manifest is not self.state.manifest or keys.MANIFEST in self.state.damaged

    @property
    def batch_seconds(self) -> float:
        """How long a batch and its derived values are kept."""
        return kept_seconds(self.retention)

    def put(self, values: Values) -> None:
        """Add encoded values of another part of the archive."""
        self._values |= values

    def put_batch(self, batch: Batch, feeds: Iterable[Feed]) -> dict[str, Day]:
        """Add a batch with its scores for each of the `feeds`. Returns the day of each feed, by name."""
        self._values[keys.batch(batch.date, batch.hash)] = (encode(batch.to_plain()), self.batch_seconds)
        days: dict[str, Day] = {}
        for feed in feeds:
            days[feed.name], values = make_day(feed, batch, self.batch_seconds)
            self._values |= values
        return days

    def put_confirmed(self, day: date, papers: Iterable[str]) -> None:
        """Add the identifiers of a date that the API confirms."""
        self._values[keys.ledger(day)] = (encode(sorted(papers)), self.batch_seconds)

    def put_asked(self, papers: Iterable[str]) -> None:
        """Add the papers that were requested from the API by identifier."""
        self._values[keys.ASKED] = (encode(sorted(papers)[-ASKED_PAPERS:]), None)

    def put_backoff(self, note: Mapping[str, Any], seconds: float) -> None:
        """Add the note on how long requests do not ask the upstream; it is kept for `seconds`."""
        self._backoff = note
        self._values[keys.BACKOFF] = (encode(note), seconds)

    def drop_window(self, day: date) -> None:
        """Remove the slices of a window, now that it is entered."""
        self._values[keys.window(day)] = (b"", 1.0)  # expires in a second; a commit cannot delete

    def change_records(
        self, records: Iterable[BatchRecord], now: datetime, error: Mapping[str, str] | None = None
    ) -> None:
        """Put records into the manifest, and drop those older than the retention; `error` None keeps the last error."""
        kept = self.manifest.error if error is None else error
        self.manifest = self.manifest.changed(records, now=now, retention=self.retention, error=kept)

    async def commit(self) -> State:
        """Write all values atomically, and release the lock. Returns the new state.

        Raises `LockLost` if another process holds the lock, and `StoreError`.
        """
        values = dict(self._values)
        if self.manifest is not self.state.manifest or keys.MANIFEST in self.state.damaged:
            values |= twice({keys.MANIFEST: (encode(self.manifest.to_plain()), None)})  # last: it names the others
        if values:
            await self._lock.commit(values, release=True)
            await self._copy(values)
        backoff = self.state.backoff if self._backoff is None else self._backoff
        return replace(self.state, manifest=self.manifest, backoff=backoff, damaged=frozenset())

    async def _copy(self, values: Values) -> None:
        """Write the copies of what the manifest names. If that fails, the next refresh does it."""
        copies = {keys.copy(key): value for key, value in values.items() if key.startswith(keys.COPIED)}
        try:
            await self._lock.store.put_many(copies)
        except StoreError as error:
            log.info("copies are not written: %s", error)
