"""Hugging Face's daily papers: the papers that its users picked on a date, with upvotes, from loosely specified JSON.

The daily papers are a selection, not a record of what arXiv announced: they have no categories, versions or licences.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.model.errors import ParseError
from core.model.paper import Author, Paper, code_address, parse_arxiv_id
from core.sources.client import Get
from core.sources.parse import readable_texts, utc_time
from core.text.fold import has_text
from core.text.sanitize import clean
from core.text.tex import decode_name

ASKED_FOR = 100  # Hugging Face's limit
MOST_READ = 1000
DAILY_SECONDS = 15.0
DAILY_BYTES = 8_000_000  # 30 papers are about 100 KB
_ACCEPT = "application/json"
MOST_AUTHORS = 5000
LONGEST_TITLE, LONGEST_ABSTRACT, LONGEST_NAME = 1000, 20_000, 300
MOST_UPVOTES = 1_000_000

_EXCERPT = 200
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Picks:
    """The papers of a date, most upvotes first, and the elements that could not be read, each with its reason.

    `upvotes` are never None, `repo` may be "", `categories` are empty, and the version is 1, as the source names none.
    """

    papers: tuple[Paper, ...]
    rejected: tuple[Mapping[str, str], ...] = ()


def daily_url(base_url: str, day: date) -> str:
    """Returns the URL of the papers of a date."""
    return f"{base_url}/api/daily_papers?date={day.isoformat()}&limit={ASKED_FOR}"


async def fetch_daily(get: Get, base_url: str, day: date) -> Picks:
    """Fetch the papers of a date; the list may be empty. Raises `FetchError` or `ParseError`.

    arXiv's gate does not apply to Hugging Face: `get` belongs to a `Fetcher` without a gate.
    """
    answer = await get(daily_url(base_url, day), accept=_ACCEPT, most_bytes=DAILY_BYTES, total_seconds=DAILY_SECONDS)
    return await asyncio.to_thread(parse_daily, answer.body or b"")


def parse_daily(body: bytes) -> Picks:
    """Parse the papers of a date. Raises `ParseError` if `body` is not a list of papers, or if none can be read.

    A paper that is listed twice counts once, with its highest upvotes.
    """
    best: dict[str, Paper] = {}
    rejected: list[Mapping[str, str]] = []
    listed = _listed(body)
    for element in listed[:MOST_READ]:
        try:
            paper = _paper(element)
        except ValueError as error:
            rejected.append({"reason": str(error), "excerpt": _named(element)})
            continue
        known = best.get(paper.id)
        if known is None or (paper.upvotes or 0) > (known.upvotes or 0):
            best[paper.id] = paper
    if listed and not best:
        raise ParseError(f"none of {len(listed)} papers could be read; of the first one: {rejected[0]['reason']}")
    if len(listed) > MOST_READ:
        rejected.append({"reason": f"{len(listed) - MOST_READ} more than {MOST_READ} were not read", "excerpt": ""})
    return Picks(tuple(sorted(best.values(), key=lambda paper: (-(paper.upvotes or 0), paper.id))), tuple(rejected))


def _listed(body: bytes) -> list[Any]:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()  # a bad byte costs one character only
    try:
        value = json.loads(
            text, parse_int=lambda digits: int(digits[:_DIGITS])
        )  # an absurdly large number spoils only its own element
    except (ValueError, RecursionError, MemoryError) as error:
        kind = "empty" if not text else "an HTML page, not JSON" if text[:1] == "<" else f"not JSON: {_excerpt(text)!r}"
        raise ParseError(f"the answer is {kind}") from error
    if isinstance(value, dict) and "error" in value:
        raise ParseError(f"Hugging Face answered: {_excerpt(str(value['error']))}")
    if not isinstance(value, list):
        raise ParseError("the answer is JSON, but not a list of papers")
    return value


def _named(element: Any) -> str:
    """Returns the identifier and title of an element, for reports."""
    outer = element if isinstance(element, dict) else {}
    inner = outer.get("paper")
    values = inner if isinstance(inner, dict) else outer
    return _excerpt(f"{_text(values, 'id', _EXCERPT)} {_text(values, 'title', _EXCERPT)}")


def _paper(element: Any) -> Paper:
    """The paper of an element. Raises `ValueError` if it lacks what it cannot do without: identifier and title."""
    outer = element if isinstance(element, dict) else {}
    inner = outer.get("paper")
    if not isinstance(inner, dict):
        raise ValueError("no paper")
    parsed = parse_arxiv_id(_text(inner, "id", LONGEST_NAME))
    title = _text(inner, "title", LONGEST_TITLE) or _text(outer, "title", LONGEST_TITLE)
    if not has_text(title):
        raise ValueError(f"{parsed}: no title")
    abstract = _text(inner, "summary", LONGEST_ABSTRACT) or _text(outer, "summary", LONGEST_ABSTRACT)
    return Paper(
        id=parsed.id,
        version=parsed.version or 1,
        authors=_authors(inner.get("authors")),
        categories=(),
        published=utc_time(_text(inner, "publishedAt", LONGEST_NAME)),
        repo=code_address(_text(inner, "githubRepo", LONGEST_ABSTRACT)),
        upvotes=_count(inner.get("upvotes")),
        **readable_texts(title, abstract),
    )


def _text(values: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of `values`, cut if it is too long; "" for whatever else may be there."""
    value = values.get(name)
    return value[:longest] if isinstance(value, str) else ""


def _count(value: Any) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), MOST_UPVOTES) if whole else 0


def _authors(values: Any) -> tuple[Author, ...]:
    """The authors that are to be shown: those who do not want it are marked as hidden."""
    some = values[:MOST_AUTHORS] if isinstance(values, list) else []
    shown = (author for author in some if isinstance(author, dict) and not author.get("hidden"))
    names = (decode_name(_text(author, "name", LONGEST_NAME)) for author in shown)
    return tuple(Author(name) for name in names if has_text(name))


def _excerpt(text: str) -> str:
    """The beginning of `text` on one line, for reports."""
    return " ".join(clean(text[:_EXCERPT]).split())
