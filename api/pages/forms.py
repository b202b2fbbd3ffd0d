"""Forms that change something: read within bounds and from this service's own pages; and why nothing was saved.

There are no cookies, so that a page of somebody else can have a browser send nothing that would be accepted: it does
not know the token, which `api.access` checks.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request

from api.access import HOUR, NotAllowed
from api.observe import MOST_BODY
from api.urls import base_url
from core.app import Paperwire
from core.config.overrides import Rules, rules_in_force
from core.model.errors import Conflict, PaperwireError, Refused, StoreError, TooMuch
from core.model.saved import Change

log = logging.getLogger("paperwire")

BODY_SECONDS = 5.0  # in which a form has to be there
MOST_FIELDS = 400
_SAME_SITE = ("same-origin", "none")

Form = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class FormFailure:
    """Why nothing was saved: the `field` that has to be changed ("" for none), in words, and as HTTP says it."""

    status: int
    field: str
    text: str
    headers: Mapping[str, str]


EXPECTED = (Refused, NotAllowed, Conflict, TooMuch, StoreError)
_UNANSWERED = "The store does not answer, so nothing was saved; the log of the service says why. Try again in a moment."


def failure_of(error: PaperwireError) -> FormFailure:
    """Why one of the `EXPECTED` errors kept anything from being saved."""
    match error:
        case Refused():
            return FormFailure(422, error.field, str(error), {})
        case NotAllowed():
            return FormFailure(
                error.status, "token", str(error), {"Retry-After": str(HOUR)} if error.status == 429 else {}
            )
        case Conflict():
            return FormFailure(409, "", str(error), {})
        case StoreError():  # where the store lies is for the log
            log.warning("nothing was saved: %s", error)
            return FormFailure(503, "", _UNANSWERED, {"Retry-After": "10"})
    return FormFailure(422, "", str(error), {})


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

    The snapshot may be some seconds old, and the last change may have been saved by another process.
    """
    saved, history = await wire.archive.overrides.read()
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
