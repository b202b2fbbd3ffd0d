"""What only the SQLite store has: a file."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from core.config.settings import ROOT
from core.model.errors import StoreError
from core.store.sqlite import SqliteStore
from tests.conftest import PATIENCE_SECONDS

T = TypeVar("T")


def _run(path: Path, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
    async def main() -> T:
        store = SqliteStore(path)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    """Making a store touches no disk; its first use makes the folder and the file."""
    path = tmp_path / "some" / "where" / "store.sqlite3"

    async def work(store: SqliteStore) -> None:
        assert not path.parent.exists()
        await store.put("a", b"1")
        assert path.exists()

    _run(path, work)


def test_values_persist(tmp_path: Path) -> None:
    """Another store on the same file has the values, under a name with spaces and accents too."""
    path = tmp_path / "Paperwire à la carte?.sqlite3"
    _run(path, lambda store: store.put("a", b"1"))
    assert b"1" == _run(path, lambda store: store.get("a"))


NO_DATABASES = {
    "text": b"This is not a database, but a text that is long enough to look like one. " * 100,
    "a damaged one": b"SQLite format 3\0" + b"\x10\x00\x01\x01" + bytes(range(256)) * 64,
}


@pytest.mark.parametrize("content", NO_DATABASES.values(), ids=NO_DATABASES)
def test_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is an error that names it, for every operation, and is left as it was."""
    path = tmp_path / "precious.txt"
    path.write_bytes(content)

    async def work(store: SqliteStore) -> None:
        for operation in (
            store.get("a"),
            store.get_many(["a"]),
            store.put("a", b"1"),
            store.delete("a"),
            store.acquire("a", "b", 1),
            store.commit("a", "b", {}),
            store.release("a", "b"),
            store.take("a", 1, 1, 1),
        ):
            with pytest.raises(StoreError, match=r"precious\.txt"):
                await operation

    _run(path, work)
    assert content == path.read_bytes()


def test_path_that_cannot_be(tmp_path: Path) -> None:
    """A folder in place of the file, and a file in place of the folder, are errors that name the path."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "file" / "store.sqlite3"):
        with pytest.raises(StoreError, match=str(path)):
            _run(path, lambda store: store.get("a"))


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A read-only folder is an error that names the file."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        (folder / "probe").touch()
    except OSError:
        pass
    else:
        pytest.skip("this user may write everywhere")
    with pytest.raises(StoreError, match=r"read-only/store\.sqlite3"):
        _run(folder / "store.sqlite3", lambda store: store.put("a", b"1"))


def test_locked_file_is_given_up_in_time(tmp_path: Path) -> None:
    """A write that another process keeps waiting is given up after a few seconds, with the file's name."""
    path = tmp_path / "store.sqlite3"
    _run(path, lambda store: store.put("a", b"1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        with pytest.raises(StoreError, match=r"store\.sqlite3"):
            _run(path, lambda store: store.put("a", b"2"))
        assert time.monotonic() - begun < PATIENCE_SECONDS
        other.execute("ROLLBACK")
    _run(path, lambda store: store.put("a", b"3"))
    assert b"3" == _run(path, lambda store: store.get("a"))


def test_reading_goes_on_while_another_writes(tmp_path: Path) -> None:
    """Readers are not kept waiting by another process's long write; they see what was there before it."""
    path = tmp_path / "store.sqlite3"
    _run(path, lambda store: store.put("a", b"1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM entries")
        assert b"1" == _run(path, lambda store: store.get("a"))
        other.execute("ROLLBACK")


FIRST_USER = """
import asyncio, os, pathlib, sys, time
from core.store.sqlite import SqliteStore

async def main():
    folder, start = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    for number in range(20):
        store = SqliteStore(folder / f"{number}.sqlite3")
        time.sleep(max(0, start + number / 20 - time.time()))
        await store.put(f"own:{os.getpid()}", b"x")
        await store.close()

asyncio.run(main())
"""


def test_first_use_by_many_at_once(tmp_path: Path) -> None:
    """Processes may open a file that is not there yet at the same moment: each can write, in twenty of twenty cases."""
    command = [sys.executable, "-c", FIRST_USER, str(tmp_path), str(time.time() + 1)]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    errors = [process.communicate(timeout=120)[1] for process in running]
    assert [""] * 4 == errors
    for number in range(20):
        with closing(sqlite3.connect(tmp_path / f"{number}.sqlite3")) as db:
            assert [(4,)] == db.execute("SELECT count(*) FROM entries").fetchall()


def test_expired_entries_leave_the_file(tmp_path: Path) -> None:
    """What has expired is removed from the file when something is committed."""

    async def work(store: SqliteStore) -> None:
        await store.put("old", b"1", ttl=0.05)
        assert await store.acquire("lock", "me", 30)
        await asyncio.sleep(0.1)
        await store.commit("lock", "me", {"new": (b"2", None)})

    path = tmp_path / "store.sqlite3"
    _run(path, work)
    with closing(sqlite3.connect(path)) as db:
        assert {"lock", "new"} == {key for (key,) in db.execute("SELECT key FROM entries")}


WRITER = """
import asyncio, pathlib, sys
from core.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(pathlib.Path(sys.argv[1]))
    begun = int(sys.argv[2])
    while not await store.acquire("lock", sys.argv[2], 0.2):
        await asyncio.sleep(0.01)
    for number in range(begun, begun + 100_000):
        await store.acquire("lock", sys.argv[2], 0.2)
        value = str(number).encode() * 2000
        await store.commit("lock", sys.argv[2], {"a": (value, None), "b": (value, None), f"n:{number}": (b"x", None)})
        print(number, flush=True)

asyncio.run(main())
"""


def test_what_was_committed_survives_kill(tmp_path: Path) -> None:
    """After `kill -9` amid commits the file is sound: every commit that was done is there, and each as a whole."""
    path = tmp_path / "store.sqlite3"
    last = 0
    for seconds in (0.03, 0.1, 0.2, 0.35, 0.05):
        command = [sys.executable, "-c", WRITER, str(path), str(last + 1)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()  # the first commit is done
            killer = threading.Timer(seconds, os.kill, (process.pid, signal.SIGKILL))
            killer.start()
            done = [int(line) for line in process.stdout.read().split("\n")[:-1]]
        assert -signal.SIGKILL == process.returncode
        last = max([last + 1, *done])
        a, b, *known = _run(
            path, lambda store, upto=last: store.get_many(["a", "b", *(f"n:{n}" for n in range(1, upto + 2))])
        )
        assert a is not None
        assert a == b
        assert [b"x"] * last == known[:last]
        last += known[last] is not None  # committed, but killed before it could say so
        assert str(last).encode() * 2000 == a
        with closing(sqlite3.connect(path)) as db:
            assert [("ok",)] == db.execute("PRAGMA integrity_check").fetchall()
