"""The badge of a feed: what it says, to eyes and ears, and to whom."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from lxml import etree

from core.model.manifest import BatchRecord
from core.render.pictures import render_badge
from core.util.signing import sign, with_key
from tests.api import FRIDAY, noon, serving_days

SVG = "{http://www.w3.org/2000/svg}"
KEY = "correct-horse-battery"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("badge")) as client:
        yield client


def label_of(body: bytes) -> str:
    """What a badge tells a screen reader, which is what it shows on hovering."""
    root = etree.fromstring(body)
    assert ("img", root.get("aria-label")) == (root.get("role"), root.findtext(f"{SVG}title"))
    return str(root.get("aria-label"))


def test_a_badge(client: httpx.Client) -> None:
    """It has the number of entries that the feed shows of its newest day, and caches like a feed does."""
    for _ in range(2):
        answer = client.get("/badge/main.svg")
        assert (200, "image/svg+xml; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
        assert "main: 4 entries on 6 Mar 2026, unconfirmed" == label_of(answer.content)
        assert answer.headers["Cache-Control"].startswith("public, max-age=300, s-maxage=3600")
    tag = answer.headers["ETag"]
    assert 304 == client.get("/badge/main.svg", headers={"If-None-Match": tag}).status_code
    shown = client.get("/api/feeds/main.json").json()["items"]
    assert 4 == len([item for item in shown if item["_paperwire"]["announced"] == FRIDAY.isoformat()])


@pytest.mark.parametrize("name", ["mian", "<script>", "main.rss"])
def test_no_such_feed(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/badge/{name}.svg", headers={"Accept": "text/html,image/svg+xml"})
    assert (404, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert "main" in answer.json()["known"]


def test_a_day_that_is_missing(tmp_path: Path) -> None:
    """On the day after, before its batch is there, it says so beside what there is."""
    with serving_days(tmp_path, now=noon(date(2026, 3, 9))) as client:
        client.get("/rss")  # which asks for what is due, in vain
        label = label_of(client.get("/badge/main.svg").content)
    assert label.startswith("main: 4 entries on 6 Mar 2026, ")
    assert not label.endswith("complete")


def test_a_private_copy_signs_it(tmp_path: Path) -> None:
    """A signature opens this badge, and nothing else."""
    with serving_days(tmp_path, feed_key=KEY) as client:
        assert 401 == client.get("/badge/main.svg").status_code
        signature = sign(KEY, "/badge/main.svg")
        answer = client.get(with_key("/badge/main.svg", signature))
        assert (200, False) == (answer.status_code, KEY in answer.text)
        for path in ("/badge/everything.svg", "/api/feeds/main.rss", "/"):
            assert 401 == client.get(with_key(path, signature)).status_code


def test_hostile_names() -> None:
    """Whatever a feed is called, it is text, and the picture no wider than it has to be."""
    record = BatchRecord(FRIDAY, "partial")
    name = '"><script>alert(1)</script>&' + "x" * 200
    root = etree.fromstring(render_badge(name, record, 1))
    assert {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "path", "g", "text")} == {
        node.tag for node in root.iter()
    }
    assert f"{name}: 1 entry on 6 Mar 2026, partial" == root.get("aria-label")
    assert float(root.get("width") or 0) < 500
