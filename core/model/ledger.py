"""The ledger: what the API confirms of each date, what it adds to arXiv's feed, and which windows are pending.

The API says when a paper was submitted, not when it was announced: see `core.model.reconcile`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from core.model.batch import Announcement, Batch, make_batch
from core.model.calendar import announcement_days, before, due_at, due_date, next_due
from core.model.categories import listed
from core.model.manifest import BatchRecord, CategoryCount, CategoryState, Manifest, rfc3339
from core.model.paper import Paper, complete
from core.model.reconcile import latest, place, recorded, restated, shown_on

# Announcement days by which a moderator may delay a paper; papers held longer are found only by identifier
HELD = 4
NOT_ALL_READ = "it was not fetched while arXiv's feed held it; the API is being asked for it"
NOTHING = "neither arXiv's feed nor the API had anything"


@dataclass(frozen=True, slots=True)
class Window:
    """A pending request to the API: the submissions for one announcement `date`, in `categories`."""

    date: date
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowReading:
    """All papers that the API had for a window at a time (RFC 3339)."""

    window: Window
    papers: tuple[Paper, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Entered:
    """The changes by a reading: records, batches, the confirmed ids of their dates, and the count of `added` papers."""

    records: Mapping[date, BatchRecord]
    batches: Mapping[date, Batch]
    confirmed: Mapping[date, frozenset[str]]
    added: int


def windows_to_read(manifest: Manifest, categories: Sequence[str], now: datetime, retention: timedelta) -> list[Window]:
    """Returns the pending windows, newest first.

    Each date is confirmed once for what the feed shows of it. A date that arXiv's feed did not settle in a category (it
    was missed, or the category is new) is read when it is over, and with it the windows before it, because of papers
    that were held.
    """
    due, days = due_date(now), days_kept(now, retention)
    wanted: dict[date, dict[str, str]] = {day: {} for day in days}
    for day in days:
        for name in categories:
            state = manifest.get(day).of(name)
            # An empty category of a date without a batch is not final
            if state.settled and state.source == "rss" and manifest.get(day).hash:
                _want(wanted, day, name, due_at(day))
            elif day < due:
                for earlier in _held_for(day):
                    _want(wanted, earlier, name, _over_at(day))
                if not state.settled and _is_read(manifest, day, name, days):  # not yet while earlier dates were kept
                    _want(wanted, day, name, now)
            elif manifest.get(day).state == "quiet":  # the API may have what an empty feed had not
                _want(wanted, day, name, due_at(day))
    windows = [
        Window(day, tuple(name for name in wanted[day] if manifest.get(day).read.get(name, "") < wanted[day][name]))
        for day in reversed(days)
    ]
    return [window for window in windows if window.categories]


def enter(
    manifest: Manifest,
    batches: Mapping[date, Batch],
    confirmed: Mapping[date, frozenset[str]],
    reading: WindowReading,
    categories: Sequence[str],
    now: datetime,
    retention: timedelta,
) -> Entered:
    """Enter a reading into the ledger.

    `batches` are those of the dates that are `affected_dates`, `confirmed` the ids confirmed so far of the same dates.
    Papers that a batch lacks are added to it as late; papers that belong to another date are removed.
    """
    day = reading.window.date
    found = placed(manifest, batches, reading, categories, now, retention)
    stay = _without_strays(batches, found, categories)
    records, made, ids = dict(manifest.records), dict[date, Batch](), dict[date, frozenset[str]]()
    read = {**manifest.get(day).read, **dict.fromkeys(reading.window.categories, reading.at)}
    records[day] = replace(manifest.get(day), read=read)
    for target in sorted({*found, *(one for one in stay if stay[one] is not batches[one])}):
        papers = found.get(target, [])
        ids[target] = confirmed.get(target, frozenset()) | {paper.id for paper in papers}
        made[target] = with_papers(target, stay.get(target), papers, categories, reading.at)
        known = records.get(target) or manifest.get(target)
        ledger = {name: CategoryCount(*map(len, ids_of(made[target], ids[target], name))) for name in categories}
        states = {name: known.of(name) for name in categories}
        records[target] = replace(recorded(known, made[target], states, reading.at), ledger=ledger)
        records[target] = replace(records[target], fetched=known.fetched or reading.at)
    entered = replace(manifest, records=records)
    touched = {*made, *(target for target in records if day in _held_for(target))}
    for target in sorted(touched):
        states = {name: _state(entered, target, name, now, retention) for name in categories}
        records[target] = restated(records[target], states, reading.at)
    added = len(_papers_of(made.values()) - _papers_of(batches.values()))
    return Entered({target: records[target] for target in {*touched, day}}, made, ids, added)


def _papers_of(batches: Iterable[Batch]) -> set[str]:
    return {item.paper.id for batch in batches for item in batch.announcements}


def affected_dates(manifest: Manifest, reading: WindowReading, now: datetime, retention: timedelta) -> list[date]:
    """Returns the dates whose batches are needed to enter a reading: those around its window, which may have its papers
    already, and the probable dates of its papers.
    """
    day, days = reading.window.date, days_kept(now, retention)
    around = {one for one in days if one in _held_for(day) or day in _held_for(one)}
    seeming = {place(manifest, paper, day) for paper in reading.papers}
    until = {latest(manifest, paper) for paper in reading.papers}
    return [one for one in days if one in around | seeming | until]


def placed(
    manifest: Manifest,
    batches: Mapping[date, Batch],
    reading: WindowReading,
    categories: Sequence[str],
    now: datetime,
    retention: timedelta,
) -> dict[date, list[Paper]]:
    """Returns the papers of a reading by announcement date, without those of dates that are not kept.

    The date in arXiv's feed takes precedence.
    """
    days, shown = days_kept(now, retention), shown_on(batches, categories)
    kept: dict[date, list[Paper]] = {}
    for paper in reading.papers:
        if (day := shown.get(paper.id) or place(manifest, paper, reading.window.date)) in days:
            kept.setdefault(day, []).append(paper)
    return kept


def _without_strays(
    batches: Mapping[date, Batch], found: Mapping[date, Sequence[Paper]], categories: Sequence[str]
) -> dict[date, Batch]:
    """Returns the batches without papers that the API added and that belong to another date."""
    home = {paper.id: day for day, papers in found.items() for paper in papers} | shown_on(batches, categories)
    stay = {}
    for day, batch in batches.items():
        kept = [i for i in batch.announcements if i.source == "rss" or home.get(i.paper.id, day) == day]
        stay[day] = batch if len(kept) == len(batch.announcements) else Batch(day, tuple(kept))
    return stay


def with_papers(day: date, batch: Batch | None, papers: Iterable[Paper], categories: Sequence[str], at: str) -> Batch:
    """Returns the batch with the API's fields of its papers, and with missing papers added as late (`at`)."""
    known = {paper.id: paper for paper in papers}
    items = [
        replace(item, paper=complete(item.paper, known[item.paper.id])) if item.paper.id in known else item
        for item in (batch.announcements if batch else ())
    ]
    present = {item.paper.id for item in items}
    wanted = frozenset(categories)
    items += [
        Announcement(paper, "new" if listed(paper.primary, wanted) else "cross", at, "api")
        for paper in known.values()
        if paper.id not in present and any(listed(name, wanted) for name in paper.categories)
    ]
    return make_batch(day, items)


def _state(manifest: Manifest, day: date, name: str, now: datetime, retention: timedelta) -> CategoryState:
    """Returns the state of a category of a date after a reading. A state that arXiv's feed settled is kept."""
    state = manifest.get(day).of(name)
    if (state.settled and state.source == "rss" and manifest.get(day).hash) or day >= due_date(now):
        return state if state.state != "expected" else state._replace(reason="it was not fetched yet")
    number = manifest.get(day).ledger.get(name, CategoryCount(0, 0, 0, 0))
    if not _is_read(manifest, day, name, days_kept(now, retention)):
        return CategoryState("partial" if number.announced + number.missing else "failed", NOT_ALL_READ, source="api")
    if number.announced + number.missing:
        return CategoryState("complete", source="api")
    return CategoryState("quiet", NOTHING, source="api")


def _is_read(manifest: Manifest, day: date, name: str, kept: Sequence[date]) -> bool:
    """Returns whether the API was asked, after the end of a date, for all papers that it may have announced."""
    read = [manifest.get(earlier).read.get(name, "") for earlier in _held_for(day) if earlier in kept]
    return min(read, default="") >= rfc3339(_over_at(day))


class Ids(NamedTuple):
    """The identifiers behind a `CategoryCount`."""

    announced: frozenset[str]
    confirmed: frozenset[str]
    missing: frozenset[str]
    extra: frozenset[str]


def ids_of(batch: Batch | None, confirmed: frozenset[str], category: str) -> Ids:
    """Returns the ledger line of a category. Of the feed's announcements, new papers and cross-lists count."""
    items = [
        item
        for item in (batch.announcements if batch else ())
        if any(listed(c, (category,)) for c in item.paper.categories) and not item.served.startswith("replace")
    ]
    announced = frozenset(item.paper.id for item in items if item.source == "rss" and item.paper.version == 1)
    missing = frozenset(item.paper.id for item in items if item.source == "api")
    return Ids(announced, (announced | missing) & confirmed, missing, announced - confirmed)


def days_kept(now: datetime, retention: timedelta) -> list[date]:
    """Returns the announcement days within the retention, up to the due one."""
    due = due_date(now)
    return announcement_days(due - retention - timedelta(days=1), due + timedelta(days=1))


def _held_for(day: date) -> list[date]:
    """Returns an announcement day, and the earlier ones whose papers may have been held until then."""
    days = [day]
    while len(days) <= HELD:
        days.append(before(days[-1]))
    return days


def _over_at(day: date) -> datetime:
    """Returns when the next date is due: the API has all papers of `day` by then."""
    return next_due(due_at(day))


def _want(wanted: Mapping[date, dict[str, str]], day: date, name: str, moment: datetime) -> None:
    if day in wanted:
        wanted[day][name] = max(wanted[day].get(name, ""), rfc3339(moment))


def in_words(windows: Sequence[Window]) -> str:
    """Returns the windows in words: "3 dates, 2026-03-02 to 2026-03-05", or ""."""
    if not windows:
        return ""
    days = sorted(window.date for window in windows)
    return f"{len(days)} date{'s' if len(days) > 1 else ''}, {days[0]} to {days[-1]}" if days[1:] else f"{days[0]}"
