"""`paperwire serve`: the server, with the sample week if it is asked for."""

import asyncio
import errno
import socket
from pathlib import Path
from typing import Annotated

import typer

from core import __version__
from core.app import Paperwire
from core.archive.open import describe
from core.cli.output import err
from core.config.settings import Settings, load_settings
from core.model.errors import ConfigError
from core.sources import sample
from core.util.log import configure_logging

SAMPLE_STORE = Path(".paperwire/sample.sqlite3")
_REASONS = {
    errno.EADDRINUSE: "port {port} of {host} is in use, perhaps by another `paperwire serve`",
    errno.EACCES: "port {port} of {host} is for the system's own services",
    errno.EADDRNOTAVAIL: "{host} is not an address of this machine",
}
_MEND = "name another one with --host and --port, or HOST and PORT, such as --port {other}"


def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", help="port to listen on", min=0, max=65535)] = 8000,
    sample_week: Annotated[bool, typer.Option("--sample", help="serve a built-in week of invented papers")] = False,
    self_refresh: Annotated[
        bool, typer.Option("--refresh/--no-refresh", envvar="SELF_REFRESH", help="fetch each batch when it is due")
    ] = True,
) -> None:
    """Serve feeds, API and pages over HTTP.

    It fetches each batch when it is due, finishes what is pending, and takes in changes of feeds.toml. Ctrl-C stops it.
    """
    from api import server  # with uvicorn, and not before it is used

    settings = load_settings()
    check_address(host, port)
    if sample_week:
        settings = asyncio.run(_sample_settings(settings))
    application = server.compressed_app(settings, self_refresh=self_refresh and not settings.sample)
    kind = "a sample week of invented papers" if settings.sample else settings.rss_url
    err.print(f"Paperwire {__version__}: http://{host}:{port}  ({kind}, stored in {describe(settings)})")
    configure_logging(settings.log_level, as_json=settings.logs_json)
    server.run_server(application, host, port)


def check_address(host: str, port: int) -> None:
    """Raise `ConfigError` if no server can listen there, before anything says that one does."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError([f"{host} is not an address of this machine: {error}"]) from error
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:  # no IPv6 here; the server passes over it, too
                continue
            reason = _REASONS.get(error.errno or 0, f"{{host}}:{{port}}: {error}").format(host=host, port=port)
            other = port + 1 if 1024 <= port < 65535 else 8000
            raise ConfigError([f"{reason}; {_MEND.format(other=other)}"]) from error


async def _sample_settings(settings: Settings) -> Settings:
    """Returns settings for the sample week, with all its days stored and the clock at noon of the last one."""
    for day in sample.days():
        settings = load_settings(sample=True, now=sample.noon(day), sqlite_path=SAMPLE_STORE)
        wire = Paperwire(settings)
        await wire.refresh(seconds=60)
        await wire.close()
    return settings
