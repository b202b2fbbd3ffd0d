"""The contract that every store keeps, whatever it is made of."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from core.model.errors import LockLost
from core.store.base import Store, holding, prolonged
from core.store.sqlite import SqliteStore
from tests.support.stores import ADDITIONS, BUDGET, IMPLEMENTATIONS, PROCESSES, ROUNDS, race, redis_server

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """An empty store of one implementation, to be opened by any number of clients."""

    implementation: str
    folder: Path
    target: str

    def run(self, *work: Callable[[Store], Awaitable[T]]) -> list[T]:
        """Run each piece of work with a client of its own, all at the same time."""

        async def one(piece: Callable[[Store], Awaitable[T]]) -> T:
            store = IMPLEMENTATIONS[self.implementation].open(self.target)
            try:
                return await piece(store)
            finally:
                await store.close()

        async def main() -> list[T]:
            return await asyncio.gather(*(one(piece) for piece in work))

        return asyncio.run(main())

    def run_in_time(self, work: Callable[[Store, float], Awaitable[T]]) -> None:
        """Run what depends on times, all of which are multiples of a pace (s); on a machine that is too busy for it
        the same is done with more time, in a store that is empty again.
        """
        *hasty, patient = (make_place(self.implementation, self.folder / f"{pace}") for pace in PACES)
        for place, pace in zip(hasty, PACES, strict=False):
            with suppress(AssertionError, LockLost):
                place.run(lambda store, pace=pace: work(store, pace))  # type: ignore[misc]
                return
        patient.run(lambda store: work(store, PACES[-1]))


PACES = (0.1, 0.5, 2.0)


def make_place(implementation: str, folder: Path) -> Place:
    folder.mkdir(exist_ok=True)
    return Place(implementation, folder, IMPLEMENTATIONS[implementation].target(folder))


@pytest.fixture(params=list(IMPLEMENTATIONS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return make_place(request.param, tmp_path)


VALUES = {
    "nothing": b"",
    "one byte": b"\0",
    "all bytes": bytes(range(256)),
    "no text": b"\xff\xfe\xed\xa0\x80",
    "text": "Füße 日本語 🦉 e\u0301\n\0".encode(),
    "a number": b"0012",
    "an answer": b"OK",
    "JSON": b'["a\\u00e9", null]',
    "what looks encoded": b"b64:/w==",
    "what looks encoded but is not": b"b64:?",
    "a megabyte": random.Random(1).randbytes(1_000_000),
    "a megabyte of text": "é".encode() * 500_000,
}
KEYS = [
    "a",
    "with space",
    "a:b:c",
    "Füße/日本語/🦉",
    "e\u0301",
    "'; DROP TABLE entries; --",
    "%*?[a-z]",
    "{tag}",
    "k" * 500,
]


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_come_back(place: Place, value: bytes) -> None:
    """Any bytes come back as they were put or committed, alone, among others and from a dump."""

    async def work(store: Store) -> None:
        assert await store.get("key") is None
        await store.put("key", value)
        assert value == await store.get("key")
        assert await store.acquire("lock", "me", 30)
        await store.commit("lock", "me", {"pw1:a": (value, None), "pw1:b": (b"between", 60), "pw1:c": (value, 60)})
        assert [value, b"between", value] == await store.get_many(["pw1:a", "pw1:b", "pw1:c"])
        assert [value, value] == [found async for key, found, _ in store.entries() if key != "pw1:b"]

    place.run(work)


def test_keys_are_told_apart(place: Place) -> None:
    """Any text is a key of its own, exactly as it is spelled."""

    async def work(store: Store) -> None:
        for number, key in enumerate(KEYS):
            await store.put(key, str(number).encode())
        assert [str(number).encode() for number in range(len(KEYS))] == await store.get_many(KEYS)
        assert [None, None, None] == await store.get_many(["A", "é", "a "])

    place.run(work)


def test_digests(place: Place) -> None:
    """Equal values have equal digests, other values others; what is absent, expired or of another type has none."""

    async def work(store: Store) -> None:
        values = {f"{number}": (value, None) for number, value in enumerate(VALUES.values())}
        await store.put_many(values | {f"copy {key}": value for key, value in values.items()} | {"old": (b"1", 0.05)})
        await asyncio.sleep(0.1)
        keys = list(values)
        found = await store.digests([*keys, *(f"copy {key}" for key in keys), "none", "old"])
        assert found[: len(keys)] == found[len(keys) : 2 * len(keys)]
        assert (len(keys), ["", ""]) == (len({*found} - {""}), found[2 * len(keys) :])
        assert [] == await store.digests([])
        assert 250 == len(await store.digests([f"{number}" for number in range(250)]))

    place.run(work)


def test_what_others_wrote_is_absent(place: Place) -> None:
    """A lock that never expires and a budget that is no number hold nobody up; both are as new afterwards."""

    async def work(store: Store) -> None:
        for odd in (b"nonsense", b"-5", b"1.5", b"9" * 40, b""):
            await store.put("lock", odd)
            assert await store.acquire("lock", "me", 30)
            assert not await store.acquire("lock", "another", 30)
            await store.commit("lock", "me", {"done": (odd, None)}, release=True)
            await store.put("budget", odd, 60)
            assert [True, True, False] == [await store.take("budget", amount, 10, 60) for amount in (4, 6, 1)]

    place.run(work)


def test_other_types_are_absent(tmp_path: Path) -> None:
    """Where Redis has another type under a key, nothing is there, and it can be written."""
    place = make_place("redis", tmp_path)
    names = ("a", "lock", "budget", "pw1:a")

    async def work(store: Store) -> None:
        assert [None] * 4 == await store.get_many(names)
        assert [""] * 4 == await store.digests(names)
        assert [] == [row async for row in store.entries()]
        assert await store.get("a") is None
        assert await store.acquire("lock", "me", 30)
        assert await store.take("budget", 1, 10, 60)
        await store.commit("lock", "me", {"a": (b"1", None)}, release=True)
        assert b"1" == await store.get("a")

    database = int(place.target.rpartition("/")[2])
    for name in names:
        redis_server().command("RPUSH", name, "x", database=database)
    place.run(work)


def test_bytes_that_are_no_text_hide_nothing(tmp_path: Path) -> None:
    """Where somebody wrote other bytes into Redis, the values beside them can be read."""
    place = make_place("redis", tmp_path)

    async def work(store: Store) -> None:
        await store.put("b", b"good")
        odd, good = await store.get_many(["a", "b"])
        assert (False, b"good") == (odd is None, good)

    redis_server().command("SET", "a", b"\xff\xfe", database=int(place.target.rpartition("/")[2]))
    place.run(work)


def test_put_overwrites(place: Place) -> None:
    """A later value replaces an earlier one, and its time to live with it."""

    async def work(store: Store) -> None:
        await store.put("key", b"1", ttl=0.2)
        await store.put("key", b"22")
        await store.put("other", b"1")
        await store.put("other", b"2", ttl=0.2)
        await asyncio.sleep(0.4)
        assert [b"22", None] == await store.get_many(["key", "other"])

    place.run(work)


def test_put_many(place: Place) -> None:
    """Many values are set in one go, each with its own time to live, whatever was there."""

    async def work(store: Store, pace: float) -> None:
        await store.put("a", b"old", ttl=60)
        await store.put("untouched", b"1")
        await store.put_many({"a": (b"\xff", None), "b": (b"2", 4 * pace), "c": (b"", 60)})
        assert [b"\xff", b"2", b"", b"1"] == await store.get_many(["a", "b", "c", "untouched"])
        await asyncio.sleep(5 * pace)
        assert [b"\xff", None, b""] == await store.get_many(["a", "b", "c"])
        await store.put_many({"alone": (b"3", None)})
        assert b"3" == await store.get("alone")
        await store.put_many({})

    place.run_in_time(work)


def test_get_many_keeps_the_order(place: Place) -> None:
    """Many values come in the order of their keys, with None where there is nothing, repeated where asked twice."""

    async def work(store: Store) -> None:
        for key in "abc":
            await store.put(key, key.encode())
        assert [b"c", None, b"a", b"c", b"b"] == await store.get_many(["c", "x", "a", "c", "b"])
        assert [] == await store.get_many([])

    place.run(work)


def test_ten_thousand_keys(place: Place) -> None:
    """Ten thousand keys are written in one commit and read in one go, each with its own value."""
    names = [f"key:{number}" for number in range(10_000)]

    async def work(store: Store) -> None:
        assert await store.acquire("lock", "me", 30)
        await store.commit("lock", "me", {name: (name.encode(), None) for name in names})
        asked = [*names, *(f"absent:{number}" for number in range(1000))]
        random.Random(2).shuffle(asked)
        expected = [name.encode() if name.startswith("key") else None for name in asked]
        assert expected == await store.get_many(asked)

    place.run(work)


def test_ten_thousand_entries(place: Place) -> None:
    """Ten thousand keys that are put in one go are all in a dump, each once."""
    values = {f"pw1:key:{number}": (str(number).encode(), None if number % 2 else 600.0) for number in range(10_000)}

    async def work(store: Store) -> None:
        await store.put_many(values)
        found = [(key, value, left is None) async for key, value, left in store.entries()]
        assert sorted((key, value, ttl is None) for key, (value, ttl) in values.items()) == sorted(found)

    place.run(work)


def test_entries(place: Place) -> None:
    """A dump has every key under Paperwire's prefix with its value and the seconds it still lives, and nothing else."""
    values = {"pw1:ever": (b"\xff\0", None), "pw1:long": (b"2", 3600.0), "pw1:Füße *?[": (b"", 300.0)}

    async def work(store: Store) -> None:
        assert [] == [entry async for entry in store.entries()]
        await store.put_many(values | {"pw1:gone": (b"x", 0.05), "pw10:a": (b"x", None), "other": (b"x", None)})
        await store.put("pw1", b"x")
        await asyncio.sleep(0.1)
        found = {key: (value, left) async for key, value, left in store.entries()}
        assert values.keys() == found.keys()
        for key, (value, ttl) in values.items():
            assert value == found[key][0]
            assert found[key][1] == (None if ttl is None else pytest.approx(ttl, abs=120))

    place.run(work)


def test_time_to_live(place: Place) -> None:
    """A value is there until its time is over, then it is as absent as if it had never been."""

    async def work(store: Store, pace: float) -> None:
        await store.put("short", b"x", ttl=4 * pace)
        await store.put("long", b"y", ttl=60)
        await store.put("for ever", b"z")
        assert [b"x", b"y", b"z"] == await store.get_many(["short", "long", "for ever"])
        await asyncio.sleep(5 * pace)
        assert [None, b"y", b"z"] == await store.get_many(["short", "long", "for ever"])
        assert await store.get("short") is None

    place.run_in_time(work)


def test_delete(place: Place) -> None:
    """A deleted key is gone, others stay, and deleting what is not there is no error."""

    async def work(store: Store) -> None:
        await store.put("a", b"1")
        await store.put("b", b"2")
        await store.delete("a")
        await store.delete("never was")
        assert [None, b"2"] == await store.get_many(["a", "b"])

    place.run(work)


def test_clients_see_each_other(place: Place) -> None:
    """What one client has written another reads at once."""

    async def write(store: Store) -> None:
        await store.put("key", b"1")
        while await store.get("answer") is None:  # noqa: ASYNC110 - the other client may be another process
            await asyncio.sleep(0.01)

    async def answer(store: Store) -> None:
        while await store.get("key") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await store.put("answer", b"2")

    place.run(write, answer)


def test_many_at_once(place: Place) -> None:
    """One client serves many tasks of its loop at the same time."""

    async def work(store: Store) -> None:
        await asyncio.gather(*(store.put(f"k{n}", str(n).encode()) for n in range(200)))
        assert [str(n).encode() for n in range(200)] == await store.get_many([f"k{n}" for n in range(200)])

    place.run(work)


# -- locks


def test_only_one_holds_a_lock(place: Place) -> None:
    """A lock is held by one token until that gives it up; other locks are other locks."""

    async def work(store: Store) -> None:
        assert await store.acquire("lock", "one", 30)
        assert not await store.acquire("lock", "two", 30)
        assert await store.acquire("lock 2", "two", 30)
        await store.release("lock", "two")  # holds another one
        assert not await store.acquire("lock", "two", 30)
        await store.release("lock", "one")
        assert await store.acquire("lock", "two", 30)
        await store.release("lock", "one")  # no longer its own
        assert not await store.acquire("lock", "one", 30)

    place.run(work)


def test_locks_expire(place: Place) -> None:
    """A lock that is not prolonged is free when its time is over."""

    async def work(store: Store, pace: float) -> None:
        assert await store.acquire("lock", "one", 3 * pace)
        assert not await store.acquire("lock", "two", 30)
        await asyncio.sleep(4 * pace)
        assert await store.acquire("lock", "two", 30)
        assert not await store.acquire("lock", "one", 30)

    place.run_in_time(work)


def test_locks_are_prolonged_by_their_holder(place: Place) -> None:
    """Whoever holds a lock may take it again, which prolongs it."""

    async def work(store: Store, pace: float) -> None:
        assert await store.acquire("lock", "one", 3 * pace)
        for _ in range(4):
            await asyncio.sleep(1.5 * pace)
            assert await store.acquire("lock", "one", 3 * pace)
            assert not await store.acquire("lock", "two", 30)

    place.run_in_time(work)


def test_prolonging_takes_no_lock(place: Place) -> None:
    """A lock is prolonged only while its holder holds it; one that has ended stays free for others."""

    async def work(store: Store, pace: float) -> None:
        assert not await store.prolong("lock", "one", 30)
        assert await store.acquire("lock", "one", 3 * pace)
        assert not await store.prolong("lock", "two", 30)
        assert await store.prolong("lock", "one", 8 * pace)
        await asyncio.sleep(5 * pace)
        assert not await store.acquire("lock", "two", 30)
        await asyncio.sleep(5 * pace)
        assert not await store.prolong("lock", "one", 30)
        assert await store.acquire("lock", "two", 30)
        assert not await store.prolong("lock", "one", 30)

    place.run_in_time(work)


def test_commit_under_the_lock(place: Place) -> None:
    """While the lock is held all values of a commit are written, with their times to live, and the lock stays held."""

    async def work(store: Store, pace: float) -> None:
        await store.put("a", b"old")
        assert await store.acquire("lock", "one", 30)
        await store.commit("lock", "one", {"a": (b"1", None), "b": (b"2", 4 * pace), "c": (b"", 60)})
        assert [b"1", b"2", b""] == await store.get_many(["a", "b", "c"])
        assert not await store.acquire("lock", "two", 30)
        await store.commit("lock", "one", {})
        await asyncio.sleep(5 * pace)
        assert [b"1", None, b""] == await store.get_many(["a", "b", "c"])

    place.run_in_time(work)


def test_commit_that_gives_the_lock_up(place: Place) -> None:
    """A commit may give the lock up in the same moment: all is written, and the lock is free for the next."""

    async def work(store: Store) -> None:
        assert await store.acquire("lock", "one", 30)
        await store.commit("lock", "one", {"a": (b"1", None), "b": (b"\xff", 60)}, release=True)
        assert [b"1", b"\xff"] == await store.get_many(["a", "b"])
        assert await store.acquire("lock", "two", 30)
        await store.commit("lock", "two", {}, release=True)
        assert await store.acquire("lock", "one", 30)

    place.run(work)


def test_a_new_commit_after_the_lock_was_given_up(place: Place) -> None:
    """Who has given the lock up with a commit cannot commit once more, nor give up the lock of its successor."""

    async def work(store: Store) -> None:
        assert await store.acquire("lock", "one", 30)
        await store.commit("lock", "one", {"a": (b"1", None)}, release=True)
        for _ in range(2):
            with pytest.raises(LockLost):
                await store.commit("lock", "one", {"a": (b"2", None)}, release=True)
        assert await store.acquire("lock", "two", 30)
        with pytest.raises(LockLost):
            await store.commit("lock", "one", {"a": (b"3", None)}, release=True)
        assert not await store.acquire("lock", "three", 30)
        assert b"1" == await store.get("a")

    place.run(work)


def test_commits_are_seen_as_a_whole(place: Place) -> None:
    """Others see of a commit either all values or none."""
    names = [f"key:{number}" for number in range(20)]

    async def write(store: Store) -> None:
        assert await store.acquire("lock", "me", 30)
        for number in range(30):
            await store.commit("lock", "me", dict.fromkeys(names, (str(number).encode(), None)))
        await store.put("done", b"1")

    async def read(store: Store) -> int:
        seen = set()
        while (found := await store.get_many(["done", *names]))[0] is None:
            assert 1 == len(set(found[1:]))
            seen.add(found[1])
        return len(seen)

    place.run(write, read, read)


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("how", ["never held", "held by another", "expired", "expired and taken", "given up"])
def test_commit_without_the_lock_writes_nothing(place: Place, how: str, release: bool) -> None:
    """Whoever does not hold the lock, or no longer, is told so, and none of its values is written."""

    async def work(store: Store) -> None:
        await store.put("a", b"old")
        if how in ("expired", "expired and taken"):
            assert await store.acquire("lock", "one", 0.1)
            await asyncio.sleep(0.3)
        if how == "given up":
            assert await store.acquire("lock", "one", 30)
            await store.release("lock", "one")
        if how in ("held by another", "expired and taken"):
            assert await store.acquire("lock", "two", 30)
        with pytest.raises(LockLost, match="lock"):
            await store.commit("lock", "one", {"a": (b"new", None), "b": (b"new", 60)}, release=release)
        assert [b"old", None] == await store.get_many(["a", "b"])
        assert await store.acquire("lock", "three", 30) == (how not in ("held by another", "expired and taken"))

    place.run(work)


# -- budgets


def test_budget_is_taken_up_to_its_limit(place: Place) -> None:
    """Amounts are granted while they fit as a whole; what does not fit takes nothing, and smaller ones still fit."""

    async def work(store: Store) -> None:
        taken = [await store.take("budget", amount, 10, 60) for amount in (4, 5, 2, 1, 1)]
        assert [True, True, False, True, False] == taken
        assert await store.take("other", 10, 10, 60)
        assert not await store.take("third", 11, 10, 60)
        assert await store.take("third", 10, 10, 60)

    place.run(work)


def test_budget_lasts_from_its_first_use(place: Place) -> None:
    """The time of a budget runs from its first use, later uses do not prolong it; then it is whole again."""

    async def work(store: Store, pace: float) -> None:
        assert await store.take("budget", 9, 10, 6 * pace)
        await asyncio.sleep(3.5 * pace)
        assert await store.take("budget", 1, 10, 6 * pace)
        assert not await store.take("budget", 1, 10, 6 * pace)
        await asyncio.sleep(3.5 * pace)
        assert await store.take("budget", 10, 10, 6 * pace)

    place.run_in_time(work)


def test_a_budget_is_given_back(place: Place) -> None:
    """What is given back can be taken again, but never more than was taken; a limit that fell does not keep it."""

    async def work(store: Store) -> None:
        assert await store.take("budget", 10, 10, 60)
        assert await store.take("budget", -4, 10, 60)
        assert [False, True, False] == [await store.take("budget", amount, 10, 60) for amount in (5, 4, 1)]
        assert await store.take("budget", -2, 5, 60)
        assert [False, False] == [await store.take("budget", amount, 5, 60) for amount in (0, 1)]
        assert await store.take("budget", -100, 10, 60)
        assert await store.take("never taken", -100, 10, 60)
        for name in ("budget", "never taken"):
            assert [False, True, False] == [await store.take(name, amount, 10, 60) for amount in (11, 10, 1)]

    place.run(work)


def test_giving_back_prolongs_nothing(place: Place) -> None:
    """A budget ends at its time, whatever was given back meanwhile."""

    async def work(store: Store, pace: float) -> None:
        assert await store.take("budget", 9, 10, 6 * pace)
        await asyncio.sleep(3.5 * pace)
        assert await store.take("budget", -1, 10, 6 * pace)
        assert not await store.take("budget", 3, 10, 6 * pace)
        await asyncio.sleep(3.5 * pace)
        assert await store.take("budget", 10, 10, 6 * pace)

    place.run_in_time(work)


# -- processes


def test_processes_take_exactly_the_limit(place: Place) -> None:
    """Six processes that take from one budget at the same time get exactly its limit, all in all."""
    taken = race(place.implementation, place.target, "take_what_there_is")
    assert BUDGET == sum(taken), taken
    assert [False] == place.run(lambda store: store.take("budget", 1, BUDGET, 60))


def test_processes_that_give_back_leave_nothing_over(place: Place) -> None:
    """What six processes keep of a budget is counted exactly, and the last of them to give back leaves no room."""
    kept = sum(race(place.implementation, place.target, "take_and_give_back"))
    assert BUDGET - 5 < kept <= BUDGET
    left = place.run(lambda store: store.take("budget", BUDGET - kept, BUDGET, 60))
    assert [[True], [False]] == [left, place.run(lambda store: store.take("budget", 1, BUDGET, 60))]


def test_processes_win_a_lock_once(place: Place) -> None:
    """Of six processes that go for the same locks at the same time exactly one gets each."""
    won = race(place.implementation, place.target, "win_locks")
    assert list(range(ROUNDS)) == sorted(number for numbers in won for number in numbers)


def test_processes_lose_no_update(place: Place) -> None:
    """Six processes that add to one number under a lock lose none of their additions."""
    race(place.implementation, place.target, "add_under_lock")

    async def number(store: Store) -> bytes | None:
        return await store.get("number")

    assert [str(PROCESSES * ADDITIONS).encode()] == place.run(number)


# -- holding a lock for as long as the work takes


def test_holding_a_lock(place: Place) -> None:
    """Who holds a lock can commit under it, others get nothing meanwhile, and at the end it is given up."""

    async def work(store: Store) -> None:
        async with holding(store, "lock") as lock:
            assert lock
            async with holding(store, "lock") as other:
                assert other is None
            await lock.commit({"a": (b"1", None)})
            await lock.commit({"b": (b"2", None)})
        async with holding(store, "lock") as next_one:
            assert next_one
        assert [b"1", b"2"] == await store.get_many(["a", "b"])

    place.run(work)


def test_giving_a_lock_up_with_the_last_commit(place: Place) -> None:
    """With its last commit a holder gives the lock up; what a successor holds since then is left alone."""

    async def work(store: Store) -> None:
        async with holding(store, "lock") as lock:
            assert lock
            await lock.commit({"a": (b"1", None)}, release=True)
            assert await store.acquire("lock", "successor", 30)
        assert not await store.acquire("lock", "another", 30)

    place.run(work)


def test_work_that_takes_longer_than_the_lock_lives(place: Place) -> None:
    """A lock is prolonged for as long as its holder is at work, and ends when that has ended."""

    async def work(store: Store, pace: float) -> None:
        assert await store.acquire("lock", "me", 6 * pace)
        async with prolonged(store, "lock", "me", 6 * pace):
            end = time.monotonic() + 15 * pace
            while time.monotonic() < end:
                assert not await store.acquire("lock", "another", 30)
                await asyncio.sleep(0.05)
            await store.commit("lock", "me", {"a": (b"1", None)})
        await asyncio.sleep(8 * pace)
        assert await store.acquire("lock", "another", 30)

    place.run_in_time(work)


def test_a_cancellation_is_not_lost_at_the_end_of_a_lock(tmp_path: Path) -> None:
    """Work that is cancelled just as it stops prolonging its lock ends: a server that shuts down waits for it."""

    async def main() -> bool:
        store, left = SqliteStore(tmp_path / "store.sqlite3"), asyncio.Event()

        async def work() -> None:
            async with prolonged(store, "lock", "mine", 60):
                left.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(work())
        await left.wait()
        task.cancel()
        await asyncio.wait([task], timeout=120)
        await store.close()
        return task.cancelled()

    assert asyncio.run(main())


def test_a_sleeper_cannot_overwrite_its_successor(place: Place) -> None:
    """Who slept past the end of its lock, while another took it, wrote and gave it up, can write nothing."""

    async def succeed(store: Store) -> None:
        while not await store.acquire("lock", "successor", 30):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await store.commit("lock", "successor", {"a": (b"of the successor", None)})
        await store.release("lock", "successor")

    async def sleep(store: Store) -> None:
        assert await store.acquire("lock", "sleeper", 0.6)
        async with prolonged(store, "lock", "sleeper", 0.6):
            await asyncio.sleep(0.1)  # at work
            successor = threading.Thread(target=place.run, args=(succeed,))
            successor.start()
            while successor.is_alive():  # as if this whole process were stopped: its loop does not run
                time.sleep(0.05)  # noqa: ASYNC251
            await asyncio.sleep(0.4)  # awake again
            with pytest.raises(LockLost):
                await store.commit("lock", "sleeper", {"a": (b"of the sleeper", None)})
        assert b"of the successor" == await store.get("a")

    place.run(sleep)


def test_failed_work_gives_the_lock_up(place: Place) -> None:
    """Work that raises leaves no lock behind, and what it raised comes through."""

    async def work(store: Store) -> None:
        with pytest.raises(ZeroDivisionError):
            async with holding(store, "lock"):
                1 / 0  # noqa: B018
        async with holding(store, "lock") as lock:
            assert lock

    place.run(work)
