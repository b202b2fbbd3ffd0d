"""Papers: a work at a version, its identifier, its authors, and whether it is withdrawn.

Most are arXiv's. A paper from elsewhere is named by its DOI, or by a fingerprint of what its feed calls it; such a name
has exactly one slash, as arXiv's old identifiers have, and nothing that an address, a header or a file would escape.

arXiv does not mark withdrawals; they are recognised from the texts of authors and moderators.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from core.text.fold import fold
from core.text.names import GROUP
from core.text.sanitize import addresses
from core.util.signing import fingerprint

# arXiv identifiers, https://info.arxiv.org/help/arxiv_identifier.html: since April 2007 YYMM.NNNN(N), before that
# archive/YYMMNNN, where the archive may carry a subject class (math.AG/0601001) that is not part of the identity.
_PAGES = (  # of the same paper: proxies make one slash of two
    r"(?:[\w-]+\.)*(?:arxiv|alphaxiv|ar5iv)\.org/(?:abs|pdf|html|overview|format|src|e-print)/",
    r"(?:www\.)?(?:huggingface|hf)\.co/papers/",
    r"(?:dx\.|www\.)?doi\.org/10\.48550/arXiv\.",
)
_ID = re.compile(
    rf"(?:oai:arXiv\.org:|arXiv:\s*|(?:doi:\s*)?10\.48550/arXiv\.|(?:https?:/{{1,2}})?(?:{'|'.join(_PAGES)}))?"
    r"(?P<id>\d{4}\.\d{4,5}|(?P<archive>[a-z]+(?:-[a-z]+)*)(?:\.[A-Z]{2})?/(?P<number>\d{7}))"
    r"(?:v(?P<version>[1-9]\d{0,3}))?(?:\.pdf)?(?P<rest>/?(?:[?#]\S*)?)",
    re.ASCII | re.IGNORECASE,
)

# Where authors publish code, with or without a scheme; trailing punctuation belongs to the sentence. Of Hugging Face's
# pages models, data sets and spaces are code; papers, posts and the like are not
_CODE = re.compile(
    r"(?<![\w.@/-])(?:https?://)?(?:www\.)?(?:"
    r"(?:gist\.)?github\.com/|gitlab(?:\.[\w-]+)+/|codeberg\.org/|bitbucket\.org/|anonymous\.4open\.science/|"
    r"(?:huggingface|hf)\.co/(?!(?:papers|blog|docs|posts|learn|tasks|collections|models|datasets/?$)\b)(?=[\w.-]+/[\w-])"
    r")[\w.\-/]*[\w\-]",
    re.IGNORECASE,
)
# Each of these addresses has the end of a host, and one of these parts
_HOST_END = re.compile(r"\.[\w-]+/", re.ASCII)
_CODE_PARTS = ("github.com/", "gitlab.", "codeberg.org/", "bitbucket.org/", ".4open.science/", "face.co/", "hf.co/")
_BEFORE_HOST = 40  # characters of an address before those parts, at most
_DOI = re.compile(r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:\s*)?(10\.\d{2,9}(?:\.\d+)*/\S+)", re.IGNORECASE)
_BETWEEN_DOIS = re.compile(r"\s+|[,;]\s*(?=(?:doi:|https?://|10\.\d+/))", re.IGNORECASE)
_LONGEST_ADDRESS = 300
_FIRST_YEAR = 91  # arXiv began in 1991


class PaperId(NamedTuple):
    """An identifier without version ("2512.22925", "astro-ph/9906432"), and the version if one was named."""

    id: str
    version: int | None = None

    def __str__(self) -> str:
        return self.id if self.version is None else f"{self.id}v{self.version}"


def parse_id(text: str) -> PaperId:
    """Read the identifier of any paper: arXiv's (`parse_arxiv_id`), a DOI (bare, `doi:`, or its address), or the name
    of a paper that has neither.

    Raises `ValueError` if `text` is none of these.
    """
    try:
        return parse_arxiv_id(text)
    except ValueError:
        if found := _elsewhere(text.strip()):
            return found
        raise


def is_arxiv_id(identifier: str) -> bool:
    """Returns whether an identifier, as `parse_id` returns it, is arXiv's."""
    return not identifier.startswith(_ELSEWHERE)


def label_of(identifier: str) -> str:
    """Returns an identifier as people write it: "arXiv:2512.22925v1", "doi:10.1101/2026.02.03.123456"."""
    if is_arxiv_id(identifier):
        return f"arXiv:{identifier}"
    return f"doi:{doi}" if (doi := own_doi(identifier)) else identifier


def page_of(identifier: str) -> str:
    """Returns the address of a paper's page from its identifier alone, "" where that does not say it."""
    if is_arxiv_id(identifier):
        return f"https://arxiv.org/abs/{identifier}"
    return f"https://doi.org/{quote(doi)}" if (doi := own_doi(identifier)) else ""


def own_doi(identifier: str) -> str:
    """Returns the DOI of the paper itself: arXiv registers one for each (https://info.arxiv.org/help/doi.html)."""
    if is_arxiv_id(identifier):
        return f"10.48550/arXiv.{identifier}"
    if identifier.startswith(_GUID):
        return ""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), _VERSION.sub("", identifier))


def doi_id(doi: str) -> str:
    """Returns the identifier of a paper with this DOI, "" if that is none.

    DOIs are case-insensitive (https://www.doi.org/doi-handbook), and may have any character after the first slash;
    those with a meaning in an address are written as "~" and their number.
    """
    match = _DOI.fullmatch(doi.strip())
    if not match or len(match[1]) > _LONGEST_DOI or not match[1].isascii():
        return ""
    prefix, _, suffix = match[1].lower().partition("/")
    escaped = _UNSAFE.sub(lambda found: f"~{ord(found[0]):02x}", suffix)
    # What looks like the version of an identifier would be taken for one
    return f"{prefix}/{_LIKE_VERSION.sub(r'~76', escaped)}"


def guid_id(*names: str) -> str:
    """Returns the identifier of a paper without a DOI, from what its feed calls it."""
    return f"{_GUID}{fingerprint('guid', names)[:16]}"


_PREPRINT_SERVERS = ("bioRxiv", "medRxiv")
_GUID = "guid/"
_ELSEWHERE = ("10.", _GUID)
_GUID_NAME = re.compile(r"(guid/[0-9a-f]{16})(?:v([1-9]\d{0,3}))?", re.ASCII)
_VERSION = re.compile(r"v[1-9]\d{0,3}\Z", re.ASCII)
_LIKE_VERSION = re.compile(r"v(?=\d{1,4}\Z)", re.ASCII)
_UNSAFE = re.compile(r"[^a-z0-9._~-]|~(?![0-9a-f]{2})")
_ESCAPED = re.compile(r"~([0-9a-f]{2})")
_LONGEST_DOI = 200
# A version follows a letter or a digit, as in bioRxiv's addresses; "…/v1" and "….v2" are parts of DOIs
_DOI_VERSION = re.compile(r"(?<=[^./])v([1-9]\d{0,3})\Z", re.ASCII | re.IGNORECASE)
_PREPRINT_PAGE = re.compile(r"https?://(?:www\.)?(?:bio|med)rxiv\.org/content/(?=10\.)", re.IGNORECASE)
_PAGE_END = re.compile(r"(?:\.(?:full|abstract)(?:[.-][a-z]+)*)?(?:[?#].*)?\Z")


def _elsewhere(text: str) -> "PaperId | None":
    """Reads the identifier of a paper that is not arXiv's."""
    if match := _GUID_NAME.fullmatch(text):
        return PaperId(match[1], int(match[2]) if match[2] else None)
    if page := _PREPRINT_PAGE.match(text):
        text = _PAGE_END.sub("", text[page.end() :])
    found = _DOI.fullmatch(text)
    if not found:
        return None
    name = unquote(found[1]) if "://" in text else found[1]
    version = _DOI_VERSION.search(name)
    identifier = doi_id(name[: version.start()] if version else name)
    return PaperId(identifier, int(version[1]) if version else None) if identifier else None


def parse_arxiv_id(text: str) -> PaperId:
    """Read an identifier of arXiv in any common spelling: bare, `arXiv:`, `oai:arXiv.org:`, its DOI, or the address of
    its page at arXiv, alphaXiv or Hugging Face.

    Raises `ValueError` if `text` is none of these.
    """
    match = _ID.fullmatch(text.strip())
    if not match or (match["rest"] and match.start("id") == 0):
        raise ValueError(
            f"{text[:_LONGEST_ADDRESS]!r} is not an arXiv identifier such as 2512.22925v1 or astro-ph/9906432"
        )
    archive = match["archive"]
    bare = f"{archive.lower()}/{match['number']}" if archive else match["id"]
    return PaperId(bare, int(match["version"]) if match["version"] else None)


_SUFFIX = re.compile(r"(?i:jr|sr|esq|ph\.? ?d|m\.?d)\.?|II|III|IV|VI{0,3}", re.ASCII)


def is_suffix(text: str) -> bool:
    """Returns whether `text` is the suffix of a person's name: "Jr.", "III"."""
    return bool(_SUFFIX.fullmatch(text))


@cache  # lists of thousands are sorted by it, and there are few months
def _month(digits: str) -> int:
    """Returns the month of an identifier that begins with these digits, as an increasing number: "2512", "9906"."""
    year = int(digits[:2])
    return (year + (100 if year < 91 else 0)) * 12 + int(digits[2:])


class Author(NamedTuple):
    """A name as printed, and the affiliation if arXiv's author string held one in parentheses.

    A suffix is part of the name, without a comma: lists of names have commas between them.
    """

    name: str
    affiliation: str = ""

    @property
    def is_group(self) -> bool:
        """Whether this is a group: "ATLAS Collaboration", "The Sample Team"."""
        return bool(GROUP.search(self.name))

    @property
    def parts(self) -> tuple[str, str, str]:
        """Given names, family name with its particles ("van der Sample"), and suffix; of a group only the second."""
        if self.is_group:
            return "", self.name, ""
        words = self.name.replace(",", " ").split()
        suffix = words.pop() if len(words) > 1 and is_suffix(words[-1]) else ""
        at = next((n for n, word in enumerate(words[1:-1], 1) if word[:1].islower()), len(words) - 1)
        return " ".join(words[:at]), " ".join(words[at:]), suffix


@dataclass(frozen=True, slots=True)
class Paper:
    """An arXiv work at a version.

    `title` and `abstract` are readable text (TeX accents as Unicode, paragraphs separated by one newline); `title_tex`
    and `abstract_tex` hold what arXiv served where that differs. `categories` begins with the primary one; it is empty
    for a paper that only Hugging Face lists. `published` (of version 1) and `updated` are RFC 3339 times. What
    arXiv did not say is the empty string. `upvotes` and `repo`, a code host's address, are Hugging Face's; None and ""
    where it has not picked the paper. `doi` and `journal_ref` are those of the publication in a journal. Of a paper
    from elsewhere `link` is the page, and `venue` who publishes it; its categories are none of arXiv's.
    `news` is what makes it notable again, in the form of `core.model.again`, on a date of that source only.
    """

    id: str
    version: int
    title: str
    abstract: str
    authors: tuple[Author, ...]
    categories: tuple[str, ...]
    title_tex: str = ""
    abstract_tex: str = ""
    licence: str = ""
    doi: str = ""
    journal_ref: str = ""
    comment: str = ""
    published: str = ""
    updated: str = ""
    repo: str = ""
    upvotes: int | None = None
    link: str = ""
    venue: str = ""
    news: str = ""

    @property
    def is_arxiv(self) -> bool:
        """Whether it is at arXiv."""
        return is_arxiv_id(self.id)

    @property
    def label(self) -> str:
        """Its identifier with the version, as people write it: "arXiv:2512.22925v1"."""
        return label_of(self.versioned if self.is_arxiv else self.id)

    @property
    def is_preprint(self) -> bool:
        """Whether it is on a preprint server, and not in a journal or on a blog."""
        return self.is_arxiv or self.venue in _PREPRINT_SERVERS

    @property
    def uri(self) -> str:
        """A URI that names this version and never changes, for feeds: the page may move."""
        if self.is_arxiv:
            return f"{self.url}v{self.version}"
        return f"{page_of(self.id) or f'urn:x-paperwire:{self.id}'}v{self.version}"

    @property
    def place(self) -> str:
        """Where it is: "arXiv", or who publishes it."""
        return "arXiv" if self.is_arxiv else self.venue

    @property
    def versioned(self) -> str:
        """The identifier with its version: "2512.22925v1"."""
        return f"{self.id}v{self.version}"

    @property
    def month(self) -> str:
        """The month of its identifier: "2025-12"; of another paper that of its publication, "" if it is not known."""
        if not self.is_arxiv:
            return f"{day:%Y-%m}" if (day := self.published_on) else ""
        short = self.id.rpartition("/")[2]
        century = "19" if "/" in self.id and int(short[:2]) >= _FIRST_YEAR else "20"
        return f"{century}{short[:2]}-{short[2:4]}"

    @property
    def primary(self) -> str:
        """The primary category; "" where none is known."""
        return self.categories[0] if self.categories else ""

    @property
    def published_on(self) -> date | None:
        """The day on which version 1 was submitted, if it is known."""
        return date.fromisoformat(self.published[:10]) if self.published else None

    @property
    def updated_on(self) -> date | None:
        """The day on which this version was submitted, if it is known."""
        return date.fromisoformat(self.updated[:10]) if self.updated else None

    @property
    def withdrawn(self) -> bool:
        """Whether its texts say that it is withdrawn."""
        return is_withdrawn(self)

    @property
    def folded_title(self) -> str:
        """The title as it is compared: see `fold`."""
        return fold(self.title)

    @property
    def folded_text(self) -> str:
        """Title and abstract as they are compared."""
        return fold(f"{self.title}\n{self.abstract}")

    @property
    def folded_authors(self) -> tuple[str, ...]:
        """The names of the authors as they are compared."""
        return tuple(fold(author.name) for author in self.authors)

    @property
    def has_code(self) -> bool:
        """Whether it names an address of code."""
        return bool(self.code)

    @property
    def url(self) -> str:
        """Its page."""
        return page_of(self.id) if self.is_arxiv else self.link or page_of(self.id)

    @property
    def version_url(self) -> str:
        """The page of this version."""
        return page_of(self.versioned) if self.is_arxiv else self.url

    @property
    def links(self) -> dict[str, str]:
        """Where to read it. arXiv asks that others link to its pages rather than serve the papers themselves."""
        links = {"abs": self.url}
        if self.is_arxiv:
            links["pdf"] = f"https://arxiv.org/pdf/{self.versioned}"
            links["html"] = f"https://arxiv.org/html/{self.versioned}"
        doi = next(iter(find_dois(self.doi)), "") if self.doi else ""
        if doi := doi or ("" if self.is_arxiv else own_doi(self.id)):
            links["doi"] = f"https://doi.org/{quote(doi)}"
        if code := self.code:
            links["code"] = quote(code, safe=":/")
        return links

    @property
    def code(self) -> str:
        """The first address of a code host that the abstract or the comment names, else the one that its `repo` is."""
        match = _search_code(self.abstract) or _search_code(self.comment)
        return _with_scheme(match[0]) if match else self.repo


def _search_code(text: str) -> "re.Match[str] | None":
    """Returns the first URL at a code host. Most texts without one lack the necessary dots and slashes."""
    if not _HOST_END.search(text):
        return None
    lowered = text.lower()
    found = [at for part in _CODE_PARTS if (at := lowered.find(part)) >= 0]
    return _CODE.search(text, max(min(found) - _BEFORE_HOST, 0)) if found else None


def newest_first(paper: Paper) -> tuple[int, str, int]:
    """Returns a sort key: by the month of the identifier, then by identifier, newest version first."""
    if paper.is_arxiv:
        return -_month(paper.id.rpartition("/")[2][:4]), paper.id, -paper.version
    day = paper.published_on
    return -(day.year - 1900) * 12 - day.month if day else 0, paper.id, -paper.version


def code_address(text: str) -> str:
    """Returns `text` without query and fragment if it is a URL at a code host, else ""."""
    address = re.split(r"[?#]", text.strip(), maxsplit=1)[0].rstrip("/")
    return _with_scheme(address) if len(address) <= _LONGEST_ADDRESS and _CODE.fullmatch(address) else ""


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"https://{address}"


def find_dois(text: str) -> tuple[str, ...]:
    """Returns the DOIs in a field that may hold several, with "doi:" or as URLs."""
    parts = (part.strip(" ,;") for part in _BETWEEN_DOIS.split(text.replace("doi: ", "doi:")) if part)
    found = (match for part in parts if (match := _DOI.fullmatch(part)))
    return tuple(dict.fromkeys(unquote(m[1]) if "://" in m[0] else m[1] for m in found))


# Fields from other sources than the announcement: of all versions, and of one version
_OF_ALL = ("published", "repo", "upvotes")
_OF_VERSION = ("updated", "comment", "doi", "journal_ref")


def complete(paper: Paper, known: Paper) -> Paper:
    """Returns `paper` with the fields that arXiv's RSS lacks, from `known`, which is from the API or Hugging Face.

    Announced fields are kept. From another version only the common fields are taken, from another paper none.
    """
    if paper.id != known.id:
        return paper
    names = (*_OF_ALL, *_OF_VERSION) if paper.version == known.version else _OF_ALL
    news = {name: getattr(known, name) for name in names if getattr(paper, name) in ("", None)}
    news = {name: value for name, value in news.items() if value not in ("", None)}
    return replace(paper, **news) if news else paper


def as_first_announced(paper: Paper) -> Paper:
    """Returns version 1 of a paper of which a source has the newest version: without what is said of that one only."""
    return paper if paper.version == 1 else replace(paper, version=1, updated="", comment="")


def picked(paper: Paper, pick: Paper | None) -> Paper:
    """Returns `paper` with the fields of Hugging Face from `pick`; without them if `pick` is None."""
    upvotes, repo = (pick.upvotes, pick.repo) if pick else (None, "")
    return paper if (paper.upvotes, paper.repo) == (upvotes, repo) else replace(paper, upvotes=upvotes, repo=repo)


_WORK = r"(?:paper|article|submission|manuscript|work|preprint|version|note|report|thesis)"
_WITHDRAWN = re.compile(
    rf"\b(?:this|the|our) {_WORK} (?:has been|was|is|is being|had to be|will be) (?:\w+ )?(?:withdrawn|retracted)\b|"
    rf"\b(?:withdr[ae]w\w*|retract\w*|withdrawal of|retraction of) (?:this|the|our) {_WORK}\b|"
    r"\b(?:withdrawn|retracted) by (?:the )?(?:authors?|arxiv|submitter)\b|"
    r"^\W*(?:withdrawn|retracted)\b",
    re.IGNORECASE,
)
_WITHDRAWN_COMMENT = re.compile(r"\b(?:withdrawn|retracted)\b", re.IGNORECASE)
_WITHDRAWN_TITLE = re.compile(r"^\W*(?:withdrawn|retracted)\s*[:\])]", re.IGNORECASE)
_LONGEST_NOTICE = 400  # characters of an abstract that is nothing else; a longer one begins with the notice


def is_withdrawn(paper: Paper) -> bool:
    """Returns whether the comment or the title says that the paper is withdrawn, or the beginning of the abstract."""
    notice = paper.abstract if len(paper.abstract) <= _LONGEST_NOTICE else paper.abstract[: _LONGEST_NOTICE // 4]
    said = f"{paper.comment}\n{paper.title}\n{notice}".lower()
    if "thdr" not in said and "retract" not in said:  # of nearly all: the patterns take a hundred times as long
        return False
    texts = ((_WITHDRAWN_COMMENT, paper.comment), (_WITHDRAWN_TITLE, paper.title), (_WITHDRAWN, notice))
    return any(pattern.search(text) for pattern, text in texts)


def known_addresses(paper: Paper, text: str = "") -> frozenset[str]:
    """Returns the URLs that a summary of `paper` may link to: its links, and the URLs in its abstract, its comment and
    the full `text`, if that was read.
    """
    return addresses(f"{paper.abstract}\n{paper.comment}\n{text}", paper.links.values())
