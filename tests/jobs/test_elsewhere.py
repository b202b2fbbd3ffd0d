"""Papers from beside arXiv, from the stand-in's feeds to the store and to every face."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
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
from tests.support.elsewhere_format import atom, journal, journal_item, rdf
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
