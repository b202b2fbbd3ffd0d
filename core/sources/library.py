"""Libraries of references as seeds of interests: BibTeX, RIS, CSL JSON, and lines of arXiv links or identifiers.

What a file holds is found out from the file itself, whatever its media type says. A damaged entry is left out and
counted; others are kept.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from core.model.errors import InvalidInput
from core.model.paper import parse_arxiv_id
from core.model.votes import Reference, make_reference
from core.text.tex import to_readable

MOST_REFERENCES = 20_000
_LONGEST_VALUE = 20_000  # characters of a field
_MOST_OPEN = 500  # values without an end: each is looked through to no avail
_EXPECTED = "send BibTeX, RIS, CSL JSON, or lines of arXiv links or identifiers"
_ARXIV = re.compile(
    r"(?:arxiv(?:\.org/(?:abs|pdf|html)/|[:.\s/]+)|^\s*)((?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5}))(?!\d)",
    re.IGNORECASE | re.MULTILINE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")


class Library(NamedTuple):
    """The references of a file, newest first, its `format`, and how many of its entries could not be used."""

    references: tuple[Reference, ...]
    format: str
    rejected: int


class _Entry(NamedTuple):
    """A reference with what orders it: the year, or the month of its identifier."""

    reference: Reference
    year: str


def parse_library(data: bytes, source: str = "file") -> Library:
    """Read a library. Raises `InvalidInput` if it has no usable entry, or is something else."""
    text = _decoded(data)
    name, read = next(((name, read) for name, looks_so, read in _FORMATS if looks_so(text)), ("links", _read_links))
    entries: list[_Entry] = []
    rejected = 0
    for fields in read(text):
        entry = _entry_of(fields, source)
        if entry is None:
            rejected += 1
        else:
            entries.append(entry)
        if len(entries) + rejected >= MOST_REFERENCES:
            break
    if not entries:
        found = f"it looks like {name}, but none of its {rejected} entries has a title or an arXiv identifier"
        raise InvalidInput(f"{found if rejected else 'this is not a library'}; {_EXPECTED}")
    entries.sort(key=lambda entry: entry.year, reverse=True)
    return Library(tuple(entry.reference for entry in entries), name, rejected)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if data.startswith((b"%PDF", b"PK\x03\x04")) or b"\x00" in data[:4096]:
        raise InvalidInput(f"this is a binary file, not a library; {_EXPECTED}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _entry_of(fields: Mapping[str, str], source: str) -> _Entry | None:
    title, abstract = (_plain(fields.get(name, "")) for name in ("title", "abstract"))
    paper = _arxiv_id(fields)
    if not (title or paper):
        return None
    year = _YEAR.search(fields.get("year", ""))
    short = paper.rpartition("/")[2][:4]
    of_paper = f"{'19' if short > '9' else '20'}{short[:2]}-{short[2:]}" if paper else ""
    return _Entry(make_reference(title, abstract, paper, source), of_paper or (year[0] if year else ""))


def _plain(text: str) -> str:
    text = to_readable(text[:_LONGEST_VALUE]) if "\\" in text or "{" in text else text
    return " ".join(re.sub(r"<[^<>]{1,60}>", " ", text).replace("{", "").replace("}", "").split())


def _arxiv_id(fields: Mapping[str, str]) -> str:
    """Returns the identifier of a reference without version, "" if it names none."""
    for name in ("eprint", "doi", "url", "number", "note", "journal"):
        value = fields.get(name, "").strip()[:300]
        for text in (value, *(match[1] for match in _ARXIV.finditer(value))):
            try:
                return parse_arxiv_id(text).id
            except ValueError:
                continue
    return ""


# BibTeX: http://www.bibtex.org/Format/

_ENTRY = re.compile(r"@\s*([A-Za-z]+)\s*[{(]\s*([^,{}()\"=\s]*)\s*,?")
_FIELD = re.compile(r"[\s,]*([A-Za-z][\w:.+-]*)\s*=\s*")
_BRACE = re.compile(r"\\.|[{}\"]", re.DOTALL)
_BARE = re.compile(r"[\w.:+-]+")
_JOINT = re.compile(r"\s*#\s*")
_NO_ENTRIES = ("comment", "preamble", "string")
_SAME = {"journaltitle": "journal", "date": "year", "howpublished": "note"}


def _read_bibtex(text: str) -> Iterator[Mapping[str, str]]:
    at = unended = 0
    while match := _ENTRY.search(text, at):
        at = match.end()
        if match[1].lower() in _NO_ENTRIES:
            continue
        fields: dict[str, str] = {}
        while field := _FIELD.match(text, at):
            value, at = _value(text, field.end())
            if value is None:
                unended += text[field.end() : field.end() + 1] in ("{", '"')
                if unended > _MOST_OPEN:
                    raise InvalidInput(f"more than {_MOST_OPEN} of its values have no closing brace or quotation mark")
                break
            name = field[1].lower()
            fields.setdefault(_SAME.get(name, name), value)
        yield fields


def _value(text: str, at: int) -> tuple[str | None, int]:
    """Returns the value that begins at `at`, and where it ends; None if it does not end."""
    parts = []
    while True:
        opening = text[at : at + 1]
        if opening in ("{", '"') and opening:
            end = _closing(text, at + 1, opening)
            if end < 0:
                return None, at + 1
            parts.append(text[at + 1 : end])
            at = end + 1
        elif bare := _BARE.match(text, at):
            parts.append(bare[0])
            at = bare.end()
        else:
            return None, at
        if not (joint := _JOINT.match(text, at)):
            return "".join(parts), at
        at = joint.end()


def _closing(text: str, at: int, opening: str) -> int:
    depth = 0
    for match in _BRACE.finditer(text, at, at + _LONGEST_VALUE):
        found = match[0]
        if found == "{":
            depth += 1
        elif found == "}":
            if depth == 0:
                return match.start() if opening == "{" else -1
            depth -= 1
        elif found == '"' and opening == '"' and depth == 0:
            return match.start()
    return -1


# RIS: https://en.wikipedia.org/wiki/RIS_(file_format)

_RIS_LINE = re.compile(r"^\s*([A-Z][A-Z0-9])\s{1,2}-(?:\s(.*))?$")
_RIS = {
    "TI": "title", "T1": "title", "AB": "abstract", "N2": "abstract", "UR": "url", "L1": "url", "L2": "url",
    "DO": "doi", "PY": "year", "Y1": "year", "DA": "year", "JO": "journal", "T2": "journal", "N1": "note", "M3": "note",
    "AN": "number",
}  # fmt: skip


def _read_ris(text: str) -> Iterator[Mapping[str, str]]:
    fields: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        match = _RIS_LINE.match(line)
        if not match:
            if last and line.strip():
                fields[last] += f" {line.strip()}"
        elif match[1] in ("TY", "ER"):
            if fields:
                yield fields
            fields, last = {}, ""
        else:
            last = _RIS.get(match[1], "")
            if last in fields:
                last = ""
            elif last:
                fields[last] = match[2] or ""
    if fields:
        yield fields


# CSL JSON: https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html


def _read_csl(text: str) -> Iterator[Mapping[str, str]]:
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"this is not JSON, though it begins like it: {error}; {_EXPECTED}") from None
    rows = plain.get("items", [plain]) if isinstance(plain, dict) else plain
    for row in rows if isinstance(rows, list) else []:
        yield _csl_fields(row) if isinstance(row, dict) else {}


def _csl_fields(row: Mapping[str, Any]) -> Mapping[str, str]:
    row = row.get("data", row) if isinstance(row.get("data"), dict) else row  # Zotero's own JSON
    text = {str(name).lower(): value for name, value in row.items() if isinstance(value, str)}
    issued = row.get("issued") or {}
    year = str(issued.get("date-parts") or issued.get("raw") or "") if isinstance(issued, dict) else str(issued)
    fields = {name: text.get(name, "") for name in ("title", "abstract", "url", "doi", "number", "note")}
    fields["abstract"] = fields["abstract"] or text.get("abstractnote", "")
    fields["eprint"] = text.get("archiveid", "") or text.get("archive_location", "")
    fields["note"] = " ".join((fields["note"], text.get("extra", "")))
    fields["journal"] = text.get("container-title", "") or text.get("publicationtitle", "")
    return fields | {"year": year or text.get("date", "")}


# Lines of links or identifiers


def _read_links(text: str) -> Iterator[Mapping[str, str]]:
    for line in text.splitlines():
        found = list(dict.fromkeys(match[1] for match in _ARXIV.finditer(line[:2000])))
        if found:
            yield from ({"eprint": one} for one in found)
        elif line.strip():
            yield {}


_Format = tuple[str, Callable[[str], bool], Callable[[str], Iterable[Mapping[str, str]]]]
_FORMATS: tuple[_Format, ...] = (
    ("CSL JSON", lambda text: text.lstrip()[:1] in ("[", "{"), _read_csl),
    ("RIS", lambda text: bool(re.search(r"^\s*TY\s{1,2}-", text, re.MULTILINE)), _read_ris),
    ("BibTeX", lambda text: bool(re.search(r"@\s*[A-Za-z]+\s*[{(]", text)), _read_bibtex),
)
