"""The contract at /openapi.json: complete, well-formed, and true."""

import asyncio
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest

from core import __version__
from core.config.settings import Settings
from core.jobs.run import Report
from core.model.query import FIELDS, PARAMETERS
from core.render.shapes import ENTRY_FIELDS
from core.store import keys
from core.store.codec import encode
from core.store.sqlite import SqliteStore
from tests.api import FRIDAY, TOKEN, make_settings, serving_days, store_days, walk
from tests.conftest import serving_app
from tests.support.arxiv_format import Sheet

PATHS = {
    "/api/feeds": {"get"},
    "/api/feeds.opml": {"get"},
    "/api/feeds/all.{format}": {"get"},
    "/api/feeds/custom.{format}": {"get"},
    "/api/feeds/{name}.{format}": {"get"},
    "/api/feeds/{name}/votes": {"get", "put", "delete"},
    "/api/feeds/{name}/votes/undo": {"post"},
    "/api/feeds/{name}/learned": {"get", "put"},
    "/api/feeds/{name}/library": {"post", "delete"},
    "/rss": {"get"},
    "/rss/{category}": {"get"},
    "/badge/{name}.svg": {"get"},
    "/api/papers": {"get"},
    "/api/papers/{paper_id}": {"get"},
    "/api/papers/{paper_id}/similar": {"get"},
    "/api/papers/{paper_id}/review": {"post"},
    "/api/papers/{paper_id}/review.{format}": {"get"},
    "/api/papers/{paper_id}/summaries/{template}.{format}": {"get", "post"},
    "/api/reviews.{format}": {"get"},
    "/api/digests/{name}/{date}.{format}": {"get"},
    "/api/digests/{name}.{format}": {"get"},
    "/api/refresh": {"get", "post"},
    "/api/work": {"get", "post"},
    "/api/health": {"get"},
}
FILTERED = ("/api/feeds/{name}.{format}", "/rss", "/rss/{category}", "/api/papers", "/api/papers/{paper_id}")
# The world that the examples speak of
RULES = """
[feeds.main]
title = "Efficient language models"
categories = ["cs.DC", "cs.LG"]
[feeds.main.keywords]
inference = 1
fast = 1
[feeds.storage]
title = "Storage"
categories = ["cs.DC"]
"""
PAPER = Sheet(
    id="2603.90045",
    title="KV cache compression for fast inference",
    abstract="We compress the KV cache …",
    creator="First Sample (Institute of Examples, Sampletown)",
    categories=("cs.DC", "cs.LG"),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("openapi")
    with serving_days(folder, {FRIDAY: [PAPER]}, feeds_toml=RULES) as client:
        yield client


@pytest.fixture(scope="module")
def contract(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path with its methods and what is said of them."""
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def parameters(contract: dict[str, Any], path: str) -> dict[str, dict[str, Any]]:
    """The query parameters of a path, by name."""
    return {p["name"]: p for p in contract["paths"][path]["get"].get("parameters", ()) if p["in"] == "query"}


def example(contract: dict[str, Any], path: str, status: int, method: str = "get") -> Any:
    """The example of an answer."""
    (content,) = contract["paths"][path][method]["responses"][str(status)]["content"].values()
    return content["example"]


def test_version(contract: dict[str, Any]) -> None:
    """The contract is OpenAPI 3.1 and has the version of the code."""
    assert ("3.1.0", "Paperwire", __version__) == (
        contract["openapi"],
        contract["info"]["title"],
        contract["info"]["version"],
    )


def test_paths(contract: dict[str, Any]) -> None:
    """Every path is documented with its methods, and nothing that is not there."""
    assert PATHS == {path: set(item) for path, item in contract["paths"].items()}


def test_operations_are_described(contract: dict[str, Any]) -> None:
    """Every operation has a summary, a description, a tag, an identifier of its own, and answers that are described."""
    names = [operation["operationId"] for _, _, operation in operations(contract)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(contract):
        assert operation["summary"].strip(), (path, method)
        assert operation["description"].strip(), (path, method)
        assert operation["tags"], (path, method)
        assert "200" in operation["responses"], (path, method)
        for status, answer in operation["responses"].items():
            assert 200 <= int(status) < 600
            assert answer["description"].strip(), (path, status)


def test_parameters_are_well_formed(contract: dict[str, Any]) -> None:
    """Parameters are unique, described, have a schema, and those in the path are required and all there."""
    for path, _, operation in operations(contract):
        listed = operation.get("parameters", [])
        assert len(listed) == len({(p["name"], p["in"]) for p in listed})
        assert {p["name"] for p in listed if p["in"] == "path"} == {
            part.split("}")[0] for part in path.split("{") if "}" in part
        }
        for parameter in listed:
            assert parameter["schema"]["type"]
            assert (parameter["in"] == "path") == parameter["required"]
            assert parameter["in"] == "path" or parameter["description"].strip()


def test_references_resolve(contract: dict[str, Any]) -> None:
    """Every reference in the contract leads somewhere inside it."""
    for value in walk(contract):
        if isinstance(value, dict) and "$ref" in value:
            place: Any = contract
            for part in value["$ref"].removeprefix("#/").split("/"):
                place = place[part]


@pytest.mark.parametrize("path", FILTERED)
def test_filters_are_documented(contract: dict[str, Any], path: str) -> None:
    """Every field and parameter of the grammar is documented, with its operators and choices."""
    found = parameters(contract, path)
    expected = {*FIELDS, *PARAMETERS} - (set() if path.startswith("/api/papers") else {"fields"})
    assert expected == found.keys()
    for name, field in FIELDS.items():
        text = found[name]["description"]
        assert field.about in text
        assert [f"`{operator}`" for operator in field.kind.operators] == text.split("Operators: ")[1].split()
        assert all(choice in text for choice in field.choices)


def test_entry_fields_are_documented(contract: dict[str, Any]) -> None:
    """`fields` lists every member that an entry can have."""
    assert all(name in parameters(contract, "/api/papers")["fields"]["description"] for name in ENTRY_FIELDS)


def test_example_entry_is_true(client: httpx.Client, contract: dict[str, Any]) -> None:
    """The example's paper, delivered by arXiv, gives the example's entry."""
    (shown,) = example(contract, "/api/papers", 200)["papers"]
    (entry,) = [p for p in client.get("/api/papers").json()["papers"] if p["id"] == shown["id"]]
    assert shown == {name: entry.get(name) for name in shown}
    assert shown in example(contract, "/api/papers/{paper_id}", 200)["entries"]


def test_example_offsets(contract: dict[str, Any]) -> None:
    """The offsets of the example cut their text out of their field, and the points add up."""
    (shown,) = example(contract, "/api/papers", 200)["papers"]
    assert [r["text"] for r in shown["reasons"]] == [shown[r["field"]][r["start"] : r["end"]] for r in shown["reasons"]]
    assert shown["score"] == sum(reason["points"] for reason in shown["reasons"])
    assert shown.keys() <= set(ENTRY_FIELDS)


def test_example_answers_have_the_true_shape(client: httpx.Client, contract: dict[str, Any]) -> None:
    """Examples of answers have the members that answers have."""
    assert example(contract, "/api/papers", 200).keys() == client.get("/api/papers").json().keys()
    one = client.get("/api/papers/2603.90045").json()
    assert example(contract, "/api/papers/{paper_id}", 200).keys() == one.keys()
    assert example(contract, "/api/health", 200).keys() <= client.get("/api/health").json().keys()
    shown, feeds = example(contract, "/api/feeds", 200), client.get("/api/feeds").json()
    assert shown.keys() == feeds.keys()
    assert shown["feeds"][0].keys() <= feeds["feeds"][0].keys()
    for answer in (shown, example(contract, "/api/papers", 200)):
        assert answer["batches"][0].keys() == feeds["batches"][0].keys()
    healthy, health = (
        example(contract, "/api/health", 200)["batches"][0],
        client.get("/api/health").json()["batches"][0],
    )
    assert healthy.keys() == health.keys()
    category = next(iter(health["categories"].values()))
    assert category.keys() <= next(iter(healthy["categories"].values())).keys()


# Requests that bring about the problems of which there are examples
PROBLEMS = {
    "/api/feeds/{name}.{format}": {404: "/api/feeds/mian.rss", 422: "/api/feeds/main.rss?score~10"},
    "/rss": {422: "/rss?score~10"},
    "/api/papers": {422: "/api/papers?score~10"},
    "/api/papers/{paper_id}": {404: "/api/papers/2603.00000"},
    "/api/digests/{name}/{date}.{format}": {
        404: "/api/digests/main/2025-01-01.md",
        422: "/api/digests/main/latest.md?style=table",
    },
    "/api/papers/{paper_id}/review.{format}": {
        404: "/api/papers/2603.90045/review.md",
        422: "/api/papers/2603.90045/review.md?language=fr",
    },
    "/api/papers/{paper_id}/summaries/{template}.{format}": {
        404: "/api/papers/2603.00000/summaries/extract.md",
        422: "/api/papers/2603.90045/summaries/extract.md?language=fr",
    },
    "/api/refresh": {401: "/api/refresh"},
    "/api/work": {401: "/api/work"},
}


@pytest.mark.parametrize(
    ("path", "status", "target"), [(p, status, t) for p, rows in PROBLEMS.items() for status, t in rows.items()]
)
def test_example_problems_are_true(
    client: httpx.Client, contract: dict[str, Any], path: str, status: int, target: str
) -> None:
    """Examples of problems are what one is really answered."""
    answer = client.get(target)
    assert status == answer.status_code
    shown = example(contract, path, status)
    assert shown == {name: answer.json().get(name) for name in shown}


async def write(settings: Settings, *, backoff: bool) -> None:
    """Leave a note of a failed try in an empty store, or the lock of a running refresh."""
    store = SqliteStore(settings.sqlite_path)
    if backoff:
        note = {"date": "2026-03-06", "tries": 1, "until": time() + 60}
        await store.put(keys.BACKOFF, encode(note), ttl=60)
    else:
        await store.acquire(keys.REFRESH_LOCK, "another process", 60)
    await store.close()


def test_example_of_nothing_yet_is_true(tmp_path: Path, contract: dict[str, Any]) -> None:
    """The example of a 503 is what one is answered before the first announcements are there."""
    settings = make_settings(tmp_path, feeds_toml=RULES)
    asyncio.run(write(settings, backoff=True))
    with serving_app(settings) as url:
        answer = httpx.get(f"{url}/api/papers")
    assert 503 == answer.status_code
    assert example(contract, "/api/papers", 503) == answer.json()


def test_examples_of_refreshing_are_true(tmp_path: Path, contract: dict[str, Any]) -> None:
    """The examples of a refresh are what one is answered, also while another one is running."""
    settings = make_settings(tmp_path, feeds_toml=RULES)
    (today,) = store_days(settings, {FRIDAY: [PAPER]})
    for path, method in product(("/api/refresh", "/api/work"), ("get", "post")):
        assert example(contract, path, 200, method).keys() == Report(today).to_plain().keys()
    asyncio.run(write(settings, backoff=False))
    with serving_app(settings) as url:
        answer = httpx.post(f"{url}/api/refresh", headers={"Authorization": f"Bearer {TOKEN}"})
    assert 202 == answer.status_code
    assert example(contract, "/api/refresh", 202) == answer.json()


# Requests, and the path by which they are documented
REQUESTS = {
    "/api/feeds": "/api/feeds",
    "/api/feeds/main.rss": "/api/feeds/{name}.{format}",
    "/api/feeds/main.atom": "/api/feeds/{name}.{format}",
    "/api/feeds/main.json": "/api/feeds/{name}.{format}",
    "/api/feeds.opml": "/api/feeds.opml",
    "/api/feeds/custom.rss?category=cs.DC": "/api/feeds/custom.{format}",
    "/api/feeds/custom.atom?category=cs.DC": "/api/feeds/custom.{format}",
    "/api/feeds/custom.json?category=cs.DC": "/api/feeds/custom.{format}",
    "/api/feeds/custom.rss?category=cs.XX": "/api/feeds/custom.{format}",
    "/badge/main.svg": "/badge/{name}.svg",
    "/badge/mian.svg": "/badge/{name}.svg",
    "/rss": "/rss",
    "/rss/cs.DC": "/rss/{category}",
    "/rss/cs.CV": "/rss/{category}",
    "/rss?score~1": "/rss",
    "/api/papers": "/api/papers",
    "/api/papers?score~1": "/api/papers",
    "/api/papers/2603.90045": "/api/papers/{paper_id}",
    "/api/papers/2603.00000": "/api/papers/{paper_id}",
    "/api/papers/2603.90045?score~1": "/api/papers/{paper_id}",
    "/api/digests/main/latest.md": "/api/digests/{name}/{date}.{format}",
    "/api/digests/main/latest.html": "/api/digests/{name}/{date}.{format}",
    "/api/digests/main/latest.json": "/api/digests/{name}/{date}.{format}",
    "/api/digests/main/latest.json?style=x": "/api/digests/{name}/{date}.{format}",
    "/api/digests/main.rss": "/api/digests/{name}.{format}",
    "/api/digests/main.atom": "/api/digests/{name}.{format}",
    "/api/digests/main.json": "/api/digests/{name}.{format}",
    "/api/digests/mian.json": "/api/digests/{name}.{format}",
    "/api/papers/2603.90045/similar": "/api/papers/{paper_id}/similar",
    "/api/papers/2603.00000/similar": "/api/papers/{paper_id}/similar",
    "/api/papers/2603.90045/review.md": "/api/papers/{paper_id}/review.{format}",
    "/api/papers/2603.90045/review.md?language=x": "/api/papers/{paper_id}/review.{format}",
    "/api/papers/2603.90045/summaries/extract.md": "/api/papers/{paper_id}/summaries/{template}.{format}",
    "/api/papers/2603.90045/summaries/extract.html": "/api/papers/{paper_id}/summaries/{template}.{format}",
    "/api/papers/2603.90045/summaries/extract.json": "/api/papers/{paper_id}/summaries/{template}.{format}",
    "/api/papers/2603.90045/summaries/none.json": "/api/papers/{paper_id}/summaries/{template}.{format}",
    "/api/reviews.rss": "/api/reviews.{format}",
    "/api/reviews.atom": "/api/reviews.{format}",
    "/api/reviews.json": "/api/reviews.{format}",
    "/api/reviews.rss?x=1": "/api/reviews.{format}",
    "/api/reviews.xml": "/api/reviews.{format}",
    "/api/feeds/all.rss": "/api/feeds/all.{format}",
    "/api/feeds/all.atom": "/api/feeds/all.{format}",
    "/api/feeds/all.json": "/api/feeds/all.{format}",
    "/api/feeds/all.rss?feed=nothing": "/api/feeds/all.{format}",
    "/api/feeds/all.xml": "/api/feeds/all.{format}",
    "/api/refresh": "/api/refresh",
    "/api/work": "/api/work",
    "/api/health": "/api/health",
}


@pytest.mark.parametrize(("target", "path"), REQUESTS.items())
def test_answers_are_documented(client: httpx.Client, contract: dict[str, Any], target: str, path: str) -> None:
    """The status and the media type of every answer are documented."""
    answer = client.get(target)
    documented = contract["paths"][path]["get"]["responses"]
    assert str(answer.status_code) in documented
    assert answer.headers["Content-Type"].partition(";")[0] in documented[str(answer.status_code)]["content"]


def test_documented_media_types_are_served(client: httpx.Client, contract: dict[str, Any]) -> None:
    """No media type is documented that a path never serves."""
    served: dict[str, set[str]] = {path: set() for path, methods in PATHS.items() if "get" in methods}
    for target, path in REQUESTS.items():
        answer = client.get(target)
        if answer.status_code == 200:
            served[path].add(answer.headers["Content-Type"].partition(";")[0])
    served["/api/feeds/{name}/learned"] = {"application/json"}  # test_votes
    served["/api/feeds/{name}/votes"] = {"application/json"}  # test_votes
    served["/api/refresh"] = served["/api/work"] = {"application/json"}
    served["/api/papers/{paper_id}/review.{format}"] = {
        "text/markdown",
        "text/html",
        "application/json",
    }  # test_reviews
    paths = contract["paths"].items()
    assert served == {path: set(item["get"]["responses"]["200"]["content"]) for path, item in paths if "get" in item}


@pytest.mark.parametrize("target", ["/docs", "/openapi.json"])
def test_documentation_is_served(client: httpx.Client, target: str) -> None:
    """The documentation can be read without a token."""
    assert 200 == client.get(target).status_code
