"""A second look: papers that became notable after their day, each with why now, in valid feeds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import httpx
import pytest

from core.model.again import News, news_between, second_looks
from core.model.feed import Entry, Feed
from tests.api import FRIDAY, THURSDAY, WEDNESDAY, serving_days
from tests.support.arxiv_format import Sheet
from tests.support.digests import entry
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults

CODE = "Code is at https://github.com/sample/again."
DAYS = {
    WEDNESDAY: [
        Sheet("2603.90101", title="Cache of Wednesday", categories=("cs.LG",)),
        Sheet("2603.90102", title="Cache that stays", categories=("cs.LG",)),
        Sheet("2603.90103", title="Nothing of note", categories=("cs.LG",)),
    ],
    THURSDAY: [
        Sheet("2603.90103", title="Nothing of note", categories=("cs.LG",), version=2),
        Sheet("2602.00001", title="Cache of long ago", categories=("cs.LG",), version=4),
    ],
    FRIDAY: [
        Sheet("2603.90101", title="Cache of Wednesday", categories=("cs.LG",), version=2, abstract=f"A cache. {CODE}")
    ],
}
FAULTS = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("again"), DAYS) as client:
        yield client


@pytest.mark.parametrize("kind", FAULTS)
def test_feeds(client: httpx.Client, kind: str) -> None:
    """Only what the feed asks for and knew before is in it, with the reason first; in each format, and valid."""
    answer = client.get(f"/api/digests/main/again.{kind}")
    assert (200, []) == (answer.status_code, list(FAULTS[kind](answer.content, str(answer.url))))
    assert "version 2; code: https://github.com/sample/again" in answer.text
    assert f"First announced on {WEDNESDAY}." in answer.text
    assert not any(text in answer.text for text in ("90102", "90103", "2602.00001"))
    again = client.get(f"/api/digests/main/again.{kind}", headers={"If-None-Match": answer.headers["ETag"]})
    assert 304 == again.status_code


def test_json_says_why(client: httpx.Client) -> None:
    """The changes are values too, and the sentences in the language that is asked for."""
    (item,) = client.get("/api/digests/main/again.json?language=zh").json()["items"]
    expected = [{"kind": "version", "value": "2"}, {"kind": "code", "value": "https://github.com/sample/again"}]
    more = item["_paperwire"]
    assert (expected, str(WEDNESDAY), str(FRIDAY)) == (more["why_now"], more["first_announced"], more["since"])
    assert "为何再看：第 2 版" in item["content_html"]
    assert 422 == client.get("/api/digests/main/again.rss?style=daily").status_code
    assert 404 == client.get("/api/digests/main/again.md").status_code


FEED = Feed("main", "Main", categories=("cs.DC",), min_score=2)


def at(day: date, number: int, **more: object) -> Entry:
    return replace(entry(number, 3, **more), announced=day)  # type: ignore[arg-type]


def test_upvotes_and_journals() -> None:
    """Upvotes count from ten on, and only where they came after the day; the newest change decides the order."""
    entries = [
        at(WEDNESDAY, 1), at(WEDNESDAY, 2), at(WEDNESDAY, 3), at(FRIDAY, 4),
        at(THURSDAY, 3, type="replace", version=2, journal_ref="Journal of Samples 4"),
    ]  # fmt: skip
    picks = {entries[0].id: (FRIDAY, 10), entries[1].id: (FRIDAY, 9), entries[3].id: (FRIDAY, 99)}
    looks = second_looks(FEED, entries, picks)
    assert [(entries[0].id, FRIDAY), (entries[2].id, THURSDAY)] == [(look.entry.id, look.since) for look in looks]
    assert (News("upvotes", "10"),) == looks[0].changes
    assert {News("version", "2"), News("journal", "Journal of Samples 4")} == set(looks[1].changes)
    assert [] == news_between(entries[0].paper, entries[0].paper)
