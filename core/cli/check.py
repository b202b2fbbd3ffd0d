"""Explains the rules of feeds for `paperwire check`: how each is understood, and how many stored papers it matches."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

from rich.table import Table

from core.app import Paperwire
from core.archive.open import may_exist
from core.config.settings import Settings
from core.model.errors import PaperwireError
from core.model.feed import Feed, parse_keyword
from core.model.manifest import Manifest
from core.model.rules import explain, remarks

_MANY = 0.25  # share of all papers from which a rule selects too many


async def explain_rules(settings: Settings, feeds: Iterable[Feed]) -> AsyncIterator[Table | str]:
    """Yields a table of the rules of each feed, notes on them, and finally which papers the hits are counted over.

    Without a readable store, rules are explained without hits.
    """
    counts: dict[str, Counter[str]] = {}
    over = "nothing is stored yet; see after a refresh"
    if may_exist(settings):
        try:
            wire = Paperwire(settings)
            try:
                manifest = await wire.manifest()
                stored = [record for feed in feeds for record in manifest.of(feed.source) if record.hash]
                if stored:
                    counts = {feed.name: await _count(wire, manifest, feed) for feed in feeds}
                    days = len({record.date for record in stored})
                    over = f"of the papers of {days} stored days that the feed is made from"
            finally:
                await wire.close()
        except (PaperwireError, OSError) as error:
            over = f"the store cannot be read: {error}"
    for feed in feeds:
        for line in _of_feed(feed, counts.get(feed.name)):
            yield line
    yield f"Hits: {over}."


async def _count(wire: Paperwire, manifest: Manifest, feed: Feed) -> Counter[str]:
    """Returns how many stored papers of the feed each of its rules matches, exclude rules too; "" counts all papers."""
    rules = dict.fromkeys([*feed.labels, *feed.exclude])
    probe = replace(
        feed,
        name=f"check-{feed.name}",
        keywords=tuple(parse_keyword(rule, 1.0, feed.match) for rule in rules),
        exclude=(),
        min_score=0.0,
    )
    entries = (await wire.entries(manifest, probe)).entries
    found = Counter(label for entry in entries for label in set(entry.matched))
    found[""] = len(entries)
    return found


def _of_feed(feed: Feed, found: Counter[str] | None) -> list[Table | str]:
    if not (feed.keywords or feed.exclude):
        return []
    title = f"{feed.name}: " + (f"{found['']} papers" if found is not None else "rules")
    table = Table("rule", "points", "is understood as", "hits", title=title, title_justify="left")
    said: list[Table | str] = []
    weights = {keyword.label: f"{keyword.weight:g}" for keyword in feed.keywords}
    for rule, points in [*weights.items(), *((rule, "leaves out") for rule in feed.exclude)]:
        hits = "" if found is None else str(found[parse_keyword(rule, match=feed.match).label])
        table.add_row(rule, points, explain(rule, feed.match), hits)
        said += [
            f"  {'Note' if r.hint else 'Warning'}: {feed.name}: {rule!r}: {r.text}" for r in remarks(rule, feed.match)
        ]
        if found and hits == "0":
            said.append(f"  Note: {feed.name}: {rule!r} is in no stored paper")
        elif found and points != "leaves out" and int(hits) > _MANY * found[""] > 0:
            said.append(f"  Note: {feed.name}: {rule!r} is in {int(hits) / found['']:.0%} of all papers")
    return [table, *said]
