"""Cards of entries: readable, marked, bounded where many are listed, and harmless whatever is in them."""

from dataclasses import replace
from typing import Any

import pytest
from lxml import html

from core.model.batch import Announcement, make_batch
from core.model.entries import make_entries
from core.model.feed import Keyword
from core.model.paper import Author
from core.model.query import parse_query, select
from core.ranking.matching import score_batch
from core.render.card import CARD_AUTHORS, LONGEST_ABSTRACT, LONGEST_TITLE, author_names, make_card, whys
from core.render.citations import bibtex
from core.render.items import entry_html, reasons_in_words
from core.render.shapes import entry_to_plain
from tests.render import LONG, MANY, ODD, RICH, SUMMARY, channel, entries_of
from tests.render.documents import render_atom, render_rss
from tests.support.arxiv_format import Sheet
from tests.support.invented import FRIDAY, make_entry, make_feed, make_paper

FEED = make_feed(Keyword("cache", 2), "kernel", "au:Author77 Sample", categories=("cs.LG", "cs.DC"), title_bonus=0.5)


def card_of(sheet: Sheet, **more: Any) -> Any:
    """The card of a paper in a feed with a few keywords."""
    (entry,) = entries_of([sheet], feed=FEED)
    return make_card(entry, **more)


def test_what_gave_points_is_marked() -> None:
    """Title and abstract have marks where keywords were found, also where HTML has been read."""
    card = card_of(RICH)
    assert "<mark>Caches</mark>, <mark>kernels</mark> &amp; &#34;quotes&#34;: H₂O in Gaia, if p&lt;q" in card.title
    assert (("cache", 2), ("kernel", 1), ("in title", 1.5)) == card.reasons
    assert 2 == len(card.abstract)


def test_many_authors() -> None:
    """A few are named, and those who gave points, however far down the list; all of them on the paper's own page."""
    card = card_of(MANY)
    assert CARD_AUTHORS + 1 == len(card.authors)
    assert "<mark>Author77 Sample</mark>" == card.authors[-1]
    assert 3303 == card.more + len(card.authors)
    assert (3303, 0) == (len((whole := card_of(MANY, whole=True)).authors), whole.more)


def test_long_texts_are_cut_in_lists() -> None:
    """With an ellipsis, and not on the paper's own page."""
    card, whole = card_of(LONG), card_of(LONG, whole=True)
    assert (LONGEST_TITLE, True) == (len(card.title), card.title.endswith("…"))
    assert (1000, 50) == (len(whole.title), len(whole.abstract))
    assert sum(map(len, card.abstract)) <= LONGEST_ABSTRACT
    assert card.abstract[-1].endswith("…")


def test_nothing_deceives() -> None:
    """Control characters and what turns text around are gone."""
    card = card_of(ODD)
    assert "AB CD" == str(card.title).strip()
    assert ("Eve  Odd",) == card.authors


@pytest.mark.parametrize("title", ["", "\x00\x01", "\u202e"])
def test_without_a_title(title: str) -> None:
    """What has no title is called by its identifier."""
    assert "arXiv:2601.00001v1" == make_card(make_entry(title=title)).title


def test_links() -> None:
    """Links lead where the paper can be read, by HTTP only."""
    links = dict(card_of(RICH).links)
    assert ["Abstract", "PDF", "HTML", "AlphaXiv", "Code", "DOI"] == list(links)
    assert all(url.startswith("https://") for url in links.values())


def test_summary() -> None:
    """A summary comes as harmless HTML, and need not be there."""
    entry = replace(make_entry(), summary=replace(SUMMARY, markdown="# One\n\n<script>x</script> [a](javascript:x)"))
    summary = html.fragment_fromstring(str(make_card(entry).summary), create_parent=True)
    assert [] == summary.xpath(".//script | .//a")
    assert "" == make_card(make_entry()).summary


def test_whys() -> None:
    """Each keyword has its points, those for the title among them, and the words around what was found."""
    abstract = f"{'Before this. ' * 9}A big cache of words. {'After that. ' * 9}"
    (entry,) = entries_of([Sheet(id="2603.90001", title="On a kernel", abstract=abstract)], feed=FEED)
    cache, kernel = whys(entry)
    assert ("cache", 2, 0, "abstract") == (cache.keyword, cache.points, cache.bonus, cache.field)
    assert (
        "…this. Before this. Before this. A big <mark>cache</mark> of words. After that. After that.…" == cache.context
    )
    assert ("kernel", 1.5, 0.5, "title") == (kernel.keyword, kernel.points, kernel.bonus, kernel.field)
    assert "On a <mark>kernel</mark>" == kernel.context


def test_places_in_a_list_of_authors() -> None:
    """A name that gave points is marked itself, not its neighbour."""
    entry = make_entry(authors=(Author("Ada"), Author("Bob"), Author(" "), Author("Cy")))
    reason = entries_of([MANY], feed=FEED)[0].reasons[0]
    marked = replace(entry, reasons=(reason._replace(field="authors", start=5, end=8),))
    assert ["Ada", "<mark>Bob</mark>", "Cy"] == list(author_names(marked))


def test_upvotes_explained() -> None:
    """Points for upvotes show their number, in the same words everywhere."""
    paper = make_paper(categories=(), upvotes=42)
    feed = make_feed("hf:20", source="huggingface", categories=())
    batch = make_batch(FRIDAY, [Announcement(paper, "new")])
    (entry,) = make_entries(feed, batch, score_batch(feed, batch))
    assert [("upvotes", 42, "upvotes", "<mark>42</mark>"), ("hf:20", 1, "upvotes", "<mark>42</mark>")] == [
        (why.keyword, why.points, why.field, why.context) for why in whys(entry)
    ]
    assert (("upvotes", 42), ("hf:20", 1)) == make_card(entry).reasons
    assert ": upvotes +42, hf:20 +1" == reasons_in_words(entry)
    assert () == make_card(entry).categories


def test_papers_without_categories() -> None:
    """A paper of which no category is known is shown without, in all forms."""
    entry = make_entry(categories=(), upvotes=0)
    plain = entry_to_plain(entry)
    assert (0, ()) == (plain["upvotes"], plain["categories"])
    assert "primary" not in plain
    assert "primaryClass" not in bibtex(entry.paper)
    assert "<br><br>" not in entry_html(entry)
    assert [] == select([entry], parse_query("primary=cs.LG&category=cs.LG").conditions)
    assert [entry] == select([entry], parse_query("primary!=cs.LG&upvotes<1").conditions)
    for write in (render_rss, render_atom):
        assert b"<category" not in write(channel(), (entry,))
