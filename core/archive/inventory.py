"""The inventory: whether the store still has what the manifest names, and the restoration of what is lost or damaged.

Batches, ledgers and analyses have copies. The store computes digests of the values and of their copies, so that one
round trip shows both what is missing and what differs; only that is read. What cannot be restored is reported: the
write path then fetches it or makes it again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from core.archive.days import Stored, stored_analysis, stored_batch, stored_ledger
from core.archive.marks import listed_from_plain, marks_from_plain
from core.archive.reading import attempt, read_value
from core.archive.state import State
from core.model.analysis import is_content_of
from core.model.batch import Batch
from core.model.errors import StoreRefused
from core.model.repair import LEDGER, Lost
from core.model.review import Listed
from core.model.saved import Saved
from core.model.sources import SOURCES
from core.model.votes import LearnedIndex, Votes
from core.store import keys
from core.store.base import Store, Values, holding
from core.store.codec import decode_as

log = logging.getLogger("paperwire")

_NEW_COPIES = 20  # values a refresh that get a first copy
_AT_ONCE = 10  # values read or written in one round trip


class _Named(NamedTuple):
    """A value that the manifest names: how it is stored, what lacks without it, and whether its content is right."""

    stored: Stored
    lost: Lost | None
    is_right: Callable[[Any], bool] = lambda _: True


class _Written(NamedTuple):
    """A value that commands change, with its copy in the same commit: its key, its lock, and how to make it."""

    name: str
    lock: str
    make: Callable[[Any], Any]


class Checked(NamedTuple):
    """The result of a check: what is `lost` with its copies, the keys that are `unsound` (lost or damaged, with
    another one of the pair left), and those that are `single`, without a copy yet.
    """

    lost: tuple[Lost, ...]
    unsound: tuple[str, ...]
    single: tuple[str, ...]


class Inventory:
    """The values that a state names, in one store. `seconds` are the time to live of restored batches.

    All methods raise `StoreError` if the store fails.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    async def check(self, state: State) -> Checked:
        """Compare the store with the state, in one round trip."""
        named = {one.stored.name: one for one in _named(state)}
        digests = await self._digests([*named, *(one.name for one in _written(state))])
        lost = [one.lost for name, one in named.items() if one.lost and digests[name] == ("", "")]
        unsound = [name for name, (value, copy) in digests.items() if copy and value != copy]
        single = [name for name, (value, copy) in digests.items() if value and not copy]
        return Checked(tuple(lost), tuple(unsound), tuple(single))

    async def restore(self, state: State) -> Checked:
        """Restore values and copies from each other; those that were never copied get a copy. Returns what was found:
        `lost` is also what could not be restored.
        """
        found = await self.check(state)
        named = {one.stored.name: one for one in _named(state)}
        for one in _written(state):
            if one.name in (*found.unsound, *found.single):
                await self._restore_written(one)
        lost = list(found.lost)
        names = [name for name in (*found.unsound, *found.single[:_NEW_COPIES]) if name in named]
        for start in range(0, len(names), _AT_ONCE):
            some = [named[name] for name in names[start : start + _AT_ONCE]]
            lost += await self._restore(some)
        if found.unsound or lost:
            log.warning("%d stored values were damaged or lost, %d of them for good", len(found.unsound), len(lost))
        return found._replace(lost=tuple(lost))

    async def _restore(self, some: Sequence[_Named]) -> list[Lost]:
        """Write the sound one of each pair over the other. Returns those without one."""
        pairs = [(one.stored.name, keys.copy(one.stored.name)) for one in some]
        data = await self._store.get_many([key for pair in pairs for key in pair])
        lost: list[Lost] = []
        values: Values = {}
        for number, (one, pair) in enumerate(zip(some, pairs, strict=True)):
            both = data[2 * number : 2 * number + 2]
            sound = await _sound_one(one, dict(zip(pair, both, strict=True)))
            if sound is None:
                lost += [one.lost] if one.lost else []
                continue
            values |= {k: (sound, self._seconds) for k, raw in zip(pair, both, strict=True) if raw != sound}
        try:
            await self._store.put_many(values)
        except StoreRefused as error:  # without copies the values are still there
            log.warning("stored values could not be restored, or not copied: %s", error)
        return lost

    async def _restore_written(self, one: _Written) -> None:
        """The same for a value that the owner's commands change, under its lock; not while one is changing it."""
        both = (one.name, keys.copy(one.name))
        async with holding(self._store, one.lock) as lock:
            if lock is None:
                return
            found = zip(both, await self._store.get_many(both), strict=True)
            sound = [data for key, data in found if data and read_value(key, one.make, data) is not None]
            if sound:
                await lock.commit(dict.fromkeys(both, (sound[0], None)), release=True)

    async def _digests(self, names: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Returns the digests of each value and of its copy."""
        wanted = list(names)
        found = await self._store.digests([*wanted, *map(keys.copy, wanted)])
        return {name: (found[at], found[at + len(wanted)]) for at, name in enumerate(wanted)}


async def _sound_one(one: _Named, pair: Mapping[str, bytes | None]) -> bytes | None:
    """Returns the bytes of a value or its copy that can be decoded; of two the one with the right content."""
    read = {key: await asyncio.to_thread(attempt, key, one.stored.decode, raw) for key, raw in pair.items()}
    sound = {key: value for key, value in read.items() if value is not None}
    if len(sound) > 1:
        right = await asyncio.to_thread(lambda: {key: value for key, value in sound.items() if one.is_right(value)})
        sound = right or sound
    return next((pair[key] for key in sound), None)


def _written(state: State) -> Iterator[_Written]:
    """Yields what the owner's commands write twice."""
    yield _Written(keys.SAVED, keys.SAVED_LOCK, Saved.from_plain)
    yield _Written(keys.REVIEWS, keys.REVIEWS_LOCK, _list)
    yield _Written(keys.OWNER_MARKS, keys.MARKS_LOCK, marks_from_plain)
    yield _Written(keys.READING_LIST, keys.MARKS_LOCK, listed_from_plain)
    yield _Written(keys.LEARNED, keys.VOTES_LOCK, LearnedIndex.from_plain)
    for feed in state.learned.rows:
        yield _Written(keys.feed_votes(feed), keys.VOTES_LOCK, Votes.from_plain)


def _named(state: State) -> Iterator[_Named]:
    """Yields what the manifest and the index of learning name, newest first."""
    manifest = state.manifest
    for source in (*SOURCES, *(name for name in manifest.elsewhere if name not in SOURCES)):
        for record in manifest.of(source):
            yield _Named(stored_batch(record), Lost(source, record.date), partial(_has_hash, record.hash))
            if record.ledger:
                yield _Named(stored_ledger(record.date), Lost(LEDGER, record.date))
    for feed, rows in manifest.analyses.items():
        for day, name in sorted(rows.items(), reverse=True):
            at = date.fromisoformat(day)
            lost = Lost(feed, at, analysis=True)
            yield _Named(stored_analysis(feed, at, name), lost, partial(is_content_of, name))
    models = dict.fromkeys(model for row in state.learned.rows.values() for model in (row.model, row.expanded) if model)
    yield from (_Named(Stored(keys.model(model), _decode_model), None) for model in models)  # learned again if lost


def _decode_model(data: bytes) -> object:
    from core.ranking.learned import Learned  # not at a cold start

    return decode_as(Learned.from_plain, data)


def _list(plain: Any) -> list[Listed]:
    return [Listed.from_plain(row) for row in plain]


def _has_hash(batch_hash: str, batch: Batch) -> bool:
    return batch.hash == batch_hash
