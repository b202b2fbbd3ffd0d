"""One summary as a document of its own: Markdown, HTML, JSON."""

from collections.abc import Callable
from html import escape

from core.model.paper import Paper, known_addresses
from core.model.summary import Summary
from core.render.blocks import Block, Heading, Link, Paragraph, Written
from core.render.blocks.html import Html
from core.render.blocks.markdown import Markdown
from core.render.shapes import summary_html, to_json
from core.text.sanitize import clean, plain


def summary_document(summary: Summary, paper: Paper, format_name: str) -> bytes:
    """The summary of `paper` in a format: "md", "html" or "json"."""
    return _FORMATS[format_name](summary, paper).encode("utf-8", "replace")


def _blocks(summary: Summary, paper: Paper) -> list[Block]:
    source = f"by {summary.model}" if summary.model else "extracted from the abstract"
    line = (Link(f"arXiv:{paper.versioned}", f"https://arxiv.org/abs/{paper.versioned}"), f" · {source}")
    return [Heading(1, (_title(paper),)), Paragraph(line), Written(summary.markdown, known_addresses(paper))]


def _title(paper: Paper) -> str:
    return " ".join(plain(paper.title).split()) or f"arXiv:{paper.versioned}"


def _markdown(summary: Summary, paper: Paper) -> str:
    return clean(Markdown().write(_blocks(summary, paper)))


def _html(summary: Summary, paper: Paper) -> str:
    body = Html().write(_blocks(summary, paper))
    title = escape(_title(paper))
    return clean(
        f'<!doctype html>\n<html lang="{escape(summary.language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _json(summary: Summary, paper: Paper) -> str:
    told = {"id": paper.id, "version": paper.version, **summary.to_plain(), "html": summary_html(summary, paper)}
    told["parts"] = dict(summary.parts)
    return to_json({name: value for name, value in told.items() if value not in ("", None)}).decode()


_FORMATS: dict[str, Callable[[Summary, Paper], str]] = {"md": _markdown, "html": _html, "json": _json}
