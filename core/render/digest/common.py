"""What the styles of digests share: notices at the top, lines about a paper and where it comes from, its summary."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.model.digest import Digest
from core.model.feed import Entry
from core.model.paper import Paper, is_withdrawn, known_addresses
from core.model.summary import Summary
from core.render.blocks import Block, Line, Link, Paragraph, Strong, Written
from core.render.items import paper_title, readable_names
from core.render.messages import Sentences
from core.text.rewrite import markdown_text
from core.text.sanitize import plain

_SHOWN_AUTHORS = 10
_GIST = 200  # characters
_MOST_INSTITUTIONS = 6
_LONGEST_VENUE = 120  # characters
# As authors write it in comments: "Accepted to ICML 2026, 12 pages", "To appear in SOSP '26"
_VENUE = re.compile(
    r"\b(?:accepted (?:to|at|by|for|in)|to appear (?:in|at)|published (?:in|at)|presented at) (?P<venue>[^.;,()]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Site:
    """The wire's `title`, and its addresses, absolute and in ASCII; "" or none where they are not known or not public.

    `feeds` pairs the formats of the feed with their addresses, `deployed` is where a deploy badge leads.
    """

    title: str
    feeds: tuple[tuple[str, str], ...] = ()
    digests: str = ""
    papers: str = ""
    deployed: str = ""


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


def notices(digest: Digest, words: Sentences) -> Iterable[Block]:
    """Returns the notices at the top: what is missing of this day."""
    record = digest.record
    if record.state != "complete":
        reason = record.reason.rstrip(".") or words["no reason"]
        yield Paragraph((Strong(words["incomplete"].format(state=record.state, reason=reason)),))
    summaries = [entry.summary for entry in digest.entries if entry.paper.versioned in digest.wanted]
    waiting = [summary for summary in summaries if summary is None or summary.state != "ready"]
    if waiting:
        yield Paragraph((words["pending"].format(count=len(waiting), total=len(summaries)),))
    if late := [entry for entry in digest.entries if entry.late]:
        yield Paragraph((words["late"].format(count=len(late)),))
    others = sorted({s.language for s in summaries if s and s.state == "ready" and s.language != digest.language})
    if others:
        yield Paragraph((words["other language"].format(language=", ".join(others)),))
    if not digest.entries:
        yield Paragraph((words["none"],))


def fact(name: str, value: str | Link, words: Sentences) -> Line:
    """ "**Category:** cs.DC"."""
    return (Strong(name), words["colon"], value)


def marked_title(paper: Paper, words: Sentences) -> str:
    """Returns the paper's title, marked if it is withdrawn."""
    title = paper_title(paper)
    return words["withdrawn"].format(title=title) if is_withdrawn(paper) else title


def paper_link(paper: Paper, text: str) -> Link:
    """Returns a link to arXiv's page."""
    return Link(text, paper.url)


def authors_line(paper: Paper, words: Sentences) -> str:
    """The first authors, and how many there are besides."""
    names = readable_names(paper)
    shown = ", ".join(names[:_SHOWN_AUTHORS])
    if len(names) > _SHOWN_AUTHORS:
        return words["more authors"].format(names=shown, count=f"{len(names) - _SHOWN_AUTHORS:,}")
    return shown or words["no authors"]


def summary_text(entry: Entry, digest: Digest, words: Sentences) -> Block | None:
    """Returns the summary, or the reason why it is missing; None if the entry gets none."""
    summary = entry.summary
    if summary is None and entry.paper.versioned not in digest.wanted:
        return None
    problem = summary_problem(summary, words)
    return Paragraph((problem,)) if problem or not summary else model_text(summary.markdown, entry, digest)


def summary_problem(summary: Summary | None, words: Sentences) -> str:
    """Returns the reason why the summary is missing, "" if it is available."""
    if summary is None:
        return words["summary pending"]
    if summary.state == "ready":
        return "" if summary.markdown.strip() else words["no summary"]
    key = f"summary {summary.state}"
    problem = summary.problem.rstrip(".") or words["unknown problem"]
    return words.get(key, words["summary pending"]).format(problem=problem)


def model_text(markdown: str, entry: Entry, digest: Digest) -> Written:
    """What a model wrote of a paper, which may link to what the paper names."""
    language = entry.summary.language if entry.summary else ""
    return Written(markdown, known_addresses(entry.paper), "" if language == digest.language else language)


def gist(entry: Entry) -> str:
    """One line of plain text: the method as the summary has it, else the summary's beginning, else the abstract's."""
    summary = entry.summary if entry.summary and entry.summary.state == "ready" else None
    parts = [summary.part("method"), summary.part("problem"), summary.markdown] if summary else []
    texts = [text for part in parts if (text := markdown_text(part))]
    text = texts[0] if texts else " ".join(plain(entry.paper.abstract).split())
    end = text.find(". ", 0, _GIST)
    return text[: end + 1] if end > 0 else beginning(text, _GIST)


def beginning(text: str, most: int) -> str:
    """Returns the first `most` characters of `text`, with an ellipsis if there are more."""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
