"""A day's announcements over all categories."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.model.categories import parts
from core.sources.client import Fetcher
from core.sources.rss import Fetched, fetch_announcements
from tests.support.arxiv_format import Sheet, make_sheets
from tests.support.upstream import FAULTS, ITEM_LIMIT, Upstream

DAY = date(2026, 3, 6)


def _fetch(
    upstream: Upstream,
    _path: Path,
    categories: Sequence[str],
    *,
    seconds: float = 60,
    validators: Mapping[str, Mapping[str, str]] | None = None,
    steps: list[tuple[str, int, int]] | None = None,
    first: Sequence[str] = (),
    had: Sequence[str] = (),
) -> Fetched:
    """Fetch from the stand-in, without pauses between requests."""

    async def main() -> Fetched:
        async with httpx.AsyncClient(timeout=1.5 if "hang" in upstream.faults else 120) as client:
            fetcher = Fetcher(client, user_agent="Paperwire/test")
            more: dict[str, Any] = {} if steps is None else {"progress": lambda *step: steps.append(step)}
            deadline = asyncio.get_running_loop().time() + seconds
            return await fetch_announcements(
                fetcher.get,
                upstream.url,
                categories,
                deadline=deadline,
                validators=validators,
                first=first,
                had=had,
                **more,
            )

    return asyncio.run(main())


def _ids(fetched: Fetched, day: date = DAY) -> set[str]:
    return {item.paper.versioned for item in fetched.announcements.get(day, ())}


def _sheets(category: str, count: int, *, start: int, version: int = 1) -> list[Sheet]:
    return [Sheet(f"2603.{start + n:05}", categories=(category,), version=version) for n in range(count)]


def test_one_request_for_all(upstream: Upstream, tmp_path: Path) -> None:
    """All categories are asked for in one request, and what it serves is kept by its date."""
    steps: list[tuple[str, int, int]] = []
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"), steps=steps)
    assert ["/rss/cs.AI+cs.LG"] == upstream.paths
    assert {f"2603.{90000 + n}v1" for n in range(40)} == _ids(fetched)
    assert {"cs.AI": DAY, "cs.LG": DAY} == fetched.dates
    assert ({}, [], [], 1) == (fetched.failures, fetched.unchanged, fetched.rejected, fetched.requests)
    assert [("fetching cs.AI, cs.LG", 0, 2), ("fetched", 2, 2)] == steps


def test_an_empty_feed_has_its_date(upstream: Upstream, tmp_path: Path) -> None:
    """A feed without items is no failure: the date is known, and nothing was announced."""
    upstream.sheets = []
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert ({"cs.AI": DAY, "cs.LG": DAY}, {}) == (fetched.dates, fetched.failures)
    assert set() == _ids(fetched)


def test_an_answer_at_the_limit_is_split(upstream: Upstream, tmp_path: Path) -> None:
    """Of more than 2,000 items, replacements first, no new paper is lost: the group is cut until each part fits."""
    names = ("cs.AI", "cs.CL", "cs.DC", "cs.LG")
    upstream.sheets = [
        sheet
        for at, name in enumerate(names)
        for sheet in _sheets(name, 500, start=10_000 * at, version=2) + _sheets(name, 200, start=10_000 * at + 5_000)
    ]
    fetched = _fetch(upstream, tmp_path, names)
    assert 2800 > ITEM_LIMIT
    assert {f"{sheet.id}v{sheet.version}" for sheet in upstream.sheets} == _ids(fetched)
    assert ["/rss/cs.AI+cs.CL+cs.DC+cs.LG", "/rss/cs.AI+cs.CL", "/rss/cs.DC+cs.LG"] == upstream.paths
    assert (dict.fromkeys(names, DAY), {}) == (fetched.dates, fetched.failures)


def test_exactly_the_limit_is_split_too(upstream: Upstream, tmp_path: Path) -> None:
    """An answer of exactly 2,000 items may have been cut, so it is not trusted; one fewer is."""
    upstream.sheets = _sheets("cs.AI", 1000, start=0) + _sheets("cs.LG", 1000, start=10_000)
    assert 3 == _fetch(upstream, tmp_path, ("cs.AI", "cs.LG")).requests
    upstream.sheets.pop()
    assert 1 == _fetch(upstream, tmp_path, ("cs.AI", "cs.LG")).requests


def test_items_that_cannot_be_read_count_for_the_limit(upstream: Upstream, tmp_path: Path) -> None:
    """The limit counts items as served, readable or not."""
    upstream.sheets = _sheets("cs.AI", 1000, start=0) + _sheets("cs.LG", 1000, start=10_000)
    upstream.change = lambda body: body.replace(b"<title>A Paper</title>", b"<title/>", 5)
    assert 3 == _fetch(upstream, tmp_path, ("cs.AI", "cs.LG")).requests


def test_one_category_beyond_the_limit_is_told(upstream: Upstream, tmp_path: Path) -> None:
    """A single category that reaches the limit cannot be split: what came is kept, and what is missing is said."""
    upstream.sheets = _sheets("cs.AI", 2100, start=0) + _sheets("cs.LG", 5, start=10_000)
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert 2005 == len(_ids(fetched))
    assert {"cs.AI"} == fetched.failures.keys()
    assert "2000 items at most" in fetched.failures["cs.AI"]
    assert [f"{upstream.url}/rss/cs.LG"] == list(fetched.validators)


@pytest.mark.parametrize("spoiler", ["cs.ZZ", "cs.AA", "cs.LM"])
def test_an_unknown_category_is_isolated(upstream: Upstream, tmp_path: Path, spoiler: str) -> None:
    """A category that spoils the answer for its group is found by halving; all others are delivered."""
    names = tuple(sorted(("cs.AI", "cs.CL", "cs.DC", "cs.LG", spoiler)))
    upstream.unknown = (spoiler,)
    upstream.sheets = [sheet for at, name in enumerate(names) for sheet in _sheets(name, 3, start=100 * at)]
    fetched = _fetch(upstream, tmp_path, names)
    assert {f"{s.id}v1" for s in upstream.sheets if s.categories != (spoiler,)} == _ids(fetched)
    assert {spoiler} == fetched.failures.keys()
    assert "status 400" in fetched.failures[spoiler]
    assert {name: DAY for name in names if name != spoiler} == fetched.dates


def test_an_error_feed_with_a_good_status_is_isolated_too(upstream: Upstream, tmp_path: Path) -> None:
    """A feed that reports an error with status 200 spoils its group in the same way."""
    upstream.change = lambda body: body.replace(b"<title>cs.AI", b"<title>Feed error for query: cs.AI")
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert {"cs.AI"} == fetched.failures.keys()
    assert 40 == len(_ids(fetched))


@pytest.mark.parametrize("fault", ["429", "503", "403", "406", "500", "rate-exceeded", "reset", "cut-connection"])
def test_what_may_pass_is_tried_twice(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    """A fault that may pass by itself costs one more request, and no announcement."""
    upstream.faults = [fault]
    upstream.retry_after = "0"
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert (2, 40, {}) == (fetched.requests, len(_ids(fetched)), fetched.failures)


@pytest.mark.parametrize(
    ("value", "seconds", "requests", "least"),
    [("1", 60, 2, 1.0), ("3600", 60, 1, 0.0), ("9", 60, 1, 0.0), ("2", 1, 1, 0.0), ("0", 60, 2, 0.0)],
    ids=["waited for", "an hour", "more than eight seconds", "beyond the deadline", "at once"],
)
def test_retry_after_is_honoured(
    upstream: Upstream, tmp_path: Path, value: str, seconds: float, requests: int, least: float
) -> None:
    """Retry-After is waited for where that is short and within the deadline, else the next refresh tries again."""
    upstream.faults, upstream.retry_after = ["429"], value
    fetched = _fetch(upstream, tmp_path, ("cs.LG",), seconds=seconds)
    assert requests == fetched.requests == len(upstream.requests)
    if requests == 2:
        assert upstream.gaps[0] >= least
    else:
        assert "status 429" in fetched.failures["cs.LG"]


@pytest.mark.parametrize("fault", [*sorted(set(FAULTS) - {"empty", "slow", "huge"}), "400", "403", "404", "429", "503"])
def test_faults_never_raise(upstream: Upstream, tmp_path: Path, fault: str) -> None:
    """Whatever an upstream keeps doing, every category has a reason, and there is an end."""
    upstream.faults, upstream.faulty_for_ever, upstream.retry_after = [fault], True, "0"
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert {"cs.AI", "cs.LG"} == fetched.failures.keys()
    assert all(fetched.failures.values())
    assert {} == fetched.validators
    assert len(upstream.requests) == fetched.requests <= 6


def test_a_truncated_answer_is_kept_and_told(upstream: Upstream, tmp_path: Path) -> None:
    """Whole items of a broken document are kept, and its categories are failures."""
    upstream.faults = ["truncated"]
    fetched = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    assert 20 < len(_ids(fetched)) < 40
    assert {"cs.AI", "cs.LG"} == fetched.failures.keys()
    assert "damaged XML" in fetched.failures["cs.LG"]
    assert 1 == len(fetched.rejected)


def test_a_feed_without_date_is_told(upstream: Upstream, tmp_path: Path) -> None:
    """Announcements without a date belong to no batch."""
    upstream.change = lambda body: body.replace(b"pubDate>", b"x>").replace(b"lastBuildDate>", b"y>")
    fetched = _fetch(upstream, tmp_path, ("cs.LG",))
    assert {"cs.LG": "the feed does not say which date it is for"} == fetched.failures
    assert {} == fetched.announcements


def test_nothing_new(upstream: Upstream, tmp_path: Path) -> None:
    """With the validators of the fetch before, an unchanged feed is not sent again, and keeps its validators."""
    first = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    second = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"), validators=first.validators)
    assert (["cs.AI", "cs.LG"], {}, {}) == (second.unchanged, second.dates, second.failures)
    assert first.validators == second.validators
    upstream.sheets = make_sheets(41)
    third = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"), validators=second.validators)
    assert (41, []) == (len(_ids(third)), third.unchanged)


def test_validators_are_for_the_same_request_only(upstream: Upstream, tmp_path: Path) -> None:
    """Another group of categories is asked for without validators."""
    first = _fetch(upstream, tmp_path, ("cs.AI", "cs.LG"))
    second = _fetch(upstream, tmp_path, ("cs.LG",), validators=first.validators)
    assert 40 == len(_ids(second))
    assert "If-None-Match" not in upstream.requests[-1][2]


def test_the_deadline_ends_it(upstream: Upstream, tmp_path: Path) -> None:
    """After the deadline no more requests are made: what was not fetched by then has failed, and says so."""
    names = tuple(f"cs.{letter}{letter}" for letter in "ABCDEFGHIJKLMNOP")
    upstream.unknown, upstream.delay = names, 0.2
    fetched = _fetch(upstream, tmp_path, names, seconds=1)
    assert set(names) == fetched.failures.keys()
    assert len(upstream.requests) <= 8


def test_an_archive_at_the_limit_is_fetched_by_its_categories(upstream: Upstream, tmp_path: Path) -> None:
    """A day on which an archive has more than 2,000 items, most of them replacements, loses no new paper."""
    names = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO")
    upstream.sheets = [
        sheet
        for at, name in enumerate(names)
        for sheet in _sheets(name, 300, start=10_000 * at, version=2) + _sheets(name, 180, start=10_000 * at + 5_000)
    ]
    fetched = _fetch(upstream, tmp_path, ("cs", "stat.ML"))
    assert {f"{sheet.id}v{sheet.version}" for sheet in upstream.sheets} == _ids(fetched)
    assert ({"cs": DAY, "stat.ML": DAY}, {}) == (fetched.dates, fetched.failures)
    assert 5 == len(upstream.paths)
    assert ["/rss/cs+stat.ML", "/rss/cs"] == upstream.paths[:2]


def test_what_an_earlier_fetch_had_no_time_for_comes_first(upstream: Upstream, tmp_path: Path) -> None:
    """Of an archive only the parts that lack are fetched, and what was never reached before all others."""
    names = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO")
    upstream.sheets = [sheet for at, name in enumerate(names) for sheet in _sheets(name, 3, start=10_000 * at)]
    had = [name for name in parts("cs") if name not in ("cs.LG", "cs.RO")]
    fetched = _fetch(upstream, tmp_path, ("cs", "hep-th", "math-ph", "stat.ML"), first=("cs", "math-ph"), had=had)
    assert ["/rss/math-ph", "/rss/cs.LG+cs.RO", "/rss/hep-th+stat.ML"] == upstream.paths
    assert {f"2603.{at}000{n}v1" for at in (3, 4) for n in range(3)} == _ids(fetched)
    assert (had, ["cs.LG", "cs.RO"], {}) == (fetched.skipped, fetched.whole, fetched.failures)
    assert {"cs", "hep-th", "math-ph", "stat.ML"} == fetched.dates.keys()


def test_an_archive_of_which_a_part_lacks_is_not_complete(upstream: Upstream, tmp_path: Path) -> None:
    """What came of it is kept; the archive has failed, with the reason."""
    upstream.sheets = _sheets("cs.LG", ITEM_LIMIT, start=0) + _sheets("cs.CV", 5, start=50_000)
    fetched = _fetch(upstream, tmp_path, ("cs",))
    assert {f"2603.{50_000 + n}v1" for n in range(5)} < _ids(fetched)
    assert ["cs"] == list(fetched.failures)
    assert "2000 items at most" in fetched.failures["cs"]
