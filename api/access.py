"""Access control: the owner's token, the key and signatures of a private copy, and the client of a request.

Private copies: if `FEED_KEY` is set, feeds, API and pages require `?key=` with the key or a signature. Every change
requires the owner's token, also with the key.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from time import time
from urllib.parse import unquote_plus

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.body import read_body
from api.errors import Problem, of_error
from api.trace import CURRENT
from api.urls import SENT_KEY, own_path
from core.app import Paperwire
from core.config.settings import Settings
from core.model.errors import PaperwireError, StoreError
from core.util.signing import KEY, SIGNATURE_LENGTH, fingerprint, is_one_of, sign

log = logging.getLogger("paperwire")

WRONG_SECONDS = 1.0  # delay of the answer to a wrong token
_NETWORK = 64  # prefix bits of an IPv6 address that identify one customer


def has_token(settings: Settings, authorization: bytes) -> bool:
    """Returns whether the header `Authorization` is `Bearer` with `CRON_SECRET` or `ADMIN_TOKEN`."""
    scheme, _, sent = authorization.decode("utf-8", "surrogateescape").partition(" ")
    return scheme.lower() == "bearer" and is_one_of(sent.strip(), settings.cron_secret, settings.admin_token)


def check_token(request: Request, what: str) -> None:
    """Raise a 401 unless the request has the owner's token.

    `what` names the operation for the error; without a configured token it is off.
    """
    settings: Settings = request.app.state.wire.settings
    if has_token(settings, dict(request.scope["headers"]).get(b"authorization", b"")):
        return
    is_off = not (settings.cron_secret or settings.admin_token)
    hint = f"{what} over HTTP is off: set ADMIN_TOKEN (or CRON_SECRET for a cron) to turn it on. " if is_off else ""
    raise HTTPException(
        401,
        f"{hint}Send the header `Authorization: Bearer …` with the value of CRON_SECRET or ADMIN_TOKEN.",
        {"WWW-Authenticate": "Bearer"},
    )


class NotAllowed(PaperwireError):
    """The token is wrong, or too many tokens were wrong: `status` is the HTTP status, `retry_after` in seconds."""

    def __init__(self, status: int, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


async def signed_key(request: Request) -> str:
    """Returns the key of a step that QStash delivers, "" for a request without its signature.

    Raises a 401 for a signature that is wrong, too old, or of another address.
    """
    signature = request.headers.get("Upstash-Signature")
    if signature is None:
        return ""
    from core.queue.qstash import is_signed  # not at a cold start

    settings: Settings = request.app.state.wire.settings
    keys = (settings.qstash_current_signing_key, settings.qstash_next_signing_key)
    url, body = f"{settings.public_url}{request.url.path}", await read_body(request)
    if body and is_signed(signature, keys, url=url, body=body, now=time()):
        return body.decode("utf-8", "replace")
    raise HTTPException(
        401,
        "The signature is not one of QStash for this address: see that QSTASH_CURRENT_SIGNING_KEY and "
        "QSTASH_NEXT_SIGNING_KEY are those of its console, and BASE_URL the public address.",
        {"WWW-Authenticate": "Bearer"},
    )


async def check_form_token(request: Request, sent: str) -> None:
    """Check that `sent`, a field of a form, is the owner's token. Raises `NotAllowed`, and `StoreError`.

    The right token always passes: no client can lock the owner out, whatever its address. A wrong one is answered with
    a delay, and after too many from one client without further ado.
    """
    wire: Paperwire = request.app.state.wire
    token = wire.settings.admin_token
    if not token:
        raise NotAllowed(403, "There is no token: set ADMIN_TOKEN in the environment of this service, and restart it.")
    if is_one_of(sent.strip(), token):
        return
    log.warning("a change of the settings was refused: wrong token")
    if seconds := request.app.state.limits.wrong_again(CURRENT.get()):
        raise NotAllowed(429, f"There were too many wrong tokens from your address. Wait {seconds} s.", seconds)
    await asyncio.sleep(WRONG_SECONDS)
    raise NotAllowed(403, "That is not the token. It is the value of ADMIN_TOKEN in the environment of this service.")


def client_of(scope: Scope, headers: Mapping[bytes, bytes], *, vercel: bool) -> str:
    """Returns the address of a client, or its IPv6 network.

    Vercel sets `X-Real-IP` itself. Elsewhere it is the address that the server reports: that of the socket, or that
    which a trusted proxy reports (uvicorn's FORWARDED_ALLOW_IPS, by default only loopback).
    """
    known = headers.get(b"x-real-ip", b"").decode("latin-1") if vercel else ""
    text = known or (scope["client"][0] if scope.get("client") else "")
    try:
        address = ip_address(text)
    except ValueError:
        return fingerprint("client", text)
    network = ip_network((address, _NETWORK), strict=False) if address.version == 6 else address
    return fingerprint("client", str(network))


# These paths have secrets of their own, or show no data of the owner
OPEN = frozenset({"/api/refresh", "/api/work", "/api/health", "/docs", "/openapi.json"})
_COMMANDS = re.compile(r"/api/papers/.+/(?:review|summaries/[\w.-]+)")  # need the owner's token where they are posted
# Votes and libraries, which always need the owner's token, and links in messages, which have signatures of their own
_OWNERS = re.compile(r"/api/feeds/[\w-]+/(?:votes|library|learned)(?:/\w+)?|/(?:vote|unsubscribe)/.*")
_FILE = re.compile(r"/[\w-]+\.(?:css|js|svg|ico|png|txt)")
_IN_LOG = re.compile(rf"(?<=[?&]{KEY}=)[^&\s\"]+")
_NAME = f"{KEY}=".encode()


class PrivateCopy:
    """Passes requests with the key, and removes it from the query: later code neither handles nor logs it.

    Without a `FEED_KEY` all requests pass, also those with a key.
    """

    def __init__(self, app: ASGIApp, wire: Paperwire) -> None:
        self._app, self._wire = app, wire
        self._secret = wire.settings.feed_key
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
            is_open = (
                path in OPEN
                or _FILE.fullmatch(path)
                or _OWNERS.fullmatch(path)
                or (scope["method"] == "POST" and _COMMANDS.fullmatch(path))
            )
            try:
                is_valid = is_open or await self._opens(path, query, sent)
            except StoreError as error:  # what was revoked is not known
                await of_error(error).answer(Request(scope))(scope, receive, send)
                return
            if not is_valid:
                await _refuse(scope, receive, send)
                return
            scope[SENT_KEY] = sent
            if trace := CURRENT.get():
                trace.is_owner = is_one_of(sent, self._secret)
        await self._app(scope, receive, send)

    async def _opens(self, path: str, query: bytes, sent: str) -> bool:
        """Returns whether `sent` is the key, or a signature of this address that was not revoked. Raises `StoreError`.

        What was revoked is in the store, which is asked only about what may be a signature.
        """
        if not sent or is_one_of(sent, self._secret):
            return bool(sent)
        url = f"{path}?{query.decode('latin-1')}" if query else path
        if len(sent) != SIGNATURE_LENGTH:
            return False
        if self._wire.peek() is None:
            await self._wire.snapshot("" if query else self._wire.archive.rendered.slot(path))
        return is_one_of(sent, sign(self._secret, url, self._wire.rules.saved.revoked))


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
    problem = Problem(401, "private", "A key is needed", detail)
    await problem.answer(Request(scope))(scope, receive, send)


def _redact(record: logging.LogRecord) -> bool:
    """Removes keys from the server's access log."""
    if isinstance(record.args, tuple):
        record.args = tuple(_IN_LOG.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True
