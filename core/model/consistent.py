"""What the batches of several dates say of each other: each announcement is of one date, a first one comes before all
others, a late cross-list is in categories in which the paper was not before, and versions rise.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from core.model.batch import Announcement, Batch, announced_in
from core.model.calendar import before, mailed_at
from core.model.categories import canonical, listed
from core.model.manifest import BatchRecord, rfc3339

_READ = ("whole", "nothing", "differs", "lacking")  # outcomes of a page that has listings
_Dated = tuple[date, Announcement]


def made_consistent(
    records: Mapping[date, BatchRecord], batches: Mapping[date, Batch]
) -> tuple[dict[date, Batch], dict[date, list[str]]]:
    """Returns the batches, corrected by each other, and by date the papers that were removed as those of others."""
    made, gone = _without_strays(records, batches)
    listed_then = _relisted(records, made)
    for day, batch in listed_then.items():
        if others := {item.paper.id for item in made[day].announcements} - {i.paper.id for i in batch.announcements}:
            gone[day] = sorted({*gone.get(day, ()), *others})
    return _in_order(listed_then), gone


def absent_from(batch: Batch | None, category: str) -> Iterator[Announcement]:
    """Yields what the page of a category should have, and has not.

    A cross-list of a paper whose primary category this is is not on its page.
    """
    for item in batch.announcements if batch else ():
        within = item.served == "cross" and listed(item.paper.primary, (category,))
        if not item.by_page and announced_in(item, (category,)) and not within:
            yield item


def absent_ids(record: BatchRecord, batch: Batch, outcomes: Collection[str] = _READ) -> set[str]:
    """Returns the papers of a date that a page of it with one of these outcomes should have, and has not."""
    pages = [name for name, note in record.pages.items() if note.outcome in outcomes]
    return {item.paper.id for name in pages for item in absent_from(batch, name)}


def known_at(record: BatchRecord) -> str:
    """Returns when the witnesses of a date were asked last (RFC 3339), "" if never."""
    return max([record.fetched, *(note.at for note in record.pages.values()), *record.read.values()])


def had_before(records: Mapping[date, BatchRecord], day: date, items: Sequence[_Dated]) -> set[str]:
    """Returns the categories in which a paper certainly was before the mailing of `day`, from its other announcements.

    The API and catch-up pages have the categories of when they were asked, the feed may have those of the evening.
    """
    mailed = rfc3339(mailed_at(day))
    return {
        name
        for one, item in items
        if one < day and ((item.by_rss and one < before(day)) or (one in records and known_at(records[one]) < mailed))
        for name in item.paper.categories
    }


def _without_strays(
    records: Mapping[date, BatchRecord], batches: Mapping[date, Batch]
) -> tuple[dict[date, Batch], dict[date, list[str]]]:
    """Returns the batches without what belongs to other dates, and what that was by date.

    That is what the pages of a date lack although another date has it, and what only the API had.
    """
    homes = _Homes(batches)
    out, gone = dict(batches), dict[date, list[str]]()
    for day, batch in batches.items():
        absent = absent_ids(records[day], batch) if day in records else set()
        # An empty page is believed where another one has just the same announcement
        unlisted = absent_ids(records[day], batch, ("empty",)) if day in records else set()
        strays = {
            item.paper.id
            for item in batch.announcements
            if not item.by_page
            and (
                _is_stray(item, day, absent, homes)
                or (item.paper.id in unlisted and homes.same(item) - {day} and item.source != "api")
            )
        }
        if strays:
            kept = tuple(i for i in batch.announcements if i.by_page or i.paper.id not in strays)
            out[day], gone[day] = Batch(day, kept), sorted(strays)
    return out, gone


class _Homes:
    """The dates on whose pages announcements are."""

    def __init__(self, batches: Mapping[date, Batch]) -> None:
        self._of: dict[tuple[str, bool], set[date]] = defaultdict(set)
        self._same: dict[tuple[str, str], set[date]] = defaultdict(set)
        self._into: dict[tuple[str, str], set[date]] = defaultdict(set)  # late cross-lists, by category
        for day, batch in batches.items():
            for item in batch.announcements:
                if item.by_page:
                    self._same[item.paper.versioned, item.served].add(day)
                if item.by_page and not item.relisted:
                    self._of[item.paper.id, item.replaces].add(day)
                elif item.by_page:
                    for name in item.into:
                        self._into[item.paper.id, canonical(name)].add(day)

    def of(self, item: Announcement) -> set[date]:
        """Returns the dates whose pages have the paper as new, or as replaced."""
        return self._of.get((item.paper.id, item.replaces), set())

    def same(self, item: Announcement) -> set[date]:
        """Returns the dates whose pages have the same announcement."""
        return self._same.get((item.paper.versioned, item.served), set())

    def crossed(self, item: Announcement) -> set[date]:
        """Returns the dates whose pages have the paper as a late cross-list in one of its categories."""
        names = item.into or item.paper.categories
        return {day for name in names for day in self._into.get((item.paper.id, canonical(name)), ())}


def _is_stray(item: Announcement, day: date, absent: set[str], homes: _Homes) -> bool:
    elsewhere = homes.of(item) - {day}
    if item.source == "api":
        return item.paper.id in absent or bool(elsewhere)
    if item.paper.id in absent:
        return bool(elsewhere) or (item.served == "cross" and bool(homes.crossed(item) - {day}))
    return bool(elsewhere) and not item.relisted and item.served == "new"


def _relisted(records: Mapping[date, BatchRecord], batches: Mapping[date, Batch]) -> dict[date, Batch]:
    """Returns the batches in which what follows a paper's first announcement is a late cross-list, in categories that
    it had not before, and in which the first one has no category that came with such a list.
    """
    papers: dict[str, list[_Dated]] = defaultdict(list)
    for day in sorted(batches):
        for item in batches[day].announcements:
            papers[item.paper.id].append((day, item))
    changed: dict[date, dict[int, Announcement | None]] = defaultdict(dict)
    for items in papers.values():
        if len(items) > 1:
            for (day, item), (_, other) in zip(items, _of_one_paper(records, items), strict=True):
                if item != other:
                    is_here = day not in records or announced_in(other, frozenset(records[day].categories))
                    changed[day][id(item)] = other if is_here else None
    return {day: _with(batch, changed[day]) if day in changed else batch for day, batch in batches.items()}


def _with(batch: Batch, changed: Mapping[int, Announcement | None]) -> Batch:
    """Returns the batch with these announcements in the place of others, or without them."""
    items = (changed.get(id(item), item) for item in batch.announcements)
    return Batch(batch.date, tuple(item for item in items if item))


def _of_one_paper(records: Mapping[date, BatchRecord], items: list[_Dated]) -> list[_Dated]:
    """Returns a paper's announcements, oldest first, corrected."""
    first = next((day for day, item in items if item.by_page or (item.served == "new" and _is_sure(item))), None)
    out: list[_Dated] = []
    for day, item in items:
        late = first is not None and day > first and item.served == "cross" and item.source != "api"
        fixed = _listed_late(records, day, item, items) if late or item.relisted else item
        out.append((day, fixed))
    sure = [(day, name) for day, item in out for name in _sure_into(item)]
    return [(day, _without_later(item, [name for later, name in sure if later > day])) for day, item in out]


def _sure_into(item: Announcement) -> tuple[str, ...]:
    """Returns the category into which a late cross-list certainly is: the only one that it can be.

    Without the page of its date, arXiv's feed may be stale.
    """
    if not item.relisted or not item.by_page:
        return ()
    others = {canonical(name) for name in item.paper.categories} - {canonical(item.paper.primary)}
    return item.into if len(item.into) == 1 and (item.by_rss or len(others) == 1) else ()


def _is_sure(item: Announcement) -> bool:
    return item.source != "api" and not item.relisted


def _listed_late(
    records: Mapping[date, BatchRecord], day: date, item: Announcement, items: Sequence[_Dated]
) -> Announcement:
    """The announcement as a late cross-list, without the categories that the paper had before."""
    into = item.into or tuple(c for c in item.paper.categories if not listed(c, (item.paper.primary,)))
    if not item.into and day in records:  # arXiv's feed was asked for these
        asked = tuple(name for name, state in records[day].categories.items() if state.by_rss)
        into = tuple(name for name in into if listed(name, asked)) or into
    had = frozenset(had_before(records, day, items))
    new = tuple(name for name in into if not listed(name, had)) if had else into
    return replace(item, relisted=True, into=new or into)


def _without_later(item: Announcement, names: Sequence[str]) -> Announcement:
    """The announcement without categories that were added later. arXiv's feed has those of its date."""
    if item.by_rss or not names:
        return item
    kept = tuple(name for name in item.paper.categories if not listed(name, tuple(names)))
    if kept == item.paper.categories or not kept:
        return item
    into = tuple(name for name in item.into if not listed(name, tuple(names)))
    return replace(item, paper=replace(item.paper, categories=kept), into=into)


def _in_order(batches: Mapping[date, Batch]) -> dict[date, Batch]:
    """Returns the batches with versions that rise from date to date.

    A page has the newest versions, and in the evening arXiv's feed has those of the next mailing.
    """
    out, later = dict(batches), dict[str, tuple[int, bool]]()
    for day in sorted(batches, reverse=True):
        items = [_before(item, *later.get(item.paper.id, (0, False))) for item in batches[day].announcements]
        if any(one is not other for one, other in zip(items, batches[day].announcements, strict=True)):
            out[day] = Batch(day, tuple(items))
        later |= {item.paper.id: (item.paper.version, item.by_page) for item in items if item.replaces}
    return out


def _before(item: Announcement, version: int, is_sure: bool) -> Announcement:
    """Returns an announcement with a version before the one that is announced later; `version` 0: none is."""
    least = 2 if item.replaces else 1
    fits = item.paper.version < version or item.paper.version <= least or not version
    if fits or (item.by_rss and not is_sure):
        return item
    return replace(item, paper=replace(item.paper, version=max(version - 1, least)))
