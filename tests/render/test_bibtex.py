"""BibTeX: what is in an entry, and that LaTeX takes it whatever the paper's own texts hold."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.paper import Author
from core.render.citations import bibtex, citation_key, escaped, year
from tests.support.invented import make_paper
from tests.support.tables import each_row


def field_of(entry: str, name: str) -> str:
    """The value of a field."""
    (value,) = re.findall(rf"^  {name} = {{(.*)}},?$", entry, re.MULTILINE)
    return str(value)


def depth(text: str) -> int:
    """How many braces are open in the end; -1 if one was closed that was not open."""
    depth = 0
    for char in re.sub(r"\\.", "", text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            return -1
    return depth


def test_entry() -> None:
    """The fields that arXiv's own entries have, in their order."""
    paper = make_paper(
        1, "cs.DC", "cs.LG", title="On the KV cache", authors=(Author("Ada Example"), Author("Zoë O'Sample", "Town"))
    )
    assert (
        "@misc{example2026kv,\n"
        "  title = {On the {KV} cache},\n"
        "  author = {Ada Example and Zoë O'Sample},\n"
        "  year = {2026},\n"
        "  eprint = {2601.00001},\n"
        "  archivePrefix = {arXiv},\n"
        "  primaryClass = {cs.DC},\n"
        "  url = {https://arxiv.org/abs/2601.00001}\n"
        "}"
    ) == bibtex(paper)


@each_row(
    ("more", "key"),
    [
        ({"title": "A Study of Caches", "authors": (Author("Ada van der Example"),)}, "example2026study"),
        ({"title": "The", "authors": (Author("Zoë Ölsçâmple"),)}, "olscample2026the"),
        ({"title": "中文", "authors": (Author("王 伟"),)}, "anonymous2026"),
        ({"title": "KV-cache: why?", "authors": ()}, "arxiv2026kv"),
        ({"title": "<i>Gaia</i> data", "authors": (Author("J. Sample-Example"),)}, "example2026gaia"),
        ({"title": "A search", "authors": (Author("SAMPLE Collaboration"), Author("B. Other"))}, "sample2026search"),
        ({"title": "A search", "authors": (Author("The Sample Team"),)}, "sample2026search"),
        ({"title": "A search", "authors": (Author("Ada Example III"),)}, "example2026search"),
        ({"title": "3D", "published": "2019-02-01T00:00:00Z"}, "sample20193d"),
    ],
)
def test_key(more: dict[str, Any], key: str) -> None:
    """The first author's last name, the year, and the first word that says something, in ASCII."""
    assert key == citation_key(make_paper(**more))


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("2512.22925", "2025"),
        ("0704.0001", "2007"),
        ("hep-th/9901001", "1999"),
        ("math/0601001", "2006"),
        ("9107.00001", "2091"),
    ],
)
def test_year(identifier: str, expected: str) -> None:
    """Identifiers begin with year and month."""
    assert expected == year(make_paper(id=identifier))


@each_row(
    ("title", "tex", "expected"),
    [
        ("100% of R&D_x #1 ~ ^ \\ { } $5", "", r"100\% of R\&D\_x \#1 \~{} \^{} \textbackslash{} \{ \} \$5"),
        ("α-decay", r"$\alpha$-decay & 5%", r"$\alpha$-decay \& 5\%"),
        ("x_1", r"$x_1$ and x_1^2", r"$x_1$ and x\_1\^2"),
        ("Schrödinger", r"Schr\"{o}dinger {LLM}", r"Schr\"{o}dinger {LLM}"),
        ("Unbalanced LLM", r"Unbalanced {LLM", "Unbalanced {LLM}"),
        ("Closed first", r"}{", "Closed first"),
        ("Odd", r"cost $5", "Odd"),
        ("Read me", r"\input{/etc/passwd}", "Read me"),
        ("Write me", r"\immediate\write18{ls}", "Write me"),
        ("End", "End\\", "End"),
        ("Two  lines", "", "Two lines"),
        ("MoE for vLLM at CERN", "", "{MoE} for {vLLM} at {CERN}"),
    ],
)
def test_title(title: str, tex: str, expected: str) -> None:
    """TeX as arXiv serves it, if it is sound and only typesets; else the readable title, escaped."""
    assert expected == field_of(bibtex(make_paper(title=title, title_tex=tex)), "title")


def test_authors_are_counted_as_they_are() -> None:
    """A comma or an "and" in a name makes no other name of it; 3,303 of them are all there."""
    odd = (Author("Sample, Jr."), Author("Rise and Shine Collaboration"), Author("Alexandra Grand"))
    assert "{Sample, Jr.} and {Rise and Shine Collaboration} and Alexandra Grand" == field_of(
        bibtex(make_paper(authors=odd)), "author"
    )
    more = (Author("SAMPLE Collaboration"), Author("John Sample Jr."), Author("Ada van Example"))
    assert "{SAMPLE Collaboration} and Sample, Jr., John and Ada van Example" == field_of(
        bibtex(make_paper(authors=more)), "author"
    )
    many = tuple(Author(f"Author{number} Sample") for number in range(3303))
    assert 3302 == field_of(bibtex(make_paper(authors=many)), "author").count(" and ")
    assert "{arXiv}" == field_of(bibtex(make_paper(authors=())), "author")


@given(st.text(max_size=40), st.text("ab{}$\\%&_^ ", max_size=20), st.text(max_size=20))
def test_braces_are_balanced(title: str, tex: str, name: str) -> None:
    """Whatever the texts are, the entry ends where it should, and each field is on one line."""
    entry = bibtex(make_paper(title=title, title_tex=tex, authors=(Author(name),)))
    assert 0 == depth(entry)
    assert 9 == len(entry.splitlines())


@given(st.text(max_size=40))
def test_escaped_has_nothing_special(text: str) -> None:
    """No character of TeX's own is left that is not escaped."""
    bare = re.sub(r"\\(?:textbackslash\{\}|[\^~]\{\}|[{}$&%#_])", "", escaped(text))
    assert not set(bare) & set("\\{}$&%#_^~")
