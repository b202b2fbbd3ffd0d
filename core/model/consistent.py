"""What the batches of several dates say of each other: each announcement is of one date, a first one comes before all
others, a late cross-list is in categories in which the paper was not before, and versions rise.

Each witness is sure of something else. A catch-up page: what was announced on its date, and whether as new, listed once
more or replaced; its categories and versions are of when it was read, and it may be short. arXiv's feed: categories and
versions; it may be of the date before, and in the evening it has those of the next mailing. The API: none of these.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache, partial

from core.model.batch import Announcement, Batch, announced_in
from core.model.calendar import announced_on, announcement_days, before, is_evening, mailed_at
from core.model.categories import canonical, listed
from core.model.manifest import AGREED, BatchRecord, rfc3339
from core.model.paper import Paper

_READ = ("whole", "nothing", "differs", "lacking")  # outcomes of a page that has listings
_Dated = tuple[date, Announcement]
_ByDate = dict[date, Announcement]


def made_consistent(
    records: Mapping[date, BatchRecord], batches: Mapping[date, Batch]
) -> tuple[dict[date, Batch], dict[date, list[str]]]:
    """Returns the batches, corrected by each other, and by date the papers that were removed as those of others."""
    made, gone = _without_strays(records, _not_replaced_twice(batches))
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


def is_only_into(paper: Paper, category: str) -> bool:
    """Returns whether a category is the only one of a paper beside its primary one."""
    return others_of(paper) == {canonical(category)}


def others_of(paper: Paper) -> set[str]:
    """Returns the categories of a paper beside its primary one, by their canonical names."""
    return {canonical(name) for name in paper.categories} - {canonical(paper.primary)}


def is_submitted_for(paper: Paper, day: date) -> bool:
    """Returns whether the time of its version says that it was announced on this date."""
    try:
        return announced_on(datetime.fromisoformat(paper.updated)) == day
    except (ValueError, TypeError):
        return False


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


def was_short(batch: Batch | None, record: BatchRecord, categories: Collection[str] | None = None) -> bool:
    """Returns whether arXiv's feed left out something in a category of which it seemed to bring all, of all of a date
    or of these: what was asked for in other requests may have been stale.
    """
    names = tuple(
        name for name, state in record.categories.items() if state.by_rss and (not categories or name in categories)
    )
    items = batch.announcements if batch else ()
    return any(
        item.source == "catchup" and announced_in(item, names) and (not item.relisted or _is_only(item, names))
        for item in items
    )


def _is_only(item: Announcement, names: Sequence[str]) -> bool:
    return any(is_only_into(item.paper, name) for name in names)


def listed_elsewhere(batch: Batch, record: BatchRecord, categories: Sequence[str]) -> set[str]:
    """Returns the late cross-lists that only pages have in these categories, though arXiv's feed of them brought all
    else that the pages have, and no more: the papers came into other categories, which a page does not tell.

    A page that is read after the feed does not add them either.
    """
    agreed = tuple(name for name in categories if not any(item.by_rss for item in absent_from(batch, name)))
    if was_short(batch, record, categories) or not agreed:
        return set()
    return {
        item.paper.id
        for item in batch.announcements
        if item.source == "catchup" and item.relisted and item.into and all(listed(n, agreed) for n in item.into)
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
                _is_stray(records, item, day, absent, homes)
                or (item.paper.id in unlisted and item.source != "api" and _is_repeated(records, item, day, homes.same))
            )
        }
        kept = Batch(day, tuple(i for i in batch.announcements if i.by_page or i.paper.id not in strays))
        if strays:
            out[day], gone[day] = kept, sorted(strays)
        if day in records and (stale := _stale_in(records[day], batch)):
            fixed = {id(i): replace(i, source="catchup") for i in kept.announcements if _is_of_stale(i, stale)}
            out[day] = _with(kept, fixed) if fixed else out[day]
    return out, gone


def _stale_in(record: BatchRecord, batch: Batch) -> tuple[str, ...]:
    """Returns the categories of which arXiv's feed was stale: their pages lack most of what it had."""
    stale = []
    for name in (name for name, note in record.pages.items() if note.outcome in _READ):
        lacking = sum(item.by_rss for item in absent_from(batch, name))
        agreeing = sum(i.by_rss and i.by_page and announced_in(i, (name,)) for i in batch.announcements)
        if lacking > agreeing:
            stale.append(name)
    return tuple(stale)


def _is_of_stale(item: Announcement, stale: tuple[str, ...]) -> bool:
    """Returns whether only the page is a witness of a late cross-list, because the feed of its categories was stale."""
    is_late = item.relisted and not item.replaces and item.by_rss and item.by_page
    return is_late and bool(item.into) and all(listed(name, stale) for name in item.into)


def _not_replaced_twice(batches: Mapping[date, Batch]) -> dict[date, Batch]:
    """Returns the batches in which what a page has as a late cross-list is one, where the same replacement is on the
    page of another date: then arXiv's feed was stale.
    """
    odd = [day for day, batch in batches.items() if any(i.relisted and i.replaces for i in batch.announcements)]
    homes, out = _Homes(batches if odd else {}), dict(batches)
    for day in odd:
        batch = batches[day]
        fixed = {
            id(item): replace(item, served="cross", source="catchup")
            for item in batch.announcements
            if item.replaces
            and item.relisted
            and item.by_page
            and homes.replaced(item) - {day}
            and not is_submitted_for(item.paper, day)
        }
        if fixed:
            out[day] = _with(batch, fixed)
    return out


class _Homes:
    """The dates on whose pages announcements are."""

    def __init__(self, batches: Mapping[date, Batch]) -> None:
        self._of: dict[tuple[str, bool], _ByDate] = defaultdict(dict)
        self._same: dict[tuple[str, str], _ByDate] = defaultdict(dict)
        self._replaced: dict[str, set[date]] = defaultdict(set)  # by identifier with version
        self._into: dict[tuple[str, str], set[date]] = defaultdict(set)  # late cross-lists, by category
        for day, batch in batches.items():
            for item in batch.announcements:
                if item.by_page:
                    self._same[item.paper.versioned, _family(item)][day] = item
                if item.by_page and not item.relisted:
                    self._of[item.paper.id, item.replaces][day] = item
                    if item.replaces:
                        self._replaced[item.paper.versioned].add(day)
                elif item.by_page:
                    for name in item.into:
                        self._into[item.paper.id, canonical(name)].add(day)

    def of(self, item: Announcement) -> _ByDate:
        """Returns what the pages have of the paper as new, or as replaced, by date."""
        return self._of.get((item.paper.id, item.replaces), {})

    def same(self, item: Announcement) -> _ByDate:
        """Returns the same announcement on the pages of its dates."""
        return self._same.get((item.paper.versioned, _family(item)), {})

    def replaced(self, item: Announcement) -> set[date]:
        """Returns the dates whose pages have the paper as replaced by the same version."""
        return self._replaced.get(item.paper.versioned, set())

    def crossed(self, item: Announcement) -> set[date]:
        """Returns the dates whose pages have the paper as a late cross-list in one of its categories."""
        names = item.into or item.paper.categories
        return {day for name in names for day in self._into.get((item.paper.id, canonical(name)), ())}


def _family(item: Announcement) -> str:
    return "replace" if item.replaces else item.served  # of other categories it is the other kind of replacement


def _is_stray(
    records: Mapping[date, BatchRecord], item: Announcement, day: date, absent: set[str], homes: _Homes
) -> bool:
    """Returns whether what no page of its date has is of another date.

    The API says only when a paper was submitted: what a page lacks, or has on another date, is not of this one. The
    feed may be stale, but a short page lacks things too: another date has to have the same announcement, or it has to
    be impossible on this one, as a paper is new once, and each version is announced once.
    """
    elsewhere = homes.of(item).keys() - {day}
    if item.source == "api":
        return item.paper.id in absent or bool(elsewhere)
    if item.replaces and sum(one < day for one in elsewhere) + 1 >= item.paper.version:
        return True  # so many versions were announced before: the feed was stale
    if item.paper.id in absent:
        is_there = item.served == "cross" and bool(homes.crossed(item) - {day})
        return is_there or _is_repeated(records, item, day, homes.of)
    return bool(elsewhere) and not item.relisted and item.served == "new"


def _is_repeated(
    records: Mapping[date, BatchRecord], item: Announcement, day: date, found: Callable[[Announcement], _ByDate]
) -> bool:
    """Returns whether what arXiv's feed had may be what is `found` of it on another date."""
    return any(_may_be(records, item, day, known, one) for one, known in found(item).items() if one != day)


def _may_be(records: Mapping[date, BatchRecord], item: Announcement, day: date, known: Announcement, one: date) -> bool:
    """Returns whether what arXiv's feed had on `day` may be what was `known` of `one`: a version of an earlier date, no
    category that the paper had not, and no list of a later date.
    """
    if item.replaces:
        is_known = known.by_rss or (one in records and known_at(records[one]) < rfc3339(mailed_at(day)))
        return one < day and (item.paper.version <= known.paper.version or not is_known)
    if item.relisted and item.into:
        return all(listed(name, known.paper.categories) for name in item.into)
    return item.relisted or not known.relisted or one < day


def _relisted(records: Mapping[date, BatchRecord], batches: Mapping[date, Batch]) -> dict[date, Batch]:
    """Returns the batches in which what follows a paper's first announcement is a late cross-list, in categories that
    it had not before, and in which the first one has no category that came with such a list.
    """
    papers: dict[str, list[_Dated]] = defaultdict(list)
    lasts = sorted((day, record.last) for day, record in records.items() if record.last)
    gaps = cache(lambda day: _gaps(records[day], batches[day]) if day in records else frozenset())
    for day in sorted(batches):
        for item in batches[day].announcements:
            papers[item.paper.id].append((day, item))
    changed: dict[date, dict[int, Announcement | None]] = defaultdict(dict)
    for items in papers.values():
        if len(items) > 1:
            came = partial(_came_late, records, batches, lasts, items)
            for (day, item), (_, other) in zip(items, _of_one_paper(records, items, gaps, came), strict=True):
                if item != other:
                    is_here = day not in records or announced_in(other, frozenset(records[day].categories))
                    changed[day][id(item)] = other if is_here else None
    return {day: _with(batch, changed[day]) if day in changed else batch for day, batch in batches.items()}


def _with(batch: Batch, changed: Mapping[int, Announcement | None]) -> Batch:
    """Returns the batch with these announcements in the place of others, or without them."""
    items = (changed.get(id(item), item) for item in batch.announcements)
    return Batch(batch.date, tuple(item for item in items if item))


def _gaps(record: BatchRecord, batch: Batch) -> frozenset[str]:
    """Returns the papers that only the page has, though arXiv's feed seemed to bring all of a category."""
    names = frozenset(name for name, state in record.categories.items() if state.by_rss)
    items = (item for item in batch.announcements if item.source == "catchup" and not item.relisted)
    return frozenset(item.paper.id for item in items if announced_in(item, names))


def _of_one_paper(
    records: Mapping[date, BatchRecord],
    items: list[_Dated],
    gaps: Callable[[date], frozenset[str]],
    came: Callable[[Announcement], bool],
) -> list[_Dated]:
    """Returns a paper's announcements, oldest first, corrected. `gaps` are what arXiv's feed left out, by date; a late
    cross-list `came` into its category for certain.
    """
    first = next((day for day, item in items if item.by_page or (item.served == "new" and _is_sure(item))), None)
    out: list[_Dated] = []
    for day, item in items:
        late = first is not None and day > first and item.served == "cross" and item.source != "api"
        is_late = late or (item.relisted and not item.replaces)
        fixed = _listed_late(records, day, item, items) if is_late else item
        out.append((day, fixed))
    sure = [(day, name) for day, item in out for name in _sure_into(item)]
    sure += [(day, item.into[0]) for day, item in out if not _sure_into(item) and came(item)]
    said = [(day, name) for day, item in out if item.relisted and item.by_page for name in item.into]
    done: list[_Dated] = []
    for day, item in out:
        # A feed that was whole in all else had it not: it was not in this category yet
        may_be = item.source == "catchup" and item.served == "cross" and not item.relisted
        is_odd = may_be and gaps(day) == {item.paper.id}
        names = [name for later, name in (said if is_odd else sure) if later > day]
        done.append((day, _without_later(item, [name for name in names if not is_odd or _by_rss(records[day], name)])))
    return done


def _came_late(
    records: Mapping[date, BatchRecord],
    batches: Mapping[date, Batch],
    lasts: Sequence[tuple[date, str]],
    items: Sequence[_Dated],
    item: Announcement,
) -> bool:
    """Returns whether a paper came into a category with this late cross-list: the only one that pages have of it, and
    the page of the date of the paper's first announcement lacks it. `items` are all its announcements, `lasts` the
    greatest identifiers that were new, by date, which say on which dates it may have been announced first.
    """
    if not item.relisted or item.replaces or not item.by_page or len(item.into) != 1 or "/" in item.paper.id:
        return False
    name = item.into[0]
    others = [other for _, other in items if other.relisted and any(listed(one, (name,)) for one in other.into)]
    earlier = [day for day, last in lasts if last < item.paper.id]
    later = [day for day, last in lasts if last >= item.paper.id]
    if len(others) > 1 or not earlier or not later or max(earlier) > min(later):
        return False
    first, last = max(earlier), min(later)
    had = {day for day, other in items if announced_in(other, (name,))}
    return all(
        day not in had and _is_page_known(records, batches, day, name)
        for day in (first, *announcement_days(first, last), last)
    )


def _is_page_known(
    records: Mapping[date, BatchRecord], batches: Mapping[date, Batch], day: date, category: str
) -> bool:
    """Returns whether the page of a category was read, nothing contradicts it, and the store has what it said."""
    if day not in records or (records[day].hash and day not in batches):
        return False
    return any(note.outcome in AGREED for name, note in records[day].pages.items() if listed(category, (name,)))


def _by_rss(record: BatchRecord, category: str) -> bool:
    return any(state.by_rss for name, state in record.categories.items() if listed(name, (category,)))


def _sure_into(item: Announcement) -> tuple[str, ...]:
    """Returns the category into which a late cross-list certainly is: the only one that it can be.

    Without the page of its date, arXiv's feed may be stale.
    """
    if not (item.relisted or item.replaces) or not item.by_page:
        return ()
    return item.into if len(item.into) == 1 and (item.by_rss or is_only_into(item.paper, item.into[0])) else ()


def _is_sure(item: Announcement) -> bool:
    return item.source != "api" and not item.relisted


def _listed_late(
    records: Mapping[date, BatchRecord], day: date, item: Announcement, items: Sequence[_Dated]
) -> Announcement:
    """The announcement as a late cross-list, without the categories that the paper had before."""
    into = item.into or tuple(c for c in item.paper.categories if not listed(c, (item.paper.primary,)))
    if not item.into and item.by_rss and day in records:  # arXiv's feed was asked for these
        asked = tuple(name for name, state in records[day].categories.items() if state.by_rss)
        into = tuple(name for name in into if listed(name, asked)) or into
    had = frozenset(had_before(records, day, items) | _had_by_comparison(records, day, item, items))
    new = tuple(name for name in into if not listed(name, had)) if had else into
    return replace(item, relisted=True, into=new or into)


def _had_by_comparison(
    records: Mapping[date, BatchRecord], day: date, item: Announcement, items: Sequence[_Dated]
) -> set[str]:
    """Returns the categories of earlier announcements that lack some of a later one by arXiv's feed: they were read
    before the later mailing. In the evening the feed has categories of the next mailing too.
    """
    fetched = records[day].fetched if day in records else ""
    if not item.by_rss or not fetched or is_evening(datetime.fromisoformat(fetched)):
        return set()
    earlier = [known.paper.categories for one, known in items if one < day]
    return {name for names in earlier if any(not listed(one, names) for one in item.paper.categories) for name in names}


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
    out, later = _at_least(batches), dict[str, tuple[int, bool]]()
    for day in sorted(batches, reverse=True):
        items = [_before(item, *later.get(item.paper.id, (0, False))) for item in out[day].announcements]
        if any(one is not other for one, other in zip(items, out[day].announcements, strict=True)):
            out[day] = Batch(day, tuple(items))
        later |= {item.paper.id: (item.paper.version, item.by_page) for item in items if item.replaces}
    return out


def _at_least(batches: Mapping[date, Batch]) -> dict[date, Batch]:
    """Returns the batches in which a replacement that its page has is a later version than those before it.

    Where arXiv's feed has a lesser one, it had been announced before: the feed was stale.
    """
    out, number = dict(batches), Counter[str]()
    for day in sorted(batches):
        raised: dict[int, Announcement | None] = {}
        for item in batches[day].announcements:
            if item.by_page and item.replaces and not item.relisted:
                number[item.paper.id] += 1
                least = number[item.paper.id] + 1
                if item.paper.version < least:
                    raised[id(item)] = replace(item, paper=replace(item.paper, version=least))
        if raised:
            out[day] = _with(batches[day], raised)
    return out


def _before(item: Announcement, version: int, is_sure: bool) -> Announcement:
    """Returns an announcement with a version before the one that is announced later; `version` 0: none is."""
    least = 2 if item.replaces else 1
    fits = item.paper.version < version or item.paper.version <= least or not version
    if fits or (item.by_rss and not is_sure):
        return item
    return replace(item, paper=replace(item.paper, version=max(version - 1, least)))
