"""What of a long paper reaches a model: results, limitations and conclusion first, appendices last."""

import random

from hypothesis import given
from hypothesis import strategies as st

from core.config.models import text_characters
from core.llm.material import material
from core.model.excerpt import SHARES, join, roles_of, take_excerpt
from core.model.fulltext import Coverage, Evidence, Figures, FullText, TextSection
from core.sources.html import read_html
from core.sources.pdf import read_pdf
from tests.api import make_settings
from tests.support.invented import make_paper
from tests.support.long_papers import NAMES, LongPaper, long_paper, paragraphs_of, sentences_of, shares
from tests.support.tiers import matrix

VITAL = ("results", "limitations", "conclusion")


def read(paper: LongPaper) -> FullText:
    """What is read of the document."""
    reading = (read_html if paper.kind == "html" else read_pdf)(paper.body, 60)
    assert "" == reading.state
    return FullText(join(reading.sections), paper.kind, sections=reading.sections)


def check(paper: LongPaper, characters: int) -> None:
    """What is vital reaches the model."""
    given, coverage = material(make_paper(), read(paper), characters)
    found = shares(paper, given)
    assert all(found[role] >= 0.9 for role in VITAL), found
    assert coverage
    assert coverage.percent == 100 or len(given) < characters + 1_500
    assert coverage.complete == all(share == 1 for share in found.values())


@matrix("name", NAMES, daily=[name for name in NAMES if "75,000" in name])
def test_default_budget(name: str, tmp_path: object) -> None:
    """Within the default budget, nine tenths and more of what is vital is read, whatever the length and the form."""
    check(long_paper(name), text_characters(make_settings(tmp_path)))  # type: ignore[arg-type]


def test_half_the_paper() -> None:
    """A budget of half a paper still has all that is vital; what was left out is named."""
    (name,) = [name for name in NAMES if name.startswith("HTML, 75,000")]
    check(long_paper(name), 38_000)
    _, coverage = material(make_paper(), read(long_paper(name)), 38_000)
    assert coverage
    assert ("A Proofs",) == coverage.without
    assert "3 Tidal Placement" in coverage.shortened


def test_roles() -> None:
    """Roles follow headings; what says nothing is method at first, and later part of what precedes it."""
    rows = {
        "Abstract": "abstract", "1 Introduction": "introduction", "1.1 Why Tides": "introduction",
        "2 Related Work": "related", "3 TideCache": "method", "3.1 Performance Model": "method",
        "4 Evaluation": "experiments", "4.1 Setup": "experiments", "4.2 Ablation Study": "results",
        "4.3 On Small Traces": "experiments", "5 Threats to Validity": "limitations", "6 Conclusion": "conclusion",
    }  # fmt: skip
    sections = [TextSection(heading, "x") for heading in rows]
    assert list(rows.values()) == roles_of(sections)
    assert ["appendix"] == roles_of([TextSection("A Results", "x", "appendix")])


_TEXTS = st.text("ab. \n", max_size=400)
_SECTIONS = st.lists(
    st.builds(
        TextSection,
        st.sampled_from(["", "1 Introduction", "2 Method", "3 Results", "4 Conclusion", "A Proofs"]),
        _TEXTS,
        st.sampled_from(["body", "appendix"]),
    ),
    max_size=8,
)


@given(_SECTIONS, st.integers(0, 2_000))
def test_never_more(sections: list[TextSection], most: int) -> None:
    """An excerpt is never longer than its budget and the headings, and says what it lacks."""
    found = take_excerpt(sections, most)
    frame = sum(len(section.heading) + 3 for section in sections)
    assert len(found.text) <= most + frame
    assert 0 <= found.coverage.percent <= 100
    assert found.coverage == Coverage.from_plain(found.coverage.to_plain())
    assert set(roles_of(found.sections)) <= SHARES.keys()


def test_headings_that_say_nothing() -> None:
    """Where a heading says nothing, in any language, the words of most paragraphs do."""
    rng = random.Random(5)
    heads = {"introduction": "1 Introduction", "method": "2 Placement", "results": "3 Résultats",
             "limitations": "4 Where it breaks", "conclusion": "5 Parting words"}  # fmt: skip
    sizes = dict(zip(heads, (20_000, 90_000, 30_000, 4_000, 4_000), strict=True))
    texts = {role: sentences_of(rng, role, size) for role, size in sizes.items()}
    sections = [TextSection(head, "\n".join(paragraphs_of(texts[role])), "body") for role, head in heads.items()]
    assert list(heads) == roles_of(sections)
    read = take_excerpt(sections, 110_000).text
    for role in ("results", "limitations", "conclusion"):
        assert sum(one in read for one in texts[role]) >= 0.9 * len(texts[role]), role
    figures = [TextSection("2 Placement", "As Figure 2 shows, pages move.\n" + "We place pages by their reads. " * 40)]
    assert ["method"] == roles_of(figures)


def test_stored() -> None:
    """What is known of an answer's grounds can be stored, and older values without it can be read."""
    full = Evidence(Coverage(9, 10, ("A Proofs",), ("2 Method",)), Figures(4, 5, ("412.7",)), other_language=True)
    assert full == Evidence.from_plain(full.to_plain())
    assert Evidence() == Evidence.from_plain({})
    assert not Evidence()
