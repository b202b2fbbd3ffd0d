"""`paperwire papers` and `paperwire similar`: lists of papers in a terminal, with links where it can follow them."""

import asyncio
import re
import sys
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from core.app import Paperwire
from core.cli.output import err, out, with_wire
from core.model.entries import choose, feeds_of
from core.model.errors import ConfigError, UnknownName
from core.model.feed import Entry
from core.model.pagination import Page, paginate
from core.model.paper import Paper, parse_id
from core.model.query import parse_query
from core.ranking.similar import Similar
from core.render.items import clean_entry
from core.render.rows import short_authors
from core.render.shapes import ENTRY_FIELDS, entry_to_plain, to_json
from core.text.sanitize import cut

_LONGEST_RULE = 40  # characters of a reason
_COMPOUND = re.compile(r" (?:OR|AND|NOT) |\*")


def papers(
    filters: Annotated[
        list[str] | None, typer.Argument(help="such as 'score>=10' 'category=cs.DC' 'sort=-score'")
    ] = None,
    feed: Annotated[str, typer.Option(help="which feed, by name; the first one by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the entries as JSON")] = False,
) -> None:
    """Print the papers that meet all filters.

    The filters are those of /api/papers; a wrong one is answered with what is allowed. Titles link to the papers where
    the terminal can follow links.
    """
    tokens = [*(filters or ()), *([f"feed={feed}"] if feed else [])]
    query = parse_query("&".join(quote(token, safe="") for token in tokens), entry_fields=ENTRY_FIELDS, owner=True)

    async def find(wire: Paperwire) -> Page:
        with err.status("looking for papers"):
            await wire.manifest()  # the store may have other feeds
            feeds = feeds_of(wire.feeds, query)
            manifest = await wire.ready()
        chosen = [
            entry
            for one in feeds
            for entry in choose(one, (await wire.entries(manifest, one, query)).entries, query, capped=False)
        ]
        return paginate(chosen, query if len(feeds) == 1 else query.over_feeds)

    found = asyncio.run(with_wire(find))
    if as_json:
        sys.stdout.buffer.write(to_json([entry_to_plain(entry, query.fields) for entry in found.entries]) + b"\n")
        return
    for day, entries in groupby(found.entries, attrgetter("announced")):
        out.print(f"{day:%A} {day}", style="bold")
        out.print(_table((f"{entry.score:g}", entry.paper, _reasons(entry)) for entry in map(clean_entry, entries)))
    more = f"; more with 'cursor={found.next}'" if found.next else ""
    out.print(f"{len(found.entries)} of {found.total} papers{more}", soft_wrap=True)


def similar(
    paper: Annotated[str, typer.Argument(help="a stored paper: its arXiv identifier, or the URL of its page")],
    limit: Annotated[int, typer.Option(help="how many", min=1, max=50)] = 10,
) -> None:
    """Print the stored papers that are most like a paper.

    The number is the cosine of the two papers' terms by rarity; the shared terms follow.
    """
    from core.ranking.similar import find_similar

    try:
        wanted = parse_id(paper)
    except ValueError as error:
        raise ConfigError([str(error)]) from None

    async def find(wire: Paperwire) -> list[Similar]:
        papers = {one.id: one for one in await wire.papers()}
        if wanted.id not in papers:
            raise UnknownName("paper", str(wanted))
        return find_similar(papers[wanted.id], papers.values(), limit)

    found = asyncio.run(with_wire(find))
    out.print(_table((f"{one.cosine:.2f}", one.paper, ", ".join(one.terms)) for one in found))


def _table(rows: Iterable[tuple[str, Paper, str]]) -> Table:
    """Returns a table of papers: a number, and beside it the title as a link, who and where, and why it is listed."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True, min_width=5)
    table.add_column(overflow="fold")
    for number, paper, why in rows:
        title = Text(paper.title or paper.versioned, style=f"bold link {paper.url}")
        about = " · ".join(filter(None, (paper.id, short_authors(paper), paper.primary)))
        lines = [title, Text(about, style="dim"), *([Text(why, style="dim")] if why else [])]
        table.add_row(number, Text("\n").join(lines))
    return table


def _reasons(entry: Entry) -> str:
    """Returns the points of an entry by rule, most first, and what a rubric gave it.

    Of a rule with several words there is the one that the paper has.
    """
    points: dict[str, float] = {}
    for reason in entry.reasons:
        name = reason.text if _COMPOUND.search(reason.rule) and reason.text else reason.rule
        points[name] = points.get(name, 0.0) + reason.points
    most = sorted(points.items(), key=lambda one: -abs(one[1]))
    judged = [f"{entry.points:g} points of the rubric"] if entry.points is not None else []
    return ", ".join([*judged, *(f"{cut(rule, _LONGEST_RULE)} {number:+g}" for rule, number in most)])
