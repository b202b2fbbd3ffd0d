"""Lists of entries on pages: the form above them, their days, and the next page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any

from api.resource import Loaded
from core.llm.extractive import extract_claim
from core.model.bands import alone, reach_of
from core.model.batch import ANNOUNCE_TYPES
from core.model.categories import category_name
from core.model.pagination import Page
from core.model.query import Query, parse_query
from core.model.search import BOX, FORM_FIELDS, FilterForm, encoded, without_paging, words_of
from core.render.rows import PaperRow, make_row
from core.views.entries import select_page

PER_PAGE = 25
_PAGE_SIZES = [("", "25"), ("10", "10"), ("50", "50"), ("100", "100")]  # the first is `PER_PAGE`
_ANY = ("", "any")
_MOST_REASONS = 3  # why summaries are missing
_ORDERS = (
    ("", "newest, then best"),
    ("-score", "best score"),
    ("-announced", "newest"),
    ("announced,-score", "oldest, then best"),
    ("title", "title"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one date; of all dates (None) if they are not ordered by date."""

    day: date | None
    rows: tuple[PaperRow, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of entries: their groups, the total over all pages, the encoded query of the next page, and the reasons
    why summaries are missing, each with the number of papers.
    """

    groups: tuple[Group, ...]
    total: int
    next: str
    absent: tuple[tuple[str, int], ...] = ()


def page_query(tokens: tuple[str, ...], *more: str) -> Query:
    """Returns the query of `tokens` and `more`, with smaller pages than the API's. Raises `QueryError`."""
    query = parse_query(encoded((*tokens, *more)))
    return query if any(token.startswith("limit=") for token in tokens) else replace(query, limit=PER_PAGE)


def make_listing(form: FilterForm, query: Query, loaded: Loaded, *, capped: bool) -> Listing:
    """Returns the listing of the entries that `query` selects, with its words marked."""
    words = words_of(query)
    page = select_page(loaded, query, capped=capped)
    known = {
        feed.name: (feed, found.once("reach", feed.fingerprint, partial(reach_of, feed, found.entries)))
        for feed, found in loaded
    }
    rows = [
        make_row(alone(known[entry.feed][0], entry, known[entry.feed][1]), extract_claim, words)
        for entry in page.entries
    ]
    by_day = query.sort[0][0] == "announced"
    groups = groupby(rows, key=lambda row: row.day if by_day else None)
    absent = Counter(row.absent for row in rows if row.absent).most_common(_MOST_REASONS)
    return Listing(
        tuple(Group(day, tuple(found)) for day, found in groups), page.total, _next(form, page), tuple(absent)
    )


def form_context(form: FilterForm, categories: Iterable[str]) -> dict[str, Any]:
    """Returns the variables of the form's template: the values of its fields, and their options."""
    values = form.values
    named = [(code, f"{code} {category_name(code)}".strip()) for code in categories]
    return {
        "box": BOX,
        "values": {name: values.get(name, "") for name in (BOX, *FORM_FIELDS)},
        "categories": _with(values.get("category", ""), [_ANY, *named]),
        "types": _with(values.get("type", ""), [("", "as the feed"), *((name, name) for name in ANNOUNCE_TYPES)]),
        "orders": _with(values.get("sort", ""), list(_ORDERS)),
        "sizes": _with(values.get("limit", ""), _PAGE_SIZES),
        "filtered": any(name not in ("feed", "sort", "limit") and text for name, text in values.items()),
    }


def selection(form: FilterForm) -> str:
    """Returns the encoded query of the selection, for URLs of feeds and of the API."""
    return encoded(without_paging(form.all_tokens()))


def _with(value: str, options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the options, with the sent value if it is another one, which then stays chosen."""
    return [*options, *([] if value in dict(options) else [(value, value)])]


def _next(form: FilterForm, page: Page) -> str:
    if not page.next:
        return ""
    tokens = tuple(token for token in form.all_tokens() if not token.startswith("cursor="))
    return encoded((*tokens, f"cursor={page.next}"))
