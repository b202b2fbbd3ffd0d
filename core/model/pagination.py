"""One page of a query's result: its order, and cursors that survive new batches."""

import base64
import binascii
import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from core.model.errors import QueryError
from core.model.feed import Entry
from core.model.paper import newest_first
from core.model.query import FIELDS, Query
from core.util.signing import fingerprint

_TIES = 6  # values that decide between entries of equal rank
_OWN: dict[str, Any] = {
    "id": attrgetter("id"),
    "standing": attrgetter("standing"),
    "title": attrgetter("paper.title"),
}
_NO_CURSOR = "is no cursor of this service as it is now: leave it out, and begin with the first page again"


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in order, how many there are on all pages together, and the cursor of the next page or ""."""

    entries: tuple[Entry, ...]
    total: int
    next: str


def paginate(found: list[Entry], query: Query) -> Page:
    """Rank and cut the entries that were `found` for `query` (see `core.model.entries.choose`).

    A cursor holds the place of the last entry in the order, not a number, so that a batch that arrives between two
    requests neither repeats nor hides an entry of the rest. Raises `QueryError` for a cursor of another query.
    """
    return cut_page(ranked(found, query), query)


def cut_page(found: list[Entry], query: Query) -> Page:
    """Cut entries that are in the order of the query already; see `paginate`."""
    rest = found
    if query.cursor:
        place = _read_cursor(query)
        try:
            rest = [entry for entry in found if _is_after(_place(entry, query), place, query)]
        except TypeError:
            raise QueryError(f"cursor={query.cursor}", _NO_CURSOR) from None
    shown = tuple(rest[: query.limit])
    more = len(rest) > len(shown)
    return Page(shown, len(found), _write_cursor(_place(shown[-1], query), query) if more else "")


def ranked(entries: list[Entry], query: Query) -> list[Entry]:
    """`entries` in the order of `query.sort`, missing values last.

    Ties: what speaks of the keywords more often, then newer first, then by id.
    """
    out = sorted(entries, key=lambda e: (-e.mentions, -e.announced.toordinal(), *newest_first(e.paper), e.feed))
    for name, descending in reversed(query.sort):
        values = list(map(_getter(name), out))
        present = [at for at, value in enumerate(values) if value is not None]
        missing = [out[at] for at, value in enumerate(values) if value is None] if len(present) < len(out) else []
        out = [out[at] for at in sorted(present, key=values.__getitem__, reverse=descending)] + missing
    return out


def _getter(name: str) -> Any:
    return _OWN[name] if name in _OWN else FIELDS[name].get


def _place(entry: Entry, query: Query) -> list[Any]:
    values = [_getter(name)(entry) for name, _ in query.sort]
    plain = [value if value is None or isinstance(value, (int, float, str)) else value.isoformat() for value in values]
    month, identifier, version = newest_first(entry.paper)
    return [*plain, -entry.mentions, -entry.announced.toordinal(), month, identifier, version, entry.feed]


def _is_after(place: list[Any], last: list[Any], query: Query) -> bool:
    orders = [*(down for _, down in query.sort), *[False] * _TIES]
    for value, other, descending in zip(place, last, orders, strict=True):
        if value == other:
            continue
        if value is None or other is None:
            return value is None
        return bool(value < other if descending else value > other)
    return False


def _write_cursor(place: list[Any], query: Query) -> str:
    plain = json.dumps([fingerprint(query.selection), place], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _read_cursor(query: Query) -> list[Any]:
    token = f"cursor={query.cursor}"
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        of, place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise QueryError(token, _NO_CURSOR) from None
    if of != fingerprint(query.selection):
        raise QueryError(token, "belongs to another query: leave it out, or repeat the query that gave it")
    if not isinstance(place, list) or len(place) != len(query.sort) + _TIES:
        raise QueryError(token, _NO_CURSOR)
    return place
