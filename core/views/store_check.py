"""The check of the store for health: what it has lost of what the manifest names."""

import logging
from time import monotonic
from typing import TYPE_CHECKING

from core.archive import Archive, State
from core.model.errors import StoreError

if TYPE_CHECKING:
    from core.archive.inventory import Checked

log = logging.getLogger("paperwire")


class StoreChecks:
    """The last check, for all requests of a process; it is made again after `seconds`, or for another manifest."""

    def __init__(self, archive: Archive, *, seconds: float) -> None:
        self._archive = archive
        self._seconds = seconds
        self._known: tuple[float, int, Checked] | None = None

    async def get(self, state: State) -> "Checked":
        """Returns what was found under `state`, in one round trip or none. Never raises: a store that fails has lost
        nothing.
        """
        known, now = self._known, monotonic()
        if known and known[0] > now and known[1] == state.manifest.version:
            return known[2]
        try:
            checked = await self._archive.inventory.check(state)
        except StoreError as error:
            log.warning("the stored values could not be checked: %s", error)
            from core.archive.inventory import Checked

            return Checked((), (), ())
        self._known = now + self._seconds, state.manifest.version, checked
        return checked
