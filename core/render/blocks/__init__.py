"""A document as blocks, which one module writes as Markdown and another as HTML.

A `str` here is text from outside: it is escaped, so that readers see it as text.
"""

from dataclasses import dataclass
from typing import TypeAlias

from core.text.markdown import PAGE_LEVEL


@dataclass(frozen=True, slots=True)
class Link:
    """A link to an HTTP URL made by this project."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Emphasised words."""

    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, as Markdown, about a paper that names the `known` addresses: it may link to nothing else.

    Within a line it becomes one line. Its headings stand `below` one of that level.
    """

    markdown: str
    known: frozenset[str] = frozenset()
    language: str = ""  # BCP 47, where it is not that of the document
    below: int = PAGE_LEVEL


Inline: TypeAlias = str | Link | Strong | Written
Line: TypeAlias = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the document's title."""

    level: int
    line: Line


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of one line."""

    line: Line


@dataclass(frozen=True, slots=True)
class Quote:
    """A quoted paragraph."""

    line: Line


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row has as many cells as its head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Preformatted lines in a monospaced font."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Separator:
    """A horizontal rule."""


@dataclass(frozen=True, slots=True)
class Badge:
    """An image that is a link; its text where images are not allowed."""

    text: str
    image: str
    url: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that a click on their title opens."""

    title: str
    blocks: "tuple[Block, ...]"


Block: TypeAlias = Heading | Paragraph | Quote | Bullets | Table | Fixed | Separator | Badge | Fold | Written
