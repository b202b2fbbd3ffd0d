"""Rules in a URL: what is read, what is refused and in which words, and that what is written is read as it was."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption

from core.config.feed_table import read_feed
from core.config.feeds_file import read_feeds_file
from core.config.settings import ROOT
from core.config.url_rules import (
    MOST_KEYWORDS,
    MOST_URL_CHARACTERS,
    RULES,
    USUAL,
    named,
    not_fetched,
    read_custom,
    read_rules,
    rules_of,
    write_rules,
)
from core.model.errors import FeedError, QueryError
from core.model.feed import Feed, Keyword
from core.model.rules import remarks
from core.text.lists import quoted, split_list
from tests.support.invented import tricky
from tests.support.tables import each_row

KEYWORDS = [
    ("prefill", {"prefill": 1}),
    ("KV cache:3,prefill", {"KV cache": 3, "prefill": 1}),
    ("KV cache:3\nprefill : 2\r\n\r\n  decode  ", {"KV cache": 3, "prefill": 2, "decode": 1}),
    ("ti:quantization:2,au:Tri Dao:5", {"ti:quantization": 2, "au:Tri Dao": 5}),
    ("ti:quantization", {"ti:quantization": 1}),
    ("survey:-2.5", {"survey": -2.5}),
    ('"KV cache":3, prefill', {'"KV cache"': 3, "prefill": 1}),
    ('"storage, local":2', {"storage, local": 2}),
    ('"a ""quoted"" word":2', {'a "quoted" word': 2}),
    ('5" disk:2', {'5" disk': 2}),
    ("C++,C#:2", {"C++": 1, "C#": 2}),
    ("überraschung:2,縮約,😀x", {"überraschung": 2, "縮約": 1, "😀x": 1}),
    ("8:30:2", {"8:30": 2}),
    ("hf:20", {"hf:20": 1}),
    ("hf:20:2.5", {"hf:20": 2.5}),
    ("hf:20.0", {"hf": 20}),
    ("hf", {"hf": 1}),
    ("LLM,LLM", {"LLM": 1}),
    (",, ,LLM,", {"LLM": 1}),
]


@each_row(("written", "meant"), KEYWORDS)
def test_keywords(written: str, meant: dict[str, float]) -> None:
    """Keywords are separated by commas or line breaks, each with its weight after the last colon."""
    feed, problems = read_rules({"category": "cs.LG", "keywords": written})
    assert (meant, {}) == (feed and feed.to_plain()["keywords"], problems)


@each_row(
    ("query", "field", "value"),
    [
        ("category=cs.DC,cs.LG", "categories", ("cs.DC", "cs.LG")),
        ("category=cs.DC&category=cs.LG,cs.AI", "categories", ("cs.DC", "cs.LG", "cs.AI")),
        ("category=cs", "categories", ("cs",)),
        ("category=cs.LG&type=new&type=cross", "announce_types", ("new", "cross")),
        ("category=cs.LG&type=", "announce_types", ("new",)),
        ("category=cs.LG&exclude=survey&exclude=&exclude=review", "exclude", ("survey", "review")),
        ("category=cs.LG&match=regex&keywords=%22a%7B1,3%7D%22", "match", "regex"),
        ("category=cs.LG&title_bonus=&min_score=", "title_bonus", 0.5),
        ("category=cs.LG&min_score=-2.5", "min_score", -2.5),
        ("category=cs.LG", "max_entries", USUAL.max_entries),
        ("category=cs.LG&max_entries=0", "max_entries", 0),
        ("category=cs.LG&name=a+%26+b", "title", "a & b"),
        ("category%3Dcs.LG", "categories", ("cs.LG",)),
        ("category=cs.LG&keywords=a%2Cb:2", "keywords", (Keyword("a"), Keyword("b", 2))),
    ],
)
def test_read(query: str, field: str, value: Any) -> None:
    """Every parameter has its place in the feed; lists may come in several, and empty ones count as none."""
    assert value == getattr(read_custom(query).feed, field)


def test_filters_are_the_rest() -> None:
    """What is no rule is left, encoded as it was sent."""
    custom = read_custom("score%3E=3&category=cs.LG&title~KV%20cache&type!=cross&keywords=x&limit=5")
    assert "score%3E=3&title~KV%20cache&type!=cross&limit=5" == custom.filters


REFUSED = [
    ("keywords=LLM", "category", "at least one category"),
    ("category=", "category", "at least one category"),
    ("category=cs.XX", "category", "near it"),
    ("category=cs.LG&keywords=x:1,x:2", "keywords", "twice, with the weights 1 and 2"),
    ("category=cs.LG&keywords=KV cache:1,KV-cache:2", "keywords", "are the same keyword"),
    ("category=cs.LG&keywords=x:inf", "keywords", "the weight of 'x' is inf"),
    ("category=cs.LG&keywords=x:1e9", "keywords", "allowed are numbers from -1000 to 1000"),
    ("category=cs.LG&keywords=%22KV cache, prefill", "keywords", "is not closed"),
    ("category=cs.LG&keywords=cat:cs.XX", "keywords", "not an archive or category"),
    ("category=cs.LG&match=regex&keywords=(", "keywords", "RE2"),
    ("category=cs.LG&match=regex&keywords=a*", "keywords", "every paper"),
    ("category=cs.LG&match=fuzzy", "match", "'fuzzy'"),
    ("category=cs.LG&type=new,old", "type", "is not some of new, cross"),
    ("category=cs.LG&title_bonus=much", "title_bonus", "'much' is not a number from 0 to 10"),
    ("category=cs.LG&title_bonus=-1", "title_bonus", "from 0 to 10"),
    ("category=cs.LG&min_score=nan", "min_score", "from -1000 to 1000"),
    ("category=cs.LG&max_entries=2.5", "max_entries", "a whole number"),
    ("category=cs.LG&max_entries=501", "max_entries", "500"),
    ("category=cs.LG&min_score=1&min_score=2", "min_score", "once"),
    (f"category=cs.LG&name={'x' * 301}", "name", "300"),
    (f"category=cs.LG&keywords={','.join(f'w{n}' for n in range(MOST_KEYWORDS + 1))}", "keywords", "too many"),
    (f"category=cs.LG&exclude={'x' * MOST_URL_CHARACTERS}", "exclude", "a URL takes up to 8,000"),
]


@each_row(("query", "name", "words"), REFUSED)
def test_refused(query: str, name: str, words: str) -> None:
    """A rule that is wrong is refused with its token and in words; the page shows them at the field."""
    with pytest.raises(QueryError) as caught:
        read_custom(query)
    assert (True, True) == (caught.value.token.startswith(f"{name}="), words in str(caught.value))


def test_all_problems_are_told() -> None:
    """A form learns everything that is wrong with it at once."""
    wrong = {"keywords": '"x', "min_score": "much", "match": "fuzzy", "name": "x" * 400, "max_entries": "-1"}
    feed, problems = read_rules(wrong)
    assert (None, {*wrong, "category"}) == (feed, set(problems))


def test_the_owner_may_have_more_keywords() -> None:
    """The limits of a URL are not those of what is saved."""
    rules = {"category": "cs.LG", "keywords": "\n".join(f"keyword number {n}" for n in range(600))}
    assert read_rules(rules)[0] is None
    feed, problems = read_rules(rules, most_keywords=1000)
    assert (600, {}) == (feed and len(feed.keywords), problems)


def test_categories_that_nobody_fetches() -> None:
    """Of a category of which there is nothing it is known; an archive covers all of its own, and aliases each other."""
    assert [] == not_fetched(("cs.DC", "hep-th", "eess.SY"), ("cs", "hep-th"))
    assert ["math.CO"] == not_fetched(("cs.DC", "math.CO"), ("cs.DC", "cs.LG"))


def test_the_shipped_feeds_can_be_written() -> None:
    """Each feed of arXiv's in the feeds.toml that comes with Paperwire can be had by a URL."""
    for own in read_feeds_file((ROOT / "feeds.toml").read_text("utf-8"), "feeds.toml").feeds.values():
        if own.source != "arxiv":  # which is the only source that strangers may ask for
            continue
        feed = read_custom(write_rules(own)).feed
        assert (own.scoring_fingerprint, own.min_score) == (feed.scoring_fingerprint, feed.min_score)


def test_what_is_default_is_left_out() -> None:
    """The shortest query says only what is not so by itself."""
    assert "category=cs.LG" == write_rules(read_custom("category=cs.LG&type=new&match=word&title_bonus=0.5").feed)


def test_names_are_those_of_the_rules() -> None:
    """Two feeds with other rules have other names, because names are in the ids of entries."""
    names = {read_custom(f"category=cs.LG&keywords={word}").feed.name for word in ("a", "b", "b:2")}
    assert 3 == len(names)


parts = st.one_of(
    tricky, st.text(max_size=20), st.sampled_from(["a,b", 'say "x"', "x:3", "x:inf", "\r\n", "ti:x:2", "hf", "hf:20"])
)
numbers = st.floats(-1000, 1000, allow_nan=False)
rules = st.fixed_dictionaries(
    {
        "title": st.text(max_size=40).map(str.strip).filter(bool),
        "categories": st.lists(st.sampled_from(["cs.LG", "cs.DC", "hep-th", "math"]), min_size=1, max_size=4),
        "announce_types": st.lists(st.sampled_from(["new", "cross", "replace", "replace-cross"]), min_size=1),
        "match": st.sampled_from(["word", "substring"]),
        "title_bonus": st.floats(0, 10),
        "min_score": numbers,
        "max_entries": st.integers(0, 500),
        "keywords": st.dictionaries(parts, numbers, max_size=6),
        "exclude": st.lists(parts, max_size=4),
    }
)


def valid(plain: dict[str, Any]) -> Feed:
    """The feed, if feeds.toml may hold it."""
    try:
        return read_feed("main", plain | {"exclude": list(filter(str.strip, plain["exclude"]))})
    except FeedError:
        raise UnsatisfiedAssumption from None


def sound(plain: dict[str, Any]) -> Feed:
    """The feed, if its rules may be in an address, too: there what is probably not intended is refused."""
    feed = valid(plain)
    if any(not remark.hint for rule in (*feed.labels, *feed.exclude) for remark in remarks(rule, feed.match)):
        raise UnsatisfiedAssumption
    return feed


@given(rules)
def test_written_rules_are_read_as_they_were(plain: dict[str, Any]) -> None:
    """For every feed that feeds.toml may hold, the URL gives the same scores, thresholds and title."""
    own = named(sound(plain))
    feed = read_custom(write_rules(own)).feed
    assert own == feed
    assert own.scoring_fingerprint == feed.scoring_fingerprint


@given(rules)
def test_a_form_sends_what_the_url_holds(plain: dict[str, Any]) -> None:
    """Browsers send every field, lists with line breaks, spaces as plus: that is the same feed."""
    feed = sound(plain)
    sent = dict.fromkeys(RULES, "") | rules_of(feed)
    raw = "&".join(f"{name}={quote(value, safe='').replace('%20', '+')}" for name, value in sent.items())
    assert named(feed) == read_custom(raw).feed


@given(st.lists(parts))
def test_lists_are_split_as_they_were_joined(texts: list[str]) -> None:
    """Quoted parts, between commas or line breaks, come back as they were."""
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    for rules in (False, True):
        assert texts == split_list(",".join(quoted(text, rules=rules) for text in texts), rules=rules)
        assert texts == split_list("\r\n".join(quoted(text, rules=rules) for text in texts), rules=rules)


@given(st.dictionaries(st.sampled_from(sorted(RULES)), st.one_of(parts, st.text(max_size=200))))
def test_nothing_breaks_it(rules: dict[str, str]) -> None:
    """Whatever is sent is either a feed or problems at fields that were sent, or at the category that was not."""
    feed, problems = read_rules(rules)
    assert (feed is None) == bool(problems)
    assert problems.keys() <= {*rules, "category"}


@each_row(
    ("query", "labels"),
    [
        ("keywords=C++:3", ("C++",)),
        ("keywords=C%2B%2B:3,KV+cache", ("C++", "KV cache")),
        ("keywords=C++,g++", ("C++", "g++")),
        ("keywords=%22page+table%22:3", ('"page table"',)),
        ("keywords=au:Quill%2C+Ada", ("au:Quill", "Ada")),
        ("keywords=au:%22Quill,+Ada%22:2,ti:%22a,+b%22", ("au:Quill, Ada", 'ti:"a, b"')),
        ("keywords=prefill+OR+decode:2", ("prefill OR decode",)),
        ("keywords=title:cache,AU:Quill", ("ti:cache", "au:Quill")),
    ],
)
def test_rules_in_an_address(query: str, labels: tuple[str, ...]) -> None:
    """An address takes the grammar of rules; a plus is a space, but for the two of C++."""
    assert labels == read_custom(f"category=cs.AI&{query}").feed.labels


@each_row(
    ("query", "said"),
    [
        ("keywords=LLM:three", "no weight"),
        ("keywords=LLM:", "nothing stands behind the colon"),
        ("keywords=LLM%EF%BC%8Cprefill", "LLM,prefill"),
        ("keywords=LLM%EF%BC%9A3", "LLM:3"),
        ("keywords=LLM%3Bprefill", "several rules"),
        ("keywords=LLM%7Cprefill", "AND or OR"),
        ("keywords=titel:LLM", "near it: title:"),
        ("exclude=-survey", "exclude"),
        ("exclude=LLM+AND", "AND, OR and NOT"),
    ],
)
def test_rules_that_are_probably_not_intended(query: str, said: str) -> None:
    """In an address, what `check` would warn of is refused with the mend."""
    with pytest.raises(QueryError, match=re.escape(said)):
        read_custom(f"category=cs.AI&{query}")


def test_least_score_of_an_address() -> None:
    """With keywords an address selects what has points, unless it says `min_score`."""
    assert 1 == read_custom("category=cs.LG&keywords=protein").feed.min_score
    assert 0 == read_custom("category=cs.LG&keywords=protein&min_score=0").feed.min_score
    assert "min_score" not in write_rules(read_custom("category=cs.LG&keywords=protein:2").feed)
    assert "min_score=0" in write_rules(read_custom("category=cs.LG&keywords=protein&min_score=0").feed)
