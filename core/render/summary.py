"""One summary as a separate document: Markdown, HTML, JSON."""

from collections.abc import Callable

from core.model.paper import Paper, known_addresses
from core.model.summary import Summary
from core.render.blocks import Block, Heading, Link, Paragraph, Written
from core.render.blocks.html import Html, html_page
from core.render.blocks.markdown import Markdown
from core.render.evidence import evidence_in_words
from core.render.items import paper_title
from core.render.shapes import summary_html, to_json
from core.text.sanitize import clean


def summary_document(summary: Summary, paper: Paper, format_name: str) -> bytes:
    """The summary of `paper` in a format: "md", "html" or "json"."""
    return _FORMATS[format_name](summary, paper).encode("utf-8", "replace")


def _blocks(summary: Summary, paper: Paper) -> list[Block]:
    source = f"by {summary.model}" if summary.model else "extracted from the abstract"
    read = evidence_in_words(summary.evidence, summary.language)
    source = " · ".join(filter(None, (source, read)))
    line = (Link(paper.label, paper.version_url), f" · {source}")
    return [Heading(1, (paper_title(paper),)), Paragraph(line), Written(summary.markdown, known_addresses(paper))]


def _markdown(summary: Summary, paper: Paper) -> str:
    return clean(Markdown().write(_blocks(summary, paper)))


def _html(summary: Summary, paper: Paper) -> str:
    body = Html().write(_blocks(summary, paper))
    return clean(html_page(paper_title(paper), summary.language, body))


def _json(summary: Summary, paper: Paper) -> str:
    shape = {"id": paper.id, "version": paper.version, **summary.to_plain(), "html": summary_html(summary, paper)}
    shape["parts"] = dict(summary.parts)
    return to_json({name: value for name, value in shape.items() if value not in ("", None)}).decode()


_FORMATS: dict[str, Callable[[Summary, Paper], str]] = {"md": _markdown, "html": _html, "json": _json}
