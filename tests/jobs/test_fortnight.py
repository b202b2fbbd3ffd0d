"""A fortnight with a stale category, missed days, a holiday, corrections and restarts ends with exactly what arXiv
announced, each paper on its date, once.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import pytest

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.store.sqlite import SqliteStore
from tests.conftest import paperwire
from tests.support.fortnight import (
    CATEGORIES,
    DAYS,
    FEEDS,
    FRI,
    LATE_TITLE,
    MON,
    THU,
    WED,
    WED2,
    Kept,
    Step,
    fortnight,
    kept,
)
from tests.support.upstream import Upstream, serving

GATE = 0.03
TOLERANCE = 0.01  # of measuring: a request arrives a little after it was sent
RESTARTED = (3, 4)  # the steps that are done by processes of their own


@dataclass(frozen=True)
class Lived:
    """What came of the fortnight."""

    upstream: Upstream
    truth: dict[date, set[str]]
    kept: Kept
    settings: Settings
    env: dict[str, str]


def visit(settings: Settings, step: Step) -> None:
    """Refresh and catch up, in a wire of its own."""

    async def main() -> None:
        wire = Paperwire(settings.model_copy(update={"now": step.now}))
        try:
            report = await wire.refresh(seconds=60)
        finally:
            await wire.close()

        assert ((), {}) == (report.backfill.pending, report.failures)

    asyncio.run(main())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """The whole fortnight."""
    folder = tmp_path_factory.mktemp("fortnight")
    upstream, steps, truth = fortnight()
    with serving(upstream):
        settings = load_settings(
            _env_file=None,
            arxiv_rss_url=upstream.url,
            replay_gate_seconds=GATE,
            sqlite_path=folder / "store.sqlite3",
            feeds_toml=FEEDS,
        )
        env = {"ARXIV_RSS_URL": upstream.url, "REPLAY_GATE_SECONDS": str(GATE), "FEEDS_TOML": FEEDS}
        env |= {"SQLITE_PATH": "store.sqlite3", "NOW": steps[-1].now.isoformat()}
        for number, step in enumerate(steps):
            step.begin(upstream)
            if number in RESTARTED:
                done = paperwire("refresh", "--all", cwd=folder, env=env | {"NOW": step.now.isoformat()})
                assert 0 == done.returncode, done.stderr
            else:
                visit(settings, step)
        store = SqliteStore(folder / "store.sqlite3")
        yield Lived(upstream, truth, asyncio.run(kept(store)), settings, env)
        asyncio.run(store.close())


def test_every_date_has_its_papers(lived: Lived) -> None:
    """Each date has exactly the papers that arXiv announced on it, once, and is complete."""
    assert lived.truth == {day: set(ids) for day, ids in lived.kept.ids.items()}
    found = [paper for ids in lived.kept.ids.values() for paper in ids]
    assert len(found) == len(set(found)) == sum(map(len, lived.truth.values()))
    assert ["complete"] * len(DAYS) == [lived.kept.manifest.get(day).state for day in DAYS]


def test_what_was_corrected_is_corrected(lived: Lived) -> None:
    """The corrected title took the place of the first one; the paper that was added is late, and only that one."""
    first, second = sorted(lived.truth[FRI])[:2]
    assert LATE_TITLE == lived.kept.titles[first]
    assert {second} == lived.kept.late[FRI]


def test_what_came_late_is_marked(lived: Lived) -> None:
    """All papers of missed days are late, and those that RSS left out; none of a good day."""
    assert [lived.truth[day] for day in (WED, THU)] == [lived.kept.late[day] for day in (WED, THU)]
    assert (set(), 2) == (lived.kept.late[MON], len(lived.kept.late[WED2]))


def test_the_ledger_says_so(lived: Lived) -> None:
    """Of each date and category the ledger has all papers, announced by the feed or on the catch-up page."""
    for day in DAYS:
        for name, (announced, confirmed, missing, _) in lived.kept.ledger[day].items():
            number = sum(name in sheet.categories for sheet in lived.upstream.days[day])
            assert (number, 0) == (announced, missing), (day, name)
            assert confirmed <= number


def test_the_audit_says_so(lived: Lived) -> None:
    """`paperwire audit` finds nothing missing, and its JSON has all identifiers."""
    folder = lived.settings.sqlite_path.parent
    said = paperwire("audit", cwd=folder, env=lived.env)
    assert (0, "nothing is missing") == (said.returncode, said.stdout.splitlines()[-1]), said.stderr
    lines = json.loads(paperwire("audit", "--json", cwd=folder, env=lived.env).stdout)
    of_arxiv = [line for line in lines if line["source"] == "arxiv"]
    found = {(line["date"], name) for line in of_arxiv for name in line["announced"] + line["missing"]}
    assert {(day.isoformat(), name) for day, ids in lived.truth.items() for name in ids} == found
    assert set(CATEGORIES) == {line["category"] for line in of_arxiv}
    of_picks = {line["date"]: line for line in lines if line["source"] == "huggingface"}
    records = lived.kept.manifest.picks
    assert {f"{day}": record.state for day, record in records.items()} == {d: r["state"] for d, r in of_picks.items()}
    assert [records[day].total for day in sorted(records)] == [len(of_picks[d]["announced"]) for d in sorted(of_picks)]
    assert max(record.total for record in records.values()) > 0
    assert f"{max(records)} Hugging Face " in " ".join(said.stdout.split())


def test_the_gate_held(lived: Lived) -> None:
    """No request came sooner after the one before than the gate allows, nor beside another, over all processes."""
    asked = [at for at, path, _ in lived.upstream.requests if path != "/api/daily_papers"]
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert len(gaps) > 20
    assert min(gaps) >= GATE - TOLERANCE
    assert 1 == lived.upstream.most_at_once
