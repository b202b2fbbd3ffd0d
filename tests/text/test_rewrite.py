"""A model's Markdown and anybody's text as Markdown that every renderer reads the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.text.markdown import to_html, to_html_line
from core.text.rewrite import code, escape_start, escape_text, fenced, markdown_text, rewrite, rewrite_line
from tests.support.tables import each_row
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


@each_row("markdown", [*PLAIN, *(m for m in MATHS if "\\(" not in m and "$$\n" not in m), *LINKS, *MORE])
def test_rewritten_says_the_same(markdown: str) -> None:
    """What is rewritten gives the same HTML as what a model wrote."""
    assert shown(to_html(markdown, KNOWN)) == shown(to_html(rewrite(markdown, KNOWN), KNOWN))


@each_row("markdown", [*PLAIN, *LINKS, *MORE[3:8]])
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


@each_row("markdown", [*TEXTS, *MORE, *LINKS])
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


FORMULAS = (
    r"$x_1 + \alpha^2$", r"$a_b*c$", r"$\|x_i-\hat{x}_i\|_2^2$", "$[0, 1]$", "$i<n$", r"$\{x \mid x<0\}$", r"$O(n^2)$",
    r"$\mathcal{L}_{\text{KL}} = -\sum_{i=1}^{n} p_i \log q_i$", "$|A|$", r"$\frac{a}{b}$", "$x~y$", "$a#b$", r"$90\%$",
)  # fmt: skip


@each_row("formula", FORMULAS)
def test_formulas_stay_exactly(formula: str) -> None:
    """A formula within a line, a list or a quotation is the same to the letter, for Jekyll between double dollars."""
    for text in (f"so {formula} holds", f"- so {formula}", f"> **{formula}**", f"## {formula}"):
        assert formula in rewrite(text)
        assert f"${formula}$" in rewrite(text, mark="$$")


@each_row("formula", FORMULAS)
def test_displayed_formulas_stay_exactly(formula: str) -> None:
    """A displayed formula stands on lines of its own with empty ones around it, wherever the model put it."""
    tex = formula.strip("$")
    assert f"so\n\n$${tex}$$\n\nholds" == rewrite(f"so\n$${tex}$$\nholds")
    assert f"so\n\n$$\n{tex}\n$$\n\nholds" == rewrite(f"so $$\n{tex}\n$$ holds")
    assert f"1. so\n\n   $$\n   {tex}\n   $$" == rewrite(f"1. so\n   $$\n   {tex}\n   $$")


def test_formulas_for_all_readers() -> None:
    """Other marks become dollars; what a reader takes for a tag, a link or a template is written otherwise."""
    assert r"$a$ $b$" == rewrite(r"\(a\) $`b`$")
    assert "$$\n= a - b\n$$" == rewrite("\\[\n= a\n- b\n\\]")
    assert "$$\nx\n$$" == rewrite("```math\nx\n```")
    assert r"$a\lt b c>d$" == rewrite("$a<b c>d$")
    assert "$f[0] (x)$ $\\frac{ {a}}{b}$" == rewrite("$f[0](x)$ $\\frac{{a}}{b}$")
    assert r"| a |" + "\n| --- |\n" + r"| $\vert x\vert \Vert y\Vert $ |" == rewrite(
        "| a |\n|---|\n| $\\vert x\\vert \\|y\\|$ |"
    )
    assert r"$\vert x\vert $ $y$" == rewrite_line("$|x|$\n\n$$\ny\n$$")
    assert r"\$5/hour vs. 3\$" == rewrite("$5/hour vs. 3$")


def test_diagrams_stay() -> None:
    """Mermaid is a block of code in its own language, which GitHub and Obsidian draw."""
    diagram = "```mermaid\ngraph LR\n  A[Input $x$] -->|1| B{Split}\n```"
    assert diagram == rewrite(diagram)


def test_text_of() -> None:
    """What Markdown says, without its marks."""
    assert "A x | y a|b soft c" == markdown_text("# A\n\n- **x** | y\n- `a|b`\nsoft\n\n```\nc\n```")
