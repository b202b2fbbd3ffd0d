"""Pages: order, ties, missing values, the best of each day, and cursors that survive new batches."""

import base64
import json
import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.model.batch import make_batch
from core.model.entries import Day, best_of_each_day, choose, first_announced, make_entries
from core.model.errors import QueryError
from core.model.feed import Entry
from core.model.pagination import Page, paginate, ranked
from core.model.query import SORTABLE, parse_query
from core.model.scoring import Score
from core.util.signing import fingerprint
from tests.support.invented import FRIDAY, THURSDAY, announce, make_entry, make_feed
from tests.support.tables import each_row

MONDAY = date(2026, 3, 9)

days = st.dates(date(2026, 3, 2), FRIDAY)
entries = st.lists(
    st.builds(
        make_entry,
        st.integers(1, 30),
        score=st.integers(0, 4).map(lambda n: n / 2),
        announced=days,
        feed=st.sampled_from(["main", "storage"]),
        points=st.none() | st.integers(0, 3).map(float),
        upvotes=st.none() | st.integers(0, 3),
        published=st.sampled_from(["", "2026-03-01T00:00:00Z", "2026-02-01T12:00:00Z"]),
        title=st.sampled_from(["A", "B", "b", "É"]),
    ),
    max_size=25,
    unique_by=lambda entry: (entry.id, entry.announced, entry.feed),
)
sorts = st.lists(
    st.builds("{}{}".format, st.sampled_from(["", "-"]), st.sampled_from(SORTABLE)),
    max_size=3,
    unique_by=lambda key: key.removeprefix("-"),
).map(lambda keys: f"sort={','.join(keys)}" if keys else "")


def numbers(found: list[Entry] | tuple[Entry, ...]) -> list[int]:
    return [int(entry.id[5:]) for entry in found]


def walk(found: list[Entry], raw: str, later: list[Entry] | None = None) -> list[Entry]:
    """All pages of a query one after the other; from the second page on, the entries are `later`."""
    out: list[Entry] = []
    cursor = ""
    for _ in range(1000):
        shown = paginate(found, parse_query(f"{raw}&cursor={cursor}"))
        out += shown.entries
        if not (cursor := shown.next):
            return out
        found = found if later is None else later
    raise AssertionError("the pages do not end")


def encode(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


MIXED = [
    make_entry(1, score=1, title="B", points=2.0, published="2026-02-01T00:00:00Z"),
    make_entry(2, score=3, title="a", upvotes=7, announced=THURSDAY, published="2026-01-01T00:00:00Z"),
    make_entry(3, score=2, title="C", points=5.0, announced=THURSDAY, updated="2026-03-04T00:00:00Z"),
    make_entry(4, score=3, title="A", upvotes=9, updated="2026-03-03T00:00:00Z"),
]


@each_row(
    ("raw", "expected"),
    [
        ("", [1, 4, 3, 2]),
        ("sort=score", [1, 3, 4, 2]),
        ("sort=-score", [4, 2, 3, 1]),
        ("sort=announced", [2, 3, 1, 4]),
        ("sort=-announced", [1, 4, 2, 3]),
        ("sort=announced,-score", [2, 3, 4, 1]),
        ("sort=-score,id", [2, 4, 3, 1]),
        ("sort=-score,-id", [4, 2, 3, 1]),
        ("sort=id", [1, 2, 3, 4]),
        ("sort=-id", [4, 3, 2, 1]),
        ("sort=title", [4, 1, 3, 2]),
        ("sort=points", [1, 3, 4, 2]),
        ("sort=-points", [3, 1, 4, 2]),
        ("sort=upvotes", [2, 4, 1, 3]),
        ("sort=-upvotes", [4, 2, 1, 3]),
        ("sort=published", [2, 1, 4, 3]),
        ("sort=-published", [1, 2, 4, 3]),
        ("sort=-updated", [3, 4, 1, 2]),
        ("sort=-points,title", [3, 1, 4, 2]),
    ],
)
def test_order(raw: str, expected: list[int]) -> None:
    """Entries come in the order asked for, missing values last; ties newer first, then by identifier."""
    for found in (MIXED, MIXED[::-1]):
        assert expected == numbers(ranked(found, parse_query(raw)))


def test_ties_between_feeds() -> None:
    """The same paper of one day in two feeds comes in the order of the feeds' names."""
    both = [make_entry(1, feed="storage"), make_entry(1, feed="main")]
    assert [entry.feed for entry in ranked(both, parse_query(""))] == ["main", "storage"]


@given(entries, sorts, st.randoms(use_true_random=False))
def test_order_is_independent_of_where_entries_come_from(found: list[Entry], raw: str, shuffle: random.Random) -> None:
    """The order is total: in whatever order entries are found, they are shown in one."""
    other = list(found)
    shuffle.shuffle(other)
    assert ranked(found, parse_query(raw)) == ranked(other, parse_query(raw))


@pytest.mark.parametrize(
    ("limit", "shown", "more"),
    [(1, [1], True), (3, [1, 4, 3], True), (4, [1, 4, 3, 2], False), (500, [1, 4, 3, 2], False)],
)
def test_first_page(limit: int, shown: list[int], more: bool) -> None:
    """A page has as many entries as asked for, the number of all, and a cursor only if there are more."""
    first = paginate(MIXED, parse_query(f"limit={limit}"))
    assert (numbers(first.entries), first.total, bool(first.next)) == (shown, 4, more)


def test_no_entries() -> None:
    """Where nothing was found there is one empty page."""
    first = paginate([], parse_query("limit=5"))
    assert (first.entries, first.total, first.next) == ((), 0, "")


@given(entries, sorts, st.integers(1, 7))
def test_pages_have_every_entry_once(found: list[Entry], sort: str, limit: int) -> None:
    """Walking the pages of any order gives every entry exactly once, in that order."""
    assert ranked(found, parse_query(sort)) == walk(found, f"{sort}&limit={limit}")


@given(entries, st.lists(st.builds(make_entry, st.integers(31, 60), score=st.integers(0, 4)), max_size=9), sorts)
def test_pages_survive_a_new_day(found: list[Entry], numbered: list[Entry], sort: str) -> None:
    """A day that arrives between two pages neither repeats nor hides an entry of the days before."""
    new = {e.id: make_entry(int(e.id[5:]), score=e.score, announced=MONDAY) for e in numbered}
    shown = walk(found, f"{sort}&limit=4", [*new.values(), *found])
    assert ranked(found, parse_query(sort)) == [entry for entry in shown if entry.announced != MONDAY]
    assert len(shown) == len({(entry.id, entry.announced, entry.feed) for entry in shown})


def test_two_versions_of_a_paper_on_one_day() -> None:
    """Two versions of a paper that were announced on one day are two entries, also across a page's end."""
    both = [make_entry(1), make_entry(1, version=2, type="replace")]
    assert len(walk(both, "limit=1")) == 2
    assert ranked(both, parse_query("")) == ranked(both[::-1], parse_query(""))


def test_a_new_day_is_not_shown_on_later_pages_of_the_default_order() -> None:
    """In the default order a new day belongs before the first page, which has been read already."""
    later = [make_entry(9, score=99, announced=MONDAY), *MIXED]
    assert numbers(walk(MIXED, "limit=2", later)) == [1, 4, 3, 2]


@pytest.mark.parametrize("sort", ["sort=-score", "sort=score", ""])
def test_pages_of_a_capped_feed_survive_a_new_day(sort: str) -> None:
    """With so many a day, the choice of the days before does not change when a new one arrives."""
    feed = make_feed(max_entries=3)
    before = [make_entry(n, score=n % 5, announced=FRIDAY - timedelta(days=n % 4)) for n in range(1, 25)]
    after = [*before, *(make_entry(n, score=n % 5, announced=MONDAY) for n in range(25, 35))]
    query = parse_query(f"{sort}&limit=2")
    chosen = choose(feed, before, query, capped=True)
    shown = walk(chosen, f"{sort}&limit=2", choose(feed, after, query, capped=True))
    assert len(chosen) == 12
    assert ranked(chosen, query) == [entry for entry in shown if entry.announced != MONDAY]


def test_a_vanished_entry_does_not_break_the_walk() -> None:
    """If the last entry of a page is gone when the next one is asked for, the walk goes on at its place."""
    cursor = paginate(MIXED, parse_query("limit=2")).next
    rest = paginate([entry for entry in MIXED if entry.id != "2601.00004"], parse_query(f"limit=2&cursor={cursor}"))
    assert (numbers(rest.entries), rest.next) == ([3, 2], "")


def test_the_size_of_pages_may_change() -> None:
    """A cursor may be followed with another limit."""
    cursor = paginate(MIXED, parse_query("limit=1")).next
    assert numbers(paginate(MIXED, parse_query(f"limit=9&cursor={cursor}")).entries) == [4, 3, 2]


@each_row(
    ("of", "other"),
    [
        ("", "score>=1"),
        ("score>=1", "score>=2"),
        ("sort=score", "sort=-score"),
        ("sort=score", ""),
        ("per_day=1", "per_day=2"),
        ("title~a", "title~A"),
    ],
)
def test_cursors_of_another_query(of: str, other: str) -> None:
    """A cursor that another query gave is refused, with the way out."""
    cursor = paginate(MIXED, parse_query(f"{of}&limit=1")).next
    message = "belongs to another query: leave it out, or repeat the query that gave it"
    with pytest.raises(QueryError, match=message) as caught:
        paginate(MIXED, parse_query(f"{other}&limit=1&cursor={cursor}"))
    assert caught.value.token == f"cursor={cursor}"


@each_row(
    "cursor",
    [
        "x",
        "!!!!",
        "é",
        "AAAA",
        "a" * 41,
        encode(None),
        encode(7),
        encode([]),
        encode([1]),
        encode("ab"),
        encode({"a": 1, "b": 2}),
        encode([1, 2, 3]),
        encode([fingerprint("other"), []]),
        base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
        base64.urlsafe_b64encode(b"[" * 2500).decode(),
        base64.urlsafe_b64encode(b"[1" + b"0" * 2900 + b",[]]").decode().rstrip("="),
    ],
)
def test_foreign_cursors(cursor: str) -> None:
    """What was never a cursor is refused."""
    with pytest.raises(QueryError, match="cursor"):
        paginate(MIXED, parse_query(f"cursor={cursor}"))


def attempt(raw: str) -> Page | QueryError:
    try:
        return paginate(MIXED, parse_query(raw))
    except QueryError as error:
        return error


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2026-03-06")
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=2), scalars, max_size=1)


@given(st.lists(values, min_size=5, max_size=5) | st.lists(values, max_size=6) | values)
@example([1, 2, 3, 4, 5])
@example(["2026-03-06", [], "2026-03-06", "2601.00001", "main"])
@example(["2026-03-06", None, None, None, None])
def test_cursors_with_another_content(place: Any) -> None:
    """A cursor whose content was changed is refused or leads to some page, and never to another error."""
    cursor = encode([fingerprint(parse_query("").selection), place])
    shown = attempt(f"cursor={cursor}")
    if isinstance(shown, QueryError):
        assert shown.token == f"cursor={cursor}"
    else:
        assert set(numbers(shown.entries)) <= {1, 2, 3, 4}


@given(st.integers(0), st.text("ABCxyz019-_", min_size=1, max_size=2))
def test_damaged_cursors(at: int, damage: str) -> None:
    """A cursor of which some characters were changed is refused or leads to some page."""
    cursor = paginate(MIXED, parse_query("limit=1")).next
    at %= len(cursor)
    damaged = cursor[:at] + damage + cursor[at + 1 :]
    assume(damaged != cursor)
    shown = attempt(f"limit=1&cursor={damaged}")
    if isinstance(shown, QueryError):
        assert shown.token == f"cursor={damaged}"
    else:
        assert len(shown.entries) <= 1


@each_row("missing", range(1, 20))
def test_truncated_cursors(missing: int) -> None:
    """A cursor that lost its end is refused."""
    cursor = paginate(MIXED, parse_query("limit=1")).next
    with pytest.raises(QueryError, match="leave it out, and begin with the first page again"):
        paginate(MIXED, parse_query(f"limit=1&cursor={cursor[:-missing]}"))


CANDIDATES = [
    make_entry(1, score=5),
    make_entry(2, score=5),
    make_entry(3, score=1),
    make_entry(4, score=4, type="cross"),
    make_entry(5, score=2.5, announced=THURSDAY),
    make_entry(6, score=9, announced=THURSDAY, type="replace"),
    make_entry(7, score=3, announced=THURSDAY),
]


@each_row(
    ("settings", "raw", "capped", "expected"),
    [
        ({}, "", True, [1, 2, 3, 5, 7]),
        ({"min_score": 2.5}, "", True, [1, 2, 5, 7]),
        ({"min_score": 2.5}, "score>=1", True, [1, 2, 3, 5, 7]),
        ({"min_score": 2.5}, "score<3", True, [3, 5]),
        ({"min_score": 2.5}, "title~title", True, [1, 2, 5, 7]),
        ({"announce_types": ("new", "cross")}, "", True, [1, 2, 3, 4, 5, 7]),
        ({"announce_types": ("new", "cross")}, "type=replace", True, [6]),
        ({"min_score": 9.5}, "type=replace", True, []),
        ({"max_entries": 1}, "", True, [1, 7]),
        ({"max_entries": 1}, "", False, [1, 2, 3, 5, 7]),
        ({"max_entries": 1}, "per_day=2", True, [1, 2, 5, 7]),
        ({"max_entries": 1}, "per_day=2", False, [1, 2, 5, 7]),
        ({"max_entries": 1}, "score<4", True, [3, 7]),
        ({"max_entries": 2, "min_score": 3}, "", True, [1, 2, 7]),
    ],
)
def test_choose(settings: dict[str, Any], raw: str, capped: bool, expected: list[int]) -> None:
    """A feed's thresholds hold where the query does not name the field; so many a day are the best of what is left."""
    found = choose(make_feed(**settings), CANDIDATES, parse_query(raw), capped=capped)
    assert expected == sorted(numbers(found))


@given(entries, st.integers(1, 4))
def test_best_of_each_day(found: list[Entry], count: int) -> None:
    """Of each day the `count` best are chosen: none that is left out is better than one that is in."""
    found = [entry for entry in found if entry.feed == "main"]
    best = best_of_each_day(found, count)
    for day in {entry.announced for entry in found}:
        inside = [entry for entry in best if entry.announced == day]
        outside = [entry for entry in found if entry.announced == day and entry not in inside]
        assert len(inside) == min(count, len(inside) + len(outside))
        assert all((-i.standing, -i.score, i.id) < (-o.standing, -o.score, o.id) for i in inside for o in outside)


def test_make_entries() -> None:
    """A batch is shown best first with each entry's rank; papers that are excluded or not scored are left out."""
    items = [
        announce(1, "cs.LG"),
        announce(2, "cs.CL", "cs.LG"),
        announce(3, "cs.LG"),
        announce(4, "cs.LG"),
        announce(4, "cs.LG", version=2, served="replace"),
        announce(5, "cs.CL"),
    ]
    scores = {
        "2601.00001v1": Score(1.0, (), ("LLM",)),
        "2601.00002v1": Score(2.5, (), ("LLM", "cache")),
        "2601.00003v1": None,
        "2601.00004v1": Score(1.0, (), ()),
        "2601.00004v2": Score(1.0, (), ()),
    }
    made = make_entries(make_feed(), make_batch(FRIDAY, items), scores)
    assert [(e.paper.versioned, e.rank, e.type, e.score, e.matched) for e in made] == [
        ("2601.00002v1", 0, "cross", 2.5, ("LLM", "cache")),
        ("2601.00001v1", 1, "new", 1.0, ("LLM",)),
        ("2601.00004v2", 2, "replace", 1.0, ()),
        ("2601.00004v1", 3, "new", 1.0, ()),
    ]
    assert {(entry.feed, entry.announced) for entry in made} == {("main", FRIDAY)}


def test_first_announced() -> None:
    """A paper that was announced on several days is shown on the first of them; a later version as a replacement only.

    A cross-list of a later version is no news where the paper was.
    """
    friday = [make_entry(1), make_entry(2), make_entry(3, version=2, type="replace"), make_entry(4, version=2)]
    thursday = [make_entry(number, announced=THURSDAY) for number in (2, 3, 4)]
    expected = [friday[0], friday[2], *thursday]
    assert expected == first_announced([Day(tuple(friday)), Day(tuple(thursday))])
