"""The filterable fields of an entry and the operators on them, as two tables."""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from itertools import compress, repeat
from typing import Any

from core.domain.batch import ANNOUNCE_TYPES
from core.domain.categories import CATEGORIES
from core.domain.feed import Entry
from core.domain.paper import listed, parse_id
from core.domain.rubric import BANDS
from core.domain.text import fold

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
    if text not in CATEGORIES:
        near = ", ".join(get_close_matches(text, CATEGORIES, 3, 0.5))
        raise ValueError(f"{text!r} is not an archive or category of arXiv" + (f"; near it: {near}" if near else ""))
    return text


def _identifier(text: str) -> str:
    return str(parse_id(text))


def _has(entry: Entry) -> tuple[str, ...]:
    card, summary = entry.scorecard, entry.summary
    found = {
        "summary": summary is not None and summary.state == "ready",
        "code": bool(entry.paper.code or (card and card.code)),
        "pdf-analysis": card is not None and card.stage == "analysed" and card.input != "abstract",
    }
    return tuple(name for name, there in found.items() if there)


def _day(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


NUMBER = Kind(ORDERED, _number)
DATE = Kind(ORDERED, _date)
CHOICE = Kind(NAMED, _text)
CATEGORY = Kind(NAMED, _category, lambda have, wanted: listed(have, (wanted,)), cost=1)
IDENTIFIER = Kind(NAMED, _identifier, lambda paper, wanted: wanted in (paper.id, paper.versioned), cost=1)
TEXT = Kind(TEXTUAL, _text, lambda have, wanted: fold(have) == fold(wanted), cost=2)

FIELDS: dict[str, Field] = {
    "score": Field(NUMBER, operator.attrgetter("score"), "a number: points of the feed's keywords", plain=True),
    "points": Field(NUMBER, operator.attrgetter("points"), "a number: points of the feed's rubric"),
    "band": Field(CHOICE, operator.attrgetter("band"), "the band of the feed's rubric", choices=BANDS),
    "announced": Field(
        DATE, operator.attrgetter("announced"), "a date: when arXiv announced it, US Eastern", plain=True
    ),
    "published": Field(DATE, lambda e: _day(e.paper.published), "a date: of version 1"),
    "updated": Field(DATE, lambda e: _day(e.paper.updated), "a date: of this version"),
    "category": Field(CATEGORY, lambda e: e.paper.categories, "a category or archive, such as cs.DC or cs", many=True),
    "primary": Field(CATEGORY, lambda e: e.paper.primary, "the primary category or its archive"),
    "type": Field(CHOICE, operator.attrgetter("type"), "the announce type", plain=True, choices=ANNOUNCE_TYPES),
    "author": Field(TEXT, lambda e: [a.name for a in e.paper.authors], "a name, or with ~ a part of one", many=True),
    "title": Field(TEXT, lambda e: e.paper.title, "a title, or with ~ a part of one"),
    "text": Field(TEXT, lambda e: f"{e.paper.title}\n{e.paper.abstract}", "with ~ a part of title or abstract"),
    "keyword": Field(TEXT, operator.attrgetter("matched"), "a keyword of the feed that was found", many=True),
    "upvotes": Field(NUMBER, operator.attrgetter("upvotes"), "a number: upvotes on Hugging Face"),
    "has": Field(CHOICE, _has, "what the entry comes with", many=True, choices=HAS),
    "feed": Field(CHOICE, operator.attrgetter("feed"), "the name of a feed", plain=True),
    "id": Field(IDENTIFIER, lambda e: e.paper, "an arXiv identifier, with or without version"),
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "~": lambda have, wanted: wanted in fold(have),
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
    if spec.many:
        return lambda entry: any(compare(have, value) for have in get(entry) for value in wanted)
    return lambda entry: (have := get(entry)) is not None and any(compare(have, value) for value in wanted)


def select(entries: Sequence[Entry], conditions: Iterable[Condition]) -> list[Entry]:
    """The entries that meet all `conditions`, in their order."""
    out = entries
    for condition in sorted(conditions, key=lambda c: FIELDS[c.field].kind.cost):
        spec = FIELDS[condition.field]
        if spec.plain and len(condition.values) == 1:
            # The most frequent case, over tens of thousands of entries: the loop runs in C
            compare = COMPARISONS[condition.operator]
            out = list(compress(out, map(compare, map(spec.get, out), repeat(condition.values[0]))))
        else:
            out = list(filter(predicate(condition), out))
    return list(out)
