"""A fortnight of a small arXiv with a clock: what its feed, its API and its catch-up pages show at a moment, and what
was announced in truth. Papers are invented; some are held for days, replaced, or listed in one more category later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from core.model.calendar import EASTERN, announcement_days, before, mailed_at, submission_window
from core.model.categories import listed
from tests.support.arxiv_api import find
from tests.support.arxiv_format import Sheet, rss
from tests.support.catchup_format import catchup

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 13)
DAYS = tuple(announcement_days(FIRST - timedelta(days=1), LAST + timedelta(days=1)))
OLDER = tuple(announcement_days(FIRST - timedelta(days=8), FIRST))  # announced before anybody looked
CONFIGS = {"main": ["cs.LG", "cs.CL"], "other": ["cs.CV"], "subset": ["cs.CL"]}
_PRIMARIES = ("cs.LG", "cs.LG", "cs.CL", "cs.CV", "cs.RO")
_NEW, _CROSS, _REPLACED = range(3)  # the sections of a catch-up page


@dataclass
class Paper:
    """`versions` are (submitted, announced on), `listed` are (category, since): the primary one comes first."""

    id: str
    listed: list[tuple[str, date]]
    versions: list[tuple[datetime, date]] = field(default_factory=list)

    def sheet(self, day: date) -> Sheet:
        """The paper as it is when the mailing of `day` is the newest one."""
        number = sum(announced <= day for _, announced in self.versions)
        return Sheet(
            self.id,
            f"Paper {self.id}",
            categories=tuple(name for name, since in self.listed if since <= day),
            version=number,
            submitted=self.versions[0][0],
            updated=self.versions[number - 1][0],
        )


@dataclass(frozen=True)
class Event:
    """What a mailing said of a paper; `into` is the category of a late cross-list, "" for a new paper or version."""

    paper: Paper
    version: int
    into: str = ""


class SmallWorld:
    """See the module. A fault is {"path": "/rss", "kind": "stale" or a status such as "503"}, and holds all day."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._events: dict[date, list[Event]] = {}
        self._now = datetime.combine(FIRST, time(), UTC)
        self._faults: Sequence[Mapping[str, Any]] = ()
        papers: list[Paper] = []
        for day in (*OLDER, *DAYS):
            self._events[day] = self._mail(day, papers)

    def _mail(self, day: date, papers: list[Paper]) -> list[Event]:
        luck, old = self._random, list(papers)
        events = []
        number = len(papers)
        for place in range(6):
            names = dict.fromkeys([luck.choice(_PRIMARIES), *luck.sample(_PRIMARIES, luck.choice([0, 1]))])
            identifier = f"{day - timedelta(days=1):%y%m}.{10000 + 3 * (number + place)}"
            paper = Paper(identifier, [(name, day) for name in names])
            of = before(before(day)) if luck.random() < 0.15 else day  # a moderator held it
            paper.versions.append((self._submitted(of), day))
            papers.append(paper)
            events.append(Event(paper, 1))
        for paper in luck.sample(old, min(len(old), 2)):
            paper.versions.append((self._submitted(day), day))
            events.append(Event(paper, len(paper.versions)))
        crossed = [paper for paper in old if len(paper.versions) == 1 and _can_come(paper)]
        if crossed:
            paper = luck.choice(crossed)
            paper.listed.append(("cs.LG", day))
            events.append(Event(paper, 1, "cs.LG"))
        return events

    def _submitted(self, day: date) -> datetime:
        low, high = submission_window(day)
        return low + timedelta(minutes=self._random.randint(1, int((high - low).total_seconds() / 60) - 1))

    def enter(self, visit: Mapping[str, Any]) -> None:
        """Set the clock and the faults as a visit has them."""
        self._now, self._faults = datetime.fromisoformat(visit["now"]), visit["faults"]

    def answer(self, path: str, _headers: Mapping[str, str]) -> tuple[int, Sequence[tuple[str, str]], bytes] | None:
        """Returns status, headers and body."""
        fault = next((one["kind"] for one in self._faults if path.startswith(one["path"])), "")
        if fault.isdigit():
            return int(fault), (), b"an error"
        if fault == "reset":
            return None
        parts = urlsplit(path)
        first, *rest = parts.path.strip("/").split("/")
        if first == "rss":
            return 200, (("Content-Type", "application/rss+xml"),), self._rss(rest[0], is_stale=fault == "stale")
        if first == "api":
            everything = {event.paper.id: event.paper for day in self._out for event in self._events[day]}
            sheets = [paper.sheet(self._out[-1]) for paper in everything.values()]
            return 200, (("Content-Type", "application/atom+xml"),), find(sheets, parts.query).write()
        if first == "catchup":
            return 200, (("Content-Type", "text/html"),), self._page(rest[0], date.fromisoformat(rest[1]))
        return 404, (), b"not found"

    @property
    def _out(self) -> list[date]:
        """The dates whose mailings are out."""
        return [day for day in self._events if mailed_at(day) <= self._now]

    def _rss(self, names: str, *, is_stale: bool) -> bytes:
        today = self._now.astimezone(EASTERN).date()
        asked = tuple(names.replace("%2B", "+").split("+"))
        day = before(today) if is_stale else today
        sheets = [
            replace(event.paper.sheet(self._out[-1]), version=event.version)
            for event in self._events.get(day, ())
            if _is_of(event, day, asked)
        ]
        return rss(sheets, today, asked)

    def _page(self, category: str, day: date) -> bytes:
        sheets, sections = [], {}
        for event in self._events.get(day, ()) if day in self._out else ():
            sheet = event.paper.sheet(self._out[-1])
            own = listed(sheet.categories[0], (category,))
            if event.into and own:
                continue
            sections[sheet.id] = _REPLACED if event.version > 1 else _CROSS if event.into or not own else _NEW
            sheets.append(sheet)
        return catchup(sheets, category, day, sections=sections)

    def truth(self, categories: Collection[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """What was announced in these categories: {date: {id: {"type", "version", "action", "categories"}}}."""
        return {
            day.isoformat(): {
                event.paper.id: _said(event, day, tuple(categories))
                for event in self._events[day]
                if _is_of(event, day, tuple(categories))
            }
            for day in DAYS
        }


def _can_come(paper: Paper) -> bool:
    """Whether the paper can be listed in cs.LG once more, so that no other category of it could be the one."""
    return [name for name, _ in paper.listed] == ["cs.RO"]


def _is_of(event: Event, day: date, categories: tuple[str, ...]) -> bool:
    names = (event.into,) if event.into else event.paper.sheet(day).categories
    return any(listed(name, categories) for name in names)


def _said(event: Event, day: date, categories: tuple[str, ...]) -> dict[str, Any]:
    sheet = event.paper.sheet(day)
    own = listed(sheet.categories[0], categories)
    kind = ("replace" if own else "replace-cross") if event.version > 1 else "new" if own else "cross"
    return {"type": kind, "version": event.version, "action": kind, "categories": sheet.categories}


def visit(day: date, hour: float, config: str = "main", *faults: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A visit at so many hours (UTC) after the beginning of `day`."""
    now = datetime.combine(day, time(), UTC) + timedelta(hours=hour)
    return {"now": now.isoformat(), "config": config, "faults": faults, "kill": None, "evict": 0} | more
