"""`paperwire review`: the deep review of one paper, with the estimated and the actual cost."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.app import Paperwire
from core.cli.output import err, is_folder, progress_bar, refuse_foreign, with_wire, write_document
from core.jobs.review import carry_out, plan_review
from core.jobs.session import prices_of
from core.llm.base import Usage
from core.llm.templates import get_template
from core.model.digest import FRONT_MATTERS
from core.model.errors import QueryError
from core.model.paper import PaperId, parse_id
from core.model.review import POST, Review
from core.model.template import LANGUAGES
from core.render.review import REVIEW_MARKER, review_document, review_json, review_markdown

_DAY_SECONDS = 86_400.0
_FORMATS = ("md", "html", "json")
_JSON_MARKER = '"generator":"paperwire review"}'
_AGAIN = "run the same command again to continue: answered questions are not asked again"


def review(
    paper: Annotated[str, typer.Argument(help="an arXiv identifier or address, such as 2505.23416")],
    language: Annotated[str, typer.Option(help=f"{', '.join(LANGUAGES)}; by default that of the first feed")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="a file, or a folder that gets YYYY-MM-DD-PAPER.md")
    ] = None,
    format_name: Annotated[str, typer.Option("--format", help=", ".join(_FORMATS))] = "md",
    front_matter: Annotated[str, typer.Option(help=f"of Markdown: {', '.join(FRONT_MATTERS)}")] = "plain",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before the model is asked")] = False,
    force: Annotated[bool, typer.Option(help="replace a file that this command did not write")] = False,
) -> None:
    """Have a model review one paper, and print the post.

    It puts a dozen questions over the full text, and makes a post of the answers. It shows the cost first. It may be
    stopped at any moment; the same command continues it.
    """
    asked = (("format", format_name, _FORMATS), ("front-matter", front_matter, FRONT_MATTERS))
    for name, value, allowed in (*asked, ("language", language, ("", *LANGUAGES))):
        if value not in allowed:
            raise QueryError(
                f"--{name} {value}", f"there is no such {name.replace('-', ' ')}", list(filter(None, allowed))
            )
    try:
        wanted = parse_id(paper)
    except ValueError as error:
        raise QueryError(paper, str(error)) from error
    try:
        made = asyncio.run(with_wire(lambda wire: _review(wire, wanted, language, yes=yes)))
    except KeyboardInterrupt:
        err.print(f"Stopped; {_AGAIN}.")
        raise typer.Exit(130) from None
    if made is None:
        raise typer.Exit(1)
    _deliver(made, output, format_name, front_matter, force=force)
    if made.state == "running":
        raise typer.Exit(1)


async def _review(wire: Paperwire, wanted: PaperId, language: str, *, yes: bool) -> Review | None:
    """Make the review. Returns it, complete or not, None if it was not started. Reports on standard error."""
    await wire.manifest()  # the store may have other feeds
    language = language or wire.main.language
    with progress_bar() as show:
        plan = await plan_review(wire.archive, wire.settings, wire.paper, wanted, language, show)
    if plan.complete:
        err.print(f"The review of {plan.review.paper.versioned} is complete already; no model was asked.")
        return plan.review
    _print_plan(wire, plan.review, plan.usage, plan.cost)
    if not _may_go_on(yes=yes):
        return None
    with progress_bar() as show:
        outcome = await carry_out(wire.archive, wire.settings, plan, seconds=_DAY_SECONDS, progress=show)
    if outcome is None:
        err.print("Another process is writing this review right now; nothing was done.")
        return None
    _print_outcome(outcome.review, outcome.usage, prices_of(wire.settings).cost(outcome.usage), outcome.stopped)
    return outcome.review


def _print_plan(wire: Paperwire, review: Review, usage: Usage, cost: float) -> None:
    settings = wire.settings
    title = " ".join(review.paper.title.split())
    err.print(f"{review.paper.versioned}: {title}")
    if review.answers:
        err.print(f"{len(review.answers)} of {len(review.keys)} questions are answered already.")
    note = f" ({review.note})" if review.note else ""
    err.print(f"To be read: its {review.input.upper()}{note}, by {review.model}, in {usage.calls} calls.")
    money = f", {cost:,.2f} in the currency of your prices" if cost else ""
    unknown = "" if cost else "; set LLM_PRICE_PROMPT and LLM_PRICE_COMPLETION to have that in money"
    err.print(f"At most {usage.prompt:,} tokens to read and {usage.completion:,} to write{money}{unknown}.")
    spans = (("LLM_DAILY_TOKENS", settings.llm_daily_tokens), ("LLM_MONTHLY_TOKENS", settings.llm_monthly_tokens))
    for name, limit in spans:
        if limit and usage.total > limit:
            err.print(f"{name} is {limit:,}: the review may not finish within that; it can be continued later.")


def _may_go_on(*, yes: bool) -> bool:
    """Ask whether to go on; without a terminal, only --yes confirms."""
    if yes:
        return True
    if not sys.stdin.isatty():
        err.print("Nothing was asked: this is no terminal, so add --yes to go on.")
        return False
    return typer.confirm("Go on?", default=False, err=True)


def _print_outcome(review: Review, usage: Usage, cost: float, stopped: str) -> None:
    money = f", {cost:,.2f} in the currency of your prices" if cost else ""
    err.print(f"Took {usage.calls} calls, {usage.prompt:,} tokens read and {usage.completion:,} written{money}.")
    for failure in review.failures.values():
        what = "the post" if failure.key == POST else f"the question {failure.key}"
        err.print(f"  {what} failed: {failure.words}")
    if stopped:
        err.print(f"  {stopped}")
    if review.state != "ready":
        err.print(f"{len(review.answers)} of {len(review.keys)} questions are answered; {_AGAIN}.")


def _deliver(made: Review, output: Path | None, format_name: str, front_matter: str, *, force: bool) -> None:
    """Print the review, or write it."""
    data, marker = _document(made, format_name, front_matter)
    if output is None:
        sys.stdout.buffer.write(data)
        return
    name = f"{made.updated[:10]}-{made.paper.versioned.replace('/', '-')}.{format_name}"
    target = output / name if is_folder(output) else output
    if not force:
        refuse_foreign([target], marker)
    changed = write_document(target, data)
    err.print(f"{target} written" if changed else f"{target} is unchanged")


def _document(made: Review, format_name: str, front_matter: str) -> tuple[bytes, str]:
    """Returns the document, and the marker at its end."""
    template = get_template("review", kind="review")
    if format_name == "json":
        return review_json(made, template) + b"\n", _JSON_MARKER
    text = review_document(made, template) if format_name == "html" else review_markdown(made, template, front_matter)
    return text.encode("utf-8", "replace"), REVIEW_MARKER
