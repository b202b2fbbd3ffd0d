"""The web pages: one module for each; `html` renders their templates, and other modules are shared.

They are installed at the first request for a page: programs and feed readers need none, and cold starts are shorter.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.routing import Route

_Endpoint = Callable[[Request], Awaitable[Response] | Response]

MODULES = (
    "day",
    "archive",
    "owner",
    "saved",
    "feed",
    "follow",
    "similar",
    "paper",
    "review",
    "search",
    "build",
    "edit",
    "learned",
    "settings",
    "contract",
    "vote",
    "deliveries",
    "make",
    "unapi",
)


class Pages:
    """The routes of a module. They are Starlette's: FastAPI's parameters and schemas, which pages do not have, would
    take a tenth of a second of a cold start.
    """

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(self, path: str) -> Callable[[_Endpoint], _Endpoint]:
        """Decorate what answers GET at `path`."""
        return self._adding(path, "GET")

    def post(self, path: str) -> Callable[[_Endpoint], _Endpoint]:
        """Decorate what answers POST at `path`."""
        return self._adding(path, "POST")

    def _adding(self, path: str, method: str) -> Callable[[_Endpoint], _Endpoint]:
        def add(endpoint: _Endpoint) -> _Endpoint:
            route = Route(path, endpoint, methods=[method], include_in_schema=False)
            route.methods = {method}  # an earlier layer answers HEAD
            self.routes.append(route)
            return endpoint

        return add


def install(app: FastAPI) -> None:
    """Add the routes of all pages, before those of the API, which has none of their paths."""
    routes = [route for name in MODULES for route in import_module(f"api.pages.{name}").router.routes]
    app.router.routes[:0] = routes
