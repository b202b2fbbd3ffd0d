"""The entry by which a feed tells that it is not complete."""

from html import escape

from core.domain.feed import Feed
from core.domain.notice import Notice
from core.render.item import Item
from core.render.text import label


def notice_item(notice: Notice, feed: Feed, url: str) -> Item:
    """The notice as the first thing in a feed. Its guid names the newest date: readers see each day's as a new one."""
    lines = [label(line) for line in notice.lines]
    return Item(
        guid=f"{url}#notice-{feed.name}-{notice.dates[0][0].isoformat()}",
        url=url,
        title=label(notice.title),
        summary=lines[0],
        html="".join(f"<p>{escape(line)}</p>" for line in lines),
        time=notice.time,
        authors=("Paperwire",),
        categories=(),
        more={"notice": [{"date": day.isoformat(), "reason": reason} for day, reason in notice.dates]},
    )
