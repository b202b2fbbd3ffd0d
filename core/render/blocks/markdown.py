"""Blocks as Markdown for GitHub, Jekyll and Hugo: paper text escaped, a model's text rewritten."""

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
from core.text.rewrite import MARKDOWN_ESCAPES, escape_start, escape_text, fenced, link, rewrite, rewrite_line
from core.text.sanitize import plain


@dataclass(frozen=True, slots=True)
class Markdown:
    """How Markdown is written. `folds` are the attributes of `<details>`, None where HTML is left out by the reader;
    `maths` stands around formulas within a line.
    """

    folds: str | None = ""
    maths: str = "$"

    def write(self, blocks: Iterable[Block]) -> str:
        """The blocks as a text, with a line end at its end."""
        parts = [part for block in blocks if (part := _WRITE[type(block)](self, block))]
        return "\n\n".join(parts) + "\n"


def _line(how: Markdown, line: Line) -> str:
    return " ".join("".join(_INLINE[type(part)](how, part) for part in line).split())


def _text(_: Any, part: str) -> str:
    return escape_text(plain(part))


def _link(how: Any, part: Link) -> str:
    # An address that is its own text may be one
    return link(part.text.translate(MARKDOWN_ESCAPES) if part.text == part.url else _text(how, part.text), part.url)


def _strong(how: Any, part: Strong) -> str:
    text = _text(how, part.text).strip()
    return f"**{text}**" if text else ""


def _written(how: Markdown, part: Written) -> str:
    return rewrite_line(part.markdown, part.known, how.maths)


def _heading(how: Markdown, block: Heading) -> str:
    return f"{'#' * block.level} {_line(how, block.line)}"


def _paragraph(how: Markdown, block: Paragraph) -> str:
    return escape_start(_line(how, block.line))


def _quote(how: Markdown, block: Quote) -> str:
    return f"> {escape_start(_line(how, block.line))}"


def _bullets(how: Markdown, block: Bullets) -> str:
    return "\n".join(f"- {escape_start(_line(how, item))}" for item in block.items)


def _table(how: Markdown, block: Table) -> str:
    rows = [[_text(how, name) for name in block.head], ["---"] * len(block.head)]
    rows += [[_line(how, cell) for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _fixed(_: Markdown, block: Fixed) -> str:
    return "\n".join(fenced("\n".join(block.lines), "text"))


def _rule(_: Markdown, __: Separator) -> str:
    return "***"


def _badge(how: Markdown, block: Badge) -> str:
    return f"[![{_text(how, block.text)}]({block.image})](<{block.url}>)"


def _fold(how: Markdown, block: Fold) -> str:
    inside = how.write(block.blocks).rstrip("\n")
    if how.folds is None:
        return f"{_strong(how, Strong(block.title))}\n\n{inside}"
    title = escape(" ".join(plain(block.title).split())).replace("{", "&#123;")
    return f"<details{how.folds}>\n<summary>{title}</summary>\n\n{inside}\n\n</details>"


def _model_text(how: Markdown, block: Written) -> str:
    return rewrite(block.markdown, block.known, how.maths, block.below)


_INLINE: dict[type[Inline], Callable[[Any, Any], str]] = {str: _text, Link: _link, Strong: _strong, Written: _written}
_WRITE: dict[type[Any], Callable[[Markdown, Any], str]] = {
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
