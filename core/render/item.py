"""What a feed document shows of one thing: an entry, or a day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.domain.feed import Entry
from core.render.content import entry_authors, entry_guid, entry_html, entry_summary, entry_time, entry_title
from core.render.plain import entry_to_plain
from core.render.text import clean_entry


@dataclass(frozen=True, slots=True)
class Item:
    """All texts are clean, `title`, `summary` and `authors` one line each; `guid` is a URI and `html` harmless.

    `more` is what a JSON Feed has of it besides, as `_paperwire`.
    """

    guid: str
    url: str
    title: str
    summary: str
    html: str
    time: datetime
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    more: dict[str, Any] = field(default_factory=dict)


def entry_items(entries: Iterable[Entry], *, in_full: bool = False) -> list[Item]:
    """Entries as feeds show them; `in_full` with all that JSON has of them."""
    return [_item(clean_entry(entry), in_full=in_full) for entry in entries]


def _item(entry: Entry, *, in_full: bool) -> Item:
    return Item(
        guid=entry_guid(entry),
        url=entry.paper.links["abs"],
        title=entry_title(entry),
        summary=entry_summary(entry),
        html=entry_html(entry),
        time=entry_time(entry),
        authors=tuple(entry_authors(entry)),
        categories=entry.paper.categories,
        more=entry_to_plain(entry) if in_full else {},
    )
