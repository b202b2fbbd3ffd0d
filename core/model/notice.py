"""Notices: a feed says which days are missing, so that it never looks complete when it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.model.calendar import announcement_days, due_at, due_date
from core.model.categories import listed
from core.model.feed import Feed
from core.model.manifest import BatchRecord, CategoryState, Manifest
from core.model.sources import NAMES, RSS, origins_of

GRACE = timedelta(hours=1)  # arXiv is often some minutes late, and a notice that readers saw cannot be taken back
LOOK_BACK = timedelta(days=7)  # older gaps are shown on pages and by `paperwire audit` only


@dataclass(frozen=True, slots=True)
class Notice:
    """What is missing of a feed: dates, newest first, with reasons in words. `time` is since when the feed says so.

    `starting`: its categories are new here, and were not fetched yet.
    """

    dates: tuple[tuple[date, str], ...]
    time: datetime
    starting: bool = False

    @property
    def title(self) -> str:
        """One line."""
        days = ", ".join(day.isoformat() for day, _ in self.dates)
        return f"Notice: this feed is not complete for {days}"

    @property
    def lines(self) -> list[str]:
        """A line for each date, and what happens next."""
        gaps = [f"{day.isoformat()}: {reason}" for day, reason in self.dates]
        return [*gaps, "What is missing is tried again, and marked as late when it comes. Then this notice is gone."]


def notice_of(manifest: Manifest, feed: Feed, now: datetime) -> Notice | None:
    """The notice of a feed at `now`, if anything is missing: of the due date from an hour after it was due."""
    if feed.source != "arxiv":
        return _of_another(manifest, feed, now)
    due = due_date(now)
    days = announcement_days(due - LOOK_BACK, due + timedelta(days=1))
    if now < due_at(due) + GRACE:
        days.remove(due)
    known = [day for day in reversed(days) if day in manifest.records or (day == due and manifest.records)]
    gaps = tuple((day, reason) for day in known if (reason := gap(manifest.get(day), feed.categories)))
    if not gaps:
        return None
    newest = manifest.get(known[0])
    starting = bool(newest.categories) and not states_for(newest, feed.categories)
    return Notice(gaps, min(due_at(gaps[0][0]) + GRACE, now), starting)


def gap(record: BatchRecord, categories: Sequence[str]) -> str:
    """Returns why a date is incomplete in these categories, in words; "" if it is complete."""
    states = states_for(record, categories)
    if not states and record.categories:
        return f"nothing of {', '.join(categories)} is here yet"
    if not states:
        return (
            ""
            if record.state in ("complete", "unconfirmed")
            else record.reason or "its announcements were not fetched yet"
        )
    missing: dict[str, list[str]] = {}
    for name, state in states.items():
        if not state.settled:
            missing.setdefault(f"{state.state}: {state.reason}", []).append(name)
    if absent := [name for name in categories if states and not states_for(record, (name,))]:
        missing["not here yet"] = absent
    if missing:
        return "; ".join(
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {why}" for why, names in missing.items()
        )
    by_api = all(state.source == "api" for state in states.values())
    return "" if record.hash or by_api or record.settled(states) else record.reason


def not_fetched_notice(categories: Sequence[str], due: date, now: datetime) -> Notice:
    """What a feed says whose rules came with a request, of categories that no feed of this wire has."""
    reason = f"{', '.join(categories)} will be fetched when a feed with it is saved; that is ready in about a minute"
    return Notice(((due, reason),), _midnight(now))


def states_for(record: BatchRecord, categories: Sequence[str]) -> Mapping[str, CategoryState]:
    """The states of the fetched categories of a date that a feed of `categories` is made from."""
    return {
        name: state
        for name, state in record.categories.items()
        if any(listed(name, (wanted,)) or listed(wanted, (name,)) for wanted in categories)
    }


def _of_another(manifest: Manifest, feed: Feed, now: datetime) -> Notice | None:
    """Of a source beside arXiv: that there are no papers yet, or that the newest could not be fetched."""
    known = manifest.all_of(feed.source)
    newest = max(known, default=None)
    name = "Its addresses were" if feed.source == RSS else f"{NAMES.get(feed.source, feed.source)} was"
    if newest is None:
        return Notice(((now.date(), f"{name} not asked yet; the next refresh does that"),), _midnight(now))
    record = known[newest]
    if feed.source == RSS:
        failed = _failed_origins(record, feed, now)
        return Notice(((newest, failed),), _midnight(now)) if failed else None
    return Notice(((newest, record.reason),), _midnight(now)) if record.state == "failed" else None


def _failed_origins(record: BatchRecord, feed: Feed, now: datetime) -> str:
    """Returns which of a feed's addresses have failed for longer than an hour, and which were not asked yet."""
    lacking = []
    for origin in origins_of(feed.urls):
        state = record.categories.get(origin.key)
        if state is None:
            lacking.append(f"{origin.name} was not asked yet")
        elif state.state == "failed" and (not state.since or now - datetime.fromisoformat(state.since) >= GRACE):
            lacking.append(state.reason)
    return "; ".join(lacking)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
