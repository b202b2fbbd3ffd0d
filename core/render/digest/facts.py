"""What is known of where a paper comes from and where it appears."""

import re

from core.domain.feed import Entry
from core.domain.meant import plain

_MOST_INSTITUTIONS = 6
_LONGEST_VENUE = 120  # characters
# As authors write it in comments: "Accepted to ICML 2026, 12 pages", "To appear in SOSP '26"
_VENUE = re.compile(
    r"\b(?:accepted (?:to|at|by|for|in)|to appear (?:in|at)|published (?:in|at)|presented at) (?P<venue>[^.;,()]+)",
    re.IGNORECASE,
)


def institutions_of(entry: Entry) -> str:
    """As the analysis found them in the text, else as arXiv's list of authors has them; "" where nothing is named."""
    found = entry.scorecard.institutions if entry.scorecard else ()
    names = found or tuple(author.affiliation for author in entry.paper.authors)
    distinct = list(dict.fromkeys(name for text in names if (name := " ".join(plain(text).split()))))
    more = len(distinct) - _MOST_INSTITUTIONS
    return ", ".join(distinct[:_MOST_INSTITUTIONS]) + (f" (+{more})" if more > 0 else "")


def venue_of(entry: Entry) -> str:
    """As the analysis found it in the text, else as the paper's record has it; "" for a preprint."""
    paper = entry.paper
    if entry.scorecard and entry.scorecard.venue.strip():
        return entry.scorecard.venue
    if paper.journal_ref:
        return paper.journal_ref
    match = _VENUE.search(plain(paper.comment))
    return match["venue"].strip()[:_LONGEST_VENUE] if match else ""
