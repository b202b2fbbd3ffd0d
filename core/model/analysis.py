"""Analyses: what became of the papers that a feed shows of a date, as one value; and entries with what it says.

Each analysis has a name, which the manifest lists. It begins with what the feed asked for, so that one that was made
under other rules is not even read; and it ends with a plus where something is still to be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.model.feed import Entry, Feed
from core.model.manifest import Manifest, rfc3339
from core.model.paper import is_withdrawn
from core.model.rubric import Rubric, Scorecard
from core.model.summary import Summary
from core.util.signing import fingerprint

_DIGITS = 8  # of a fingerprint in a name: few names have to be distinguished
_UNFINISHED = "+"
_PAUSE_SECONDS = 300.0  # before a step is tried again, doubled with every try
_LONGEST_PAUSE = 86_400.0
SCREEN, READ, ANALYSE, SUMMARISE = "screen", "read", "analyse", "summarise"  # what is done for a paper, in order


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a step could not be done for a paper: the `state` and the `problem` in words, after so many `tries`.

    It is tried again after `until` (RFC 3339), never if that is "". `of` is the fingerprint of what was asked: another
    question is another matter.
    """

    of: str
    state: str
    problem: str
    tries: int = 1
    until: str = ""

    def is_over(self, now: datetime) -> bool:
        """Whether it may be tried again."""
        return bool(self.until) and datetime.fromisoformat(self.until) <= now

    def after(self, before: "Wait | None", now: datetime, seconds: float = 0, *, most_tries: int) -> "Wait":
        """This failure, counted after the one `before`, with a pause of at least so many seconds.

        The pause doubles with every try of the same question; after the last of so many tries there is no next one.
        """
        tries = before.tries + 1 if before and before.of == self.of else 1
        pause = min(max(seconds, _PAUSE_SECONDS) * 2 ** (tries - 1), _LONGEST_PAUSE)
        until = rfc3339(now + timedelta(seconds=pause)) if tries < most_tries else ""
        return replace(self, tries=tries, until=until)


@dataclass(frozen=True, slots=True)
class Row:
    """One paper: its scorecard, its summary (whose state says why it is not there), and what steps wait for.

    Without a summary, none is wanted.
    """

    card: Scorecard | None = None
    summary: Summary | None = None
    waits: Mapping[str, Wait] = field(default_factory=dict)

    @property
    def is_awaited(self) -> bool:
        """Whether a summary is still to come."""
        return self.summary is not None and self.summary.state in ("pending", "budget")


Analysis = Mapping[str, Row]  # by versioned identifier: every paper that the feed shows of the date


def to_plain(analysis: Analysis) -> dict[str, Any]:
    """The analysis as JSON values; what there is not is absent."""
    return {paper: _row_to_plain(row) for paper, row in analysis.items()}


def from_plain(plain: Mapping[str, Any]) -> dict[str, Row]:
    """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or so for anything else."""
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
    """The name of an analysis that is the result of so much `work` (the fingerprint of all that it depends on)."""
    content = fingerprint("analysis", to_plain(analysis))
    return f"{_begin(feed)}{work[:_DIGITS]}.{content}{'' if finished else _UNFINISHED}"


def applies(name: str, feed: Feed) -> bool:
    """Whether the analysis of that name is what the feed asks for now."""
    return name.startswith(_begin(feed))


def is_finished(name: str) -> bool:
    """Whether nothing more is to be made for the analysis of that name."""
    return not name.endswith(_UNFINISHED)


def is_result_of(name: str, feed: Feed, work: str) -> bool:
    """Whether the analysis of that name came of just that `work`."""
    return name.startswith(f"{_begin(feed)}{work[:_DIGITS]}.")


def _begin(feed: Feed) -> str:
    return f"{feed.analysis_fingerprint[:_DIGITS]}."


def names_of(manifest: Manifest, feed: Feed) -> dict[date, str]:
    """The names of a feed's analyses that apply, by date."""
    named = manifest.analyses.get(feed.name, {}).items()
    return {date.fromisoformat(day): name for day, name in named if applies(name, feed)}


def annotated(feed: Feed, entries: Sequence[Entry], analyses: Mapping[date, Analysis]) -> list[Entry]:
    """The entries with what their analyses say: points, band, scorecard, summary; nothing of withdrawn papers."""
    out = []
    for entry in entries:
        rows = analyses.get(entry.announced)
        row = rows.get(entry.paper.versioned) if rows and not is_withdrawn(entry.paper) else None
        out.append(_with(feed.rubric, entry, row) if row else entry)
    return out


def _with(rubric: Rubric | None, entry: Entry, row: Row) -> Entry:
    card = row.card if rubric else None
    if card is None or rubric is None:
        return replace(entry, summary=row.summary)
    waits = row.waits.get(ANALYSE)
    given_up = waits is not None and not waits.until
    band = rubric.band_of(card, given_up=given_up)
    return replace(entry, points=card.points, band=band, scorecard=card, summary=row.summary)
