"""Feed documents in all formats, and JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), which has each entry in
full as `_paperwire`. RSS, Atom and OPML, which need libraries for XML, are in `core.render.syndication`.
"""

from collections.abc import Sequence
from typing import Any

from core.render.items import Channel, Item
from core.render.shapes import to_json
from core.text.sanitize import label


def render_feed(kind: str, channel: Channel, items: Sequence[Item]) -> bytes:
    """A feed document as RSS ("rss"), Atom ("atom") or JSON Feed ("json")."""
    if kind == "json":
        return jsonfeed_of(channel, items)
    from core.render.syndication import atom_of, rss_of  # XML only where it is asked for

    return (rss_of if kind == "rss" else atom_of)(channel, items)


def jsonfeed_of(channel: Channel, items: Sequence[Item]) -> bytes:
    """Whatever items as a JSON Feed document."""
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
    return to_json(feed | {"items": [_item(item) for item in items]})


def _item(item: Item) -> dict[str, Any]:
    time = item.time.isoformat()
    return {
        "id": item.guid,
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "content_html": item.html,
        "date_published": time,
        "date_modified": time,
        "authors": [{"name": name} for name in item.authors],
        "tags": list(dict.fromkeys(item.categories)),
        "_paperwire": item.more,
    }
