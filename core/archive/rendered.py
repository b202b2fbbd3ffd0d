"""Rendered documents that instances share, each under the fingerprint of all that its bytes depend on."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from core.archive.pending import PendingWrites
from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store
from core.store.codec import decode_as, encode

log = logging.getLogger("paperwire")


class StoredDocument(NamedTuple):
    """A document as it is stored; `identity` is the fingerprint of all that it depends on."""

    identity: str
    body: bytes
    media_type: str
    etag: str
    updated: datetime
    link: str


class Rendered:
    """Rendered documents in one store: one value for each slot, which names an address."""

    def __init__(self, store: Store, pending: PendingWrites) -> None:
        self._store = store
        self._pending = pending

    @staticmethod
    def slot(path: str) -> str:
        """The slot of an address without a query."""
        return keys.rendered(path)

    @staticmethod
    def custom_slot(feed_fingerprint: str, query: str, format_name: str) -> str:
        """The slot of a feed whose rules are in its address; how many of these are stored a day is limited."""
        return keys.custom(feed_fingerprint, query, format_name)

    async def get(self, slot: str) -> bytes | None:
        """What is stored in a slot, still encoded."""
        return await self._store.get(slot)

    @staticmethod
    def decode(data: bytes | None, identity: str) -> StoredDocument | None:
        """The stored document if it is the one of this `identity`; what cannot be read is logged, and None."""
        try:
            document = decode_as(_from_plain, data) if data else None
        except StoreError as error:
            log.warning("a stored document cannot be used: %s", error)
            return None
        return document if document and document.identity == identity else None

    async def put(self, slot: str, document: StoredDocument, *, limited: bool) -> None:
        """Store a document with the next write; if it is `limited`, only as long as the budget of the day allows.

        Never raises: a document that is not stored is rendered again.
        """
        try:
            if limited and not await self._store.take(keys.CUSTOM_BUDGET, 1, keys.CUSTOM_A_DAY, keys.DAY_SECONDS):
                return
        except StoreError as error:
            log.warning("a rendered document is not stored: %s", error)
            return
        self._pending.add({slot: (await asyncio.to_thread(_encode, document), keys.RENDERED_SECONDS)})


def _encode(document: StoredDocument) -> bytes:
    return encode(document._asdict() | {"body": document.body.decode(), "updated": document.updated.isoformat()})


def _from_plain(plain: Mapping[str, str]) -> StoredDocument:
    updated = datetime.fromisoformat(plain["updated"]).astimezone(UTC)
    texts = {name: str(plain[name]) for name in ("identity", "media_type", "etag", "link")}
    return StoredDocument(body=plain["body"].encode(), updated=updated, **texts)
