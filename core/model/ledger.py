"""The ledger: what the API confirms of each date, what it adds to arXiv's feed, and which windows are pending.

The API says when a paper was submitted, not when it was announced: see `core.model.reconcile`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from core.model.batch import Announcement, Batch, announced_in, make_batch
from core.model.calendar import announcement_days, before, due_at, due_date, next_due
from core.model.categories import listed
from core.model.manifest import AGREED, BatchRecord, CategoryCount, CategoryState, Manifest, rfc3339
from core.model.paper import Paper, as_first_announced, complete
from core.model.reconcile import corrected, latest, place, recorded, restated, shown_on

# Announcement days by which a moderator may delay a paper; papers held longer are found only by identifier
HELD = 4
REACH = timedelta(days=90)  # of the catch-up pages, https://info.arxiv.org/help/catchup.html
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
            if (state.by_rss or state.state == "complete") and manifest.get(day).hash:
                _want(wanted, day, name, due_at(day))
            elif day < due:
                for earlier in _held_for(day):
                    _want(wanted, earlier, name, _over_at(day))
                is_open = not state.settled and (state.source == "rss" or state.reason == NOT_ALL_READ)
                if is_open and _is_read(manifest, day, name, days):  # not yet while earlier dates were kept
                    _want(wanted, day, name, now)
            elif not manifest.get(day).hash and state.state == "waiting":  # the API may have what an empty feed had not
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
        known = records.get(target) or manifest.get(target)
        made[target] = with_papers(known, stay.get(target), papers, categories, reading.at)
        ledger = {name: CategoryCount(*map(len, ids_of(made[target], ids[target], name))) for name in categories}
        states = {name: known.of(name) for name in categories}
        record = recorded(known, made[target], states, reading.at)
        gone = _papers_of([batches[target]] if target in batches else []) - _papers_of([made[target]])
        record = corrected(record, reading.at, _BELONGS, gone)
        records[target] = replace(record, ledger={**known.ledger, **ledger}, fetched=known.fetched or reading.at)
    entered = replace(manifest, records=records)
    touched = {*made, *(target for target in records if day in _held_for(target))}
    for target in sorted(touched):
        states = {name: judged(entered, target, name, now, retention) for name in categories}
        records[target] = restated(records[target], states, reading.at)
    added = len(_papers_of(made.values()) - _papers_of(batches.values()))
    return Entered({target: records[target] for target in {*touched, day}}, made, ids, added)


_BELONGS = "the API had them by their time of submission, and they were announced on another date"


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

    The date in arXiv's feed and on its catch-up pages takes precedence: a date is not the paper's whose page in one of
    its categories lacks it.
    """
    days, shown = days_kept(now, retention), shown_on(batches, categories)
    kept: dict[date, list[Paper]] = {}
    for paper in reading.papers:
        day = shown.get(paper.id) or place(manifest, paper, reading.window.date)
        if day in days and (paper.id in shown or not _is_denied(manifest.get(day), paper, categories)):
            kept.setdefault(day, []).append(paper)
    return kept


def _is_denied(record: BatchRecord, paper: Paper, categories: Sequence[str]) -> bool:
    """Returns whether the catch-up page of a category of the paper was read: if it had the paper, it would be here."""
    pages = [record.pages[name] for name in categories if name in record.pages and _is_in(paper, name)]
    return any(note.outcome in AGREED for note in pages)


def _is_in(paper: Paper, category: str) -> bool:
    return any(listed(name, (category,)) for name in paper.categories)


def _without_strays(
    batches: Mapping[date, Batch], found: Mapping[date, Sequence[Paper]], categories: Sequence[str]
) -> dict[date, Batch]:
    """Returns the batches without papers that the API added and that belong to another date."""
    home = {paper.id: day for day, papers in found.items() for paper in papers} | shown_on(batches, categories)
    stay = {}
    for day, batch in batches.items():
        kept = [i for i in batch.announcements if i.source != "api" or home.get(i.paper.id, day) == day]
        stay[day] = batch if len(kept) == len(batch.announcements) else Batch(day, tuple(kept))
    return stay


def with_papers(
    record: BatchRecord, batch: Batch | None, papers: Iterable[Paper], categories: Sequence[str], at: str
) -> Batch:
    """Returns the batch of a record with the API's fields of its papers, and with missing papers added as late (`at`).

    In a category that is new to a stored date, papers are not late.
    """
    known = {paper.id: paper for paper in papers}
    items = [
        replace(item, paper=complete(item.paper, known[item.paper.id])) if item.paper.id in known else item
        for item in (batch.announcements if batch else ())
    ]
    present = {item.paper.id for item in items}
    wanted = frozenset(categories)
    items += [
        Announcement(
            as_first_announced(paper),
            "new" if listed(paper.primary, wanted) else "cross",
            "" if record.hash and record.is_new_in(name for name in categories if _is_in(paper, name)) else at,
            "api",
        )
        for paper in known.values()
        if paper.id not in present and any(listed(name, wanted) for name in paper.categories)
    ]
    return make_batch(record.date, items)


def judged(manifest: Manifest, day: date, name: str, now: datetime, retention: timedelta) -> CategoryState:
    """Returns the state of a category of a date from what its witnesses said so far."""
    record, state = manifest.get(day), manifest.get(day).of(name)
    outcome = record.pages[name].outcome if name in record.pages else ""
    number = sum(record.counts.get(name, {}).values())
    by_rss = state.by_rss and bool(record.hash)
    if outcome in ("whole", "nothing"):
        empty = CategoryState("quiet", NO_UPDATES)
        found = CategoryState("complete") if number else empty
        return found._replace(source="rss+catchup" if by_rss else "catchup")
    if outcome in _OPEN_PAGES and (by_rss or outcome != "empty"):
        why, lacks = _OPEN_PAGES[outcome]
        source = "rss+catchup" if by_rss else "catchup"
        return CategoryState("partial" if lacks and not by_rss else "unconfirmed", why, source=source, lacks=lacks)
    if by_rss:
        agrees = outcome == "absent" and record.read.get(name, "") >= rfc3339(due_at(day))
        return CategoryState("complete", source="rss+api") if agrees else CategoryState("unconfirmed")
    if day >= due_date(now):
        return state if state.state != "expected" else state._replace(reason="it was not fetched yet")
    if not _is_read(manifest, day, name, days_kept(now, retention)):
        return CategoryState("partial" if number else "failed", NOT_ALL_READ, source="api", lacks=_NOT_OF_API)
    if number:
        return CategoryState("partial", API_ALONE, source="api", lacks=_NOT_OF_API)
    if outcome == "absent":
        return CategoryState("quiet", NOTHING, source="api")
    if outcome == "empty":  # the API has no replacements, and cannot confirm that there were none
        return CategoryState("unconfirmed", _OPEN_PAGES[outcome][0], source="catchup+api")
    page = (
        "its catch-up page is still to be asked" if now.date() - day <= REACH else "catch-up pages reach 90 days back"
    )
    return CategoryState("failed", f"{NOTHING}; {page}", source="api")


NO_UPDATES = "arXiv's catch-up page has nothing of this date"
API_ALONE = "only the API has it, which has no cross-lists of earlier papers and no replacements"
_NOT_OF_API = "cross,replace"
# Outcomes of a catch-up page after which it is asked again: why, and which announce types lack
_OPEN_PAGES = {
    "differs": ("arXiv's feed and its catch-up page differ; the page is asked again", ""),
    "lacking": ("the versions of some papers on the catch-up page are not known yet", "cross,replace"),
    "again": ("arXiv's feed was short, so its catch-up page is read again", ""),
    "empty": ("arXiv's catch-up page is empty, which is not confirmed yet; it is asked again", ""),
}


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
        item for item in (batch.announcements if batch else ()) if announced_in(item, (category,)) and not item.replaces
    ]
    announced = frozenset(item.paper.id for item in items if item.source != "api" and item.paper.version == 1)
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


@lru_cache(1024)
def _over_at(day: date) -> datetime:
    """Returns when the next date is due: the API has all papers of `day` by then."""
    return next_due(due_at(day))


def _want(wanted: Mapping[date, dict[str, str]], day: date, name: str, moment: datetime) -> None:
    if day in wanted:
        wanted[day][name] = max(wanted[day].get(name, ""), rfc3339(moment))


def in_words(dates: Iterable[date]) -> str:
    """Returns dates in words: "3 dates, 2026-03-02 to 2026-03-05", or ""."""
    days = sorted(set(dates))
    if not days:
        return ""
    return f"{len(days)} date{'s' if len(days) > 1 else ''}, {days[0]} to {days[-1]}" if days[1:] else f"{days[0]}"
