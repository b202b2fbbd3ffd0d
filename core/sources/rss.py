"""Fetching a day's announcements over all categories, in as few requests as arXiv's limit allows.

A request may name several categories, but is answered with 2,000 items at most, replacements first: a group that
reaches the limit has silently lost new papers. It is cut in two and fetched again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from core.model.batch import Announcement
from core.model.errors import FetchError, ParseError, SourceError
from core.sources.client import Answer

if TYPE_CHECKING:
    from core.sources.parse import ParsedFeed

ITEM_LIMIT = 2000
TRIES = 2
LONGEST_PAUSE = 8.0  # seconds; an upstream that asks for more is asked again at the next refresh

Progress = Callable[[str, int, int], None]
NO_PROGRESS: Progress = lambda _what, _done, _total: None  # noqa: E731 - a value among others
Get = Callable[[str, Mapping[str, str] | None], Awaitable[Answer]]


@dataclass(slots=True)
class Fetched:
    """What came of fetching: announcements by the date that their feed carried; and what did not come, by category.

    `dates` are the dates that feeds carried, empty ones too; `unchanged` the categories whose feed had not changed
    since the validators were given. `validators` belong to whole answers, by URL.
    """

    announcements: dict[date, list[Announcement]] = field(default_factory=dict)
    dates: dict[str, date] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    rejected: list[Mapping[str, str]] = field(default_factory=list)
    validators: dict[str, Mapping[str, str]] = field(default_factory=dict)
    requests: int = 0

    @property
    def problem(self) -> str:
        """Why something did not come, in words; "" if all came."""
        return "; ".join(dict.fromkeys(self.failures.values()))


async def fetch_announcements(
    get: Get,
    base_url: str,
    categories: Sequence[str],
    *,
    deadline: float,
    validators: Mapping[str, Mapping[str, str]] | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Fetched:
    """Fetch what arXiv announces now in `categories`. Never raises for an upstream's fault: see `Fetched.failures`.

    `deadline` is in the event loop's time; `validators` are those of the fetch before; `progress` is told what is being
    done, how many categories are done, and how many there are.
    """
    fetched = Fetched()
    groups = [tuple(categories)] if categories else []
    while groups:
        group = groups.pop(0)
        done = len(fetched.dates) + len(fetched.failures) + len(fetched.unchanged)
        progress(f"fetching {', '.join(group)}", done, len(categories))
        if asyncio.get_running_loop().time() > deadline:
            fetched.failures |= dict.fromkeys(group, "there was no time left to fetch it")
            continue
        url = f"{base_url}/rss/{'+'.join(group)}"
        try:
            answer = await _get_patiently(get, url, (validators or {}).get(url), deadline, fetched)
            if answer.body is None:
                fetched.unchanged += group
                fetched.validators[url] = answer.validators
                continue
            parsed = await asyncio.to_thread(_parse, answer.body)
        except SourceError as error:
            if len(group) > 1 and _blames_request(error):
                groups[:0] = _halves(group)
            else:
                reason = error.reason if isinstance(error, FetchError) else str(error)
                fetched.failures |= dict.fromkeys(group, reason)
            continue
        if parsed.served >= ITEM_LIMIT and len(group) > 1:
            groups[:0] = _halves(group)
            continue
        _add(fetched, group, parsed)
        if not (fetched.failures.keys() & set(group)):
            fetched.validators[url] = answer.validators
    progress("fetched", len(categories), len(categories))
    return fetched


def _parse(body: bytes) -> "ParsedFeed":
    from core.sources.parse import parse_feed  # lxml: the read path does without it, and the event loop too

    return parse_feed(body)


def _halves(group: tuple[str, ...]) -> list[tuple[str, ...]]:
    middle = len(group) // 2
    return [group[:middle], group[middle:]]


def _blames_request(error: SourceError) -> bool:
    """Whether the request itself was refused: one unknown category in a group spoils the answer for all."""
    return (isinstance(error, FetchError) and not error.again) or "error feed" in str(error)


async def _get_patiently(
    get: Get, url: str, validators: Mapping[str, str] | None, deadline: float, fetched: Fetched
) -> Answer:
    for attempt in range(1, TRIES + 1):
        fetched.requests += 1
        try:
            return await get(url, validators)
        except FetchError as error:
            pause = error.retry_after or 0.0
            late = asyncio.get_running_loop().time() + pause > deadline
            if attempt == TRIES or not error.again or pause > LONGEST_PAUSE or late:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("unreachable")


def _add(fetched: Fetched, group: tuple[str, ...], parsed: "ParsedFeed") -> None:
    if parsed.date is None:
        fetched.failures |= dict.fromkeys(group, str(ParseError("the feed does not say which date it is for")))
        return
    fetched.announcements.setdefault(parsed.date, []).extend(parsed.announcements)
    fetched.rejected += parsed.rejected
    fetched.dates |= dict.fromkeys(group, parsed.date)
    if parsed.broken:
        fetched.failures |= dict.fromkeys(group, parsed.broken)
    elif parsed.served >= ITEM_LIMIT:
        reason = f"arXiv serves {ITEM_LIMIT} items at most; new papers beyond that are missing"
        fetched.failures |= dict.fromkeys(group, reason)
