"""The commands of `paperwire`: serve, refresh, audit, papers, digest, review, vote, votes, library, check,
import and store."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table

from core import __version__
from core.app import Paperwire
from core.archive.open import describe
from core.cli import digest, refresh, review, store, vote
from core.cli.check import explain_rules
from core.cli.output import err, is_stream, out, with_wire, write_document
from core.config import models
from core.config.environment import read_text_file, variables
from core.config.feeds_file import load_feeds_file
from core.config.import_bot import to_env, to_feeds_toml
from core.config.settings import Settings, load_settings
from core.model.entries import choose, feeds_of
from core.model.errors import ConfigError, PaperwireError, QueryError, UnknownName
from core.model.feed import Entry, Feed
from core.model.pagination import Page, paginate
from core.model.paper import parse_id
from core.model.query import parse_query
from core.ranking.similar import Similar
from core.render.shapes import ENTRY_FIELDS, entry_to_plain, to_json
from core.sources import sample
from core.util.log import configure_logging

app = typer.Typer(
    help="A personal arXiv wire: the day's announcements, ranked by your interests with reasons.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(store.app, name="store")
app.command()(refresh.refresh)
app.command()(refresh.audit)
app.command()(review.review)
app.command()(digest.digest)
app.command()(vote.vote)
app.command()(vote.votes)
app.command()(vote.library)
SAMPLE_STORE = Path(".paperwire/sample.sqlite3")


@app.command()
def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", help="port to listen on", min=0, max=65535)] = 8000,
    sample_week: Annotated[bool, typer.Option("--sample", help="serve a built-in week of invented papers")] = False,
    self_refresh: Annotated[
        bool, typer.Option("--refresh/--no-refresh", envvar="SELF_REFRESH", help="fetch each batch when it is due")
    ] = True,
) -> None:
    """Serve feeds, API and pages over HTTP, and refresh when a batch is due."""
    from api import server  # with uvicorn, and not before it is used

    settings = asyncio.run(_sample_settings()) if sample_week else load_settings()
    application = server.compressed_app(settings, self_refresh=self_refresh and not settings.sample)
    kind = "a sample week of invented papers" if settings.sample else settings.rss_url
    err.print(f"Paperwire {__version__}: http://{host}:{port}  ({kind}, stored in {describe(settings)})")
    configure_logging(settings.log_level, as_json=settings.logs_json)
    server.run_server(application, host, port)


@app.command()
def papers(
    filters: Annotated[
        list[str] | None, typer.Argument(help="such as 'score>=10' 'category=cs.DC' 'sort=-score'")
    ] = None,
    feed: Annotated[str, typer.Option(help="which feed, by name; the first one by default")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the entries as JSON")] = False,
) -> None:
    """Print the papers that meet all filters, the same that /api/papers takes."""
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
    out.print(_table(found.entries))
    out.print(
        f"{len(found.entries)} of {found.total} papers" + (f"; more with 'cursor={found.next}'" if found.next else "")
    )


@app.command()
def similar(
    paper: Annotated[str, typer.Argument(help="a stored paper: its arXiv identifier, or the URL of its page")],
    limit: Annotated[int, typer.Option(help="how many", min=1, max=50)] = 10,
) -> None:
    """Print the stored papers that share most terms with a paper, with these terms."""
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

    table = Table("cosine", "paper", "title", "shared terms")
    for one in asyncio.run(with_wire(find)):
        table.add_row(f"{one.cosine:.2f}", one.paper.id, one.paper.title, ", ".join(one.terms))
    out.print(table)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="a feeds.toml; by default the one in force")] = None,
) -> None:
    """Check the configuration, explain every mistake, and say how each rule is understood and what it matches."""
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
    out.print(f"Store: {describe(settings)}")
    out.print(models.describe_models(settings))
    out.print(f"{origin}: good")


async def _explain(settings: Settings, feeds: list[Feed]) -> None:
    async for line in explain_rules(settings, feeds):
        out.print(line)


@app.command("import")
def import_config(
    file: Annotated[Path, typer.Argument(help="the keyword bot's config.json")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write here instead of printing")] = None,
    exact: Annotated[
        bool, typer.Option(help="score exactly as the bot did: substrings, repeated keywords repeated")
    ] = False,
    force: Annotated[bool, typer.Option(help="replace an existing output file")] = False,
    env: Annotated[Path | None, typer.Option(help="add the model of its ai_summary to this .env")] = None,
) -> None:
    """Turn a keyword bot's config.json into a feeds.toml, and its model into variables of a .env."""
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


async def _sample_settings() -> Settings:
    """Returns settings for the sample week, with all its days stored and the clock at noon of the last one."""
    settings = load_settings()
    for day in sample.days():
        settings = load_settings(sample=True, now=sample.noon(day), sqlite_path=SAMPLE_STORE)
        wire = Paperwire(settings)
        await wire.refresh(seconds=60)
        await wire.close()
    return settings


def _table(entries: tuple[Entry, ...]) -> Table:
    table = Table("score", "announced", "paper", "title", "keywords")
    for entry in entries:
        cells = (f"{entry.score:g}", entry.announced.isoformat(), entry.id, entry.paper.title, ", ".join(entry.matched))
        table.add_row(*cells)
    return table


if __name__ == "__main__":
    main()
