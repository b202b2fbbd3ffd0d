"""The query API: which entries, in which order, in which shape."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api import DAYS, FRIDAY, MAIN_UNCAPPED, THURSDAY, WEDNESDAY, send, serving_days, walk
from tests.support.arxiv_format import make_sheets

ALL = "score>=-99&type=new,cross,replace,replace-cross"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving_days(tmp_path_factory.mktemp("papers")) as client:
        yield client


def get(client: httpx.Client, target: str) -> Any:
    answer = client.get(target)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def ids(client: httpx.Client, query: str) -> list[str]:
    return [paper["id"] for paper in get(client, f"/api/papers?{query}")["papers"]]


# Spellings of one query, as browsers, proxies and clients send it
SPELLINGS = {
    "score>=3": ("score>=3", "score%3E%3D3", "score%3e%3d3", "score%3E=3", "score>%3D3", "%73core>=3", "&score>=3&"),
    "category=cs.DC,cs.AI": ("category=cs.DC,cs.AI", "category%3Dcs.DC%2Ccs.AI", "category=cs.DC%2Ccs.AI"),
    "title~x < y %26 “": (
        "title~x%20<%20y%20%26%20%E2%80%9C",
        "title~x+%3C+y+%26+%E2%80%9C",
        "title%7Ex+<+y+%26+%e2%80%9c",
    ),
    "author~Zoë": ("author~Zo%C3%AB", "author%7EZo%c3%ab", "author~ZO%C3%AB", "author~zoe"),
    "score<3&type!=new": ("score<3&type!=new", "score%3C3&type%21%3Dnew", "score%3c3&type!%3Dnew"),
}


@pytest.mark.parametrize(("query", "spellings"), SPELLINGS.items())
def test_spellings(client: httpx.Client, query: str, spellings: tuple[str, ...]) -> None:
    """However a query is percent-encoded, the answer has the same bytes."""
    answers = [send(client, f"/api/papers?{spelling}") for spelling in spellings]
    assert [200] * len(spellings) == [answer.status for answer in answers]
    assert b'"papers":[{' in answers[0].body
    assert [answers[0].body] * len(spellings) == [answer.body for answer in answers], query


def test_shape_of_an_answer(client: httpx.Client) -> None:
    """An answer has the papers, their number, the next cursor or null, the batches, and when it was made."""
    answer = get(client, "/api/papers")
    assert ["papers", "total", "next", "batches", "generated"] == list(answer)
    assert (10, None, "2026-03-06T17:00:00Z") == (answer["total"], answer["next"], answer["generated"])


def test_shape_of_an_entry(client: httpx.Client) -> None:
    """An entry has exactly these members."""
    (entry,) = get(client, "/api/papers?id=2603.90305")["papers"]
    assert {
        "id": "2603.90305",
        "version": 1,
        "feed": "main",
        "title": "Letters",
        "authors": [
            {"name": "Grace Placeholder", "affiliation": "Institute, Town"},
            {"name": "Zoë Sample"},
            {"name": "Ada Example"},
        ],
        "abstract": "An abstract.",
        "categories": ["cs.DC"],
        "primary": "cs.DC",
        "type": "new",
        "announced": "2026-03-06",
        "licence": "http://creativecommons.org/licenses/by/4.0/",
        "links": {
            "abs": "https://arxiv.org/abs/2603.90305",
            "pdf": "https://arxiv.org/pdf/2603.90305v1",
            "html": "https://arxiv.org/html/2603.90305v1",
        },
        "score": 5,
        "reasons": [
            {
                "rule": "au:Grace Placeholder",
                "points": 5,
                "field": "authors",
                "start": 0,
                "end": 17,
                "text": "Grace Placeholder",
            }
        ],
    } == entry


def test_optional_members(client: httpx.Client) -> None:
    """A title that arXiv serves in TeX is also given as served, and code that the abstract names is linked."""
    (tex,) = get(client, "/api/papers?id=2603.90203&fields=title,title_tex")["papers"]
    assert {"title": "Caches and kernels à la carte", "title_tex": "Caches and kernels \\`a la carte"} == tex
    (code,) = get(client, "/api/papers?has=code&fields=links")["papers"]
    assert "https://github.com/sample/fusion" == code["links"]["code"]


def test_absent_rather_than_null(client: httpx.Client) -> None:
    """No entry has a null in it."""
    papers = get(client, f"/api/papers?feed=main,everything,replaced&{ALL}")["papers"]
    assert len(papers) > 20
    assert [] == [value for value in walk(papers) if value is None]


def test_reasons_explain_the_score(client: httpx.Client) -> None:
    """Reasons add up to the score, and each one's offsets cut its text out of its field."""
    for paper in get(client, f"/api/papers?{ALL}")["papers"]:
        assert paper["score"] == sum(reason["points"] for reason in paper["reasons"])
        texts = {
            "title": paper["title"],
            "abstract": paper["abstract"],
            "authors": ", ".join(author["name"] for author in paper["authors"]),
            "categories": " ".join(paper["categories"]),
        }
        for reason in paper["reasons"]:
            assert reason["text"] == texts[reason["field"]][reason["start"] : reason["end"]]
            assert reason["text"]


# Queries of the main feed, and the papers that they find
FOUND = {
    "": MAIN_UNCAPPED,
    "score>4.5": ["2603.90305"],
    "type=replace": [],  # of 1.5 points, and min_score still holds
    "type=replace&score>=0": ["2603.90308"],
    "category=cs.AI,cs.OS": ["2603.90303", "2603.90312"],
    "announced<2026-03-06&announced>2026-03-04": ["2603.90203", "2603.90201"],
    "published>=2020-01-01": [],  # RSS does not say
    "author~placeholder": ["2603.90305"],
    "title~CACHE&title~kernel": ["2603.90301", "2603.90203", "2603.90101"],
    "keyword=kernel&keyword!=cache": ["2603.90312"],
    "has=code": ["2603.90302"],
    "id=arXiv:2603.90201v1,https://arxiv.org/abs/2603.90305": ["2603.90305", "2603.90201"],
    "id=hep-th/9901001": [],  # not in a category of main
    "per_day=1&score<4&type=new,cross": ["2603.90302", "2603.90201"],
    "sort=announced,-score&limit=3": ["2603.90101", "2603.90203", "2603.90201"],
    "limit=2": ["2603.90305", "2603.90301"],
}


@pytest.mark.parametrize(("query", "papers"), FOUND.items())
def test_queries(client: httpx.Client, query: str, papers: list[str]) -> None:
    """Each field, operator and parameter does what it says."""
    assert papers == ids(client, query)


def test_excluded_papers(client: httpx.Client) -> None:
    """A paper with an excluded word is not in the feed whatever one asks, but in others."""
    assert "2603.90307" not in ids(client, ALL)
    assert "2603.90307" in ids(client, f"feed=everything&{ALL}")


@pytest.mark.parametrize(
    ("query", "feeds"),
    [
        ("", {"main"}),
        ("feed=main", {"main"}),
        ("feed=everything", {"everything"}),
        ("feed=main,replaced", {"main", "replaced"}),
        ("feed!=main", {"replaced", "everything"}),
        ("feed!=main,replaced", {"everything"}),
        ("feed=main&feed=everything", set()),
    ],
)
def test_feeds(client: httpx.Client, query: str, feeds: set[str]) -> None:
    """`feed=` decides whose entries are shown; without it those of the first feed."""
    assert feeds == {paper["feed"] for paper in get(client, f"/api/papers?{query}")["papers"]}


def test_each_feed_has_its_own_thresholds(client: httpx.Client) -> None:
    """Where several feeds are asked for, each one's types and scores hold for its own entries."""
    papers = get(client, "/api/papers?feed=main,replaced&announced=2026-03-06")["papers"]
    assert {"new"} == {paper["type"] for paper in papers if paper["feed"] == "main"}
    found = {paper["id"]: paper["type"] for paper in papers if paper["feed"] == "replaced"}
    assert {"2603.90301": "cross", "2603.90308": "replace", "hep-th/9901001": "replace"} == found


@pytest.mark.parametrize("fields", ["id", "id,score", "title,authors,reasons", "links,feed", "comment,points"])
def test_fields(client: httpx.Client, fields: str) -> None:
    """`fields=` narrows entries to the named members; what an entry has not, stays absent."""
    papers = get(client, f"/api/papers?fields={fields}")["papers"]
    whole = get(client, "/api/papers")["papers"]
    names = fields.split(",")
    assert [{name: paper[name] for name in names if name in paper} for paper in whole] == [
        {name: paper[name] for name in sorted(paper, key=names.index)} for paper in papers
    ]


SORTS = (
    "",
    "sort=score",
    "sort=-score,title",
    "sort=title",
    "sort=-id",
    "sort=announced",
    "sort=-points",
    "sort=-updated,id",
)


@pytest.mark.parametrize(("sort", "limit"), list(product(SORTS, (1, 2, 7))))
def test_cursors(client: httpx.Client, sort: str, limit: int) -> None:
    """Cursors lead through all entries, each once, in the order of the whole, with the same total on each page."""
    query = f"feed=main,everything&{ALL}&fields=id,feed,announced&{sort}"
    whole = get(client, f"/api/papers?{query}&limit=500")
    papers: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = get(client, f"/api/papers?{query}&limit={limit}&cursor={cursor}")
        assert whole["total"] == page["total"] == len(whole["papers"])
        assert 0 < len(page["papers"]) <= limit
        papers += page["papers"]
        cursor = page["next"]
    assert whole["papers"] == papers


def test_cursors_survive_a_new_batch(tmp_path: Path) -> None:
    """A batch that arrives between two pages neither repeats nor hides an entry of the rest."""
    old = {day: DAYS[day] for day in (WEDNESDAY, THURSDAY)}
    query = f"{ALL}&sort=score&limit=2"
    with serving_days(tmp_path, old, now=datetime(2026, 3, 5, 17).astimezone()) as client:
        whole = ids(client, f"{ALL}&sort=score")
        page = get(client, f"/api/papers?{query}")
    with serving_days(tmp_path, {FRIDAY: DAYS[FRIDAY]}) as client:
        papers = [paper["id"] for paper in page["papers"]]
        while page["next"]:
            page = get(client, f"/api/papers?{query}&cursor={page['next']}")
            papers += [paper["id"] for paper in page["papers"]]
    assert len(papers) == len(set(papers))
    assert whole == [paper for paper in papers if paper in whole]


def test_default_limit(tmp_path: Path) -> None:
    """Without a limit 100 entries are shown, at most 500; the total counts all."""
    with serving_days(tmp_path, {FRIDAY: make_sheets(130)}) as client:
        first = get(client, "/api/papers?feed=everything")
        assert (100, 130, True) == (len(first["papers"]), first["total"], bool(first["next"]))
        rest = get(client, f"/api/papers?feed=everything&cursor={first['next']}")
        assert (30, 130, None) == (len(rest["papers"]), rest["total"], rest["next"])
        assert 130 == len(get(client, "/api/papers?feed=everything&limit=500")["papers"])


def test_batches(client: httpx.Client) -> None:
    """Batches are told newest first, with their state, and how many papers of which type each category has."""
    batches = get(client, "/api/papers?limit=1")["batches"]
    assert [("2026-03-06", "unconfirmed", 12), ("2026-03-05", "unconfirmed", 3), ("2026-03-04", "unconfirmed", 1)] == [
        (batch["date"], batch["state"], batch["papers"]) for batch in batches
    ]
    assert {
        "cs.DC": {"new": 5, "cross": 1},
        "cs.LG": {"new": 4, "cross": 1, "replace": 1},
        "cs.AI": {"cross": 1},
        "hep-th": {"replace": 1},
    } == batches[0]["counts"]


# Spellings of identifiers in the path, and which paper they mean
IDENTIFIERS = {
    "2603.90301v1": "2603.90301",
    "https%3A%2F%2Farxiv.org%2Fabs%2F2603.90301v1": "2603.90301",
    "https://arxiv.org/pdf/2603.90301v1": "2603.90301",
    "%202603.90301%20": "2603.90301",
    "hep-th/9901001": "hep-th/9901001",
    "hep-th%2F9901001": "hep-th/9901001",
    "arXiv:hep-th/9901001v3": "hep-th/9901001",
}


@pytest.mark.parametrize(("spelling", "paper"), IDENTIFIERS.items())
def test_identifiers(client: httpx.Client, spelling: str, paper: str) -> None:
    """A paper is found by every common spelling of its identifier, old ones with a slash too."""
    answer = send(client, f"/api/papers/{spelling}")
    assert (200, send(client, f"/api/papers/{paper}").body) == (answer.status, answer.body)
    assert f'"id":"{paper}"'.encode() in answer.body


@pytest.mark.parametrize(
    "spelling",
    ["2603.99999", "2603.90301v2", "hep-th/9901001v2", "hep-th/9901002", "2603.9", "nonsense", "a/b/c", "%00"],
)
def test_unknown_papers(client: httpx.Client, spelling: str) -> None:
    """A paper or version that is not there is a 404."""
    answer = client.get(f"/api/papers/{spelling}")
    assert (404, "urn:paperwire:problem:unknown-name") == (answer.status_code, answer.json()["type"])


def test_one_paper(client: httpx.Client) -> None:
    """A paper comes as each feed that has it shows it, with that feed's score and type."""
    answer = get(client, "/api/papers/2603.90301")
    assert {"entries", "total", "generated"} == answer.keys()
    shown = {entry["feed"]: (entry["score"], entry["type"]) for entry in answer["entries"]}
    assert {"main": (4.5, "new"), "replaced": (0, "cross"), "everything": (0, "new")} == shown
    assert get(client, "/api/papers?id=2603.90301")["papers"][0] in answer["entries"]


def test_a_paper_without_a_feed_that_selects_it(client: httpx.Client) -> None:
    """A paper is found whatever its score and type, and not in feeds that exclude it."""
    assert {"everything"} == {entry["feed"] for entry in get(client, "/api/papers/2603.90307")["entries"]}
    assert {"main": 0, "everything": 0} == {
        entry["feed"]: entry["score"]
        for entry in get(client, "/api/papers/2603.90306")["entries"]
        if entry["feed"] != "replaced"
    }


@pytest.mark.parametrize("query", ["score>=1000", "feed=everything", "limit=1", "type=replace"])
def test_filters_of_one_paper_are_not_ignored(client: httpx.Client, query: str) -> None:
    """A filter on one paper is applied or refused: nothing is ignored silently."""
    answer = client.get(f"/api/papers/2603.90301?{query}")
    assert client.get("/api/papers/2603.90301").content != answer.content


def test_dates_are_announcement_dates(client: httpx.Client) -> None:
    """The date of an entry is that of its batch."""
    announced = {sheet.id: day for day, sheets in DAYS.items() for sheet in sheets}
    papers = get(client, f"/api/papers?feed=everything&{ALL}")["papers"]
    assert announced == {paper["id"]: date.fromisoformat(paper["announced"]) for paper in papers}
