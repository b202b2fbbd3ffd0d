"""What the styles of digests share: notices at the top, lines about a paper and where it comes from, its summary."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.model.digest import Digest
from core.model.feed import Entry
from core.model.paper import Paper, is_withdrawn, known_addresses
from core.model.summary import Summary
from core.render.blocks import Block, Line, Link, Paragraph, Strong, Written
from core.render.items import news_in_words, paper_title, readable_names
from core.render.messages import Sentences
from core.text.markdown import PAGE_LEVEL
from core.text.names import name_words
from core.text.rewrite import markdown_text
from core.text.sanitize import plain

_SHOWN_AUTHORS = 10
_GIST = 200  # characters
_MOST_INSTITUTIONS = 6
_LONGEST_VENUE = 120  # characters
# As authors write it in comments: "Accepted to ICML 2026, 12 pages", "To appear in SOSP '26"
_VENUE = re.compile(
    r"\b(?:accepted|published|presented|to appear|appeared|appears)(?: as [^.;,]{1,40}?)? (?:to|at|by|for|in) "
    r"(?:the )?(?P<venue>[^.;,()]+)",
    re.IGNORECASE,
)
# A conference by its abbreviation alone: "ICML 2026", "SOSP '26 (oral)"; but not where it was only sent to
_ABBREVIATED = re.compile(r"(?<![\w-])(?P<venue>[A-Z][A-Za-z]*[A-Z][A-Za-z]* ?(?:20|['’])\d\d)(?!\d)")
_SENT = re.compile(r"\b(?:submitted|submission|under (?:double-blind )?review|in review)\b", re.IGNORECASE)
_PREPRINT = "arxiv"
_CATEGORY = re.compile(r"\b[a-z][a-z-]*\.[A-Za-z][A-Za-z-]+\b")


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
    lines = (name for text in names if (name := " ".join(plain(text).split())))
    distinct = list({name_words(name): name for name in reversed(list(lines))}.values())[::-1]
    more = len(distinct) - _MOST_INSTITUTIONS
    return ", ".join(distinct[:_MOST_INSTITUTIONS]) + (f" (+{more})" if more > 0 else "")


def venue_of(entry: Entry) -> str:
    """As the analysis found it in the text, else as the paper's record has it; "" for a preprint."""
    paper = entry.paper
    found = entry.scorecard.venue.strip() if entry.scorecard else ""
    if found and _PREPRINT not in found.lower():
        return found
    if paper.journal_ref:
        return " ".join(plain(paper.journal_ref).split())
    comment = plain(paper.comment)
    match = _VENUE.search(comment) or (None if _SENT.search(comment) else _ABBREVIATED.search(comment))
    return match["venue"].strip()[:_LONGEST_VENUE] if match else ""


def notices(digest: Digest, words: Sentences) -> Iterable[Block]:
    """Returns the notices at the top: what is missing of this day."""
    record = digest.record
    if record.state not in ("complete", "unconfirmed"):
        # Reasons are recorded in English; documents in other languages have the categories that they name
        reason = record.reason.rstrip(".")
        if digest.language != "en":
            reason = ", ".join(dict.fromkeys(_CATEGORY.findall(reason)))
        state = words.get(f"state {record.state}", record.state)
        yield Paragraph((Strong(words["incomplete"].format(state=state, reason=reason or words["no reason"])),))
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


def why_again(paper: Paper, language: str) -> Iterator[Block]:
    """Yields a line that says why a paper is notable again, if it is on a date of that source."""
    if why := news_in_words(paper, language):
        yield Paragraph((Strong(why),))


def authors_line(paper: Paper, words: Sentences) -> str:
    """The first authors, and how many there are besides."""
    names = readable_names(paper)
    first = ", ".join(names[:_SHOWN_AUTHORS])
    if len(names) > _SHOWN_AUTHORS:
        return words["more authors"].format(names=first, count=f"{len(names) - _SHOWN_AUTHORS:,}")
    return first or words["no authors"]


def summary_text(entry: Entry, digest: Digest, words: Sentences, below: int) -> Block | None:
    """Returns the summary, whose headings stand `below` one of that level, or the reason why it is missing; None if the
    entry gets none.
    """
    summary = entry.summary
    if summary is None and entry.paper.versioned not in digest.wanted:
        return None
    problem = summary_problem(summary, digest.language, words)
    return Paragraph((problem,)) if problem or not summary else model_text(summary.markdown, entry, digest, below)


def summary_problem(summary: Summary | None, language: str, words: Sentences) -> str:
    """Returns the reason why the summary is missing, "" if it is available. Only in English it has all details."""
    if summary is None:
        return words["summary pending"]
    if summary.state == "ready":
        return "" if summary.markdown.strip() else words["no summary"]
    if summary.state == "failed" and language != "en":
        return words["summary failed briefly"]
    problem = summary.problem.rstrip(".") or words["unknown problem"]
    return words.get(f"summary {summary.state}", words["summary pending"]).format(problem=problem)


def model_text(markdown: str, entry: Entry, digest: Digest, below: int = PAGE_LEVEL) -> Written:
    """What a model wrote of a paper, which may link to what the paper names."""
    language = entry.summary.language if entry.summary else ""
    return Written(markdown, known_addresses(entry.paper), "" if language == digest.language else language, below)


def gist(entry: Entry) -> str:
    """One line of plain text: the effect as the summary has it, else the method, the beginning of what a model wrote,
    or the abstract's.
    """
    summary = entry.summary if entry.summary and entry.summary.state == "ready" else None
    keys = ("effect", "results", "conclusion", "method", "problem")
    parts = [*map(summary.part, keys), summary.markdown if summary.model else ""] if summary else []
    texts = [text for part in parts if (text := markdown_text(part))]
    text = texts[0] if texts else " ".join(plain(entry.paper.abstract).split())
    end = text.find(". ", 0, _GIST)
    return text[: end + 1] if end > 0 else beginning(text, _GIST)


def beginning(text: str, most: int) -> str:
    """Returns the first `most` characters of `text`, with an ellipsis if there are more."""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
