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
from core.archive.reading import attempt
from core.model.analysis import is_content_of
from core.model.batch import Batch
from core.model.errors import StoreRefused
from core.model.manifest import Manifest
from core.model.repair import LEDGER, Lost
from core.store import keys
from core.store.base import Store, Values

log = logging.getLogger("paperwire")

_NEW_COPIES = 20  # values a refresh that get a first copy
_AT_ONCE = 10  # values read or written in one round trip


class _Named(NamedTuple):
    """A value that the manifest names: how it is stored, what lacks without it, and whether its content is right."""

    stored: Stored
    lost: Lost
    is_right: Callable[[Any], bool] = lambda _: True


class Checked(NamedTuple):
    """The result of a check: what is `lost` with its copies, the keys that are `unsound` (lost or damaged, with
    another one of the pair left), and those without a copy yet.
    """

    lost: tuple[Lost, ...]
    unsound: tuple[str, ...]
    single: tuple[str, ...]


class Inventory:
    """The values that a manifest names, in one store. `seconds` are the time to live of restored ones.

    All methods raise `StoreError` if the store fails.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    async def check(self, manifest: Manifest) -> Checked:
        """Compare the store with the manifest, in one round trip."""
        named = {one.stored.name: one for one in _named(manifest)}
        digests = await self._digests([*named, keys.SAVED])
        lost = [one.lost for name, one in named.items() if digests[name] == ("", "")]
        unsound = [name for name, (value, copy) in digests.items() if copy and value != copy]
        single = [name for name, (value, copy) in digests.items() if value and not copy]
        return Checked(tuple(lost), tuple(unsound), tuple(single))

    async def restore(self, manifest: Manifest) -> Checked:
        """Restore values and copies from each other; those that were never copied get a copy. Returns what was found:
        `lost` is also what could not be restored.
        """
        found = await self.check(manifest)
        named = {one.stored.name: one for one in _named(manifest)}
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
                lost.append(one.lost)
                continue
            values |= {k: (sound, self._seconds) for k, raw in zip(pair, both, strict=True) if raw != sound}
        try:
            await self._store.put_many(values)
        except StoreRefused as error:  # without copies the values are still there
            log.warning("stored values could not be restored, or not copied: %s", error)
        return lost

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


def _named(manifest: Manifest) -> Iterator[_Named]:
    """Yields what the manifest names, newest first."""
    for source in ("arxiv", "huggingface"):
        for record in manifest.of(source):
            yield _Named(stored_batch(record), Lost(source, record.date), partial(_has_hash, record.hash))
            if record.ledger:
                yield _Named(stored_ledger(record.date), Lost(LEDGER, record.date))
    for feed, rows in manifest.analyses.items():
        for day, name in sorted(rows.items(), reverse=True):
            at = date.fromisoformat(day)
            lost = Lost(feed, at, analysis=True)
            yield _Named(stored_analysis(feed, at, name), lost, partial(is_content_of, name))


def _has_hash(batch_hash: str, batch: Batch) -> bool:
    return batch.hash == batch_hash
