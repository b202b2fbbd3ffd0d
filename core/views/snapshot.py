"""The snapshot: the stored state in the memory of a process, read on demand, and kept while the store fails."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

from core.archive import Archive, State
from core.model.errors import StoreError
from core.util.caches import SingleFlight

log = logging.getLogger("paperwire")

_RETRY_SECONDS = 5.0  # after a failure of the store, until its state is read again
_EARLY = 0.8  # of a snapshot's lifetime; from then on a request starts a read in the background


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state, the time (`time.monotonic`) until which it is used without a read, and the store's error at the last
    read, "" without one.
    """

    state: State
    until: float
    error: str = ""


class Snapshots:
    """The current snapshot for all requests of a process; concurrent requests share one read.

    A snapshot is used for `seconds`. `ahead`: it is read again shortly before its end, in the background, which needs a
    process that runs between requests.
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
        """Returns the last snapshot without reading the store; None if it is too old.

        Shortly before that, it starts a read in the background, for which no answer waits.
        """
        last, now = self._last, monotonic()
        if last is None or now >= last.until:
            return None
        if now >= last.until - self._early and not last.error:
            self._reading.start(None, partial(self._read, ()))
        return last

    async def get(self, *, confirmed: bool = False, also: Sequence[str] = ()) -> Snapshot:
        """Returns the last snapshot, or a new one if that is too old or has to be `confirmed`.

        The first read includes the keys `also`, for `take`; later, the instance has its documents in memory. If the
        store fails, the last snapshot is returned with the error. Raises `StoreError` if there is none.
        """
        if not confirmed and (last := self.peek()):
            return last
        return await self._reading.get(None, partial(self._read, () if self._last else also))

    def take(self, key: str) -> tuple[bool, bytes | None]:
        """Returns whether `key` was read together with the state, and its value; only once."""
        return key in self._along, self._along.pop(key, None)

    def put(self, state: State) -> None:
        """Use `state`, which this process has just written."""
        self._raw = None
        self._written += 1
        self._last = Snapshot(state, monotonic() + self._seconds)

    def fail(self, error: StoreError) -> Snapshot:
        """Keep the last snapshot, and do not read the store for a while. Raises `error` if there is no snapshot."""
        if self._last is None:
            raise error
        log.warning("the last good copy is served: %s", error)
        self._last = replace(self._last, until=monotonic() + _RETRY_SECONDS, error=str(error))
        return self._last

    @property
    def error(self) -> str:
        """The error of the last read of the store, however long ago; "" if it succeeded."""
        return self._last.error if self._last else ""

    @property
    def is_failing(self) -> bool:
        """Whether the store has just failed and is not read for a while."""
        return self._last is not None and bool(self._last.error) and monotonic() < self._last.until

    async def stop(self) -> None:
        """Cancel the running read."""
        await self._reading.stop()

    async def _read(self, also: Sequence[str]) -> Snapshot:
        written = self._written
        try:
            raw, along = await self._archive.encoded_state(also)
            # An unchanged state keeps its object, which caches compare by identity
            state = self._last.state if raw == self._raw and self._last else await self._archive.decode_state(raw)
        except StoreError as error:
            return self.fail(error)
        if self._last and written != self._written:
            return self._last  # this process wrote a newer state during the read
        self._raw = raw
        self._along = dict(along)
        self._last = Snapshot(state, monotonic() + self._seconds)
        return self._last
