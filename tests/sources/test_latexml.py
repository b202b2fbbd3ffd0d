"""arXiv's HTML as text: what people read of it, and nothing else."""

import time

from core.model.excerpt import join
from core.model.fulltext import TextSection
from core.sources.html import LEAST_CHARACTERS, read_html
from core.sources.sections import MOST_CHARACTERS
from tests.support.latexml_format import LONG, article, bibliography, math, section, table
from tests.support.tables import each_row


def text_of(*parts: str) -> str:
    """The text of an article with these parts, in which there is enough to read."""
    reading = read_html(article(section("Introduction", LONG, number="1"), *parts), 10)
    assert "" == reading.state
    return join(reading.sections)


def test_sections() -> None:
    """Title, abstract and sections come in their order, with their headings."""
    reading = read_html(
        article(section("Introduction", LONG, "Second.", number="1"), section("Method", "It reads.")), 10
    )
    expected = (
        TextSection("A Reading Machine", ""),
        TextSection("Authors", "First Sample"),
        TextSection("Abstract", "We read papers by machine."),
        TextSection("1 Introduction", f"{LONG.strip()}\nSecond."),
        TextSection("Method", "It reads."),
    )
    assert ("", expected) == (reading.state, reading.sections)


ROWS = [
    # what stands in an article, what is read of it
    (f"<p>Time is {math('O(n^2)')}, space {math('n')}.</p>", "Time is O(n²), space n."),
    (f"<p>{math(chr(92) + 'displaystyle x' + chr(92) + 'leq y')} holds</p>", "x≤y holds"),
    (f"<p>{math('')}nothing</p>", "nothing"),
    (table(("Model", "Score"), ("Ours", "9.5")), "Table 1: Results.\nModel | Score\nOurs | 9.5"),
    (
        '<table><thead><tr><th rowspan="2">Model</th><th colspan="2">Time</th></tr><tr><th>Read</th><th>Write</th></tr>'
        '</thead><tbody><tr><th rowspan="2">Ours</th><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody>'
        "</table>",
        "Model | Time\nModel | Read | Write\n---\nOurs | 1 | 2\nOurs | 3 | 4",
    ),
    (
        '<p>Read<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup>'
        '<span class="ltx_note_outer">'
        '<span class="ltx_note_content"><sup class="ltx_note_mark">1</sup><span class="ltx_tag ltx_tag_note">1</span>'
        "Or heard.</span></span></span> by all.</p>",
        "Read (Or heard.) by all.",
    ),
    ('<ul><li class="ltx_item">One <em>and</em></li><li class="ltx_item">Two</li></ul>', "One and\nTwo"),
    ("<p>&lt;b&gt; &amp; caf&eacute; &#8212; x&nbsp;y</p>", "<b> & café — x y"),
    ("<p>a&#1;b\u202ec&#xe000;d\u200b</p>", "abcd"),
    ('<p>A<br class="ltx_break"/>B</p>', "A\nB"),
    (
        '<table class="ltx_equation"><tr class="ltx_eqn_row"><td class="ltx_eqn_cell"></td><td class="ltx_eqn_cell">'
        f"{math('a=b')}</td></tr></table>",
        "a=b",
    ),
    (
        '<table class="ltx_equation"><tr><td class="ltx_eqn_cell"><span class="ltx_tag ltx_tag_equation">(1)</span>'
        f"</td><td class=ltx_eqn_cell>{math('a=b')}</td></tr></table>",
        "(1) a=b",
    ),
]


@each_row(("html", "text"), ROWS)
def test_what_is_read(html: str, text: str) -> None:
    """Formulas, tables, notes and lists become text."""
    assert text_of(html).endswith(f"{LONG.strip()}\n{text}")


@each_row(
    "html",
    [
        "<script>UNSEEN</script>",
        "<style>UNSEEN</style>",
        '<svg><text>UNSEEN</text></svg><img alt="UNSEEN">',
        "<!-- UNSEEN --><?php UNSEEN ?>",
        '<span class="ltx_ERROR undefined">UNSEEN</span>',
        '<iframe srcdoc="UNSEEN"></iframe><noscript>UNSEEN</noscript><template>UNSEEN</template>',
        '<section class="ltx_bibliography"><h2 class="ltx_title">References</h2>UNSEEN</section>',
        '<div class="ltx_acknowledgements">UNSEEN</div>',
        section("Acknowledgements", "UNSEEN"),
        section("References", "UNSEEN"),
        '<form><input value="UNSEEN"><textarea>UNSEEN</textarea></form>',
    ],
)
def test_what_is_not_read(html: str) -> None:
    """Scripts, pictures, errors, references and thanks are left out, and what follows them is not."""
    text = text_of(html, section("Conclusion", "It works."))
    assert "UNSEEN" not in text
    assert text.endswith("Conclusion\nIt works.")


def test_what_surrounds_it() -> None:
    """Of arXiv's page around the article nothing is read, nor the authors' addresses of mail."""
    text = text_of(bibliography())
    for words in (
        "script in the head",
        "in the contents",
        "failed: x",
        "sample@example.org",
        "Generated",
        "cited",
        "color",
    ):
        assert words not in text


def test_appendices() -> None:
    """What an appendix holds is appendix too."""
    inside = section("Proofs", "z" * 60_000, number="A", kind="appendix").replace(
        "</section>", section("More", "y" * 9) + "</section>"
    )
    sections = read_html(article(section("Introduction", LONG), inside), 10).sections
    assert [("A Proofs", "appendix", 60_000), ("More", "appendix", 9)] == [
        (one.heading, one.kind, len(one.text)) for one in sections[-2:]
    ]


def test_long_article() -> None:
    """An article that is too long is cut, and says so."""
    reading = read_html(article(*(section(f"Part {n}", "words " * 10_000) for n in range(9))), 10)
    assert "too-long" == reading.state
    assert MOST_CHARACTERS * 0.9 < sum(len(part.text) for part in reading.sections) <= MOST_CHARACTERS


@each_row(
    "body",
    [
        b"",
        b" \n",
        b"\x00\x01\x02",
        b"<",
        b"Rate exceeded.",
        b"%PDF-1.5",
        b"<html><body><h1>No HTML for 2603.90001</h1></body></html>",
        b"<html><body><article><p>not LaTeXML's</p></article></body></html>",
        article(),
        article("x" * (LEAST_CHARACTERS // 2)),
    ],
)
def test_no_article(body: bytes) -> None:
    """Any other page is told from an article."""
    assert "not-an-article" == read_html(body, 10).state


LAUGHS = b'<!DOCTYPE html [<!ENTITY a "LAUGH">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)


@each_row(
    ("prefix", "middle"),
    [
        (LAUGHS + b"]>", "<p>&j;</p>"),
        (b'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "<p>&x;</p>"),
        (b'<!DOCTYPE html SYSTEM "http://127.0.0.1:9/x.dtd">', "<p>&undefined;</p>"),
        (b"", "<div>" * 100_000),
        (b"", "<p><b><i>" * 30_000),
        (b"", "<table><tr><td>" * 20_000),
        (b"", '<p class="' + "x " * 500_000 + '">x</p>'),
        (b"", math("{" * 1_900)),
        (b"", math("\\frac{" * 300)),
        (b"", math("x" * 1_000_000)),
        (b"", "<p>\ud83d</p>".encode("utf-8", "surrogatepass").decode("utf-8", "replace")),
        (b"", "</article></body></html><p>"),
        (b"", "<p>" + "&#0;&#x110000;&#xD800;&bogus;" * 1000),
        (b"", "<![CDATA[ <x> ]]><!-- -- > <p>"),
    ],
)
def test_hostile_html(prefix: bytes, middle: str) -> None:
    """What is made to exhaust or to fool a parser is read soon, and brings in nothing from elsewhere."""
    begun = time.process_time()
    reading = read_html(prefix + article(section("Introduction", LONG), middle, section("Conclusion", "End.")), 10)
    text = join(reading.sections)
    assert reading.state in ("", "not-an-article")
    assert "root:" not in text
    assert "LAUGHLAUGH" not in text
    assert len(text) < 3_000_000
    assert time.process_time() - begun < 10  # quadratic would be minutes
