"""The list of reviews as this process knows it."""

import logging
from time import monotonic

from core.archive.reviews import Reviews
from core.model.errors import StoreError
from core.model.review import Listed

log = logging.getLogger("paperwire")


class ReviewList:
    """The list of reviews, read again when it is `seconds` old."""

    def __init__(self, reviews: Reviews, *, seconds: float) -> None:
        self._reviews, self._seconds = reviews, seconds
        self._read: tuple[float, list[Listed]] | None = None

    async def rows(self, *, anew: bool = False) -> list[Listed]:
        """The list, newest first; `anew` where this process has just changed it.

        Where the store fails, the last list that was read. Raises `StoreError` if none was.
        """
        if self._read is None or anew or monotonic() - self._read[0] > self._seconds:
            try:
                self._read = monotonic(), await self._reviews.rows()
            except StoreError as error:
                if self._read is None:
                    raise
                log.warning("the list of reviews may be old: %s", error)
                self._read = monotonic(), self._read[1]
        return self._read[1]

    async def rows_if_known(self) -> list[Listed]:
        """The same for what can do without: an empty list where the store fails."""
        try:
            return await self.rows()
        except StoreError as error:
            log.warning("%s", error)
            return []
