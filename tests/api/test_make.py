"""A review or a summary that is made from the paper's page: the cost first, the owner's token, and how far it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.headers import PAGE_HEADERS
from tests.api import TOKEN
from tests.api.test_reviews import serving
from tests.support.reviewing import ID, Reviewing

PATH = f"/make/{ID}v1"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Reviewing]]:
    with serving(tmp_path_factory.mktemp("make")) as both:
        yield both


def fields(**more: str) -> dict[str, str]:
    """The fields of the form."""
    return {"what": "review", "language": "en", "token": TOKEN} | more


def test_cost_first(served: tuple[httpx.Client, Reviewing]) -> None:
    """The paper's page leads to a form that says what it costs at most; nobody is asked before it is sent."""
    client, given = served
    assert f'href="/make/{ID}v1"' in client.get(f"/papers/{ID}").text
    before = len(given.model.requests), len(given.arxiv.paths)
    costs = {}
    for what in ("review", "key-findings"):
        answer = client.get(f"{PATH}?what={what}&language=ko")
        assert 200 == answer.status_code
        assert PAGE_HEADERS == {name: answer.headers.get(name) for name in PAGE_HEADERS}
        assert "private, no-store" == answer.headers["Cache-Control"]
        found = re.search(
            r"at most ([\d,]+) calls?, ([\d,]+) tokens to read and ([\d,]+) to write, ([\d.]+) in", answer.text
        )
        assert found
        costs[what] = [float(number.replace(",", "")) for number in found.groups()]
    assert 13 == costs["review"][0]
    assert 1 == costs["key-findings"][0]
    assert all(more > less for more, less in zip(costs["review"], costs["key-findings"], strict=True))
    assert before == (len(given.model.requests), len(given.arxiv.paths))


@pytest.mark.parametrize("token", ["", "wrong"])
def test_only_the_owner(served: tuple[httpx.Client, Reviewing], token: str) -> None:
    """Without the token nobody is asked, and the form comes back with the reason."""
    client, given = served
    before = len(given.model.requests)
    answer = client.post(PATH, data=fields(token=token))
    assert 403 == answer.status_code
    assert "That is not the token" in answer.text
    assert before == len(given.model.requests)
    foreign = client.post(PATH, data=fields(), headers={"Sec-Fetch-Site": "cross-site"})
    assert 403 == foreign.status_code


def test_summary(served: tuple[httpx.Client, Reviewing]) -> None:
    """A summary is made, and its page follows."""
    client, given = served
    answer = client.post(PATH, data=fields(what="key-findings"))
    assert (303, f"/api/papers/{ID}v1/summaries/key-findings.html?language=en") == (
        answer.status_code,
        answer.headers["Location"],
    )
    assert 200 == client.get(answer.headers["Location"]).status_code
    count = len(given.model.requests)
    assert 303 == client.post(PATH, data=fields(what="key-findings")).status_code
    assert count == len(given.model.requests)


def test_review_with_progress(tmp_path: Path) -> None:
    """A review that stops says how far it is; the next press goes on with it, and leads to its page."""
    with serving(tmp_path) as (client, given):
        given.model.faults = ["", "", "", "no credit"]
        stopped = client.post(PATH, data=fields())
        assert 200 == stopped.status_code
        assert re.search(r"[1-9]\d* of 12 questions answered\.</label> <progress", stopped.text)
        assert "no credit left" in stopped.text
        assert ">Go on</button>" in stopped.text
        given.model.faults = []
        done = client.post(PATH, data=fields())
        assert (303, f"/reviews/{ID}v1?language=en") == (done.status_code, done.headers["Location"])
        assert "Bottom line" in client.get(done.headers["Location"]).text


def test_what_cannot_be_made(served: tuple[httpx.Client, Reviewing]) -> None:
    """An unknown paper, kind or language is refused."""
    client, _ = served
    assert 404 == client.get("/make/2603.00001").status_code
    assert 422 == client.get(f"{PATH}?what=extract").status_code
    assert 404 == client.post(PATH, data=fields(what="extract")).status_code
    assert 422 == client.get(f"{PATH}?language=fr").status_code


def test_without_a_model(tmp_path: Path) -> None:
    """Where no model is configured, the paper has no link, and the page says how to set one."""
    with serving(tmp_path, llm_model="") as (client, _):
        assert "/make/" not in client.get(f"/papers/{ID}").text
        assert "LLM_MODEL" in client.get(PATH).text
        assert 422 == client.post(PATH, data=fields()).status_code


def test_signed_in(served: tuple[httpx.Client, Reviewing]) -> None:
    """Who is signed in needs no token; a page of another site cannot press the button for them."""
    client, _ = served
    with httpx.Client(base_url=client.base_url) as browser:
        assert 303 == browser.post("/sign-in", data={"token": TOKEN}).status_code
        assert 'name="token"' not in browser.get(PATH).text
        own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        wish = fields(what="sections", token="")
        assert 403 == browser.post(PATH, data=wish, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        assert 303 == browser.post(PATH, data=wish, headers=own).status_code
