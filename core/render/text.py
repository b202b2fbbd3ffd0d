"""Text as readers can show it: nothing that breaks XML or deceives the eye, and no HTML where HTML has no place."""

import re
from dataclasses import fields, replace
from html import unescape
from typing import Any

from core.domain.feed import Entry, Reason
from core.domain.meant import clean, is_clean, plain
from core.domain.paper import Author, Paper
from core.domain.scoring import field_text

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
