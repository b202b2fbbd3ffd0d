"""The filter grammar: what is accepted and what it means; what is refused, and with which words."""

import random
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.model.errors import QueryError
from core.model.query import DEFAULT_LIMIT, DEFAULT_SORT, FIELDS, PARAMETERS, Condition, Query, parse_query
from core.model.rubric import BANDS
from tests.support.tables import each_row

DAY = date(2026, 3, 6)
NAMES = (*FIELDS, *PARAMETERS)
ORDERED = ("=", "!=", ">=", ">", "<=", "<")
ORDERS = tuple(
    sign + name
    for name in ("score", "words", "learned", "points", "announced", "published", "updated", "upvotes", "title", "id")
    for sign in ("", "-")
)
ENTRY_FIELDS = ("id", "title", "score")

ACCEPTED = [
    # numbers
    ("score>=10", Condition("score", ">=", (10.0,))),
    ("score>10", Condition("score", ">", (10.0,))),
    ("score<=10", Condition("score", "<=", (10.0,))),
    ("score<10", Condition("score", "<", (10.0,))),
    ("score=10", Condition("score", "=", (10.0,))),
    ("score!=10", Condition("score", "!=", (10.0,))),
    ("score>=-2.5", Condition("score", ">=", (-2.5,))),
    ("score>=.5", Condition("score", ">=", (0.5,))),
    ("score>=1e1", Condition("score", ">=", (10.0,))),
    ("score=1,2,3", Condition("score", "=", (1.0, 2.0, 3.0))),
    ("points>=4", Condition("points", ">=", (4.0,))),
    ("upvotes>50", Condition("upvotes", ">", (50.0,))),
    # dates
    ("announced=2026-03-06", Condition("announced", "=", (DAY,))),
    ("announced>=2026-03-06", Condition("announced", ">=", (DAY,))),
    ("published<2026-03-06", Condition("published", "<", (DAY,))),
    ("updated!=2026-03-06", Condition("updated", "!=", (DAY,))),
    # names
    ("band=must-read", Condition("band", "=", ("must-read",))),
    ("band!=skip,review", Condition("band", "!=", ("skip", "review"))),
    ("type=new,cross", Condition("type", "=", ("new", "cross"))),
    ("type!=replace-cross", Condition("type", "!=", ("replace-cross",))),
    ("has=code", Condition("has", "=", ("code",))),
    ("has=summary,pdf-analysis", Condition("has", "=", ("summary", "pdf-analysis"))),
    ("feed=main", Condition("feed", "=", ("main",))),
    # categories and identifiers
    ("category=cs.DC", Condition("category", "=", ("cs.DC",))),
    ("category=cs.DC,cs.LG", Condition("category", "=", ("cs.DC", "cs.LG"))),
    ("category=cs", Condition("category", "=", ("cs",))),
    ("primary!=astro-ph.GA", Condition("primary", "!=", ("astro-ph.GA",))),
    ("id=2601.00001", Condition("id", "=", ("2601.00001",))),
    ("id=2601.00001v2,arXiv:2601.00002", Condition("id", "=", ("2601.00001v2", "2601.00002"))),
    ("id=https://arxiv.org/abs/math.AG/0601001v1", Condition("id", "=", ("math/0601001v1",))),
    # texts
    ("title~cache", Condition("title", "~", ("cache",))),
    ("title~KV+cache", Condition("title", "~", ("KV cache",))),
    ("title~KV%20cache", Condition("title", "~", ("KV cache",))),
    ("title=A+Title", Condition("title", "=", ("A Title",))),
    ("title!=A+Title", Condition("title", "!=", ("A Title",))),
    ("text~a%26b", Condition("text", "~", ("a&b",))),
    ("text~a=b", Condition("text", "~", ("a=b",))),
    ("text~~", Condition("text", "~", ("~",))),
    ("text~C%2B%2B", Condition("text", "~", ("C++",))),
    ("author~Sample", Condition("author", "~", ("Sample",))),
    ("author~%C3%89mile", Condition("author", "~", ("Émile",))),
    ("author~Émile", Condition("author", "~", ("Émile",))),
    ("author=First+Sample,Second+Sample", Condition("author", "=", ("First Sample", "Second Sample"))),
    ("keyword=KV+cache", Condition("keyword", "=", ("KV cache",))),
    # white space and encoding around the parts
    ("score >= 10", Condition("score", ">=", (10.0,))),
    ("+score+>=+10+", Condition("score", ">=", (10.0,))),
    ("%73core%3e10", Condition("score", ">", (10.0,))),
    ("type= new , cross", Condition("type", "=", ("new", "cross"))),
]

PARAMETER_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("&", {}),
    ("&&&", {}),
    ("limit=1", {"limit": 1}),
    ("limit=500", {"limit": 500}),
    ("limit=007", {"limit": 7}),
    ("per_day=3", {"per_day": 3}),
    ("cursor=abc_-", {"cursor": "abc_-"}),
    ("cursor=", {}),
    ("sort=score", {"sort": (("score", False),)}),
    ("sort=-score", {"sort": (("score", True),)}),
    ("sort=-score,title", {"sort": (("score", True), ("title", False))}),
    ("sort=-announced,+-points,id", {"sort": (("announced", True), ("points", True), ("id", False))}),
    ("fields=id", {"fields": ("id",)}),
    ("fields=score,+id", {"fields": ("score", "id")}),
    (
        "limit=2&&per_day=1&sort=id&",
        {"limit": 2, "per_day": 1, "sort": (("id", False),)},
    ),
]

REFUSED: list[tuple[str, str, tuple[str, ...]]] = [
    # raw query, message, allowed
    ("score", "is not of the form field, operator, value", NAMES),
    ("=10", "is not of the form field, operator, value", NAMES),
    (">=", "is not of the form field, operator, value", NAMES),
    ("Score>=10", "is not of the form field, operator, value", NAMES),
    ("score.x>=10", "is not of the form field, operator, value", NAMES),
    ("scores>=10", "there is no field 'scores'", NAMES),
    ("titel~x", "there is no field 'titel'", NAMES),
    ("score~10", "score does not have the operator ~", ORDERED),
    ("announced~2026", "announced does not have the operator ~", ORDERED),
    ("title>x", "title does not have the operator >", ("=", "!=", "~")),
    ("text>=x", "text does not have the operator >=", ("=", "!=", "~")),
    ("category~cs", "category does not have the operator ~", ("=", "!=")),
    ("type>new", "type does not have the operator >", ("=", "!=")),
    ("id<2601.00001", "id does not have the operator <", ("=", "!=")),
    ("score>=", "'' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("score>=ten", "'ten' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("score>==1", "'=1' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("score>=1,", "'' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("score>=nan", "'nan' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("score<inf", "'inf' is not a number", ("a number: points of the feed's keywords, and learned ones",)),
    ("upvotes>1e999", "'1e999' is not a number", ("a number: upvotes on Hugging Face",)),
    (
        "announced=yesterday",
        "'yesterday' is not a date such as 2025-12-30",
        ("a date: when arXiv announced it, US Eastern",),
    ),
    ("published>2026-02-30", "'2026-02-30' is not a date such as 2025-12-30", ("a date: of version 1",)),
    ("type=old", "'old' is not a value of type", ("new", "cross", "replace", "replace-cross")),
    ("type=new,old", "'old' is not a value of type", ("new", "cross", "replace", "replace-cross")),
    ("band=good", "'good' is not a value of band", BANDS),
    ("band=", "the value is empty", BANDS),
    ("has=pdf", "'pdf' is not a value of has", ("summary", "code", "pdf-analysis")),
    (
        "category=cs.XX",
        "'cs.XX' is not an archive or category of arXiv; near it: cs.SY, cs.SI, cs.SE",
        ("a category or archive, such as cs.DC or cs",),
    ),
    ("primary=zzzzzzzz", "'zzzzzzzz' is not an archive or category of arXiv", ("the primary category or its archive",)),
    (
        "id=paper",
        "'paper' is not an arXiv identifier such as 2512.22925v1 or astro-ph/9906432",
        ("an arXiv identifier, with or without version, or a DOI",),
    ),
    ("title~", "the value is empty", ("a title, or with ~ a part of one",)),
    ("feed=", "the value is empty", ("the name of a feed",)),
    ("limit=0", "is not a whole number from 1 to 500", ()),
    ("limit=501", "is not a whole number from 1 to 500", ()),
    ("limit=-1", "is not a whole number from 1 to 500", ()),
    ("limit=1.5", "is not a whole number from 1 to 500", ()),
    ("limit=", "is not a whole number from 1 to 500", ()),
    ("limit=٣", "is not a whole number from 1 to 500", ()),
    ("per_day=all", "is not a whole number from 1 to 500", ()),
    ("limit>=5", "limit takes one value, once", ("limit=",)),
    ("cursor~x", "cursor takes one value, once", ("cursor=",)),
    ("sort=", "is not an order", ORDERS),
    ("sort=best", "is not an order", ORDERS),
    ("sort=--score", "is not an order", ORDERS),
    ("sort=score,", "is not an order", ORDERS),
    ("sort=author", "is not an order", ORDERS),
    ("fields=id,abstrakt", "an entry has no field 'abstrakt'", ENTRY_FIELDS),
    ("fields=", "an entry has no field ''", ENTRY_FIELDS),
]
# raw query, and that part of it which is named
PARTS_REFUSED = [
    ("%20", " ", "is not of the form field, operator, value", NAMES),
    ("score>=1&junk", "junk", "is not of the form field, operator, value", NAMES),
    ("author=+", "author= ", "the value is empty", ("a name, or with ~ a part of one",)),
    ("limit=1&limit=2", "limit=2", "limit takes one value, once", ("limit=",)),
]


@each_row(("raw", "expected"), ACCEPTED)
def test_conditions(raw: str, expected: Condition) -> None:
    """A condition is a field, an operator and values, in any encoding."""
    assert parse_query(raw) == Query(conditions=(expected,))


@each_row(("raw", "expected"), PARAMETER_VALUES)
def test_parameters(raw: str, expected: dict[str, Any]) -> None:
    """Parameters say how much of the result is shown in which order; what is not said has its default."""
    assert parse_query(raw, entry_fields=ENTRY_FIELDS) == Query(**expected)


def test_defaults() -> None:
    """Without parameters a hundred entries are shown, the newest day first and its best first."""
    assert parse_query("") == Query((), DEFAULT_SORT, DEFAULT_LIMIT, "", None, ())
    assert (DEFAULT_SORT, DEFAULT_LIMIT) == ((("announced", True), ("standing", True), ("score", True)), 100)


def test_many_conditions() -> None:
    """Conditions and parameters mix in any order, and a field may be named twice."""
    query = parse_query("score>=2&sort=-score&category=cs.DC,cs.LG&score<10&limit=20&title~cache")
    assert query == Query(
        (
            Condition("score", ">=", (2.0,)),
            Condition("category", "=", ("cs.DC", "cs.LG")),
            Condition("score", "<", (10.0,)),
            Condition("title", "~", ("cache",)),
        ),
        (("score", True),),
        20,
    )
    assert (query.names("score"), query.names("type")) == (True, False)


@each_row(("raw", "token", "message", "allowed"), [*((raw, raw, *more) for raw, *more in REFUSED), *PARTS_REFUSED])
def test_bad_tokens(raw: str, token: str, message: str, allowed: tuple[str, ...]) -> None:
    """What is not understood is refused with the token, the reason, and what is allowed in its place."""
    with pytest.raises(QueryError) as caught:
        parse_query(raw, entry_fields=ENTRY_FIELDS)
    expected = (f"{token!r}: {message}", token, allowed)
    assert expected == (str(caught.value), caught.value.token, caught.value.allowed)


def test_fields_where_there_are_none_to_choose() -> None:
    """A feed refuses `fields=`, and says where it belongs."""
    with pytest.raises(QueryError, match="'fields=id': feeds have their own fields; `fields` is for /api/papers"):
        parse_query("fields=id")


def test_length() -> None:
    """A query of 4,000 characters is read, a longer one is refused with its beginning."""
    assert len(parse_query("title~" + "x" * 3994).conditions) == 1
    with pytest.raises(QueryError, match="the query is longer than 4000 characters") as caught:
        parse_query("title~" + "x" * 3995)
    assert caught.value.token == "title~" + "x" * 54 + "…"


def test_number_of_conditions() -> None:
    """Forty conditions are read, the forty-first is refused by name."""
    assert len(parse_query("&".join(["score>=1"] * 40)).conditions) == 40
    with pytest.raises(QueryError, match="'score>=2': more than 40 conditions"):
        parse_query("&".join(["score>=1"] * 40 + ["score>=2"]))


@pytest.mark.parametrize("raw", ["score>=10", "score%3E%3D10", "score%3E=10", "score>%3D10"])
def test_encodings_of_an_operator(raw: str) -> None:
    """However browsers and proxies encode `score>=10`, it is one query, and one in the cache."""
    assert parse_query(raw) == parse_query("score>=10")
    assert parse_query(raw).canonical == parse_query("score>=10").canonical


def attempt(raw: str) -> Query | QueryError:
    try:
        return parse_query(raw, entry_fields=ENTRY_FIELDS)
    except QueryError as error:
        return error


@given(
    st.text()
    | st.text(st.characters(exclude_categories=()))
    | st.lists(
        st.sampled_from(
            [*NAMES, *ORDERED, "~", "&", "%", "%3E", "%ff", ",", "+", "-", "1", "cs.LG", "2026-03-06", "\0"]
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_a_query_or_refused(raw: str) -> None:
    """Any text is either a query or raises QueryError with its message, and never anything else."""
    made = attempt(raw)
    if isinstance(made, QueryError):
        assert made.token
        assert str(made).startswith(f"{made.token!r}: ")
    else:
        assert made.canonical


@given(
    st.lists(st.sampled_from([raw for raw, _ in ACCEPTED]), max_size=6),
    st.sampled_from([raw for raw, _ in PARAMETER_VALUES]),
    st.randoms(use_true_random=False),
)
def test_canonical_is_independent_of_order(conditions: list[str], parameters: str, shuffle: random.Random) -> None:
    """The same conditions and parameters in another order are the same query for the cache."""
    tokens = [*conditions, *parameters.split("&")]
    one = parse_query("&".join(tokens), entry_fields=ENTRY_FIELDS).canonical
    shuffle.shuffle(tokens)
    assert one == parse_query("&".join(tokens), entry_fields=ENTRY_FIELDS).canonical


texts = st.text("ab&=~,%+ ", min_size=1, max_size=12).filter(lambda text: all(part.strip() for part in text.split(",")))
two_queries = st.lists(texts.map(lambda text: f"title~{quote(text, safe=',')}"), max_size=3)


@given(two_queries, two_queries)
@example(["title~a%26title~b"], ["title~a", "title~b"])
def test_canonical_tells_queries_apart(one: list[str], other: list[str]) -> None:
    """Queries with different conditions are never the same for the cache, whatever is in their values."""
    first, second = parse_query("&".join(one)), parse_query("&".join(other))
    same = sorted(map(repr, first.conditions)) == sorted(map(repr, second.conditions))
    assert same is (first.canonical == second.canonical)


@each_row(
    ("one", "other"),
    [
        ("score>=1", "score>1"),
        ("score>=1", ""),
        ("limit=1", "limit=2"),
        ("limit=1", "per_day=1"),
        ("sort=score", "sort=-score"),
        ("cursor=a", "cursor=b"),
        ("fields=id", "fields=id,title"),
        ("category=cs.DC", "primary=cs.DC"),
    ],
)
def test_canonical_of_different_requests(one: str, other: str) -> None:
    """Whatever changes the answer changes the key in the cache."""
    parsed = [parse_query(raw, entry_fields=ENTRY_FIELDS).canonical for raw in (one, other)]
    assert parsed[0] != parsed[1]


@pytest.mark.parametrize("part", ["limit=7", "cursor=abc", "fields=id"])
def test_selection_is_the_same_on_all_pages(part: str) -> None:
    """Which page is shown, how long and in which shape, does not change what is selected."""
    assert parse_query("score>=1").selection == parse_query(f"{part}&score>=1", entry_fields=ENTRY_FIELDS).selection
