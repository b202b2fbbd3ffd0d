"""On which date a paper was announced, of which arXiv's API only tells when it was submitted.

Submissions of a window are announced on one date, but moderators hold some papers back for days. Identifiers tell of
these: arXiv gives them when it announces (https://info.arxiv.org/help/availability.html), so that they rise from one
date to the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from core.domain.batch import Announcement, Batch
from core.domain.calendar import announced_on, announcement_days
from core.domain.manifest import Manifest
from core.domain.paper import Paper, listed


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
            if item.source == "rss" and (item.served == "new" or _is_crossed(item, wanted)):
                shown.setdefault(item.paper.id, day)
    return shown


def _is_crossed(item: Announcement, wanted: frozenset[str]) -> bool:
    return item.served == "cross" and not listed(item.paper.primary, wanted)
