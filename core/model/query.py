"""The filter grammar: `field operator value`, joined by `&`, all must hold; a comma in a value means any of.

    score>=10&category=cs.DC,cs.LG&title~cache&sort=-score&limit=20

Fields and operators are two tables. Parameters that have one of a few values, as those of digests and reviews, are read
by `read_options`.

The raw query is split on `&` first and percent-decoded afterwards, so that `score>=10`, `score%3E%3D10`, `score%3E=10`
and `score>%3D10` are one thing: browsers, proxies and clients each encode another part of it. Nothing is ignored
silently: what is not understood raises `QueryError` with the token and what is allowed in its place.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from itertools import compress, repeat
from typing import Any
from urllib.parse import unquote_plus

from core.model.batch import ANNOUNCE_TYPES
from core.model.categories import CATEGORIES, find_category, listed
from core.model.errors import QueryError
from core.model.feed import Entry
from core.model.lazy import LazyDay, LazyPaper
from core.model.paper import parse_id
from core.model.rubric import BANDS
from core.model.sources import find_preprint_category
from core.text.fold import fold


def read_options(raw: str, allowed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Read a query string of which only the names in `allowed` are known, with the values there.

    Raises `QueryError` for all else.
    """
    found: dict[str, str] = {}
    for token in (unquote_plus(part) for part in raw.split("&") if part):
        name, equals, value = (part.strip() for part in token.partition("="))
        if not equals or name not in allowed:
            raise QueryError(token, "there is no such parameter here", tuple(allowed))
        if name in found:
            raise QueryError(token, f"{name} is there twice", ())
        if value not in allowed[name]:
            raise QueryError(token, f"{value!r} is no {name.replace('_', ' ')}", tuple(allowed[name]))
        found[name] = value
    return found


Predicate = Callable[[Entry], bool]
ORDERED = ("=", "!=", ">=", ">", "<=", "<")
NAMED = ("=", "!=")
TEXTUAL = ("=", "!=", "~")
# a summary that is ready, code that arXiv's record or the analysis names, an analysis of the full text (PDF or HTML)
HAS = ("summary", "code", "pdf-analysis")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its operators, how it is read from text (`ValueError` if it is not one), what "=" means."""

    operators: tuple[str, ...]
    parse: Callable[[str], Any]
    equal: Callable[[Any, Any], bool] = operator.eq
    cost: int = 0  # cheap conditions are tried first


@dataclass(frozen=True, slots=True)
class Field:
    """A filterable field: its kind, how to get its value or values from an entry, its only values if they are few."""

    kind: Kind
    get: Callable[[Entry], Any]
    about: str
    many: bool = False
    plain: bool = False  # every entry has just one value, and operators mean what Python's do
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """What to show to someone who sent another value."""
        return self.choices or (self.about,)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query; it holds for an entry if it holds for any of `values` ("!=": for all of them)."""

    field: str
    operator: str
    values: tuple[Any, ...]

    @property
    def token(self) -> str:
        """The condition as one would write it."""
        return f"{self.field}{self.operator}{','.join(map(str, self.values))}"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date such as 2025-12-30") from None


def _text(text: str) -> str:
    if not text:
        raise ValueError("the value is empty")
    return text


def _category(text: str) -> str:
    if not (name := find_category(text) or find_preprint_category(text)):
        near = ", ".join(get_close_matches(text, CATEGORIES, 3, 0.5))
        raise ValueError(f"{text!r} is not an archive or category of arXiv" + (f"; near it: {near}" if near else ""))
    return name


def _identifier(text: str) -> str:
    return str(parse_id(text))


def _has(entry: Entry) -> tuple[str, ...]:
    card, summary = entry.scorecard, entry.summary
    found = {
        "summary": summary is not None and summary.state == "ready",
        "code": bool(entry.paper.has_code or (card and card.code)),
        "pdf-analysis": card is not None and card.stage == "analysed" and card.input != "abstract",
    }
    return tuple(name for name, present in found.items() if present)


NUMBER = Kind(ORDERED, _number)
DATE = Kind(ORDERED, _date)
CHOICE = Kind(NAMED, _text)
CATEGORY = Kind(NAMED, _category, lambda have, wanted: listed(have, (wanted,)), cost=1)
IDENTIFIER = Kind(NAMED, _identifier, lambda paper, wanted: wanted in (paper.id, paper.versioned), cost=1)
TEXT = Kind(TEXTUAL, _text, lambda have, wanted: have == fold(wanted), cost=2)  # of folded texts

FIELDS: dict[str, Field] = {
    "score": Field(
        NUMBER, operator.attrgetter("score"), "a number: points of the feed's keywords, and learned ones", plain=True
    ),
    "words": Field(NUMBER, operator.attrgetter("words"), "a number: points of the feed's keywords alone", plain=True),
    "learned": Field(NUMBER, operator.attrgetter("learned"), "a number: points learned from votes", plain=True),
    "vote": Field(NUMBER, operator.attrgetter("vote"), "1 for a like, -1 for a dislike, 0 for none", plain=True),
    "points": Field(NUMBER, operator.attrgetter("points"), "a number: points of the feed's rubric"),
    "band": Field(CHOICE, operator.attrgetter("band"), "the band of the feed's rubric", choices=BANDS),
    "announced": Field(
        DATE, operator.attrgetter("announced"), "a date: when arXiv announced it, US Eastern", plain=True
    ),
    "published": Field(DATE, lambda e: e.paper.published_on, "a date: of version 1"),
    "updated": Field(DATE, lambda e: e.paper.updated_on, "a date: of this version"),
    "category": Field(CATEGORY, lambda e: e.paper.categories, "a category or archive, such as cs.DC or cs", many=True),
    "primary": Field(CATEGORY, lambda e: e.paper.primary, "the primary category or its archive"),
    "type": Field(CHOICE, operator.attrgetter("type"), "the announce type", plain=True, choices=ANNOUNCE_TYPES),
    "author": Field(TEXT, lambda e: e.paper.folded_authors, "a name, or with ~ a part of one", many=True),
    "title": Field(TEXT, lambda e: e.paper.folded_title, "a title, or with ~ a part of one"),
    "text": Field(TEXT, lambda e: e.paper.folded_text, "with ~ a part of title or abstract"),
    "keyword": Field(TEXT, lambda e: map(fold, e.matched), "a keyword of the feed that was found", many=True),
    "upvotes": Field(NUMBER, operator.attrgetter("upvotes"), "a number: upvotes on Hugging Face"),
    "has": Field(CHOICE, _has, "what the entry comes with", many=True, choices=HAS),
    "feed": Field(CHOICE, operator.attrgetter("feed"), "the name of a feed", plain=True),
    "id": Field(IDENTIFIER, lambda e: e.paper, "an arXiv identifier, with or without version, or a DOI"),
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "~": lambda have, wanted: wanted in have,
}


def predicate(condition: Condition) -> Predicate:
    """The condition as a function. An entry without a value meets no condition but "!="."""
    spec, values = FIELDS[condition.field], condition.values
    if condition.operator == "!=":
        holds = predicate(Condition(condition.field, "=", values))
        return lambda entry: not holds(entry)
    get = spec.get
    compare = spec.kind.equal if condition.operator == "=" else COMPARISONS[condition.operator]
    wanted = tuple(map(fold, values)) if condition.operator == "~" else values
    if len(wanted) == 1 and not spec.many:
        (value,) = wanted
        return lambda entry: (have := get(entry)) is not None and compare(have, value)
    if spec.many:
        return lambda entry: any(compare(have, value) for have in get(entry) for value in wanted)
    return lambda entry: (have := get(entry)) is not None and any(compare(have, value) for value in wanted)


def _select_texts(condition: Condition, entries: Iterable[Entry]) -> list[Entry]:
    """The entries that meet a condition on texts: it looks through each day once, where their entries have no texts."""
    usual, holding, whole = predicate(condition), condition.operator != "!=", condition.operator != "~"
    of_days: dict[LazyDay, frozenset[str]] = {}
    out = []
    for entry in entries:
        paper = entry.paper
        if not isinstance(paper, LazyPaper):
            if usual(entry):
                out.append(entry)
            continue
        if (found := of_days.get(paper.day)) is None:
            texts = paper.day.texts_with(paper.versioned)
            found = of_days[paper.day] = texts.containing(condition.field, condition.values, whole=whole)
        if (paper.versioned in found) is holding:
            out.append(entry)
    return out


def select(entries: Sequence[Entry], conditions: Iterable[Condition]) -> list[Entry]:
    """The entries that meet all `conditions`, in their order."""
    out = entries
    for condition in sorted(conditions, key=lambda c: FIELDS[c.field].kind.cost):
        spec = FIELDS[condition.field]
        if spec.plain and len(condition.values) == 1:
            # The most frequent case, over tens of thousands of entries: the loop runs in C
            compare = COMPARISONS[condition.operator]
            out = list(compress(out, map(compare, map(spec.get, out), repeat(condition.values[0]))))
        elif spec.plain and condition.operator == "=":
            out = list(compress(out, map(frozenset(condition.values).__contains__, map(spec.get, out))))
        elif condition.field in _OF_TEXTS:
            out = _select_texts(condition, out)
        else:
            out = list(filter(predicate(condition), out))
    return list(out)


MAX_LENGTH = 4000  # characters of raw query
MAX_TOKENS = 40
MAX_LIMIT = 500
DEFAULT_LIMIT = 100
# Within a date, what a model judged comes by its points ("standing"), which only one feed's entries have in common
DEFAULT_SORT = (("announced", True), ("standing", True), ("score", True))
MERGED_SORT = (("announced", True), ("score", True))
SORTABLE = ("score", "words", "learned", "points", "announced", "published", "updated", "upvotes", "title", "id")

_OF_TEXTS = ("author", "title", "text")

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
    def searches(self) -> bool:
        """Whether the selection depends on texts of the papers."""
        return any(map(self.names, _OF_TEXTS))

    @property
    def by_title(self) -> bool:
        """Whether the order depends on titles."""
        return any(name == "title" for name, _ in self.sort)

    @property
    def over_feeds(self) -> "Query":
        """The query over several feeds, whose points are not comparable."""
        return replace(self, sort=MERGED_SORT) if self.sort == DEFAULT_SORT else self

    @property
    def selection(self) -> str:
        """What decides which entries there are in which order: all but cursor, limit and fields."""
        conditions = sorted([c.field, c.operator, *map(str, c.values)] for c in self.conditions)
        return json.dumps([conditions, self.sort, self.per_day])

    @property
    def canonical(self) -> str:
        """The query in one spelling, for cache keys."""
        return json.dumps([self.selection, self.limit, self.cursor, self.fields])


def parse_query(raw: str, *, entry_fields: tuple[str, ...] = (), owner: bool = False) -> Query:
    """Parse a raw, still encoded query string; `entry_fields` are the names that `fields=` may list.

    Votes are the `owner`'s alone: no one else may filter by them.

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
        if (name, operator) == ("_", "="):
            continue  # browsers' scripts add it against caches
        if name in PARAMETERS:
            if operator != "=" or name in parameters:
                raise QueryError(token, f"{name} takes one value, once", (f"{name}=",))
            parameters[name] = value
        else:
            if name == "vote" and not owner:
                raise QueryError(token, "votes are the owner's: /api/papers takes this with the owner's token")
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


def _read_count(highest: int) -> Callable[[str, str, tuple[str, ...]], int]:
    def read(token: str, value: str, _: tuple[str, ...]) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 7 and 1 <= int(value) <= highest):
            raise QueryError(token, f"is not a whole number from 1 to {highest}")
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
    "limit": _read_count(MAX_LIMIT),
    "per_day": _read_count(MAX_LIMIT),
    "cursor": lambda _token, value, _known: value,
    "fields": _read_fields,
}
