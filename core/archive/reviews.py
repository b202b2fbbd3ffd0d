"""Reviews in the store: one growing value for each, and a list of all, which is written in the same commit.

The process that asks the questions holds the lock of the review. To write, it takes the lock of the list, reads what is
stored, and adds to it: no answer is lost, and the list contains every review.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from core.archive.reading import read_value, twice
from core.model.errors import LockLost, StoreError
from core.model.review import Listed, Review, row_of, with_row
from core.store import keys
from core.store.base import LOCK_SECONDS, Lock, Store, holding
from core.store.codec import encode

MOST_LISTED = 500
LOCK_PATIENCE_SECONDS = LOCK_SECONDS + 2  # longer than the lock of a killed process lasts
_PATIENCE_SECONDS = LOCK_SECONDS + 4  # longer than the lock of a killed process lasts
_POLL_SECONDS = 0.1
_LISTS = (keys.REVIEWS, keys.copy(keys.REVIEWS))

ReviewChange = Callable[[Review], Review]
Save = Callable[[ReviewChange], Awaitable[Review]]


class Reviews:
    """The reviews in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows(self) -> list[Listed]:
        """Returns the list of reviews, newest first."""
        return _listed(await self._store.get_many(_LISTS))

    async def get(self, row: Listed) -> Review | None:
        """Returns the review of a row, None if the store has lost it."""
        return next(iter(await self.get_many([row])), None)

    async def get_many(self, rows: Sequence[Listed]) -> list[Review]:
        """Returns the reviews of `rows`, without lost ones, in one round trip."""
        found = await self._store.get_many([_key(row) for row in rows]) if rows else []
        read = (read_value(_key(row), Review.from_plain, data) for row, data in zip(rows, found, strict=True))
        return [review for review in read if review is not None]

    @asynccontextmanager
    async def writing(self, begun: Review) -> AsyncIterator[Save | None]:
        """Hold the lock of a review during the block. Yields `save`, None if another process holds the lock.

        `save` applies a change to the stored review, or to `begun` if none is stored, writes it with the list, and
        returns it. It retries a failing store for a while, because answers cost money. It raises `LockLost` if another
        process may have taken over.
        """
        async with holding(self._store, keys.review_lock(begun.paper.versioned, begun.language)) as lock:

            async def save(change: ReviewChange) -> Review:
                if lock is None:
                    raise LockLost("another process goes on with this review")
                return await self._save(begun, change, lock)

            yield save if lock else None

    async def _save(self, begun: Review, change: ReviewChange, asking: Lock) -> Review:
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        problem = StoreError("the list of reviews was locked for too long")
        while asyncio.get_running_loop().time() < end:
            held = True
            try:
                held = await self._store.prolong(asking.name, asking.token, LOCK_SECONDS)
                if held and (review := await self._write(begun, change)):
                    return review
            except StoreError as error:
                problem = error
            if not held:
                raise LockLost("another process goes on with this review")
            await asyncio.sleep(_POLL_SECONDS)
        raise problem

    async def _write(self, begun: Review, change: ReviewChange) -> Review | None:
        """Returns the written review, None if another process is writing."""
        key = _key(row_of(begun))
        async with holding(self._store, keys.REVIEWS_LOCK) as lock:
            if lock is None:
                return None
            stored, *rows = await self._store.get_many([key, *_LISTS])
            review = change(read_value(key, Review.from_plain, stored) or begun)
            known = with_row(_listed(rows), row_of(review), MOST_LISTED)
            values = {
                key: (encode(review.to_plain()), keys.WRITTEN_SECONDS),
                **twice({keys.REVIEWS: (encode([one.to_plain() for one in known]), None)}),
            }
            await lock.commit(values, release=True)
            return review


def _key(row: Listed) -> str:
    return keys.review(str(row.paper), row.language, row.fingerprint)


def _listed(found: Sequence[bytes | None]) -> list[Listed]:
    """Returns the list from the values of `_LISTS`: the first one that can be read."""
    read = (read_value(key, _rows, data) for key, data in zip(_LISTS, found, strict=True))
    return next((rows for rows in read if rows is not None), [])


def _rows(plain: list[list[object]]) -> list[Listed]:
    return [Listed.from_plain(row) for row in plain]
