"""The web pages: one module for each; `html` renders their templates, and other modules are shared.

A page is installed at the first request for one of its kind: cold starts are shorter.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.routing import Route

_Endpoint = Callable[[Request], Awaitable[Response] | Response]

# By the first part of their addresses, in the order in which the routes are looked at
MODULES: dict[str, tuple[str, ...]] = {
    "": ("day",),
    "build": ("build",),
    "day": ("day",),
    "days": ("archive",),
    "docs": ("contract",),
    "feeds": ("archive", "feed"),
    "follow": ("follow",),
    "make": ("make",),
    "marks": ("owner",),
    "papers": ("peek", "similar", "paper"),
    "reviews": ("review",),
    "saved": ("saved",),
    "search": ("search",),
    "settings": ("edit", "learned", "settings", "deliveries"),
    "sign-in": ("owner",),
    "sign-out": ("owner",),
    "unapi": ("unapi",),
    "unsubscribe": ("deliveries",),
    "vote": ("vote",),
}


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


class Installed:
    """The pages of an application: the routes of those that were asked for, before the routes of the API, which has
    none of their paths.
    """

    def __init__(self) -> None:
        self._parts: set[str] = set()

    def add(self, app: FastAPI, path: str) -> None:
        """Add the routes of the pages whose addresses begin as `path` does, unless they are there."""
        part = first_part(path)
        if part in self._parts or part not in MODULES:
            return
        routes = [route for name in MODULES[part] for route in import_module(f"api.pages.{name}").router.routes]
        app.router.routes[:0] = [route for route in routes if first_part(route.path) == part]
        self._parts.add(part)


def first_part(path: str) -> str:
    """Returns the first part of a path, without its format."""
    return path[1:].partition("/")[0].partition(".")[0]
