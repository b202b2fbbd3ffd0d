"""Reconciliation: what a fetch means for the record and batch of a date, and on which date a paper was announced.

The last good batch stays: a worse answer never replaces a better one, it only adds a reason. A category that was once
complete stays complete, whatever answers follow.

arXiv's API says when a paper was submitted, not when it was announced. The submissions of a window are announced on one
date, but moderators hold some papers back for days. These are recognised by their identifiers, which arXiv gives when
it announces (https://info.arxiv.org/help/availability.html): they rise from one date to the next.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from core.model.batch import Announcement, Batch, make_batch
from core.model.calendar import announced_on, announcement_days, why_quiet
from core.model.categories import listed
from core.model.manifest import BatchRecord, CategoryState, Manifest
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
    before = (known for known, last in _last(manifest) if last < paper.id and _is_whole(manifest, known, paper))
    after = max(before, default=None)
    if after and day <= after:
        day = next(iter(announcement_days(after, after + timedelta(days=9))))
    until = latest(manifest, paper)
    return min(day, until) if until else day


def latest(manifest: Manifest, paper: Paper) -> date | None:
    """The latest date on which a paper may have been announced, by its identifier; None if none is known."""
    return min((known for known, last in _last(manifest) if last >= paper.id), default=None)


def _last(manifest: Manifest) -> Iterable[tuple[date, str]]:
    return ((day, record.last) for day, record in manifest.records.items() if record.last)


def _is_whole(manifest: Manifest, day: date, paper: Paper) -> bool:
    """Whether arXiv's feed brought all of a date in the category that announces the paper: its primary one, unless that
    is not read here; others it may have been listed in later.
    """
    states = manifest.get(day).categories
    mine = [name for name in states if listed(paper.primary, (name,))]
    mine = mine or [name for name in states if any(listed(category, (name,)) for category in paper.categories)]
    return bool(mine) and all(states[name].settled and states[name].source == "rss" for name in mine)


def shown_on(batches: Mapping[date, Batch], categories: Sequence[str]) -> dict[str, date]:
    """On which date arXiv's feed announced papers first. One that is known as a cross-list only, though its primary
    category is among `categories`, was announced before.
    """
    wanted, shown = frozenset(categories), dict[str, date]()
    for day, batch in sorted(batches.items()):
        for item in batch.announcements:
            if item.source == "rss" and not item.relisted and (item.served == "new" or _is_crossed(item, wanted)):
                shown.setdefault(item.paper.id, day)
    return shown


def _is_crossed(item: Announcement, wanted: frozenset[str]) -> bool:
    return item.served == "cross" and not listed(item.paper.primary, wanted)


@dataclass(frozen=True, slots=True)
class FetchedDate:
    """One date's fetch: announcements, and by category why something is missing. `unchanged` categories had no news.

    `at` is the time of the fetch (RFC 3339); `over`: another date was due by then, so that all that is new is late.
    """

    date: date
    announcements: tuple[Announcement, ...]
    failures: Mapping[str, str]
    unchanged: tuple[str, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()
    at: str = ""
    over: bool = False


def settle(
    outcome: FetchedDate, categories: Sequence[str], known: BatchRecord, existing: Batch | None, previous: Batch | None
) -> tuple[BatchRecord, Batch | None]:
    """The new record of `outcome.date`, and the batch to store with it (None: nothing stored).

    `known` and `existing` are the record and batch of that date so far, `previous` the batch before it.
    """
    if known.hash and existing is None:  # the store has lost it
        known = BatchRecord(known.date, "expected")
    repeated = _repeated(outcome.announcements, categories, previous)
    stale = _stale(outcome.announcements, repeated, categories)
    failures = dict(outcome.failures) | {
        name: f"still shows the batch of {previous.date}" for name in stale if previous is not None
    }
    fresh = [
        item
        for item in outcome.announcements
        if item.paper.versioned not in repeated or not _within(item, categories) & set(stale)
    ]
    kept = [
        item
        for item in (existing.announcements if existing else ())
        if failures or any(listed(c, outcome.unchanged) for c in item.paper.categories)
    ]
    if not fresh and not kept:
        return (known if existing else _without_batch(outcome, categories, known, failures, stale)), existing
    if failures and known.settled(categories):
        return known, existing
    kept += [item for item in (existing.announcements if existing else ()) if item.source == "api"]
    batch = make_batch(outcome.date, [*_joined(fresh, existing, outcome), *kept])
    came = {name for item in batch.announcements for name in _within(item, categories)}
    # Of a date without a batch, an empty category was not the last word
    before = {name: known.of(name) if existing else CategoryState("expected") for name in categories}
    states = {name: _state(before[name], failures.get(name, ""), name in stale, name in came) for name in categories}
    rejected = (*outcome.rejected, *(item for item in known.rejected if kept and item not in outcome.rejected))
    read = {name: at for name, at in known.read.items() if name not in _changed(existing, batch, categories)}
    return recorded(replace(known, rejected=rejected, read=read), batch, states, outcome.at), batch


def recorded(known: BatchRecord, batch: Batch, states: Mapping[str, CategoryState], at: str) -> BatchRecord:
    """The record of a date with `batch`, whose categories are in these `states` as of `at` (RFC 3339)."""
    record = replace(
        known,
        hash=batch.hash,
        total=len(batch.announcements),
        counts=batch.counts(states),
        late=sum(bool(item.late) for item in batch.announcements),
        last=max((item.paper.id for item in batch.announcements if _is_news(item)), default=""),
    )
    return restated(record, states, at)


def restated(known: BatchRecord, states: Mapping[str, CategoryState], at: str) -> BatchRecord:
    """The record of a date whose categories are in these `states` as of `at`, with the state that follows from them."""
    missing = {name: state.reason for name, state in states.items() if not state.settled}
    if known.hash:
        state = "partial" if missing else "complete"
    elif missing:
        state = "waiting" if "waiting" in {one.state for one in states.values()} else "failed"
    else:
        state = "quiet"
    quiet = "; ".join(dict.fromkeys(one.reason for one in states.values())) if state == "quiet" else ""
    unread = f"{len(known.rejected)} item(s) could not be read" if known.rejected else ""
    since = {name: known.of(name).since if known.of(name).state == one.state else at for name, one in states.items()}
    return replace(
        known,
        state=state,
        reason="; ".join(filter(None, (_reasons(missing), quiet, unread))),
        categories={name: one._replace(since=since[name]) for name, one in states.items()},
    )


def _is_news(item: Announcement) -> bool:
    """Whether arXiv's feed announced it as new: the greatest identifier of these is of this date.

    A cross-list may be of an old paper, and be all that there is on a date.
    """
    first = item.served == "new" and item.paper.version == 1 and not item.relisted
    return item.source == "rss" and first and "/" not in item.paper.id


def _reasons(failures: Mapping[str, str]) -> str:
    """Failures in words, categories with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for category, reason in failures.items():
        by_reason.setdefault(reason, []).append(category)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _state(known: CategoryState, failure: str, stale: bool, came: bool) -> CategoryState:
    """The state of a category of a date that has a batch: from whether it failed, is stale, and has announcements."""
    if not failure:
        return CategoryState("complete" if came else "quiet")
    if known.settled:
        return known
    return CategoryState("waiting" if stale else "partial" if came else "failed", failure)


def _joined(fresh: Iterable[Announcement], existing: Batch | None, outcome: FetchedDate) -> Iterator[Announcement]:
    """The announcements with what is known of them beyond the feed; late where readers were shown the date before."""
    known = {item.paper.versioned: item for item in existing.announcements} if existing else {}
    late = outcome.at if existing or outcome.over else ""
    for item in fresh:
        if before := known.get(item.paper.versioned):
            yield replace(item, paper=complete(item.paper, before.paper), late=before.late)
        else:
            yield replace(item, late=late)


def _repeated(announcements: Iterable[Announcement], categories: Sequence[str], previous: Batch | None) -> set[str]:
    """What the batch before announced already, in the same categories: it is not news, under any date.

    arXiv has served a category's old batch under the new day's date, so identifiers are compared, not dates.
    """
    before = {item.paper.versioned: _within(item, categories) for item in previous.announcements} if previous else {}
    return {
        item.paper.versioned
        for item in announcements
        if item.paper.versioned in before and _within(item, categories) <= before[item.paper.versioned]
    }


def _stale(announcements: Iterable[Announcement], repeated: set[str], categories: Sequence[str]) -> tuple[str, ...]:
    """The categories most of whose announcements are repeated."""
    news: Counter[str] = Counter()
    for item in announcements:
        news.update(dict.fromkeys(_within(item, categories), -1 if item.paper.versioned in repeated else 1))
    return tuple(name for name in categories if news[name] < 0)


def _changed(existing: Batch | None, batch: Batch, categories: Sequence[str]) -> set[str]:
    """The categories in which there are other papers than before: the API has not confirmed these."""
    before, after = ({i.paper.versioned: i for i in one.announcements} if one else {} for one in (existing, batch))
    items = (before | after).values()
    others = [i for i in items if (i.paper.versioned in before) != (i.paper.versioned in after)]
    return {name for item in others for name in _within(item, categories)}


def _within(item: Announcement, categories: Sequence[str]) -> set[str]:
    return {name for name in categories if any(listed(c, (name,)) for c in item.paper.categories)}


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
    rest = (
        CategoryState("failed", lost) if outcome.unchanged else CategoryState("quiet", why_quiet(outcome.date) or late)
    )
    failed = {name: CategoryState("waiting" if name in stale else "failed", why) for name, why in failures.items()}
    return restated(known, {name: failed.get(name, rest) for name in categories}, outcome.at)
