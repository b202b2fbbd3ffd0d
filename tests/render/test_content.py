"""What a reader shows below a title."""

import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest

from core.model.calendar import EASTERN
from core.model.feed import Entry, Reason
from core.model.paper import Author
from core.render.items import (
    entry_authors,
    entry_guid,
    entry_html,
    entry_summary,
    entry_time,
    entry_title,
    entry_to_plain,
)
from tests.render import RICH, SUMMARY, entries_of
from tests.support.invented import FRIDAY, make_entry, make_paper
from tests.support.rules import html_faults

REASONS = (
    Reason("LLM", 1.0, "title", 0, 3, "LLM"),
    Reason("KV cache", 3.0, "abstract", 0, 8, "KV cache"),
    Reason("LLM", 1.5, "title", 0, 3, "LLM", bonus=True),
)


def shown(entry: Entry) -> str:
    """What a person reads: paragraphs and line breaks as lines."""
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"</p>|<br>|</li>|</h\d>", "\n", entry_html(entry))))


def entry(**more: Any) -> Entry:
    """An entry whose paper has what `more` says."""
    return replace(make_entry(), paper=make_paper(1, "cs.DC", "cs.LG", **more))


def test_all_of_it() -> None:
    """The abstract, authors, categories by name, what it is, the score with its reasons, notes and links."""
    (rich,) = entries_of([RICH])
    rich = replace(rich, score=5.5, reasons=REASONS, type="cross", paper=replace(rich.paper, comment="9 pages"))
    assert [
        "We study a < b & c > d.",
        "The second paragraph has 10⁵ K and https://github.com/sample/code.",
        "Score 5.5: LLM +1, KV cache +3, in title +1.5",
        "Jörg Example, Zoë Sample, A. N. Bold",
        "Distributed, Parallel, and Cluster Computing (cs.DC); Machine Learning (cs.LG); Machine Learning (stat.ML)",
        "cross-list · arXiv:2603.90001v1, version 1",
        "Comment: 9 pages",
        "Journal: J. Samples 1 (2026) 2 & 3",
        "Abstract · PDF · HTML · AlphaXiv · Code · DOI",
    ] == shown(rich).splitlines()


def test_links() -> None:
    """Every link is absolute and in ASCII."""
    (rich,) = entries_of([RICH])
    assert [
        "https://arxiv.org/abs/2603.90001",
        "https://arxiv.org/pdf/2603.90001v1",
        "https://arxiv.org/html/2603.90001v1",
        "https://www.alphaxiv.org/abs/2603.90001",
        "https://github.com/sample/code",
        "https://doi.org/10.1002/%28SICI%291097%28199806%2949%3A8%3C693%3A%3AAID-ASI4%3E3.0.CO%3B2-O",
    ] == re.findall(r'href="([^"]*)"', entry_html(rich))


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (0, "No authors given"),
        (1, "Author0 Sample"),
        (10, ", ".join(f"Author{n} Sample" for n in range(10))),
        (11, ", ".join(f"Author{n} Sample" for n in range(10)) + " and 1 more"),
        (3303, ", ".join(f"Author{n} Sample" for n in range(10)) + " and 3293 more"),
    ],
)
def test_authors(count: int, line: str) -> None:
    """Ten authors are named, the others counted."""
    authors = tuple(Author(f"Author{n} Sample") for n in range(count))
    assert line == shown(entry(authors=authors)).splitlines()[2]


def test_authors_that_are_nothing() -> None:
    """Names of which nothing can be seen are left out; a feed's entry always has an author."""
    assert ["Ada Example"] == entry_authors(entry(authors=(Author("\u202e"), Author(" Ada\n Example "))))
    assert ["arXiv"] == entry_authors(entry(authors=(Author("\x00"),)))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("new", "new"),
        ("cross", "cross-list"),
        ("replace", "replacement"),
        ("replace-cross", "replacement of a cross-list"),
    ],
)
def test_announce_types(kind: str, words: str) -> None:
    """What kind of announcement it is, in words, and the version."""
    line = shown(replace(entry(version=3), type=kind)).splitlines()[4]
    assert f"{words} · arXiv:2601.00001v3, version 3" == line


def test_paragraphs() -> None:
    """Each paragraph of an abstract is one of the text."""
    html = entry_html(entry(abstract="\n".join(f"Paragraph {n}." for n in range(50))))
    assert 50 == len(re.findall(r"<p>Paragraph \d+\.</p>", html))


def test_category_without_a_name() -> None:
    """A category that this list does not know is shown as it is."""
    line = shown(replace(entry(), paper=make_paper(1, "cs.XX"))).splitlines()[3]
    assert "cs.XX" == line


def test_summary() -> None:
    """The claim, then a model's summary, which says who wrote it and in which language it is; the abstract is last."""
    html = entry_html(replace(entry(), summary=replace(SUMMARY, claim="It is 2x faster.")))
    assert [] == html_faults(html)
    assert html.startswith('<p><strong>It is 2x faster.</strong></p><div lang="ko"><h3>Result</h3>')
    assert "<p>Summary: key-findings, by example/model-1</p></div>" in html
    assert html.endswith("<p><strong>Abstract</strong></p><p>An abstract.</p>")
    assert html.index("<td>x₁</td>") < html.index("Score 0") < html.index("AlphaXiv") < html.index("An abstract.")


ABSTRACT = "Reads are slow. Caches forget. We propose a cache that learns. Reads are 3x faster than with LRU."
EXTRACT = replace(
    SUMMARY,
    model="",
    template="extract",
    markdown="| Point |\n|---|\n| Reads are 3x faster than with LRU. |\n| We propose a cache that learns. |",
    parts=(("method", "We propose a cache that learns."), ("effect", "Reads are 3x faster than with LRU.")),
)


def test_an_extract_does_not_repeat_the_abstract() -> None:
    """The claim, and the abstract, whole and once: what was extracted from it is not there a second time."""
    lines = shown(replace(entry(abstract=ABSTRACT), summary=EXTRACT)).splitlines()
    assert ["Reads are 3x faster than with LRU.", ABSTRACT, "Score 0"] == lines[:3]
    assert not any("learns" in line for line in lines[2:])
    one_line = entry_summary(replace(entry(abstract=ABSTRACT), summary=EXTRACT))
    assert "Reads are 3x faster than with LRU. Score 0" == one_line


def test_a_claim_with_which_the_abstract_begins() -> None:
    """Is not there twice, also where no summary is available yet, which an entry says."""
    assert "An abstract." == shown(entry()).splitlines()[0]
    waiting = shown(replace(entry(), summary=replace(SUMMARY, markdown=" \n", state="pending"))).splitlines()
    assert ["Summary pending.", "An abstract."] == waiting[:2]
    assert "extracted" not in "".join(waiting)


def test_one_line() -> None:
    """The one-line summary begins with the abstract, and is plain text that no reader takes for HTML."""
    hostile = (Reason("<b>", 1.0, "title", 0, 1, "x"), Reason("&lt;", -2.0, "title", 0, 1, "x"))
    assert "An abstract. Score 5.5: LLM +1, KV cache +3, in title +1.5" == entry_summary(
        replace(entry(), score=5.5, reasons=REASONS)
    )
    assert "An abstract. Score 0" == entry_summary(entry())
    assert "An abstract. Score 0: <\u2060b> +1, < -2" == entry_summary(replace(entry(), reasons=hostile))


@pytest.mark.parametrize(
    ("abstract", "beginning"),
    [
        ("One sentence.", "One sentence."),
        (
            "First, e.g. Here. " + "Second " * 30 + "end. " + "Third " * 30,
            "First, e.g. Here. " + "Second " * 30 + "end.",
        ),
        ("Word " * 100, "Word " * 58 + "Word…"),
        ("First.\nSecond.", "First. Second."),
    ],
)
def test_a_long_abstract_is_cut_between_sentences(abstract: str, beginning: str) -> None:
    """Or between words, where a sentence is longer than a line should be."""
    assert f"{beginning} Score 0" == entry_summary(entry(abstract=abstract))


def test_a_withdrawn_paper_is_marked() -> None:
    """Before the abstract, in the one-line summary and in JSON; one that is not has no such mark."""
    withdrawn = entry(abstract="This paper has been withdrawn by the authors.")
    assert shown(withdrawn).startswith(
        "This paper has been withdrawn.\nThis paper has been withdrawn by the authors.\n"
    )
    assert entry_summary(withdrawn).startswith("This paper has been withdrawn. This paper")
    assert entry_to_plain(withdrawn)["withdrawn"] is True
    assert "withdrawn" not in entry_to_plain(entry())
    assert "withdrawn" not in shown(entry())


def test_title() -> None:
    """A title is one line without markup."""
    assert "H₂O in Gaia & more" == entry_title(entry(title="H<sub>2</sub>O\n  in <i>Gaia</i> &amp; more"))


def test_guid() -> None:
    """A guid is a URI that names the paper, its version and the feed."""
    assert "https://arxiv.org/abs/2601.00001v2#main" == entry_guid(entry(version=2))


DAYS = [FRIDAY, date(2026, 3, 9), date(2026, 11, 2), date(2026, 12, 31)]  # clocks change on the Sundays between


@pytest.mark.parametrize("day", DAYS)
def test_times_of_a_large_day(day: date) -> None:
    """The 500 entries of a day have distinct times, the best the latest, none before the day or after it is due."""
    times = [entry_time(replace(entry(), announced=day, rank=rank)) for rank in range(500)]
    assert sorted(set(times), reverse=True) == times
    assert {day} == {time.astimezone(EASTERN).date() for time in times}
    assert times[0].astimezone(EASTERN).strftime("%H:%M:%S") == "00:19:59"


def test_times_of_many_days() -> None:
    """Over days, newer entries have later times, also where a whole archive was announced."""
    days = [FRIDAY - timedelta(days=n) for n in range(60)]
    times = [entry_time(replace(entry(), announced=day, rank=rank)) for day in days for rank in range(0, 5000, 7)]
    assert sorted(set(times), reverse=True) == times
