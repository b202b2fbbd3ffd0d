"""RSS 2.0 and Atom 1.0, written by feedgen, with its traps avoided."""

from email.utils import format_datetime

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from core.domain.feed import Entry
from core.render.channel import Channel
from core.render.content import entry_authors, entry_guid, entry_html, entry_summary, entry_time, entry_title
from core.render.text import clean_entry, label

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
    """What the link of an Atom entry is, which feedgen forgets."""

    def extend_atom(self, entry: etree._Element) -> etree._Element:
        for link in entry.iterfind("link"):
            for name, value in _HTML.items():
                link.set(name, value)
        return entry


def render_rss(channel: Channel, entries: tuple[Entry, ...]) -> bytes:
    """An RSS 2.0 document, the same bytes for the same input."""
    return bytes(_generator(channel, entries, "rss").rss_str(pretty=True))


def render_atom(channel: Channel, entries: tuple[Entry, ...]) -> bytes:
    """An Atom 1.0 document, the same bytes for the same input."""
    return bytes(_generator(channel, entries, "atom").atom_str(pretty=True))


def _generator(channel: Channel, entries: tuple[Entry, ...], kind: str) -> FeedGenerator:
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
    for entry in entries:
        _ADD[kind](generator, clean_entry(entry))
    return generator


def _add(generator: FeedGenerator, entry: Entry) -> feedgen.entry.FeedEntry:
    item, time = generator.add_entry(order="append"), entry_time(entry)
    item.title(entry_title(entry))
    item.link(href=entry.paper.links["abs"], **_HTML)
    item.updated(time)
    item.published(time)
    return item


def _add_rss(generator: FeedGenerator, entry: Entry) -> None:
    item = _add(generator, entry)
    item.guid(entry_guid(entry), permalink=False)
    item.description(entry_html(entry))
    item.category([{"term": name} for name in entry.paper.categories])
    # One element with all names: readers keep only one of several
    item.dc.dc_creator(", ".join(entry_authors(entry)))


def _add_atom(generator: FeedGenerator, entry: Entry) -> None:
    item = _add(generator, entry)
    item.id(entry_guid(entry))
    item.author([{"name": name} for name in entry_authors(entry)])
    # No labels: FreshRSS splits them at commas, and Liferea takes the two that are called "Machine Learning" for one
    item.category([{"term": name} for name in entry.paper.categories])
    item.summary(entry_summary(entry))
    item.content(entry_html(entry), type="html")


_ADD = {"rss": _add_rss, "atom": _add_atom}
