"""arXiv's author strings."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.paper import Author
from core.sources.parse import split_authors
from tests.support.tables import each_row

TABLE = [
    ("", []),
    (" \n ", []),
    (" , ,", []),
    ("First Sample", [("First Sample", "")]),
    ("First Sample, Second Sample", [("First Sample", ""), ("Second Sample", "")]),
    ("First Sample,Second\n  Sample,", [("First Sample", ""), ("Second Sample", "")]),
    # Affiliations with commas, several of them, nested parentheses
    (
        "First Sample (Sample University, Nowhere), Second Q. Sample (Sample Electronics, Nowhere)",
        [("First Sample", "Sample University, Nowhere"), ("Second Q. Sample", "Sample Electronics, Nowhere")],
    ),
    ("First Sample (LAB), Second Sample", [("First Sample", "LAB"), ("Second Sample", "")]),
    ("First Sample (LAB) (Other), Second Sample", [("First Sample", "LAB; Other"), ("Second Sample", "")]),
    (
        "First Sample (Lab (of Tests), Nowhere), Second Sample",
        [("First Sample", "Lab (of Tests), Nowhere"), ("Second Sample", "")],
    ),
    # Footnote numbers
    (
        "F. Sample (1), S. Sample (1 and 2), T. Sample (2) ((1) One Institute, (2) Another, Nowhere)",
        [
            ("F. Sample", "One Institute"),
            ("S. Sample", "One Institute; Another, Nowhere"),
            ("T. Sample", "Another, Nowhere"),
        ],
    ),
    (
        "F. Sample (1, 2), S. Sample (2), ((1) One, (2) Two (of Many))",
        [("F. Sample", "One; Two (of Many)"), ("S. Sample", "Two (of Many)")],
    ),
    ("F. Sample (*), S. Sample (†) ((*) One, (†) Two)", [("F. Sample", "One"), ("S. Sample", "Two")]),
    ("F. Sample (1), S. Sample (2)", [("F. Sample", ""), ("S. Sample", "")]),  # listed nowhere
    ("F. Sample (1), S. Sample (3) ((1) One)", [("F. Sample", "One"), ("S. Sample", "")]),
    # Suffixes
    ("First Sample Jr., Second Sample", [("First Sample Jr.", ""), ("Second Sample", "")]),
    ("First Sample, Jr., Second Sample, III", [("First Sample Jr.", ""), ("Second Sample III", "")]),
    ("First Sample, Ph.D., Second Sample, MD", [("First Sample Ph.D.", ""), ("Second Sample MD", "")]),
    ("First Sample, Jr. (Lab), Second Sample", [("First Sample Jr.", "Lab"), ("Second Sample", "")]),
    ("First Sample (Lab), Jr, Second Sample", [("First Sample Jr", "Lab"), ("Second Sample", "")]),
    ("Jr. Sample, Sridhar Sample, Ivana Sample", [("Jr. Sample", ""), ("Sridhar Sample", ""), ("Ivana Sample", "")]),
    ("F. Sample, jr., S. Sample, Sr", [("F. Sample jr.", ""), ("S. Sample Sr", "")]),
    ("F. Sample, IV, S. Sample, V", [("F. Sample IV", ""), ("S. Sample V", "")]),
    # Marks of letters, explained or not
    ("F. Sample (a), S. Sample (b)", [("F. Sample", ""), ("S. Sample", "")]),
    ("F. Sample (a,b), S. Sample (b) ((a) One, (b) Two)", [("F. Sample", "One; Two"), ("S. Sample", "Two")]),
    ("F. Sample (1,a), S. Sample (*)", [("F. Sample", ""), ("S. Sample", "")]),
    ("F. Sample (i), S. Sample (ii) ((i) One, (ii) Two)", [("F. Sample", "One"), ("S. Sample", "Two")]),
    ("F. Sample (1), S. Sample (2) (1: One, Nowhere, 2: Two)", [("F. Sample", "One, Nowhere"), ("S. Sample", "Two")]),
    ("F. Sample (a), S. Sample (b) (a One, b Two)", [("F. Sample", "One"), ("S. Sample", "Two")]),
    ("F. Sample (LAB) (a company), S. Sample", [("F. Sample", "LAB; a company"), ("S. Sample", "")]),
    # Collaborations, "and"
    ("F. Sample for the Sample Collaboration", [("F. Sample", "for the Sample Collaboration")]),
    (
        "F. Sample, on behalf of the Sample Collaboration",
        [("F. Sample", ""), ("Sample Collaboration", "")],
    ),
    ("Fortune Sample, Wilford for the Win", [("Fortune Sample", ""), ("Wilford for the Win", "")]),
    (
        "The Sample Collaboration: F. Sample, S. Sample",
        [("The Sample Collaboration", ""), ("F. Sample", ""), ("S. Sample", "")],
    ),
    ("F. Sample (for the Sample Collaboration)", [("F. Sample", "for the Sample Collaboration")]),
    ("F. Sample and S. Sample", [("F. Sample", ""), ("S. Sample", "")]),
    ("F. Sample, S. Sample, and T. Sample", [("F. Sample", ""), ("S. Sample", ""), ("T. Sample", "")]),
    ("F. Sample (A and B) and S. Sample & T. Sample", [("F. Sample", "A and B"), ("S. Sample", ""), ("T. Sample", "")]),
    ("Anders Sandberg, Brand Orland", [("Anders Sandberg", ""), ("Brand Orland", "")]),
    # Parentheses that do not match
    ("F. Sample (Lab, S. Sample", [("F. Sample", "Lab"), ("S. Sample", "")]),
    ("F. Sample Lab), S. Sample (Other)", [("F. Sample Lab", ""), ("S. Sample", "Other")]),
    ("F. Sample (), S. Sample", [("F. Sample", ""), ("S. Sample", "")]),
    # TeX
    (r"Micha\"el Sample, Fran\c{c}ois Sample", [("Michaël Sample", ""), ("François Sample", "")]),
    (r"{\L}ukasz Sample (Universit\'e de Test)", [("Łukasz Sample", "Université de Test")]),
    (r"F.~Sample, {Second Sample}", [("F. Sample", ""), ("Second Sample", "")]),
]


@each_row(("text", "expected"), TABLE)
def test_author_strings(text: str, expected: list[tuple[str, str]]) -> None:
    """An author string becomes names and affiliations, as a person reads them."""
    assert [Author(*row) for row in expected] == list(split_authors(text))


@pytest.mark.parametrize("affiliated", [False, True])
def test_thousands_of_authors_are_quick(affiliated: bool) -> None:
    """3,303 authors, the most that a real paper had, are split in a blink, with affiliations too."""
    affiliation = " (Sample University, Nowhere)" if affiliated else ""
    text = ", ".join(f"Author Sample-{n}{affiliation}" for n in range(3303))
    begun = time.thread_time()
    authors = split_authors(text)
    taken = time.thread_time() - begun
    assert [f"Author Sample-{n}" for n in range(3303)] == [author.name for author in authors]
    assert {affiliation.strip(" ()")} == {author.affiliation for author in authors}
    assert taken < 2  # some 20 ms; other work may share the machine


@each_row(
    "text",
    [
        "(" * 20_000,
        ")" * 20_000,
        "(1) " * 5_000,
        "A (1), B (2) ((1) " + "x (y) " * 3_000,
        "A (1) ((1)" + " a (b)" * 2_000 + " ((",
        "A ((1) " + "a " * 10_000 + ")",
        "A (1," + "1 " * 10_000 + "x)",
        ", Jr" * 10_000,
        "{\\'" * 10_000,
        "$" * 20_000 + "\\",
    ],
)
def test_hostile_strings_are_quick(text: str) -> None:
    """No author string of 20 KB takes more than a few seconds."""
    begun = time.thread_time()
    split_authors(text)
    assert time.thread_time() - begun < 5


def _is_plain(name: str) -> bool:
    return unicodedata.is_normalized("NFC", name) and not {"and", "And"} & set(name.split())


WORD = st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=12)
NAME = st.lists(WORD, min_size=2, max_size=4).map(" ".join).filter(_is_plain)
AFFILIATION = (
    st.lists(WORD, min_size=1, max_size=4).map(", ".join).filter(_is_plain).filter(lambda text: len(text) > 3)
)  # no mark


@given(st.lists(NAME, max_size=30))
def test_plain_names_come_back(names: list[str]) -> None:
    """Names joined by ", " are taken apart into the same names."""
    assert names == [author.name for author in split_authors(", ".join(names))]


@given(st.lists(st.tuples(NAME, AFFILIATION), min_size=1, max_size=20))
def test_affiliations_come_back(authors: list[tuple[str, str]]) -> None:
    """Names with affiliations in parentheses, commas and all, come back as they went in."""
    text = ", ".join(f"{name} ({affiliation})" for name, affiliation in authors)
    assert [Author(*author) for author in authors] == list(split_authors(text))


@given(st.text(st.sampled_from("AB, ();:&and12*†\\{}'~.Jr\n"), max_size=80))
def test_every_author_has_a_name(text: str) -> None:
    """Whatever the string, no author comes out without a name."""
    assert "" not in [author.name for author in split_authors(text)]
