"""The form of a feed's rules, as the builder and the settings show it: what was typed, what is wrong with it, and what
the rules would select.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from api.limits import RULES as COST
from api.limits import doing
from core.app import Paperwire
from core.config.url_rules import RULES, USUAL, joined, named, not_fetched, texts_of
from core.model.categories import CATEGORIES, category_name
from core.model.feed import Entry, Feed
from core.model.query import Query
from core.render.card import readable
from core.text.lists import quoted, split_list
from core.text.sanitize import cut
from core.views.preview import Preview, make_preview

TYPE_CHOICES = (
    ("new", "New papers"),
    ("cross", "Cross-lists from other categories"),
    ("replace", "Replacements: new versions"),
    ("replace-cross", "Replacements of cross-lists"),
)
MATCH_CHOICES = (
    ("word", "Whole words, plurals too"),
    ("substring", "Anywhere, even inside words"),
    ("regex", "Regular expressions (RE2)"),
)
EXCERPT = 260  # characters of an abstract
_BEFORE = 90  # of these before the first match


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The texts of the fields, by parameter; the choices of `category` and `type`; and what is wrong, by parameter."""

    values: Mapping[str, str]
    chosen: Mapping[str, tuple[str, ...]]
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_special(self) -> bool:
        """Whether something is set, or wrong, that most feeds leave as it is."""
        plain = {"match": ("word", ""), "title_bonus": ("0.5", "")}
        differs = any(self.values[name] not in usual for name, usual in plain.items())
        return differs or self.chosen["type"] not in (("new",), ()) or not {*plain, "type"}.isdisjoint(self.problems)

    def groups(self, fetched: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """The categories to choose from, with their names, by archive: those fetched here and those chosen."""
        names = dict.fromkeys([*_offered(fetched), *self.chosen["category"]])
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            archive = name.partition(".")[0]
            whole = "everything in it" if name == archive and _inside(archive) else category_name(name)
            groups.setdefault(archive, []).append((name, whole))
        return [(category_name(archive) or archive, rows) for archive, rows in groups.items()]


def form_of(sent: Mapping[str, Sequence[str]], problems: Mapping[str, str]) -> RuleForm:
    """The form again as it was sent, with lists that can be read one part on each line."""
    values = dict.fromkeys(RULES, "") | joined(sent)
    parts = {name: _split(values[name]) for name, rule in RULES.items() if rule.many}
    values |= {name: "\n".join(map(quoted, parts[name])) for name in ("keywords", "exclude") if parts[name]}
    return RuleForm(values, {name: tuple(parts[name]) for name in ("category", "type")}, problems)


def rules_sent(form: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The rules among the fields of a form that was sent."""
    return {name: list(form[name]) for name in RULES if name in form}


def form_of_feed(feed: Feed) -> RuleForm:
    """The form for a feed as it is."""
    return RuleForm(texts_of(feed, between="\n"), {"category": feed.categories, "type": feed.announce_types})


def empty_form(categories: Sequence[str]) -> RuleForm:
    """The form before anything was typed: what has none of the keywords to come is left out."""
    return form_of_feed(replace(USUAL, title="", categories=tuple(categories), min_score=1.0))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the rules select, and of which of the categories there is nothing yet."""

    preview: Preview
    missing: tuple[str, ...]


async def show(wire: Paperwire, feed: Feed) -> Shown:
    """What a feed would select from what is stored. Nothing is fetched for it, and nothing of it is stored."""
    manifest, feed = await wire.manifest(), named(feed)
    async with doing(COST):
        entries = await wire.entries(manifest, feed, Query())
        preview = await asyncio.to_thread(make_preview, feed, entries, manifest.stored)
    return Shown(preview, tuple(not_fetched(feed.categories, wire.rules.categories)))


def shown_entry(entry: Entry) -> dict[str, Any]:
    """An entry for the preview: its matched words marked, and of its abstract what is around the first of them."""
    places: dict[str, list[tuple[int, int]]] = {"title": [], "abstract": []}
    for reason in entry.reasons:
        places.setdefault(reason.field, []).append((reason.start, reason.end))
    return {
        "entry": entry,
        "title": readable(entry.paper.title, places["title"]),
        "excerpt": excerpt(entry.paper.abstract, places["abstract"]),
        "authors": ", ".join(author.name for author in entry.paper.authors[:3]),
        "more_authors": max(len(entry.paper.authors) - 3, 0),
    }


def excerpt(text: str, places: Sequence[tuple[int, int]]) -> Markup:
    """Some of `text` around the first of `places`, these marked; its beginning where there are none."""
    first = min((start for start, _ in places), default=0)
    begin = text.find(" ", first - _BEFORE) + 1 if first > _BEFORE else 0
    part = cut(text[begin:], EXCERPT)
    inside = [(start - begin, end - begin) for start, end in places if start >= begin and end - begin < len(part)]
    return Markup("{}{}").format("…" if begin else "", readable(part, inside))


def _offered(fetched: Sequence[str]) -> Iterator[str]:
    for name in fetched:
        yield name
        yield from _inside(name)


def _inside(archive: str) -> list[str]:
    return [name for name in CATEGORIES if name.startswith(f"{archive}.")]


def _split(text: str) -> list[str]:
    try:
        return split_list(text)
    except ValueError:
        return []
