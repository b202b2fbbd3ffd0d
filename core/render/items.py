"""Text as readers can show it: nothing that breaks XML or deceives the eye, and no HTML where HTML has no place.

An entry's text as readers show it. Whatever arXiv serves comes out as valid XML and harmless HTML.

Entries as JSON values: the shape that /api/papers, the JSON Feed extension and the command line share.

What a feed document shows of one thing: an entry, or a day.

The entry by which a feed tells that it is not complete."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from html import escape, unescape
from typing import Any

import orjson

from core.model.calendar import EASTERN, PUBLISHED_AT
from core.model.categories import category_name
from core.model.feed import BONUS_NAME, Entry, Feed, Reason
from core.model.notice import Notice
from core.model.paper import Author, Paper, known_addresses
from core.model.scoring import field_text
from core.model.summary import Summary
from core.text.markdown import to_html
from core.text.sanitize import clean, is_clean, plain

_JOINER = "\u2060"  # has no width: nobody sees it
_LIKE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LIKE_REFERENCE = re.compile(r"&(?=(#|\w+;?))")


def label(text: str) -> str:
    """`text` as the one line of a title or name, which no reader can mistake for HTML.

    RSS does not say whether titles are HTML, and readers try both: what looks like a tag or a reference gets a joiner.
    """
    line = " ".join(plain(text).split())
    if "<" not in line and "&" not in line:
        return line
    return _LIKE_REFERENCE.sub(_joined, _LIKE_TAG.sub(f"<{_JOINER}", line))


def _joined(match: "re.Match[str]") -> str:
    name = match[1]
    is_word = name.isalpha() and unescape(f"&{name}") == f"&{name}"  # HTML also reads the "&lt" in "&ltimg"
    return "&" if is_word else f"&{_JOINER}"  # not in "R&D"


_TEXTS = tuple(field.name for field in fields(Paper) if field.type is str)


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
    return to_html(summary.markdown, known_addresses(paper))


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


# every name that `fields=` may list
ENTRY_FIELDS = (
    "id", "version", "feed", "title", "title_tex", "authors", "abstract", "categories", "primary", "type", "announced",
    "published", "updated", "comment", "doi", "journal_ref", "licence", "links", "score", "reasons", "points", "band",
    "scorecard", "upvotes", "late", "summary",
)  # fmt: skip


# what an entry may lack
_ENTRY_TEXTS = ("title_tex", "published", "updated", "comment", "doi", "journal_ref", "licence")
_NUMBERS = ("points", "band", "upvotes")  # absent where None


def entry_to_plain(entry: Entry, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    """The entry as JSON values, narrowed to `fields` if there are any. What there is not is absent, never null."""
    paper = entry.paper
    plain: dict[str, Any] = {
        "id": paper.id,
        "version": paper.version,
        "feed": entry.feed,
        "title": paper.title,
        "authors": [
            {"name": name, "affiliation": affiliation} if affiliation else {"name": name}
            for name, affiliation in paper.authors
        ],
        "abstract": paper.abstract,
        "categories": paper.categories,
        "primary": paper.primary,
        "type": entry.type,
        "announced": entry.announced.isoformat(),
        "links": paper.links,
        "score": entry.score,
        "reasons": [
            {
                "rule": BONUS_NAME.format(rule) if bonus else rule,
                "points": points,
                "field": field,
                "start": start,
                "end": end,
                "text": text,
            }
            for rule, points, field, start, end, text, bonus in entry.reasons
        ],
    }
    if not paper.primary:
        del plain["primary"]
    for name in _ENTRY_TEXTS:
        if value := getattr(paper, name):
            plain[name] = value
    for name in _NUMBERS:
        if (value := getattr(entry, name)) is not None:
            plain[name] = value
    if entry.scorecard:
        plain["scorecard"] = entry.scorecard.to_plain()
    if entry.late:
        plain["late"] = entry.late
    if entry.summary and (not fields or "summary" in fields):
        plain["summary"] = _summary_to_plain(entry.summary, paper)
    return {name: plain[name] for name in plain if name in fields} if fields else plain


def _summary_to_plain(summary: Summary, paper: Paper) -> dict[str, str]:

    plain = {
        "template": summary.template,
        "language": summary.language,
        "model": summary.model,
        "html": summary_html(summary, paper),
        "markdown": summary.markdown,
        "state": summary.state,
    }
    return plain | ({"problem": summary.problem} if summary.problem else {})


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8; lone surrogates, which UTF-8 cannot carry, are replaced."""
    try:
        return orjson.dumps(value)  # ten times as fast, but it has no way with surrogates
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Item:
    """All texts are clean, `title`, `summary` and `authors` one line each; `guid` is a URI and `html` harmless.

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


def entry_items(entries: Iterable[Entry], *, in_full: bool = False) -> list[Item]:
    """Entries as feeds show them; `in_full` with all that JSON has of them."""
    return [_item(clean_entry(entry), in_full=in_full) for entry in entries]


def _item(entry: Entry, *, in_full: bool) -> Item:
    return Item(
        guid=entry_guid(entry),
        url=entry.paper.links["abs"],
        title=entry_title(entry),
        summary=entry_summary(entry),
        html=entry_html(entry),
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
