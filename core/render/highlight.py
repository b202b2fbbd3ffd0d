"""Text with the places marked that a reader should see at once: the words that gave a paper its points."""

from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape

from core.domain.meant import plain
from core.domain.text import fold

Span = tuple[int, int]  # start and end of a place in a text


def highlight(text: str, spans: Iterable[Span]) -> Markup:
    """`text` as HTML with `spans` of it in `<mark>`; those that overlap or touch are one, those outside are none."""
    parts: list[Markup] = []
    at = 0
    for start, end in merged(spans, len(text)):
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def merged(spans: Iterable[Span], length: int) -> list[Span]:
    """The `spans` that lie in a text of that `length`, in order, none of which touches another."""
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


def readable(text: str, spans: Iterable[Span] = (), words: Iterable[str] = (), *, most: int = 0) -> Markup:
    """`text` as readers are shown it (`core.render.text.plain`), with `spans` of `text` and all `words` marked.

    No longer than `most` characters, if that is given.
    """
    shown = plain(text)
    places = [*_carried(text, shown, merged(spans, len(text))), *places_of(words, shown)]
    return highlight(cut(shown, most) if most else shown, places)


def places_of(words: Iterable[str], text: str) -> Iterator[Span]:
    """Where any of `words` stands in `text`, compared as filters compare."""
    folded = fold(text)
    for word in filter(None, map(fold, words)):
        at = folded.find(word)
        while at >= 0:
            yield at, at + len(word)
            at = folded.find(word, at + len(word))


def cut(text: str, most: int) -> str:
    """`text`, or as much of it as fits `most` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _carried(text: str, shown: str, spans: list[Span]) -> Iterator[Span]:
    """The same places in the text as it is `shown`: where its HTML has been read, they have moved."""
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
