"""The manifest: which batches there are, in which state, and what went wrong last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

# expected: not due yet · waiting: due, upstream still shows an older one · complete · partial: some announcements are
# missing · quiet: a weekend, a holiday, a valid empty feed · failed: due, and nothing usable came
STATES = ("expected", "waiting", "complete", "partial", "quiet", "failed")


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """What is known of one announcement date.

    `hash` names the stored batch ("" if there is none), `counts` its announcements per category and type. `reason` says
    in words why the state is not "complete". `rejected` are items of the feed that could not be read, each with `id`,
    `reason` and an `excerpt`. `validators` are the upstream's ETag and Last-Modified per request, for conditional GETs.
    """

    date: date
    state: str
    reason: str = ""
    hash: str = ""
    total: int = 0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fetched: str = ""
    rejected: tuple[Mapping[str, str], ...] = ()
    validators: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def settled(self, categories: Iterable[str]) -> bool:
        """Whether nothing more is expected for this date in `categories`; one that was added later is still missing."""
        return self.state == "complete" and set(categories) <= self.counts.keys()


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known dates. `version` grows by one with every change; `updated` is the time (RFC 3339) of the last one.

    `rules` is the fingerprint of the configuration that it was last served under: other rules are a change too.
    """

    version: int = 0
    updated: str = ""
    records: Mapping[date, BatchRecord] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""

    def get(self, day: date) -> BatchRecord:
        """The record of a date; one that nothing is known of is "expected"."""
        return self.records.get(day) or BatchRecord(day, "expected")

    @property
    def stored(self) -> list[BatchRecord]:
        """The records that have a batch, newest first."""
        return sorted((r for r in self.records.values() if r.hash), key=lambda r: r.date, reverse=True)

    def changed(
        self,
        records: Iterable[BatchRecord],
        *,
        now: datetime,
        retention: timedelta,
        error: Mapping[str, str] | None = None,
    ) -> "Manifest":
        """A manifest with `records` put in place, dates beyond `retention` forgotten, and the last error replaced."""
        known = dict(self.records) | {record.date: record for record in records}
        oldest = max(known, default=now.date()) - retention
        kept = {day: record for day, record in known.items() if day >= oldest}
        return Manifest(self.version + 1, rfc3339(now), kept, error or {}, self.rules)

    def under(self, rules: str, now: datetime) -> "Manifest":
        """The manifest under other rules: changed now, and in any case later than it was."""
        before = datetime.fromisoformat(self.updated) + timedelta(seconds=1) if self.updated else now
        return replace(self, version=self.version + 1, updated=rfc3339(max(now, before)), rules=rules)

    @property
    def has_batches(self) -> bool:
        """Whether there is anything to serve."""
        return any(record.hash for record in self.records.values())

    def to_plain(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        records = {
            day.isoformat(): {
                name: value for name in BatchRecord.__slots__ if name != "date" and (value := getattr(record, name))
            }
            for day, record in sorted(self.records.items())
        }
        head = {"version": self.version, "updated": self.updated, "rules": self.rules}
        return head | {"records": records, "error": self.error}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Manifest":
        """The inverse of `to_plain`. Raises `ValueError`, `TypeError`, `KeyError` or so for anything else."""
        days = {date.fromisoformat(day): record for day, record in plain["records"].items()}
        records = {
            day: BatchRecord(day, **(record | {"rejected": tuple(record.get("rejected", ()))}))
            for day, record in days.items()
        }
        if not all(isinstance(r.hash, str) and isinstance(r.counts, Mapping) for r in records.values()):
            raise ValueError("a record is not what it should be")
        return cls(int(plain["version"]), plain["updated"], records, dict(plain["error"]), plain["rules"])


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: "2025-12-30T05:00:03Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
