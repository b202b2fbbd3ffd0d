"""The search box: what words and filters in it mean, and what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import QueryError
from core.model.feed import Keyword
from core.model.query import Condition, parse_query
from core.model.search import encoded, everything, lowest, parse_search, words_of, written
from tests.support.invented import make_feed
from tests.support.tables import each_row

MEANINGS: list[tuple[str, tuple[str, ...]]] = [
    ("", ()),
    ("   \n ", ()),
    ("cache", ("text~cache",)),
    ("kv  cache", ("text~kv", "text~cache")),
    ("cache cache", ("text~cache",)),
    ('"KV cache"', ("text~KV cache",)),
    ("“KV cache” „state  space“", ("text~KV cache", "text~state space")),
    ('"KV cache', ("text~KV cache",)),
    ("fast, cheap", ("text~fast", "text~cheap")),
    ('"fast, cheap"', ("text~fast", "text~cheap")),
    ("score>=10", ("score>=10",)),
    ("Score>=10 CATEGORY=cs.DC", ("score>=10", "category=cs.DC")),
    ("score>=10 category=cs.DC,cs.LG offloading", ("score>=10", "category=cs.DC,cs.LG", "text~offloading")),
    ('title~"KV cache" x', ("title~KV cache", "text~x")),
    ('author~"Tri Dao"', ("author~Tri Dao",)),
    ("sort=-score limit=5", ("sort=-score", "limit=5")),
    ("2512.22925", ("id=2512.22925",)),
    ("2512.22925v2", ("id=2512.22925v2",)),
    ("https://arxiv.org/abs/hep-th/9901001", ("id=hep-th/9901001",)),
    ("https://example.org/x", ("text~https://example.org/x",)),
    ('"score>=10"', ("text~score>=10",)),
    ('"x<y"', ("text~x<y",)),
    ("C++ R&D 100% ℓ1", ("text~C++", "text~R&D", "text~100%", "text~ℓ1")),
    ("- + …", ()),
]


@each_row(("text", "tokens"), MEANINGS)
def test_meaning(text: str, tokens: tuple[str, ...]) -> None:
    """Words have to be in the text, all of them; filters are filters."""
    assert tokens == parse_search(text)
    parse_query(encoded(tokens))


@each_row(
    ("text", "token", "message"),
    [
        ("scroe>=10", "scroe>=10", "did you mean score"),
        ("E=mc2", "E=mc2", "quotation marks"),
        ("x<y", "x<y", "quotation marks"),
        ("score>= 10", "score>=", "no space"),
        ('title~""', 'title~""', "value is missing"),
        ("w" * 1001, "www", "longer than"),
    ],
)
def test_refused(text: str, token: str, message: str) -> None:
    """What looks like a filter and is none is reported, with what is possible."""
    with pytest.raises(QueryError, match=message) as caught:
        parse_search(text)
    assert token in caught.value.token


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Whatever is typed is understood or refused, and what is understood survives being sent."""
    try:
        tokens = parse_search(text)
    except QueryError:
        return
    query = encoded(tokens)
    assert query.isascii()
    with suppress(QueryError):  # a value that its field does not have
        assert len(tokens) >= len(parse_query(query).conditions)


@given(
    st.lists(
        st.sampled_from(["text~kv cache", "text~x", "title~a b", "score>=3", "title!=A B", "has=code"]), unique=True
    )
)
def test_written(tokens: list[str]) -> None:
    """What is written into the box means what it did."""
    assert tuple(tokens) == parse_search(written(tokens))


def test_everything() -> None:
    """A search opens all scores and types of its feeds, but not those that it names itself."""
    feed = make_feed("cache", Keyword("survey", -2), title_bonus=0.5)
    assert (-3, 0) == (lowest(feed), lowest(make_feed("cache")))
    both = ["score>=-3", "type=new,cross,replace,replace-cross"]
    assert both == everything([make_feed(), feed], parse_query("text~x"))
    assert both[1:] == everything([feed], parse_query("score<4"))
    assert both[:1] == everything([feed], parse_query("type=new"))
    assert ["score>=0"] == everything([], parse_query("type=new"))


def test_words_of() -> None:
    """The words that are looked for in texts, to be marked there."""
    assert ["a", "b", "c"] == words_of(parse_query("text~a,b&title~c&title=d&keyword~e&score>=1"))
    assert Condition("text", "~", ("a", "b")) == parse_query("text~a,b").conditions[0]
