"""A store on Redis commands, whatever their transport: the common part of `core.store.upstash` and `core.store.redis`.

Values are written as text, because Upstash's REST protocol carries only text, and the same database may be used over
REST and by URL.
"""

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from core.model.errors import LockLost, StoreError, StoreFull, StoreRefused
from core.store import keys

log = logging.getLogger("paperwire")

T = TypeVar("T")
Command = tuple[str | int, ...]
_Values = Mapping[str, tuple[bytes, float | None]]

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
_REPEATED_SECONDS = 60  # how long a commit that released its lock is remembered, in case it is sent twice
_SCAN = 500
_DUMP = 20  # values a round trip; each may be a megabyte
_DIGESTED = 100  # values a script: the server holds them in memory meanwhile
_MARK = "b64:"
_GLOB = re.compile(r"[*?\[\]\\^-]")  # what has a meaning in the patterns of SCAN

# Values are read with MGET: it has nothing for a key of another type, where GET fails
# KEYS: lock · ARGV: token, milliseconds. A lock without an expiry is none of Paperwire's: nobody would release it
_ACQUIRE = """
local holder = redis.call('MGET', KEYS[1])[1]
if holder and holder ~= ARGV[1] and redis.call('PTTL', KEYS[1]) >= 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1"""
_PROLONG = """
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])"""
_RELEASE = """
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])"""
# KEYS: lock, note of a finished commit, keys · ARGV: token, release, repeated, then value and milliseconds of each key
_COMMIT = """
if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then
  if ARGV[3] == '1' then return redis.call('EXISTS', KEYS[2]) end
  return 0
end
for i = 3, #KEYS do
  local value, ttl = ARGV[i * 2 - 2], ARGV[i * 2 - 1]
  if ttl == '0' then redis.call('SET', KEYS[i], value) else redis.call('SET', KEYS[i], value, 'PX', ttl) end
end
if ARGV[2] ~= '0' then
  redis.call('SET', KEYS[2], 1, 'EX', ARGV[2])
  redis.call('DEL', KEYS[1])
end
return 1"""
# KEYS: counter · ARGV: amount, limit, milliseconds. What is no number counts as absent
_TAKE = """
local found, amount = redis.call('MGET', KEYS[1])[1] or '', tonumber(ARGV[1])
local used = string.match(found, '^%d+$') and #found <= 16 and tonumber(found)
if not used then
  if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DEL', KEYS[1]) end
  used = 0
end
if amount < -used then amount = 0 - used end
if amount >= 0 and used + amount > tonumber(ARGV[2]) then return 0 end
redis.call('INCRBY', KEYS[1], amount)
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1"""
_READ = """
local found, values = {}, redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do found[i] = {values[i], redis.call('PTTL', key)} end
return found"""
# A server without the function says the lengths, which at least shows what is truncated
_DIGESTS = """
local found = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local known, digest = pcall(redis.sha1hex, found[i] or '')
  found[i] = found[i] and (known and digest or tostring(#found[i])) or ''
end
return found"""

# Remedies, by the server's message
_IS_FULL = "the database is full"
_MENDS = (
    ("has no permissions", "this token or user may only read; give the one that may write"),
    ("read only replica", "this server is a replica that may only be read; give the address of the primary"),
    ("used memory > 'maxmemory'", f"{_IS_FULL}; remove keys, let it evict, or take a larger one"),
    ("max database size", f"{_IS_FULL}; remove keys, or take a larger one"),
    ("capacity quota", f"{_IS_FULL}; remove keys, or take a larger one"),
    ("max daily request", "the plan's requests are used up; wait, or take a larger one"),
    ("max requests limit", "the plan's requests are used up; wait, or take a larger one"),
    ("max request size", "the plan takes no requests of this size; take a larger one, or fewer categories"),
    ("max record size", "the plan keeps no values of this size; take a larger one, or fewer categories"),
    ("WRONGPASS", "the token or password is refused; copy it again"),
    ("invalid username-password pair", "the password is refused; copy it again"),
    ("Authentication required", "a password is needed; it belongs into the URL"),
    ("Unauthorized", "the token is refused; copy it again"),
    ("status 401", "the token is refused; copy it again"),
)


class CommandStore(ABC):
    """A `Store` on a server with Redis commands and Lua scripts. Subclasses send the commands."""

    def __init__(self, name: str, *, connect_seconds: float, read_seconds: float) -> None:
        self._name = name
        self._seconds = connect_seconds + read_seconds

    async def get(self, key: str) -> bytes | None:
        """See `Store`, as for all methods of it."""
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._ask(partial(_texts, len(keys)), "MGET", *keys) if keys else []

    async def digests(self, keys: Sequence[str]) -> list[str]:
        parts = [keys[start : start + _DIGESTED] for start in range(0, len(keys), _DIGESTED)]
        commands: list[Command] = [("EVAL", _DIGESTS, len(part), *part) for part in parts]
        found = await self._call(_names, commands) if commands else []
        return [digest for part in found for digest in part]

    async def put(self, key: str, value: bytes, ttl: float | None = None) -> None:
        await self._ask(_ok, *_set(key, value, ttl))

    async def put_many(self, values: _Values) -> None:
        if values:
            await self._call(_ok, [_set(key, value, ttl) for key, (value, ttl) in values.items()])

    async def delete(self, key: str) -> None:
        await self._ask(_flag, "DEL", key)

    async def clear(self, prefix: str) -> int:
        count = 0
        async for names in self._scan(prefix):
            count += await self._ask(_count, "DEL", *names)
        return count

    async def acquire(self, name: str, token: str, ttl: float) -> bool:
        return await self._ask(_flag, "EVAL", _ACQUIRE, 1, name, token, _milliseconds(ttl))

    async def prolong(self, name: str, token: str, ttl: float) -> bool:
        return await self._ask(_flag, "EVAL", _PROLONG, 1, name, token, _milliseconds(ttl))

    async def commit(self, name: str, token: str, values: _Values, *, release: bool = False) -> None:
        names = (name, f"{name}:{token}", *values)
        head: Command = ("EVAL", _COMMIT, len(names), *names, token, _REPEATED_SECONDS if release else 0)
        tail: Command = tuple(part for value, ttl in values.values() for part in (_to_text(value), _milliseconds(ttl)))
        # The lock may be gone because this commit has released it, and only its answer was lost
        (done,) = await self._call(_flag, [(*head, 0, *tail)], repeat=[(*head, 1, *tail)])
        if not done:
            raise LockLost(f"the lock {name} was lost before its work was written")

    async def release(self, name: str, token: str) -> None:
        await self._ask(_flag, "EVAL", _RELEASE, 1, name, token)

    async def take(self, name: str, amount: int, limit: int, ttl: float) -> bool:
        # Sent once only: if the answer is lost, counting twice would be worse than an error
        command: Command = ("EVAL", _TAKE, 1, name, amount, limit, _milliseconds(ttl))
        return (await self._call(_flag, [command], repeat=None))[0]

    async def entries(self, prefix: str = keys.PREFIX) -> AsyncIterator[tuple[str, bytes, float | None]]:
        async for found in self._scan(prefix):
            for start in range(0, len(found), _DUMP):
                names = found[start : start + _DUMP]
                rows = await self._ask(partial(_rows, len(names)), "EVAL", _READ, len(names), *names)
                for key, (value, left) in zip(names, rows, strict=True):
                    if value is not None:
                        yield key, value, left / 1000 if left >= 0 else None

    async def _scan(self, prefix: str) -> AsyncIterator[list[str]]:
        """Yields the keys that begin with `prefix`, some at a time, none of them empty."""
        cursor, seen, pattern = "0", set[str](), _GLOB.sub(r"\\\g<0>", prefix) + "*"
        while True:
            cursor, found = await self._ask(_scanned, "SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN)
            new = [key for key in dict.fromkeys(found) if key not in seen]  # SCAN may name a key twice
            seen.update(new)
            if new:
                yield new
            if cursor == "0":
                return

    @abstractmethod
    async def close(self) -> None:
        """See `Store`."""

    @abstractmethod
    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        """Send `commands` in one round trip and return the answers. Raises the client's own errors."""

    @abstractmethod
    def _is_lost(self, error: Exception) -> bool:
        """Returns whether the connection broke, so that the outcome of the command is unknown."""

    async def _ask(self, read: Callable[[Any], T], *command: str | int) -> T:
        """Send a command that may be repeated. Returns the answer as `read` converts it."""
        return (await self._call(read, [command]))[0]

    async def _call(
        self, read: Callable[[Any], T], commands: Sequence[Command], *, repeat: Sequence[Command] | None = ()
    ) -> list[T]:
        """Send `commands`. Returns each answer as `read` converts it; `read` raises for an unexpected answer.

        If the connection breaks, `repeat` is sent: by default the same commands, with None nothing. All errors of the
        clients become `StoreError`, with cause and remedy.
        """
        what = str(commands[0][0]) if len(commands) == 1 else f"{len(commands)} commands"
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    answers = await self._send(commands)
                except Exception as error:
                    if repeat is None or not self._is_lost(error):
                        raise
                    answers = await self._send(repeat or commands)
            if len(answers) != len(commands):
                raise ValueError("another number of answers than of commands")
            return [read(answer) for answer in answers]
        except TimeoutError:
            raise StoreError(f"{self._name}: {what}: no answer within {self._seconds:g} s") from None
        except Exception as error:
            # Clients raise their own errors, and AttributeError or KeyError for unexpected answers
            mend = _mend_of(error)
            kind = StoreFull if mend.startswith(_IS_FULL) else StoreRefused if mend else StoreError
            raise kind(f"{self._name}: {what}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    said = f"{error}".strip() or "no more is known"
    mend = _mend_of(error)
    return f"{type(error).__name__}: {said[:300]}" + (f" ({mend})" if mend else "")


def _mend_of(error: Exception) -> str:
    said = f"{error}".lower()
    return next((mend for mark, mend in _MENDS if mark.lower() in said), "")


def _set(key: str, value: bytes, ttl: float | None) -> Command:
    return ("SET", key, _to_text(value)) + (() if ttl is None else ("PX", _milliseconds(ttl)))


def _milliseconds(ttl: float | None) -> int:
    return 0 if ttl is None else max(int(ttl * 1000), 1)


def _to_text(value: bytes) -> str:
    """Returns UTF-8 unchanged, and everything else as base64 after a mark."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _MARK + b64encode(value).decode()
    return text if not text.startswith(_MARK) else _MARK + b64encode(value).decode()


def _text(answer: Any) -> bytes | None:
    """The inverse of `_to_text`; None stands for an absent key."""
    if answer is None:
        return None
    if not isinstance(answer, str):
        raise _odd(answer)
    try:
        return b64decode(answer[len(_MARK) :], validate=True) if answer.startswith(_MARK) else answer.encode()
    except ValueError:  # not written by Paperwire: decoding it raises later, and the other values can be read
        return answer.encode("utf-8", "replace")


def _texts(count: int, answer: Any) -> list[bytes | None]:
    if not isinstance(answer, list) or len(answer) != count:
        raise _odd(answer)
    return [_text(one) for one in answer]


def _rows(count: int, answer: Any) -> list[tuple[bytes | None, int]]:
    if not isinstance(answer, list) or len(answer) != count:
        raise _odd(answer)
    return [(_text(text), int(left)) for text, left in answer]


def _names(answer: Any) -> list[str]:
    if not isinstance(answer, list) or not all(isinstance(one, str) for one in answer):
        raise _odd(answer)
    return answer


def _scanned(answer: Any) -> tuple[str, list[str]]:
    cursor, found = answer
    if not isinstance(found, list):
        raise _odd(answer)
    return str(cursor), found


def _flag(answer: Any) -> bool:
    if type(answer) is not int or answer not in (0, 1):
        raise _odd(answer)
    return answer == 1


def _count(answer: Any) -> int:
    if type(answer) is not int:
        raise _odd(answer)
    return answer


def _ok(answer: Any) -> None:
    if answer != "OK" and answer is not True:  # redis-py says True
        raise _odd(answer)


def _odd(answer: Any) -> ValueError:
    return ValueError(f"an unexpected answer: {str(answer)[:80]!r}")
