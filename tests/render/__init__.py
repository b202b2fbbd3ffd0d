"""What the tests of documents share: entries as they come from arXiv's own formats, and a channel to put them in."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from core.model.batch import make_batch
from core.model.entries import make_entries
from core.model.feed import Entry, Feed
from core.model.summary import Summary
from core.ranking.matching import score_batch
from core.render.items import Channel
from core.sources.parse import parse_feed
from tests.support.arxiv_format import Sheet, rss
from tests.support.invented import FRIDAY, make_feed

SELF = "https://wire.example/api/feeds/main.{}?score%3E=3&category=cs.DC"
UPDATED = datetime(2026, 3, 6, 17, tzinfo=UTC)
SUMMARY = Summary(
    template="key-findings",
    language="ko",
    model="example/model-1",
    markdown="# Result\n\n| a | b |\n|---|--:|\n| $x_1$ | 2 |\n\nSee [it](https://arxiv.org/abs/2603.90001) & *so*.",
)
# Everything that may stand in an item
RICH = Sheet(
    id="2603.90001",
    title='Caches, kernels & "quotes": H<sub>2</sub>O in <i>Gaia</i>, if p<q and q>r, R&D &amp; <think> </think>',
    abstract="We study a < b & c > d.\n  The second paragraph has 10<sup>5</sup> K and https://github.com/sample/code.",
    creator='J\\"org Example (Institute, Town), Zo\\"e Sample, A. N. <b>Bold</b>',
    categories=("cs.DC", "cs.LG", "stat.ML"),
    more={
        "arxiv:DOI": "10.1002/(SICI)1097(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
        "arxiv:journal_reference": "J. Samples 1 (2026) 2 & 3",
    },
)
MANY = Sheet(id="2603.90002", title="Many", creator=", ".join(f"Author{n} Sample" for n in range(3303)))
OLD = Sheet(id="hep-th/9901001", title="Strings, revisited", categories=("hep-th", "cs.LG"), version=3)
ODD = Sheet(
    id="2603.90003", title="A\x7fB \u202eC\u2066D \ufdd0", abstract="One ]]> two\x7f.", creator="\u202eEve \x7f Odd"
)
LONG = Sheet(id="2603.90004", title="w" * 1000, abstract="\n  ".join(f"Paragraph {n}. {'v' * 300}" for n in range(50)))
NOBODY = Sheet(id="2603.90005", title="By nobody", creator="")
SHEETS = (RICH, MANY, OLD, ODD, LONG, NOBODY)


def channel(kind: str = "rss", **more: Any) -> Channel:
    """A channel with everything that it can have, of a document of this kind."""
    values: dict[str, Any] = {
        "id": "https://wire.example/api/feeds/main",
        "title": "Caches & kernels, if x<y · Test wire",
        "description": "What is <fast>, and why: R&D &lt;here&gt;.",
        "home_url": "https://wire.example/feeds/main",
        "self_url": SELF.format(kind),
        "updated": UPDATED,
        "next_url": SELF.format(kind) + "&cursor=abc",
        "icon": "https://wire.example/icon.png",
        "hub": "https://hub.example/",
    }
    return Channel(**(values | more))


def entries_of(sheets: Iterable[Sheet] = SHEETS, day: date = FRIDAY, feed: Feed | None = None) -> tuple[Entry, ...]:
    """What a feed over all categories makes of papers as arXiv would announce them."""
    sheets = tuple(sheets)
    categories = tuple({name: None for sheet in sheets for name in sheet.categories})
    feed = feed or make_feed("cache", "ti:kernel", categories=categories)
    parsed = parse_feed(rss(sheets, day, feed.categories))
    assert ((), "") == (parsed.rejected, parsed.broken)
    batch = make_batch(day, parsed.announcements)
    return make_entries(feed, batch, score_batch(feed, batch))
