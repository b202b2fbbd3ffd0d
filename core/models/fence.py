"""Material for models: what others wrote, fenced, so that it is told from instructions, and of bounded length."""

import hashlib
import re

from core.domain.meant import clean
from core.domain.paper import Paper

SCREENING_CHARS = 6_000
SUMMARY_CHARS = 24_000
ANALYSIS_CHARS = 60_000
REVIEW_CHARS = 120_000
_AUTHORS = 30
_MARK = re.compile(r"<{2,}\s*MATERIAL|MATERIAL\s*>{2,}", re.IGNORECASE)
_REFERENCES = re.compile(r"^\W*(?:\d+\.?\s*)?(?:references|bibliography)\W*$", re.IGNORECASE | re.MULTILINE)
_END_SHARE = 0.25  # of what is kept of a text that is too long: its end holds limitations and conclusions


def fence(text: str) -> str:
    """`text` between lines that it cannot close itself: they bear a number that depends on all of it."""
    text = clean(text)
    number = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    text = _MARK.sub("", text).replace(number, "")
    return f"<<<MATERIAL {number}\n{text.strip()}\n{number} MATERIAL>>>"


def material(paper: Paper, text: str = "", kind: str = "", most: int = SCREENING_CHARS) -> str:
    """What a model reads about `paper`, fenced: what arXiv says, and the full `text` of this kind ("html", "pdf").

    Of the text at most `most` characters are given, without its references where it has to be cut.
    """
    authors = [
        f"{author.name} ({author.affiliation})" if author.affiliation else author.name for author in paper.authors
    ]
    more = [f"and {len(authors) - _AUTHORS} more"] if len(authors) > _AUTHORS else []
    lines = {
        "Title": paper.title,
        "Authors": "; ".join(authors[:_AUTHORS] + more),
        "Categories": ", ".join(paper.categories),
        "Comment": paper.comment,
        "Journal reference": paper.journal_ref,
    }
    parts = [f"{name}: {' '.join(value.split())}" for name, value in lines.items() if value.strip()]
    parts.append(f"Abstract:\n{cut(paper.abstract, SCREENING_CHARS)}")
    if text.strip():
        parts.append(f"Full text ({kind}):\n{cut(text, most)}")
    return fence("\n\n".join(parts))


def cut(text: str, most: int) -> str:
    """`text` if it has at most `most` characters; else its main part without references, or that part's two ends."""
    if len(text) <= most:
        return text
    heads = [match.start() for match in _REFERENCES.finditer(text) if match.start() > len(text) / 3]
    text = text[: heads[0]] if heads else text
    if len(text) <= most:
        return text
    end = int(most * _END_SHARE)
    gap = "\n\n[…]\n\n"
    return text[: most - end - len(gap)] + gap + text[-end:]
