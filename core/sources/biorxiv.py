"""bioRxiv and medRxiv: what was posted on a date, from their API (https://api.biorxiv.org), a page at a time.

A page has as many papers as the server likes: 100 by its documentation. Numbers come as numbers or as texts, and a
date without papers has a message in place of them.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.model.errors import FetchError, ParseError, SourceError
from core.model.paper import Author, Paper, doi_id, find_dois
from core.model.sources import PREPRINTS, slug
from core.sources.client import Get
from core.sources.parse import capped, squeezed
from core.sources.syndicated import text_of
from core.text.fold import has_text
from core.text.numbers import whole_number
from core.text.sanitize import plain

_PAGE_SECONDS = 20.0
_PAGE_BYTES = 8_000_000  # 100 papers are about 300 KB
_MOST_PAGES = 60  # of a date; a busy one has 400 papers
_MOST_AUTHORS = 2000
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Posted:
    """The papers of a date at their versions, and those that could not be read. `problem` says why some are missing."""

    papers: tuple[Paper, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()
    problem: str = ""


def posted_url(base_url: str, server: str, day: date, cursor: int) -> str:
    """Returns the URL of a page of a date's papers, from number `cursor` on."""
    return f"{base_url}/details/{server}/{day}/{day}/{cursor}/json"


async def fetch_posted(get: Get, base_url: str, server: str, day: date, *, deadline: float) -> Posted:
    """Fetch the papers of a date from "biorxiv" or "medrxiv", until `deadline` in the event loop's time.

    Raises `FetchError` or `ParseError` if the first page fails; later the papers so far are returned with the problem.
    """
    papers: dict[str, Paper] = {}
    rejected: list[Mapping[str, str]] = []
    cursor = total = 0
    problem = ""
    for number in range(_MOST_PAGES + 1):
        if number and (number == _MOST_PAGES or asyncio.get_running_loop().time() > deadline):
            problem = f"{cursor} of {total} papers were read; the others are asked for later"
            break
        try:
            answer = await get(
                posted_url(base_url, server, day, cursor), accept="application/json", most_bytes=_PAGE_BYTES,
                total_seconds=_PAGE_SECONDS,
            )  # fmt: skip
            page = await asyncio.to_thread(parse_posted, answer.body or b"", server)
        except SourceError as error:
            if not number:
                raise
            problem = f"page {number + 1}: {error.reason if isinstance(error, FetchError) else error}"
            break
        papers |= {paper.versioned: paper for paper in page.papers}
        rejected += page.rejected
        cursor, total = cursor + page.served, max(total, page.total)
        if not page.served or cursor >= total:
            short = cursor < total and not page.served
            problem = f"only {cursor} of {total} papers came" if short else ""
            break
    return Posted(tuple(papers.values()), tuple(rejected), problem)


@dataclass(frozen=True, slots=True)
class PostedPage:
    """A page: its papers, how many elements it has, and how many there are in all by its own count."""

    papers: tuple[Paper, ...]
    rejected: tuple[Mapping[str, str], ...]
    served: int
    total: int


def parse_posted(body: bytes, server: str) -> PostedPage:
    """Parse a page. Raises `ParseError` for anything else, and if none of its elements can be read."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    try:
        value = json.loads(text, parse_int=lambda digits: int(digits[:18]))
    except (ValueError, RecursionError, MemoryError) as error:
        kind = (
            "empty" if not text else "an HTML page, not JSON" if text[:1] == "<" else f"not JSON: {text[:_EXCERPT]!r}"
        )
        raise ParseError(f"the answer is {kind}") from error
    messages = value.get("messages") if isinstance(value, dict) else None
    message = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else None
    listed = value.get("collection", []) if isinstance(value, dict) else None
    if message is None or not isinstance(listed, list):
        raise ParseError("the answer is JSON, but no page of papers")
    status = str(message.get("status", ""))
    if not listed and status != "ok" and "no posts" not in status.lower():
        raise ParseError(f"the answer is {status[:_EXCERPT]!r}")
    papers: list[Paper] = []
    rejected: list[Mapping[str, str]] = []
    for element in listed:
        try:
            papers.append(_paper(element, server))
        except ValueError as error:
            rejected.append(
                {"reason": str(error), "excerpt": f"{_text(element, 'doi')} {_text(element, 'title')}"[:_EXCERPT]}
            )
    if listed and not papers:
        raise ParseError(f"none of {len(listed)} papers could be read; of the first one: {rejected[0]['reason']}")
    return PostedPage(
        tuple(papers), tuple(rejected), len(listed), whole_number(str(message.get("total", ""))) or len(listed)
    )


def _text(element: Any, name: str) -> str:
    value = element.get(name) if isinstance(element, dict) else None
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _paper(element: Any, server: str) -> Paper:
    """The paper of an element. Raises `ValueError` without a DOI or a title."""
    if not (identifier := doi_id(_text(element, "doi"))):
        raise ValueError("no DOI")
    title = squeezed(plain(text_of(_text(element, "title"))))
    if not has_text(title):
        raise ValueError("no title")
    version = whole_number(_text(element, "version")) or 1
    category = slug(_text(element, "category"))
    published = next(iter(find_dois(_text(element, "published"))), "")  # "NA" where no journal has it
    host = f"https://www.{server}.org/content/{_text(element, 'doi').strip()}v{version}"
    day = _date(_text(element, "date"))
    return Paper(
        id=identifier,
        version=version,
        title=capped(title, "title"),
        abstract=capped(plain(text_of(_text(element, "abstract"))), "abstract"),
        authors=_authors(_text(element, "authors")),
        categories=(category,) if category else (),
        licence=_text(element, "license").replace("_", " ")[:100],
        doi=published,
        published=day if version == 1 else "",
        updated=day if version > 1 else "",
        link=host,
        venue=PREPRINTS[server],
    )


def _date(text: str) -> str:
    try:
        return f"{date.fromisoformat(text[:10])}T00:00:00Z"
    except ValueError:
        return ""


def _authors(text: str) -> tuple[Author, ...]:
    """Returns the authors of "Sample, A. B.; Example, C.": family names come first."""
    out = []
    for part in capped(text, "authors").split(";")[:_MOST_AUTHORS]:
        family, _, given = (squeezed(piece) for piece in part.strip(" ,").partition(","))
        name = f"{given} {family}" if given else family
        if has_text(name):
            out.append(Author(capped(name, "name")))
    return tuple(out)
