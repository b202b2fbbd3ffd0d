"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with each entry in full as `_paperwire`."""

from typing import Any

from core.domain.feed import Entry
from core.render.channel import Channel
from core.render.content import entry_authors, entry_guid, entry_html, entry_summary, entry_time, entry_title
from core.render.plain import entry_to_plain, to_json
from core.render.text import clean_entry, label


def render_jsonfeed(channel: Channel, entries: tuple[Entry, ...]) -> bytes:
    """A JSON Feed document, the same bytes for the same input."""
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": label(channel.title),
        "home_page_url": channel.home_url,
        "feed_url": channel.self_url,
        "description": label(channel.description),
        "language": channel.language,
    }
    if channel.icon:
        feed |= {"icon": channel.icon, "favicon": channel.icon}
    if channel.hub:
        feed["hubs"] = [{"type": "WebSub", "url": channel.hub}]
    if channel.next_url:
        feed["next_url"] = channel.next_url
    return to_json(feed | {"items": [_item(clean_entry(entry)) for entry in entries]})


def _item(entry: Entry) -> dict[str, Any]:
    time = entry_time(entry).isoformat()
    return {
        "id": entry_guid(entry),
        "url": entry.paper.links["abs"],
        "title": entry_title(entry),
        "summary": entry_summary(entry),
        "content_html": entry_html(entry),
        "date_published": time,
        "date_modified": time,
        "authors": [{"name": name} for name in entry_authors(entry)],
        "tags": list(dict.fromkeys(entry.paper.categories)),
        "_paperwire": entry_to_plain(entry),
    }
