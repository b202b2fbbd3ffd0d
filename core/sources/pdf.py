"""Extracts the text of a PDF with PDFium: lines and words are joined, and headers, footers and page numbers removed.

It runs only in a separate process (`core.sources.worker`), because a PDF may be hostile.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from time import monotonic

import pypdfium2

from core.model.fulltext import TextSection
from core.sources.sections import MOST_CHARACTERS, Reading, cap, is_name, keep, printable, split

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
)
_EDGE = 2  # lines at the top and at the bottom of a page that may be running headers and footers
_LEAST_PAGES = 3  # on which a line has to repeat; one more in documents of ten pages or more
_LEAST_NUMBERED = 10  # lines of a page, where lines are numbered
_MARKS = "\ufffe\x02\u00ad"  # PDFium's marks for a hyphen at a line's end, present and former; a soft hyphen
_NO_MARKS = dict.fromkeys(map(ord, _MARKS))
_STAMP = re.compile(r"arXiv:\S+v\d+ +\[[\w.-]+\] +\d{1,2} \w{3} \d{4}")  # in the margin of the first page
_PAGE_NUMBER = re.compile(
    r"(?:page )?(?:\d{1,4}(?: ?(?:of|/) ?\d{1,4})?|[ivxl]{1,7})|[-–—] ?\d{1,4} ?[-–—]", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_NUMBER_BEFORE = re.compile(r"(\d{1,4})(?: +(.*))?")
_NUMBER_AFTER = re.compile(r"(.*\S) +(\d{1,4})")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
# Bounded, and anchored at the beginning of a word: linear in the length of the text
_BROKEN = re.compile(rf"(?<![\w-])([\w-]{{0,60}}\w)(?:-\n|[{_MARKS}]\n?)(\w[\w-]{{0,60}})")
_FIGURE = re.compile(r"[(\[]?[<>~≈±+−–-]?\d[\d.,:/]*[%×xKMGBks]{0,2}(?:±[\d.]+)?[)\]*†‡]*|[-–—/]|N/A|✓|✗|OOM")
_LEAST_FIGURES = 2  # of a row
_MOST_WORDS_OF_ROW = 12
_SHORT = 0.8  # of the usual line length; a shorter line that ends a sentence ends its paragraph
_ENDS = (".", "?", "!", ":", ".”", '."', ".)")


def clean_pages(pages: Sequence[str]) -> list[str]:
    """Returns the lines of a document from the texts of its `pages` as PDFium extracts them, in order."""
    kept = [_without_line_numbers(_lines(page)) for page in pages]
    kept = [[line for line in lines if not _STAMP.fullmatch(line)] for lines in kept]
    lines = chain.from_iterable(_without_edges(kept))
    whole = (" ".join(line.split()) for line in mended("\n".join(lines)).split("\n"))
    return [line for line in whole if line]


def flow(lines: Sequence[str]) -> str:
    """Join `lines` into paragraphs, one a line: a short line that ends a sentence ends its paragraph.

    Rows of tables, and the short lines before them, which name their columns, stay on lines of their own.
    """
    usual = sorted(map(len, lines))[len(lines) * 4 // 5] if lines else 0
    paragraphs: list[list[str]] = [[]]
    for line, after in zip(lines, [*lines[1:], ""], strict=False):
        short = len(line) < _SHORT * usual
        alone = _is_row(line) or (short and _is_row(after) and not line.endswith(_ENDS))
        if alone and paragraphs[-1]:
            paragraphs.append([])
        paragraphs[-1].append(line)
        if alone or (short and line.endswith(_ENDS)):
            paragraphs.append([])
    return "\n".join(" ".join(paragraph) for paragraph in paragraphs if paragraph)


def _is_row(line: str) -> bool:
    """Returns whether a line looks like a row of a table: two figures at least, which are half of it or end it."""
    words = line.split()
    figures = [bool(_FIGURE.fullmatch(word)) for word in words]
    return sum(figures) >= _LEAST_FIGURES and (
        sum(figures) * 2 >= len(words) or (all(figures[-_LEAST_FIGURES:]) and len(words) <= _MOST_WORDS_OF_ROW)
    )


def mended(text: str) -> str:
    """Returns `text` with words joined that were hyphenated at line ends.

    The rest of the text decides whether the hyphen belongs to the word: "state-of-the-" + "art", but "trans-" + "form".
    """
    words = set(map(str.lower, _WORD.findall(text)))

    def whole(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        if (left + right).lower() in words:
            return left + right
        compound = "-" in left or not left[-1].islower() or not right[0].islower()
        return f"{left}-{right}" if compound or f"{left}-{right}".lower() in words else left + right

    return _BROKEN.sub(whole, text).translate(_NO_MARKS)


def legible(text: str) -> bool:
    """Returns whether `text` consists of words: fonts without a character table yield arbitrary symbols."""
    visible = sum(not char.isspace() for char in text)
    return sum(map(str.isalpha, text)) > visible * 0.4


def _lines(page: str) -> list[str]:
    lines = (printable(line.translate(_LIGATURES), _MARKS) for line in page.splitlines())
    return [line for line in lines if line]


def _without_line_numbers(lines: list[str]) -> list[str]:
    """Remove line numbers of review manuscripts, which stand on separate lines, before, or after the text."""
    for pattern, number, rest in ((_NUMBER_BEFORE, 1, 2), (_NUMBER_AFTER, 2, 1)):
        matches = [pattern.fullmatch(line) for line in lines]
        numbers = [int(match[number]) for match in matches if match]
        if len(numbers) >= max(_LEAST_NUMBERED, len(lines) * 0.4) and _in_sequence(numbers):
            stripped = ((match[rest] or "") if match else line for match, line in zip(matches, lines, strict=True))
            return [line for line in stripped if line]
    return lines


def _in_sequence(numbers: Sequence[int]) -> bool:
    steps = Counter(after - before for before, after in pairwise(numbers))
    step, times = max(steps.items(), key=itemgetter(1))
    return step in (1, 5) and times >= 0.8 * (len(numbers) - 1)


def _without_edges(pages: Sequence[list[str]]) -> Iterable[list[str]]:
    """Remove page numbers, and running headers and footers: lines that repeat except for their numbers."""
    seen = Counter(shape for lines in pages for shape in {_shape(lines[at]) for at in _edges(lines)})
    least = _LEAST_PAGES + (len(pages) >= 10)  # not on every page: even and odd pages, and parts, differ
    for lines in pages:
        out = {
            at
            for at in _edges(lines)
            if _PAGE_NUMBER.fullmatch(lines[at]) or (seen[_shape(lines[at])] >= least and _repeats(lines[at]))
        }
        yield [line for at, line in enumerate(lines) if at not in out]


def _repeats(line: str) -> bool:
    """Returns whether a line with a repeated shape is neither a table row nor a heading."""
    return sum(map(str.isalpha, line)) >= 3 and not is_name(line)


def _edges(lines: Sequence[str]) -> set[int]:
    count = len(lines)
    return {*range(min(_EDGE, count)), *range(max(count - _EDGE, 0), count)}


def _shape(line: str) -> str:
    return _DIGITS.sub("#", line).lower()


MOST_PAGES = 200
_MOST_READ = 800_000  # characters of all pages
_LEAST_CHARACTERS = 40  # a page on average: fewer mean scanned pages, perhaps with arXiv's stamp
_ENCRYPTED = (4, 5)  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY of fpdfview.h
_HEAD = 1024  # bytes in which "%PDF-" has to occur, as Adobe's readers accept it


def read_pdf(body: bytes, seconds: float) -> Reading:
    """Returns the sections of a PDF without references, or the state that says why it has none.

    No page is begun after `seconds`. Errors of PDFium become states; it may still crash, hang, or exhaust memory.
    """
    if b"%PDF-" not in body[:_HEAD]:
        return Reading("not-a-pdf")
    try:
        document = pypdfium2.PdfDocument(body)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        return Reading("encrypted" if getattr(error, "err_code", None) in _ENCRYPTED else "broken")
    texts = _read_pages(document, min(pages, MOST_PAGES), monotonic() + seconds)
    if not texts:
        return Reading("broken", pages=pages)
    whole = "".join(texts)
    if sum(not char.isspace() for char in whole) < _LEAST_CHARACTERS * len(texts):
        return Reading("scanned", (), pages, len(texts))
    if not legible(whole):
        return Reading("garbled", (), pages, len(texts))
    parts = (TextSection(heading, flow(lines), kind) for heading, kind, lines in split(clean_pages(texts)))
    kept, cut = cap(keep([part for part in parts if part.heading or part.text]), MOST_CHARACTERS)
    state = "too-long" if cut or len(texts) < pages or len(whole) >= _MOST_READ else ""
    return Reading(state, kept, pages, len(texts))


def _read_pages(document: pypdfium2.PdfDocument, count: int, end: float) -> list[str]:
    """Returns the texts of the first `count` pages, "" for a broken one; fewer at the limit of characters or time.

    Returns an empty list if every page is broken.
    """
    texts: list[str] = []
    left, good = _MOST_READ, 0
    for number in range(count):
        try:
            page = document[number]
            text_page = page.get_textpage()
            text = text_page.get_text_range(0, min(text_page.count_chars(), left)) if left else ""
            text_page.close()
            page.close()
            good += 1
        except pypdfium2.PdfiumError:
            text = ""
        texts.append(text)
        left -= min(len(text), left)
        if not left or monotonic() > end:
            break
    return texts if good else []
