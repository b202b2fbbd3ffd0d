"""The files of `public/`, where no platform serves them: Vercel does so itself, and keeps them from the function."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse

from core.config.settings import ROOT

PUBLIC = ROOT / "public"
_HEADERS = {"Cache-Control": "public, max-age=86400"}


def install(app: FastAPI) -> None:
    """Serve each file at its name: a route for each, so that nothing else of the disk can be asked for."""
    for path in sorted(PUBLIC.glob("*.*")):
        app.add_route(f"/{path.name}", _serve(path), methods=["GET"], include_in_schema=False)


def _serve(path: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    async def serve(_: Request) -> FileResponse:
        return FileResponse(path, headers=_HEADERS)

    return serve
