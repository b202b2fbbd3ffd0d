"""Values to bytes and back: compact JSON, compressed where that pays."""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from core.domain.errors import StoreError
from core.domain.feed import Feed, Reason
from core.domain.fingerprint import canonical
from core.domain.paper import Paper
from core.domain.scoring import BONUS_RULE, Score, field_text

_COMPRESS_FROM = 1024  # bytes
_LEVEL = 6

Scores = Mapping[str, Score | None]


def encode(value: Any) -> bytes:
    """JSON values to bytes; from 1 KB on they are compressed, which the first byte tells."""
    plain = canonical(value)
    return b"z" + zlib.compress(plain, _LEVEL) if len(plain) >= _COMPRESS_FROM else b"j" + plain


def decode(data: bytes) -> Any:
    """The inverse of `encode`. Raises `StoreError` for bytes that it did not make."""
    try:
        plain = zlib.decompress(data[1:]) if data[:1] == b"z" else data[1:]
        return orjson.loads(plain)
    except (zlib.error, ValueError) as error:
        raise StoreError(f"a stored value cannot be read: {error}") from error


def scores_to_plain(feed: Feed, scores: Scores) -> dict[str, Any]:
    """Scores by versioned paper id, as JSON values; the texts of reasons are left to the papers that hold them.

    None, for a paper that an exclude word keeps out, stays None.
    """
    numbers = {keyword.label: number for number, keyword in enumerate(feed.keywords)}
    numbers |= {BONUS_RULE.format(label=label): -number - 1 for label, number in numbers.items()}
    return {
        paper: None if score is None else [[numbers[r.rule], r.points, r.field, r.start, r.end] for r in score.reasons]
        for paper, score in scores.items()
    }


def scores_from_plain(feed: Feed, papers: Mapping[str, Paper], plain: Mapping[str, Any]) -> dict[str, Score | None]:
    """The inverse of `scores_to_plain`, given the same feed and the papers."""
    labels = [keyword.label for keyword in feed.keywords]
    out: dict[str, Score | None] = {}
    for name, rows in plain.items():
        if rows is None:
            out[name] = None
            continue
        reasons = tuple(
            Reason(
                labels[number] if number >= 0 else BONUS_RULE.format(label=labels[-number - 1]),
                points,
                field,
                start,
                end,
                field_text(papers[name], field)[start:end],
            )
            for number, points, field, start, end in rows
        )
        matched = tuple(reason.rule for reason, row in zip(reasons, rows, strict=True) if row[0] >= 0)
        out[name] = Score(round(sum(reason.points for reason in reasons), 4), reasons, matched)
    return out
