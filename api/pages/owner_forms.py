"""Forms that only the owner may send: read within bounds, from this service's own pages, and with the token.

There are no cookies, so that a page of somebody else can have a browser send nothing that would be accepted: it does
not know the token. Wrong tokens are answered slowly, and counted in the store for each client address, over all
instances: after `MOST_WRONG` in an hour that address has to wait, even with the right one. They are not counted for
everybody together, or any stranger could keep the owner out. Where the address of clients is not known (a proxy that
the server does not trust), all of them are one.
"""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request

from api.limits import client_of
from api.observe import MOST_BODY
from api.urls import base_url
from core.app import Paperwire
from core.archive.overrides import read_saved
from core.config.overrides import Rules, rules_in_force
from core.model.errors import Conflict, PaperwireError, Refused, StoreError, TooMuch
from core.model.saved import Change
from core.store import keys

log = logging.getLogger("paperwire")

BODY_SECONDS = 5.0  # in which a form has to be there
MOST_FIELDS = 400
MOST_WRONG = 20
WRONG_SECONDS = 1.0  # how long a wrong token waits for its answer
HOUR = 3600
_SAME_SITE = ("same-origin", "none")

Form = Mapping[str, list[str]]


class NotAllowed(PaperwireError):
    """The token is not right, or too many were not. `status` is what HTTP calls that."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing was saved: the `field` that has to be changed ("" for none), in words, and as HTTP says it."""

    status: int
    field: str
    text: str
    headers: Mapping[str, str]


EXPECTED = (Refused, NotAllowed, Conflict, TooMuch, StoreError)
_UNANSWERED = "The store does not answer, so nothing was saved; the log of the service says why. Try again in a moment."


def explain(error: PaperwireError) -> Failure:
    """What to tell of one of the `EXPECTED` errors."""
    match error:
        case Refused():
            return Failure(422, error.field, str(error), {})
        case NotAllowed():
            return Failure(error.status, "token", str(error), {"Retry-After": str(HOUR)} if error.status == 429 else {})
        case Conflict():
            return Failure(409, "", str(error), {})
        case StoreError():  # where the store lies is for the log
            log.warning("nothing was saved: %s", error)
            return Failure(503, "", _UNANSWERED, {"Retry-After": "10"})
    return Failure(422, "", str(error), {})


def first(form: Form, name: str) -> str:
    """The value of a field that is sent once, without line breaks and the like around it; "" if it was not."""
    return form.get(name, [""])[0].strip()


def version_of(form: Form) -> int:
    """Which version of what is saved the sender has seen. Raises `Conflict` for none."""
    try:
        return int(first(form, "version"))
    except ValueError:
        raise Conflict("It is not known which feeds this is to change. Look at them, and save again.") from None


async def load(wire: Paperwire) -> tuple[Rules, tuple[Change, ...]]:
    """The rules as they are stored right now, and the changes that led to them. Raises `StoreError`.

    What this process believes is some seconds old: who has just saved something may be answered by another one.
    """
    saved, history = await read_saved(wire.store)
    return rules_in_force(wire.settings.feeds, saved), history


async def read_form(request: Request) -> Form:
    """The fields of a form, as they were sent. Raises `HTTPException` for what no form of these pages sends."""
    _check_site(request)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Forms are sent as application/x-www-form-urlencoded.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read_body(request)
    except TimeoutError:
        raise HTTPException(408, f"The form was not there after {BODY_SECONDS:g} s.", {"Connection": "close"}) from None
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(422, f"A form has up to {MOST_FIELDS} fields, in UTF-8.") from None


async def check_token(request: Request, wire: Paperwire, sent: str) -> None:
    """Return if `sent` is the owner's token. Raises `NotAllowed`; `StoreError` if it cannot be counted."""
    token = wire.settings.admin_token
    if not token:
        raise NotAllowed(403, "There is no token: set ADMIN_TOKEN in the environment of this service, and restart it.")
    client = client_of(request.scope, dict(request.scope["headers"]), vercel=bool(wire.settings.vercel))
    counter = f"{keys.WRONG_TOKENS}:{client}"
    too_many = NotAllowed(429, "There were too many wrong tokens from your address. Try again in an hour.")
    if not await wire.store.take(counter, 0, MOST_WRONG - 1, HOUR):
        raise too_many
    if hmac.compare_digest(sha256(sent.strip().encode()).digest(), sha256(token.encode()).digest()):
        return
    counted = await wire.store.take(counter, 1, MOST_WRONG, HOUR)
    log.warning("the settings were refused to somebody with a wrong token")
    await asyncio.sleep(WRONG_SECONDS)
    if not counted:
        raise too_many
    raise NotAllowed(403, "That is not the token. It is the value of ADMIN_TOKEN in the environment of this service.")


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise HTTPException(413, f"A form has up to {MOST_BODY:,} bytes.", {"Connection": "close"})
    return bytes(body)


def _check_site(request: Request) -> None:
    """Refuse what a page of another site sent. Browsers say where a form comes from; others need not."""
    site, origin = (request.headers.get(name) for name in ("Sec-Fetch-Site", "Origin"))
    own = {request.headers.get("Host", ""), urlsplit(base_url(request)).netloc}
    # Pages without referrer, as these are, have the origin "null"
    is_own = site in _SAME_SITE if site else origin in (None, "null") or urlsplit(origin or "").netloc in own
    if not is_own:
        raise HTTPException(403, "This form was sent from a page of another site.")
