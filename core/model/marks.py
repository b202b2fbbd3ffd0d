"""Marks: what the owner has done with papers (seen, voted, saved, dismissed), and the reading list of saved papers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from core.model.batch import paper_from_plain, paper_to_plain
from core.model.errors import Refused, TooMuch
from core.model.paper import Paper, parse_id

MOST_MARKS = 3000  # besides those of saved papers: the newest
MOST_SAVED = 1000
MOST_MARKED = 500
LONGEST_NOTE = 1000  # characters
_LAST_TIME = 4_102_444_800  # of the year 2100: a wrong clock must not win against all later ones


class PaperMark(NamedTuple):
    """What was done with a paper: `vote` is 1 or -1, `day` its date, `time` that of the last change (Unix s)."""

    seen: bool = False
    vote: int = 0
    saved: bool = False
    dismissed: bool = False
    day: str = ""
    time: int = 0

    def to_plain(self) -> dict[str, Any]:
        """The mark as the script keeps it; what it has not is absent."""
        plain = {"v": int(self.seen), "l": self.vote, "s": int(self.saved), "x": int(self.dismissed), "d": self.day}
        return {name: value for name, value in plain.items() if value} | {"t": self.time}


Marks = Mapping[str, PaperMark]


def read_mark(plain: Any) -> PaperMark:
    """The inverse of `PaperMark.to_plain`. Raises `Refused` for anything else."""
    try:
        day = date.fromisoformat(plain["d"]).isoformat() if plain.get("d") else ""
        time = min(max(int(plain.get("t", 0)), 0), _LAST_TIME)
        vote = max(min(int(plain.get("l") or 0), 1), -1)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise Refused("marks", f"{plain!r:.80} is not a mark") from None
    return PaperMark(bool(plain.get("v")), vote, bool(plain.get("s")), bool(plain.get("x")), day, time)


def parse_marks(plain: Any) -> dict[str, PaperMark]:
    """Returns marks by identifier, from JSON values. Raises `Refused` for anything else, or too many."""
    if not isinstance(plain, Mapping) or len(plain) > MOST_MARKED:
        raise Refused("marks", f"marks are an object of up to {MOST_MARKED} identifiers")
    marks = {}
    for text, row in plain.items():
        try:
            marks[parse_id(str(text)).id] = read_mark(row)
        except ValueError as error:
            raise Refused("marks", str(error)[:200]) from None
    return marks


def with_newer(known: Marks, news: Marks) -> dict[str, PaperMark]:
    """Returns the newer mark of each paper; of papers that are not saved, the newest ones."""
    both = {
        **known,
        **{name: mark for name, mark in news.items() if name not in known or mark.time >= known[name].time},
    }
    loose = sorted((name for name in both if not both[name].saved), key=lambda name: both[name].time, reverse=True)
    return {name: mark for name, mark in both.items() if mark.saved or name in set(loose[:MOST_MARKS])}


@dataclass(frozen=True, slots=True)
class SavedPaper:
    """A saved paper: whole, because it outlives its batch. `time` is RFC 3339; `claim` says in one line what is new."""

    paper: Paper
    time: str
    note: str = ""
    is_read: bool = False
    claim: str = ""

    def to_plain(self) -> dict[str, Any]:
        """This as JSON values."""
        plain = {"paper": paper_to_plain(self.paper), "time": self.time, "claim": self.claim}
        return plain | ({"note": self.note} if self.note else {}) | ({"read": True} if self.is_read else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "SavedPaper":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        texts = {"note": str(plain.get("note", "")), "claim": str(plain.get("claim", ""))}
        return cls(paper_from_plain(plain["paper"]), str(plain["time"]), is_read=bool(plain.get("read")), **texts)


ReadingList = tuple[SavedPaper, ...]  # newest first


def with_saved(listed: ReadingList, news: Iterable[SavedPaper]) -> ReadingList:
    """Returns the list with `news` before the others; a paper that is on it stays as it is.

    Raises `TooMuch` beyond `MOST_SAVED`.
    """
    known = {one.paper.id for one in listed}
    fresh = {one.paper.id: one for one in news if one.paper.id not in known}
    if fresh and len(listed) + len(fresh) > MOST_SAVED:
        raise TooMuch(
            f"The reading list has up to {MOST_SAVED:,} papers. Export it, and remove those that you have read."
        )
    return (*reversed(fresh.values()), *listed)


def without(listed: ReadingList, papers: Iterable[str]) -> ReadingList:
    """Returns the list without some papers."""
    gone = set(papers)
    return tuple(one for one in listed if one.paper.id not in gone)


def noted(listed: ReadingList, paper: str, note: str) -> ReadingList:
    """Returns the list with another note on a paper."""
    text = " ".join(note.split())[:LONGEST_NOTE]
    return tuple(replace(one, note=text) if one.paper.id == paper else one for one in listed)


def ticked(listed: ReadingList, paper: str) -> ReadingList:
    """Returns the list with a paper read, or no longer read."""
    return tuple(replace(one, is_read=not one.is_read) if one.paper.id == paper else one for one in listed)
