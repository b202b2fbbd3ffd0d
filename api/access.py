"""What only the owner may command over HTTP, and how they show that they are it.

Private copies: where `FEED_KEY` is set, feeds, API and pages open only with `?key=`, the key or a signature."""

import hmac
import logging
import re
from urllib.parse import unquote_plus

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Problem
from api.resource import wire_of
from api.trace import CURRENT
from api.urls import SENT_KEY, own_path
from core.config.settings import Settings
from core.util.signing import KEY, sign


def check_token(request: Request, what: str) -> None:
    """Raise a 401 unless the request has `Authorization: Bearer …` with `CRON_SECRET` or `ADMIN_TOKEN`.

    `what` is off where neither is set; it begins the sentence that says so.
    """
    settings = wire_of(request).settings
    secrets = [secret for secret in (settings.cron_secret, settings.admin_token) if secret]
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    matches = [hmac.compare_digest(sent.strip().encode(), secret.encode()) for secret in secrets]
    if scheme.lower() != "bearer" or not any(matches):
        hint = (
            "" if secrets else f"{what} over HTTP is off: set ADMIN_TOKEN (or CRON_SECRET for a cron) to turn it on. "
        )
        raise HTTPException(
            401,
            f"{hint}Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
            {"WWW-Authenticate": "Bearer"},
        )


# These have secrets of their own, or tell nothing that is anybody's own
OPEN = frozenset({"/api/refresh", "/api/work", "/api/health", "/docs", "/openapi.json"})
_COMMANDS = re.compile(r"/api/papers/.+/(?:review|summaries/[\w.-]+)")  # need the owner's token where they are posted
_FILE = re.compile(r"/[\w-]+\.(?:css|js|svg|ico|png|txt)")
_IN_LOG = re.compile(rf"(?<=[?&]{KEY}=)[^&\s\"]+")
_NAME = f"{KEY}=".encode()


class PrivateCopy:
    """Lets through what shows the key; takes it out of the query, so that nothing behind this handles or logs it.

    Without a `FEED_KEY` everybody is let through, also who still sends a key.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._secret = settings.feed_key
        if self._secret:
            logging.getLogger("uvicorn.access").addFilter(_redact)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http" or not (self._secret or _NAME in scope["query_string"]):
            await self._app(scope, receive, send)
            return
        query, sent = _taken_out(scope["query_string"])
        scope = {**scope, "query_string": query}
        if self._secret:
            path = own_path(scope)
            is_open = path in OPEN or _FILE.fullmatch(path) or (scope["method"] == "POST" and _COMMANDS.fullmatch(path))
            if not (is_open or self._opens(sent, path, query.decode("latin-1"))):
                await _refuse(scope, receive, send)
                return
            scope[SENT_KEY] = sent
            if trace := CURRENT.get():
                trace.is_owner = hmac.compare_digest(sent.encode(), self._secret.encode())
        await self._app(scope, receive, send)

    def _opens(self, sent: str, path: str, query: str) -> bool:
        url = f"{path}?{query}" if query else path
        right = (self._secret, sign(self._secret, url))
        # Both are compared, each in a time that does not tell how much of it was right
        return sum(hmac.compare_digest(sent.encode(), key.encode()) for key in right) > 0


def _taken_out(query: bytes) -> tuple[bytes, str]:
    """The query without the key, and the key."""
    tokens = query.split(b"&")
    keys = [token for token in tokens if token.startswith(_NAME)]
    rest = b"&".join(token for token in tokens if not token.startswith(_NAME))
    return rest, unquote_plus(keys[0].removeprefix(_NAME).decode("latin-1")) if keys else ""


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    detail = (
        "This is a private copy. Add ?key=… to the address, with its FEED_KEY or with the signature of this very feed; "
        "the addresses that its pages show have it."
    )
    told = Problem(401, "private", "A key is needed", detail)
    await told.answer(Request(scope))(scope, receive, send)


def _redact(record: logging.LogRecord) -> bool:
    """Keys out of the server's own log of requests."""
    if isinstance(record.args, tuple):
        record.args = tuple(_IN_LOG.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True
