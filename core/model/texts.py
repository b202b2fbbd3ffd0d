"""The texts of a batch as words: each different word once, and each paper as the numbers of its words.

A search looks through the words of a day, which are few, and then for the papers that have them. A month takes a half
of what its texts take. The numbers are the characters of a string, which Python searches without a loop.
"""

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date
from functools import cached_property, partial
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from core.model.batch import Announcement
from core.model.paper import Author, Paper, is_arxiv_id
from core.text.fold import fold, fold_bytes

_BORDER, _END = " ", "!"  # after the words of a title, and after those of an abstract
_FIRST, _SURROGATES, _THESE = 0x80, 0xD800, 0x800  # the character of the first word; characters that are left out
_BETWEEN, _AFTER = "\0", "\1"  # words, and the authors of a paper; the authors of one paper and of the next
_FEW = 24  # words that are looked for one by one in less time than it takes to compile an expression
_MOST = 4000  # words of which nearly every paper has one early on
_INTEGERS = f"utf-32-{sys.byteorder[0]}e"
_SELDOM = ("upvotes", "link", "venue", "published")  # of the other fields those that select, order and show papers


class Circumstances(NamedTuple):
    """What many announcements of a day have in common: all that decides which feeds have them, and as what."""

    served: str
    categories: tuple[str, ...]
    late: str
    source: str
    relisted: bool
    into: tuple[str, ...]
    is_first: bool  # version

    def announcement(self, paper: Paper | None = None) -> Announcement:
        """Returns an announcement of this kind, of `paper`, or of one that has nothing else."""
        paper = paper or Paper("", 1 if self.is_first else 2, "", "", (), self.categories, upvotes=0)
        return Announcement(paper, self.served, self.late, self.source, self.relisted, self.into)


class Sought(NamedTuple):
    """A text that is looked for. `begins`: no letter or digit comes before it; `ends`: none comes after it.

    They are hints, which rule out most others: beside letters that are not ASCII's, it may be found all the same.
    """

    text: str
    begins: bool = False
    ends: bool = False


class BatchTexts:
    """The papers of a batch with what searches and rules look for: texts, names of authors, and kinds.

    `kinds` are all kinds of the day, and `of` has the number of its kind for each paper, in the order of the batch.
    """

    def __init__(self, plain: Mapping[str, Any]) -> None:
        """Takes the result of `texts_to_plain`. Raises `LookupError`, `TypeError` or `ValueError` if it is none."""
        self.date = date.fromisoformat(plain["date"])
        self.kinds = tuple(_kind(*row) for row in plain["kinds"])
        self.of = array("I", plain["of"])
        self.seldom: Mapping[int, Mapping[str, Any]] = {int(place): dict(row) for place, row in plain["seldom"].items()}
        self._names: str = plain["names"]
        self._codes: str = plain["codes"]
        self._words = _encoded(_BETWEEN + plain["words"].replace(" ", _BETWEEN) + _BETWEEN)
        self._authors = _encoded(_AFTER + plain["authors"])
        self._starts = array("I", accumulate((len(part) + 1 for part in self._codes.split(_END)), initial=0))
        self._last: tuple[object, frozenset[str]] | None = None
        if not len(self.of) == len(self.names) == len(self._starts) - 2 == self._authors.count(_encoded(_AFTER)) - 1:
            raise ValueError("texts of different numbers of papers")

    def __len__(self) -> int:
        return len(self.of)

    @property
    def size(self) -> int:
        """The bytes that it takes in memory, about."""
        return 2 * len(self._codes) + 2 * len(self._words) + len(self._authors) + 100 * len(self)

    @property
    def names(self) -> list[str]:
        """The versioned identifiers in the order of the batch."""
        return self._names.split()

    def containing(self, field: str, words: Iterable[str], *, whole: bool = False) -> frozenset[str]:
        """Returns the papers that have any of these words in a field: "title", "text", or "author" (in one name).

        With `whole`, the field is one of them.
        """
        asked = field, tuple(words), whole
        if self._last is None or self._last[0] != asked:  # a page asks twice: without texts, and with those it shows
            sought = [word for word in map(fold, asked[1]) if _BETWEEN not in word and _AFTER not in word]
            find = self._by_author if field == "author" else partial(self._having, in_title=field == "title")
            found = {place for word in sought for place in find(word, whole=whole)}
            names = self.names if found else []
            self._last = asked, frozenset(names[place] for place in found)
        return self._last[1]

    def with_any(self, sought: Iterable[Sought], *, lowered: bool = False) -> set[int]:
        """Returns the places of the papers that have any of these texts in title and abstract, and possibly others.

        There are no others if a text has at most one blank, with something before and after it, and no hint. Texts and
        words are folded, or `lowered`: in lower case, and otherwise as they are.
        """
        wanted = list(sought)
        if not all(one.text.strip() for one in wanted):
            return set(range(len(self)))
        words = _encoded(_decoded(self._words).lower()) if lowered else self._folded
        alone: set[str] = set()
        pairs: dict[str, set[str]] = {}
        for one in wanted:
            _collect(one, words, alone, pairs)
        if len(alone) > _MOST and not pairs:
            return {place for place, part in enumerate(self._codes.split(_END)) if not alone.isdisjoint(part)}
        codes = alone.union(pairs)
        if len(codes) > _FEW:
            search = re.compile(f"[{''.join(codes)}]").search
            return set(
                self._places(lambda at: match.start() if (match := search(self._codes, at)) else -1, pairs, alone)
            )
        find = self._codes.find
        return {place for code in codes for place in self._places(partial(find, code), pairs, alone)}

    def with_author(self, parts: Iterable[str], folded: Callable[[str], str]) -> set[int]:
        """Returns the places of the papers that have any of the `parts` in one name of an author.

        `folded` makes names comparable, and leaves what is between them.
        """
        names = _encoded(folded(_decoded(self._authors)))
        found: set[int] = set()
        for sought in map(_encoded, parts):
            found.update(_numbers(sought, names, _encoded(_AFTER)))
        return found

    def papers(self, places: Iterable[int]) -> Iterator[Paper]:
        """Yields papers with what is here of them; all else is empty."""
        words, names, authors = _by_code(self._words), self.names, self._author_lists()
        for place in places:
            paper = _TextPaper.__new__(_TextPaper)
            identifier, _, version = names[place].rpartition("v")
            paper.id, paper.version = identifier, int(version)  # type: ignore[misc]  # papers are frozen, but this one is being made
            paper.title, paper.abstract = self._text(place, words)  # type: ignore[misc]
            paper.categories = self.kinds[self.of[place]].categories  # type: ignore[misc]
            paper.names = authors[place]
            for name, value in self.seldom.get(place, {}).items():
                setattr(paper, name, value)
            yield paper

    def _having(self, sought: str, *, in_title: bool, whole: bool) -> set[int]:
        """Returns the papers that have a folded text, which may go over several words, or whose text is that."""
        found = self.with_any([Sought(sought)])
        if not in_title and not whole and len(parts := sought.split(" ")) < 3 and all(parts):
            return found
        words = _by_code(self._folded) if found else []
        texts = ((place, self._text(place, words)) for place in found)
        fields = ((place, title if in_title else f"{title} {abstract}") for place, (title, abstract) in texts)
        return {place for place, text in fields if (text == sought if whole else sought in text)}

    def _by_author(self, sought: str, *, whole: bool) -> set[int]:
        found = self.with_author([sought], fold)
        names = self._author_lists() if whole and found else []
        return {place for place in found if sought in map(fold, names[place].split(_BETWEEN))} if whole else found

    def _places(
        self, find: Callable[[int], int], pairs: Mapping[str, set[str]], alone: Container[str]
    ) -> Iterator[int]:
        """Yields the papers that have a character `alone`, or one of a pair and then the other.

        `find` returns the place of the next character from a place in the codes on, of these and the first of pairs.
        """
        codes, starts, at = self._codes, self._starts, find(0)
        while at >= 0:
            if codes[at] in alone or codes[at + 1 + (codes[at + 1] == _BORDER)] in pairs[codes[at]]:
                place = bisect_right(starts, at) - 1
                yield place
                at = find(starts[place + 1])
            else:
                at = find(at + 1)

    def _author_lists(self) -> list[str]:
        return _decoded(self._authors)[1:].split(_AFTER)

    @cached_property
    def _folded(self) -> bytes:
        return fold_bytes(_decoded(self._words))

    def _codes_of(self, place: int) -> str:
        return self._codes[self._starts[place] : self._starts[place + 1] - 1]

    def _text(self, place: int, words: Sequence[str]) -> tuple[str, str]:
        """Returns title and abstract of a paper; `words` are those of a vocabulary, each at its character."""
        title, _, abstract = self._codes_of(place).partition(_BORDER)
        return _spelled(title, words), _spelled(abstract, words)


class _TextPaper(Paper):
    """A paper of which only some fields are known."""

    __slots__ = ("names",)

    names: str

    __setattr__ = object.__setattr__  # the fields are set one by one

    def __getattr__(self, name: str) -> Any:
        if name == "authors":
            self.authors = tuple(map(Author, self.names.split(_BETWEEN))) if self.names else ()  # type: ignore[misc]
            return self.authors
        if name not in _DEFAULTS:
            raise AttributeError(name)
        return _DEFAULTS[name]


_DEFAULTS = {field.name: field.default for field in fields(Paper) if field.default is not MISSING}


def texts_to_plain(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what makes the `BatchTexts` of a batch, as JSON values; `batch` is `Batch.to_plain`."""
    codes = _Codes()
    items = batch["announcements"]
    texts: list[str] = []
    for item in items:
        for text, end in ((item.get("title", ""), _BORDER), (item.get("abstract", ""), _END)):
            texts += "".join(map(codes.__getitem__, _clean(text).split(" "))), end
    kinds: dict[Any, int] = {}
    of = [kinds.setdefault(_kind_of(item), len(kinds)) for item in items]
    return {
        "date": batch["date"],
        "names": " ".join([f"{item['id']}v{item['version']}" for item in items]),
        "codes": "".join(texts),
        "words": " ".join(codes.words),
        "authors": "".join([_BETWEEN.join(map(_name, item["authors"])) + _AFTER for item in items]),
        "kinds": list(kinds),
        "of": of,
        "seldom": {str(place): row for place, item in enumerate(items) if (row := _seldom(item))},
    }


class _Codes(dict[str, str]):
    """The characters of words, which are numbered as they are met."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __missing__(self, word: str) -> str:
        self.words.append(word)
        code = self[word] = _code(len(self.words) - 1)
        return code


def _code(number: int) -> str:
    at = number + _FIRST
    return chr(at if at < _SURROGATES else at + _THESE)


def _by_code(words: bytes) -> list[str]:
    """Returns words, each at the place of its character."""
    listed = _decoded(words)[1:-1].split(_BETWEEN)
    return [*[""] * _FIRST, *listed[: _SURROGATES - _FIRST], *[""] * _THESE, *listed[_SURROGATES - _FIRST :]]


def _collect(sought: Sought, words: bytes, alone: set[str], pairs: dict[str, set[str]]) -> None:
    """Add the characters of the words that have the text in them to `alone`, and of those that have it together to
    `pairs`: by the first, those of the second.

    Of a text with several blanks only what is around one of them is looked for.
    """
    text, begins, ends = sought
    parts = text.split(" ")
    if len(parts) == 1:
        alone.update(_codes_with(text, words, begins, ends))
        return
    longest = max(range(len(parts) - 1), key=lambda at: min(len(parts[at]), len(parts[at + 1])))
    first, second = parts[longest : longest + 2]
    begins, ends = begins or longest > 0, ends or longest + 2 < len(parts)
    if not (first and second):
        alone.update(_codes_with(max(parts, key=len), words))
        return
    alone.update(_codes_with(f"{first} {second}", words, begins, ends))
    seconds = set(_codes_with(_BETWEEN + second, words, ends=ends))
    for code in _codes_with(first + _BETWEEN, words, begins) if seconds else ():
        pairs.setdefault(code, set()).update(seconds)


def _codes_with(text: str, words: bytes, begins: bool = False, ends: bool = False) -> Iterator[str]:
    """Yields the characters of the words that have a text in them, whole if it `begins` and `ends`."""
    sought = _encoded(text)
    begins, ends = begins and sought[0] in _ALNUM, ends and sought[-1] in _ALNUM
    return map(_code, _numbers(sought, words, _encoded(_BETWEEN), begins, ends))


_ALNUM = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz_")


def _spelled(codes: str, words: Sequence[str]) -> str:
    """Returns a text of its characters; `words` are those of a vocabulary, each at its character."""
    numbers = memoryview(codes.encode(_INTEGERS)).cast("I").tolist()  # a half of the time that `ord` takes
    return " ".join(itemgetter(0, *numbers)(words))[1:]


def _numbers(sought: bytes, texts: bytes, between: bytes, begins: bool = False, ends: bool = False) -> Iterator[int]:
    """Yields the numbers of the texts that have something in them; `between` comes before, between and after them."""
    skip = sought.startswith(between)
    number, last, at = -1, 0, texts.find(sought)
    while at >= 0:
        if (begins and texts[at - 1] in _ALNUM) or (ends and texts[at + len(sought)] in _ALNUM):
            at = texts.find(sought, at + 1)
            continue
        number += texts.count(between, last, at + skip)
        last = at + skip
        yield number
        at = texts.find(sought, texts.find(between, last))


def _kind_of(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        item["type"], tuple(item["categories"]), item.get("late", ""), item.get("source", "rss"),
        item.get("relisted", False), tuple(item.get("into", ())), item["version"] == 1,
    )  # fmt: skip


def _kind(
    served: str, categories: list[str], late: str, source: str, relisted: bool, into: list[str], is_first: bool
) -> Circumstances:
    return Circumstances(served, tuple(categories), late, source, relisted, tuple(into), is_first)


def _seldom(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that few papers have; the date of publication is used of papers from elsewhere only."""
    names = _SELDOM if item.get("link") or not is_arxiv_id(item["id"]) else ("upvotes",)
    return {name: item[name] for name in names if item.get(name) not in ("", None)}


def _name(author: str | list[str]) -> str:
    return _clean(author if isinstance(author, str) else author[0])


def _clean(text: str) -> str:
    """Returns `text` with blanks for the characters that separate texts here: none of them is in a document."""
    return text.replace(_BETWEEN, " ").replace(_AFTER, " ") if _BETWEEN in text or _AFTER in text else text


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
