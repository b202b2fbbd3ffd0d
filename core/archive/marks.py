"""The owner's marks, reading list and sessions: changed under one lock, and kept twice: they cannot be made again."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from core.archive.reading import read_value, twice
from core.model.errors import Conflict
from core.model.marks import Marks, PaperMark, ReadingList, SavedPaper, read_mark
from core.store import keys
from core.store.base import LOCK_SECONDS, Store, holding
from core.store.codec import encode

_PATIENCE_SECONDS = LOCK_SECONDS + 2  # longer than the lock of a killed process lasts
_POLL_SECONDS = 0.1
_READ = (keys.OWNER_MARKS, keys.READING_LIST, keys.SESSIONS)
_COPIES = (keys.copy(keys.OWNER_MARKS), keys.copy(keys.READING_LIST))


class OwnerState(NamedTuple):
    """The marks, the reading list, and the series of the owner's sessions, "" before the first one."""

    marks: Marks
    listed: ReadingList
    series: str = ""


OwnerChange = Callable[[OwnerState], OwnerState]


class MarkStore:
    """The owner's marks in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self) -> OwnerState:
        """Returns what is stored, in one round trip; from the copies if it is lost or damaged."""
        marks, listed, series, *copies = await self._store.get_many((*_READ, *_COPIES))
        found = (
            _first((keys.OWNER_MARKS, marks), (_COPIES[0], copies[0]), make=marks_from_plain),
            _first((keys.READING_LIST, listed), (_COPIES[1], copies[1]), make=listed_from_plain),
        )
        return OwnerState(found[0] or {}, found[1] or (), series.decode("ascii", "replace") if series else "")

    async def change(self, make: OwnerChange) -> OwnerState:
        """Replace what is stored by what `make` returns for it; `make` may be called again.

        Raises `Conflict` if another change takes too long, and the errors of `make`.
        """
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            async with holding(self._store, keys.MARKS_LOCK) as lock:
                if lock is not None:
                    known = await self.read()
                    changed = make(known)
                    if values := _values(known, changed):
                        await lock.commit(values, release=True)
                    return changed
            if asyncio.get_running_loop().time() > end:
                raise Conflict("Another change of the marks is being saved right now. Try again in a moment.")
            await asyncio.sleep(_POLL_SECONDS)

    async def begin_session(self) -> str:
        """Returns the series of sessions, a new one before the first session."""
        changed = await self.change(lambda known: known if known.series else known._replace(series=_series()))
        return changed.series

    async def end_sessions(self) -> None:
        """Begin a new series: all sessions of the former one are over."""
        await self.change(lambda known: known._replace(series=_series()))


def _series() -> str:
    return secrets.token_hex(8)


def _values(known: OwnerState, changed: OwnerState) -> dict[str, tuple[bytes, float | None]]:
    values: dict[str, tuple[bytes, float | None]] = {}
    if changed.marks != known.marks:
        plain = {name: mark.to_plain() for name, mark in changed.marks.items()}
        values |= twice({keys.OWNER_MARKS: (encode(plain), None)})
    if changed.listed != known.listed:
        values |= twice({keys.READING_LIST: (encode([one.to_plain() for one in changed.listed]), None)})
    if changed.series != known.series:
        values[keys.SESSIONS] = (changed.series.encode("ascii"), None)
    return values


def _first(*found: tuple[str, bytes | None], make: Callable[[Any], Any]) -> Any:
    return next((value for key, data in found if (value := read_value(key, make, data)) is not None), None)


def marks_from_plain(plain: Mapping[str, Any]) -> dict[str, PaperMark]:
    """Returns the marks from JSON values. Raises `AttributeError`, `KeyError`, `TypeError` or `ValueError`."""
    return {str(name): read_mark(row) for name, row in plain.items()}


def listed_from_plain(plain: Sequence[Mapping[str, Any]]) -> ReadingList:
    """Returns the reading list from JSON values. Raises the same errors."""
    return tuple(SavedPaper.from_plain(row) for row in plain)
