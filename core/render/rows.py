"""Rows: papers as the day, a feed, a search and the saved list show them, folded and unfolded."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup

from core.model.bands import MUST, REST, WORTH, Chosen
from core.model.feed import Entry, Feed
from core.model.paper import Paper, is_withdrawn
from core.model.rubric import Scorecard
from core.model.summary import Summary
from core.render.card import LONGEST_TITLE, Card, make_card, places_of, readable
from core.render.claims import LONGEST_CLAIM, claim_of
from core.render.items import TYPE_NAMES, absence_in_words, clean_entry, news_in_words, readable_names
from core.text.names import GROUP
from core.text.sanitize import cut, label, plain

_NAMED = 2  # authors by their family names
_STEPS = 10  # of the bar below a mark
_CHIP = 32  # characters
_BEFORE = 40  # characters of an abstract before a word that was searched for
Extract = Callable[[Paper], Summary]
BAND_NAMES = {MUST: "Must read", WORTH: "Worth a look", REST: "The rest"}


@dataclass(frozen=True, slots=True)
class PaperRow:
    """What a row shows of a paper.

    `mark` is its number and `about` explains it; `step` is the length of the bar, 0 to 10.
    `feeds` name the feeds that have it, `notes` what is unusual about it, `absent` why it has no summary. `reasons` are
    rules, what the paper has of each, and points; `learned` are the points that votes gave.
    """

    paper: Paper
    day: date
    title: Markup
    claim: Markup
    authors: str
    mark: str
    of: str
    about: str
    step: int
    band: str
    feeds: tuple[Feed, ...]
    reasons: tuple[tuple[str, str, float], ...]
    learned: float
    notes: tuple[str, ...]
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Peek:
    """What an unfolded row shows: the summary or the abstract, the verdict, the reasons by feed, and links."""

    card: Card
    scores: tuple[tuple[Feed, float, tuple[tuple[str, float], ...]], ...]
    verdict: Scorecard | None
    band: str


def make_row(chosen: Chosen, extract: Extract, words: Sequence[str] = ()) -> PaperRow:
    """Returns the row of a paper, with `words` marked that were searched for, and shown in their place."""
    entry = clean_entry(chosen.entry)
    mark, of, about = _mark(chosen)
    title = readable(entry.paper.title, (), words, most=LONGEST_TITLE)
    return PaperRow(
        paper=entry.paper,
        day=entry.announced,
        title=title if title.strip() else Markup("{}").format(entry.paper.label),
        claim=_claim(clean_entry(_best_row(chosen.entries)), extract, words),
        authors=short_authors(entry.paper),
        mark=mark,
        of=of,
        about=about,
        step=round(chosen.share * _STEPS),
        band=chosen.band,
        feeds=tuple(feed for feed, _ in chosen.entries),
        reasons=tuple(map(chip_of, chosen.reasons)),
        learned=round(chosen.learned, 1),
        notes=tuple(_notes(entry)),
        absent=_absent(_best_row(chosen.entries)),
    )


def chip_of(reason: tuple[str, str, float]) -> tuple[str, str, float]:
    """Returns a reason (rule, what the paper has of it, points) as a chip shows it: of one line, and short."""
    rule, text, points = reason
    return label(rule), cut(label(text), _CHIP), points


def make_peek(entries: Iterable[tuple[Feed, Entry]]) -> Peek:
    """Returns what is shown of a paper when its row is unfolded; `entries` are those of the feeds that have it."""
    rows = list(entries)
    judged = next((entry for _, entry in rows if entry.scorecard), None)
    best = _best_row(rows)
    reasons = tuple(dict.fromkeys(reason for _, entry in rows for reason in entry.reasons))
    whole = replace(best, reasons=reasons)
    return Peek(
        card=make_card(whole),
        scores=tuple((feed, entry.score, make_card(entry).reasons) for feed, entry in rows if entry.reasons),
        verdict=judged.scorecard if judged else None,
        band=(judged.band or "") if judged else "",
    )


def _best_row(entries: Sequence[tuple[Feed, Entry]]) -> Entry:
    """Returns the entry with a summary by a model, else the first one with any summary, else the first."""
    ready = [entry for _, entry in entries if entry.summary and entry.summary.state == "ready"]
    return next((entry for entry in ready if entry.summary and entry.summary.model), (*ready, entries[0][1])[0])


def _absent(entry: Entry) -> str:
    return absence_in_words(entry.summary) if entry.summary else ""


def _claim(entry: Entry, extract: Extract, words: Sequence[str]) -> Markup:
    """Returns the claim; if it and the title have none of the words, the place in the abstract that has one."""
    claim = claim_of(entry, extract)
    if words and not any(places_of(words, f"{entry.paper.title} {claim}")):
        abstract = " ".join(plain(entry.paper.abstract).split())
        first = min((start for start, _ in places_of(words, abstract)), default=-1)
        if first >= 0:
            start = abstract.rfind(" ", 0, max(first - _BEFORE, 0)) + 1
            claim = ("…" if start else "") + cut(abstract[start:], LONGEST_CLAIM)
    return readable(claim, (), words)


def short_authors(paper: Paper) -> str:
    """Returns the first authors by their family names: "Sun, Zhang + 8"."""
    names = readable_names(paper)
    shown = [
        name if GROUP.search(name) else author.parts[1] for name, author in zip(names, paper.authors, strict=False)
    ]
    more = len(names) - _NAMED
    return ", ".join(shown[:_NAMED]) + (f" + {more:,}" if more > 0 else "")


def _mark(chosen: Chosen) -> tuple[str, str, str]:
    """Returns the number of a paper, what it is out of, and where it comes from."""
    feed, entry = chosen.feed, chosen.entry
    if feed.judging and entry.points is not None:
        most = feed.judging.max
        return (
            f"{round(entry.points, 1):g}",
            f"/{most}",
            f"{entry.points:g} of {most} points in {feed.title}",
        )
    unit = "point" if entry.score == 1 else "points"
    return f"{round(entry.score, 1):g}", "", f"{entry.score:g} {unit} in {feed.title}"


def _notes(entry: Entry) -> Iterable[str]:
    if is_withdrawn(entry.paper):
        yield "withdrawn"
    if entry.type != "new":
        yield TYPE_NAMES.get(entry.type, entry.type)
    if why := news_in_words(entry.paper):
        yield why
    if entry.late:
        yield "late"
