"""A PDF's text by PDFium, only ever in a process of its own (`core.sources.worker`): PDFs are hostile."""

from time import monotonic

import pypdfium2

from core.sources.pdf_text import clean, flow, legible
from core.sources.sections import Reading, Section, keep, split

MOST_PAGES = 80
MOST_CHARACTERS = 300_000  # more than models are given
LEAST_CHARACTERS = 40  # of a page on the average: with fewer it is an image of a page, and perhaps arXiv's stamp
_ENCRYPTED = (4, 5)  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY of fpdfview.h
_HEAD = 1024  # bytes in which "%PDF-" has to be, as in Adobe's readers


def read_pdf(body: bytes, seconds: float) -> Reading:
    """The sections of a PDF worth reading, or the state that says why there are none. No page is begun after `seconds`.

    Raises nothing for what PDFium reports; it may crash, hang, or exhaust memory.
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
    if sum(not char.isspace() for char in whole) < LEAST_CHARACTERS * len(texts):
        return Reading("scanned", (), pages, len(texts))
    if not legible(whole):
        return Reading("garbled", (), pages, len(texts))
    parts = (Section(heading, flow(lines), kind) for heading, kind, lines in split(clean(texts)))
    sections = keep([part for part in parts if part.heading or part.text])
    state = "too-long" if len(texts) < pages or len(whole) >= MOST_CHARACTERS else ""
    return Reading(state, sections, pages, len(texts))


def _read_pages(document: pypdfium2.PdfDocument, count: int, end: float) -> list[str]:
    """The texts of the first `count` pages, "" for a broken one; fewer if there are too many characters or no time.

    Nothing at all if every page is broken.
    """
    texts: list[str] = []
    left, good = MOST_CHARACTERS, 0
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
