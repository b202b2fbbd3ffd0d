"""A draft of the next state: collected while the lock is held, and committed once, behind the fence of the lock."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.archive.days import batch_values
from core.archive.state import State
from core.model.batch import Batch
from core.model.feed import Feed
from core.model.manifest import BatchRecord, Manifest
from core.store import keys
from core.store.base import Lock, Values
from core.store.codec import encode


@dataclass(slots=True)
class Draft:
    """The present `state`, which no other process changes meanwhile, and what is to replace it.

    Put values, change the manifest, then `commit`; without a commit nothing is written. Values are written before the
    manifest that names them. The methods that put values do no I/O, and may run in a thread.
    """

    state: State
    retention: timedelta
    lock: Lock
    manifest: Manifest = field(init=False)
    _values: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manifest = self.state.manifest

    @property
    def batch_seconds(self) -> float:
        """How long a batch and what is derived from it are kept: a day longer than the manifest lists it."""
        return (self.retention + timedelta(days=1)).total_seconds()

    def put(self, values: Values) -> None:
        """Write encoded values of another part of the archive along."""
        self._values |= values

    def put_batch(self, batch: Batch, feeds: Iterable[Feed]) -> None:
        """Store a batch, with the scores of each of the `feeds`."""
        self.put(batch_values(batch, feeds, self.batch_seconds))

    def change_records(
        self, records: Iterable[BatchRecord], now: datetime, error: dict[str, str] | None = None
    ) -> None:
        """Put records into the manifest, and drop what is older than the retention; `error` None keeps the last one."""
        kept = self.manifest.error if error is None else error
        self.manifest = self.manifest.changed(records, now=now, retention=self.retention, error=kept)

    async def commit(self, *, backoff: dict[str, Any] | None = None, backoff_seconds: float = 0.0) -> State:
        """Write everything, or nothing, and give the lock up. Raises `LockLost` and `StoreError`."""
        state = replace(self.state, manifest=self.manifest)
        values = dict(self._values)
        if backoff is not None:
            state = replace(state, backoff=backoff)
            values[keys.BACKOFF] = (encode(backoff), backoff_seconds)
        if self.manifest is not self.state.manifest:
            values[keys.MANIFEST] = (encode(self.manifest.to_plain()), None)  # last: it names the others
        if values:
            await self.lock.commit(values, release=True)
        return state
