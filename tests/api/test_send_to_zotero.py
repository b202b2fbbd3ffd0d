"""The owner's saved papers go to Zotero: those that are selected, with PDFs and notes, each once; and nobody else's."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from lxml import html

from core.jobs.zotero import send_to_zotero
from core.model.marks import SavedPaper
from core.model.paper import Author, Paper
from core.render.zotero import object_key
from tests.api import DAYS, TOKEN, make_settings, store_days
from tests.conftest import serving_app
from tests.support.zotero_library import KEY, USER, Library, serving_library

SAME = {"Sec-Fetch-Site": "same-origin"}
FIRST, SECOND, THIRD = "2603.90301", "2603.90305", "2603.90303"


class Place(NamedTuple):
    """The owner's browser, with three saved papers, and the library at Zotero."""

    owner: httpx.Client
    library: Library

    def send(self, *papers: str) -> httpx.Response:
        return self.owner.post("/saved/zotero", data={"id": list(papers)}, headers=SAME)

    def told(self, answer: httpx.Response) -> str:
        """What the page says after it."""
        page = self.owner.get(answer.headers["Location"]) if answer.status_code == 303 else answer
        return "".join(html.document_fromstring(page.text).xpath("//p[contains(@class, 'notice')]//text()"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving_library() as library:
        folder: Path = tmp_path_factory.mktemp("zotero")
        settings = make_settings(folder, zotero_user=USER, zotero_key=KEY, zotero_api_url=library.url)
        store_days(settings, DAYS)
        with serving_app(settings) as url, httpx.Client(base_url=url) as owner:
            owner.post("/sign-in", data={"token": TOKEN}, headers=SAME)
            marks = {paper: {"s": 1, "t": at} for at, paper in enumerate((FIRST, SECOND, THIRD))}
            owner.post("/marks", json={"marks": marks}, headers=SAME)
            owner.post("/saved", data={f"note-{FIRST}": "for <me> & you", "notes": "1"}, headers=SAME)
            yield Place(owner, library)


@pytest.fixture
def place(shared: Place) -> Place:
    """The same with an empty library that takes everything."""
    shared.library.__init__(url=shared.library.url)  # type: ignore[misc]
    return shared


def test_a_selection_is_sent(place: Place) -> None:
    """The selected papers arrive whole, with PDF and note; the page says how many."""
    answer = place.send(FIRST, SECOND)
    assert "2 papers sent to Zotero." == place.told(answer)
    papers = {one["archiveID"]: one for one in place.library.of_type("preprint")}
    assert {f"arXiv:{FIRST}", f"arXiv:{SECOND}"} == papers.keys()
    letters = papers[f"arXiv:{SECOND}"]
    assert ("Letters", f"10.48550/arXiv.{SECOND}", "arXiv") == (letters["title"], letters["DOI"], letters["repository"])
    assert {"creatorType": "author", "firstName": "Grace", "lastName": "Placeholder"} in letters["creators"]
    pdfs = {one["parentItem"]: one["url"] for one in place.library.of_type("attachment")}
    assert f"https://arxiv.org/pdf/{SECOND}v1" == pdfs[letters["key"]]
    (note,) = place.library.of_type("note")
    assert (papers[f"arXiv:{FIRST}"]["key"], "<p>for &lt;me&gt; &amp; you</p>") == (note["parentItem"], note["note"])


def test_nothing_is_sent_twice(place: Place) -> None:
    """What is there stays as it is; only what is new is added."""
    place.send(FIRST)
    before = dict(place.library.objects)
    assert "1 paper sent to Zotero; 1 paper was there already." == place.told(place.send(FIRST, SECOND))
    assert before.items() <= place.library.objects.items()
    assert "0 papers sent to Zotero; 2 papers were there already." == place.told(place.send(FIRST, SECOND))


# What goes wrong → the status of the page, and what it says
FAULTS = {
    403: "refuses the key: see that ZOTERO_KEY belongs to ZOTERO_USER and may write",
    404: "has no library of this number: see ZOTERO_USER",
    409: "locked at the moment",
    429: "a pause of 120 s. What was sent is there; the rest can be sent again.",
    503: "not available at the moment; try again in 120 s",
    500: "status 500",
    302: "status 302",
}


@pytest.mark.parametrize("status", FAULTS)
def test_refusals(place: Place, status: int) -> None:
    """A refusal is said with what to do, and without the key."""
    place.library.fault = status
    answer = place.send(FIRST)
    assert 502 == answer.status_code
    assert FAULTS[status] in place.told(answer)
    assert KEY not in answer.text
    assert "0 of 1 papers" in place.told(answer)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"failed": {"0": 1}}', b'{"success": 1}', b"\xff" * 10])
def test_answers_that_are_none(place: Place, body: bytes) -> None:
    """An answer that says nothing is no success."""
    place.library.body = body
    answer = place.send(FIRST)
    assert (502, True) == (answer.status_code, "0 of 1 papers" in place.told(answer))


def test_one_paper_is_refused(place: Place) -> None:
    """It is named with the reason; the others are there."""
    place.library.refuse = "Letters"
    answer = place.send(FIRST, SECOND, THIRD)
    assert f"2 of 3 papers were sent to Zotero. ArXiv:{SECOND}: Field 'title' too long." in place.told(answer)
    assert 2 == len(place.library.of_type("preprint"))


def test_nothing_is_selected(place: Place) -> None:
    """Nothing is sent, and the page says what to do; papers that are not in the list are not sent either."""
    for papers in ((), ("2603.90302",), ("nonsense",)):
        answer = place.send(*papers)
        assert (422, True) == (answer.status_code, "Select the papers" in place.told(answer))
    assert [] == place.library.requests


def test_strangers_send_nothing(place: Place) -> None:
    """Neither without the session, nor from other sites' pages; and only the owner sees the button."""
    with httpx.Client(base_url=place.owner.base_url) as stranger:
        assert "/sign-in" == stranger.post("/saved/zotero", data={"id": FIRST}, headers=SAME).headers["Location"]
        assert "Send to Zotero" not in stranger.get(f"/saved?id={FIRST}").text
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"X-Nothing": "1"}):
        assert 403 == place.owner.post("/saved/zotero", data={"id": FIRST}, headers=headers).status_code
    assert [] == place.library.requests
    assert "Send to Zotero" in place.owner.get("/saved").text


def test_zotero_that_is_away(tmp_path: Path, place: Place) -> None:
    """A library that cannot be reached is said; without one there is no button."""
    gone = make_settings(tmp_path, zotero_user=USER, zotero_key=KEY, zotero_api_url="http://127.0.0.1:9")
    without = make_settings(tmp_path)
    store_days(gone, DAYS)
    for settings, status in ((gone, 502), (without, 501)):
        with serving_app(settings) as url, httpx.Client(base_url=url) as owner:
            owner.post("/sign-in", data={"token": TOKEN}, headers=SAME)
            owner.post("/marks", json={"marks": {FIRST: {"s": 1, "t": 1}}}, headers=SAME)
            answer = owner.post("/saved/zotero", data={"id": FIRST}, headers=SAME)
            assert status == answer.status_code
            assert ("Send to Zotero" in owner.get("/saved").text) is (settings is gone)
    assert [] == place.library.requests


def test_many_papers(place: Place, tmp_path: Path) -> None:
    """Requests have as many objects as Zotero takes; what was sent before a failure is not sent twice."""
    settings = make_settings(tmp_path, zotero_user=USER, zotero_key=KEY, zotero_api_url=place.library.url)
    papers = [
        SavedPaper(Paper(f"2603.{number:05}", 1, "T", "A", (Author("Vera Example"),), ("cs.LG",)), "", note="a note")
        for number in range(1, 41)
    ]
    place.library.fault, place.library.fault_at = 503, 1
    first = asyncio.run(send_to_zotero(settings, papers))
    assert (16, 0, True, 1) == (first.new, first.known, first.later, len(first.problems))
    place.library.fault = 0
    second = asyncio.run(send_to_zotero(settings, papers))
    assert (24, 16, []) == (second.new, second.known, second.problems)
    assert max(place.library.requests) <= 50
    assert [40, 40, 40] == [len(place.library.of_type(name)) for name in ("preprint", "attachment", "note")]


def test_keys_are_the_same_each_time() -> None:
    """An object's key is one that Zotero takes, and another one for each part of each paper."""
    keys = {object_key(f"2603.{number:05}", part) for number in range(2000) for part in ("", "pdf")}
    assert 4000 == len(keys)
    assert set() == set("".join(keys)) - set("23456789ABCDEFGHIJKLMNPQRSTUVWXYZ")
    assert object_key(FIRST) == object_key(FIRST)
