"""What a process believes to be stored: read when it is needed, believed for a while, kept when the store fails."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

from core.archive.state import STATE_KEYS, State, decode_state
from core.model.errors import StoreError
from core.store.base import Store
from core.util.caches import SingleFlight

log = logging.getLogger("paperwire")

DOUBT_SECONDS = 5.0  # how long after a failure of the store it is not asked for its state again
_EARLY = 0.8  # of the time of belief; from then on one request asks anew, and nobody waits for it


@dataclass(frozen=True, slots=True)
class View:
    """The state, and until when (`time.monotonic`) it is believed. `doubt`: why it could not be confirmed since."""

    state: State
    until: float
    doubt: str = ""


class Current:
    """The state of the store, for all requests of a process: concurrent ones share one reading.

    `ahead`: it is read anew shortly before it gets too old, which only helps where processes run between requests.
    """

    def __init__(self, store: Store, *, seconds: float, ahead: bool = True) -> None:
        self._store = store
        self._seconds = seconds
        self._early = seconds * (1 - _EARLY) if ahead else 0.0
        self._view: View | None = None
        self._raw: list[bytes | None] | None = None
        self._reading: SingleFlight[View] = SingleFlight()
        self._along: dict[str, bytes | None] = {}
        self._written = 0

    def believed(self) -> View | None:
        """What is believed right now, without asking; None if it is too old.

        Shortly before it gets too old, it is read anew behind the answers, so that none of them waits for that.
        """
        view, now = self._view, monotonic()
        if view is None or now >= view.until:
            return None
        if now >= view.until - self._early and not view.doubt:
            self._reading.start(None, partial(self._read, ""))
        return view

    async def get(self, *, confirmed: bool = False, also: str = "") -> View:
        """What is believed, or as it is stored now. If this is the first reading, `also` is read along, for `pop`: an
        instance that runs has in memory what it served, and its readings are to be small.

        Where the store fails, the last known state with a doubt. Raises `StoreError` if there is none.
        """
        if not confirmed and (view := self.believed()):
            return view
        return await self._reading.get(None, partial(self._read, "" if self._view else also))

    def pop(self, key: str) -> tuple[bool, bytes | None]:
        """Whether `key` was read along with the state, and its value; once."""
        return key in self._along, self._along.pop(key, None)

    async def stop(self) -> None:
        """End what is being read."""
        await self._reading.stop()

    @property
    def doubted(self) -> bool:
        """Whether the store has just failed."""
        return self._view is not None and bool(self._view.doubt) and monotonic() < self._view.until

    @property
    def unconfirmed(self) -> bool:
        """Whether the store failed when it was asked last, however long ago that was."""
        return self._view is not None and bool(self._view.doubt)

    @property
    def doubt_reason(self) -> str:
        """Why the store could not be read when it was asked last, "" if it could."""
        return self._view.doubt if self._view else ""

    def doubt(self, error: StoreError) -> View:
        """Go on with what was known last, and leave the store alone for a while. Raises `error` if nothing is known."""
        if self._view is None:
            raise error
        log.warning("the last good copy is served: %s", error)
        self._view = replace(self._view, until=monotonic() + DOUBT_SECONDS, doubt=str(error))
        return self._view

    def put(self, state: State) -> None:
        """Believe `state`, which this process has just written."""
        self._raw = None
        self._written += 1
        self._view = View(state, monotonic() + self._seconds)

    async def _read(self, also: str) -> View:
        written = self._written
        try:
            found = await self._store.get_many([*STATE_KEYS, *([also] if also else [])])
            raw, along = found[: len(STATE_KEYS)], found[len(STATE_KEYS) :]
            # Where nothing is new the same object, by which others know what they made from it
            state = self._view.state if raw == self._raw and self._view else decode_state(*raw)
        except StoreError as error:
            return self.doubt(error)
        if self._view and written != self._written:
            return self._view  # what this process wrote while it was reading is newer
        self._raw = raw
        self._along = {also: along[0]} if also else {}
        self._view = View(state, monotonic() + self._seconds)
        return self._view
