"""The application for a wrong configuration: explains the problems, and how to fix them."""

from html import escape

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from api.observe import Observed
from core.model.errors import ConfigError

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # the page loads no files
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Paperwire: one step left</title>
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>Paperwire is deployed, and needs one more step</h1>
{}
<p>After that, deploy again and load this page. <code>/api/health</code> says the same for machines.</p>"""


def explain_config(error: ConfigError) -> ASGIApp:
    """Returns an application that answers every request with status 503: a page at `/`, problems elsewhere."""
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in error.problems)
    page = _PAGE.format(paragraphs)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"] == "/":
            headers = {"Cache-Control": "no-store", "Retry-After": "60", "Content-Security-Policy": _POLICY}
            await Response(page, 503, headers, "text/html")(scope, receive, send)
        else:
            answer = problem(503, "config", "Not configured yet", "\n".join(error.problems), {"Retry-After": "60"})
            await answer(scope, receive, send)

    return Observed(app)


async def _live(receive: Receive, send: Send) -> None:
    """Confirm startup and shutdown without doing anything (ASGI, lifespan)."""
    for answer in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
        await receive()
        await send({"type": answer})
