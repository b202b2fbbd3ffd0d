"""`paperwire vote`, `paperwire votes` and `paperwire library`: what a feed learns from."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.app import Paperwire
from core.cli.output import err, is_stream, out, with_wire, write_document
from core.model.errors import ConfigError, InvalidInput
from core.model.paper import parse_id
from core.model.votes import SIGNS, LibraryReport, VoteReport, Votes, forget
from core.teaching import Teaching

_MARKS = {1: "like", -1: "dislike", 0: "taken back"}


def vote(
    feed: Annotated[str, typer.Argument(help="which feed, by name")],
    papers: Annotated[list[str], typer.Argument(metavar="ID... up|down|none", help="papers, and at the end the vote")],
) -> None:
    """Like or dislike papers in a feed, which learns from it.

    The vote is up, down, or none, which takes it back. The next answer of the feed has the new scores.
    """
    *ids, direction = papers
    if direction not in SIGNS or not ids:
        raise ConfigError(["say which papers, and at the end up, down or none: paperwire vote main 2601.01234 up"])
    try:
        wanted = {parse_id(paper).id: SIGNS[direction] for paper in ids}
    except ValueError as error:
        raise ConfigError([str(error)]) from None
    report = asyncio.run(with_wire(lambda wire: Teaching(wire).vote(feed, wanted)))
    for paper, sign in report.changed.items():
        out.print(f"{paper}: {_MARKS[sign]}")
    out.print(_counts(report) + ("" if report.changed else "; nothing has changed"))


def votes(
    feed: Annotated[str, typer.Argument(help="which feed, by name")],
    export: Annotated[Path | None, typer.Option(help="write all votes and the library to this file, as JSON")] = None,
    read: Annotated[Path | None, typer.Option("--import", help="replace all votes by those of an export")] = None,
    forget_before: Annotated[str, typer.Option(help="forget the votes of days before this date")] = "",
    reset: Annotated[bool, typer.Option(help="forget all votes and the library")] = False,
    undo: Annotated[bool, typer.Option(help="undo the last change of votes")] = False,
) -> None:
    """Print, export, import, undo or forget a feed's votes."""
    change = _change(read, forget_before, reset=reset)

    async def work(wire: Paperwire) -> tuple[Votes, VoteReport | None]:
        if undo:
            report = await Teaching(wire).undo(feed)
        elif change:
            report = await Teaching(wire).change(feed, change)
        else:
            return await Teaching(wire).votes(feed), None
        return report.votes, report

    known, report = asyncio.run(with_wire(work))
    if export:
        write_document(export, json.dumps(known.to_plain(), ensure_ascii=False, indent=1).encode("utf-8", "replace"))
        if not is_stream(export):
            err.print(f"{export} written")
        return
    if report:
        out.print(_counts(report))
        return
    table = Table("vote", "paper", "when", "title")
    for row in known.votes:
        table.add_row(_MARKS[row.sign], row.paper, row.time[:10], row.title)
    out.print(table)
    out.print(f"{len(known.likes)} likes, {len(known.dislikes)} dislikes, {len(known.library)} papers of a library")


def library(
    feed: Annotated[str, typer.Argument(help="which feed, by name")],
    file: Annotated[Path | None, typer.Argument(help="BibTeX, RIS, CSL JSON, or lines of arXiv links")] = None,
    remove: Annotated[bool, typer.Option(help="remove the library; votes stay")] = False,
) -> None:
    """Give a feed a library of papers to learn from.

    The newest hundred count as likes of lower weight.
    """
    from core.sources.library import parse_library

    if remove:
        without = asyncio.run(with_wire(lambda w: Teaching(w).change(feed, lambda votes: replace(votes, library=()))))
        out.print(_counts(without))
        return
    if file is None:
        raise ConfigError(["name a file: paperwire library main references.bib"])
    try:
        found = parse_library(file.read_bytes())
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error}"]) from error
    except InvalidInput as error:
        raise ConfigError([f"{file}: {error}"]) from None
    _, report = asyncio.run(with_wire(lambda wire: Teaching(wire).add_library(feed, found.references)))
    out.print(f"{found.format}: {_in_words(report, found.rejected)}")


def _in_words(report: LibraryReport, rejected: int) -> str:
    parts = [f"{report.used} papers to learn from, {report.abstracts} of them with an abstract"]
    parts += [f"{report.older} older ones left out"] if report.older else []
    parts += [f"{report.unknown} without a title, which arXiv did not have either"] if report.unknown else []
    parts += [f"{rejected} entries could not be read"] if rejected else []
    return "; ".join([*parts, *([report.problem] if report.problem else [])])


def _change(read: Path | None, before: str, *, reset: bool) -> Callable[[Votes], Votes] | None:
    if read:
        try:
            imported = Votes.from_plain(json.loads(read.read_bytes()))
        except OSError as error:
            raise ConfigError([f"{read}: cannot be read: {error}"]) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError([f"{read} is not an export of votes: {error}"]) from None
        return lambda _: imported
    return (lambda votes: forget(votes, before)) if before or reset else None


def _counts(report: VoteReport) -> str:
    known = report.votes
    return f"{len(known.likes)} likes, {len(known.dislikes)} dislikes, {len(known.library)} papers of a library"
