"""A store that is robbed: its kinds of keys, and how a value of one is deleted, damaged or cut short from outside."""

import inspect
import random
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from core.store import keys
from core.store.codec import encode
from tests.support.stores import redis_server

# Every kind of key, and what comes of it when its value is gone. "restored": it has a copy; "made": it is made or
# fetched again; "passing": it lives for seconds; "lost": it cannot be made again, and nothing else depends on it.
KINDS: Mapping[str, str] = {
    "MANIFEST": "restored", "SAVED": "restored", "REVIEWS": "restored",
    "batch": "restored", "ledger": "restored", "analysis": "restored",
    "scores": "made", "entries": "made", "index": "made", "month": "made", "texts": "made",
    "rendered": "made", "custom": "made", "window": "made", "ASKED": "made",
    "BACKOFF": "made", "CHAIN": "made", "FAILURE": "made", "card": "made", "summary": "made", "endpoint": "made",
    "REFRESH_LOCK": "passing", "CATCH_UP_LOCK": "passing", "ARXIV_GATE": "passing",
    "SITE_GATE": "passing", "SAVED_LOCK": "passing",
    "REVIEWS_LOCK": "passing", "USAGE_LOCK": "passing", "PROBE": "passing", "review_lock": "passing",
    "summary_lock": "passing",
    "SAVED_HISTORY": "lost", "review": "lost", "usage": "lost", "usage_counter": "lost", "llm_budget": "lost",
    "STRANGERS_BUDGET": "lost",
    "LEARNED": "restored", "feed_votes": "restored", "model": "restored",
    "OWNER_MARKS": "restored", "READING_LIST": "restored", "SESSIONS": "lost", "MARKS_LOCK": "passing",
    "votes_before": "lost", "library_turn": "made", "VOTES_LOCK": "passing",
    "delivered": "restored", "delivery_lock": "passing",
    "copy": "restored",
}  # fmt: skip
MODES = ("delete", "damage", "cut")
_SAMPLES: Mapping[Any, Any] = {date: (date(2026, 1, 12), date(2031, 2, 3)), float: (1.0, 2.5), str: ("x", "y")}


@cache
def kinds_of_keys() -> dict[str, str]:
    """The kinds of keys that the project has, as a pattern each: where values vary, it has a star."""
    found = {}
    for name, value in vars(keys).items():
        if isinstance(value, str) and value.startswith(keys.PREFIX) and not value.endswith(":"):
            found[name] = value
        elif inspect.isfunction(value) and value.__module__ == keys.__name__:
            found[name] = _prefix_of(value)
    return found


def some_key(kind: str) -> str:
    """A key of a kind that may be stored at some time."""
    value = getattr(keys, kind)
    return value if isinstance(value, str) else _call(value, 0)


def _call(function: Callable[..., str], at: int) -> str:
    parameters = inspect.signature(function).parameters.values()
    needed = [parameter.annotation for parameter in parameters if parameter.default is parameter.empty]
    return function(*(_SAMPLES[kind][at] for kind in needed))


def _prefix_of(function: Callable[..., str]) -> str:
    """What all keys of a function begin with."""
    one, another = _call(function, 0), _call(function, 1)
    same = next(at for at, (a, b) in enumerate(zip(one, another, strict=False)) if a != b)
    return one[:same].rpartition(":")[0] + ":"


@cache
def kind_of(key: str) -> str:
    """The kind of a stored key: the one with the longest prefix that fits, "" for none."""
    fitting = [
        (len(prefix), name)
        for name, prefix in kinds_of_keys().items()
        if key == prefix or (prefix.endswith(":") and key.startswith(prefix))
    ]
    name = max(fitting, default=(0, ""))[1]
    if name == "usage" and key.count(":") > 2:
        return "usage_counter"
    if name in ("feed_votes", "votes_before"):
        return "votes_before" if key.endswith(":before") else "feed_votes"
    return name


@dataclass
class Robber:
    """Somebody with access to the database of a wire. `took` counts what was done, by kind and mode."""

    random: random.Random
    took: dict[tuple[str, str], int] = field(default_factory=dict)

    def names(self) -> list[str]:
        """All keys."""
        raise NotImplementedError

    def read(self, key: str) -> bytes:
        """The value as it is stored."""
        raise NotImplementedError

    def write(self, key: str, value: bytes) -> None:
        """Replace the value, without an expiry."""
        raise NotImplementedError

    def delete(self, key: str) -> None:
        """Remove the key."""
        raise NotImplementedError

    def spoil(self, key: str) -> None:
        """Put something of another type under the key, if the database has types."""
        self.write(key, b"")

    def rob(self, wanted: Iterable[tuple[str, str]], since: Iterable[str] = ()) -> set[str]:
        """Do each of `wanted`, a kind and a mode, to a random key of that kind. A value and its copy are not both
        robbed, also not if one of them was, `since` the last refresh. Returns the robbed keys.
        """
        by_kind: dict[str, list[str]] = {}
        for key in self.names():
            by_kind.setdefault(kind_of(key), []).append(key)
        robbed: set[str] = set()
        for kind, mode in wanted:
            gone = robbed | set(since)
            safe = gone | {keys.copy(key) for key in gone}
            left = [key for key in by_kind.get(kind, []) if key not in safe and keys.copy(key) not in gone]
            key = self.random.choice(left) if left else some_key(kind)
            if not left and (key in safe or keys.copy(key) in gone):
                continue
            self.take(key, mode)
            robbed.add(key)
            self.took[kind, mode] = self.took.get((kind, mode), 0) + 1
        return robbed

    def take(self, key: str, mode: str) -> None:
        """Delete, damage or cut short one value."""
        value = self.read(key)
        at = self.random.randrange(len(value)) if value else 0
        if mode == "delete":
            self.delete(key)
        elif mode == "cut":
            self.write(key, value[:at])
        else:
            self._damage(key, value, at)

    def _damage(self, key: str, value: bytes, at: int) -> None:
        others = [name for name in self.names() if kind_of(name) != kind_of(key) and not name.startswith(keys.PASSING)]
        ways: list[Callable[[], None]] = [
            lambda: self.write(key, value[:at] + b"~" + value[at + 1 :] if value[at : at + 1] != b"~" else b"!"),
            lambda: self.write(key, self.random.choice([b"nonsense", b"\xff\xfe", b"", b"b64:?", b"z", b"-1"])),
            lambda: self.write(key, encode(self.random.choice([None, [], {}, 0, "x", [[1, 2]], {"a": {"b": [1]}}]))),
            lambda: self.write(key, self.read(self.random.choice(others)) if others else b"x"),
            lambda: self.spoil(key),
        ]
        self.random.choice(ways)()


@dataclass
class SqliteRobber(Robber):
    """The same with a SQLite file."""

    path: Path = Path()

    def names(self) -> list[str]:
        return sorted(key for (key,) in self._do("SELECT key FROM entries"))

    def read(self, key: str) -> bytes:
        rows = self._do("SELECT value FROM entries WHERE key = ?", key)
        return bytes(rows[0][0]) if rows and isinstance(rows[0][0], bytes) else b""

    def write(self, key: str, value: bytes) -> None:
        self._do("INSERT OR REPLACE INTO entries VALUES (?, ?, NULL)", key, value)

    def delete(self, key: str) -> None:
        self._do("DELETE FROM entries WHERE key = ?", key)

    def spoil(self, key: str) -> None:
        self._do("INSERT OR REPLACE INTO entries VALUES (?, ?, NULL)", key, self.random.choice([5, "text"]))

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
            return db.execute(statement, values).fetchall()


@dataclass
class RedisRobber(Robber):
    """The same with a database of the Redis server."""

    database: int = 0

    def names(self) -> list[str]:
        return sorted(key.decode() for key in self._do("KEYS", "*") if kind_of(key.decode()))

    def read(self, key: str) -> bytes:
        return b"" if self._do("TYPE", key) != b"string" else self._do("GET", key) or b""

    def write(self, key: str, value: bytes) -> None:
        self._do("SET", key, value)

    def delete(self, key: str) -> None:
        self._do("DEL", key)

    def spoil(self, key: str) -> None:
        self._do("DEL", key)
        self._do("RPUSH", key, "x")

    def _do(self, *command: str | bytes) -> Any:
        return redis_server().command(*command, database=self.database)
