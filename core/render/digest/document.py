"""What a digest's front matter says.

A digest as a document: Markdown with its front matter, HTML, JSON.

Digests as items of a feed: one a day."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.model.calendar import EASTERN, PUBLISHED_AT
from core.model.digest import Digest
from core.model.feed import Entry
from core.render import front_matter as written
from core.render.blocks import Block, Heading
from core.render.blocks.html import Html
from core.render.blocks.markdown import Markdown
from core.render.digest.common import Site
from core.render.digest.daily_style import daily_blocks, daily_title
from core.render.digest.list_style import list_blocks, list_title
from core.render.digest.staged_style import staged_blocks, staged_title
from core.render.digest.words import Words, words
from core.render.feeds import Channel
from core.render.items import Item, clean_entry, entry_to_plain, label, to_json
from core.text.sanitize import clean

_DEFAULT = {"list": "plain", "staged": "share", "daily": "jekyll"}
_MOST_TAGS = 20


def front_matter_of(style: str) -> str:
    """The front matter that documents in a style have if nothing else is asked for."""
    return _DEFAULT[style]


def front_matter(kind: str, digest: Digest, title: str) -> str:
    """The front matter with the lines around it and an empty one below, or ""."""
    return written.front_matter(FRONT_MATTERS[kind](digest, title))


def _plain(_: Digest, __: str) -> dict[str, Any]:
    return {}


def _share(_: Digest, __: str) -> dict[str, Any]:
    return {"share": True}


def _jekyll(digest: Digest, title: str) -> dict[str, Any]:
    # When the batch was due: what lies in the future, Jekyll would not show
    head = {"layout": "post", "title": title, "date": _due(digest).strftime("%Y-%m-%d %H:%M:%S %z")}
    return head | {"tags": _tags(digest), "categories": ["papers"], "lang": digest.language}


def _hugo(digest: Digest, title: str) -> dict[str, Any]:
    head = {"title": title, "date": _due(digest).isoformat(), "draft": False}
    return head | {"tags": _tags(digest), "categories": ["papers"]}


FRONT_MATTERS: dict[str, Callable[[Digest, str], dict[str, Any]]] = {
    "plain": _plain,
    "share": _share,
    "jekyll": _jekyll,
    "hugo": _hugo,
}


def _due(digest: Digest) -> datetime:
    return datetime.combine(digest.record.date, PUBLISHED_AT, EASTERN)


def _tags(digest: Digest) -> list[str]:
    return ["arxiv", *digest.feed.categories[:_MOST_TAGS]]


MARKER = "<!-- paperwire digest -->"  # the last line of a document: what the command line may write over
# How each kind of reader takes HTML: kramdown reads Markdown in it only where told so, goldmark leaves HTML out
_FOLDS = {"jekyll": ' markdown="1"', "hugo": None}
_HAS_TITLE = ("jekyll", "hugo")  # they show that of the front matter

__all__ = ["FRONT_MATTERS", "front_matter_of"]


@dataclass(frozen=True, slots=True)
class _Style:
    title: Callable[[Digest, Words], str]
    blocks: Callable[[Digest, Site, Words], Iterable[Block]]


_STYLES = {
    "list": _Style(list_title, list_blocks),
    "staged": _Style(staged_title, staged_blocks),
    "daily": _Style(daily_title, daily_blocks),
}


def title_of(digest: Digest) -> str:
    """The title of the document, of one line."""
    return " ".join(clean(_STYLES[digest.style].title(digest, words(digest.language))).split())


def blocks_of(digest: Digest, site: Site) -> list[Block]:
    """The document below its title."""
    digest = replace(digest, entries=tuple(map(clean_entry, digest.entries)))
    return list(_STYLES[digest.style].blocks(digest, site, words(digest.language)))


def render_markdown(digest: Digest, site: Site, kind: str = "") -> str:
    """The document as Markdown with front matter of that `kind` (see `FRONT_MATTERS`), by default the style's own."""
    kind = kind or front_matter_of(digest.style)
    title = title_of(digest)
    blocks = [*([] if kind in _HAS_TITLE else [Heading(1, (title,))]), *blocks_of(digest, site)]
    body = Markdown(folds=_FOLDS.get(kind, "")).write(blocks)
    return f"{front_matter(kind, digest, title)}{clean(body)}\n{MARKER}\n"


def render_html(digest: Digest, site: Site, *, in_feed: bool = False) -> str:
    """The document below its title as harmless HTML: of a page, or of a feed's content, where readers have theirs."""
    return clean(Html(below=1 if in_feed else 0, folds=not in_feed).write(blocks_of(digest, site)))


def render_digest_json(digest: Digest) -> bytes:
    """The digest as JSON: what is known of the day, the statistics, and the entries in full with where they stand."""
    record = digest.record
    standing = {entry.paper.versioned: group for group, entries in digest.groups.items() for entry in entries}
    plain_digest: dict[str, Any] = {
        "feed": digest.feed.name,
        "title": title_of(digest),
        "date": record.date.isoformat(),
        "style": digest.style,
        "language": digest.language,
        "state": record.state,
        **({"reason": record.reason} if record.reason else {}),
        **({"fetched": record.fetched} if record.fetched else {}),
        "statistics": digest.statistics.to_plain(),
        "entries": [{"group": standing[entry.paper.versioned], **_entry(entry)} for entry in digest.entries],
    }
    return to_json(plain_digest)


def _entry(entry: Entry) -> dict[str, Any]:
    card = entry.scorecard
    return entry_to_plain(entry) | ({"scorecard": card.to_plain()} if card else {})


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
    from core.render.feeds import jsonfeed_of
    from core.render.syndication import atom_of, rss_of

    return {"rss": rss_of, "atom": atom_of, "json": jsonfeed_of}[kind](channel, list(items))
