"""Weeks and months as Markdown, HTML and JSON, and as items of a feed with one a week."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.model.calendar import EASTERN, PUBLISHED_AT
from core.model.feed import Entry
from core.model.period import PeriodDigest
from core.render.blocks import Block, Bullets, Heading, Line, Link, Paragraph, Table
from core.render.blocks.html import Html
from core.render.digest.common import fact, gist, marked_title, paper_link
from core.render.digest.document import DIGEST_MARKER
from core.render.items import Item, clean_entry
from core.render.messages import Sentences, messages
from core.render.post import markdown_post
from core.render.shapes import entry_to_plain, to_json
from core.text.sanitize import clean, label


def period_title(digest: PeriodDigest) -> str:
    """Returns the title of the document, on one line."""
    return " ".join(clean(f"{digest.feed.title}: {digest.period.name}").split())


def period_markdown(digest: PeriodDigest) -> str:
    """The document as Markdown."""
    return markdown_post("plain", {}, period_title(digest), _blocks(digest), DIGEST_MARKER)


def period_html(digest: PeriodDigest, *, in_feed: bool = False) -> str:
    """The document below its title as harmless HTML."""
    return clean(Html(below=1 if in_feed else 0, is_page=not in_feed).write(_blocks(digest)))


def period_json(digest: PeriodDigest) -> bytes:
    """The digest as JSON: the sums, the days, the trends, and the best papers in full."""
    plain: dict[str, Any] = {"title": period_title(digest), **digest.to_plain()}
    plain["entries"] = [entry_to_plain(clean_entry(entry)) for entry in digest.best]
    return to_json(plain | ({"saved": [entry.id for entry in digest.saved]} if digest.saved else {}))


def period_items(digests: Sequence[PeriodDigest], address: Callable[[PeriodDigest], tuple[str, str]]) -> list[Item]:
    """Returns the periods, newest first, as items of a feed; `address` gives the `guid` and the `url` of each."""
    return [_item(digest, *address(digest)) for digest in digests]


def _item(digest: PeriodDigest, guid: str, url: str) -> Item:
    words = messages("period", digest.language)
    end = datetime.combine(digest.period.last + timedelta(days=1), PUBLISHED_AT, EASTERN)
    summary = words["summary"].format(papers=digest.papers, days=len(digest.days))
    return Item(guid, url, label(period_title(digest)), label(summary), period_html(digest, in_feed=True), end,
                ("Paperwire",), digest.feed.categories)  # fmt: skip


def _blocks(digest: PeriodDigest) -> list[Block]:
    digest = replace(digest, best=tuple(map(clean_entry, digest.best)), saved=tuple(map(clean_entry, digest.saved)))
    return list(_document(digest, messages("period", digest.language)))


def _document(digest: PeriodDigest, words: Sentences) -> Iterator[Block]:
    numbers, bands = digest.numbers, digest.bands
    yield Paragraph((words["span"].format(first=digest.period.first, last=digest.period.last),))
    facts = {"days": str(len(digest.days)), "collected": f"{numbers['collected']:,}"}
    facts |= {"prioritised": f"{numbers['prioritised']:,}", "papers": f"{digest.papers:,}"}
    facts |= {band: str(count) for band, count in bands.items()} if numbers["analysed"] else {}
    yield Bullets(tuple(fact(words[name], value, words) for name, value in facts.items()))
    yield Heading(2, (words["best"],))
    yield _papers(digest.best, words) if digest.best else Paragraph((words["none"],))
    if digest.saved:
        yield Heading(2, (words["saved"],))
        yield Bullets(tuple((_link(entry, words),) for entry in digest.saved))
    if digest.trends:
        yield Heading(2, (words["trends"],))
        yield Paragraph((words["about trends"].format(days=digest.compared),))
        rows = tuple(((t.keyword,), (str(t.papers),), (f"{t.before:g}",)) for t in digest.trends)
        yield Table((words["keyword"], words["now"], words["before"]), rows)
    yield Heading(2, (words["by day"],))
    rows = tuple(
        ((day.record.date.isoformat(),), (str(day.statistics.collected),), (str(len(day.entries)),))
        for day in digest.days
    )
    yield Table((words["day"], words["collected"], words["prioritised"]), rows)


def _papers(entries: Sequence[Entry], words: Sentences) -> Table:
    rows: list[tuple[Line, ...]] = []
    for number, entry in enumerate(entries, 1):
        points = f"{entry.points:g}" if entry.points is not None else f"{entry.score:g}"
        band = words.get(entry.band or "", "")
        standing = f"{band} {points}".strip()
        rows.append(
            ((str(number),), (_link(entry, words),), (standing,), (gist(entry),), (entry.announced.isoformat(),))
        )
    return Table(("#", words["title"], words["points"], words["gist"], words["day"]), tuple(rows))


def _link(entry: Entry, words: Sentences) -> Link:
    return paper_link(entry.paper, marked_title(entry.paper, words))
