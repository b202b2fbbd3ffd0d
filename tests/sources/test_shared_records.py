"""The parsers over real records, which a clone of the project does not have."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.model.errors import ParseError
from core.model.paper import Author, parse_id
from core.sources.parse import parse_api, parse_feed, split_authors
from core.text.sanitize import plain
from core.text.tex import decode_name, to_readable
from tests.conftest import SHARED
from tests.support.arxiv_format import Sheet, atom, rss
from tests.support.tables import each_row

pytestmark = pytest.mark.shared

DATA = SHARED / "data"
RAW = sorted((DATA / "raw").glob("*.xml"))
API = sorted([*(DATA / "api").glob("*.xml"), *(DATA / "api").glob("*.json")])
# arXiv's own RSS lacks the comma between two of this paper's authors
LACKS_COMMA = "2601.00339"


def _lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / path).read_text("utf-8").splitlines()]


def _flat(text: str) -> str:
    return " ".join(text.split())


@each_row("path", RAW)
def test_raw_feeds_are_whole(path: Path) -> None:
    """Of every feed as served each intact item is read, with all of its text, its authors and categories."""
    body = path.read_bytes()
    parsed = parse_feed(body)
    items = re.findall(rb"<(?:item|entry)>.*?</(?:item|entry)>", body, re.DOTALL)
    assert len(items) == len(parsed.announcements)
    assert date.fromisoformat(re.findall(r"\d{4}-\d\d-\d\d", _dates(path))[0]) == parsed.date
    for raw, item in zip(items, parsed.announcements, strict=True):
        paper = item.paper
        assert f"oai:arXiv.org:{paper.versioned}<".encode() in raw
        assert f"announce_type>{item.served}<".encode() in raw
        assert _raw(raw, "title") == (paper.title_tex or paper.title)
        assert _raw(raw, "description|summary").partition("Abstract: ")[2] == _flat(
            paper.abstract_tex or paper.abstract
        )
        assert paper.authors
        named = re.findall(rb"<category>(.*?)</category>|<category term=\"(.*?)\"", raw)
        assert next((a or b).decode() for a, b in named) == paper.primary
        assert paper.licence.startswith("http")


def _dates(path: Path) -> str:
    return path.stem.replace("STALE_serves_", "")


def _raw(raw: bytes, tags: str) -> str:
    match = re.search(rf"<({tags})>(.*?)</\1>", raw.decode(), re.DOTALL)
    text = match[2] if match else ""
    return _flat(text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&"))


def test_truncated_download() -> None:
    """The 87-entry feed, cut off in its last entry, gives 86 papers, is called broken and says what was cut off."""
    parsed = parse_feed((DATA / "raw" / "atom_cs.AI_2025-08-20_87entries.xml").read_bytes())
    assert (86, 1, True) == (len(parsed.announcements), len(parsed.rejected), bool(parsed.broken))
    assert "2508.13435" in parsed.rejected[0]["excerpt"]
    assert date(2025, 8, 20) == parsed.date


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("rss_cs.CL_2026-08-01_saturday_EMPTY.xml", date(2026, 8, 1)),
        ("rss_cs_2025-04-27_sunday_EMPTY.xml", date(2025, 4, 27)),
    ],
)
def test_weekends_are_empty(name: str, day: date) -> None:
    """A weekend's feed is whole, empty, and carries its date."""
    parsed = parse_feed((DATA / "raw" / name).read_bytes())
    assert (day, (), (), "") == (parsed.date, parsed.announcements, parsed.rejected, parsed.broken)


@each_row("path", API)
def test_api_pages_are_whole(path: Path) -> None:
    """Of every real answer of the API each entry becomes a paper with its texts; an error is an error."""
    text = path.read_text("utf-8")
    body = json.loads(text)["body"] if path.suffix == ".json" else text
    if "/api/errors" in body:
        with pytest.raises(ParseError, match="incorrect id format"):
            parse_api(body.encode())
        return
    page = parse_api(body.encode())
    entries = re.findall(r"<entry>.*?</entry>", body, re.DOTALL)
    total = re.search(r"totalResults[^>]*>(\d+)<", body)
    assert total is not None
    assert (len(entries), int(total[1]), (), "") == (len(page.papers), page.total, page.rejected, page.broken)
    for raw, paper in zip(entries, page.papers, strict=True):
        assert parse_id(_raw(raw.encode(), "id")) == (paper.id, paper.version)
        assert _raw(raw.encode(), "title") == (paper.title_tex or paper.title)
        assert _raw(raw.encode(), "summary") == _flat(paper.abstract_tex or paper.abstract)
        assert raw.count("<author>") == len(paper.authors)
        assert f'primary_category term="{paper.primary}"' in raw
        assert (_raw(raw.encode(), "published"), _raw(raw.encode(), "updated")) == (paper.published, paper.updated)


def test_all_announce_types_of_a_day() -> None:
    """A real day of 113 papers in all announce types comes back through the feed's format."""
    path = DATA / "raw" / "derived_cs.CV_2026-04-27_113_all_announce_types.json"
    rows = json.loads(path.read_text("utf-8"))["papers"]
    version = {"new": 1, "cross": 1, "replace": 2, "replace-cross": 2}
    sheets = [
        Sheet(
            row["arxiv_id"],
            row["title"],
            row["abstract"],
            ", ".join(row["authors"]),
            (row["primary_category"], *(c for c in row["categories"] if c != row["primary_category"])),
            version[row["announce_type"]],
        )
        for row in rows
    ]
    parsed = parse_feed(rss(sheets, date(2026, 4, 27), ("cs.CV",)))
    assert {"new", "cross", "replace", "replace-cross"} == {row["announce_type"] for row in rows}
    assert [(row["arxiv_id"], row["announce_type"]) for row in rows] == [
        (item.paper.id, item.served) for item in parsed.announcements
    ]
    authors = [[author.name for author in item.paper.authors] for item in parsed.announcements]
    assert [[_flat(name) for name in row["authors"]] for row in rows] == authors


def test_authors_are_those_of_the_api() -> None:
    """RSS author strings are split into the API's lists, but for one paper in whose string arXiv left out a comma."""
    rows = _lines("hard/rss_vs_api_strings.jsonl")
    split = {row["id"]: [author.name for author in split_authors(row["dc_creator"])] for row in rows}
    other = {row["id"] for row in rows if row["api_authors"] != split[row["id"]]}
    assert (45, {LACKS_COMMA}) == (len(split), other)
    (row,) = (row for row in rows if row["id"] == LACKS_COMMA)
    assert ", ".join(row["api_authors"]).replace("Dustdar, Susanna", "Dustdar Susanna") == ", ".join(split[LACKS_COMMA])


def test_odd_author_strings_leave_no_tex() -> None:
    """No accent of 278 real author strings is left as TeX, and no name is empty or long."""
    for row in _lines("hard/odd_strings.jsonl"):
        for author in split_authors(row["dc_creator"]):
            assert "\\" not in author.name + author.affiliation, row["dc_creator"]
            assert 0 < len(author.name) < 60, row["dc_creator"]


@pytest.mark.parametrize("write", [rss, atom], ids=["rss", "atom"])
def test_hard_records_come_back_whole(write: Any) -> None:
    """Records that break things come back from the feed's format with title, abstract, authors and categories."""
    rows = _lines("hard/records.jsonl")
    sheets = [
        Sheet(
            parse_id(row["id"]).id,
            row["title"],
            row["abstract"],
            ", ".join(row["authors"]),
            tuple(row["categories"]),
            parse_id(row["id"]).version or 1,
        )
        for row in rows
    ]
    parsed = parse_feed(write(sheets, date(2026, 3, 6)))
    assert ((), "") == (parsed.rejected, parsed.broken)
    known = re.compile(r"[a-z-]+(\.[A-Za-z-]+)?")
    for row, item in zip(rows, parsed.announcements, strict=True):
        paper = item.paper
        assert _flat(row["title"]) == (paper.title_tex or paper.title)
        assert to_readable(plain(_flat(row["title"]))) == paper.title
        assert _flat(row["abstract"]) == _flat(paper.abstract_tex or paper.abstract)
        assert tuple(c for c in row["categories"] if known.fullmatch(c)) == paper.categories
        if row["why"] != "odd_author_names":
            names = [decode_name(name) for name in ", ".join(row["authors"]).split(",")]  # some hold two
            assert [_as_author(name) for name in names if name] == list(paper.authors)


def _as_author(text: str) -> Author:
    name, _, affiliation = text.removesuffix(")").partition(" (")
    return Author(name, affiliation)


def test_thousands_of_real_authors() -> None:
    """The paper with 3,303 authors keeps every one of them."""
    (row,) = (row for row in _lines("hard/records.jsonl") if row["n_authors"] == 3303)
    authors = split_authors(", ".join(row["authors"]))
    assert [decode_name(name) for name in row["authors"]] == [author.name for author in authors]
    assert len(authors) == 3303
