"""OPML 2.0 (http://opml.org/spec2.opml): a list of feeds that every reader can import."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from core.domain.meant import plain

_AMPERSAND = re.compile(r"\s*&\s*")


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed in the list. `feed_url` should be that of its RSS: no reader is without that."""

    title: str
    feed_url: str
    home_url: str
    description: str = ""
    language: str = "en"


def render_opml(title: str, outlines: Iterable[Outline], updated: datetime) -> bytes:
    """An OPML document, the same bytes for the same input. `updated` is when the list last changed."""
    opml = etree.Element("opml", version="2.0")
    head = etree.SubElement(opml, "head")
    etree.SubElement(head, "title").text = _name(title)
    etree.SubElement(head, "dateModified").text = format_datetime(updated)
    body = etree.SubElement(opml, "body")
    for outline in outlines:
        etree.SubElement(body, "outline", _attributes(outline))
    return etree.tostring(opml, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _attributes(outline: Outline) -> dict[str, str]:
    """`text` is what importers show, `title` what some of them show instead; JSON Feed alone has another type."""
    name = _name(outline.title)
    attributes = {
        "type": "rss",
        "text": name,
        "title": name,
        "xmlUrl": outline.feed_url,
        "htmlUrl": outline.home_url,
        "description": _name(outline.description),
        "language": outline.language,
    }
    return {key: value for key, value in attributes.items() if value}


def _name(text: str) -> str:
    """A title that is the same as text and as HTML, because OPML allows both and importers differ."""
    return _AMPERSAND.sub(" & ", " ".join(plain(text).split())).replace("<", "‹")
