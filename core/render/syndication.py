"""RSS 2.0 and Atom 1.0, written by feedgen, with its traps avoided."""

from email.utils import format_datetime

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from core.domain.feed import Entry
from core.render.channel import Channel
from core.render.content import entry_guid, entry_html, entry_summary, entry_time, xml_safe

# feedgen formats RSS dates under setlocale(), which is global to the process and not safe with threads
for _module in (feedgen.feed, feedgen.entry):
    _module.formatRFC2822 = format_datetime

_ATOM = "http://www.w3.org/2005/Atom"


class _Paging(BaseExtension):  # type: ignore[misc] # feedgen has no types
    """Link to the next page (RFC 5005), which feedgen drops from RSS."""

    url = ""

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss.find("channel")
        if self.url and channel is not None:
            link = etree.SubElement(channel, f"{{{_ATOM}}}link")
            link.set("href", self.url)
            link.set("rel", "next")
        return rss


def render_rss(channel: Channel, entries: tuple[Entry, ...]) -> bytes:
    """An RSS 2.0 document, the same bytes for the same input."""
    return bytes(_generator(channel, entries).rss_str(pretty=True))


def render_atom(channel: Channel, entries: tuple[Entry, ...]) -> bytes:
    """An Atom 1.0 document, the same bytes for the same input."""
    return bytes(_generator(channel, entries, atom=True).atom_str(pretty=True))


def _generator(channel: Channel, entries: tuple[Entry, ...], *, atom: bool = False) -> FeedGenerator:
    generator = FeedGenerator()
    generator.load_extension("dc", atom=False, rss=True)
    generator.register_extension("paging", _Paging, None, atom=False)
    generator.id(channel.id)
    generator.title(xml_safe(channel.title))
    generator.subtitle(xml_safe(channel.description))
    generator.language(channel.language)
    generator.updated(channel.updated)
    generator.generator("Paperwire")
    generator.link(href=channel.self_url, rel="self", type=f"application/{'atom' if atom else 'rss'}+xml")
    if channel.next_url:
        if atom:
            generator.link(href=channel.next_url, rel="next")
        generator.paging.url = channel.next_url
    # The channel's <link> is the last one that was added
    generator.link(href=channel.home_url, rel="alternate", type="text/html")
    for entry in entries:
        (_add_atom if atom else _add_rss)(generator, entry)
    return generator


def _add(generator: FeedGenerator, entry: Entry) -> feedgen.entry.FeedEntry:
    item = generator.add_entry(order="append")
    item.title(xml_safe(entry.paper.title))
    item.link(href=entry.paper.links["abs"], rel="alternate", type="text/html")
    item.category([{"term": name} for name in entry.paper.categories])
    item.updated(entry_time(entry))
    item.published(entry_time(entry))
    return item


def _add_rss(generator: FeedGenerator, entry: Entry) -> None:
    item = _add(generator, entry)
    item.guid(entry_guid(entry), permalink=False)
    item.description(entry_html(entry))
    # One element with all names: readers keep only one of several
    item.dc.dc_creator(xml_safe(", ".join(author.name for author in entry.paper.authors)) or "arXiv")


def _add_atom(generator: FeedGenerator, entry: Entry) -> None:
    item = _add(generator, entry)
    item.id(entry_guid(entry))
    item.author([{"name": xml_safe(author.name)} for author in entry.paper.authors] or [{"name": "arXiv"}])
    item.summary(entry_summary(entry))
    item.content(entry_html(entry), type="html")
