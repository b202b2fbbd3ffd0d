"""What rules find in the words of stored days is what they find by scoring every paper."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given

from core.archive.days import score_days
from core.model.batch import Announcement, Batch, make_batch
from core.model.entries import first_announced
from core.model.feed import Entry, Feed, Keyword, parse_keyword
from core.model.paper import Author
from core.model.sources import HUGGINGFACE
from core.model.texts import BatchTexts, texts_to_plain
from core.ranking.matching import ENGINES
from core.ranking.scan import Scanned, scan
from tests.ranking.test_matching import WORDS, keywords, rules
from tests.support.invented import FRIDAY, announce, make_feed, tricky

_TEXTS = [
    *dict.fromkeys(text for _, text, _ in WORDS),
    "A big data base of state‐space models", "Naïve Schrödinger’s cat in Łódź: 注意力机制",
    "ΑΣ Σ İstanbul 𝔽 𝔽-algebras", "KV-cache\nKV cache", "a  b", "RAG, not average; LoRA and SAM and Sam",
    "news of series 3D C++ matrices",
]  # fmt: skip
_NAMES = ("Ada Sample", "Yang Li", "Łukasz O’Brien", "The Sample Collaboration", "Jean-Paul Müller")


def _month() -> list[Batch]:
    """Three days, newest first, with all kinds of announcements, and papers that are announced again."""
    rng, days = random.Random(5), list[Batch]()
    for back in range(3):
        items = [
            announce(
                back * 1000 + n, *rng.choice([("cs.LG",), ("cs.CL", "cs.LG"), ("math.CO",), ("cs",)]),
                served=rng.choice(["new", "cross", "replace"]), title=rng.choice(_TEXTS), abstract=text,
                authors=tuple(map(Author, rng.sample(_NAMES, 2))), upvotes=rng.choice([None, None, 0, 30]),
            )
            for n, text in enumerate(_TEXTS)
        ]  # fmt: skip
        again = [_again(item, rng) for day in days for item in rng.sample(day.announcements, 25)]
        days.append(make_batch(FRIDAY - timedelta(days=back), [*items, *again]))
    return days


def _again(item: Announcement, rng: random.Random) -> Announcement:
    paper = replace(item.paper, version=item.paper.version + rng.choice([0, 1]))
    served = rng.choice(["new", "replace", "cross"])
    return replace(item, paper=paper, served=served, relisted=rng.random() < 0.4, into=rng.choice([(), ("cs.LG",)]))


MONTH = _month()


def _read(batches: list[Batch]) -> list[BatchTexts]:
    return [BatchTexts(orjson.loads(orjson.dumps(texts_to_plain(batch.to_plain())))) for batch in batches]


READ = _read(MONTH)


def _shape(entry: Entry) -> tuple[Any, ...]:
    """All of an entry that a preview uses."""
    paper = entry.paper
    shown = paper.versioned, paper.title, paper.abstract, paper.authors, paper.categories, paper.upvotes, paper.url
    return (shown, *(getattr(entry, name) for name in Entry.__slots__ if name not in ("paper", "rank", "by_learning")))


def _both(feed: Feed, batches: list[Batch], texts: list[BatchTexts]) -> tuple[Scanned, Scanned]:
    """What scoring every paper finds, and what the scan does."""
    every = first_announced(score_days(feed, batches, 60))
    others = Counter[date](e.announced for e in every if not e.reasons and e.type in feed.announce_types)
    return Scanned([entry for entry in every if entry.reasons], others), scan(feed, texts, 60)


def _same(feed: Feed, batches: list[Batch] = MONTH, texts: list[BatchTexts] = READ) -> int:
    """Checks that both find the same. Returns how many entries these are."""
    expected, found = _both(feed, batches, texts)
    assert list(map(_shape, expected.entries)) == list(map(_shape, found.entries))
    assert +expected.others == +found.others
    return len(found.entries)


@pytest.mark.parametrize("mode", ENGINES)
def test_every_way_to_write_a_word_is_found(mode: str) -> None:
    """Each keyword of the table of words alone, and as what excludes."""
    types = ("new", "cross", "replace", "replace-cross")
    found = 0
    for word in rules(mode, list(dict.fromkeys(keyword for keyword, _, _ in WORDS))):
        feed = make_feed(parse_keyword(word), match=mode, announce_types=types, name=word)
        found += _same(feed)
        _same(make_feed(Keyword("a", 2), exclude=(word,), match=mode))
    assert found > 100


RULES: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("cache", "state space"), {"categories": ("cs.LG", "cs.CL")}),
    (("au:Li", 'au:"O\'Brien"', "au:Muller"), {}),
    (("au:Sample Collaboration", "big data"), {"announce_types": ("cross", "replace")}),
    (("cat:cs.CL", "LoRA"), {"categories": ("cs",)}),
    (("hf:20", "hf:0"), {}),
    (("data AND base", "cache AND NOT kv", "average OR news"), {}),
    (("ti:data", "abs:cache", "stat*"), {"exclude": ("au:Li", "cat:math.CO", "hf:1")}),
    (("cache",), {"keywords": (Keyword("RAG", -1), Keyword("cache", 0.5))}),
    (("data base",), {"categories": ("math.CO",)}),
    (("",), {"keywords": ()}),
    (("cache",), {"source": HUGGINGFACE, "categories": ()}),
    (("cache",), {"source": HUGGINGFACE, "categories": ("cs.LG",)}),
    (("au:Li", "DATA base", "Łódź"), {"match": "substring"}),
    (("data b", "kv"), {"match": "substring"}),
    (("ca.he", "^A"), {"match": "regex"}),
]


@pytest.mark.parametrize(("written", "more"), RULES)
def test_every_kind_of_rule(written: tuple[str, ...], more: dict[str, Any]) -> None:
    """With fields, alternatives, other sources, and the types and categories of the feed."""
    assert _same(make_feed(*filter(None, written), **more)) or not any(written)


@given(written=keywords, title=tricky, abstract=tricky)
def test_any_text(written: list[str], title: str, abstract: str) -> None:
    """Whatever is written."""
    batch = [make_batch(FRIDAY, [announce(title=title, abstract=abstract)])]
    for mode in ENGINES:
        _same(make_feed(*rules(mode, written), match=mode), batch, _read(batch))


def test_a_scan_ends_in_time() -> None:
    """With an error, not with some of the entries."""
    with pytest.raises(TimeoutError):
        scan(make_feed("cache"), READ, -1)
