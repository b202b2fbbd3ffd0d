"""Reviews: what a model answered to questions on one paper, the post that it made of that, and what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.model.batch import paper_from_plain, paper_to_plain
from core.model.fulltext import NO_EVIDENCE, Evidence
from core.model.paper import Paper, PaperId
from core.model.summary import Summary

POST = "post"  # the key of the post, where others are those of questions
_MOST_TRIES = 2  # so often a question may fail until the post is made without its answer


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong when the question `key` was asked last: the `state` of the model's error, in words, and how often
    it failed. `again`: a later try may succeed.
    """

    key: str
    state: str
    words: str
    tries: int = 1
    again: bool = True

    @property
    def given_up(self) -> bool:
        """Whether the post is made without this answer."""
        return not self.again or self.tries >= _MOST_TRIES


@dataclass(frozen=True, slots=True)
class Review:
    """The review of `paper` in a `language` (BCP 47), as far as it is made.

    `fingerprint` covers the questions, the model and the kind of `input` ("html", "pdf" or "abstract"); `note` says why
    that is not better. `keys` are those of the questions, in order; `answers` are texts by them, harmless Markdown,
    and `prompts` what was asked (none in older reviews).
    `evidence` is what was read for the answers. `post` was made of the answers to `post_of`. `read` and `written`
    are tokens, spent in `calls` calls so far. Times are RFC 3339.
    """

    paper: Paper
    language: str
    model: str
    fingerprint: str
    keys: tuple[str, ...]
    begun: str
    updated: str
    input: str = "abstract"
    note: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    post: Summary | None = None
    post_of: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    read: int = 0
    written: int = 0
    calls: int = 0
    evidence: Evidence = NO_EVIDENCE
    prompts: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """As a word: "running" (questions are left), "partial" (a post, but answers are missing) or "ready"."""
        if self.post is None or not self.post_of >= self.answers.keys():
            return "running"
        return "partial" if self.missing else "ready"

    @property
    def missing(self) -> tuple[str, ...]:
        """The questions without an answer, in order."""
        return tuple(key for key in self.keys if key not in self.answers)

    @property
    def wants_post(self) -> bool:
        """Whether the post is to be made: nothing more is waited for, and there are answers that it was not made of."""
        waited_for = [key for key in self.missing if key not in self.failures or not self.failures[key].given_up]
        return not waited_for and bool(self.answers) and self.state == "running"

    @property
    def title(self) -> str:
        """The title of the post, else that of the paper."""
        return (self.post.part("title") if self.post else "") or self.paper.title or f"arXiv:{self.paper.versioned}"

    def spent(self, read: int, written: int, calls: int, now: str) -> "Review":
        """The review after so many more tokens and calls."""
        return replace(
            self, read=self.read + read, written=self.written + written, calls=self.calls + calls, updated=now
        )

    def answered(self, key: str, text: str) -> "Review":
        """Returns the review with an answer; an existing answer is kept."""
        failures = {name: failure for name, failure in self.failures.items() if name != key}
        return replace(self, answers={key: text} | dict(self.answers), failures=failures)

    def on(self, evidence: Evidence) -> "Review":
        """The review with what was read and found for one more answer; the least coverage counts."""
        return replace(self, evidence=self.evidence.with_that_of(evidence))

    def failed(self, key: str, state: str, words: str, *, again: bool) -> "Review":
        """The review after a question, or the post, has failed."""
        tries = self.failures[key].tries + 1 if key in self.failures else 1
        return replace(self, failures=dict(self.failures) | {key: Failure(key, state, words, tries, again)})

    def posted(self, post: Summary, tags: Iterable[str], of: Iterable[str]) -> "Review":
        """The review with its post, made of the answers to the questions `of`."""
        failures = {name: failure for name, failure in self.failures.items() if name != POST}
        return replace(self, post=post, tags=tuple(tags), post_of=frozenset(of), failures=failures)

    def to_plain(self) -> dict[str, Any]:
        """The review as JSON values."""
        return {
            "paper": paper_to_plain(self.paper),
            **{name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS)},
            "keys": list(self.keys),
            "answers": dict(self.answers),
            "prompts": dict(self.prompts),
            "failures": [[f.key, f.state, f.words, f.tries, f.again] for f in self.failures.values()],
            "post": self.post and self.post.to_plain(),
            "post_of": sorted(self.post_of),
            "tags": list(self.tags),
            **({"evidence": self.evidence.to_plain()} if self.evidence else {}),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Review":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        failures = [Failure(str(k), str(s), str(w), int(n), bool(a)) for k, s, w, n, a in plain["failures"]]
        texts: dict[str, Any] = {name: str(plain[name]) for name in _TEXTS}
        numbers: dict[str, Any] = {name: int(plain[name]) for name in _NUMBERS}
        return cls(
            paper=paper_from_plain(plain["paper"]),
            **texts,
            **numbers,
            keys=tuple(map(str, plain["keys"])),
            answers={str(key): str(text) for key, text in plain["answers"].items()},
            prompts={str(key): str(text) for key, text in plain.get("prompts", {}).items()},
            failures={failure.key: failure for failure in failures},
            post=plain["post"] and Summary.from_plain(plain["post"]),
            post_of=frozenset(map(str, plain["post_of"])),
            tags=tuple(map(str, plain["tags"])),
            evidence=Evidence.from_plain(plain.get("evidence", {})),
        )


_TEXTS = ("language", "model", "fingerprint", "begun", "updated", "input", "note")
_NUMBERS = ("read", "written", "calls")


@dataclass(frozen=True, slots=True)
class Listed:
    """A review in the list of all reviews: what finds it, and how far it is."""

    paper: PaperId
    language: str
    fingerprint: str
    input: str
    state: str
    answered: int
    total: int
    updated: str
    title: str

    @property
    def has_post(self) -> bool:
        """Whether there is something to read."""
        return self.state != "running"

    def to_plain(self) -> list[Any]:
        """The row as JSON values."""
        return [
            self.paper.id, self.paper.version, self.language, self.fingerprint, self.input, self.state, self.answered,
            self.total, self.updated, self.title,
        ]  # fmt: skip

    @classmethod
    def from_plain(cls, plain: list[Any]) -> "Listed":
        """The inverse of `to_plain`. Raises `TypeError` or `ValueError` for anything else."""
        name, version, language, fingerprint, kind, state, answered, total, updated, title = plain
        return cls(
            paper=PaperId(str(name), int(version)),
            language=str(language),
            fingerprint=str(fingerprint),
            input=str(kind),
            state=str(state),
            answered=int(answered),
            total=int(total),
            updated=str(updated),
            title=str(title),
        )


def row_of(review: Review) -> Listed:
    """The row of a review."""
    return Listed(
        paper=PaperId(review.paper.id, review.paper.version),
        language=review.language,
        fingerprint=review.fingerprint,
        input=review.input,
        state=review.state,
        answered=len(review.answers),
        total=len(review.keys),
        updated=review.updated,
        title=review.title,
    )


def with_row(rows: Iterable[Listed], row: Listed, most: int) -> list[Listed]:
    """The list with `row` in the place of what it had of the same review; newest first, at most so many."""
    others = [other for other in rows if _identity(other) != _identity(row)]
    return sorted([row, *others], key=lambda one: one.updated, reverse=True)[:most]


def find_row(rows: Iterable[Listed], paper: PaperId, language: str = "") -> Listed | None:
    """The row to show of a paper: of its version and in the language that are named, else whatever there is.

    One with a post before one without, then that of the newest version.
    """
    fitting = [
        row
        for row in rows
        if row.paper.id == paper.id and paper.version in (None, row.paper.version) and language in ("", row.language)
    ]
    return max(fitting, key=lambda row: (row.has_post, row.paper.version or 0, row.updated), default=None)


def shown_rows(rows: Sequence[Listed], paper: PaperId) -> tuple[Listed, ...]:
    """What a paper's page links to: in each language what `find_row` finds."""
    languages = sorted({row.language for row in rows if row.paper.id == paper.id})
    return tuple(row for language in languages if (row := find_row(rows, paper, language)))


def best_rows(rows: Iterable[Listed]) -> list[Listed]:
    """Of each paper's version and language the newest row that has a post, newest first."""
    once: dict[tuple[PaperId, str], Listed] = {}
    for row in sorted(rows, key=lambda one: one.updated, reverse=True):
        if row.has_post:
            once.setdefault((row.paper, row.language), row)
    return list(once.values())


def _identity(row: Listed) -> tuple[PaperId, str, str]:
    return row.paper, row.language, row.fingerprint
