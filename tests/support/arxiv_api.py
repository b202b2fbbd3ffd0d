"""How arXiv's API answers a query about invented papers; what it would not understand, it refuses."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl
from zlib import crc32

from core.model.calendar import submission_window
from tests.support.arxiv_format import Sheet, api, api_error

MOST_AT_ONCE, MOST = 2000, 30_000
_SEARCH = re.compile(
    r"\((?P<names>cat:[\w.*-]+(?: OR cat:[\w.*-]+)*)\) AND submittedDate:\[(?P<first>\d{12}) TO (?P<last>\d{12})\]"
)
_ID = re.compile(r"(?P<id>\d{4}\.\d{4,5}|[a-z-]+/\d{7})(?:v(?P<version>\d+))?")
_TITLE = re.compile(r'ti:"([^"]+)"')
_TITLES = re.compile(r'ti:"[^"]+"(?: OR ti:"[^"]+")*')
_WORD = re.compile(r"[^\W_]+")
_PARAMETERS = {"search_query", "id_list", "start", "max_results", "sortBy", "sortOrder"}


@dataclass(frozen=True)
class Page:
    """What a query selects: all that fit, in order, and which of them are asked for. `error` comes with status 400."""

    sheets: tuple[Sheet, ...] = ()
    start: int = 0
    size: int = 10
    error: str = ""

    def write(
        self, shown: Callable[[tuple[Sheet, ...]], tuple[Sheet, ...]] = lambda sheets: sheets, more: int = 0
    ) -> bytes:
        """The document: of the entries of this page those that `shown` leaves; the total is `more` than true."""
        if self.error:
            return api_error(self.error)
        sheets = self.sheets[self.start : self.start + self.size]
        return api(shown(sheets), len(self.sheets) + more, self.start, self.size)


def dated(sheet: Sheet, day: date) -> Sheet:
    """`sheet` with the times that it would have if arXiv announced it on `day`: a new one is from that day's window.

    A replacement was submitted a month earlier.
    """
    first, last = submission_window(day)
    span = int((last - first).total_seconds()) - 120
    moment = first + timedelta(seconds=60 + crc32(sheet.id.encode()) % span)
    submitted = sheet.submitted or (moment if sheet.version == 1 else moment - timedelta(days=30))
    return replace(sheet, submitted=submitted, updated=sheet.updated or (submitted if sheet.version == 1 else moment))


def find(sheets: Iterable[Sheet], query: str) -> Page:
    """What `query`, the part of the address behind "?", selects of `sheets`, which have their times."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    start, size = asked.get("start", "0"), asked.get("max_results", "10")
    if unknown := asked.keys() - _PARAMETERS:
        return Page(error=f"unknown parameters {sorted(unknown)}")
    if not (start.isdigit() and size.isdigit()) or int(start) + int(size) > MOST:
        return Page(error="start and max_results must be integers up to 30000")
    found: Iterable[Sheet] = sheets
    if ids := asked.get("id_list"):
        if wrong := [name for name in ids.split(",") if not _ID.fullmatch(name)]:
            return Page(error=f"incorrect id format for {wrong[0]}")
        found = [sheet for name in ids.split(",") for sheet in _named(found, name)]
    elif _TITLES.fullmatch(search_query := asked.get("search_query", "")):
        wanted = [f" {words.lower()} " for words in _TITLE.findall(search_query)]
        found = [sheet for sheet in found if any(words in _words(sheet.title) for words in wanted)]
    else:
        search = _SEARCH.fullmatch(asked.get("search_query", ""))
        if search is None:
            return Page(error=f"cannot read search_query {asked.get('search_query')!r}")
        names = [name.removeprefix("cat:") for name in search["names"].split(" OR ")]
        found = [s for s in found if _is_in(s, names) and search["first"] <= _minute(s.submitted) <= search["last"]]
        if asked.get("sortBy") == "submittedDate":
            backwards = asked.get("sortOrder", "descending") == "descending"
            found = sorted(found, key=lambda sheet: (_minute(sheet.submitted), sheet.id), reverse=backwards)
    return Page(tuple(found), int(start), min(int(size), MOST_AT_ONCE))


def _named(sheets: Iterable[Sheet], name: str) -> list[Sheet]:
    match = _ID.fullmatch(name)
    assert match is not None
    versions = [sheet for sheet in sheets if sheet.id == match["id"]]
    wanted = [sheet for sheet in versions if match["version"] in (None, str(sheet.version))]
    return sorted(wanted, key=lambda sheet: sheet.version)[-1:]


def _is_in(sheet: Sheet, names: Iterable[str]) -> bool:
    return any(name in (category, f"{category.partition('.')[0]}.*") for name in names for category in sheet.categories)


def _words(title: str) -> str:
    return " ".join(["", *_WORD.findall(title.lower()), ""])


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y%m%d%H%M}"
