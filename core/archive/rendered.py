"""Rendered documents that instances share, each with the fingerprint of all its inputs.

They are the only values that requests without a token cause to be stored. The number of a feed's own documents follows
from the feeds; all others share a budget of bytes for each day, over all instances. No large document is stored.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import NamedTuple

from core.archive.pending import PendingWrites
from core.archive.reading import read_value
from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store
from core.store.codec import encode

log = logging.getLogger("paperwire")

STRANGERS_A_DAY = 10_000_000  # bytes; values are kept for a day, so that at most twice as many are stored
LARGEST_LIMITED = 100_000  # bytes of one document that counts against the budget
_LARGEST = 1_000_000  # bytes of another one
_LEAST_CHARGE = 4_000  # bytes, so that the number of values is limited too: a plan may count commands
_OVERHEAD = 200  # bytes of a database for a value, beside it
_BASE64 = 4 / 3  # compressed values are text in Redis
_EXHAUSTED_SECONDS = 600.0  # how long an instance does not ask a budget that was used up


class StoredDocument(NamedTuple):
    """A stored document; `identity` is the fingerprint of all its inputs."""

    identity: str
    body: bytes
    media_type: str
    etag: str
    updated: datetime
    link: str


class Rendered:
    """Rendered documents in one store, one for each slot. A slot names an address."""

    def __init__(self, store: Store, pending: PendingWrites) -> None:
        self._store = store
        self._pending = pending
        self._exhausted = 0.0  # until then (`time.monotonic`)

    slot = staticmethod(keys.rendered)  # of a path without a query
    custom_slot = staticmethod(keys.custom)  # of a feed whose rules are in its address

    async def get(self, slot: str) -> bytes | None:
        """Returns the encoded document in a slot, None if it is empty. Raises `StoreError`."""
        return await self._store.get(slot)

    @staticmethod
    def decode(slot: str, data: bytes | None, identity: str) -> StoredDocument | None:
        """Returns the document of a slot if it has this `identity`, else None. An unreadable one is logged."""
        document = read_value(slot, _from_plain, data)
        return document if document and document.identity == identity else None

    async def put(self, slot: str, document: StoredDocument, *, limited: bool) -> None:
        """Store a document with the next write, unless it is large; a `limited` one only if the day's budget allows it.

        Never raises: a document that is not stored is rendered again.
        """
        if limited and monotonic() < self._exhausted:
            return
        data = await asyncio.to_thread(_encode, document)
        size = math.ceil(len(data) * _BASE64) + len(slot) + _OVERHEAD
        if size > (LARGEST_LIMITED if limited else _LARGEST) or (limited and not await self._allowed(size)):
            return
        self._pending.add({slot: (data, keys.DAY_SECONDS if limited else keys.RENDERED_SECONDS)})

    async def _allowed(self, size: int) -> bool:
        """Take `size` bytes from the day's budget. Returns False if it is used up, or if the store fails."""
        charge = max(size, _LEAST_CHARGE)
        try:
            if await self._store.take(keys.STRANGERS_BUDGET, charge, STRANGERS_A_DAY, keys.DAY_SECONDS):
                return True
        except StoreError as error:
            log.warning("a rendered document is not stored: %s", error)
            return False
        if charge <= _LEAST_CHARGE:
            self._exhausted = monotonic() + _EXHAUSTED_SECONDS
        return False


def _encode(document: StoredDocument) -> bytes:
    return encode(document._asdict() | {"body": document.body.decode(), "updated": document.updated.isoformat()})


def _from_plain(plain: Mapping[str, str]) -> StoredDocument:
    updated = datetime.fromisoformat(plain["updated"]).astimezone(UTC)
    texts = {name: str(plain[name]) for name in ("identity", "media_type", "etag", "link")}
    return StoredDocument(body=plain["body"].encode(), updated=updated, **texts)
