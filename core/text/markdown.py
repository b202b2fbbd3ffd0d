"""A model's Markdown: made harmless when it comes, and written as harmless HTML when it is shown.

`harmless` is for what a model answered, before it is stored: no HTML, and no addresses but the paper's. `block`, `cell`
and `one_line` fit it into its place in a document. `to_html` and `to_html_line` write a handful of tags for pages and
feeds; `core.text.rewrite` writes Markdown for GitHub, Jekyll and Hugo. A model that a paper's text has persuaded to
advertise something can name no address that a reader could click.

Markdown has many readers, and each finds its own ends of code and formulas. So `harmless` does not depend on where
these are: what could be a tag or a foreign address in any of them is not left in the text.
"""

import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from core.text.mathml import to_mathml
from core.text.maths import Formula, put_back, source, take_out, unicode, without_bars
from core.text.sanitize import clean, is_known, may_lead_to, plain, reread

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# What begins a tag, a comment or a link in angles (https://spec.commonmark.org/0.31.2/#raw-html); not `i<n$` or `<x,`
_TAG = re.compile(r"<(?=[/!?]|[A-Za-z](?:[^\s<>]*>|[\w:.-]*(?:[\s/]|\Z)))")
_LINK = re.compile(
    r"(!?)\[((?:[^\[\]]|\[[^\[\]]*+\]){0,300})\]\(\s*+<?([^\s<>()]*+(?:\([^\s<>()]*+\)[^\s<>()]*+)*+)>?[^()\n]{0,300}\)"
)
_ADDRESS = re.compile(
    r"(?:\b[A-Za-z][A-Za-z0-9+.-]{0,30}://|(?<![:\w/])//(?=[\w-]+\.)|\bwww\.)[^\s<>\"'`|\])}]+",
    re.ASCII | re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?:javascript|vbscript|data|file|mailto)\s*:", re.IGNORECASE)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]*\]:.*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:>\s?)*(`{3,}|~{3,})", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=\s|$)")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-+)\s*$")  # makes a heading of the line above
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)]|#{1,6}|>)\s+")
_RULED = re.compile(r"^\s*\|?\s*:?-{2,}[\s|:-]*$")  # the line below a table's head
_BAR = re.compile(r"(?<!\\)\|")
_TRAILING = ".,;:!?"
_LEVELS = 6
_ROUNDS = 5  # links and images stand in one another
_HTTP = ("http://", "https://")

_LONGEST = 50_000  # characters; a summary has a few thousand, and what is pathological takes time
_TAGS = {"a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong"}
_TAGS |= {"sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"}
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "ol": {"start"}, "*": set()}
PAGE_LEVEL = 2  # of the headings of pages, below which those of texts stand
_LOWEST = 6


def harmless(text: str, known: frozenset[str]) -> str:
    """`text` without tags, images and addresses that are not `known`; of links there stay their words."""
    # What looks like a link in a formula, as in `[0,1](x)`, is left to Markdown's writers, which know formulas
    marked, found = take_out(_DEFINITION.sub("", plain(text)))
    for _ in range(_ROUNDS):
        before, marked = marked, _LINK.sub(lambda match: _kept_link(match, known), marked)
        if before == marked:
            break
    text = put_back(marked, found, source)
    text = _ADDRESS.sub(lambda match: _kept_address(match[0], known), text)
    text = _SCHEME.sub(lambda match: match[0][:-1].rstrip() + " ", text)
    return _TAG.sub("< ", text).strip()


def one_line(text: str, most: int = 0) -> str:
    """`text` as one line, at most `most` characters long if that is not 0."""
    lines = [_LIST_MARK.sub("", line).strip() for line in text.splitlines() if not _RULED.match(line)]
    line = " ".join(" ".join(lines).split())
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"


def cell(text: str) -> str:
    """`text` as it may stand in a cell of a table: one line, and no bar that ends the cell."""
    return _BAR.sub(r"\\|", without_bars(one_line(text)))


def block(text: str, level: int) -> str:
    """`text` as it may stand below a heading of this level: its own are lower, and what it opens it closes."""
    lines: list[str] = []
    fence = ""
    marked, found = take_out(text)
    for line in marked.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.match(line)):
            line = "#" * min(level + len(heading[1]), _LEVELS) + line.lstrip()[len(heading[1]) :]
        elif not fence and lines and lines[-1].strip() and _UNDERLINE.match(line):
            lines.append("")
        lines.append(line.rstrip())
    if fence:
        lines.append(fence)
    return put_back(_balanced("\n".join(lines)), found, source).strip()


def _balanced(text: str) -> str:
    """`text` without the signs of displayed formulas that would go on behind it."""
    if text.count("$$") % 2:
        before, _, after = text.rpartition("$$")
        text = f"{before}\\$\\${after}"
    if text.count("\\[") != text.count("\\]"):
        text = text.replace("\\[", "[").replace("\\]", "]")
    return text


def _kept_link(match: "re.Match[str]", known: frozenset[str]) -> str:
    image, words, url = match.groups()
    return match[0] if not image and is_known(url, known) else words


def _kept_address(found: str, known: frozenset[str]) -> str:
    url = found.rstrip(_TRAILING)
    if url.lower().startswith(_HTTP) and is_known(url, known):
        return found
    return found[len(url) :]


@lru_cache(maxsize=512)
def to_html(markdown: str, known: frozenset[str] = frozenset(), *, maths: bool = False, below: int = PAGE_LEVEL) -> str:
    """Markdown as balanced, harmless HTML. Links lead to `known` addresses, arXiv and DOIs; of others the text stays.

    Formulas become Unicode, or with `maths`, for pages, MathML; what neither knows stays as it was written. Headings
    stand `below` one of that level.
    """
    tokens, found = read_markdown(markdown, known, below)
    return _cleaned(_parser().renderer.render(tokens, _parser().options, {}), found, maths=maths)


@lru_cache(maxsize=2048)
def to_html_line(markdown: str, known: frozenset[str] = frozenset(), *, maths: bool = False) -> str:
    """Markdown as harmless HTML within a line: headings, lists and tables become words in a row."""
    tokens, found = read_markdown(markdown, known)
    inlines = [[token] for token in tokens if token.type == "inline"]
    parts = [str(_parser().renderer.render(inline, _parser().options, {})) for inline in inlines]
    return " ".join(_cleaned(" ".join(filter(str.strip, parts)), found, maths=maths).split())


def _cleaned(html: str, found: list[Formula], *, maths: bool) -> str:
    import nh3  # not at a cold start: most requests show no summary

    html = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None)
    return put_back(html, found, _mathml if maths else lambda formula: escape(unicode(formula))).strip()


def _mathml(formula: Formula) -> str:
    return to_mathml(formula.tex, display=formula.display) or escape(formula.source)


def read_markdown(markdown: str, known: frozenset[str], below: int = PAGE_LEVEL) -> "tuple[list[Token], list[Formula]]":
    """Markdown as tokens, without links that lead elsewhere, with headings `below` that level and none left out between
    one and the next; and the formulas in it.

    In the tokens' texts stands a mark for each formula, which `core.text.maths.put_back` replaces; code has none.
    """
    marked, found = take_out(clean(reread(markdown))[:_LONGEST])
    tokens = _parser().parse(marked)
    above: list[str] = []  # the headings that the present one stands below, as they were written
    for token in tokens:
        if token.type == "heading_open":
            above = [*(tag for tag in above if tag < token.tag), token.tag]
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(below + len(above), _LOWEST)}"
        if token.type in _CODE:
            token.content = put_back(token.content, found, source)
        if token.children:
            token.children = _allowed(token.children, known)
            for child in token.children:
                if child.type in _CODE:
                    child.content = put_back(child.content, found, source)
    return tokens, found


_CODE = ("code_inline", "code_block", "fence")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # as above

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _alternative)
    return parser


def _alternative(renderer: Any, tokens: "list[Token]", index: int, options: Any, env: Any) -> str:
    """An image's text in its place: what it shows would be loaded from anywhere."""
    return escape(renderer.renderInlineAsText(tokens[index].children or [], options, env))


def _allowed(tokens: "list[Token]", known: frozenset[str]) -> "list[Token]":
    """The tokens without the links that lead elsewhere; links do not stand in one another."""
    out = []
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            dropped = not may_lead_to(str(token.attrGet("href") or ""), known)
        if not (dropped and token.type in ("link_open", "link_close")):
            out.append(token)
    return out
