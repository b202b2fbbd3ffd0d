"""Reviews and single summaries over HTTP: who may have them made, what is served of them, and where they are shown."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest

from api.headers import PAGE_HEADERS
from core.util.signing import sign
from tests.api import TOKEN, store_days
from tests.conftest import serving_app
from tests.support.model_server import good_text
from tests.support.reviewing import ID, KEYS, NOW, PAPER, POST, Reviewing, reviewing
from tests.support.rules import atom_faults, jsonfeed_faults, opml_faults, rss_faults

PATH = f"/api/papers/{ID}/review"
SUMMARY = f"/api/papers/{ID}/summaries/key-findings"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
TYPES = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
FAULTS = {"rss": rss_faults, "atom": atom_faults, "json": jsonfeed_faults}
SECRET = "correct horse battery"


@contextmanager
def serving(folder: Path, **more: Any) -> Iterator[tuple[httpx.Client, Reviewing]]:
    """The application, with the paper in its store, between the stand-ins."""
    with reviewing(folder, confirm_seconds=0, **more) as given:
        store_days(given.settings, {NOW.date(): [PAPER]})
        with serving_app(given.settings) as url, httpx.Client(base_url=url) as client:
            yield client, given


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Reviewing]]:
    """An instance with a review in English and one in Korean."""
    with serving(tmp_path_factory.mktemp("made")) as (client, given):
        for language in ("en", "ko"):
            assert 200 == client.post(f"{PATH}?language={language}", headers=BEARER).status_code
        yield client, given


@pytest.fixture
def client(made: tuple[httpx.Client, Reviewing]) -> httpx.Client:
    return made[0]


def test_only_the_owner_has_reviews_made(tmp_path: Path) -> None:
    """Without the token, with a wrong one, or where none is set, no model and no upstream is asked."""
    with serving(tmp_path) as (client, given):
        count = len(given.arxiv.paths)
        for path in (PATH, f"{SUMMARY}.md"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                answer = client.post(path, headers=headers)
                assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
            assert 404 == client.get(path if path.endswith(".md") else f"{path}.md").status_code
        assert (0, count) == (len(given.asked), len(given.arxiv.paths))
    with serving(tmp_path / "none", admin_token="") as (client, _):
        assert "Reviewing over HTTP is off" in client.post(PATH, headers={"Authorization": "Bearer x"}).json()["detail"]


def test_made_in_several_requests(tmp_path: Path) -> None:
    """What is not complete is 202 with how far it is; the same request again goes on, and asks nothing twice."""
    with serving(tmp_path) as (client, given):
        given.model.faults, given.model.faulty_for_ever, given.model.prey = ["empty"], True, "central hypothesis"
        first = client.post(PATH, headers=BEARER)
        assert 202 == first.status_code
        told = first.json()
        assert ("running", 11, 12) == (told["status"], told["answered"], told["total"])
        assert ["hypothesis"] == [failure["question"] for failure in told["failures"]]
        page = client.get(f"/reviews/{ID}").text
        assert "11 of 12 questions answered" in page
        assert "11 of 12 questions answered" in client.get("/reviews").text
        assert [] == feedparser.parse(client.get("/api/reviews.atom").content).entries
        given.model.faults = []
        second = client.post(PATH, headers=BEARER)
        assert (200, "ready") == (second.status_code, second.json()["state"])
        assert {POST: 1} | dict.fromkeys(KEYS, 1) | {"hypothesis": 3} == Counter(given.asked)
        assert second.content == client.get(f"{PATH}.json").content


def test_failures_of_the_model(tmp_path: Path) -> None:
    """What would hit every question is told as a problem, with what is answered so far; the key of it is not."""
    with serving(tmp_path, llm_concurrency=1, llm_api_key="sk-secret-0123456789") as (client, given):
        given.model.faults = ["", "401", "", "no credit"]
        wrong_key = client.post(PATH, headers=BEARER)
        assert (502, "application/problem+json") == (wrong_key.status_code, wrong_key.headers["Content-Type"])
        assert ("urn:paperwire:problem:model", 1) == (wrong_key.json()["type"], wrong_key.json()["answered"])
        assert "sk-secret" not in wrong_key.text
        no_credit = client.post(PATH, headers=BEARER)
        assert (503, "3600") == (no_credit.status_code, no_credit.headers["Retry-After"])
        assert 2 == no_credit.json()["answered"]


def test_without_a_model(tmp_path: Path) -> None:
    """Where no model is configured, both commands say how to set one."""
    with serving(tmp_path, llm_model="") as (client, _):
        for path in (PATH, f"{SUMMARY}.json"):
            answer = client.post(path, headers=BEARER)
            assert (501, True) == (answer.status_code, "LLM_MODEL" in answer.json()["detail"])


def test_papers_that_are_not_there(client: httpx.Client) -> None:
    """An unknown paper, and what is no identifier, is 404; so is a format that there is not."""
    for path in ("/api/papers/2603.00001/review", "/api/papers/xyz/review"):
        assert 404 == client.post(path, headers=BEARER).status_code
    assert "Known: md, html, json" in client.get(f"{PATH}.pdf").json()["detail"]
    assert 422 == client.get(f"{PATH}.md?language=fr").status_code
    assert ["language"] == client.get(f"{PATH}.json?front_matter=jekyll").json()["allowed"]


@pytest.mark.parametrize(("extension", "media_type"), TYPES.items())
def test_documents(client: httpx.Client, extension: str, media_type: str) -> None:
    """A review is there in each format, with a strong ETag, 304 and HEAD."""
    path = f"{PATH}.{extension}?language=ko"
    answer = client.get(path)
    assert (200, f"{media_type}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    assert "차가운 key를 flash에 두는 캐시" in answer.text
    etag = answer.headers["ETag"]
    assert (304, b"") == ((again := client.get(path, headers={"If-None-Match": etag})).status_code, again.content)
    assert (200, b"", etag) == ((head := client.head(path)).status_code, head.content, head.headers["ETag"])
    assert "s-maxage=60" in answer.headers["Cache-Control"]


def test_front_matter(client: httpx.Client) -> None:
    """Markdown has the front matter that was asked for."""
    assert client.get(f"{PATH}.md?language=en&front_matter=jekyll").text.startswith('---\nlayout: "post"\n')


def test_what_is_not_there_says_how(client: httpx.Client) -> None:
    """Where there is no review the answer says how it is made, and which ones there are."""
    told = client.get(f"{PATH}.md?language=zh").json()["detail"]
    assert "There is one in en, ko." in told
    assert f"paperwire review {ID} --language zh" in told
    assert f"POST {PATH}?language=zh" in told


def test_papers_are_served_as_before(client: httpx.Client) -> None:
    """The routes below a paper's own do not take anything away from that."""
    assert ID == client.get(f"/api/papers/{ID}").json()["entries"][0]["id"]
    assert 404 == client.get("/api/papers/hep-th/9901001").status_code
    assert 404 == client.get("/api/papers/hep-th/9901001/review.md").status_code


def test_page(client: httpx.Client) -> None:
    """The page has the headers that pages have, one title, and the questions folded; it links to the paper's page."""
    answer = client.get(f"/reviews/{ID}v1?language=en")
    assert 200 == answer.status_code
    assert PAGE_HEADERS == {name: answer.headers.get(name) for name in PAGE_HEADERS}
    assert (1, 1) == (answer.text.count("<h1"), answer.text.count("<details>"))
    assert f'href="/papers/{ID}v1"' in answer.text
    assert "evil.example" not in answer.text
    assert "questions answered" not in answer.text


def test_shown_elsewhere(client: httpx.Client) -> None:
    """The paper's page links to its reviews, the list has them, and OPML their feed."""
    page = client.get(f"/papers/{ID}").text
    assert [1, 1] == [page.count(f'href="/reviews/{ID}v1?language={language}"') for language in ("en", "ko")]
    listed = client.get("/reviews").text
    assert [1, 1] == [listed.count(f'href="/reviews/{ID}v1?language={language}"') for language in ("en", "ko")]
    opml = client.get("/api/feeds.opml")
    assert [] == opml_faults(opml.content)
    assert "/api/reviews.rss" in opml.text


def test_nothing_is_shown_where_there_is_none(tmp_path: Path) -> None:
    """Without reviews the paper's page and OPML are as they were, and appear changed at once when there is one."""
    with serving(tmp_path) as (client, _):
        before = client.get(f"/papers/{ID}")
        assert "/reviews/" not in before.text
        assert "/api/reviews" not in client.get("/api/feeds.opml").text
        assert "paperwire review" in client.get("/reviews").text
        assert [] == rss_faults((empty := client.get("/api/reviews.rss")).content, str(empty.url))
        assert 200 == client.post(PATH, headers=BEARER).status_code
        after = client.get(f"/papers/{ID}", headers={"If-None-Match": before.headers["ETag"]})
        assert (200, True) == (after.status_code, f"/reviews/{ID}v1?language=en" in after.text)
        assert "/api/reviews.rss" in client.get("/api/feeds.opml").text


@pytest.mark.parametrize("extension", FAULTS)
def test_feed(client: httpx.Client, extension: str) -> None:
    """The feed is valid, has each review once, and can be narrowed to a language."""
    answer = client.get(f"/api/reviews.{extension}")
    assert [] == FAULTS[extension](answer.content, str(answer.url))
    assert 304 == client.get(answer.url, headers={"If-None-Match": answer.headers["ETag"]}).status_code
    korean = client.get(f"/api/reviews.{extension}?language=ko")
    assert [] == FAULTS[extension](korean.content, str(korean.url))
    if extension == "json":
        languages = [item["_paperwire"]["language"] for item in answer.json()["items"]]
        assert (["en", "ko"], 1) == (sorted(languages), len(korean.json()["items"]))
        assert 200 == client.get(answer.json()["items"][0]["url"]).status_code
    else:
        assert (2, 1) == tuple(len(feedparser.parse(one.content).entries) for one in (answer, korean))


def test_other_feed_formats(client: httpx.Client) -> None:
    """A format that there is not is 404 with those that there are."""
    assert "Known: rss, atom, json" in client.get("/api/reviews.xml").json()["detail"]


def test_private_copy(tmp_path: Path) -> None:
    """On a private copy reviews open with the key or their own signature; the owner's token opens commands alone."""
    with serving(tmp_path, feed_key=SECRET) as (client, _):
        assert 401 == client.post(PATH).status_code
        assert 200 == client.post(PATH, headers=BEARER).status_code
        assert [401] * 3 == [
            client.get(p, headers=BEARER).status_code for p in (f"{PATH}.md", "/reviews", f"/reviews/{ID}")
        ]
        feed = client.get("/api/reviews.json", params={"key": sign(SECRET, "/api/reviews.json")}).json()
        (item,) = feed["items"]
        assert 200 == client.get(item["url"]).status_code
        assert SECRET not in json.dumps(feed)
        assert 200 == client.get(f"{PATH}.md", params={"key": SECRET}).status_code


def test_summaries(tmp_path: Path) -> None:
    """A summary is made once, kept, and served in each format; the next one is not asked for."""
    with serving(tmp_path) as (client, given):
        given.model.write = lambda request: good_text(request).replace("One sentence.", "한 문장이다.")
        missing = client.get(f"{SUMMARY}.md")
        assert (404, True) == (missing.status_code, f"POST /api/papers/{ID}v1/summaries" in missing.json()["detail"])
        first = client.post(f"{SUMMARY}.json?language=ko", headers=BEARER)
        assert (200, "ready", "html") == (first.status_code, first.json()["state"], first.json()["input"])
        assert first.json() == client.post(f"{SUMMARY}.json?language=ko", headers=BEARER).json()
        assert 1 == len(given.model.requests)
        assert "3.5x faster" in given.model.requests[0]["messages"][1]["content"]
        for extension, media_type in TYPES.items():
            answer = client.get(f"{SUMMARY}.{extension}?language=ko")
            assert (200, f"{media_type}; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
            assert "한 문장이다." in answer.text
        assert 404 == client.get(f"{SUMMARY}.md?language=zh").status_code


def test_summaries_that_are_not_made(tmp_path: Path) -> None:
    """Extracts need no model; unknown templates, papers and formats are 404; the model's failure is told, not kept."""
    with serving(tmp_path) as (client, given):
        assert "extracted from the abstract" in client.get(f"/api/papers/{ID}/summaries/extract.md").text
        assert 200 == client.post(f"/api/papers/{ID}/summaries/extract.md", headers=BEARER).status_code
        for path in (f"/api/papers/{ID}/summaries/none.md", "/api/papers/2603.00001/summaries/extract.md"):
            assert [404, 404] == [client.get(path).status_code, client.post(path, headers=BEARER).status_code]
        assert "Known: md, html, json" in client.get(f"{SUMMARY}.pdf").json()["detail"]
        assert [] == given.model.requests
        given.model.faults = ["401"]
        assert 502 == client.post(f"{SUMMARY}.md", headers=BEARER).status_code
        assert 404 == client.get(f"{SUMMARY}.md").status_code
