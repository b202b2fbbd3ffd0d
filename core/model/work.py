"""The chain of bounded steps that finish the pending work of a day, as a value: who may begin a step, and what follows.

Whatever calls a step, the same rules hold. They are kept in the store, so that every chain ends: a day has at most
`MOST_STEPS`, and after `MOST_IDLE` steps without progress only an owner or a cron begins another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

MOST_STEPS = 60  # a day that queues and readers begin: five hours of a free plan's longest steps
LATE_SECONDS = 120  # how late a queue may call before a reader's request takes its place
MOST_IDLE = 2  # consecutive steps without progress
SOON_SECONDS = 5  # before the next step: the one before must have ended
RETRY_SECONDS = 300  # before a step that follows one without progress
PICKS_SECONDS = 3600.0  # how long Hugging Face is not asked again by a step
QUIET_SECONDS = 6 * 3600.0  # how long a step that left nothing pending is trusted while nothing changes

_REMEMBERED = timedelta(days=7)

OWNER, QUEUE, READER = "owner", "queue", "reader"  # who begins a step: a cron counts as the owner


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of a `day` (UTC). `name` is unlike those of other chains, so that no queue takes a key for an old one.

    `steps` were begun today, `links` of them in a row by a queue, and the last `idle` made no progress. `is_open`: the
    last one has not ended, or its process was killed. `scheduled` is the key of its successor, "" without one. `at` is
    the Unix time before which nothing can be done, `ended` when the last step ended, `asked` when Hugging Face was
    asked. `cursor` names the feed that was read last, `settled` what was stored when nothing was pending.
    `model` has the `state` of the endpoint of models, what that `says`, its own words (`detail`), the `mend`, whether
    the owner has to `act`, and `since` when (RFC 3339); empty while it answers.
    """

    day: date = date.min
    name: str = ""
    steps: int = 0
    links: int = 0
    idle: int = 0
    is_open: bool = False
    scheduled: str = ""
    at: float = 0.0
    ended: float = 0.0
    asked: float = 0.0
    cursor: str = ""
    settled: str = ""
    pending: int = 0
    model: Mapping[str, str] = field(default_factory=dict)  # why the endpoint of models answers no question
    reading: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # "feed date" → read, planned

    @property
    def key(self) -> str:
        """The key of the successor of the present step: the same for every try to schedule it."""
        return f"{self.day}.{self.name}.{self.steps}"

    def refusal(self, by: str, key: str, now: float) -> str:
        """Returns why a step may not begin, "" if it may. `key` is the one that a queue delivers."""
        if by == OWNER:
            return ""
        if self.steps >= MOST_STEPS:
            return f"{MOST_STEPS} steps were begun today"
        if by == QUEUE and key != self.scheduled and not self.is_open:
            return "another step has followed already"
        if by == READER and now < self.at + (LATE_SECONDS if self.scheduled else 0):
            return "it is too early"
        return ""

    def begun(self, by: str, day: date, name: str) -> "Chain":
        """Returns the chain with one more step; of a new `day` it is a new one with this `name`."""
        today = self if self.day == day else replace(self, day=day, name=name, steps=0, links=0, idle=0)
        links = today.links + 1 if by == QUEUE else 0
        idle = today.idle if by != OWNER else 0
        return replace(today, steps=today.steps + 1, links=links, idle=idle, is_open=True, scheduled="")

    def over(self, now: float, *, progress: bool, pending: int, at: float) -> "Chain":
        """Returns the chain after the step. `at` is when the pending work can go on, 0 for at once."""
        idle = 0 if progress else self.idle + 1
        later = now + (SOON_SECONDS if progress else RETRY_SECONDS)
        return replace(
            self, idle=idle, is_open=False, pending=pending, ended=now, at=max(at, later) if pending else 0.0
        )

    def delay(self, now: float, *, most_delay: int, most_links: int) -> int | None:
        """Returns in how many seconds a successor is to begin, None if none is to be scheduled."""
        if not self.pending or self.idle >= MOST_IDLE or self.steps >= MOST_STEPS or self.links >= most_links:
            return None
        seconds = max(round(self.at - now), SOON_SECONDS)
        return seconds if seconds <= most_delay else None

    def with_reading(self, reading: Mapping[str, tuple[int, int]]) -> "Chain":
        """Returns the chain with what a step has read of "feed date"; others are kept for a week."""
        oldest = (self.day - _REMEMBERED).isoformat() if self.day > date.min + _REMEMBERED else ""
        known = {name: n for name, n in self.reading.items() if name.rpartition(" ")[2] >= oldest}
        return replace(self, reading={**known, **reading})

    def with_model(self, trouble: Mapping[str, str] | None, now: str) -> "Chain":
        """Returns the chain with why the endpoint of models stopped a step: nothing if it answered, and what was known
        where it was not asked (None). `now` is RFC 3339.
        """
        if trouble is None:
            return self
        same = trouble and trouble.get("state") == self.model.get("state")
        return replace(self, model={**trouble, "since": self.model["since"] if same else now} if trouble else {})

    def progress(self) -> tuple[int, int]:
        """Returns how many of the planned papers of each feed's newest date are read, and how many are planned."""
        newest: dict[str, str] = {}
        for name in self.reading:
            feed, _, day = name.rpartition(" ")
            newest[feed] = max(newest.get(feed, ""), day)
        found = [self.reading[f"{feed} {day}"] for feed, day in newest.items()]
        return sum(read for read, _ in found), sum(planned for _, planned in found)

    def to_plain(self) -> dict[str, Any]:
        """Returns this as JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"day": self.day.isoformat(), "reading": {name: list(n) for name, n in self.reading.items()}}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Chain":
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        reading = {str(name): (int(n[0]), int(n[1])) for name, n in plain["reading"].items()}
        known = {name: type(getattr(_EMPTY, name))(plain[name]) for name in cls.__slots__ if name not in _OWN}
        model = {str(name): str(text) for name, text in dict(plain.get("model", {})).items()}  # newer than others
        return cls(day=date.fromisoformat(plain["day"]), reading=reading, model=model, **known)


_EMPTY = Chain()
_OWN = ("day", "reading", "model")
