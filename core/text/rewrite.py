"""Markdown that every renderer reads the same: GitHub, kramdown in Jekyll, goldmark in Hugo, CommonMark.

`escape_text` and its neighbours write text of anybody so that it is read as that text. `rewrite` writes a model's
Markdown again: without HTML and images, with links to nothing but what the paper names (see `core.text.markdown`).

Only what kramdown knows has a backslash (https://kramdown.gettalong.org/syntax.html#automatic-and-manual-escaping);
the rest are references. Jekyll reads `{{` and `{%` before Markdown is read, Hugo `{{<`: none of them is written.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from markdown_it.tree import SyntaxTreeNode

from core.text.markdown import PAGE_LEVEL, read_markdown
from core.text.maths import Formula, display, inline, put_back, unicode

_JOINER = "\u2060"  # it has no width
_WITH_BACKSLASH = "\\`*_[]|$"
MARKDOWN_ESCAPES = str.maketrans(
    {char: f"\\{char}" for char in _WITH_BACKSLASH}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "~": "&#126;", "{": "&#123;"}
)
# What GitHub and Hugo make a link without being asked to; a model may name no address that can be clicked
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=\bwww)\.", re.IGNORECASE)
_ADDRESSES = {":": "&#58;", ".": "&#46;"}
_AT_START = re.compile(r"(?P<sign>[-+=#:])|(?P<number>\d{1,9})(?P<end>[.)])")
_LIQUID = re.compile(r"\{(?=[{%#])")
_BACKTICKS = re.compile(r"`+")


def escape_text(text: str) -> str:
    """`text` within a line, whose white space is single spaces."""
    escaped = " ".join(text.split()) if text.strip() else text and " "
    if text[:1].isspace() and text.strip():
        escaped = f" {escaped}"
    if text[-1:].isspace() and text.strip():
        escaped = f"{escaped} "
    return _ADDRESS.sub(lambda match: _ADDRESSES[match[0]], escaped.translate(MARKDOWN_ESCAPES))


def escape_start(line: str) -> str:
    """A line of Markdown that begins no list, heading or line across, whatever its first characters are."""
    line = line.lstrip()
    match = _AT_START.match(line)
    if not match:
        return line
    if match["sign"]:
        return f"\\{line}"
    return f"{match['number']}\\{line[match.start('end') :]}"


def code(text: str, *, in_table: bool = False) -> str:
    """Code within a line. In tables, bars are escaped even here (https://github.github.com/gfm/#example-200)."""
    text = _without_liquid(" ".join(text.split("\n")))
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text[:1] in "` " or text[-1:] in "` " else ""
    return f"{ticks}{pad}{text.replace('|', chr(92) + '|') if in_table else text}{pad}{ticks}"


def fenced(text: str, language: str = "") -> list[str]:
    """The lines of a block of code."""
    text = _without_liquid(text)
    fence = "`" * max(_longest(text) + 1, 3)
    return [f"{fence}{language}", *text.rstrip("\n").split("\n"), fence]


def link(written: str, url: str) -> str:
    """A link whose text is Markdown already. `url` has no space and no angle."""
    return f"[{written}](<{url}>)"


def _without_liquid(text: str) -> str:
    return _LIQUID.sub(f"{{{_JOINER}", text)


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


_DISPLAYED = "\ue002"  # around a displayed formula within the text of a paragraph, which it divides
_NEW_LINE = "\n"
_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]{1,20}")
_ALIGN = {"text-align:left": ":--", "text-align:right": "--:", "text-align:center": ":-:"}


@lru_cache(maxsize=512)
def rewrite(markdown: str, known: frozenset[str] = frozenset(), mark: str = "$", below: int = PAGE_LEVEL) -> str:
    """Markdown as blocks, with headings `below` that level. `mark` stands around formulas within a line."""
    return "\n".join(_Writer(known, mark).blocks(markdown, below))


@lru_cache(maxsize=2048)
def rewrite_line(markdown: str, known: frozenset[str] = frozenset(), mark: str = "$") -> str:
    """Markdown as one line: of a cell of a table, or of an item. Blocks of code are left out."""
    return _Writer(known, mark).line(markdown)


@lru_cache(maxsize=2048)
def markdown_text(markdown: str) -> str:
    """What Markdown says, as one line of plain text."""
    return " ".join("".join(_joined(*_tree(markdown, frozenset()))).split())


def _joined(node: SyntaxTreeNode, found: list[Formula]) -> list[str]:
    if node.type in ("text", "code_inline", "fence", "code_block"):
        return [put_back(node.content, found, unicode)]
    if node.type in ("softbreak", "hardbreak"):
        return [" "]
    parts = [text for child in node.children for text in _joined(child, found)]
    return parts if node.type in _INLINE else [*parts, " "]


def _tree(markdown: str, known: frozenset[str], below: int = PAGE_LEVEL) -> tuple[SyntaxTreeNode, list[Formula]]:
    tokens, found = read_markdown(markdown, known, below)
    return SyntaxTreeNode(tokens), found


class _Writer:
    """Writes the tree of one text."""

    def __init__(self, known: frozenset[str], mark: str) -> None:
        self._known = known
        self._mark = mark
        self._found: list[Formula] = []
        self._in_paragraph = False
        self._in_table = False

    def blocks(self, markdown: str, below: int) -> list[str]:
        root, self._found = _tree(markdown, self._known, below)
        return self._children(root)

    def line(self, markdown: str) -> str:
        root, self._found = _tree(markdown, self._known)
        self._in_table = True
        parts = [self._inline(node) for node in root.walk() if node.type == "inline"]
        return " ".join(" ".join(filter(str.strip, parts)).split())

    def _children(self, node: SyntaxTreeNode, *, tight: bool = False) -> list[str]:
        out: list[str] = []
        for child in node.children:
            lines = _BLOCKS[child.type](self, child)
            if lines:
                out += [*([] if tight or not out else [""]), *lines]
        return out

    def _heading(self, node: SyntaxTreeNode) -> list[str]:
        text = self._all(node).replace("  \n", " ").strip()
        return [f"{'#' * int(node.tag[1])} {text}".rstrip()]

    def _paragraph(self, node: SyntaxTreeNode) -> list[str]:
        self._in_paragraph = True
        parts = self._all(node).split(_DISPLAYED)
        self._in_paragraph = False
        out: list[str] = []
        for at, part in enumerate(parts):
            lines = part.split("\n") if at % 2 else [escape_start(line) for line in part.strip().split("\n")]
            if lines != [""]:
                out += [*([""] if out else []), *lines]
        return out

    def _quote(self, node: SyntaxTreeNode) -> list[str]:
        return [f"> {line}".rstrip() for line in self._children(node)]

    def _list(self, node: SyntaxTreeNode) -> list[str]:
        ordered = node.type == "ordered_list"
        number = int(node.attrs.get("start", 1)) if ordered else 0
        again = node.previous_sibling is not None and node.previous_sibling.type == node.type
        tight = all(grand.hidden for item in node.children for grand in item.children if grand.type == "paragraph")
        out: list[str] = []
        for at, item in enumerate(node.children):
            mark = f"{number + at}{')' if again else '.'} " if ordered else ("* " if again else "- ")
            lines = self._children(item, tight=tight) or [""]
            out += [] if tight or not out else [""]
            out += [(mark + lines[0]).rstrip(), *((" " * len(mark) + line).rstrip() for line in lines[1:])]
        return out

    def _fence(self, node: SyntaxTreeNode) -> list[str]:
        language = _LANGUAGE.match(node.info)
        return fenced(node.content, language[0] if language else "")

    def _rule(self, _: SyntaxTreeNode) -> list[str]:
        return ["***"]

    def _table(self, node: SyntaxTreeNode) -> list[str]:
        self._in_table = True
        rows = [row for part in node.children for row in part.children]
        lines = [[" ".join(self._all(cell).split()) for cell in row.children] for row in rows]
        marks = [_ALIGN.get(str(cell.attrs.get("style", "")), "---") for cell in rows[0].children]
        self._in_table = False
        return [f"| {' | '.join(cells)} |" for cells in (lines[0], marks, *lines[1:])]

    def _all(self, node: SyntaxTreeNode) -> str:
        return "".join(self._inline(child) for child in node.children)

    def _inline(self, node: SyntaxTreeNode) -> str:
        return _INLINE[node.type](self, node)

    def _text(self, node: SyntaxTreeNode) -> str:
        return put_back(escape_text(node.content), self._found, self._formula)

    def _formula(self, formula: Formula) -> str:
        if _ADDRESS.search(formula.tex) or len(formula.tex) != len(formula.tex.replace("$", "")):
            return escape_text(formula.source)
        if formula.display and self._in_paragraph:
            return f"{_DISPLAYED}{_NEW_LINE.join(display(formula))}{_DISPLAYED}"
        return inline(formula, self._mark, in_table=self._in_table)

    def _code(self, node: SyntaxTreeNode) -> str:
        text = node.content.strip("\n")
        return code(text, in_table=self._in_table) if text.strip() else ""

    def _link(self, node: SyntaxTreeNode) -> str:
        text = self._all(node)
        return link(text, str(node.attrs["href"])) if text.strip() else text

    def _image(self, node: SyntaxTreeNode) -> str:
        return put_back(escape_text("".join(_joined(node, []))), self._found, self._formula)

    def _marked(self, node: SyntaxTreeNode) -> str:
        mark, text = "**" if node.type == "strong" else "*", self._all(node)
        return f"{mark}{text}{mark}" if text.strip() == text else text

    def _space(self, _: SyntaxTreeNode) -> str:
        return " "

    def _break(self, _: SyntaxTreeNode) -> str:
        return "  \n"


_BLOCKS: dict[str, Callable[[_Writer, SyntaxTreeNode], list[str]]] = {
    "heading": _Writer._heading,
    "paragraph": _Writer._paragraph,
    "blockquote": _Writer._quote,
    "bullet_list": _Writer._list,
    "ordered_list": _Writer._list,
    "fence": _Writer._fence,
    "code_block": _Writer._fence,
    "hr": _Writer._rule,
    "table": _Writer._table,
}
_INLINE: dict[str, Callable[[_Writer, SyntaxTreeNode], str]] = {
    "inline": _Writer._all,
    "text": _Writer._text,
    "code_inline": _Writer._code,
    "link": _Writer._link,
    "image": _Writer._image,
    "strong": _Writer._marked,
    "em": _Writer._marked,
    "softbreak": _Writer._space,
    "hardbreak": _Writer._break,
}
