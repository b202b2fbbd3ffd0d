"""Votes and the library of a feed: what its owner likes and dislikes, with the papers' words, so that they outlive the
papers in the store.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from core.model.errors import InvalidInput
from core.model.paper import parse_id
from core.util.signing import fingerprint

LIKE, DISLIKE, NONE = 1, -1, 0
SIGNS = {"up": LIKE, "down": DISLIKE, "none": NONE}
MOST_VOTES = 200  # likes, and as many dislikes; the oldest go first
FRESH_VOTES = 100  # of them count in full; the older ones less and less, down to `_LEAST_WEIGHT`
_LEAST_WEIGHT = 0.25
MOST_LIBRARY = 100  # papers of a library that are learned from, the newest
MOST_IN_REQUEST = 500  # votes in one request
MOST_WORDS = 500  # removed words, and dismissed suggestions
_LONGEST_TITLE, _LONGEST_ABSTRACT, _LONGEST_WORD = 600, 4000, 100  # characters that are kept


class Vote(NamedTuple):
    """A like (1) or dislike (-1) of a paper, by its identifier without version; `time` is RFC 3339."""

    paper: str
    sign: int
    time: str
    title: str
    abstract: str


class Reference(NamedTuple):
    """A paper of a library. `paper` is its arXiv identifier, "" without one; `source` names where it came from."""

    title: str
    abstract: str = ""
    paper: str = ""
    source: str = "file"


@dataclass(frozen=True, slots=True)
class Votes:
    """All that a feed learns from. `votes` and `library` are newest first.

    `removed` are words that must not count; `dismissed` are keywords that must not be suggested again.
    """

    votes: tuple[Vote, ...] = ()
    library: tuple[Reference, ...] = ()
    removed: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()

    @property
    def signs(self) -> dict[str, int]:
        """The votes by paper."""
        return {vote.paper: vote.sign for vote in self.votes}

    @property
    def likes(self) -> list[Vote]:
        """The likes, newest first."""
        return [vote for vote in self.votes if vote.sign > 0]

    @property
    def dislikes(self) -> list[Vote]:
        """The dislikes, newest first."""
        return [vote for vote in self.votes if vote.sign < 0]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of all that learning depends on; "" where there is nothing to learn from.

        The order counts, because older votes weigh less; the times do not.
        """
        if not (self.votes or self.library):
            return ""
        votes = [(vote.paper, vote.sign) for vote in self.votes]
        return fingerprint("votes", votes, self.library, sorted(self.removed))

    def voted(self, news: Iterable[Vote], taken_back: Iterable[str] = ()) -> "Votes":
        """Returns this with `news`, oldest first, without votes on `taken_back`, and within the limits."""
        fresh = {vote.paper: vote for vote in news}
        gone = {*fresh, *taken_back}
        kept = [*reversed(fresh.values()), *(vote for vote in self.votes if vote.paper not in gone)]
        return replace(self, votes=tuple(_limited(kept)))

    def forgotten(self, before: str) -> "Votes":
        """Returns this without the votes of earlier times than `before` (RFC 3339, or the beginning of it)."""
        return replace(self, votes=tuple(vote for vote in self.votes if vote.time >= before))

    def with_words(self, plain: Mapping[str, Any]) -> "Votes":
        """Returns this with words removed from what is learned or restored to it, and suggestions dismissed:
        `{"remove": ["benchmark"], "restore": [], "dismiss": []}`. Raises `InvalidInput` for anything else.
        """
        wanted: dict[str, list[str]] = {"remove": [], "restore": [], "dismiss": []}
        for name, words in plain.items():
            if name not in wanted or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise InvalidInput(f"{name!r} is not one of {', '.join(wanted)} with a list of words")
            wanted[name] = [_storable(" ".join(word.lower().split()), _LONGEST_WORD) for word in words]
        removed = dict.fromkeys([*wanted["remove"], *self.removed])
        kept = tuple(word for word in removed if word and word not in wanted["restore"])[:MOST_WORDS]
        dismissed = tuple(filter(None, dict.fromkeys([*wanted["dismiss"], *self.dismissed])))[:MOST_WORDS]
        return replace(self, removed=kept, dismissed=dismissed)

    def with_library(self, references: Sequence[Reference], *, source: str = "") -> "Votes":
        """Returns this with `references`, newest first, before the known ones, each paper once.

        With a `source`, they replace all that came from it.
        """
        known = [one for one in self.library if not source or one.source != source]
        once = {(one.paper or _plain(one.title)): one for one in reversed([*references, *known])}
        return replace(self, library=tuple(reversed(once.values()))[:MOST_LIBRARY])

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values, which `from_plain` reads; also the format of exports."""
        return {
            "votes": [vote._asdict() for vote in self.votes],
            "library": [reference._asdict() for reference in self.library],
            "removed": list(self.removed),
            "dismissed": list(self.dismissed),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Votes":
        """The inverse of `to_plain`. Raises `ValueError`, `TypeError` or `KeyError` for anything else."""
        votes = [
            make_vote(str(row["paper"]), _sign(row["sign"]), str(row["time"]), str(row["title"]), str(row["abstract"]))
            for row in plain["votes"]
        ]
        library = [
            make_reference(str(row["title"]), str(row["abstract"]), str(row["paper"]), str(row["source"]))
            for row in plain["library"]
        ]
        words = [
            tuple(_storable(str(word), _LONGEST_WORD) for word in plain[name])[:MOST_WORDS]
            for name in ("removed", "dismissed")
        ]
        return cls(tuple(_limited(votes)), tuple(library)[:MOST_LIBRARY], *words)


def make_vote(paper: str, sign: int, time: str, title: str, abstract: str) -> Vote:
    """Returns a vote with texts of bounded length. Raises `ValueError` for an invalid identifier."""
    words = _storable(title, _LONGEST_TITLE), _storable(abstract, _LONGEST_ABSTRACT)
    return Vote(parse_id(paper).id, sign, _storable(time, _LONGEST_WORD), *words)


def make_reference(title: str, abstract: str = "", paper: str = "", source: str = "file") -> Reference:
    """Returns a reference with texts of bounded length."""
    words = _storable(title, _LONGEST_TITLE), _storable(abstract, _LONGEST_ABSTRACT)
    return Reference(*words, _storable(paper, _LONGEST_WORD), _storable(source, _LONGEST_WORD))


def _storable(text: str, most: int) -> str:
    """Returns the first `most` characters. Half of a surrogate pair, which JSON can hold and a store cannot, becomes
    a question mark.
    """
    return text[:most].encode("utf-8", "replace").decode("utf-8")


def read_changes(plain: object) -> dict[str, int]:
    """Returns the votes of a request, `{"2601.01234": 1}`, by identifier without version. Raises `InvalidInput`."""
    if not isinstance(plain, Mapping) or not plain:
        raise InvalidInput('"votes" is an object of identifiers and 1, -1 or 0: {"votes": {"2601.01234": 1}}')
    if len(plain) > MOST_IN_REQUEST:
        raise InvalidInput(f"{len(plain)} votes are too many for one request; send up to {MOST_IN_REQUEST}")
    found: dict[str, int] = {}
    for written, sign in plain.items():
        try:
            paper = parse_id(written).id
        except ValueError as error:
            raise InvalidInput(str(error)) from None
        if isinstance(sign, bool) or sign not in (LIKE, DISLIKE, NONE):
            raise InvalidInput(f"the vote on {written} is {sign!r}; 1 is a like, -1 a dislike, and 0 takes a vote back")
        if found.setdefault(paper, int(sign)) != sign:
            raise InvalidInput(f"{written} has two different votes in this request")
    return found


def forget(votes: Votes, before: str) -> Votes:
    """Returns `votes` without those of days before `before` ("2026-03-01"), or "" for none at all; removed words stay.

    Raises `InvalidInput` if that is no date.
    """
    if not before:
        return Votes(removed=votes.removed, dismissed=votes.dismissed)
    try:
        return votes.forgotten(date.fromisoformat(before).isoformat())
    except ValueError:
        raise InvalidInput(f"before={before!r} is not a date such as 2026-03-01") from None


def weights_of(votes: Sequence[Vote]) -> Iterator[float]:
    """Yields the weight of each of the likes, or of each of the dislikes, which come newest first."""
    span = MOST_VOTES - FRESH_VOTES
    for place in range(len(votes)):
        age = max(0, place - FRESH_VOTES + 1) / span
        yield 1.0 - (1.0 - _LEAST_WEIGHT) * min(1.0, age)


def _limited(votes: Iterable[Vote]) -> Iterator[Vote]:
    left = {LIKE: MOST_VOTES, DISLIKE: MOST_VOTES}
    for vote in votes:
        left[vote.sign] -= 1
        if left[vote.sign] >= 0:
            yield vote


def _sign(value: object) -> int:
    if isinstance(value, bool) or value not in (LIKE, DISLIKE):
        raise ValueError(f"{value!r} is neither 1 nor -1")
    return int(value)


def _plain(title: str) -> str:
    return " ".join(title.lower().split())


class VoteReport(NamedTuple):
    """What a change did: the votes after it, which of them are new (0: taken back), and the votes `before`."""

    votes: Votes
    changed: Mapping[str, int]
    before: Votes

    @property
    def undo(self) -> dict[str, int]:
        """The votes that put back what was changed."""
        signs = self.before.signs
        return {paper: signs.get(paper, 0) for paper in self.changed}

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values, without the votes themselves."""
        counts = {"likes": len(self.votes.likes), "dislikes": len(self.votes.dislikes)}
        return counts | {"library": len(self.votes.library), "changed": dict(self.changed), "undo": self.undo}


class LibraryReport(NamedTuple):
    """What became of a library's entries: `used`, of these with an abstract, `unknown` ones without any words, `older`
    ones beyond the limit, and the problem with arXiv, "" without one.
    """

    used: int
    abstracts: int
    unknown: int
    older: int
    problem: str = ""


class LearnedRow(NamedTuple):
    """What is known of a feed's votes without reading them.

    `votes` is their fingerprint. `model` is the name of what was learned, "" if nothing was; `inputs` is the
    fingerprint of what it was learned from, and `papers` how many stored papers there were then. `expanded…` are those
    of the time before the first vote, which are in force again when all votes are taken back.
    """

    votes: str = ""
    likes: int = 0
    dislikes: int = 0
    library: int = 0
    model: str = ""
    inputs: str = ""
    papers: int = 0
    expanded: str = ""
    expanded_inputs: str = ""
    expanded_papers: int = 0

    def of(self, votes: "Votes") -> "LearnedRow":
        """Returns this with other votes; the model stays until another one is learned."""
        counts = len(votes.likes), len(votes.dislikes), len(votes.library)
        return self._replace(votes=votes.fingerprint, likes=counts[0], dislikes=counts[1], library=counts[2])


@dataclass(frozen=True, slots=True)
class LearnedIndex:
    """The rows of all feeds that learn, by name. `version` grows by one with every change."""

    version: int = 0
    rows: Mapping[str, LearnedRow] = field(default_factory=dict)

    def with_row(self, name: str, row: LearnedRow) -> "LearnedIndex":
        """Returns this with another row of a feed."""
        return LearnedIndex(self.version + 1, {**self.rows, name: row})

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        return {"version": self.version, "rows": {name: list(row) for name, row in self.rows.items()}}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "LearnedIndex":
        """The inverse of `to_plain`."""
        return cls(int(plain["version"]), {str(name): LearnedRow(*row) for name, row in plain["rows"].items()})
