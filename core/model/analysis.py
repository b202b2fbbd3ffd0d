"""Analyses: the answers about the papers that a feed shows of a date, as one value; and entries annotated by them.

Each analysis has a name, which the manifest lists. The name begins with a fingerprint of the feed's questions, so that
one made under other rules is never read. It ends with a plus if the analysis is unfinished.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from core.model.feed import Entry, Feed
from core.model.manifest import Manifest, rfc3339
from core.model.rubric import Rubric, Scorecard
from core.model.summary import Summary
from core.util.signing import fingerprint

_DIGITS = 8  # of a fingerprint in a name: enough for few names
_UNFINISHED = "+"
_PAUSE_SECONDS = 300.0  # before a step is tried again, doubled with every try
_LONGEST_PAUSE = 86_400.0
DAYS = 3  # how many of a feed's newest dates are analysed by models
SCREEN, READ, ANALYSE, SUMMARISE = "screen", "read", "analyse", "summarise"  # the steps of a paper, in order


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a step failed for a paper: the `state` and the `problem` in words, after `tries` tries.

    It is tried again after `until` (RFC 3339), never if that is "". `of` is the fingerprint of the question: the wait
    does not apply to another question.
    """

    of: str
    state: str
    problem: str
    tries: int = 1
    until: str = ""

    def is_over(self, now: datetime) -> bool:
        """Returns whether the step may be tried again; a wait beyond the longest pause is by a clock that was ahead."""
        if not self.until:
            return False
        until = datetime.fromisoformat(self.until)
        return until <= now or until > now + timedelta(seconds=_LONGEST_PAUSE)

    def seconds(self, now: datetime) -> float:
        """Returns how long it still lasts, 0 if it is over or for good."""
        return max((datetime.fromisoformat(self.until) - now).total_seconds(), 0.0) if self.until else 0.0

    def after(self, before: "Wait | None", now: datetime, seconds: float = 0, *, most_tries: int) -> "Wait":
        """Returns this failure, counted after the one `before`, with a pause of at least `seconds`.

        The pause doubles with every try of the same question; after `most_tries` there is no further try.
        """
        tries = before.tries + 1 if before and before.of == self.of else 1
        pause = min(max(seconds, _PAUSE_SECONDS) * 2 ** (tries - 1), _LONGEST_PAUSE)
        until = rfc3339(now + timedelta(seconds=pause)) if tries < most_tries else ""
        return replace(self, tries=tries, until=until)


@dataclass(frozen=True, slots=True)
class Row:
    """One paper: its scorecard, its summary (whose state says why it is missing), and the waits of its steps.

    `summary` is None if the paper gets none.
    """

    card: Scorecard | None = None
    summary: Summary | None = None
    waits: Mapping[str, Wait] = field(default_factory=dict)

    @property
    def is_awaited(self) -> bool:
        """Whether a summary is pending."""
        return self.summary is not None and self.summary.state in ("pending", "budget")


Analysis = Mapping[str, Row]  # by versioned identifier: every paper that the feed shows of the date


def to_plain(analysis: Analysis) -> dict[str, Any]:
    """Returns the analysis as JSON values, without empty ones."""
    return {paper: _row_to_plain(row) for paper, row in analysis.items()}


def from_plain(plain: Mapping[str, Any]) -> dict[str, Row]:
    """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    return {paper: _row_from_plain(row) for paper, row in plain.items()}


def _row_to_plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if row.card:
        plain["card"] = row.card.to_plain()
    if row.summary:
        plain["summary"] = row.summary.to_plain()
    if row.waits:
        plain["waits"] = {s: [w.of, w.state, w.problem, w.tries, w.until] for s, w in row.waits.items()}
    return plain


def _row_from_plain(plain: Mapping[str, Any]) -> Row:
    waits = {
        str(s): Wait(str(w[0]), str(w[1]), str(w[2]), int(w[3]), str(w[4])) for s, w in plain.get("waits", {}).items()
    }
    return Row(
        Scorecard.from_plain(plain["card"]) if "card" in plain else None,
        Summary.from_plain(plain["summary"]) if "summary" in plain else None,
        waits,
    )


def name_of(feed: Feed, work: str, analysis: Analysis, *, finished: bool) -> str:
    """Returns the name of an analysis; `work` is the fingerprint of all its inputs."""
    content = fingerprint("analysis", to_plain(analysis))
    return f"{_begin(feed)}{work[:_DIGITS]}.{content}{'' if finished else _UNFINISHED}"


def is_content_of(name: str, analysis: Analysis) -> bool:
    """Returns whether the analysis of that name has this content."""
    return name.rstrip(_UNFINISHED).rpartition(".")[2] == fingerprint("analysis", to_plain(analysis))


def applies(name: str, feed: Feed) -> bool:
    """Returns whether the analysis of that name answers the feed's present questions."""
    return name.startswith(_begin(feed))


def is_finished(name: str) -> bool:
    """Returns whether the analysis of that name is finished."""
    return not name.endswith(_UNFINISHED)


def is_result_of(name: str, feed: Feed, work: str) -> bool:
    """Returns whether the analysis of that name was made from the inputs `work`."""
    return name.startswith(f"{_begin(feed)}{work[:_DIGITS]}.")


def _begin(feed: Feed) -> str:
    return f"{feed.analysis_fingerprint[:_DIGITS]}."


def names_of(manifest: Manifest, feed: Feed) -> dict[date, str]:
    """Returns the names of a feed's applicable analyses, by date."""
    named = manifest.analyses.get(feed.name, {}).items()
    return {date.fromisoformat(day): name for day, name in named if applies(name, feed)}


def is_unread(manifest: Manifest, feeds: Iterable[Feed]) -> bool:
    """Returns whether a feed with summaries or a rubric lacks a finished analysis of one of its newest dates."""
    for feed in feeds:
        if feed.summaries or feed.rubric:
            names = names_of(manifest, feed)
            if not all(is_finished(names.get(record.date, _UNFINISHED)) for record in manifest.of(feed.source)[:DAYS]):
                return True
    return False


def annotated(feed: Feed, entries: Sequence[Entry], analyses: Mapping[date, Analysis]) -> list[Entry]:
    """Returns the entries with points, band, scorecard and summary of their analyses, except for withdrawn papers."""
    out = []
    for entry in entries:
        rows = analyses.get(entry.announced)
        row = rows.get(entry.paper.versioned) if rows and not entry.paper.withdrawn else None
        out.append(_with(feed.judging, entry, row) if row else entry)
    return _ranked(out) if feed.judging else out


def _ranked(entries: list[Entry]) -> list[Entry]:
    """Returns entries, newest date first, with new ranks: by points first, what is skipped last."""
    out: list[Entry] = []
    for _, group in groupby(entries, key=lambda entry: entry.announced):
        listed = list(group)
        ordered = sorted(listed, key=lambda entry: (-entry.standing, entry.rank))
        same = all(one is other for one, other in zip(ordered, listed, strict=True))  # without reading their texts
        out += ordered if same else [replace(entry, rank=rank) for rank, entry in enumerate(ordered)]
    return out


def _with(rubric: Rubric | None, entry: Entry, row: Row) -> Entry:
    card = row.card if rubric else None
    if card is None or rubric is None:
        return replace(entry, summary=row.summary)
    waits = row.waits.get(ANALYSE)
    given_up = waits is not None and not waits.until
    band = rubric.band_of(card, given_up=given_up)
    return replace(entry, points=card.points, band=band, scorecard=card, summary=row.summary)
