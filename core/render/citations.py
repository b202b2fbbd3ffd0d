"""A paper as an entry of a bibliography: BibTeX, as arXiv itself writes it, RIS, CSL JSON, COinS and Highwire tags."""

import re
from typing import Any
from urllib.parse import urlencode

from core.model.paper import Author, Paper, label_of, own_doi
from core.text.fold import fold
from core.text.sanitize import plain

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\^{}",
    "~": r"\~{}",
}
_ESCAPES = str.maketrans(_SPECIAL)
_BARE_IN_PROSE = re.compile(r"(?<!\\)([&%#_^])")
_MATHS = re.compile(r"((?<!\\)\$(?:[^$\\]|\\.)*\$)")
# Commands that do more than typeset; no title needs them
_UNSAFE = re.compile(r"\\(?:input|include|openin|openout|read|write|immediate|special|catcode|csname|[gex]?def|let)\b")
_WORD = re.compile(r"(?<![\\\w])\w+")
_SMALL_WORDS = frozenset(
    ("a", "an", "are", "at", "by", "for", "from", "how", "in", "is", "of", "on", "or", "the", "to")
)
_AND = re.compile(r"\band\b", re.IGNORECASE)


def bibtex(paper: Paper) -> str:
    """Returns the BibTeX entry, valid LaTeX for any text of the paper."""
    fields = {
        "title": _title(paper),
        "author": " and ".join(_name(author) for author in paper.authors) or f"{{{escaped(paper.place)}}}",
        "year": year(paper),
        **(_of_arxiv(paper) if paper.is_arxiv else _of_another(paper)),
        "url": paper.url,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{'misc' if paper.is_preprint else 'article'}{{{citation_key(paper)},\n{lines}\n}}"


def _of_arxiv(paper: Paper) -> dict[str, str]:
    primary = {"primaryClass": paper.primary} if paper.primary else {}
    return {"eprint": paper.id, "archivePrefix": "arXiv", **primary}


def _of_another(paper: Paper) -> dict[str, str]:
    found = {"publisher" if paper.is_preprint else "journal": escaped(paper.venue), "doi": escaped(doi(paper))}
    return {name: value for name, value in found.items() if value}


def ris(paper: Paper) -> str:
    """Returns the record in RIS: https://en.wikipedia.org/wiki/RIS_(file_format)."""
    rows = [("TY", "UNPB" if paper.is_preprint else "JOUR"), ("TI", in_one_line(paper.title))]
    rows += [("AU", _last_first(author)) for author in paper.authors]
    rows += [("PY", year(paper)), ("DA", first_date(paper).replace("-", "/")), ("AB", in_one_line(paper.abstract))]
    rows += [("PB" if paper.is_preprint else "JO", in_one_line(paper.place)), ("M1", label_of(paper.id))]
    rows += [
        ("DO", doi(paper)),
        ("UR", paper.url),
        ("L1", paper.links.get("pdf", "")),
        *(("KW", category) for category in paper.categories),
    ]
    lines = [f"{tag}  - {text}" for tag, text in rows if text]
    return "\r\n".join([*lines, "ER  - ", ""])


def csl(paper: Paper) -> dict[str, Any]:
    """Returns the item in CSL JSON: https://docs.citationstyles.org/en/stable/specification.html."""
    found = {
        "id": citation_key(paper),
        "type": "article" if paper.is_preprint else "article-journal",
        "title": in_one_line(paper.title),
        "author": [_csl_name(author) for author in paper.authors],
        "issued": {"date-parts": [[int(part) for part in day.split("-")]]} if (day := first_date(paper)) else {},
        "abstract": in_one_line(paper.abstract),
        "publisher" if paper.is_preprint else "container-title": in_one_line(paper.place),
        "number": label_of(paper.id),
        "DOI": doi(paper),
        "URL": paper.url,
    }
    return {name: value for name, value in found.items() if value or paper.is_arxiv}


def coins(paper: Paper) -> str:
    """Returns the title of a COinS span, which Zotero's connector reads: https://en.wikipedia.org/wiki/COinS."""
    rows = [
        ("url_ver", "Z39.88-2004"),
        ("ctx_ver", "Z39.88-2004"),
        ("rfr_id", "info:sid/arxiv.org"),
        ("rft_val_fmt", "info:ofi/fmt:kev:mtx:dc"),
        ("rft.type", "preprint" if paper.is_preprint else "article"),
        ("rft.title", in_one_line(paper.title)),
        ("rft.date", first_date(paper)),
        ("rft.identifier", paper.url),
        *([("rft.identifier", f"urn:doi:{doi(paper)}")] if doi(paper) else []),
        ("rft.publisher", in_one_line(paper.place)),
        ("rft.description", in_one_line(paper.abstract)),
    ]
    return urlencode([*rows, *(("rft.creator", in_one_line(author.name)) for author in paper.authors)])


def highwire(paper: Paper) -> list[tuple[str, str]]:
    """Returns the meta tags of a paper's page, by name, as arXiv's own pages have them."""
    day = first_date(paper).replace("-", "/")
    rows = [("citation_title", in_one_line(paper.title))]
    rows += [("citation_author", _last_first(author)) for author in paper.authors]
    rows += [("citation_date", day), ("citation_online_date", day), ("citation_doi", doi(paper))]
    if paper.is_preprint:
        rows += [("citation_publisher", paper.place)]
        rows += [("citation_arxiv_id", paper.id), ("citation_pdf_url", paper.links["pdf"])] if paper.is_arxiv else []
        # Zotero's own: without them it takes what has these tags for an article of a journal
        rows += [("z:itemType", "preprint"), ("z:archiveID", label_of(paper.id))]
    else:
        rows += [("citation_journal_title", in_one_line(paper.venue))]
    rows += [("citation_abstract", in_one_line(paper.abstract))]
    return [(name, value) for name, value in rows if value or paper.is_arxiv]


def doi(paper: Paper) -> str:
    """Returns the DOI of the paper itself, "" where it has none."""
    return own_doi(paper.id)


def first_date(paper: Paper) -> str:
    """Returns the date of version 1, as precisely as it is known: "2026-03-06" or "2026-03"."""
    return paper.published[:10] or paper.month or paper.updated[:10]


def in_one_line(text: str) -> str:
    """Returns a text in one line, without characters that XML cannot have."""
    return " ".join(plain(text).split())


def _last_first(author: Author) -> str:
    given, family, suffix = author.parts
    return (
        in_one_line(", ".join(part for part in (family, given, suffix) if part)) if given else in_one_line(author.name)
    )


def _csl_name(author: Author) -> dict[str, str]:
    given, family, suffix = author.parts
    if not given:
        return {"literal": in_one_line(author.name)}
    return {"family": in_one_line(family), "given": in_one_line(given)} | ({"suffix": suffix} if suffix else {})


def citation_key(paper: Paper) -> str:
    """Returns the citation key: first author's last name, year, and first significant word of the title."""
    names = _key_words(paper.authors[0]) if paper.authors else ["arxiv"]
    words = [word for word in map(_ascii, fold(plain(paper.title)).split()) if word]
    first = next((word for word in words if word not in _SMALL_WORDS), words[0] if words else "")
    return f"{_ascii(names[-1] if names else '') or 'anonymous'}{year(paper)}{first}"


def _key_words(author: Author) -> list[str]:
    """Words of a name of which the last one stands for it: a person's family name, a group's first word."""
    words = fold(plain(author.parts[1])).split()
    if not author.is_group:
        return words
    return next(([word] for word in map(_ascii, words) if word and word not in _SMALL_WORDS), words[-1:])


def year(paper: Paper) -> str:
    """The year of version 1: as arXiv said, or by the identifier, which begins with year and month."""
    if paper.published:
        return paper.published[:4]
    return first_date(paper)[:4]


def escaped(text: str) -> str:
    """Returns `text` escaped for TeX."""
    return " ".join(plain(text).split()).translate(_ESCAPES)


def _title(paper: Paper) -> str:
    tex = " ".join(plain(paper.title_tex).split())
    if tex and _is_sound(tex):
        return "".join(
            part if part.startswith("$") else _BARE_IN_PROSE.sub(r"\\\1", part) for part in _MATHS.split(tex)
        )
    return _WORD.sub(_protected, escaped(paper.title))


def _protected(word: "re.Match[str]") -> str:
    """ "LLM" and "MoE" in braces: bibliographies of many styles would write "llm"."""
    return f"{{{word[0]}}}" if sum(map(str.isupper, word[0])) > 1 else word[0]


def _is_sound(tex: str) -> bool:
    """Whether TeX can stand in braces: its own are balanced, its formulas have an end, and it only typesets."""
    bare = re.sub(r"\\.", "", tex)
    depth = 0
    for char in bare:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return False
    return depth == 0 and bare.count("$") % 2 == 0 and not _UNSAFE.search(tex) and not tex.endswith("\\")


def _name(author: Author) -> str:
    """A name that BibTeX takes for one: a comma or an "and" in it would make two of it, and a group is no person."""
    given, family, suffix = author.parts
    if given and suffix and not ("," in author.name.removesuffix(suffix).rstrip(" ,") or _AND.search(author.name)):
        return escaped(f"{family}, {suffix}, {given}")
    name = escaped(author.name)
    return f"{{{name}}}" if "," in name or author.is_group or _AND.search(name) else name


def _ascii(word: str) -> str:
    return "".join(char for char in word if char.isascii() and char.isalnum())
