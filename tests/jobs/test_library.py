"""Libraries: abstracts from arXiv by identifier and by title, and a collection at Zotero, read once a week."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.app import Paperwire
from core.config.settings import Settings
from core.model.errors import ConfigError
from core.model.votes import Votes, make_reference
from core.teaching import Teaching
from tests.api import FRIDAY, make_settings, store_days
from tests.support.arxiv_format import Sheet
from tests.support.reading import CACHES, topic
from tests.support.tiers import matrix
from tests.support.upstream import Upstream, serving
from tests.support.zotero import COLLECTION, KEY, OTHER, USER, Zotero, item, serving_zotero

RULES = """
[instance]
title = "Library"
contact = "owner@example.org"
[feeds.main]
title = "Main"
categories = ["cs.LG"]
keywords = {latency = 1}
"""
STORED = [topic(number, CACHES) for number in range(12)]
ELSEWHERE = [
    Sheet(id="2401.00001", title="Étude of Paged-Attention: caches", abstract="All of caches.", categories=("cs.DC",)),
    Sheet(id="2401.00002", title="An étude of paged attention caches", abstract="Another.", categories=("cs.DC",)),
    Sheet(id="2401.00003", title="Prefix sharing in practice", abstract="Of prefixes.", categories=("cs.DC",)),
]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A stand-in for arXiv that knows three papers which the wire does not store."""
    upstream = Upstream(sheets=STORED, days={FRIDAY: ELSEWHERE})
    with serving(upstream):
        yield upstream


@pytest.fixture
def zotero() -> Iterator[Zotero]:
    """A stand-in for Zotero."""
    with serving_zotero() as zotero:
        yield zotero


def make_wire(folder: Path, upstream: Upstream, **more: Any) -> Paperwire:
    base: dict[str, Any] = {"feeds_toml": RULES, "arxiv_rss_url": upstream.url, "replay_gate_seconds": 0}
    return Paperwire(make_settings(folder, **base | more))


def test_abstracts_by_identifier_and_title(tmp_path: Path, upstream: Upstream) -> None:
    """What a library says of a paper is completed from arXiv: exactly that paper, in few requests."""
    given = [
        make_reference("Étude of Paged attention, caches"),
        make_reference("Prefix {S}haring in practice", abstract="Known already."),
        make_reference("", paper="2401.00003"),
        make_reference("A title that arXiv does not have"),
        make_reference("Prefix sharing"),
    ]

    async def work() -> tuple[Votes, Any]:
        wire = make_wire(tmp_path, upstream)
        await wire.refresh("due")
        before = len(upstream.targets)
        report, found = await Teaching(wire).add_library("main", given)
        queries = upstream.targets[before:]
        assert len(queries) == 2
        assert all(target.startswith("/api/query?") for target in queries)
        return report.votes, found

    votes, report = asyncio.run(work())
    by_title = {one.title: one for one in votes.library}
    completed = by_title["Étude of Paged attention, caches"]
    assert ("2401.00001", "All of caches.") == (completed.paper, completed.abstract)
    assert "Of prefixes." == by_title["Prefix sharing in practice"].abstract
    assert "" == by_title["A title that arXiv does not have"].abstract
    assert (5, 3, "") == (report.used, report.abstracts, report.problem)


def test_arxiv_is_down(tmp_path: Path, upstream: Upstream) -> None:
    """Without arXiv a library is used as far as its file says it, and the report names the problem."""

    async def work() -> tuple[Votes, Any]:
        wire = make_wire(tmp_path, upstream)
        await wire.refresh("due")
        upstream.faults, upstream.faulty_for_ever = ["/api/query 503"], True
        report, found = await Teaching(wire).add_library("main", [make_reference("Prefix sharing in practice")])
        return report.votes, found

    votes, report = asyncio.run(work())
    assert ["Prefix sharing in practice"] == [one.title for one in votes.library]
    assert "503" in report.problem


def zotero_settings(zotero: Zotero, **more: Any) -> dict[str, Any]:
    own = {"zotero_api_url": zotero.url, "zotero_user": USER, "zotero_key": KEY, "zotero_collection": COLLECTION}
    return own | more


async def refreshed(folder: Path, upstream: Upstream, **more: Any) -> tuple[Votes, list[str]]:
    """The votes of the main feed after a refresh by a new process, and the problems with the library."""
    wire = make_wire(folder, upstream, **more)
    report = await wire.refresh(seconds=0)
    return await Teaching(wire).votes("main"), report.failures.get("library", [])


def test_a_collection_at_zotero(tmp_path: Path, upstream: Upstream, zotero: Zotero) -> None:
    """It is read once, with abstracts of arXiv for what lacks one; another collection replaces it; votes stay."""
    zotero.items = [
        item(1, "Prefill scheduling with paged attention", abstractNote="This concerns prefill scheduling."),
        item(2, "Prefix sharing in practice", url="https://arxiv.org/abs/2401.00003"),
        item(3, "Étude of paged attention — Caches"),
        item(4, "Full Text PDF", itemType="attachment"),
        {"data": {"itemType": "note", "note": "<p>read this</p>"}} | {"key": "N", "version": 1},
    ]
    zotero.items[-1]["data"]["dateAdded"] = "2026-01-01"
    own = zotero_settings(zotero)

    async def work() -> None:
        assert (Votes(), []) == await refreshed(tmp_path, upstream)
        assert [] == zotero.paths
        votes, problems = await refreshed(tmp_path, upstream, **own)
        assert [] == problems
        found = {one.title: one for one in votes.library}
        assert 3 == len(found)
        assert {"zotero"} == {one.source for one in votes.library}
        assert "Of prefixes." == found["Prefix sharing in practice"].abstract
        assert "2401.00001" == found["Étude of paged attention — Caches"].paper
        wire = make_wire(tmp_path, upstream, **own)
        await Teaching(wire).vote("main", {STORED[0].id: 1})
        assert any(reason.learned for entry in (await listed(wire)) for reason in entry.reasons)
        zotero.items = [item(9, "Decode batching of many requests", abstractNote="Of batching.")]
        votes, _ = await refreshed(tmp_path, upstream, **own)
        assert (3, 1, 1) == (len(votes.library), len(votes.likes), len(zotero.paths))
        votes, _ = await refreshed(tmp_path, upstream, **own | {"zotero_collection": OTHER})
        assert ["Decode batching of many requests"] == [one.title for one in votes.library]
        assert 1 == len(votes.likes)

    asyncio.run(work())


async def listed(wire: Paperwire) -> Any:
    return (await wire.entries(await wire.manifest(), wire.feed("main"))).entries


@matrix(
    ("change", "settings", "message"),
    [
        ({"fault": 503}, {}, "503"),
        ({"fault": 429}, {}, "429"),
        ({}, {"zotero_key": "wrong"}, "403"),
        ({}, {"zotero_collection": "ABCDEFGH"}, "404"),
        ({"body": b"<html>"}, {}, "not JSON"),
        ({"body": b"{}"}, {}, "not a list"),
        ({"body": b'[{"data": {}}]'}, {}, "none of its 1 entries"),
        ({}, {"zotero_key": ""}, "needs ZOTERO_KEY too"),
        ({}, {"zotero_user": ""}, "needs ZOTERO_USER too"),
    ],
    daily=[({"fault": 503}, {}, "503"), ({}, {"zotero_key": ""}, "needs ZOTERO_KEY too")],
)
def test_zotero_fails(
    tmp_path: Path, upstream: Upstream, zotero: Zotero, change: dict[str, Any], settings: dict[str, str], message: str
) -> None:
    """The refresh names the problem and goes on; nothing is learned or lost, and it is not asked again at once."""
    vars(zotero).update(change)
    own = zotero_settings(zotero, **settings)

    async def work() -> None:
        votes, problems = await refreshed(tmp_path, upstream, **own)
        assert (Votes(), True) == (votes, message in problems[0]), problems
        assert KEY not in str(problems)
        await refreshed(tmp_path, upstream, **own)
        assert len(zotero.paths) <= 1

    asyncio.run(work())


def test_wrong_settings() -> None:
    """An account's name or a collection's address in place of the number is refused with the variable's name."""
    for name, value in (("zotero_user", "somebody"), ("zotero_collection", "my papers")):
        with pytest.raises(ConfigError, match=name.upper()):
            make_settings(Path(), **{name: value})
    assert isinstance(make_settings(Path(), zotero_collection=COLLECTION), Settings)


def test_sixty_entries(tmp_path: Path) -> None:
    """A library of sixty entries in BibTeX without abstracts is used, and the report says why they lack."""
    from core.sources.library import parse_library

    entries = [
        f"@article{{k{n}, title = {{Prefill scheduling, part {n}}}, year = {2000 + n % 26}"
        + (f", eprint = {{2401.{n:05}}}}}" if n % 3 == 0 else "}")
        for n in range(60)
    ]
    library = parse_library("\n".join(entries).encode())
    assert (60, 0) == (len(library.references), library.rejected)
    settings = make_settings(tmp_path, feeds_toml=RULES)
    store_days(settings, {FRIDAY: STORED})
    wire = Paperwire(settings)
    report, found = asyncio.run(Teaching(wire).add_library("main", library.references))
    assert (60, 0, 0) == (len(report.votes.library), found.unknown, found.abstracts)
    assert found.problem
