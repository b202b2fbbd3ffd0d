"""The application: routes, errors and the wire, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import feeds, home, operations, papers, problems
from api.conditional import HeadMiddleware
from core import __version__
from core.settings import Settings, load_settings
from core.wire import Wire

DESCRIPTION = """
A personal arXiv wire: each day's announcements, scored by your keywords with reasons.

**Filters** are `field operator value`, joined by `&`; all must hold, a comma in a value means any of:
`/api/papers?score>=10&category=cs.DC,cs.LG&title~cache`. Operators are `=` `!=` `>=` `>` `<=` `<` and `~` (contains).
They may be percent-encoded or not. The same filters serve feeds and papers.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for `settings`, by default those of the environment. Raises `ConfigError`."""
    wire = Wire(settings or load_settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await wire.close()

    app = FastAPI(title="Paperwire", version=__version__, description=DESCRIPTION, lifespan=lifespan)
    app.state.wire = wire
    app.add_middleware(HeadMiddleware)
    problems.install(app)
    for module in (home, feeds, papers, operations):
        app.include_router(module.router)
    return app
