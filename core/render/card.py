"""An entry as pages show it: its texts readable, harmless, and with the words marked that gave it its points."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from core.domain.categories import category_name
from core.domain.feed import Entry, Reason
from core.domain.paper import Paper
from core.domain.scoring import field_text
from core.domain.summary import Summary
from core.render.content import LINKS, TYPES, absence_in_words, links_of, summary_html
from core.render.highlight import Span, cut, paragraphs, readable
from core.render.text import clean_entry, label

SHOWN_AUTHORS = 6
LONGEST_TITLE = 400  # characters, where many papers are listed
LONGEST_NAME = 120
LONGEST_ABSTRACT = 6000
SHOWN_CATEGORIES = 12
_AROUND = 40  # characters on either side of what was found


@dataclass(frozen=True, slots=True)
class Card:
    """What a page shows of an entry. `authors` are those named at once, `more` how many there are besides.

    `reasons` pairs words with points, `categories` codes with names, `links` names with addresses.
    """

    entry: Entry
    title: Markup
    authors: tuple[Markup, ...]
    more: int
    reasons: tuple[tuple[str, float], ...]
    categories: tuple[tuple[str, str], ...]
    type: str
    links: tuple[tuple[str, str], ...]
    abstract: tuple[Markup, ...]
    summary: Markup

    @property
    def announced(self) -> date:
        """The date on which arXiv announced it."""
        return self.entry.announced

    @property
    def paper(self) -> Paper:
        """The paper itself."""
        return self.entry.paper


@dataclass(frozen=True, slots=True)
class Why:
    """A row of the table of reasons: the keyword, its points, what is in them for the title, the field, and the words
    around what was found.
    """

    keyword: str
    points: float
    bonus: float
    field: str
    context: Markup


def make_card(entry: Entry, words: Iterable[str] = (), *, whole: bool = False) -> Card:
    """The card of an entry, with `words` marked that were searched for. `whole`: no text is cut, no author left out."""
    entry, words = clean_entry(entry), tuple(words)
    paper = entry.paper
    abstract = paper.abstract if whole else cut(paper.abstract, LONGEST_ABSTRACT)
    names = list(author_names(entry, words, most=0 if whole else LONGEST_NAME))
    # Who is marked is named, however far down the list
    named = [name for at, name in enumerate(names) if whole or at < SHOWN_AUTHORS or "<mark>" in name]
    named = named if whole else named[: SHOWN_AUTHORS * 2]
    title = readable(paper.title, spans_of(entry, "title"), words, most=0 if whole else LONGEST_TITLE)
    return Card(
        entry=entry,
        title=title if title.strip() else Markup("arXiv:{}").format(paper.versioned),
        authors=tuple(named),
        more=len(names) - len(named),
        reasons=tuple(reason_words(entry)),
        categories=tuple(
            (code, category_name(code)) for code in paper.categories[: None if whole else SHOWN_CATEGORIES]
        ),
        type=TYPES.get(entry.type, entry.type),
        links=tuple((LINKS[kind], url) for kind, url in links_of(paper) if url.startswith(("https://", "http://"))),
        abstract=tuple(paragraphs(abstract, spans_of(entry, "abstract"), words)),
        summary=_summary(entry.summary, paper) if entry.summary else Markup(),
    )


def _summary(summary: Summary, paper: Paper) -> Markup:
    if absent := absence_in_words(summary):
        return Markup("<p>{}.</p>").format(absent)
    return Markup(summary_html(summary, paper))  # noqa: S704 - sanitised


def spans_of(entry: Entry, field: str) -> list[Span]:
    """The places in a field of the paper that gave points."""
    return [(reason.start, reason.end) for reason in entry.reasons if reason.field == field]


def author_names(entry: Entry, words: Iterable[str] = (), *, most: int = 0) -> Iterator[Markup]:
    """The authors' names, with what gave points marked."""
    spans = spans_of(entry, "authors")
    words = tuple(words)
    at = 0
    for author in entry.paper.authors:
        end = at + len(author.name)
        own = [(max(start, at) - at, last - at) for start, last in spans if start < end and last > at]
        if author.name.strip():
            yield readable(author.name, own, words, most=most)
        at = end + len(", ")


def reason_words(entry: Entry) -> Iterator[tuple[str, float]]:
    """Each keyword that was found with its points, in the end what titles add to them."""
    for reason in entry.reasons:
        if not reason.bonus:
            yield label(reason.rule), reason.points
    if bonus := sum(reason.points for reason in entry.reasons if reason.bonus):
        yield "in title", bonus


def whys(entry: Entry) -> list[Why]:
    """The reasons of an entry's score, each with the place in the text that it rests on."""
    entry = clean_entry(entry)
    bonus = {reason.rule: reason.points for reason in entry.reasons if reason.bonus}
    return [_why(entry.paper, reason, bonus.get(reason.rule, 0)) for reason in entry.reasons if not reason.bonus]


def _why(paper: Paper, reason: Reason, bonus: float) -> Why:
    text = field_text(paper, reason.field)
    start, end = max(reason.start - _AROUND, 0), min(reason.end + _AROUND, len(text))
    start = text.find(" ", start, reason.start) + 1 or start if start else 0
    end = text.rfind(" ", reason.end, end) if end < len(text) and " " in text[reason.end : end] else end
    marked = readable(text[start:end].replace("\n", " "), [(reason.start - start, reason.end - start)])
    context = Markup("{}{}{}").format("…" if start else "", marked, "…" if end < len(text) else "")
    return Why(label(reason.rule), reason.points + bonus, bonus, reason.field, context)
