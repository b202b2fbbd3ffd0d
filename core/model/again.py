"""A second look: papers that became notable after their announcement, each with why now.

It compares what is stored of a paper on its first day with what came later: a new version, with what that adds (a link
to code, the journal that published it), and upvotes on Hugging Face.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from core.model.feed import Entry, Feed
from core.model.paper import Paper

NOTABLE_UPVOTES = 10
MOST_LOOKS = 60


class News(NamedTuple):
    """What changed: its `kind` ("version", "code", "journal", "upvotes"), and the new `value`."""

    kind: str
    value: str


def written_news(news: Iterable[News]) -> str:
    """Returns news as a paper of the source "again" has them, each in a line: "version 2"; the newest of each kind."""
    newest = {one.kind: one for one in news}
    return "\n".join(f"{one.kind} {' '.join(one.value.split())}" for one in newest.values())


def read_news(text: str) -> tuple[News, ...]:
    """The inverse of `written_news`; what is no news is left out."""
    parts = (line.partition(" ") for line in text.split("\n"))
    return tuple(News(kind, value) for kind, _, value in parts if kind in _KINDS)


_KINDS = ("version", "code", "journal", "upvotes")


class SecondLook(NamedTuple):
    """A paper at its newest: the `entry`, when it was `first` announced, `since` when it is notable again, and why."""

    entry: Entry
    first: date
    since: date
    changes: tuple[News, ...]


_Picks = Mapping[str, tuple[date, int]]  # Hugging Face's, by paper: the date, and the upvotes


def picks_of(entries: Iterable[Entry]) -> dict[str, tuple[date, int]]:
    """Returns the picks among entries of Hugging Face's daily papers."""
    return {entry.id: (entry.announced, entry.upvotes or 0) for entry in entries}


def second_looks(feed: Feed, entries: Iterable[Entry], picks: _Picks) -> list[SecondLook]:
    """Returns the papers of a feed that became notable since, newest change first.

    `entries` are all of the feed's, whatever their type and score; a paper counts if one of its versions has the points
    that the feed asks for. What was first seen as a replacement has nothing to be compared with.
    """
    by_paper: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: (one.announced, one.paper.version)):
        by_paper.setdefault(entry.id, []).append(entry)
    looks = [look for name, known in by_paper.items() if (look := _look(feed, known, picks.get(name)))]
    looks.sort(key=lambda look: (-look.since.toordinal(), -look.entry.score, look.entry.id))
    return looks[:MOST_LOOKS]


def _look(feed: Feed, known: Sequence[Entry], pick: tuple[date, int] | None) -> SecondLook | None:
    first, newest = known[0], known[-1]
    if first.type.startswith("replace") or max(entry.score for entry in known) < feed.min_score:
        return None
    found: list[tuple[date, News]] = []
    for before, after in pairwise(known):
        if after.announced > first.announced:
            found += [(after.announced, change) for change in news_between(before.paper, after.paper)]
    if pick and pick[0] > first.announced and pick[1] >= NOTABLE_UPVOTES:
        found.append((pick[0], News("upvotes", str(pick[1]))))
    if not found:
        return None
    last = {change.kind: change for _, change in sorted(found, key=lambda pair: pair[0])}  # the newest of each kind
    return SecondLook(newest, first.announced, max(day for day, _ in found), tuple(last.values()))


def news_between(before: Paper, after: Paper) -> list[News]:
    """Returns what a later record of a paper has that an earlier one had not."""
    found = [News("version", str(after.version))] if after.version > before.version else []
    if (code := after.links.get("code", "")) and "code" not in before.links:
        found.append(News("code", code))
    if (place := after.journal_ref or after.doi) and not (before.journal_ref or before.doi):
        found.append(News("journal", place))
    return found
