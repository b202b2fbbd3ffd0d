"""Identifiers in all their spellings, and the links of a paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.categories import listed
from core.model.paper import Author, PaperId, code_address, complete, find_dois, is_withdrawn, parse_id, picked
from tests.support.invented import make_paper
from tests.support.tables import each_row

SPELLINGS = [
    ("2601.00001", "2601.00001", None),
    ("2601.00001v1", "2601.00001", 1),
    ("2601.00001v12", "2601.00001", 12),
    ("2601.00001V2", "2601.00001", 2),
    ("0704.0001", "0704.0001", None),
    ("0704.0001v9999", "0704.0001", 9999),
    ("  2601.00001\n", "2601.00001", None),
    ("astro-ph/9906432", "astro-ph/9906432", None),
    ("astro-ph/9906432v2", "astro-ph/9906432", 2),
    ("Astro-Ph/9906432", "astro-ph/9906432", None),
    ("solv-int/9701001v1", "solv-int/9701001", 1),
    ("math.AG/0601001", "math/0601001", None),
    ("math.AG/0601001v3", "math/0601001", 3),
    ("arXiv:2601.00001v2", "2601.00001", 2),
    ("arxiv:math.AG/0601001", "math/0601001", None),
    ("oai:arXiv.org:2601.00001v3", "2601.00001", 3),
    ("oai:arXiv.org:astro-ph/9906432", "astro-ph/9906432", None),
    ("http://arxiv.org/abs/2601.00001v1", "2601.00001", 1),
    ("https://arxiv.org/abs/astro-ph/9906432v1", "astro-ph/9906432", 1),
    ("https://www.arxiv.org/abs/2601.00001", "2601.00001", None),
    ("https://export.arxiv.org/abs/2601.00001v2", "2601.00001", 2),
    ("https://arxiv.org/pdf/2601.00001v1", "2601.00001", 1),
    ("https://arxiv.org/pdf/2601.00001v1.pdf", "2601.00001", 1),
    ("https://arxiv.org/pdf/math.AG/0601001.pdf", "math/0601001", None),
    ("https://arxiv.org/html/2601.00001v1", "2601.00001", 1),
    ("HTTPS://ARXIV.ORG/abs/2601.00001", "2601.00001", None),
    ("https:/arxiv.org/abs/2601.00001", "2601.00001", None),
    ("arxiv.org/abs/2601.00001v2", "2601.00001", 2),
    ("https://arxiv.org/abs/2601.00001?context=cs.LG", "2601.00001", None),
    ("https://arxiv.org/abs/2601.00001#comments", "2601.00001", None),
    ("https://arxiv.org/abs/2601.00001/", "2601.00001", None),
    ("https://arxiv.org/pdf/2601.00001v1.pdf#page=3", "2601.00001", 1),
    ("https://doi.org/10.48550/arXiv.2601.00001", "2601.00001", None),
    ("10.48550/arXiv.2601.00001", "2601.00001", None),
    ("doi:10.48550/arXiv.math/0601001", "math/0601001", None),
    ("https://www.alphaxiv.org/abs/2601.00001v2", "2601.00001", 2),
    ("https://alphaxiv.org/overview/2601.00001", "2601.00001", None),
    ("https://huggingface.co/papers/2601.00001", "2601.00001", None),
    ("https://hf.co/papers/2601.00001", "2601.00001", None),
    ("https://ar5iv.labs.arxiv.org/html/2601.00001", "2601.00001", None),
]

JUNK = [
    "",
    " ",
    "2601",
    "2601.001",
    "2601.000001",
    "26011.00001",
    "2601.00001v",
    "2601.00001v0",
    "2601.00001v01",
    "2601.00001v12345",
    "2601.00001 v1",
    "2601.00001v1v2",
    "2601.00001 2601.00002",
    "2601.00001\n2601.00002",
    "x2601.00001",
    "２６０１.００００１",
    "٢٦٠١.٠٠٠٠١",
    "astro-ph",
    "astro-ph/990643",
    "astro-ph/99064321",
    "astro_ph/9906432",
    "-ph/9906432",
    "math.A/0601001",
    "https://arxiv.org/list/2601.00001",
    "https://arxiv.org/abs/",
    "https://example.org/abs/2601.00001",
    "https://arxiv.org.example.org/abs/2601.00001",
    "https://arxivXorg/abs/2601.00001",
    "ftp://arxiv.org/abs/2601.00001",
    "javascript:2601.00001",
    "../2601.00001",
    "2601.00001/..",
    "2601.00001\0",
]


@each_row(("written", "bare", "version"), SPELLINGS)
def test_spellings_of_identifiers(written: str, bare: str, version: int | None) -> None:
    """Every common spelling of an identifier is read as the bare identifier and its version."""
    assert PaperId(bare, version) == parse_id(written)


@each_row("written", JUNK)
def test_what_is_no_identifier(written: str) -> None:
    """What is not an identifier is refused, with the text and an example in the message."""
    with pytest.raises(ValueError, match="is not an arXiv identifier such as") as caught:
        parse_id(written)
    assert repr(written) in str(caught.value)


@given(
    st.from_regex(r"[0-9]{4}\.[0-9]{4,5}|[a-z]{2,8}(-[a-z]{2,4})?/[0-9]{7}", fullmatch=True),
    st.none() | st.integers(1, 9999),
)
def test_an_identifier_reads_back(bare: str, version: int | None) -> None:
    """What an identifier is written as is read as that identifier."""
    assert PaperId(bare, version) == parse_id(str(PaperId(bare, version)))


@given(st.text() | st.text("0123456789.v/aArX:-", max_size=20))
def test_any_text_is_an_identifier_or_refused(text: str) -> None:
    """Any text is either an identifier, which is then stable, or refused with ValueError."""
    try:
        found = parse_id(text)
    except ValueError:
        return
    assert found == parse_id(str(found))


def test_links_of_a_plain_paper() -> None:
    """A paper links to its page without version, and to the PDF and HTML of its own version."""
    expected = {
        "abs": "https://arxiv.org/abs/2601.00001",
        "pdf": "https://arxiv.org/pdf/2601.00001v3",
        "html": "https://arxiv.org/html/2601.00001v3",
    }
    assert expected == make_paper(version=3).links


def test_links_of_an_old_paper_with_everything() -> None:
    """DOI and code are linked where the paper names them."""
    paper = make_paper(id="math/0601001", doi="10.0000/sample.1", comment="Code: https://github.com/sample/tool.")
    expected = {
        "abs": "https://arxiv.org/abs/math/0601001",
        "pdf": "https://arxiv.org/pdf/math/0601001v1",
        "html": "https://arxiv.org/html/math/0601001v1",
        "doi": "https://doi.org/10.0000/sample.1",
        "code": "https://github.com/sample/tool",
    }
    assert expected == paper.links


@each_row(
    ("abstract", "comment", "code"),
    [
        ("No address.", "", ""),
        ("At https://github.com/sample/tool.", "", "https://github.com/sample/tool"),
        ("At https://github.com/sample/tool, and more", "", "https://github.com/sample/tool"),
        ("(https://github.com/sample/tool)", "", "https://github.com/sample/tool"),
        ("at https://github.com/sample/tool/", "", "https://github.com/sample/tool"),
        ("at https://github.com/sample/tool.py-2_x!", "", "https://github.com/sample/tool.py-2_x"),
        ("http://gitlab.com/a/b/c", "", "http://gitlab.com/a/b/c"),
        ("<https://huggingface.co/sample/model>", "", "https://huggingface.co/sample/model"),
        ("https://codeberg.org/sample/tool", "", "https://codeberg.org/sample/tool"),
        ("https://github.com/a/first https://github.com/a/second", "", "https://github.com/a/first"),
        ("https://github.com/in/abstract", "https://github.com/in/comment", "https://github.com/in/abstract"),
        ("No address.", "https://github.com/in/comment", "https://github.com/in/comment"),
        ("https://example.org/github.com/sample/tool", "", ""),
        ("https://github.com.example.org/sample", "", ""),
        ("https://github.com", "", ""),
        ("github.com", "", ""),
        ("Code: github.com/sample/tool.", "", "https://github.com/sample/tool"),
        ("www.github.com/sample/tool", "", "https://www.github.com/sample/tool"),
        ("at (GitHub.com/sample/tool)", "", "https://GitHub.com/sample/tool"),
        ("https://anonymous.4open.science/r/tool-1A2B/", "", "https://anonymous.4open.science/r/tool-1A2B"),
        ("anonymous.4open.science/r/tool-1A2B.", "", "https://anonymous.4open.science/r/tool-1A2B"),
        ("https://gitlab.example.org/group/tool", "", "https://gitlab.example.org/group/tool"),
        ("https://bitbucket.org/sample/tool", "", "https://bitbucket.org/sample/tool"),
        ("https://huggingface.co/papers/2512.00001", "", ""),
        ("https://huggingface.co/papers/2512.00001 https://github.com/a/b", "", "https://github.com/a/b"),
        ("https://huggingface.co/blog/sample/post", "", ""),
        ("https://huggingface.co/datasets/sample/data", "", "https://huggingface.co/datasets/sample/data"),
        ("huggingface.co/sample/model", "", "https://huggingface.co/sample/model"),
        ("https://huggingface.co/sample", "", ""),
        ("name@github.com/sample", "", ""),
        ("sample.github.com/tool", "", ""),
    ],
)
def test_code_links(abstract: str, comment: str, code: str) -> None:
    """The first address of a code host counts, the abstract's before the comment's, without the sentence's marks."""
    assert code == make_paper(abstract=abstract, comment=comment).code


def test_code_from_hugging_face() -> None:
    """The address that Hugging Face knows stands in where the paper itself names none."""
    repo = "https://github.com/sample/told"
    assert repo == make_paper(repo=repo).code == make_paper(repo=repo).links["code"]
    assert make_paper(repo=repo, comment="At https://github.com/sample/own").code == "https://github.com/sample/own"


@each_row(
    ("text", "address"),
    [
        ("https://github.com/sample/tool", "https://github.com/sample/tool"),
        (" https://github.com/sample/tool/ ", "https://github.com/sample/tool"),
        ("https://github.com/sample/tool?tab=readme#use", "https://github.com/sample/tool"),
        ("http://codeberg.org/sample/tool", "http://codeberg.org/sample/tool"),
        ("https://github.com/", ""),
        ("https://github.com/sample/tool and more", ""),
        ("https://github.com/sample/<script>", ""),
        ("https://github.com@example.org/sample", ""),
        ("https://example.org/sample/tool", ""),
        ("ftp://github.com/sample/tool", ""),
        ("javascript:alert(1)//https://github.com/sample/tool", ""),
        ("github.com/sample/tool", "https://github.com/sample/tool"),
        ("huggingface.co/papers/2512.00001", ""),
        ("", ""),
        ("https://github.com/" + "a" * 281, "https://github.com/" + "a" * 281),
        ("https://github.com/" + "a" * 282, ""),
    ],
)
def test_code_address(text: str, address: str) -> None:
    """Only a whole address at a code host is one."""
    assert address == code_address(text)


def test_picked() -> None:
    """A paper takes upvotes and code from its pick, loses them without one, and keeps all else."""
    repo = "https://github.com/sample/tool"
    pick = make_paper(title="Theirs", categories=(), upvotes=0, repo=repo)
    paper = make_paper(comment="9 pages")
    assert make_paper(comment="9 pages", upvotes=0, repo=repo) == picked(paper, pick)
    assert paper == picked(picked(paper, pick), None)
    assert paper is picked(paper, None)


API_SAYS = {
    "published": "2026-01-01T10:00:00Z",
    "updated": "2026-01-02T10:00:00Z",
    "comment": "12 pages",
    "doi": "10.0000/sample.1",
    "journal_ref": "J. Samples 1",
}


def test_completed_by_the_api() -> None:
    """What RSS leaves out comes from the API; what was announced stays, and so does what is known already."""
    paper = make_paper(doi="10.0000/announced")
    known = make_paper(1, "cs.AI", title="Changed", abstract="Changed.", authors=(Author("Another"),), **API_SAYS)
    assert make_paper(**(API_SAYS | {"doi": "10.0000/announced"})) == complete(paper, known)


def test_completed_by_another_version() -> None:
    """All versions share the time of the first one, and nothing else."""
    known = make_paper(version=2, **API_SAYS)
    assert make_paper(published=API_SAYS["published"]) == complete(make_paper(), known)


def test_not_completed_by_another_paper() -> None:
    """Another paper says nothing about this one."""
    paper = make_paper()
    assert paper is complete(paper, make_paper(2, **API_SAYS))
    assert paper is complete(paper, make_paper())


def test_names_of_a_paper() -> None:
    """The versioned identifier and the primary category follow from the paper's fields."""
    paper = make_paper(7, "cs.DC", "cs.LG", version=2)
    assert (paper.versioned, paper.primary) == ("2601.00007v2", "cs.DC")
    assert make_paper(categories=()).primary == ""


@each_row(
    ("category", "wanted", "expected"),
    [
        ("cs.LG", ("cs.LG",), True),
        ("cs.LG", ("cs.CL", "cs.LG"), True),
        ("cs.LG", ("cs",), True),
        ("cs.LG", ("cs.CL",), False),
        ("cs.LG", (), False),
        ("cs", ("cs.LG",), False),
        ("math-ph", ("math",), True),
        ("math-ph", ("hep-th",), False),
        ("eess.SY", ("cs.SY",), True),
        ("cs.SY", ("eess.SY", "cs.AI"), True),
        ("econ.GN", ("q-fin",), True),
        ("math.ST", ("stat",), True),
        ("cond-mat.soft", ("cond-mat",), True),
        ("hep-th", ("hep-th",), True),
    ],
)
def test_listed(category: str, wanted: tuple[str, ...], expected: bool) -> None:
    """A category is listed by its own name or by its archive's."""
    assert expected is listed(category, wanted)
    assert expected is listed(category, frozenset(wanted))


@each_row(
    ("field", "expected"),
    [
        ("", ()),
        ("to appear", ()),
        ("10.1000/sample.1", ("10.1000/sample.1",)),
        ("10.1000/sample.1 10.1000/sample.2", ("10.1000/sample.1", "10.1000/sample.2")),
        ("10.1000/sample.1, 10.1000/sample.2;", ("10.1000/sample.1", "10.1000/sample.2")),
        ("10.1000/sample.1;10.1000/sample.2", ("10.1000/sample.1", "10.1000/sample.2")),
        ("doi:10.1000/sample.1", ("10.1000/sample.1",)),
        ("DOI: 10.1000/sample.1", ("10.1000/sample.1",)),
        ("https://doi.org/10.1000/sample%281%29", ("10.1000/sample(1)",)),
        ("http://dx.doi.org/10.1000/sample.1", ("10.1000/sample.1",)),
        ("10.1002/(SICI)1097(1998)49:8<1::AID-X>3.0.CO;2-O", ("10.1002/(SICI)1097(1998)49:8<1::AID-X>3.0.CO;2-O",)),
        ("10.1000/same 10.1000/same", ("10.1000/same",)),
    ],
)
def test_dois(field: str, expected: tuple[str, ...]) -> None:
    """A field may hold several DOIs, each as such, with "doi:" or as an address; the link leads to the first one."""
    assert expected == find_dois(field)
    link = make_paper(doi=field).links.get("doi", "")
    assert bool(expected) == link.startswith("https://doi.org/10.")
    assert " " not in link
    assert "%20" not in link


@each_row(
    ("more", "expected"),
    [
        ({"abstract": "This paper has been withdrawn by the authors due to an error in Lemma 3."}, True),
        ({"abstract": "This submission was withdrawn."}, True),
        ({"abstract": "We withdraw this paper because of a wrong proof."}, True),
        ({"abstract": "Withdrawn: the proof is wrong."}, True),
        ({"abstract": "The authors have retracted this manuscript. " + "It was about caches. " * 30}, True),
        ({"comment": "Withdrawn due to a crucial error"}, True),
        ({"comment": "This version is withdrawn by arXiv administrators"}, True),
        ({"title": "[WITHDRAWN] On caches"}, True),
        ({"abstract": "Water is withdrawn from the river by farms."}, False),
        ({"abstract": "We study retracted papers and why these were withdrawn by journals."}, False),
        ({"title": "Withdrawn behaviour in children"}, False),
        ({"abstract": "We study caches. " * 40 + "This paper has been withdrawn as an example."}, False),
    ],
)
def test_withdrawn(more: dict[str, str], expected: bool) -> None:
    """Authors and moderators write it in the comment, in place of the abstract, or before the title."""
    assert expected is is_withdrawn(make_paper(**{"comment": "12 pages"} | more))


@each_row(
    ("name", "group", "parts"),
    [
        ("Ada Example", False, ("Ada", "Example", "")),
        ("Ada van der Example", False, ("Ada", "van der Example", "")),
        ("John Q. Sample Jr.", False, ("John Q.", "Sample", "Jr.")),
        ("John Sample, III", False, ("John", "Sample", "III")),
        ("Sample", False, ("", "Sample", "")),
        ("SAMPLE Collaboration", True, ("", "SAMPLE Collaboration", "")),
        ("The Sample Team", True, ("", "The Sample Team", "")),
        ("Team", False, ("", "Team", "")),
        ("", False, ("", "", "")),
    ],
)
def test_parts_of_names(name: str, group: bool, parts: tuple[str, str, str]) -> None:
    """A suffix is no family name, and a group has no parts."""
    assert (group, parts) == (Author(name).is_group, Author(name).parts)
