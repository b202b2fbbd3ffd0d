"""Forms that change something: parsed with limits, only from this service's own pages, with errors for people.

Forms with the token need no more: another site's page does not have it (`api.access`). Those that a session allows must
come from a page of this service (`api.session`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from api.access import NotAllowed
from api.body import read_body
from api.errors import refusal_text
from api.headers import NOT_KEPT
from api.session import check_own_page, owner_of
from api.urls import base_url, page_url
from core.app import Paperwire
from core.archive.marks import OwnerState
from core.config.overrides import Rules, rules_in_force
from core.model.errors import Conflict, PaperwireError, Refused, StoreError, TooMuch
from core.model.saved import Change

log = logging.getLogger("paperwire")

MOST_FIELDS = 400
_SAME_SITE = ("same-origin", "none")

Form = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class FormFailure:
    """The reason why nothing was saved: the `field` to change ("" for none), a text, and the HTTP status."""

    status: int
    field: str
    text: str
    headers: Mapping[str, str]


EXPECTED = (Refused, NotAllowed, Conflict, TooMuch, StoreError)
_UNANSWERED = "{}, so nothing was saved; the log of the service says why. Try again in a moment."


def failure_of(error: PaperwireError) -> FormFailure:
    """Returns the reason why one of the `EXPECTED` errors prevented saving."""
    match error:
        case Refused():
            return FormFailure(422, error.field, str(error), {})
        case NotAllowed():
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return FormFailure(error.status, "token", str(error), headers)
        case Conflict():
            return FormFailure(409, "", str(error), {})
        case StoreError():  # the location of the store is only logged
            log.warning("nothing was saved: %s", error)
            return FormFailure(503, "", _UNANSWERED.format(refusal_text(error).capitalize()), {"Retry-After": "10"})
    return FormFailure(422, "", str(error), {})


def first(form: Form, name: str) -> str:
    """Returns the value of a field that is sent once, stripped of white space; "" if it is missing."""
    return form.get(name, [""])[0].strip()


def version_of(form: Form) -> int:
    """Returns the version of the overrides that the sender has seen. Raises `Conflict` if it is missing."""
    try:
        return int(first(form, "version"))
    except ValueError:
        raise Conflict("It is not known which feeds this is to change. Look at them, and save again.") from None


async def load(wire: Paperwire) -> tuple[Rules, tuple[Change, ...]]:
    """Returns the rules as stored now, and the history of their changes. Raises `StoreError`.

    The snapshot may be seconds old, and another process may have saved a change since then.
    """
    saved, history = await wire.archive.overrides.read()
    return rules_in_force(wire.settings.feeds, saved), history


async def read_owner_form(request: Request) -> tuple[Form, OwnerState | None]:
    """Returns the fields of a form of our own pages, and what the store has for the owner; None for strangers.

    Raises as `read_form`, and `HTTPException` (403) for what another site sent.
    """
    form = await read_form(request)
    check_own_page(request)
    return form, await owner_of(request)


def to_sign_in(request: Request) -> Response:
    """Lead to the page to sign in."""
    return RedirectResponse(page_url(request, "/sign-in"), 303, NOT_KEPT)


async def read_form(request: Request) -> Form:
    """Returns the fields of a form, as sent. Raises `HTTPException` for anything that these pages do not send."""
    _check_site(request)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Forms are sent as application/x-www-form-urlencoded.")
    body = await read_body(request, what="form")
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(422, f"A form has up to {MOST_FIELDS} fields, in UTF-8.") from None


def _check_site(request: Request) -> None:
    """Refuse forms from pages of other sites. Browsers send the origin of a form; other clients need not."""
    site, origin = (request.headers.get(name) for name in ("Sec-Fetch-Site", "Origin"))
    own = {request.headers.get("Host", ""), urlsplit(base_url(request)).netloc}
    # Pages without a referrer, as these are, have the origin "null"
    is_own = site in _SAME_SITE if site else origin in (None, "null") or urlsplit(origin or "").netloc in own
    if not is_own:
        raise HTTPException(403, "This form was sent from a page of another site.")
