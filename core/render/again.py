"""Second looks as items of a feed: each begins with why now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from core.model.again import SecondLook
from core.model.calendar import EASTERN, PUBLISHED_AT
from core.render.items import Item, clean_entry, entry_authors, entry_html, entry_summary, entry_title
from core.render.messages import messages
from core.render.shapes import entry_to_plain
from core.text.sanitize import clean, label


def why_now(look: SecondLook, language: str) -> str:
    """Returns the reasons in words: "version 3; published: Journal of Samples 4"."""
    words = messages("again", language)
    return label("; ".join(words[change.kind].format(value=change.value) for change in look.changes))


def again_items(looks: Sequence[SecondLook], language: str, *, in_full: bool) -> list[Item]:
    """Returns second looks as items, newest first; `in_full` adds their JSON values."""
    return [_item(look, rank, language, in_full=in_full) for rank, look in enumerate(looks)]


def _item(look: SecondLook, rank: int, language: str, *, in_full: bool) -> Item:
    entry, words, why = clean_entry(look.entry), messages("again", language), why_now(look, language)
    first = words["first"].format(date=look.first.isoformat())
    now = f"{words['why now']}{words['colon']}{why}. {first}"
    due = datetime.combine(look.since, PUBLISHED_AT, EASTERN) - timedelta(seconds=rank + 1)
    plain = entry_to_plain(entry) | {"why_now": [change._asdict() for change in look.changes]}
    return Item(
        guid=f"{entry.paper.uri}#again-{entry.feed}-{look.since.isoformat()}",
        url=entry.paper.url,
        title=entry_title(entry),
        summary=f"{label(now)} {entry_summary(entry)}",
        html=clean(f"<p><strong>{escape(now)}</strong></p>") + entry_html(entry),
        time=due,
        authors=tuple(entry_authors(entry)),
        categories=entry.paper.categories,
        more=plain | {"first_announced": look.first.isoformat(), "since": look.since.isoformat()} if in_full else {},
    )
