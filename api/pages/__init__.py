"""The web pages: one module for each, `html` makes them of the templates, the rest is shared.

They are put in place when one of them is asked for first: programs and feed readers need none, and a cold start is
shorter without them.
"""

from importlib import import_module

from fastapi import FastAPI

MODULES = ("day", "feed", "paper", "review", "search", "build", "edit", "settings", "contract")


def install(app: FastAPI) -> None:
    """Serve the pages."""
    for name in MODULES:
        app.include_router(import_module(f"api.pages.{name}").router)
