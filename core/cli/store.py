"""`paperwire store info | export | import`: inspects the store, and moves its content to another one."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter, time
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from core.archive import Archive
from core.archive.dump import read_dump
from core.archive.open import describe, open_store
from core.archive.spending import month_of
from core.cli.output import err, is_stream, out, progress_bar
from core.config.settings import load_settings
from core.model.errors import ConfigError

app = typer.Typer(
    help="Look into the store, or move what is in it.\n\nThe environment says which store: see docs/settings.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
T = TypeVar("T")


@app.command()
def info() -> None:
    """Show which store is in use, and what is in it."""
    settings = load_settings()
    out.print(f"store: {describe(settings)}")

    async def look(archive: Archive) -> None:
        start = perf_counter()
        manifest = (await archive.state()).manifest
        out.print(f"answers in {(perf_counter() - start) * 1000:.0f} ms")
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        with progress_bar() as show:
            async for kind, size in archive.contents():
                counts[kind][0] += 1
                counts[kind][1] += size
                show("reading", sum(n for n, _ in counts.values()), None)
        table = Table("what", "values", "KB")
        for name, (number, size) in sorted(counts.items()):
            table.add_row(name, str(number), f"{size / 1000:.1f}")
        out.print(table)
        dates = [record.date.isoformat() for record in manifest.stored]
        out.print(f"{len(dates)} dates" + (f", {dates[-1]} to {dates[0]}" if dates else ": nothing was fetched yet"))
        if spent := await archive.spending.used(month_of(settings.clock())):
            used = Table("models this month", "model", "calls", "tokens", "cost")
            for row in spent:
                cost = f"{row.cost:.2f}" if row.cost else ""
                used.add_row(row.step, row.model, f"{row.usage.calls:,}", f"{row.usage.total:,}", cost)
            out.print(used)

    asyncio.run(_with_archive(look))


@app.command("export")
def export_to(
    file: Annotated[Path | None, typer.Argument(help="where to; by default standard output")] = None,
    force: Annotated[bool, typer.Option(help="replace an existing file")] = False,
) -> None:
    """Write all that is stored into a file.

    `paperwire store import` takes it into any other store.
    """
    stream = file if file and is_stream(file) else None
    if file and file.exists() and not stream and not force:
        raise ConfigError([f"{file} already exists; name another file, or add --force"])

    async def write(archive: Archive) -> int:
        count = 0
        # Under a temporary name until it is complete: an interrupted dump replaces nothing
        partial = file.with_name(file.name + ".partial") if file and not stream else None
        written = partial or stream
        with (
            written.open("w", encoding="utf-8") if written else nullcontext(sys.stdout) as target,
            progress_bar() as show,
        ):
            async for line in archive.dump(time()):
                target.write(line)
                count += 1
                show("exporting", count, None)
        if partial and file:
            partial.replace(file)
        return count - 2  # the head and the end

    try:
        count = asyncio.run(_with_archive(write))
    except OSError as error:
        raise ConfigError([f"{file}: cannot be written: {error}"]) from error
    err.print(f"{count} values exported" + (f" to {file}" if file else ""))


@app.command("import")
def import_from(
    file: Annotated[Path | None, typer.Argument(help="what `export` wrote; by default standard input")] = None,
    force: Annotated[
        bool, typer.Option(help="also into a store that has dates already; equal keys are replaced")
    ] = False,
) -> None:
    """Take what `export` wrote into the store.

    The whole file is checked before anything is written.
    """
    try:
        with file.open(encoding="utf-8") if file else nullcontext(sys.stdin) as lines:
            values = read_dump(lines, time())
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is one too
        raise ConfigError([f"{file or 'standard input'}: {error}"]) from error

    async def read(archive: Archive) -> None:
        manifest = (await archive.state()).manifest
        if manifest.stored and not force:
            raise ConfigError([f"the store has {len(manifest.stored)} dates already; add --force to write over them"])
        with progress_bar() as show:
            await archive.load(values, lambda done: show("importing", done, len(values)))

    asyncio.run(_with_archive(read))
    err.print(f"{len(values)} values imported into {describe(load_settings())}")


async def _with_archive(work: Callable[[Archive], Awaitable[T]]) -> T:
    archive = Archive(open_store(load_settings()))
    try:
        return await work(archive)
    finally:
        await archive.close()
