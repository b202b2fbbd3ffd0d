"""Templates and the Markdown that is made of parts."""

from core.model.layout import post_to_markdown, to_markdown
from core.model.template import Section, Template


def _texts(text: str) -> dict[str, str]:
    return {"en": text, "ko": f"{text} (ko)", "zh": f"{text} (zh)"}


GOAL, REASON = Section("goal", _texts("Goal")), Section("reason", _texts("Reason"))
LISTED = Template(
    "listed", "summary", _texts("Listed"),
    (
        Section("start", _texts("Start"), bullets=(GOAL, REASON)),
        Section("end", _texts("End")),
    ),
    note=_texts("A note."),
)  # fmt: skip
TABLE = Template(
    "table", "summary", _texts("Table"), (Section("a", _texts("A")), Section("b", _texts("B"))), "table",
    columns={"en": ("Point", "Text"), "ko": ("항목", "내용"), "zh": ("要点", "内容")}, missing=_texts("Nothing."),
)  # fmt: skip
SHORTER = TABLE.sections[:1]
REVIEW = Template(
    "review", "review", _texts("Review"), (Section("gap", _texts("Gap")),),
    post=(Section("title", _texts("Title")), Section("idea", _texts("Idea")), Section("next", _texts("Next"))),
)  # fmt: skip


def test_headings_and_bullets() -> None:
    """Sections stand below each other; bullets are lines; the note is last."""
    parts = (("goal", "To\nwin."), ("reason", "- It is new."), ("end", "Done.\n\n# Really"))
    expected = "# Start\n\n- **Goal**: To win.\n- **Reason**: It is new.\n\n# End\n\nDone.\n\n## Really\n\n*A note.*"
    assert expected == to_markdown(LISTED, "en", parts)
    assert "### Start (ko)\n\n- **Goal (ko)**: x\n\n*A note. (ko)*" == to_markdown(LISTED, "ko", (("goal", "x"),), 3)


def test_what_there_is_not_is_left_out() -> None:
    """No heading without a text, and no note on nothing."""
    assert "" == to_markdown(LISTED, "en", ())
    assert "# End\n\nx\n\n*A note.*" == to_markdown(LISTED, "en", (("end", "x"), ("goal", " \n"), ("other", "y")))


def test_tables() -> None:
    """Rows hold what cells can hold, and a missing part is mentioned where the template has words for it."""
    expected = "| 항목 | 내용 |\n|---|---|\n| **A (ko)** | x \\| y z |\n| **B (ko)** | Nothing. (ko) |"
    assert expected == to_markdown(TABLE, "ko", (("a", "x | y\nz"),))


def test_posts() -> None:
    """A post is its parts but the title, which belongs to the document."""
    parts = (("title", "T"), ("idea", "```\nx"), ("next", " "))
    assert "## Idea (zh)\n\n> ```\n> x\n> ```" == post_to_markdown(REVIEW, "zh", parts)


def test_fingerprints() -> None:
    """A template's fingerprint changes with all that there is to it."""
    others = [
        Template("other", "summary", _texts("Table"), TABLE.sections, "table", TABLE.columns, missing=TABLE.missing),
        Template("table", "summary", _texts("Table"), TABLE.sections, "table", TABLE.columns),
        Template("table", "summary", _texts("Table"), SHORTER, "table", TABLE.columns, missing=TABLE.missing),
        Template("table", "summary", _texts("Table"), TABLE.sections, "table", TABLE.columns, "Be brief.",
                 missing=TABLE.missing),
    ]  # fmt: skip
    same = Template("table", "summary", _texts("Table"), TABLE.sections, "table", TABLE.columns, missing=TABLE.missing)
    assert TABLE.fingerprint == same.fingerprint
    assert 5 == len({TABLE.fingerprint, *(other.fingerprint for other in others)})
