"""XML documents: RSS 2.0 and Atom 1.0, written by feedgen with its traps avoided, and OPML 2.0
(http://opml.org/spec2.opml), a list of feeds that every reader can import.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from core.render.items import Channel, Item
from core.text.sanitize import label, plain

# feedgen formats RSS dates under setlocale(), which is global to the process and not safe with threads
for _module in (feedgen.feed, feedgen.entry):
    _module.formatRFC2822 = format_datetime


_ATOM = "http://www.w3.org/2005/Atom"
_HTML = {"rel": "alternate", "type": "text/html"}


class _ChannelLinks(BaseExtension):  # type: ignore[misc] # feedgen has no types
    """Links to the next page (RFC 5005) and to the hub (WebSub), which feedgen drops from RSS."""

    def __init__(self) -> None:
        self.links: list[dict[str, str]] = []

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss.find("channel")
        if channel is not None:
            for link in self.links:
                etree.SubElement(channel, f"{{{_ATOM}}}link", link)
        return rss


class _EntryLinks(BaseEntryExtension):  # type: ignore[misc]
    """Adds the relation of an Atom entry's link, which feedgen omits."""

    def extend_atom(self, entry: etree._Element) -> etree._Element:
        for link in entry.iterfind("link"):
            for name, value in _HTML.items():
                link.set(name, value)
        return entry


def rss_of(channel: Channel, items: Sequence[Item]) -> bytes:
    """Whatever items as an RSS 2.0 document."""
    return bytes(_generator(channel, items, "rss").rss_str(pretty=True))


def atom_of(channel: Channel, items: Sequence[Item]) -> bytes:
    """Whatever items as an Atom 1.0 document."""
    return bytes(_generator(channel, items, "atom").atom_str(pretty=True))


def _generator(channel: Channel, items: Sequence[Item], kind: str) -> FeedGenerator:
    media_type = f"application/{kind}+xml"
    generator = FeedGenerator()
    generator.load_extension("dc", atom=False, rss=True)
    generator.register_extension("channel_links", _ChannelLinks, None, atom=False)
    generator.register_extension("entry_links", BaseExtension, _EntryLinks, rss=False)
    generator.id(channel.id)
    generator.title(label(channel.title))
    generator.subtitle(label(channel.description))
    generator.language(channel.language)
    generator.updated(channel.updated)
    generator.generator("Paperwire")
    if channel.icon:
        generator.icon(channel.icon)
        generator.logo(channel.icon)  # in RSS the channel's image, with its title and link
    generator.link(href=channel.self_url, rel="self", type=media_type)
    more = [{"href": channel.hub, "rel": "hub"}, {"href": channel.next_url, "rel": "next", "type": media_type}]
    for link in more:
        if link["href"]:
            generator.link(**link)
            generator.channel_links.links.append(link)
    # The channel's <link> is the last one that was added
    generator.link(href=channel.home_url, **_HTML)
    for item in items:
        _ADD[kind](generator, item)
    return generator


def _add(generator: FeedGenerator, item: Item) -> feedgen.entry.FeedEntry:
    entry = generator.add_entry(order="append")
    entry.title(item.title)
    entry.link(href=item.url, **_HTML)
    entry.updated(item.time)
    entry.published(item.time)
    # No labels: FreshRSS splits them at commas, and Liferea takes the two that are called "Machine Learning" for one
    entry.category([{"term": name} for name in item.categories])
    return entry


def _add_rss(generator: FeedGenerator, item: Item) -> None:
    entry = _add(generator, item)
    entry.guid(item.guid, permalink=False)
    entry.description(item.html)
    # One element with all names: readers keep only one of several
    entry.dc.dc_creator(", ".join(item.authors))


def _add_atom(generator: FeedGenerator, item: Item) -> None:
    entry = _add(generator, item)
    entry.id(item.guid)
    entry.author([{"name": name} for name in item.authors])
    entry.summary(item.summary)
    entry.content(item.html, type="html")


_ADD = {"rss": _add_rss, "atom": _add_atom}


_AMPERSAND = re.compile(r"\s*&\s*")


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed in the list. `feed_url` should be its RSS, which every reader supports."""

    title: str
    feed_url: str
    home_url: str


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
        "language": "en",
    }
    return {key: value for key, value in attributes.items() if value}


def _name(text: str) -> str:
    """Returns a title that is equal as text and as HTML, because OPML allows both and importers differ."""
    return _AMPERSAND.sub(" & ", " ".join(plain(text).split())).replace("<", "‹")
