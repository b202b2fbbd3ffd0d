"""The tools: what each does. What it is for and its arguments stand in `tools.toml`, written for models."""

import asyncio
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request

from api.limits import RENDERING
from api.pages.owner import find_entries, save_paper
from api.routes.papers import EVERY_SCORE
from api.routes.similar import newest_entries, similar_rows
from api.trace import CURRENT
from core.app import Paperwire
from core.config.feed_table import read_feed
from core.config.overrides import rules_in_force, save_feed
from core.model.digest import make_digest
from core.model.entries import feeds_of
from core.model.errors import InvalidInput, UnknownName
from core.model.feed import Entry
from core.model.paper import PaperId, parse_id
from core.model.period import make_period, parse_period
from core.model.query import parse_query
from core.model.votes import SIGNS
from core.render.digest.common import Site, gist
from core.render.digest.document import digest_markdown
from core.render.digest.period import period_markdown
from core.render.items import clean_entry, judgement_in_words, paper_title, readable_names, reasons_in_words
from core.render.shapes import entry_to_plain
from core.teaching import Teaching
from core.views.entries import select_page

_NAMED = 6  # authors
Json = Any


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the request, its wire, and whether it has the owner's token."""

    request: Request
    wire: Paperwire
    is_owner: bool

    def limited(self, cost: float) -> AbstractAsyncContextManager[None]:
        """Returns a block that takes `cost` from the share of the caller's client. Raises `RateLimited`."""
        limits = self.request.app.state.limits
        block: AbstractAsyncContextManager[None] = limits.doing(CURRENT.get(), cost)
        return block


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: `fields` are its arguments by name, each a JSON schema, of which `needed` have to be there."""

    name: str
    title: str
    about: str
    call: Callable[..., Awaitable[Json]]
    fields: Mapping[str, Mapping[str, Any]]
    needed: Sequence[str] = ()
    owner: bool = False
    cost: float = RENDERING

    def to_plain(self) -> dict[str, Any]:
        """The tool as the protocol lists it."""
        schema = {"type": "object", "properties": dict(self.fields), "required": list(self.needed)}
        hints = {"readOnlyHint": not self.owner, "destructiveHint": False, "idempotentHint": True}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.about,
            "inputSchema": schema | {"additionalProperties": False},
            "annotations": {"title": self.title, **hints, "openWorldHint": False},
        }

    def read(self, arguments: Any) -> dict[str, Any]:
        """Returns the arguments. Raises `InvalidInput`, which says what is wrong and what is allowed."""
        if not isinstance(arguments, dict):
            raise InvalidInput("The arguments are an object.")
        for name, value in arguments.items():
            if name not in self.fields:
                raise InvalidInput(
                    f"{self.name} has no argument {name[:60]!r}; it has {', '.join(self.fields) or 'none'}."
                )
            if not _is_of(value, self.fields[name]):
                raise InvalidInput(f"{name} is {value!r:.60}; it has to be {_in_words(self.fields[name])}.")
        if lacking := [name for name in self.needed if name not in arguments]:
            raise InvalidInput(f"{self.name} needs {', '.join(lacking)}.")
        return dict(arguments)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "array": (list,), "object": (dict,),
}  # fmt: skip


def _is_of(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, bool) or not isinstance(value, _TYPES[schema["type"]]):
        return False
    if isinstance(value, str) and len(value) > schema.get("maxLength", 2000):
        return False
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return False
    if isinstance(value, list) and not all(_is_of(one, schema["items"]) for one in value):
        return False
    if isinstance(value, dict):
        return all(_is_of(one, schema["additionalProperties"]) for one in value.values())
    return "enum" not in schema or value in schema["enum"]


def _in_words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    bounds = f" from {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else ""
    return f"of type {schema['type']}{bounds}"


def brief(entry: Entry) -> dict[str, Any]:
    """Returns what an assistant needs of an entry, with the reasons of its score in words."""
    entry = clean_entry(entry)
    names = readable_names(entry.paper)
    plain: dict[str, Any] = {
        "id": entry.id,
        "title": paper_title(entry.paper),
        "authors": names[:_NAMED] + ([f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []),
        "url": entry.paper.url,
        "announced": entry.announced.isoformat(),
        "feed": entry.feed,
        "score": entry.score,
        "why": reasons_in_words(entry).lstrip(": ") or "no keyword of the feed was found",
        "gist": gist(entry),
    }
    more = {"band": entry.band, "points": entry.points, "upvotes": entry.upvotes}
    return plain | {name: value for name, value in more.items() if value is not None}


async def _search_papers(caller: Caller, filters: str = "", limit: int = 15) -> Json:
    """Query the stored papers with the filters of /api/papers."""
    if "limit=" in filters:
        raise InvalidInput("The limit is an argument of its own.")
    raw = "&".join(filter(None, (quote(filters.strip().lstrip("?"), safe="%&=<>~!,;:+"), f"limit={limit}")))
    query = parse_query(raw.replace(" ", "+"), owner=caller.is_owner)
    wire = caller.wire
    feeds = feeds_of(wire.feeds, query)
    manifest = await wire.ready()
    loaded = [(feed, await wire.entries(manifest, feed, query)) for feed in feeds]
    page = await asyncio.to_thread(select_page, loaded, query, capped=False)
    return {"total": page.total, "papers": [brief(entry) for entry in page.entries]}


async def _get_paper(caller: Caller, id: str) -> Json:  # noqa: A002 - the argument's name
    """Returns a paper in full."""
    entry = await _entry(caller, id)
    return entry_to_plain(clean_entry(entry)) | {"judgement": judgement_in_words(entry)}


async def _similar_papers(caller: Caller, id: str, limit: int = 10) -> Json:  # noqa: A002
    """Returns the stored papers that share most terms with one."""
    wire, wanted = caller.wire, _paper_id(id)
    manifest = await wire.ready()
    entries = [e for feed in wire.feeds.values() for e in (await wire.entries(manifest, feed, EVERY_SCORE)).entries]
    rows = await asyncio.to_thread(similar_rows, wanted, newest_entries(entries), limit)
    return {
        "similar": [brief(e) | {"similarity": round(cosine, 3), "shared": list(terms)} for e, cosine, terms in rows]
    }


async def _list_feeds(caller: Caller) -> Json:
    """Returns the feeds with their rules, and which dates are stored."""
    wire = caller.wire
    manifest = await wire.ready()
    return {
        "today": wire.clock().date().isoformat(),
        "feeds": [
            {
                "name": feed.name,
                "title": feed.title,
                "description": feed.description or feed.interest,
                "source": feed.source,
                "categories": list(feed.categories),
                "keywords": {keyword.label: keyword.weight for keyword in feed.keywords},
                "min_score": feed.min_score,
                "days": [{"date": r.date.isoformat(), "state": r.state} for r in manifest.of(feed.source)[:10]],
            }
            for feed in wire.feeds.values()
        ],
    }


async def _get_digest(caller: Caller, feed: str, period: str = "latest") -> Json:
    """Returns a feed's day, week or month as Markdown."""
    return await digest_markdown_of(caller, feed, period)


async def digest_markdown_of(caller: Caller, name: str, period: str) -> str:
    """Returns the digest as Markdown. Raises `UnknownName`."""
    wire = caller.wire
    feed, manifest = wire.feed(name), await wire.ready()
    known = manifest.of(feed.source)
    entries = (await wire.entries(manifest, feed)).entries
    if whole := parse_period(period):
        if not any(record.date in whole for record in known):
            raise UnknownName("period with a batch", period, tuple(record.date.isoformat() for record in known)[:10])
        return await asyncio.to_thread(lambda: period_markdown(make_period(feed, whole, known, entries)))
    record = next((r for r in known if period in ("latest", r.date.isoformat())), None)
    if record is None:
        raise UnknownName("batch", period, tuple(one.date.isoformat() for one in known)[:10])
    return await asyncio.to_thread(
        lambda: digest_markdown(make_digest(feed, record, entries, style="daily"), Site(wire.title), "plain")
    )


async def _why(caller: Caller, id: str, feed: str = "") -> Json:  # noqa: A002
    """Returns the reasons of a paper's score in each feed, or in one."""
    wire, wanted = caller.wire, _paper_id(id)
    manifest = await wire.ready()
    feeds = [wire.feed(feed)] if feed else list(wire.feeds.values())
    found = []
    for one in feeds:
        entries = (await wire.entries(manifest, one, EVERY_SCORE)).entries
        found += [(one, entry) for entry in entries if entry.id == wanted.id]
    if not found:
        raise UnknownName("paper", str(wanted))
    return {
        "paper": wanted.id,
        "title": paper_title(found[0][1].paper),
        "scores": [
            {
                "feed": one.name,
                "score": entry.score,
                "needed": one.min_score,
                "why": reasons_in_words(clean_entry(entry)).lstrip(": ") or "no keyword of the feed was found",
                "judgement": judgement_in_words(entry),
                "announced": entry.announced.isoformat(),
                "type": entry.type,
            }
            for one, entry in found
        ],
    }


async def _vote(caller: Caller, feed: str, id: str, vote: str) -> Json:  # noqa: A002
    """Like, dislike, or take back."""
    report = await Teaching(caller.wire).vote(feed, {_paper_id(id).id: SIGNS[vote]})
    return {"changed": len(report.changed), "likes": len(report.votes.likes), "dislikes": len(report.votes.dislikes)}


async def _save(caller: Caller, id: str) -> Json:  # noqa: A002
    """Put a paper on the reading list."""
    if not await save_paper(caller.wire, _paper_id(id).id):
        raise UnknownName("paper", id)
    return {"saved": _paper_id(id).id}


async def _create_feed(caller: Caller, name: str, title: str, **rules: Any) -> Json:
    """Make a feed with these rules, and say what it finds in what is stored."""
    wire = caller.wire
    feed = read_feed(name, {"title": title, **rules})
    saved = (await wire.archive.overrides.read())[0]
    await wire.change(saved.version, lambda known, _: save_feed(rules_in_force(wire.settings.feeds, known), feed))
    manifest = await wire.manifest()
    query = parse_query(f"feed={name}&limit=5")
    page = select_page([(wire.feed(name), await wire.entries(manifest, wire.feed(name), query))], query, capped=False)
    return {
        "feed": name,
        "address": f"/api/feeds/{name}.rss",
        "found": page.total,
        "best": [brief(e) for e in page.entries],
    }


async def _entry(caller: Caller, text: str) -> Entry:
    wanted = _paper_id(text).id
    found = await find_entries(caller.wire, [wanted])
    if wanted not in found:
        raise UnknownName("paper", text[:100])
    return found[wanted]


def _paper_id(text: str) -> PaperId:
    try:
        return parse_id(text)
    except ValueError as error:
        raise InvalidInput(str(error)[:200]) from None


_CALLS: Mapping[str, Callable[..., Awaitable[Json]]] = {
    one.__name__.removeprefix("_"): one
    for one in (
        _search_papers, _get_paper, _similar_papers, _list_feeds, _get_digest, _why, _vote, _save, _create_feed,
    )
}  # fmt: skip
TOOLS: Mapping[str, Tool] = {
    name: Tool(name, call=_CALLS[name], **row)
    for name, row in tomllib.loads(Path(__file__).with_name("tools.toml").read_text("utf-8")).items()
}
