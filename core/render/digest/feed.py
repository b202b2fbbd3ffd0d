"""Digests as items of a feed: one a day."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.domain.calendar import EASTERN, PUBLISHED_AT
from core.domain.digest import Digest
from core.render.channel import Channel
from core.render.digest.document import render_html, title_of
from core.render.digest.site import Site
from core.render.digest.words import words
from core.render.item import Item
from core.render.text import label

_ONE_SECOND = timedelta(seconds=1)


def digest_item(digest: Digest, site: Site, guid: str, url: str) -> Item:
    """A day's digest: `guid` is a URI of its own, `url` where it can be read alone.

    Its time is the last second before its batch was due: each day's is another one, and none is in the future.
    """
    date, numbers = digest.record.date, digest.statistics
    due = datetime.combine(date, PUBLISHED_AT, EASTERN)
    title, terms = title_of(digest), words(digest.language)
    count = terms["of collected"].format(count=numbers.prioritised, total=numbers.collected)
    return Item(
        guid=guid,
        url=url,
        title=label(title if date.isoformat() in title else f"{title} — {date}"),
        summary=label(f"{terms['total papers']}{terms['colon']}{count}"),
        html=render_html(digest, site, in_feed=True),
        time=due - _ONE_SECOND,
        authors=(label(site.title) or "Paperwire",),
        categories=digest.feed.categories,
        more={
            "date": date.isoformat(),
            "style": digest.style,
            "language": digest.language,
            "state": digest.record.state,
            "statistics": numbers.to_plain(),
        },
    )


def render_digest_feed(kind: str, channel: Channel, items: Iterable[Item]) -> bytes:
    """Days, newest first, as RSS ("rss"), Atom ("atom") or JSON Feed ("json")."""
    from core.render.jsonfeed import jsonfeed_of
    from core.render.syndication import atom_of, rss_of

    return {"rss": rss_of, "atom": atom_of, "json": jsonfeed_of}[kind](channel, list(items))
