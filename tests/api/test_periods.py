"""Weeks and months: they add up with the days, name what came more often, and show strangers nothing of the owner's."""

import asyncio
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import feedparser
import httpx
import pytest

from core.app import Paperwire
from core.model.manifest import rfc3339
from core.model.marks import SavedPaper
from core.model.paper import PaperId
from core.model.period import parse_period, week_of
from core.render.messages import messages
from tests.api import DAYS, FRIDAY, MAIN, make_settings, noon, serving_days, store_days
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet
from tests.support.rules import atom_faults, jsonfeed_faults, rss_faults

KEY = "a-long-secret-key"
BEFORE = {
    date(2026, 2, 26): [
        Sheet("2602.90101", title="A kernel kernel", categories=("cs.LG",), abstract="Kernels and more.")
    ],
    date(2026, 2, 27): [
        Sheet("2602.90201", title="Cache of the past", categories=("cs.DC",)),
        Sheet("2602.90202", title="Kernel and cache of the past", categories=("cs.DC",)),
    ],
}
NUMBERS = ("collected", "prioritised", "screened", "unscreened", "deep", "passed", "analysed", "awaiting")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("weeks"), BEFORE | DAYS) as client:
        yield client


@pytest.mark.parametrize("name", ["2026-W10", "2026-W09", "2026-03", "2026-02"])
def test_numbers_add_up(client: httpx.Client, name: str) -> None:
    """The sums are those of the daily digests, and the papers are theirs, each once."""
    whole = client.get(f"/api/digests/main/{name}.json").json()
    days = [client.get(f"/api/digests/main/{day['date']}.json").json() for day in whole["days"]]
    period = parse_period(name)
    assert period is not None
    assert sorted(str(day) for day in BEFORE | DAYS if day in period) == [day["date"] for day in days]
    for number in NUMBERS:
        assert sum(day["statistics"][number] for day in days) == whole["statistics"][number]
    ids = [entry["id"] for day in days for entry in day["entries"]]
    assert len(set(ids)) == whole["papers"]
    assert set(ids) == {entry["id"] for entry in whole["entries"]}
    scores = [entry["score"] for entry in whole["entries"]]
    assert sorted(scores, reverse=True) == scores


def test_trends(client: httpx.Client) -> None:
    """Counted by hand: three days of W10 against two days before, whose numbers are scaled to three days."""
    whole = client.get("/api/digests/main/2026-W10.json").json()
    by_hand = {}
    for label in ("cache", "kernel"):
        query = f"/api/papers?feed=main&announced>=2026-02-26&keyword={label}&score>=2&limit=200"
        papers = client.get(query).json()["papers"]
        now = sum(paper["announced"] >= "2026-03-02" for paper in papers)
        by_hand[label] = (now, round((len(papers) - now) / 2 * 3, 1))
    found = {row["keyword"]: (row["papers"], row["before"]) for row in whole["trends"]}
    assert {label: pair for label, pair in by_hand.items() if pair[0] != pair[1]} == {
        label: found[label] for label in by_hand if label in found
    }
    assert by_hand["cache"][0] > 3
    assert (2, found["cache"][0] > found["cache"][1]) == (whole["compared_days"], True)
    assert [] == client.get("/api/digests/main/2026-W09.json").json()["trends"]  # nothing is stored before


def test_documents(client: httpx.Client) -> None:
    """Markdown and HTML have the best papers, the trends and the days, in the language that is asked for."""
    for path, media_type in (("2026-W10.md", "text/markdown"), ("2026-W10.html", "text/html")):
        answer = client.get(f"/api/digests/main/{path}")
        assert (200, True) == (answer.status_code, answer.headers["Content-Type"].startswith(media_type))
        assert all(text in answer.text for text in (MAIN[0], "2026-03-04", "Keywords against the four weeks before"))
        again = client.get(f"/api/digests/main/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert 304 == again.status_code
    assert "与前四周相比的关键词" in client.get("/api/digests/main/2026-W10.md?language=zh").text


@pytest.mark.parametrize(("kind", "faults"), [("rss", rss_faults), ("atom", atom_faults), ("json", jsonfeed_faults)])
def test_a_feed_of_weeks(client: httpx.Client, kind: str, faults: object) -> None:
    """One entry for each week that is over, valid in each format; the present one is not in it yet."""
    answer = client.get(f"/api/digests/main/weeks.{kind}")
    assert 200 == answer.status_code
    assert not faults(answer.content, str(answer.url))  # type: ignore[operator]
    if kind == "json":
        assert ["Caches & kernels: 2026-W09"] == [item["title"] for item in answer.json()["items"]]
    else:
        titles = [unescape(item.title) for item in feedparser.parse(answer.content).entries]
        assert ["Caches & kernels: 2026-W09"] == titles


@pytest.mark.parametrize("name", ["2026-W54", "2026-13", "2024-W10", "2026-05"])
def test_unknown_periods(client: httpx.Client, name: str) -> None:
    """What is no period, or one without a batch, is a 404 that names what there is."""
    answer = client.get(f"/api/digests/main/{name}.md")
    assert (404, True) == (answer.status_code, bool(answer.json()["known"]))
    assert 422 == client.get("/api/digests/main/2026-W10.md?style=daily").status_code


def test_names_of_weeks() -> None:
    """As ISO 8601 has them, at the turns of years too."""
    assert ["2026-W01", "2026-W53", "2026-W53"] == [
        week_of(day).name for day in (date(2025, 12, 29), date(2026, 12, 31), date(2027, 1, 3))
    ]
    for day in (date(2025, 12, 29), FRIDAY, date(2028, 2, 29)):
        assert week_of(day) == parse_period(week_of(day).name)
    assert "2028-02-29" == str(parse_period("2028-02").last)  # type: ignore[union-attr]


def test_saved_papers_are_the_owners(tmp_path: Path) -> None:
    """A private copy lists what was saved, at once; a public one never does."""
    settings = make_settings(tmp_path, feed_key=KEY)
    store_days(settings, DAYS)

    async def save() -> None:
        wire = Paperwire(settings)
        paper = await wire.paper(PaperId(MAIN[1], None))
        assert paper is not None
        saved = SavedPaper(paper, rfc3339(noon(FRIDAY)))
        await wire.archive.marks.change(lambda known: known._replace(listed=(saved,)))
        await wire.close()

    path = "/api/digests/main/2026-W10.json"
    with serving_app(settings) as url:
        assert "saved" not in httpx.get(f"{url}{path}?key={KEY}").json()
        asyncio.run(save())
        assert [MAIN[1]] == httpx.get(f"{url}{path}?key={KEY}").json()["saved"]
    with serving_app(make_settings(tmp_path)) as url:
        assert "saved" not in httpx.get(f"{url}{path}").json()


def test_sentences() -> None:
    """Each sentence of weeks and messages is there in each language."""
    for document in ("period", "message", "again"):
        for language in ("en", "ko", "zh"):
            assert messages(document, "en").keys() == messages(document, language).keys()
            assert all(text.strip() or key == "colon" for key, text in messages(document, language).items())
