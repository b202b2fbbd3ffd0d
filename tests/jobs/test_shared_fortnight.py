"""A fortnight of real records with what really happened in it and more; with FULL=1 at arXiv's real pace."""

import asyncio
import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from core.store.sqlite import SqliteStore
from tests.conftest import paperwire
from tests.support.fortnight import Kept, kept
from tests.support.replay import CATEGORIES, Replay, replaying

pytestmark = [pytest.mark.shared, pytest.mark.slow]

DAYS = [date.fromisoformat(f"{day}") for day in ("2025-12-29", "2025-12-30", "2025-12-31")]
DAYS += [date.fromisoformat(f"{day}") for day in ("2026-01-01", "2026-01-05", "2026-01-06")]
# Missed, or stale all day: the API has their papers, and without a catch-up page nobody has their replacements
API_ALONE = {DAYS[0], DAYS[2], DAYS[3]}
HOLIDAY = "2026-01-02"
LAST = DAYS[-1].isoformat()
GATE = 3.0 if os.environ.get("FULL") else 0.3  # seconds
MOST_TRIES, LOST = 5, "was lost before its work was written"
TOLERANCE = 0.02  # a request arrives a little after it was sent
FEEDS = f"""
[instance]
retention_days = 14

[feeds.main]
title = "Main"
categories = {json.dumps(CATEGORIES)}
keywords = {{ LLM = 1, attention = 1 }}
min_score = 1
"""


@dataclass(frozen=True)
class Lived:
    """What came of the fortnight."""

    replay: Replay
    kept: Kept
    folder: Path
    env: dict[str, str]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """The fortnight, each visit in a process of its own.

    On 30 December all is stale at first; on the 31st most of it was, all day: that is in the records. 29 December and
    1 January are missed, the 2nd is a holiday, and the 6th is corrected after the first visit.
    """
    folder = tmp_path_factory.mktemp("fortnight")
    with replaying() as replay:
        last = replay.state.days[LAST]
        early = [dict(last[0], title="A title with a mitsake"), *copy.deepcopy(last[2:])]
        env = {"ARXIV_RSS_URL": replay.url, "FEEDS_TOML": FEEDS, "SQLITE_PATH": "store.sqlite3"}
        env["REPLAY_GATE_SECONDS"] = f"{GATE}"

        def visit(moment: str, kind: str = "") -> None:
            replay.state.date = moment[:10]
            replay.fault("/rss", kind)
            for _ in range(MOST_TRIES):  # on a busy machine a process may lose its lock: nothing was written then
                done = paperwire("refresh", "--all", cwd=folder, env=env | {"NOW": f"{moment}:00:00Z"}, timeout=400)
                if LOST not in done.stdout + done.stderr:
                    break
            assert 0 == done.returncode, done.stdout + done.stderr

        visit("2025-12-24T17")
        visit("2025-12-30T11", "stale")
        visit("2025-12-30T17")
        visit("2025-12-31T17")
        visit("2026-01-02T17")
        visit("2026-01-05T17")
        replay.state.days[LAST] = early
        visit("2026-01-06T11")
        replay.state.days[LAST] = last
        visit("2026-01-06T17")
        store = SqliteStore(folder / "store.sqlite3")
        yield Lived(replay, asyncio.run(kept(store)), folder, env | {"NOW": "2026-01-06T17:00:00Z"})
        asyncio.run(store.close())


def test_every_date_has_its_papers(lived: Lived) -> None:
    """Each date has exactly the papers of the records, each on the date of its first announcement."""
    first: dict[str, date] = {}
    for day, ids in sorted(lived.kept.ids.items()):
        for paper in ids:
            first.setdefault(paper, day)
        assert len(ids) == len(set(ids))
    found = {day: {paper for paper, at in first.items() if at == day} for day in DAYS}
    assert lived.replay.truth(DAYS) == found
    assert set(DAYS) == {day for day, ids in lived.kept.ids.items() if ids}
    states = {day: lived.kept.manifest.get(day).state for day in DAYS}
    assert {day: "partial" if day in API_ALONE else "complete" for day in DAYS} == states


def test_what_was_corrected_is_corrected(lived: Lived) -> None:
    """The corrected title and the added paper of the last day are there."""
    titles = {row["id"]: row["title"] for row in lived.replay.state.days[LAST]}
    one, other = lived.replay.state.days[LAST][:2]
    assert titles[one["id"]].split()[0] == lived.kept.titles[one["id"]].split()[0]
    assert other["id"] in lived.kept.ids[DAYS[-1]]


def test_the_audit_says_so(lived: Lived) -> None:
    """`paperwire audit` names the dates that the API alone has, and the holiday that no page confirms."""
    said = paperwire("audit", cwd=lived.folder, env=lived.env)
    print(said.stdout)  # noqa: T201 - worth reading
    open_dates = sorted({*map(str, API_ALONE), HOLIDAY})
    assert (1, f"incomplete: {', '.join(open_dates)}") == (said.returncode, said.stdout.splitlines()[-1]), said.stdout


def test_the_gate_held(lived: Lived) -> None:
    """The pause lies between requests, over all processes."""
    gaps = lived.replay.gaps
    print(f"{len(gaps) + 1} requests, gaps from {min(gaps):.3f} s")  # noqa: T201
    assert len(gaps) > 20
    assert min(gaps) >= GATE - TOLERANCE
