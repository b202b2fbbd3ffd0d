"""What a fetch means for the record of a date: which state, which batch, and why. Pure: the heart of honesty.

The last good batch stays: a worse answer never replaces a better one, it only leaves a reason behind.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from core.domain.batch import Announcement, Batch, make_batch
from core.domain.calendar import is_announcement_day
from core.domain.manifest import BatchRecord
from core.domain.paper import listed


@dataclass(frozen=True, slots=True)
class Outcome:
    """One date's fetch: announcements, and by category why something is missing. `unchanged` categories had no news."""

    date: date
    announcements: tuple[Announcement, ...]
    failures: Mapping[str, str]
    unchanged: tuple[str, ...] = ()
    rejected: tuple[Mapping[str, str], ...] = ()


def settle(
    outcome: Outcome, categories: Sequence[str], known: BatchRecord, existing: Batch | None, previous: Batch | None
) -> tuple[BatchRecord, Batch | None]:
    """The new record of `outcome.date`, and the batch to store with it (None: nothing stored).

    `known` and `existing` are the record and batch of that date so far, `previous` the batch before it.
    """
    if known.hash and existing is None:  # the store has lost it: as if it had never been there
        known = BatchRecord(known.date, "expected")
    repeated = _repeated(outcome.announcements, categories, previous)
    stale = _stale(outcome.announcements, repeated, categories)
    failures = dict(outcome.failures) | {
        name: f"still shows the batch of {previous.date}" for name in stale if previous is not None
    }
    fresh = [
        item
        for item in outcome.announcements
        if item.paper.versioned not in repeated or not _within(item, categories) <= set(stale)
    ]
    kept = [
        item
        for item in (existing.announcements if existing else ())
        if failures or any(listed(c, outcome.unchanged) for c in item.paper.categories)
    ]
    missing = _reasons(failures)
    if not fresh and not kept:
        return _without_batch(outcome, stale, missing, known, existing), existing
    if missing and known.settled(categories):
        return known, existing
    batch = make_batch(outcome.date, [*fresh, *kept])
    stays = known.rejected if kept else ()
    rejected = (*outcome.rejected, *(item for item in stays if item not in outcome.rejected))
    unread = f"{len(rejected)} item(s) could not be read" if rejected else ""
    record = replace(
        known,
        state="partial" if missing else "complete",
        reason="; ".join(filter(None, (missing, unread))),
        hash=batch.hash,
        total=len(batch.announcements),
        counts=batch.counts(categories),
        rejected=rejected,
    )
    return record, batch


def _repeated(announcements: Iterable[Announcement], categories: Sequence[str], previous: Batch | None) -> set[str]:
    """What the batch before announced already, in the same categories: no news, whatever date it comes under.

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


def _within(item: Announcement, categories: Sequence[str]) -> set[str]:
    return {name for name in categories if any(listed(c, (name,)) for c in item.paper.categories)}


def _reasons(failures: Mapping[str, str]) -> str:
    """Failures in words, categories with the same reason together."""
    by_reason: dict[str, list[str]] = {}
    for category, reason in failures.items():
        by_reason.setdefault(reason, []).append(category)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _without_batch(
    outcome: Outcome, stale: tuple[str, ...], missing: str, known: BatchRecord, existing: Batch | None
) -> BatchRecord:
    if existing is not None:
        return known
    if missing:
        return replace(known, state="waiting" if stale else "failed", reason=missing)
    if outcome.unchanged:
        return replace(known, state="failed", reason="its batch was lost by the store; it is to be fetched again")
    if is_announcement_day(outcome.date):
        return replace(known, state="quiet", reason="arXiv served a valid empty feed: a holiday, or it is late")
    return replace(known, state="quiet", reason="arXiv announces nothing at weekends")
