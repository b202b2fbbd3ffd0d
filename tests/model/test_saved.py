"""What the owner saved over feeds.toml: places, names that lead on, what is gone, and the way back."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.model.errors import UnknownName
from core.model.saved import Change, Saved, undone
from core.store.codec import decode_as, encode
from tests.support.tables import each_row

FILE = {"a": "file a", "b": "file b", "c": "file c"}
FEED = {"title": "x"}


def in_force(saved: Saved, file: Mapping[str, str] = FILE) -> list[str]:
    """The feeds in force, as `name` where the file has it so, or `name*` where it was saved."""
    usable = {name: f"{name}*" for name, feed in saved.feeds.items() if feed is not None}
    shown = saved.over(file, usable)
    return [feed if feed.endswith("*") else feed.removeprefix("file ") for feed in shown.values()]


def renamed(saved: Saved, was: str, name: str) -> Saved:
    return saved.with_feed(name, FEED, was=was)


NOTHING = Saved()
CASES = {
    "nothing": (NOTHING, ["a", "b", "c"]),
    "changed": (NOTHING.with_feed("b", FEED), ["a", "b*", "c"]),
    "made": (NOTHING.with_feed("x", FEED), ["a", "b", "c", "x*"]),
    "two made": (NOTHING.with_feed("y", FEED).with_feed("x", FEED), ["a", "b", "c", "y*", "x*"]),
    "deleted": (NOTHING.without("a"), ["b", "c"]),
    "deleted and made again": (NOTHING.without("a").with_feed("a", FEED), ["a*", "b", "c"]),
    "renamed": (renamed(NOTHING, "a", "x"), ["x*", "b", "c"]),
    "renamed twice": (renamed(renamed(NOTHING, "a", "x"), "x", "y"), ["y*", "b", "c"]),
    "renamed and back": (renamed(renamed(NOTHING, "a", "x"), "x", "a"), ["a*", "b", "c"]),
    "renamed and deleted": (renamed(NOTHING, "a", "x").without("x"), ["b", "c"]),
    "renamed, and the old name used anew": (renamed(NOTHING, "a", "x").with_feed("a", FEED), ["x*", "a*", "b", "c"]),
    "renamed to one that is gone": (renamed(NOTHING.without("c"), "a", "c"), ["c*", "b"]),
    "renamed to a gone one before it": (renamed(NOTHING.without("a"), "c", "a"), ["b", "a*"]),
    "the same and back": (renamed(renamed(NOTHING.without("a"), "c", "a"), "a", "c"), ["b", "c*"]),
    "two names swapped": (
        renamed(renamed(renamed(NOTHING, "a", "x"), "b", "a"), "x", "b"),
        ["b*", "a*", "c"],
    ),
    "one that was made renamed": (renamed(NOTHING.with_feed("x", FEED), "x", "y"), ["a", "b", "c", "y*"]),
    "as in the file": (NOTHING.with_feed("b", FEED).as_in_file("b"), ["a", "b", "c"]),
    "renamed, as in the file": (renamed(NOTHING, "a", "x").as_in_file("x"), ["a", "b", "c"]),
    "revoked": (renamed(NOTHING, "a", "x").revoking("x").revoking("x"), ["x*", "b", "c"]),
    "deleted, as in the file": (NOTHING.without("b").as_in_file("b"), ["a", "b", "c"]),
}


@each_row("case", CASES)
def test_places(case: str) -> None:
    """A feed keeps its place whatever it is called: who reads the main feed goes on to read it."""
    saved, expected = CASES[case]
    assert expected == in_force(saved)


@each_row("case", CASES)
def test_stored_as_it_was(case: str) -> None:
    """The JSON values of it are read as the same."""
    saved, _ = CASES[case]
    assert saved == Saved.from_plain(saved.to_plain())


@each_row(
    ("saved", "name", "now"),
    [
        (renamed(NOTHING, "a", "x"), "a", "x"),
        (renamed(renamed(NOTHING, "a", "x"), "x", "y"), "a", "y"),
        (renamed(renamed(NOTHING, "a", "x"), "x", "a"), "a", "a"),
        (renamed(renamed(NOTHING, "a", "x"), "x", "a"), "x", "a"),
        (renamed(NOTHING, "a", "x").with_feed("a", FEED), "a", "a"),
        (renamed(renamed(NOTHING, "a", "x"), "x", "y").without("y"), "a", "a"),
        (renamed(renamed(NOTHING, "a", "x"), "x", "y").without("y").with_feed("x", FEED), "a", "a"),
        (renamed(NOTHING, "a", "x").as_in_file("x"), "x", "a"),
        (Saved(moved={"a": "b", "b": "a"}), "a", "b"),
    ],
)
def test_names_lead_on(saved: Saved, name: str, now: str) -> None:
    """Who subscribed under an old name is led to the feed, and never to another one that has the name later."""
    assert now == saved.name_now(name)


def test_what_was_revoked_stays_revoked() -> None:
    """Under all names of a feed, after it was deleted, and whatever is undone; values stored before had no such."""
    saved = renamed(NOTHING.revoking("a"), "a", "x").revoking("x")
    assert {"a": 2, "x": 1} == saved.revoked
    for later in (saved.without("x"), saved.with_feed("a", FEED), saved.as_in_file("x"), saved.as_before(NOTHING)):
        assert saved.revoked == later.revoked
        assert later.version == saved.version + 1
    assert "revoked" not in NOTHING.with_feed("b", FEED).to_plain()


def test_order_is_stored() -> None:
    """The order of feeds, of which the first is the main one, and of keywords, by which scores are stored, stays."""
    keywords = {"z": 1, "a": 2, "m": 3}
    saved = NOTHING.with_feed("z", FEED | {"keywords": keywords}).with_feed("a", FEED).without("b")
    read = decode_as(Saved.from_plain, encode(saved.to_plain()))
    assert (saved, ["z", "a", "b"]) == (read, list(read.feeds))
    assert [*keywords.items()] == [*(read.feeds["z"] or {})["keywords"].items()]


def test_what_cannot_be_used() -> None:
    """Where a saved feed is no longer valid, that of the file serves, under the name that the feed has now."""
    saved = renamed(NOTHING, "a", "x").with_feed("b", FEED).with_feed("new", FEED)
    assert {"x": "file a", "b": "file b", "c": "file c"} == saved.over(FILE, {})


def test_the_file_changes_under_it() -> None:
    """A new version of feeds.toml keeps what was saved: what it has no place for any more comes last."""
    saved = renamed(NOTHING.with_feed("b", FEED), "a", "x")
    assert ["d", "b*", "x*"] == in_force(saved, {"d": "file d", "b": "file b"})
    assert ["x*", "b*"] == in_force(saved, {"x": "file x", "b": "file b"})


def test_what_is_gone_is_known_where_the_file_has_it() -> None:
    """Of a feed that was made here and deleted nothing stays: feeds.toml may come to have one of that name."""
    saved = NOTHING.with_feed("x", FEED).without("x").without("b").tidied(FILE)
    assert ({"b": None}, ["b"]) == (saved.feeds, saved.removed(FILE))
    assert ["a", "c", "x"] == in_force(saved, {**FILE, "x": "file x"})


def test_renamed_ones_are_not_removed() -> None:
    """Only what is really gone can be put back."""
    saved = renamed(NOTHING, "a", "x").without("c")
    assert ["c"] == saved.removed(FILE)


def test_undo() -> None:
    """Going back to before a change brings everything back, as one more change."""
    first = NOTHING.with_feed("x", FEED)
    second = renamed(first, "a", "y")
    third = second.without("x")
    history = tuple(
        Change("2026-03-06T17:00:00Z", what, s) for what, s in (("3", second), ("2", first), ("1", NOTHING))
    )
    back, what = undone(third, history, 1)
    assert (["a", "b", "c", "x*"], 4, "went back to before “2”") == (in_force(back), back.version, what)
    assert "a" == back.name_now("a")


@pytest.mark.parametrize("number", [-1, 0, 5])
def test_undo_of_nothing(number: int) -> None:
    """There is no change beyond the history."""
    with pytest.raises(UnknownName):
        undone(NOTHING, (), number)


@each_row(
    "plain",
    [
        {},
        {"version": 1, "feeds": [["a", 3]], "moved": {}, "places": {}},
        {"version": 1, "feeds": [["a", {"keywords": {"x": 1}}]], "moved": {}, "places": {}},
        {"version": 1, "feeds": {"ab": None}, "moved": {"a": 1}, "places": 3},
        {"version": "x", "feeds": [], "moved": {}, "places": {}},
        {"version": 1, "feeds": [], "moved": {}},
        [],
    ],
)
def test_anything_else_is_refused(plain: Any) -> None:
    """What another version wrote in another shape is an error that the store's codec translates."""
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        Saved.from_plain(plain)


names = st.sampled_from(["a", "b", "c", "x", "y"])
steps = st.lists(st.tuples(st.sampled_from(["save", "rename", "delete", "restore"]), names, names), max_size=12)


@given(steps)
@example([("save", "x", ""), ("delete", "b", ""), ("rename", "x", "b"), ("rename", "b", "x")])
def test_laws_of_changes(steps: list[tuple[str, str, str]]) -> None:
    """Whatever is done: each feed in force once, renames keep places, all names lead to feeds or nowhere."""
    saved = NOTHING
    for step, name, other in steps:
        before = list(saved.over(FILE, usable(saved)))
        if step == "save":
            saved = saved.with_feed(name, FEED)
        elif step == "rename" and name in before and other not in before:
            saved = saved.with_feed(other, FEED, was=name)
            in_place = [other if one == name else one for one in before]
            takes_a_place = saved.places.get(other, other) not in FILE and other in FILE  # it was made here
            assert takes_a_place or in_place == list(saved.over(FILE, usable(saved)))
            assert other == saved.name_now(name)
        elif step == "delete" and name in before:
            saved = saved.without(name)
            assert [one for one in before if one != name] == list(saved.over(FILE, usable(saved)))
        elif step == "restore" and name in saved.removed(FILE):
            saved = saved.as_in_file(name)
            assert {*before, name} == {*saved.over(FILE, usable(saved))}
        saved = saved.tidied(FILE)
        now = saved.over(FILE, usable(saved))
        assert {name for name, feed in saved.feeds.items() if feed is not None} <= now.keys()
        assert Saved.from_plain(saved.to_plain()) == saved


def usable(saved: Saved) -> dict[str, str]:
    return {name: "saved" for name, feed in saved.feeds.items() if feed is not None}
