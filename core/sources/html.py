"""Extracts the text of arXiv's HTML, which LaTeXML makes from TeX (https://math.nist.gov/~BMiller/LaTeXML/manual/).

libxml2's HTML parser ignores DTDs and all entities but the named characters, and this one uses no network.
"""

import re

from lxml import etree

from core.model.fulltext import TextSection
from core.sources.sections import MOST_CHARACTERS, Reading, cap, keep, kind_of, length, printable
from core.text.tex import to_readable

LEAST_CHARACTERS = 500  # an article with less was not converted
_LONGEST_FORMULA = 2000
# LaTeXML's message, since 2023, where a conversion stopped early
_DAMAGED = b"document may be truncated or damaged"

_SKIPPED_TAGS = frozenset({
    "script", "style", "head", "nav", "header", "footer", "button", "noscript", "template", "svg", "img", "iframe",
    "object", "embed", "form", "input", "textarea", "select", "audio", "video", "canvas", "link", "meta",
})  # fmt: skip
_SKIPPED = frozenset({
    "ltx_bibliography", "ltx_dates", "ltx_author_notes_mark", "ltx_acknowledgements", "ltx_TOC", "ltx_page_header",
    "ltx_page_footer", "ltx_page_logo", "ltx_ERROR", "ltx_note_mark", "ltx_tag_note", "ltx_listing_data", "ltx_rdf",
    "ltx_pagination", "package-alerts",
})  # fmt: skip
_HEADINGS = frozenset({
    "ltx_title_document", "ltx_title_abstract", "ltx_title_part", "ltx_title_chapter", "ltx_title_section",
    "ltx_title_subsection", "ltx_title_subsubsection", "ltx_title_appendix",
})  # fmt: skip
_BLOCK_TAGS = frozenset({
    "p", "div", "section", "article", "tr", "li", "dt", "dd", "blockquote", "pre", "table", "figure", "figcaption",
    "h1", "h2", "h3", "h4", "h5", "h6", "br",
})  # fmt: skip
_BLOCKS = frozenset({"ltx_p", "ltx_tr", "ltx_listingline", "ltx_item", "ltx_caption", "ltx_block"})
_CELL_TAGS = frozenset(("td", "th"))
_MOST_SPANNED = 50  # rows that repeat a cell of their first one
_ADDRESS = re.compile(r"\S*@\S+")  # of mail: no one has to know it


def read_html(body: bytes, _seconds: float) -> Reading:
    """Returns the sections of an article without references; the state is "not-an-article" for any other page.

    The state is "damaged" if the end of the article is missing, "too-long" if the text was cut.
    """
    root = etree.fromstring(body, _parser()) if body.strip() else None
    article = None if root is None else next((e for e in root.iter("article") if "ltx_document" in _classes(e)), None)
    if article is None:
        return Reading("not-an-article")
    sections = _Article().read(article)
    if length(sections) < LEAST_CHARACTERS:
        return Reading("not-an-article")
    kept, cut = cap(keep(sections), MOST_CHARACTERS)
    if _DAMAGED in body:
        return Reading("damaged", kept)
    return Reading("too-long" if cut else "", kept)


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        encoding="utf-8", no_network=True, recover=True, remove_comments=True, remove_pis=True, huge_tree=False
    )


def _classes(element: etree._Element) -> frozenset[str]:
    return frozenset(str(element.get("class", "")).split())


class _Article:
    """Walks an article without recursion, and collects its sections."""

    def __init__(self) -> None:
        self._sections: list[tuple[str, str, list[str]]] = [("", "body", [])]
        self._words: list[str] = []
        self._heading: etree._Element | None = None
        self._appendix: etree._Element | None = None
        self._authors: etree._Element | None = None
        self._spanned: list[tuple[int, str]] = []  # labels at the beginning of a table's rows, and for how many more
        self._cell = 0  # where the words of the present cell begin

    def read(self, article: etree._Element) -> list[TextSection]:
        """Returns the sections of `article`, in order."""
        walk = etree.iterwalk(article, events=("start", "end"))
        for event, element in walk:
            if event == "start":
                if not self._start(element):
                    walk.skip_subtree()
            else:
                self._end(element)
                if element is not article:
                    self._words.append(element.tail or "")
        self._flush()
        return [TextSection(heading, "\n".join(texts), kind) for heading, kind, texts in self._sections]

    def _start(self, element: etree._Element) -> bool:
        """Handle the start of an element. Returns whether to read its children."""
        tag, classes = str(element.tag), _classes(element)
        if tag in _SKIPPED_TAGS or classes & _SKIPPED:
            return False
        if tag == "math":
            self._words.append(_formula(str(element.get("alttext", ""))))
            return False
        if tag in _BLOCK_TAGS or classes & _BLOCKS:
            self._flush()
        if "ltx_appendix" in classes and self._appendix is None:
            self._appendix = element
        if "ltx_authors" in classes and self._authors is None:
            self._authors = element
            self._sections.append(("Authors", "body", []))
        self._begin_table_part(tag)
        if classes & _HEADINGS and self._heading is None:
            self._heading = element
        if "ltx_note_content" in classes:
            self._words.append(" (")
        self._words.append(element.text or "")
        return True

    def _end(self, element: etree._Element) -> None:
        tag, classes = str(element.tag), _classes(element)
        if tag in _SKIPPED_TAGS or classes & _SKIPPED or tag == "math":
            return
        if element is self._heading:
            self._open_section(self._text())
            self._heading = None
        elif tag in _BLOCK_TAGS or classes & _BLOCKS:
            self._flush()
        elif tag == "thead" and self._heading is None:
            self._sections[-1][2].append("---")
        elif (tag in _CELL_TAGS or "ltx_td" in classes) and "ltx_eqn_cell" not in classes:
            self._end_cell(element)
        elif "ltx_tag_equation" in classes:
            self._words.append(" ")
        if "ltx_note_content" in classes:
            self._words.append(")")
        if element is self._appendix:
            self._appendix = None
        if element is self._authors:
            self._authors = None
            lines = (_ADDRESS.sub("", line).strip(" ,;{}") for line in self._sections[-1][2])
            self._sections[-1][2][:] = filter(None, lines)

    def _begin_table_part(self, tag: str) -> None:
        """At the start of a row, repeat the labels of earlier ones that span it; at that of a table, forget them."""
        if tag == "table":
            self._spanned.clear()
        elif tag == "tr" and self._spanned:
            self._words += [f"{label} | " for left, label in self._spanned if left]
            self._spanned = [(left - 1, label) for left, label in self._spanned if left > 1]
        if tag in ("tr", *_CELL_TAGS):
            self._cell = len(self._words)

    def _end_cell(self, element: etree._Element) -> None:
        rows = str(element.get("rowspan", "1"))
        more = min(int(rows), _MOST_SPANNED) - 1 if rows.isascii() and rows.isdigit() and len(rows) < 5 else 0
        label = " ".join("".join(self._words[self._cell :]).split())
        before = element.itersiblings(*_CELL_TAGS, preceding=True)
        if more > 0 and label and all(one.get("rowspan") for one in before):
            self._spanned.append((more, label))
        self._words.append(" | " if element.getnext() is not None else " ")

    def _open_section(self, heading: str) -> None:
        kind = kind_of(heading)
        self._sections.append((heading, "appendix" if self._appendix is not None and kind == "body" else kind, []))

    def _flush(self) -> None:
        if self._heading is None and (text := self._text()):
            self._sections[-1][2].append(text)

    def _text(self) -> str:
        text = printable(" ".join("".join(self._words).split()))
        self._words.clear()
        return text


def _formula(tex: str) -> str:
    tex = tex.replace("\\displaystyle", "").strip()
    return to_readable(f"${tex}$") if 0 < len(tex) <= _LONGEST_FORMULA else tex[:_LONGEST_FORMULA]
