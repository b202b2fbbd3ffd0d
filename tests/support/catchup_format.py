"""arXiv's catch-up page of invented papers, as the site writes it."""

from collections.abc import Iterable, Mapping
from datetime import date
from html import escape

from core.model.categories import canonical, listed
from tests.support.arxiv_format import Sheet

PAGE_SIZE = 2000
_HEADINGS = ("New submissions", "Cross submissions", "Replacement submissions")


def catchup(
    sheets: Iterable[Sheet],
    category: str,
    day: date,
    page: int = 1,
    size: int = PAGE_SIZE,
    sections: Mapping[str, int] | None = None,
) -> bytes:
    """The page of a category's date: new papers, cross-lists, replacements, each by identifier.

    `sections` are those of papers that have changed since the date, by identifier; the others follow from the sheets.
    """
    known = sections or {}
    listing = sorted(
        ((known.get(sheet.id, _section(sheet, category)), sheet) for sheet in sheets if _is_in(sheet, category)),
        key=lambda pair: (pair[0], pair[1].id),
    )
    shown = listing[(page - 1) * size : page * size]
    said = f"{day:%a, %d %b %Y}"
    count = f"Total of {len(listing)} entries for {said}\n" if listing else ""
    nothing = f"<p>No {'further ' if page > 1 else ''}updates for {said}.</p>\n"
    parts = "".join(_part(number, listing, shown) for number in range(3)) or nothing
    return f"""<!DOCTYPE html>
<html lang="en">
<head><title>Catchup results for Sample Category</title></head>
<body><div id='dlpage'>
<h1>Catchup results for Sample Category on {said}</h1>
<div>{count}</div>
{parts}<div>{count}</div>
</div></body>
</html>
""".encode()


def _is_in(sheet: Sheet, category: str) -> bool:
    return any(listed(name, (category,)) for name in sheet.categories)


def _section(sheet: Sheet, category: str) -> int:
    if sheet.version > 1:
        return 2
    return 0 if listed(sheet.categories[0], (category,)) else 1


def _part(number: int, listing: list[tuple[int, Sheet]], shown: list[tuple[int, Sheet]]) -> str:
    here = [sheet for section, sheet in shown if section == number]
    every = sum(section == number for section, _ in listing)
    if not here:
        return ""
    words = (
        "showing" if len(here) == every else "showing first" if shown[0] == listing[0] else "continued, showing last"
    )
    head = f"<h3>{_HEADINGS[number]} ({words} {len(here)} of {every} entries)</h3>"
    return f"<dl id='articles'>\n{head}\n{''.join(map(_entry, here))}</dl>\n"


def _entry(sheet: Sheet) -> str:
    others = sorted({canonical(name) for name in sheet.categories[1:]})
    subjects = "".join(f"; Sample ({name})" for name in others)
    people = ", ".join(f'<a href="https://arxiv.org/search/cs">{escape(n)}</a>' for n in sheet.creator.split(", "))
    comments = ""
    if sheet.comment:
        text = escape(sheet.comment, quote=False)
        comments = f"<div class='list-comments mathjax'><span class='descriptor'>Comments:</span> {text}</div>\n"
    return f"""<dt><a name='item1'>[1]</a>
<a href ="/abs/{sheet.id}" title="Abstract" id="{sheet.id}"> arXiv:{sheet.id} </a>
[<a href="/pdf/{sheet.id}" title="Download PDF" id="pdf-{sheet.id}">pdf</a>, <a href="https://arxiv.org/html/{sheet.id}v{sheet.version}" title="View HTML" id="html-{sheet.id}">html</a>]</dt>
<dd><div class='meta'>
<div class='list-title mathjax'><span class='descriptor'>Title:</span> {escape(sheet.title, quote=False)}</div>
<div class='list-authors'>{people}</div>
{comments}<div class='list-subjects'><span class='descriptor'>Subjects:</span>
<span class="primary-subject">Sample ({canonical(sheet.categories[0])})</span>{subjects}</div>
<p class='mathjax'> {escape(sheet.abstract, quote=False)} </p></div></dd>
"""  # noqa: E501
