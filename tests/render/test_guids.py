"""Which announcements are new entries to a reader: a new version only where the feed includes replacements."""

from datetime import date

import pytest

from core.model.entries import Day, choose, first_announced
from core.model.feed import Feed
from core.model.query import parse_query
from core.render.items import entry_guid
from tests.render import entries_of
from tests.support.arxiv_format import Sheet
from tests.support.invented import FRIDAY, THURSDAY, make_feed

FIRST = Sheet(id="2603.90001", title="A cache")
SECOND = Sheet(id="2603.90001", title="A better cache", version=2)


def guids(feed: Feed, announced: dict[date, list[Sheet]]) -> list[str]:
    """The guids that a reader has seen after each day's poll, newest first."""
    days = [Day(entries_of(sheets, day, feed)) for day, sheets in sorted(announced.items(), reverse=True)]
    return [entry_guid(entry) for entry in choose(feed, first_announced(days), parse_query(""), capped=True)]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("new",), ["1"]),
        (("new", "cross"), ["1"]),
        (("new", "replace"), ["2", "1"]),
        (("replace", "replace-cross"), ["2"]),
    ],
)
def test_new_versions(types: tuple[str, ...], expected: list[str]) -> None:
    """A replacement is an entry of its own where the feed takes replacements, and none at all elsewhere."""
    feed = make_feed(announce_types=types)
    got = guids(feed, {THURSDAY: [FIRST], FRIDAY: [SECOND]})
    assert [f"https://arxiv.org/abs/2603.90001v{version}#main" for version in expected] == got


def test_feeds_do_not_share_guids() -> None:
    """A paper in two feeds has two guids."""
    one, other = (guids(make_feed(name=name), {FRIDAY: [FIRST]}) for name in ("one", "other"))
    assert 2 == len({*one, *other})


def test_guids_stay() -> None:
    """A guid depends on nothing that may change later: score, rank, title, categories."""
    before = guids(make_feed("cache"), {FRIDAY: [FIRST]})
    other = Sheet(id="2603.90001", title="Renamed", categories=("cs.LG", "cs.DC"))
    better = Sheet(id="2603.90002", title="A cache, too")
    assert set(before) < set(guids(make_feed("cache", "too"), {FRIDAY: [other, better]}))
