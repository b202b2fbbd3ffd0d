"""Papers from beside arXiv, from the stand-in's feeds to the store and to every face."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.application import create_app
from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.model.batch import Announcement
from core.model.manifest import Manifest
from tests.support.arxiv_format import Sheet
from tests.support.elsewhere_format import atom, journal, journal_item, preprint, rdf
from tests.support.hf_format import Picked
from tests.support.upstream import Upstream, serving

FRIDAY = date(2026, 3, 6)
NOON = datetime(2026, 3, 6, 17, tzinfo=UTC)
TITLE = "Sampling the sampled: one work that two places have"
SHEET = Sheet(id="2603.00001", title=TITLE, categories=("cs.LG",), creator="Ann Sample, Bob Example")


def toml(*urls: str, more: str = "") -> str:
    """A wire with arXiv, and a feed of journals."""
    listed = ", ".join(f'"{url}"' for url in urls)
    journals = f'[feeds.journals]\ntitle = "Journals"\nsource = "rss"\nurls = [{listed}]\n{more}\n'
    return f'[feeds.main]\ntitle = "Main"\ncategories = ["cs.LG"]\n{journals}'


def settings_of(upstream: Upstream, path: Path, feeds: str, **more: Any) -> Settings:
    values = {"arxiv_rss_url": upstream.url, "now": NOON, "sqlite_path": path / "store.sqlite3", "rate_limit": 0}
    values |= {"feeds_toml": feeds, "private_sources": True, "replay_gate_seconds": 0.0, "catch_up_seconds": 20.0}
    return load_settings(env_file=False, **values | more)


async def refreshed(settings: Settings) -> tuple[Manifest, dict[str, Announcement], dict[str, list[str]]]:
    """Refresh once. Returns the manifest, the announcements of RSS feeds by identifier, and the failures."""
    wire = Paperwire(settings)
    try:
        report = await wire.refresh("all")
        manifest = await wire.manifest()
        batches = await wire.archive.days.batches(manifest.all_of("rss").values())
        found = {item.paper.id: item for batch in batches.values() for item in batch.announcements}
        return manifest, found, report.failures
    finally:
        await wire.close()


def refresh(settings: Settings) -> tuple[Manifest, dict[str, Announcement], dict[str, list[str]]]:
    return asyncio.run(refreshed(settings))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream(sheets=[SHEET])) as running:
        yield running


def test_each_format(upstream: Upstream, tmp_path: Path) -> None:
    """RSS 2.0, RSS 1.0 and Atom are read; papers are named by DOI, by arXiv, else by what their feed calls them."""
    upstream.feeds = {
        "/journal.xml": journal([journal_item(1), journal_item(2, doi="", guid="number-2")]),
        "/annals.rdf": rdf([("Findings in annals of samples", "10.5555/annals.7")]),
        "/finds": atom([("tag:reader.example,2026:1", "https://arxiv.org/abs/2603.09999v2", "A paper at arXiv")]),
    }
    urls = [f"{upstream.url}{path}" for path in upstream.feeds]
    manifest, found, failures = refresh(settings_of(upstream, tmp_path, toml(*urls)))
    assert {} == failures
    assert {"10.5555/sample.1", "10.5555/annals.7", "2603.09999"} == {name for name in found if "guid" not in name}
    assert 1 == sum(name.startswith("guid/") for name in found)
    assert [date(2026, 3, 5), date(2026, 3, 4)] == [record.date for record in manifest.of("rss")]
    paper = found["10.5555/sample.1"].paper
    assert ("Hello there.", "Journal of Samples") == (paper.abstract, paper.venue)
    assert ("Ann Sample",) == tuple(author.name for author in paper.authors)
    assert {
        "abs": "https://journal.example/articles/1?rss=yes",
        "doi": "https://doi.org/10.5555/sample.1",
    } == paper.links


@contextmanager
def faces(upstream: Upstream, path: Path, **more: Any) -> Iterator[TestClient]:
    """The application over a store with a journal's two papers."""
    upstream.feeds = {"/journal.xml": journal([journal_item(1), journal_item(2, doi="", guid="number-2")])}
    settings = settings_of(upstream, path, toml(f"{upstream.url}/journal.xml"), **more)
    refresh(settings)
    with TestClient(create_app(settings)) as client:
        yield client


def test_every_face(upstream: Upstream, tmp_path: Path) -> None:
    """Feeds, queries, digests, pages and citations have them, each with its own page and DOI in place of arXiv's."""
    with faces(upstream, tmp_path) as client:
        for kind in ("rss", "atom", "json"):
            text = client.get(f"/api/feeds/journals.{kind}").text
            assert "https://journal.example/articles/1?rss=yes" in text.replace("\\/", "/")
            assert "arXiv:10.5555" not in text
            assert "arxiv.org/abs/10.5555" not in text
        found = client.get("/api/papers?feed=journals&fields=id,links").json()["papers"]
        assert "10.5555/sample.1" in [row["id"] for row in found]
        for name in ("10.5555/sample.1", "https://doi.org/10.5555/SAMPLE.1", *(row["id"] for row in found)):
            answer = client.get(f"/api/papers/{name}")
            assert 200 == answer.status_code, (name, answer.text)
        for path in (
            "/api/papers?feed=journals&id=10.5555/sample.1", "/api/digests/journals/2026-03-05.md",
            "/api/digests/journals/2026-W10.md", "/feeds/journals", "/papers/10.5555/sample.1", "/day/2026-03-05",
            "/api/papers/10.5555/sample.1/similar", "/search?q=10.5555/sample.1", "/api/feeds/all.rss", "/saved",
        ):  # fmt: skip
            answer = client.get(path)
            assert 200 == answer.status_code, (path, answer.text[:500])
            assert "arxiv.org/abs/10.5555" not in answer.text, path
            assert "arXiv:10.5555" not in answer.text, path
        for kind in ("bib", "ris", "json"):
            text = client.get(f"/api/papers/10.5555/sample.1/cite.{kind}").text
            assert "10.5555/sample.1" in text
            assert "arxiv" not in text.lower(), text


def test_a_feed_that_fails(upstream: Upstream, tmp_path: Path) -> None:
    """It is named in the report, in health and in its feed, without what its address may keep secret; others come."""
    upstream.feeds = {"/journal.xml": journal([journal_item(1)])}
    feeds = toml(f"{upstream.url}/journal.xml", f"{upstream.url}/details?token=hush")
    upstream.faults, upstream.faulty_for_ever = ["/details 503"], True
    settings = settings_of(upstream, tmp_path, feeds, admin_token="open-sesame")
    manifest, found, failures = refresh(settings)
    assert ["10.5555/sample.1"] == list(found)
    (problem,) = failures["enrich"]
    assert problem.startswith("127.0.0.1/details: status 503")
    assert "complete" == manifest.all_of("rss")[date(2026, 3, 5)].state
    later = settings.model_copy(update={"now": datetime(2026, 3, 6, 19, tzinfo=UTC)})
    with TestClient(create_app(later)) as client:
        health = client.get("/api/health", headers={"Authorization": "Bearer open-sesame"})
        assert "127.0.0.1/details: status 503" in health.text
        feed = client.get("/api/feeds/journals.rss").text
        assert "Notice: this feed is not complete" in feed
        for path in ("/api/feeds", "/api/feeds/journals.json", "/feeds/journals", "/api/health", "/api/feeds.opml"):
            assert "hush" not in client.get(path).text, path


# What the feed serves the second time → the titles that are stored, with their dates, and the problem
SECOND: list[tuple[bytes, list[tuple[str, int]], str]] = [
    (b"", [("one", 5)], "the answer is empty"),
    (b"<html><body>Sign in</body></html>", [("one", 5)], "the answer is an HTML page, not a feed"),
    (b"<opml><body/></opml>", [("one", 5)], "the answer is XML, but no RSS or Atom feed"),
    (journal([]), [("one", 5)], ""),  # an empty feed takes nothing away
    (journal([journal_item(1, "one")] * 3), [("one", 5)], ""),
    (journal([journal_item(1, "one, corrected")]), [("one, corrected", 5)], ""),
    (journal([journal_item(2, "two", day=1)]), [("one", 5), ("two", 6)], ""),  # it comes late, and is of today
    (journal([journal_item(2, "two")])[:-8], [("one", 5), ("two", 6)], ""),
    (journal([journal_item(2, " "), journal_item(3, "three")]), [("one", 5), ("three", 6)], ""),
    (journal([journal_item(2, "")[:60] + "</item>"]), [("one", 5)], "damaged XML"),
    (journal([journal_item(1, "one", doi="10.5555/SAMPLE.1")]), [("one", 5)], ""),
    (journal([journal_item(9, "nine", doi="10.5555/a.(9)<x>#?%&;")]), [("nine", 6), ("one", 5)], ""),
    (b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]><rss><channel/></rss>', [("one", 5)], "DOCTYPE"),
]


def test_nothing_is_lost(upstream: Upstream, tmp_path: Path) -> None:
    """Whatever a feed serves later, what it had stays; what is new is of the day on which it was first seen."""
    feeds = toml(f"{upstream.url}/journal.xml")
    for number, (served, expected, problem) in enumerate(SECOND):
        (tmp_path / str(number)).mkdir()
        settings = settings_of(upstream, tmp_path / str(number), feeds)
        upstream.feeds = {"/journal.xml": journal([journal_item(1, "one")])}
        asyncio.run(_twice(settings, upstream, served, expected, problem))


async def _twice(
    settings: Settings, upstream: Upstream, served: bytes, expected: list[tuple[str, int]], problem: str
) -> None:
    await refreshed(settings)
    upstream.feeds = {"/journal.xml": served}
    manifest, _, failures = await refreshed(settings)
    wire = Paperwire(settings)
    batches = await wire.archive.days.batches(manifest.of("rss"))
    await wire.close()
    got = sorted((i.paper.title, batch.date.day) for batch in batches.values() for i in batch.announcements)
    assert expected == got, served[:80]
    assert problem in "".join(failures.get("enrich", ())), (served[:80], failures)


def test_the_same_work(upstream: Upstream, tmp_path: Path) -> None:
    """An entry that arXiv has too, by DOI or by title and author, is that paper, and says where it is published; of two
    feeds that have a work, both show it, once.
    """
    upstream.sheets = [
        SHEET,
        Sheet(id="2603.00002", title="Another work entirely", more={"arxiv:DOI": "10.5555/sample.2"}),
    ]
    upstream.feeds = {
        "/journal.xml": journal(
            [
                journal_item(1, TITLE, by="Sample, Ann"),
                journal_item(2, "A title that the journal has changed"),
                journal_item(3, TITLE, by="Nobody Else"),  # other authors: another work
            ]
        ),
        "/second.xml": journal([journal_item(1, TITLE, by="Ann Sample"), journal_item(4)], "Overlay"),
    }
    second = f'[feeds.second]\ntitle = "Second"\nsource = "rss"\nurls = ["{upstream.url}/second.xml"]\n'
    settings = settings_of(upstream, tmp_path, toml(f"{upstream.url}/journal.xml", more=second))
    _, found, failures = refresh(settings)
    assert {} == failures
    assert {"2603.00001", "2603.00002", "10.5555/sample.3", "10.5555/sample.4"} == set(found)
    assert ("10.5555/sample.1", "Journal of Samples") == (
        found["2603.00001"].paper.doi, found["2603.00001"].paper.journal_ref,
    )  # fmt: skip
    with TestClient(create_app(settings)) as client:
        for feed, ids in (("journals", {1, 2, 3}), ("second", {1, 4})):
            rows = client.get(f"/api/papers?feed={feed}&fields=id").json()["papers"]
            assert ids == {int(row["id"][-1]) for row in rows}
        merged = [row["id"] for row in client.get("/api/feeds/all.json").json()["items"]]
        assert len(merged) == len({one.partition("#")[0] for one in merged})


def test_unchanged_feeds_send_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """A second refresh asks whether anything has changed; what fails is asked in full."""
    upstream.feeds = {"/journal.xml": journal([journal_item(1)])}
    settings = settings_of(upstream, tmp_path, toml(f"{upstream.url}/journal.xml"))
    before, _, _ = refresh(settings)
    after, found, _ = refresh(settings)
    asked = [headers for _, path, headers in upstream.requests if path == "/journal.xml"]
    assert [False, True] == ["If-None-Match" in headers for headers in asked]
    assert all("Paperwire/" in headers["User-Agent"] for headers in asked)
    assert ["10.5555/sample.1"] == list(found)
    assert before.all_of("rss") == after.all_of("rss")


PRIVATE = ("http://127.0.0.1:9/feed", "http://localhost:9/feed", "http://[::1]/x", "http://169.254.169.254/latest")


def test_no_private_networks(upstream: Upstream, tmp_path: Path) -> None:
    """Addresses that only the machine itself reaches are not asked, unless the owner allows it."""
    settings = settings_of(upstream, tmp_path, toml(*PRIVATE, f"{upstream.url}/journal.xml"), private_sources=False)
    upstream.feeds = {"/journal.xml": journal([journal_item(1)])}
    _, found, failures = refresh(settings)
    assert {} == found
    assert 5 == len(failures["enrich"])
    assert all("it is in a private network" in problem for problem in failures["enrich"])
    assert "/journal.xml" not in upstream.paths


def preprints(**more: str) -> str:
    lines = "".join(f"{name} = {value}\n" for name, value in more.items())
    return f'[feeds.cells]\ntitle = "Cells"\nsource = "biorxiv"\n{lines}'


def test_biorxiv(upstream: Upstream, tmp_path: Path) -> None:
    """A day is read to its last page, whatever the size of a page; a later version is a replacement."""
    day = date(2026, 3, 4)
    rows = [preprint(n) for n in range(70)] + [preprint(3, version="2", published="10.5555/journal.3")]
    rows += [preprint(80, category="neuroscience"), preprint(81, title=...), preprint(82, doi="none")]
    upstream.posted, upstream.posted_page = {("biorxiv", day): rows}, 30
    feeds = preprints(categories='["cell-biology"]', announce_types='["new", "replace"]')
    settings = settings_of(upstream, tmp_path, feeds)
    wire = asyncio.run(_posted(settings))
    record = wire.all_of("biorxiv")[day]
    assert ("complete", 72, 2) == (record.state, record.total, len(record.rejected))
    with TestClient(create_app(settings)) as client:
        rows_shown = client.get("/api/papers?feed=cells&limit=100&sort=id").json()["papers"]
        assert 71 == len(rows_shown)
        (later,) = [row for row in rows_shown if row["version"] == 2]
        assert ("replace", "10.5555/journal.3", "bioRxiv") == (later["type"], later["doi"], later["venue"])
        assert "https://www.biorxiv.org/content/10.1101/2026.03.01.700003v2" == later["links"]["abs"]
        assert [{"name": "A. B. Sample"}, {"name": "C. Example"}] == later["authors"]
        assert 200 == client.get("/papers/10.1101/2026.03.01.700003v2").status_code
        assert 200 == client.get("/api/papers?feed=cells&category=cell-biology").status_code


async def _posted(settings: Settings) -> Manifest:
    wire = Paperwire(settings)
    try:
        await wire.refresh("all")
        return await wire.manifest()
    finally:
        await wire.close()


def test_biorxiv_fails_in_the_middle(upstream: Upstream, tmp_path: Path) -> None:
    """What came before a page failed is stored, the day is partial and asked for again, and then it is complete."""
    day = date(2026, 3, 5)
    upstream.posted, upstream.posted_page = {("biorxiv", day): [preprint(n) for n in range(50)]}, 30
    upstream.faults = [f"/details/biorxiv/{day}/{day}/30 503"]
    settings = settings_of(upstream, tmp_path, preprints())
    first = asyncio.run(_posted(settings)).all_of("biorxiv")[day]
    second = asyncio.run(_posted(settings)).all_of("biorxiv")[day]
    assert [("partial", 30), ("complete", 50)] == [(one.state, one.total) for one in (first, second)]
    assert "page 2: status 503" in first.reason


AGAIN = """
[feeds.main]
title = "Main"
categories = ["cs.LG"]
[feeds.again]
title = "Second look"
source = "again"
categories = ["cs.LG"]
[feeds.again.keywords]
cache = 2
[feeds.daily]
title = "Daily"
source = "huggingface"
[feeds.journals]
title = "Journals"
source = "rss"
"""
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def test_a_second_look(tmp_path: Path) -> None:
    """Papers come back on the date that brings news of them, once, and say what it is; others do not."""
    sheets = [
        Sheet(id=f"2603.0010{number}", title=f"A cache of kind {number} for many sampled uses") for number in range(5)
    ]
    later = [
        replace(sheets[0], version=2, abstract="Code is at https://github.com/sample/cache."),
        Sheet(id="2603.00200", title="A cache of another kind", version=3),  # nobody has seen it before
    ]
    picks = {TUESDAY: [Picked(sheets[1], 30), Picked(sheets[2], 3)]}
    with serving(Upstream(day=MONDAY, days={MONDAY: sheets, TUESDAY: later}, picks=picks)) as upstream:
        upstream.feeds = {"/journal.xml": journal([])}
        feeds = f'{AGAIN}urls = ["{upstream.url}/journal.xml"]\n'
        settings = settings_of(upstream, tmp_path, feeds, now=datetime(2026, 3, 2, 17, tzinfo=UTC))
        first = refresh(settings)[0]
        assert [] == first.of("again")
        upstream.day = TUESDAY
        upstream.feeds = {"/journal.xml": journal([journal_item(3, sheets[3].title, day=3, by="First Sample")])}
        settings = settings.model_copy(update={"now": datetime(2026, 3, 3, 17, tzinfo=UTC)})
        manifest, _, failures = refresh(settings)
        assert {} == failures
        assert [(TUESDAY, 3)] == [(record.date, record.total) for record in manifest.of("again")]
        assert manifest.all_of("again") == refresh(settings)[0].all_of("again")
        with TestClient(create_app(settings)) as client:
            rows = client.get("/api/papers?feed=again&sort=id").json()["papers"]
            expected = {
                "2603.00100": [
                    {"kind": "version", "value": "2"}, {"kind": "code", "value": "https://github.com/sample/cache"},
                ],
                "2603.00101": [{"kind": "upvotes", "value": "30"}],
                "2603.00103": [{"kind": "journal", "value": "Journal of Samples"}],
            }  # fmt: skip
            assert expected == {row["id"]: row["why_now"] for row in rows}
            why = "Why now: version 2; code: https://github.com/sample/cache"
            for path in (
                "/api/feeds/again.rss", "/api/feeds/again.json", "/api/digests/again/latest.md",
                "/api/digests/again/latest.html?style=daily", "/day/2026-03-03",
            ):  # fmt: skip
                text = unescape(client.get(path).text).replace("\\", "")
                assert why in text, path
            assert "Why now" not in client.get("/api/feeds/main.rss").text


def test_the_owners_form(upstream: Upstream, tmp_path: Path) -> None:
    """The form of a feed keeps its source and addresses, changes them with the token, and explains a wrong one."""
    with faces(upstream, tmp_path, admin_token="open-sesame") as client:
        page = client.get("/settings/edit?feed=journals")
        assert 200 == page.status_code
        assert f"{upstream.url}/journal.xml" in page.text
        assert '<option value="rss" selected>' in page.text
        (version,) = re.findall(r'name="version" value="(\d+)"', page.text)
        sent = {"was": "journals", "called": "journals", "name": "Journals", "description": "", "version": version}
        sent |= {
            "type": "new",
            "match": "word",
            "title_bonus": "0.5",
            "max_entries": "0",
            "min_score": "",
            "do": "save",
        }
        sent |= {"keywords": "findings:2", "exclude": "", "token": "open-sesame", "source": "rss"}
        wrong = client.post("/settings/edit", data=sent | {"urls": "file:///etc/passwd"})
        assert 422 == wrong.status_code
        assert "is not the address of a feed" in unescape(wrong.text)
        urls = f"{upstream.url}/journal.xml\nhttps://annals.example/rss?token=hush"
        saved = client.post("/settings/edit", data=sent | {"urls": urls}, follow_redirects=False)
        assert 303 == saved.status_code, saved.text
        (feed,) = [row for row in client.get("/api/feeds").json()["feeds"] if row["name"] == "journals"]
        assert [f"{upstream.url}/journal.xml", "https://annals.example/rss"] == feed["urls"]
        assert {"findings": 2} == feed["keywords"]
