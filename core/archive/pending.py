"""Derived values that requests made and that wait to be written, many in one round trip."""

import logging
from time import monotonic

from core.model.errors import StoreError, StoreFull
from core.store import keys
from core.store.base import Store, Values

log = logging.getLogger("paperwire")

_MOST_BYTES = 4_000_000
_RETRY_SECONDS = 30.0


class PendingWrites:
    """Values that wait to be written. At the limit the oldest are dropped: all of them can be made again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: Values = {}
        self._not_before = 0.0

    def add(self, values: Values) -> None:
        """Write `values` with the next `flush`."""
        self._values |= values
        while _size(self._values) > _MOST_BYTES:
            self._values.pop(next(iter(self._values)))

    async def put(self, values: Values) -> None:
        """The same for one of many large values: what waits is written before, if there is no room for both."""
        if _size(self._values) + _size(values) > _MOST_BYTES:
            await self.flush()
        self.add(values)

    async def flush(self) -> None:
        """Write the waiting values, in one round trip. Never raises: a failure is logged, and the values are kept; but
        those that only save time are dropped if the database is full.
        """
        if not self._values or monotonic() < self._not_before:
            return
        values, self._values = self._values, {}
        try:
            await self._store.put_many(values)
        except StoreError as error:
            log.warning("derived values could not be stored; they are kept for the next write: %s", error)
            if isinstance(error, StoreFull):
                values = {key: value for key, value in values.items() if not key.startswith(keys.DISPENSABLE)}
            self._values = values | self._values
            self._not_before = monotonic() + _RETRY_SECONDS


def _size(values: Values) -> int:
    return sum(len(value) for value, _ in values.values())
