"""The list of reviews in this process."""

import logging
from time import monotonic

from core.archive.reviews import Reviews
from core.model.errors import StoreError
from core.model.review import Listed

log = logging.getLogger("paperwire")


class ReviewList:
    """The list of reviews, cached for `seconds`."""

    def __init__(self, reviews: Reviews, *, seconds: float) -> None:
        self._reviews, self._seconds = reviews, seconds
        self._read: tuple[float, list[Listed]] | None = None

    async def rows(self, *, refresh: bool = False) -> list[Listed]:
        """Returns the list, newest first; `refresh` reads it again, after a change by this process.

        If the store fails, the last list is returned. Raises `StoreError` if there is none.
        """
        if self._read is None or refresh or monotonic() - self._read[0] > self._seconds:
            try:
                self._read = monotonic(), await self._reviews.rows()
            except StoreError as error:
                if self._read is None:
                    raise
                log.warning("the list of reviews may be old: %s", error)
                self._read = monotonic(), self._read[1]
        return self._read[1]

    async def rows_if_known(self) -> list[Listed]:
        """Returns the list, newest first; an empty one if the store fails."""
        try:
            return await self.rows()
        except StoreError as error:
            log.warning("%s", error)
            return []
