"""What was learned of an endpoint of models: how it wants to be asked, and how long its answers take.

It only saves refused calls: nothing is lost without it, and what is wrong in it is learned again.
"""

import logging
from collections.abc import Mapping
from typing import Any

from core.archive.reading import read_value
from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store
from core.store.codec import encode

log = logging.getLogger("paperwire")


class EndpointMemory:
    """The `Memory` (`core.llm.base`) of the endpoint with this fingerprint; empty while the store fails."""

    def __init__(self, store: Store, endpoint: str) -> None:
        self._store, self._key = store, keys.endpoint(endpoint)
        self._known: dict[str, Mapping[str, Any]] | None = None

    async def recall(self) -> dict[str, Mapping[str, Any]]:
        """See `Memory`."""
        if self._known is None:
            try:
                self._known = read_value(self._key, _by_model, await self._store.get(self._key)) or {}
            except StoreError as error:
                log.warning("what is known of the endpoint of models could not be read: %s", error)
                return {}
        return self._known

    async def note(self, model: str, learned: Mapping[str, Any]) -> None:
        """See `Memory`. Of two processes that write at the same time, one learns again later."""
        known = await self.recall()
        self._known = {**known, model: dict(learned)}
        try:
            await self._store.put(self._key, encode(self._known), keys.ENDPOINT_SECONDS)
        except StoreError as error:
            log.warning("what was learned of the endpoint of models could not be stored: %s", error)


def _by_model(plain: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(model): dict(learned) for model, learned in plain.items()}
