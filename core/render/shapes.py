"""JSON: the shape of an entry, which /api/papers, the JSON Feed extension, digests and the command line share."""

import json
from typing import Any

import orjson

from core.model.again import read_news
from core.model.feed import Entry
from core.model.paper import Paper, is_withdrawn, known_addresses
from core.model.summary import Summary

# every name that `fields=` may list
ENTRY_FIELDS = (
    "id", "version", "feed", "title", "title_tex", "authors", "abstract", "categories", "primary", "type", "announced",
    "published", "updated", "comment", "doi", "journal_ref", "venue", "licence", "links", "score", "words", "learned",
    "reasons", "points", "band", "scorecard", "upvotes", "withdrawn", "late", "summary", "found_by", "why_now",
)  # fmt: skip
# what an entry may lack
_ENTRY_TEXTS = ("title_tex", "published", "updated", "comment", "doi", "journal_ref", "venue", "licence")
_NUMBERS = ("points", "band", "upvotes")  # absent where None


def entry_to_plain(entry: Entry, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """The entry as JSON values, narrowed to `fields` if there are any. What there is not is absent, never null."""
    paper = entry.paper
    plain: dict[str, Any] = {
        "id": paper.id,
        "version": paper.version,
        "feed": entry.feed,
        "title": paper.title,
        "authors": [
            {"name": name, "affiliation": affiliation} if affiliation else {"name": name}
            for name, affiliation in paper.authors
        ],
        "abstract": paper.abstract,
        "categories": paper.categories,
        "primary": paper.primary,
        "type": entry.type,
        "announced": entry.announced.isoformat(),
        "links": paper.links,
        "score": entry.score,
        "reasons": [
            {
                "rule": reason.name,
                "points": reason.points,
                "field": reason.field,
                "start": reason.start,
                "end": reason.end,
                "text": reason.text,
            }
            | ({"learned": reason.learned, "papers": reason.papers} if reason.learned else {})
            for reason in entry.reasons
        ],
    }
    if not paper.primary:
        del plain["primary"]
    for name in _ENTRY_TEXTS:
        if value := getattr(paper, name):
            plain[name] = value
    for name in _NUMBERS:
        if (value := getattr(entry, name)) is not None:
            plain[name] = value
    if entry.scorecard:
        plain["scorecard"] = entry.scorecard.to_plain()
    plain |= _learned_to_plain(entry) | _news_to_plain(paper)
    if is_withdrawn(paper):
        plain["withdrawn"] = True
    if entry.late:
        plain["late"] = entry.late
    if entry.summary and (not fields or "summary" in fields):
        plain["summary"] = _summary_to_plain(entry.summary, paper)
    return {name: plain[name] for name in plain if name in fields} if fields else plain


def _news_to_plain(paper: Paper) -> dict[str, Any]:
    return {"why_now": [one._asdict() for one in read_news(paper.news)]} if paper.news else {}


def _learned_to_plain(entry: Entry) -> dict[str, Any]:
    found = {"found_by": "learning"} if entry.by_learning else {}
    return {"words": entry.words, "learned": entry.learned} | found if entry.learned else found


def _summary_to_plain(summary: Summary, paper: Paper) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "template": summary.template,
        "language": summary.language,
        "model": summary.model,
        "html": summary_html(summary, paper),
        "markdown": summary.markdown,
        "state": summary.state,
    }
    plain |= {"claim": summary.claim} if summary.claim else {}
    plain |= {"evidence": summary.evidence.to_plain()} if summary.evidence else {}
    return plain | ({"problem": summary.problem} if summary.problem else {})


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8; lone surrogates, which UTF-8 cannot carry, are replaced."""
    try:
        return orjson.dumps(value)  # ten times faster, but it cannot encode surrogates
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def summary_html(summary: Summary, paper: Paper, *, maths: bool = False) -> str:
    """A summary as harmless HTML, whose links lead nowhere but where the paper's own lead. `maths` as in `to_html`."""
    from core.text.markdown import to_html  # not at a cold start

    return to_html(summary.markdown, known_addresses(paper), maths=maths)
