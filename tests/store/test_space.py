"""Several wires in one database: each has its own keys, and a full database gives up what can be made again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from core.archive.dump import export_store, import_store, read_dump
from core.model.errors import StoreError, StoreFull
from core.store import keys
from core.store.base import Store, holding
from core.store.space import Space
from tests.support.redis_server import running
from tests.support.stores import IMPLEMENTATIONS, upstash_rest

NOW = 1_790_000_000.0
PREFIXES = ("", "preview", "a*[b")  # the last cannot be configured; no prefix is a pattern


def of_all(implementation: str, folder: Path, work: Callable[[Store, dict[str, Space]], Awaitable[None]]) -> None:
    """Run `work` with the whole store, and with a space of it for each prefix."""

    async def main() -> None:
        one = IMPLEMENTATIONS[implementation]
        whole = one.open(one.target(folder))
        try:
            await work(whole, {prefix: Space(whole, prefix) for prefix in PREFIXES})
        finally:
            await whole.close()

    asyncio.run(main())


async def listed(entries: AsyncIterator[tuple[str, bytes, float | None]]) -> dict[str, bytes]:
    return {key: value async for key, value, _ in entries}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_wires_side_by_side(implementation: str, tmp_path: Path) -> None:
    """Every operation of one wire leaves the others' values, locks and budgets alone; dumps hold one wire."""

    async def work(whole: Store, spaces: dict[str, Space]) -> None:
        for prefix, space in spaces.items():
            mine = prefix.encode()
            await space.put("pw1:one", mine)
            await space.put_many({"pw1:two": (mine, 60.0), "pw1:three": (mine, None)})
            async with holding(space, "pw1:lock:refresh") as lock:
                assert lock, "another wire's lock is not in the way"
                await lock.commit({"pw1:four": (mine, None)}, release=True)
            assert await space.take("pw1:budget", 5, 5, 60)
            assert not await space.take("pw1:budget", 1, 5, 60)
        await spaces["preview"].delete("pw1:three")
        for prefix, space in spaces.items():
            names = [f"pw1:{name}" for name in ("four", "one", "three", "two")]
            expected = {name: prefix.encode() for name in names if (prefix, name) != ("preview", "pw1:three")}
            found = await listed(space.entries())
            assert expected == {name: found[name] for name in found if name in names}
            assert [expected.get(name) for name in names] == await space.get_many(names)
            assert prefix.encode() == await space.get("pw1:one")
            dumped = read_dump([line async for line in export_store(space, NOW)], NOW)
            assert {*expected, "pw1:budget"} == dumped.keys()
        assert {"pw1:one", "preview:pw1:one", "a*[b:pw1:one"} <= (await listed(whole.entries(""))).keys()

    of_all(implementation, tmp_path, work)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_one_wire_is_cleared(implementation: str, tmp_path: Path) -> None:
    """Keys are removed by their beginning, of this wire alone, however many there are."""

    async def work(_: Store, spaces: dict[str, Space]) -> None:
        for space in spaces.values():
            await space.put_many({f"pw1:feed:{n}": (b"x", None) for n in range(600)} | {"pw1:feeds": (b"x", None)})
        assert 600 == await spaces["preview"].clear("pw1:feed:")
        assert 0 == await spaces["preview"].clear("pw1:feed:")
        assert ["pw1:feeds"] == list(await listed(spaces["preview"].entries()))
        assert (601, 601) == tuple([len(await listed(spaces[name].entries())) for name in ("", "a*[b")])

    of_all(implementation, tmp_path, work)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_the_gate_is_common(implementation: str, tmp_path: Path) -> None:
    """arXiv's limit is for all machines of one person: wires in one database wait for each other."""

    async def work(_: Store, spaces: dict[str, Space]) -> None:
        assert await spaces[""].acquire(keys.ARXIV_GATE, "one", 60)
        assert not await spaces["preview"].acquire(keys.ARXIV_GATE, "other", 60)

    of_all(implementation, tmp_path, work)


def test_a_dump_moves_to_another_prefix(tmp_path: Path) -> None:
    """What a preview has stored can be taken over by production: dumps name keys without a prefix."""

    async def work(_: Store, spaces: dict[str, Space]) -> None:
        await spaces["preview"].put_many({"pw1:manifest": (b"j{}", None), "pw1:batch:x": (b"\xff", 60.0)})
        lines = [line async for line in export_store(spaces["preview"], NOW)]
        await import_store(spaces[""], read_dump(lines, NOW))
        assert {"pw1:manifest": b"j{}", "pw1:batch:x": b"\xff"} == await listed(spaces[""].entries())

    of_all("sqlite", tmp_path, work)


async def fill(store: Store, key: str, size: int = 50_000) -> int:
    """Fill a database with values under `key` until it refuses even small ones. Returns how many there are."""
    count = refused = 0
    while refused < 3:  # a server's own buffers come and go
        try:
            await store.put(f"{key}{count}", b"x" * (10 if refused else size))
            count, refused = count + 1, 0
        except StoreFull:
            refused += 1
    return count


async def insist(store: Store, given_up: str) -> None:
    """Write the owner's values into a full database until all others are given up."""
    for n in range(20):
        await store.put(f"pw1:owner:{n}", b"x" * 20_000)
        if len([key async for key, _, _ in store.entries(given_up)]) <= 1:  # one may belong to the write before
            return
    raise AssertionError(f"nothing of {given_up} was given up")


def test_a_full_redis_gives_up_documents() -> None:
    """With `noeviction`, every write of the owner's is done: documents make room, those of strangers first."""
    with running(maxmemory="4mb", maxmemory_policy="noeviction", appendonly="no") as server:

        async def main() -> None:
            whole = IMPLEMENTATIONS["redis"].open(server.url)
            space, other = Space(whole), Space(whole, "preview")
            await space.put_many({"pw1:feed:/rss": (b"document", None), "pw1:batch:x": (b"owner's", None)})
            await other.put("pw1:batch:x", b"another wire's")
            writes: list[Callable[[], Awaitable[object]]] = [
                lambda: space.put("pw1:a", b"1"),
                lambda: space.put_many({"pw1:b": (b"2", None), f"{keys.CUSTOM_DOCUMENTS}z": (b"3", None)}),
                lambda: space.acquire("pw1:lock:refresh", "token", 60),
                lambda: space.commit("pw1:lock:refresh", "token", {"pw1:c": (b"x" * 300_000, None)}, release=True),
                lambda: space.take("pw1:budget", 1, 5, 60),
            ]
            for write in writes:
                assert await fill(space, keys.CUSTOM_DOCUMENTS) > 1
                await write()
                await insist(space, keys.CUSTOM_DOCUMENTS)
            assert b"document" == await space.get("pw1:feed:/rss"), "strangers' values were enough"
            assert [b"1", b"2"] == await space.get_many(["pw1:a", "pw1:b"])
            assert b"1" == await space.get("pw1:budget")
            # Only the owner's documents are left
            await space.clear(keys.CUSTOM_DOCUMENTS)
            await fill(space, "pw1:feed:/digest")
            await insist(space, "pw1:feed:")
            await space.put("pw1:d", b"4")
            # Nothing that could be given up is left
            await fill(space, "pw1:batch:")
            with pytest.raises(StoreFull):
                await space.put("pw1:e", b"x" * 1_000_000)
            assert [b"owner's", b"4"] == await space.get_many(["pw1:batch:x", "pw1:d"])
            assert b"another wire's" == await other.get("pw1:batch:x")
            await whole.close()

        asyncio.run(main())


def test_a_full_upstash_gives_up_documents(tmp_path: Path) -> None:
    """The same of a plan's limit, which Upstash words in its own way."""

    async def work(_: Store, spaces: dict[str, Space]) -> None:
        space = spaces["preview"]
        for one in spaces.values():
            await one.put_many({f"{keys.CUSTOM_DOCUMENTS}x": (b"1", None), "pw1:feed:/rss": (b"2", None)})
        upstash_rest().arm("full", times=1, command="SET")
        await space.put("pw1:batch:x", b"3")
        assert [None, b"2", b"3"] == await space.get_many([f"{keys.CUSTOM_DOCUMENTS}x", "pw1:feed:/rss", "pw1:batch:x"])
        assert space.refused is None
        fault = upstash_rest().arm("full", times=-1)
        with pytest.raises(StoreFull):
            await space.put("pw1:batch:y", b"4")
        assert space.refused
        assert "the database is full" in str(space.refused)
        assert b"1" == await spaces[""].get(f"{keys.CUSTOM_DOCUMENTS}x"), "another wire's"
        upstash_rest().faults.remove(fault)
        await space.put("pw1:batch:y", b"4")
        assert space.refused is None

    of_all("upstash", tmp_path, work)


def test_a_full_file_gives_up_documents(tmp_path: Path) -> None:
    """The same of SQLite on a full disk."""

    async def main() -> None:
        whole = IMPLEMENTATIONS["sqlite"].open(str(tmp_path / "store.sqlite3"))
        space = Space(whole)
        await space.put("pw1:batch:x", b"owner's")
        await whole._run(lambda db: db.execute("PRAGMA max_page_count = 300"))  # type: ignore[attr-defined]
        assert await fill(space, keys.CUSTOM_DOCUMENTS, 20_000) > 3
        await space.put("pw1:batch:y", b"x" * 100_000)
        assert b"owner's" == await space.get("pw1:batch:x")
        await whole.close()

    asyncio.run(main())


def test_strangers_values_remove_nothing() -> None:
    """A document that does not fit is refused; it takes no place of another one."""
    with running(maxmemory="4mb", maxmemory_policy="noeviction", appendonly="no") as server:

        async def main() -> None:
            space = Space(IMPLEMENTATIONS["redis"].open(server.url))
            count = await fill(space, keys.CUSTOM_DOCUMENTS)
            for _ in range(3):
                with pytest.raises(StoreError):
                    await space.put_many({f"{keys.CUSTOM_DOCUMENTS}new": (b"1", None)})
            assert count == len([key async for key, _, _ in space.entries(keys.CUSTOM_DOCUMENTS)])
            await space.close()

        asyncio.run(main())
