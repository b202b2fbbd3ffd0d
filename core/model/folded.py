"""The texts of a batch as searches compare them (`core.text.fold`), in one piece for each field.

A search looks through a whole day at once, and finds the papers by the places of what it found. In UTF-8 a month takes
30 MB, a third of what it takes as strings of their own.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import add

from core.text.fold import fold_bytes

_BETWEEN = b"\0"  # papers, and the authors of one


class FoldedDay:
    """The folded texts of the papers of a batch, by versioned identifier."""

    __slots__ = ("_authors", "_by", "_last", "_starts", "_texts", "_titles", "places")

    def __init__(self, papers: Iterable[tuple[str, str, str, Iterable[str]]]) -> None:
        """`papers` have a versioned identifier, a title, an abstract, and the names of authors."""
        self.places: dict[str, int] = {}
        texts, authors, titles = [], [], []
        for versioned, title, abstract, names in papers:
            self.places[versioned] = len(self.places)
            texts.append(fold_bytes(f"{title}\n{abstract}"))
            titles.append(len(title) if title.isascii() else len(fold_bytes(title)))
            authors.append(fold_bytes("\0".join(names)))
        self._texts, self._starts = _BETWEEN.join(texts), _starts(texts)
        self._authors, self._by = _BETWEEN.join(authors), _starts(authors)
        self._last: tuple[object, frozenset[str]] | None = None
        self._titles = array("I", map(add, self._starts, titles))  # their ends

    def __len__(self) -> int:
        return len(self.places)

    def title(self, versioned: str) -> str:
        """Returns the folded title of a paper."""
        place = self.places[versioned]
        return _decoded(self._texts[self._starts[place] : self._titles[place]])

    def text(self, versioned: str) -> str:
        """Returns its folded title and abstract."""
        return _decoded(_part(self._texts, self._starts, self.places[versioned]))

    def authors(self, versioned: str) -> tuple[str, ...]:
        """Returns the folded names of its authors."""
        names = _part(self._authors, self._by, self.places[versioned])
        return tuple(_decoded(names).split("\0")) if names else ()

    def containing(self, field: str, words: Iterable[str]) -> frozenset[str]:
        """Returns the papers that have any of these words in a field: "title", "text", or "author" (in one name)."""
        asked = field, tuple(words)
        if self._last is None or self._last[0] != asked:  # a page asks twice: without texts, and with those it shows
            self._last = asked, self._containing(*asked)
        return self._last[1]

    def _containing(self, field: str, words: Iterable[str]) -> frozenset[str]:
        found: set[int] = set()
        for word in words:
            sought = fold_bytes(word)
            if _BETWEEN not in sought:
                found |= self._find_author(sought) if field == "author" else self._find(sought, field == "title")
        names = list(self.places)
        return frozenset(names[place] for place in found)

    def _find(self, sought: bytes, in_title: bool) -> set[int]:
        found, starts = set(), self._starts
        at = self._texts.find(sought)
        while at >= 0:
            place = bisect_right(starts, at) - 1
            if not in_title or at + len(sought) <= self._titles[place]:
                found.add(place)
            at = self._texts.find(sought, starts[place + 1])  # there may be more in this paper
        return found

    def _find_author(self, sought: bytes) -> set[int]:
        found, starts = set(), self._by
        at = self._authors.find(sought)
        while at >= 0:
            place = bisect_right(starts, at) - 1
            found.add(place)
            at = self._authors.find(sought, starts[place + 1])
        return found


def _starts(parts: Iterable[bytes]) -> "array[int]":
    """Returns where each part begins, and one that would follow the last."""
    return array("I", accumulate((len(part) + 1 for part in parts), initial=0))


def _part(joined: bytes, starts: "array[int]", place: int) -> bytes:
    return joined[starts[place] : starts[place + 1] - 1]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
