"""The web pages: one module for each; `html` renders their templates, and other modules are shared.

They are installed at the first request for a page: programs and feed readers need none, and cold starts are shorter.
"""

from importlib import import_module

from fastapi import FastAPI

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


def install(app: FastAPI) -> None:
    """Add the routes of all pages."""
    for name in MODULES:
        app.include_router(import_module(f"api.pages.{name}").router)
