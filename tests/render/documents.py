"""Entries as whole feed documents, as the routes put them together."""

from collections.abc import Iterable

from core.model.feed import Entry
from core.render.feeds import jsonfeed_of
from core.render.items import Channel, entry_items
from core.render.syndication import atom_of, rss_of


def render_rss(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """An RSS 2.0 document."""
    return rss_of(channel, entry_items(entries))


def render_atom(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """An Atom 1.0 document."""
    return atom_of(channel, entry_items(entries))


def render_jsonfeed(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """A JSON Feed document."""
    return jsonfeed_of(channel, entry_items(entries, in_full=True))
