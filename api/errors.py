"""Errors as answers: what is wrong, and how to fix it. One table maps the error tree to HTTP.

Programs get `application/problem+json` (RFC 9457); browsers that request a page get a page.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.headers import NO_GUESSING, NOT_KEPT, PAGE_HEADERS
from api.urls import own_path, raw_query
from core.model.errors import (
    ConfigError,
    Conflict,
    InvalidInput,
    ModelError,
    NoText,
    NothingYet,
    Overloaded,
    PaperwireError,
    QueryError,
    RateLimited,
    SourceError,
    StoreError,
    StoreRefused,
    UnknownName,
)
from core.model.paper import page_of, parse_id
from core.render.shapes import to_json

log = logging.getLogger("paperwire")

_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 10  # seconds, unless the error has its own
_FOR_PROGRAMS = ("/api", "/badge", "/rss", "/openapi.json")  # feed readers also accept HTML

# The first class that fits decides: status, slug of the type, title, attributes that become extension members
TABLE: tuple[tuple[type[PaperwireError], int, str, str, tuple[str, ...]], ...] = (
    (QueryError, 422, "query", "The query is not understood", ("token", "allowed")),
    (UnknownName, 404, "unknown-name", "Not found", ("known",)),
    (InvalidInput, 422, "input", "What was sent is not understood", ()),
    (Conflict, 409, "conflict", "Something else is being changed", ()),
    (NothingYet, 503, "nothing-yet", "Nothing to serve yet", ()),
    (RateLimited, 429, "rate-limited", "Too many requests", ()),
    (Overloaded, 503, "overloaded", "Too much is being asked for", ()),
    (StoreRefused, 503, "store", "The store refuses to write", ()),
    (StoreError, 503, "store", "The store does not answer", ()),
    (ModelError, 502, "model", "A language model did not answer", ()),
    (NoText, 404, "no-text", "There is no full text", ()),
    (SourceError, 502, "source", "An upstream did not deliver", ()),
    (ConfigError, 500, "config", "The configuration is wrong", ()),
    (PaperwireError, 500, "internal", "Something went wrong", ()),
)
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)  # come with Retry-After

HINTS = {
    401: "Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
    404: "Nothing is at this address. See / for the papers, /docs for the API.",
    405: "See /docs for the methods of each path.",
}


class Moved(Exception):
    """The requested resource has moved to another address."""

    def __init__(self, url: str) -> None:
        self.url = url


@dataclass(frozen=True, slots=True)
class Problem:
    """The answer to an error. Its type is `urn:paperwire:problem:SLUG`; `more` are extension members."""

    status: int
    slug: str
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> Response:
        """For programs."""
        body = {"type": f"urn:paperwire:problem:{self.slug}", "title": self.title, "status": self.status}
        body |= {"detail": self.detail} | {name: value for name, value in self.more.items() if value}
        return Response(to_json(body), self.status, {**NO_GUESSING, **NOT_KEPT, **self.headers}, _MEDIA_TYPE)

    def answer(self, request: Request) -> Response:
        """Returns a page for browsers, a document for programs."""
        if not wants_page(request):
            return self.document()
        try:
            body = self._page(request)
        except Exception:  # the fault may be in the pages themselves
            log.exception("the page of an error could not be rendered")
            return self.document()
        headers = {**PAGE_HEADERS, **NOT_KEPT, "Vary": "Accept", **self.headers}
        return Response(body, self.status, headers, "text/html")

    def _page(self, request: Request) -> bytes:
        from api.pages.html import render  # not at a cold start

        return render(
            request,
            "key.html" if self.slug == "private" else "error.html",
            status=self.status,
            title=self.title,
            detail=self.detail,
            allowed=self.more.get("allowed", ()),
            retry=self.headers.get("Retry-After", ""),
            retention=request.app.state.wire.instance.retention_days,
            elsewhere=_elsewhere(request) if self.status == HTTPStatus.NOT_FOUND else "",
            feeds=list(request.app.state.wire.feeds.values()) if self.status == HTTPStatus.NOT_FOUND else (),
            asked=[unquote_plus(token).partition("=")[::2] for token in raw_query(request).split("&") if token],
        )


def problem(
    status: int, slug: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Returns a problem document, see `Problem`."""
    return Problem(status, slug, title, detail, headers or {}, more).document()


def no_model(error: ConfigError) -> Response:
    """The answer where a language model is asked for, and none is configured."""
    return problem(501, "no-model", "There is no language model", str(error))


def wants_page(request: Request) -> bool:
    """Returns whether a browser requests a page, at an address that has one."""
    path = own_path(request.scope)
    for_programs = any(path == start or path.startswith(f"{start}/") for start in _FOR_PROGRAMS)
    return not for_programs and "text/html" in request.headers.get("Accept", "")


def of_error(error: PaperwireError) -> Problem:
    """Returns the problem of an error of the project's own tree."""
    status, slug, title, members = next(row[1:] for row in TABLE if isinstance(error, row[0]))
    more = {name: getattr(error, name) for name in members}
    headers = {"Retry-After": str(getattr(error, "retry_after", RETRY_AFTER))} if status in _LATER else {}
    detail = str(error)
    if isinstance(error, StoreError):  # the location of the store is only logged
        log.warning("%s", error)
        detail = f"{refusal_text(error).capitalize()}; the log of the service says why. Try again in a moment."
    return Problem(status, slug, title, detail, headers, more)


def refusal_text(error: StoreError | None, *, is_owner: bool = False) -> str:
    """Returns what a store's error says: to its owner all of it, to others not where it is; "" without one."""
    if error is None or is_owner:
        return str(error or "")
    return error.says if isinstance(error, StoreRefused) else "the store does not answer"


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem; unexpected errors show no internal details."""

    @app.exception_handler(PaperwireError)
    async def _own(request: Request, error: PaperwireError) -> Response:
        return of_error(error).answer(request)

    @app.exception_handler(Moved)
    async def _moved(_: Request, error: Moved) -> Response:
        return RedirectResponse(error.url, HTTPStatus.MOVED_PERMANENTLY)  # feed readers update their subscription

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        documented = app.openapi()["paths"].get(own_path(request.scope), {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and documented:  # the framework names only one of several
            headers["Allow"] = ", ".join(method.upper() for method in documented)
        phrase = HTTPStatus(error.status_code).phrase
        detail = HINTS.get(error.status_code, "") if error.detail == phrase else str(error.detail)
        title = phrase.capitalize()
        return Problem(error.status_code, "http", title, detail, headers).answer(request)

    @app.exception_handler(ClientDisconnect)
    async def _gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it, and it is no fault of the service

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, _: Exception) -> Response:
        detail = "This is a fault of the service; its log has the details."
        return Problem(500, "internal", "Something went wrong", detail).answer(request)


def _elsewhere(request: Request) -> str:
    """Returns the URL of arXiv's page of the paper that the path names, "" if it names none."""
    path = own_path(request.scope)
    try:
        return page_of(str(parse_id(path.removeprefix("/papers/")))) if "/papers/" in path else ""
    except ValueError:
        return ""
