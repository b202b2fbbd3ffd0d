"""Votes and libraries of feeds, the index of what was learned from them, and the learned word weights."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from core.archive.reading import read_copies, read_value, twice
from core.model.errors import Conflict
from core.model.votes import LearnedIndex, LearnedRow, Votes
from core.store import keys
from core.store.base import LOCK_SECONDS, Store, Values, holding
from core.store.codec import decode_as, encode
from core.util.caches import LRUCache

if TYPE_CHECKING:
    from core.ranking.learned import Learned

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = LOCK_SECONDS + 2  # longer than the lock of a killed process lasts
_MODEL_SECONDS = 60 * 86_400  # one that is lost is learned again
_MODELS = 12  # in memory


T = TypeVar("T", bound="VoteChange | None")


class VoteChange(NamedTuple):
    """The votes before and after a change, and the index after it."""

    before: Votes
    votes: Votes
    learned: LearnedIndex


class Learning:
    """The votes in one store. All methods raise `StoreError` if the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._models: LRUCache[Learned] = LRUCache(_MODELS)

    async def votes(self, key: str) -> Votes:
        """Returns the votes that are stored under a feed's name, empty ones if there are none."""
        return await self._votes(key, await self._store.get(keys.feed_votes(key)))

    async def before(self, key: str) -> Votes | None:
        """Returns the votes before the last change, None if nothing was changed."""
        name = keys.votes_before(key)
        return read_value(name, Votes.from_plain, await self._store.get(name))

    async def change(self, key: str, name: str, make: Callable[[Votes], Votes]) -> VoteChange:
        """Replace the votes that are stored under `key` by what `make` returns for them, and store them under `name`.

        Raises `Conflict` if another change takes too long, and the errors of `make`.
        """

        async def write() -> tuple[VoteChange, Values]:
            before, index = await self._read(key)
            votes = make(before)
            row = index.rows.get(name) or index.rows.get(key) or LearnedRow()
            index = index.with_row(name, row.of(votes))
            values: Values = {
                keys.votes_before(name): (encode(before.to_plain()), None),
                **twice({keys.feed_votes(name): (encode(votes.to_plain()), None)}),
            }
            return VoteChange(before, votes, index), values

        return await self._commit(write)

    async def turn(self, library: str, seconds: float) -> Callable[[float], Awaitable[bool]] | None:
        """Take the turn to ask for a library elsewhere, for `seconds`; None if another process has it, or had it.

        Returns what says when the next turn is, in seconds from then on.
        """
        name, token = keys.library_turn(library), secrets.token_hex(8)
        taken = await self._store.acquire(name, token, seconds)
        return partial(self._store.prolong, name, token) if taken else None

    async def put_model(
        self,
        name: str,
        learned_from: str,
        row: Callable[[LearnedRow], LearnedRow],
        model: str,
        learned: "Learned | None",
    ) -> LearnedIndex | None:
        """Store what was learned, and put it in force for the feed `name` with `row`.

        Returns the new index, None if the votes have changed since `learned_from`, their fingerprint.
        """

        async def write() -> tuple[VoteChange | None, Values]:
            _, index = await self._read("")
            known = index.rows.get(name, LearnedRow())
            if known.votes != learned_from:
                return None, {}
            index = index.with_row(name, row(known))
            values: Values = {}
            if learned is not None:
                plain = await asyncio.to_thread(lambda: encode(learned.to_plain()))
                values |= twice({keys.model(model): (plain, _MODEL_SECONDS)})
            return VoteChange(Votes(), Votes(), index), values

        changed = await self._commit(write)
        if changed and learned is not None:
            self._models.put(model, learned, 1)
        return changed.learned if changed else None

    async def models(self, names: Collection[str]) -> "dict[str, Learned]":
        """Returns the stored models by name, without lost ones, in at most one round trip."""
        found = {name: known for name in names if name and (known := self._models.get(name))}
        missing = [name for name in dict.fromkeys(names) if name and name not in found]
        data = await self._store.get_many([keys.model(name) for name in missing]) if missing else []
        for name, one in zip(missing, data, strict=True):
            if one is not None:
                from core.ranking.learned import Learned  # not at a cold start

                model = await asyncio.to_thread(read_value, keys.model(name), Learned.from_plain, one)
                if model is not None:
                    found[name] = model
                    self._models.put(name, model, 1)
        return found

    async def _read(self, key: str) -> tuple[Votes, LearnedIndex]:
        row, votes = await self._store.get_many([keys.LEARNED, keys.feed_votes(key)])
        index = read_value(keys.LEARNED, LearnedIndex.from_plain, row)
        if index is None:
            copies = {"index": (keys.LEARNED, partial(decode_as, LearnedIndex.from_plain))}
            index = (await read_copies(self._store, copies)).get("index", LearnedIndex())
        return await self._votes(key, votes), index

    async def _votes(self, key: str, data: bytes | None) -> Votes:
        """Returns stored votes, from their copy if they are lost or damaged."""
        name = keys.feed_votes(key)
        if (votes := read_value(name, Votes.from_plain, data)) is not None:
            return votes
        copies = await read_copies(self._store, {"votes": (name, partial(decode_as, Votes.from_plain))})
        return copies.get("votes", Votes())

    async def _commit(self, write: Callable[[], Awaitable[tuple[T, Values]]]) -> T:
        """Write the values of a change with its index, in one commit under the lock."""
        end = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < end:
            async with holding(self._store, keys.VOTES_LOCK) as lock:
                if lock is not None:
                    changed, values = await write()
                    if changed is not None:
                        # Last: it names the others
                        values |= twice({keys.LEARNED: (encode(changed.learned.to_plain()), None)})
                        await lock.commit(values, release=True)
                    return changed
            await asyncio.sleep(_POLL_SECONDS)
        raise Conflict("Another vote is being stored right now. Try again in a moment.")
