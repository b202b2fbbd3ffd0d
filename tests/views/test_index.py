"""Answers from a day's index are those from its batch: the same entries in the same order with the same texts."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archive import Archive
from core.archive.days import make_day, month_name
from core.archive.index import PART, day_from_index, index_to_plain
from core.model.batch import ANNOUNCE_TYPES, Announcement, Batch, make_batch
from core.model.entries import choose, reaches_below
from core.model.feed import Entry, Feed, Reason, parse_keyword
from core.model.lazy import LazyDay, LazyPaper, Unread, unread, with_texts
from core.model.manifest import BatchRecord, Manifest
from core.model.pagination import Page, paginate
from core.model.paper import Author, Paper
from core.model.query import Query, parse_query
from core.store import keys
from core.store.codec import decode, encode
from core.store.sqlite import SqliteStore
from core.views.entries import EntryCache, select_page

DAYS = [date(2026, 3, day) for day in (2, 3, 4, 5, 6, 9)]  # so many come with the month
WORDS = ("cache", "sparse", "kernel", "survey", "graph", "protein", "inference", "quantum")
NAMES = ("Ada Chen", "Émile Sample", "Bo Li", "Zoë Łukasz")


class Liked:
    """Lessons that like the word graph, and dislike protein."""

    signs: Mapping[str, int] = {"2603.00003": 1, "2603.00007": -1}

    def reasons(self, paper: Paper) -> tuple[Reason, ...]:
        found = [
            Reason(word, points, "title", at, at + len(word), word, learned=kind, papers=2)
            for word, points, kind in (("graph", 2.5, "liked"), ("protein", -1.5, "disliked"))
            if (at := paper.title.find(word)) >= 0
        ]
        return tuple(found)


KEYWORDS = (
    parse_keyword("cache", 2),
    parse_keyword("sparse", 1),
    parse_keyword("ti:kernel", 3),
    parse_keyword("au:Chen"),
)
PLAIN = Feed("plain", "Plain", ("cs.DC", "cs.LG"), announce_types=("new", "cross"), max_entries=12)
WORDY = replace(PLAIN, name="wordy", keywords=KEYWORDS, exclude=("survey",), min_score=1.0)
LEARNED = replace(WORDY, name="learned", min_score=2.0, learned="abc", lessons=Liked())
JUDGED = replace(WORDY, name="judged", min_score=3.0, interest="kernels", screen=20)
PICKED = Feed("picked", "Picks", source="huggingface", min_score=5.0)
FEEDS = (PLAIN, WORDY, LEARNED, JUDGED, PICKED)


def _paper(chance: random.Random, number: int) -> Announcement:
    title = " ".join(chance.choices(WORDS, k=5))
    enriched = chance.random() < 0.5
    paper = Paper(
        f"2603.{number:05d}" if number % 11 else f"math/06{number % 12 + 1:02d}{number % 1000:03d}",
        chance.choice((1, 1, 1, 2)),
        title,
        " ".join(chance.choices(WORDS, k=20)) + chance.choice(("", " See https://github.com/sample/tool.")),
        tuple(Author(name) for name in chance.sample(NAMES, k=2)),
        tuple(chance.sample(("cs.DC", "cs.LG", "math.CO", "stat.ML"), k=2)),
        comment=chance.choice(("", "", "This paper has been withdrawn by the authors")),
        published=f"2026-02-{chance.randrange(1, 28):02d}T10:00:00Z" if enriched else "",
        updated=f"2026-03-{chance.randrange(1, 5):02d}T10:00:00Z" if enriched else "",
        upvotes=chance.choice((None, 1, 7, 20)),
    )
    late = "2026-03-05T12:00:00Z" if chance.random() < 0.1 else ""
    return Announcement(paper, chance.choice(ANNOUNCE_TYPES), late, relisted=chance.random() < 0.1)


def _batches() -> list[Batch]:
    chance = random.Random(7)
    return [make_batch(day, [_paper(chance, chance.randrange(1, 400)) for _ in range(6 * PART)]) for day in DAYS]


BATCHES = _batches()
RECORDS = [BatchRecord(batch.date, "complete", hash=batch.hash) for batch in BATCHES]


def _manifest(feed: Feed) -> Manifest:
    now = datetime(2026, 3, 5, tzinfo=UTC)
    return (
        Manifest().changed(RECORDS, now=now, retention=timedelta(days=99))
        if feed.source == "arxiv"
        else replace(Manifest(), picks={record.date: record for record in RECORDS}, updated="2026-03-05T00:00:00Z")
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with days of all feeds."""
    where = tmp_path_factory.mktemp("index") / "store.sqlite3"

    async def fill() -> None:
        store = SqliteStore(where)
        for batch in BATCHES:
            await store.put(keys.batch(batch.date, batch.hash), encode(batch.to_plain()))
            for feed in FEEDS:
                await store.put_many(make_day(feed, batch)[1])
        archive = Archive(store)
        for feed in FEEDS:
            await EntryCache(archive).get(_manifest(feed), feed, whole=True, own=True, texts=False)
        await archive.close()

    asyncio.run(fill())
    return where


async def _page(cache: EntryCache, feed: Feed, raw: str, *, texts: bool) -> Page:
    """The answer to a query, as it is rendered for requests."""
    query = parse_query(raw, owner=True)
    found = await cache.get(_manifest(feed), feed, whole=reaches_below(feed, query), own=True, texts=texts)
    if query.searches and not texts:
        assert await cache.read_searched([found])
    for _ in range(2):
        with suppress(Unread):
            return select_page([(feed, found)], query, capped=feed.name == "judged")
        wanted = unread(found.entries) if query.by_title else unread(_chosen(feed, found.entries, query))
        assert wanted
        assert await cache.read(wanted)
    return select_page([(feed, found)], query, capped=feed.name == "judged")


def _chosen(feed: Feed, entries: list[Entry], query: Query) -> tuple[Entry, ...]:
    return paginate(choose(feed, entries, query, capped=feed.name == "judged"), query).entries


def _ask(path: Path, feed: Feed, raw: str) -> tuple[Page, Page]:
    """The answers of two processes that have just started, from indexes and from batches."""

    async def ask() -> tuple[Page, Page]:
        archive = Archive(SqliteStore(path))
        try:
            return (
                await _page(EntryCache(archive), feed, raw, texts=False),
                await _page(EntryCache(archive), feed, raw, texts=True),
            )
        finally:
            await archive.close()

    return asyncio.run(ask())


numbers = st.sampled_from(["-1", "0", "1", "2", "2.5", "3.5", "4", "6", "9"])
orders = st.sampled_from([">=", ">", "<=", "<", "=", "!="])
conditions = (
    st.builds("{}{}{}".format, st.sampled_from(["score", "words", "learned", "upvotes", "vote"]), orders, numbers)
    | st.builds("{}{}2026-03-0{}".format, st.sampled_from(["announced", "updated"]), orders, st.integers(1, 5))
    | st.builds("published{}2026-02-1{}".format, orders, st.integers(0, 9))
    | st.builds("{}{}{}".format, st.sampled_from(["category", "primary"]), st.sampled_from(["=", "!="]),
                st.sampled_from(["cs.DC", "cs", "math.CO"]))
    | st.builds("type{}{}".format, st.sampled_from(["=", "!="]), st.sampled_from([*ANNOUNCE_TYPES, "new,replace"]))
    | st.builds("keyword{}{}".format, st.sampled_from(["=", "~", "!="]), st.sampled_from(["cache", "kernel", "spa"]))
    | st.builds("has{}code".format, st.sampled_from(["=", "!="]))
    | st.builds("id{}2603.{:05d}".format, st.sampled_from(["=", "!="]), st.integers(1, 400))
    | st.builds("{}~{}".format, st.sampled_from(["title", "text", "author"]), st.sampled_from(["graph", "chen", "e s"]))
)  # fmt: skip
others = (
    st.builds("limit={}".format, st.integers(1, 200))
    | st.builds("per_day={}".format, st.integers(1, 40))
    | st.builds("sort={}".format, st.sampled_from(["score", "-score", "title", "-published", "updated,-score", "id"]))
)
queries = st.tuples(
    st.lists(conditions, max_size=3), st.lists(others, max_size=3, unique_by=lambda one: one.partition("=")[0])
).map(lambda parts: "&".join([*parts[0], *parts[1]]))


@given(feed=st.sampled_from(FEEDS), raw=queries)
def test_an_index_answers_as_its_batch_does(path: Path, feed: Feed, raw: str) -> None:
    """Whatever is asked: the same entries with all their fields, the same total, the same cursor."""
    from_index, from_batch = _ask(path, feed, raw)
    assert from_batch == from_index
    assert not any(isinstance(entry.paper, LazyPaper) for entry in from_index.entries)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_one_paper_is_found_without_the_other_dates(path: Path, feed: Feed) -> None:
    """The entries of one paper are the same whether all dates are opened or only those that have it."""

    async def ask() -> None:
        archive = Archive(SqliteStore(path))
        options = {"whole": True, "own": True, "texts": False}
        every = await EntryCache(archive).get(_manifest(feed), feed, **options)
        for paper in sorted({entry.id for entry in every.entries})[::9]:
            cache = EntryCache(archive)
            expected = [entry for entry in every.entries if entry.id == paper]
            found = await cache.get(_manifest(feed), feed, **options, paper=paper)
            read = [entry for entry in found.entries if entry.id == paper]
            assert await cache.read(unread([*expected, *read]))
            assert with_texts(expected) == with_texts(read)
            again = await cache.get(_manifest(feed), feed, **options)
            assert [entry.paper.versioned for entry in every.entries] == [e.paper.versioned for e in again.entries]
        await archive.close()

    asyncio.run(ask())


@pytest.mark.parametrize("kind", ["index", "entries", "month"])
@pytest.mark.parametrize(
    "left", [None, b"", b"z123", encode({}), encode([]), encode({"of": "another", "ids": "", "columns": {}})]
)
def test_without_index_or_parts_the_batch_answers(path: Path, tmp_path: Path, kind: str, left: bytes | None) -> None:
    """A missing or damaged index, part or month counts as absent; indexes are made again for the next process."""
    copy = tmp_path / "store.sqlite3"
    asyncio.run(_rob(path, copy, {"index": ["index", "month"]}.get(kind, [kind]), left))
    for feed in (PLAIN, WORDY, JUDGED):
        from_index, from_batch = _ask(copy, feed, "score>=2&limit=150")
        assert from_batch == from_index
    if kind == "index":
        assert 2 * len(DAYS) == asyncio.run(_indexes(copy))  # two of the three have the same rules


async def _rob(path: Path, copy: Path, kinds: list[str], left: bytes | None) -> None:
    source, target = SqliteStore(path), SqliteStore(copy)
    async for key, value, _ in source.entries():
        if key.split(":")[1] not in kinds:
            await target.put(key, value)
        elif left is not None:
            await target.put(key, left)
    await source.close()
    await target.close()


async def _indexes(path: Path) -> int:
    """How many indexes of the feeds that were asked can be read."""
    store = SqliteStore(path)
    asked = [feed.scoring_fingerprint for feed in (PLAIN, WORDY, JUDGED)]
    found = [value async for key, value, _ in store.entries("pw1:index:") if key.split(":")[2] in asked]
    await store.close()
    return sum(1 for value in found if decode(value)["ids"])


class Asked(SqliteStore):
    """A store that counts what is asked of it, by kinds of keys."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[list[str]] = []

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        self.asked.append(sorted({key.split(":")[1] for key in keys}))
        return await super().get_many(keys)


@pytest.mark.parametrize(
    ("mend", "expected"),
    [
        (lambda plain: plain, [["index", "month"]]),  # the index of the newest day comes along
        (lambda plain: {**plain, "days": plain["days"][1:]}, [["index", "month"]]),
        (lambda plain: {**plain, "days": plain["days"][2:]}, [["index", "month"], ["index"]]),  # two younger days
        (
            lambda plain: {**plain, "days": [{**plain["days"][0], "columns": {}}]},
            [["index", "month"], ["index"]],
        ),  # damaged
        (lambda plain: {**plain, "of": "before a vote"}, [["index", "month"], ["index"]]),
    ],
)
def test_a_month_is_one_round_trip(
    path: Path, tmp_path: Path, mend: Callable[[Any], Any], expected: list[list[str]]
) -> None:
    """A new process reads the indexes of all dates as one value. What it lacks is read alone, once: it is mended."""

    async def ask() -> None:
        await _rob(path, tmp_path / "store.sqlite3", [], None)
        store = Asked(tmp_path / "store.sqlite3")
        archive, key = Archive(store), month_name(WORDY)
        await store.put(key, encode(mend(decode(await store.get(key) or b""))))
        whole = await EntryCache(archive).get(_manifest(WORDY), WORDY, whole=True, own=True, texts=True)
        for asked in (expected, [["index", "month"]]):
            store.asked.clear()
            found = await EntryCache(archive).get(
                _manifest(WORDY), WORDY, whole=True, own=True, texts=False, paper="none"
            )
            assert asked == store.asked
            assert not found.entries
            await archive.pending.flush()
        found = await EntryCache(archive).get(_manifest(WORDY), WORDY, whole=True, own=True, texts=False)
        assert [entry.paper.versioned for entry in whole.entries] == [e.paper.versioned for e in found.entries]
        await archive.close()

    asyncio.run(ask())


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_columns_are_the_day(feed: Feed) -> None:
    """A day that is written as columns has the same entries, whole or the best of it."""
    for batch, record in zip(BATCHES, RECORDS, strict=True):
        day, _ = make_day(feed, batch)
        plain = decode(encode(index_to_plain(feed, batch, day)))
        for whole, expected in ((True, day), (False, day.best(feed))):
            lazy = LazyDay(feed, record)
            read = day_from_index(lazy, plain, whole=whole)
            assert expected.others == read.others
            assert all(isinstance(entry.paper, LazyPaper) for entry in read.entries)
            lazy.keep(day.entries)
            assert expected.entries == with_texts(read.entries)


def test_what_is_not_read_is_named() -> None:
    """Any use of texts that are not read says whose they are, and all of a page at once."""
    day, _ = make_day(WORDY, BATCHES[0])
    plain = index_to_plain(WORDY, BATCHES[0], day)
    entries = day_from_index(LazyDay(WORDY, RECORDS[0]), plain, whole=True).entries
    for use in (lambda e: e.paper.title, lambda e: e.paper.links, lambda e: list(e.reasons), lambda e: len(e.reasons)):
        with pytest.raises(Unread) as lacking:
            use(entries[0])
        assert [entries[0].paper.versioned] == [versioned for _, versioned in lacking.value.wanted]
    with pytest.raises(Unread) as lacking:
        with_texts(entries[:9])
    assert [entry.paper.versioned for entry in entries[:9]] == [versioned for _, versioned in lacking.value.wanted]
