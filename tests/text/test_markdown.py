"""A model's Markdown as harmless HTML."""

from time import thread_time

from hypothesis import given
from hypothesis import strategies as st

from core.model.paper import known_addresses
from core.text.markdown import to_html
from tests.support.invented import make_paper
from tests.support.rules import UNWANTED, html_faults
from tests.support.tables import each_row
from tests.support.tiers import matrix

KNOWN = frozenset({"github.com/sample/code", "sample.example/page"})

PLAIN = {
    "A *b* **c** `d`": "<p>A <em>b</em> <strong>c</strong> <code>d</code></p>",
    "# One\n\n#### Four": "<h3>One</h3>\n<h4>Four</h4>",
    "- a\n- b": "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
    "3. c": '<ol start="3">\n<li>c</li>\n</ol>',
    "> q": "<blockquote>\n<p>q</p>\n</blockquote>",
    "```python\nx < y\n```": "<pre><code>x &lt; y\n</code></pre>",
    "a  \nb\n\n---": "<p>a<br>\nb</p>\n<hr>",
    "a < b & c": "<p>a &lt; b &amp; c</p>",
    "": "",
    " \n ": "",
}
MATHS = {
    "$a_1$ and $b_2$": "<p>a₁ and b₂</p>",
    "$x_i * y_i * z$": "<p>xᵢ * yᵢ * z</p>",
    "$$\\sum_i a_i * b_i$$": "<p>∑ᵢ aᵢ * bᵢ</p>",
    "so\n$$\n\\|x\\|^2\n$$\nholds": "<p>so\n‖x‖²\nholds</p>",
    r"\(a_1\) \[b_2\]": "<p>a₁ b₂</p>",
    "$`a_1`$": "<p>a₁</p>",
    "$a<b$ **and** $c>d$": "<p>a&lt;b <strong>and</strong> c&gt;d</p>",
    "$\\begin{pmatrix}1 & 2\\end{pmatrix}$": "<p>$\\begin{pmatrix}1 &amp; 2\\end{pmatrix}$</p>",
    "from $5 and *10* $": "<p>from $5 and <em>10</em> $</p>",
    "$5 to *x* $10": "<p>$5 to <em>x</em> $10</p>",
    "$5 per hour vs. 3$, *x*": "<p>$5 per hour vs. 3$, <em>x</em></p>",
    r"\$5 *a* \$6": "<p>$5 <em>a</em> $6</p>",
    "`$HOME/_x_` and `$B`": "<p><code>$HOME/_x_</code> and <code>$B</code></p>",
    "`$a_1$` and\n\n```\n$$x$$\n```": "<p><code>$a_1$</code> and</p>\n<pre><code>$$x$$\n</code></pre>",
    "\ue0000\ue001 $x$": "<p>0 x</p>",
}
LINKS = {
    "[a](https://arxiv.org/abs/2603.90001)": '<p><a href="https://arxiv.org/abs/2603.90001">a</a></p>',
    "[a](https://doi.org/10.1/x)": '<p><a href="https://doi.org/10.1/x">a</a></p>',
    "[a](http://github.com/sample/code/)": '<p><a href="http://github.com/sample/code/">a</a></p>',
    "<https://sample.example/page>": '<p><a href="https://sample.example/page">https://sample.example/page</a></p>',
    "[a *b*](https://evil.example/) c": "<p>a <em>b</em> c</p>",
    "<https://evil.example/>": "<p>https://evil.example/</p>",
    "[a](https://github.com/sample/code/x)": "<p>a</p>",
    "[a](https://arxiv.org.evil.example/)": "<p>a</p>",
    "[a](https://arxiv.org@evil.example/)": "<p>a</p>",
    "[a](https://evil.example/@arxiv.org/)": "<p>a</p>",
    "[a](https://evil.example\\@arxiv.org/)": "<p>a</p>",
    "[a](//arxiv.org/x) [b](/x) [c](#y) [d](mailto:a@arxiv.org)": "<p>a b c d</p>",
    "[a](ftp://arxiv.org/x)": "<p>a</p>",
    "[a][1]\n\n[1]: https://evil.example/ 'x'": "<p>a</p>",
    "![alt *text*](https://arxiv.org/x.png)": "<p>alt text</p>",
    "[![alt](x.png)](https://evil.example)": "<p>alt</p>",
    '[a](https://arxiv.org/x "title")': '<p><a href="https://arxiv.org/x">a</a></p>',
}
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) [y](data:text/html,x) [z](vbscript:x)",
    "<svg/onload=alert(1)><math><style>*{}</style></math>",
    "<a href='https://arxiv.org' onclick='x'>y</a>",
    "[x](<javascript:alert(1)>)",
    "&#106;avascript:alert(1) [x](&#106;avascript:alert(1))",
    "[x](java\nscript:alert(1)) [y](\x01javascript:alert(1))",
    '$<script>alert(1)</script>$ $$<img src=x>$$ [a$](https://arxiv.org/$"onclick=x$)',
    "```<script>\nx\n```",
    "| <b> | [x](javascript:y) |\n|--|--|\n| ![i](x) | </td></table> |",
    "<!-- x --> <?php x ?> <![CDATA[x]]> <!DOCTYPE x>",
    "\x00\x1b\u202e\u2066\ufffe\ud800 x",
)


@each_row(("markdown", "html"), [*PLAIN.items(), *MATHS.items(), *LINKS.items()])
def test_rendering(markdown: str, html: str) -> None:
    """Markdown becomes HTML, formulas become Unicode, and links lead to what is known or nowhere."""
    assert html == to_html(markdown, KNOWN)


def test_tables() -> None:
    """Tables come out, also with bars in formulas."""
    html = to_html("| a | b |\n|:--|--:|\n| $|x|_1$ | *2* |")
    assert "<td>|x|₁</td>\n<td><em>2</em></td>" in html
    assert "style" not in html


@each_row("markdown", HOSTILE)
def test_hostile(markdown: str) -> None:
    """Nothing that a model writes is anything but text and harmless tags."""
    html = to_html(markdown, KNOWN)
    assert [] == html_faults(html)
    assert not UNWANTED.search(html)


@given(st.text("<>&;/!#*_`[]()$|-\\\n\"'a:.x\x00\ue000\ue0011", max_size=60))
def test_always_harmless(markdown: str) -> None:
    """Whatever the Markdown, the HTML is balanced and harmless."""
    html = to_html(markdown)
    assert not html or [] == html_faults(html)


def test_known_addresses() -> None:
    """What the paper itself names may be linked: with or without a scheme, and without the sentence's punctuation."""
    paper = make_paper(
        abstract="See https://github.com/Sample/Code, or (www.sample.example/p?x=1). A.B",
        comment="Project: http://sample.example/ö/.",
    )
    known = known_addresses(paper)
    wanted = {"github.com/Sample/Code", "www.sample.example/p?x=1", "sample.example/%C3%B6"}
    assert wanted < known
    for url in ("https://github.com/Sample/Code", "http://www.sample.example/p?x=1", "https://sample.example/ö/"):
        assert "<a " in to_html(f"[x]({url})", known)
    for url in paper.links.values():
        assert "<a " in to_html(f"[x]({url})", known)
    assert "<a " not in to_html("[x](https://github.com/sample/code)", known)


SLOW = {
    "brackets": "[" * 50_000,
    "bangs": "![" * 25_000,
    "stars": "*a " * 16_000,
    "dollars": "$a" * 25_000,
    "parentheses": "\\(" * 25_000,
    "squares": "\\[" * 25_000,
    "displays": "$$a\n" * 12_000,
    "quotes": "> " * 25_000,
    "lists": "- " * 25_000,
    "cells": "|a" * 2000 + "\n" + "|-" * 2000 + "\n" + "|b" * 20_000,
    "word": "w" * 100_000,
}


@matrix("name", SLOW, daily=("dollars", "displays", "cells", "word"))
def test_no_markdown_takes_long(name: str) -> None:
    """Text that is made to be slow is done in seconds, and only its beginning is shown."""
    start = thread_time()
    assert len(to_html(SLOW[name])) < 1_000_000
    assert thread_time() - start < 10


def test_no_abstract_takes_long() -> None:
    """Nor does looking for addresses in an abstract."""
    start = thread_time()
    for text in ("w" * 100_000, "a." * 50_000, "https://" * 12_000, "-" * 100_000):
        known_addresses(make_paper(abstract=text))
    assert thread_time() - start < 5
