"""Encodes values as bytes: compact JSON, compressed, with the checksum that zlib adds.

A value that was damaged or truncated in the store fails its checksum: it is never taken for another one.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson

from core.model.batch import Announcement, Batch
from core.model.entries import Day, make_entries
from core.model.errors import PaperwireError, StoreError
from core.model.feed import UPVOTES, Entry, Feed, Reason
from core.model.paper import Paper
from core.model.scoring import Score, field_text, make_score
from core.util.signing import canonical_json

_LEVEL = 6
_MOST_BYTES = 100_000_000  # of a decompressed value; the largest real ones have a few MB
_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
T = TypeVar("T")

Scores = Mapping[str, Score | None]


def encode(value: Any, level: int = _LEVEL) -> bytes:
    """Encode a JSON value; a lower `level` of compression is faster."""
    try:
        plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)  # the standard json would block all threads meanwhile
    except TypeError:  # lone surrogates
        plain = canonical_json(value)
    return b"z" + zlib.compress(plain, level)


def decode(data: bytes) -> Any:
    """The inverse of `encode`; earlier versions did not compress short values ("j"). Raises `StoreError` for any other
    bytes.
    """
    try:
        if data[:1] not in (b"z", b"j"):
            raise ValueError("it was not written by Paperwire")
        return orjson.loads(_decompress(data[1:]) if data[:1] == b"z" else data[1:])
    except (zlib.error, ValueError) as error:
        raise StoreError(f"a stored value cannot be read: {error}") from error


def _decompress(data: bytes) -> bytes:
    work = zlib.decompressobj()
    plain = work.decompress(data, _MOST_BYTES)
    if not work.eof or work.unused_data:
        raise ValueError("it is truncated, or too long")
    return plain


def decode_as(make: Callable[[Any], T], data: bytes) -> T:
    """Decode a value and convert it with `make`. Raises `StoreError` if it has another shape."""
    plain = decode(data)
    try:
        return make(plain)
    except (*_ERRORS, PaperwireError) as error:  # some of what reads a stored value also reads what people send
        raise StoreError("a stored value has another shape: it is damaged, or another version wrote it") from error


def scores_to_plain(feed: Feed, scores: Scores) -> dict[str, Any]:
    """Returns scores by versioned paper id, as JSON values, with numbers of keywords in place of the reasons' texts.

    None stands for a paper that an exclude rule removes.
    """
    numbers = {label: number for number, label in enumerate(feed.labels)}
    return {
        paper: None
        if score is None
        else [
            [score.mentions, score.vote] if score.vote else score.mentions,
            *(_reason_to_plain(numbers, reason) for reason in score.reasons),
        ]
        for paper, score in scores.items()
    }


def _reason_to_plain(numbers: Mapping[str, int], reason: Reason) -> list[Any]:
    if reason.learned:  # terms are not numbered
        return [[reason.rule, reason.learned, reason.papers], reason.points, reason.field, reason.start, reason.end]
    # Upvotes have no number; a bonus has the negative number of its keyword
    number = None if reason.of_upvotes else numbers[reason.rule]
    number = -number - 1 if number is not None and reason.bonus else number
    return [number, reason.points, reason.field, reason.start, reason.end]


def scores_from_plain(feed: Feed, papers: Mapping[str, Paper], plain: Mapping[str, Any]) -> dict[str, Score | None]:
    """The inverse of `scores_to_plain`, given the same feed and the papers."""
    out: dict[str, Score | None] = {}
    for name, rows in plain.items():
        if rows is None:
            out[name] = None
            continue
        mentions, *rows = rows
        mentions, vote = mentions if isinstance(mentions, list) else (mentions, 0)
        out[name] = make_score(tuple(_reason_from_plain(feed, papers[name], *row) for row in rows), mentions, vote)
    return out


def _reason_from_plain(
    feed: Feed, paper: Paper, named: int | list[Any] | None, points: float, field: str, start: int, end: int
) -> Reason:
    text = field_text(paper, field)[start:end]
    if isinstance(named, list):
        rule, learned, papers_with_it = named
        return Reason(rule, points, field, start, end, text, learned=learned, papers=papers_with_it)
    label = UPVOTES if named is None else feed.labels[named if named >= 0 else -named - 1]
    return Reason(label, points, field, start, end, text, named is not None and named < 0)


def entries_to_plain(
    feed: Feed, entries: Iterable[Entry], items: Mapping[str, Announcement], of: Batch
) -> dict[str, Any]:
    """Returns some entries of a feed's day as JSON values that include their papers, so that no batch is needed.

    `items` are the announcements of the batch by versioned identifier.
    """
    scores = {
        e.paper.versioned: Score(e.score, tuple(e.reasons), e.matched, e.mentions, e.learned, e.vote) for e in entries
    }
    papers = Batch(of.date, tuple(items[name] for name in scores))
    return {"batch": papers.to_plain(), "scores": scores_to_plain(feed, scores), "others": [], "of": of.hash}


def day_from_plain(feed: Feed, plain: Mapping[str, Any]) -> Day:
    """The inverse of `entries_to_plain`, given the same feed."""
    batch = Batch.from_plain(plain["batch"])
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    entries = make_entries(feed, batch, scores_from_plain(feed, papers, plain["scores"]))
    return Day(entries, frozenset(plain["others"]))
