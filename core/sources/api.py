"""arXiv's API: the papers of some days in slices, and single papers by their identifiers.

It is slow, and sometimes answers with fewer entries than it says that there are, even with none: such a slice is asked
for again, and called short if that does not help (https://info.arxiv.org/help/api/user-manual.html).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from core.model.categories import closure, parts
from core.model.errors import FetchError, SourceError
from core.model.paper import Paper, parse_id
from core.sources.client import Get
from core.sources.parse import ParsedPage, parse_api

SLICE_SIZE = 200
MOST_RESULTS = 30_000  # arXiv serves no more of one query, however it is sliced
API_SECONDS = 40.0  # of one request
TRIES = 3
_ACCEPT = "application/atom+xml, text/xml, */*"

_Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of a query's results, `total` of them by arXiv's count. `short` says why it is not whole, "" if it is.

    The next slice begins at `next_start`, also behind a short one; None if this is the last.
    """

    papers: tuple[Paper, ...]
    total: int
    rejected: tuple[Mapping[str, str], ...] = ()
    next_start: int | None = None
    short: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`papers` by the identifiers that were asked for, those `missing` that did not come, and `problem`, if any, why.

    What is missing without a problem, arXiv does not have.
    """

    papers: Mapping[str, Paper]
    missing: tuple[str, ...] = ()
    problem: str = ""


def slice_url(base_url: str, categories: Sequence[str], window: _Window, start: int, size: int) -> str:
    """The address of `size` papers in `categories` that were submitted within `window`, oldest first, from `start` on.

    An archive such as "cs" stands for all of its categories. The API knows no aliases, so that both names are asked
    for. Both ends of the window count, to the minute.
    """
    both = [*categories, *sorted(closure(tuple(categories)) - set(categories))]
    names = " OR ".join(f"cat:{name}.*" if parts(name) else f"cat:{name}" for name in both)
    first, last = (f"{moment.astimezone(UTC):%Y%m%d%H%M}" for moment in window)
    query = {
        "search_query": f"({names}) AND submittedDate:[{first} TO {last}]",
        "start": start,
        "max_results": size,
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }
    return f"{base_url}/api/query?{urlencode(query, safe=':*')}"


def ids_url(base_url: str, ids: Sequence[str]) -> str:
    """The address of the papers with these identifiers; without a version it is the newest one."""
    query = {"id_list": ",".join(ids), "start": 0, "max_results": len(ids)}
    return f"{base_url}/api/query?{urlencode(query, safe=',/')}"


async def fetch_slice(
    get: Get, base_url: str, categories: Sequence[str], window: _Window, *, start: int, size: int = SLICE_SIZE
) -> Slice:
    """Fetch `size` papers from number `start` on of those in `categories` that were submitted within `window`.

    A slice that is not whole is asked for again, `TRIES` times in all. Raises `FetchError` or `ParseError` if there is
    no answer, or none that is one.
    """
    page = await _fetch_page(get, slice_url(base_url, categories, window, start, size), start, size)
    # A full page that goes beyond the total may have another behind it: then the total is not to be believed
    after, served = start + size, _served(page)
    more = (after < page.total or (served >= size and start + served > page.total)) and after < MOST_RESULTS
    return Slice(page.papers, page.total, page.rejected, after if more else None, _lack(page, start, size))


async def fetch_by_id(get: Get, base_url: str, ids: Iterable[str], *, size: int = 100) -> Found:
    """Fetch papers by their identifiers, with or without version. Never raises for an upstream's fault: see `Found`.

    An answer that did not come ends it: arXiv is not asked for more while it refuses or is down.
    """
    wanted = {text: _spelled(text) for text in ids}
    asked = [name for name in dict.fromkeys(wanted.values()) if name]
    known: dict[str, Paper] = {}
    problem = ""
    for at in range(0, len(asked), size):
        some = asked[at : at + size]
        try:
            page = await _fetch_page(get, ids_url(base_url, some), 0, len(some))
        except SourceError as error:
            problem = error.reason if isinstance(error, FetchError) else str(error)
            if isinstance(error, FetchError) and error.again:
                break
            continue
        problem = _lack(page, 0, len(some)) or problem
        for paper in page.papers:
            known[paper.versioned] = paper
            known[paper.id] = max(paper, known.get(paper.id, paper), key=lambda one: one.version)
    papers = {text: known[name] for text, name in wanted.items() if name in known}
    return Found(papers, tuple(text for text in wanted if text not in papers), problem)


def _spelled(text: str) -> str:
    """The identifier as arXiv's API knows it; "" for what is none, which would spoil the request for all."""
    try:
        return str(parse_id(text))
    except ValueError:
        return ""


async def _fetch_page(get: Get, url: str, start: int, size: int) -> ParsedPage:
    """The fullest of some tries to fetch a page, the first one that is whole. Raises what the first one raises."""
    best = await _fetch_once(get, url)
    for _ in range(TRIES - 1):
        if not _lack(best, start, size):
            break
        try:
            again = await _fetch_once(get, url)
        except SourceError:
            break  # what is there is better than nothing
        best = min(best, again, key=lambda page: (bool(_lack(page, start, size)), -len(page.papers)))
    return best


async def _fetch_once(get: Get, url: str) -> ParsedPage:
    answer = await get(url, accept=_ACCEPT, total_seconds=API_SECONDS)
    return await asyncio.to_thread(parse_api, answer.body or b"")


def _served(page: ParsedPage) -> int:
    """How many entries the page had, readable or not."""
    return len(page.papers) + len(page.rejected)


def _lack(page: ParsedPage, start: int, size: int) -> str:
    """Why a page is not whole, "" if it is."""
    if page.broken:
        return page.broken
    promised = max(min(size, page.total - start), 0)
    served = _served(page)
    return f"arXiv's API served {served} of {promised} papers from number {start} on" if served < promised else ""
