"""Which papers rules find, and which they do not: reports of users, each with papers and people that are invented."""

from dataclasses import replace
from typing import Any

import pytest

from core.config.feed_table import read_feed
from core.model.batch import Announcement, make_batch
from core.model.entries import make_entries
from core.model.errors import FeedError
from core.model.feed import LEAST_SCORE, Feed
from core.model.pagination import paginate
from core.model.paper import Author
from core.model.query import Query
from core.model.rules import remarks
from core.ranking.matching import make_scorer, score_batch
from tests.support.invented import FRIDAY, make_paper
from tests.support.tables import each_row

PLURALS = "We annotate corpora, invert matrices, and repeat the analyses of both hypotheses."
SEVERAL = {
    "title": "Pruned caches",
    "abstract": "An offloading scheme, quantised. GAN-free.",
    "authors": "Ada E. Quill",
}

# what the paper says, rules that find it, rules that do not
CASES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"abstract": "A new approach to old questions."}, ["new"], ["news"]),
    ({"abstract": "We read the news."}, ["news", "NEWS"], ["new"]),
    ({"abstract": "On top of a radar with SAR, for a hearing aid."}, ["SAR", "aid"], ["TOPS", "AIDS", "SARS"]),
    ({"abstract": "At 40 TOPS, in spite of AIDS and SARS."}, ["TOPS", "aids", "SARS"], ["top", "aid", "SAR"]),
    ({"abstract": "FASTER CACHES FOR LARGE MODELS"}, ["cache", "model"], []),
    ({"abstract": "Molecular dynamics."}, ["dynamics"], ["dynamic"]),
    ({"abstract": "A dynamic system with robotic arms."}, ["dynamic"], ["dynamics", "robotics"]),
    ({"abstract": PLURALS}, ["corpus", "matrix", "analysis", "hypothesis"], ["corp", "analog"]),
    ({"abstract": "A corpus, its matrix, one index."}, ["corpora", "matrices", "indices"], []),
    ({"abstract": "Many GANs, and a gans."}, ["GAN", "gan"], ['"GAN"']),
    ({"abstract": "It has arcs, gas and flip-flops."}, ["arc"], ["HA", "ARC", "GA", "FLOP"]),
    ({"abstract": "The works of Sar."}, ["SAR"], ["SARs"]),
    ({"abstract": "A SAR image, a Video-LLM."}, ["SARs", "video-LLMs"], []),
    ({"abstract": "Two transformers."}, ["TRANSFORMER"], []),
    ({"abstract": "Only the Gans family."}, ["gans"], ["GAN"]),
    # spellings
    ({"abstract": "Finetuning on a data-set in 3D."}, ["fine-tuning", "fine tuning", "dataset", "data set", "3-D"], []),
    ({"abstract": "GPT-4 and GPT 5, not GPT6."}, ["GPT4", "GPT 4", "GPT5", "GPT-6"], ["GPT-45"]),
    ({"abstract": "3-D scenes, over-fitting."}, ["3D", "3-d", "overfitting"], []),
    ({"abstract": "Over fitting lines in a 100-fold test."}, ["over-fitting"], ["overfitting", "A100"]),
    ({"abstract": "Optimisation of behaviour by modelling."}, ["optimization", "behavior", "modeling"], []),
    ({"abstract": "Green’s functions"}, ["Green's function"], []),
    ({"abstract": "Back-propagation and co-operation by X-ray."}, ["backpropagation", "cooperation", "xray"], []),
    ({"abstract": "Backpropagation by xrays."}, ["back-propagation", "X-ray"], ["back", "ray"]),
    ({"abstract": "Haemoglobin, sulphur, grey aluminium."}, ["hemoglobin", "sulfur", "gray", "aluminum"], []),
    ({"abstract": "Anesthesia of the esophagus in anemia."}, ["anaesthesia", "oesophagus", "anaemia"], []),
    ({"abstract": "An iOS app, SaaS."}, ["iOS", "SaaS"], ["io", "saa"]),
    ({"abstract": "It uses memory."}, ["use"], ["us"]),
    # operators
    (SEVERAL, ["cache AND offloading", "ti:cache AND abs:offloading"], ["cache AND prefill", "cache offloading"]),
    (SEVERAL, ["prefill OR cache", "(prefill OR cache) AND offloading"], ["prefill OR decode"]),
    (SEVERAL, ["cache NOT prefill", "cache AND NOT abs:cache"], ["cache NOT offloading"]),
    (SEVERAL, ["au:Quill AND cache", "au:Ada Quill OR au:Marsh"], ["au:Quill AND prefill"]),
    (SEVERAL, ["offload*", "quanti*", "ti:prun*", "ABS:offload*"], ["offl", "abs:prun*", "ti:offload*"]),
    # quotes
    (SEVERAL, ['"caches"', '"pruned caches"', '"GAN"', '"quantised"'], ['"cache"', '"quantized"', '"pruned cache"']),
    ({"abstract": "Sam and the rope of a gan."}, ["SAM", "RoPE", '"sam"', '"Sam"'], ['"SAM"', '"RoPE"', '"GAN"']),
    ({"abstract": "SAM, RoPE and LoRa radios"}, ['"SAM"', '"RoPE"', '"LoRa radios"'], ['"LoRA"']),
    # prefixes
    (SEVERAL, ["title:caches", "Ti:cache", "abstract:scheme", "author:Ada Quill"], ["title:scheme", "author:Ada"]),
    (
        {"categories": ("cs.LG", "stat.ML")},
        ["cat:cs.LG", "category:stat", "Cat:cs.*", "cat:CS.lg"],
        ["cat:cs.CL", "cs.LG"],
    ),
    ({"categories": ("eess.SY", "math.NA")}, ["cat:cs.SY", "cat:cs.NA", "cat:eess"], ["cat:cs.LG"]),
    # names
    ({"authors": "William Marsh, Robert Quill, Adam Storvik"}, ["au:Marsh"], ["au:Williams", "au:Roberts", "au:Adams"]),
    ({"authors": "Michał Włosek, Bjørn Størvik"}, ["au:Michal Wlosek", "au:Storvik", "au:Bjorn Størvik"], []),
    ({"authors": "D. O’Hara"}, ["au:O'Hara", "au:O’Hara", "au:O'Hara, D.", "au:Deirdre O'Hara"], ["au:Hara"]),
    ({"authors": "Ada E. Quill"}, ["au:Ada Quill", "au:A. Quill", "au:Quill, Ada", "au:Quill, A.E."], ["au:E. Quill"]),
    ({"authors": "The QUASAR Collaboration"}, ["au:QUASAR Collaboration", "au:quasar"], ["au:Ada Quasar"]),
    ({"authors": "Ada Quill, III, Jr."}, ["au:Quill"], ["au:III", "au:Jr."]),
]


def paper_of(said: dict[str, Any]) -> Any:
    authors = tuple(map(Author, said["authors"].split(", "))) if "authors" in said else ()
    return make_paper(**({"title": "Untitled", "abstract": "", **said} | {"authors": authors}))


def feed_of(*rules: str, **more: Any) -> Feed:
    return read_feed("main", {"title": "M", "categories": ["cs"], "keywords": dict.fromkeys(rules, 1), **more})


def finds(rule: str, said: dict[str, Any]) -> bool:
    made = make_scorer(feed_of(rule))(paper_of(said))
    return made is not None and made.total > 0


@each_row(("said", "found", "missed"), CASES)
def test_found(said: dict[str, Any], found: list[str], missed: list[str]) -> None:
    """Each rule finds what its owner means, and nothing that only looks like it."""
    assert found == [rule for rule in [*found, *missed] if finds(rule, said)]


@each_row(("said", "found", "missed"), CASES)
def test_left_out(said: dict[str, Any], found: list[str], missed: list[str]) -> None:
    """Exclude words are rules as keywords are: what these find, those keep out."""
    kept = [rule for rule in [*found, *missed] if make_scorer(feed_of(exclude=[rule]))(paper_of(said))]
    assert missed == kept


@each_row(
    ("rule", "said"),
    [
        ("title:LLM", {"title": "Two LLMs"}),
        ("TI:LLM", {"title": "Two LLMs"}),
        ("ti = LLM", {"title": "Two LLMs"}),
        ('"page table"', {"title": "A page table"}),
        ("page table AND prefetch", {"title": "A page table with prefetch"}),
        ("page table && prefetch", {"title": "A page table with prefetch"}),
        ("page table and prefetch", {"title": "A page table with prefetch"}),
        ("prefetch*", {"title": "Prefetching pages"}),
        ("prefetch?", {"title": "Prefetching pages"}),
        ("prefetch.*", {"title": "Prefetching pages"}),
        ("au:A. Quill", {"authors": "Ada Quill"}),
        ("au:Quill, Ada", {"authors": "Ada Quill"}),
        ("au:quill_a", {"authors": "Ada Quill"}),
        ("author:Ada Quill", {"authors": "Ada Quill"}),
        ("all:LLM", {"title": "Two LLMs"}),
        ("LLM^2", {"title": "Two LLMs"}),
        ("LLM:2", {"title": "Two LLMs"}),
        ("+LLM", {"title": "Two LLMs"}),
        ("“page table”", {"title": "A page table"}),
        ("ＬＬＭ", {"title": "An LLM"}),
    ],
)
def test_notations_of_other_tools(rule: str, said: dict[str, Any]) -> None:
    """A rule in another tool's notation finds what it should, or `check` has something to say about it."""
    assert finds(rule, said) or remarks(rule)


@pytest.mark.parametrize("match", ["word", "regex"])
def test_control_characters(match: str) -> None:
    """In double quotes TOML makes a backspace of backslash b: such a rule is refused, with the mend."""
    with pytest.raises(FeedError, match=r"single quotes: '\\bLLM\\b'"):
        feed_of("\bLLM\b", match=match)
    with pytest.raises(FeedError, match="single quotes"):
        feed_of(exclude=["\bsurvey\b"], match=match)


@each_row(
    ("rule", "points"),
    [
        ("cache OR caching", 1.5),  # synonyms count once, and the title counts
        ("caching OR cache", 1.5),
        ("cache AND caching", 1),  # the title has one of them only
        ("cache AND page", 1.5),
        ("ti:cache OR caching", 1),  # what has a prefix earns no bonus
        ("prefill OR caching", 1),
        ("cat:cs.LG AND cache", 1.5),
        ("cac*", 1.5),
        ('"cache"', 1.5),
    ],
)
def test_points(rule: str, points: float) -> None:
    """A rule counts once, however many of its terms are found; in the title all of them earn the bonus."""
    made = make_scorer(feed_of(rule))(make_paper(title="A page cache", abstract="Caching, caching."))
    assert made
    assert points == made.total
    assert (rule,) == made.matched


@each_row(
    ("keywords", "more", "expected"),
    [
        ({}, {}, 0),
        ({"LLM": 1}, {}, 1),
        ({"LLM": 3, "cache": 0.5}, {}, 0.5),
        ({"LLM": 1, "survey": -0.7}, {}, LEAST_SCORE),
        ({"survey": -1}, {}, 0),
        ({"survey": 0}, {}, 0),
        ({"LLM": 1}, {"min_score": 0}, 0),
        ({"LLM": 1}, {"min_score": -2}, -2),
        ({"LLM": 1}, {"source": "huggingface"}, 0),
    ],
)
def test_least_score_where_none_is_configured(
    keywords: dict[str, float], more: dict[str, Any], expected: float
) -> None:
    """With keywords that give points, a paper needs one of them, unless its owner says otherwise."""
    feed = read_feed("main", {"title": "M", "categories": ["cs"], "keywords": keywords, **more})
    assert expected == feed.min_score
    again = read_feed("main", feed.to_plain(defaults=False))
    assert feed == again
    assert ("min_score" in feed.to_plain(defaults=False)) is ("min_score" in more)


def test_mentions() -> None:
    """A score tells how often a paper speaks of what gives points."""
    feed = read_feed(
        "main",
        {
            "title": "M",
            "categories": ["cs"],
            "keywords": {"cache": 2, "prefill OR decode": 1, "survey": -1, "ti:page": 1},
        },
    )
    made = make_scorer(feed)(make_paper(title="Page caches", abstract="A cache, prefill, decode; survey page page."))
    assert made
    assert 2 + 2 + 1 == made.mentions


def test_ties() -> None:
    """Of equal scores the paper that speaks of the words more comes first, then the newer, then by identifier."""
    feed = feed_of("cache")
    said = {
        "2601.00002": "A cache.",
        "2601.00001": "A cache.",
        "2601.00003": "A cache, and a cache.",
        "2512.00001": "A cache.",
        "astro-ph/9906432": "A cache.",
    }
    batch = make_batch(FRIDAY, [Announcement(make_paper(id=name, abstract=text), "new") for name, text in said.items()])
    entries = make_entries(feed, batch, score_batch(feed, batch))
    order = ["2601.00003", "2601.00001", "2601.00002", "2512.00001", "astro-ph/9906432"]
    assert order == [entry.id for entry in entries]
    assert [2, 1, 1, 1, 1] == [entry.mentions for entry in entries]
    query = Query(sort=(("score", True),), limit=2)
    first = paginate(list(entries), query)
    rest = paginate(list(entries), replace(query, cursor=first.next, limit=9))
    assert order == [entry.id for entry in (*first.entries, *rest.entries)]
