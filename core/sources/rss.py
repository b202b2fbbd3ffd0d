"""Fetches a day's announcements of all categories from arXiv's RSS, in as few requests as its limit allows.

A request may name several categories, but arXiv returns 2,000 items at most, replacements first: a group that reaches
the limit lacks new papers. It is split in two and fetched again; a single archive is split into its categories.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from core.model.batch import Announcement, is_relisted
from core.model.categories import parts
from core.model.errors import FetchError, SourceError
from core.sources.client import UpstreamAnswer
from core.sources.parse import ParsedFeed, parse_feed
from core.util.log import Progress

ITEM_LIMIT = 2000
NO_TIME = "there was no time left to fetch it"
_TRIES = 2
LONGEST_PAUSE = 8.0  # seconds; for a longer Retry-After, the next refresh tries again

_Get = Callable[[str, Mapping[str, str] | None], Awaitable[UpstreamAnswer]]


@dataclass(slots=True)
class Fetched:
    """What came of fetching: announcements by the date that their feed carried; and what did not come, by category.

    `dates` are the dates that feeds carried, empty ones too; `unchanged` the categories whose feed had not changed
    since the validators were given. `validators` belong to whole answers, by URL. `archives` says as part of which
    wanted category another one is fetched: an archive whose feed is cut off comes by its categories, and is there
    when all of these are. `whole` are these categories that came, and `skipped` those that had come before.
    """

    announcements: dict[date, list[Announcement]] = field(default_factory=dict)
    dates: dict[str, date] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    rejected: list[Mapping[str, str]] = field(default_factory=list)
    validators: dict[str, Mapping[str, str]] = field(default_factory=dict)
    requests: int = 0
    archives: dict[str, str] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def begin(self, categories: Sequence[str], first: Sequence[str], had: Sequence[str]) -> list[tuple[str, ...]]:
        """Returns the groups to fetch: those of `first` before the others, and of an archive of which an earlier fetch
        `had` parts only the others.
        """
        self.archives = {name: name for name in categories}
        groups = []
        for name in first:
            if came := [part for part in parts(name) if part in had]:
                self.skipped += came
                rest = tuple(part for part in parts(name) if part not in (*came, *self.archives))
                self.archives |= dict.fromkeys((*came, *rest), name)
                groups.append(rest)
        cut = {self.archives[part] for part in self.skipped}
        groups.insert(0, tuple(name for name in first if name not in cut))
        groups.append(tuple(name for name in categories if name not in first))
        return [group for group in groups if group]

    def fail(self, group: Sequence[str], reason: str) -> None:
        """Note why the categories of a group are missing."""
        for name in group:
            self.failures.setdefault(self.archives[name], reason)

    def came(self, group: Sequence[str], day: date) -> None:
        """Note that the feed of a group has the date `day`: the date of an archive is that of its oldest part."""
        for name in group:
            wanted = self.archives[name]
            self.dates[wanted] = min(self.dates.get(wanted, day), day)

    def split(self, group: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Split a group into smaller ones; returns an empty list for a single category."""
        if len(group) > 1:
            return _halves(group)
        of_archive = parts(group[0])
        news = tuple(name for name in of_archive if name not in self.archives)
        self.archives |= dict.fromkeys(news, group[0])
        return _halves(news) if len(news) > 1 else []

    @property
    def problem(self) -> str:
        """The reasons for all missing categories, in words; "" if nothing is missing."""
        return "; ".join(dict.fromkeys(self.failures.values()))


async def fetch_announcements(
    get: _Get,
    base_url: str,
    categories: Sequence[str],
    *,
    deadline: float,
    validators: Mapping[str, Mapping[str, str]] | None = None,
    first: Sequence[str] = (),
    had: Sequence[str] = (),
    progress: Progress = lambda _what, _done, _total: None,
) -> Fetched:
    """Fetch what arXiv announces now in `categories`. Failures are in `Fetched.failures`, never raised.

    `deadline` is in the event loop's time. `validators` are those of the previous fetch, by URL. `first` are the
    categories for which an earlier fetch of the same date had no time, and `had` the parts of archives that it had
    fetched: this one goes on from there. `progress` receives the current work, the number of categories that are done,
    and their total.
    """
    fetched = Fetched()
    groups = fetched.begin(categories, first, had)
    while groups:
        group = groups.pop(0)
        done = min(len(fetched.dates) + len(fetched.failures) + len(fetched.unchanged), len(categories))
        progress(f"fetching {', '.join(group)}", done, len(categories))
        if asyncio.get_running_loop().time() > deadline:
            fetched.fail(group, NO_TIME)
            continue
        url = f"{base_url}/rss/{'+'.join(group)}"
        try:
            answer = await _get_patiently(get, url, (validators or {}).get(url), deadline, fetched)
            if answer.body is None:
                fetched.unchanged += group
                fetched.validators[url] = answer.validators
                continue
            parsed = await asyncio.to_thread(parse_feed, answer.body)
        except SourceError as error:
            if len(group) > 1 and _blames_request(error):
                groups[:0] = _halves(group)
            else:
                fetched.fail(group, error.reason if isinstance(error, FetchError) else str(error))
            continue
        if parsed.served >= ITEM_LIMIT and (smaller := fetched.split(group)):
            groups[:0] = smaller
            continue
        if _add(fetched, group, parsed):
            fetched.validators[url] = answer.validators
            fetched.whole += (name for name in group if fetched.archives[name] != name)
    progress("fetched", len(categories), len(categories))
    return fetched


def _halves(group: tuple[str, ...]) -> list[tuple[str, ...]]:
    middle = len(group) // 2
    return [group[:middle], group[middle:]]


def _blames_request(error: SourceError) -> bool:
    """Returns whether the request itself was refused: one unknown category fails the whole group."""
    return (isinstance(error, FetchError) and not error.again) or "error feed" in str(error)


async def _get_patiently(
    get: _Get, url: str, validators: Mapping[str, str] | None, deadline: float, fetched: Fetched
) -> UpstreamAnswer:
    for attempt in range(1, _TRIES + 1):
        fetched.requests += 1
        try:
            return await get(url, validators)
        except FetchError as error:
            pause = error.retry_after or 0.0
            late = asyncio.get_running_loop().time() + pause > deadline
            if attempt == _TRIES or not error.again or pause > LONGEST_PAUSE or late:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


def _add(fetched: Fetched, group: tuple[str, ...], parsed: ParsedFeed) -> bool:
    """Add the content of a feed. Returns whether it is complete."""
    if parsed.date is None:
        fetched.fail(group, "the feed does not say which date it is for")
        return False
    day = parsed.date
    items = (replace(i, relisted=True) if is_relisted(i, group, day) else i for i in parsed.announcements)
    fetched.announcements.setdefault(day, []).extend(items)
    fetched.rejected += parsed.rejected
    fetched.came(group, day)
    cut = f"arXiv serves {ITEM_LIMIT} items at most; new papers beyond that are missing"
    lack = parsed.broken or (cut if parsed.served >= ITEM_LIMIT else "")
    if lack:
        fetched.fail(group, lack)
    return not lack
