"""arXiv's API: fetches the papers of a window of days in slices, and single papers by identifier.

The API is slow, and sometimes returns fewer entries than it promises, or none. Such a slice is requested again, and
marked as short if it stays incomplete (https://info.arxiv.org/help/api/user-manual.html).
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from core.model.categories import closure, parts
from core.model.errors import FetchError, SourceError
from core.model.paper import Paper, parse_arxiv_id
from core.sources.client import Get
from core.sources.parse import ParsedPage, parse_api
from core.text.fold import fold

SLICE_SIZE = 200
MOST_RESULTS = 30_000  # arXiv's limit for one query, over all slices
API_SECONDS = 40.0  # of one request
TRIES = 3
_PAPERS_OF_A_TITLE, _LEAST_WORDS = 3, 3
_WORD = re.compile(r"[^\W_]+")
_ACCEPT = "application/atom+xml, text/xml, */*"

_Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of a query's results. `total` is arXiv's count of all results.

    `short` is the reason why the slice is incomplete, "" if it is complete.

    The next slice starts at `next_start`, also after a short one; None after the last slice.
    """

    papers: tuple[Paper, ...]
    total: int
    rejected: tuple[Mapping[str, str], ...] = ()
    next_start: int | None = None
    short: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a request by identifiers: the `papers` by identifier, and the identifiers that are `missing`.

    `problem` is the reason why some are missing. If it is "", arXiv does not have them.
    """

    papers: Mapping[str, Paper]
    missing: tuple[str, ...] = ()
    problem: str = ""


def slice_url(base_url: str, categories: Sequence[str], window: _Window, start: int, size: int) -> str:
    """Returns the URL of `size` papers in `categories` submitted within `window`, oldest first, from number `start` on.

    An archive such as "cs" stands for all of its categories. The API does not resolve aliases, so the query names both
    spellings. The window includes both of its ends, to the minute.
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
    """Returns the URL of the papers with these identifiers; an identifier without a version names the newest one."""
    query = {"id_list": ",".join(ids), "start": 0, "max_results": len(ids)}
    return f"{base_url}/api/query?{urlencode(query, safe=',/')}"


def titles_url(base_url: str, titles: Sequence[str]) -> str:
    """Returns the URL of the papers with any of these titles, and of some whose longer titles contain one."""
    names = " OR ".join(f'ti:"{" ".join(_words(title))}"' for title in titles)
    query = {"search_query": names, "start": 0, "max_results": _PAPERS_OF_A_TITLE * len(titles)}
    return f"{base_url}/api/query?{urlencode(query, safe=':')}"


def title_key(title: str) -> str:
    """Returns the words of a title in lower case, with accents and dashes folded."""
    return " ".join(_words(fold(title)))


def _words(title: str) -> list[str]:
    return _WORD.findall(title)


async def fetch_by_title(get: Get, base_url: str, titles: Iterable[str], *, size: int = 10) -> Found:
    """Fetch papers that have exactly these words as their title, `size` a request. Failures are in `Found`.

    Titles of one or two words are not asked for: too many papers contain them. The first failed request ends it.
    """
    wanted = {title: title_key(title) for title in titles}
    asked = [title for title, name in wanted.items() if len(name.split()) >= _LEAST_WORDS]
    known: dict[str, Paper] = {}
    problem = ""
    for at in range(0, len(asked), size):
        try:
            page = await _fetch_once(get, titles_url(base_url, asked[at : at + size]))
        except SourceError as error:
            problem = error.reason if isinstance(error, FetchError) else str(error)
            break
        known |= {title_key(paper.title): paper for paper in reversed(page.papers)}
    papers = {title: known[name] for title, name in wanted.items() if name in known}
    return Found(papers, tuple(title for title in wanted if title not in papers), problem)


async def fetch_slice(
    get: Get, base_url: str, categories: Sequence[str], window: _Window, *, start: int, size: int = SLICE_SIZE
) -> Slice:
    """Fetch `size` papers in `categories` submitted within `window`, from number `start` on.

    An incomplete slice is requested again, up to `TRIES` times in all. Raises `FetchError` if no request succeeds,
    `ParseError` if no answer can be parsed.
    """
    page = await _fetch_page(get, slice_url(base_url, categories, window, start, size), start, size)
    # A full page that goes beyond the total may be followed by another: the total is then unreliable
    after, served = start + size, _served(page)
    more = (after < page.total or (served >= size and start + served > page.total)) and after < MOST_RESULTS
    return Slice(page.papers, page.total, page.rejected, after if more else None, _lack(page, start, size))


async def fetch_by_id(get: Get, base_url: str, ids: Iterable[str], *, size: int = 100) -> Found:
    """Fetch papers by identifier, with or without version, `size` a request. Failures are in `Found`, never raised.

    The first failed request ends it: no more requests are sent while arXiv refuses them or is down.
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
    """Returns the identifier as arXiv's API spells it; "" if it is invalid: one invalid one fails the whole request."""
    try:
        return str(parse_arxiv_id(text))
    except ValueError:
        return ""


async def _fetch_page(get: Get, url: str, start: int, size: int) -> ParsedPage:
    """Returns the first complete page of several tries, else the fullest. Raises the error of the first try."""
    best = await _fetch_once(get, url)
    for _ in range(TRIES - 1):
        if not _lack(best, start, size):
            break
        try:
            again = await _fetch_once(get, url)
        except SourceError:
            break  # an incomplete page is better than none
        best = min(best, again, key=lambda page: (bool(_lack(page, start, size)), -len(page.papers)))
    return best


async def _fetch_once(get: Get, url: str) -> ParsedPage:
    answer = await get(url, accept=_ACCEPT, total_seconds=API_SECONDS)
    return await asyncio.to_thread(parse_api, answer.body or b"")


def _served(page: ParsedPage) -> int:
    """Returns the number of entries on the page, readable or not."""
    return len(page.papers) + len(page.rejected)


def _lack(page: ParsedPage, start: int, size: int) -> str:
    """Returns the reason why a page is incomplete, "" if it is complete."""
    if page.broken:
        return page.broken
    promised = max(min(size, page.total - start), 0)
    served = _served(page)
    return f"arXiv's API served {served} of {promised} papers from number {start} on" if served < promised else ""
