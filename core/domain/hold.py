"""Entries that wait for their summaries: a feed with `hold` shows them when these are there, or after some hours.

Whether the hours are over is read off the time of the manifest's last change, not off a clock: so all that is derived
from the manifest stays true until it changes. At that moment somebody has to change it (`core.state.note_time`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from core.domain.analysis import Analysis
from core.domain.feed import Entry, Feed
from core.domain.manifest import BatchRecord, Manifest
from core.domain.query import Query
from core.domain.selection import choose


def _end(feed: Feed, record: BatchRecord) -> datetime:
    """When nothing of the date is held any more: so many hours after its batch was fetched, or after the day itself.

    Batches that change from hour to hour, as Hugging Face's do, are fetched anew each time.
    """
    over = datetime.combine(record.date, clock(), UTC) + timedelta(days=1)
    return min(datetime.fromisoformat(record.fetched), over) + timedelta(hours=feed.hold_hours)


def _ends(feed: Feed, manifest: Manifest) -> dict[date, datetime]:
    """The ends that had not come when the manifest was changed last, by date."""
    if not (feed.hold and feed.summary and feed.summaries and manifest.updated):
        return {}
    ends = {record.date: _end(feed, record) for record in manifest.of(feed.source) if record.fetched}
    changed = datetime.fromisoformat(manifest.updated)
    return {day: end for day, end in ends.items() if end > changed}


def dates_in_hold(feed: Feed, manifest: Manifest) -> frozenset[date]:
    """The dates of which the feed holds back what has no summary."""
    return frozenset(_ends(feed, manifest))


def next_release(feeds: Iterable[Feed], manifest: Manifest) -> datetime | None:
    """When the next hold ends; None if there is none."""
    return min((end for feed in feeds for end in _ends(feed, manifest).values()), default=None)


def hold_back(
    feed: Feed, entries: Sequence[Entry], analyses: Mapping[date, Analysis], dates: frozenset[date]
) -> tuple[list[Entry], int]:
    """The entries without those that are held on these `dates`, and how many these are.

    Only what the feed shows can be held. What is beyond its number of entries a day does not move up meanwhile.
    """
    open_entries = [entry for entry in entries if entry.announced in dates]
    shown = choose(feed, open_entries, Query(), capped=True)
    held = {entry.paper.versioned for entry in shown if _is_held(entry, analyses)}
    if not held:
        return list(entries), 0
    kept = {entry.paper.versioned for entry in shown} - held
    left_out = {entry.paper.versioned for entry in choose(feed, open_entries, Query(), capped=False)} - kept
    out = [entry for entry in entries if entry.announced not in dates or entry.paper.versioned not in left_out]
    return out, len(held)


def _is_held(entry: Entry, analyses: Mapping[date, Analysis]) -> bool:
    row = analyses.get(entry.announced, {}).get(entry.paper.versioned)
    return row is None or row.is_awaited
