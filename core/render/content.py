"""An entry's text as readers show it. Whatever arXiv serves comes out as valid XML and harmless HTML."""

import re
from datetime import datetime, timedelta
from html import escape

from core.domain.calendar import EASTERN, PUBLISHED_AT
from core.domain.feed import Entry

_FOLD_AUTHORS_AFTER = 10
_LINKS = {"abs": "Abstract", "pdf": "PDF", "html": "HTML", "doi": "DOI", "code": "Code"}
# What XML 1.0 cannot carry (https://www.w3.org/TR/xml/#charsets): controls, surrogates, non-characters
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def xml_safe(text: str) -> str:
    """`text` without the characters that XML cannot carry."""
    return _NOT_XML.sub("", text)


def entry_html(entry: Entry) -> str:
    """What a reader shows below the title: authors, the score with its reasons, the abstract, links."""
    paper = entry.paper
    names = [author.name for author in paper.authors]
    shown = ", ".join(names[:_FOLD_AUTHORS_AFTER])
    if len(names) > _FOLD_AUTHORS_AFTER:
        shown += f" and {len(names) - _FOLD_AUTHORS_AFTER} more"
    links = " · ".join(f'<a href="{escape(url)}">{_LINKS[name]}</a>' for name, url in paper.links.items())
    lines = [
        escape(shown or "No authors given"),
        escape(f"{', '.join(paper.categories)} · {entry.type} · {paper.versioned}"),
        f"<strong>Score {entry.score:g}</strong>{escape(reasons_in_words(entry))}",
    ]
    more = [text for text in (paper.comment, paper.journal_ref) if text]
    parts = ["<br>".join(lines), *map(escape, paper.abstract.split("\n")), *map(escape, more), links]
    return xml_safe("".join(f"<p>{part}</p>" for part in parts if part))


def entry_summary(entry: Entry) -> str:
    """One line of plain text: the score and its reasons."""
    return xml_safe(f"Score {entry.score:g}{reasons_in_words(entry)}")


def reasons_in_words(entry: Entry) -> str:
    """ ": LLM +1, KV cache +3, in title +1.5", or "" where no keyword was found."""
    bonus = sum(reason.points for reason in entry.reasons if reason.bonus)
    words = [f"{reason.rule} {reason.points:+g}" for reason in entry.reasons if not reason.bonus]
    words += [f"in title {bonus:+g}"] if bonus else []
    return ": " + ", ".join(words) if words else ""


def entry_guid(entry: Entry) -> str:
    """A stable, unique URI. It names the feed, because newsboat keeps one row per guid over all of its feeds."""
    return f"{entry.paper.links['abs']}v{entry.paper.version}#{entry.feed}"


def entry_time(entry: Entry) -> datetime:
    """A time of its own for each entry of a feed's day, later for the better ones, and the same in whatever selection.

    arXiv gives all papers of a day one time, midnight, but readers sort by time, and validators want distinct ones
    that are not in the future: the best gets the last second before the batch is due.
    """
    due = datetime.combine(entry.announced, PUBLISHED_AT, EASTERN)
    return due - timedelta(seconds=entry.rank + 1)
