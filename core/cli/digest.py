"""`paperwire digest`: a feed's day as Markdown, printed or written to files, for example of a blog."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.app import Paperwire
from core.cli.output import err, is_folder, refuse_foreign, with_wire, write_document
from core.model.digest import FRONT_MATTERS, STYLES, Digest, make_digest
from core.model.errors import QueryError, UnknownName
from core.model.feed import Feed
from core.model.manifest import BatchRecord
from core.model.period import Period, PeriodDigest, make_period, parse_period
from core.model.query import Query
from core.model.template import LANGUAGES
from core.render.digest.common import Site
from core.render.digest.document import DIGEST_MARKER, digest_markdown

_KNOWN_DATES = 10


def digest(
    feed: Annotated[str, typer.Argument(help="which feed, by name")],
    date: Annotated[
        str, typer.Option(help="which date, week (2026-W10) or month (2026-03); by default the newest")
    ] = "",
    style: Annotated[str, typer.Option(help=f"{', '.join(STYLES)}; by default the feed's own")] = "",
    language: Annotated[str, typer.Option(help=f"of the headings: {', '.join(LANGUAGES)}")] = "",
    front_matter: Annotated[str, typer.Option(help=f"{', '.join(FRONT_MATTERS)}; by default the style's own")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="a file, or a folder that gets YYYY-MM-DD-FEED.md")
    ] = None,
    all_dates: Annotated[bool, typer.Option("--all-dates", help="a file for each stored date; needs a folder")] = False,
    force: Annotated[bool, typer.Option(help="replace files that this command did not write")] = False,
) -> None:
    """Print a feed's day as Markdown, or write it into files.

    A file is replaced only if it is an older digest; one that would stay the same is left alone.
    """
    asked = (
        ("style", style, STYLES),
        ("language", language, tuple(LANGUAGES)),
        ("front-matter", front_matter, FRONT_MATTERS),
    )
    for name, value, allowed in asked:
        if value and value not in allowed:
            raise QueryError(f"--{name} {value}", f"there is no such {name.replace('-', ' ')}", allowed)
    if all_dates and date:
        raise QueryError("--all-dates", "names all dates; leave --date out")
    if all_dates and (output is None or not is_folder(output)):
        raise QueryError("--all-dates", "needs a folder: --output posts/")
    if period := parse_period(date):
        _print_period(feed, period, language, output, force=force)
        return
    days, site = asyncio.run(_read(feed, date, style, language, all_dates=all_dates))
    if output is None:
        sys.stdout.buffer.write(digest_markdown(days[0], site, front_matter).encode("utf-8", "replace"))
        return
    targets = [output / f"{day.record.date}-{day.feed.name}.md" if is_folder(output) else output for day in days]
    texts = [digest_markdown(day, site, front_matter) for day in days]
    if not force:
        refuse_foreign(targets, DIGEST_MARKER)
    for target, text in zip(targets, texts, strict=True):
        changed = write_document(target, text.encode("utf-8", "replace"))
        err.print(f"{target} written" if changed else f"{target} is unchanged")


def _print_period(name: str, period: Period, language: str, output: Path | None, *, force: bool) -> None:
    """Print a week or month, or write it into a file."""
    from core.render.digest.period import period_markdown

    async def read(wire: Paperwire) -> PeriodDigest:
        await wire.manifest()
        feed, manifest = wire.feed(name), await wire.ready()
        known = manifest.of(feed.source)
        if not any(record.date in period for record in known):
            raise UnknownName("period with a batch", period.name)
        saved = [one.paper.id for one in (await wire.archive.marks.read()).listed]
        entries = (await wire.entries(manifest, feed, Query())).entries
        return make_period(feed, period, known, entries, language=language, owner=True, saved=saved)

    text = period_markdown(asyncio.run(with_wire(read))).encode("utf-8", "replace")
    if output is None:
        sys.stdout.buffer.write(text)
        return
    target = output / f"{period.name}-{name}.md" if is_folder(output) else output
    if not force:
        refuse_foreign([target], DIGEST_MARKER)
    changed = write_document(target, text)
    err.print(f"{target} written" if changed else f"{target} is unchanged")


async def _read(name: str, date: str, style: str, language: str, *, all_dates: bool) -> tuple[Sequence[Digest], Site]:
    """Returns the requested digests, newest first. Raises `UnknownName`, `NothingYet` or `StoreError`."""

    async def read(wire: Paperwire) -> tuple[Sequence[Digest], Site]:
        with err.status("reading the day"):
            await wire.manifest()  # the store may have saved feeds
            feed = wire.feed(name)
            manifest = await wire.ready()
            entries = (await wire.entries(manifest, feed, Query())).entries
            stored = manifest.of(feed.source)
            records = stored if all_dates else [_record(stored, date)]
        days = [make_digest(feed, record, entries, style=style, language=language) for record in records]
        return days, _site(wire, feed)

    return await with_wire(read)


def _record(stored: Sequence[BatchRecord], date: str) -> BatchRecord:
    found = {record.date.isoformat(): record for record in stored}
    if not date and stored:
        return stored[0]
    if date not in found:
        raise UnknownName("batch", date, tuple(found)[:_KNOWN_DATES])
    return found[date]


def _site(wire: Paperwire, feed: Feed) -> Site:
    """Returns the URLs of the deployment that the document names, if there is one; none that open a private copy."""
    base = wire.settings.public_url
    if not base or wire.settings.feed_key:
        return Site(wire.title, deployed=base)
    formats = (("RSS", "rss"), ("Atom", "atom"), ("JSON Feed", "json"))
    return Site(
        title=wire.title,
        feeds=tuple((label, f"{base}/api/feeds/{feed.name}.{kind}") for label, kind in formats),
        digests=f"{base}/api/digests/{feed.name}.atom",
        papers=f"{base}/api/papers?feed={feed.name}",
        deployed=base,
    )
