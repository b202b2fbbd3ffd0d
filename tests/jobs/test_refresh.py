"""Refreshing, through the real wire: what each answer of arXiv makes of the store."""

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from core.app import Paperwire
from core.config.settings import Settings
from core.jobs.refresh import Today
from core.jobs.run import Report
from core.model.batch import Batch
from core.model.manifest import BatchRecord, Manifest
from core.model.query import Query
from core.ranking.matching import score_batch
from core.store import keys
from core.store.codec import decode, scores_from_plain
from core.store.sqlite import SqliteStore
from tests.support.arxiv_format import Sheet, make_sheets
from tests.support.upstream import Upstream

THURSDAY, FRIDAY, SATURDAY, MONDAY = date(2026, 3, 5), date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 9)


# -- doing


def noon(day: date) -> datetime:
    """Noon of a day in New York."""
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)


async def refreshed(settings: Settings, *, at_once: bool = True) -> Today:
    """Refresh in a wire of its own, as each process does; `at_once`: as if the last request were long ago."""
    wire = Paperwire(settings)
    try:
        if at_once:
            await wire.archive.store.delete(keys.ARXIV_GATE)
        report = await wire.refresh(seconds=0)
    finally:
        await wire.close()
    assert report.today is not None
    return report.today


def refresh(settings: Settings, day: date = FRIDAY) -> Today:
    """Refresh at noon of a day."""
    return asyncio.run(refreshed(at(settings, noon(day))))


def at(settings: Settings, now: datetime) -> Settings:
    """The settings at another time."""
    return settings.model_copy(update={"now": now})


def with_feeds(settings: Settings, toml: str) -> Settings:
    """The settings with other feeds."""
    return settings.model_copy(update={"feeds_toml": toml})


def stored(settings: Settings, key: str) -> bytes | None:
    """What the store has under a key."""

    async def main() -> bytes | None:
        store = SqliteStore(settings.sqlite_path)
        try:
            return await store.get(key)
        finally:
            await store.close()

    return asyncio.run(main())


def manifest_of(settings: Settings) -> Manifest:
    """The manifest in the store."""
    data = stored(settings, keys.MANIFEST)
    assert data is not None
    return Manifest.from_plain(decode(data))


def batch_of(settings: Settings, record: BatchRecord) -> Batch:
    """The batch that a record names."""
    data = stored(settings, keys.batch(record.date, record.hash))
    assert data is not None
    return Batch.from_plain(decode(data))


def ids(settings: Settings, day: date) -> set[str]:
    """The papers of a date's batch."""
    batch = batch_of(settings, manifest_of(settings).get(day))
    return {item.paper.versioned for item in batch.announcements}


def without_validators(record: BatchRecord) -> BatchRecord:
    """The record as readers see it."""
    return replace(record, validators={})


def names(sheets: list[Sheet]) -> set[str]:
    """The versioned identifiers of sheets."""
    return {f"{sheet.id}v{sheet.version}" for sheet in sheets}


# -- a good day


def test_complete_day(settings: Settings, upstream: Upstream) -> None:
    """One request brings a whole day, which is stored with counts by category and type and scored for every feed."""
    report = refresh(settings)
    assert ("unconfirmed", "", 40, True, 1, "") == (
        report.record.state,
        report.record.reason,
        report.record.total,
        report.changed,
        report.requests,
        report.error,
    )
    assert {"main", "storage"} == report.kept.keys()
    assert 0 < report.kept["main"] <= 30
    manifest = manifest_of(settings)
    assert (1, {}, [FRIDAY]) == (manifest.version, manifest.error, list(manifest.records))
    assert report.record == manifest.get(FRIDAY)
    assert noon(FRIDAY).strftime("%Y-%m-%dT%H:%M:%SZ") == manifest.updated == report.record.fetched
    none = {name: {} for name in ("cs.CL", "cs.DC", "cs.OS", "cs.AR", "cs.DB", "cs.PF")}
    assert {"cs.LG": {"new": 40}, "cs.AI": {"cross": 26}} | none == report.record.counts
    assert names(upstream.sheets) == ids(settings, FRIDAY)


@pytest.mark.parametrize("validated", [True, False])
def test_same_day_again_changes_nothing(settings: Settings, upstream: Upstream, validated: bool) -> None:
    """A second refresh of an unchanged day leaves the same batch and the very same manifest, to the byte."""
    upstream.headers = {} if validated else {"ETag": ""}
    first = refresh(settings)
    before = stored(settings, keys.MANIFEST)
    second = asyncio.run(refreshed(at(settings, datetime(2026, 3, 6, 20, tzinfo=UTC))))
    assert (False, first.record) == (second.changed, second.record)
    assert before == stored(settings, keys.MANIFEST)
    assert first.kept == second.kept
    assert validated == ("If-None-Match" in upstream.requests[1][2])


def test_a_feed_built_anew_changes_nothing_for_readers(settings: Settings, upstream: Upstream) -> None:
    """The same announcements under another build date, and so another ETag, are no change of what is published."""
    refresh(settings)
    before = manifest_of(settings)
    upstream.change = lambda body: body.replace(b"05:00:03 +0000", b"09:00:03 +0000")
    report = asyncio.run(refreshed(at(settings, datetime(2026, 3, 6, 20, tzinfo=UTC))))
    after = manifest_of(settings)
    assert (False, before.get(FRIDAY).hash) == (report.changed, after.get(FRIDAY).hash)
    assert before.updated == after.updated


def test_corrected_day_replaces_the_batch(settings: Settings, upstream: Upstream) -> None:
    """When arXiv corrects a day, its new texts take the place of the old ones; a later answer takes no paper away."""
    first = refresh(settings)
    every = upstream.sheets
    upstream.sheets = [replace(upstream.sheets[3], title="A corrected title"), *upstream.sheets[4:]]
    second = refresh(settings)
    assert (True, "unconfirmed", 40) == (second.changed, second.record.state, second.record.total)
    assert first.record.hash != second.record.hash
    assert names(every) == ids(settings, FRIDAY)
    titles = {item.paper.title for item in batch_of(settings, second.record).announcements}
    assert "A corrected title" in titles
    assert 2 == manifest_of(settings).version


def test_what_the_manifest_names_is_there(settings: Settings, upstream: Upstream) -> None:
    """Whoever reads while days are replaced never sees a manifest whose batch or scores are missing."""
    seen: list[str] = []
    missing: list[str] = []
    done = threading.Event()
    refresh(settings)
    feeds = [feed for feed in settings.feeds.feeds.values() if feed.source == "arxiv"]

    async def watch() -> None:
        store = SqliteStore(settings.sqlite_path)
        while not done.is_set():
            data = await store.get(keys.MANIFEST)
            record = Manifest.from_plain(decode(data or b"")).get(FRIDAY)
            wanted = [keys.batch(FRIDAY, record.hash)]
            wanted += [keys.scores(feed.scoring_fingerprint, record.hash) for feed in feeds]
            missing.extend(
                key for key, value in zip(wanted, await store.get_many(wanted), strict=True) if value is None
            )
            seen.append(record.hash)
        await store.close()

    watcher = threading.Thread(target=asyncio.run, args=(watch(),))
    watcher.start()
    for count in range(41, 47):
        upstream.sheets = make_sheets(count)
        refresh(settings)
    done.set()
    watcher.join()
    assert [] == missing
    assert len(set(seen)) > 2


def test_next_day_is_added(settings: Settings, upstream: Upstream) -> None:
    """A new day leaves the days before as they are."""
    upstream.day = THURSDAY
    first = refresh(settings, THURSDAY)
    upstream.day, upstream.sheets = FRIDAY, make_sheets(12, start=80000)
    second = refresh(settings)
    assert {THURSDAY: first.record, FRIDAY: second.record} == manifest_of(settings).records
    assert (40, 12) == (len(ids(settings, THURSDAY)), len(ids(settings, FRIDAY)))


def test_two_refreshes_at_once(settings: Settings, upstream: Upstream) -> None:
    """While one process refreshes another does nothing, and says so."""
    upstream.delay = 0.5

    async def main() -> list[Report]:
        wires = [Paperwire(settings), Paperwire(settings)]
        try:
            return await asyncio.gather(*(wire.refresh() for wire in wires))
        finally:
            for wire in wires:
                await wire.close()

    reports = asyncio.run(main())
    assert 1 == sum(report.busy == ["today"] for report in reports)
    assert 1 == len(upstream.requests)


# -- days in parts


def test_partial_day_is_completed(settings: Settings, upstream: Upstream) -> None:
    """What came of a broken answer is served and called partial; what follows is added, until it is whole."""
    upstream.faults = ["truncated"]
    first = refresh(settings)
    assert ("partial", True) == (first.record.state, "damaged XML" in first.record.reason)
    assert 20 < first.record.total < 40
    assert first.error == manifest_of(settings).error["reason"]
    assert first.error in first.record.reason
    upstream.faults = ["html"]
    second = refresh(settings)
    assert ("partial", False, first.record.hash) == (second.record.state, second.changed, second.record.hash)
    assert "HTML" in second.record.reason
    third = refresh(settings)
    assert ("unconfirmed", "", True) == (third.record.state, third.record.reason, third.changed)
    assert names(upstream.sheets) == ids(settings, FRIDAY)
    assert ({}, ()) == (manifest_of(settings).error, third.record.rejected)


STALE = [Sheet(f"2603.{70000 + n}", title=f"Yesterday's {n}", categories=("cs.CL",)) for n in range(5)]


@pytest.mark.parametrize("crossed", [False, True], ids=["separate", "with fresh papers listed in it"])
def test_stale_category_is_detected(settings: Settings, upstream: Upstream, crossed: bool) -> None:
    """A category that shows yesterday's batch under today's date makes the day partial, and adds nothing to it."""
    fresh = [
        Sheet(f"2603.{90000 + n}", categories=("cs.LG", "cs.CL") if crossed and n < 3 else ("cs.LG",)) for n in range(9)
    ]
    upstream.day, upstream.sheets = THURSDAY, [*STALE, *make_sheets(5, start=60000)]
    refresh(settings, THURSDAY)
    upstream.day, upstream.sheets, upstream.stale = FRIDAY, fresh, {"cs.CL": STALE}
    report = refresh(settings)
    assert names(fresh) == ids(settings, FRIDAY)
    assert "partial" == report.record.state
    assert "cs.CL: still shows the batch of 2026-03-05" in report.record.reason
    todays = [Sheet("2603.95000", categories=("cs.CL",))]
    upstream.sheets, upstream.stale = [*fresh, *todays], {}
    completed = refresh(settings)
    assert ("unconfirmed", "") == (completed.record.state, completed.record.reason)
    assert names([*fresh, *todays]) == ids(settings, FRIDAY)


def test_upstream_still_at_yesterday(settings: Settings, upstream: Upstream) -> None:
    """While arXiv shows the day before, that day is stored, and the one that is due waits."""
    upstream.day = THURSDAY
    report = refresh(settings)
    manifest = manifest_of(settings)
    assert (THURSDAY, "unconfirmed") == (report.record.date, report.record.state)
    waiting = manifest.get(FRIDAY)
    assert ("waiting", "arXiv still shows 2026-03-05", "") == (waiting.state, waiting.reason, waiting.hash)
    before = stored(settings, keys.MANIFEST)
    assert not refresh(settings).changed
    assert before == stored(settings, keys.MANIFEST)
    upstream.day, upstream.sheets = FRIDAY, make_sheets(7, start=80000)
    assert "unconfirmed" == refresh(settings).record.state
    assert ["unconfirmed", "unconfirmed"] == [record.state for record in manifest_of(settings).stored]


# -- days without announcements


def test_weekend_is_quiet(settings: Settings, upstream: Upstream) -> None:
    """An empty feed of a Saturday is quiet, and Friday stays as it is."""
    friday = refresh(settings)
    upstream.day, upstream.sheets = SATURDAY, []
    report = refresh(settings, SATURDAY)
    assert ("quiet", "arXiv announces nothing at weekends", SATURDAY) == (
        report.record.state,
        report.record.reason,
        report.record.date,
    )
    assert friday.record == manifest_of(settings).get(FRIDAY)


def test_missed_day_is_told(settings: Settings, upstream: Upstream) -> None:
    """When the feed has gone on before a due day was fetched, that day has failed, and says why."""
    upstream.day, upstream.sheets = SATURDAY, []
    refresh(settings, SATURDAY)
    friday = manifest_of(settings).get(FRIDAY)
    assert "failed" == friday.state
    assert "has gone on to 2026-03-07" in friday.reason


def test_empty_weekday_is_awaited(settings: Settings, upstream: Upstream) -> None:
    """A valid empty feed of a weekday may be late, the last good batch stays, and what comes later settles the day."""
    upstream.day = THURSDAY
    thursday = refresh(settings, THURSDAY)
    sheets, upstream.day, upstream.sheets = make_sheets(9, start=80000), FRIDAY, []
    report = refresh(settings)
    assert ("waiting", "") == (report.record.state, report.record.hash)
    assert "holiday" in report.record.reason
    assert [thursday.record] == manifest_of(settings).stored
    upstream.sheets = sheets
    assert ("unconfirmed", 9) == (refresh(settings).record.state, len(ids(settings, FRIDAY)))


def test_empty_answer_does_not_empty_a_day(settings: Settings, upstream: Upstream) -> None:
    """An empty feed for a day that has a batch changes nothing."""
    first = refresh(settings)
    upstream.sheets = []
    second = refresh(settings)
    assert (False, first.record.hash, "unconfirmed") == (second.changed, second.record.hash, second.record.state)
    assert without_validators(first.record) == without_validators(manifest_of(settings).get(FRIDAY))


def test_fault_after_a_complete_day(settings: Settings, upstream: Upstream) -> None:
    """A complete day stays complete whatever arXiv answers later; the fault is the manifest's last error."""
    good = refresh(settings)
    upstream.faults = ["html"]
    spoiled = refresh(settings)
    assert not spoiled.changed
    assert without_validators(good.record) == without_validators(manifest_of(settings).get(FRIDAY))
    assert "HTML" in manifest_of(settings).error["reason"]


# -- items that cannot be read


@pytest.mark.parametrize("validated", [True, False])
def test_rejected_items_are_told(settings: Settings, upstream: Upstream, validated: bool) -> None:
    """Items that cannot be read are in the report, each with its reason, and stay there while they are so."""
    upstream.headers = {} if validated else {"ETag": ""}
    upstream.sheets[7] = replace(upstream.sheets[7], title=" ")
    upstream.sheets[8] = replace(upstream.sheets[8], title="")
    first = refresh(settings)
    record = first.record
    assert ("unconfirmed", "2 item(s) could not be read", 38) == (record.state, record.reason, record.total)
    reasons = ["2603.90007v1: no title", "2603.90008v1: no title"]
    assert reasons == [item["reason"] for item in record.rejected]
    assert list(record.rejected) == first.to_plain()["rejected"]
    assert record.rejected == manifest_of(settings).get(FRIDAY).rejected
    second = refresh(settings)
    assert (record.reason, record.rejected) == (second.record.reason, second.record.rejected)
    upstream.sheets[7:9] = make_sheets(40)[7:9]
    third = refresh(settings).record
    assert ("unconfirmed", "", (), 40) == (third.state, third.reason, third.rejected, third.total)


@pytest.mark.slow
def test_an_archive_that_is_cut_off_goes_on_where_it_was(settings: Settings, upstream: Upstream) -> None:
    """Where arXiv fails while an archive comes by its categories, the next refresh asks only for what lacks of it, and
    nothing that came before is lost.
    """
    everything = with_feeds(settings, '[feeds.main]\ntitle = "Main"\ncategories = ["cs"]\n')
    names = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO")
    upstream.sheets = [
        sheet for at, name in enumerate(names) for sheet in make_sheets(500, start=10_000 * (at + 1), category=name)
    ]
    upstream.faults = ["", "", "", "503", "503"]  # the whole, and its first parts; another part fails twice
    first = refresh(everything)
    assert "partial" == first.record.state
    assert 0 < first.record.total < 2500
    asked = len(upstream.paths)
    second = refresh(everything)
    assert ("unconfirmed", "", 2500) == (second.record.state, second.record.reason, second.record.total)
    assert (1, ()) == (len(upstream.paths) - asked, second.record.parts)
    assert "/rss/cs" not in upstream.paths[asked:]


# -- what is kept, and for how long

SHORT = '[instance]\nretention_days = 7\n[feeds.main]\ntitle = "Main"\ncategories = ["cs.LG"]\n'


def test_retention_forgets_old_dates(settings: Settings, upstream: Upstream) -> None:
    """Dates older than the retention leave the manifest, and batches live in the store a week longer than that."""
    short = with_feeds(settings, SHORT)
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 10)]
    for number, day in enumerate(days):
        upstream.day, upstream.sheets = day, make_sheets(3, start=10000 + 10000 * number)
        refresh(short, day)
    assert days[1:] == sorted(record.date for record in manifest_of(short).stored)
    with closing(sqlite3.connect(short.sqlite_path)) as db:
        rows = db.execute(
            "SELECT expires FROM entries WHERE key LIKE 'pw1:batch:%' OR key LIKE '%:scores:%'"
        ).fetchall()
    assert 6 == len(rows)
    for (expires,) in rows:
        assert abs(expires - time.time() - 14 * 86_400) < 60


def test_a_date_in_the_future_forgets_nothing(settings: Settings, upstream: Upstream) -> None:
    """A feed with a wrong date far ahead does not push the good days out, nor the days after it."""
    friday = refresh(settings)
    upstream.day, upstream.sheets = date(2027, 3, 5), make_sheets(3, start=10000)
    refresh(settings)
    assert friday.record.hash == manifest_of(settings).get(FRIDAY).hash
    upstream.day, upstream.sheets = MONDAY, make_sheets(4, start=20000)
    refresh(settings, MONDAY)
    manifest = manifest_of(settings)
    assert ("unconfirmed", "unconfirmed") == (manifest.get(FRIDAY).state, manifest.get(MONDAY).state)


@pytest.mark.parametrize("validated", [True, False])
def test_a_batch_that_the_store_lost_comes_back(settings: Settings, upstream: Upstream, validated: bool) -> None:
    """A batch that has vanished from the store is there again after refreshes on its day, at the latest the second."""
    upstream.headers = {} if validated else {"ETag": ""}
    first = refresh(settings)
    with closing(sqlite3.connect(settings.sqlite_path)) as db, db:
        db.execute("DELETE FROM entries WHERE key LIKE '%:batch:%'")
    refresh(settings)
    refresh(settings)
    assert ("unconfirmed", first.record.hash) == (
        manifest_of(settings).get(FRIDAY).state,
        manifest_of(settings).get(FRIDAY).hash,
    )
    assert names(upstream.sheets) == ids(settings, FRIDAY)


def test_pauses_grow(settings: Settings, upstream: Upstream) -> None:
    """Each further try that does not settle the day doubles the pause, though it came after the pause before."""
    upstream.faults, upstream.faulty_for_ever = ["html"], True
    pauses = []
    for _ in range(8):
        before = time.time()
        refresh(settings)
        data = stored(settings, keys.BACKOFF)
        assert data is not None
        note = decode(data)
        pauses.append((note["until"] - before) / 60)
        _let_time_pass(settings, keys.BACKOFF, note["until"] - before + 1)
    least = [1, 2, 4, 8, 16, 32, 60, 60]
    assert all(a <= b <= a * 1.2 + 0.5 for a, b in zip(least, pauses, strict=True)), pauses
    assert any(b > a * 1.01 + 0.1 for a, b in zip(least, pauses, strict=True)), "no jitter"


def _let_time_pass(settings: Settings, key: str, seconds: float) -> None:
    """Do to an entry of the store what time does to it."""
    with closing(sqlite3.connect(settings.sqlite_path)) as db, db:
        db.execute("UPDATE entries SET expires = expires - ? WHERE key = ?", (seconds, key))


# -- scores

FEEDS = """
[feeds.word]
title = "Words"
categories = ["cs.LG"]
keywords = { LLM = 1, attention = 2, "ti:kernel" = 1.5, "au:Sample" = 0.25, "cat:cs.AI" = 1, fast = -1 }
exclude = ["sparse"]

[feeds.substring]
title = "Substrings"
categories = ["cs.AI", "cs.LG"]
match = "substring"
keywords = { LL = 1, "of" = 0.1, atten = 2 }

[feeds.regex]
title = "Regular expressions"
categories = ["cs.AI"]
match = "regex"
keywords = { "FP\\\\d" = 1, "^Paper number 1\\\\d" = 3 }

[feeds.all]
title = "Everything"
categories = ["cs.LG"]
"""


@pytest.mark.parametrize("name", ["word", "substring", "regex", "all"])
def test_scores_are_stored_for_every_feed(settings: Settings, name: str) -> None:
    """A refresh stores the scores of each feed, and they are those that would be made on demand."""
    document = next(part for part in FEEDS.split("\n\n") if f"[feeds.{name}]" in part)
    several = with_feeds(settings, document)
    report = refresh(several)
    batch = batch_of(several, report.record)
    feed = several.feeds.feeds[name]
    data = stored(several, keys.scores(feed.scoring_fingerprint, batch.hash))
    assert data is not None
    papers = {item.paper.versioned: item.paper for item in batch.announcements}
    made = score_batch(feed, batch)
    assert made == scores_from_plain(feed, papers, decode(data))
    assert len(made) > 20
    if name != "all":
        assert len({score.total for score in made.values() if score}) > 1


def test_stored_scores_are_those_of_another_rule_made_on_demand(settings: Settings, upstream: Upstream) -> None:
    """Entries by stored scores equal entries by scores made on demand, when the rules changed after the refresh."""
    refresh(settings)
    changed = with_feeds(settings, FEEDS.split("\n\n")[0])

    async def entries(*, forget: bool) -> list[object]:
        wire = Paperwire(changed)
        try:
            if forget:
                record = (await wire.manifest()).get(FRIDAY)
                await wire.archive.store.delete(keys.scores(wire.main.scoring_fingerprint, record.hash))
            return (await wire.entries(await wire.manifest(), wire.main, Query())).entries
        finally:
            await wire.close()

    demanded = asyncio.run(entries(forget=False))
    remembered = asyncio.run(entries(forget=False))
    made_again = asyncio.run(entries(forget=True))
    assert demanded == remembered == made_again
    assert len(demanded) > 2
    assert 1 == len(upstream.requests)


def test_days_that_were_slept_through_are_listed(settings: Settings, upstream: Upstream) -> None:
    """Announcement days between two refreshes that nobody fetched are failed with their reason, weekends are not."""
    refresh(settings)
    upstream.day, upstream.sheets = WEDNESDAY_AFTER, make_sheets(4, start=30000)
    refresh(settings, WEDNESDAY_AFTER)
    records = manifest_of(settings).records
    assert [FRIDAY, MONDAY, date(2026, 3, 10), WEDNESDAY_AFTER] == sorted(records)
    assert ["unconfirmed", "failed", "failed", "unconfirmed"] == [records[day].state for day in sorted(records)]
    assert "not fetched" in records[MONDAY].reason


WEDNESDAY_AFTER = date(2026, 3, 11)
