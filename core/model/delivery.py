"""Deliveries: which digests go where and when, and the log that keeps each of them from going twice.

A unit is what is delivered once: "2026-03-06" (a day), "2026-W10" (a week), "2603.90305" (a must-read paper). Its mark
is written before the message is sent and after the target has accepted it. Between both a process may be killed: then
nobody knows whether the message went out, and it is sent again under the same identity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from core.model.calendar import is_announcement_day
from core.model.feed import Feed
from core.model.health import Trouble
from core.model.manifest import BatchRecord, Manifest, rfc3339
from core.model.sources import ARXIV, due_time

TIMELY = timedelta(hours=36)  # how long after its hour a digest is still news
PAUSES = (60, 300, 900, 3600, 7200)  # seconds after the first, second … failure
TRIES_AT_MOST = 12
KEPT = timedelta(days=120)  # how long marks are kept: longer than anything is due
_SHOWN = timedelta(days=3)  # how long health names a failure
_ACT = 3  # tries after which the owner should look
FINISHED = ("sent", "empty", "failed")  # states of a unit for which nothing is left to do
_DAY = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One `[deliver.NAME]` of feeds.toml. `to` names the variable with the target's URL.

    `at` is a local time in `zone`. A day that is not complete then is waited for, for `limit`. `most` is the number of
    papers of each feed, `language` that of the fixed sentences, "" for the first feed's own.
    """

    name: str
    feeds: tuple[str, ...]
    to: str
    when: str = "daily"
    at: clock = clock(7)
    zone: ZoneInfo = UTC_ZONE
    limit: timedelta = timedelta(hours=3)
    most: int = 10
    style: str = "brief"
    language: str = ""
    empty: str = "nothing"

    def first_after(self, moment: datetime) -> datetime:
        """Returns the first time (UTC) that is `at` on the clocks of the zone, at or after `moment`."""
        day = moment.astimezone(self.zone).date()
        times = (datetime.combine(day + n * _DAY, self.at, self.zone).astimezone(UTC) for n in range(3))
        return next(time for time in times if time >= moment)


class Room(NamedTuple):
    """How long the text of one chat message may be, in characters or `in_bytes` of UTF-8; 0: as long as it is."""

    most: int = 0
    in_bytes: bool = False

    def fits(self, *texts: str) -> bool:
        """Whether these texts fit together."""
        return not self.most or sum(len(t.encode()) if self.in_bytes else len(t) for t in texts) <= self.most


NO_LIMIT = Room()


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out: the same content as a mail (`html` and `text`), as `markdown` for chats, and as JSON values.

    Everything that is sent again has the same `identity`, by which programs recognise it. `unsubscribe` is the address
    that stops it, "" without one.
    """

    identity: str
    title: str
    html: str
    text: str
    markdown: str
    plain: Mapping[str, Any]
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryMark:
    """What became of a unit: its `state` ("sending", "retry", or one of `FINISHED`), since when (RFC 3339), after how
    many `tries`, when the `next` one may be, and what the `problem` was.
    """

    state: str
    at: str
    tries: int = 0
    next: str = ""
    problem: str = ""

    def to_plain(self) -> dict[str, Any]:
        """The mark as JSON values, without empty ones."""
        plain = {"state": self.state, "at": self.at, "tries": self.tries, "next": self.next, "problem": self.problem}
        return {name: value for name, value in plain.items() if value}


@dataclass(frozen=True, slots=True)
class Log:
    """The marks of a delivery by unit, and since when the recipient has it `stopped`, "" if not."""

    marks: Mapping[str, DeliveryMark] = field(default_factory=dict)
    stopped: str = ""

    @property
    def newest(self) -> "tuple[str, DeliveryMark | None]":
        """The unit that was marked last, with its mark; "" and None before the first one."""
        name = max(self.marks, key=lambda unit: (self.marks[unit].at, unit), default="")
        return name, self.marks.get(name)

    def as_stopped(self, now: str) -> "Log":
        """The log of a delivery that its recipient has stopped."""
        return replace(self, stopped=now)

    def is_open(self, unit: str, now: datetime) -> bool:
        """Whether a unit may be sent now: nothing is known of it, or its next try has come."""
        mark = self.marks.get(unit)
        return mark is None or (mark.state not in FINISHED and mark.next <= rfc3339(now))

    def claimed(self, unit: str, now: datetime) -> "Log":
        """The log before a message goes out. A process that finds this later knows that another one was killed."""
        tries = self._tries(unit) + 1
        return self._with(unit, DeliveryMark("sending", rfc3339(now), tries))

    def done(self, unit: str, state: str, now: datetime) -> "Log":
        """The log after the target has accepted a message, or where there is nothing to send."""
        return self._with(unit, DeliveryMark(state, rfc3339(now), self._tries(unit)))

    def failed(self, unit: str, problem: str, now: datetime, *, again: bool) -> "Log":
        """The log after a failure: the next try comes after a pause that grows, unless no try can help."""
        tries = self._tries(unit)
        if not again or tries >= TRIES_AT_MOST:
            return self._with(unit, DeliveryMark("failed", rfc3339(now), tries, problem=problem))
        pause = timedelta(seconds=PAUSES[min(tries, len(PAUSES)) - 1])
        return self._with(unit, DeliveryMark("retry", rfc3339(now), tries, rfc3339(now + pause), problem))

    def without(self, unit: str) -> "Log":
        """The log that knows nothing of a unit: it is sent again if it is due."""
        return replace(self, marks={name: mark for name, mark in self.marks.items() if name != unit})

    def _tries(self, unit: str) -> int:
        return self.marks[unit].tries if unit in self.marks else 0

    def _with(self, unit: str, mark: DeliveryMark) -> "Log":
        oldest = rfc3339(datetime.fromisoformat(mark.at) - KEPT)
        kept = {name: known for name, known in self.marks.items() if known.at >= oldest}
        return replace(self, marks={**kept, unit: mark})

    def to_plain(self) -> dict[str, Any]:
        """The log as JSON values."""
        plain: dict[str, Any] = {"marks": {unit: mark.to_plain() for unit, mark in self.marks.items()}}
        return plain | ({"stopped": self.stopped} if self.stopped else {})

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Log":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError`, `ValueError` or so for anything else."""
        marks = {
            str(unit): DeliveryMark(
                str(row["state"]), rfc3339(datetime.fromisoformat(row["at"])), int(row.get("tries", 0)),
                str(row.get("next", "")), str(row.get("problem", "")),
            )
            for unit, row in plain["marks"].items()
        }  # fmt: skip
        return cls(marks, str(plain.get("stopped", "")))


def delivery_troubles(deliveries: Iterable[Delivery], logs: Mapping[str, Log], now: datetime) -> list[Trouble]:
    """Returns what does not reach its target, and which deliveries their recipients have stopped."""
    found: list[Trouble] = []
    since = rfc3339(now - _SHOWN)
    for delivery in deliveries:
        log = logs.get(delivery.name, Log())
        for unit, mark in log.marks.items():
            if mark.problem and mark.at >= since:
                act = mark.state == "failed" or mark.tries >= _ACT
                detail = f"{delivery.name}: {unit} was not delivered: {mark.problem}"
                mend = f"see {delivery.to} in the environment; `paperwire deliver {delivery.name} --test` tries it"
                found.append(Trouble("deliver", detail, mark.at, mend, act))
        if log.stopped:
            mend = f"`paperwire deliver {delivery.name} --resume` begins again"
            found.append(Trouble("deliver", f"{delivery.name}: its recipient has stopped it", log.stopped, mend))
    return found


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that is due: from `time` on, and for an incomplete one from `limit` on, until `end` (UTC)."""

    name: str
    date: date
    time: datetime
    limit: datetime
    end: datetime


def due_days(delivery: Delivery, sources: Iterable[str], now: datetime) -> list[Unit]:
    """Returns the days that a daily delivery may send at `now`, oldest first.

    A day's hour is the first one in the delivery's zone after all `sources` have been due.
    """
    used = set(sources)
    days = (now.astimezone(UTC).date() - n * _DAY for n in range(4, -2, -1))
    units = [_unit(delivery, day.isoformat(), day, _due(day, used)) for day in days if _is_day(day, used)]
    return [unit for unit in units if unit.time <= now < unit.end]


def due_weeks(delivery: Delivery, now: datetime) -> list[Unit]:
    """Returns the weeks (ISO 8601) that a weekly delivery may send at `now`: each from the Monday after it on."""
    local = now.astimezone(delivery.zone).date()
    monday = local - timedelta(days=local.weekday())
    begins = datetime.combine(monday, clock(), delivery.zone).astimezone(UTC)
    year, week, _ = (monday - _DAY).isocalendar()
    unit = _unit(delivery, f"{year}-W{week:02}", monday - _DAY, begins)
    return [unit] if unit.time <= now < unit.end else []


def next_hour(deliveries: Iterable[Delivery], now: datetime) -> datetime | None:
    """Returns the next time (UTC) at which one of the deliveries may become due, None without any."""
    return min((one.first_after(now + timedelta(seconds=1)) for one in deliveries), default=None)


def _unit(delivery: Delivery, name: str, day: date, due: datetime) -> Unit:
    time = delivery.first_after(due)
    limit = time + delivery.limit
    return Unit(name, day, time, limit, limit + TIMELY)


def _due(day: date, sources: set[str]) -> datetime:
    return max(due_time(source, day) for source in sources if source != ARXIV or is_announcement_day(day))


def _is_day(day: date, sources: set[str]) -> bool:
    return is_announcement_day(day) or bool(sources - {ARXIV})


def record_of(manifest: Manifest, feed: Feed, day: date) -> BatchRecord | None:
    """Returns the record of a feed's date that has a batch, None without one."""
    return next((record for record in manifest.of(feed.source) if record.date == day), None)


def is_day_whole(manifest: Manifest, feeds: Sequence[Feed], day: date, unread: Mapping[str, int]) -> bool:
    """Whether nothing more is expected of a day for these feeds: each has its batch, and nothing of it is `unread`."""
    for feed in feeds:
        record = record_of(manifest, feed, day)
        if record is None and feed.source == "arxiv":
            record = manifest.get(day)
        if record is None or record.state not in ("complete", "unconfirmed", "quiet") or unread.get(feed.name):
            return False
    return True
