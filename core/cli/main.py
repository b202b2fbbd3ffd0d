"""The commands of `paperwire`: serve, refresh, audit, papers, digest, deliver, review, vote, votes, library, check,
import and store."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core import ABOUT, TAGLINE, __version__
from core.archive.open import describe
from core.cli import deliver, digest, papers, refresh, review, serve, store, vote
from core.cli.check import explain_rules
from core.cli.output import err, is_stream, out, write_document
from core.config import models
from core.config.environment import read_text_file, variables
from core.config.feeds_file import FeedsFile, load_feeds_file
from core.config.import_bot import to_env, to_feeds_toml
from core.config.settings import Settings, load_settings
from core.model.errors import ConfigError, PaperwireError, QueryError
from core.model.feed import Feed

app = typer.Typer(
    help=f"{TAGLINE} {ABOUT}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def check(
    file: Annotated[Path | None, typer.Argument(help="a feeds.toml; by default the one in force")] = None,
) -> None:
    """Check the configuration, and explain every mistake.

    It says how each rule is understood, how many of the stored papers it finds, and what else is in force: tokens, the
    store, language models.
    """
    settings = load_settings()
    feeds_file = load_feeds_file(file) if file else settings.feeds
    origin = file or ("FEEDS_TOML" if settings.feeds_toml else settings.feeds_path)
    table = Table("feed", "categories", "keywords", "match", "from score", "a day")
    for feed in feeds_file.feeds.values():
        categories, a_day = ", ".join(feed.categories), str(feed.max_entries or "all")
        table.add_row(feed.name, categories, str(len(feed.keywords)), feed.match, f"{feed.min_score:g}", a_day)
    out.print(table)
    asyncio.run(_explain(settings, list(feeds_file.feeds.values())))
    if not feeds_file.instance.contact:
        out.print("Note: instance.contact is empty. arXiv asks for a contact in the User-Agent: an address or a page.")
    if not (settings.admin_token or settings.cron_secret):
        out.print(
            "Note: neither ADMIN_TOKEN nor CRON_SECRET is set: /api/refresh is off. Requests still fetch what is due."
        )
    if settings.websub_hub and not settings.public_url:
        out.print("Note: WEBSUB_HUB is set, but BASE_URL is not: without the public address the hub is not notified.")
    for line in _deliveries(feeds_file):
        out.print(line)
    out.print(f"Store: {describe(settings)}")
    out.print(models.describe_models(settings))
    out.print(f"{origin}: good")


def _deliveries(feeds_file: FeedsFile) -> Iterator[str]:
    """Yields what each delivery does, and what it lacks."""
    for delivery in feeds_file.deliveries:
        from core.config.deliver_table import address_of
        from core.deliver.targets import open_target

        try:
            about = f"goes to {open_target(address_of(delivery)).kind}"
        except ConfigError as error:
            about = f"cannot be sent: {'; '.join(error.problems)}"
        yield f"Delivery {delivery.name}: {delivery.when}, {about}"
        for name in delivery.feeds:
            if name not in feeds_file.feeds:
                yield f"  Note: deliver.{delivery.name}: {name} is no feed of this file; it may be one that you saved"


async def _explain(settings: Settings, feeds: list[Feed]) -> None:
    async for line in explain_rules(settings, feeds):
        out.print(line)


def import_config(
    file: Annotated[Path, typer.Argument(help="the keyword bot's config.json")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write here instead of printing")] = None,
    exact: Annotated[
        bool, typer.Option(help="score exactly as the bot did: substrings, repeated keywords repeated")
    ] = False,
    force: Annotated[bool, typer.Option(help="replace an existing output file")] = False,
    env: Annotated[Path | None, typer.Option(help="add the model of its ai_summary to this .env")] = None,
) -> None:
    """Turn a keyword bot's config.json into a feeds.toml.

    What has no meaning here is listed. With --env, the bot's model becomes variables of a .env.
    """
    try:
        text = read_text_file(file)
        toml, notes = to_feeds_toml(text, exact=exact)
        if env:
            before = read_text_file(env) if env.exists() else ""
            write_document(env, to_env(text, before, os.environ).encode())
            notes = [note for note in notes if not note.startswith("ai_summary:")] + [f"{env} has the bot's model"]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: cannot be read: {error}"]) from error
    if output is None:
        sys.stdout.write(toml)
    elif output.exists() and not is_stream(output) and not force:
        raise ConfigError([f"{output} already exists; name another --output, or add --force"])
    else:
        write_document(output, toml.encode())
        err.print(f"{output} written")
    for note in notes:
        err.print(note)


# The commands in the order of `paperwire --help`, each with an example
COMMANDS = (
    ("serve", serve.serve, "paperwire serve --port 8080"),
    ("refresh", refresh.refresh, "paperwire refresh --all"),
    ("papers", papers.papers, "paperwire papers 'score>=10' 'category=cs.DC' --feed main"),
    ("similar", papers.similar, "paperwire similar 2601.01234"),
    ("digest", digest.digest, "paperwire digest main --style daily --output posts/"),
    ("deliver", deliver.deliver, "paperwire deliver morning --dry-run"),
    ("review", review.review, "paperwire review 2505.23416 --language ko"),
    ("vote", vote.vote, "paperwire vote main 2601.01234 up"),
    ("votes", vote.votes, "paperwire votes main --export votes.json"),
    ("library", vote.library, "paperwire library main references.bib"),
    ("check", check, "paperwire check feeds.toml"),
    ("import", import_config, "paperwire import config.json --output feeds.toml --env .env"),
    ("audit", refresh.audit, "paperwire audit --from 2026-03-02"),
)
for _name, _command, _example in COMMANDS:
    app.command(_name, epilog=f"Example: {_example}")(_command)
app.add_typer(store.app, name="store")


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line. Expected errors are printed: exit status 2 for wrong input, 1 for all others."""
    try:
        os.environ.update(variables())  # options have variables too: HOST, PORT, SELF_REFRESH
        app()
    except (ConfigError, QueryError) as error:
        err.print(str(error), style="red")
        if isinstance(error, QueryError) and error.allowed:
            err.print(f"Allowed: {', '.join(error.allowed)}")
        sys.exit(2)
    except PaperwireError as error:
        err.print(str(error), style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
