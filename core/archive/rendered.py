"""Rendered documents that instances share, each with the fingerprint of all its inputs."""

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

    slot = staticmethod(keys.rendered)  # of a path without a query
    custom_slot = staticmethod(keys.custom)  # of a feed whose rules are in its address; a daily budget limits them

    async def get(self, slot: str) -> bytes | None:
        """Returns the encoded document in a slot, None if it is empty. Raises `StoreError`."""
        return await self._store.get(slot)

    @staticmethod
    def decode(data: bytes | None, identity: str) -> StoredDocument | None:
        """Returns the document if it has this `identity`, else None. An unreadable one is logged."""
        try:
            document = decode_as(_from_plain, data) if data else None
        except StoreError as error:
            log.warning("a stored document cannot be used: %s", error)
            return None
        return document if document and document.identity == identity else None

    async def put(self, slot: str, document: StoredDocument, *, limited: bool) -> None:
        """Store a document with the next write; a `limited` one only if the day's budget allows it.

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
