"""JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with each entry in full as `_paperwire`."""

from collections.abc import Sequence
from typing import Any

from core.render.channel import Channel
from core.render.item import Item
from core.render.plain import to_json
from core.render.text import label


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
