"""Libraries in their formats: what is read of them, and what is said of files that are none."""

import json
import time
from contextlib import suppress

import pytest

from core.model.errors import InvalidInput
from core.sources.library import parse_library
from tests.support.tables import each_row

BIBTEX = r"""
@comment{ignored {entirely}}
@string{jmlr = "Journal"}
@Article{first,
  author = {Placeholder, Grace},
  title = {{Deep} {\'E}tudes of Caches},
  journal = jmlr # " of Samples",
  year = 2021,
  abstract = "We study {\"o}l in ``caches'' and {nested {braces}}."
}
@inproceedings{second, title={Prefill, scheduled}, eprint = {2601.01234v2}, archivePrefix={arXiv}, year={2026}}
@misc{third, title="Old strings", note = {arXiv preprint arXiv:hep-th/9901001}, date = {1999-01-02}}
@misc{none, author={Nobody}}
"""
RIS = """TY  - JOUR
TI  - Caches of samples
AB  - We cache
      more.
UR  - https://arxiv.org/abs/2601.01234
PY  - 2026/01/03
ER  -
TY  - BOOK
T1  - A book
Y1  - 1999
ER  -
"""
CSL = [
    {"title": "Caches <i>of</i> samples", "abstract": "We cache.", "issued": {"date-parts": [[2026, 1]]}},
    {"title": "Another", "DOI": "10.48550/arXiv.2601.01234", "issued": {"raw": "2025"}},
    {"author": [{"family": "Nobody"}]},
    "not an entry",
]
LINKS = "https://arxiv.org/abs/2601.01234v2\n2512.00001\nsee arXiv:hep-th/9901001 there\nnothing here\n"


def test_bibtex() -> None:
    """Braces, quotes, TeX, joined strings and identifiers are read, the newest first; an empty entry is counted."""
    library = parse_library(BIBTEX.encode())
    assert ("BibTeX", 1) == (library.format, library.rejected)
    second, first, third = library.references
    assert ("Prefill, scheduled", "2601.01234") == (second.title, second.paper)
    assert "Deep Études of Caches" == first.title
    assert "nested braces" in first.abstract
    assert ("Old strings", "hep-th/9901001") == (third.title, third.paper)


def test_other_formats() -> None:
    """RIS, CSL JSON and lines of links give titles, abstracts and identifiers."""
    ris = parse_library(RIS.encode())
    assert [("Caches of samples", "2601.01234"), ("A book", "")] == [(one.title, one.paper) for one in ris.references]
    assert "We cache more." == ris.references[0].abstract
    csl = parse_library(json.dumps(CSL).encode())
    assert ("CSL JSON", 2) == (csl.format, csl.rejected)
    assert ["Another", "Caches of samples"] == [one.title for one in csl.references]
    assert "2601.01234" == csl.references[0].paper
    links = parse_library(LINKS.encode())
    assert (["2601.01234", "2512.00001", "hep-th/9901001"], 1) == (
        [one.paper for one in links.references],
        links.rejected,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    """Libraries in the usual encodings are read."""
    assert "Étude" == parse_library("@misc{a, title = {Étude}}".encode(encoding)).references[0].title


@each_row(
    ("data", "message"),
    [
        (b"", "this is not a library"),
        (b"Dear diary,\nnothing happened.", "looks like links, but none of its 2 entries"),
        (b"%PDF-1.7 ...", "binary file"),
        (b"\x00\x01\x02", "binary file"),
        (b"[1, 2", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "looks like CSL JSON"),
        (b"@misc{a, author = {Nobody}}", "looks like BibTeX, but none of its 1 entries"),
    ],
)
def test_no_library(data: bytes, message: str) -> None:
    """A file that is no library is refused, with what it seems to be and what is expected."""
    with pytest.raises(InvalidInput, match="BibTeX, RIS, CSL JSON, or lines") as error:
        parse_library(data)
    assert message in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", [b"@misc{a, x={", b'@misc{a, x="', b"@a{", b"arXiv:", b"TY  - X\n", b"a={}\n@a{b, c={"]
)
def test_large_and_broken_files_end(unit: bytes) -> None:
    """Five megabytes of the worst take about five times as long as one, not twenty-five."""

    def seconds(size: int) -> float:
        begin = time.thread_time()
        with suppress(InvalidInput):
            parse_library(unit * (size // len(unit)))
        return time.thread_time() - begin

    assert seconds(5_000_000) < 12 * seconds(1_000_000) + 1
