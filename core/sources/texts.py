"""Titles and abstracts as upstreams serve them, made readable."""

import re
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
