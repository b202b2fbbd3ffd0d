"""Every fault that the replay of real records knows, at every upstream, through the real application."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config.settings import load_settings
from core.model.manifest import Manifest
from core.store import keys
from tests.api.test_on_demand import forget
from tests.conftest import serving_app
from tests.jobs.test_fault_matrix import (
    API,
    HF,
    MATRIX,
    PATIENCE_SECONDS,
    RSS,
    STATES,
    doubled,
    ids_of,
    read_feeds,
    refresh_now,
)
from tests.jobs.test_fortnight import visit
from tests.jobs.test_refresh import batch_of, manifest_of
from tests.jobs.test_refresh import noon as noon_of
from tests.support.fortnight import Step
from tests.support.replay import replaying

pytestmark = [pytest.mark.shared, pytest.mark.slow]

BEFORE, DAY = date(2025, 12, 29), date(2025, 12, 30)
KINDS = ("403", "406", "429", "500", "503", "rate-exceeded", "html", "truncated", "empty", "doctype", "bomb", "huge")
KINDS += ("slow", "hang", "reset", "stale", "error-feed")
# What the replay does at RSS only, or where it stands for something else: the others answer as if nothing were
ONLY = {"truncated": (RSS,), "slow": (RSS,), "stale": (RSS,), "empty": (RSS, HF)}
HANGS = {API: "no complete answer within 40 s"}  # for longer than the stand-in of the project
ROWS = [(place, kind) for place in (RSS, API, HF) for kind in KINDS]
FEEDS = """
[instance]
retention_days = 7

[feeds.main]
title = "Main"
categories = ["cs.AI", "cs.CL", "cs.DC", "cs.LG"]
keywords = { LLM = 1, agent = 1 }
min_score = 1
max_entries = 20

[feeds.picks]
title = "Picks"
source = "huggingface"
"""


@dataclass(frozen=True)
class Seen:
    """What readers got before, during and after the fault, and how long that took; what was reported and stored."""

    before: list[httpx.Response]
    during: list[httpx.Response]
    seconds: float
    after: list[httpx.Response]
    reports: list[dict[str, Any]]
    manifests: list[Manifest]
    ids: dict[date, set[str]]
    truth: dict[date, set[str]]
    doubled: list[str]


def _course(place: str, kind: str, path: Path) -> Seen:
    with replaying() as replay:
        settings = load_settings(
            _env_file=None,
            arxiv_rss_url=replay.url,
            replay_gate_seconds=0,
            sqlite_path=path,
            feeds_toml=FEEDS,
            admin_token="open-sesame",
            catch_up_seconds=60,
            confirm_seconds=0,
            now=noon_of(DAY),
        )
        replay.state.date = BEFORE.isoformat()
        visit(settings, Step(noon_of(BEFORE), {}))
        with serving_app(settings.model_copy(update={"now": noon_of(BEFORE)})) as url:
            before = read_feeds(url)
        replay.state.date = DAY.isoformat()
        replay.fault(place, kind)
        with serving_app(settings) as url, ThreadPoolExecutor(1) as pool:
            refreshing = pool.submit(refresh_now, url)
            begun = time.monotonic()
            during = read_feeds(url)
            seconds = time.monotonic() - begun
            reports, after, manifests = [refreshing.result()], read_feeds(url), [manifest_of(settings)]
            replay.fault(place, "")
            forget(settings, keys.BACKOFF)
            reports.append(refresh_now(url))
            manifests.append(manifest_of(settings))
        ids = {
            day: {item.paper.id for item in batch_of(settings, manifests[1].get(day)).announcements}
            for day in (BEFORE, DAY)
        }
        truth = replay.truth([BEFORE, DAY])
        return Seen(before, during, seconds, after, reports, manifests, ids, truth, doubled(settings))


@pytest.fixture(scope="module")
def all_seen(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Seen]:
    """What came of every fault, many at the same time."""
    folder = tmp_path_factory.mktemp("shared-faults")
    slowest_first = sorted(ROWS, key=lambda row: row[1] not in ("slow", "hang"))
    with ThreadPoolExecutor(6) as pool:
        running = {row: pool.submit(_course, *row, folder / f"{n}.sqlite3") for n, row in enumerate(slowest_first)}
        return {row: future.result() for row, future in running.items()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_faults_over_real_records(all_seen: dict[tuple[str, str], Seen], row: tuple[str, str]) -> None:
    """Readers have all they had, in time; state and reason are true; the next good answer completes the date, each
    paper on its date and once.
    """
    (place, kind), seen = row, all_seen[row]
    assert seen.seconds < PATIENCE_SECONDS
    for answers in (seen.during, seen.after):
        assert [200] * 3 == [answer.status_code for answer in answers]
        for old, new in zip(seen.before, answers, strict=True):
            if "json" in old.headers["Content-Type"]:
                assert set(ids_of(old)) <= set(ids_of(new))
    applies = place in ONLY.get(kind, (place,))
    expected = (HANGS.get(place, "") if kind == "hang" else "") or MATRIX[place].get(kind, "")
    expected = expected.removesuffix("2026-03-05")
    first, last = seen.reports
    if place == RSS:
        assert (STATES.get(kind, "failed"), True) == (first["state"], expected in first["reason"]), first["reason"]
    elif applies and expected:
        assert expected in first["caught"]["problems"][0]
    else:
        assert [] == first["caught"]["problems"]
    assert ("complete", "", [], 0) == (
        last["state"],
        last["reason"],
        last["caught"]["problems"],
        last["caught"]["owed"],
    )
    assert seen.truth == seen.ids
    assert [] == seen.doubled
    assert {} == seen.manifests[1].error
