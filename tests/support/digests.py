"""An invented day for the tests of digests: papers in every state of their analysis, judged by an invented rubric."""

from dataclasses import replace
from datetime import date
from typing import Any

from core.model.digest import Digest, make_digest
from core.model.feed import Entry, Feed, Keyword
from core.model.manifest import BatchRecord
from core.model.paper import Author, Paper
from core.model.rubric import Criterion, Mark, Rubric, Scorecard
from core.model.summary import Summary
from core.render.digest.common import Site

DAY = date(2026, 3, 6)
RUBRIC = Rubric((Criterion("Direct storage", 3), Criterion("Algorithmic", 3), Criterion("System impact", 2)))
FEED = Feed(
    name="main",
    title="Storage for models",
    categories=("cs.DC", "cs.LG"),
    keywords=(Keyword("KV cache", 3), Keyword("memory", 2, "title")),
    exclude=("survey",),
    min_score=1,
    max_entries=15,
    summary="four-point",
    summaries=4,
    rubric=RUBRIC,
)
RECORD = BatchRecord(DAY, "complete", hash="0123456789abcdef", total=224, fetched="2026-03-06T05:20:04Z")
SITE = Site(
    title="Test wire",
    feeds=(("RSS", "https://wire.example/api/feeds/main.rss"), ("Atom", "https://wire.example/api/feeds/main.atom")),
    digests="https://wire.example/api/digests/main.atom",
    papers="https://wire.example/api/papers?feed=main",
    deployed="https://wire.example",
)
PARTS = (
    ("problem", "KV caches do not fit into *GPU memory*."),
    ("limits", "Offloading waits for PCIe | and SSDs."),
    ("method", "Tiles are **prefetched** by layer. Then they are compressed."),
    ("effect", "Latency falls by 38 % on `bench-1`."),
)


def summary(**more: Any) -> Summary:
    """A summary that is ready, as `four-point` makes it."""
    markdown = "\n\n".join(f"## {key.title()}\n\n{text}" for key, text in PARTS)
    values: dict[str, Any] = {"template": "four-point", "language": "en", "model": "example/model-1"}
    return Summary(**({**values, "markdown": markdown, "parts": PARTS} | more))


def card(predicted: float, *points: int, **more: Any) -> Scorecard:
    """A scorecard: of the screening alone, or with points for the criteria."""
    marks = tuple(
        Mark(criterion.name, given, criterion.max, f"Because of *{criterion.name}*.")
        for criterion, given in zip(RUBRIC.criteria, points, strict=False)
    )
    values = {"stage": "analysed" if marks else "screened", "predicted": predicted, "marks": marks}
    return Scorecard(**({**values, "reason": "The abstract speaks of storage."} | more))


def entry(number: int, score: float, title: str = "", **more: Any) -> Entry:
    """Paper `number` of the day; what an entry has no field for goes to the paper."""
    own = {name: more.pop(name) for name in ("scorecard", "summary", "upvotes", "late", "type") if name in more}
    values: dict[str, Any] = {
        "id": f"2603.{90000 + number}",
        "version": 1,
        "title": title or f"Paper {number}",
        "abstract": f"We study case {number}. It is a long case.",
        "authors": (Author("First Sample", "Institute of Examples"), Author("Second Sample")),
        "categories": ("cs.DC", "cs.LG"),
        "published": "2026-03-05T10:00:00Z",
    }
    return Entry("main", Paper(**(values | more)), DAY, rank=number - 1, score=score, **({"type": "new"} | own))


ENTRIES = (
    entry(
        1,
        9,
        "Prefetching the KV cache",
        scorecard=card(6, 3, 3, 2, institutions=("Institute of Examples",), venue="SampleConf 2026"),
        summary=summary(),
        upvotes=9,
        abstract="We prefetch. " + "All of it is told at length. " * 20 + "Code: https://github.com/sample/prefetch.",
    ),
    entry(
        2,
        8,
        "Flash | for models: $O(n^2)$ writes & <reads>",
        scorecard=card(5, 2, 2, 1, note="the PDF is encrypted; the abstract was read instead"),
        summary=summary(state="failed", markdown="", parts=(), problem="the model's answer was cut off"),
        comment="Accepted to Symposium of Samples 2026, 12 pages",
    ),
    entry(3, 7, "Checkpoints in the cloud", scorecard=card(4, 1, 2, 0), summary=summary(language="ko")),
    entry(4, 6, "Memory of elephants", scorecard=card(4, 0, 1, 0)),
    entry(5, 5, "Waiting for its analysis", scorecard=card(7)),
    entry(6, 4, "A graph", scorecard=card(1, reason="It is about graphs | only.")),
    entry(7, 3, "Not looked at", authors=tuple(Author(f"Author{n} Sample") for n in range(3000)), published=""),
)


def digest(style: str = "staged", language: str = "en", *, entries: tuple[Entry, ...] = ENTRIES, **more: Any) -> Digest:
    """The digest of the day; `more` replaces fields of the record."""
    return make_digest(FEED, replace(RECORD, **more), entries, style=style, language=language)
