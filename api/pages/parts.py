"""A summary in its parts, as pages show them: headings and texts of its template."""

from collections.abc import Mapping

from markupsafe import Markup

from core.llm.templates import get_template
from core.model.errors import ConfigError, UnknownName
from core.model.paper import Paper, known_addresses
from core.model.summary import Summary
from core.text.markdown import to_html

SummaryParts = tuple[tuple[str, Markup], ...]


def summary_parts(summary: Summary, paper: Paper) -> tuple[str, SummaryParts]:
    """Returns the name of a summary's template, and its parts under their headings; no parts if it is unknown."""
    try:
        template = get_template(summary.template)
    except (UnknownName, ConfigError):
        return summary.template, ()
    known = known_addresses(paper)
    headings = {section.key: section.heading.get(summary.language, section.key) for section in template.parts}
    texts: Mapping[str, str] = dict(summary.parts) if summary.state == "ready" else {}
    parts = tuple(
        (_bare(headings[key]), Markup(to_html(text, known, maths=True)))  # noqa: S704 - sanitised
        for key, text in texts.items()
        if text.strip() and key in headings
    )
    return template.title.get(summary.language, summary.template), parts


def _bare(heading: str) -> str:
    """Returns a heading without its letter: "a) Problem solved" is "Problem solved"."""
    return heading[3:] if heading[1:3] == ") " else heading
