"""Catching up: what was missed comes from the API, each paper on its date, once; and what the API confirms."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from core.app import Paperwire
from core.config.settings import Settings, load_settings
from core.jobs.backfill import MOST_TRIES
from core.jobs.run import Report
from core.model.calendar import announcement_days, submission_window
from core.model.entries import choose
from core.model.feed import Entry
from core.model.manifest import Manifest
from core.model.pagination import paginate
from core.model.query import parse_query
from core.sources.api import SLICE_SIZE
from tests.conftest import serving_app
from tests.jobs.test_refresh import batch_of, ids, manifest_of, names, refreshed
from tests.support.arxiv_format import Sheet
from tests.support.fortnight import without
from tests.support.hf_format import Picked
from tests.support.upstream import Upstream, serving

DAYS = announcement_days(date(2026, 3, 1), date(2026, 3, 14))  # two weeks
FEEDS = """
[instance]
retention_days = 11

[feeds.main]
title = "Main"
categories = ["cs.LG", "cs.CL"]
"""


def sheets_of(day: date, count: int = 6) -> list[Sheet]:
    """A day's papers, with identifiers that rise from day to day, as arXiv gives them."""
    first = 10000 + 100 * DAYS.index(day)
    kinds = (("cs.LG",), ("cs.CL", "cs.AI"), ("cs.AI", "cs.CL"))
    return [Sheet(f"2603.{first + n}", title=f"Paper {n} of {day}", categories=kinds[n % 3]) for n in range(count)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Two weeks of arXiv."""
    with serving(Upstream(day=DAYS[0], days={day: sheets_of(day) for day in DAYS})) as running:
        yield running


@pytest.fixture
def settings(upstream: Upstream, tmp_path: Path) -> Settings:
    """Settings for these weeks, at which arXiv may be asked at once."""
    return load_settings(
        _env_file=None,
        arxiv_rss_url=upstream.url,
        replay_gate_seconds=0,
        sqlite_path=tmp_path / "store.sqlite3",
        feeds_toml=FEEDS,
    )


def at(settings: Settings, upstream: Upstream, day: date) -> Settings:
    """It is noon of that day, here and at arXiv."""
    upstream.day = day
    return settings.model_copy(update={"now": datetime(day.year, day.month, day.day, 17, tzinfo=UTC)})


def catch_up(settings: Settings, seconds: float = 60) -> Report:
    """Catch up, in a wire of its own, as each process does."""

    async def main() -> Report:
        wire = Paperwire(settings)
        try:
            return await wire.refresh("rest", seconds=seconds)
        finally:
            await wire.close()

    report = asyncio.run(main())
    assert report.rested
    return report


def states(manifest: Manifest) -> dict[str, str]:
    """The states of all dates."""
    return {day.isoformat(): record.state for day, record in sorted(manifest.records.items())}


def test_missed_days_are_found(settings: Settings, upstream: Upstream) -> None:
    """Days that were slept through come from the catch-up pages, complete, each paper on its date, and late."""
    today = at(settings, upstream, DAYS[0])
    refresh_at(today)
    today = at(settings, upstream, DAYS[3])
    refresh_at(today)
    assert "failed" == manifest_of(today).get(DAYS[1]).state
    caught = catch_up(today)
    assert ((), {}) == (caught.backfill.pending, caught.failures)
    manifest = manifest_of(today)
    for day in DAYS[:4]:
        assert ("complete", names(sheets_of(day))) == (manifest.get(day).state, ids(today, day)), day
    assert [0, 6, 6, 0] == [manifest.get(day).late for day in DAYS[:4]]
    assert {"rss+catchup"} == {state.source for state in manifest.get(DAYS[3]).categories.values()}
    assert {"catchup"} == {state.source for state in manifest.get(DAYS[2]).categories.values()}


def refresh_at(settings: Settings) -> None:
    """Fetch the day's batch."""
    asyncio.run(refreshed(settings))


# -- what arXiv's feed leaves out


def ledger_of(manifest: Manifest, day: date) -> dict[str, tuple[int, ...]]:
    """Announced, confirmed, missing and extra of a date, by category."""
    return {name: tuple(count) for name, count in manifest.get(day).ledger.items()}


def visit(settings: Settings) -> Report:
    """Fetch the day's batch, then catch up."""
    refresh_at(settings)
    return catch_up(settings)


def test_a_date_is_confirmed_once(settings: Settings, upstream: Upstream) -> None:
    """The API is asked once for a date that arXiv's feed brought, and the ledger has what it said; then no more."""
    today = at(settings, upstream, DAYS[9])
    visit(today)
    asked = len(upstream.requests)
    assert {"cs.CL": (4, 4, 0, 0), "cs.LG": (2, 2, 0, 0)} == ledger_of(manifest_of(today), DAYS[9])
    assert (0, ()) == (catch_up(today).backfill.windows, catch_up(today).backfill.pending)
    assert asked == len(upstream.requests)


def test_what_rss_dropped_is_found_late(settings: Settings, upstream: Upstream) -> None:
    """A paper that arXiv's feed left out comes from the API on the same day: late, and in the ledger as missing."""
    upstream.has_catchup = False
    today = at(settings, upstream, DAYS[9])
    dropped = sheets_of(DAYS[9])[1]
    upstream.change = without([dropped.id])
    caught = visit(today)
    manifest = manifest_of(today)
    assert names(sheets_of(DAYS[9])) == ids(today, DAYS[9])
    assert {"cs.CL": (3, 4, 1, 0), "cs.LG": (2, 2, 0, 0)} == ledger_of(manifest, DAYS[9])
    assert (1, caught.backfill.late - 9 * 6) == (manifest.get(DAYS[9]).late, 1)
    late = {item.paper.id for item in batch_of(today, manifest.get(DAYS[9])).announcements if item.late}
    assert {dropped.id} == late
    refresh_at(today)
    assert names(sheets_of(DAYS[9])) == ids(today, DAYS[9])  # the feed, which still lacks it, takes nothing back


def test_a_held_paper_is_on_the_date_of_its_identifier(settings: Settings, upstream: Upstream) -> None:
    """A paper that was submitted for Monday and announced on a missed Thursday is there; its identifier says so."""
    first, _ = submission_window(DAYS[0])
    held = replace(sheets_of(DAYS[3])[0], submitted=first + timedelta(hours=2))
    upstream.days = {**upstream.days, DAYS[3]: [held, *sheets_of(DAYS[3])[1:]]}
    for day in DAYS[:3]:
        visit(at(settings, upstream, day))
    today = at(settings, upstream, DAYS[4])
    assert {} == visit(today).failures
    for day in DAYS[:5]:
        assert names(sheets_of(day)) == ids(today, day), day


def test_a_held_paper_that_the_feed_shows_is_there_once(settings: Settings, upstream: Upstream) -> None:
    """A paper that was held over missed days is on the date on which arXiv's feed shows it, and nowhere else late."""
    first, _ = submission_window(DAYS[0])
    held = replace(sheets_of(DAYS[3])[0], submitted=first + timedelta(hours=2))
    upstream.days = {**upstream.days, DAYS[3]: [held, *sheets_of(DAYS[3])[1:]]}
    today = at(settings, upstream, DAYS[3])
    visit(today)
    for day in DAYS[:4]:
        assert names(sheets_of(day)) == ids(today, day), day


def test_a_fresh_install_is_filled(settings: Settings, upstream: Upstream) -> None:
    """On its first day a wire gets all dates of its retention; the holiday of a date is quiet, and nothing is owed."""
    today = at(settings, upstream, DAYS[9])
    caught = visit(today)
    assert ((), {}) == (caught.backfill.pending, caught.failures)
    kept = [day for day in DAYS if day >= DAYS[9] - timedelta(days=11)]
    assert {day.isoformat(): "complete" for day in kept} == states(manifest_of(today))
    for day in kept:
        assert names(sheets_of(day)) == ids(today, day), day


def test_a_new_category_is_filled(settings: Settings, upstream: Upstream) -> None:
    """A category that is added to a feed gets the dates of the retention too, from the API, but for the due one."""
    only = settings.model_copy(update={"feeds_toml": FEEDS.replace(', "cs.CL"', "")})
    for day in DAYS[:4]:
        visit(at(only, upstream, day))
    in_cl = [sheet for sheet in sheets_of(DAYS[1]) if sheet.categories == ("cs.LG",)]
    assert names(in_cl) == ids(only, DAYS[1])
    today = at(settings, upstream, DAYS[4])
    caught = visit(today)
    assert ((), {}) == (caught.backfill.pending, caught.failures)
    manifest = manifest_of(today)
    for day in DAYS[:5]:
        assert ("complete", names(sheets_of(day))) == (manifest.get(day).state, ids(today, day)), day
    assert ("rss+catchup", "catchup") == tuple(manifest.get(DAYS[1]).of(name).source for name in ("cs.LG", "cs.CL"))


def test_a_category_that_stays_stale_is_completed(settings: Settings, upstream: Upstream) -> None:
    """A category that shows the day before is completed by its catch-up page on the same day."""
    visit(at(settings, upstream, DAYS[0]))
    upstream.stale = {"cs.CL": [sheet for sheet in sheets_of(DAYS[0]) if "cs.CL" in sheet.categories]}
    today = at(settings, upstream, DAYS[1])
    visit(today)
    manifest = manifest_of(today)
    assert ("complete", names(sheets_of(DAYS[1]))) == (manifest.get(DAYS[1]).state, ids(today, DAYS[1]))
    assert names(sheets_of(DAYS[0])) == ids(today, DAYS[0])
    assert "catchup" == manifest.get(DAYS[1]).of("cs.CL").source


def test_replacements_are_not_doubled(settings: Settings, upstream: Upstream) -> None:
    """The API has the newest version of a paper whose first one was announced: that is no paper of its own."""
    visit(at(settings, upstream, DAYS[0]))
    second = replace(sheets_of(DAYS[0])[0], version=2)
    first, _ = submission_window(DAYS[0])
    second = replace(second, submitted=first + timedelta(hours=2), updated=submission_window(DAYS[2])[0])
    upstream.days = {
        **upstream.days,
        DAYS[0]: sheets_of(DAYS[0])[1:],  # the API has its newest version only
        DAYS[2]: [*sheets_of(DAYS[2]), second],
    }
    today = at(settings, upstream, DAYS[2])  # Tuesday is missed: Monday's window is read again
    visit(today)
    assert names(sheets_of(DAYS[0])) == ids(today, DAYS[0])
    assert names(sheets_of(DAYS[1])) == ids(today, DAYS[1])
    assert names([*sheets_of(DAYS[2]), second]) == ids(today, DAYS[2])


def test_lateness_is_visible(settings: Settings, upstream: Upstream) -> None:
    """Entries as JSON say when a paper came that came late, and nothing of the others."""
    today = at(settings, upstream, DAYS[9])
    dropped = sheets_of(DAYS[9])[0]
    upstream.change = without([dropped.id])
    visit(today)
    with serving_app(today) as url:
        found = httpx.get(f"{url}/api/papers?announced={DAYS[9]}&type=new,cross").json()["papers"]
    assert {sheet.id for sheet in sheets_of(DAYS[9])} == {entry["id"] for entry in found}
    assert {dropped.id: f"{DAYS[9]}T17:00:00Z"} == {entry["id"]: entry["late"] for entry in found if "late" in entry}


# -- an API that does not deliver


def good(requests: int) -> list[str]:
    """The API answers so many requests well, and then no more."""
    return ["/api/query "] * requests + ["/api/query 503"]


def test_windows_are_resumed(settings: Settings, upstream: Upstream) -> None:
    """A window of more papers than a slice has is gone on with where it was left, and no slice is fetched twice."""
    many = [Sheet(f"2603.{10100 + n}", title=f"Paper {n}") for n in range(2 * SLICE_SIZE + 50)]
    upstream.days, upstream.has_catchup = {DAYS[1]: many, DAYS[2]: [Sheet("2603.20000")]}, False
    short = settings.model_copy(update={"feeds_toml": FEEDS.replace("retention_days = 11", "retention_days = 7")})
    today = at(short, upstream, DAYS[2])
    refresh_at(today)
    upstream.faulty_for_ever = True
    served: list[str] = []
    for _ in range(20):
        before = len(upstream.targets)
        upstream.faults = good(1)
        caught = catch_up(today)
        served += [target for target in upstream.targets[before:] if "/api/query" in target][:1]
        if not caught.backfill.pending:
            break
        assert {"backfill": ["status 503 Service Unavailable"]} == caught.failures
    assert () == caught.backfill.pending
    assert names(many) == ids(today, DAYS[1])
    first = f"{submission_window(DAYS[1])[0]:%Y%m%d%H%M}"
    starts = [parse_qs(urlsplit(one).query)["start"] for one in served if first in one.partition("+TO+")[0]]
    assert [["0"], [str(SLICE_SIZE)], [str(2 * SLICE_SIZE)]] == starts


def test_pages_that_stay_short_are_taken_in_the_end(settings: Settings, upstream: Upstream) -> None:
    """A window whose answers stay short in three refreshes is taken as it is: what it has is there, nothing hangs."""
    today = at(settings, upstream, DAYS[9])
    refresh_at(today)
    upstream.faults, upstream.faulty_for_ever = ["/api/query total-too-high"], True
    owed = [len(catch_up(today).backfill.pending) for _ in range(MOST_TRIES)]
    assert owed[0] > 0 == owed[-1]
    assert names(sheets_of(DAYS[8])) == ids(today, DAYS[8])


def test_time_is_kept(settings: Settings, upstream: Upstream) -> None:
    """With little time no request is begun; what is pending stays pending, and is reported."""
    today = at(settings, upstream, DAYS[9])
    refresh_at(today)
    before = len(upstream.requests)
    caught = catch_up(today, seconds=4)
    assert (before, 0) == (len(upstream.requests), caught.backfill.windows)
    assert len(caught.backfill.pending) > 5


def test_a_weekend_owes_nothing(settings: Settings, upstream: Upstream) -> None:
    """What was read of the oldest dates is kept over a weekend, when arXiv's feed has a date but no announcements."""
    visit(at(settings, upstream, DAYS[4]))
    saturday = at(settings, upstream, DAYS[4] + timedelta(days=1))
    assert () == visit(saturday).backfill.pending
    asked = len(upstream.requests)
    assert () == catch_up(saturday).backfill.pending
    assert asked == len(upstream.requests)


def test_a_correction_is_confirmed(settings: Settings, upstream: Upstream) -> None:
    """A paper that arXiv adds to a date and a title that it corrects later that day are taken, and confirmed."""
    today = at(settings, upstream, DAYS[9])
    sheets = sheets_of(DAYS[9])
    upstream.days = {**upstream.days, DAYS[9]: [replace(sheets[0], title="Wrogn"), *sheets[2:]]}
    visit(today)
    upstream.days = {**upstream.days, DAYS[9]: sheets}
    visit(today)
    manifest = manifest_of(today)
    batch = batch_of(today, manifest.get(DAYS[9]))
    assert {sheet.title for sheet in sheets} == {item.paper.title for item in batch.announcements}
    assert [sheets[1].id] == [item.paper.id for item in batch.announcements if item.late]
    assert {"cs.CL": (4, 4, 0, 0), "cs.LG": (2, 2, 0, 0)} == ledger_of(manifest, DAYS[9])


# -- Hugging Face

PICKS = """
[feeds.voted]
title = "Voted"
categories = ["cs.LG", "cs.CL"]
announce_types = ["new", "cross"]
keywords = { "hf:20" = 3 }

[feeds.picks]
title = "Picks"
source = "huggingface"
"""


@pytest.fixture
def picking(settings: Settings, upstream: Upstream) -> Settings:
    """Settings with feeds that need Hugging Face, on a day with three picks of the day before."""
    sheets = sheets_of(DAYS[8])
    upstream.picks = {DAYS[9]: [Picked(sheets[0], 4), Picked(sheets[1], 30), Picked(sheets[2], 12)]}
    return at(settings.model_copy(update={"feeds_toml": FEEDS + PICKS}), upstream, DAYS[9])


def entries(settings: Settings, name: str, query: str = "") -> list[Entry]:
    """What a feed shows, in order."""

    async def main() -> list[Entry]:
        wire = Paperwire(settings)
        try:
            feed = wire.feed(name)
            parsed = parse_query(query, entry_fields=())
            shown = await wire.entries(await wire.manifest(), feed, parsed)
            found = choose(feed, shown.entries, parsed, capped=True)
            return list(paginate(found, parsed).entries)
        finally:
            await wire.close()

    return asyncio.run(main())


def test_picks_are_a_feed_in_order_of_upvotes(picking: Settings) -> None:
    """The daily papers are a feed, most upvotes first, with the categories that arXiv announced them in."""
    assert 5 == visit(picking).enrich.picks
    shown = entries(picking, "picks")
    sheets = sheets_of(DAYS[8])
    assert [(sheets[1].id, 30), (sheets[2].id, 12), (sheets[0].id, 4)] == [(e.id, e.upvotes) for e in shown]
    visit(picking)  # files those of missed days, too
    assert [sheets[n].categories for n in (1, 2, 0)] == [e.paper.categories for e in entries(picking, "picks")]


def test_upvotes_change_scores(picking: Settings, upstream: Upstream) -> None:
    """Upvotes are noted in arXiv's batches, and rules that ask for them score again when they change."""
    refresh_at(at(picking, upstream, DAYS[8]))
    picking = at(picking, upstream, DAYS[9])
    visit(picking)
    sheets = sheets_of(DAYS[8])
    scores = {e.id: (e.score, e.upvotes) for e in entries(picking, "voted", "score>=0") if e.announced == DAYS[8]}
    assert (3.0, 30) == scores[sheets[1].id]
    assert (0.0, 12) == scores[sheets[2].id]
    upstream.picks = {DAYS[9]: [Picked(sheets[2], 21)]}
    visit(picking)
    scores = {e.id: (e.score, e.upvotes) for e in entries(picking, "voted", "score>=0") if e.announced == DAYS[8]}
    assert (3.0, 21) == scores[sheets[2].id]


def test_picks_that_arxiv_did_not_announce_are_completed(picking: Settings, upstream: Upstream) -> None:
    """A pick of which no announcement is known gets its categories from the API."""
    old = Sheet("2601.00017", title="An old paper", categories=("stat.ML", "cs.LG"), submitted=datetime(2026, 1, 2))
    upstream.days = {**upstream.days, date(2026, 1, 5): [old]}
    upstream.picks = {DAYS[9]: [Picked(old, 50)]}
    visit(picking)
    (shown,) = entries(picking, "picks")
    assert (old.id, old.categories, 50) == (shown.id, shown.paper.categories, shown.upvotes)
    assert shown.paper.published.startswith("2026-01-02")
