"""An entry's text as readers show it. Whatever arXiv serves comes out as valid XML and harmless HTML."""

from datetime import datetime, timedelta
from html import escape

from core.domain.calendar import EASTERN, PUBLISHED_AT
from core.domain.categories import category_name
from core.domain.feed import Entry
from core.domain.links import addresses
from core.domain.meant import clean, plain
from core.domain.paper import Paper
from core.domain.summary import Summary
from core.render.markdown import to_html
from core.render.text import label

_FOLD_AUTHORS_AFTER = 10
TYPES = {
    "new": "new",
    "cross": "cross-list",
    "replace": "replacement",
    "replace-cross": "replacement of a cross-list",
}
LINKS = {"abs": "Abstract", "pdf": "PDF", "html": "HTML", "alphaxiv": "AlphaXiv", "code": "Code", "doi": "DOI"}


def entry_title(entry: Entry) -> str:
    """The title as one line that no reader can mistake for HTML; the identifier where nothing of it is left."""
    return label(entry.paper.title) or f"arXiv:{entry.paper.versioned}"


def entry_authors(entry: Entry) -> list[str]:
    """The names of all authors; "arXiv" where none is given, because a feed's entries must have an author."""
    return [name for author in entry.paper.authors if (name := label(author.name))] or ["arXiv"]


def entry_html(entry: Entry) -> str:
    """What a reader shows below the title: authors, what it is, the score with its reasons, texts, links."""
    paper = entry.paper
    head = [
        escape(_authors(paper)),
        escape("; ".join(_named(category) for category in paper.categories)),
        escape(f"{TYPES.get(entry.type, entry.type)} · arXiv:{paper.versioned}, version {paper.version}"),
        f"<strong>Score {entry.score:g}</strong>{escape(reasons_in_words(entry))}",
        *([escape(late_in_words(entry))] if entry.late else []),
        *map(escape, judgement_in_words(entry)),
    ]
    parts = ["<br>".join(filter(None, head)), *(escape(plain(text)) for text in paper.abstract.split("\n"))]
    parts += [f"{name}: {escape(plain(text))}" for name, text in _notes(paper) if text]
    parts.append(" · ".join(f'<a href="{escape(url)}">{LINKS[name]}</a>' for name, url in links_of(paper)))
    summary = _summary_block(entry.summary, paper) if entry.summary else ""
    first, *rest = (f"<p>{part}</p>" for part in parts if part.strip())
    return clean("".join((first, summary, *rest)))


def entry_summary(entry: Entry) -> str:
    """One line of plain text: the score and its reasons."""
    return label(f"Score {entry.score:g}{reasons_in_words(entry)}")


def late_in_words(entry: Entry) -> str:
    """Since when an entry is there that came after its day."""
    return f"Late: announced on {entry.announced.isoformat()}, found on {entry.late[:10]} at {entry.late[11:16]} UTC"


def reasons_in_words(entry: Entry) -> str:
    """ ": LLM +1, KV cache +3, in title +1.5", or "" where no keyword was found."""
    bonus = sum(reason.points for reason in entry.reasons if reason.bonus)
    words = [f"{reason.rule} {reason.points:+g}" for reason in entry.reasons if not reason.bonus]
    words += [f"in title {bonus:+g}"] if bonus else []
    return ": " + ", ".join(words) if words else ""


def judgement_in_words(entry: Entry) -> list[str]:
    """What the feed's rubric makes of an entry: band and points with their grounds, and what was read; or nothing."""
    card = entry.scorecard
    if card is None:
        return []
    band = f"{entry.band[0].upper()}{entry.band[1:]}: " if entry.band else ""
    if not card.marks:
        return [label(f"{band}{card.points:g} points predicted from the abstract: {card.reason}")]
    most = sum(mark.max for mark in card.marks)
    grounds = (f"{m.criterion} {m.points}/{m.max}" + (f" ({m.grounds})" if m.grounds else "") for m in card.marks)
    told = [f"{band}{card.points:g} of {most} points: {'; '.join(grounds)}", card.note]
    return [label(line) for line in told if line]


def absence_in_words(summary: Summary) -> str:
    """Why a summary is not there, "" if it is."""
    if summary.state == "ready":
        return ""
    if summary.state == "failed":
        return label(f"There is no summary: {summary.problem or 'it could not be made'}")
    if summary.state == "budget":
        return "Summary pending: the budget for models is spent, and it is made when there is some again"
    return label(f"Summary pending: {summary.problem}") if summary.problem else "Summary pending"


def summary_html(summary: Summary, paper: Paper) -> str:
    """A summary as harmless HTML, whose links lead nowhere but where the paper's own lead."""
    return to_html(summary.markdown, addresses(paper))


def entry_guid(entry: Entry) -> str:
    """A stable, unique URI. It names the feed, because newsboat keeps one row per guid over all of its feeds."""
    return f"{entry.paper.links['abs']}v{entry.paper.version}#{entry.feed}"


def entry_time(entry: Entry) -> datetime:
    """A time of its own for each entry of a feed's day, later for the better ones, and the same in whatever selection.

    arXiv gives all papers of a day one time, midnight, but readers sort by time, and validators want distinct ones
    that are not in the future: the best gets the last second before the batch is due.
    """
    due = datetime.combine(entry.announced, PUBLISHED_AT, EASTERN)
    came = datetime.fromisoformat(entry.late) if entry.late else due
    return came - timedelta(seconds=entry.rank + 1)


def _authors(paper: Paper) -> str:
    names = [name for author in paper.authors if (name := plain(author.name))]
    shown = ", ".join(names[:_FOLD_AUTHORS_AFTER])
    more = len(names) - _FOLD_AUTHORS_AFTER
    return f"{shown} and {more} more" if more > 0 else shown or "No authors given"


def _named(category: str) -> str:
    """The category by name: "Machine Learning (cs.LG)"."""
    name = category_name(category)
    return f"{name} ({category})" if name else category


def _notes(paper: Paper) -> tuple[tuple[str, str], ...]:
    return ("Comment", paper.comment), ("Journal", paper.journal_ref)


def links_of(paper: Paper) -> list[tuple[str, str]]:
    """Where a paper can be read: the kind of each place (see `LINKS`), and its address."""
    links = paper.links | {"alphaxiv": f"https://www.alphaxiv.org/abs/{paper.id}"}
    return [(name, links[name]) for name in LINKS if name in links]


def _summary_block(summary: Summary, paper: Paper) -> str:
    """The summary under a line that says where it comes from; `lang`, because fonts and voices depend on it."""
    if absent := absence_in_words(summary):
        return f"<p>{escape(absent)}.</p>"
    html = summary_html(summary, paper)
    if not html:
        return ""
    source = f"by {summary.model}" if summary.model else "extracted from the abstract"
    head = f"<p><strong>Summary</strong> ({escape(label(f'{summary.template}, {source}'))})</p>"
    return f'<div lang="{escape(summary.language)}">{head}{html}</div>'
