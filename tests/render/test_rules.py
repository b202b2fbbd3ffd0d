"""Documents by the rules that validators and readers hold them to; and the checkers of these rules by their faults."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.render.syndication import Outline, render_opml
from tests.conftest import SHARED
from tests.render import RICH, SELF, SHEETS, SUMMARY, UPDATED, channel, entries_of
from tests.render.documents import render_atom, render_jsonfeed, render_rss
from tests.support.arxiv_format import Sheet
from tests.support.rules import atom_faults, jsonfeed_faults, opml_faults, rss_faults
from tests.support.tables import each_row

RENDER: dict[str, Callable[..., bytes]] = {"rss": render_rss, "atom": render_atom, "json": render_jsonfeed}
FAULTS: dict[str, Callable[[bytes, str], list[str]]] = {
    "rss": rss_faults,
    "atom": atom_faults,
    "json": jsonfeed_faults,
}
EVERY_FORMAT = pytest.mark.parametrize("kind", RENDER)


@EVERY_FORMAT
@pytest.mark.parametrize("bare", [False, True], ids=["all", "bare"])
def test_documents_keep_the_rules(kind: str, bare: bool) -> None:
    """Whatever arXiv serves, with a channel that has everything or only what it must have."""
    more: dict[str, Any] = {"next_url": "", "icon": "", "hub": ""} if bare else {}
    body = RENDER[kind](channel(kind, **more), entries_of())
    assert [] == FAULTS[kind](body, SELF.format(kind))


@EVERY_FORMAT
def test_documents_with_summaries_keep_the_rules(kind: str) -> None:
    """Summaries stand in the text of their entries, whatever a model has written."""
    markdown = (
        "",
        SUMMARY.markdown,
        "<script>x</script> ![i](//x) [y](javascript:z)\n\n# \ud800\u202e",
        "| a |\n|--|\n|",
    )
    for text in markdown:
        entries = tuple(replace(e, summary=replace(SUMMARY, markdown=text, model="<b> &amp;")) for e in entries_of())
        assert [] == FAULTS[kind](RENDER[kind](channel(kind), entries), SELF.format(kind))


@EVERY_FORMAT
def test_empty_documents_keep_the_rules(kind: str) -> None:
    """A feed that nothing fits is a feed."""
    assert [] == FAULTS[kind](RENDER[kind](channel(kind), ()), SELF.format(kind))


@EVERY_FORMAT
def test_characters_that_came_otherwise(kind: str) -> None:
    """Characters that XML cannot carry, which only other sources can deliver, come out of every text."""
    bad = "\x00\x01\x0b\x1f\x85\x9f\ud800\udfff\ufffe\uffff\ufffd\u2028\u202e\u2069\U0001ffff"
    (entry,) = entries_of([RICH])
    paper = replace(
        entry.paper,
        **dict.fromkeys(("title", "abstract", "comment", "journal_ref", "doi", "title_tex", "licence"), f"a{bad}b"),
        authors=tuple(author._replace(name=f"{bad}A", affiliation=bad) for author in entry.paper.authors),
    )
    reasons = (entry.reasons[0]._replace(rule=f"{bad}x", text=bad, start=1, end=1 + len(bad), field="title"),)
    broken = replace(entry, paper=paper, reasons=reasons, summary=replace(SUMMARY, markdown=f"{bad}*x*"))
    body = RENDER[kind](channel(kind, title=f"T{bad}", description=f"D{bad}"), (broken,))
    assert [] == FAULTS[kind](body, SELF.format(kind))


@EVERY_FORMAT
@pytest.mark.parametrize("title", ["\u202e", "&nbsp;", "<b></b>", "\ufffe \x01", " \u2028 "])
def test_titles_of_which_nothing_is_left(kind: str, title: str) -> None:
    """An entry without a legible title is listed by its identifier."""
    (entry,) = entries_of([RICH])
    body = RENDER[kind](channel(kind), (replace(entry, paper=replace(entry.paper, title=title)),))
    assert b">arXiv:2603.90001v1<" in body or b'"title":"arXiv:2603.90001v1"' in body
    assert [] == FAULTS[kind](body, SELF.format(kind))


@EVERY_FORMAT
def test_same_bytes(kind: str) -> None:
    """The same input gives the same bytes, so that ETags hold."""
    first, second = (RENDER[kind](channel(kind), entries_of()) for _ in range(2))
    assert first == second


OUTLINES = (
    Outline("Caches & kernels", SELF.format("rss"), "https://wire.example/feeds/main"),
    Outline("R&D: p<q\u202e &lt;b&gt;", "https://wire.example/api/feeds/other.rss", "https://wire.example/feeds/other"),
)


def test_opml_keeps_the_rules() -> None:
    """A list of feeds can be imported, and is the same bytes each time."""
    body = render_opml("My wire & R&D", OUTLINES, UPDATED)
    assert [] == opml_faults(body)
    assert body == render_opml("My wire & R&D", OUTLINES, UPDATED)


MUTATIONS = {
    "rss": {
        b"isPermaLink=\"false\"": b"isPermaLink=\"true\"",
        b"main.rss?score": b"main.rss?points",
        b"<language>en</language>": b"",
        b"<pubDate>Fri, 06": b"<pubDate>06",
        b"Strings, revisited": b"&lt;b&gt;Strings&lt;/b&gt;",
        b"<dc:creator>": b"<dc:creator>x</dc:creator><dc:creator>",
        b"https://arxiv.org/abs/2603.90001</link>": b"/abs/2603.90001</link>",
        b"2603.90002v1#main": b"2603.90004v1#main",
        b"Paragraph 7": "\u202eParagraph".encode(),
        b"&lt;/strong&gt;": b"",
        b"&lt;strong&gt;": b"&lt;strong onclick=\"x\"&gt;",
        b"<url>https": b"<url>/",
    },
    "atom": {
        b'rel="self"': b'rel="related"',
        b'xml:lang="en"': b"",
        b'type="html"': b'type="text"',
        b"<name>Author0 Sample</name>": b"<name> </name>",
        b"2603.90002v1#main": b"2603.90004v1#main",
        b"Strings, revisited": b"R&amp;amp;D",
        b"<title>Many": b"<title>  Many",
        b"&lt;br&gt;": b"&lt;img src=\"x\"&gt;",
    },
    "json": {
        b'"language":"en",': b"",
        b'"tags":["cs.LG"]': b'"tags":["cs.LG","cs.LG"]',
        b'version/1.1"': b'version/1"',
        b'"title":"Many"': b'"title":null',
        b"&cursor=abc": b"",
        b'"authors":[{"name":"arXiv"}]': b'"authors":[]',
        b'-05:00"': b'"',
        b"2603.90002v1#main": b"2603.90004v1#main",
        b"Strings, revisited": b"\\u202eStrings",
        b'"type":"WebSub"': b'"kind":"WebSub"',
        b'"title":"Strings': b'"titel":"Strings',
    },
}  # fmt: skip


@each_row(("kind", "old", "new"), [(kind, old, new) for kind, table in MUTATIONS.items() for old, new in table.items()])
def test_checkers_see_faults(kind: str, old: bytes, new: bytes) -> None:
    """Each rule is one that a checker would tell of."""
    body = RENDER[kind](channel(kind), entries_of())
    assert old in body
    assert [] != FAULTS[kind](body.replace(old, new), SELF.format(kind))


@each_row(
    ("old", "new"),
    [
        (b'version="2.0"', b""),
        (b'type="rss"', b'type="atom"'),
        (b' text="Caches', b' txt="Caches'),
        (b"<head>", b"<head><docs>x</docs>"),
        (b"xmlUrl=", b"url="),
        (b"Fri, 06", b"06"),
    ],
)
def test_the_checker_of_opml_sees_faults(old: bytes, new: bytes) -> None:
    """So does that of OPML."""
    body = render_opml("My wire", OUTLINES, UPDATED)
    assert old in body
    assert [] != opml_faults(body.replace(old, new))


@pytest.mark.shared
@EVERY_FORMAT
def test_hard_records_keep_the_rules(kind: str) -> None:
    """Real records that break things make documents that break nothing."""
    rows = [json.loads(line) for line in (SHARED / "data/hard/records.jsonl").read_text("utf-8").splitlines()]
    sheets = [
        Sheet(
            row["id"].partition("v")[0],
            row["title"],
            row["abstract"],
            ", ".join(row["authors"]),
            tuple(row["categories"]),
        )
        for row in rows
    ]
    entries = entries_of(sheets)
    assert len(rows) == len(entries)
    body = RENDER[kind](channel(kind, updated=datetime(2026, 3, 6, 17, tzinfo=UTC)), entries)
    assert [] == FAULTS[kind](body, SELF.format(kind))


def test_the_sheets_are_hard() -> None:
    """The invented papers hold what the rules are about."""
    entries = entries_of()
    assert len(SHEETS) == len(entries)
    assert 3303 == max(len(entry.paper.authors) for entry in entries)
    assert {0, 1} <= {len(entry.paper.authors) for entry in entries}
    assert 50 == max(entry.paper.abstract.count("\n") + 1 for entry in entries)
