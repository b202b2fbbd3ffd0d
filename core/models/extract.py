"""Summaries without a model: sentences of the abstract, chosen by what they say."""

from core.domain.links import addresses
from core.domain.paper import Paper
from core.domain.prose import harmless
from core.domain.roles import by_role
from core.domain.sentences import sentences
from core.domain.summary import Summary
from core.domain.template import to_markdown
from core.models.templates import EXTRACT, get_template


def extract(paper: Paper, language: str) -> Summary:
    """The four points of a paper in the words of its abstract, under headings in `language`, labelled as such.

    A point that no sentence fits is absent from the parts, and the Markdown says so.
    """
    template = get_template(EXTRACT)
    found = sentences(paper.abstract)
    chosen = by_role(found)
    known = addresses(paper)
    parts = tuple(
        (key, harmless(found[chosen[key]], known)) for key in (s.key for s in template.parts) if key in chosen
    )
    return Summary(EXTRACT, language, "", to_markdown(template, language, parts), parts=parts)
