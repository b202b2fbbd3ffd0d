"""arXiv's RSS, Atom and API documents, as it serves them and as it should not."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.batch import Announcement
from core.model.errors import ParseError
from core.model.paper import Author, Paper
from core.sources.parse import ParsedFeed, parse_api, parse_feed
from tests.support.arxiv_format import Sheet, api, atom, make_sheets, rss
from tests.support.tables import each_row

DAY = date(2026, 3, 6)
Writer = Callable[..., bytes]
WRITERS: dict[str, Writer] = {"rss": rss, "atom": atom}
both = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)

FULL = Sheet(
    id="2603.01234",
    version=2,
    title=r"A T\"{o}y Title with $\alpha < \beta$ & more",
    abstract="We show that $a < b$ & so on.\n  A second paragraph\nover two lines.",
    creator=r"First Sample (Sample University, Nowhere), Fran\c{c}ois Sample",
    categories=("cs.LG", "stat.ML", "q-bio.QM"),
    more={
        "arxiv:journal_reference": "Journal of Samples  12 (2026) 1-9",
        "arxiv:DOI": "10.0000/sample.1",
    },
)


@both
def test_every_field_is_read(write: Writer) -> None:
    """Identifier, version, texts, authors, categories, type, licence, DOI and journal reference are all kept."""
    paper = Paper(
        id="2603.01234",
        version=2,
        title="A Töy Title with α < β & more",
        title_tex=r"A T\"{o}y Title with $\alpha < \beta$ & more",
        abstract="We show that a < b & so on.\nA second paragraph over two lines.",
        abstract_tex="We show that $a < b$ & so on.\nA second paragraph over two lines.",
        authors=(Author("First Sample", "Sample University, Nowhere"), Author("François Sample")),
        categories=("cs.LG", "stat.ML", "q-bio.QM"),
        licence="http://creativecommons.org/licenses/by/4.0/",
        doi="10.0000/sample.1",
        journal_ref="Journal of Samples 12 (2026) 1-9",
    )
    assert ParsedFeed(DAY, (Announcement(paper, "replace"),)) == parse_feed(write([FULL], DAY))


@both
@pytest.mark.parametrize(
    ("version", "primary", "kind"),
    [(1, "cs.LG", "new"), (1, "math.OC", "cross"), (3, "cs.LG", "replace"), (2, "math.OC", "replace-cross")],
)
def test_all_announce_types(write: Writer, version: int, primary: str, kind: str) -> None:
    """The announce type is what the feed says."""
    sheet = Sheet("2603.00001", version=version, categories=(primary, "cs.LG"))
    assert [kind] == [item.served for item in parse_feed(write([sheet], DAY)).announcements]


@pytest.mark.parametrize("kind", ["replace-cross", "cross"])
def test_type_is_also_read_from_the_description(kind: str) -> None:
    """Without its element the announce type is taken from the description's first line."""
    sheet = Sheet("2603.00001", version=2, categories=("math.OC", "cs.LG"))
    body = rss([sheet], DAY).replace(b"Announce Type: replace-cross", f"Announce Type: {kind}".encode())
    body = re.sub(rb"<arxiv:announce_type>.*?</arxiv:announce_type>", b"", body)
    assert [kind] == [item.served for item in parse_feed(body).announcements]


@both
@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ("One line.", "One line."),
        ("One\nparagraph over\nlines.", "One paragraph over lines."),
        ("One.\n\nTwo.", "One.\nTwo."),
        ("One.\n  Two.", "One.\nTwo."),
        ("One.\n \n  Two.\n\n\n\tThree,\nstill three.", "One.\nTwo.\nThree, still three."),
        ("  One.\r\n  Two.  \n", "One.\nTwo."),
        ("Abstract: is the first word.", "Abstract: is the first word."),
        ("arXiv:2603.00002v1 Announce Type: cross is quoted.", "arXiv:2603.00002v1 Announce Type: cross is quoted."),
        ("", ""),
    ],
)
def test_paragraphs_of_abstracts(write: Writer, served: str, expected: str) -> None:
    """All of an abstract is kept: lines are joined, and an empty or indented line begins a paragraph."""
    body = write([Sheet("2603.00001", abstract=served)], DAY)
    assert [expected] == [item.paper.abstract for item in parse_feed(body).announcements]


@both
@pytest.mark.parametrize(
    ("served", "expected"), [("hep-th/9901001", "hep-th/9901001"), ("math.AG/0601001", "math/0601001")]
)
def test_old_identifiers(write: Writer, served: str, expected: str) -> None:
    """Papers from before 2007 are announced when they are replaced, under their old identifiers."""
    body = write([Sheet(served, version=4)], DAY)
    assert [(expected, 4)] == [(item.paper.id, item.paper.version) for item in parse_feed(body).announcements]


@both
def test_what_is_no_category_is_left_out(write: Writer) -> None:
    """Subject classes of other bodies and repeated categories are dropped, whatever arXiv lists first is primary."""
    sheet = Sheet("2603.00001", categories=("math.OC", "90C59", "cs.LG", "G.1.6; F.2", "math.OC", "hep-th"))
    (item,) = parse_feed(write([sheet], DAY)).announcements
    assert ("math.OC", "cs.LG", "hep-th") == item.paper.categories


@both
@pytest.mark.parametrize("day", [date(2026, 3, 6), date(2026, 7, 1), date(2026, 3, 9), date(2026, 11, 2)])
def test_empty_feed_has_its_date(write: Writer, day: date) -> None:
    """A feed without items is no error and says which day it is, in summer as in winter time."""
    assert ParsedFeed(day, ()) == parse_feed(write([], day))


@pytest.mark.parametrize(
    "change", [(b"<pubDate>.*?</pubDate>", b""), (b"<pubDate>.*?</pubDate>", b"<pubDate>x</pubDate>")]
)
def test_date_is_also_read_from_last_build_date(change: tuple[bytes, bytes]) -> None:
    """A channel without a readable pubDate is dated by its lastBuildDate."""
    assert parse_feed(re.sub(*change, rss([], DAY))).date == DAY


@pytest.mark.parametrize(
    "text", [b"", b"soon", b"0001-01-01T00:00:00+00:00", b"9999-12-31T23:59:59-14:00", b"2026-02-30T00:00:00Z"]
)
def test_unreadable_dates(text: bytes) -> None:
    """A feed whose date cannot be read, or lies outside of the calendar, has none; its items are still read."""
    body = atom([Sheet("2603.00001")], DAY)
    body = re.sub(rb"<updated>.*?</updated>", b"<updated>" + text + b"</updated>", body)
    parsed = parse_feed(body)
    assert (None, 1) == (parsed.date, len(parsed.announcements))


# -- items that cannot be read

SPOILED = [
    ("no title", b"<title>Paper number 1 .*?</title>", b"<title> </title>", "2603.90001v1: no title"),
    ("no version", rb"oai:arXiv.org:2603.90001v1", b"oai:arXiv.org:2603.90001", "2603.90001: no version"),
    ("no id", rb"oai:arXiv.org:2603.90001v1", b"urn:uuid:1", "'urn:uuid:1' is not an arXiv identifier"),
    ("type", rb"(2603.90001v1.*?<arxiv:announce_type>)new", rb"\1brand-new", "unknown announce type 'brand-new'"),
]


@both
@pytest.mark.parametrize(("_name", "pattern", "replacement", "reason"), SPOILED, ids=[row[0] for row in SPOILED])
def test_spoiled_item_is_set_aside(write: Writer, _name: str, pattern: bytes, replacement: bytes, reason: str) -> None:
    """An item that cannot be read is rejected with its reason and an excerpt; all others are read."""
    body = re.sub(pattern, replacement, write(make_sheets(4), DAY), count=1, flags=re.DOTALL)
    parsed = parse_feed(body)
    assert ["2603.90000", "2603.90002", "2603.90003"] == [item.paper.id for item in parsed.announcements]
    assert (1, "", 4) == (len(parsed.rejected), parsed.broken, parsed.served)
    assert reason in parsed.rejected[0]["reason"]


@both
def test_excerpt_shows_the_item(write: Writer) -> None:
    """The excerpt of a rejected item shows what is in it, so that a person sees which one it is."""
    parsed = parse_feed(write([Sheet("2603.00001", title="Some words", categories=("90C59",))], DAY))
    assert "Some words" in parsed.rejected[0]["excerpt"]


@both
def test_item_without_category_is_set_aside(write: Writer) -> None:
    """An item whose categories are all unknown is rejected by its identifier."""
    parsed = parse_feed(write([Sheet("2603.00001", categories=("90C59",)), Sheet("2603.00002")], DAY))
    assert ["2603.00002"] == [item.paper.id for item in parsed.announcements]
    assert ["2603.00001v1: no category"] == [item["reason"] for item in parsed.rejected]


@both
def test_paper_without_authors(write: Writer) -> None:
    """A paper without authors is a paper all the same."""
    (item,) = parse_feed(write([Sheet("2603.00001", creator="")], DAY)).announcements
    assert () == item.paper.authors


# -- documents that are damaged


@both
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.999])
def test_truncated_document(write: Writer, share: float) -> None:
    """Of a document that breaks off, all whole items are read with the date, and it is called broken."""
    body = write(make_sheets(20), DAY)
    body = body[: int(len(body) * share)]
    whole = body.count(b"</item>") + body.count(b"</entry>")
    parsed = parse_feed(body)
    assert (DAY, whole) == (parsed.date, len(parsed.announcements))
    assert parsed.broken.startswith("damaged XML at line ")
    begun = len(re.findall(rb"<(?:item|entry)>", body)) - whole
    assert ["cut off before its end"] * begun == [item["reason"] for item in parsed.rejected]


@both
def test_every_truncation_is_told(write: Writer) -> None:
    """Wherever a document breaks off, before its last tag, either it is called broken or nothing could be read."""
    body = write(make_sheets(2), DAY).rstrip()
    for end in range(len(body)):
        try:
            parsed = parse_feed(body[:end])
        except ParseError:
            continue
        assert parsed.broken, f"{end} of {len(body)} bytes passed for a whole document"


ILLEGAL = [
    *(bytes([code]) for code in (0, 1, 8, 11, 12, 14, 27, 31)),
    *(f"&#{code};".encode() for code in (0, 1, 8, 11, 12, 14, 31, 65534, 65535)),
    *(f"&#x{code};".encode() for code in ("0", "8", "b", "0B", "1f", "001F", "FFFE", "ffff")),
]


@both
@pytest.mark.parametrize("illegal", ILLEGAL)
def test_illegal_characters_are_dropped(write: Writer, illegal: bytes) -> None:
    """Control characters that XML forbids, raw or as references, cost nothing but themselves."""
    body = write([Sheet("2603.00001", title="One MARKTwo"), Sheet("2603.00002")], DAY).replace(b"MARK", illegal)
    parsed = parse_feed(body)
    assert ["One Two", "A Paper"] == [item.paper.title for item in parsed.announcements]
    assert "" == parsed.broken


@both
@pytest.mark.parametrize(
    "illegal", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"&#xD800;", b"&#x110000;", b"&nbsp;", b"<", b"&"]
)
def test_item_that_is_no_xml_is_set_aside(write: Writer, illegal: bytes) -> None:
    """Bytes that make an item ill-formed cost that item at most; the others are read, and the document is broken."""
    sheets = [Sheet("2603.00001"), Sheet("2603.00002", title="One MARKTwo"), Sheet("2603.00003")]
    parsed = parse_feed(write(sheets, DAY).replace(b"MARK", illegal))
    read = [item.paper.id for item in parsed.announcements if item.paper.id != "2603.00002"]
    assert ["2603.00001", "2603.00003"] == read
    assert (3, True, DAY) == (parsed.served, bool(parsed.broken), parsed.date)


@both
@pytest.mark.parametrize("reference", [b"&#9;", b"&#10;", b"&#x0D;", b"&#160;", b"&#x20;"])
def test_legal_references_stay(write: Writer, reference: bytes) -> None:
    """References to legal white space are white space."""
    body = write([Sheet("2603.00001", title="OneMARKTwo")], DAY).replace(b"MARK", reference)
    assert ["One Two"] == [item.paper.title for item in parse_feed(body).announcements]


@both
def test_comments_instructions_and_cdata(write: Writer) -> None:
    """Comments and processing instructions are passed over, CDATA is text, and a byte order mark does no harm."""
    body = write([Sheet("2603.00001", title="MARK")], DAY).replace(b"MARK", b"<![CDATA[a < b & <i>c</i>]]>")
    body = b"\xef\xbb\xbf" + body.replace(b"?>\n", b"?>\n<!-- <!DOCTYPE x> --><?pi <!DOCTYPE y> ?>", 1)
    assert ["a < b & c"] == [item.paper.title for item in parse_feed(body).announcements]


# -- answers that are no feed

BOMB = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
ITEM = rss([Sheet("2603.00001", title="&d;")], DAY).replace(b"&amp;d;", b"&d;").partition(b"?>")[2]
FILE = b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY d SYSTEM "file:///etc/passwd">]>'
NO_FEED = [
    ("empty", b"", "empty"),
    ("blank", b" \n\t ", "empty"),
    ("text", b"Rate exceeded.", "not XML: 'Rate exceeded.'"),
    ("json", b'{"error": "x"}', "not XML"),
    ("gzip", b"\x1f\x8b\x08\x00\x00", "not XML"),
    ("html", b"<!DOCTYPE html><html><head/><body>Down</body></html>", "HTML"),
    ("html in capitals", b"\n<!doctype HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'><HTML></HTML>", "HTML"),
    ("html without doctype", b"<html><body>503 Service Unavailable</body></html>", "HTML"),
    ("xhtml", b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" ""><html/>', "HTML"),
    ("other xml", b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', "not a feed"),
    ("cut in the head", rss([], DAY)[:300], "damaged XML"),
    ("cut at once", b"<", "damaged XML"),
    ("only a declaration", b"<?xml version='1.0' encoding='UTF-8'?>", "damaged XML"),
    ("doctype", b'<?xml version="1.0"?><!DOCTYPE rss>' + ITEM, "DOCTYPE"),
    ("doctype of a file", FILE + ITEM, "DOCTYPE"),
    ("doctype with subset", b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">' + ITEM, "DOCTYPE"),
    ("doctype behind a comment", b"<!-- x --><?pi y?>\n<!DOCTYPE rss>" + ITEM, "DOCTYPE"),
    ("doctype behind much", b"<!--" + b" " * 100_000 + b"-->" + BOMB.partition(b"?>")[2] + ITEM, "DOCTYPE"),
    ("bomb", BOMB + ITEM, "DOCTYPE"),
    ("bomb in UTF-16", (BOMB + ITEM).decode().encode("utf-16-le"), ""),
    ("error feed", b'<rss version="2.0"><channel><title>Feed error for query: x</title></channel></rss>', "error feed"),
    (
        "error feed in Atom",
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed error for query: x</title></feed>',
        "error feed: Feed error for query: x",
    ),
]


@each_row(("body", "words"), [row[1:] for row in NO_FEED])
def test_what_is_no_feed_is_refused_in_clear_words(body: bytes, words: str) -> None:
    """An answer that is not a feed is refused, and the message says what it is instead."""
    with pytest.raises(ParseError) as error:
        parse_feed(body)
    assert words in str(error.value)
    assert len(str(error.value)) < 400


def test_hidden_entities_are_not_expanded() -> None:
    """A DOCTYPE that another encoding hides from the check still expands nothing and reads no file."""
    text = (FILE + ITEM).decode()
    for encoding in ("utf-7", "utf-16", "utf-16-be", "utf-32", "cp037"):
        body = text.replace('"1.0"', f'"1.0" encoding="{encoding}"').encode(encoding)
        try:
            parsed = parse_feed(body)
        except ParseError:
            continue
        assert [] == [item for item in parsed.announcements if "root:" in item.paper.title]


# -- the API


def test_every_field_of_the_api() -> None:
    """A page of the API gives papers with their times, comment and primary category first, and the total."""
    sheet = replace(FULL, more={"arxiv:comment": "9 pages,\n  code at https://github.com/sample/code", **FULL.more})
    paper = Paper(
        id="2603.01234",
        version=2,
        title="A Töy Title with α < β & more",
        title_tex=r"A T\"{o}y Title with $\alpha < \beta$ & more",
        abstract="We show that a < b & so on.\nA second paragraph over two lines.",
        abstract_tex="We show that $a < b$ & so on.\nA second paragraph over two lines.",
        authors=(Author("First Sample", "Sample University, Nowhere"), Author("François Sample")),
        categories=("cs.LG", "stat.ML", "q-bio.QM"),
        doi="10.0000/sample.1",
        journal_ref="Journal of Samples 12 (2026) 1-9",
        comment="9 pages, code at https://github.com/sample/code",
        published="2026-03-05T10:00:00Z",
        updated="2026-03-05T18:30:00Z",
    )
    page = parse_api(api([sheet], total=4711))
    assert ((paper,), 4711, (), "") == (page.papers, page.total, page.rejected, page.broken)
    assert "https://github.com/sample/code" == page.papers[0].code


def test_primary_category_comes_first() -> None:
    """The primary category leads, wherever it stands in the list."""
    sheet = Sheet("2603.00001", categories=("stat.ML", "cs.LG"))
    body = api([sheet]).replace(b'<arxiv:primary_category term="stat.ML"/>', b'<arxiv:primary_category term="cs.LG"/>')
    assert [("cs.LG", "stat.ML")] == [paper.categories for paper in parse_api(body).papers]


def test_empty_page_of_the_api() -> None:
    """A page without entries is no error."""
    page = parse_api(api([], total=0))
    assert ((), 0) == (page.papers, page.total)


def test_error_of_the_api() -> None:
    """The entry in which the API reports an error becomes an error in the API's words."""
    body = api([Sheet("2603.00001", abstract="incorrect id format for abc")])
    body = body.replace(b"http://arxiv.org/abs/2603.00001v1", b"https://arxiv.org/api/errors#incorrect_id_format")
    with pytest.raises(ParseError, match="incorrect id format for abc"):
        parse_api(body)


def test_truncated_page_of_the_api() -> None:
    """Whole entries of a page that breaks off are kept, and it is called broken."""
    body = api(make_sheets(10), total=10)
    page = parse_api(body[: len(body) // 2])
    assert (10, True) == (page.total, bool(page.broken))
    assert body[: len(body) // 2].count(b"</entry>") == len(page.papers) > 0


@pytest.mark.parametrize("body", [b"", b"Rate exceeded.", b"<!doctype html><html/>", BOMB + ITEM])
def test_what_is_no_page_of_the_api(body: bytes) -> None:
    """What is no answer of the API is refused."""
    with pytest.raises(ParseError):
        parse_api(body)


def test_feed_is_no_page_of_the_api() -> None:
    """XML of another kind is refused, rather than read as a page without papers."""
    with pytest.raises(ParseError):
        parse_api(b"<opml><body/></opml>")


# -- laws

# Legal in XML, printable, no white space of its own: what the parsers join and split is tested by tables above
CHARACTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufffe\uffff")
WORDS = st.lists(st.text(CHARACTERS, min_size=1, max_size=8), min_size=1, max_size=12).map(" ".join)
PARAGRAPHS = st.lists(WORDS, min_size=1, max_size=3)


@given(st.lists(st.tuples(WORDS, PARAGRAPHS), min_size=1, max_size=5))
def test_any_text_comes_back_whole(texts: list[tuple[str, list[str]]]) -> None:
    """Whatever characters title and abstract have, markup and TeX included, they come back as they were served."""
    sheets = [
        Sheet(f"2603.{n:05}", title=title, abstract="\n  ".join(paragraphs))
        for n, (title, paragraphs) in enumerate(texts)
    ]
    for write in WRITERS.values():
        parsed = parse_feed(write(sheets, DAY))
        papers = [item.paper for item in parsed.announcements]
        assert ((), "") == (parsed.rejected, parsed.broken)
        assert [title for title, _ in texts] == [paper.title_tex or paper.title for paper in papers]
        assert ["\n".join(paragraphs) for _, paragraphs in texts] == [p.abstract_tex or p.abstract for p in papers]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_a_parse_error(body: bytes) -> None:
    """No answer raises anything else than a parse error."""
    for document in (body, b"<rss>" + body, rss(make_sheets(2), DAY).replace(b"attention", body)):
        try:
            parse_feed(document)
        except ParseError:
            continue


@each_row(
    ("served", "expected"),
    [
        ("2026-03-05T10:00:00Z", "2026-03-05T10:00:00Z"),
        (" 2026-03-05T10:00:00-05:00\n", "2026-03-05T15:00:00Z"),
        ("2026-03-05", "2026-03-05T00:00:00Z"),
        ("5 March 2026", ""),
        ("9999-12-31T23:59:59-05:00", ""),
        ("", ""),
    ],
)
def test_times_of_the_api(served: str, expected: str) -> None:
    """Filters compare times, so what is none is left out rather than kept."""
    body = api([Sheet("2603.10001")]).replace(b"2026-03-05T10:00:00Z", served.encode())
    assert expected == parse_api(body).papers[0].published
