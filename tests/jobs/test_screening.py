"""Screening by interest: a model looks at the best of a day, also below the least score, several in a question."""

import asyncio
import json
import random
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.model.entries import choose
from core.model.feed import Entry
from core.model.query import parse_query
from core.teaching import Teaching
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.model_server import MODEL, ModelServer, filled
from tests.support.model_server import serving as serving_model
from tests.support.replay import replay_process
from tests.support.upstream import Upstream, serving

DAY = date(2026, 3, 6)
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
FEED = """
[feeds.main]
title = "Main"
categories = ["cs.LG"]
min_score = 3
max_entries = 6
summary = "four-point"
summaries = 2
interest = "{interest}"
screen = {screen}
keywords = {{ "flash" = 3 }}
"""
WANTED = re.compile(r"cache|storage|memory|flash|SSD|I/O|NVMe|prefetch|checkpoint|KV", re.IGNORECASE)


def grade(request: dict[str, Any]) -> str:
    """A model that judges by words of titles: what speaks of storage gets all points, all else nothing."""
    value = filled(request["response_format"]["json_schema"]["schema"])
    titles = re.findall(r"^Title: (.*)$", request["messages"][1]["content"], re.MULTILINE)
    most = next(iter(re.findall(r"between 0 and (\d+)", request["messages"][0]["content"])), "0")
    for place, title in enumerate(titles, 1):
        if f"paper_{place}" in value:
            value[f"paper_{place}"]["points"] = float(most) if WANTED.search(title) else 0
    for mark, points in zip(value.get("marks", {}).values(), (3, 3, 2), strict=False):
        mark["quote"] = titles[0]
        mark["points"] = points if WANTED.search(titles[0]) else 0
    return json.dumps(value)


def titles_of(model: ModelServer) -> list[list[str]]:
    """The titles that each question of the screening is about."""
    return [
        re.findall(r"^Title: (.*)$", request["messages"][1]["content"], re.MULTILINE)
        for request in model.requests
        if "paper_1" in request["response_format"]["json_schema"]["schema"]["properties"]
    ]


def settings(folder: Path, source: str, model: str, **more: Any) -> Settings:
    """The settings of an instance."""
    options: dict[str, Any] = {
        "arxiv_rss_url": source,
        "replay_gate_seconds": 0,
        "sqlite_path": folder / "store.sqlite3",
        "llm_base_url": model,
        "llm_model": MODEL,
        "now": NOON,
        "catch_up_seconds": 0,
    }
    return load_settings(_env_file=None, **options | more)


def refresh(given: Settings, seconds: float = 120) -> Any:
    """Refresh in an instance of its own: what came of the analysis."""

    async def main() -> Any:
        wire = Paperwire(given)
        try:
            return (await wire.refresh(seconds=seconds)).analyze
        finally:
            await wire.close()

    return asyncio.run(main())


def shown(given: Settings, feed: str = "main", query: str = "") -> list[Entry]:
    """What a feed shows, in an instance of its own, best first."""

    async def main() -> list[Entry]:
        wire = Paperwire(given)
        try:
            manifest = await wire.ready()
            one = wire.feeds[feed]
            parsed = parse_query(query)
            entries = (await wire.entries(manifest, one, parsed)).entries
            return sorted(choose(one, entries, parsed, capped=True), key=lambda entry: entry.rank)
        finally:
            await wire.close()

    return asyncio.run(main())


def day(count: int) -> Upstream:
    """A day of papers: each seventh is on caches, the first two have the keyword, one of them in vain."""
    sheets = [
        Sheet(f"2603.{n + 1:05}", title=f"Paper {n} on {'caches' if n % 7 == 3 else 'rhymes'}", abstract="Words.")
        for n in range(count)
    ]
    sheets[0] = Sheet("2603.00001", title="Flash of light in poems", abstract="On light.")
    sheets[1] = Sheet("2603.00002", title="Tiers", abstract="We move pages to flash.")
    return Upstream(day=DAY, days={DAY: sheets})


def test_below_the_least_score(tmp_path: Path) -> None:
    """What a model finds worth reading is shown though no keyword found it; points order the feed, what it skips sinks,
    in few questions, and nothing is asked twice.
    """
    with serving(day(35)) as source, serving_model(ModelServer(write=grade)) as model:
        toml = FEED.format(interest="Storage and caches.", screen=30)
        given = settings(tmp_path, source.url, model.url, feeds_toml=toml)
        done = refresh(given)
        assert (30, 0, [10, 10, 10]) == (done.screened, done.pending, [len(t) for t in titles_of(model)])
        asked = len(model.requests)
        assert (0, asked) == (refresh(given).usage.calls, len(model.requests))
        entries = shown(given)
        assert all(entry.points == 5 for entry in entries[:-1])
        assert ["must-read"] * (len(entries) - 1) + ["skip"] == [entry.band for entry in entries]
        assert "Flash of light" in entries[0].paper.title, "the model of this test grades by words"
        assert ("Tiers", 0) == (entries[-1].paper.title, entries[-1].points)
        assert 2 == sum(entry.summary is not None and entry.summary.state == "ready" for entry in entries)
        with serving_app(given) as url:
            rows = httpx.get(f"{url}/api/papers?feed=main&limit=3").json()["papers"]
            page = httpx.get(f"{url}/feeds/main").text
            html = httpx.get(f"{url}/api/feeds/main.json").json()["items"][0]["content_html"]
        assert [5.0] * 3 == [row["points"] for row in rows]
        assert {5} == {row["scorecard"]["most"] for row in rows}
        assert "5 of 5" in page
        assert "Must-read: 5 of 5 points" in html


def test_without_screen(tmp_path: Path) -> None:
    """An interest alone judges what the feed shows, and nothing else."""
    with serving(day(35)) as source, serving_model(ModelServer(write=grade)) as model:
        toml = FEED.format(interest="Storage and caches.", screen=0)
        assert 2 == refresh(settings(tmp_path, source.url, model.url, feeds_toml=toml)).screened
        assert [2] == [len(titles) for titles in titles_of(model)]


def test_votes_are_said(tmp_path: Path) -> None:
    """What the owner liked is said to the model from the next paper on; no stored answer is asked for again."""

    async def vote(given: Settings) -> None:
        wire = Paperwire(given)
        try:
            await wire.ready()
            await Teaching(wire).vote("main", {"2603.00002": 1})
        finally:
            await wire.close()

    with serving(day(9)) as source, serving_model(ModelServer(write=grade)) as model:
        toml = FEED.format(interest="Storage and caches.", screen=5)
        refresh(settings(tmp_path, source.url, model.url, feeds_toml=toml))
        assert ["Liked:" in request["messages"][1]["content"] for request in model.requests[:1]] == [False]
        asyncio.run(vote(settings(tmp_path, source.url, model.url, feeds_toml=toml)))
        asked = len(model.requests)
        done = refresh(settings(tmp_path, source.url, model.url, feeds_toml=toml))
        assert (0, asked) == (done.screened, len(model.requests))
        done = refresh(
            settings(tmp_path, source.url, model.url, feeds_toml=FEED.format(interest="Storage and caches.", screen=9))
        )
        assert 4 == done.screened
        assert "Liked:\n- Tiers\n" in model.requests[asked]["messages"][1]["content"]


def test_one_paper_that_is_refused(tmp_path: Path) -> None:
    """If a question about several papers fails, each is asked about alone, and one that fails fails alone."""
    with serving(day(9)) as source, serving_model(ModelServer(write=grade)) as model:
        model.faults, model.faulty_for_ever, model.prey = ["refusal"], True, "Tiers"
        toml = FEED.format(interest="Storage and caches.", screen=9)
        done = refresh(settings(tmp_path, source.url, model.url, feeds_toml=toml))
        assert (8, 0) == (done.screened, done.pending)
        assert 1 == done.failed["refused"]


def interrupted(given: Settings, seconds: float) -> bool:
    """Whether a refresh was cancelled after so many seconds, before its end."""

    async def main() -> bool:
        wire = Paperwire(given)
        try:
            await asyncio.wait_for(wire.refresh(seconds=60), seconds)
        except TimeoutError:
            return True
        finally:
            await wire.close()
        return False

    return asyncio.run(main())


DAY_OF_2026 = date(2026, 1, 1)


def storage(folder: Path, source: str, model: str) -> Settings:
    """The shipped storage feed alone, on the first day of 2026."""
    toml = (Path(__file__).parents[2] / "feeds.toml").read_text("utf-8")
    start, end = toml.index("[feeds.storage]"), toml.index("[feeds.daily]")
    now = datetime(2026, 1, 1, 17, tzinfo=UTC)
    return settings(folder, source, model, feeds_toml=f"[instance]\nretention_days = 1\n{toml[start:end]}", now=now)


@pytest.mark.shared
@pytest.mark.slow
def test_storage_day(tmp_path: Path) -> None:
    """The shipped storage feed on a real day: a hundred papers in at most twelve questions; also if it is interrupted
    at twenty moments, no paper is asked about twice.
    """
    with replay_process("--date", "2026-01-01") as source, serving_model(ModelServer(write=grade)) as model:
        whole = refresh(storage(tmp_path, source, model.url))
        questions = titles_of(model)
        given = storage(tmp_path, source, model.url)
        judged = [e for e in shown(given, "storage", "score>=-1&points>=0&per_day=500") if e.announced == DAY_OF_2026]
        assert len(judged) >= 100
        of_day = {entry.paper.title[:40] for entry in judged}
        of_questions = [sum(title[:40] in of_day for title in titles) for titles in questions]
        assert sum(count * 2 > len(t) for count, t in zip(of_questions, questions, strict=True)) <= 12
        assert whole.screened == sum(map(len, questions)), "each paper is asked about once"
        entries = shown(storage(tmp_path, source, model.url), "storage")
        first = [entry for entry in entries if entry.announced == DAY_OF_2026]
        wanted = sum(bool(WANTED.search(entry.paper.title)) for entry in judged)
        assert [8] * min(wanted, 15) == [entry.points for entry in first if entry.band == "must-read"]
        assert any(entry.score < 3 for entry in first if entry.points == 8), "below the least score"
        expected = [(entry.id, entry.points, entry.band) for entry in entries]

        model.requests.clear()
        folder = tmp_path / "killed"
        folder.mkdir()
        model.delay, chance = 0.1, random.Random(6)
        ended = sum(interrupted(storage(folder, source, model.url), chance.uniform(0.1, 1.2)) for _ in range(20))
        assert ended >= 3
        refresh(storage(folder, source, model.url))
        times = Counter(title for titles in titles_of(model) for title in titles)
        assert max(times.values()) == 1
        found = shown(storage(folder, source, model.url), "storage")
        assert expected == [(entry.id, entry.points, entry.band) for entry in found]
