"""The head of a feed document in any format, and JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), with each entry
in full as `_paperwire`. RSS, Atom and OPML, which need libraries for XML, are in `core.render.syndication`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.render.items import Item, label, to_json


@dataclass(frozen=True, slots=True)
class Channel:
    """The head of a feed document. All addresses are absolute and in ASCII; "" where there is none.

    `updated` is the time of the newest batch, `next_url` the next page, `language` a BCP 47 tag, `icon` a square PNG,
    `hub` a WebSub hub (https://www.w3.org/TR/websub/#discovery) that tells subscribers of `self_url` what is new.
    """

    id: str
    title: str
    description: str
    home_url: str
    self_url: str
    updated: datetime
    next_url: str = ""
    language: str = "en"
    icon: str = ""
    hub: str = ""


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
