"""The builder: a form for a feed's rules, a preview of their selection from the stored days, and the feed's URL.

The rules are in the page's URL. The owner's form for a feed of the wire (`api.pages.edit`) has the same fields.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from api.limits import RULES as RULES_COST
from api.pages.forms import read_form
from api.pages.html import page
from api.resource import opened, wire_of
from api.trace import CURRENT
from api.urls import is_owner, raw_query
from core.config.url_rules import (
    MOST_URL_CHARACTERS,
    RULES,
    USUAL,
    has_rules,
    joined,
    named,
    not_fetched,
    read_rules,
    split_rules,
    texts_of,
    write_rules,
)
from core.model.categories import CATEGORIES, category_name, find_category
from core.model.errors import UnknownName
from core.model.feed import Entry, Feed
from core.render.card import readable
from core.text.lists import quoted, split_list
from core.text.sanitize import cut
from core.views.preview import Preview, make_preview

router = APIRouter(include_in_schema=False)
OWNER_KEYWORDS = 1000  # the limit in feeds.toml
LABELS = {name: rule.label for name, rule in RULES.items()} | {
    "called": "Name in addresses",
    "description": "Description",
    "token": "Token",
}
_OK, _UNUSABLE = 200, 422


TYPE_CHOICES = (
    ("new", "New papers"),
    ("cross", "Cross-lists from other categories"),
    ("replace", "Replacements: new versions"),
    ("replace-cross", "Replacements of cross-lists"),
)
MATCH_CHOICES = (
    ("word", "Whole words, plurals too; AND, OR, *, quotes"),
    ("substring", "Anywhere, even inside words"),
    ("regex", "Regular expressions (RE2)"),
)
EXCERPT = 260  # characters of an abstract
_BEFORE = 90  # of them before the first match


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The texts of the fields, the choices of `category` and `type`, and the problems, by parameter."""

    values: Mapping[str, str]
    chosen: Mapping[str, tuple[str, ...]]
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_special(self) -> bool:
        """Whether one of the less common fields is set or has a problem."""
        plain = {"match": ("word", ""), "title_bonus": ("0.5", "")}
        differs = any(self.values[name] not in usual for name, usual in plain.items())
        return differs or self.chosen["type"] not in (("new",), ()) or not {*plain, "type"}.isdisjoint(self.problems)

    def groups(self, fetched: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Returns the offered categories with their names, by archive: those fetched here and those chosen."""
        names = dict.fromkeys([*_offered(fetched), *self.chosen["category"]])
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            archive = name.partition(".")[0]
            whole = "everything in it" if name == archive and _inside(archive) else category_name(name)
            groups.setdefault(archive, []).append((name, whole))
        return [(category_name(archive) or archive, rows) for archive, rows in groups.items()]


@dataclass(frozen=True, slots=True)
class Selected:
    """The preview of rules, and those of their categories that are not fetched yet."""

    preview: Preview
    missing: tuple[str, ...]
    is_all_missing: bool


@router.get("/build")
async def build(request: Request) -> Response:
    """The form with the rules of the query, or those of `feed=…`, and a preview if they are valid."""
    wire = await opened(request)
    sent, filters = split_rules(raw_query(request))
    feed, form = _started(wire.rules.feeds, filters) if not sent else (None, None)
    if form is None:
        feed, form = read_sent(sent) if sent else (None, empty_form(wire.main.categories))
    shown = await select_preview(request, feed) if feed else None
    context = {
        **preview_context(request, feed, form, shown),
        "groups": form.groups(wire.rules.categories),
        "types": TYPE_CHOICES,
        "matches": MATCH_CHOICES,
        "feeds": wire.rules.feeds,
        "filters": unquote_plus(filters) if sent else "",
    }
    return await page(request, "build.html", context, status=_UNUSABLE if form.problems else _OK)


@router.get("/build/preview")
async def preview(request: Request) -> Response:
    """The preview of the rules in the query: the part of the page that is updated during typing."""
    await opened(request)
    sent, _ = split_rules(raw_query(request))
    feed, form = read_sent(sent)
    shown = await select_preview(request, feed) if feed else None
    context = preview_context(request, feed, form, shown)
    return await page(request, "preview.html", context)


@router.post("/build/preview")
async def preview_of_form(request: Request) -> Response:
    """The preview of the rules of a form, which may be too long for a URL, and have any categories."""
    sent = rules_sent(await read_form(request))
    await opened(request)
    feed, form = read_sent(sent, most_keywords=OWNER_KEYWORDS)
    shown = await select_preview(request, feed) if feed else None
    context = preview_context(request, feed, form, shown, where="", own=True)
    return await page(request, "preview.html", context)


def read_sent(sent: Mapping[str, Sequence[str]], **options: Any) -> tuple[Feed | None, RuleForm]:
    """Returns the feed that was sent, None if it is invalid, and the form to show again."""
    feed, problems = read_rules(joined(sent), **options)
    return feed, form_of(sent, problems)


def preview_context(
    request: Request,
    feed: Feed | None,
    form: RuleForm,
    shown: Selected | None,
    *,
    where: str = "/build?",
    own: bool = False,
) -> dict[str, Any]:
    """Returns the variables of the templates for a preview.

    `where` is the page's URL, to which rules are added. `own`: the rules become a feed of this wire, with its own URL.
    """

    def at_least(score: float) -> str:
        return write_rules(replace(feed, min_score=score)) if feed else ""

    rules = write_rules(feed) if feed else ""
    return {
        "form": form,
        "feed": feed,
        "shown": shown,
        "rules": rules if len(rules) <= MOST_URL_CHARACTERS else "",
        "best": [(day, [preview_entry(entry) for entry in best]) for day, best in shown.preview.best] if shown else [],
        "where": where,
        "own": own,
        "at_least": at_least,
        "amount": amount,
        "labels": LABELS,
        "can_save": bool(wire_of(request).settings.admin_token) and is_owner(request),
    }


def amount(a_day: float) -> str:
    """Returns a number of entries a day with one decimal below 10: "0.3", "4.5", "27"."""
    return f"{a_day:.0f}" if a_day >= 9.95 else f"{a_day:.1f}".removesuffix(".0")


def _started(feeds: Mapping[str, Feed], filters: str) -> tuple[Feed | None, RuleForm | None]:
    """Returns the feed that `feed=…` names, and its form. Raises `UnknownName`."""
    name = dict(parse_qsl(filters)).get("feed")
    if name is None:
        return None, None
    if name not in feeds:
        raise UnknownName("feed", name, tuple(feeds))
    return feeds[name], form_of_feed(feeds[name])


def form_of(sent: Mapping[str, Sequence[str]], problems: Mapping[str, str]) -> RuleForm:
    """Returns the form as it was sent, with one part of a list on each line."""
    values = dict.fromkeys(RULES, "") | joined(sent)
    match = values["match"].strip() or USUAL.match
    parts = {name: _split(values[name], rules=has_rules(name, match)) for name, rule in RULES.items() if rule.many}
    for name in ("keywords", "exclude"):
        if parts[name]:
            values[name] = "\n".join(quoted(part, rules=has_rules(name, match)) for part in parts[name])
    categories = tuple(find_category(name) or name for name in parts["category"])
    return RuleForm(values, {"category": categories, "type": tuple(parts["type"])}, problems)


def rules_sent(form: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Returns the rules among the fields of a form."""
    return {name: list(form[name]) for name in RULES if name in form}


def form_of_feed(feed: Feed) -> RuleForm:
    """Returns the form for an existing feed."""
    return RuleForm(texts_of(feed, between="\n"), {"category": feed.categories, "type": feed.announce_types})


def empty_form(categories: Sequence[str]) -> RuleForm:
    """Returns the empty form; its defaults leave out papers without any keyword."""
    return form_of_feed(replace(USUAL, title="", categories=tuple(categories), min_score=1.0))


async def select_preview(request: Request, feed: Feed) -> Selected:
    """Returns a feed's selection from the stored days. Nothing is fetched or stored for it."""
    wire, feed = wire_of(request), named(feed)
    manifest = await wire.manifest()
    async with request.app.state.limits.doing(CURRENT.get(), RULES_COST):
        found = await wire.entries(manifest, feed)
        preview = await asyncio.to_thread(make_preview, feed, found.entries, manifest.of(feed.source))
    missing = tuple(not_fetched(feed.categories, wire.rules.categories))
    return Selected(preview, missing, bool(missing) and len(missing) == len(feed.categories))


def preview_entry(entry: Entry) -> dict[str, Any]:
    """Returns an entry for the preview: its matches marked, and its abstract cut around the first match."""
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
    """Returns `text` cut around the first of `places`, with the places marked; its beginning without places."""
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


def _split(text: str, *, rules: bool) -> list[str]:
    try:
        return split_list(text, rules=rules)
    except ValueError:
        return []
