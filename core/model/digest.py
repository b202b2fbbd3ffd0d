"""Digests: a feed's day as a document. What is in it, how it is counted, and which options a request may set.

`core.render.digest` writes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.model.entries import choose
from core.model.feed import Entry, Feed
from core.model.lazy import with_texts
from core.model.manifest import BatchRecord
from core.model.query import Query, read_options
from core.model.rubric import BANDS, Rubric
from core.model.template import LANGUAGES

STYLES = ("list", "staged", "daily")
# Where a paper stands: in a band by its final points; awaiting its analysis; passed over after the screening; or not
# screened yet. Each paper of a digest is in one of them, so that their numbers add up.
GROUPS = (*BANDS, "awaiting", "passed", "unscreened")
_NO_RUBRIC = Rubric(())


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of a batch: `collected` papers, of which the feed shows `prioritised` by their scores.

    `prioritised` = `screened` + `unscreened`; `screened` = `deep` + `passed`; `deep` = `analysed` + `awaiting`;
    `analysed` = the sum of the `bands`, each of which pairs its points, most first, with the papers' ids.
    """

    collected: int
    prioritised: int
    unscreened: int
    passed: int
    awaiting: int
    bands: tuple[tuple[str, tuple[tuple[float, tuple[str, ...]], ...]], ...]

    @property
    def analysed(self) -> int:
        """How many papers were judged by their full text."""
        return sum(self.count(name) for name, _ in self.bands)

    @property
    def deep(self) -> int:
        """How many papers were chosen for the analysis of their full text."""
        return self.analysed + self.awaiting

    @property
    def screened(self) -> int:
        """How many papers have predicted points."""
        return self.deep + self.passed

    def count(self, band: str) -> int:
        """How many papers are in a band."""
        return sum(len(ids) for _, ids in dict(self.bands)[band])

    def to_plain(self) -> dict[str, Any]:
        """The statistics as JSON values; `bands` has for each band a list of points with ids."""
        names = ("collected", "prioritised", "screened", "unscreened", "deep", "passed", "analysed", "awaiting")
        bands = {
            name: [{"points": points, "papers": list(ids)} for points, ids in by_points]
            for name, by_points in self.bands
        }
        return {name: getattr(self, name) for name in names} | {"bands": bands}


@dataclass(frozen=True)
class Digest:
    """A feed's day: what is known of the batch, and the entries in the order in which they are shown.

    `style` is how it is written, `language` in which its headings are; summaries are in whatever language they have.
    A document lists at most `most` papers of each group, 0 for all: feeds with a digest a day are limited in bytes.
    """

    feed: Feed
    record: BatchRecord
    entries: tuple[Entry, ...]
    style: str
    language: str
    most: int = 0

    @property
    def rubric(self) -> Rubric:
        """The feed's rubric, or one without criteria that has the usual thresholds."""
        return self.feed.judging or _NO_RUBRIC

    @cached_property
    def groups(self) -> dict[str, tuple[Entry, ...]]:
        """The entries by where they stand (see `GROUPS`), those with more points first."""
        found: dict[str, list[Entry]] = {name: [] for name in GROUPS}
        for entry in sorted(self.entries, key=lambda entry: -points_of(entry)):
            found[group_of(entry, self.rubric)].append(entry)
        return {name: tuple(entries) for name, entries in found.items()}

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The versioned identifiers of the papers that get a summary: those that have one, then the best."""
        if not self.feed.summary:
            return frozenset()
        chosen = sorted(self.entries, key=lambda entry: entry.summary is None)[: self.feed.summaries]
        return frozenset(entry.paper.versioned for entry in chosen)

    def listed(self, group: str = "") -> tuple[Entry, ...]:
        """The entries that a document lists, of one group or of all."""
        entries = self.groups[group] if group else self.entries
        return entries[: self.most] if self.most else entries

    @property
    def unlisted(self) -> int:
        """The number of entries that the document does not list."""
        groups = GROUPS if self.style == "staged" else ("",)
        return len(self.entries) - sum(len(self.listed(group)) for group in groups)

    @cached_property
    def statistics(self) -> Statistics:
        """The numbers of the groups."""
        return Statistics(
            collected=max(self.record.total, len(self.entries)),
            prioritised=len(self.entries),
            unscreened=len(self.groups["unscreened"]),
            passed=len(self.groups["passed"]),
            awaiting=len(self.groups["awaiting"]),
            bands=tuple((name, _by_points(self.groups[name])) for name in BANDS),
        )


def make_digest(
    feed: Feed, record: BatchRecord, entries: Iterable[Entry], *, style: str = "", language: str = ""
) -> Digest:
    """The digest of a date from the `entries` of a feed: those that it shows of that date, at most as many a day.

    Best first; those that have upvotes in the order of these. What is not named is as the feed's owner set it.
    """
    of_date = [entry for entry in entries if entry.announced == record.date]
    shown = choose(feed, of_date, Query(), capped=True)
    ordered = sorted(shown, key=lambda entry: (-(entry.upvotes or 0), entry.rank, entry.id))
    return Digest(feed, record, with_texts(ordered), style or feed.digest, language or feed.language)


def group_of(entry: Entry, rubric: Rubric) -> str:
    """Where a paper stands. One that was analysed counts as chosen for that, whatever the thresholds are now."""
    card = entry.scorecard
    if card is None:
        return "unscreened"
    if card.stage == "analysed":
        return rubric.band(card.points)
    return "awaiting" if card.predicted >= rubric.deep_at else "passed"


def points_of(entry: Entry) -> float:
    """The points that an entry's scorecard comes to; those without one come last."""
    return entry.scorecard.points if entry.scorecard else -1


def _by_points(entries: Iterable[Entry]) -> tuple[tuple[float, tuple[str, ...]], ...]:
    found: dict[float, list[str]] = {}
    for entry in entries:
        found.setdefault(points_of(entry), []).append(entry.id)
    return tuple((points, tuple(ids)) for points, ids in sorted(found.items(), reverse=True))


FRONT_MATTERS = ("plain", "share", "jekyll", "hugo")
ALLOWED: Mapping[str, Sequence[str]] = {"style": STYLES, "language": tuple(LANGUAGES), "front_matter": FRONT_MATTERS}


@dataclass(frozen=True, slots=True)
class DigestOptions:
    """How a digest shall be written; "" is as the feed's owner set it, or as the style has it."""

    style: str = ""
    language: str = ""
    front_matter: str = ""

    @property
    def canonical(self) -> str:
        """What was asked for, as a query in one spelling."""
        named = {name: getattr(self, name) for name in ALLOWED}
        return "&".join(f"{name}={value}" for name, value in named.items() if value)


def read_digest_options(raw: str, names: Sequence[str] = tuple(ALLOWED)) -> DigestOptions:
    """Read a query string of which only `names` are known. Raises `QueryError` for all else."""
    return DigestOptions(**read_options(raw, {name: ALLOWED[name] for name in names}))
