"""The manifest: which batches there are, in which state, and what went wrong last."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from core.model.calendar import is_announcement_day, why_quiet
from core.model.sources import ARXIV, HUGGINGFACE, leading_source

# expected: not due yet · waiting: due, upstream still shows an older one · complete: two witnesses agree, or the
# catch-up page of a past date says so · unconfirmed: one witness so far · partial: some announcements are missing ·
# quiet: a weekend, a holiday, a valid empty feed · failed: due, and nothing usable came
BATCH_STATES = ("expected", "waiting", "complete", "unconfirmed", "partial", "quiet", "failed")
SETTLED = ("complete", "unconfirmed", "quiet")
LACKING = ("failed", "partial", "waiting")  # of a date that is over: announcements are missing


class CategoryState(NamedTuple):
    """One category of a date: its state, why, since when (RFC 3339), and its witnesses ("rss", "rss+catchup", "api").

    `lacks` are the announce types that are missing, as far as known: "cross,replace".
    """

    state: str
    reason: str = ""
    since: str = ""
    source: str = "rss"
    lacks: str = ""

    @property
    def settled(self) -> bool:
        """Whether the category is settled: it has all that a witness said."""
        return self.state in SETTLED

    @property
    def by_rss(self) -> bool:
        """Whether arXiv's feed brought all of it."""
        return self.settled and self.source.startswith("rss")


class PageNote(NamedTuple):
    """The answers of the catch-up page of a category's date: when it was asked last (RFC 3339), the `outcome`, and how
    often.

    It is "whole", "nothing", "empty" where papers are expected, "lacking" versions, "absent" (there is no such page);
    it "differs" from arXiv's feed, or is to be read "again".
    """

    at: str
    outcome: str
    tries: int = 1


AGREED = ("whole", "nothing")  # outcomes of a catch-up page that nothing contradicts


class Correction(NamedTuple):
    """What a later witness corrected: when (RFC 3339), what in words, and of which papers (some of them)."""

    at: str
    what: str
    papers: tuple[str, ...] = ()


class CategoryCount(NamedTuple):
    """A category of a date in the ledger: how many new papers arXiv's feed announced, how many the API confirmed, how
    many of these the feed had left out, and how many of the announced ones the API has not confirmed.

    The API confirms by time of submission: what a moderator held for days is among the last until it is asked for.
    """

    announced: int
    confirmed: int
    missing: int
    extra: int


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """The record of one announcement date.

    `hash` names the stored batch ("" if there is none), `counts` its announcements per category and type. `reason` says
    in words why the state is not "complete". `rejected` are items of the feed that could not be read, each with `id`,
    `reason` and an `excerpt`. `validators` are the upstream's ETag and Last-Modified per request, for conditional GETs.
    `categories` are the states of the single categories. `read` is when the API was last asked for what was submitted
    for this date, by category, since the feed shows what it shows, and `ledger` what came of that. `late` counts
    announcements that came after their day, `last` is the greatest identifier that arXiv's feed announced as new.
    `parts` are the categories that were fetched of an archive whose feed is cut off, until all of them are.
    `pages` are the answers of the catch-up pages by category, `corrections` what they and others corrected.
    `overlaps` counts the announcements by the categories in which they were announced, joined by "+", where deployments
    with different categories share the store: `total` is of all of them.
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
    categories: Mapping[str, CategoryState] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)
    ledger: Mapping[str, CategoryCount] = field(default_factory=dict)
    late: int = 0
    last: str = ""
    parts: tuple[str, ...] = ()
    pages: Mapping[str, PageNote] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    overlaps: Mapping[str, int] = field(default_factory=dict)

    def settled(self, categories: Iterable[str]) -> bool:
        """Whether nothing more is expected for this date in `categories`; one that was added later is still missing.

        Categories of other deployments that share the store do not matter.
        """
        if why_quiet(self.date) and not self.hash and self.state == "quiet":
            return True
        # A feed that is empty on a working day may be late, unless the catch-up page is empty too
        final = bool(self.hash) or all("catchup" in self.of(name).source for name in categories)
        return final and all(self.of(name).settled for name in categories)

    def is_new_in(self, categories: Iterable[str]) -> bool:
        """Whether arXiv's feed brought this date, but none of these categories: the owner has added them since."""
        is_here = any(state.by_rss for state in self.categories.values())
        return is_here and all(self.of(name).state == "expected" for name in categories)

    def of(self, category: str) -> CategoryState:
        """Returns the state of a category, "expected" if it has none."""
        return self.categories.get(category) or CategoryState("expected")


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known dates. `version` grows by one with every change; `updated` is the time (RFC 3339) of the last one.

    `rules` is the fingerprint of the configuration that it was last served under: other rules are a change too.
    `picks` are the dates of Hugging Face's daily papers; `analyses` name the stored analyses of each feed, by date.
    `elsewhere` are the dates of the other sources, by source; the newest of RSS feeds has their states, and
    its validators.
    """

    version: int = 0
    updated: str = ""
    records: Mapping[date, BatchRecord] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    rules: str = ""
    picks: Mapping[date, BatchRecord] = field(default_factory=dict)
    analyses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    elsewhere: Mapping[str, Mapping[date, BatchRecord]] = field(default_factory=dict)

    def get(self, day: date) -> BatchRecord:
        """The record of a date; one that nothing is known of is "expected", or quiet where the calendar says so."""
        quiet = why_quiet(day)
        return self.records.get(day) or BatchRecord(day, "quiet" if quiet else "expected", quiet)

    def of(self, source: str) -> list[BatchRecord]:
        """The records of a source that have a batch, newest first."""
        return _stored(self.all_of(source))

    def all_of(self, source: str) -> Mapping[date, BatchRecord]:
        """The records of a source, by date."""
        if source == ARXIV:
            return self.records
        return self.picks if source == HUGGINGFACE else self.elsewhere.get(source, {})

    def with_all_of(self, source: str, records: Mapping[date, BatchRecord]) -> "Manifest":
        """The manifest with other records of a source, and nothing else changed."""
        if source == ARXIV:
            return replace(self, records=records)
        if source == HUGGINGFACE:
            return replace(self, picks=records)
        return replace(self, elsewhere={**self.elsewhere, source: records})

    def leading(self, sources: Collection[str]) -> "Manifest":
        """The manifest as feeds of these sources show it: with the records of the source that they go by."""
        source = leading_source(sources)
        return self if source == ARXIV else replace(self, records=self.all_of(source))

    @property
    def stored(self) -> list[BatchRecord]:
        """The records that have a batch, newest first."""
        return _stored(self.records)

    def changed(
        self,
        records: Iterable[BatchRecord],
        *,
        now: datetime,
        retention: timedelta,
        error: Mapping[str, str] | None = None,
    ) -> "Manifest":
        """A manifest with `records` put in place, dates beyond `retention` forgotten, and the last error replaced.

        The retention ends with the newest batch, and never with the clock, which may be wrong. The manifest is changed
        now, and in any case later than it was.
        """
        known = dict(self.records) | {record.date: record for record in records}
        dates = [*known.values(), *self.picks.values(), *_of_all(self.elsewhere)]
        newest = [r.date for r in dates if r.hash and is_announcement_day(r.date)] or [r.date for r in dates]
        oldest = max(newest, default=now.date()) - retention  # weekends push nothing out that is still asked for
        kept = {day: record for day, record in known.items() if day >= oldest}
        picks = {day: record for day, record in self.picks.items() if day >= oldest}
        days = {
            feed: {d: h for d, h in rows.items() if d >= oldest.isoformat()} for feed, rows in self.analyses.items()
        }
        analyses = {feed: rows for feed, rows in days.items() if rows}
        elsewhere = {
            source: {day: record for day, record in records.items() if day >= oldest}
            for source, records in self.elsewhere.items()
        }
        return Manifest(self.version + 1, self._later(now), kept, error or {}, self.rules, picks, analyses, elsewhere)

    def naming(self, analyses: Mapping[str, Mapping[str, str]], now: datetime) -> "Manifest":
        """The manifest with these names of analyses put in place, by feed and date: changed now."""
        named = {feed: {**self.analyses.get(feed, {}), **names} for feed, names in analyses.items()}
        changed = self.under(self.rules, now)
        return replace(changed, analyses={**self.analyses, **named})

    def under(self, rules: str, now: datetime) -> "Manifest":
        """The manifest under other rules: changed now, and in any case later than it was."""
        return replace(self, version=self.version + 1, updated=self._later(now), rules=rules)

    def _later(self, now: datetime) -> str:
        before = datetime.fromisoformat(self.updated) + timedelta(seconds=1) if self.updated else now
        return rfc3339(max(now, before))

    @property
    def has_batches(self) -> bool:
        """Whether a batch is stored."""
        listed = (*self.records.values(), *self.picks.values(), *_of_all(self.elsewhere))
        return any(record.hash for record in listed)

    def to_plain(self) -> dict[str, Any]:
        """The manifest as JSON values."""
        plain = {"version": self.version, "updated": self.updated, "rules": self.rules, "error": self.error}
        plain |= {"records": _records_to_plain(self.records), "picks": _records_to_plain(self.picks)}
        if elsewhere := {name: _records_to_plain(records) for name, records in self.elsewhere.items() if records}:
            plain["elsewhere"] = elsewhere
        return plain | {"analyses": {feed: dict(days) for feed, days in self.analyses.items()}}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Manifest":
        """The inverse of `to_plain`. Raises `ValueError`, `TypeError`, `KeyError` or so for anything else."""
        records, picks = _records_from_plain(plain["records"]), _records_from_plain(plain.get("picks", {}))
        analyses = {str(feed): dict(days) for feed, days in plain.get("analyses", {}).items()}
        head = int(plain["version"]), plain["updated"]
        elsewhere = {str(name): _records_from_plain(rows) for name, rows in plain.get("elsewhere", {}).items()}
        return cls(*head, records, dict(plain["error"]), plain["rules"], picks, analyses, elsewhere)


def _of_all(elsewhere: Mapping[str, Mapping[date, BatchRecord]]) -> list[BatchRecord]:
    return [record for records in elsewhere.values() for record in records.values()]


def _stored(records: Mapping[date, BatchRecord]) -> list[BatchRecord]:
    return sorted((r for r in records.values() if r.hash), key=lambda r: r.date, reverse=True)


_NAMES = tuple(f.name for f in fields(BatchRecord) if f.name != "date")


def _records_to_plain(records: Mapping[date, BatchRecord]) -> dict[str, Any]:
    return {
        day.isoformat(): {name: value for name in _NAMES if (value := getattr(record, name))}
        | {name: {key: list(row) for key, row in rows.items()} for name, rows in _tuples(record) if rows}
        | ({"corrections": [list(one) for one in record.corrections]} if record.corrections else {})
        for day, record in sorted(records.items())
    }


def _tuples(record: BatchRecord) -> tuple[tuple[str, Mapping[str, tuple[Any, ...]]], ...]:
    return ("categories", record.categories), ("ledger", record.ledger), ("pages", record.pages)


def _records_from_plain(plain: Mapping[str, Any]) -> dict[date, BatchRecord]:
    records = {}
    for text, row in plain.items():
        day = date.fromisoformat(text)
        categories = {str(name): CategoryState(*map(str, state)) for name, state in row.get("categories", {}).items()}
        ledger = {str(name): CategoryCount(*map(int, count)) for name, count in row.get("ledger", {}).items()}
        pages = {str(name): PageNote(str(at), str(out), int(n)) for name, (at, out, n) in row.get("pages", {}).items()}
        corrections = tuple(Correction(str(at), str(what), tuple(ids)) for at, what, ids in row.get("corrections", ()))
        more = {
            "rejected": tuple(row.get("rejected", ())),
            "parts": tuple(row.get("parts", ())),
            "categories": categories,
            "ledger": ledger,
            "pages": pages,
            "corrections": corrections,
            "overlaps": {str(names): int(number) for names, number in row.get("overlaps", {}).items()},
        }
        records[day] = BatchRecord(day, **(row | more))
    if not all(isinstance(r.hash, str) and isinstance(r.counts, Mapping) for r in records.values()):
        raise ValueError("a record is not what it should be")
    return records


def rfc3339(moment: datetime) -> str:
    """Returns a time in RFC 3339, UTC, to the second: "2025-12-30T05:00:03Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
