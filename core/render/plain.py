"""Entries as JSON values: the shape that /api/papers, the JSON Feed extension and the command line share."""

import json
from typing import Any

import orjson

from core.domain.feed import Entry

# every name that `fields=` may list
ENTRY_FIELDS = (
    "id", "version", "feed", "title", "title_tex", "authors", "abstract", "categories", "primary", "type", "announced",
    "published", "updated", "comment", "doi", "journal_ref", "licence", "links", "score", "reasons", "points", "band",
    "upvotes",
)  # fmt: skip


def entry_to_plain(entry: Entry, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """The entry as JSON values, narrowed to `fields` if there are any. What there is not is absent, never null."""
    paper = entry.paper
    plain = {
        "id": paper.id,
        "version": paper.version,
        "feed": entry.feed,
        "title": paper.title,
        "title_tex": paper.title_tex or None,
        "authors": [
            {"name": a.name, "affiliation": a.affiliation} if a.affiliation else {"name": a.name} for a in paper.authors
        ],
        "abstract": paper.abstract,
        "categories": paper.categories,
        "primary": paper.primary,
        "type": entry.type,
        "announced": entry.announced.isoformat(),
        "published": paper.published or None,
        "updated": paper.updated or None,
        "comment": paper.comment or None,
        "doi": paper.doi or None,
        "journal_ref": paper.journal_ref or None,
        "licence": paper.licence or None,
        "links": paper.links,
        "score": entry.score,
        "reasons": [
            {"rule": r.name, "points": r.points, "field": r.field, "start": r.start, "end": r.end, "text": r.text}
            for r in entry.reasons
        ],
        "points": entry.points,
        "band": entry.band,
        "upvotes": entry.upvotes,
    }
    return {name: value for name, value in plain.items() if value is not None and (not fields or name in fields)}


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8; lone surrogates, which UTF-8 cannot carry, are replaced."""
    try:
        return orjson.dumps(value)  # ten times as fast, but it has no way with surrogates
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
