"""The material of questions: untrusted text about a paper, fenced to distinguish it from instructions, and bounded."""

import hashlib
import re

from core.model.excerpt import take_excerpt
from core.model.fulltext import Coverage, FullText, TextSection
from core.model.paper import Paper
from core.text.sanitize import clean

ABSTRACT_CHARS = 6_000
MOST_CHARS = 400_000  # of a full text in a question
_AUTHORS = 30
_MARK = re.compile(r"<{2,}\s*MATERIAL|MATERIAL\s*>{2,}", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)%(?!\s*(?:of|in|to|and|or|for|on|by|with|at|\d)\b).*")  # of TeX, left in an abstract
_SAME = 200  # characters by which an abstract is recognised in the full text
_KINDS = {
    "html": "from its HTML; tables are rows with |, figures cannot be seen",
    "pdf": "from its PDF, in which formulas and tables may be garbled; figures cannot be seen",
}


def fence(text: str) -> str:
    """Returns `text` between fences that it cannot close itself: they contain a hash of the text."""
    text = clean(text)
    number = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    text = _MARK.sub("", text).replace(number, "")
    return f"<<<MATERIAL {number}\n{text.strip()}\n{number} MATERIAL>>>"


def record(paper: Paper) -> str:
    """Returns arXiv's record of a paper without its abstract: a line for each field."""
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
    return "\n\n".join(f"{name}: {' '.join(value.split())}" for name, value in lines.items() if value.strip())


def material(paper: Paper, text: FullText | None = None, most: int = MOST_CHARS) -> tuple[str, Coverage | None]:
    """Returns the material about `paper`, fenced: arXiv's record, and at most `most` characters of its full `text`.

    The second value is what of the full text it holds, None without one.
    """
    parts = [record(paper), f"Abstract:\n{shorten(paper.abstract, ABSTRACT_CHARS)}"]
    if text is None or text.input == "abstract" or not text.parts:
        return fence("\n\n".join(parts)), None
    found = take_excerpt(_without_abstract(text.parts, paper), most)
    kind = _KINDS.get(text.input, text.input)
    parts.append(f"Full text ({kind}). {_contents(found.coverage)}:\n\n{found.text}")
    return fence("\n\n".join(parts)), found.coverage


def shorten(text: str, most: int) -> str:
    """Returns `text` without TeX comments, cut after `most` characters."""
    text = "\n".join(_COMMENT.sub("", line) for line in text.split("\n")).strip()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _contents(coverage: Coverage) -> str:
    """Returns what the full text lacks, for the model: it must not take an absent section for an empty one."""
    if coverage.complete:
        return "It is complete but for its references"
    absent = f"left out: {'; '.join(coverage.without)}" if coverage.without else ""
    cut = f"shortened, at […]: {'; '.join(coverage.shortened)}" if coverage.shortened else ""
    return f"Not all of it fits here. {'. '.join(filter(None, (absent, cut))).capitalize()}"


def _without_abstract(sections: tuple[TextSection, ...], paper: Paper) -> tuple[TextSection, ...]:
    """Returns the sections without the abstract where it is arXiv's, which stands above them."""
    words = _letters(paper.abstract)[:_SAME]
    return tuple(
        one for one in sections
        if not (one.heading.lower().strip(" .:") == "abstract" and words and words in _letters(one.text))
    )  # fmt: skip


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text.lower()))
