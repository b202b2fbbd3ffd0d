"""Invented papers, announcements, feeds and entries for the tests of the pure parts."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from core.model.batch import Announcement
from core.model.feed import Entry, Feed, Keyword, parse_keyword
from core.model.paper import Author, Paper

FRIDAY = date(2026, 3, 6)
THURSDAY = date(2026, 3, 5)

# Characters that are apt to break matching: case, accents, dashes, white space, astral, without a case of their own
tricky = st.text("abAB éÉßøŁσς-–\n\t_09.,😀中", max_size=40)


def make_paper(number: int = 1, *categories: str, **more: Any) -> Paper:
    """Paper 2601.0000`number` with what `more` says; in cs.LG if no categories are given."""
    values: dict[str, Any] = {
        "id": f"2601.{number:05}",
        "version": 1,
        "title": "A Title",
        "abstract": "An abstract.",
        "authors": (Author("First Sample"), Author("Second Sample")),
        "categories": categories or ("cs.LG",),
    }
    return Paper(**(values | more))


def announce(number: int = 1, *categories: str, served: str = "new", **more: Any) -> Announcement:
    """That paper, announced."""
    return Announcement(make_paper(number, *categories, **more), served)


def make_feed(*keywords: str | Keyword, **more: Any) -> Feed:
    """A feed over cs.LG with these keywords: a rule as it is written in feeds.toml weighs 1."""
    values: dict[str, Any] = {
        "name": "main",
        "title": "Main",
        "categories": ("cs.LG",),
        "keywords": tuple(k if isinstance(k, Keyword) else parse_keyword(k) for k in keywords),
    }
    return Feed(**(values | more))


def make_entry(
    number: int = 1, *, score: float = 0.0, announced: date = FRIDAY, feed: str = "main", **more: Any
) -> Entry:
    """An entry of paper `number`; what an entry has no field for goes to the paper."""
    names = ("type", "matched", "mentions", "points", "band", "upvotes", "learned", "vote")
    own = {name: more.pop(name) for name in names if name in more}
    return Entry(feed, make_paper(number, **more), announced, **({"type": "new", "score": score} | own))
