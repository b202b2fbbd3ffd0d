"""A model's Markdown to harmless HTML: a handful of tags, and links to nothing but what the paper itself names.

A model that was told by a paper's text to advertise something can name no address that a reader could click.
"""

import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from core.text.links import may_lead_to
from core.text.sanitize import clean, reread

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LONGEST = 50_000  # characters; a summary has a few thousand, and what is pathological takes time
_TAGS = {"a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong"}
_TAGS |= {"sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"}
_ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "ol": {"start"}, "*": set()}
_TOP = 2  # headings begin below those of the page that shows them
_LOWEST = 6

# pandoc's rule (https://pandoc.org/MANUAL.html#math): `$5 and $10` is money; and TeX's own brackets
_MATHS = re.compile(
    r"\$\$(?=\S)[^$]{1,2000}?\$\$"
    r"|(?<![\\$])\$(?=[^\s$])(?:[^$\\\n`]|\\.){0,500}?(?<=\S)\$(?!\d)"
    r"|\\\([^\n]{1,500}?\\\)|\\\[[^$]{1,500}?\\\]"
)
_KEPT = re.compile("\ue000(\\d+)\ue001")  # private use: no meaning to Markdown, HTML or Unicode


@lru_cache(maxsize=512)
def to_html(markdown: str, known: frozenset[str] = frozenset()) -> str:
    """Markdown as balanced, harmless HTML. Links lead to `known` addresses, arXiv and DOIs; of others the text stays.

    Formulas between dollar signs come out as they were written.
    """
    tokens, kept = read_markdown(markdown, known)
    return _cleaned(_parser().renderer.render(tokens, _parser().options, {}), kept)


@lru_cache(maxsize=2048)
def to_html_line(markdown: str, known: frozenset[str] = frozenset()) -> str:
    """Markdown as harmless HTML within a line: headings, lists and tables become words in a row."""
    tokens, kept = read_markdown(markdown, known)
    inlines = [[token] for token in tokens if token.type == "inline"]
    parts = [str(_parser().renderer.render(inline, _parser().options, {})) for inline in inlines]
    return " ".join(_cleaned(" ".join(filter(str.strip, parts)), kept).split())


def _cleaned(html: str, kept: list[str]) -> str:
    import nh3  # not at a cold start: most requests show no summary

    html = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=None)
    return restore(html, [escape(text) for text in kept]).strip()


def read_markdown(markdown: str, known: frozenset[str]) -> "tuple[list[Token], list[str]]":
    """Markdown as tokens, with headings lowered and without links that lead elsewhere; and the formulas in it.

    In the tokens' texts stands a mark for each formula, which `restore` puts back.
    """
    kept: list[str] = []

    def keep(match: "re.Match[str]") -> str:
        kept.append(match[0])
        return f"\ue000{len(kept) - 1}\ue001"

    text = re.sub("[\ue000\ue001]", "", clean(reread(markdown)))[:_LONGEST]
    tokens = _parser().parse(_MATHS.sub(keep, text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + _TOP, _LOWEST)}"
        if token.children:
            token.children = _allowed(token.children, known)
    return tokens, kept


def restore(text: str, kept: list[str]) -> str:
    """`text` with the formulas where their marks are."""
    # By its number as text: with a reference such as `&#xE000;` a model can write one that stands for nothing
    by_number = {str(number): formula for number, formula in enumerate(kept)}
    return _KEPT.sub(lambda match: by_number.get(match[1], ""), text)


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
