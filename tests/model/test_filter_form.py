"""The form of filters: what a browser sends of it, and how it is filled in again."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.errors import QueryError
from core.model.query import parse_query
from core.model.search import FORM_FIELDS, read_filter_form, without_paging
from tests.support.tables import each_row

EMPTY = dict.fromkeys(("q", *FORM_FIELDS), "")
values = st.fixed_dictionaries(
    {
        "q": st.sampled_from(["", "cache", '"KV cache" x', "has=code score<9"]),
        "score>": st.sampled_from(["", "3", "2.5"]),
        "category": st.sampled_from(["", "cs.DC"]),
        "author~": st.sampled_from(["", "Ada", "Ada Example", "a&b=c"]),
        "announced>": st.sampled_from(["", "2026-03-06"]),
        "sort": st.sampled_from(["", "-score"]),
    }
)


def test_empty_fields_count_as_not_sent() -> None:
    """A form sends all of its fields; those that were left empty mean nothing."""
    form = read_filter_form(urlencode(EMPTY))
    assert ("", (), {"q": ""}) == (form.box, form.tokens, dict(form.values))
    assert "" == form.query()


@each_row(
    ("name", "value", "token"),
    [
        ("score>", "3", "score>=3"),
        ("author~", "Ada", "author~Ada"),
        ("announced<", "2026-03-06", "announced<=2026-03-06"),
        ("category", "cs.DC", "category=cs.DC"),
        ("q", "cache", "text~cache"),
        ("q", "score<=3", "score<=3"),
    ],
)
def test_fields(name: str, value: str, token: str) -> None:
    """A name with an operator at its end is sent as that condition."""
    form = read_filter_form(urlencode({**EMPTY, name: value}))
    assert (token,) == form.all_tokens()
    assert value == form.values[name]


@pytest.mark.parametrize("raw", ["score>=3", "score%3E%3D3", "score%3E=3", "score>%3D3", "&&score>=3&"])
def test_spellings(raw: str) -> None:
    """What somebody wrote by hand is understood as it is by the API."""
    assert parse_query("score>=3") == parse_query(read_filter_form(raw).query())


def test_the_box_takes_up_the_rest() -> None:
    """Filters without a field of their own, and second ones of a field, are in the box when the form is shown again."""
    form = read_filter_form("score>=3&score>=4&title!=A%20B&text~kv&q=more&cursor=abc&limit=5")
    assert {"score>": "3", "limit": "5", "q": 'more score>=4 title!="A B" kv'} == dict(form.values)
    assert ("score>=3", "score>=4", "title!=A B", "text~kv", "cursor=abc", "limit=5", "text~more") == form.all_tokens()


@pytest.mark.parametrize("raw", ["q=nosuch%3D3", "q=score%3E%3D"])
def test_a_wrong_box_keeps_the_rest(raw: str) -> None:
    """What is wrong in the box is said when it is asked for its meaning; the form can be shown all the same."""
    form = read_filter_form(f"{raw}&score>=3")
    assert ("3", form.box) == (form.values["score>"], form.values["q"])
    with pytest.raises(QueryError):
        form.query()


def test_what_is_no_condition_is_kept() -> None:
    """What is not of the form of a condition is for the parser to refuse."""
    assert ("nonsense",) == read_filter_form("nonsense").tokens


def test_without_paging() -> None:
    """Addresses to subscribe to are about a selection, not about a page of it."""
    assert ("score>=3", "sort=-score") == without_paging(("score>=3", "limit=5", "cursor=x", "sort=-score"))


@given(values)
def test_again(sent: dict[str, str]) -> None:
    """A form that is shown again and sent unchanged means the same."""
    once = read_filter_form(urlencode({**EMPTY, **sent}))
    again = read_filter_form(urlencode({**EMPTY, **once.values}))
    assert set(once.all_tokens()) == set(again.all_tokens())
    parse_query(once.query())
