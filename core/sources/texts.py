"""Titles, abstracts and times as upstreams serve them, made readable and sure."""

import re
from datetime import UTC, datetime
from typing import Any

from core.domain.meant import plain
from core.sources.tex import to_readable

_PARAGRAPH = re.compile(r"\n(?:[^\S\n]+|\n)\s*")  # arXiv: an indented line begins a paragraph


def squeezed(text: str) -> str:
    """`text` with every run of white space as one space."""
    # The check is far quicker than the work, which few texts need
    unclean = not text.isascii() or "  " in text or "\n" in text or "\t" in text or "\r" in text
    return " ".join(text.split()) if unclean or text[:1] == " " or text[-1:] == " " else text


def readable_texts(title: str, abstract: str) -> dict[str, Any]:
    """A paper's `title` and `abstract`, and as `title_tex` and `abstract_tex` what was served where that differs."""
    title, abstract = squeezed(title), abstract.strip()
    paragraphs = _PARAGRAPH.split(abstract) if "\n" in abstract else [abstract]
    abstract = "\n".join(map(squeezed, paragraphs))
    readable, readable_abstract = to_readable(plain(title)), to_readable(plain(abstract))
    return {
        "title": readable,
        "abstract": readable_abstract,
        "title_tex": title if title != readable else "",
        "abstract_tex": abstract if abstract != readable_abstract else "",
    }


def utc_time(text: str) -> str:
    """An RFC 3339 time in UTC, to the second; "" for what is no time. One without a zone is taken to be in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
