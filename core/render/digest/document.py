"""A digest as a document: Markdown with its front matter, HTML, JSON; and as an item of a feed with one a day."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from typing import Any

from core.model.calendar import EASTERN, PUBLISHED_AT
from core.model.digest import Digest
from core.model.feed import Entry
from core.render.blocks import Block, Link, Paragraph
from core.render.blocks.html import Html
from core.render.digest.common import Site, notices
from core.render.digest.staged import staged_blocks, staged_title
from core.render.digest.styles import daily_blocks, daily_title, list_blocks, list_title
from core.render.items import Item, clean_entry
from core.render.messages import Sentences, messages
from core.render.post import markdown_post
from core.render.shapes import entry_to_plain, to_json
from core.text.sanitize import clean, label

DIGEST_MARKER = "<!-- paperwire digest -->"  # the last line of a document: what the command line may write over
FEED_BYTES = 4_000_000  # of a feed's contents; Vercel's functions send at most 4.5 MB (https://vercel.com/docs/functions/limitations)
_MARGIN = 0.9  # the first papers are the longest
_MOST_TAGS = 20
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Style:
    """How a style names a digest and writes it, and its front matter where no other is asked for."""

    title: Callable[[Digest, Sentences], str]
    blocks: Callable[[Digest, Site, Sentences], Iterable[Block]]
    front_matter: str


_STYLES = {
    "list": _Style(list_title, list_blocks, "plain"),
    "staged": _Style(staged_title, staged_blocks, "share"),
    "daily": _Style(daily_title, daily_blocks, "jekyll"),
}


def _plain(_: Digest, __: str) -> dict[str, Any]:
    return {}


def _share(_: Digest, __: str) -> dict[str, Any]:
    return {"share": True}


def _jekyll(digest: Digest, title: str) -> dict[str, Any]:
    # The time at which the batch was due: Jekyll does not show documents of the future
    head = {"layout": "post", "title": title, "date": _due(digest).strftime("%Y-%m-%d %H:%M:%S %z")}
    return head | {"tags": _tags(digest), "categories": ["papers"], "lang": digest.language}


def _hugo(digest: Digest, title: str) -> dict[str, Any]:
    head = {"title": title, "date": _due(digest).isoformat(), "draft": False}
    return head | {"tags": _tags(digest), "categories": ["papers"]}


_FRONT_MATTER: dict[str, Callable[[Digest, str], dict[str, Any]]] = {
    "plain": _plain,
    "share": _share,
    "jekyll": _jekyll,
    "hugo": _hugo,
}


def _due(digest: Digest) -> datetime:
    return datetime.combine(digest.record.date, PUBLISHED_AT, EASTERN)


def _tags(digest: Digest) -> list[str]:
    """The style `daily` has tags of a blog of papers; Hugging Face's daily papers are tagged as such."""
    source = "huggingface" if digest.feed.source == "huggingface" else "arxiv"
    own = ["papers", source] if digest.style == "daily" else [source]
    return [*own, *digest.feed.categories[:_MOST_TAGS]]


def digest_title(digest: Digest) -> str:
    """Returns the title of the document, on one line."""
    return " ".join(clean(_STYLES[digest.style].title(digest, messages("digest", digest.language))).split())


def _blocks(digest: Digest, site: Site, whole: str = "") -> list[Block]:
    """The document below its title; `whole` is the address of the whole document, where this one lists fewer papers."""
    digest = replace(digest, entries=tuple(map(clean_entry, digest.entries)))
    words = messages("digest", digest.language)
    blocks = list(_STYLES[digest.style].blocks(digest, site, words))
    if digest.unlisted:
        text = words["unlisted"].format(count=digest.unlisted)
        blocks.append(Paragraph((text + words["colon"], Link(whole, whole))))
    return blocks


def digest_markdown(digest: Digest, site: Site, kind: str = "") -> str:
    """The document as Markdown with front matter of that `kind` (see `FRONT_MATTERS`), by default the style's own."""
    kind = kind or _STYLES[digest.style].front_matter
    title = digest_title(digest)
    return markdown_post(kind, _FRONT_MATTER[kind](digest, title), title, _blocks(digest, site), DIGEST_MARKER)


def digest_html(digest: Digest, site: Site, *, in_feed: bool = False, whole: str = "") -> str:
    """The document below its title as harmless HTML: of a page, or of a feed's content, where readers have theirs."""
    return clean(Html(below=1 if in_feed else 0, is_page=not in_feed).write(_blocks(digest, site, whole)))


def digest_notices(digest: Digest) -> str:
    """What is missing of the day, as harmless HTML of a page; "" if nothing is."""
    return clean(Html().write(notices(digest, messages("digest", digest.language))))


def digest_json(digest: Digest) -> bytes:
    """The digest as JSON: what is known of the day, the statistics, and the entries in full with where they stand."""
    record = digest.record
    standing = {entry.paper.versioned: group for group, entries in digest.groups.items() for entry in entries}
    plain_digest: dict[str, Any] = {
        "feed": digest.feed.name,
        "title": digest_title(digest),
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


def digest_items(digests: Sequence[Digest], site: Site, address: Callable[[Digest], tuple[str, str]]) -> list[Item]:
    """A feed's digests, newest first, as items whose HTML is at most `FEED_BYTES` long together.

    `address` gives the `guid` and the `url` of each. Small days leave their room to the following ones.
    """
    items: list[Item] = []
    room = FEED_BYTES
    for at, digest in enumerate(digests):
        guid, url = address(digest)
        items.append(digest_item(digest, site, guid, url, most_bytes=room // (len(digests) - at)))
        room -= _size(items[-1].html)
    return items


def _size(html: str) -> int:
    """The bytes of `html` in a feed document, where it is escaped."""
    return len(escape(html).encode("utf-8", "replace"))


def _fitting(digest: Digest, site: Site, url: str, most_bytes: int) -> str:
    """The document as HTML of at most `most_bytes` where that is possible: else the best papers, and a link to all."""
    html = digest_html(digest, site, in_feed=True)
    most = len(digest.entries)
    while (size := _size(html)) > most_bytes and most > 1:
        most = max(1, min(most - 1, int(most * most_bytes / size * _MARGIN)))
        html = digest_html(replace(digest, most=most), site, in_feed=True, whole=url)
    return html


def digest_item(digest: Digest, site: Site, guid: str, url: str, *, most_bytes: int = FEED_BYTES) -> Item:
    """A day's digest: `guid` is a URI of its own, `url` where it can be read alone and whole.

    Its time is the last second before its batch was due: each day's is another one, and none is in the future.
    """
    date, numbers = digest.record.date, digest.statistics
    title, terms = digest_title(digest), messages("digest", digest.language)
    count = terms["of collected"].format(count=numbers.prioritised, total=numbers.collected)
    return Item(
        guid=guid,
        url=url,
        title=label(title if date.isoformat() in title else f"{title} — {date}"),
        summary=label(f"{terms['total papers']}{terms['colon']}{count}"),
        html=_fitting(digest, site, url, most_bytes),
        time=_due(digest) - _ONE_SECOND,
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
