"""The full text of a paper, for a model: fetched politely, parsed in a separate process, and never stored.

arXiv has HTML of most papers since December 2023, with the headings and formulas that a PDF loses. Without HTML the PDF
is used, without a PDF the abstract. arXiv's terms allow reading the texts, but not storing or serving them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core.model.errors import FetchError
from core.model.excerpt import join
from core.model.fulltext import FullText
from core.model.paper import Paper
from core.sources.client import Get
from core.sources.sandbox import read_apart
from core.sources.sections import Reading

_READ_SECONDS = 30.0  # to parse one document; a typical one takes less than one second
_FIRST_WITH_HTML = "2312"
_OLD_STYLE = "/"


class _State(NamedTuple):
    """What is wrong with a document, in words, and whether a later try may succeed."""

    words: str
    again: bool = False


# {kind} is "PDF" or "HTML", {most} its limit in MB; {read} and {pages} are numbers of pages
TEXT_STATES: Mapping[str, _State] = {
    "not-found": _State("arXiv has no {kind} of it"),
    "unreachable": _State("its {kind} could not be fetched", again=True),
    "timeout": _State("its {kind} could not be fetched and read in time", again=True),
    "too-large": _State("its {kind} has more than {most} MB"),
    "not-a-pdf": _State("what arXiv sent as its PDF is none", again=True),
    "not-an-article": _State("what arXiv sent as its HTML is no article"),
    "encrypted": _State("its PDF is encrypted"),
    "broken": _State("its PDF is broken"),
    "scanned": _State("its PDF has no text, only images of pages"),
    "garbled": _State("the text of its PDF is illegible"),
    "crashed": _State("its {kind} ended the process that read it"),
    # In these states some text was read
    "damaged": _State("its HTML ends in the middle, because its conversion failed"),
    "too-long": _State("it is very long: parts of its text were left out"),
}
_LONG_PDF = "only the first {read} of its {pages} pages were read"
_GOOD_ENOUGH = ("", "too-long")


class _Source(NamedTuple):
    input: str
    accept: str
    most_bytes: int
    total_seconds: float


_HTML = _Source("html", "text/html, application/xhtml+xml, */*;q=0.1", 12_000_000, 30.0)
_PDF = _Source("pdf", "application/pdf, */*;q=0.1", 30_000_000, 60.0)


async def fetch_text(
    get: Get, paper: Paper, *, pdf_url: str, deadline: float, html_url: str = "", read_seconds: float = _READ_SECONDS
) -> FullText:
    """Returns the text of `paper`, from its HTML, its PDF or its abstract, at the latest shortly after `deadline`.

    `deadline` is in the event loop's time; to parse one document takes at most `read_seconds`.
    `pdf_url` and `html_url` are the base URLs of arXiv, without a trailing slash; `html_url` defaults to `pdf_url`. If
    arXiv fails or sends nothing readable, the abstract is returned. Raises `StoreError` if the gate fails.
    """
    if not paper.is_arxiv:
        return FullText(paper.abstract, "abstract")
    problems: list[str] = []
    partial: FullText | None = None
    state, again = "", False
    for source in (_HTML, _PDF) if has_html(paper) else (_PDF,):
        base = (html_url or pdf_url) if source is _HTML else pdf_url
        reading = await _read(get, source, f"{base}/{source.input}/{paper.versioned}", deadline, read_seconds)
        state, again = reading.state, again or TEXT_STATES.get(reading.state, _State("")).again
        if reading.state:
            problems.append(_words(source, reading))
        if reading.sections and (partial is None or reading.state in _GOOD_ENOUGH):
            partial = FullText(join(reading.sections), source.input, "", reading.state, again, reading.sections)
        if reading.state in _GOOD_ENOUGH:
            break
    found = partial or FullText(paper.abstract, "abstract", "", state, again)
    return _noted(found, problems)


def has_html(paper: Paper) -> bool:
    """Returns whether arXiv may have HTML of the paper: it has since December 2023."""
    return _OLD_STYLE not in paper.id and paper.id[:4] >= _FIRST_WITH_HTML


async def _read(get: Get, source: _Source, url: str, deadline: float, most_seconds: float) -> Reading:
    """Fetch and parse `url`. If no sections are returned, the state says why."""
    loop = asyncio.get_running_loop()
    if loop.time() >= deadline:
        return Reading("timeout")
    try:
        async with asyncio.timeout_at(deadline):
            answer = await get(
                url, accept=source.accept, most_bytes=source.most_bytes, total_seconds=source.total_seconds
            )
            seconds = min(most_seconds, deadline - loop.time())
            reading = await read_apart(source.input, answer.body or b"", seconds=seconds)
    except TimeoutError:
        return Reading("timeout")
    except FetchError as error:
        return Reading(error.state or "unreachable")
    known = reading.state in TEXT_STATES or (not reading.state and reading.sections)
    return reading if known else Reading("crashed")  # a compromised worker may write anything


def _words(source: _Source, reading: Reading) -> str:
    words = (
        _LONG_PDF if reading.state == "too-long" and reading.read < reading.pages else TEXT_STATES[reading.state].words
    )
    most = source.most_bytes // 1_000_000
    return words.format(kind=source.input.upper(), most=most, read=reading.read, pages=f"{reading.pages:,}")


def _noted(found: FullText, problems: Sequence[str]) -> FullText:
    """Returns `found` with a note of the problems, and of what was read instead."""
    if not problems:
        return found
    note = "; ".join(dict.fromkeys(problems))
    if found.input == "abstract":
        note += "; the abstract was read instead"
    elif found.input == "pdf" and len(problems) > (found.state != ""):
        note += "; the PDF was read"
    return FullText(found.text, found.input, note, found.state, found.again, found.sections)
