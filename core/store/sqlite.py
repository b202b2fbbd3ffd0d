"""A store in a local SQLite file in WAL mode, which any number of processes can share."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import TypeVar

from core.model.errors import LockLost, StoreError, StoreFull, StoreRefused
from core.store import keys

_T = TypeVar("_T")
_LONGEST_NUMBER = 16  # digits of a budget
_BUSY_SECONDS = 2.0  # how long to wait for another process's write
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires) WHERE expires IS NOT NULL;
"""
_PUT = (
    "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
_TAKE_LOCK = _PUT + " WHERE expires IS NULL OR expires <= ? OR value = excluded.value RETURNING 1"
_PROLONG = "UPDATE entries SET expires = ? WHERE key = ? AND value = ? AND expires > ? RETURNING 1"
_NEXT = (
    "SELECT key, value, expires - ? FROM entries"
    " WHERE key > ? AND key < ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT 20"
)
_KINDS = {sqlite3.SQLITE_FULL: StoreFull, sqlite3.SQLITE_READONLY: StoreRefused}
_LAST = "\U0010ffff"  # after all other characters of keys
_HOLDS = "SELECT 1 FROM entries WHERE key = ? AND value = ? AND expires > ?"


class SqliteStore:
    """A `Store` in a SQLite file, whose folder is created. One thread with one connection keeps the event loop free.

    Raises `StoreError` if the file cannot be opened or is not a database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._connection: sqlite3.Connection | None = None

    async def get(self, key: str) -> bytes | None:
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        def work(db: sqlite3.Connection) -> list[bytes | None]:
            marks = ",".join("?" * len(keys))
            rows = db.execute(
                f"SELECT key, value FROM entries WHERE key IN ({marks}) AND (expires IS NULL OR expires > ?)",  # noqa: S608
                (*keys, time.time()),
            )
            found = {key: _bytes(value) for key, value in rows.fetchall()}
            return [found.get(key) for key in keys]

        return await self._run(work, "BEGIN")  # in WAL mode readers never wait for writers

    async def digests(self, keys: Sequence[str]) -> list[str]:
        found = await self.get_many(keys)
        return ["" if value is None else sha1(value, usedforsecurity=False).hexdigest() for value in found]

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:
        await self.put_many({key: (value, ttl)})

    async def put_many(self, values: Mapping[str, tuple[bytes, float | None]]) -> None:
        await self._run(lambda db: _write(db, values))

    async def delete(self, key: str) -> None:
        await self._run(lambda db: db.execute("DELETE FROM entries WHERE key = ?", (key,)))

    async def clear(self, prefix: str) -> int:
        end = prefix + _LAST
        return await self._run(
            lambda db: db.execute("DELETE FROM entries WHERE key >= ? AND key < ?", (prefix, end)).rowcount
        )

    async def acquire(self, name: str, token: str, ttl: float) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            now = time.time()
            return db.execute(_TAKE_LOCK, (name, token.encode(), now + ttl, now)).fetchone() is not None

        return await self._run(work)

    async def prolong(self, name: str, token: str, ttl: float) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            now = time.time()
            found = db.execute(_PROLONG, (now + ttl, name, token.encode(), now)).fetchone()
            return found is not None

        return await self._run(work)

    async def commit(
        self, name: str, token: str, values: Mapping[str, tuple[bytes, float | None]], *, release: bool = False
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            if not db.execute(_HOLDS, (name, token.encode(), time.time())).fetchone():
                raise LockLost(f"the lock {name} was lost before its work was written")
            _write(db, values)
            db.execute("DELETE FROM entries WHERE expires <= ?", (time.time(),))
            if release:
                db.execute("DELETE FROM entries WHERE key = ?", (name,))

        await self._run(work)

    async def release(self, name: str, token: str) -> None:
        await self._run(
            lambda db: db.execute("DELETE FROM entries WHERE key = ? AND value = ?", (name, token.encode()))
        )

    async def take(self, name: str, amount: int, limit: int, ttl: float) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            now = time.time()
            row = db.execute("SELECT value, expires FROM entries WHERE key = ? AND expires > ?", (name, now)).fetchone()
            used, expires = (_number(row[0]), row[1]) if row else (0, now + ttl)
            if amount >= 0 and used + amount > limit:
                return False
            db.execute(_PUT, (name, str(max(used + amount, 0)).encode(), expires))
            return True

        return await self._run(work)

    async def entries(self, prefix: str = keys.PREFIX) -> AsyncIterator[tuple[str, bytes, float | None]]:
        last = prefix
        while rows := await self._run(partial(_next_entries, last, prefix + _LAST), "BEGIN"):
            for key, value, left in rows:
                yield key, value, left
            last = rows[-1][0]

    async def close(self) -> None:
        def shut() -> None:
            if self._connection:
                self._connection.close()
                self._connection = None

        await asyncio.get_running_loop().run_in_executor(self._thread, shut)
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], _T], begin: str = "BEGIN IMMEDIATE") -> _T:
        """Run `work` in one transaction, in the store's own thread."""
        try:
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work, begin)
        except RuntimeError as error:  # the thread has ended
            raise StoreError(f"SQLite at {self._path} is closed: {error}") from None
        return await running

    def _transaction(self, work: Callable[[sqlite3.Connection], _T], begin: str) -> _T:
        try:
            db = self._connection = self._connection or _open(self._path)
            db.execute(begin)
            try:
                result = work(db)
            except BaseException:
                if db.in_transaction:  # on a full disk SQLite has ended it
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            kind = _KINDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StoreError)  # without the extended code
            raise kind(f"SQLite at {self._path}: {error}") from error
        return result


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            # While another process creates the file, SQLite reports a lock at once, whatever the time-out
            if "locked" not in str(error) or time.monotonic() > end:
                db.close()
                raise
            time.sleep(0.02)
        except sqlite3.Error:
            db.close()
            raise
        else:
            return db


def _write(db: sqlite3.Connection, values: Mapping[str, tuple[bytes, float | None]]) -> None:
    now = time.time()
    rows = [(key, value, None if ttl is None else now + ttl) for key, (value, ttl) in values.items()]
    db.executemany(_PUT, rows)


def _next_entries(last: str, end: str, db: sqlite3.Connection) -> list[tuple[str, bytes, float | None]]:
    now = time.time()
    rows = db.execute(_NEXT, (now, last, end, now)).fetchall()
    return [(key, _bytes(value), left) for key, value, left in rows]


def _bytes(value: object) -> bytes:
    """Returns a value as it was put; SQLite also keeps text and numbers that other programs write."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _number(value: object) -> int:
    """Returns the count of a budget; what is no number counts as absent."""
    text = _bytes(value)
    return int(text) if text.isdigit() and len(text) <= _LONGEST_NUMBER else 0
