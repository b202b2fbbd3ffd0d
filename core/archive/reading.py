"""Reads values of the store, any of which may be missing or damaged; damage is logged, once for each key.

Values that cannot be made again, and those that the manifest names, have a copy under another key (`core.store.keys`).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store, Values
from core.store.codec import decode_as
from core.util.caches import LRUCache

log = logging.getLogger("paperwire")
T = TypeVar("T")
_LOGGED = LRUCache[bool](5000)  # damaged keys


def read_value(key: str, make: Callable[[Any], T], data: bytes | None) -> T | None:
    """Returns a stored value as `make` converts it from JSON; None if it is missing, or damaged, which is logged."""
    return attempt(key, lambda found: decode_as(make, found), data)


def attempt(key: str, decode: Callable[[bytes], T], data: bytes | None) -> T | None:
    """The same with a function that decodes the bytes and raises `StoreError`."""
    if data is None:
        return None
    try:
        return decode(data)
    except StoreError as error:
        if not _LOGGED.get(key):
            _LOGGED.put(key, value=True)
            log.warning("%s counts as absent: %s", key, error)
        return None


def twice(values: Mapping[str, tuple[bytes, float | None]]) -> Values:
    """Returns the values together with their copies."""
    return {**values, **{keys.copy(key): value for key, value in values.items()}}


async def read_copies(store: Store, lacking: Mapping[Any, tuple[str, Callable[[bytes], T]]]) -> dict[Any, T]:
    """Returns the usable copies of values that lack, by name, in one round trip; `lacking` has keys and decoders."""
    if not lacking:
        return {}
    rows = list(lacking.items())
    found = await store.get_many([keys.copy(key) for _, (key, _) in rows])
    made = {
        name: attempt(keys.copy(key), decode, data) for (name, (key, decode)), data in zip(rows, found, strict=True)
    }
    return {name: value for name, value in made.items() if value is not None}
