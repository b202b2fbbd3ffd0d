"""A store as a file: from any store into any other, checked before a value is written."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archive.dump import export_store, import_store, read_dump
from core.model.errors import LockLost, StoreError
from core.store import keys
from core.store.base import Store, holding
from tests.support.stores import IMPLEMENTATIONS
from tests.support.tables import each_row

NOW = 1_790_000_000.0
VALUES: dict[str, tuple[bytes, float | None]] = {
    "pw1:manifest": (b'j{"version":1}', None),
    "pw1:batch:2026-03-06:0f": (bytes(range(256)) * 2000, 2000.0),
    "pw1:scores:ab:0f": ("zażółć 日本 \u2028 🦉".encode(), 3000.0),
    "pw1:feed:/rss": (b"b64:no base64, but it looks like the mark", 100.0),
    "pw1:budget:2026-03": (b"17", 5000.0),
}
PASSING = {"pw1:lock:refresh": (b"token", 60.0), "pw1:gate:arxiv": (b"token", 60.0)}
HEAD = '{"paperwire": "store", "version": 1, "made": 0}\n'


def open_place(name: str, folder: Path) -> Store:
    """A new client of an empty store."""
    implementation = IMPLEMENTATIONS[name]
    return implementation.open(implementation.target(folder))


async def export(store: Store, now: float = NOW) -> list[str]:
    """The lines of a dump."""
    return [line async for line in export_store(store, now)]


def values_of(lines: list[str]) -> dict[str, bytes]:
    """The values of a dump by key."""
    return {key: value for key, (value, _) in read_dump(lines, NOW).items()}


def test_a_dump_moves_through_all_stores(tmp_path: Path) -> None:
    """SQLite to Redis to Upstash and back to another file: every value comes as it was, with its time to live."""

    async def main() -> None:
        stores = [
            open_place(name, tmp_path / str(n)) for n, name in enumerate(("sqlite", "redis", "upstash", "sqlite"))
        ]
        await stores[0].put_many(VALUES | PASSING)
        for one, other in pairwise(stores):
            await import_store(other, read_dump(await export(one), NOW))
        last = read_dump(await export(stores[-1]), NOW)
        assert {key: value for key, (value, _) in VALUES.items()} == {key: value for key, (value, _) in last.items()}
        for key, (_, ttl) in VALUES.items():
            left = last[key][1]
            assert (left is None) == (ttl is None)
            assert left is None or ttl is None or ttl - 20 < left <= ttl
        for store in stores:
            await store.close()

    asyncio.run(main())


def test_what_belongs_to_running_processes_is_left_out(tmp_path: Path) -> None:
    """Locks and gates are no part of a dump."""

    async def main() -> list[str]:
        store = open_place("sqlite", tmp_path)
        await store.put_many(VALUES | PASSING)
        lines = await export(store)
        await store.close()
        return lines

    lines = asyncio.run(main())
    assert VALUES.keys() == values_of(lines).keys()
    assert not any("lock:" in line or "gate:" in line for line in lines)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_nothing_is_written_beside_a_refresh(name: str, tmp_path: Path) -> None:
    """While another process refreshes, an import ends with an error and has written nothing."""

    async def main() -> None:
        store = open_place(name, tmp_path)
        async with holding(store, keys.REFRESH_LOCK) as lock:
            assert lock
            with pytest.raises(StoreError, match="refresh is running"):
                await import_store(store, VALUES)
            assert [None] * len(VALUES) == await store.get_many(list(VALUES))
        await store.close()

    asyncio.run(main())


def test_the_manifest_is_last_and_fenced(tmp_path: Path) -> None:
    """An import that was stopped on its way has left no manifest: nothing points at what is not there."""

    async def main() -> None:
        store = open_place("sqlite", tmp_path)

        def stop(done: int) -> None:
            if done >= len(VALUES) - 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await import_store(store, VALUES, stop)
        assert await store.get("pw1:manifest") is None
        assert await store.acquire(keys.REFRESH_LOCK, "next", 1)  # the lock was given up
        with pytest.raises(LockLost):
            await store.commit(keys.REFRESH_LOCK, "previous", VALUES)
        await store.close()

    asyncio.run(main())


def test_values_whose_time_is_over_are_left_out() -> None:
    """What has expired between export and import does not come back."""
    lines = [HEAD, '{"key": "pw1:a", "text": "x", "expires": 100}\n', '{"key": "pw1:b", "text": "y"}\n', '{"end": 2}\n']
    assert {"pw1:b": (b"y", None)} == read_dump(lines, 101)
    assert {"pw1:a": (b"x", 1), "pw1:b": (b"y", None)} == read_dump(lines, 99)


@each_row(
    ("lines", "told"),
    [
        ([], "line 1: this is not a dump"),
        (["<html>\n"], "line 1: not JSON"),
        (["[1]\n"], "line 1: not a JSON object"),
        (['{"version": 1}\n'], "line 1: this is not a dump"),
        (['{"paperwire": "store", "version": 2}\n'], "line 1: version 2"),
        ([HEAD], "cut off"),
        ([HEAD, '{"key": "pw1:a", "text": "x"}\n'], "after line 2 without an end line"),
        ([HEAD, '{"key": "pw1:a", "te'], "line 2: not JSON"),
        ([HEAD, '{"key": "pw1:a", "text": "x"}\n', '{"end": 2}\n'], "line 3: there are 1 values where there were 2"),
        ([HEAD, '{"key": "pw1:a"}\n', '{"end": 1}\n'], "line 2: not a value"),
        ([HEAD, '{"key": "pw1:a", "base64": "?"}\n', '{"end": 1}\n'], "line 2: not a value"),
        ([HEAD, '{"key": "pw1:a", "text": "", "expires": "x"}\n', '{"end": 1}\n'], "line 2: not a value"),
        ([HEAD, '{"key": "other", "text": "x"}\n', '{"end": 1}\n'], "line 2: 'other' is no key"),
        ([HEAD, '{"key": 7, "text": "x"}\n', '{"end": 1}\n'], "line 2: 7 is no key"),
    ],
)
def test_anything_else_is_refused(lines: list[str], told: str) -> None:
    """A file that is no whole dump is refused, with the line."""
    with pytest.raises(ValueError, match=told.replace("[", r"\[")):
        read_dump(lines, NOW)


@given(st.dictionaries(st.text(max_size=20).map("pw1:x".__add__), st.binary(max_size=300), max_size=8))
def test_any_values_survive(values: dict[str, bytes]) -> None:
    """Whatever the bytes and the keys, what is read is what was written, a line for each."""

    class Kept:
        async def entries(self):
            for key, value in values.items():
                yield key, value, None

    lines = asyncio.run(export(Kept()))  # type: ignore[arg-type]
    assert len(values) + 2 == len("".join(lines).split("\n")) - 1
    assert [json.loads(line) for line in lines]
    assert values == values_of(lines)
