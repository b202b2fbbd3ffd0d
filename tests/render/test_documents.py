"""What documents say of a feed and its entries, in each format."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from core.config.settings import ROOT
from core.render.shapes import entry_to_plain, to_json
from core.render.syndication import Outline, render_opml
from tests.render import MANY, ODD, RICH, SELF, SUMMARY, UPDATED, channel, entries_of
from tests.render.documents import render_atom, render_jsonfeed, render_rss
from tests.support.invented import make_entry
from tests.support.rules import ATOM

LINK = f"{ATOM}link"


def links(elements: list[etree._Element]) -> set[tuple[str | None, ...]]:
    return {(link.get("rel"), link.get("href"), link.get("type")) for link in elements}


def test_rss_channel() -> None:
    """RSS has its icon as the channel's image, and links to itself, the next page and the hub."""
    root = etree.fromstring(render_rss(channel("rss"), ()))
    head = root.find("channel")
    assert {
        ("self", SELF.format("rss"), "application/rss+xml"),
        ("next", SELF.format("rss") + "&cursor=abc", "application/rss+xml"),
        ("hub", "https://hub.example/", None),
    } == links(head.findall(LINK))
    image = {child.tag: child.text for child in head.find("image")}
    assert {
        "url": "https://wire.example/icon.png",
        "title": head.findtext("title"),
        "link": "https://wire.example/feeds/main",
    } == image
    assert ("en", "https://wire.example/feeds/main") == (head.findtext("language"), head.findtext("link"))


def test_atom_feed() -> None:
    """Atom has its icon and logo, and links to itself, its page, the next page and the hub."""
    root = etree.fromstring(render_atom(channel("atom"), ()))
    assert {
        ("self", SELF.format("atom"), "application/atom+xml"),
        ("alternate", "https://wire.example/feeds/main", "text/html"),
        ("next", SELF.format("atom") + "&cursor=abc", "application/atom+xml"),
        ("hub", "https://hub.example/", None),
    } == links(root.findall(LINK))
    assert {"https://wire.example/icon.png"} == {root.findtext(f"{ATOM}{tag}") for tag in ("icon", "logo")}


def test_jsonfeed_head() -> None:
    """A JSON Feed names icon, hub and next page where there are any, and is without them where there are none."""
    full = json.loads(render_jsonfeed(channel("json"), ()))
    bare = json.loads(render_jsonfeed(channel("json", next_url="", icon="", hub=""), ()))
    assert {
        "icon": "https://wire.example/icon.png",
        "favicon": "https://wire.example/icon.png",
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "next_url": SELF.format("json") + "&cursor=abc",
    } == {name: full[name] for name in full.keys() - bare.keys()}


@pytest.mark.parametrize("language", ["en", "ko", "zh-CN"])
def test_languages(language: str) -> None:
    """The language is the owner's."""
    rss = etree.fromstring(render_rss(channel(language=language), ()))
    atom = etree.fromstring(render_atom(channel(language=language), ()))
    plain = json.loads(render_jsonfeed(channel(language=language), ()))
    xml_lang = atom.get("{http://www.w3.org/XML/1998/namespace}lang")
    assert {language} == {rss.findtext("channel/language"), xml_lang, plain["language"]}


def test_all_authors() -> None:
    """All of thousands of authors are named: in RSS in one element, in Atom and JSON Feed each for itself."""
    names = [f"Author{n} Sample" for n in range(3303)]
    entries = entries_of([MANY])
    (rss,) = feedparser.parse(render_rss(channel(), entries)).entries
    (atom,) = feedparser.parse(render_atom(channel("atom"), entries)).entries
    (plain,) = json.loads(render_jsonfeed(channel("json"), entries))["items"]
    assert ", ".join(names) == rss.author
    assert names == [author["name"] for author in atom.authors] == [author["name"] for author in plain["authors"]]


def test_atom_categories_have_names() -> None:
    """Atom gives each category's name beside its code."""
    (entry,) = feedparser.parse(render_atom(channel("atom"), entries_of([RICH]))).entries
    assert ("cs.DC", None) == (entry.tags[0].term, entry.tags[0].label)


def test_an_independent_reader_finds_nothing_wrong() -> None:
    """feedparser reads title, identifier and text back."""
    entries = entries_of([RICH])
    for body in (render_rss(channel(), entries), render_atom(channel("atom"), entries)):
        parsed = feedparser.parse(body)
        assert not parsed.bozo
        (entry,) = parsed.entries
        title = 'Caches, kernels & "quotes": H₂O in Gaia, if p<q and q>r, R&D & <think> </think>'
        assert title == entry.title.replace("\u2060", "")
        assert "https://arxiv.org/abs/2603.90001v1#main" == entry.id


def test_the_extension_is_clean() -> None:
    """`_paperwire` is the entry as the query API has it, without characters that break or deceive."""
    (odd,) = entries_of([ODD])
    (item,) = json.loads(render_jsonfeed(channel("json"), (odd,)))["items"]
    assert ["AB CD", "AB CD"] == [item["title"], item["_paperwire"]["title"].strip()]
    (rich,) = entries_of([RICH])
    (item,) = json.loads(render_jsonfeed(channel("json"), (rich,)))["items"]
    assert json.loads(to_json(entry_to_plain(rich))) == item["_paperwire"]


def test_summary_in_json() -> None:
    """A summary is there with its Markdown and its HTML; without one there is no member, and `fields` can name it."""
    entry = replace(make_entry(), summary=SUMMARY)
    plain = entry_to_plain(entry)["summary"]
    assert ["template", "language", "model", "html", "markdown", "state"] == list(plain)
    assert ("ko", "ready") == (plain["language"], plain["state"])
    assert plain["html"].startswith("<h3>Result</h3>")
    assert "summary" not in entry_to_plain(make_entry())
    assert ["id", "summary"] == list(entry_to_plain(entry, ("summary", "id")))
    assert "summary" not in entry_to_plain(entry, ("id",))


def test_opml() -> None:
    """A list of feeds names each with its RSS and its page."""
    body = render_opml(
        "R&D wire", [Outline("a<b & c", "https://w.example/a.rss?x=1&y=2", "https://w.example/a")], UPDATED
    )
    root = etree.fromstring(body)
    assert ("R & D wire", "Fri, 06 Mar 2026 17:00:00 +0000") == (
        root.findtext("head/title"),
        root.findtext("head/dateModified"),
    )
    assert [
        {
            "type": "rss",
            "text": "a‹b & c",
            "title": "a‹b & c",
            "xmlUrl": "https://w.example/a.rss?x=1&y=2",
            "htmlUrl": "https://w.example/a",
            "language": "en",
        }
    ] == [dict(outline.attrib) for outline in root.iterfind("body/outline")]


def test_markdown_is_not_loaded_without_summaries(tmp_path: Path) -> None:
    """Rendering entries without summaries loads neither the Markdown parser nor the sanitiser."""
    code = """
import sys
import core.render.feeds, core.render.syndication
assert not {"markdown_it", "nh3"} & sys.modules.keys()
import core.render.items
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
