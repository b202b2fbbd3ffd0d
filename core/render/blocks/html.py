"""Blocks as sanitised HTML, for a page or for the content of a feed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from core.render.blocks import (
    Badge,
    Block,
    Bullets,
    Fixed,
    Fold,
    Heading,
    Inline,
    Line,
    Link,
    Paragraph,
    Quote,
    Separator,
    Strong,
    Table,
    Written,
)
from core.text.markdown import to_html, to_html_line
from core.text.sanitize import plain

_LOWEST = 6


@dataclass(frozen=True, slots=True)
class Html:
    """How HTML is written. Headings are lowered by `below`. What `is_page` has folds, and formulas as MathML: readers
    of feeds show neither.
    """

    below: int = 0
    is_page: bool = True

    def write(self, blocks: Iterable[Block]) -> str:
        """Returns the blocks as balanced HTML with absolute URLs."""
        return "\n".join(part for block in blocks if (part := _WRITE[type(block)](self, block)))


def html_page(title: str, language: str, body: str, *, head: str = "") -> str:
    """A page of its own that loads nothing; `body` and `head` are HTML already."""
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{head}<title>{escape(title)}</title>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _line(how: Html, line: Line) -> str:
    return "".join(_INLINE[type(part)](how, part) for part in line)


def _text(_: Any, part: str) -> str:
    return escape(plain(part))


def _link(how: Any, part: Link) -> str:
    return f'<a href="{escape(part.url)}">{_text(how, part.text)}</a>'


def _strong(how: Any, part: Strong) -> str:
    return f"<strong>{_text(how, part.text)}</strong>"


def _written(how: Html, part: Written) -> str:
    return to_html_line(part.markdown, part.known, maths=how.is_page)


def _heading(how: Html, block: Heading) -> str:
    tag = f"h{min(block.level + how.below, _LOWEST)}"
    return f"<{tag}>{_line(how, block.line)}</{tag}>"


def _paragraph(how: Html, block: Paragraph) -> str:
    return f"<p>{_line(how, block.line)}</p>"


def _quote(how: Html, block: Quote) -> str:
    return f"<blockquote><p>{_line(how, block.line)}</p></blockquote>"


def _bullets(how: Html, block: Bullets) -> str:
    return "<ul>\n" + "".join(f"<li>{_line(how, item)}</li>\n" for item in block.items) + "</ul>"


def _table(how: Html, block: Table) -> str:
    head = "".join(f"<th>{_text(how, name)}</th>" for name in block.head)
    rows = "".join("<tr>" + "".join(f"<td>{_line(how, cell)}</td>" for cell in row) + "</tr>\n" for row in block.rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def _fixed(_: Html, block: Fixed) -> str:
    lines = "\n".join(block.lines)
    return f"<pre><code>{_text(_, lines)}</code></pre>"


def _rule(_: Html, __: Separator) -> str:
    return "<hr>"


def _badge(how: Html, block: Badge) -> str:
    return f"<p>{_link(how, Link(block.text, block.url))}</p>"


def _fold(how: Html, block: Fold) -> str:
    if not how.is_page:
        return f"<p><strong>{_text(how, block.title)}</strong></p>\n{how.write(block.blocks)}"
    return f"<details>\n<summary>{_text(how, block.title)}</summary>\n{how.write(block.blocks)}\n</details>"


def _model_text(how: Html, block: Written) -> str:
    html = to_html(block.markdown, block.known, maths=how.is_page, below=block.below + how.below)
    return f'<div lang="{escape(block.language)}">\n{html}\n</div>' if block.language and html else html


_INLINE: dict[type[Inline], Callable[[Any, Any], str]] = {str: _text, Link: _link, Strong: _strong, Written: _written}
_WRITE: dict[type[Any], Callable[[Html, Any], str]] = {
    Heading: _heading,
    Paragraph: _paragraph,
    Quote: _quote,
    Bullets: _bullets,
    Table: _table,
    Fixed: _fixed,
    Separator: _rule,
    Badge: _badge,
    Fold: _fold,
    Written: _model_text,
}
