"""Rendered documents that instances share: one value for each address without a query."""

from core.archive.pending import PendingWrites
from core.store.base import Store


class Rendered:
    """Rendered documents in one store."""

    def __init__(self, store: Store, pending: PendingWrites) -> None:
        self._store = store
        self._pending = pending
