"""Entries whose texts are not read yet: all that selects and orders them is there, the rest is read for what is shown.

Such an entry has a `LazyPaper` and `LazyReasons`. What is done with their texts raises `Unread`; a rendering that ends
so reads them and is done again. `with_texts` names all entries of a page at once, so that one read is enough.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, overload

from core.model.feed import Entry, Feed, Reason
from core.model.manifest import BatchRecord
from core.model.paper import Paper
from core.model.texts import BatchTexts

_MOST_KNOWN = 600  # entries of a day; the largest pages have 500


class Unread(BaseException):  # no error: it ends a rendering, past all that handles errors
    """The texts of these entries are needed, and not read yet."""

    def __init__(self, wanted: Sequence["Wanted"]) -> None:
        super().__init__(f"the texts of {len(wanted)} entries are not read yet")
        self.wanted = tuple(wanted)


@dataclass(eq=False, slots=True)
class LazyDay:
    """The texts of a feed's day, as far as they were read: `known` has whole entries by versioned identifier.

    `places` are the positions in the day, best first. The best entries are stored in parts: `parts` are the numbers of
    these, and `encoded` has what was read of them ahead. `texts` are what searches look in, once they are read.
    """

    feed: Feed
    record: BatchRecord
    places: Mapping[str, int] = field(default_factory=dict)
    parts: frozenset[int] = frozenset()
    known: dict[str, Entry] = field(default_factory=dict)
    encoded: dict[int, bytes] = field(default_factory=dict)
    texts: BatchTexts | None = None

    def entry(self, versioned: str) -> Entry:
        """Returns the whole entry. Raises `Unread`."""
        if (entry := self.known.get(versioned)) is None:
            raise Unread([(self, versioned)])
        return entry

    def texts_with(self, versioned: str) -> BatchTexts:
        """Returns what searches look in. Raises `Unread`, which names this entry."""
        if self.texts is None:
            raise Unread([(self, versioned)])
        return self.texts

    def keep(self, entries: Iterable[Entry]) -> None:
        """Note whole entries that were read; of those before only so many as an answer may show."""
        if len(self.known) > _MOST_KNOWN:
            self.known.clear()
        self.known.update((entry.paper.versioned, entry) for entry in entries)


Wanted = tuple[LazyDay, str]  # an entry of a day, by its versioned identifier


class LazyPaper(Paper):
    """A paper without texts: the fields that are not set are taken from its `day`, once they are read."""

    __slots__ = ("day", "has_code", "published_on", "updated_on", "versioned", "withdrawn")

    day: LazyDay
    versioned: str
    published_on: date | None
    updated_on: date | None
    withdrawn: bool
    has_code: bool

    __setattr__ = object.__setattr__  # it is filled one by one

    def __getattr__(self, name: str) -> Any:
        """What has not been set."""
        if name == "day" or name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.day.entry(self.versioned).paper, name)


def lazy_paper(
    day: LazyDay, versioned: str, categories: tuple[str, ...], upvotes: int | None,
    published_on: date | None, updated_on: date | None, withdrawn: bool, has_code: bool,
) -> LazyPaper:  # fmt: skip
    """Returns a paper without texts; there are tens of thousands of them."""
    paper = LazyPaper.__new__(LazyPaper)
    identifier, _, version = versioned.rpartition("v")
    paper.day, paper.versioned = day, versioned
    paper.id = identifier  # type: ignore[misc]  # papers are frozen, but this one is being made
    paper.version = int(version)  # type: ignore[misc]
    paper.categories = categories  # type: ignore[misc]
    paper.upvotes = upvotes  # type: ignore[misc]
    paper.published_on, paper.updated_on = published_on, updated_on
    paper.withdrawn, paper.has_code = withdrawn, has_code
    return paper


class LazyReasons(Sequence[Reason]):
    """The reasons of an entry, taken from its day once they are read. `liked`: a term of liked papers is among them."""

    __slots__ = ("_day", "_versioned", "liked")

    def __init__(self, day: LazyDay, versioned: str, *, liked: bool) -> None:
        self._day, self._versioned, self.liked = day, versioned, liked

    @overload
    def __getitem__(self, at: int) -> Reason: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Reason]: ...
    def __getitem__(self, at: int | slice) -> Reason | Sequence[Reason]:
        """See `Sequence`, as for the other methods."""
        return self._day.entry(self._versioned).reasons[at]

    def __len__(self) -> int:
        return len(self._day.entry(self._versioned).reasons)

    def __iter__(self) -> Iterator[Reason]:
        return iter(self._day.entry(self._versioned).reasons)


def is_liked(entry: Entry) -> bool:
    """Whether points of an entry come from a term of papers that were liked."""
    reasons = entry.reasons
    return reasons.liked if isinstance(reasons, LazyReasons) else any(one.learned == "liked" for one in reasons)


def with_texts(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Returns the entries with their texts. Raises `Unread`, which names all that lack."""
    listed = tuple(entries)
    if lacking := unread(listed):
        raise Unread(lacking)
    return tuple(map(_with_texts, listed))


def unread(entries: Iterable[Entry]) -> list[Wanted]:
    """Returns the entries whose texts are not read yet."""
    found = ((entry.paper.day, entry.paper.versioned) for entry in entries if isinstance(entry.paper, LazyPaper))
    return [(day, versioned) for day, versioned in found if versioned not in day.known]


def _with_texts(entry: Entry) -> Entry:
    if not isinstance(entry.paper, LazyPaper):
        return entry
    known = entry.paper.day.known[entry.paper.versioned]
    return replace(entry, paper=known.paper, reasons=known.reasons)
