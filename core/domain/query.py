"""The filter grammar: `field operator value`, joined by `&`, all must hold; a comma in a value means any of.

    score>=10&category=cs.DC,cs.LG&title~cache&sort=-score&limit=20

The raw query is split on `&` first and percent-decoded afterwards, so that `score>=10`, `score%3E%3D10`, `score%3E=10`
and `score>%3D10` are one thing: browsers, proxies and clients each encode another part of it. Nothing is ignored
silently: what is not understood raises `QueryError` with the token and what is allowed in its place.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from core.domain.conditions import FIELDS, Condition
from core.domain.errors import QueryError

MAX_LENGTH = 4000  # characters of raw query
MAX_TOKENS = 40
MAX_LIMIT = 500
DEFAULT_LIMIT = 100
DEFAULT_SORT = (("announced", True), ("score", True))
SORTABLE = ("score", "points", "announced", "published", "updated", "upvotes", "title", "id")

_TOKEN = re.compile(r"(?P<name>[a-z_]+)\s*(?P<operator>!=|>=|<=|=|>|<|~)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed request: conditions, order, and which part of the result in which shape.

    `sort` pairs a field with whether it descends. `per_day` None means that the request did not say. `fields` () means
    all. `canonical` is equal for all spellings of one query.
    """

    conditions: tuple[Condition, ...] = ()
    sort: tuple[tuple[str, bool], ...] = DEFAULT_SORT
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    per_day: int | None = None
    fields: tuple[str, ...] = ()

    def names(self, field_name: str) -> bool:
        """Whether the request has a condition on `field_name`."""
        return any(condition.field == field_name for condition in self.conditions)

    @property
    def selection(self) -> str:
        """What decides which entries there are in which order: all but cursor, limit and fields."""
        conditions = sorted([c.field, c.operator, *map(str, c.values)] for c in self.conditions)
        return json.dumps([conditions, self.sort, self.per_day])

    @property
    def canonical(self) -> str:
        """The query in one spelling, for cache keys."""
        return json.dumps([self.selection, self.limit, self.cursor, self.fields])


def parse_query(raw: str, *, entry_fields: tuple[str, ...] = ()) -> Query:
    """Parse a raw, still encoded query string; `entry_fields` are the names that `fields=` may list.

    Raises `QueryError` for the first thing that is not understood.
    """
    if len(raw) > MAX_LENGTH:
        raise QueryError(raw[:60] + "…", f"the query is longer than {MAX_LENGTH} characters")
    tokens = [unquote_plus(token) for token in raw.split("&") if token]
    if len(tokens) > MAX_TOKENS:
        raise QueryError(tokens[MAX_TOKENS], f"more than {MAX_TOKENS} conditions")
    conditions: list[Condition] = []
    parameters: dict[str, str] = {}
    for token in tokens:
        if not (match := _TOKEN.fullmatch(token.strip())):
            raise QueryError(token, "is not of the form field, operator, value", (*FIELDS, *PARAMETERS))
        name, operator, value = match["name"], match["operator"], match["value"].strip()
        if name in PARAMETERS:
            if operator != "=" or name in parameters:
                raise QueryError(token, f"{name} takes one value, once", (f"{name}=",))
            parameters[name] = value
        else:
            conditions.append(_condition(token, name, operator, value))
    read = {name: PARAMETERS[name](f"{name}={value}", value, entry_fields) for name, value in parameters.items()}
    return Query(conditions=tuple(conditions), **read)


def _condition(token: str, name: str, operator: str, value: str) -> Condition:
    if name not in FIELDS:
        raise QueryError(token, f"there is no field {name!r}", (*FIELDS, *PARAMETERS))
    kind = FIELDS[name].kind
    if operator not in kind.operators:
        raise QueryError(token, f"{name} does not have the operator {operator}", kind.operators)
    try:
        values = tuple(kind.parse(part.strip()) for part in value.split(","))
    except ValueError as error:
        raise QueryError(token, str(error), FIELDS[name].allowed) from None
    if FIELDS[name].choices and (wrong := [v for v in values if v not in FIELDS[name].choices]):
        raise QueryError(token, f"{wrong[0]!r} is not a value of {name}", FIELDS[name].choices)
    return Condition(name, operator, values)


def _read_sort(token: str, value: str, _: tuple[str, ...]) -> tuple[tuple[str, bool], ...]:
    keys = tuple((part.strip().removeprefix("-"), part.strip().startswith("-")) for part in value.split(","))
    if any(name not in SORTABLE for name, _ in keys):
        raise QueryError(token, "is not an order", tuple(s for name in SORTABLE for s in (name, f"-{name}")))
    if len({name for name, _ in keys}) < len(keys):
        raise QueryError(token, "names a field twice")
    return keys


def _read_count(lowest: int, highest: int) -> Callable[[str, str, tuple[str, ...]], int]:
    def read(token: str, value: str, _: tuple[str, ...]) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 7 and lowest <= int(value) <= highest):
            raise QueryError(token, f"is not a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _read_fields(token: str, value: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(","))
    if not known:
        raise QueryError(token, "feeds have their own fields; `fields` is for /api/papers")
    if wrong := [name for name in names if name not in known]:
        raise QueryError(token, f"an entry has no field {wrong[0]!r}", known)
    return names


# What is not a condition: name → how its value is read
PARAMETERS: dict[str, Callable[[str, str, tuple[str, ...]], Any]] = {
    "sort": _read_sort,
    "limit": _read_count(1, MAX_LIMIT),
    "per_day": _read_count(1, MAX_LIMIT),
    "cursor": lambda _token, value, _known: value,
    "fields": _read_fields,
}
