"""An invented fortnight of arXiv with everything that goes wrong in one, and what has to be stored at its end."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.archive.days import Days
from core.model.calendar import EASTERN, announcement_days, submission_window
from core.model.ledger import ids_of
from core.model.manifest import Manifest
from core.store import keys
from core.store.base import Store
from core.store.codec import decode, decode_as
from tests.support.arxiv_format import Sheet
from tests.support.hf_format import Picked
from tests.support.upstream import Upstream

HOLIDAY = date(2026, 1, 20)  # no announcement in the evening of Martin Luther King Day
DAYS = announcement_days(date(2026, 1, 11), date(2026, 1, 24))  # nine, Monday to Friday of the week after
MON, TUE, WED, THU, FRI, MON2, WED2, THU2, FRI2 = DAYS
CATEGORIES = ("cs.CL", "cs.LG")
KINDS = (("cs.LG",), ("cs.CL", "cs.AI"), ("cs.AI", "cs.CL"), ("cs.LG", "cs.CL"))
LATE_TITLE = "A corrected title"
FEEDS = """
[instance]
retention_days = 11

[feeds.main]
title = "Main"
categories = ["cs.LG", "cs.CL"]
keywords = { "paper" = 1, "ti:2" = 2, "hf:20" = 4 }

[feeds.picks]
title = "Picks"
source = "huggingface"
"""


def sheets_of(day: date, count: int = 8) -> list[Sheet]:
    """A day's papers, with identifiers that rise from day to day, as arXiv gives them."""
    first = 10000 + 100 * DAYS.index(day)
    return [
        Sheet(f"2601.{first + n}", title=f"Paper {n} of day {day.day}", categories=KINDS[n % len(KINDS)])
        for n in range(count)
    ]


def held(sheet: Sheet, day: date) -> Sheet:
    """`sheet`, but submitted for `day` already, and held by a moderator."""
    return replace(sheet, submitted=submission_window(day)[0] + timedelta(hours=3))


def announced(count: int = 8) -> dict[date, list[Sheet]]:
    """What arXiv announces on each day: on two there are papers that were submitted days before."""
    days = {day: sheets_of(day, count) for day in DAYS}
    for day, submitted in ((WED, MON), (THU2, MON2)):
        days[day][0] = held(days[day][0], submitted)
    return days


def without(ids: Iterable[str]) -> Callable[[bytes], bytes]:
    """A change of RSS: it does not show these papers."""
    names = [name.encode() for name in ids]

    def change(body: bytes) -> bytes:
        items = re.findall(rb" *<item>.*?</item>\n", body, re.DOTALL)
        for item in items:
            if any(b"/abs/" + name in item for name in names):
                body = body.replace(item, b"")
        return body

    return change


@dataclass(frozen=True)
class Step:
    """A visit to arXiv: the time in New York, and what arXiv is like then."""

    now: datetime
    upstream: Mapping[str, Any]

    def begin(self, upstream: Upstream) -> None:
        """Let arXiv be as it is at this step."""
        usual = {"stale": {}, "change": bytes, "faults": [], "sheets": []}
        for name, value in (usual | {"day": self.now.date()} | dict(self.upstream)).items():
            setattr(upstream, name, value)


def _at(day: date, hour: int = 12, **upstream: Any) -> Step:
    return Step(datetime(day.year, day.month, day.day, hour, tzinfo=EASTERN), upstream)


def picks_of(days: Mapping[date, list[Sheet]]) -> dict[date, list[Picked]]:
    """What Hugging Face picks: two papers of each day, on the day after; one of them has many upvotes."""
    return {
        day + timedelta(days=1): [Picked(days[day][1], 25, "https://github.com/sample/code"), Picked(days[day][3], 5)]
        for day in DAYS
    }


def steps(days: dict[date, list[Sheet]]) -> list[Step]:
    """Visits: Tuesday one category is stale all day, Wednesday and Thursday are missed, Friday is corrected, Tuesday
    after is a holiday, on Wednesday two papers are missing from RSS.
    """
    first = [replace(days[FRI][0], title="A title with a mitsake"), *days[FRI][2:]]
    of_monday = [sheet for sheet in days[MON] if "cs.CL" in sheet.categories]
    return [
        _at(MON),
        _at(TUE, stale={"cs.CL": of_monday}),
        _at(FRI, 10, days=days | {FRI: first}),
        _at(FRI, 18, days=days),
        _at(MON2),
        _at(HOLIDAY),
        _at(WED2, change=without([days[WED2][0].id, days[WED2][5].id])),
        _at(THU2),
        _at(FRI2),
        _at(FRI2, 20),
    ]


def fortnight(count: int = 8) -> tuple[Upstream, list[Step], dict[date, set[str]]]:
    """arXiv, the visits to it, and the identifiers that each date has to have at the end."""
    days = announced(count)
    days[FRI][0] = replace(days[FRI][0], title=LATE_TITLE)
    truth = {day: {sheet.id for sheet in sheets} for day, sheets in days.items()}
    return Upstream(day=MON, days=days, picks=picks_of(days)), steps(days), truth


# -- what is stored


@dataclass(frozen=True)
class Kept:
    """What a store has: the manifest, and by date the announcements, the confirmed identifiers, and the ledger."""

    manifest: Manifest
    ids: dict[date, list[str]]
    titles: dict[str, str]
    late: dict[date, set[str]]
    ledger: dict[date, dict[str, tuple[int, ...]]]
    content: dict[str, Any]


async def kept(store: Store) -> Kept:
    """What `store` has."""
    manifest = Manifest.from_plain(decode(await store.get(keys.MANIFEST) or b""))
    batches = await Days(store).batches(manifest.records.values())
    by_date = {record.date: batches[record.hash] for record in manifest.stored}
    confirmed = await Days(store).confirmed(by_date)
    lines = {
        day: {
            name: tuple(map(len, ids_of(batch, confirmed.get(day, frozenset()), name)))
            for name in manifest.get(day).categories
        }
        for day, batch in by_date.items()
    }
    items = [(day, item) for day, batch in by_date.items() for item in batch.announcements]
    named = [keys.batch(record.date, record.hash) for record in (*manifest.stored, *manifest.of("huggingface"))]
    hashes = [record.hash for record in (*manifest.stored, *manifest.of("huggingface"))]
    names = sorted([key async for key, _, _ in store.entries()])
    named += [key for key in names if ":scores:" in key and key.rpartition(":")[2] in hashes]
    named += [key for key in names if ":ledger:" in key]
    values = await store.get_many(named)
    content = {
        name: decode_as(lambda plain: plain, value or b"null") for name, value in zip(named, values, strict=True)
    }
    return Kept(
        manifest,
        {day: [item.paper.id for item in batch.announcements] for day, batch in by_date.items()},
        {item.paper.id: item.paper.title for _, item in items},
        {day: {i.paper.id for at, i in items if at == day and i.late} for day in by_date},
        lines,
        content,
    )
