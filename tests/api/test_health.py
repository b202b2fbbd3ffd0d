"""Honest answers: feeds that say what they lack, health that says what to do, and both when it is mended."""

import json
from collections.abc import Iterator
from pathlib import Path

import feedparser
import httpx
import pytest

from core.config.settings import Settings
from tests.api import DAYS, FRIDAY, MAIN, THURSDAY, TOKEN, make_settings, noon, store_days
from tests.conftest import serving_app
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults
from tests.support.upstream import Upstream, serving

OWNER = {"Authorization": f"Bearer {TOKEN}"}
FAULTS = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """arXiv on Friday."""
    with serving(Upstream(day=FRIDAY, sheets=DAYS[FRIDAY])) as running:
        yield running


@pytest.fixture
def settings(upstream: Upstream, tmp_path: Path) -> Settings:
    """Thursday is stored, and Friday is due since hours."""
    settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, replay_gate_seconds=0, confirm_seconds=0)
    store_days(settings, {THURSDAY: DAYS[THURSDAY]})
    return settings


def refresh(client: httpx.Client) -> None:
    """Refresh as the owner."""
    assert client.post("/api/refresh", headers=OWNER).status_code in (200, 502)


def notices(client: httpx.Client, path: str) -> list[str]:
    """The titles of notices in a feed, as a reader sees them."""
    body = client.get(path).content
    if path.partition("?")[0].endswith("json"):
        return [item["title"] for item in json.loads(body)["items"] if "notice" in item["_paperwire"]]
    return [entry.title for entry in feedparser.parse(body).entries if "notice" in entry.id]


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_notice_comes_and_goes(settings: Settings, upstream: Upstream, kind: str) -> None:
    """A feed whose due day is missing says so in its first entry, and not any more when it is mended."""
    path = f"/api/feeds/main.{kind}"
    upstream.faults, upstream.faulty_for_ever = ["503"], True
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        assert ["Notice: this feed is not complete for 2026-03-06"] == notices(client, path)
        answer = client.get(path)
        assert [] == FAULTS[kind](answer.content, str(answer.url))
        further = client.get("/api/papers?limit=1").json()["next"]
        assert [] == notices(client, f"{path}?limit=1&cursor={further}")
        before = answer.headers["ETag"]
        upstream.faults = []
        refresh(client)
        mended = client.get(path, headers={"If-None-Match": before})
        assert 200 == mended.status_code
        assert [] == notices(client, path)


def test_a_notice_is_the_first_entry(settings: Settings, upstream: Upstream) -> None:
    """Readers see the notice above the papers, which are the last good ones, with the reason and what happens next."""
    upstream.faults, upstream.faulty_for_ever = ["503"], True
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        entries = feedparser.parse(client.get("/rss").content).entries
    assert "2026-03-06: cs.DC, cs.LG are failed: status 503" in entries[0].summary
    assert "tried again" in entries[0].summary
    assert ["2603.90203", "2603.90201"] == [entry.link.rpartition("/")[2] for entry in entries[1:]]


def test_only_feeds_that_are_concerned_tell(settings: Settings, upstream: Upstream) -> None:
    """A feed none of whose categories is missing has no notice."""
    upstream.unknown = ("hep-th",)
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        assert [] == notices(client, "/api/feeds/main.rss")
        assert 1 == len(notices(client, "/api/feeds/replaced.rss"))
        page = client.get("/feeds/replaced").text
        assert "This feed is not complete" in page
        assert "hep-th is failed" in page
        assert "This feed is not complete" not in client.get("/feeds/main").text


def test_late_papers_are_marked(settings: Settings, upstream: Upstream) -> None:
    """What completes a day that readers have seen is marked as late, everywhere, and has the time at which it came."""
    upstream.sheets = DAYS[FRIDAY][1:]
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        upstream.sheets = DAYS[FRIDAY]
        refresh(client)
        papers = {paper["id"]: paper.get("late") for paper in client.get("/api/papers").json()["papers"]}
        entries = {e.link.rpartition("/")[2]: e for e in feedparser.parse(client.get("/rss").content).entries}
        page = client.get("/papers/2603.90301").text
    assert "2026-03-06T17:00:00Z" == papers["2603.90301"]
    assert {None} == {late for paper, late in papers.items() if paper != "2603.90301"}
    assert set(MAIN) - {"2603.90101"} == set(papers) & set(MAIN)
    late, other = entries["2603.90301"], entries["2603.90302"]
    assert "Late: announced on 2026-03-06, found on 2026-03-06 at 17:00 UTC" in late.summary
    assert other.published_parsed < late.published_parsed < noon(FRIDAY).timetuple()
    assert "found late" in page


def test_health(settings: Settings, upstream: Upstream) -> None:
    """Health is 503 while its owner should act, names the trouble with its mend, and 200 when all is well."""
    upstream.faults, upstream.faulty_for_ever = ["503"], True
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        failing = client.get("/api/health")
        home = client.get("/").text
        upstream.faults = []
        refresh(client)
        well = client.get("/api/health")
    assert (503, "failing") == (failing.status_code, failing.json()["status"])
    (trouble,) = [trouble for trouble in failing.json()["troubles"] if trouble["kind"] == "due"]
    assert trouble["act"]
    assert "2026-03-06 is failed" in trouble["detail"]
    assert "status.arxiv.org" in trouble["mend"]
    assert "2026-03-06T05:20:00Z" == trouble["since"]
    assert "Friday 6 March could not be fetched" in home
    assert (200, "degraded") == (well.status_code, well.json()["status"])
    assert ["pending"] == [trouble["kind"] for trouble in well.json()["troubles"]]  # the API was not asked yet
    states = {name: state["state"] for name, state in well.json()["batches"][0]["categories"].items()}
    assert {"unconfirmed"} == set(states.values())


def test_the_first_hour(upstream: Upstream, tmp_path: Path) -> None:
    """Before the hour is over that arXiv may be late, feeds tell nothing; health does."""
    early = noon(FRIDAY).replace(hour=6, minute=0)
    settings = make_settings(tmp_path, arxiv_rss_url=upstream.url, replay_gate_seconds=0, now=early)
    store_days(make_settings(tmp_path), {THURSDAY: DAYS[THURSDAY]})
    upstream.faults, upstream.faulty_for_ever = ["503"], True
    with serving_app(settings) as url, httpx.Client(base_url=url) as client:
        refresh(client)
        assert [] == notices(client, "/rss")
        health = client.get("/api/health")
    assert (200, "degraded") == (health.status_code, health.json()["status"])
