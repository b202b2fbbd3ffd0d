"""Catch-up pages: which of them are to be read, and what they say of the dates that arXiv's feed announced.

A page says on which date papers were announced, and how: new, cross-listed, replaced. It is of now in all else: papers
that were listed in the category later are on it, and what arXiv's feed said of its date stands against it. A late
cross-list is on the pages of all categories that the paper has beside its primary one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from core.model.batch import Announcement, Batch, announced_in, make_batch
from core.model.calendar import announced_on, before, due_date, is_evening
from core.model.categories import listed
from core.model.consistent import (
    absent_from,
    absent_ids,
    had_before,
    is_only_into,
    is_submitted_for,
    made_consistent,
    others_of,
    was_short,
)
from core.model.ledger import REACH, Entered, days_kept, judged
from core.model.manifest import BatchRecord, Manifest, PageNote, rfc3339
from core.model.paper import Paper, as_first_announced, complete
from core.model.reconcile import announced_before, corrected, is_of_before, recorded, restated

MOST_VERSION = 5  # later replacements are not announced
_MONTH = timedelta(days=7)  # the first batch of a month has identifiers of the previous month
_AGAIN = ("differs", "lacking", "empty", "again")
_PAUSE = timedelta(hours=1)  # after which a page is asked again; doubled with every time, up to the longest
_ABSENT = timedelta(days=1)  # the same for one that arXiv had not
_LONGEST_PAUSE = timedelta(days=4)
_ENOUGH = 8  # times that a page says for more than five days, by these pauses, that there is nothing


class Mention(NamedTuple):
    """A paper on a catch-up page: its `section` ("new", "cross" or "replace"), and its `newest` version of now, 0 where
    that is not known. `paper` has that version, or 1, and the metadata of now.
    """

    section: str
    paper: Paper
    newest: int


class PageKey(NamedTuple):
    """A catch-up page: a category of a date."""

    date: date
    category: str


@dataclass(frozen=True, slots=True)
class PageReading:
    """What the page had at a time (RFC 3339); `mentions` is None if arXiv has no such page."""

    key: PageKey
    mentions: tuple[Mention, ...] | None
    at: str


def pages_to_read(manifest: Manifest, categories: Sequence[str], now: datetime, retention: timedelta) -> list[PageKey]:
    """Returns the pending pages, newest date first: those that were not read yet, or have to be read again."""
    days = [day for day in reversed(days_kept(now, retention)) if now.date() - day <= REACH]
    early = due_date(now) if is_evening(now) else None  # its page has what the next mailing has listed in the category
    return [
        PageKey(day, name)
        for day in days
        for name in categories
        if _is_pending(manifest.get(day), name, now) and not (day == early and _can_wait(manifest, day, name))
    ]


def _can_wait(manifest: Manifest, day: date, category: str) -> bool:
    """Returns whether what arXiv's feed had is not stale, because the date before is known."""
    return manifest.get(day).of(category).by_rss and manifest.get(before(day)).of(category).settled


def _is_pending(record: BatchRecord, category: str, now: datetime) -> bool:
    note = record.pages.get(category)
    if note is None:
        return True
    first = _ABSENT if note.outcome == "absent" else _PAUSE
    pause = min(first * 2 ** min(note.tries - 1, 10), _LONGEST_PAUSE)
    return note.outcome in (*_AGAIN, "absent") and note.at <= rfc3339(now - pause)


def unknown_versions(reading: PageReading, batch: Batch | None) -> list[str]:
    """Returns the papers of a page whose version has to be asked for: not new ones, and not in the batch."""
    known = {item.paper.id for item in batch.announcements if item.source != "api"} if batch else set()
    mentions = reading.mentions or ()
    return [m.paper.id for m in mentions if m.section != "new" and not m.newest and m.paper.id not in known]


def with_versions(reading: PageReading, papers: Mapping[str, Paper]) -> PageReading:
    """Returns the reading with the versions of these papers, which are the newest of now, by identifier."""
    mentions = [
        m._replace(newest=papers[m.paper.id].version, paper=complete(m.paper, papers[m.paper.id]))
        if not m.newest and m.paper.id in papers
        else m
        for m in reading.mentions or ()
    ]
    return replace(reading, mentions=None if reading.mentions is None else tuple(mentions))


def enter_absent(
    manifest: Manifest, keys: Iterable[PageKey], now: datetime, retention: timedelta
) -> dict[date, BatchRecord]:
    """Returns the records of the dates whose pages arXiv has not."""
    records = dict(manifest.records)
    at = rfc3339(now)
    names: dict[date, list[str]] = {}
    for day, category in keys:
        names.setdefault(day, []).append(category)
        records[day] = _noted(
            records.get(day) or manifest.get(day), PageReading(PageKey(day, category), None, at), None
        )
    entered = replace(manifest, records=records)
    return {
        day: restated(records[day], {name: judged(entered, day, name, now, retention) for name in of_day}, at)
        for day, of_day in names.items()
    }


def enter_page(
    manifest: Manifest,
    batches: Mapping[date, Batch],
    reading: PageReading,
    now: datetime,
    retention: timedelta,
) -> Entered:
    """Enter a page: add what its date lacks, and correct this and other dates.

    `batches` are all stored ones by date. What a page has of another date is moved there; what it alone lacks is a
    reason to ask it again. `Entered.confirmed` is empty.
    """
    day, category = reading.key
    records = dict(manifest.records)
    record = _noted(records.get(day) or manifest.get(day), reading, batches.get(day))
    # What is announced in this category only is of this store too
    records[day] = replace(record, categories={**record.categories, category: record.of(category)})
    made = dict(batches)
    if reading.mentions:
        is_late = not record.is_new_in([category]) if record.hash else day < due_date(now)
        made[day] = _Page(reading, batches, manifest, late=is_late).batch()
    if was_short(made.get(day), record) and not was_short(batches.get(day), record):
        records[day] = _to_read_again(records[day], category)
    made, gone = made_consistent(records, made)
    changed = {one: batch for one, batch in made.items() if one not in batches or batch.hash != batches[one].hash}
    for one, batch in changed.items():
        known = records.get(one) or manifest.get(one)
        states = {**known.categories, **({category: known.of(category)} if one == day else {})}
        known = corrected(known, reading.at, _BELONGS, _ids(batches.get(one)).intersection(gone.get(one, ())))
        known = corrected(known, reading.at, _WAS_MISSING, _added(batches.get(one), batch) if known.hash else ())
        records[one] = replace(recorded(known, batch, states, reading.at), fetched=known.fetched or reading.at)
    for one in {day, *changed}:
        records[one] = _compared(records[one], made.get(one))
        entered = replace(manifest, records=records)
        names = dict.fromkeys([*records[one].categories, *([category] if one == day else [])])
        judgements = {name: judged(entered, one, name, now, retention) for name in names}
        records[one] = restated(records[one], judgements, reading.at)
    added = sum(len(_added(batches.get(one), batch)) for one, batch in changed.items())
    return Entered({one: records[one] for one in {day, *changed}}, changed, {}, added)


_BELONGS = "arXiv's catch-up page has them on another date"
_WAS_MISSING = "only arXiv's catch-up page had them"


def _added(before: Batch | None, after: Batch) -> set[str]:
    return _ids(after) - _ids(before)


def _ids(batch: Batch | None) -> set[str]:
    return {item.paper.id for item in batch.announcements} if batch else set()


def _noted(record: BatchRecord, reading: PageReading, batch: Batch | None) -> BatchRecord:
    """The record with the outcome of the reading, before it is compared with what arXiv's feed announced."""
    name = reading.key.category
    tries = record.pages[name].tries + 1 if name in record.pages else 1
    if reading.mentions is None:
        outcome = "absent"
    elif reading.mentions:
        known = {item.paper.id for item in batch.announcements} if batch else set()
        unknown = any(m.section == "replace" and not m.newest and m.paper.id not in known for m in reading.mentions)
        outcome = "lacking" if unknown else "whole"
    else:
        has_some = any(announced_in(item, (name,)) for item in (batch.announcements if batch else ()))
        outcome = "nothing" if not has_some and _is_believed(record, name, tries) else "empty"
    return replace(record, pages={**record.pages, name: PageNote(reading.at, outcome, tries)})


def _is_believed(record: BatchRecord, category: str, tries: int) -> bool:
    """Returns whether "No updates" is believed: arXiv's feed agrees, or the site has shown others of this date since it
    said so last. Saying it again proves nothing, unless for days.
    """
    last = record.pages.get(category)
    others = [note for name, note in record.pages.items() if name != category and note.outcome in ("whole", "differs")]
    is_up = last is not None and last.outcome == "empty" and any(note.at >= last.at for note in others)
    return record.of(category).by_rss or is_up or tries >= _ENOUGH


def _to_read_again(record: BatchRecord, category: str) -> BatchRecord:
    """The record with the pages of other categories to be read again, because arXiv's feed turned out to be short: late
    cross-lists that only they had were left out.
    """
    pages = {
        name: note._replace(outcome="again")
        if name != category and note.outcome == "whole" and record.of(name).by_rss
        else note
        for name, note in record.pages.items()
    }
    return replace(record, pages=pages)


def _compared(record: BatchRecord, batch: Batch | None) -> BatchRecord:
    """The record with the outcomes of its pages after a comparison with what arXiv's feed announced."""
    pages = dict(record.pages)
    for name, note in pages.items():
        if note.outcome in ("whole", "nothing", "differs"):
            absent = [item for item in absent_from(batch, name) if item.by_rss]
            found = any(announced_in(item, (name,)) for item in (batch.announcements if batch else ()))
            pages[name] = note._replace(outcome="differs" if absent else "whole" if found else "nothing")
    return replace(record, pages=pages)


class _Page:
    """A page, entered into the batch of its date."""

    def __init__(self, reading: PageReading, batches: Mapping[date, Batch], manifest: Manifest, *, late: bool) -> None:
        self._day, self._category = reading.key
        self._mentions = {m.paper.id: m for m in reading.mentions or ()}
        self._batches = batches
        self._existing = batches.get(self._day)
        self._before, self._follows = announced_before(manifest, self._day)
        self._manifest = manifest
        self._at = reading.at
        self._late = reading.at if late else ""
        news = [m.paper.id for m in self._mentions.values() if m.section == "new"]
        news += [item.paper.id for item in self._items if item.served == "new" and item.source != "api"]
        self._elsewhere: dict[str, list[tuple[date, Announcement]]] = {}
        for day, batch in batches.items():
            absent = absent_ids(manifest.get(day), batch) if day != self._day else set()
            absent |= self._shown_again(batch) if before(day) == self._day else set()
            for item in batch.announcements if day != self._day else ():
                if item.paper.id in self._mentions and item.paper.id not in absent:
                    self._elsewhere.setdefault(item.paper.id, []).append((day, item))
        self._first = min((name for name in news if "/" not in name), default="")
        self._by_rss = manifest.get(self._day).of(self._category).by_rss
        present = {item.paper.id for item in self._items}
        others = [m for m in self._mentions.values() if m.paper.id not in present]
        self._is_short = was_short(self._existing, manifest.get(self._day)) or any(map(self._shows_gap, others))

    def _shown_again(self, batch: Batch) -> set[str]:
        """Returns what arXiv's feed had of the category on the date after this one, if that is on this page and on none
        of that date: a stale feed. One paper alone may be there again.
        """
        within = [item for item in batch.announcements if item.by_rss and announced_in(item, (self._category,))]
        ids = {item.paper.id for item in within}
        is_stale = ids <= self._mentions.keys() and len(ids) > 1 and not any(item.by_page for item in within)
        return ids if is_stale else set()

    @property
    def _items(self) -> tuple[Announcement, ...]:
        return self._existing.announcements if self._existing else ()

    def batch(self) -> Batch:
        """Returns the batch with what the page has."""
        items = [self._joined(item) for item in self._items]
        present = {item.paper.id for item in items}
        news = [self._announcement(m) for m in self._mentions.values() if m.paper.id not in present]
        return make_batch(self._day, [*items, *(item for item in news if item)])

    def _joined(self, item: Announcement) -> Announcement:
        mention = self._mentions.get(item.paper.id)
        if mention is None:
            return item
        if item.source == "api" or self._is_of_before(item, mention):
            found = self._announcement(mention)
            return replace(found, late=item.late, paper=complete(found.paper, item.paper)) if found else item
        paper = complete(item.paper, replace(mention.paper, version=mention.newest or 1))
        source = "rss+catchup" if item.by_rss else item.source
        # What a feed of other categories brought as a cross-list may be new in this one: then it is no late cross-list
        if mention.section == "new" and (item.relisted or not item.by_rss):
            return replace(item, paper=paper, served="new", relisted=False, into=(), source=source)
        if mention.section == "replace" and item.relisted and not item.replaces:  # both, in one mailing
            is_known = item.by_rss and item.paper.version > 1
            version = item.paper.version if is_known else self._version(mention) or max(item.paper.version, 2)
            paper = replace(paper, version=version)
            return replace(item, paper=paper, served="replace", relisted=False, source=source)
        if item.by_rss:
            # A replacement that the page does not have as one: it was listed late too, or the feed was stale
            is_both = item.replaces and mention.section == "cross"
            relisted = is_both or (item.relisted and not item.replaces)
            return replace(item, paper=paper, source=source, relisted=relisted)
        if (
            (item.relisted or item.replaces)
            and mention.section == "cross"
            and self._category not in item.into
            and self._is_listed(mention)
        ):
            return replace(item, paper=paper, into=(*item.into, self._category))
        return replace(item, paper=paper)

    def _is_of_before(self, item: Announcement, mention: Mention) -> bool:
        """Returns whether a stale feed has a paper as new: see `is_of_before`."""
        return item.source == "rss" and is_of_before(
            item, self._before, is_replaced=mention.section == "replace", is_crossed=mention.section == "cross"
        )

    def _shows_gap(self, mention: Mention) -> bool:
        """Returns whether a paper that arXiv's feed lacks shows that the feed left out something in the category."""
        if mention.section != "cross":
            return True
        if self._is_news(mention):
            return not self._later(mention)
        return self._is_only_here(mention) and self._is_listed(mention)

    def _is_only_here(self, mention: Mention) -> bool:
        """Returns whether an earlier paper that is listed late can be so in this category only: it has no other one."""
        return self._is_old(mention.paper) and is_only_into(mention.paper, self._category)

    def _is_listed(self, mention: Mention) -> bool:
        """Returns whether a paper of an earlier date was listed in the category on this date, as far as is known."""
        return not self._was_listed(mention) and not self._was_listed_later(mention)

    def _announcement(self, mention: Mention) -> Announcement | None:
        """Returns what a mention announced on the date; None if it was listed in the category at another time."""
        paper = mention.paper
        if mention.section != "new" and self._was_listed_later(mention):
            return None
        if mention.section == "new":
            return Announcement(as_first_announced(paper), "new", self._late, "catchup")
        if mention.section == "replace":
            version = self._version(mention)
            paper = replace(paper, version=version) if version else paper
            return Announcement(paper, "replace", self._late, "catchup") if version else None
        if self._is_news(mention):
            return Announcement(as_first_announced(paper), "cross", self._late, "catchup")
        if self._was_listed(mention) or (self._by_rss and not self._is_short and not self._is_only_here(mention)):
            return None
        version = self._version(mention) or 1
        return Announcement(
            replace(paper, version=version), "cross", self._late, "catchup", relisted=True, into=(self._category,)
        )

    def _others(self, name: str) -> list[tuple[date, Announcement]]:
        """Returns the announcements of a paper on other dates, without those that the pages of these dates lack."""
        return self._elsewhere.get(name, [])

    def _is_news(self, mention: Mention) -> bool:
        """Returns whether a paper under "cross" was announced first on this date: by its identifier, or its time."""
        paper = mention.paper
        if any(day < self._day and not item.replaces for day, item in self._others(paper.id) if item.source != "api"):
            return False
        if "/" in paper.id or (self._before and paper.id <= self._before):
            return False
        if self._first and paper.id >= self._first:
            return True
        if self._follows:
            return True
        try:
            return announced_on(datetime.fromisoformat(paper.published)) >= self._day
        except ValueError:
            return False

    def _was_listed(self, mention: Mention) -> bool:
        """Returns whether the paper was in the category before, so that it is another one in which it is listed now."""
        had = had_before(self._manifest.records, self._day, self._others(mention.paper.id))
        return any(listed(name, (self._category,)) for name in had)

    def _was_listed_later(self, mention: Mention) -> bool:
        """Returns whether the paper came into the category later, so that the page of this date has it."""
        paper, later = mention.paper, self._later(mention)
        if self._is_old(paper):  # then it was listed in one of its categories on this date too, perhaps in this one
            return any(item.by_rss and len(item.into) == 1 for item in later)
        # A feed that was whole in all else had it not
        is_absent = self._by_rss and not self._is_short
        # Each mailing of a late cross-list was for one more of its categories: are there any left for this date?
        dates = {day for day, item in self._others(paper.id) if day > self._day and item.relisted}
        are_all = len(dates) >= len(others_of(paper))
        return any((item.by_rss and len(item.into) == 1) or are_all or is_absent for item in later)

    def _later(self, mention: Mention) -> list[Announcement]:
        """Returns the announcements of later dates by which the paper came into the category."""
        others = self._others(mention.paper.id)
        return [i for day, i in others if day > self._day and (i.relisted or i.replaces) and self._category in i.into]

    def _is_old(self, paper: Paper) -> bool:
        """Returns whether the paper was announced before this date for certain."""
        if any(day < self._day and item.source != "api" for day, item in self._others(paper.id)):
            return True
        if "/" in paper.id or (self._before and paper.id <= self._before):
            return True
        try:
            is_early = announced_on(datetime.fromisoformat(paper.published)) < self._day
        except ValueError:
            is_early = f"{paper.month}" < f"{self._day - _MONTH:%Y-%m}"
        return is_early and bool(self._first) and paper.id < self._first

    def _version(self, mention: Mention) -> int:
        """Returns the version as of the date: before those that are known to be announced later; 0 if not known."""
        if mention.section == "replace" and mention.newest > 1 and is_submitted_for(mention.paper, self._day):
            return min(mention.newest, MOST_VERSION)  # a later date that has it too is of a stale feed
        others = [i for day, i in self._others(mention.paper.id) if day > self._day]
        later = [i.paper.version for i in others if i.replaces and not i.relisted]  # else its feed may be stale
        if mention.newest == 0 and not later:
            return 0
        newest = min([n - 1 for n in later] + ([mention.newest] if mention.newest else []))
        if not later and newest > 1 and self._is_after(mention.paper.updated):
            newest -= 1
        least = 2 if mention.section == "replace" else 1
        return max(min(newest, MOST_VERSION), least)

    def _is_after(self, updated: str) -> bool:
        """Returns whether a version of this time of submission was announced after the date."""
        try:
            return announced_on(datetime.fromisoformat(updated)) > self._day
        except ValueError:
            return False
