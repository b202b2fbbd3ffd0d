"""Errors as `application/problem+json` (RFC 9457): what was wrong, how to mend it. One table maps the error tree."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.links import own_path
from core.domain.errors import ConfigError, NothingYet, PaperwireError, QueryError, SourceError, StoreError, UnknownName
from core.render.plain import to_json

log = logging.getLogger("paperwire")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 10  # seconds, where the error does not know better

# The first class that fits decides: status, slug of the type, title
TABLE: tuple[tuple[type[PaperwireError], int, str, str], ...] = (
    (QueryError, 422, "query", "The query is not understood"),
    (UnknownName, 404, "unknown-name", "Not found"),
    (NothingYet, 503, "nothing-yet", "Nothing to serve yet"),
    (StoreError, 503, "store", "The store does not answer"),
    (SourceError, 502, "source", "An upstream did not deliver"),
    (ConfigError, 500, "config", "The configuration is wrong"),
    (PaperwireError, 500, "internal", "Something went wrong"),
)

HINTS = {
    401: "Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
    404: "See / for the feeds, /docs for the API.",
    405: "See /docs for the methods of each path.",
}


def problem(
    status: int, slug: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """A problem document. `slug` names its type as `urn:paperwire:problem:SLUG`; `more` are extension members."""
    body = {"type": f"urn:paperwire:problem:{slug}", "title": title, "status": status, "detail": detail}
    body |= {name: value for name, value in more.items() if value}
    extra = {"Cache-Control": "no-store", **(headers or {})}
    return Response(to_json(body), status, extra, MEDIA_TYPE)


def of_error(error: PaperwireError) -> Response:
    """The problem document for an error of the project's own tree."""
    status, slug, title = next(row[1:] for row in TABLE if isinstance(error, row[0]))
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, QueryError):
        more = {"token": error.token, "allowed": error.allowed}
    if isinstance(error, UnknownName):
        more = {"known": error.known}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(error.retry_after if isinstance(error, NothingYet) else RETRY_AFTER)
    detail = str(error)
    if isinstance(error, StoreError):  # where the store lies is for the log
        log.warning("%s", error)
        detail = "The store does not answer; the log of the service says why. Try again in a moment."
    return problem(status, slug, title, detail, headers, **more)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document; the unexpected ones say nothing of the inside."""

    @app.exception_handler(PaperwireError)
    async def _own(_: Request, error: PaperwireError) -> Response:
        return of_error(error)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        documented = app.openapi()["paths"].get(own_path(request), {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and documented:  # the framework names one of several
            headers["Allow"] = ", ".join(method.upper() for method in documented)
        title = HTTPStatus(error.status_code).phrase
        detail = HINTS.get(error.status_code, "") if error.detail == title else str(error.detail)
        return problem(error.status_code, "http", title, detail, headers)

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, __: Exception) -> Response:
        return problem(
            500, "internal", "Something went wrong", "This is a fault of the service; its log has the details."
        )
