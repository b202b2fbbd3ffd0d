"""Formulas on pages: MathML that browsers show, and nothing else."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from core.text.markdown import to_html, to_html_line
from core.text.mathml import to_mathml
from tests.support.rules import MATHML_TAGS, SAFE_TAGS, UNWANTED, html_faults
from tests.support.tables import each_row

KNOWN = {
    r"\frac{a}{b}": "<mfrac>",
    r"\text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V": "<msqrt>",
    r"\|x_i - \hat{x}_i\|_2^2": "<msubsup>",
    r"\mathcal{L} = \mathbb{E}_{x \sim p}[\log p(x)]": "ℒ",
    r"\begin{aligned} a &= b \\ c &= d \end{aligned}": "<mtable",
    r"\begin{align*} a &= b \\ c &= d \nonumber \label{eq:1} \end{align*}": "<mtable",
    r"\begin{equation} a = b \end{equation}": "<mo>=</mo>",
    r"\begin{cases} 1 & x>0 \\ 0 & \text{otherwise} \end{cases}": "otherwise",
    r"\arg\max_\theta f": "arg",
    r"\operatorname*{arg\,min}_{x} f": "argmin",
    r"\boldsymbol{\theta} \bm{x}": "𝜽",
    r"\mathscr{F} \mathfrak{g} \mathds{1}": "ℱ",
    r"\big\| x \big\|": "‖",
    r"\text{a < b} 90\%": "a\xa0&lt;\xa0b",
    "α + β": "α",
}
UNKNOWN = (
    r"\softmax(x)",
    r"\ce{H2O}",
    r"x_{",
    r"\left( x",
    r"\includegraphics{x}",
    "{" * 5000,
    "x_x_x",
    "a & b",
    r"\frac",
)
HOSTILE = (
    r"\href{javascript:alert(1)}{x}",
    r"\text{<img src=x onerror=alert(1)>}",
    r"\text{</mtext></math><script>alert(1)</script>}",
    r"\textcolor{url(javascript:alert(1))}{x}",
    r'\class{"><script>}{x}',
    r"\operatorname{<script>alert(1)</script>}",
    r"\begin{x}<img src=x>\end{x}",
    r"\hspace{1em\" onclick=x}",
    "&lt;script&gt;x",
    "<style>*{}</style>",
)
TAGS = SAFE_TAGS | MATHML_TAGS


@each_row("tex", KNOWN)
@each_row("display", [True, False])
def test_known(tex: str, display: bool) -> None:
    """What models write most becomes well-formed MathML without a command left in it."""
    html = to_mathml(tex, display=display)
    assert html
    assert [] == html_faults(html, tags=TAGS)
    assert KNOWN[tex] in html
    root = ElementTree.fromstring(html)
    assert ("block" if display else "inline") == root.get("display")
    assert not re.search(r"\\[A-Za-z]", "".join(root.itertext()))


@each_row("tex", UNKNOWN)
def test_unknown(tex: str) -> None:
    """What the library does not know stays as it was written, and spoils nothing around it."""
    assert to_mathml(tex, display=False) is None
    if "{{" not in tex:
        assert re.search(r"<p>so \$.*\$ and <math.*</math></p>", to_html(f"so ${tex}$ and $x$", maths=True))


@each_row("tex", HOSTILE)
def test_hostile(tex: str) -> None:
    """No formula brings anything but MathML into a page."""
    for html in (to_html(f"a ${tex}$ b", maths=True), to_html_line(f"$${tex}$$", maths=True)):
        assert [] == html_faults(html or "x", tags=TAGS)
        assert not UNWANTED.search(html)
        assert not re.search(r"<(?:script|img|style)|javascript:[^<]*\"", html)


@given(st.text("\\{}$<>&\"'_^abc xfrtn/=()|", max_size=60))
def test_always_harmless(tex: str) -> None:
    """Whatever stands between dollar signs, the HTML is balanced and of known tags."""
    html = to_html(f"a ${tex}$ b\n\n$$\n{tex}\n$$", maths=True)
    assert [] == html_faults(html, tags=TAGS)


def test_places() -> None:
    """Formulas in tables, lists and headings become MathML, those in code do not."""
    html = to_html("# $a$\n\n- $b$\n\n| $c$ | `$d$` |\n|---|---|\n| $\\vert e\\vert$ | |\n\n```\n$f$\n```", maths=True)
    assert 4 == html.count("<math")
    assert "<code>$d$</code>" in html
    assert "<pre><code>$f$\n</code></pre>" in html
