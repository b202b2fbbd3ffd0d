"""An entry for pages: its texts readable and sanitised, with the matched words marked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from core.model.feed import Entry, Reason
from core.model.paper import Paper, is_withdrawn
from core.model.scoring import field_text
from core.model.sources import category_title
from core.model.summary import Summary
from core.render.items import LINKS, TYPE_NAMES, absence_in_words, clean_entry, links_of
from core.render.shapes import summary_html
from core.text.fold import fold
from core.text.mathml import to_mathml
from core.text.maths import Formula, put_back, take_out, unicode
from core.text.sanitize import cut, label, plain
from core.text.tex import to_readable

Span = tuple[int, int]  # start and end of a place in a text


def highlight(text: str, spans: Iterable[Span]) -> Markup:
    """Returns `text` as HTML with `spans` in `<mark>`; overlapping or adjacent ones merged, invalid ones ignored."""
    parts: list[Markup] = []
    at = 0
    for start, end in merge_spans(spans, len(text)):
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def merge_spans(spans: Iterable[Span], length: int) -> list[Span]:
    """Returns the valid `spans` of a text of that `length`, in order, with adjacent ones merged."""
    out: list[Span] = []
    for start, end in sorted(spans):
        start, end = max(start, 0), min(end, length)
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def paragraphs(text: str, spans: Iterable[Span] = (), words: Iterable[str] = ()) -> list[Markup]:
    """The paragraphs of `text` (one to a line) as they are shown, with `spans` and all `words` marked."""
    spans, words = list(spans), list(words)
    out = []
    start = 0
    for line in text.split("\n"):
        of_line = [(max(first, start) - start, last - start) for first, last in spans if last > start]
        shown = readable(line, of_line, words)
        if shown.strip():
            out.append(shown)
        start += len(line) + 1
    return out


def with_maths(tex: str, words: Iterable[str] = ()) -> list[Markup]:
    """The paragraphs of a text as arXiv served it: formulas as MathML, the rest readable with all `words` marked."""
    text, found = take_out(plain(tex))
    words = list(words)
    lines = [line for part in text.split("\n") if (line := " ".join(to_readable(part).split()))]
    shown = [highlight(line, places_of(words, line)) for line in lines]
    return [Markup(put_back(str(line), found, _mathml)) for line in shown]  # noqa: S704 - escaped


def _mathml(formula: Formula) -> str:
    return to_mathml(formula.tex, display=False) or str(escape(unicode(formula)))


def readable(text: str, spans: Iterable[Span] = (), words: Iterable[str] = (), *, most: int = 0) -> Markup:
    """`text` as readers are shown it (`core.text.sanitize.plain`), with `spans` of `text` and all `words` marked.

    No longer than `most` characters, if that is given.
    """
    shown = plain(text)
    places = [*_carried(text, shown, merge_spans(spans, len(text))), *places_of(words, shown)]
    return highlight(cut(shown, most) if most else shown, places)


def places_of(words: Iterable[str], text: str) -> Iterator[Span]:
    """Where any of `words` stands in `text`, compared as filters compare."""
    folded = fold(text)
    for word in filter(None, map(fold, words)):
        at = folded.find(word)
        while at >= 0:
            yield at, at + len(word)
            at = folded.find(word, at + len(word))


def _carried(text: str, shown: str, spans: list[Span]) -> Iterator[Span]:
    """Returns the same places in the `shown` text, where sanitising may have moved them."""
    if shown == text:
        yield from spans
        return
    for start, end in spans:
        matched = plain(text[start:end])
        near = len(plain(text[:start]))
        found = [at for at, _ in places_of([matched], shown)]
        if found:
            first = min(found, key=lambda at: abs(at - near))
            yield first, first + len(matched)


CARD_AUTHORS = 6
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
    def is_withdrawn(self) -> bool:
        """Whether the paper has been withdrawn."""
        return is_withdrawn(self.entry.paper)

    @property
    def paper(self) -> Paper:
        """The paper of the entry."""
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


def make_card(entry: Entry, *, whole: bool = False) -> Card:
    """The card of an entry. `whole`: no text is cut, no author left out."""
    entry = clean_entry(entry)
    paper = entry.paper
    abstract = paper.abstract if whole else cut(paper.abstract, LONGEST_ABSTRACT)
    names = list(author_names(entry, most=0 if whole else LONGEST_NAME))
    # Marked authors are always shown
    named = [name for at, name in enumerate(names) if whole or at < CARD_AUTHORS or "<mark>" in name]
    named = named if whole else named[: CARD_AUTHORS * 2]
    title = readable(paper.title, spans_of(entry, "title"), most=0 if whole else LONGEST_TITLE)
    return Card(
        entry=entry,
        title=title if title.strip() else Markup("{}").format(paper.label),
        authors=tuple(named),
        more=len(names) - len(named),
        reasons=tuple(reason_words(entry)),
        categories=tuple(
            (code, category_title(code)) for code in paper.categories[: None if whole else SHOWN_CATEGORIES]
        ),
        type=TYPE_NAMES.get(entry.type, entry.type),
        links=tuple((LINKS[kind], url) for kind, url in links_of(paper) if url.startswith(("https://", "http://"))),
        abstract=tuple(paragraphs(abstract, spans_of(entry, "abstract"))),
        summary=_summary(entry.summary, paper) if entry.summary else Markup(),
    )


def _summary(summary: Summary, paper: Paper) -> Markup:
    if absent := absence_in_words(summary):
        return Markup("<p>{}.</p>").format(absent)
    return Markup(summary_html(summary, paper, maths=True))  # noqa: S704 - sanitised


def spans_of(entry: Entry, field: str) -> list[Span]:
    """Returns the matched places in a field of the paper."""
    return [(reason.start, reason.end) for reason in entry.reasons if reason.field == field]


def author_names(entry: Entry, *, most: int = 0) -> Iterator[Markup]:
    """Returns the authors' names, with matches marked."""
    spans = spans_of(entry, "authors")
    at = 0
    for author in entry.paper.authors:
        end = at + len(author.name)
        own = [(max(start, at) - at, last - at) for start, last in spans if start < end and last > at]
        if author.name.strip():
            yield readable(author.name, own, most=most)
        at = end + len(", ")


def reason_words(entry: Entry) -> Iterator[tuple[str, float]]:
    """Returns each found keyword with its points, and finally the title bonus."""
    for reason in entry.reasons:
        if not reason.bonus:
            yield label(reason.name), reason.points
    if bonus := sum(reason.points for reason in entry.reasons if reason.bonus):
        yield "in title", bonus


def whys(entry: Entry) -> list[Why]:
    """Returns the reasons of an entry's score, each with its place in the text."""
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
    return Why(label(reason.name), reason.points + bonus, bonus, reason.field, context)
