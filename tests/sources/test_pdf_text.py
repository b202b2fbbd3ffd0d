"""The text of a PDF's pages as people read it, and its sections."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.excerpt import join
from core.model.fulltext import TextSection
from core.sources.pdf import clean_pages, flow, legible, mended
from core.sources.sandbox import read_apart
from core.sources.sections import Reading, cap, keep, kind_of, split
from tests.support import pdf_format
from tests.support.tables import each_row

LINE = "We present a system that reads papers and tells what they say to all of its readers."


def read(document: bytes) -> Reading:
    """What the worker reads of a document."""
    return asyncio.run(read_apart("pdf", document, seconds=30))


def headings(*lines: str) -> list[tuple[str, str]]:
    """Heading and kind of each section but the first, each with a line of text."""
    return [(heading, kind) for heading, kind, _ in split(x for line in lines for x in (line, LINE))[1:]]


# -- words and lines


@each_row(
    ("text", "expected"),
    [
        ("a trans-\nformation", "a transformation"),
        ("a trans\ufffeformation", "a transformation"),
        ("a trans\ufffe\nformation", "a transformation"),
        ("a trans\u00ad\nformation", "a transformation"),
        ("state-of-the-\nart", "state-of-the-art"),
        ("state-of-the\ufffeart", "state-of-the-art"),
        ("a well-known fact, well-\nknown", "a well-known fact, well-known"),
        ("dataset and data-\nset", "dataset and dataset"),
        ("GPT-\n4 and BERT-\nbase", "GPT-4 and BERT-base"),
        ("pages 10-\n20", "pages 10-20"),
        ("a dash -\nhere", "a dash -\nhere"),
        ("Größen-\nordnung", "Größenordnung"),
        ("alone\ufffe", "alone"),
        ("no hyphen", "no hyphen"),
    ],
)
def test_broken_words(text: str, expected: str) -> None:
    """Words that were broken at the ends of lines are put together, and keep hyphens that are theirs."""
    assert expected == mended(text)


def test_mending_is_linear() -> None:
    """Long words, and many of them, take no longer than others."""
    begun = time.process_time()
    for text in ("a" * 300_000, "a-" * 150_000, "a-\n" * 100_000, "a\ufffe" * 150_000, "-\n" * 150_000):
        mended(text)
    assert time.process_time() - begun < 10


@each_row(
    ("line", "expected"),
    [
        ("eﬃcient ﬁnite ﬂow oﬀ", ["efficient finite flow off"]),
        ("a\x00b\x07c\u202ed\ue000e\u200bf", ["abcdef"]),
        ("tab\there  and   there\u00a0too", ["tab here and there too"]),
        ("two\r\nlines\x0cthree", ["two", "lines", "three"]),
        ("half \ud83d a pair", ["half a pair"]),
        (" \r\n\t\r\n", []),
        ("Ünïcode 中文 α≤β", ["Ünïcode 中文 α≤β"]),
    ],
)
def test_characters(line: str, expected: list[str]) -> None:
    """Ligatures are letters, what cannot be seen is nothing, and all else stays."""
    assert expected == clean_pages([line])


def test_paragraphs() -> None:
    """Lines become paragraphs where a short one ends a sentence."""
    lines = [
        "This is a line of a usual length here",
        "and this is another one of such kind,",
        "ends here.",
        "Another one begins on a line of its own",
    ]
    assert "\n".join([" ".join(lines[:3]), lines[3]]) == flow(lines)
    rows = ["Table 1: Time in ms.", "System Read Write", "Tidal 1.5 2.5", "LRU (base) 3.25 4.75", "Ours 1.0× 2.0×"]
    assert "\n".join([" ".join(lines[:3]), *rows]) == flow([*lines[:3], *rows])
    assert "" == flow([])
    assert "one" == flow(["one"])


# -- what repeats


TEXT = [f"{LINE} {page}{line}" for page in "abcdef" for line in "uvw"]


def _pages(*heads: str) -> list[str]:
    """Six pages with those heads, in turn, three lines of text, and their numbers."""
    return ["\n".join([heads[n % len(heads)].format(n + 1), *TEXT[3 * n : 3 * n + 3], str(n + 1)]) for n in range(6)]


@pytest.mark.parametrize(
    "heads",
    [
        ["A Reading Machine"],
        ["Sample et al. Page {}"],
        ["{} A READING MACHINE"],
        ["Preprint. Under review."],
        ["A Reading Machine {}", "{} First Sample"],
    ],
)
def test_headers_footers_and_page_numbers(heads: list[str]) -> None:
    """Lines that repeat at the edges of pages, but for their numbers, are left out, and so are page numbers."""
    assert TEXT == clean_pages(_pages(*heads))


def test_what_repeats_elsewhere_stays() -> None:
    """A line that repeats in the middle of pages, or on two pages only, is text; so are rows of a table."""
    long = "\n".join("abcdefg")
    assert 3 == clean_pages([long.replace("d", "Same words")] * 3).count("Same words")
    assert ["Same", "y", "Same", "z"] == clean_pages(["Same\ny", "Same\nz"])
    rows = [f"{n}.5 {n}.7 {n}" for n in range(3)]
    assert rows == [line for line in clean_pages([f"{row}\n{long}" for row in rows]) if "." in line]


def test_headings_at_the_top_stay() -> None:
    """Headings at the tops of pages look alike, and are none of what repeats."""
    pages = ["Methods\nfirst words", "Methods\nother words", "Methods\nthird words", "Methods\nmore"]
    assert 4 == clean_pages(pages).count("Methods")


def test_stamp() -> None:
    """arXiv's stamp in the margin is no text."""
    assert ["words"] == clean_pages(["arXiv:2603.90001v2 [cs.LG] 6 Mar 2026\nwords"])


@each_row("form", ["{n:03} {line}", "{n}\n{line}", "{line} {n}"])
@each_row("step", [1, 5])
def test_line_numbers(form: str, step: int) -> None:
    """Numbers of lines are left out, wherever they stand, and also where they are every fifth's."""
    lines = [f"words {chr(97 + n)} of it" for n in range(20)]
    numbered = "\n".join(form.format(n=(n + 1) * step, line=line) for n, line in enumerate(lines))
    assert lines == clean_pages([numbered])


def test_numbers_that_are_none_of_lines() -> None:
    """Columns of figures stay."""
    rows = [f"{n * n} {n * 7 % 5}.5 of it" for n in range(20)]
    assert rows == clean_pages(["\n".join(rows)])


@given(st.lists(st.text(max_size=200), max_size=6))
def test_any_text(pages: list[str]) -> None:
    """Whatever pages hold, what comes of them has no control characters and no empty lines."""
    lines = clean_pages(pages)
    assert all(line.strip() for line in lines)
    assert all(part.isprintable() for part in lines)
    assert all(isinstance(part, str) for _, _, texts in split(lines) for part in texts)


def test_legible() -> None:
    """Words are told from symbols."""
    assert legible(LINE)
    assert legible("中文的论文")
    assert not legible("#$% &* 12 (3) !")


# -- sections


HEADINGS = [
    # line, as a heading and its kind; None if it is none
    ("Abstract", ("Abstract", "body")),
    ("ABSTRACT", ("ABSTRACT", "body")),
    ("1 Introduction", ("1 Introduction", "body")),
    ("1. Introduction", ("1. Introduction", "body")),
    ("1 I NTRODUCTION", ("1 INTRODUCTION", "body")),
    ("I. INTRODUCTION", ("I. INTRODUCTION", "body")),
    ("2.1 Problem Setting and Notation", ("2.1 Problem Setting and Notation", "body")),
    ("3.2.1 Cost of Reading", ("3.2.1 Cost of Reading", "body")),
    ("Conclusion", ("Conclusion", "body")),
    ("Related Work:", ("Related Work", "body")),
    ("References", ("References", "references")),
    ("REFERENCES", ("REFERENCES", "references")),
    ("R EFERENCES", ("REFERENCES", "references")),
    ("7 References", ("7 References", "references")),
    ("Bibliography", ("Bibliography", "references")),
    ("Acknowledgments", ("Acknowledgments", "thanks")),
    ("Acknowledgements and Disclosure of Funding", ("Acknowledgements and Disclosure of Funding", "thanks")),
    ("A CKNOWLEDGMENTS", ("ACKNOWLEDGMENTS", "thanks")),
    ("Appendix", ("Appendix", "appendix")),
    ("Appendix A. Proofs", ("Appendix A. Proofs", "appendix")),
    ("Appendix B", ("Appendix B", "appendix")),
    ("Supplementary Material", ("Supplementary Material", "appendix")),
    ("we introduce a method", None),
    ("introduction", None),
    ("Introduction to the wire, which reads", None),
    ("A Transformer", None),
    ("1 0.5 0.7 0.9", None),
    ("12 papers were read", None),
    ("1. We read all papers.", None),
    ("References to earlier work are given in the text where they are needed and nowhere else", None),
    ("", None),
    ("7", None),
    (LINE, None),
]


@each_row(("line", "expected"), HEADINGS)
def test_headings(line: str, expected: tuple[str, str] | None) -> None:
    """Headings are known by their names, or by their numbers."""
    assert ([expected] if expected else []) == headings(line)


def test_order_of_a_paper() -> None:
    """In the references no line is a heading but what may follow them; appendices go on to the end."""
    found = headings(
        "1 Introduction", "A Transformer", "6 Conclusion", "References", "12 Reading by Machines", "A Survey, and More",
        "A Proofs", "A.1 Proof of Theorem", "B Details", "D Not The Next", "2 Checklist", "NeurIPS Paper Checklist",
    )  # fmt: skip
    assert [
        ("1 Introduction", "body"), ("6 Conclusion", "body"), ("References", "references"), ("A Proofs", "appendix"),
        ("A.1 Proof of Theorem", "appendix"), ("B Details", "appendix"), ("2 Checklist", "appendix"),
        ("NeurIPS Paper Checklist", "appendix"),
    ] == found  # fmt: skip


def test_methods_after_the_references() -> None:
    """Some journals print the methods after the references: they are read."""
    found = headings("Results", "References", "Methods", "Data availability", "Acknowledgements")
    assert ["body", "references", "body", "body", "thanks"] == [kind for _, kind in found]


def test_what_is_kept() -> None:
    """References and thanks are left out."""
    sections = [
        TextSection("", "b" * 100),
        TextSection("References", "r" * 300, "references"),
        TextSection("Thanks", "t" * 9, "thanks"),
        TextSection("A", "a" * 30, "appendix"),
    ]
    kept = keep(sections)
    assert [("", 100), ("A", 30)] == [(section.heading, len(section.text)) for section in kept]


def test_references_that_are_none() -> None:
    """Where hardly anything would be left, everything is kept: the heading was none."""
    sections = (TextSection("", "b" * 10), TextSection("References", "r" * 900, "references"))
    assert sections == keep(sections)


def test_cap() -> None:
    """Results and conclusion stay where a text is too long, and that something is missing is told."""
    sections = (
        TextSection("1 Method", "Aa. " * 300),
        TextSection("2 Results", "Bb. " * 100),
        TextSection("A Proofs", "Cc. " * 100, "appendix"),
    )
    kept, cut = cap(sections, 1300)
    assert cut
    assert ["1 Method", "2 Results"] == [section.heading for section in kept]
    assert sections[1] == kept[1]
    assert (sections, False) == cap(sections, 3000)


def test_join() -> None:
    """A heading stands on the line before its text."""
    assert "first\n\n1 One\ntext\n\n2 Two" == join(
        [TextSection("", "first"), TextSection("1 One", "text"), TextSection("2 Two", "")]
    )


def test_kind_of() -> None:
    """The kind is that of the name, with a number or without."""
    names = ("5. References", "Acknowledgement", "Appendix C: More", "Method", "9 Funding", "Funding of Research")
    assert ["references", "thanks", "appendix", "body", "thanks", "body"] == [kind_of(name) for name in names]


# -- real PDFs, in the worker


def test_two_columns() -> None:
    """Columns are read one after the other, as they were written."""
    left, right = (
        [f"left column line {n} has words." for n in range(30)],
        [f"right column line {n} says." for n in range(30)],
    )
    (section,) = read(pdf_format.in_columns([(72, left), (320, right)])).sections
    text = section.text.replace("\n", " ")
    assert text.index("left column line 29") < text.index("right column line 0")


def test_whole_paper() -> None:
    """A paper of some pages comes out as its sections: no headers, no page numbers, no references."""
    head = ["A Reading Machine by F. Sample"]
    body = [
        ["1 Introduction", *[LINE] * 15, "We use a trans-", "formation of the eﬃcient kind.".replace("ﬃ", "ffi")],
        [*[LINE] * 9, "2 Method", *[LINE] * 9],
        ["3 Conclusion", *[LINE] * 9, "Acknowledgements", "We thank nobody."],
        ["References", "[1] F. Sample. A cited work. 2020.", "A Proofs", *[LINE] * 9],
    ]
    reading = read(pdf_format.pdf(*(head + lines + [str(n)] for n, lines in enumerate(body, 1))))
    assert ("", 4, 4) == (reading.state, reading.pages, reading.read)
    assert ["1 Introduction", "2 Method", "3 Conclusion", "A Proofs"] == [part.heading for part in reading.sections]
    text = join(reading.sections)
    assert "We use a transformation of the efficient kind." in text
    for gone in ("Sample", "nobody", "cited"):
        assert gone not in text


def test_broken_page_among_good_ones() -> None:
    """A page that cannot be read does not spoil the others."""
    document = pdf_format.pdf(*[[f"{LINE} {n}"] * 9 for n in "abc"])
    text = join(read(document.replace(b"/Contents 7 0 R", b"/Contents 999 0 R")).sections)
    assert [True, False, True] == [f"{LINE} {n}" in text for n in "abc"]
