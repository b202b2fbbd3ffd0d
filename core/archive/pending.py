"""What was made while answering, for other instances: stored in one round trip, tried again if that fails."""

import logging
from collections.abc import Mapping
from time import monotonic

from core.archive.days import Value
from core.model.errors import StoreError
from core.store.base import Store

log = logging.getLogger("paperwire")

MOST_BYTES = 4_000_000
AGAIN_SECONDS = 30.0


class Outbox:
    """Values that wait to be stored. Bounded: the oldest are given up, because all of them can be made again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: dict[str, Value] = {}
        self._not_before = 0.0

    def add(self, values: Mapping[str, Value]) -> None:
        """Let `values` wait for the next `flush`."""
        self._values |= values
        while sum(len(value) for value, _ in self._values.values()) > MOST_BYTES:
            self._values.pop(next(iter(self._values)))

    async def flush(self) -> None:
        """Store what waits, in one round trip. Never raises: what could not be stored is logged, and waits on."""
        if not self._values or monotonic() < self._not_before:
            return
        values, self._values = self._values, {}
        try:
            await self._store.put_many(values)
        except StoreError as error:
            log.warning("what was made could not be stored, and will be tried again: %s", error)
            self._values = values | self._values
            self._not_before = monotonic() + AGAIN_SECONDS
