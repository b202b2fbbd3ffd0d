"""The builder: a form for a feed's rules, a preview of their selection from the stored days, and the feed's URL.

The rules are in the page's URL. The owner's form for a feed of the wire (`api.pages.edit`) has the same fields.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from api.headers import NOT_KEPT
from api.limits import RULES as RULES_COST
from api.pages import Pages
from api.pages.forms import first, read_form
from api.pages.html import page
from api.resource import opened, wire_of
from api.session import check_own_page, owner_of
from api.trace import CURRENT
from api.urls import is_owner, page_url, raw_query
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
from core.model.bands import Reach, alone
from core.model.categories import CATEGORIES, find_category
from core.model.errors import InvalidInput, UnknownName
from core.model.feed import Entry, Feed
from core.model.manifest import BatchRecord
from core.model.paper import Paper
from core.model.sources import ARXIV, category_title
from core.model.votes import MOST_LIBRARY, Reference, make_reference
from core.render.card import readable
from core.render.rows import chip_of, short_authors
from core.text.lists import quoted, split_list
from core.text.sanitize import cut
from core.views.preview import Preview, VoteEffect, make_preview, try_vote

if TYPE_CHECKING:
    from core.llm.proposal import Asked

router = Pages()
OWNER_KEYWORDS = 1000  # the limit in feeds.toml
LABELS = {name: rule.label for name, rule in RULES.items()} | {
    "called": "Name in addresses",
    "description": "Description",
    "interest": "What you look for",
    "screen": "Papers a model looks at",
    "token": "Token",
}
_OK, _UNUSABLE, _SEE_OTHER = 200, 422, 303
A_DAY = 10  # papers for which a threshold is proposed
_BOX = ("about", "unclear", "unknown", "stored", "model", "interest")  # what is in the address of the page beside rules
_VOTES = {"like": 1, "dislike": -1}  # parameters of the preview that name a paper
_LONGEST_ABOUT, _LONGEST_SENTENCE = 300, 2000  # characters: in an address, and of what is read
_BIBTEX = re.compile(r"@\w+\s*\{")
_LINK = re.compile(r"arxiv|\b\d{4}\.\d{4,5}\b", re.IGNORECASE)


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
EXCERPT = 200  # characters of an abstract
_BEFORE = 50  # of them before the first match


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
            whole = "everything in it" if name == archive and _inside(archive) else category_title(name)
            groups.setdefault(archive, []).append((name, whole))
        return [(category_title(archive) or archive, rows) for archive, rows in groups.items()]


@dataclass(frozen=True, slots=True)
class Selected:
    """The preview of rules, those of their categories that are not fetched yet, and what a vote would change."""

    preview: Preview
    missing: tuple[str, ...]
    is_all_missing: bool
    vote: VoteEffect | None = None


@router.get("/build")
async def build(request: Request) -> Response:
    """The form with the rules of the query, or those of `feed=…`, and a preview if they are valid.

    `about=…` alone, what somebody wants to follow, leads to proposed rules.
    """
    wire = await opened(request)
    sent, rest = split_rules(raw_query(request))
    asked, filters = _without_box(rest)
    if asked.get("about") and not sent and "unclear" not in asked:
        return await _propose(request, asked["about"])
    feed, form = _started(wire.rules.feeds, filters) if not sent else (None, None)
    if form is None:
        feed, form = read_sent(sent) if sent else (None, empty_form(wire.main.categories))
    shown = await select_preview(request, feed, *_vote_of(filters)) if feed else None
    context = {
        **preview_context(request, feed, form, shown, interest=_interest(asked)),
        "groups": form.groups(wire.rules.categories),
        "types": TYPE_CHOICES,
        "matches": MATCH_CHOICES,
        "feeds": wire.rules.feeds,
        "filters": unquote_plus(_without_vote(filters)) if sent else "",
        **_box(request, asked),
    }
    return await page(request, "build.html", context, status=_UNUSABLE if form.problems else _OK)


@router.post("/build/propose")
async def propose_rules(request: Request) -> Response:
    """From what the box holds to proposed rules: a sentence, arXiv links, or BibTeX."""
    form = await read_form(request)
    await opened(request)
    return await _propose(request, first(form, "about"))


def _without_box(rest: str) -> tuple[dict[str, str], str]:
    """Returns what the address says about the box above the form, and its filters, still encoded."""
    tokens = [token for token in rest.split("&") if token]
    own = [token for token in tokens if token.partition("=")[0] in _BOX]
    return dict(parse_qsl("&".join(own))), "&".join(token for token in tokens if token not in own)


def _interest(asked: Mapping[str, str]) -> str:
    """Returns what the owner looks for, in words: as written, else the sentence that the rules were proposed from."""
    about = asked.get("about", "")
    is_sentence = not ("unclear" in asked or _BIBTEX.search(about) or _LINK.search(about))
    return asked.get("interest", about if is_sentence else "")[:_LONGEST_SENTENCE]


def _vote_of(rest: str) -> tuple[str, int]:
    """Returns the paper on which the address has a vote tried, and its sign; "" and 0 for none."""
    sent = dict(parse_qsl(rest))
    return next(((sent[name], sign) for name, sign in _VOTES.items() if sent.get(name)), ("", 0))


def _without_vote(filters: str) -> str:
    return "&".join(token for token in filters.split("&") if token.partition("=")[0] not in _VOTES)


def _box(request: Request, asked: Mapping[str, str]) -> dict[str, Any]:
    wire = wire_of(request)
    return {
        "about": asked.get("about", ""),
        "unclear": "unclear" in asked,
        "by_model": "model" in asked,
        "unknown": [name for name in asked.get("unknown", "").split(",") if name][:10],
        "stored": int(asked["stored"]) if asked.get("stored", "").isdigit() else 0,
        "fetched_here": wire.rules.categories,
        "archives": _archives(),
    }


async def _propose(request: Request, about: str) -> Response:
    """Answer with the address of proposed rules; of the empty form if the text says nothing."""
    from core.ranking.propose import adopt, propose  # not at a cold start

    wire = wire_of(request)
    async with request.app.state.limits.doing(CURRENT.get(), RULES_COST):
        papers = await wire.papers()
        sentence, references, unknown = await _read_box(request, about, papers)
        proposal = await asyncio.to_thread(propose, sentence, references, papers, wire.main.categories)
    box = {"about": cut(" ".join(about.split()), _LONGEST_ABOUT)} | ({"unknown": ",".join(unknown)} if unknown else {})
    if (proposal or references) and (asked := await _ask_model(request, sentence, references)):
        by_model = await asyncio.to_thread(adopt, *asked, papers)
        proposal, box = by_model or proposal, box | ({"model": "1"} if by_model else {})
    if proposal is None:
        return _see(request, urlencode(box | {"unclear": "1"}))
    feed, _ = read_rules(
        {
            "category": ",".join(proposal.categories),
            "keywords": "\n".join(quoted(f"{text}:{weight:g}", rules=True) for text, weight in proposal.keywords),
            "min_score": f"{proposal.enough:g}",
            "max_entries": "30",
            "name": proposal.title,
        }
    )
    if feed is None:  # a word that no rule can hold
        return _see(request, urlencode(box | {"unclear": "1"}))
    manifest = await wire.manifest()
    if manifest.has_batches:
        entries = (await wire.entries(manifest, feed)).entries
        feed = replace(feed, min_score=fitting(entries, manifest.of(feed.source), proposal.enough))
    return _see(request, f"{urlencode(box | {'stored': len(papers)})}&{write_rules(feed)}")


async def _ask_model(request: Request, sentence: str, references: Sequence[Reference]) -> "Asked | None":
    """Returns the rules of a model, if there is one and the owner asks; None else, and where it fails."""
    wire = wire_of(request)
    if not wire.settings.has_model or await owner_of(request) is None:
        return None
    check_own_page(request)
    from core.jobs.propose import ask_for_rules  # only when it is asked for

    return await ask_for_rules(wire.archive, wire.settings, sentence, references)


def _see(request: Request, query: str) -> Response:
    return RedirectResponse(page_url(request, f"/build?{query}"), _SEE_OTHER, NOT_KEPT)


async def _read_box(request: Request, about: str, papers: Sequence[Paper]) -> tuple[str, list[Reference], list[str]]:
    """Returns the sentence of a text, the papers that it names, and the identifiers of those that are unknown here.

    For the owner, arXiv is asked for these.
    """
    from core.sources.library import parse_library  # not at a cold start

    try:
        library = parse_library(about.encode()) if _BIBTEX.search(about) or _LINK.search(about) else None
    except InvalidInput:
        library = None
    named = list(library.references[:MOST_LIBRARY]) if library else []
    is_file = bool(_BIBTEX.search(about)) and bool(named)
    wire = wire_of(request)
    stored = {paper.id: paper for paper in papers}
    if any(not one.title and one.paper not in stored for one in named) and await owner_of(request):
        from core.jobs.library import complete_library  # as above

        manifest = await wire.manifest()
        named, _ = await complete_library(wire.archive, wire.settings, manifest, wire.main, named)
    known = [
        make_reference(stored[one.paper].title, stored[one.paper].abstract, one.paper) if one.paper in stored else one
        for one in named
    ]
    unknown = [one.paper for one in known if not one.title]
    return "" if is_file else about[:_LONGEST_SENTENCE], [one for one in known if one.title], unknown


def fitting(entries: Sequence[Entry], records: Sequence[BatchRecord], enough: float) -> float:
    """Returns the threshold that about `A_DAY` papers of a complete day reach; not less than `enough`."""
    whole = {record.date for record in records if record.state in ("complete", "unconfirmed")}
    dates = whole or {record.date for record in records}
    scores = sorted((e.score for e in entries if e.announced in dates and e.type in USUAL.announce_types), reverse=True)
    most = A_DAY * len(dates)
    return max(enough, scores[most - 1]) if len(scores) >= most > 0 else enough


def _archives() -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns all of arXiv's categories with their names, by archive."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, words in CATEGORIES.items():
        archive = name.partition(".")[0]
        groups.setdefault(archive, [])
        if name != archive or not _inside(archive):
            groups[archive].append((name, words))
    return [(CATEGORIES[archive], rows) for archive, rows in groups.items()]


@router.get("/build/preview")
async def preview(request: Request) -> Response:
    """The preview of the rules in the query: the part of the page that is updated during typing."""
    await opened(request)
    sent, rest = split_rules(raw_query(request))
    feed, form = read_sent(sent)
    shown = await select_preview(request, feed, *_vote_of(rest)) if feed else None
    context = preview_context(request, feed, form, shown, interest=_interest(_without_box(rest)[0]))
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
    interest: str = "",
) -> dict[str, Any]:
    """Returns the variables of the templates for a preview.

    `where` is the page's URL, to which rules are added. `own`: the rules become a feed of this wire, with its own URL.
    `interest` goes along with the rules when they are saved.
    """

    def at_least(score: float) -> str:
        return write_rules(replace(feed, min_score=score)) if feed else ""

    def listed(entries: Iterable[Entry]) -> list[dict[str, Any]]:
        return [preview_entry(entry, feed, shown.preview.reach) for entry in entries] if feed and shown else []

    rules = write_rules(feed) if feed else ""
    return {
        "form": form,
        "feed": feed,
        "shown": shown,
        "rules": rules if len(rules) <= MOST_URL_CHARACTERS else "",
        "best": [(day, listed(best)) for day, best in shown.preview.best] if shown else [],
        "near": listed(shown.preview.near) if shown else [],
        "where": where,
        "own": own,
        "interest": interest,
        "saved_with": "&" + urlencode({"interest": interest}) if interest.strip() else "",
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


async def select_preview(request: Request, feed: Feed, paper: str = "", sign: int = 0) -> Selected:
    """Returns a feed's selection from the stored days, and what a vote on `paper` would change.

    Nothing is fetched for it, and nothing of it is stored; but texts of days that had to be made are.
    """
    wire, feed = wire_of(request), named(feed)
    manifest = await wire.manifest()
    async with request.app.state.limits.doing(CURRENT.get(), RULES_COST):
        vote, records = None, manifest.of(feed.source)
        if paper or feed.min_score <= 0:  # then papers without any points count
            entries = (await wire.entries(manifest, feed)).entries
            preview = await asyncio.to_thread(make_preview, feed, entries, records)
            vote = await asyncio.to_thread(try_vote, feed, entries, paper, sign) if paper else None
        else:
            found = await wire.entry_cache.scan(manifest, feed)
            preview = await asyncio.to_thread(make_preview, feed, found.entries, records, found.others)
            if not wire.snapshots.error:
                await wire.archive.pending.flush()
    missing = tuple(not_fetched(feed.categories, wire.rules.categories)) if feed.source == ARXIV else ()
    # Papers of other categories may be listed in them too
    is_all_missing = bool(missing) and len(missing) == len(feed.categories) and not preview.total
    return Selected(preview, missing, is_all_missing, vote)


def preview_entry(entry: Entry, feed: Feed, reach: Reach) -> dict[str, Any]:
    """Returns an entry for the preview: its matches marked, its abstract cut around the first one, and its strongest
    reasons.
    """
    chosen = alone(feed, entry, reach)
    places: dict[str, list[tuple[int, int]]] = {"title": [], "abstract": []}
    for reason in entry.reasons:
        places.setdefault(reason.field, []).append((reason.start, reason.end))
    return {
        "entry": entry,
        "title": readable(entry.paper.title, places["title"]),
        "excerpt": excerpt(entry.paper.abstract, places["abstract"]),
        "authors": short_authors(entry.paper),
        "reasons": [chip_of(reason) for reason in chosen.reasons],
        "step": round(10 * chosen.share),
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
