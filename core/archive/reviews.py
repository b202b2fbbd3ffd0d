"""Reviews in the store: each as one value that grows, beside a list of all, which is written in the same moment.

Who asks the questions holds the lock of the review; who writes holds that of the list for a moment, reads what is
there, and adds to it. So nothing that was answered is lost, whoever else writes, and no list is without it.
"""

import asyncio
from collections.abc import Callable, Sequence

from core.model.errors import LockLost, StoreError
from core.model.review import Listed, Review, listed, with_row
from core.store import keys
from core.store.base import LOCK_SECONDS, Lock, Store, holding
from core.store.codec import decode_as, encode

MOST_LISTED = 500
_PATIENCE_SECONDS = LOCK_SECONDS + 4  # longer than what a process that was killed leaves behind
_POLL_SECONDS = 0.1


async def read_rows(store: Store) -> list[Listed]:
    """The list of reviews, newest first. Raises `StoreError`."""
    data = await store.get(keys.REVIEWS)
    return decode_as(_rows, data) if data else []


async def read_review(store: Store, row: Listed) -> Review | None:
    """The review of a row, None if the store has lost it. Raises `StoreError`."""
    data = await store.get(_key(row))
    return decode_as(Review.from_plain, data) if data else None


async def read_reviews(store: Store, rows: Sequence[Listed]) -> list[Review]:
    """The reviews of `rows`, without those that the store has lost, in one round trip. Raises `StoreError`."""
    found = await store.get_many([_key(row) for row in rows]) if rows else []
    return [decode_as(Review.from_plain, data) for data in found if data]


async def save(store: Store, begun: Review, change: Callable[[Review], Review], asking: Lock) -> Review:
    """Apply `change` to what is stored of the review, which is `begun` if nothing is, and store it with the list.

    A store that fails is asked again for a while: what is to be written was paid for. `asking` is the lock of the
    review. Raises `LockLost` if that is gone, so that another process may be asking too, and `StoreError`.
    """
    end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    problem = StoreError("the list of reviews was locked for too long")
    while asyncio.get_running_loop().time() < end:
        held = True
        try:
            held = await store.prolong(asking.name, asking.token, LOCK_SECONDS)
            if held and (review := await _write(store, begun, change)):
                return review
        except StoreError as error:
            problem = error
        if not held:
            raise LockLost("another process goes on with this review")
        await asyncio.sleep(_POLL_SECONDS)
    raise problem


async def _write(store: Store, begun: Review, change: Callable[[Review], Review]) -> Review | None:
    """What was written; None if another process is writing."""
    key = _key(listed(begun))
    async with holding(store, keys.REVIEWS_LOCK) as lock:
        if lock is None:
            return None
        stored, rows = await store.get_many([key, keys.REVIEWS])
        review = change(decode_as(Review.from_plain, stored) if stored else begun)
        known = with_row(decode_as(_rows, rows) if rows else [], listed(review), MOST_LISTED)
        values: dict[str, tuple[bytes, float | None]] = {
            key: (encode(review.to_plain()), keys.WRITTEN_SECONDS),
            keys.REVIEWS: (encode([one.to_plain() for one in known]), None),
        }
        await lock.commit(values, release=True)
        return review


def _key(row: Listed) -> str:
    return keys.review(str(row.paper), row.language, row.fingerprint)


def _rows(plain: list[list[object]]) -> list[Listed]:
    return [Listed.from_plain(row) for row in plain]


class Reviews:
    """The reviews in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows(self) -> list[Listed]:
        """The list of reviews, newest first. Raises `StoreError`."""
        return await read_rows(self._store)
