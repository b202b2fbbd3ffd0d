"""Announcements and batches: what arXiv announced on one date."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from core.model.categories import asked_for, listed
from core.model.paper import Author, Paper
from core.util.signing import canonical_json

ANNOUNCE_TYPES = ("new", "cross", "replace", "replace-cross")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A paper, and its announce type as arXiv served it. For a feed's own view of the type, see `announce_type`.

    `late` is when it was stored (RFC 3339) if the batch was published without it before, or its day was over.
    `relisted`: it was announced before, and is now listed in one more category, one of `into` (empty: of all); of a
    replacement, that the catch-up page has it as a cross-list. A replacement may be listed in one more category by the
    same mailing: `into` has those categories, in which it is a cross-list.
    `source` names the witnesses: "rss", "catchup", "rss+catchup", or "api" for a paper that neither was seen to have.
    """

    paper: Paper
    served: str
    late: str = ""
    source: str = "rss"
    relisted: bool = False
    into: tuple[str, ...] = ()

    @property
    def by_rss(self) -> bool:
        """Whether arXiv's feed announced it."""
        return self.source.startswith("rss")

    @property
    def by_page(self) -> bool:
        """Whether the catch-up page of its date lists it."""
        return self.source.endswith("catchup")

    @property
    def replaces(self) -> bool:
        """Whether it announces a later version."""
        return self.served.startswith("replace")


def is_relisted(item: Announcement, asked: tuple[str, ...], day: date) -> bool:
    """Returns whether an announcement of `day`, served for the requested categories `asked`, concerns an earlier paper
    that is now listed in one more category.

    arXiv serves a new paper as `new` if its primary category was requested; a `cross` of such a category is therefore
    an earlier paper (whether arXiv counts math-ph as part of math is unknown). So is a paper whose identifier belongs
    to an earlier month, because arXiv assigns identifiers at the announcement.
    """
    if item.served.startswith("replace") or item.source == "api":
        return False
    crossed = item.served == "cross" and bool(item.paper.primary) and asked_for(item.paper.primary, asked)
    return crossed or item.paper.month < _month(day - _SLACK)


_SLACK = timedelta(days=7)  # the first batch of a month has identifiers of the previous month


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def announced_in(item: Announcement, categories: tuple[str, ...] | frozenset[str]) -> bool:
    """Returns whether a paper was announced in one of the categories: a late cross-list only in the new ones."""
    return any(listed(category, categories) for category in announced_among(item))


def announced_among(item: Announcement) -> tuple[str, ...]:
    """Returns the categories in which a paper was announced."""
    return item.paper.categories if item.replaces else item.into or item.paper.categories


def announce_type(announcement: Announcement, categories: tuple[str, ...]) -> str:
    """Returns the announce type as seen from a set of categories.

    arXiv's `new` means "the primary category is in the requested set", so the type depends on how categories were
    grouped in the request. Here it depends only on the paper and the feed. An earlier paper that is listed in one more
    category is a cross-list, whatever its primary category. A paper without known categories is "new".
    """
    paper = announcement.paper
    primary = not paper.categories or listed(paper.primary, categories)
    if announcement.replaces:
        within = [name for name in paper.categories if listed(name, categories)] if announcement.into else []
        if within and all(listed(name, announcement.into) for name in within):
            return "cross"
        return "replace" if primary else "replace-cross"
    # The API has only the newest version, even if the first one was announced
    earlier = announcement.relisted or (paper.version > 1 and announcement.by_rss)
    return "cross" if earlier or not primary else "new"


@dataclass(frozen=True)
class Batch:
    """All announcements of one date over all configured categories, in the order of identifiers. Immutable."""

    date: date
    announcements: tuple[Announcement, ...]

    @cached_property
    def hash(self) -> str:
        """The fingerprint of the content: equal announcements of a date have equal hashes in every process."""
        # The fingerprint of ("batch", self.to_plain()), item by item: JSON of a whole day blocks all other threads
        digest = hashlib.sha256(b'["batch",{"announcements":[')
        for number, item in enumerate(self.announcements):
            digest.update((b"," if number else b"") + canonical_json(_to_plain(item)))
        digest.update(f'],"date":"{self.date.isoformat()}"}}]'.encode())
        return digest.hexdigest()[:16]

    @cached_property
    def marks(self) -> dict[str, tuple[bool, bool]]:
        """Whether each paper is withdrawn, and whether it names code, by versioned identifier."""
        return {item.paper.versioned: (item.paper.withdrawn, item.paper.has_code) for item in self.announcements}

    def counts(self, categories: Iterable[str]) -> dict[str, dict[str, int]]:
        """Returns the number of announcements of each type, seen from each category; in order of names."""
        return {
            name: dict(
                sorted(
                    Counter(
                        announce_type(item, (name,)) for item in self.announcements if announced_in(item, (name,))
                    ).items()
                )
            )
            for name in sorted(categories)
        }

    def to_plain(self) -> dict[str, Any]:
        """The batch as JSON values; empty fields are left out."""
        return {"date": self.date.isoformat(), "announcements": [_to_plain(item) for item in self.announcements]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Batch":
        """The inverse of `to_plain`."""
        return cls(date.fromisoformat(plain["date"]), tuple(_from_plain(item) for item in plain["announcements"]))


def make_batch(day: date, announcements: Iterable[Announcement]) -> Batch:
    """Returns a batch of `announcements`, each paper version once.

    A paper that several requests served is one announcement: a replacement if any says so, else "new" before "cross".
    """
    rank = {kind: at for at, kind in enumerate(("replace", "replace-cross", "new", "cross"))}
    best: dict[tuple[str, int], Announcement] = {}
    for item in announcements:
        key = (item.paper.id, item.paper.version)
        if key not in best or (rank[item.served], not item.relisted) < (rank[best[key].served], not best[key].relisted):
            best[key] = item
    return Batch(day, tuple(best[key] for key in sorted(best)))


_OPTIONAL = tuple(f.name for f in fields(Paper) if f.name not in ("authors", "categories", "id", "version"))


def paper_to_plain(paper: Paper) -> dict[str, Any]:
    """A paper as JSON values; empty fields are left out."""
    return {
        "id": paper.id,
        "version": paper.version,
        "authors": [list(author) if author.affiliation else author.name for author in paper.authors],
        "categories": list(paper.categories),
        **{name: value for name in _OPTIONAL if (value := getattr(paper, name)) not in ("", None)},
    }


class _Decoded(Paper):
    """A stored paper. Its authors are made when they are needed: of most papers nobody asks for them."""

    __slots__ = ("_names",)

    _names: list[str]

    __setattr__ = object.__setattr__  # the fields are set one by one

    def __getattr__(self, name: str) -> Any:
        if name != "authors":
            raise AttributeError(name)
        self.authors = tuple(map(Author, self._names))  # type: ignore[misc]  # papers are frozen, but this one is being made
        return self.authors

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Paper) or other.__class__ not in (Paper, _Decoded):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = Paper.__hash__


_FIELDS = tuple(f.name for f in fields(Paper))
_DEFAULTS = {f.name: "" if f.default is MISSING else f.default for f in fields(Paper) if f.name in _OPTIONAL}


def paper_from_plain(plain: Mapping[str, Any]) -> Paper:
    """The inverse of `paper_to_plain`; unknown keys are ignored."""
    paper = _Decoded.__new__(_Decoded)
    paper.id, paper.version, paper.categories = plain["id"], plain["version"], tuple(plain["categories"])  # type: ignore[misc]
    for name, default in _DEFAULTS.items():
        setattr(paper, name, plain.get(name, default))
    names = plain["authors"]
    if _ONLY_NAMES.issuperset(map(type, names)):
        paper._names = names
    else:
        paper.authors = tuple(Author(a) if isinstance(a, str) else Author(*a) for a in names)  # type: ignore[misc]
    return paper


_ONLY_NAMES = frozenset({str})


def _to_plain(item: Announcement) -> dict[str, Any]:
    return {
        **paper_to_plain(item.paper),
        "type": item.served,
        **({"late": item.late} if item.late else {}),
        **({"source": item.source} if item.source != "rss" else {}),
        **({"relisted": True} if item.relisted else {}),
        **({"into": list(item.into)} if item.into else {}),
    }


def _from_plain(plain: dict[str, Any]) -> Announcement:
    late, source, relisted = plain.get("late", ""), plain.get("source", "rss"), plain.get("relisted", False)
    return Announcement(paper_from_plain(plain), plain["type"], late, source, relisted, tuple(plain.get("into", ())))
