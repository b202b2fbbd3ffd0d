"""Parses untrusted XML item by item, and recovers the complete items of a damaged document.

No DTD, entities or network: a DOCTYPE is refused (https://lxml.de/FAQ.html: "How do I use lxml safely").
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from lxml import etree

from core.model.errors import ParseError

_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
# Illegal in XML 1.0, raw or as a reference; a parser stops at the first one
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r")
_CONTROL_REFERENCES = re.compile(
    rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]|6553[45]));", re.IGNORECASE
)
# Only comments, processing instructions and white space may precede it
_DOCTYPE = re.compile(rb"\A(?>\s|<\?.*?\?>|<!--.*?-->)*+<!(?!--)", re.DOTALL)
_EXCERPT = 200
_MOST_ITEMS = 10_000  # of a document; arXiv serves 2,000
_TOO_MANY = f"the answer has more than {_MOST_ITEMS:,} items; it was not read"
_MOST_PARTS = 1_500_000  # tags and attributes; each takes many times its bytes in memory


@dataclass(slots=True)
class XmlDocument:
    """A parsed document: the `values` of its items, and the `rejected` items with id (if known), reason and excerpt.

    `head` holds the texts of the elements beside the items, by tag. `broken` says where the document is damaged, "" if
    it is not; items at its end may then be missing.
    """

    values: list[Any] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)
    broken: str = ""


def read_items(body: bytes, item: str, container: str, read: Callable[[etree._Element], Any]) -> XmlDocument:
    """Read every `item` of `container` (tags in lxml's notation) with `read`, which raises `ValueError` for a bad one.

    Raises `ParseError` if `body` is not XML, has a DOCTYPE, is too damaged to read any item, or is too much.
    """
    try:
        return _read(_checked(body), item, container, read)
    except (MemoryError, RecursionError) as error:
        raise ParseError(f"the answer takes more memory than there is: {type(error).__name__}") from error


def _read(body: bytes, item: str, container: str, read: Callable[[etree._Element], Any]) -> XmlDocument:
    document = XmlDocument()
    try:
        for element in _elements(body, (item, container)):
            if element.tag == item:
                _read_one(document, element, read)
            else:
                document.head = {str(child.tag): child.text or "" for child in element if child.tag != item}
    except etree.XMLSyntaxError as error:
        document = _salvaged(body, item, container, read)
        document.broken = f"damaged XML at line {error.lineno}: {error.msg}"
        if not document.values:
            raise ParseError(f"{document.broken}; nothing in it could be read") from error
    return document


def check_parts(body: bytes) -> None:
    """Raise `ParseError` for a document, XML or HTML, that takes far more memory than any of arXiv's."""
    if body.count(b"<") + body.count(b"=") > _MOST_PARTS:
        raise ParseError("the answer has more tags than any of arXiv's; it was not read")


def excerpt_of(body: bytes) -> str:
    """Returns the beginning of `body` as printable text, for reports."""
    text = body[:_EXCERPT].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _checked(body: bytes) -> bytes:
    body = body.removeprefix(b"\xef\xbb\xbf").translate(None, _CONTROLS).lstrip()
    head = body[:2048].lower()
    if b"<!doctype html" in head or head.startswith(b"<html"):
        raise ParseError("the answer is an HTML page, not a feed")
    if not head.startswith(b"<"):
        raise ParseError(f"the answer is not XML: {excerpt_of(body)!r}" if body else "the answer is empty")
    check_parts(body)
    if _DOCTYPE.search(body):
        raise ParseError("the answer carries a DOCTYPE, which no feed needs; it was not read")
    return _CONTROL_REFERENCES.sub(b"", body) if b"&#" in body else body


def _elements(body: bytes, tags: tuple[str, ...]) -> Iterator[etree._Element]:
    for _, element in etree.iterparse(BytesIO(body), events=("end",), tag=tags, **_SAFE):
        yield element
        element.clear()


def _read_one(document: XmlDocument, element: etree._Element, read: Callable[[etree._Element], Any]) -> None:
    if len(document.values) + len(document.rejected) >= _MOST_ITEMS:
        raise ParseError(_TOO_MANY)
    try:
        document.values.append(read(element))
    except ValueError as error:
        text = " ".join(" ".join(map(str, element.itertext())).split())
        document.rejected.append({"reason": str(error), "excerpt": excerpt_of(text.encode())})


def _salvaged(body: bytes, item: str, container: str, read: Callable[[etree._Element], Any]) -> XmlDocument:
    """Returns the items of a damaged document that can be parsed one by one; the others are rejected."""
    document = XmlDocument()
    tag = etree.QName(item).localname.encode()
    first, *rest = re.split(rb"<%s(?=[\s>])" % tag, body)
    if len(rest) > _MOST_ITEMS:
        raise ParseError(_TOO_MANY)
    root = re.search(rb"<(rss|feed)\b[^>]*>", first)
    before, after = (root[0], b"</%s>" % root[1]) if root else (b"<feed>", b"</feed>")
    parser = etree.XMLParser(**_SAFE)
    for part in rest:
        inside, end, _ = part.partition(b"</%s>" % tag)
        try:
            if not end:
                raise ValueError("cut off before its end")
            element = etree.fromstring(before + b"<" + tag + inside + end + after, parser)[0]
        except (etree.XMLSyntaxError, ValueError) as error:
            document.rejected.append({"reason": str(error), "excerpt": excerpt_of(inside.lstrip(b">"))})
        else:
            _read_one(document, element, read)
    document.head = _salvaged_head(first, container, parser)
    return document


def _salvaged_head(first: bytes, container: str, parser: etree.XMLParser) -> dict[str, str]:
    name = etree.QName(container).localname.encode()
    closing = b"</%s>" % name + (b"</rss>" if b"<rss" in first else b"")
    try:
        root = etree.fromstring(first + closing, parser)
    except etree.XMLSyntaxError:
        return {}
    inside = root if root.tag == container else root.find(container)
    return {} if inside is None else {str(child.tag): child.text or "" for child in inside}
