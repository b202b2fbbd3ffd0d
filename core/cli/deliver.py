"""`paperwire deliver`: what a delivery would send, a test message, and what to do after a failure."""

import asyncio
import sys
from dataclasses import replace
from datetime import date as calendar_date
from typing import Annotated

import typer
from rich.table import Table

from core.app import Paperwire
from core.cli.output import err, out, with_wire
from core.model.delivery import Message
from core.model.errors import NothingYet, QueryError, StoreError
from core.model.period import week_of

_FORMS = ("text", "html", "markdown", "json", "mail")


def deliver(
    name: Annotated[str, typer.Argument(help="which [deliver.NAME] of feeds.toml; without one, all are listed")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the message, send nothing")] = False,
    date: Annotated[str, typer.Option(help="with --dry-run: which date; by default the newest")] = "",
    form: Annotated[str, typer.Option(help=f"with --dry-run: {', '.join(_FORMS)}")] = "text",
    test: Annotated[bool, typer.Option("--test", help="send a test message now")] = False,
    again: Annotated[str, typer.Option(help="forget that a date, week or paper was sent: it goes again if due")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="begin again after its recipient has stopped it")] = False,
) -> None:
    """Send what is due of a delivery.

    Each digest goes once. With --dry-run, see what would be sent; without a name, list the deliveries.
    """
    if form not in _FORMS:
        raise QueryError(f"--form {form}", "there is no such form", _FORMS)
    if not name:
        asyncio.run(with_wire(_list))
        return
    asyncio.run(with_wire(lambda wire: _do(wire, name, dry_run, date, form, test, again, resume)))


async def _do(
    wire: Paperwire, name: str, dry_run: bool, date: str, form: str, test: bool, again: str, resume: bool
) -> None:
    from core.jobs.deliver import change_log, find_delivery, send_due, send_test

    delivery = find_delivery(wire.settings, name)
    if dry_run:
        sys.stdout.buffer.write((await _preview(wire, name, date, form)).encode("utf-8", "replace"))
        return
    if test:
        await send_test(await wire.post(), delivery)
        out.print(f"{name}: a test message was sent")
        return
    if resume or again:
        await change_log(wire.archive, name, lambda log: replace(log.without(again) if again else log, stopped=""))
        out.print(f"{name}: {'begins again' if resume else f'{again} counts as not sent'}")
        return
    with err.status("sending what is due"):
        report = await send_due(wire.archive, await wire.post(), only=name)
    for unit in report.sent:
        out.print(f"sent: {unit}")
    for problem in report.problems:
        out.print(problem)
    if not (report.sent or report.problems):
        out.print(f"{name}: nothing is due")
    if report.problems:
        raise typer.Exit(1)


async def _preview(wire: Paperwire, name: str, date: str, form: str) -> str:
    """Returns the message of a date. Raises `NothingYet` if there is nothing to send."""
    from core.jobs.deliver import find_delivery

    post = await wire.post()
    delivery = find_delivery(wire.settings, name)
    if delivery.when == "must-read" and not date:
        found = await post.must_reads(delivery)
        message = await post.of_paper(delivery, *found[-1]) if found else None
    elif delivery.when == "weekly" and not date:
        newest = max(records[0].date for feed in post.feeds(delivery) if (records := post.manifest.of(feed.source)))
        message = await post.of_week(delivery, week_of(newest))
    else:
        days = [records[0].date for feed in post.feeds(delivery) if (records := post.manifest.of(feed.source))]
        try:
            day = calendar_date.fromisoformat(date) if date else max(days, default=None)
        except ValueError:
            raise QueryError(f"--date {date}", "is no date such as 2026-03-06") from None
        message = await post.of_day(delivery, day) if day else None
    if message is None:
        raise NothingYet(f"{name} would send nothing: no paper meets the rules of its feeds.", 60)
    return _as(message, form)


def _as(message: Message, form: str) -> str:
    if form == "json":
        from core.render.shapes import to_json

        return to_json(dict(message.plain)).decode() + "\n"
    if form == "mail":
        from core.deliver.mail import make_mail

        return make_mail(message, ("Paperwire", "wire@example.org"), ["you@example.org"]).as_string()
    return {"text": message.text, "html": message.html, "markdown": message.markdown}[form].rstrip("\n") + "\n"


async def _list(wire: Paperwire) -> None:
    """Print all deliveries, and what became of the last digest of each."""
    table = Table("delivery", "when", "feeds", "to", "last", "state")
    for delivery in wire.settings.feeds.deliveries:
        at = f" at {delivery.at:%H:%M} {delivery.zone.key}" if delivery.when != "must-read" else ""
        try:
            log = await wire.archive.deliveries.log(delivery.name)
        except StoreError:
            log = None
        unit, mark = log.newest if log else ("", None)
        state = "stopped" if log and log.stopped else f"{mark.state} {mark.problem}".strip() if mark else "nothing yet"
        table.add_row(delivery.name, f"{delivery.when}{at}", ", ".join(delivery.feeds), delivery.to, unit, state)
    if not table.rows:
        out.print("There is no [deliver.NAME] in feeds.toml; docs/deliver.md shows one.")
        return
    out.print(table)
