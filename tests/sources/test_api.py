"""arXiv's API over HTTP: slices that are whole or called short, and papers by identifier."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from core.model.calendar import submission_window
from core.model.errors import FetchError, ParseError, SourceError
from core.sources.api import MOST_RESULTS, TRIES, Slice, fetch_by_id, fetch_slice, slice_url
from core.sources.client import Fetcher, UpstreamAnswer
from tests.conftest import PATIENCE_SECONDS
from tests.support.arxiv_format import Sheet, api, make_sheets
from tests.support.tables import each_row
from tests.support.upstream import Upstream

T = TypeVar("T")
THURSDAY, FRIDAY, MONDAY = date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 9)
WINDOW = submission_window(FRIDAY)


def _run(_path: Path, work: Callable[[Fetcher], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Work with a fetcher that does not pause, and that waits so long for an answer unless it is to wait longer."""

    async def main() -> T:
        async with httpx.AsyncClient(timeout=seconds) as client:
            return await work(Fetcher(client, user_agent="Paperwire/test"))

    return asyncio.run(main())


def _slice(
    upstream: Upstream, path: Path, *categories: str, window: Any = WINDOW, start: int = 0, size: int = 200
) -> Slice:
    return _run(
        path,
        lambda fetcher: fetch_slice(
            fetcher.get, upstream.url, categories or ("cs.LG", "cs.AI"), window, start=start, size=size
        ),
    )


def _ids(found: Slice) -> set[str]:
    return {paper.id for paper in found.papers}


def _sheets(*names: str, **more: Any) -> list[Sheet]:
    return [Sheet(id=name, **more) for name in names]


@each_row(
    ("categories", "names"),
    [
        (("cs.AI",), "(cat:cs.AI)"),
        (("cs.AI", "stat.ML"), "(cat:cs.AI OR cat:stat.ML)"),
        (("cs",), "(cat:cs.* OR cat:eess.SY OR cat:math.IT OR cat:math.NA)"),
        (("cond-mat", "cond-mat.soft"), "(cat:cond-mat.* OR cat:cond-mat.soft)"),
        (("eess.SY",), "(cat:eess.SY OR cat:cs.SY)"),
        (("hep-th", "quant-ph"), "(cat:hep-th OR cat:quant-ph)"),
    ],
)
def test_slice_url(categories: tuple[str, ...], names: str) -> None:
    """A slice is asked for in GMT, oldest first; archives stand for their categories, each by both of its names."""
    first = datetime.fromisoformat("2026-03-04T14:00:59-05:00")
    url = slice_url("https://export.arxiv.org", categories, (first, first + timedelta(days=1)), 400, 200)
    expected = {
        "search_query": [f"{names} AND submittedDate:[202603041900 TO 202603051900]"],
        "start": ["400"],
        "max_results": ["200"],
        "sortBy": ["submittedDate"],
        "sortOrder": ["ascending"],
    }
    assert expected == parse_qs(urlsplit(url).query, strict_parsing=True)
    assert url.startswith("https://export.arxiv.org/api/query?")
    assert str(httpx.URL(url)) == url  # nothing on the way encodes it once more


def test_what_was_announced_by_then(upstream: Upstream, tmp_path: Path) -> None:
    """A window gives its own day's papers in the wanted categories, but none that arXiv has yet to announce."""
    upstream.sheets, upstream.day = [], FRIDAY
    upstream.days = {
        THURSDAY: _sheets("2603.10001"),
        FRIDAY: [
            *_sheets("2603.10002", comment="9 pages", categories=("cs.CL", "cs.LG")),
            *_sheets("2603.10003", categories=("math.CO",)),
            *_sheets("2602.10004", version=2),
        ],
        MONDAY: _sheets("2603.10005"),
    }
    found = _slice(upstream, tmp_path)
    assert ({"2603.10002"}, 1, None, "") == (_ids(found), found.total, found.next_start, found.short)
    (paper,) = found.papers
    first, last = WINDOW
    assert first <= datetime.fromisoformat(paper.published) <= last
    assert ("9 pages", "cs.CL", paper.published) == (paper.comment, paper.primary, paper.updated)
    assert {"2603.10002", "2603.10003"} == _ids(_slice(upstream, tmp_path, "cs", "math"))
    both = (submission_window(THURSDAY)[0], submission_window(MONDAY)[1])
    assert {"2603.10001", "2603.10002"} == _ids(_slice(upstream, tmp_path, window=both))
    upstream.day = MONDAY
    assert {"2603.10001", "2603.10002", "2603.10005"} == _ids(_slice(upstream, tmp_path, window=both))


@pytest.mark.parametrize("size", [1, 7, 8, 39, 40, 41])
def test_slices_make_the_whole(upstream: Upstream, tmp_path: Path, size: int) -> None:
    """Slice after slice gives every paper once, in the order of submission, and then there is an end."""

    async def work(fetcher: Fetcher) -> list[Slice]:
        slices, start = [], 0
        while True:
            found = await fetch_slice(fetcher.get, upstream.url, ["cs.LG"], WINDOW, start=start, size=size)
            slices.append(found)
            if found.next_start is None:
                return slices
            start = found.next_start

    slices = _run(tmp_path, work)
    papers = [paper for found in slices for paper in found.papers]
    assert {sheet.id for sheet in upstream.sheets} == {paper.id for paper in papers}
    assert (40, {""}) == (len(papers), {found.short for found in slices})
    assert [paper.published for paper in papers] == sorted(paper.published for paper in papers)
    assert len(upstream.requests) == len(slices) == -(-40 // size)


def test_an_empty_slice_is_whole(upstream: Upstream, tmp_path: Path) -> None:
    """A window without papers is no reason to ask again."""
    assert Slice((), 0) == _slice(upstream, tmp_path, "math.CO")
    assert 1 == len(upstream.requests)


def test_nothing_beyond_what_arxiv_serves() -> None:
    """arXiv serves no more than 30,000 papers of one query, so none are asked for."""

    async def get(url: str, *_: Any, **__: Any) -> UpstreamAnswer:
        return UpstreamAnswer(url, api(make_sheets(200), total=100_000), {})

    def after(start: int) -> int | None:
        return asyncio.run(fetch_slice(get, "", ["cs"], WINDOW, start=start)).next_start

    assert [MOST_RESULTS - 200, None] == [after(MOST_RESULTS - 400), after(MOST_RESULTS - 200)]


@pytest.mark.parametrize(("total", "after"), [(500, 200), (201, 200), (200, None), (199, 200), (0, 200)])
def test_totals_that_are_too_low(total: int, after: int | None) -> None:
    """A page that holds more than there should be is not taken for the last one."""

    async def get(url: str, *_: Any, **__: Any) -> UpstreamAnswer:
        return UpstreamAnswer(url, api(make_sheets(200), total=total), {})

    found = asyncio.run(fetch_slice(get, "", ["cs"], WINDOW, start=0))
    assert (200, "", after) == (len(found.papers), found.short, found.next_start)


# fault → how many of 40 papers come, the total, what is said of it
SHORT = {
    "short-page": (20, 40, "served 20 of 40 papers from number 0 on"),
    "zero-page": (0, 40, "served 0 of 40 papers from number 0 on"),
    "total-too-high": (40, 47, "served 40 of 47 papers from number 0 on"),
    "truncated": (26, 40, "damaged XML"),
}


@pytest.mark.parametrize("fault", SHORT)
def test_short_slices(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    """A slice that stays short is called so, with what there is of it; the next one could still be whole."""
    upstream.faults, upstream.faulty_for_ever = [f"/api/query {fault}"], True
    found = _slice(upstream, tmp_path)
    count, total, words = SHORT[fault]
    assert (count, total) == (len(found.papers), found.total)
    assert words in found.short
    assert TRIES == len(upstream.requests)


@pytest.mark.parametrize("fault", SHORT)
def test_short_once(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    """A slice that was short once is whole when it is asked for again."""
    upstream.faults = [f"/api/query {fault}"]
    found = _slice(upstream, tmp_path)
    assert (40, 40, "") == (len(found.papers), found.total, found.short)
    assert 2 == len(upstream.requests)


def test_the_fullest_try_counts(upstream: Upstream, tmp_path: Path) -> None:
    """Of several short answers the fullest is kept, and one that does not come takes nothing away."""
    upstream.faults = ["zero-page", "short-page", "503"]
    assert 20 == len(_slice(upstream, tmp_path).papers)
    upstream.faults = ["short-page", "truncated", "zero-page"]
    assert 26 == len(_slice(upstream, tmp_path).papers)


def test_behind_a_short_slice(upstream: Upstream, tmp_path: Path) -> None:
    """A short slice does not hide that there are others behind it."""
    upstream.faults, upstream.faulty_for_ever = ["zero-page"], True
    assert 10 == _slice(upstream, tmp_path, size=10).next_start


# fault → the error, and words of its reason
ERRORS: dict[str, tuple[type[SourceError], str]] = {
    "503": (FetchError, "status 503"),
    "bomb": (ParseError, "DOCTYPE"),
    "doctype": (ParseError, "DOCTYPE"),
    "error-entry": (FetchError, "status 400"),
    "error-entry-200": (ParseError, "the index is being rebuilt"),
    "html": (ParseError, "HTML"),
    "nothing": (ParseError, "empty"),
    "rate-exceeded": (FetchError, "rate exceeded"),
}


@pytest.mark.parametrize("fault", ERRORS)
def test_errors(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    """What is no page of results is an error that says why, and is not asked for again."""
    upstream.faults, upstream.faulty_for_ever = [fault], True
    error, words = ERRORS[fault]
    with pytest.raises(error, match=words):
        _slice(upstream, tmp_path)
    assert 1 == len(upstream.requests)


def test_a_page_of_something_else(upstream: Upstream, tmp_path: Path) -> None:
    """RSS in place of results is an error."""
    upstream.faults = [f"redirect {upstream.url}/rss/cs.LG"]
    with pytest.raises(ParseError, match="not a page of API results"):
        _slice(upstream, tmp_path)


def test_unreadable_entries_are_no_gap(upstream: Upstream, tmp_path: Path) -> None:
    """An entry that cannot be read was served all the same: it is set aside with its reason, and nothing is missing."""
    upstream.sheets = [*_sheets("2603.10001"), *_sheets("2603.10002", title=" ")]
    found = _slice(upstream, tmp_path)
    assert ({"2603.10001"}, "", 1) == (_ids(found), found.short, len(upstream.requests))
    assert ["2603.10002v1: no title"] == [item["reason"] for item in found.rejected]


def _find(upstream: Upstream, path: Path, ids: Iterable[str], size: int = 100) -> Any:
    return _run(path, lambda fetcher: fetch_by_id(fetcher.get, upstream.url, ids, size=size))


def test_by_id(upstream: Upstream, tmp_path: Path) -> None:
    """Papers come under the identifiers that were asked for, the newest version where none is named."""
    upstream.sheets = _sheets("2603.10001", "math/0601001", "hep-th/9901001", version=2)
    upstream.days = {THURSDAY: _sheets("2603.10001"), MONDAY: _sheets("2603.10009")}
    asked = ["2603.10001v1", "2603.10001", "2603.10001v3", "math/0601001v2", "arXiv:hep-th/9901001", "2603.10009", "?"]
    found = _find(upstream, tmp_path, asked)
    assert {
        "2603.10001v1": "2603.10001v1",
        "2603.10001": "2603.10001v2",
        "math/0601001v2": "math/0601001v2",
        "arXiv:hep-th/9901001": "hep-th/9901001v2",
    } == {name: paper.versioned for name, paper in found.papers.items()}
    assert (("2603.10001v3", "2603.10009", "?"), "") == (found.missing, found.problem)
    assert 1 == len(upstream.requests)
    apart = _find(upstream, tmp_path, ["2603.10001", "2603.10001v1"], size=1)
    assert ["2603.10001v2", "2603.10001v1"] == [paper.versioned for paper in apart.papers.values()]


def test_by_id_in_portions(upstream: Upstream, tmp_path: Path) -> None:
    """No request names more than a portion, and none names a paper that another has named."""
    ids = [sheet.id for sheet in upstream.sheets]
    found = _find(upstream, tmp_path, [*ids, *ids], size=15)
    assert (set(ids), (), "") == (set(found.papers), found.missing, found.problem)
    lists = [parse_qs(urlsplit(target).query)["id_list"][0].split(",") for target in upstream.targets]
    assert [ids[:15], ids[15:30], ids[30:]] == lists


def test_by_id_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """Nothing is asked for where there is nothing to ask."""
    assert ({}, ("nonsense",)) == ((found := _find(upstream, tmp_path, ["nonsense"])).papers, found.missing)
    assert [] == upstream.requests


@pytest.mark.parametrize(
    ("faults", "came", "requests", "words"),
    [
        (["zero-page"], 40, 4, ""),
        (["zero-page"] * TRIES, 25, 5, "served 0 of 15"),
        (["html"], 25, 3, "HTML"),
        (["error-entry"], 25, 3, "status 400"),
        (["503"], 0, 1, "status 503"),
        (["rate-exceeded"], 0, 1, "rate exceeded"),
    ],
)
def test_by_id_faults(
    upstream: Upstream, tmp_path: Path, faults: list[str], came: int, requests: int, words: str
) -> None:
    """What does not come is named with the reason; while arXiv refuses, it is not asked for more."""
    upstream.faults = faults
    found = _find(upstream, tmp_path, [sheet.id for sheet in upstream.sheets], size=15)
    assert (came, 40 - came, requests) == (len(found.papers), len(found.missing), len(upstream.requests))
    assert words in found.problem
    assert bool(words) == bool(found.problem)


def test_slow_answers_are_waited_for(upstream: Upstream, tmp_path: Path) -> None:
    """The API may be silent for longer than a feed may; who asks says for how long."""
    upstream.delay = 2

    async def work(fetcher: Fetcher) -> None:
        with pytest.raises(FetchError, match="ReadTimeout"):
            await fetcher.get(f"{upstream.url}/rss/cs.LG")
        assert 40 == len((await fetch_slice(fetcher.get, upstream.url, ["cs.LG"], WINDOW, start=0)).papers)

    _run(tmp_path, work, 1.5)
    assert [None, None] == [headers.get("If-None-Match") for _, _, headers in upstream.requests]
    assert upstream.requests[1][2]["Accept"].startswith("application/atom+xml")


def test_times_are_utc() -> None:
    """A window may be told by any clock."""
    moments = [datetime(2026, 3, 5, 19, tzinfo=UTC), datetime.fromisoformat("2026-03-05T14:00:00-05:00")]
    assert 1 == len({slice_url("", ["cs.LG"], (moment, moment), 0, 1) for moment in moments})
