"""Which reviews there are, as this process believes: the list is read again when it is as old as a manifest may be."""

import logging
from time import monotonic

from fastapi import Request

from api.publishing import wire_of
from core.domain.errors import StoreError
from core.domain.review import Listed
from core.reviews import read_rows

log = logging.getLogger("paperwire")


async def rows_of(request: Request, *, anew: bool = False) -> list[Listed]:
    """The list of reviews, newest first; `anew` where this process has just changed it.

    Where the store fails, what was read before is believed on. Raises `StoreError` if nothing was.
    """
    state, wire = request.app.state, wire_of(request)
    read: tuple[float, list[Listed]] | None = getattr(state, "reviewed", None)
    if read is None or anew or monotonic() - read[0] > wire.settings.confirm_seconds:
        try:
            read = monotonic(), await read_rows(wire.store)
        except StoreError as error:
            if read is None:
                raise
            log.warning("the list of reviews may be old: %s", error)
            read = monotonic(), read[1]
        state.reviewed = read
    return read[1]


async def rows_if_known(request: Request) -> list[Listed]:
    """The same, for what can do without: none where the store fails."""
    try:
        return await rows_of(request)
    except StoreError as error:
        log.warning("%s", error)
        return []
