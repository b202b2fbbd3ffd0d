"""The full text of a paper, for a model to read: fetched politely, parsed apart, and kept by nobody.

arXiv has HTML of most papers since December 2023, which has the headings and the formulas that a PDF has lost; else
there is the PDF, else the abstract. Its texts may be read, but not stored or served on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.model.errors import FetchError
from core.model.paper import Paper
from core.sources.client import Get
from core.sources.sandbox import read_apart
from core.sources.sections import Reading, TextSection, join

_READ_SECONDS = 30.0  # of one document, in the process that reads it; a common one takes less than one
_FIRST_WITH_HTML = "2312"
_OLD_STYLE = "/"


@dataclass(frozen=True, slots=True)
class FullText:
    """What there is to read of a paper.

    `input` is what was read: "html", "pdf" or "abstract". `note` says in words why it is not better, "" if it is whole.
    `state` is that of the document that was read, or why the last one that was tried could not be (see `TEXT_STATES`).
    `again`: a later try may give more. `sections` are those of `text`, none for an abstract.
    """

    text: str
    input: str
    note: str = ""
    state: str = ""
    again: bool = False
    sections: tuple[TextSection, ...] = ()


class _State(NamedTuple):
    """What was wrong with a document, in words, and whether a later try may find it better."""

    words: str
    again: bool = False


# {kind} is "PDF" or "HTML"; {most} its limit in MB; {read} and {pages} are pages
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
    "garbled": _State("the letters of its PDF cannot be told"),
    "crashed": _State("its {kind} ended the process that read it"),
    # Of these something was read all the same
    "damaged": _State("its HTML ends in the middle, because its conversion failed"),
    "too-long": _State("it is long: only the beginning was read"),
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


async def fetch_text(get: Get, paper: Paper, *, pdf_url: str, deadline: float, html_url: str = "") -> FullText:
    """What there is to read of `paper`, at the latest soon after `deadline` (the event loop's time).

    `pdf_url` and `html_url` are the addresses of arXiv, without a trailing slash; without the second one the first is
    meant. Never raises for what arXiv sends or does not send: the abstract is read then. Raises `StoreError` if the
    gate cannot be asked.
    """
    problems: list[str] = []
    partial: FullText | None = None
    state, again = "", False
    for source in (_HTML, _PDF) if has_html(paper) else (_PDF,):
        base = (html_url or pdf_url) if source is _HTML else pdf_url
        reading = await _read(get, source, f"{base}/{source.input}/{paper.versioned}", deadline)
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
    """Whether arXiv may have HTML of it: it began with the papers of December 2023."""
    return _OLD_STYLE not in paper.id and paper.id[:4] >= _FIRST_WITH_HTML


async def _read(get: Get, source: _Source, url: str, deadline: float) -> Reading:
    """What came of fetching and reading `url`; without any sections, its state says why."""
    loop = asyncio.get_running_loop()
    if loop.time() >= deadline:
        return Reading("timeout")
    try:
        async with asyncio.timeout_at(deadline):
            answer = await get(
                url, accept=source.accept, most_bytes=source.most_bytes, total_seconds=source.total_seconds
            )
            seconds = min(_READ_SECONDS, deadline - loop.time())
            reading = await read_apart(source.input, answer.body or b"", seconds=seconds)
    except TimeoutError:
        return Reading("timeout")
    except FetchError as error:
        return Reading(error.state or "unreachable")
    known = reading.state in TEXT_STATES or (not reading.state and reading.sections)
    return reading if known else Reading("crashed")  # whatever else a worker says that was taken over


def _words(source: _Source, reading: Reading) -> str:
    words = (
        _LONG_PDF if reading.state == "too-long" and reading.read < reading.pages else TEXT_STATES[reading.state].words
    )
    most = source.most_bytes // 1_000_000
    return words.format(kind=source.input.upper(), most=most, read=reading.read, pages=f"{reading.pages:,}")


def _noted(found: FullText, problems: Sequence[str]) -> FullText:
    """`found` with the problems told, and what was read instead if that is not what they are about."""
    if not problems:
        return found
    told = "; ".join(dict.fromkeys(problems))
    if found.input == "abstract":
        told += "; the abstract was read instead"
    elif found.input == "pdf" and len(problems) > (found.state != ""):
        told += "; the PDF was read"
    return FullText(found.text, found.input, told, found.state, found.again, found.sections)
