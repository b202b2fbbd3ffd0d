"""A bounded memory: the least recently used is forgotten."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Keeps values up to a total `weight`, in whatever unit the caller weighs them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._epoch = 0
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    @property
    def used(self) -> int:
        """The weight of all that is kept."""
        return self._used

    def get(self, key: Hashable) -> T | None:
        """The value, which is now the most recently used, or None."""
        if (found := self._values.get(key)) is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def enter(self, epoch: int) -> None:
        """Forget everything if `epoch` is a later one: nothing is asked for that was made in those before."""
        if epoch > self._epoch:
            self._epoch = epoch
            self._values.clear()
            self._used = 0

    def put(self, key: Hashable, value: T, weight: int = 1) -> None:
        """Keep `value`, and forget what no longer fits; a value heavier than the limit is not kept."""
        self._used -= self._values.pop(key, (None, 0))[1]
        if weight > self._limit:
            return
        self._values[key] = (value, weight)
        self._used += weight
        while self._used > self._limit:
            self._used -= self._values.popitem(last=False)[1][1]
