"""What the conditions of a query select, over a handful of entries."""

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import ANNOUNCE_TYPES
from core.model.paper import Author
from core.model.query import COMPARISONS, FIELDS, Condition, parse_query, predicate, select
from tests.support.invented import THURSDAY, make_entry
from tests.support.tables import each_row

ENTRIES = [
    make_entry(
        1,
        score=10.0,
        title="KV-Cache Sharing",
        abstract="Code at https://github.com/sample/tool.",
        categories=("cs.DC", "cs.LG"),
        matched=("KV cache", "ti:sharing"),
        learned=4.0,
        vote=1,
        points=7.5,
        band="must-read",
        upvotes=50,
        published="2026-03-04T18:00:00Z",
        updated="2026-03-05T18:00:00Z",
    ),
    make_entry(
        2,
        score=2.5,
        version=3,
        title="Über Läufe",
        abstract="Nothing, really.",
        authors=(Author("Émile Sample", "Sample Institute"),),
        categories=("math.CO", "cs.DM"),
        type="replace",
        announced=THURSDAY,
        points=3.0,
        band="review",
        published="2025-12-30T23:59:59Z",
        updated="2026-03-04T00:00:00Z",
    ),
    make_entry(3, score=-1.0, title="Cache", categories=("astro-ph.GA",), type="cross", feed="storage"),
    make_entry(4, id="solv-int/9701001", version=2, title="Old", authors=(), categories=("nlin.SI",), type="cross"),
]

SELECTED = [
    # numbers; a missing one meets "!=" alone
    ("score=2.5", [2]),
    ("score!=2.5", [1, 3, 4]),
    ("score>2.5", [1]),
    ("score>=2.5", [1, 2]),
    ("score<0", [3]),
    ("score<=0", [3, 4]),
    ("score=10,-1", [1, 3]),
    ("score!=10,-1", [2, 4]),
    ("score>=10,0", [1, 2, 4]),
    ("score>0&score<10", [2]),
    ("words>=6", [1]),
    ("words<=2.5", [2, 3, 4]),
    ("learned>0", [1]),
    ("learned<=0", [2, 3, 4]),
    ("vote=1", [1]),
    ("vote!=1", [2, 3, 4]),
    ("points>=3", [1, 2]),
    ("points<100", [1, 2]),
    ("points!=3", [1, 3, 4]),
    ("points=3,7.5", [1, 2]),
    ("upvotes=50", [1]),
    ("upvotes<=50", [1]),
    # dates
    ("announced=2026-03-06", [1, 3, 4]),
    ("announced!=2026-03-06", [2]),
    ("announced<2026-03-06", [2]),
    ("announced>=2026-03-05", [1, 2, 3, 4]),
    ("announced>2026-03-06", []),
    ("published=2026-03-04", [1]),
    ("published<2026-01-01", [2]),
    ("published<=2025-12-30", [2]),
    ("published!=2026-03-04", [2, 3, 4]),
    ("updated>=2026-03-04", [1, 2]),
    ("updated=2026-03-04,2026-03-05", [1, 2]),
    # names
    ("band=must-read", [1]),
    ("band=must-read,review", [1, 2]),
    ("band!=must-read", [2, 3, 4]),
    ("band!=must-read,review", [3, 4]),
    ("type=new", [1]),
    ("type=cross,replace", [2, 3, 4]),
    ("type!=cross", [1, 2]),
    ("has=code", [1]),
    ("has!=code", [2, 3, 4]),
    ("has=summary", []),
    ("has=code,summary", [1]),
    ("feed=main", [1, 2, 4]),
    ("feed!=main", [3]),
    # categories, archives
    ("category=cs.LG", [1]),
    ("category=cs", [1, 2]),
    ("category=cs.LG,astro-ph", [1, 3]),
    ("category!=cs", [3, 4]),
    ("category=math", [2]),
    ("category=math-ph", []),
    ("primary=cs.LG", []),
    ("primary=cs.DC", [1]),
    ("primary=cs", [1]),
    ("primary!=cs", [2, 3, 4]),
    ("primary=math,nlin", [2, 4]),
    # identifiers, with any version or with one
    ("id=2601.00001", [1]),
    ("id=2601.00002", [2]),
    ("id=2601.00002v3", [2]),
    ("id=2601.00002v1", []),
    ("id=2601.00001,2601.00003v1", [1, 3]),
    ("id!=2601.00001", [2, 3, 4]),
    ("id=solv-int/9701001v2", [4]),
    ("id=solv-int/9701001", [4]),
    ("id!=solv-int/9701001", [1, 2, 3]),
    # texts, whatever the case, accents and dashes
    ("title~cache", [1, 3]),
    ("title~kv+cache", [1]),
    ("title~KV-CACHE", [1]),
    ("title~uber,old", [2, 4]),
    ("title=cache", [3]),
    ("title=uber+laufe", [2]),
    ("title!=cache", [1, 2, 4]),
    ("text~nothing", [2]),
    ("text~github.com", [1]),
    ("text~sharing+code", [1]),
    ("author~emile", [2]),
    ("author~sample", [1, 2, 3]),
    ("author~institute", []),
    ("author=first+sample", [1, 3]),
    ("author=first", []),
    ("author!=first+sample", [2, 4]),
    ("keyword=kv-cache", [1]),
    ("keyword~cache", [1]),
    ("keyword=ti:sharing", [1]),
    ("keyword=sharing", []),
    ("keyword!=kv+cache", [2, 3, 4]),
    # all must hold
    ("title~cache&type=cross", [3]),
    ("title~cache&score>0&category=cs&band=must-read", [1]),
    ("type=new&type=cross", []),
    ("", [1, 2, 3, 4]),
]


@each_row(("raw", "expected"), SELECTED)
def test_selected(raw: str, expected: list[int]) -> None:
    """A query selects the entries that meet all of its conditions, in their order."""
    found = select(ENTRIES, parse_query(raw, owner=True).conditions)
    assert [ENTRIES[number - 1] for number in expected] == found


def test_every_field_and_operator_is_tried() -> None:
    """The table above has every operator of every field."""
    tried = {(c.field, c.operator) for raw, _ in SELECTED for c in parse_query(raw, owner=True).conditions}
    assert {f for f, _ in tried} == set(FIELDS)
    assert {o for _, o in tried} == set(COMPARISONS)


VALUES = {
    "number": st.floats(-20, 20) | st.sampled_from([10.0, 2.5, -1.0, 0.0]),
    "date": st.dates(date(2026, 3, 4), date(2026, 3, 7)),
    "type": st.sampled_from(ANNOUNCE_TYPES),
}
conditions = (
    st.builds(Condition, st.sampled_from(["score", "points", "upvotes"]), st.just("="), st.tuples(VALUES["number"]))
    | st.builds(Condition, st.sampled_from(["announced", "updated"]), st.just("="), st.tuples(VALUES["date"]))
    | st.builds(Condition, st.just("type"), st.just("="), st.lists(VALUES["type"], min_size=1).map(tuple))
)


@given(conditions)
def test_not_equal_is_the_rest(condition: Condition) -> None:
    """What "!=" selects is exactly what "=" leaves."""
    equal = select(ENTRIES, [condition])
    other = select(ENTRIES, [Condition(condition.field, "!=", condition.values)])
    assert [entry for entry in ENTRIES if entry not in equal] == other


@given(st.sampled_from(["score", "points"]), st.lists(VALUES["number"], min_size=1, max_size=3).map(tuple))
def test_orders_agree(field: str, values: tuple[float, ...]) -> None:
    """For entries that have the value, ">=" is ">" or "=", and "<" is what is not ">=" for one value."""
    by = {op: predicate(Condition(field, op, values)) for op in ("=", ">", ">=", "<", "<=")}
    for entry in ENTRIES:
        assert by[">="](entry) is (by[">"](entry) or by["="](entry))
        assert by["<="](entry) is (by["<"](entry) or by["="](entry))
        if len(values) == 1 and getattr(entry, field) is not None:
            assert by["<"](entry) is not by[">="](entry)


@given(st.lists(conditions, max_size=4), st.randoms(use_true_random=False))
def test_order_of_conditions_does_not_matter(found: list[Condition], shuffle: random.Random) -> None:
    """The entries that are selected, and their order, do not depend on the order of the conditions."""
    other = list(found)
    shuffle.shuffle(other)
    assert select(ENTRIES, found) == select(ENTRIES, other)
