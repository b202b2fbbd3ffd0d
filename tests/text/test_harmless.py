"""What models write, made fit to stand in documents."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.text.markdown import block, cell, harmless, one_line, to_html
from tests.support.tables import each_row
from tests.support.vectors import HOST, TEXTS

KNOWN = frozenset({"github.com/sample/code"})
GOOD = "https://github.com/sample/code"
HARMLESS = {
    f"See [code]({GOOD}) and {GOOD}.": f"See [code]({GOOD}) and {GOOD}.",
    "See [this](https://evil.example/a(b)c) and that": "See this and that",
    "https://evil.example/x, www.evil.example and //evil.example/y": ", and",
    "![shot](https://evil.example/i.png)": "shot",
    f"![shot]({GOOD})": "shot",
    "[a [b](https://evil.example) c](https://evil.example)": "a b c",
    "<https://evil.example>": "<>",
    "a\n\n[r]: https://evil.example 'x'\nb": "a\n\n\nb",
    "<script>alert(1)</script>": "< script>alert(1)< /script>",
    "a<b and c > d": "a< b and c > d",
    "1 < 2": "1 < 2",
    "$i<n$, $\\{x<y\\}$ and `a<b`": "$i<n$, $\\{x<y\\}$ and `a<b`",
    "$f[0,1](x)$ but [0](https://evil.example)": "$f[0,1](x)$ but 0",
    "$[x](https://evil.example)$": "$[x]()$",
    "&lt;img src=x&gt; H<sub>2</sub>O<br>x": "< img src=x> H₂O x",
    "[x](javascript:alert(1))": "x",
    "either//or, and a comment // here": "either//or, and a comment // here",
}
# In angles without white space, or a name and what follows that of a tag
TAG = re.compile(r"<(?:[!?/]|[A-Za-z][^\s<>]*>|[A-Za-z][\w:.-]*(?:[\s/]|$))")
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
CELLS = {
    "a | b": r"a \| b",
    r"a \| b": r"a \| b",
    "norm $|x|$ and $\\|y\\|$": r"norm $\vert x\vert $ and $\Vert y\Vert $",
    "- one\n- two\n\n3. three": "one two three",
    "| a | b |\n|---|---|\n| 1 | 2 |": r"\| a \| b \| \| 1 \| 2 \|",
    "$$x$$ \\[y\\]": "$x$ $y$",
}
BLOCKS = {
    "# One\ntext\n### Two": "### One\ntext\n##### Two",
    "text\n---\nmore": "text\n\n---\nmore",
    "text\n===": "text\n\n===",
    "```\n# not a heading\n": "```\n# not a heading\n```",
    "~~~\n```\nx\n~~~\n# h": "~~~\n```\nx\n~~~\n### h",
    "an open $$ formula": "an open \\$\\$ formula",
    "$$x$$": "$$x$$",
    "an open \\[ formula": "an open [ formula",
    "| a |\n|---|\n| b |": "| a |\n|---|\n| b |",
}


@each_row("text", HARMLESS)
def test_harmless(text: str) -> None:
    """Tags are broken, and of links to elsewhere the words stay."""
    assert " ".join(HARMLESS[text].split()) == " ".join(harmless(text, KNOWN).split())


@each_row("text", CELLS)
def test_cells(text: str) -> None:
    """A cell is one line without a bar that would end it; bars in formulas keep their meaning."""
    assert CELLS[text] == cell(text)


@each_row("text", BLOCKS)
def test_blocks(text: str) -> None:
    """Headings in a part stand below its own, and what is opened in it is closed in it."""
    assert BLOCKS[text] == block(text, 2)


def test_lines_are_cut() -> None:
    """A line that is too long ends with an ellipsis, within what is allowed."""
    assert "abc…" == one_line("abc def", 5)
    assert "abc def" == one_line("abc\n def", 7)


@each_row("text", TEXTS)
def test_no_hostile_text_leaves_a_tag_or_an_address(text: str) -> None:
    """Of hostile texts no reader of Markdown sees a tag, a link, or an address to go to."""
    left = harmless(text, KNOWN)
    assert not TAG.search(left)
    assert not re.search(rf"(?://|www\.)[^\s]*{re.escape(HOST)}", left)
    assert not re.search(r"\]\(\s*(?:javascript|data|vbscript|file):", left, re.IGNORECASE)
    assert "<a " not in to_html(left, KNOWN)


@given(st.text("<>&;/!#*_`[]()$|-\\\n\"'a:.x1", max_size=80))
def test_twice_is_once(text: str) -> None:
    """What is harmless has no tag in it, and stays as it is in a cell."""
    left = harmless(text, frozenset())
    assert not TAG.search(left)
    tokens = READER.parse(left)
    assert all(
        t.type not in ("html_block", "html_inline") for token in tokens for t in (token, *(token.children or ()))
    )
    assert "\n" not in cell(left)
    assert not re.search(r"(?<!\\)\|", cell(left))


@each_row(
    "text", ["[" * 20_000, "[x](" * 5_000, "[x](a" * 5_000, "a." * 10_000, "![" * 10_000, "//a" * 7_000, "`" * 20_000]
)
def test_pathological_texts_end(text: str) -> None:
    """What is made to be slow is done all the same."""
    assert len(harmless(text, frozenset())) <= len(text)
