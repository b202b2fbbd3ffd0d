"""The snapshot: the stored state as a process knows it, read when it is needed and kept when the store fails."""

import logging
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

from core.archive import Archive, State
from core.archive.state import decode_state
from core.model.errors import StoreError
from core.util.caches import SingleFlight

log = logging.getLogger("paperwire")

_RETRY_SECONDS = 5.0  # how long after a failure of the store it is not asked for its state again
_EARLY = 0.8  # of the time for which a snapshot is used; from then on one request reads anew, and none waits for it


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state, until when (`time.monotonic`) it is used without asking, and why the store could not confirm it: ""
    if it did.
    """

    state: State
    until: float
    error: str = ""


class Snapshots:
    """The snapshot of the moment, for all requests of a process: concurrent ones share one reading.

    `ahead`: it is read anew shortly before it gets too old, which only helps where processes run between requests.
    """

    def __init__(self, archive: Archive, *, seconds: float, ahead: bool = True) -> None:
        self._archive = archive
        self._seconds = seconds
        self._early = seconds * (1 - _EARLY) if ahead else 0.0
        self._last: Snapshot | None = None
        self._raw: tuple[bytes | None, ...] | None = None
        self._reading: SingleFlight[Snapshot] = SingleFlight()
        self._along: dict[str, bytes | None] = {}
        self._written = 0

    def peek(self) -> Snapshot | None:
        """The last snapshot, without asking; None if it is too old.

        Shortly before it gets too old, it is read anew behind the answers, so that none of them waits for that.
        """
        last, now = self._last, monotonic()
        if last is None or now >= last.until:
            return None
        if now >= last.until - self._early and not last.error:
            self._reading.start(None, partial(self._read, ""))
        return last

    async def get(self, *, confirmed: bool = False, also: str = "") -> Snapshot:
        """The last snapshot, or a new one if that is too old or has to be `confirmed`.

        If this is the first reading, `also` is read along, for `take`: later, an instance has in memory what it served.
        Where the store fails, the last one with an error. Raises `StoreError` if there is none.
        """
        if not confirmed and (last := self.peek()):
            return last
        return await self._reading.get(None, partial(self._read, "" if self._last else also))

    def take(self, key: str) -> tuple[bool, bytes | None]:
        """Whether `key` was read along with the state, and its value; once."""
        return key in self._along, self._along.pop(key, None)

    def put(self, state: State) -> None:
        """Use `state`, which this process has just written."""
        self._raw = None
        self._written += 1
        self._last = Snapshot(state, monotonic() + self._seconds)

    def fail(self, error: StoreError) -> Snapshot:
        """Go on with the last snapshot, and leave the store alone for a while. Raises `error` if there is none."""
        if self._last is None:
            raise error
        log.warning("the last good copy is served: %s", error)
        self._last = replace(self._last, until=monotonic() + _RETRY_SECONDS, error=str(error))
        return self._last

    @property
    def error(self) -> str:
        """Why the store could not be read when it was asked last, however long ago that was; "" if it could."""
        return self._last.error if self._last else ""

    @property
    def is_failing(self) -> bool:
        """Whether the store has just failed, and is left alone."""
        return self._last is not None and bool(self._last.error) and monotonic() < self._last.until

    async def stop(self) -> None:
        """End what is being read."""
        await self._reading.stop()

    async def _read(self, also: str) -> Snapshot:
        written = self._written
        try:
            raw, along = await self._archive.encoded_state(also)
            # Where nothing is new the same object, by which others know what they made from it
            state = self._last.state if raw == self._raw and self._last else decode_state(*raw)
        except StoreError as error:
            return self.fail(error)
        if self._last and written != self._written:
            return self._last  # what this process wrote while it was reading is newer
        self._raw = raw
        self._along = {also: along} if also else {}
        self._last = Snapshot(state, monotonic() + self._seconds)
        return self._last
