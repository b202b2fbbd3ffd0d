"""The application: connects routes, errors and the wire."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors, openapi, pages
from api.access import PrivateCopy
from api.limits import Limits
from api.observe import Observed
from api.resource import ResponseCache
from api.routes import digests, feeds, mcp, operations, papers, reviews, similar, summaries, votes
from api.urls import own_path
from core import ABOUT, TAGLINE, __version__
from core.app import Paperwire
from core.config.settings import Settings, load_settings, shipped
from core.model.errors import ConfigError
from core.scheduler import keep_feeds, keep_fresh
from core.util.log import configure_logging

PUBLIC = shipped("public")
_FILE_HEADERS = {"Cache-Control": "public, max-age=86400"}
DESCRIPTION = f"""
**{TAGLINE}** {ABOUT}

**Filters** are `field operator value`, joined by `&`; all must hold, a comma in a value means any of:
`/api/papers?score>=10&category=cs.DC,cs.LG&title~cache`. Operators are `=` `!=` `>=` `>` `<=` `<` and `~` (contains).
They may be percent-encoded or not. The same filters serve feeds and papers.
"""


class _Application(FastAPI):
    """FastAPI behind our own layers: FastAPI's outer layers cost as much as an answer from memory."""

    first: ASGIApp
    installed: pages.Installed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        scope["app"] = self  # for layers that refuse a request before the framework
        await self.first(scope, receive, send)

    async def framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the requests that no earlier layer has answered."""
        if scope["type"] == "http":
            self.installed.add(self, own_path(scope))
        await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None, *, self_refresh: bool = False) -> FastAPI:
    """Returns the application for `settings`, by default those of the environment. Raises `ConfigError`.

    With `self_refresh` it runs the scheduler: it fetches each batch when it is due, and does pending work.
    """
    wire = Paperwire(settings or load_settings())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every request to the store

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Threads that make a new batch yield to the event loop ten times as often as by default
        sys.setswitchinterval(0.0005)
        settings = wire.settings
        tasks = [asyncio.create_task(keep_fresh(wire))] if self_refresh else []
        if not (settings.serverless or settings.feeds_toml):
            tasks.append(asyncio.create_task(keep_feeds(wire)))
        yield
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await wire.close()

    app = _Application(
        title="Paperwire",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own page loads its script from another host
        redoc_url=None,
        redirect_slashes=False,  # they would redirect to the host that the request names
    )
    app.installed = pages.Installed()
    app.state.wire = wire
    app.state.limits = Limits(wire.settings)
    app.state.responses = ResponseCache(app.framework, wire)
    app.first = Observed(
        PrivateCopy(app.state.responses, wire),
        wire.settings.public_url,
        app.state.limits,
        private=bool(wire.settings.feed_key),
    )
    errors.install(app)
    # `papers` matches all remaining paths below its own
    for module in (votes, feeds, reviews, similar, summaries, papers, digests, operations, mcp):
        app.include_router(module.router, responses=openapi.EVERYWHERE)
    _add_files(app)
    return app


def _add_files(app: FastAPI) -> None:
    """Serve the files of `public/`, unless a platform does. Each has a route; no other file can be requested."""
    for path in sorted(PUBLIC.glob("*.*")):
        app.add_route(f"/{path.name}", _file(path), methods=["GET"], include_in_schema=False)


def _file(path: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    async def serve(_: Request) -> FileResponse:
        return FileResponse(path, headers=_FILE_HEADERS)

    return serve


def create_app_or_explain() -> ASGIApp:
    """Returns the application for the environment.

    If the configuration is wrong: on serverless platforms returns an application that explains it; elsewhere the
    process exits with the reasons.
    """
    try:
        settings = load_settings()
        alone = bool(settings.aws_lambda_function_name)
        configure_logging(settings.log_level, as_json=settings.logs_json, alone=alone)
        return create_app(settings)
    except ConfigError as error:
        if not {"VERCEL", "AWS_LAMBDA_FUNCTION_NAME"} & os.environ.keys():
            sys.exit(f"Paperwire cannot start; `paperwire check` explains more:\n{error}")
        from api.unconfigured import explain_config

        return explain_config(error)
