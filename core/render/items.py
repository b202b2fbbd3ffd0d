"""What a feed document holds: its head, and its items. Entries as items: their texts, as feed readers show them.

Whatever arXiv serves comes out as valid XML and harmless HTML.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from html import escape
from typing import Any

from core.model.again import read_news
from core.model.calendar import EASTERN, PUBLISHED_AT
from core.model.feed import Entry, Feed, Reason
from core.model.notice import Notice
from core.model.paper import Author, Paper, is_withdrawn
from core.model.scoring import field_text
from core.model.sources import category_title
from core.model.summary import Summary
from core.render.claims import claim_of
from core.render.messages import messages
from core.render.shapes import entry_to_plain, summary_html
from core.text.sanitize import clean, is_clean, label, plain

_TEXTS = tuple(f.name for f in fields(Paper) if f.type is str)


@dataclass(frozen=True, slots=True)
class Channel:
    """The head of a feed document. All addresses are absolute and in ASCII; "" where there is none.

    `updated` is the time of the newest batch, `next_url` the next page, `language` a BCP 47 tag, `icon` a square PNG,
    `hub` a WebSub hub (https://www.w3.org/TR/websub/#discovery) that notifies subscribers of `self_url`.
    """

    id: str
    title: str
    description: str
    home_url: str
    self_url: str
    updated: datetime
    next_url: str = ""
    language: str = "en"
    icon: str = ""
    hub: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a feed: an entry, a digest, a review or a notice.

    All texts are clean, `title`, `summary` and `authors` one line each; `guid` is a URI and `html` harmless.

    `more` is what a JSON Feed has of it besides, as `_paperwire`.
    """

    guid: str
    url: str
    title: str
    summary: str
    html: str
    time: datetime
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    more: dict[str, Any] = field(default_factory=dict)


def clean_entry(entry: Entry) -> Entry:
    """`entry` with all of its texts clean, and its reasons pointing at the same places as before."""
    paper, rules = entry.paper, [reason.rule for reason in entry.reasons]
    names = [text for author in paper.authors for text in author]
    markdown = entry.summary.markdown if entry.summary else ""
    if is_clean("".join((*(getattr(paper, name) for name in _TEXTS), *names, *rules, markdown))):
        return entry
    news: dict[str, Any] = {name: clean(getattr(paper, name)) for name in _TEXTS}
    authors = tuple(Author(clean(name), clean(affiliation)) for name, affiliation in paper.authors)
    reasons = tuple(_moved(reason, field_text(paper, reason.field)) for reason in entry.reasons)
    summary = entry.summary and replace(entry.summary, markdown=clean(markdown))
    return replace(entry, paper=replace(paper, authors=authors, **news), reasons=reasons, summary=summary)


def _moved(reason: Reason, text: str) -> Reason:
    start, end = (len(clean(text[:at])) for at in (reason.start, reason.end))
    return reason._replace(rule=clean(reason.rule), start=start, end=end, text=clean(reason.text))


_FOLD_AUTHORS_AFTER = 10
_BEGINNING = 300  # characters of an abstract in one line
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z\d$(])(?<!\be\.g[.!?])(?<!\bi\.e[.!?])(?<!\bal[.!?])")
FOUND_BY_LEARNING = " (found by what you liked)"
WITHDRAWN = "This paper has been withdrawn."
TYPE_NAMES = {
    "new": "new",
    "cross": "cross-list",
    "replace": "replacement",
    "replace-cross": "replacement of a cross-list",
}
LINKS = {"abs": "Abstract", "pdf": "PDF", "html": "HTML", "alphaxiv": "AlphaXiv", "code": "Code", "doi": "DOI"}


def paper_title(paper: Paper) -> str:
    """The title as one line of text; the identifier where nothing of it is left."""
    return " ".join(plain(paper.title).split()) or paper.label


def readable_names(paper: Paper) -> list[str]:
    """The names of all authors, each as one line of text; without those of which nothing is left."""
    return [name for author in paper.authors if (name := " ".join(plain(author.name).split()))]


def entry_title(entry: Entry) -> str:
    """The title as one line that no reader can mistake for HTML; the identifier where nothing of it is left."""
    return label(entry.paper.title) or entry.paper.label


def entry_authors(entry: Entry) -> list[str]:
    """The names of all authors; "arXiv" where none is given, because a feed's entries must have an author."""
    return [name for author in entry.paper.authors if (name := label(author.name))] or ["arXiv"]


def entry_html(entry: Entry) -> str:
    """What a reader shows below the title: the claim, the points of a model's summary or else the abstract, the verdict
    and the score with its reasons, who wrote it, and links. Readers show the beginning in their lists.

    Nothing is there twice: an extract of the abstract is left out, and a claim with which the abstract begins.
    """
    paper, summary = entry.paper, entry.summary
    lines = [text for line in paper.abstract.split("\n") if (text := plain(line)).strip()]
    abstract = "".join(f"<p>{escape(text)}</p>" for text in lines)
    written = _summary_block(summary, paper) if summary and (summary.model or summary.state != "ready") else ""
    is_written = bool(written and summary and summary.state == "ready")
    claim = claim_of(entry)
    texts = [
        f"<p><strong>{escape(why)}</strong></p>" if (why := news_in_words(paper)) else "",
        f"<p><strong>{WITHDRAWN}</strong></p>" if is_withdrawn(paper) else "",
        f"<p><strong>{escape(claim)}</strong></p>" if claim and not _begins(lines, claim) else "",
        written,
        "" if is_written else abstract,
    ]
    about = [
        escape(_authors(paper)),
        escape("; ".join(_named(category) for category in paper.categories)),
        escape(f"{TYPE_NAMES.get(entry.type, entry.type)} · {paper.label}, version {paper.version}"),
        *([escape(late_in_words(entry))] if entry.late else []),
    ]
    parts = [
        *map(escape, judgement_in_words(entry)),
        f"<strong>Score {entry.score:g}</strong>{escape(reasons_in_words(entry))}",
        "<br>".join(filter(None, about)),
    ]
    notes = ("Comment", paper.comment), ("Journal", paper.journal_ref)
    parts += [f"{name}: {escape(plain(text))}" for name, text in notes if text]
    parts.append(" · ".join(f'<a href="{escape(url)}">{LINKS[name]}</a>' for name, url in links_of(paper)))
    end = f"<p><strong>Abstract</strong></p>{abstract}" if is_written and abstract else ""
    return clean("".join((*texts, *(f"<p>{part}</p>" for part in parts if part.strip()), end)))


def news_in_words(paper: Paper, language: str = "en") -> str:
    """Returns why a paper is notable again: "Why now: version 3; published: Journal of Samples 4"; "" for others."""
    if not paper.news:
        return ""
    words = messages("again", language)
    news = "; ".join(words[one.kind].format(value=one.value) for one in read_news(paper.news))
    return label(f"{words['why now']}{words['colon']}{news}")


def _begins(lines: Sequence[str], claim: str) -> bool:
    """Returns whether an abstract begins with its claim."""
    return bool(lines) and " ".join(lines[0].split()).startswith(claim.rstrip("…"))


def entry_summary(entry: Entry) -> str:
    """One line of plain text: the claim of a summary, else how the abstract begins; then the score with its reasons."""
    notice = f"{WITHDRAWN} " if is_withdrawn(entry.paper) else ""
    notice = f"{why}. {notice}" if (why := news_in_words(entry.paper)) else notice
    beginning = claim_of(entry) if entry.summary else ""
    return label(
        f"{notice}{beginning or _beginning(entry.paper.abstract)} Score {entry.score:g}{reasons_in_words(entry)}"
    )


def _beginning(abstract: str) -> str:
    """Returns the first sentences of an abstract within the limit; a longer first sentence is cut between words."""
    text = " ".join(plain(abstract).split())
    if len(text) <= _BEGINNING:
        return text
    end = max((match.end() for match in _SENTENCE_END.finditer(text, 0, _BEGINNING)), default=0)
    return text[:end] if end >= _BEGINNING // 3 else f"{text[: _BEGINNING - 1].rpartition(' ')[0].rstrip(' ,;:')}…"


def late_in_words(entry: Entry) -> str:
    """Returns since when a late entry has been in the feed."""
    return f"Late: announced on {entry.announced.isoformat()}, found on {entry.late[:10]} at {entry.late[11:16]} UTC"


def reasons_in_words(entry: Entry) -> str:
    """ ": LLM +1, KV cache +3, in title +1.5", or "" where no keyword was found."""
    bonus = sum(reason.points for reason in entry.reasons if reason.bonus)
    words = [f"{reason.rule} {reason.points:+g}" for reason in entry.reasons if not (reason.bonus or reason.learned)]
    words += [f"in title {bonus:+g}"] if bonus else []
    words += [f"{reason.name} {reason.points:+g}" for reason in entry.reasons if reason.learned]
    found = FOUND_BY_LEARNING if entry.by_learning else ""
    return found + (": " + ", ".join(words) if words else "")


def judgement_in_words(entry: Entry) -> list[str]:
    """What the feed's rubric makes of an entry: band and points with their grounds, and what was read; or nothing."""
    card = entry.scorecard
    if card is None:
        return []
    band = f"{entry.band[0].upper()}{entry.band[1:]}: " if entry.band else ""
    if not card.marks:
        of = f" of {card.maximum}" if card.maximum else ""
        return [label(f"{band}{card.points:g}{of} points predicted from the abstract: {card.reason}")]
    most = card.maximum
    grounds = (f"{m.criterion} {m.points}/{m.max}" + (f" ({m.grounds})" if m.grounds else "") for m in card.marks)
    lines = [f"{band}{card.points:g} of {most} points: {'; '.join(grounds)}", card.note]
    return [label(line) for line in lines if line]


def absence_in_words(summary: Summary) -> str:
    """Returns the reason why a summary is missing, "" if it is available."""
    if summary.state == "ready":
        return ""
    if summary.state == "failed":
        return label(f"There is no summary: {summary.problem or 'it could not be made'}")
    if summary.state == "budget":
        return "Summary pending: the budget for models is spent, and it is made when there is some again"
    return label(f"Summary pending: {summary.problem}") if summary.problem else "Summary pending"


def entry_guid(entry: Entry) -> str:
    """A stable, unique URI. It names the feed, because newsboat keeps one row per guid over all of its feeds."""
    again = f"-listed-{entry.announced.isoformat()}" if entry.relisted else ""
    return f"{entry.paper.uri}#{entry.feed}{again}"


def entry_time(entry: Entry) -> datetime:
    """A time of its own for each entry of a feed's day, later for the better ones, and the same in whatever selection.

    arXiv gives all papers of a day one time, midnight, but readers sort by time, and validators want distinct ones
    that are not in the future: the best gets the last second before the batch is due.
    """
    of_arxiv = entry.paper.is_arxiv
    due = datetime.combine(entry.announced, PUBLISHED_AT if of_arxiv else clock(), EASTERN if of_arxiv else UTC)
    came = datetime.fromisoformat(entry.late) if entry.late else due
    return came - timedelta(seconds=entry.rank + 1)


def _authors(paper: Paper) -> str:
    names = [name for author in paper.authors if (name := plain(author.name))]
    first = ", ".join(names[:_FOLD_AUTHORS_AFTER])
    more = len(names) - _FOLD_AUTHORS_AFTER
    return f"{first} and {more} more" if more > 0 else first or "No authors given"


def _named(category: str) -> str:
    """The category by name: "Machine Learning (cs.LG)"."""
    name = category_title(category)
    return f"{name} ({category})" if name else category


def links_of(paper: Paper) -> list[tuple[str, str]]:
    """Returns the links of a paper: the kind of each (see `LINKS`), and its URL."""
    links = paper.links
    if paper.is_arxiv:
        links["alphaxiv"] = f"https://www.alphaxiv.org/abs/{paper.id}"
    return [(name, links[name]) for name in LINKS if name in links]


def _summary_block(summary: Summary, paper: Paper) -> str:
    """The summary above a line that says where it comes from; `lang`, because fonts and voices depend on it."""
    if absent := absence_in_words(summary):
        return f"<p>{escape(absent)}.</p>"
    html = summary_html(summary, paper)
    if not html:
        return ""
    source = f"by {summary.model}" if summary.model else "extracted from the abstract"
    foot = f"<p>Summary: {escape(label(f'{summary.template}, {source}'))}</p>"
    return f'<div lang="{escape(summary.language)}">{html}{foot}</div>'


def entry_items(
    entries: Iterable[Entry], *, in_full: bool = False, links: Callable[[Entry], str] | None = None
) -> list[Item]:
    """Returns entries as items of a feed; `in_full` adds their JSON values, `links` is HTML at the end of each."""
    return [_item(clean_entry(entry), in_full=in_full, end=links(entry) if links else "") for entry in entries]


def _item(entry: Entry, *, in_full: bool, end: str) -> Item:
    return Item(
        guid=entry_guid(entry),
        url=entry.paper.url,
        title=entry_title(entry),
        summary=entry_summary(entry),
        html=entry_html(entry) + end,
        time=entry_time(entry),
        authors=tuple(entry_authors(entry)),
        categories=entry.paper.categories,
        more=entry_to_plain(entry) if in_full else {},
    )


def notice_item(notice: Notice, feed: Feed, url: str) -> Item:
    """The notice as the first thing in a feed. Its guid names the newest date: readers see each day's as a new one."""
    lines = [label(line) for line in notice.lines]
    return Item(
        guid=f"{url}#notice-{feed.name}-{notice.dates[0][0].isoformat()}",
        url=url,
        title=label(notice.title),
        summary=lines[0],
        html="".join(f"<p>{escape(line)}</p>" for line in lines),
        time=notice.time,
        authors=("Paperwire",),
        categories=(),
        more={"notice": [{"date": day.isoformat(), "reason": reason} for day, reason in notice.dates]},
    )
