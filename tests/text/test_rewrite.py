"""A model's Markdown and anybody's text as Markdown that every renderer reads the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.text.markdown import to_html, to_html_line
from core.text.rewrite import code, escape_start, escape_text, fenced, markdown_text, rewrite, rewrite_line
from tests.support.vectors import TEXTS
from tests.text.test_markdown import KNOWN, LINKS, MATHS, PLAIN

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MORE = (
    "- a\n\n  b\n- c\n  - d\n    1. e\n    2. f",
    "- a\n- b\n\n* c\n* d",
    "1. a\n2. b\n\n1) c",
    "| a | b |\n|:-:|--:|\n| `x\\|y` | a\\|b |\n| *c* | |",
    "> a\n> > b\n>\n> - c",
    "a\\\nb  \nc",
    "\\# no\n\n1\\. no\n\n\\- no\n\n\\+ no\n\na\n\\===",
    "**a *b* c** `` ` `` x~y ~~z~~",
    "```\n\n  a\n\n```",
    "~~~ py <b>\n```\n{{ x }}\n~~~",
    "***",
    "x &lt;b&gt; &amp;amp; &#35; # *",
)
special = st.text("\\`*_[]|$<>&~{}%#+-=:.)(!1aé \n\t", max_size=30)


def shown(html: str) -> str:
    """HTML with headings of one level, as the lowering of headings twice makes them, and joiners that nobody sees."""
    return re.sub(r"\s+", " ", re.sub(r"(?<=[</]h)\d", "3", html).replace("\u2060", ""))


@pytest.mark.parametrize("markdown", [*PLAIN, *(m for m in MATHS if "\\(" not in m), *LINKS, *MORE])
def test_rewritten_says_the_same(markdown: str) -> None:
    """What is rewritten gives the same HTML as what a model wrote."""
    assert shown(to_html(markdown, KNOWN)) == shown(to_html(rewrite(markdown, KNOWN), KNOWN))


@pytest.mark.parametrize("markdown", [*PLAIN, *LINKS, *MORE[3:8]])
def test_lines_are_lines(markdown: str) -> None:
    """Within a line there is neither a block nor a bar that would end a cell, and HTML and Markdown say the same."""
    line = rewrite_line(markdown, KNOWN)
    assert "\n" not in line
    rendered = READER.render(f"| x |\n|---|\n| {line} |\n")
    assert (1, 1) == (rendered.count("<table>"), rendered.count("<td>"))
    cell = re.findall(r"<td>(.*?)</td>", rendered)[0]
    assert to_html_line(markdown, KNOWN).replace("<br>", "").split() == cell.replace("<br />", "").split()


@given(special)
def test_text_is_read_as_text(text: str) -> None:
    """Any text, within a paragraph or in a cell, is read as just that text."""
    words = " ".join(text.split())
    paragraph = READER.parse(escape_start(escape_text(words)) or "x")
    assert ["paragraph_open", "inline", "paragraph_close"] == [token.type for token in paragraph]
    (cell,) = [t for t in READER.parse(f"| a |\n|---|\n| b{escape_text(words)}c |") if t.content.startswith("b")]
    for inline, expected in ((paragraph[1], words or "x"), (cell, f"b{words}c")):
        assert {"text"} == {child.type for child in inline.children or ()}
        assert expected == "".join(child.content for child in inline.children or ())


@given(special.filter(str.strip))
def test_code_is_read_as_code(text: str) -> None:
    """Any text is read as code within a line, and as a block."""
    line = " ".join(text.split())
    (only,) = READER.parse(f"{code(line)}")[1].children or ()
    assert ("code_inline", line) == (only.type, only.content.replace("\u2060", ""))
    (block,) = READER.parse("\n".join(fenced(text)))
    assert ("fence", text.rstrip("\n")) == (block.type, block.content.replace("\u2060", "").rstrip("\n"))


@pytest.mark.parametrize("markdown", [*TEXTS, *MORE, *LINKS])
def test_nothing_but_harmless_markdown(markdown: str) -> None:
    """Rewritten Markdown has no HTML for any reader, no image, and no tag of Liquid or Hugo."""
    for text in (rewrite(markdown), rewrite_line(markdown)):
        tokens = [child for token in READER.parse(text) for child in (token, *(token.children or ()))]
        assert {"html_block", "html_inline", "image"}.isdisjoint(token.type for token in tokens)
        links = [str(token.attrGet("href")) for token in tokens if token.type == "link_open"]
        assert [] == [url for url in links if not re.match(r"https?://((www\.)?arxiv|(dx\.)?doi)\.org/", url)]
        assert not re.search(r"\{[{%#:]", text)


AUTOLINKS = ("https://evil.example/x", "www.evil.example", "HTTP://evil.example", "see WWW.evil.example.")


@pytest.mark.parametrize("text", AUTOLINKS)
def test_addresses_are_not_made_links(text: str) -> None:
    """GitHub and Hugo make links of what looks like an address; here nothing does."""
    for written in (escape_text(text), rewrite(text), rewrite_line(text)):
        assert not re.search(r"[a-z]://|www\.", written, re.IGNORECASE)


def test_harmless_formulas_stay() -> None:
    """Formulas that mean nothing to Markdown are left for readers that show formulas; others become text."""
    assert r"$x_1 + \alpha^2$ and \$a\_b\*c\$" == rewrite(r"$x_1 + \alpha^2$ and $a_b*c$")


def test_text_of() -> None:
    """What Markdown says, without its marks."""
    assert "A x | y a|b soft c" == markdown_text("# A\n\n- **x** | y\n- `a|b`\nsoft\n\n```\nc\n```")
