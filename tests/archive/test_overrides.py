"""Saving in the store: one after the other, all or nothing, with a way back, whatever happens to the process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core.archive import overrides as owner
from core.archive.dump import export_store, import_store, read_dump
from core.archive.overrides import (
    HISTORY_BYTES,
    LONGEST_HISTORY,
    MOST_BYTES,
    Overrides,
)
from core.config.feed_table import read_feed
from core.config.feeds_file import read_feeds_file
from core.config.overrides import (
    MOST_FEEDS,
    Rules,
    export_feeds,
    origin_of,
    restore_feed,
    rules_in_force,
    save_feed,
)
from core.model.errors import Conflict, Refused, StoreError, TooMuch
from core.model.feed import Feed, parse_keyword
from core.model.rubric import Criterion, Rubric
from core.model.saved import Change, Saved, undone
from core.store import keys
from core.store.base import LOCK_SECONDS, Store
from core.store.sqlite import SqliteStore
from tests.api import FEEDS
from tests.support.tables import each_row

NOW = datetime(2026, 3, 6, 17, tzinfo=UTC)
FILE = read_feeds_file(FEEDS, "feeds.toml")
FEED = {"title": "x", "categories": ["cs.LG"]}
NEW = read_feed("new", FEED)
Make = Callable[[Saved, tuple[Change, ...]], tuple[Saved, str]]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    """A store in `folder`."""
    store = SqliteStore(folder / "store.sqlite3")
    try:
        yield store
    finally:
        await store.close()


def making(name: str, **more: Any) -> Make:
    return lambda saved, _: (saved.with_feed(name, FEED | more), f"made {name}")


def test_changes_and_their_history(tmp_path: Path) -> None:
    """Each change is one version, and can be undone; undoing is a change too."""

    async def main() -> None:
        async with opened(tmp_path) as store:
            assert (Saved(), ()) == await Overrides(store).read()
            first = await Overrides(store).change(0, making("a"), NOW)
            second = await Overrides(store).change(1, making("b"), NOW)
            assert [{"a"}, {"a", "b"}] == [set(first.feeds), set(second.feeds)]
            back = await Overrides(store).change(2, lambda saved, history: undone(saved, history, 0), NOW)
            saved, history = await Overrides(store).read()
            assert (3, {"a"}, back) == (saved.version, set(saved.feeds), saved)
            assert ["went back to before “made b”", "made b", "made a"] == [change.what for change in history]
            again = await Overrides(store).change(3, lambda saved, history: undone(saved, history, 0), NOW)
            assert {"a", "b"} == set(again.feeds)

    asyncio.run(main())


def test_only_the_last_changes_are_kept(tmp_path: Path) -> None:
    """The history has an end, in number and in bytes; what is saved itself has a limit that is told."""

    async def main() -> None:
        async with opened(tmp_path) as store:
            for version in range(LONGEST_HISTORY + 3):
                await Overrides(store).change(version, making(f"f{version}"), NOW)
            assert LONGEST_HISTORY == len((await Overrides(store).read())[1])
            version = LONGEST_HISTORY + 3
            while len(await store.get(keys.SAVED) or b"") < 0.9 * MOST_BYTES:
                await Overrides(store).change(version, making(f"big{version}", x=_noise(version)), NOW)
                version += 1
            with pytest.raises(TooMuch):
                await Overrides(store).change(version, making("one more", x=_noise(0) + _noise(1)), NOW)
            saved, history = await Overrides(store).read()
            assert version == saved.version
            assert 1 <= len(history) <= LONGEST_HISTORY
            assert len(await store.get(keys.SAVED_HISTORY) or b"") <= HISTORY_BYTES

    asyncio.run(main())


def _noise(number: int) -> str:
    """Text that does not get smaller by compression."""
    return Random(number).randbytes(20_000).hex()


def test_lost_updates_are_refused(tmp_path: Path) -> None:
    """Of two that saw the same version, the second one is told, and nothing of it is written."""

    async def main() -> None:
        async with opened(tmp_path) as store:
            done = await asyncio.gather(
                *(Overrides(store).change(0, making(name), NOW) for name in "abcd"), return_exceptions=True
            )
            assert [Conflict] * 3 == [type(one) for one in done if isinstance(one, BaseException)]
            saved, history = await Overrides(store).read()
            assert (1, 1, 1) == (saved.version, len(saved.feeds), len(history))

    asyncio.run(main())


def test_what_is_refused_leaves_no_lock(tmp_path: Path) -> None:
    """After an error nothing is written, and the next change does not wait."""

    def refuse(_saved: Saved, _history: tuple[Change, ...]) -> tuple[Saved, str]:
        raise Refused("called", "no")

    async def main() -> None:
        async with opened(tmp_path) as store:
            with pytest.raises(Refused):
                await Overrides(store).change(0, refuse, NOW)
            async with asyncio.timeout(5):  # the lock would be in the way for six
                await Overrides(store).change(0, making("a"), NOW)

    asyncio.run(main())


class _Sleeper:
    """A store on which the process is killed, or sleeps too long, just before it commits."""

    def __init__(self, store: Store, *, lose: bool = False) -> None:
        self._store, self._lose = store, lose

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, name: str, token: str, *rest: Any, **more: Any) -> None:
        if not self._lose:
            raise SystemExit
        await self._store.release(name, token)
        await self._store.acquire(name, "another", 1)
        await self._store.commit(name, token, *rest, **more)

    async def release(self, name: str, token: str) -> None:
        """A process that was killed releases nothing."""


def test_killed_before_the_commit(tmp_path: Path) -> None:
    """Nothing is written, and the next one only has to wait until the lock has ended by itself."""

    async def main() -> None:
        async with opened(tmp_path) as store:
            assert owner.PATIENCE_SECONDS > LOCK_SECONDS
            with suppress(SystemExit):
                await Overrides(_Sleeper(store)).change(0, making("a"), NOW)  # type: ignore[arg-type]
            assert (Saved(), ()) == await Overrides(store).read()
            saved = await Overrides(store).change(0, making("b"), NOW)
            assert {"b"} == set(saved.feeds)

    asyncio.run(main())


def test_slept_past_its_lock(tmp_path: Path) -> None:
    """Who no longer holds the lock when it commits is stopped by the fence."""

    async def main() -> None:
        async with opened(tmp_path) as store:
            with pytest.raises(StoreError):
                await Overrides(_Sleeper(store, lose=True)).change(0, making("a"), NOW)  # type: ignore[arg-type]
            assert (Saved(), ()) == await Overrides(store).read()

    asyncio.run(main())


def test_dumps_hold_what_was_saved(tmp_path: Path) -> None:
    """What the owner saved moves from store to store with everything else, but not the count of wrong tokens."""

    async def main() -> None:
        async with opened(tmp_path / "one") as store:
            await Overrides(store).change(0, making("a"), NOW)
            lines = [line async for line in export_store(store, NOW.timestamp())]
        async with opened(tmp_path / "two") as store:
            await import_store(store, read_dump(lines, NOW.timestamp()))
            saved, history = await Overrides(store).read()
            assert ({"a"}, 1) == (set(saved.feeds), len(history))

    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    asyncio.run(main())


# What the owner can do, as changes of the rules in force


def ruled(saved: Saved) -> Rules:
    return rules_in_force(FILE, saved)


MAIN = FILE.feeds["main"]
START = ruled(Saved())


@each_row(
    ("name", "was", "words"),
    [
        ("custom", "", "cannot name a feed"),
        ("", "", "cannot name a feed"),
        ("Main", "", "cannot name a feed"),
        ("../x", "", "cannot name a feed"),
        ("x" * 41, "main", "cannot name a feed"),
        ("main", "", "there is a feed main already"),
        ("everything", "main", "there is a feed everything already"),
        ("x", "gone", "there is no feed gone any more"),
    ],
)
def test_names_that_are_refused(name: str, was: str, words: str) -> None:
    """A name has to be one of an address, and free."""
    with pytest.raises(Refused, match=words):
        save_feed(START, replace(NEW, name=name), was=was)


def test_old_names_are_kept_for_their_subscribers() -> None:
    """A name that leads to a feed is not given to another one; the feed itself may have it back."""
    rules = ruled(save_feed(START, replace(MAIN, name="caches"), was="main")[0])
    with pytest.raises(Refused, match="is led to caches"):
        save_feed(rules, replace(NEW, name="main"))
    back = ruled(save_feed(rules, MAIN, was="caches")[0])
    assert (["main", "replaced", "everything"], "main") == (list(back.feeds), back.saved.name_now("caches"))


def test_there_is_a_most_of_feeds() -> None:
    """With as many feeds as are possible, these can still be changed."""
    rules = START
    for number in range(MOST_FEEDS - len(START.feeds)):
        rules = ruled(save_feed(rules, replace(NEW, name=f"f{number}"))[0])
    with pytest.raises(Refused, match="up to 50 are possible"):
        save_feed(rules, replace(NEW, name="more"))
    assert MOST_FEEDS == len(ruled(save_feed(rules, replace(NEW, name="more"), was="f0")[0]).feeds)


def test_where_feeds_come_from() -> None:
    """The page says of each feed what can be done with it."""
    rules = ruled(save_feed(ruled(save_feed(START, NEW)[0]), replace(MAIN, name="caches"), was="main")[0])
    assert {"caches": "changed", "replaced": "file", "everything": "file", "new": "saved"} == {
        name: origin_of(rules, name) for name in rules.feeds
    }
    assert ["main", "replaced", "everything", "new"] == list(ruled(restore_feed(rules, "caches")[0]).feeds)
    for name in ("new", "replaced", "nothing"):
        with pytest.raises(Refused):
            restore_feed(rules, name)


HARD = Feed(
    name="hard",
    title='A "title" \\ with\ttabs, \x7f, ünïcödé 😀 and a line\nbreak',
    description="#not a comment = [x]",
    categories=("cs.LG", "hep-th"),
    announce_types=("new", "cross"),
    match="regex",
    title_bonus=0.1,
    min_score=-1.5,
    max_entries=7,
    keywords=tuple(
        starmap(parse_keyword, {"a{1,3}\\d": 2.5, "ti:x": 1, "a.b = c": -1, "'quoted'": 1e-3, "縮約": 1}.items())
    ),
    exclude=("[x]", '"""'),
    rubric=Rubric((Criterion('A "name" = {1}', 3, "Is it\n[so]?"), Criterion("One", 2)), review_at=1),
)


def test_export_means_the_same() -> None:
    """The feeds.toml to download, read as any, makes the very same rules: feeds, order, and [instance]."""
    rules = ruled(save_feed(ruled(save_feed(START, HARD)[0]), replace(MAIN, name="caches"), was="main")[0])
    again = rules_in_force(read_feeds_file(export_feeds(rules), "feeds.toml"), Saved())
    assert (dict(rules.feeds), rules.file.instance) == (dict(again.feeds), again.file.instance)
    assert list(rules.feeds) == list(again.feeds)
    assert rules.fingerprint == again.fingerprint
    # Deployed below what was saved, it changes nothing either
    assert rules.fingerprint == rules_in_force(again.file, rules.saved).fingerprint
    assert list(rules.feeds) == list(rules_in_force(again.file, rules.saved).feeds)


def test_a_saved_feed_that_became_invalid(caplog: pytest.LogCaptureFixture) -> None:
    """What another version saved and this one cannot use does not count, and is logged; the file's feed serves."""
    saved = Saved(1, {"main": {"title": "x", "of the future": 1}, "new": {"title": "x"}})
    assert dict(FILE.feeds) == dict(ruled(saved).feeds)
    assert 2 == len([record for record in caplog.records if "cannot be used" in record.message])
