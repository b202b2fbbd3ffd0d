"""Reconciliation: what a fetch means for the record and batch of a date, and on which date a paper was announced.

The last good batch stays: a worse answer never replaces a better one, it only adds a reason. A category that was once
complete stays complete, whatever answers follow. An announcement stays as it was announced: its version, its type. A
store may serve deployments with other categories: their announcements and states of a date are kept.

arXiv's API says when a paper was submitted, not when it was announced. The submissions of a window are announced on one
date, but moderators hold some papers back for days. These are recognised by their identifiers, which arXiv gives when
it announces (https://info.arxiv.org/help/availability.html): they rise from one date to the next.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from core.model.batch import Announcement, Batch, announced_in, make_batch
from core.model.calendar import announced_on, announcement_days, before, is_evening, why_quiet
from core.model.categories import listed
from core.model.consistent import listed_elsewhere
from core.model.manifest import AGREED, BatchRecord, CategoryState, Correction, Manifest, PageNote
from core.model.paper import Paper, complete


def place(manifest: Manifest, paper: Paper, window: date) -> date:
    """When a paper was announced that arXiv's feed did not show: by its time of submission (without one: for the date
    of the `window`), unless the identifiers that the feed announced on the dates around it say otherwise.
    """
    try:
        day = announced_on(datetime.fromisoformat(paper.published))
    except (ValueError, TypeError):
        day = window
    # Of a date of which the feed brought only a part, the last identifier is not known
    earlier = (known for known, last in _last(manifest) if last < paper.id and _is_whole(manifest, known, paper))
    after = max(earlier, default=None)
    if after and day <= after:
        day = next(iter(announcement_days(after, after + timedelta(days=9))))
    until = latest(manifest, paper)
    return min(day, until) if until else day


def latest(manifest: Manifest, paper: Paper) -> date | None:
    """The latest date on which a paper may have been announced, by its identifier; None if none is known."""
    return min((known for known, last in _last(manifest) if last >= paper.id), default=None)


def announced_before(manifest: Manifest, day: date) -> tuple[str, bool]:
    """The greatest identifier that is known to have been announced before a date, and whether it is of the date before,
    so that all greater ones are of this date or later.
    """
    known = {known: last for known, last in _last(manifest) if known < day}
    return max(known.values(), default=""), before(day) in known


def _last(manifest: Manifest) -> Iterable[tuple[date, str]]:
    return ((day, record.last) for day, record in manifest.records.items() if record.last)


def _is_whole(manifest: Manifest, day: date, paper: Paper) -> bool:
    """Whether arXiv's feed brought all of a date in the category that announces the paper: its primary one, unless that
    is not read here; others it may have been listed in later.
    """
    states = manifest.get(day).categories
    mine = [name for name in states if listed(paper.primary, (name,))]
    mine = mine or [name for name in states if any(listed(category, (name,)) for category in paper.categories)]
    return bool(mine) and all(states[name].by_rss for name in mine)


def shown_on(batches: Mapping[date, Batch], categories: Sequence[str]) -> dict[str, date]:
    """On which date arXiv's feed or its catch-up page announced papers first.

    One that is known as a cross-list only, though its primary category is among `categories`, was announced before. One
    that was listed in all its categories of these only later was not announced here before that.
    """
    wanted, shown = frozenset(categories), dict[str, date]()
    crossed: dict[str, tuple[date, Paper, set[str]]] = {}
    for day, batch in sorted(batches.items()):
        for item in batch.announcements:
            if item.source == "api" or not (item.served == "new" or _is_crossed(item, wanted)):
                continue
            if item.relisted:
                crossed.setdefault(item.paper.id, (day, item.paper, set()))[2].update(item.into)
            else:
                shown.setdefault(item.paper.id, day)
    for name, (day, paper, into) in crossed.items():
        within = {category for category in paper.categories if listed(category, wanted)}
        if name not in shown and all(listed(category, tuple(into)) for category in within):
            shown[name] = day
    return shown


def _is_crossed(item: Announcement, wanted: frozenset[str]) -> bool:
    return item.served == "cross" and not listed(item.paper.primary, wanted)


@dataclass(frozen=True, slots=True)
class FetchedDate:
    """One date's fetch: announcements, and by category why something is missing. `unchanged` categories had no news.

    `at` is the time of the fetch (RFC 3339); `over`: another date was due by then, so that all that is new is late.
    `after` is the greatest identifier that is known to have been announced before the date; it `follows` if that was on
    the announcement day before.
    """

    date: date
    announcements: tuple[Announcement, ...]
    failures: Mapping[str, str]
    unchanged: tuple[str, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()
    at: str = ""
    over: bool = False
    after: str = ""
    follows: bool = False

    @property
    def is_evening(self) -> bool:
        """Whether the feed had versions and categories of the next mailing."""
        return bool(self.at) and is_evening(datetime.fromisoformat(self.at))


def settle(
    outcome: FetchedDate, categories: Sequence[str], known: BatchRecord, existing: Batch | None, previous: Batch | None
) -> tuple[BatchRecord, Batch | None]:
    """The new record of `outcome.date`, and the batch to store with it (None: nothing stored).

    `known` and `existing` are the record and batch of that date so far, `previous` the batch before it.
    """
    if known.hash and existing is None:  # the store has lost it
        known = BatchRecord(known.date, "expected")
    first = min((i.paper.id for i in outcome.announcements if i.served == "new" and i.paper.version == 1), default="")
    announced = tuple(_as_announced(item, outcome, categories, first) for item in outcome.announcements)
    repeated = _repeated(announced, categories, previous, existing)
    stale = _stale(announced, repeated, categories)
    failures = dict(outcome.failures) | {
        name: f"still shows the batch of {previous.date}" for name in stale if previous is not None
    }
    fresh = [
        item for item in announced if item.paper.versioned not in repeated or not _within(item, categories) & set(stale)
    ]
    if not fresh and not (existing and (failures or outcome.unchanged)):
        return (known if existing else _without_batch(outcome, categories, known, failures, stale)), existing
    if failures and known.settled(categories):
        return known, existing
    had = tuple(name for name in categories if not known.is_new_in([name]))
    joined = list(_joined(fresh, existing, outcome, had))
    answered = [name for name in categories if name not in {*failures, *outcome.unchanged}]
    # An answer that lacks something is less of a proof
    judged = _not_compared(answered, outcome.date, previous) if outcome.failures else answered
    wrong = _outdated(joined, existing, judged)
    here = {item.paper.id for item in joined} | wrong
    kept = [item for item in (existing.announcements if existing else ()) if item.paper.id not in here]
    batch = make_batch(outcome.date, [*joined, *kept])
    came = {name for item in batch.announcements for name in _within(item, categories)}
    # Of a date without a batch, an empty category was not the last word
    before = {name: known.of(name) if existing else CategoryState("expected") for name in categories}
    changed = _changed(existing, batch, categories)
    pages = {name: note for name, note in known.pages.items() if name not in changed}
    states = {
        name: _state(before[name], failures.get(name, ""), name in stale, name in came, pages.get(name))
        for name in categories
    }
    rejected = (*outcome.rejected, *(item for item in known.rejected if kept and item not in outcome.rejected))
    read = {name: at for name, at in known.read.items() if name not in changed}
    record = corrected(replace(known, rejected=rejected, read=read, pages=pages), outcome.at, _NOT_OF_DATE, wrong)
    others = listed_elsewhere(batch, replace(known, categories={**known.categories, **states}), answered)
    batch = Batch(batch.date, tuple(item for item in batch.announcements if item.paper.id not in others))
    return recorded(corrected(record, outcome.at, _OF_OTHERS, others), batch, states, outcome.at), batch


_NOT_OF_DATE = "arXiv's feed had them under this date once, and then others in their place"
_OF_OTHERS = "arXiv's feed has them in none of these categories on this date"
MOST_CORRECTIONS = 20  # of a date
_MOST_NAMED = 50


def corrected(record: BatchRecord, at: str, what: str, papers: Iterable[str]) -> BatchRecord:
    """The record with a note that `papers` were corrected; the same one without papers."""
    names = tuple(sorted(papers))
    if not names:
        return record
    number = f"{len(names)} paper{'s' if len(names) > 1 else ''}"
    note = Correction(at, f"{number}: {what}", names[:_MOST_NAMED])
    return replace(record, corrections=(*record.corrections, note)[-MOST_CORRECTIONS:])


def _as_announced(item: Announcement, outcome: FetchedDate, categories: Sequence[str], first: str) -> Announcement:
    """An announcement of arXiv's feed with the version and the kind that the mailing had. `first` is the least new one.

    Identifiers are given at the announcement: a greater one than all before is new, whatever version the feed shows,
    which in the evening has those of the next mailing. A lesser one that is not replaced is listed once more.
    """
    if item.replaces or "/" in item.paper.id:
        return item
    is_new = outcome.follows and item.paper.id > outcome.after
    if item.paper.version > 1 and not item.relisted and (is_new or (item.served == "new" and outcome.is_evening)):
        return replace(item, paper=replace(item.paper, version=1))
    is_old = item.paper.id <= outcome.after if outcome.after else item.paper.id < first
    relisted = item.relisted or (item.served == "cross" and is_old)
    if not relisted:
        return item
    wanted = tuple(categories)
    into = [name for name in item.paper.categories if listed(name, wanted) and not listed(item.paper.primary, (name,))]
    return replace(item, relisted=True, into=tuple(into))


def _not_compared(categories: Sequence[str], day: date, previous: Batch | None) -> list[str]:
    """The categories of which the batch of the date before is not known: a stale one was not found by comparison."""
    items = previous.announcements if previous and previous.date == before(day) else ()
    return [name for name in categories if not any(announced_in(item, (name,)) for item in items)]


def _outdated(joined: Sequence[Announcement], existing: Batch | None, categories: Sequence[str]) -> set[str]:
    """The papers that arXiv's feed had under this date before it changed to others: a stale batch that was not known.

    A feed that is only short has others missing, and few new ones.
    """
    now = {item.paper.id for item in joined}
    old = [item for item in (existing.announcements if existing else ()) if item.source == "rss"]
    out: set[str] = set()
    for name in categories:
        had = {item.paper.id for item in old if announced_in(item, (name,))}
        has = {item.paper.id for item in joined if announced_in(item, (name,))}
        if had and len(had & has) * _LEAST_SHARE <= len(had) and len(has - had) > len(has & had):
            out |= had - now
    return out


_LEAST_SHARE = 8


def recorded(known: BatchRecord, batch: Batch, states: Mapping[str, CategoryState], at: str) -> BatchRecord:
    """The record of a date with `batch`, of which these categories are in these `states` as of `at` (RFC 3339)."""
    names = {**known.categories, **states}
    is_shared = bool(known.overlaps) or states.keys() != names.keys()  # with a deployment that has other categories
    record = replace(
        known,
        hash=batch.hash,
        overlaps=_overlaps(batch, sorted(names)) if is_shared else {},
        total=len(batch.announcements),
        counts=batch.counts(names),
        late=sum(bool(item.late) for item in batch.announcements),
        last=max((item.paper.id for item in batch.announcements if _is_news(item)), default=""),
    )
    return restated(record, states, at)


def _overlaps(batch: Batch, categories: Sequence[str]) -> dict[str, int]:
    """Returns the numbers of announcements by the categories in which they were announced, joined by "+"."""
    within = ("+".join(name for name in categories if announced_in(item, (name,))) for item in batch.announcements)
    return dict(sorted(Counter(within).items()))


def restated(known: BatchRecord, states: Mapping[str, CategoryState], at: str) -> BatchRecord:
    """The record of a date with these `states` of categories as of `at`, and the state that follows from all."""
    since = {name: known.of(name).since if known.of(name).state == one.state else at for name, one in states.items()}
    changed = {name: one._replace(since=since[name]) for name, one in states.items()}
    return overall(replace(known, categories={**known.categories, **changed}))


def seen_by(manifest: Manifest, categories: Collection[str]) -> Manifest:
    """The manifest as a deployment with these categories sees it; the same object if there are no others."""
    records = {day: seen_in(record, categories) for day, record in manifest.records.items()}
    same = all(record is manifest.records[day] for day, record in records.items())
    return manifest if same else replace(manifest, records=records)


def seen_in(record: BatchRecord, categories: Collection[str]) -> BatchRecord:
    """The record as a deployment with these categories sees it; the store may have others of other deployments."""
    if not categories or record.categories.keys() <= set(categories):
        return record
    own = {name: state for name, state in record.categories.items() if name in categories}
    if not own:
        return BatchRecord(record.date, "expected")
    if record.overlaps:
        number = sum(n for names, n in record.overlaps.items() if own.keys() & set(names.split("+")))
        counts = {name: types for name, types in record.counts.items() if name in own}
        record = replace(record, total=number, counts=counts)
    return overall(replace(record, categories=own))


def overall(record: BatchRecord) -> BatchRecord:
    """The record with the state and the reason that follow from its categories."""
    states = record.categories
    missing = {name: state.reason for name, state in states.items() if not state.settled}
    open_ones = {name: state.reason for name, state in states.items() if state.state == "unconfirmed" and state.reason}
    if record.hash:
        found = "unconfirmed" if any(one.state == "unconfirmed" for one in states.values()) else "complete"
        state = "partial" if missing else found
    elif missing:
        state = "waiting" if "waiting" in {one.state for one in states.values()} else "failed"
    else:
        state = "unconfirmed" if any(one.state == "unconfirmed" for one in states.values()) else "quiet"
    quiet = "; ".join(dict.fromkeys(one.reason for one in states.values())) if state == "quiet" else ""
    unread = f"{len(record.rejected)} item(s) could not be read" if record.rejected else ""
    reasons = (_reasons(missing), _reasons(open_ones), quiet, unread)
    return replace(record, state=state, reason="; ".join(filter(None, reasons)))


def _is_news(item: Announcement) -> bool:
    """Whether arXiv's feed or its catch-up page has it as new: the greatest identifier of these is of this date.

    A cross-list may be of an old paper, and be all that there is on a date.
    """
    first = item.served == "new" and item.paper.version == 1 and not item.relisted
    return item.source != "api" and first and "/" not in item.paper.id


def _reasons(failures: Mapping[str, str]) -> str:
    """Failures in words, categories with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for category, reason in failures.items():
        by_reason.setdefault(reason, []).append(category)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _state(known: CategoryState, failure: str, stale: bool, came: bool, page: PageNote | None) -> CategoryState:
    """The state of a category of a date that has a batch: from whether it failed, is stale, and has announcements."""
    if not failure:
        if page and page.outcome in AGREED:
            return CategoryState("complete" if came else "quiet", source="rss+catchup")
        return CategoryState("unconfirmed")
    if known.settled:
        return known
    return CategoryState("waiting" if stale else "partial" if came else "failed", failure)


def _joined(
    fresh: Iterable[Announcement], existing: Batch | None, outcome: FetchedDate, had: tuple[str, ...]
) -> Iterator[Announcement]:
    """The announcements with what is known of them; late where readers were shown the date before, as in those
    categories that the date `had`.
    """
    known = {item.paper.id: item for item in existing.announcements} if existing else {}
    late = outcome.at if existing or outcome.over else ""
    for item in fresh:
        before = known.get(item.paper.id)
        is_late = existing is None or announced_in(item, had)
        if before and before.by_rss and before.paper.categories != item.paper.categories and outcome.is_evening:
            item = _with_categories_of(before, item)
        if (
            before
            and before.by_page
            and is_of_before(item, outcome.after, is_replaced=before.replaces, is_crossed=before.relisted)
        ):
            yield before
        else:
            yield _merged(item, before) if before else replace(item, late=late if is_late else "")


def _with_categories_of(known: Announcement, item: Announcement) -> Announcement:
    """An announcement of an evening's feed without the categories that came with the next mailing."""
    paper = replace(item.paper, categories=known.paper.categories)
    into = tuple(name for name in item.into if listed(name, known.paper.categories))
    return replace(item, paper=paper, into=into or known.into)


def is_of_before(item: Announcement, after: str, *, is_replaced: bool, is_crossed: bool) -> bool:
    """Returns whether arXiv's feed is stale in what it has for the first time: the page of the date has the paper as
    replaced, or as cross-listed though it is not `after` all that was announced before. No mailing has both.
    """
    if item.replaces or item.relisted:
        return False
    is_old = "/" not in item.paper.id and item.paper.id <= after
    return is_replaced or (is_crossed and is_old and item.served == "new")


def _merged(item: Announcement, known: Announcement) -> Announcement:
    """An announcement of arXiv's feed with what is `known` of it: a later answer does not change version and type."""
    source = "rss+catchup" if known.by_page else "rss"
    if not known.by_rss and (item.replaces or not known.replaces):
        return replace(item, paper=complete(item.paper, known.paper), late=known.late, source=source)
    version = min(item.paper.version, known.paper.version)
    paper = complete(replace(item.paper, version=version), known.paper)
    if item.replaces != known.replaces:  # both, in one mailing; the page has one, or another deployment asked for one
        replaced, listed_too = (item, known) if item.replaces else (known, item)
        paper = replace(paper, version=min((v for v in (item.paper.version, known.paper.version) if v > 1), default=2))
        return replace(replaced, paper=paper, late=known.late, source=source, into=listed_too.into)
    served = "new" if "new" in (item.served, known.served) else item.served
    relisted = known.relisted if item.replaces else served == "cross" and (item.relisted or known.relisted)
    both = item.relisted and known.relisted
    into = dict.fromkeys((*known.into, *item.into)) if both or relisted or item.replaces else ()
    return Announcement(paper, served, known.late, source, relisted, tuple(into))


def _repeated(
    announcements: Iterable[Announcement], categories: Sequence[str], previous: Batch | None, existing: Batch | None
) -> set[str]:
    """What the batch before announced already, in the same categories: it is not news, under any date, unless the
    catch-up page of the date has it.

    arXiv has served a category's old batch under the new day's date, so identifiers are compared, not dates.
    """
    listed_here = {item.paper.id for item in existing.announcements if item.by_page} if existing else set()
    before = {item.paper.versioned: _within(item, categories) for item in previous.announcements} if previous else {}
    return {
        item.paper.versioned
        for item in announcements
        if item.paper.versioned in before
        and item.paper.id not in listed_here
        and _within(item, categories) <= before[item.paper.versioned]
    }


def _stale(announcements: Iterable[Announcement], repeated: set[str], categories: Sequence[str]) -> tuple[str, ...]:
    """The categories most of whose announcements are repeated."""
    news: Counter[str] = Counter()
    for item in announcements:
        news.update(dict.fromkeys(_within(item, categories), -1 if item.paper.versioned in repeated else 1))
    return tuple(name for name in categories if news[name] < 0)


def _changed(existing: Batch | None, batch: Batch, categories: Sequence[str]) -> set[str]:
    """The categories in which there are other papers than before: the API has not confirmed these."""
    before, after = ({i.paper.id: i for i in one.announcements} if one else {} for one in (existing, batch))
    items = (before | after).values()
    others = [i for i in items if (i.paper.id in before) != (i.paper.id in after)]
    return {name for item in others for name in _within(item, categories)}


def _within(item: Announcement, categories: Sequence[str]) -> set[str]:
    return {name for name in categories if announced_in(item, (name,))}


def _without_batch(
    outcome: FetchedDate,
    categories: Sequence[str],
    known: BatchRecord,
    failures: Mapping[str, str],
    stale: Sequence[str],
) -> BatchRecord:
    """The record of a date without a batch."""
    lost = "its batch was lost by the store; it is to be fetched again"
    late = "arXiv served a valid empty feed: a holiday, or it is late"
    quiet = why_quiet(outcome.date)
    rest = CategoryState("quiet", quiet) if quiet else CategoryState("waiting", late)
    rest = CategoryState("failed", lost) if outcome.unchanged else rest
    failed = {name: CategoryState("waiting" if name in stale else "failed", why) for name, why in failures.items()}
    return restated(known, {name: failed.get(name, rest) for name in categories}, outcome.at)
