"""The API and Hugging Face over real records, which a clone of the project does not have."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from core.model.categories import listed
from core.model.paper import parse_id
from core.sources.api import fetch_by_id, fetch_slice
from core.sources.client import Fetcher, UpstreamAnswer
from core.sources.huggingface import fetch_daily, parse_daily
from tests.conftest import SHARED
from tests.support.replay import replay_process

pytestmark = pytest.mark.shared

T = TypeVar("T")
DATA = SHARED / "data"
HF = sorted((DATA / "hf").glob("*.json"))
PAGES = sorted((DATA / "api").glob("*entries.xml"))
DAY = date(2025, 12, 30)
WINDOW = (datetime(2025, 12, 30, tzinfo=UTC), datetime.combine(DAY, time(23, 59), UTC))


@pytest.mark.parametrize("path", HF, ids=lambda path: path.stem)
def test_daily_papers_are_whole(path: Path) -> None:
    """Every pick of a real answer is read, with its title, authors, upvotes and code."""
    rows = {row["paper"]["id"]: row["paper"] for row in json.loads(path.read_text("utf-8"))}
    picks = parse_daily(path.read_bytes())
    assert (rows.keys(), ()) == ({paper.id for paper in picks.papers}, picks.rejected)
    for paper in picks.papers:
        row = rows[paper.id]
        assert (row["upvotes"], row.get("githubRepo", "")) == (paper.upvotes, paper.repo)
        assert " ".join(row["title"].split()) == (paper.title_tex or paper.title)
        assert len([author for author in row["authors"] if not author["hidden"]]) == len(paper.authors)
        assert row["publishedAt"][:10] == paper.published[:10]
        assert paper.abstract
    order = [paper.upvotes or 0 for paper in picks.papers]
    assert sorted(order, reverse=True) == order


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_real_slices_are_whole(path: Path) -> None:
    """A real page is a whole slice if it has as many entries as were asked for, and short if it has one less."""
    count = int(path.stem.rpartition("_")[2].removesuffix("entries"))

    body = path.read_bytes()

    async def get(url: str, *_: Any, **__: Any) -> UpstreamAnswer:
        return UpstreamAnswer(url, body, {})

    def found(size: int) -> Any:
        return asyncio.run(fetch_slice(get, "", ["cs.AI"], WINDOW, start=0, size=size))

    whole = found(count)
    assert (count, "") == (len(whole.papers), whole.short)
    more = whole.total > count
    assert (more, more) == (bool(found(count + 1).short), whole.next_start is not None)


def _run(_path: Path, work: Callable[[Fetcher], Awaitable[T]]) -> T:
    async def main() -> T:
        async with httpx.AsyncClient(timeout=120) as client:
            return await work(Fetcher(client, user_agent="Paperwire/test"))

    return asyncio.run(main())


def test_a_replayed_day(tmp_path: Path) -> None:
    """Slices of a real day are the papers in the wanted categories; identifiers and daily papers are found too."""
    path = DATA / "days" / f"papers_{DAY}.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    async def work(fetcher: Fetcher, url: str, categories: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        start: int | None = 0
        while start is not None:
            part = await fetch_slice(fetcher.get, url, categories, WINDOW, start=start)
            assert ("", ()) == (part.short, part.rejected)
            found |= {paper.id for paper in part.papers}
            start = part.next_start
        return found

    ids = [row["id"] for row in rows[:120]]
    with replay_process("--hf", str(HF[0]), "--date", DAY.isoformat()) as url:
        for wanted in (("cs.CL", "cs.DC"), ("cs",)):
            expected = {row["id"] for row in rows if any(listed(c, wanted) for c in row["categories"])}
            assert {str(parse_id(name).id) for name in expected} == _run(tmp_path, lambda f, w=wanted: work(f, url, w))
        by_id = _run(tmp_path, lambda f: fetch_by_id(f.get, url, [*ids, "9912.99999"]))
        assert (set(ids), ("9912.99999",), "") == (set(by_id.papers), by_id.missing, by_id.problem)
        assert 30 == len(_run(tmp_path, lambda f: fetch_daily(f.get, url, DAY)).papers)
