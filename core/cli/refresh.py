"""`paperwire refresh` fetches announcements; `paperwire audit` verifies that the stored ones are complete."""

import asyncio
import json
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from core.app import Paperwire
from core.cli.output import err, out, progress_bar, with_wire
from core.model.ledger import in_words
from core.views.audit import LedgerLine, audit_dates

if TYPE_CHECKING:
    from core.jobs.feed_date import Analysed
    from core.jobs.run import Report

_LOCK_PATIENCE_SECONDS = 60.0
_DAY_SECONDS = 86_400.0
_INTERRUPTED = 130


def refresh(
    seconds: Annotated[
        float | None, typer.Option(min=0, help="how long to go on with what was missed; CATCH_UP_SECONDS by default")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="continue until nothing is missing")] = False,
) -> None:
    """Fetch what arXiv announces now, and what was missed.

    Papers are scored and stored, confirmed, completed, and read by models within the budgets. It may be stopped at any
    moment; the next refresh continues.
    """
    limit = _DAY_SECONDS if everything else seconds

    async def work(wire: Paperwire) -> "Report":
        with progress_bar() as show:
            return await wire.refresh(seconds=limit, patience=_LOCK_PATIENCE_SECONDS, progress=show)

    try:
        report = asyncio.run(with_wire(work))
    except KeyboardInterrupt:
        err.print("Stopped. Everything done so far is stored; the next refresh continues from there.")
        raise typer.Exit(_INTERRUPTED) from None
    if "today" in report.busy:
        err.print("Another process is refreshing right now; nothing was done.")
        raise typer.Exit(1)
    _print(report)
    if report.failed:
        raise typer.Exit(1)


def _print(report: "Report") -> None:
    """Print what a refresh did."""
    if today := report.today:
        record = today.record
        out.print(f"{record.date}: {record.state}, {record.total} papers, {'new' if today.changed else 'unchanged'}")
        for name, kept in today.kept.items():
            out.print(f"  {name}: {kept} entries")
        for line in filter(None, (record.reason, today.error if today.error not in record.reason else "")):
            out.print(f"  {line}")
        for item in record.rejected:
            out.print(f"  could not be read: {item['reason']}: {item['excerpt']}")
    _print_rest(report)
    _print_analysis(report.analyze)
    for step, problems in report.failures.items():
        for problem in problems if step not in ("today", "analyze") else report.errors.get(step, ()):
            out.print(f"  {problem}")
    if "rest" in report.busy:
        out.print("  another process is catching up right now; nothing more was done")
    if pages := report.backfill.pending_pages:
        dates = len({page.date for page in pages})
        out.print(f"  {len(pages)} catch-up pages of {dates} dates are still to be read, one every 15 s")
    if windows := report.backfill.pending:
        span = in_words(window.date for window in windows)
        out.print(f"  still to be read: {span}; `paperwire refresh --all` continues until it is complete")


def _print_rest(report: "Report") -> None:
    done = (
        (report.backfill.pages, "catch-up pages read"),
        (report.backfill.windows, "dates read from the API"),
        (report.backfill.late, "papers found late"),
        (report.enrich.completed, "papers completed"),
        (report.enrich.picks, "dates of Hugging Face"),
    )
    if words := ", ".join(f"{number} {what}" for number, what in done if number):
        out.print(f"caught up: {words}")


def _print_analysis(analysed: "Analysed") -> None:
    """Print the results of the analysis."""
    done = (
        (analysed.screened, "screened"),
        (analysed.analysed, "analysed"),
        (analysed.summarised, "summarised"),
        (analysed.extracted, "summarised from abstracts, without a model"),
        (analysed.pending, "pending"),
        *((number, f"failed ({reason})") for reason, number in sorted(analysed.failed.items())),
    )
    if words := ", ".join(f"{number} {what}" for number, what in done if number):
        out.print(f"papers: {words}")
    if usage := analysed.usage.calls and analysed.usage:
        cost = f", cost {analysed.cost:.4f}" if analysed.cost else ""
        out.print(f"models: {usage.calls} calls, {usage.prompt:,} tokens read, {usage.completion:,} written{cost}")
    for problem in analysed.problems:
        out.print(f"  {problem}")


def audit(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="the first date")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="the last date")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the ledger as JSON, with the identifiers")] = False,
) -> None:
    """Show what was announced on each date, and what is missing.

    For each category it names the witnesses, counts, and corrections; other sources have a line for each date. The
    status is 1 if a date that is over lacks something.
    """

    async def work(wire: Paperwire) -> list[LedgerLine]:
        manifest = await wire.manifest()
        span = (_day(first), _day(last))
        rules = wire.rules
        return await audit_dates(wire.archive, manifest, rules.categories, wire.clock(), *span, rules.sources)

    lines = asyncio.run(with_wire(work))
    if as_json:
        sys.stdout.write(json.dumps([line.to_plain() for line in lines], indent=2) + "\n")
    else:
        out.print(_ledger([line for line in lines if not _is_quiet(line)]))
        if quiet := sorted({str(line.date) for line in lines if _is_quiet(line)}):
            out.print(f"quiet: {', '.join(quiet)}")
        for what in dict.fromkeys(f"{line.date}: {one.what}" for line in lines for one in line.corrections):
            out.print(f"corrected: {what}")
        for line in lines:
            if line.state.reason and line.state.state != "quiet":
                out.print(f"{line.date} {line.label}: {line.state.reason}")
        lacking = sorted({str(line.date) for line in lines if line.lacks})
        out.print(f"incomplete: {', '.join(lacking)}" if lacking else "nothing is missing")
    if any(line.lacks for line in lines):
        raise typer.Exit(1)


def _is_quiet(line: LedgerLine) -> bool:
    return line.state.state == "quiet" and not any(line.ids)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _ledger(lines: list[LedgerLine]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("date", "category", "state", "witnesses"):
        table.add_column(name, no_wrap=True)
    for name in ("announced", "confirmed", "missing", "extra", "late"):
        table.add_column(name, justify="right")
    for line in lines:
        numbers = [str(len(ids)) if line.read or not n else "?" for n, ids in enumerate(line.ids)]
        numbers[1:] = numbers[1:] if line.category else [""] * 3  # nobody else confirms another source
        table.add_row(
            str(line.date), line.label, line.state.state, "+".join(line.witnesses), *numbers, str(line.late or "")
        )
    return table
