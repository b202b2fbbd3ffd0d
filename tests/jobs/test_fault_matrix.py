"""Every fault at every upstream, through the real application: readers get the last good feeds at once, states and
reasons are true, nothing is doubled, and the next good answer completes what was missing.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config.settings import Settings, load_settings
from core.model.calendar import announcement_days
from core.model.manifest import Manifest
from core.store import keys
from tests.api.test_on_demand import forget
from tests.conftest import PATIENCE_SECONDS, serving_app, wait_until
from tests.jobs.test_fortnight import visit
from tests.jobs.test_refresh import batch_of, manifest_of
from tests.jobs.test_refresh import noon as noon_of
from tests.support.arxiv_format import Sheet
from tests.support.fortnight import Step
from tests.support.hf_format import Picked
from tests.support.tiers import chosen, matrix
from tests.support.upstream import API_FAULTS, FAULTS, HF_FAULTS, Upstream, serving

DAYS = announcement_days(date(2026, 3, 1), date(2026, 3, 7))
MONDAY, THURSDAY, FRIDAY = DAYS[0], DAYS[3], DAYS[4]
RUNNING = 202
FEEDS = """
[instance]
retention_days = 7

[feeds.main]
title = "Main"
categories = ["cs.LG", "cs.CL"]
announce_types = ["new", "cross"]

[feeds.picks]
title = "Picks"
source = "huggingface"
"""
RSS, API, HF = "/rss", "/api/query", "/api/daily_papers"
STATUSES = ("403", "406", "429", "500", "503")
STALE = "stale"  # the day before, under the new date

# What is said of Friday (RSS), or what the report of catching up says (API, Hugging Face). "": that is a good answer
_CUT = {"cut-connection": "RemoteProtocolError", "reset": "Error"}
_ANSWERED = {"rate-exceeded": "rate exceeded", **{status: f"status {status}" for status in STATUSES}}
_NO_XML = {"html": "HTML page", "doctype": "DOCTYPE", "bomb": "DOCTYPE", "nothing": "empty"}
_NO_JSON = {"html": "HTML page, not JSON", "doctype": "not JSON", "bomb": "not JSON", "nothing": "the answer is empty"}
MATRIX: dict[str, dict[str, str]] = {
    RSS: _CUT | _ANSWERED | _NO_XML | {
        "empty": "valid empty feed", "error-feed": "status 400", "truncated": "damaged XML", "huge": "more than 24 MB",
        "slow": "no complete answer within 12 s", "hang": "ReadTimeout", STALE: "still shows the batch of 2026-03-05",
    },
    API: _CUT | _ANSWERED | _NO_XML | {
        "empty": "", "error-feed": "status 400", "truncated": "damaged XML", "huge": "more than 24 MB",
        "slow": "no complete answer within 40 s", "hang": "RemoteProtocolError",
        "short-page": "papers from number 0", "zero-page": "served 0 of", "total-too-high": "papers from number 0",
        "error-entry": "status 400", "error-entry-200": "the index is being rebuilt",
    },
    HF: _CUT | _ANSWERED | _NO_JSON | {
        "empty": "", "error-feed": "status 400", "truncated": "not JSON", "huge": "more than 8 MB",
        "slow": "no complete answer within 15 s", "hang": "no complete answer within 15 s",
        "error-object": "Hugging Face answered: Internal Error", "null": "not a list of papers",
    },
}  # fmt: skip
ROWS = [(place, fault) for place, faults in MATRIX.items() for fault in faults]
STATES = {"empty": "waiting", "truncated": "partial", STALE: "waiting"}  # of Friday, if RSS has that fault; else failed


def sheets_of(day: date) -> list[Sheet]:
    """Eight papers of a day."""
    first = 10000 + 100 * DAYS.index(day)
    kinds = (("cs.LG",), ("cs.CL", "cs.AI"), ("cs.AI", "cs.CL"))
    return [Sheet(f"2603.{first + n}", title=f"Paper {n} of {day}", categories=kinds[n % 3]) for n in range(8)]


@dataclass(frozen=True)
class Seen:
    """What readers got while arXiv was asked, how long that took, and after it; what the refreshes reported; what is
    stored after each.
    """

    during: list[httpx.Response]
    seconds: float
    after: list[httpx.Response]
    mended: list[httpx.Response]
    reports: list[dict[str, Any]]
    manifests: list[Manifest]
    doubled: list[str]


PATHS = ("/api/feeds/main.json", "/api/feeds/main.rss", "/api/feeds/picks.json")


def read_feeds(url: str) -> list[httpx.Response]:
    """What readers get."""
    return [httpx.get(url + path) for path in PATHS]


def refresh_now(url: str) -> dict[str, Any]:
    """Refresh as the owner does; the work that a request of a reader began may not be over."""
    headers = {"Authorization": "Bearer open-sesame"}
    while (answer := httpx.post(f"{url}/api/refresh", headers=headers)).status_code == RUNNING:
        time.sleep(0.2)
    assert answer.status_code in (200, 502), answer.text
    return dict(answer.json())


def _course(place: str, fault: str, path: Path) -> Seen:
    """Thursday is good, Friday has a fault at one upstream, then it is good."""
    days = {day: sheets_of(day) for day in DAYS}
    picks = {day: [Picked(days[day][0], 30), Picked(days[day][1], 3)] for day in DAYS}
    with serving(Upstream(day=THURSDAY, days=days, picks=picks)) as upstream:
        settings = load_settings(
            _env_file=None,
            arxiv_rss_url=upstream.url,
            replay_gate_seconds=0,
            sqlite_path=path,
            feeds_toml=FEEDS,
            admin_token="open-sesame",
            catch_up_seconds=30,
            confirm_seconds=0,
            now=noon_of(FRIDAY),
        )
        visit(settings, Step(noon_of(THURSDAY), {}))
        upstream.day = FRIDAY
        if fault == STALE:
            upstream.stale = {name: [s for s in days[THURSDAY] if name in s.categories] for name in ("cs.LG", "cs.CL")}
        else:
            upstream.faults, upstream.faulty_for_ever = [f"{place} {fault}"], True
        with serving_app(settings) as url, ThreadPoolExecutor(1) as pool:
            before = len(upstream.requests)
            refreshing: Future[dict[str, Any]] = pool.submit(refresh_now, url)
            # A reader who comes first would begin the refresh, and the owner would get the report of the one after it
            wait_until(lambda: len(upstream.requests) > before)
            begun = time.monotonic()
            during = read_feeds(url)
            seconds = time.monotonic() - begun
            reports, after, manifests = [refreshing.result()], read_feeds(url), [manifest_of(settings)]
            upstream.faults, upstream.faulty_for_ever, upstream.stale = [], False, {}
            forget(settings, keys.BACKOFF)
            reports.append(refresh_now(url))
            mended, manifests = read_feeds(url), [*manifests, manifest_of(settings)]
        return Seen(during, seconds, after, mended, reports, manifests, doubled(settings))


def doubled(settings: Settings) -> list[str]:
    """What is stored of a paper beside its first announcement."""
    manifest = manifest_of(settings)
    found = [item.paper.id for record in manifest.stored for item in batch_of(settings, record).announcements]
    return sorted({name for name in found if found.count(name) > 1})


@pytest.fixture(scope="module")
def all_seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Seen]:
    """What came of every fault, all at the same time; each with upstreams, a store and a server of its own."""
    folder = tmp_path_factory.mktemp("matrix")
    slowest_first = sorted(chosen(request, "row"), key=lambda row: row[1] not in ("slow", "hang"))
    with ThreadPoolExecutor(16) as pool:
        running = {
            (place, fault): pool.submit(_course, place, fault, folder / f"{number}.sqlite3")
            for number, (place, fault) in enumerate(slowest_first)
        }
        return {row: future.result() for row, future in running.items()}


@pytest.fixture
def seen(request: pytest.FixtureRequest, all_seen: dict[tuple[str, str], Seen]) -> Seen:
    """What came of the fault of this test."""
    return all_seen[request.getfixturevalue("row")]


def ids_of(answer: httpx.Response) -> list[str]:
    """The papers of a JSON Feed, without its notices."""
    assert 200 == answer.status_code, answer.text
    return [item["_paperwire"]["id"] for item in answer.json()["items"] if "id" in item.get("_paperwire", {})]


def _papers(*days: date) -> set[str]:
    return {sheet.id for day in days for sheet in sheets_of(day)}


DAILY = ((RSS, "503"), (RSS, "empty"), (RSS, "truncated"), (RSS, STALE), (API, "short-page"), (HF, "html"))
every_row = matrix("row", ROWS, daily=DAILY, ids=lambda row: f"{row[0]} {row[1]}")


def test_every_fault_is_in_the_matrix() -> None:
    """The table has every fault that the stand-in knows, where it applies."""
    common = {*FAULTS, *STATUSES}
    assert common <= MATRIX[RSS].keys()
    assert common | API_FAULTS.keys() <= MATRIX[API].keys()
    assert common | HF_FAULTS.keys() <= MATRIX[HF].keys()


@every_row
def test_readers_get_the_last_good_feeds(seen: Seen, row: tuple[str, str]) -> None:
    """While an upstream does not deliver, and after it, feeds have all that they had, and come in time."""
    assert seen.seconds < PATIENCE_SECONDS, row
    for answers in (seen.during, seen.after):
        main, rss, picks = answers
        assert _papers(*DAYS[:4]) <= set(ids_of(main))
        assert len(ids_of(main)) == len(set(ids_of(main)))
        assert 200 == rss.status_code
        assert {sheet.id for sheet in sheets_of(THURSDAY)[:2]} <= set(ids_of(picks))


@every_row
def test_states_and_reasons_are_true(seen: Seen, row: tuple[str, str]) -> None:
    """The record of Friday says what happened if that was RSS, the report of catching up if it was another upstream."""
    place, fault = row
    report, record = seen.reports[0], seen.manifests[0].get(FRIDAY)
    if place == RSS:
        assert STATES.get(fault, "failed") == report["state"]
        assert MATRIX[place][fault] in report["reason"]
        assert "complete" == record.state  # the catch-up pages had what the feed had not
        return
    assert ("complete", "") == (record.state, record.reason)
    problems = report["caught"]["problems"]
    if expected := MATRIX[place][fault]:
        assert expected in problems[0]
    else:
        assert [] == problems


@every_row
def test_the_next_good_answer_completes(seen: Seen, row: tuple[str, str]) -> None:
    """The refresh after it has everything, everything once, and nothing is pending."""
    report, manifest = seen.reports[1], seen.manifests[1]
    assert ("complete", "", 8) == (report["state"], report["reason"], report["papers"])
    assert (0, []) == (report["caught"]["owed"], report["caught"]["problems"]), row
    assert ["complete"] * len(DAYS) == [manifest.get(day).state for day in DAYS]
    assert {} == manifest.error
    assert sorted(_papers(*DAYS)) == sorted(ids_of(seen.mended[0]))
    assert len(seen.mended[0].json()["items"]) == len(_papers(*DAYS))  # no notice is left
    assert [] == seen.doubled
    assert {sheet.id for sheet in sheets_of(FRIDAY)[:2]} <= set(ids_of(seen.mended[2]))
