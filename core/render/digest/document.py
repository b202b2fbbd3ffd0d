"""A digest as a document: Markdown with its front matter, HTML, JSON."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.domain.digest import Digest
from core.domain.feed import Entry
from core.domain.meant import clean
from core.render.blocks import Block, Heading
from core.render.blocks_html import Html
from core.render.blocks_markdown import Markdown
from core.render.digest.daily_style import daily_blocks, daily_title
from core.render.digest.front_matter import FRONT_MATTERS, front_matter, front_matter_of
from core.render.digest.list_style import list_blocks, list_title
from core.render.digest.site import Site
from core.render.digest.staged_style import staged_blocks, staged_title
from core.render.digest.words import Words, words
from core.render.plain import entry_to_plain, to_json
from core.render.text import clean_entry

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
