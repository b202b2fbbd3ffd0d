"""Dumps: a whole store as a file of JSON lines, one for each value, with a head and an end. Any store can import it.

The end holds the number of values, so that a truncated file is detected before anything is written.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any

from core.model.errors import StoreError
from core.store import keys
from core.store.base import Store, holding

VERSION = 1
SLICE_BYTES = 2_000_000  # of values, written in one round trip
Value = tuple[bytes, float | None]
Count = Callable[[int], None]


async def export_store(store: Store, now: float) -> AsyncIterator[str]:
    """Yields the lines of a dump made at `now` (Unix time), without the locks and gates of running processes."""
    yield _line({"paperwire": "store", "version": VERSION, "made": now})
    count = 0
    async for key, value, left in store.entries():
        if not key.startswith(keys.PASSING):
            count += 1
            yield _line({"key": key} | _to_plain(value) | ({} if left is None else {"expires": now + left}))
    yield _line({"end": count})


async def import_store(store: Store, values: Mapping[str, Value], imported: Count = lambda _: None) -> None:
    """Write the values of a dump; other keys stay as they are. The manifest, which names the other values, comes last.

    `imported` receives the number of values written so far. Raises `StoreError`, also if a refresh is running; nothing
    is written then.
    """
    async with holding(store, keys.REFRESH_LOCK) as lock:
        if lock is None:
            raise StoreError("a refresh is running; try again when it is done")
        done = 0
        for part in _slices((key, value) for key, value in values.items() if key != keys.MANIFEST):
            await store.put_many(part)
            done += len(part)
            imported(done)
        await lock.commit({key: value for key, value in values.items() if key == keys.MANIFEST}, release=True)
        imported(len(values))


def read_dump(lines: Iterable[str], now: float) -> dict[str, Value]:
    """Parse a whole dump. Returns the values with their remaining seconds at `now`, without expired ones.

    Raises `ValueError` that names the line, for anything that `export_store` does not write.
    """
    values: dict[str, Value] = {}
    rows = _rows(lines)
    number, head = next(rows, (1, {}))
    if head.get("paperwire") != "store":
        raise ValueError("line 1: this is not a dump of a store")
    if head.get("version") != VERSION:
        raise ValueError(
            f"line 1: version {head.get('version')!r} of the format is unknown; use the Paperwire that wrote it"
        )
    for number, row in rows:
        if "end" in row:
            if row["end"] != number - 2:  # without this line and the head
                raise ValueError(f"line {number}: there are {number - 2} values where there were {row['end']}")
            return values
        try:
            key, value, expires = row["key"], _from_plain(row), row.get("expires")
            left = None if expires is None else expires - now
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number}: not a value of a store: {error!r}") from error
        if not isinstance(key, str) or not key.startswith(keys.PREFIX):
            raise ValueError(f"line {number}: {key!r} is no key of this version")
        if left is None or left > 0:
            values[key] = (value, left)
    raise ValueError(f"it ends after line {number} without an end line: it was cut off")


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number}: not a JSON object")
        yield number, row


def _slices(items: Iterable[tuple[str, Value]]) -> Iterator[dict[str, Value]]:
    part: dict[str, Value] = {}
    size = 0
    for key, value in items:
        if part and size + len(value[0]) > SLICE_BYTES:
            yield part
            part, size = {}, 0
        part[key] = value
        size += len(value[0])
    if part:
        yield part


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row) + "\n"


def _to_plain(value: bytes) -> dict[str, str]:
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _from_plain(row: Mapping[str, Any]) -> bytes:
    return b64decode(row["base64"], validate=True) if "base64" in row else str(row["text"]).encode()
